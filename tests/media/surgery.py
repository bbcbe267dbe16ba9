"""Changes to the boxes of an MP4 that no encoder makes, so that files can be had that services have sent."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from rushes.media.encode import VideoWriter
from rushes.media.orientation import ONE, ONE_W
from tests.media.footage import Pixels

Entry = tuple[float, float | None]
"""Of an edit list: its length, and from where it shows the pictures, None for nowhere; both in seconds."""

SCALE = 1000
RED, GREEN, BLUE, WHITE = (220, 20, 20), (20, 200, 20), (20, 20, 220), (230, 230, 230)
"""The quarters of `quarters`, from left to right and from top to bottom."""

EIGHT = {
    "upright": (1, 0, 0, 1),
    "turned 90": (0, 1, -1, 0),
    "turned 180": (-1, 0, 0, -1),
    "turned 270": (0, -1, 1, 0),
    "mirrored left to right": (-1, 0, 0, 1),
    "mirrored top to bottom": (1, 0, 0, -1),
    "transposed": (0, 1, 1, 0),
    "transversed": (0, -1, -1, 0),
}
"""a, b, c and d of the eight display matrices of a square (ISO/IEC 14496-12, 8.3.2)."""


def quarters(path: Path, frames: int = 6, width: int = 320, height: int = 180) -> Path:
    """Write a clip without sound whose quarters have four colours, by our own writer."""
    picture = np.empty((height, width, 3), np.uint8)
    for at, colour in enumerate((RED, GREEN, BLUE, WHITE)):
        down, across = at // 2 * height // 2, at % 2 * width // 2
        picture[down : down + height // 2, across : across + width // 2] = colour
    with VideoWriter(path, width=width, height=height, fps=24, audio_rate=None) as writer:
        for _ in range(frames):
            writer.write_rgb(picture)
    return path


def shown_quarters(factors: tuple[int, int, int, int]) -> list[tuple[int, int, int]]:
    """Return the colours of the quarters as a matrix shows them, worked out from its definition."""
    a, b, c, d = factors
    places = {}
    for colour, (p, q) in zip((RED, GREEN, BLUE, WHITE), ((-1, -1), (1, -1), (-1, 1), (1, 1)), strict=True):
        places[(b * p + d * q, a * p + c * q)] = colour
    return [places[place] for place in sorted(places)]


def colour_of(picture: Pixels) -> list[tuple[int, int, int]]:
    """Return which of the four colours each quarter of an RGB picture (height, width, 3) shows."""
    height, width = picture.shape[:2]
    points = [picture[y * height // 4, x * width // 4] for y in (1, 3) for x in (1, 3)]
    return [nearest(point) for point in points]


def nearest(point: Sequence[float]) -> tuple[int, int, int]:
    """Return which of the four colours an RGB value is nearest to."""
    return min((RED, GREEN, BLUE, WHITE), key=lambda one: np.abs(np.subtract(one, point, dtype=float)).sum())


def with_matrix(path: Path, matrix: Sequence[float], box: bytes = b"tkhd") -> Path:
    """Write a matrix (a, b, c, d and what moves it) into the first track's head, or the movie's (`mvhd`)."""
    data = bytearray(path.read_bytes())
    at = data.index(box) + 4 + {b"tkhd": 40, b"mvhd": 36}[box]
    a, b, c, d, *moved = matrix
    x, y = moved or (0, 0)
    numbers = [round(one * ONE) for one in (a, b, 0, c, d, 0, x, y)]
    struct.pack_into(">9i", data, at, *numbers, ONE_W)
    path.write_bytes(data)
    return path


def with_movie_length(path: Path, seconds: float) -> Path:
    """Have the head of the movie say another length."""
    data = bytearray(path.read_bytes())
    at = data.index(b"mvhd") + 4
    scale = int.from_bytes(data[at + 12 : at + 16], "big")
    struct.pack_into(">I", data, at + 16, round(seconds * scale))
    path.write_bytes(data)
    return path


def with_edits(path: Path, entries: Sequence[Entry]) -> Path:
    """Give the first track of an MP4, whose index comes first, another edit list, as long as the movie."""
    data = bytearray(path.read_bytes())
    movie, track = data.index(b"moov") - 4, data.index(b"trak") - 4
    media = data.index(b"mdhd", track) + 4
    scale = int.from_bytes(data[data.index(b"mvhd") + 16 : data.index(b"mvhd") + 20], "big")
    ticks = int.from_bytes(data[media + 12 : media + 16], "big")
    at = data.index(b"edts", track) - 4
    (first,) = struct.unpack_from(">i", data, data.index(b"elst", at) + 16)  # after the pictures' reordering
    listed = b"".join(
        struct.pack(
            ">IihH", round(length * scale), -1 if start is None else first + round(start * ticks), 1, 0
        )
        for length, start in entries
    )
    edits = (
        struct.pack(">I4sI4sII", 24 + len(listed), b"edts", 16 + len(listed), b"elst", 0, len(entries))
        + listed
    )
    old = int.from_bytes(data[at : at + 4], "big")
    data[at : at + old] = edits
    for box in (movie, track):
        _add(data, box, len(edits) - old)
    _move_chunks(data, movie, len(edits) - old)
    path.write_bytes(data)
    return with_movie_length(path, sum(length for length, _ in entries))


def _move_chunks(data: bytearray, movie: int, by: int) -> None:
    end = movie + int.from_bytes(data[movie : movie + 4], "big")
    at = movie
    while (at := data.find(b"stco", at + 1, end)) > 0:
        for number in range(int.from_bytes(data[at + 8 : at + 12], "big")):
            _add(data, at + 12 + 4 * number, by)


def _add(data: bytearray, at: int, by: int) -> None:
    data[at : at + 4] = struct.pack(">I", int.from_bytes(data[at : at + 4], "big") + by)
