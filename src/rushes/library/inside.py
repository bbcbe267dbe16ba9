"""Files below a folder that strangers may have written into: no link is followed out of it.

A library is shared, synced, downloaded and written to by agents. So a name in it is no promise of what lies
there: it may be a link to a private key, a device, or a pipe that nobody writes to.
"""

from __future__ import annotations

import errno
import os
import stat
from io import BufferedReader
from pathlib import Path


class NotInside(ValueError):
    """A path leads out of its folder, or to something that is no regular file."""


def locate(folder: Path, path: Path) -> Path:
    """Return where the regular file at `path` really is, links followed.

    Raises NotInside, and FileNotFoundError if there is nothing.
    """
    try:
        real = path.resolve(strict=True)
        base = folder.resolve(strict=True)
        mode = real.stat().st_mode
    except FileNotFoundError:
        raise
    except (OSError, RuntimeError, ValueError) as error:
        raise NotInside(f"{path} cannot be followed: {error}") from error
    if not real.is_relative_to(base):
        raise NotInside(f"{path} is a link that leads out of {folder}")
    if not stat.S_ISREG(mode):
        raise NotInside(f"{path} is not a regular file")
    return real


def open_file(folder: Path, path: Path) -> BufferedReader:
    """Open the regular file at `path` for reading; a link put in its way meanwhile is not followed.

    Raises NotInside, FileNotFoundError, OSError.
    """
    real = locate(folder, path)
    # A pipe would keep the open waiting for a writer, for ever.
    flags = (
        os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0) | getattr(os, "O_CLOEXEC", 0)
    )
    try:
        handle = _open_below(folder.resolve(), real, flags)
    except OSError as error:
        if error.errno in (errno.ELOOP, errno.ENOTDIR):
            raise NotInside(f"{path} is a link that leads out of {folder}") from error
        raise
    if not stat.S_ISREG(os.fstat(handle).st_mode):
        os.close(handle)
        raise NotInside(f"{path} is not a regular file")
    return os.fdopen(handle, "rb")


def check_folder(folder: Path, path: Path) -> None:
    """Raise NotInside unless the folder that `path` lies in is below `folder`, links followed."""
    try:
        inside = path.parent.resolve(strict=True).is_relative_to(folder.resolve(strict=True))
    except (OSError, RuntimeError) as error:
        raise NotInside(f"{path} cannot be followed: {error}") from error
    if not inside:
        raise NotInside(f"{path} lies behind a link that leads out of {folder}")


def write_text(path: Path, text: str) -> None:
    """Write a file anew, through no link that lies under its name."""
    path.unlink(missing_ok=True)
    with path.open("x", encoding="utf-8") as file:
        file.write(text)


def _open_below(base: Path, real: Path, flags: int) -> int:
    """Open a file folder by folder from `base`, so that none of them can be swapped for a link meanwhile."""
    no_links = getattr(os, "O_NOFOLLOW", 0)
    if not no_links or os.open not in os.supports_dir_fd:
        return os.open(real, flags | no_links)
    *folders, name = real.relative_to(base).parts
    handle = os.open(base, os.O_RDONLY | os.O_DIRECTORY)
    try:
        for one in folders:
            below = os.open(one, os.O_RDONLY | os.O_DIRECTORY | no_links, dir_fd=handle)
            os.close(handle)
            handle = below
        return os.open(name, flags | no_links, dir_fd=handle)
    finally:
        os.close(handle)
