"""The boxes of an MP4 or MOV file: what libav does not tell about the file around the pictures.

Layout after ISO/IEC 14496-12 (ISO base media file format): a file is a row of boxes, each a 32-bit size, a
four-letter name and a body; size 1 means that a 64-bit size follows, size 0 "to the end of the file".
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate, islice, takewhile
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from rushes.media.fragments import Fragments, Played
from rushes.media.orientation import UPRIGHT, UPRIGHT_MATRIX, Orientation, multiply

C2PA_UUID = bytes.fromhex("d8fec3d61b0e483c92975828877ec481")
MOST_INDEX_BYTES = 64 << 20
"""The index of two hours of pictures and sound has some 15 MB."""

MOST_BOXES = 100_000
"""In one file, or in one box: a file in fragments of a second has 15,000 after two hours."""

MOST_TRACKS = 32

_MOST_TIMES = 1 << 22  # pictures of which each time is looked at: two hours have 432,000
_REORDERED = 32
"""Pictures are stored at most 16 ahead of their turn to be shown (ITU-T H.264, max_dec_frame_buffering)."""

_FIRST = {b"ftyp", b"moov", b"mdat", b"free", b"skip", b"wide", b"uuid", b"pnot", b"styp", b"sidx", b"moof"}
_OUTERMOST = _FIRST | {
    b"mfra",
    b"meta",
    b"meco",
    b"ssix",
    b"prft",
    b"emsg",
    b"pdin",
    b"imda",
    b"udta",
    b"PICT",
}
"""The boxes that stand on the outside of a file, by ISO/IEC 14496-12 and Apple's QuickTime File Format."""

_PAYLOAD = {b"moov", b"moof", b"mdat"}  # without all of these there is something that cannot be shown
_ENCRYPTED = {"encv", "enca", "encs", "encm"}  # ISO/IEC 14496-12, 8.12
_TRACK_MATRIX, _MOVIE_MATRIX = (40, 52), (36, 48)  # where it stands in `tkhd` and `mvhd`, versions 0 and 1
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
    sample is shown and `length` how long all of them last. `edits` say which of it is shown when; without
    any, everything is, at the time that the samples have.
    """

    kind: str
    entry: str
    average_bitrate: int | None
    orientation: Orientation | None = UPRIGHT
    matrix: tuple[int, ...] = UPRIGHT_MATRIX
    first: float = 0.0
    length: float = 0.0
    edits: tuple[Edit, ...] = ()
    is_encrypted: bool = False

    @property
    def start(self) -> float:
        """When the track begins to be shown, in seconds after the start of the movie."""
        into = next((edit.start for edit in self.edits if edit.start is not None), None)
        return self.empty_edit_seconds + max(0.0, self.first - into if into is not None else self.first)

    @property
    def end(self) -> float:
        """When all of the track has been shown, in seconds after the start of the movie."""
        if self.edits and all(edit.seconds for edit in self.edits):
            return sum(edit.seconds for edit in self.edits)
        return self.start + self.length

    @property
    def empty_edit_seconds(self) -> float:
        """How long the track shows nothing before its first sample, by its edit list."""
        return sum(edit.seconds for edit in takewhile(lambda edit: edit.start is None, self.edits))


@dataclass(frozen=True, kw_only=True)
class Boxes:
    """The layout of one file. `missing` counts the bytes that its boxes promise and the file lacks.

    `payload_missing` are those that boxes with pictures or sound, or with the index, lack. `foreign` is where
    the boxes end if other bytes follow, or a second file does; else None.
    `is_still` tells a picture (AVIF, HEIC) by its having no movie. `movie_matrix` is what the movie's head
    does to all its tracks.

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
    movie_matrix: tuple[int, ...] = UPRIGHT_MATRIX
    payload_missing: int = 0
    foreign: int | None = None
    is_still: bool = False


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
    return _has_credentials(file, _outermost(file, end)[0])


def _has_credentials(file: BinaryIO, boxes: Sequence[tuple[bytes, int, int]]) -> bool:
    for name, start, _ in boxes:
        file.seek(start)
        if name == b"uuid" and file.read(16) == C2PA_UUID:
            return True
    return False


def _layout(file: BinaryIO, end: int) -> Boxes:
    boxes, foreign = _outermost(file, end)
    brand, moov = b"", b""
    index_bytes = 0
    fragments = Fragments()
    for name, start, stop in boxes:
        file.seek(start)
        if name == b"ftyp" and not brand:
            brand = file.read(4)
        elif name == b"moov" and not moov:
            moov = file.read(min(stop - start, MOST_INDEX_BYTES))
            index_bytes += min(stop, end) - start
            fragments.usual.update(_usual_lengths(moov))
        elif name == b"moof":
            index_bytes += min(stop, end) - start
            fragments.add(file.read(min(stop - start, MOST_INDEX_BYTES)), _children)
    names = [name for name, _, _ in boxes]
    tracks = [body for name, body in _children(moov) if name == b"trak"]
    movie = _find(moov, b"mvhd")
    scale, length = _clock(movie)
    return Boxes(
        brand=brand.decode("latin-1").strip(),
        moov_first=b"moov" in names and (b"mdat" not in names or names.index(b"moov") < names.index(b"mdat")),
        has_moov=b"moov" in names,
        fragmented=b"moof" in names,
        missing=max([0, *(stop - end for _, _, stop in boxes)]),
        payload_missing=max([0, *(stop - end for name, _, stop in boxes if name in _PAYLOAD)]),
        foreign=foreign,
        is_still=b"meta" in names and b"moov" not in names,
        c2pa=_has_credentials(file, boxes),
        tracks=tuple(_track(body, movie, fragments) for body in tracks[:MOST_TRACKS]),
        count=len(names),
        index_bytes=index_bytes,
        samples=fragments.samples + sum(_samples_of_track(body) for body in tracks[:MOST_TRACKS]),
        track_count=len(tracks),
        movie_seconds=length / scale if scale else 0.0,
        movie_matrix=_matrix(movie, _MOVIE_MATRIX),
    )


def _outermost(file: BinaryIO, end: int) -> tuple[list[tuple[bytes, int, int]], int | None]:
    """Return (name, start of body, end) of the boxes on the outside, and where bytes begin that are no box.

    Any eight bytes can be read as the head of a box: those that name none of the known ones, and reach past
    the end of the file or have an empty name, are no box. The last box may end past the file.
    """
    boxes: list[tuple[bytes, int, int]] = []
    names: set[bytes] = set()
    for name, start, stop in islice(_top(file, end), MOST_BOXES + 1):
        is_second_file = name == b"ftyp" and {b"moov", b"mdat"} <= names and b"moof" not in names
        is_noise = name not in _OUTERMOST and (stop > end or not name.strip(b"\0"))
        if is_second_file or is_noise:
            break
        boxes.append((name, start, stop))
        names.add(name)
    at = boxes[-1][2] if boxes else 0
    return boxes, at if at < end and len(boxes) <= MOST_BOXES else None


def _top(file: BinaryIO, end: int) -> Iterator[tuple[bytes, int, int]]:
    """Yield (name, start of body, end) of what can be read as the boxes on the outside."""
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


def _usual_lengths(moov: bytes) -> dict[int, int]:
    """Return how long a sample of each track usually is, in ticks, in a file in fragments (`trex`)."""
    found = (body for name, body in _children(_find(moov, b"mvex")) if name == b"trex" and len(body) >= 16)
    return {int.from_bytes(body[4:8], "big"): int.from_bytes(body[12:16], "big") for body in found}


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


def _track(trak: bytes, movie: bytes, fragments: Fragments) -> Track:
    kind = _find(trak, b"mdia", b"hdlr")[8:12]
    # `stsd`: 4 bytes of version and flags, 4 of count, then the sample entries; the first one counts.
    name, inside = next(_children(_find(trak, b"mdia", b"minf", b"stbl", b"stsd")[8:]), (b"", b""))
    head = _ENTRY_HEAD.get(kind, len(inside))
    if kind == b"soun":
        # QuickTime's sound entries of version 1 and 2 are longer (Apple, QuickTime File Format).
        head += {1: 16, 2: 36}.get(int.from_bytes(inside[8:10], "big"), 0)
    btrt = _find(inside[head:], b"btrt")
    tkhd = _find(trak, b"tkhd")
    matrix = multiply(_matrix(tkhd, _TRACK_MATRIX), _matrix(movie, _MOVIE_MATRIX))
    scale, _ = _clock(_find(trak, b"mdia", b"mdhd"))
    first, length = _times(_find(trak, b"mdia", b"minf", b"stbl"), fragments.tracks.get(_number(tkhd)))
    entry = name.decode("latin-1")
    return Track(
        kind=kind.decode("latin-1"),
        entry=entry,
        average_bitrate=int.from_bytes(btrt[8:12], "big") if len(btrt) >= 12 else None,
        orientation=Orientation.from_matrix(matrix),
        matrix=matrix,
        first=first / scale if scale else 0.0,
        length=length / scale if scale else 0.0,
        edits=tuple(_edits(_find(trak, b"edts", b"elst"), _clock(movie)[0], scale)),
        is_encrypted=entry in _ENCRYPTED,
    )


def _number(tkhd: bytes) -> int:
    """Return the id of a track; its times are wider in version 1."""
    at = 20 if tkhd[:1] == b"\x01" else 12
    return int.from_bytes(tkhd[at : at + 4], "big")


def _times(table: bytes, played: Played | None) -> tuple[int, int]:
    """Return when the first sample of a track is shown and how long all last, in ticks."""
    length = _length(table, first := _first(table))
    if played is None or played.first is None:
        return first, length
    return (first if length else played.first), played.end - (0 if length else played.begin)


def _samples_of_track(trak: bytes) -> int:
    """Return how many entries a reader makes for a track: one a sample, or one a chunk of plain sound."""
    table = _find(trak, b"mdia", b"minf", b"stbl")
    sizes, times = _find(table, b"stsz") or _find(table, b"stz2"), _find(table, b"stts")
    # `stsz`: version and flags, the size that all samples have or 0, their number.
    same, count = int.from_bytes(sizes[4:8], "big"), int.from_bytes(sizes[8:12], "big")
    is_sound = _find(trak, b"mdia", b"hdlr")[8:12] == b"soun"
    is_plain = is_sound and same > 0 and times[4:8] + times[12:16] == b"\0\0\0\1" * 2
    return count // 1024 if is_plain else count


def _matrix(head: bytes, place: tuple[int, int]) -> tuple[int, ...]:
    """Return the matrix of a track's or the movie's head; `place` is where, by its version."""
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


def _length(table: bytes, first: int) -> int:
    """Return how long all samples of a sample table last, in ticks, the `first` of which is shown then.

    The times between decoding them add up to more if pictures between them were left out.
    """
    steps, offsets = _runs(_find(table, b"stts")), _runs(_find(table, b"ctts"))
    counts = steps[:, 0]
    if not 0 < offsets[:, 0].sum() == counts.sum() <= _MOST_TIMES:
        return int((counts * steps[:, 1]).sum())
    each = np.repeat(steps[:, 1], counts)
    # Offsets are signed in version 1, and in practice before.
    shown = np.cumsum(each) - each + np.repeat(offsets[:, 1].astype(np.int32), offsets[:, 0])
    return int(shown.max() + each[-1]) - first


def _runs(box: bytes) -> NDArray[np.int64]:
    """Return the entries of a `stts` or `ctts` box: each a number of samples and what each of them has."""
    count = min(int.from_bytes(box[4:8], "big"), max(0, len(box) - 8) // 8)
    return np.frombuffer(box, ">u4", 2 * count, 8 if count else 0).reshape(count, 2).astype(np.int64)


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
