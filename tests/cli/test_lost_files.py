"""A clip that is named was looked at: lost and changed files are collected again, or the answer says so."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from rushes.testing.process import ProviderProcess, running
from tests.cli.terminal import Terminal

WORDS = ("--model", "lab/priced", "--seconds", "1", "--yes")

SECRET = "-----BEGIN OPENSSH PRIVATE KEY-----"

DAMAGED, NOT_COPIED = 11, 12


@pytest.fixture(scope="module")
def provider(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ProviderProcess]:
    with running(tmp_path_factory.mktemp("provider") / "creates.log", footage="160x96x0.5") as one:
        yield one


@pytest.fixture
def paid(terminal: Terminal, provider: ProviderProcess) -> Terminal:
    """A terminal with a paid engine, ten cents a second."""
    terminal.settings(f'[engines.lab]\nengine = "scripted"\nbase_url = "{provider.base_url}"\n')
    return terminal


def make(terminal: Terminal, prompt: str, *words: str) -> dict[str, Any]:
    """Make a clip that has to come out; return the answer."""
    answer: dict[str, Any] = terminal.json("create", prompt, *WORDS, *words)
    return answer


def path_of(answer: dict[str, Any]) -> Path:
    return Path(answer["clips"][0]["path"])


def _delete(path: Path) -> None:
    path.unlink()


def _empty(path: Path) -> None:
    path.write_bytes(b"")


def _change(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)


@pytest.mark.parametrize("damage", [_delete, _empty, _change])
def test_the_same_words_bring_a_lost_file_back(
    paid: Terminal, provider: ProviderProcess, damage: Callable[[Path], None], tmp_path: Path
) -> None:
    """C09: create, with --out and in a batch, and wait name a file that is there; it was bought once."""
    prompt = f"a forest, {damage.__name__}"
    first = make(paid, prompt)
    path, whole = path_of(first), path_of(first).read_bytes()
    damage(path)
    again = make(paid, prompt, "--out", str(tmp_path / "copy.mp4"))
    assert (path_of(again).read_bytes(), (tmp_path / "copy.mp4").read_bytes()) == (whole, whole)
    damage(path)
    assert path_of(paid.json("wait", first["job"]["id"])).read_bytes() == whole
    damage(path)
    line = f'{{"prompt": "{prompt}", "model": "lab/priced", "seconds": 1, "out": "line.mp4"}}\n'
    (paid.home / "shots.jsonl").write_text(line)
    paid.json("create", "--batch", "shots.jsonl", "--yes")

    assert (path.read_bytes(), (paid.home / "line.mp4").read_bytes()) == (whole, whole)
    assert len(provider.log(prompt)) == 1


def test_what_cannot_be_brought_back_is_said(
    paid: Terminal, provider: ProviderProcess, tmp_path: Path
) -> None:
    """C09: no door says that all is well of a file that is gone, and nothing is bought for it."""
    first = make(paid, "a lost ledger")
    paid.stop_worker()
    for file in paid.home.glob("ledger.*"):
        file.unlink()
    paid.json("library", "rebuild")
    job, clip, out = first["job"]["id"], first["clips"][0]["id"], tmp_path / "copy.mp4"
    looked = paid.run("look", clip)
    path_of(first).unlink()
    doors = {
        "create": paid.run("create", "a lost ledger", *WORDS, "--out", str(out)),
        "create, JSON": paid.run("create", "a lost ledger", *WORDS, "--json"),
        "wait": paid.run("wait", job),
        "job": paid.run("job", job),
        "clip": paid.run("clip", clip),
        "look": paid.run("look", clip),
        "look at the job": paid.run("look", job),
        "open": paid.run("open", clip),
    }

    assert looked.code == 0, looked
    assert {name: said.code for name, said in doors.items()} == dict.fromkeys(doors, DAMAGED)
    for name, said in doors.items():
        assert f"the file of clip {clip} is missing" in said.out + said.err, name
    assert "--again" in doors["create"].out
    assert doors["create, JSON"].json()["error"]["code"] == "library_damaged"
    assert "file missing" in paid.run("clips").out
    assert not out.exists()
    assert len(provider.log("a lost ledger")) == 1


def test_a_clip_that_its_provider_has_no_more_is_said_to_be_lost(
    paid: Terminal, provider: ProviderProcess
) -> None:
    """C09: what was asked for again and is gone there, too, fails with that, and buys nothing."""
    first = make(paid, "a short memory")
    path_of(first).unlink()
    provider.script("a short memory", render={"outcome": "expired"}, candidates=["gone"])
    paid.settings((paid.home / "config.toml").read_text())
    said = paid.run("create", "a short memory", *WORDS, "--timeout", "2")

    assert said.code != 0
    assert str(path_of(first)) not in said.out
    assert len(provider.log("a short memory")) == 1


def test_pictures_and_sidecar_are_made_again_for_who_asks(paid: Terminal) -> None:
    """C09: after create of the same words the sheet and the sidecar that it names are there."""
    first = make(paid, "a bare clip")
    sheet, side = Path(first["clips"][0]["sheet"]), path_of(first).with_suffix(".json")
    sheet.unlink()
    side.unlink()
    make(paid, "a bare clip")

    assert sheet.is_file()
    assert side.is_file()
    assert paid.json("library", "verify")["flaws"] == []


@pytest.mark.skipif(sys.platform == "win32", reason="a link needs a right that Windows does not give")
def test_a_link_in_a_clips_place_is_not_followed_by_any_command(paid: Terminal, tmp_path: Path) -> None:
    """F11: look, open, clip and create never read what a link leads to; pictures replace links."""
    first = make(paid, "a linked clip")
    secret = tmp_path / "id_rsa"
    secret.write_text(SECRET)
    path, id = path_of(first), first["clips"][0]["id"]
    frame = path.with_name(f"{path.stem}.look-0.1s.jpg")
    frame.symlink_to(secret)
    paid.json("look", id, "--at", "0.1")
    path.unlink()
    path.symlink_to(secret)
    said = [paid.run(*words) for words in (("look", id), ("open", id, "--json"), ("clip", id))]
    make(paid, "a linked clip")

    assert [one.code for one in said] == [DAMAGED] * 3
    assert SECRET not in "".join(one.out + one.err for one in said)
    assert not frame.is_symlink()
    assert not path.is_symlink()
    assert secret.read_text() == SECRET


def test_a_copy_that_cannot_be_made_is_an_error(
    paid: Terminal, provider: ProviderProcess, tmp_path: Path
) -> None:
    """C09: with --out a clip without its copy is no success, and the clip is named."""
    provider.script("no copy", render={"seconds": 4.0})
    out = tmp_path / "folder" / "copy.mp4"
    words = paid.command("create", "no copy", *WORDS, "--out", str(out))
    with subprocess.Popen(words, env=paid.environ, stdout=subprocess.PIPE, text=True) as creating:
        while not provider.log("no copy"):
            assert creating.poll() is None
            time.sleep(0.05)
        out.parent.rmdir()
        out.parent.write_text("a file where the folder was")
        told, _ = creating.communicate(timeout=60)

    assert creating.returncode == NOT_COPIED
    assert f"it could not be copied to {out}: {out.parent} is a file, not a folder" in told
    assert path_of({"clips": paid.json("clips", "no copy")}).is_file()


def test_a_name_that_is_too_long_is_refused(paid: Terminal) -> None:
    """Nothing is stored for a copy that can have no such name."""
    said = paid.run("create", "a long name", *WORDS, "--out", "n" * 300 + ".mp4")

    assert said.code == 2, said
    assert "longer than the disk allows" in said.err
    assert paid.json("jobs") == []


def test_a_question_that_nobody_answers_copies_no_reference(paid: Terminal, tmp_path: Path) -> None:
    """B13: what is not agreed to leaves no copy of a picture behind."""
    from PIL import Image

    Image.new("RGB", (64, 64), (10, 20, 30)).save(tmp_path / "a.png")
    words = ("create", "a picture", "--model", "lab/priced", "--first-frame", str(tmp_path / "a.png"))
    said = paid.run(*words)

    assert said.code == 6, said
    assert not (paid.home / "references").exists()


def test_a_collected_clip_does_not_replace_an_edited_copy(paid: Terminal, tmp_path: Path) -> None:
    """A copy of --out is made once: bringing the clip back leaves what a person made of the copy alone."""
    out = tmp_path / "copy.mp4"
    first = make(paid, "an edited copy", "--out", str(out))
    assert out.read_bytes() == path_of(first).read_bytes()
    out.write_bytes(b"edited")
    path_of(first).unlink()
    paid.json("wait", first["job"]["id"])

    assert path_of(first).is_file()
    assert out.read_bytes() == b"edited"
