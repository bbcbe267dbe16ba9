"""Who may open what we keep: its owner alone, whatever the umask; what is made for a person follows it."""

from __future__ import annotations

import os
import shlex
import stat
import subprocess
from pathlib import Path

import pytest

from rushes.domain.permissions import HAS_OWNERS
from tests.cli.terminal import QUICK, Terminal

pytestmark = pytest.mark.skipif(not HAS_OWNERS, reason="files have no modes here")


def open_to_others(folder: Path) -> dict[str, str]:
    """Return what others may open below a folder, with the modes."""
    found = {str(path.relative_to(folder)): path.lstat().st_mode for path in [folder, *folder.rglob("*")]}
    return {name: oct(stat.S_IMODE(mode)) for name, mode in found.items() if mode & 0o077}


def test_nothing_of_a_home_is_open_to_others(tmp_path: Path) -> None:
    """F28: with a umask of 0 every file, folder and folder above is closed; a copy is as the umask says."""
    terminal = Terminal(home=tmp_path / "one" / "two" / "home", folder=tmp_path)
    out = tmp_path / "copies" / "boat.mp4"
    command = shlex.join(terminal.command("create", "a boat", *QUICK, "--out", str(out)))
    try:
        done = subprocess.run(
            ["/bin/sh", "-c", f"umask 0; exec {command}"],
            env=terminal.environ,
            capture_output=True,
            timeout=120,
        )
        assert done.returncode == 0, done.stderr
        assert {"clips", "ledger.db", "ledger.progress", "worker.lock", "worker.log"} <= {
            *os.listdir(terminal.home)
        }
        assert open_to_others(tmp_path / "one") == {}
        assert (stat.S_IMODE(out.stat().st_mode), stat.S_IMODE(out.parent.stat().st_mode)) == (0o666, 0o777)
    finally:
        terminal.stop_worker()


def test_a_home_that_others_may_enter_is_closed(terminal: Terminal) -> None:
    """F28: one of an earlier rushes is closed with the next command, its worker's lock too."""
    assert terminal.run("jobs").code == 0
    lock = terminal.home / "worker.lock"
    lock.touch()
    for path, mode in ((terminal.home, 0o755), (lock, 0o666), (terminal.home / "ledger.db", 0o644)):
        path.chmod(mode)
    assert terminal.run("worker", "--status").code == 0
    assert open_to_others(terminal.home) == {}
