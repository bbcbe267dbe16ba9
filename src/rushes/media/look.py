"""What the pictures of a clip look like as numbers: black and frozen stretches, repeated frames, and cuts."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from av.video.frame import VideoFrame
from numpy.typing import NDArray

from rushes.domain.clip import Span
from rushes.media.cells import cells_of, levels
from rushes.media.cuts import Changes, find_changes
from rushes.media.stillness import (
    BRIGHT_CHANGE,
    FROZEN_SECONDS,
    Motion,
    find_frozen,
    find_held,
    find_repeated,
    runs,
)

# On the scale of limited range, which starts at 16. A night scene has a lamp or a window somewhere, and a
# title card has its letters: black is dark on the whole, and nowhere light.
BLACK_LUMA = 20.0  # mean of the frame
BLACK_CELL = 32.0  # mean of its lightest cell
BLACK_SECONDS = 0.1  # shorter stretches are part of a cut or a fade
_LINES = 256  # of the picture, about, whole: no object of a few lines or more goes unseen
_FULL_RANGE = 2  # AVCOL_RANGE_JPEG of libav: luma runs 0-255


@dataclass(frozen=True, kw_only=True)
class LookFacts:
    """`black` and `frozen` spans, `cuts`, `jumps` and `flashes`, in seconds after the first frame.

    `repeated` is the share of frames, 0 to 1, that show next to nothing but the one before; `end` is when
    the last frame has been shown.
    """

    black: tuple[Span, ...] = ()
    frozen: tuple[Span, ...] = ()
    cuts: tuple[float, ...] = ()
    jumps: tuple[float, ...] = ()
    flashes: tuple[float, ...] = ()
    repeated: float = 0.0
    end: float = 0.0


class Look:
    """Takes the pictures of a clip frame by frame; about a millisecond for each at 1080p."""

    def __init__(self) -> None:
        self._times: list[float] = []
        self._changes: list[float] = []
        self._bright: list[float] = []
        self._cells: list[NDArray[np.uint16]] = []
        self._before: NDArray[np.uint8] | None = None
        self._last = 0.0  # how long the file says that the latest frame is shown, in seconds; 0: it does not
        self._full_range = False

    def add(self, frame: VideoFrame) -> None:
        """Take one frame, in the order of showing."""
        self._full_range |= int(frame.color_range) == _FULL_RANGE
        luma = _luma(frame)
        rows = luma[:: max(1, frame.height // _LINES)]
        change, bright = _change(self._before, rows)
        self._times.append(frame.time if frame.time is not None else 0.0)
        self._last = float(frame.duration * frame.time_base) if frame.duration and frame.time_base else 0.0
        self._changes.append(change)
        self._bright.append(bright)
        self._cells.append(cells_of(luma))
        self._before = rows.copy()

    @property
    def start(self) -> float:
        """When the first frame is shown, in seconds by the clock of the file."""
        return self._times[0] if self._times else 0.0

    def facts(self) -> LookFacts:
        """Return what was seen."""
        if not self._times:
            return LookFacts()
        times = np.asarray(self._times) - self._times[0]
        step = float(np.median(np.diff(times))) if len(times) > 1 else 0.0
        ends = np.append(times[1:], times[-1] + (self._last or step))
        cells = levels(np.stack(self._cells))
        motion = Motion(
            changes=np.asarray(self._changes), bright=np.asarray(self._bright), cells=cells, step=step
        )
        black = _black(cells, self._full_range)
        frozen = find_frozen(motion) & ~black
        held = find_held(ends - times, step) & ~black
        changes = _but_black(find_changes(cells, step), black, _lasting(black, times, ends, BLACK_SECONDS))
        return LookFacts(
            black=_spans(black, times, ends, BLACK_SECONDS),
            frozen=_spans(frozen | held, times, ends, FROZEN_SECONDS),
            cuts=_at(changes.cuts, times),
            jumps=_at(changes.jumps, times),
            flashes=_at(changes.flashes, times),
            repeated=round(float(find_repeated(motion, frozen).mean()), 3),
            end=round(float(ends[-1]), 3),
        )


def _luma(frame: VideoFrame) -> NDArray[np.uint8]:
    """Return the luma (height, width) at 8 bits; a view into the frame where its format allows it."""
    if (
        not frame.format.name.startswith(("yuv4", "yuvj4", "nv", "gray"))
        or frame.format.components[0].bits > 8
    ):
        frame = frame.reformat(format="gray")
    plane = frame.planes[0]
    rows = np.frombuffer(memoryview(plane), np.uint8).reshape(-1, plane.line_size)
    return rows[: frame.height, : frame.width]


def _change(before: NDArray[np.uint8] | None, now: NDArray[np.uint8]) -> tuple[float, float]:
    """Return the mean absolute difference in grey levels, and the share of pixels that changed by much.

    Infinite and 1 for the first frame and where the size changed.
    """
    if before is None or before.shape != now.shape:
        return float("inf"), 1.0
    # The larger minus the smaller stays in 8 bits: eight times less memory to go through than int64.
    difference = np.maximum(before, now)
    difference -= np.minimum(before, now)
    bright = np.count_nonzero(difference > BRIGHT_CHANGE)
    return float(difference.sum(dtype=np.uint32)) / difference.size, bright / difference.size


def _black(cells: NDArray[np.float32], full_range: bool) -> NDArray[np.bool_]:
    """Return which frames are black."""
    scaled = cells * (219 / 255) + 16 if full_range else cells
    return np.asarray((scaled.mean(axis=(1, 2)) < BLACK_LUMA) & (scaled.max(axis=(1, 2)) < BLACK_CELL))


def _spans(
    flags: NDArray[np.bool_], starts: NDArray[np.float64], ends: NDArray[np.float64], least: float
) -> tuple[Span, ...]:
    """Return the stretches of set flags that last `least` seconds, or the whole clip."""
    return tuple(
        Span(start=round(float(starts[first]), 3), end=round(float(ends[after - 1]), 3))
        for first, after in _lasting(flags, starts, ends, least)
    )


def _lasting(
    flags: NDArray[np.bool_], starts: NDArray[np.float64], ends: NDArray[np.float64], least: float
) -> list[tuple[int, int]]:
    """Return the same as the first frame of each stretch and the one after its last."""
    return [
        (first, after)
        for first, after in runs(flags)
        if ends[after - 1] - starts[first] >= least or after - first == len(flags)
    ]


def _but_black(changes: Changes, black: NDArray[np.bool_], told: list[tuple[int, int]]) -> Changes:
    """Return the changes but for those to a stretch that is told as black, and from it.

    Of one too short to be told, between two shots, the cut is told once, where it starts.
    """
    edges = {edge for stretch in told for edge in stretch}
    edges |= {after for first, after in runs(black) if first in changes.cuts}
    return Changes(
        cuts=[at for at in changes.cuts if at not in edges],
        jumps=[at for at in changes.jumps if at not in edges],
        flashes=[at for at in changes.flashes if at not in edges],
    )


def _at(frames: list[int], times: NDArray[np.float64]) -> tuple[float, ...]:
    return tuple(round(float(times[at]), 3) for at in frames)
