"""The boxes of an MP4 or MOV file: what libav does not tell about the file around the pictures.

Layout after ISO/IEC 14496-12 (ISO base media file format): a file is a row of boxes, each a 32-bit size, a
four-letter name and a body; size 1 means that a 64-bit size follows, size 0 "to the end of the file".
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import accumulate, islice, takewhile
from pathlib import Path
from typing import BinaryIO

from rushes.media.orientation import UPRIGHT, UPRIGHT_MATRIX, Orientation, multiply

C2PA_UUID = bytes.fromhex("d8fec3d61b0e483c92975828877ec481")
MOST_INDEX_BYTES = 64 << 20
"""The index of two hours of pictures and sound has some 15 MB."""

MOST_BOXES = 100_000
"""In one file, or in one box: a file in fragments of a second has 15,000 after two hours."""

MOST_TRACKS = 32

_REORDERED = 32
"""Pictures are stored at most 16 ahead of their turn to be shown (ITU-T H.264, max_dec_frame_buffering)."""

_FIRST = {b"ftyp", b"moov", b"mdat", b"free", b"skip", b"wide", b"uuid", b"pnot", b"styp", b"sidx", b"moof"}
_ENTRY_HEAD = {b"vide": 78, b"soun": 20}  # bytes of a sample entry before its child boxes


@dataclass(frozen=True, kw_only=True)
class Edit:
    """One entry of an edit list: for `seconds` of the movie its track shows its samples from `start` on.

    `start` is in seconds by the clock of the samples, None for an empty edit, in which nothing is shown; a
    `seconds` of 0 means "to the end" in a file in fragments. `rate` is 1 for the usual speed, 0 for a picture
    that is held.
    """

    seconds: float
    start: float | None
    rate: float = 1.0


@dataclass(frozen=True, kw_only=True)
class Track:
    """One track: `kind` vide, soun …; `entry` the name of its sample entry (avc1, hvc1, hev1, mp4a …).

    `average_bitrate` is the `btrt` box's, bits per second, None without that box. `orientation` is how its
    pictures are turned and mirrored for display, None if the `matrix` (nine numbers, the track's and the
    movie's together) says something else. By the clock of the samples, in seconds, `first` is when the first
    sample is shown and `length` how long all of them last, 0 in a file in fragments, whose head lists none.
    `edits` say which of it is shown when; without any, everything is, from the start of the movie on.
    """

    kind: str
    entry: str
    average_bitrate: int | None
    orientation: Orientation | None = UPRIGHT
    matrix: tuple[int, ...] = UPRIGHT_MATRIX
    first: float = 0.0
    length: float = 0.0
    edits: tuple[Edit, ...] = ()

    @property
    def empty_edit_seconds(self) -> float:
        """How long the track shows nothing before its first sample, by its edit list."""
        return sum(edit.seconds for edit in takewhile(lambda edit: edit.start is None, self.edits))


@dataclass(frozen=True, kw_only=True)
class Boxes:
    """The layout of one file. `missing` counts the bytes that its boxes promise and the file lacks.

    `count` is how many boxes it has on the outside, `index_bytes` how long its index is, fragments included,
    `samples` how many pictures and pieces of sound that says there are, `track_count` how many tracks: by
    these a reader sets its memory aside. What is beyond MOST_BOXES, MOST_INDEX_BYTES and
    MOST_TRACKS was not read. `movie_seconds` is the length that the index gives the whole movie, the longest
    of its tracks with their edits; 0 if it does not say.
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
    movie_seconds: float = 0.0


def read_boxes(path: Path) -> Boxes | None:
    """Return the layout of an MP4 or MOV file, None for any other file. Raises `OSError` when unreadable."""
    with path.open("rb") as file:
        end = file.seek(0, 2)
        file.seek(0)
        if file.read(8)[4:] not in _FIRST:
            return None
        return _layout(file, end)


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
    movie = _find(moov, b"mvhd")
    scale, length = _clock(movie)
    return Boxes(
        brand=brand.decode("latin-1").strip(),
        moov_first=b"moov" in names and (b"mdat" not in names or names.index(b"moov") < names.index(b"mdat")),
        has_moov=b"moov" in names,
        fragmented=b"moof" in names,
        missing=missing,
        c2pa=c2pa,
        tracks=tuple(_track(body, movie) for body in tracks[:MOST_TRACKS]),
        count=len(names),
        index_bytes=index_bytes,
        samples=samples + sum(_samples_of_track(body) for body in tracks[:MOST_TRACKS]),
        track_count=len(tracks),
        movie_seconds=length / scale if scale else 0.0,
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


def _track(trak: bytes, movie: bytes) -> Track:
    kind = _find(trak, b"mdia", b"hdlr")[8:12]
    # `stsd`: 4 bytes of version and flags, 4 of count, then the sample entries; the first one counts.
    entry, inside = next(_children(_find(trak, b"mdia", b"minf", b"stbl", b"stsd")[8:]), (b"", b""))
    head = _ENTRY_HEAD.get(kind, len(inside))
    if kind == b"soun":
        # QuickTime's sound entries of version 1 and 2 are longer (Apple, QuickTime File Format).
        head += {1: 16, 2: 36}.get(int.from_bytes(inside[8:10], "big"), 0)
    btrt = _find(inside[head:], b"btrt")
    matrix = multiply(_matrix(_find(trak, b"tkhd"), (40, 52)), _matrix(movie, (36, 48)))
    media_scale, _ = _clock(_find(trak, b"mdia", b"mdhd"))
    table = _find(trak, b"mdia", b"minf", b"stbl")
    return Track(
        kind=kind.decode("latin-1"),
        entry=entry.decode("latin-1"),
        average_bitrate=int.from_bytes(btrt[8:12], "big") if len(btrt) >= 12 else None,
        orientation=Orientation.from_matrix(matrix),
        matrix=matrix,
        first=_first(table) / media_scale if media_scale else 0.0,
        length=_length(_find(table, b"stts")) / media_scale if media_scale else 0.0,
        edits=tuple(_edits(_find(trak, b"edts", b"elst"), _clock(movie)[0], media_scale)),
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


def _matrix(head: bytes, place: tuple[int, int]) -> tuple[int, ...]:
    """Return the matrix of a track's or the movie's head; `place` is where, in version 0 and in version 1."""
    at = place[head[:1] == b"\x01"]
    return struct.unpack_from(">9i", head, at) if len(head) >= at + 36 else UPRIGHT_MATRIX


def _clock(head: bytes) -> tuple[int, int]:
    """Return ticks per second and the length in ticks, of `mvhd` or `mdhd`; 0 if it does not say."""
    wide = head[:1] == b"\x01"  # version 1 has 64-bit times
    at, form = (20, ">IQ") if wide else (12, ">II")
    if len(head) < at + struct.calcsize(form):
        return 0, 0
    scale, length = struct.unpack_from(form, head, at)
    unknown = (1 << 64) - 1 if wide else (1 << 32) - 1
    return scale, 0 if length == unknown else length


def _edits(elst: bytes, movie_scale: int, media_scale: int) -> Iterator[Edit]:
    form = struct.Struct(">QqhH" if elst[:1] == b"\x01" else ">IihH")
    count = min(int.from_bytes(elst[4:8], "big"), MOST_BOXES, max(0, len(elst) - 8) // form.size)
    for at in range(count if movie_scale and media_scale else 0):
        length, start, whole, part = form.unpack_from(elst, 8 + at * form.size)
        yield Edit(
            seconds=length / movie_scale,
            start=start / media_scale if start >= 0 else None,
            rate=whole + part / (1 << 16),
        )


def _length(stts: bytes) -> int:
    """Return how long all samples last, in ticks: each entry is a number of samples and the time of each."""
    count = min(int.from_bytes(stts[4:8], "big"), max(0, len(stts) - 8) // 8)
    return sum(number * each for number, each in struct.iter_unpack(">II", stts[8 : 8 + 8 * count]))


def _first(table: bytes) -> int:
    """Return when the first picture of a sample table is shown, in ticks, from its first samples."""
    offsets = [
        offset for count, offset in _pairs(_find(table, b"ctts")) for _ in range(min(count, _REORDERED))
    ]
    steps = [step for count, step in _pairs(_find(table, b"stts")) for _ in range(min(count, _REORDERED))]
    times = [
        at + offset for at, offset in zip(accumulate(steps, initial=0), offsets[:_REORDERED], strict=False)
    ]
    return min(times, default=0)


def _pairs(box: bytes) -> list[tuple[int, int]]:
    """Return the first entries of a `stts` or `ctts` box: a number of samples and what each of them has."""
    count = min(int.from_bytes(box[4:8], "big"), max(0, len(box) - 8) // 8, _REORDERED)
    return [struct.unpack_from(">Ii", box, 8 + 8 * at) for at in range(count)]
