"""The few boxes of an MP4 that say when and how it is shown, read and changed without our own reader.

Layout after ISO/IEC 14496-12: size, name, body; inside `moov` the `mvhd` and for each track a `trak` with its
`tkhd` (matrix), `edts`/`elst` (edits) and `mdia`/`hdlr` (kind).
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

ONE = 1 << 16
_INSIDE = (b"moov", b"trak", b"edts", b"mdia")


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where a box is: its name, and its body from `start` to `end`; `kind` is that of its track."""

    name: bytes
    start: int
    end: int
    kind: str


@dataclass(frozen=True, kw_only=True)
class Movie:
    """`seconds` of the whole; by kind of track its edits (seconds, media time) and matrix (a, b, c, d)."""

    seconds: float
    edits: dict[str, list[tuple[float, int]]]
    turns: dict[str, tuple[int, ...]]
    rest: int  # bytes after the last box


def read_movie(path: Path) -> Movie:
    """Read what the boxes of a file say."""
    data = path.read_bytes()
    places = list(_places(data, 0, len(data), ""))
    (movie,) = [place for place in places if place.name == b"mvhd"]
    scale, length = struct.unpack_from(">II", data, movie.start + 12)
    edits = {
        place.kind: [
            (seconds / scale, start)
            for seconds, start, _ in struct.iter_unpack(">IiI", data[place.start + 8 : place.end])
        ]
        for place in places
        if place.name == b"elst"
    }
    heads = {
        place.kind: struct.unpack_from(">9i", data, place.start + 40)
        for place in places
        if place.name == b"tkhd"
    }
    turns = {kind: tuple(one[at] // ONE for at in (0, 1, 3, 4)) for kind, one in heads.items()}
    rest = len(data) - max(
        place.end for place in places if place.name in (b"moov", b"mdat", b"free", b"ftyp")
    )
    return Movie(seconds=length / scale, edits=edits, turns=turns, rest=rest)


def set_turn(path: Path, turn: Sequence[int], width: int, height: int) -> Path:
    """Write a display matrix (a, b, c, d) into the track of pictures, which have these stored sides."""
    a, b, c, d = turn
    x = (width if a < 0 else 0) + (height if c < 0 else 0)
    y = (width if b < 0 else 0) + (height if d < 0 else 0)
    matrix = struct.pack(">9i", a * ONE, b * ONE, 0, c * ONE, d * ONE, 0, x * ONE, y * ONE, 1 << 30)
    return _change(path, b"tkhd", 40, matrix)


def set_edit(path: Path, seconds: float, start: int) -> Path:
    """Show of the pictures only what lasts `seconds` from the tick `start` on."""
    return _change(path, b"elst", 8, struct.pack(">Ii", round(seconds * 1000), start))


def _change(path: Path, name: bytes, at: int, body: bytes) -> Path:
    data = bytearray(path.read_bytes())
    (place,) = [
        one for one in _places(bytes(data), 0, len(data), "") if one.name == name and one.kind == "vide"
    ]
    data[place.start + at : place.start + at + len(body)] = body
    path.write_bytes(data)
    return path


def _places(data: bytes, start: int, end: int, kind: str) -> Iterator[Place]:
    while start + 8 <= end:
        size, name = struct.unpack_from(">I4s", data, start)
        if size < 8 or start + size > end:
            return
        inner = start + 8
        if name == b"trak":
            kind = data[data.index(b"hdlr", inner) + 12 :][:4].decode("latin-1")
        yield Place(name=name, start=inner, end=start + size, kind=kind)
        if name in _INSIDE:
            yield from _places(data, inner, start + size, kind)
        start += size
