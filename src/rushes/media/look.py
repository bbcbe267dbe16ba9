"""What the pictures of a clip look like as numbers: black and frozen stretches, and cuts."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from av.video.frame import VideoFrame
from numpy.typing import NDArray

from rushes.domain.clip import Span

BLACK_LUMA = 18.0  # mean luma under which a frame is black; limited range starts at 16
FROZEN_CHANGE = 0.02  # mean change in grey levels under which a frame repeats the one before
FROZEN_POLISH = 1.0  # what one frame among frozen ones may change by
BLACK_SECONDS = 0.1  # shorter stretches are part of a cut or a fade
FROZEN_SECONDS = 0.5  # shorter ones are drawn "on twos", or 24 frames a second shown as 30
CUT_CHANGE = 8.0  # mean change of the blocks in grey levels; grain averages out in them
CUT_PEAK = 3.0  # how far a cut stands out from the changes around it; a pan or a cross-fade does not
CUT_AROUND = 0.3  # seconds on either side that it is compared with
_ROWS = 4  # every fourth row, whole: no object of four lines or more goes unseen
_GRID = (18, 32)  # blocks per frame, down and across


@dataclass(frozen=True, kw_only=True)
class LookFacts:
    """`black` and `frozen` spans and the times of `cuts`, in seconds after the first frame."""

    black: tuple[Span, ...]
    frozen: tuple[Span, ...]
    cuts: tuple[float, ...]


class Look:
    """Takes the pictures of a clip frame by frame; less than a millisecond for each at 1080p."""

    def __init__(self) -> None:
        self._times: list[float] = []
        self._lumas: list[float] = []
        self._changes: list[float] = []
        self._blocks: list[NDArray[np.float32]] = []
        self._before: NDArray[np.uint8] | None = None

    def add(self, frame: VideoFrame) -> None:
        """Take one frame, in the order of showing."""
        luma = _luma(frame)
        rows = luma[::_ROWS]
        before = self._before
        self._times.append(frame.time if frame.time is not None else 0.0)
        self._changes.append(_change(before, rows) if before is not None else np.inf)
        self._blocks.append(_blocks(luma))
        self._lumas.append(float(self._blocks[-1].mean()))
        self._before = rows.copy()

    def facts(self) -> LookFacts:
        """Return what was seen."""
        times = np.asarray(self._times) - (self._times[0] if self._times else 0.0)
        if not len(times):
            return LookFacts(black=(), frozen=(), cuts=())
        step = float(np.median(np.diff(times))) if len(times) > 1 else 0.0
        ends = np.append(times[1:], times[-1] + step)
        frozen = _still(np.asarray(self._changes))
        return LookFacts(
            black=_spans(np.asarray(self._lumas) < BLACK_LUMA, times, ends, BLACK_SECONDS),
            frozen=_spans(frozen, times, ends, FROZEN_SECONDS),
            cuts=tuple(round(float(times[at]), 3) for at in _cuts(np.stack(self._blocks), step)),
        )


def _still(changes: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Return which frames are part of a stretch in which nothing moves.

    An encoder goes on polishing a still picture: most frames change by next to nothing, some by a little
    more, each keyframe by up to a grey level. So a frame counts as still by the calmest of those around it.
    """
    around = np.lib.stride_tricks.sliding_window_view(np.pad(changes, 3, mode="edge"), 7)
    still = (np.sort(around, axis=1)[:, 2] < FROZEN_CHANGE) & (changes < FROZEN_POLISH)
    still[:-1] |= still[1:]  # the frame that the others repeat belongs to them
    return np.asarray(still, np.bool_)


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


def _change(before: NDArray[np.uint8], now: NDArray[np.uint8]) -> float:
    """Return the mean absolute difference in grey levels; infinite when the size changed."""
    if before.shape != now.shape:
        return float("inf")
    # The larger minus the smaller stays in 8 bits: eight times less memory to go through than int64.
    difference = np.maximum(before, now)
    difference -= np.minimum(before, now)
    return float(difference.sum(dtype=np.uint32)) / difference.size


def _blocks(luma: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Return the mean of each block of a coarse grid, from a sample of its pixels."""
    down, across = (max(1, side // (blocks * 8)) for side, blocks in zip(luma.shape, _GRID, strict=True))
    sample = luma[::down, ::across].astype(np.float32)
    rows = np.linspace(0, sample.shape[0], min(_GRID[0], sample.shape[0]) + 1, dtype=np.intp)[:-1]
    columns = np.linspace(0, sample.shape[1], min(_GRID[1], sample.shape[1]) + 1, dtype=np.intp)[:-1]
    sums = np.add.reduceat(np.add.reduceat(sample, rows, axis=0), columns, axis=1)
    sizes = np.outer(np.diff(np.append(rows, sample.shape[0])), np.diff(np.append(columns, sample.shape[1])))
    return np.asarray(sums / sizes, np.float32)


def _spans(
    flags: NDArray[np.bool_], starts: NDArray[np.float64], ends: NDArray[np.float64], least: float
) -> tuple[Span, ...]:
    """Return the stretches of set flags that last `least` seconds, or the whole clip."""
    edges = np.flatnonzero(np.diff(np.concatenate(([0], flags.astype(np.int8), [0]))))
    spans = []
    for first, after in zip(edges[::2], edges[1::2], strict=True):
        start, end = float(starts[first]), float(ends[after - 1])
        if end - start >= least or after - first == len(flags):
            spans.append(Span(start=round(start, 3), end=round(end, 3)))
    return tuple(spans)


def _cuts(blocks: NDArray[np.float32], step: float) -> list[int]:
    """Return the frames that start a shot: a change that stands out from those around it, and that lasts."""
    if len(blocks) < 3:
        return []
    changes = np.abs(np.diff(blocks, axis=0)).mean(axis=(1, 2))
    around = max(3, round(CUT_AROUND / step)) if step > 0 else 3
    cuts = []
    for at in map(int, np.flatnonzero(changes >= CUT_CHANGE)):
        near = changes[max(0, at - around) : at + around + 1]
        others = (near.sum() - changes[at]) / max(1, len(near) - 1)
        # A flash or a broken frame changes back: compare a little after with a little before.
        before, after = max(0, at - 2), min(at + 3, len(blocks) - 1)
        lasting = float(np.abs(blocks[after] - blocks[before]).mean())
        if changes[at] >= CUT_PEAK * others and lasting >= changes[at] / 2:
            cuts.append(at + 1)
    return cuts
