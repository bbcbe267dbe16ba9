"""Which frames of a clip stand still: repeated exactly, or the same picture under grain."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from rushes.media.cells import blocks_of

FROZEN_SECONDS = 0.5  # shorter stretches are drawn "on twos", or 24 frames a second shown as 30
FROZEN_CHANGE = 0.02  # mean change in grey levels under which a frame repeats the one before
FROZEN_POLISH = 1.0  # what one frame among frozen ones may change by
# What changes by more than that may still be one picture, under grain or kept up by a coarse encoder. It is
# told from slow motion by the means of the frames before and after: grain averages out, motion does not.
DULL_SECONDS = 1.0  # less is too short to tell
LIVELY_CHANGE = 0.2  # median change in grey levels of a clip in which a short stop is seen
DULL_CHANGE = 0.05  # mean change in grey levels of a picture that a coarse encoder keeps up
GRAIN_CHANGE = 6.0  # mean change that grain may make; a screen without a signal makes far more
GRAIN_UNEVEN = 3.0  # the liveliest cells over the mean: strong grain at CRF 28 2.7; fog 3.6, rain 6, snow 4
BRIGHT_CHANGE = 32  # grey levels by which grain hardly ever changes a pixel; rain and snow do
GRAIN_BRIGHT = 0.001  # the share of pixels that may all the same
WINDOW = 0.5  # seconds before and after of which the means are compared
# Differences of those means in grey levels. Where an encoder holds on to grain until its next keyframe,
# strong grain at CRF 28 makes 0.2 in blocks and 3.3 in single cells; a pan of 8 pixels a second in fog in
# which next to nothing is to be seen makes 0.36 in blocks, falling snow 10 in a cell.
MOVED_BLOCKS = 0.25  # mean of all blocks
MOVED_CELL = 4.5  # the one cell that differs most: something small moves there
# The same between the start and the end of a whole stretch: at most 0.23 and 3.5 for a picture that stands
# still, 0.36 after a second and a half of fog that drifts before a camera that stands still.
CREPT_BLOCKS = 0.3
CREPT_CELL = 5.0
HELD_STEPS = 4  # of the usual time from frame to frame; a slide show holds every frame as long as another
REPEATED_SHARE = 0.1  # a frame that changes a tenth as much as those around it repeats the one before
REPEATED_MOST = 0.5  # unless that is more than an encoder changes in a repeated frame, in grey levels
REPEATED_CELL = 2.0  # grey levels that an encoder changes in a cell of a repeated frame; a candle, lips: more
_BLOCK = 4  # cells to a block, down and across

Flags = NDArray[np.bool_]


@dataclass(frozen=True, kw_only=True)
class Motion:
    """What was measured frame by frame.

    `changes`: mean change of the pixels since the frame before, in grey levels; `bright`: the share of pixels
    that changed by more than BRIGHT_CHANGE; `cells` (frames, down, across): mean luma of the cells of a grid.
    `step` is the time between frames in seconds.
    """

    changes: NDArray[np.float64]
    bright: NDArray[np.float64]
    cells: NDArray[np.float32]
    step: float

    @cached_property
    def liveliest(self) -> NDArray[np.float32]:
        """By how much the cell that changed most did since the frame before, in grey levels."""
        return np.append(np.float32(0), np.abs(np.diff(self.cells, axis=0)).max(axis=(1, 2)))

    def frames(self, seconds: float) -> int:
        """Return how many frames last so long, at least 2."""
        return max(2, round(seconds / self.step)) if self.step > 0 else 2


def find_frozen(motion: Motion) -> Flags:
    """Return which frames are part of a stretch in which nothing moves; the first of it included."""
    still = _repeating(motion, FROZEN_CHANGE)
    for first, after in runs(_dull(motion)):
        if after - first >= motion.frames(DULL_SECONDS):
            still[first:after] = True
    others = motion.changes[~still & np.isfinite(motion.changes)]
    subtle = others.size > 0 and float(np.median(others)) < LIVELY_CHANGE
    for first, after in runs(still):
        # A pan so slow that an encoder skips most of its frames ends somewhere else; or, within a second, the
        # encoder holds it up where nobody sees it.
        brief = after - first < motion.frames(DULL_SECONDS)
        if (subtle and brief) or _crept(motion, first, after):
            still[first:after] = False
    return still


def find_held(seconds: NDArray[np.float64], step: float) -> Flags:
    """Return which frames are shown for so long that the picture stands still; `seconds` is how long each."""
    return np.asarray((seconds >= FROZEN_SECONDS) & (seconds >= HELD_STEPS * step), np.bool_)


def find_repeated(motion: Motion, frozen: Flags) -> Flags:
    """Return which frames show next to nothing but the one before, those of frozen stretches included."""
    changes = motion.changes
    around = np.lib.stride_tricks.sliding_window_view(np.pad(changes, 2, mode="edge"), 5)
    usual = np.sort(around, axis=1)[:, 3]  # not the largest, which may be a cut
    small = (changes < REPEATED_SHARE * usual) & (changes < REPEATED_MOST)
    nowhere = (motion.liveliest <= REPEATED_CELL) & (motion.bright == 0)
    within = frozen & np.append(False, frozen[:-1])
    return np.asarray(((changes < FROZEN_CHANGE) & nowhere) | small | within, np.bool_)


def runs(flags: Flags) -> Iterator[tuple[int, int]]:
    """Yield the first frame of each stretch of set flags and the one after its last."""
    edges = np.flatnonzero(np.diff(np.concatenate(([0], flags.astype(np.int8), [0]))))
    yield from zip(map(int, edges[::2]), map(int, edges[1::2]), strict=True)


def _repeating(motion: Motion, most: float) -> Flags:
    """Return which frames repeat each other as an encoder writes them.

    An encoder goes on polishing a still picture: most frames change by next to nothing, some by a little
    more, each keyframe by up to a grey level. So a frame counts as still by the calmest of those around it.
    """
    changes = np.where(motion.liveliest <= REPEATED_CELL, motion.changes, np.inf)
    around = np.lib.stride_tricks.sliding_window_view(np.pad(changes, 3, mode="edge"), 7)
    still = (np.sort(around, axis=1)[:, 2] < most) & (motion.changes < FROZEN_POLISH)
    still[:-1] |= still[1:]  # the frame that the others repeat belongs to them
    return np.asarray(still, np.bool_)


def _dull(motion: Motion) -> Flags:
    """Return which frames differ by no more than grain or a coarse encoder does from those around them."""
    count, window = len(motion.changes), motion.frames(WINDOW)
    same, even = np.zeros(count, np.bool_), np.zeros(count, np.bool_)
    steps = np.abs(np.diff(motion.cells, axis=0))
    for at in range(window, count - window + 1):
        around = slice(at - window, at + window)
        before = motion.cells[at - window : at].mean(axis=0)
        after = motion.cells[at : at + window].mean(axis=0)
        if not _differs(before, after, MOVED_BLOCKS, MOVED_CELL):
            same[around] = True
            even[around] |= _is_even(steps[at - window : at + window - 1].mean(axis=0))
    calm = (motion.changes < GRAIN_CHANGE) & (motion.bright < GRAIN_BRIGHT)
    calm &= motion.liveliest < MOVED_CELL
    calm[:-1] |= calm[1:]
    return same & ((even & calm) | _repeating(motion, DULL_CHANGE))


def _is_even(steps: NDArray[np.float32]) -> bool:
    """Whether the cells change about equally: grain is everywhere, rain behind a window is not."""
    lively = np.partition(steps.ravel(), -max(1, steps.size // 100))[-max(1, steps.size // 100)]
    return bool(lively < GRAIN_UNEVEN * steps.mean())


def _crept(motion: Motion, first: int, after: int) -> bool:
    """Whether the end of a stretch shows something else than its start."""
    width = min(motion.frames(WINDOW), max(1, (after - first) // 3))
    start = motion.cells[first : first + width].mean(axis=0)
    end = motion.cells[after - width : after].mean(axis=0)
    return _differs(start, end, CREPT_BLOCKS, CREPT_CELL)


def _differs(one: NDArray[np.float32], other: NDArray[np.float32], most: float, cell: float) -> bool:
    """Whether two pictures of cells differ by more than `most` in the mean of blocks, or `cell` in a cell."""
    change = one - other
    return bool(np.abs(change).max() > cell or np.abs(blocks_of(change[None], _BLOCK)).mean() > most)
