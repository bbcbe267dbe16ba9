"""Stills that let someone who cannot watch a clip see what is in it.

The overview shows twelve evenly spread frames. It cannot show whether motion is fluid, frozen or morphing:
the bursts do, with frames a tenth of a second apart at the start, at the most motion and at the end.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Self

import numpy as np
from av.container import InputContainer
from av.video.reformatter import VideoReformatter
from av.video.stream import VideoStream
from PIL import Image, ImageChops

from rushes.domain.clip import Span
from rushes.domain.errors import BeyondRepair
from rushes.media.boxes import read_boxes
from rushes.media.bursts import Moment, Row, burst_rows, moment_row
from rushes.media.colour import rgb_of
from rushes.media.edge import open_video, writing
from rushes.media.frames import Timeline, pick, read_timeline
from rushes.media.grid import JPEG_QUALITY, Tile, best_grid, draw, fit
from rushes.media.orientation import Orientation
from rushes.media.probe import describe

TILES = 12
DIFFERENCE_GAIN = 3


def overview(path: str | Path, destination: str | Path, span: Span | None = None) -> Path:
    """Write a JPEG of twelve evenly spread frames, first and last among them, and return where it is.

    The frames are exact, turned and mirrored as players show them; number and time are under each. They are
    those of the whole clip, or of a `span` of it; if it has fewer, each is shown once. At most 1568 pixels a
    side and 1.15 megapixels. Raises `NotAVideo` or `BeyondRepair`.
    """
    with _Clip.open(Path(path)) as clip:
        line = clip.timeline
        start = span.start if span else 0.0
        end = span.end if span else line.seconds(line.shown[-1])
        wanted = spread(line, start, end)
        grid = best_grid(len(wanted), clip.aspect, clip.width)
        stills = clip.stills(wanted, grid.width, grid.height)
    tiles = [Tile(picture=stills[pts], label=_label(line, pts)) for pts in sorted(stills)]
    rows = [tiles[at : at + grid.columns] for at in range(0, len(tiles), grid.columns)]
    return _save(draw(grid, rows), Path(destination))


def spread(line: Timeline, start: float, end: float) -> list[int]:
    """Return the frames that an overview of a stretch shows: twelve, or all where it has fewer."""
    wanted = sorted({line.nearest(start + (end - start) * at / (TILES - 1)) for at in range(TILES)})
    inside = [pts for pts in line.shown if wanted[0] <= pts <= wanted[-1]]
    return inside if len(inside) <= TILES else wanted


def bursts(path: str | Path, destination: str | Path, moments: Sequence[Moment] = ()) -> Path:
    """Write a JPEG of four frames 0.1 s apart at the start, the most motion and the end; return where it is.

    A row for each of the `moments` follows. The last tile of a row is three times the difference of its last
    and first frame: black where nothing moved. A clip too short for three separate rows shows those it has.
    Limits and errors as for `overview`.
    """
    with _Clip.open(Path(path)) as clip:
        line = clip.timeline
        ends, middles = burst_rows(line)
        others = [moment_row(line, moment) for moment in moments]
        columns = max(len(row) for row in ends + others) + 1
        count = len(ends) + bool(middles) + len(others)
        grid = fit(columns if columns > 2 else 1, count, clip.aspect, clip.width)
        wanted = {pts for row in ends + middles + others for pts in row}
        stills = clip.stills(wanted, grid.width, grid.height)

    def labelled(row: Row) -> list[_Still]:
        return [
            _Still(seconds=line.seconds(pts), label=_label(line, pts), picture=stills[pts])
            for pts in row
            if pts in stills
        ]

    tiles = [_burst("start", labelled(ends[0]))]
    if middles:
        tiles.append(_burst("motion", max(map(labelled, middles), key=_motion)))
    tiles += [_burst("end", labelled(row)) for row in ends[1:]]
    tiles += [_burst(one.name, labelled(row), one.seconds) for one, row in zip(moments, others, strict=True)]
    return _save(draw(grid, tiles), Path(destination))


def frame_at(path: str | Path, seconds: float, destination: str | Path, longest: int | None = None) -> Path:
    """Write the frame nearest to `seconds`, as it is shown, as a picture; return where it is.

    It is full size, or at most `longest` pixels a side. The first or last frame where the clip does not reach
    that far. The format follows the name of `destination`: .jpg, .png or .webp. Raises `NotAVideo` or
    `BeyondRepair`.
    """
    with _Clip.open(Path(path)) as clip:
        wanted = clip.timeline.nearest(seconds)
        shrink = min(1.0, longest / max(clip.width, clip.height)) if longest else 1.0
        stills = clip.stills(
            {wanted}, max(1, round(clip.width * shrink)), max(1, round(clip.height * shrink))
        )
    return _save(stills[wanted], Path(destination))


@dataclass(frozen=True, kw_only=True)
class _Clip:
    """An open clip; `width` and `height` are as shown: turned and with square pixels."""

    path: Path
    container: InputContainer
    stream: VideoStream
    timeline: Timeline
    width: int
    height: int
    orientation: Orientation

    @property
    def aspect(self) -> float:
        return self.width / self.height

    @classmethod
    @contextmanager
    def open(cls, path: Path) -> Iterator[Self]:
        with open_video(path) as (container, stream):
            about = describe(path, container, stream, read_boxes(path))
            # Wider than they are stored, as in browsers, and then turned.
            stored = about.orientation.shown_size(about.width, about.height)
            width, height = about.orientation.shown_size(max(1, round(stored[0] * about.sar)), stored[1])
            yield cls(
                path=path,
                container=container,
                stream=stream,
                timeline=read_timeline(path, container, stream),
                width=width,
                height=height,
                orientation=about.orientation,
            )

    def stills(self, wanted: Collection[int], width: int, height: int) -> dict[int, Image.Image]:
        """Return the frames at the `wanted` times, scaled; raises `BeyondRepair` when none is whole."""
        sides = self.orientation.shown_size(width, height)
        scaler = VideoReformatter()
        stills = {
            frame.pts: self.orientation.show(Image.fromarray(rgb_of(frame, scaler, *sides)))
            for frame in pick(self.container, self.stream, self.timeline, wanted)
            if frame.pts is not None
        }
        if not stills:
            raise BeyondRepair(f"none of the frames to be shown in {self.path} can be decoded")
        return stills


@dataclass(frozen=True, kw_only=True)
class _Still:
    """A frame of a burst, when it is shown, and what is written under it."""

    seconds: float
    label: str
    picture: Image.Image


def _label(line: Timeline, pts: int) -> str:
    """Return what is written under the frame at a time: its number among all, from 0, and its second."""
    return f"f {bisect_left(line.shown, pts)} · {line.seconds(pts):.2f} s"


def _burst(name: str, frames: Sequence[_Still], at: float = 0.0) -> list[Tile]:
    """Return the tiles of one row: its frames, that nearest to `at` named, and the change in all of them."""
    named = min(frames, key=lambda frame: abs(frame.seconds - at), default=None)
    tiles = [
        Tile(picture=frame.picture, label=f"{name} · {frame.label}" if frame is named else frame.label)
        for frame in frames
    ]
    if len(frames) > 1:
        change = ImageChops.difference(frames[-1].picture, frames[0].picture)
        change = change.point([min(255, level * DIFFERENCE_GAIN) for level in range(256)] * 3)
        tiles.append(Tile(picture=change, label=f"change x{DIFFERENCE_GAIN}"))
    return tiles


def _motion(frames: Sequence[_Still]) -> float:
    """Return the median change between neighbours, in grey levels: the median passes over a cut."""
    pixels = [np.asarray(frame.picture, np.int16) for frame in frames]
    changes = [float(np.abs(after - before).mean()) for before, after in pairwise(pixels)]
    return float(np.median(changes)) if changes else 0.0


def _save(picture: Image.Image, destination: Path) -> Path:
    form = None if destination.suffix.lower() in (".png", ".webp") else "JPEG"
    try:
        with writing(destination):
            destination.parent.mkdir(parents=True, exist_ok=True)
            picture.save(destination, format=form, quality=JPEG_QUALITY)
    except BaseException:
        # Half a sheet is no use, and on a full disk it takes the room in which that could be said.
        destination.unlink(missing_ok=True)
        raise
    return destination
