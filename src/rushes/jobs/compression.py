"""Expanding what a server compressed although it was asked not to, a small piece at a time.

The decoders of HTTP clients expand a piece that arrived as a whole: 64 KB of it can stand for gigabytes.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from contextlib import suppress

from rushes.jobs.transfer import BrokenOff

GZIP = b"\x1f\x8b"
PIECE = 64 * 1024
ENCODINGS = frozenset({"gzip", "x-gzip", "deflate"})

_ZLIB_OR_GZIP = 32 + zlib.MAX_WBITS
_RAW = -zlib.MAX_WBITS


class NotCompressed(Exception):
    """The bytes are not compressed in the way that their server says, or in one that is not read."""


def expanded(pieces: Iterator[bytes], encoding: str) -> Iterator[bytes]:
    """Yield what `pieces` of a file compressed as `encoding` stand for, at most 64 KiB at a time.

    Raises NotCompressed, and BrokenOff for a file that ends in the middle.
    """
    if encoding not in ENCODINGS:
        raise NotCompressed(encoding)
    first = next(pieces, b"")
    decoder = _decoder_of(first)
    try:
        yield from _drained(decoder, first)
        for piece in pieces:
            yield from _drained(decoder, piece)
    except zlib.error as error:
        raise NotCompressed(encoding) from error
    if not decoder.eof:
        raise BrokenOff("the compressed file ends in the middle")


def _decoder_of(first: bytes) -> zlib._Decompress:
    # Some servers understand "deflate" as zlib's format without its head.
    for window in (_ZLIB_OR_GZIP, _RAW):
        with suppress(zlib.error):
            zlib.decompressobj(window).decompress(first, 1)
            return zlib.decompressobj(window)
    raise NotCompressed()


def _drained(decoder: zlib._Decompress, piece: bytes) -> Iterator[bytes]:
    while not decoder.eof:
        plain = decoder.decompress(piece, PIECE)
        piece = decoder.unconsumed_tail
        if plain:
            yield plain
        elif not piece:
            return
