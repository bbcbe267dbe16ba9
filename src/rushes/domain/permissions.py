"""Who may open our files: all that we keep is for its owner alone, what we make for a person is as they want.

On Windows modes say nothing: a person's own folders are closed to others there, and all of this does nothing.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

PRIVATE_FILE = 0o600
PRIVATE_FOLDER = 0o700
OTHERS = 0o077

HAS_OWNERS = hasattr(os, "geteuid")
"""Whether files have an owner and a mode here."""

INHERITED = -1
"""What `subprocess` takes for: the child has our umask."""

_users_umask = INHERITED


def keep_files_private() -> None:
    """Have all that this process makes be for its owner alone, but for what `made_for_user` is about."""
    global _users_umask
    if HAS_OWNERS and _users_umask == INHERITED:
        _users_umask = os.umask(OTHERS)


def users_umask() -> int:
    """Return the umask that a person started us with, for another process; INHERITED if it still holds."""
    return _users_umask


def make_private(folder: Path) -> None:
    """Make a folder, and those above it that are not there, each for its owner alone."""
    try:
        folder.mkdir(mode=PRIVATE_FOLDER)
    except FileExistsError:
        if not folder.is_dir():
            raise
    except FileNotFoundError:
        make_private(folder.parent)
        folder.mkdir(mode=PRIVATE_FOLDER, exist_ok=True)


def close_to_others(path: Path) -> None:
    """Take from others what they may do with a file or a folder of ours; what is not ours stays as it is.

    So does what cannot be changed: `opening` says so then.
    """
    if not HAS_OWNERS:
        return
    with suppress(OSError):
        found = path.stat()
        # Not /tmp: that is for everybody, whoever it belongs to.
        is_common = stat.S_ISDIR(found.st_mode) and found.st_mode & stat.S_ISVTX
        if found.st_mode & OTHERS and found.st_uid == os.geteuid() and not is_common:
            path.chmod(stat.S_IMODE(found.st_mode) & ~OTHERS)


def opening(path: Path) -> str:
    """Return in words who else may get at a folder, "" where nobody may."""
    if not HAS_OWNERS or not path.exists():
        return ""
    found = path.stat()
    if found.st_uid not in (0, os.geteuid()):
        return "it belongs to another user"
    if found.st_mode & OTHERS:
        return f"others may open it (its mode is {stat.S_IMODE(found.st_mode):o})"
    return ""


def is_read_by_others(path: Path) -> bool:
    """Whether every user of this machine can read a file: its mode and the folders above it let them."""
    if not HAS_OWNERS:
        return False
    try:
        file, folders = path.stat(), [one.stat() for one in path.resolve().parents]
    except OSError:
        return False
    return bool(file.st_mode & stat.S_IROTH) and all(one.st_mode & stat.S_IXOTH for one in folders)


@contextmanager
def made_for_user(path: Path) -> Iterator[None]:
    """Have a file that the block makes, and its folders, get the modes that a person's umask asks for.

    The folders are made before the block. What is there already keeps its mode.
    """
    new = [one for one in (path, *path.parents) if not one.exists()]
    path.parent.mkdir(parents=True, exist_ok=True)
    yield
    for one in new:
        give_to_user(one)


def give_to_user(path: Path) -> None:
    """Give a file, or a folder itself, the mode that a person's umask asks for."""
    if _users_umask != INHERITED and path.exists():
        path.chmod((0o777 if path.is_dir() else 0o666) & ~_users_umask)
