"""Writing files whole, for their owner alone, by one process at a time."""

from __future__ import annotations

import fcntl
import os
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from rushes.settings.keys import CLOSED, CLOSED_FOLDER


@contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Be the only process that changes settings in `folder`, which is made where it is not there."""
    folder.mkdir(mode=CLOSED_FOLDER, parents=True, exist_ok=True)
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
    mode = stat.S_IMODE(target.stat().st_mode) if target.exists() else CLOSED
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
