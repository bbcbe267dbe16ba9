"""What a browser that was killed leaves on its profile: its process, its locks, its temporary folder.

The callers hold the profile by the lock of rushes, so whoever the browser's own lock names is no other user.
"""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import subprocess
import time
from contextlib import suppress
from pathlib import Path

LOCK = "SingletonLock"
"""A link to "HOST-PID". Windows has none: there a file that is open is the lock."""

SOCKET = "SingletonSocket"
"""A link into a folder beside the system's temporary files: a socket's path has to be short."""

LOCKS = (LOCK, "SingletonCookie", SOCKET)

LEFTOVER_S = 4.0
"""How long the browser of a process that was killed has to end by itself, before it is ended."""


async def clear_leftovers(browser: Path) -> None:
    """End the browser of a process that was killed, and remove every lock that is no living browser's.

    The lock may name another host, a process that has gone, or one that got its number since: a kept volume
    in a new container has all three.
    """
    deadline = time.monotonic() + LEFTOVER_S
    while owner_of(browser) is not None:
        if time.monotonic() >= deadline:
            break
        await asyncio.sleep(0.05)
    end_browser(browser)


def end_browser(browser: Path) -> None:
    """End the browser on a profile, whatever it is doing, and remove its locks."""
    pid = owner_of(browser)
    if pid is not None:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    with suppress(OSError):
        folder = Path(os.readlink(browser / SOCKET)).parent
        # Chromium's own name for it, and Chrome's: nothing else may go.
        if folder.name.startswith(("org.chromium.Chromium.", "com.google.Chrome.")):
            shutil.rmtree(folder, ignore_errors=True)
    for name in LOCKS:
        (browser / name).unlink(missing_ok=True)


def owner_of(browser: Path) -> int | None:
    """Return the process that the profile's own lock names, if that is a browser on this profile."""
    try:
        pid = int(os.readlink(browser / LOCK).rpartition("-")[2])
        words = _command_line(pid)
    except (OSError, ValueError):
        return None
    return pid if os.fsencode(browser) in words else None


def _command_line(pid: int) -> bytes:
    file = Path(f"/proc/{pid}/cmdline")
    if file.parent.parent.joinpath("self").exists():
        return file.read_bytes()
    # macOS has no /proc.
    words = ["ps", "-ww", "-o", "command=", "-p", str(pid)]
    return subprocess.run(words, capture_output=True, check=False).stdout
