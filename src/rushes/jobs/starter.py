"""Starting a worker, and whether one is alive. Kept apart from the worker: asking imports next to nothing."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from filelock import FileLock, Timeout

from rushes.database.database import storage_error, translated
from rushes.domain.errors import WorkerDied

MOST_STARTS = 15
"""How often a worker is started in a row that never takes the lock, before that is said."""


class Starter:
    """Starts the worker that holds `lock`, with its words in `log` and `environ` as its environment."""

    def __init__(self, lock: Path, log: Path, environ: Mapping[str, str]) -> None:
        self._lock = lock
        self._log = log
        self._environ = environ
        self._starts = 0

    def ensure(self) -> None:
        """Start a worker unless one is alive. Raises WorkerDied where none ever takes the lock."""
        if is_held(self._lock):
            self._starts = 0
            return
        self._starts += 1
        if self._starts > MOST_STARTS:
            raise WorkerDied(
                f"the worker does not start; the end of its log: {end_of(self._log)}",
                next=f"read {self._log}, or run it here: rushes worker; the jobs are safe",
            )
        with translated(self._log):
            self._log.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            log = self._log.open("a")
        with log:
            # Through a shell that ends at once, so that the worker is nobody's child: a program that
            # keeps a Studio open for days need not bury it.
            subprocess.run(
                ["/bin/sh", "-c", '"$@" &', "sh", sys.executable, "-P", "-m", "rushes", "worker"],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
                env=dict(self._environ),
                check=True,
            )


def is_held(lock: Path) -> bool:
    """Whether a living worker holds the lock."""
    probe = FileLock(lock, timeout=0)
    try:
        with probe:
            return False
    except Timeout:
        return True
    except OSError as error:
        raise storage_error(lock, error.strerror or str(error)) from error


def end_of(log: Path) -> str:
    """Return the last two lines of a log that say something: an error and what to do about it."""
    lines = [line.strip() for line in log.read_text(errors="replace").splitlines() if line.strip()]
    return "; ".join(lines[-2:]) or "(it is empty)"
