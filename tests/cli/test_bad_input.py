"""Bad input: a clear error with what to do, an exit code of its class, no traceback, nothing stored."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image

from tests.cli.terminal import QUICK, Terminal

BAD_REQUESTS = {
    "empty prompt": (["  "], "empty"),
    "100 kB prompt": (["a" * 100_000], "100,000 characters"),
    "control character": (["a\x07b"], "U+0007"),
    "no seconds": (["x", "--seconds", "0"], "longer than 0"),
    "negative seconds": (["x", "--seconds", "-1"], "longer than 0"),
    "huge seconds": (["x", "--seconds", "99999"], "at most 3600 s"),
    "not a number": (["x", "--seconds", "nan"], "nan"),
    "more than the model makes": (["x", "--seconds", "61"], "allowed: 1 to 60 s"),
    "unknown aspect": (["x", "--aspect", "17:3"], "allowed: 16:9"),
    "misspelt aspect": (["x", "--aspect", "wide"], "aspect is 'wide'"),
    "unknown resolution": (["x", "--resolution", "4320p"], "allowed: 720p"),
    "unknown model": (["x", "--model", "animatic/story"], "did you mean animatic/storyboard?"),
    "unknown engine": (["x", "--model", "nobody/model"], "there is no model"),
    "reference on the web": (["x", "--first-frame", "https://example.com/a.png"], "is a web address"),
    "unknown role": (["x", "--reference", "foo=a.png"], "allowed roles: first_frame"),
    "unsupported role": (["x", "--reference", "style=PICTURE"], "1 × style"),
    "reference missing": (["x", "--first-frame", "/nowhere/a.png"], "does not exist"),
    "reference a folder": (["x", "--first-frame", "/"], "is a folder"),
    "reference corrupt": (["x", "--first-frame", "CORRUPT"], "picture"),
    "reference 20,000 px": (["x", "--first-frame", "HUGE"], "20000"),
    "prompt without quotes": (["a", "paper", "boat"], "put the whole prompt in quotes"),
    "seconds twice": (["x", "square", "small", "150", "--seconds", "5"], "N_FRAMES and --seconds"),
    "count of none": (["x", "--count", "0"], "'0' is not a whole number from 1 to 100"),
    "key and again": (["x", "--key", "a", "--again"], "contradict"),
    "negative seed": (["x", "--seed", "-5"], "'-5' is not a whole number"),
    "out on stdout": (["x", "--out", "-"], "nothing is written to stdout"),
    "out of another kind": (["x", "--out", "clip.gif"], "clips are MP4 files"),
    "out of another kind, in capitals": (["x", "--out", "CLIP.MOV"], "name it CLIP.mp4"),
    "out empty": (["x", "--out", ""], "--out is empty"),
    "out on the web": (["x", "--out", "https://example.com/a.mp4"], "is a web address"),
    "out of a stranger": (["x", "--out", "~nobody-at-all/a.mp4"], "is no path"),
    "out with a long name": (["x", "--out", "n" * 300 + ".mp4"], "longer than the disk allows"),
    "out in a folder with a long name": (["x", "--out", f"new/{'n' * 300}/a.mp4"], f"the name {'n' * 100}"),
    "out below a file": (["x", "--out", "CORRUPT/a.mp4"], "is a file, not a folder"),
    "out a file with a slash": (["x", "--out", "CORRUPT/"], "is a file, not a folder"),
    "force without out": (["x", "--force"], "--force goes with --out"),
}


@pytest.mark.parametrize("words", BAD_REQUESTS.values(), ids=list(BAD_REQUESTS))
def test_a_bad_request_is_named_and_nothing_is_stored(
    terminal: Terminal, tmp_path: Path, words: tuple[list[str], str]
) -> None:
    """Each bad request exits with 2, says what is wrong and what to do, and leaves no job."""
    given, expected = words
    Image.new("RGB", (64, 64)).save(tmp_path / "PICTURE.png")
    Image.new("L", (20_000, 8)).save(tmp_path / "HUGE.png")
    (tmp_path / "CORRUPT.png").write_bytes(b"\x89PNG\r\n\x1a\nnothing more")
    for name in ("PICTURE", "HUGE", "CORRUPT"):
        given = [one.replace(name, str(tmp_path / f"{name}.png")) for one in given]

    said = terminal.run("create", *given)

    assert said.code == 2
    assert expected in said.err + said.out
    assert " next: " in said.err
    assert "Traceback" not in said.err
    assert terminal.json("jobs") == []


def test_errors_are_json_too(terminal: Terminal) -> None:
    """With --json an error is the same object as an answer, with nulls where nothing was made."""
    said = terminal.run("create", "  ", "--json")

    assert said.json()["error"]["code"] == "bad_input"
    assert said.json()["error"]["billed"] == "no"
    assert said.json()["job"] is None


def test_debug_shows_the_traceback(terminal: Terminal) -> None:
    """Only --debug shows where an error came from."""
    assert "Traceback" in terminal.run("create", "  ", "--debug").err


def test_a_corrupt_ledger_is_named_and_left_alone(terminal: Terminal) -> None:
    """A damaged ledger file exits with 11, says how to go on, and is not touched."""
    ledger = terminal.home / "ledger.db"
    ledger.write_bytes(os.urandom(5000))
    before = ledger.read_bytes()

    said = terminal.run("jobs")

    assert said.code == 11
    assert "library rebuild" in said.err
    assert ledger.read_bytes() == before


def test_a_newer_ledger_is_not_touched(terminal: Terminal) -> None:
    """A ledger of a newer rushes is refused with the command that mends it."""
    terminal.json("jobs")
    with sqlite3.connect(terminal.home / "ledger.db") as ledger:
        ledger.execute("PRAGMA user_version = 99")

    said = terminal.run("jobs")

    assert said.code == 11
    assert "use the newer rushes" in said.err


def test_a_home_that_is_a_file_is_a_clear_error(tmp_path: Path) -> None:
    """RUSHES_HOME pointing at a file is said with its path, not shown as a traceback."""
    place = tmp_path / "file"
    place.touch()
    environ = {**os.environ, "RUSHES_HOME": str(place)}
    said = subprocess.run(
        [sys.executable, "-m", "rushes", "jobs"], env=environ, capture_output=True, text=True, timeout=60
    )

    assert said.returncode in {8, 11}
    assert str(place) in said.stderr
    assert "Traceback" not in said.stderr


def test_settings_with_a_mistake_name_it(terminal: Terminal) -> None:
    """A typing error in the settings file is named with its file, exit code 8."""
    terminal.settings("[budget]\nper_dya = 5\n")

    said = terminal.run("budget")

    assert said.code == 8
    assert "per_dya" in said.err
    assert "config.toml" in said.err


def test_two_workers_are_one(terminal: Terminal) -> None:
    """A second worker beside a living one exits at once and says that one is enough."""
    terminal = replace(terminal, variables={"RUSHES_IDLE_S": "60"})
    terminal.json("create", "a forest", *QUICK, "--no-wait")
    pid = None
    while pid is None:
        pid = terminal.json("worker", "--status")["pid"]

    said = terminal.run("worker")

    assert said.code == 11
    assert "one is enough" in said.err


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A real file system of 2 MB; mounting one needs root."""
    place = tmp_path / "disk"
    place.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(place)], capture_output=True, text=True
    )
    if mounted.returncode:
        pytest.skip(f"no file system can be mounted here: {mounted.stderr.strip()}")
    yield place
    subprocess.run(["umount", "--lazy", str(place)], check=True)


def test_a_full_disk_loses_nothing(small_disk: Path) -> None:
    """On a full disk a job waits; with room it goes on from where it was to its clip."""
    terminal = Terminal(home=small_disk)
    said = terminal.run("create", "a forest in fog", "--seconds", "4", "--timeout", "20", "--json")
    stuck = said.json()["job"]
    subprocess.run(["mount", "-o", "remount,size=200m", str(small_disk)], check=True)
    answer = terminal.json("wait", stuck["id"])
    terminal.stop_worker()

    assert said.code == 3
    assert stuck["state"] in {"running", "collecting"}
    # Where not even the ledger has room left, the reason cannot be written down.
    assert stuck["reason"] is None or "full" in stuck["reason"]
    assert answer["job"]["state"] == "completed"
    assert answer["job"]["reason"] is None


def test_a_library_that_cannot_be_written_loses_nothing(terminal: Terminal) -> None:
    """A job stored before the library's folder became unwritable waits, and goes on when it is writable."""
    (terminal.home / "clips").write_text("in the way")
    stored = terminal.json("create", "a forest", *QUICK, "--no-wait")
    id = stored["job"]["id"]
    said = terminal.run("wait", id, "--timeout", "12", "--json")
    (terminal.home / "clips").unlink()

    assert said.code == 3
    assert said.json()["job"]["state"] == "collecting"
    assert terminal.json("wait", id)["job"]["state"] == "completed"


@pytest.mark.parametrize(
    "command", ["job", "wait", "cancel", "collect", "reconcile", "clip", "open", "remove"]
)
def test_an_unknown_id_is_said(terminal: Terminal, command: str) -> None:
    """Each command that takes an id says which one it does not know, with exit code 2."""
    words = (command, "nosuch", "--yes") if command == "remove" else (command, "nosuch")
    said = terminal.run(*words)

    assert said.code == 2
    assert "nosuch" in said.err
