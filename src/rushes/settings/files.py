"""Writing files whole, for their owner alone, by one process at a time."""

from __future__ import annotations

import os
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import FileLock

from rushes.domain.permissions import PRIVATE_FILE, make_private

try:
    import fcntl
except ModuleNotFoundError:
    # Windows: a folder cannot be locked there, and a lock's file goes when it is released.
    LOCKS_FOLDERS = False
else:
    LOCKS_FOLDERS = True

LOCK = ".rushes.lock"


@contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Be the only process that changes what is in `folder`, which is made if it is not there."""
    make_private(folder)
    if not LOCKS_FOLDERS:
        with FileLock(folder / LOCK):
            yield
        return
    place = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(place, fcntl.LOCK_EX)
        yield
    finally:
        os.close(place)


def replace_file(path: Path, text: str) -> None:
    """Put `text` in place of a file at once, with the mode it had; a new one is for its owner alone.

    A link stays a link: what it leads to is replaced.
    """
    target = path.resolve()
    mode = stat.S_IMODE(target.stat().st_mode) if target.exists() else PRIVATE_FILE
    handle, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(text.encode())
            file.flush()
            os.fsync(file.fileno())
        os.chmod(name, mode)
        os.replace(name, target)
    except BaseException:
        with suppress(FileNotFoundError):
            os.unlink(name)
        raise
