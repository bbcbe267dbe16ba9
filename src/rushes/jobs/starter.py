"""Starting a worker, and whether one is alive. Kept apart from the worker: asking imports next to nothing."""

from __future__ import annotations

import math
import os
import subprocess
import sys
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from filelock import FileLock, Timeout

from rushes.database.database import storage_error, translated
from rushes.domain.errors import WorkerDied
from rushes.domain.permissions import PRIVATE_FILE, close_to_others, make_private, users_umask

MOST_STARTS = 15
"""How often a worker is started in a row that never takes the lock, before that is said."""

START_EVERY_S = 1.0
"""How long a worker that was started may take until it holds the lock, before another one is started."""


LARGEST_LOG = 1024 * 1024
"""Bytes of the log; an older one of that size is kept beside it."""

END_OF_LOG_BYTES = 8 * 1024
"""How much is read of a log to tell how it ends."""

APART = getattr(subprocess, "DETACHED_PROCESS", 0) | getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0)
"""How a worker is started on Windows so that it outlives its parent and the terminal; elsewhere nothing."""


class Starter:
    """Starts the worker that holds `lock`, with its words in `log` and `environ` as its environment.

    It works in the folder of `lock`: the one that it was started from may be gone tomorrow.
    """

    def __init__(self, lock: Path, log: Path, environ: Mapping[str, str]) -> None:
        self._lock = lock
        self._log = log
        self._environ = environ
        self._starts = 0
        self._started_at = -math.inf

    def ensure(self) -> None:
        """Start a worker unless one is alive, or was started just now. Raises WorkerDied if none stays."""
        if is_held(self._lock):
            self._starts = 0
            return
        if time.monotonic() - self._started_at < START_EVERY_S:
            return
        self._started_at = time.monotonic()
        self._starts += 1
        if self._starts > MOST_STARTS:
            raise WorkerDied(
                f"the worker does not start; the end of its log: {end_of(self._log)}",
                next=f"read {self._log}, or run it here: rushes worker; the jobs are safe",
            )
        with translated(self._log):
            make_private(self._log.parent)
            close_to_others(self._log.parent)
            if self._log.exists() and self._log.stat().st_size > LARGEST_LOG:
                put_aside(self._log)
            log = self._log.open("a")
            close_to_others(self._log)
        with log, translated(self._lock):
            process = subprocess.Popen(
                [sys.executable, "-P", "-m", "rushes", "worker"],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd=self._lock.parent,
                env=dict(self._environ),
                umask=users_umask(),
                start_new_session=True,
                creationflags=APART,
            )
        # A program that keeps a Studio open for days has to bury it, or it would stay as a zombie.
        threading.Thread(target=process.wait, name="rushes-worker-ended", daemon=True).start()


def put_aside(log: Path) -> None:
    """Rename a log that is large enough, in place of the one that was put aside before."""
    # Windows refuses that while somebody has it open: then it grows until the next time.
    with suppress(OSError):
        os.replace(log, log.with_name(f"{log.name}.1"))


def is_held(lock: Path) -> bool:
    """Whether a living worker holds the lock."""
    # Anybody who may read it may hold it, and no worker would ever start.
    close_to_others(lock)
    probe = FileLock(lock, timeout=0, mode=PRIVATE_FILE)
    try:
        with probe:
            return False
    except Timeout:
        return True
    except OSError as error:
        raise storage_error(lock, error) from error


def end_of(log: Path) -> str:
    """Return the last two lines of a log that say something: an error and what to do about it."""
    with log.open("rb") as file:
        file.seek(max(0, log.stat().st_size - END_OF_LOG_BYTES))
        text = file.read().decode(errors="replace")
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return "; ".join(lines[-2:]) or "(it is empty)"
