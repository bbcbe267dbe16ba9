"""What a worker says that finds nothing to do."""

from __future__ import annotations

import subprocess

from filelock import FileLock

from tests.cli.terminal import Terminal


def test_of_two_workers_that_start_at_once_one_says_nothing(terminal: Terminal) -> None:
    """A person who starts a second one is told; one that a command starts leaves no line in the log."""
    log = terminal.home / "worker.log"
    with FileLock(terminal.home / "worker.lock"):
        with log.open("a") as file:
            started = subprocess.run(
                terminal.command("worker"), env=terminal.environ, stdout=file, stderr=file, timeout=120
            )
        by_hand = terminal.run("worker")

    assert started.returncode == by_hand.code != 0
    assert log.read_text() == ""
    assert "Another worker" in by_hand.err
