"""A person at a terminal: a command on a pseudo-terminal of its own, where Ctrl-C is a key."""

from __future__ import annotations

import os
import select
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.cli.terminal import Terminal

CTRL_C = "\x03"

ON_ITS_OWN_TERMINAL = (
    "import fcntl, os, sys, termios\n"
    "fcntl.ioctl(0, termios.TIOCSCTTY, 0)\n"
    "os.execv(sys.argv[1], sys.argv[1:])\n"
)
"""Makes the pseudo-terminal the one that the command is controlled by, so that it is sent signals."""


class Keyboard:
    """Types, and reads what the command shows."""

    def __init__(self, running: subprocess.Popen[bytes], parent: int) -> None:
        self.running = running
        self._parent = parent
        self.shown = ""

    def until(self, words: str, *, limit_s: float = 60) -> None:
        """Read until the command shows `words`."""
        ends = time.monotonic() + limit_s
        while words not in self.shown:
            assert self._read(ends - time.monotonic()), f"no {words!r} in {self.shown!r}"

    def until_it_reads(self, *, limit_s: float = 60) -> None:
        """Wait until the command sleeps, which it does only to read a key: before that Ctrl-C may be missed.

        Between Python's last look for signals and the read lie microseconds; a person is never that quick.
        """
        ends = time.monotonic() + limit_s
        while Path(f"/proc/{self.running.pid}/stat").read_text().rpartition(")")[2].split()[0] != "S":
            assert time.monotonic() < ends, self.shown
            time.sleep(0.005)

    def type(self, keys: str) -> None:
        os.write(self._parent, keys.encode())

    def end(self, *, limit_s: float = 60) -> int:
        """Read until the command has ended, and return its exit code."""
        ends = time.monotonic() + limit_s
        while self._read(ends - time.monotonic()):
            pass
        return self.running.wait(max(1.0, ends - time.monotonic()))

    def _read(self, left_s: float) -> bool:
        """Read something; False at the end, or when nothing has come for that long."""
        if not select.select([self._parent], [], [], max(0.0, left_s))[0]:
            return False
        try:
            some = os.read(self._parent, 65536)
        except OSError:
            # Linux says so when the last one on the other side has gone.
            return False
        self.shown += some.decode()
        return bool(some)


@contextmanager
def typing(terminal: Terminal, *words: str) -> Iterator[Keyboard]:
    """Run a command at a terminal that somebody types on; it is killed at the end where it still runs."""
    # Not on Windows, where other tests of the same files run.
    import pty

    parent, child = pty.openpty()
    command = terminal.command(*words)
    running = subprocess.Popen(
        [command[0], "-c", ON_ITS_OWN_TERMINAL, *command],
        env={**terminal.environ, "TERM": "xterm", "COLUMNS": "120"},
        cwd=terminal.home,
        stdin=child,
        stdout=child,
        stderr=child,
        start_new_session=True,
    )
    os.close(child)
    try:
        yield Keyboard(running, parent)
    finally:
        running.kill()
        running.wait()
        os.close(parent)
