"""Reads text files that somebody else wrote: whatever lies there, the answer comes at once and is bounded."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from rushes.domain.text import decode_text

MOST_BYTES = 1_000_000
"""The most that a file of settings, variables or keys may take."""


class Unreadable(Exception):
    """A file is there and cannot be used; the text says why, and repeats nothing of what stands in it."""


def read_text(path: Path) -> str:
    """Return a text file's content, line ends as they are: UTF-8, or UTF-16 that begins with its mark.

    Raises FileNotFoundError, and Unreadable for whatever else keeps it from being used.
    """
    with open_regular(path) as file:
        return decoded(file)


@contextmanager
def open_regular(path: Path) -> Iterator[BinaryIO]:
    """Open a regular file for reading; a pipe, a device or a folder is refused, and never waited for.

    Raises FileNotFoundError, Unreadable.
    """
    # A pipe is opened without waiting for whoever writes to it.
    flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
    try:
        handle = os.open(path, flags)
    except (FileNotFoundError, NotADirectoryError):
        raise FileNotFoundError(path) from None
    except OSError as error:
        raise Unreadable(error.strerror or "it cannot be opened") from error
    try:
        if not stat.S_ISREG(os.fstat(handle).st_mode):
            raise Unreadable("it is not a regular file")
        with os.fdopen(handle, "rb", closefd=False) as file:
            yield file
    except OSError as error:
        raise Unreadable(error.strerror or "it cannot be read") from error
    finally:
        os.close(handle)


def decoded(file: BinaryIO) -> str:
    """Return what a file holds as text. Raises Unreadable."""
    data = file.read(MOST_BYTES + 1)
    if len(data) > MOST_BYTES:
        raise Unreadable(f"it is larger than {MOST_BYTES // 1_000_000} MB")
    try:
        return decode_text(data)
    except ValueError as error:
        raise Unreadable(str(error)) from None
