"""`rushes config`: settings changed for good, and keys that nobody else gets to see."""

from __future__ import annotations

import fcntl
import json
import os
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from rushes.testing.openrouter_service import KEY
from rushes.testing.standin_process import StandInProcess, running_standin
from tests.cli import leaky
from tests.cli.secret_home import entries, files_with, reads, typed, with_keyring
from tests.cli.terminal import Terminal

LOCKS = Path("/proc/locks")
SECRET = "a-very-secret-4711"
FILE = """\
# What I like
model = "animatic/storyboard"   # the free one

[budget]
per_day = 3      # be careful
# below: mine

[engines.lab]
engine = "scripted"
"""


@pytest.fixture(scope="module")
def openrouter(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StandInProcess]:
    log = tmp_path_factory.mktemp("openrouter") / "creates.jsonl"
    with running_standin("rushes.testing.openrouter_service:OpenRouterService", log) as service:
        yield service


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_a_setting_is_changed_where_it_stands(terminal: Terminal) -> None:
    """Comments, order and layout stay; the file keeps its mode; what was set is in force."""
    terminal.settings(FILE)
    config = terminal.home / "config.toml"
    config.chmod(0o640)
    for words in (("budget.per_day", "5.5"), ("engines.lab.key_env", "LAB"), ("lab.rate", "{ creates = 3 }")):
        assert terminal.run("config", "set", *words).code == 0

    expected = FILE.replace("per_day = 3 ", "per_day = 5.5 ")
    assert config.read_text() == expected + 'key_env = "LAB"\n\n[engines.lab.rate]\ncreates = 3\n'
    assert mode(config) == 0o640
    assert "$5.50 a day" in terminal.json("config")["budget"]


def test_a_first_setting_makes_a_file_for_its_owner(tmp_path: Path) -> None:
    """Without file and folder both are made, closed to others, and the one line says what was set."""
    terminal = Terminal(home=tmp_path / "new" / "home")
    terminal.home.parent.mkdir()
    made = subprocess.run(
        terminal.command("config", "set", "model", "cheap"), env=terminal.environ, cwd=tmp_path, check=True
    )

    assert made.returncode == 0
    assert (terminal.home / "config.toml").read_text() == 'model = "cheap"\n'
    assert (mode(terminal.home), mode(terminal.home / "config.toml")) == (0o700, 0o600)


def test_a_linked_file_stays_a_link(terminal: Terminal) -> None:
    """Where the settings file is a link, the file it leads to is changed."""
    (terminal.home / "elsewhere.toml").write_text('model = "cheap"\n')
    (terminal.home / "config.toml").symlink_to("elsewhere.toml")
    terminal.json("config", "set", "model", "fast")

    assert (terminal.home / "config.toml").is_symlink()
    assert (terminal.home / "elsewhere.toml").read_text() == 'model = "fast"\n'


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("budget.per_dya", "5"), "known: engines, per_day, per_job, per_month, timezone"),
        (("budget.per_day", "-- -5"), "it has to be an amount in dollars"),
        (("budget.per_day", "nan"), "it has to be an amount in dollars"),
        (("worker.idle", "5"), "known: idle_s"),
        (("lab.concurrency", "0"), "whole number from 1"),
        (("lab.engine", "nosuch"), "no engine of the kind 'nosuch' is installed"),
        (("nosuch.base_url", "http://x"), "there are: animatic, "),
        (("modle", "cheap"), "settings are model, budget.per_day"),
        (("budget.per_day",), "takes one value"),
        (("budget.per_day", "1", "2"), "takes one value"),
        (("openrouter.kye", SECRET), "their secret options are: openrouter.key"),
        (("fal.api_key", SECRET), "their secret options are: fal.key"),
        (("lab.kye", SECRET), "their secret options are: lab.key"),
        (("lab.key_env", SECRET), "takes the name of an environment variable"),
        (("lab.key", SECRET), "the list of processes"),
        (("engines.openai-videos.openai_key", SECRET, SECRET), "the list of processes"),
        ((f"lab.key={SECRET}",), "that is not the name of a setting"),
        ((SECRET,), "there is no setting of that name"),
    ],
    ids=lambda one: " ".join(one).replace(SECRET, "SECRET") if isinstance(one, tuple) else "",
)
def test_what_is_refused_changes_nothing(terminal: Terminal, words: tuple[str, ...], told: str) -> None:
    """The error says what is wrong and what is known, repeats no value, and nothing is kept."""
    terminal.settings(FILE)
    said = terminal.run("config", "set", *(part for word in words for part in word.split(" ", 1)))

    assert said.code in (2, 8)
    assert told in said.err
    assert SECRET not in said.out + said.err
    assert [file.name for file in terminal.home.iterdir()] == ["config.toml"]
    assert (terminal.home / "config.toml").read_text() == FILE


def test_what_is_unset_is_gone(terminal: Terminal) -> None:
    """A line goes, its neighbours stay; a second time it is an error."""
    terminal.settings(FILE)
    terminal.json("config", "unset", "budget.per_day")
    again = terminal.run("config", "unset", "budget.per_day")

    assert (terminal.home / "config.toml").read_text() == FILE.replace("per_day = 3      # be careful\n", "")
    assert again.code == 2
    assert "budget.per_day is not set" in again.err


def test_a_mistake_in_the_file_can_be_unset(terminal: Terminal) -> None:
    """A file that has one wrong line can be repaired by removing it."""
    terminal.settings("worker = 3\n")

    assert "worker is 3; it has to be a table" in terminal.run("config").out
    assert terminal.run("config", "unset", "worker").code == 0
    assert "worker is" not in terminal.run("config").out


def test_a_key_is_typed_unseen(terminal: Terminal) -> None:
    """At a terminal the key is asked for, not echoed, and kept in a file for its owner."""
    said = typed(terminal, "config", "set", "fal.key", keys=SECRET)
    keys = terminal.home / "keys.toml"

    assert said.code == 0, said.out
    assert "fal.key" in said.out
    assert SECRET not in said.out
    assert SECRET in keys.read_text()
    assert mode(keys) == 0o600


def test_a_key_from_stdin_reaches_the_worker_and_nobody_else(
    terminal: Terminal, openrouter: StandInProcess
) -> None:
    """A clip is made with a piped key; it is in one file, in no process list, environment, log or output."""
    terminal.settings(f'[engines.openrouter]\nbase_url = "{openrouter.base_url}"\nask_after = 0.05\n')
    bare = Terminal(home=terminal.home, variables={"OPENROUTER_API_KEY": "", "RUSHES_IDLE_S": "60"})
    said = [bare.run("config", "set", "openrouter.key", stdin=f"{KEY}\n")]
    words = ("create", "a boat", "--model", "openrouter/kwaivgi/kling-v3.0-std", "--seconds", "3", "--yes")
    said += [bare.run(*words), bare.run("config"), bare.run("config", "--json"), bare.run("doctor")]
    pid = bare.json("worker", "--status")["pid"]
    processes = subprocess.run(["ps", "-eww", "-o", "args"], capture_output=True, text=True).stdout
    # Without a "-" these are the options of BSD: the environment is shown, too.
    worker = subprocess.run(["ps", "eww", str(pid)], capture_output=True, text=True).stdout

    assert [one.code for one in said] == [0] * len(said), said
    assert "rushes worker" in processes
    assert "RUSHES_HOME" in worker
    assert KEY not in processes + worker + "".join(one.out + one.err for one in said)
    assert f"openrouter.key: {terminal.home / 'keys.toml'}" in said[2].out
    assert files_with(KEY, terminal.home) == ["keys.toml"]


@pytest.mark.parametrize("given", ["", "\n", f"{SECRET}\n{SECRET}\n"], ids=["nothing", "empty", "two lines"])
def test_what_is_no_key_is_not_kept(terminal: Terminal, given: str) -> None:
    """One line that says something is a key; anything else on stdin is refused, unseen."""
    said = terminal.run("config", "set", "fal.key", stdin=given)

    assert said.code == 2
    assert "that is not a key" in said.err
    assert SECRET not in said.out + said.err
    assert list(terminal.home.iterdir()) == []


def test_a_file_opened_to_others_is_told_by_all_who_need_it(terminal: Terminal) -> None:
    """Config, doctor and set say so with the cure; what needs no key works; closed again it is used."""
    bare = Terminal(home=terminal.home, variables={"FAL_KEY": ""})
    bare.run("config", "set", "fal.key", stdin=SECRET)
    keys = terminal.home / "keys.toml"
    keys.chmod(0o644)
    shown, doctor = bare.run("config"), bare.run("doctor")
    refused = bare.run("config", "set", "openrouter.key", stdin=SECRET)
    jobs = bare.run("jobs")

    assert "not used: " in shown.out
    for said in (shown.out, doctor.out, refused.err):
        assert "open to others (its mode is 644)" in said
        assert SECRET not in said
    assert f"chmod 600 {keys}" in doctor.out
    assert f"chmod 600 {keys}" in refused.err
    assert (doctor.code, refused.code, jobs.code) == (8, 8, 0)
    assert mode(keys) == 0o644
    keys.chmod(0o600)
    assert bare.json("config")["keys"] == [{"setting": "fal.key", "from": str(keys)}]


def test_a_key_that_is_not_used_is_told(terminal: Terminal) -> None:
    """Where the environment comes first, keeping a key says so, and so does removing it."""
    with_variable = Terminal(home=terminal.home, variables={"FAL_KEY": "another-one"})
    kept = with_variable.run("config", "set", "fal.key", stdin=SECRET)
    removed = with_variable.json("config", "unset", "fal.key")
    again = with_variable.run("config", "unset", "fal.key")

    assert "used in its place is the environment variable FAL_KEY" in kept.err
    assert removed["hidden_by"] == "the environment variable FAL_KEY"
    assert again.code == 2
    assert "it comes from the environment variable FAL_KEY" in again.err
    assert "another-one" not in kept.err + again.err
    assert files_with(SECRET, terminal.home) == []


def test_a_key_in_the_settings_file_is_unset_there(terminal: Terminal) -> None:
    """A key that somebody wrote into the settings file is told of, and removed from there, too."""
    terminal.settings(FILE + f'key = "{SECRET}"\n')
    shown = terminal.json("config")["keys"]
    kept = terminal.run("config", "set", "lab.key", stdin="another-one")
    removed = terminal.json("config", "unset", "lab.key")

    assert shown == [{"setting": "lab.key", "from": "the settings file"}]
    assert "used in its place is the settings file" in kept.err
    assert len(removed["where"]) == 2
    assert (terminal.home / "config.toml").read_text() == FILE
    assert files_with("another-one", terminal.home) == []


@pytest.mark.skipif(not LOCKS.exists(), reason="the system does not tell who waits for a lock")
def test_keys_set_at_the_same_time_are_all_kept(terminal: Terminal) -> None:
    """A command waits while another one changes the keys, and goes on from what that has made of them."""
    place = os.open(terminal.home, os.O_RDONLY)
    fcntl.flock(place, fcntl.LOCK_EX)
    program = subprocess.Popen(
        terminal.command("config", "set", "fal.key"),
        env=terminal.environ,
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        text=True,
    )
    assert program.stdin is not None
    program.stdin.write(SECRET)
    program.stdin.close()
    while program.poll() is None and not waits_for_a_lock(program.pid):
        time.sleep(0.01)
    keys = terminal.home / "keys.toml"
    keys.write_text('[file.openrouter]\nkey = "another-one"\n')
    keys.chmod(0o600)
    os.close(place)

    assert program.wait(timeout=60) == 0
    assert files_with(SECRET, terminal.home) == files_with("another-one", terminal.home) == ["keys.toml"]


def waits_for_a_lock(pid: int) -> bool:
    return any("->" in line and f" {pid} " in line for line in LOCKS.read_text().splitlines())


def test_the_keyring_comes_before_a_file(tmp_path: Path, openrouter: StandInProcess) -> None:
    """With a keyring the key is there alone; nobody opens it but who needs the key: a worker and doctor."""
    home = tmp_path / "home"
    home.mkdir()
    terminal = with_keyring(home, OPENROUTER_API_KEY="")
    terminal.settings(f'[engines.openrouter]\nbase_url = "{openrouter.base_url}"\nask_after = 0.05\n')
    kept = terminal.run("config", "set", "openrouter.key", stdin=KEY)
    shown = terminal.json("config")["keys"]
    for command in ("jobs", "budget", "models", "config"):
        assert terminal.run(command).code == 0
    unread = reads(terminal)
    words = ("create", "a boat", "--model", "openrouter/kwaivgi/kling-v3.0-std", "--seconds", "3", "--yes")
    made, doctor = terminal.run(*words), terminal.run("doctor")

    assert "the keyring (" in kept.out
    assert list(entries(terminal).values()) == [KEY]
    assert shown[0]["setting"] == "openrouter.key"
    assert shown[0]["from"].startswith("the keyring, since 20")
    assert unread == []
    assert made.code == 0, made
    assert "$12.50 of its limit left" in doctor.out
    assert "key: the keyring, since 20" in doctor.out
    assert len(reads(terminal)) >= 2
    assert files_with(KEY, home) == []
    assert KEY not in kept.out + kept.err + made.out + made.err + doctor.out
    terminal.json("config", "unset", "openrouter.key")
    assert entries(terminal) == {}
    assert terminal.json("config")["keys"] == [{"setting": "openrouter.key", "from": None}]


def test_another_home_has_keys_of_its_own(tmp_path: Path) -> None:
    """Two homes with one keyring do not overwrite each other's keys."""
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        paper = str(tmp_path / "paper.json")
        terminal = with_keyring(tmp_path / name, PAPER_KEYRING=paper)
        terminal.run("config", "set", "fal.key", stdin=f"key-of-{name}")

    assert sorted(entries(terminal).values()) == ["key-of-one", "key-of-two"]


@pytest.mark.parametrize(
    "backend",
    ["paper.Plain", "keyring.backends.null.Keyring", "keyring.backends.fail.Keyring"],
)
def test_a_keyring_that_keeps_nothing_safe_counts_as_none(tmp_path: Path, backend: str) -> None:
    """Without a keyring, or with one in plain text, keys go into the file for their owner."""
    home = tmp_path / "home"
    home.mkdir()
    terminal = with_keyring(home, backend)
    terminal.run("config", "set", "fal.key", stdin=SECRET)

    assert entries(terminal) == {}
    assert files_with(SECRET, home) == ["keys.toml"]


def test_a_key_moves_with_the_keyring(tmp_path: Path) -> None:
    """A key that was in the file leaves it when it is set anew and there is a keyring now."""
    home = tmp_path / "home"
    home.mkdir()
    with_keyring(home, "keyring.backends.fail.Keyring").run("config", "set", "fal.key", stdin=SECRET)
    terminal = with_keyring(home)
    terminal.run("config", "set", "fal.key", stdin=SECRET)

    assert list(entries(terminal).values()) == [SECRET]
    assert files_with(SECRET, home) == []


def test_a_locked_keyring_is_an_error_with_a_cure(tmp_path: Path) -> None:
    """Nothing is kept elsewhere unasked; the error says to unlock it, and repeats no key."""
    home = tmp_path / "home"
    home.mkdir()
    locked, opened = with_keyring(home, "paper.Locked", FAL_KEY=""), with_keyring(home, FAL_KEY="")
    refused = locked.run("config", "set", "fal.key", "--debug", stdin=SECRET)
    kept = opened.run("config", "set", "fal.key", stdin=SECRET)
    doctor, removed = locked.run("doctor"), locked.run("config", "unset", "fal.key")

    assert (refused.code, kept.code, doctor.code, removed.code) == (8, 0, 8, 8)
    for said in (refused.err, doctor.out, removed.err):
        assert "KeyringLocked" in said
        assert "unlock the keyring" in said
    assert SECRET not in refused.out + refused.err + doctor.out + removed.err
    assert files_with(SECRET, home) == []
    assert opened.json("config")["keys"][0]["from"].startswith("the keyring")


def test_an_entry_that_is_lost_is_told(tmp_path: Path) -> None:
    """Where the keyring has forgotten a key that was kept, the error says how to give it anew."""
    home = tmp_path / "home"
    home.mkdir()
    terminal = with_keyring(home, FAL_KEY="")
    terminal.run("config", "set", "fal.key", stdin=SECRET)
    Path(terminal.variables["PAPER_KEYRING"]).unlink()
    said = terminal.run("doctor")

    assert said.code == 8
    assert "rushes config set fal.key" in said.out


def test_keys_of_an_engine_that_is_gone_can_be_removed(terminal: Terminal) -> None:
    """When its table has left the settings file, its kept key can still be taken away."""
    terminal.settings(FILE)
    terminal.run("config", "set", "lab.key", stdin=SECRET)
    terminal.json("config", "unset", "engines.lab")
    removed = terminal.run("config", "unset", "lab.key")

    assert removed.code == 0, removed
    assert files_with(SECRET, terminal.home) == []


@pytest.mark.parametrize(
    "words", [["--help"], ["config"], ["config", "set", "--help"], ["jobs"]], ids=lambda words: words[-1]
)
def test_what_needs_no_key_loads_no_keyring(terminal: Terminal, words: list[str]) -> None:
    """Neither the keyring's package nor the editor of TOML is imported by what changes nothing."""
    terminal.run("config", "set", "fal.key", stdin=SECRET)
    program = (
        "import sys, contextlib, io\n"
        f"sys.argv = ['rushes', *{words!r}]\n"
        "from rushes.cli.main import main\n"
        "with contextlib.redirect_stdout(io.StringIO()), contextlib.suppress(SystemExit): main()\n"
        "print(*sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], env=terminal.environ, capture_output=True, text=True, check=True
    )

    assert {"keyring", "tomlkit"}.isdisjoint(done.stdout.split())
    assert "rushes.cli.main" in done.stdout


@pytest.mark.parametrize(
    ("kept", "told"),
    [
        (f"{KEY}\r\n", "$12.50 of its limit left"),
        (f"{KEY}\x07{KEY}", "is not used: it has a character that no key can have"),
    ],
    ids=["line end", "control character"],
)
def test_a_key_of_the_keyring_is_looked_at_as_any_other(
    tmp_path: Path, openrouter: StandInProcess, kept: str, told: str
) -> None:
    """What another program left there: a line end is taken off, a character that no key has refused (B1)."""
    home = tmp_path / "home"
    home.mkdir()
    terminal = with_keyring(home, OPENROUTER_API_KEY="")
    terminal.settings(f'[engines.openrouter]\nbase_url = "{openrouter.base_url}"\n')
    terminal.run("config", "set", "openrouter.key", stdin=KEY)
    (entry,) = entries(terminal)
    Path(terminal.variables["PAPER_KEYRING"]).write_text(json.dumps({entry: kept}))
    said = terminal.run("doctor", "--debug")

    assert told in said.out
    assert KEY not in said.out + said.err


def test_a_key_from_the_keyring_is_in_no_traceback(tmp_path: Path) -> None:
    """What `--debug` shows of an engine that puts its key into its errors is without it (B1)."""
    home = tmp_path / "home"
    home.mkdir()
    kept = with_keyring(home)
    path = f"{leaky.install(tmp_path / 'site')['PYTHONPATH']}:{kept.variables['PYTHONPATH']}"
    terminal = Terminal(home=home, variables={**kept.variables, "PYTHONPATH": path})
    terminal.settings("[engines.leaky]\n")
    terminal.run("config", "set", "leaky.key", stdin=SECRET)
    said = terminal.run("quote", "a boat", "--model", "leaky/paid", "--debug")

    assert "ValueError: \\x1b[31m***" in said.err
    assert SECRET not in said.out + said.err
