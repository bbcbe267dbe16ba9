"""The boxes of an MP4 or MOV file: what libav does not tell about the file around the pictures.

Layout after ISO/IEC 14496-12 (ISO base media file format): a file is a row of boxes, each a 32-bit size, a
four-letter name and a body; size 1 means that a 64-bit size follows, size 0 "to the end of the file".
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import BinaryIO

C2PA_UUID = bytes.fromhex("d8fec3d61b0e483c92975828877ec481")
MOST_INDEX_BYTES = 64 << 20
"""The index of two hours of pictures and sound has some 15 MB."""

MOST_BOXES = 100_000
"""In one file, or in one box: a file in fragments of a second has 15,000 after two hours."""

MOST_TRACKS = 32

_FIRST = {b"ftyp", b"moov", b"mdat", b"free", b"skip", b"wide", b"uuid", b"pnot", b"styp", b"sidx", b"moof"}
_ENTRY_HEAD = {b"vide": 78, b"soun": 20}  # bytes of a sample entry before its child boxes


@dataclass(frozen=True, kw_only=True)
class Track:
    """One track: `kind` vide, soun …; `entry` the name of its sample entry (avc1, hvc1, hev1, mp4a …).

    `average_bitrate` is the `btrt` box's, bits per second, None without that box. `rotation` is how far the
    picture is to be turned clockwise for display: 0, 90, 180 or 270 degrees.
    """

    kind: str
    entry: str
    average_bitrate: int | None
    rotation: int


@dataclass(frozen=True, kw_only=True)
class Boxes:
    """The layout of one file. `missing` counts the bytes that its boxes promise and the file lacks.

    `count` is how many boxes it has on the outside, `index_bytes` how long its index is, fragments included,
    `samples` how many pictures and pieces of sound that says there are, `track_count` how many tracks: by
    these a reader sets its memory aside. What is beyond MOST_BOXES, MOST_INDEX_BYTES and
    MOST_TRACKS was not read.
    """

    brand: str
    moov_first: bool
    has_moov: bool
    fragmented: bool
    missing: int
    c2pa: bool
    tracks: tuple[Track, ...]
    count: int
    index_bytes: int
    samples: int
    track_count: int


def read_boxes(path: Path) -> Boxes | None:
    """Return the layout of an MP4 or MOV file, None for any other file. Raises `OSError` when unreadable."""
    with path.open("rb") as file:
        end = file.seek(0, 2)
        file.seek(0)
        if file.read(8)[4:] not in _FIRST:
            return None
        return _layout(file, end)


def carries_credentials(file: BinaryIO) -> bool:
    """Return whether an MP4 or MOV file, open for reading, carries content credentials (a C2PA box).

    They are not checked. Any other file carries none that can be seen. C2PA specification 2.2, A.5.
    """
    end = file.seek(0, 2)
    file.seek(4)
    if file.read(4) not in _FIRST:
        return False
    for name, start, _ in islice(_top(file, end), MOST_BOXES + 1):
        file.seek(start)
        if name == b"uuid" and file.read(16) == C2PA_UUID:
            return True
    return False


def _layout(file: BinaryIO, end: int) -> Boxes:
    names: list[bytes] = []
    brand, moov, c2pa, missing = b"", b"", False, 0
    index_bytes = samples = 0
    for name, start, stop in islice(_top(file, end), MOST_BOXES + 1):
        names.append(name)
        missing = max(missing, stop - end)
        file.seek(start)
        if name == b"ftyp":
            brand = file.read(4)
        elif name == b"moov":
            moov = file.read(min(stop - start, MOST_INDEX_BYTES))
            index_bytes += min(stop, end) - start
        elif name == b"moof":
            index_bytes += min(stop, end) - start
            samples += _samples_of_fragment(file.read(min(stop - start, MOST_INDEX_BYTES)))
        elif name == b"uuid":
            c2pa = c2pa or file.read(16) == C2PA_UUID
    tracks = [body for name, body in _children(moov) if name == b"trak"]
    return Boxes(
        brand=brand.decode("latin-1").strip(),
        moov_first=b"moov" in names and (b"mdat" not in names or names.index(b"moov") < names.index(b"mdat")),
        has_moov=b"moov" in names,
        fragmented=b"moof" in names,
        missing=missing,
        c2pa=c2pa,
        tracks=tuple(_track(body) for body in tracks[:MOST_TRACKS]),
        count=len(names),
        index_bytes=index_bytes,
        samples=samples + sum(_samples_of_track(body) for body in tracks[:MOST_TRACKS]),
        track_count=len(tracks),
    )


def _top(file: BinaryIO, end: int) -> Iterator[tuple[bytes, int, int]]:
    """Yield (name, start of body, end of box) of the outermost boxes; the last may end past the file."""
    at = 0
    while at + 8 <= end:
        file.seek(at)
        size, name = struct.unpack(">I4s", file.read(8))
        head = 8
        if size == 1:
            wide = file.read(8)
            if len(wide) < 8:
                return
            size, head = int.from_bytes(wide, "big"), 16
        elif size == 0:
            size = end - at
        if size < head:
            return
        yield name, at + head, at + size
        at += size


def _children(body: bytes) -> Iterator[tuple[bytes, bytes]]:
    """Yield (name, body) of the first boxes in `body`; a broken size ends the walk."""
    at = 0
    for _ in range(MOST_BOXES):
        if at + 8 > len(body):
            return
        size, name = struct.unpack_from(">I4s", body, at)
        head = 8
        if size == 1 and at + 16 <= len(body):
            size, head = int.from_bytes(body[at + 8 : at + 16], "big"), 16
        elif size == 0:
            size = len(body) - at
        if size < head:
            return
        yield name, body[at + head : at + size]
        at += size


def _find(body: bytes, *names: bytes) -> bytes:
    """Return the body of the first box down the path `names`, empty when there is none."""
    for name in names:
        body = next((inner for found, inner in _children(body) if found == name), b"")
    return body


def _track(trak: bytes) -> Track:
    kind = _find(trak, b"mdia", b"hdlr")[8:12]
    # `stsd`: 4 bytes of version and flags, 4 of count, then the sample entries; the first one counts.
    entry, inside = next(_children(_find(trak, b"mdia", b"minf", b"stbl", b"stsd")[8:]), (b"", b""))
    head = _ENTRY_HEAD.get(kind, len(inside))
    if kind == b"soun":
        # QuickTime's sound entries of version 1 and 2 are longer (Apple, QuickTime File Format).
        head += {1: 16, 2: 36}.get(int.from_bytes(inside[8:10], "big"), 0)
    btrt = _find(inside[head:], b"btrt")
    return Track(
        kind=kind.decode("latin-1"),
        entry=entry.decode("latin-1"),
        average_bitrate=int.from_bytes(btrt[8:12], "big") if len(btrt) >= 12 else None,
        rotation=_rotation(_find(trak, b"tkhd")),
    )


def _samples_of_track(trak: bytes) -> int:
    """Return how many entries a reader makes for a track: one a sample, or one a chunk of plain sound."""
    table = _find(trak, b"mdia", b"minf", b"stbl")
    sizes, times = _find(table, b"stsz") or _find(table, b"stz2"), _find(table, b"stts")
    # `stsz`: version and flags, the size that all samples have or 0, their number.
    same, count = int.from_bytes(sizes[4:8], "big"), int.from_bytes(sizes[8:12], "big")
    is_sound = _find(trak, b"mdia", b"hdlr")[8:12] == b"soun"
    is_plain = is_sound and same > 0 and times[4:8] + times[12:16] == b"\0\0\0\1" * 2
    return count // 1024 if is_plain else count


def _samples_of_fragment(moof: bytes) -> int:
    """Return how many samples the runs (`trun`) of a fragment say that it has."""
    runs = (
        run
        for name, traf in _children(moof)
        if name == b"traf"
        for kind, run in _children(traf)
        if kind == b"trun"
    )
    return sum(int.from_bytes(run[4:8], "big") for run in runs)


def _rotation(tkhd: bytes) -> int:
    """Return the clockwise turn in the matrix of a track header, 0 for anything but a plain quarter turn."""
    at = 52 if tkhd[:1] == b"\x01" else 40  # version 1 has 64-bit times
    if len(tkhd) < at + 36:
        return 0
    a, b, _, c, d = struct.unpack_from(">5i", tkhd, at)

    def sign(value: int) -> int:
        return (value > 0) - (value < 0)

    turns = {(0, 1, -1, 0): 90, (-1, 0, 0, -1): 180, (0, -1, 1, 0): 270}
    return turns.get((sign(a), sign(b), sign(c), sign(d)), 0)
