"""Keys that are kept: which place comes first, when the keyring is opened, and when a file is refused."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from rushes import settings
from rushes.domain.errors import BadSettings
from rushes.settings import EngineSettings

KEPT = "kept-in-the-file-0815"
IN_ENVIRONMENT = "from-the-environment-4711"
KEYRINGS = Path(__file__).parent / "keyrings"


def kept_file(home: Path, text: str = f'[file.fal]\nkey = "{KEPT}"\n', mode: int = 0o600) -> Path:
    """Write a file of keys as `rushes config set` does."""
    file = home / "keys.toml"
    file.write_text(text)
    file.chmod(mode)
    return file


def fal(home: Path, **variables: str) -> EngineSettings:
    found = settings.load({"RUSHES_HOME": str(home), **variables}, home).engine("fal")
    assert found is not None
    return found


def test_every_place_comes_before_the_next(tmp_path: Path) -> None:
    """A named variable, the settings file, the environment, `.env`, the keyring, the file of keys."""
    config, dotenv = tmp_path / "config.toml", tmp_path / ".env"
    keys = kept_file(
        tmp_path, f'[keyring.fal]\nkey = "2026-11-23T08:00:00+00:00"\n[file.fal]\nkey = "{KEPT}"\n'
    )
    config.write_text('[engines.fal]\nkey = "written"\nkey_env = "MINE"\n')
    dotenv.write_text("FAL_KEY=dotted\n")
    variables = {"FAL_KEY": "usual", "MINE": "named"}
    found = [fal(tmp_path, **variables)]
    config.write_text('[engines.fal]\nkey = "written"\n')
    found.append(fal(tmp_path, **variables))
    config.unlink()
    found.append(fal(tmp_path, **variables))
    found.append(fal(tmp_path))
    dotenv.unlink()
    in_keyring = fal(tmp_path)
    kept_file(tmp_path)
    found.append(fal(tmp_path))

    assert [one.options["key"] for one in found] == ["named", "written", "usual", "dotted", KEPT]
    assert [one.sources["key"] for one in found] == [
        "the environment variable MINE",
        "the settings file",
        "the environment variable FAL_KEY",
        f"FAL_KEY in {dotenv}",
        str(keys),
    ]
    assert not any(one.keyring for one in found)
    assert "key" not in in_keyring.options
    assert in_keyring.holds("key")
    assert in_keyring.sources["key"] == "the keyring, since 2026-11-23"


def test_a_kept_key_stands_in_for_a_variable_that_is_not_set(tmp_path: Path) -> None:
    """An engine whose named variable is not set uses the key that was kept for it, and misses none."""
    (tmp_path / "config.toml").write_text('[engines.fal]\nkey_env = "MINE"\n')
    kept_file(tmp_path)
    found = fal(tmp_path, FAL_KEY=IN_ENVIRONMENT)

    found.check_key()
    assert found.with_keys().options["key"] == KEPT


STRAY = "a-key-with-a-stray-byte"


def entered(home: Path, place: str, key: str) -> EngineSettings:
    """Return fal's settings with `key` in one of the places that keys come from."""
    variables = {}
    if place == "environment":
        variables["FAL_KEY"] = key
    elif place == "named variable":
        (home / "config.toml").write_text('[engines.fal]\nkey_env = "MINE"\n')
        variables["MINE"] = key
    elif place == "dotenv":
        (home / ".env").write_bytes(f"FAL_KEY='{key}'\n".encode())
    elif place == "settings file":
        (home / "config.toml").write_text(f"[engines.fal]\nkey = {json.dumps(key)}\n")
    else:
        kept_file(home, f"[file.fal]\nkey = {json.dumps(key)}\n")
    return fal(home, **variables)


PLACES = ["environment", "named variable", "dotenv", "settings file", "keys file"]


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("around", ["{}\r", "{}\n", "\ufeff{}", "  {}\t", "\xa0{}\r\n"], ids=repr)
def test_what_copying_left_around_a_key_is_taken_off(tmp_path: Path, place: str, around: str) -> None:
    """Line ends, the mark at the beginning of a file, spaces: wherever the key comes from (B1)."""
    assert entered(tmp_path, place, around.format(KEPT)).with_keys().options["key"] == KEPT


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("inside", ["\x07", "é", " ", "\u200b"], ids=repr)
def test_a_character_that_no_key_can_have_refuses_that_key(tmp_path: Path, place: str, inside: str) -> None:
    """At use, by option, engine and place, without the key; the settings of all others are read (B1)."""
    key = f"{STRAY}{inside}{STRAY}"
    found = entered(tmp_path, place, key)
    assert "key" not in found.options
    assert found.holds("key")
    for use in (found.check_key, found.with_keys):
        with pytest.raises(BadSettings) as caught:
            use()
        assert caught.value.message.startswith(
            f"the key of the engine fal ({found.sources['key']}) is not used"
        )
        assert "it has a character that no key can have" in caught.value.message
        assert "copy it again" in caught.value.next
        assert STRAY not in f"{caught.value.message} {caught.value.next}"
    assert STRAY not in repr(found)


def test_settings_made_by_a_program_are_looked_at_too(tmp_path: Path) -> None:
    """The same holds for a table that comes from no file; what is no secret stays as it is."""
    one = EngineSettings(name="lab", kind="openai-videos", options={"key": f"{KEPT}\r", "model": "é \r"})
    assert one.options == {"key": KEPT, "model": "é \r"}
    bad = EngineSettings(name="lab", kind="openai-videos", options={"key": f"{STRAY}\x00"})
    with pytest.raises(BadSettings, match="the key of the engine lab is not used"):
        bad.with_keys()


def test_every_secret_in_force_is_known(tmp_path: Path) -> None:
    """Keys from every place, our own token, proxies with a password, addresses with one (B1)."""
    kept_file(tmp_path, f'[file.openrouter]\nkey = "{KEPT}"\n')
    (tmp_path / "config.toml").write_text(
        '[engines.lab]\nengine = "scripted"\nkey = "of-the-lab"\nbase_url = "http://me:of-an-address@h:1"\n'
        'account = "me@example.com"\n'
    )
    variables = {
        "RUSHES_HOME": str(tmp_path),
        "FAL_KEY": IN_ENVIRONMENT,
        "RUSHES_MCP_TOKEN": "a-token-of-ours\r",
        "https_proxy": "http://me:of-a-proxy@h:1",
        "ALL_PROXY": "me:of-another-proxy@h:1",
        "HTTP_PROXY": "http://h:1",
    }
    found = settings.load(variables, tmp_path)
    assert found.mcp.token == "a-token-of-ours"
    assert sorted(found.secrets()) == sorted(
        [
            KEPT,
            "of-the-lab",
            "http://me:of-an-address@h:1",
            IN_ENVIRONMENT,
            "a-token-of-ours",
            "http://me:of-a-proxy@h:1",
            "http://me:of-another-proxy@h:1",
        ]
    )


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o622], ids=oct)
def test_a_file_that_others_can_open_is_refused(tmp_path: Path, mode: int) -> None:
    """Its keys are not used; the error names the cure, and holds for the engines that need it only."""
    file = kept_file(tmp_path, mode=mode)
    refused = fal(tmp_path)

    assert refused.options == {}
    for asked in (refused.check_key, refused.with_keys):
        with pytest.raises(BadSettings, match=f"mode is {mode:o}") as caught:
            asked()
        assert f"chmod 600 {file}" in caught.value.next
    assert fal(tmp_path, FAL_KEY=IN_ENVIRONMENT).with_keys().options["key"] == IN_ENVIRONMENT
    file.chmod(0o600)
    assert fal(tmp_path).options["key"] == KEPT


def test_a_file_in_a_folder_open_to_all_is_refused(tmp_path: Path) -> None:
    """Where everybody may put another file in its place, it is not used."""
    home = tmp_path / "open"
    home.mkdir()
    kept_file(home)
    home.chmod(0o777)

    with pytest.raises(BadSettings, match="everybody may write") as caught:
        fal(home).check_key()
    assert f"chmod o-w {home}" in caught.value.next


@pytest.mark.parametrize(
    "text",
    [f'[file.fal]\nkey = "{KEPT}\n', f'[file]\nfal = "{KEPT}"\n', f'[file.fal]\nkey = ["{KEPT}"]\n'],
    ids=["torn", "no table", "no text"],
)
def test_a_broken_file_is_told_without_its_keys(tmp_path: Path, text: str) -> None:
    """The error names the file and what to do, and repeats nothing of what stands in it."""
    file = kept_file(tmp_path, text)

    with pytest.raises(BadSettings, match=r"keys\.toml cannot be read") as caught:
        fal(tmp_path).check_key()
    assert str(file) in caught.value.next
    assert KEPT not in str(caught.value) + caught.value.next


def test_no_key_is_in_the_text_of_an_object(tmp_path: Path) -> None:
    """Neither settings nor what was read of the file show a key when they are printed."""
    kept_file(tmp_path)
    found = settings.load({"RUSHES_HOME": str(tmp_path)}, tmp_path)

    assert found.shipped["fal"].options["key"] == KEPT
    assert KEPT not in repr(found)


def test_a_changed_entry_of_the_keyring_is_seen(tmp_path: Path) -> None:
    """When a key is set anew the engine's settings differ, so a worker makes the engine anew."""
    kept_file(tmp_path, '[keyring.fal]\nkey = "2026-11-23T08:00:00+00:00"\n')
    before, same = fal(tmp_path), fal(tmp_path)
    kept_file(tmp_path, '[keyring.fal]\nkey = "2026-11-23T08:00:01+00:00"\n')

    assert before == same
    assert before != fal(tmp_path)


def test_a_keyring_that_does_not_answer_is_given_up(tmp_path: Path) -> None:
    """A read ends with an error that says what to do, and the process that asked ends, too."""
    program = (
        "from rushes.domain.errors import SetupError\n"
        "from rushes.settings.keys import InKeyring\n"
        "from rushes.settings.os_keyring import read\n"
        "try: read(InKeyring(entry='fal.key', since=''), to_set='fal.key', limit_s=0.2)\n"
        "except SetupError as error: print(error.message, '|', error.next)\n"
    )
    environ = {
        **os.environ,
        "PYTHONPATH": f"{KEYRINGS}{os.pathsep}{os.environ.get('PYTHONPATH', '')}",
        "PYTHON_KEYRING_BACKEND": "paper.Silent",
        "PAPER_KEYRING": str(tmp_path / "paper.json"),
    }
    done = subprocess.run(
        [sys.executable, "-c", program], env=environ, capture_output=True, text=True, timeout=60
    )

    assert done.returncode == 0, done.stderr
    assert "did not answer within 0.2 s while fal.key was read" in done.stdout
    assert "unlock the keyring" in done.stdout
