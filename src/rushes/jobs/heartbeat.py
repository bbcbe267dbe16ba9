"""The worker's heartbeat: a small file that its event loop writes while it turns.

A worker that is stopped (SIGSTOP, a debugger, a frozen container, a disk that hangs) or whose loop is
blocked holds its lock like any other, and only this tells. asyncio is imported by who writes: asking
imports next to nothing.
"""

from __future__ import annotations

import json
import os
import platform
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from rushes.domain.permissions import PRIVATE_FILE
from rushes.jobs.starter import is_held

BEAT_EVERY_S = 2.0

SILENT_S = 30.0
"""A worker whose heartbeat is older than this is named."""


@dataclass(frozen=True, kw_only=True)
class Heartbeat:
    """Who wrote it, and when: by the clock, and by the one that counts since the machine was started."""

    pid: int
    host: str
    epoch: int
    at: float
    monotonic: float

    @property
    def is_of_this_host(self) -> bool:
        return self.host == platform.node()

    @property
    def age(self) -> float:
        """Seconds since it was written; a clock that was set in the meantime does not matter here."""
        since = time.monotonic() - self.monotonic
        if self.is_of_this_host and since >= 0:
            return since
        # By another machine, or before this one was started anew.
        return max(0.0, time.time() - self.at)

    @property
    def may_live(self) -> bool:
        """Whether its process may still be there: False for what a killed worker left."""
        if not self.is_of_this_host or os.name != "posix":
            return True
        try:
            os.kill(self.pid, 0)
        except ProcessLookupError:
            return False
        except OSError:
            return True
        return True


@dataclass(frozen=True, kw_only=True)
class SilentWorker:
    """A worker that holds the lock and has not responded for `seconds`; `host` "" is this machine."""

    pid: int
    host: str
    seconds: float

    @property
    def words(self) -> str:
        """What happened, in words."""
        where = f" on {self.host}" if self.host else ""
        return (
            f"the worker (process {self.pid}{where}) has not responded for {self.seconds:.0f} s;"
            " no job continues until it does, new ones included"
        )

    @property
    def advice(self) -> str:
        """What a person may do about it."""
        where = f"on {self.host}, " if self.host else ""
        if os.name != "posix":
            return f"{where}end it: taskkill /F /PID {self.pid}, then run: rushes jobs"
        return (
            f"{where}if it was stopped, continue it: kill -CONT {self.pid}; if that does not help, end it:"
            f" kill -9 {self.pid}, then run: rushes jobs"
        )

    def as_json(self) -> dict[str, object]:
        return {**asdict(self), "message": self.words, "next": self.advice}


@asynccontextmanager
async def beating(file: Path, epoch: int) -> AsyncIterator[None]:
    """Write the heartbeat into `file` during the block, for as long as the event loop turns."""
    import asyncio

    ours = _ours(epoch)
    task = asyncio.create_task(_beat(file, epoch))
    try:
        yield
    finally:
        task.cancel()
        left = read_heartbeat(file)
        if left is not None and (left.pid, left.host, left.epoch) == (ours.pid, ours.host, ours.epoch):
            with suppress(OSError):
                file.unlink()


async def _beat(file: Path, epoch: int) -> None:
    import asyncio

    while True:
        _write(file, _ours(epoch))
        await asyncio.sleep(BEAT_EVERY_S)


def _ours(epoch: int) -> Heartbeat:
    return Heartbeat(
        pid=os.getpid(), host=platform.node(), epoch=epoch, at=time.time(), monotonic=time.monotonic()
    )


def _write(file: Path, heartbeat: Heartbeat) -> None:
    # In place: on a full disk there is still room for what was there before.
    text = json.dumps(asdict(heartbeat)).ljust(256).encode()
    try:
        handle = os.open(file, os.O_WRONLY | os.O_CREAT, PRIVATE_FILE)
        with open(handle, "wb") as opened:
            opened.write(text)
    except OSError:
        # No heartbeat is no alarm; an old one would be a false one.
        with suppress(OSError):
            file.unlink()


def read_heartbeat(file: Path) -> Heartbeat | None:
    """Return the last heartbeat; None if there is none that can be read."""
    try:
        match json.loads(file.read_text(encoding="utf-8")):
            case {"pid": int(pid), "host": str(host), "epoch": int(epoch), "at": at, "monotonic": monotonic}:
                return Heartbeat(pid=pid, host=host, epoch=epoch, at=float(at), monotonic=float(monotonic))
    except (OSError, ValueError, TypeError):
        pass
    return None


def find_silent_worker(lock: Path, file: Path) -> SilentWorker | None:
    """Return the worker that holds `lock` if it does not respond, by its heartbeat in `file`; else None."""
    found = read_heartbeat(file)
    if found is None or found.age < SILENT_S or not found.may_live or not is_held(lock):
        return None
    host = "" if found.is_of_this_host else found.host
    return SilentWorker(pid=found.pid, host=host, seconds=found.age)
