"""The folder of one signed-in browser, and who may use it: one process at a time.

    browser/      the browser's own profile
    state.json    its cookies, exported after every change: what a browser killed too early did not write;
                  see `jar`
    account.json  who is signed in, until when, and the balance as it was last told
    owner.json    which process has the browser now

A worker that keeps the browser warm gives way when another process asks for it; a person's browser does not.
"""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import time
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from rushes.domain.errors import Unreachable
from rushes.domain.gitignore import ignore_all
from rushes.domain.permissions import make_private

WISH_LASTS_S = 3.0
"""A wish for the browser that was not repeated for so long is from a process that has gone."""

LOOK_EVERY_S = 0.05

WORKER = "a worker"
"""What has the browser for jobs."""


class Profile:
    """One profile folder, made private (0700) where it is not there."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.browser = folder / "browser"
        self._lock = FileLock(folder / "lock", timeout=0, thread_local=False)
        self._wish = folder / "wanted"
        self.doing = ""
        """What this process took the browser for, last."""

    # --- who has it ---

    @property
    def held(self) -> bool:
        """Whether this process has the browser."""
        return self._lock.is_locked

    @property
    def for_jobs(self) -> bool:
        """Whether this process took it for jobs, last, and gives way to others."""
        return self.doing == WORKER

    def take(self, doing: str) -> None:
        """Take the browser for a process that can wait. Raises Unreachable where another has or wants it."""
        if self.wanted():
            raise self._taken()
        try:
            self._acquire(doing)
        except Unreachable:
            owner = read(self.folder / "owner.json")
            if owner.get("pid") == os.getpid() and owner.get("doing") == WORKER:
                # An engine made of older settings; it has nothing more to do.
                self._wish.touch()
            raise

    async def ask_for(self, doing: str, patience: float = 20.0, *, window: bool = False) -> None:
        """Take the browser for a person: a worker that has it is asked to give way.

        `patience` in seconds; `window`: it is for a window that a person will have open for long. Raises
        Unreachable, naming who has it; if that is such a window, at once.
        """
        deadline = time.monotonic() + patience
        while True:
            try:
                return self._acquire(doing, window=window)
            except Unreachable:
                has_window = read(self.folder / "owner.json").get("window")
                if has_window or time.monotonic() >= deadline:
                    raise
            self._make()
            self._wish.touch()
            await asyncio.sleep(LOOK_EVERY_S)

    def wanted(self) -> bool:
        """Whether another process is waiting for the browser now."""
        try:
            age = time.time() - self._wish.stat().st_mtime
        except FileNotFoundError:
            return False
        return 0 <= age < WISH_LASTS_S

    def release(self) -> None:
        """Let others have the browser."""
        (self.folder / "owner.json").unlink(missing_ok=True)
        self._lock.release()

    def _acquire(self, doing: str, *, window: bool = False) -> None:
        if self.held:
            return
        self._make()
        try:
            self._lock.acquire()
        except Timeout as error:
            raise self._taken() from error
        self._wish.unlink(missing_ok=True)
        self.doing = doing
        owner = {"pid": os.getpid(), "doing": doing, "window": window}
        write_private(self.folder / "owner.json", owner)

    def _taken(self) -> Unreachable:
        owner = read(self.folder / "owner.json")
        who = f"{owner['doing']} (process {owner['pid']})" if owner else "another process"
        if owner.get("window"):
            return Unreachable(
                f"{who} has its window open", next="finish in that window or close it, then run this again"
            )
        return Unreachable(
            f"the signed-in browser is in use by {who}", next="wait until that has ended, or stop it"
        )

    def _make(self) -> None:
        make_private(self.folder)
        self.folder.chmod(0o700)
        ignore_all(self.folder)

    # --- what it remembers ---

    @property
    def state(self) -> dict[str, Any]:
        """The exported cookies in Playwright's shape, with their `mark`; {} where there are none."""
        return read(self.folder / "state.json")

    def keep_state(self, state: Any) -> None:
        """Put exported cookies in the place of those there."""
        self._make()
        write_private(self.folder / "state.json", state)

    @property
    def account(self) -> dict[str, Any]:
        """What was last told of the account, {} where nobody has signed in; see `Session.as_notes`."""
        return read(self.folder / "account.json")

    def note(self, **facts: Any) -> None:
        """Add to what is known of the account, and when that was."""
        self._make()
        at = datetime.now(UTC).isoformat(timespec="seconds")
        write_private(self.folder / "account.json", {**self.account, **facts, "noted_at": at})

    def note_dead(self) -> None:
        """Note that the service has just said that the session has ended."""
        self.note(dead=True, dead_at=datetime.now(UTC).isoformat(timespec="seconds"))

    def become(self, other: Profile) -> None:
        """Take over what another profile holds. Both are held, and no browser runs on either.

        A kill in the middle leaves one of the two sessions whole: the cookies change hands at once, and a
        browser profile that is not theirs is given them at its start.
        """
        self.keep_state(other.state)
        write_private(self.folder / "account.json", other.account)
        shutil.rmtree(self.browser, ignore_errors=True)
        os.replace(other.browser, self.browser)
        other.remove()

    def remove(self) -> None:
        """Forget everything: browser profile, cookies, account. The lock's own file stays."""
        for entry in self.folder.iterdir() if self.folder.exists() else ():
            if entry.name == "lock":
                continue
            if entry.is_dir() and not entry.is_symlink():
                shutil.rmtree(entry)
            else:
                entry.unlink()


def read(path: Path) -> dict[str, Any]:
    """Return a JSON object from a file, {} where it is missing or was never finished."""
    with suppress(OSError, ValueError):
        found = json.loads(path.read_text(encoding="utf-8"))
        if isinstance(found, dict):
            return found
    return {}


def write_private(path: Path, data: Any) -> None:
    """Write JSON so that it is there whole or not at all, for nobody else to read (0600)."""
    part = path.with_name(f".{path.name}.{os.getpid()}")
    descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with open(descriptor, "w", encoding="utf-8") as file:
        json.dump(data, file)
        file.flush()
        os.fsync(file.fileno())
    os.replace(part, path)
