"""A file that a server compressed although it was asked not to.

The decoders of HTTP clients expand a piece that arrived as a whole; this one does it in small steps.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator

from rushes.domain.inflating import ENCODINGS, Inflater
from rushes.jobs.transfer import BrokenOff

GZIP = b"\x1f\x8b"


class NotCompressed(Exception):
    """The bytes are not compressed in the way that their server says, or in one that is not read."""


def expanded(pieces: Iterator[bytes], encoding: str) -> Iterator[bytes]:
    """Yield what `pieces` of a file compressed as `encoding` stand for, in small steps.

    Raises NotCompressed, and BrokenOff for a file that ends in the middle.
    """
    if encoding not in ENCODINGS:
        raise NotCompressed(encoding)
    inflater = Inflater()
    try:
        for piece in pieces:
            yield from inflater.decode(piece)
    except zlib.error as error:
        raise NotCompressed(encoding) from error
    if not inflater.is_whole:
        raise BrokenOff("the compressed file ends in the middle")
