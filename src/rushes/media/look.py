"""What the pictures of a clip look like as numbers: black and frozen stretches, repeated frames, and cuts."""

from __future__ import annotations

from array import array
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
# Frames that are judged together, and how many of them, on either side, are there only to be compared with:
# no judgement looks further than a second and a half, which 256 frames are up to 170 frames a second. A
# window is 64 s at 24 frames a second and 7 MB, of which judging makes some ten times as much for a moment.
WINDOW = 1536
CONTEXT = 256


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
    """Takes the pictures of a clip frame by frame; about a millisecond for each at 1080p.

    They are judged a window at a time, each with some of the frames before and after it, which is all that
    any judgement looks at: of a clip of hours the pictures of a minute are kept. Of the rest there are times
    and verdicts, a few bytes a frame.
    """

    def __init__(self) -> None:
        self._times = array("d")
        self._last = 0.0  # how long the file says that the latest frame is shown, in seconds; 0: it does not
        self._full_range = False
        self._before: NDArray[np.uint8] | None = None
        # The window: what was measured of the latest frames, `_first` the number of the first of them.
        self._changes: list[float] = []
        self._bright: list[float] = []
        self._cells: list[NDArray[np.uint16]] = []
        self._first = 0
        # The verdicts on the frames before `_judged`.
        self._judged = 0
        self._black, self._frozen = bytearray(), bytearray()
        self._repeated = 0
        self._found = Changes()

    def add(self, frame: VideoFrame) -> None:
        """Take one frame, in the order of showing."""
        self._full_range |= int(frame.color_range) == _FULL_RANGE
        luma = _luma(frame)
        rows = luma[:: max(1, frame.height // _LINES)]
        cells = cells_of(luma)
        if self._cells and cells.shape != self._cells[-1].shape:
            # Pictures of a few lines have fewer cells: there is nothing that these could be compared with.
            self._judge(len(self._times))
            self._drop(len(self._cells))
        change, bright = _change(self._before, rows)
        self._times.append(frame.time if frame.time is not None else 0.0)
        self._last = float(frame.duration * frame.time_base) if frame.duration and frame.time_base else 0.0
        self._changes.append(change)
        self._bright.append(bright)
        self._cells.append(cells)
        self._before = rows.copy()
        if len(self._cells) >= WINDOW:
            self._judge(len(self._times) - CONTEXT)
            self._drop(self._judged - CONTEXT - self._first)

    @property
    def start(self) -> float:
        """When the first frame is shown, in seconds by the clock of the file."""
        return self._times[0] if self._times else 0.0

    def facts(self) -> LookFacts:
        """Return what was seen; called once, after the last frame."""
        if not self._times:
            return LookFacts()
        self._judge(len(self._times))
        times = np.asarray(self._times) - self._times[0]
        step = _step(times)
        ends = np.append(times[1:], times[-1] + (self._last or step))
        black = np.frombuffer(self._black, np.bool_)
        frozen = np.frombuffer(self._frozen, np.bool_)
        held = find_held(ends - times, step) & ~black
        changes = _but_black(self._found, black, _lasting(black, times, ends, BLACK_SECONDS))
        return LookFacts(
            black=_spans(black, times, ends, BLACK_SECONDS),
            frozen=_spans(frozen | held, times, ends, FROZEN_SECONDS),
            cuts=_at(changes.cuts, times),
            jumps=_at(changes.jumps, times),
            flashes=_at(changes.flashes, times),
            repeated=round(self._repeated / len(times), 3),
            end=round(float(ends[-1]), 3),
        )

    def _judge(self, end: int) -> None:
        """Come to a verdict on the frames up to before number `end`."""
        first, after = self._judged - self._first, end - self._first
        if after <= first:
            return
        cells = levels(np.stack(self._cells))
        motion = Motion(
            changes=np.asarray(self._changes),
            bright=np.asarray(self._bright),
            cells=cells,
            step=_step(np.asarray(self._times[self._first :])),
        )
        black = _black(cells, self._full_range)
        frozen = find_frozen(motion) & ~black
        self._black += black[first:after].tobytes()
        self._frozen += frozen[first:after].tobytes()
        self._repeated += int(find_repeated(motion, frozen)[first:after].sum())
        changes = find_changes(cells, motion.step)
        for name in ("cuts", "jumps", "flashes"):
            frames = (at for at in getattr(changes, name) if first <= at < after)
            getattr(self._found, name).extend(self._first + at for at in frames)
        self._judged = end

    def _drop(self, count: int) -> None:
        """Forget the measures of the first frames of the window."""
        del self._changes[:count], self._bright[:count], self._cells[:count]
        self._first += count


def _step(times: NDArray[np.float64]) -> float:
    """Return the usual time from frame to frame, in seconds; 0 for less than two frames."""
    return float(np.median(np.diff(times))) if len(times) > 1 else 0.0


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
