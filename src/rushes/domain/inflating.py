"""Expanding gzip and deflate in small steps: 64 KB of what a stranger sends can stand for gigabytes."""

from __future__ import annotations

import zlib
from collections.abc import Iterator

ENCODINGS = frozenset({"gzip", "x-gzip", "deflate"})
"""What can be expanded in steps, by its name in HTTP."""

STEP = 64 * 1024
"""Bytes that are returned at once."""

_WHICHEVER_HEADER = 32 + zlib.MAX_WBITS
_NO_HEADER = -zlib.MAX_WBITS


class Inflater:
    """Expands one body, piece by piece; what follows its end is left out. Not for several threads."""

    def __init__(self) -> None:
        self._zlib = zlib.decompressobj(_WHICHEVER_HEADER)
        self._begun = False

    @property
    def is_whole(self) -> bool:
        """Whether the body's end has come."""
        return self._zlib.eof

    def decode(self, piece: bytes) -> Iterator[bytes]:
        """Yield what a piece stands for, at most STEP bytes at a time. Raises zlib.error."""
        while not self._zlib.eof:
            plain = self._step(piece)
            piece = self._zlib.unconsumed_tail
            if plain:
                yield plain
            elif not piece:
                return

    def _step(self, data: bytes) -> bytes:
        begun, self._begun = self._begun, self._begun or bool(data)
        try:
            return self._zlib.decompress(data, STEP)
        except zlib.error:
            if begun:
                raise
            # Some servers understand "deflate" as zlib's format without its header.
            self._zlib = zlib.decompressobj(_NO_HEADER)
            return self._zlib.decompress(data, STEP)
