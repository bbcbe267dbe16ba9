"""An engine that puts its key into all it says: no command, file, log or traceback shows it."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli import leaky
from tests.cli.secret_home import files_with
from tests.cli.terminal import Said, Terminal

SECRET = "an-id-4711:a-very-secret-0815"
HALVES = SECRET.split(":")


@pytest.fixture
def terminal(tmp_path: Path) -> Iterator[Terminal]:
    home = tmp_path / "home"
    home.mkdir()
    one = Terminal(home=home, variables={**leaky.install(tmp_path / "site"), "LEAKY_KEY": SECRET})
    one.settings('[engines.leaky]\nkey_env = "LEAKY_KEY"\n')
    yield one
    one.stop_worker()


def check_silent(terminal: Terminal, *answers: Said) -> None:
    """Assert that no part of the key, and no control sequence, was said or written."""
    said = "".join(one.out + one.err for one in answers)
    for half in HALVES:
        assert half not in said
        assert files_with(half, terminal.home) == []
    assert "\x1b[31m" not in said
    assert files_with("\x1b[31m", terminal.home) == []


def test_a_render_that_failed_is_told_without_the_key(terminal: Terminal) -> None:
    """Its reason, the warnings and the facts of the create, as text and as JSON (B1, F13)."""
    made = terminal.run("create", "a boat", "--model", "leaky/one", "--json")
    id = made.json()["job"]["id"]
    shown, listed = terminal.run("job", id), terminal.run("jobs")

    assert made.json()["error"]["message"] == "\\x1b[31m***"
    assert made.json()["job"]["facts"] == {"echo": "\\x1b[31m***"}
    check_silent(terminal, made, shown, listed)


def test_a_poll_that_breaks_is_told_without_the_key(terminal: Terminal) -> None:
    """What keeps a job from going on is written to it, and names the engine's line (B1)."""
    made = terminal.run("create", "a boat for a poll", "--model", "leaky/one", "--timeout", "2", "--json")
    assert made.code == 3, made
    shown = terminal.run("job", made.json()["job"]["id"])

    assert "ValueError: \\x1b[31m*** (at cli/leaky.py:" in shown.out
    check_silent(terminal, made, shown)


def test_a_traceback_that_is_asked_for_shows_no_key(terminal: Terminal) -> None:
    """`--debug` prints what led to the error, with the secrets taken out (B1)."""
    said = terminal.run("quote", "a boat", "--model", "leaky/paid", "--debug")

    assert said.code == 5, said
    assert "Traceback" in said.err
    assert "ValueError: \\x1b[31m***" in said.err
    assert "the engine leaky failed while asking for the price" in said.err
    check_silent(terminal, said)


def test_the_workers_log_shows_no_key(terminal: Terminal) -> None:
    """A mistake that ends a job's task is logged with its traceback, with the secrets taken out (B1)."""
    said = terminal.run("create", "a boat with recovery", "--model", "leaky/one", "--timeout", "2", "--json")
    log, end = terminal.home / "worker.log", time.monotonic() + 20
    while "RuntimeError" not in log.read_text() and time.monotonic() < end:
        time.sleep(0.05)

    assert "Traceback" in log.read_text()
    assert "RuntimeError: \\x1b[31m***" in log.read_text()
    check_silent(terminal, said)
