"""Where a clip cuts, jumps or flashes: sudden changes of the picture, or of a part of it."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from rushes.media.cells import blocks_of

CUT_CHANGE = 8.0  # mean change of the blocks in grey levels; grain averages out in them
CUT_PEAK = 3.0  # how far a cut stands out from the mean of the changes around it; a pan or a fade does not
CUT_AROUND = 0.3  # seconds on either side that it is compared with
# A jump cut changes less: the scene stays and what is in it moves on. So it has to stand out from the largest
# of the changes around it, save one, which may be another cut: from the next drawing "on threes", for one.
JUMP_CHANGE = 1.5
JUMP_PEAK = 3.0
JUMP_AROUND = 0.6
JUMP_LEAST = 3  # changes around it; fewer tell nothing of what is usual
# Two landscapes differ by 0.4 to 1 of their contrast, other places by up to 1.6, one scene with a jump in it
# by 0.1 to 0.3: in the dark the difference and the contrast are small, and their ratio stays.
PLACE_SHARE = 0.35
FLASH_SECONDS = 0.25  # what changes back within this time is a flash, lightning or a broken frame
SETTLED_SECONDS = 0.6  # lightning that dies away is half gone in that time, and gone in this
_BLOCK = 2  # cells to a block, down and across

Blocks = NDArray[np.float32]


@dataclass(frozen=True, kw_only=True)
class Changes:
    """The first frames after sudden changes.

    `cuts`: the picture is another one; `jumps`: most of it stays; `flashes`: soon it is as it was before.
    """

    cuts: list[int] = field(default_factory=list)
    jumps: list[int] = field(default_factory=list)
    flashes: list[int] = field(default_factory=list)


def find_changes(cells: NDArray[np.float32], step: float) -> Changes:
    """Return where the picture changes suddenly.

    `cells` (frames, down, across) is the mean luma of the cells of a grid, `step` the seconds between frames.
    """
    found = Changes()
    if len(cells) < 3:
        return found
    blocks = blocks_of(cells, _BLOCK)
    changes = _apart(blocks[1:], blocks[:-1])
    over = 0  # the frame at which the picture is back after a change; what happens before is part of that
    for at in map(int, np.flatnonzero(changes >= JUMP_CHANGE)):
        if at + 1 < over:
            continue
        if (back := _back(blocks, at, float(changes[at]), step)) is not None:
            over = back
            if _is_flash(changes, at, back, step):
                found.flashes.append(at + 1)
        elif not _came(blocks, at, float(changes[at]), step):
            _sort_in(found, blocks, changes, at, step)
    return found


def _sort_in(found: Changes, blocks: Blocks, changes: Blocks, at: int, step: float) -> None:
    """Add a change that lasts to the cuts or the jumps, where it stands out."""
    change = float(changes[at])
    if change >= CUT_CHANGE and change >= CUT_PEAK * _usual(changes, at, at + 1, step):
        found.cuts.append(at + 1)
    elif change >= JUMP_PEAK * _liveliest(changes, at, step):
        elsewhere = change >= _other_place(blocks[at], blocks[at + 1])
        (found.cuts if elsewhere else found.jumps).append(at + 1)


def _usual(changes: Blocks, at: int, after: int, step: float) -> float:
    """Return the mean of the changes around those from `at` to before `after`."""
    others = _others(changes, at, after, step, CUT_AROUND)
    return float(others.sum() / max(1, len(others)))


def _liveliest(changes: Blocks, at: int, step: float) -> float:
    """Return the largest of the changes around this one, save one; infinite where they are too few."""
    others = np.sort(_others(changes, at, at + 1, step, JUMP_AROUND))
    return float(others[-2]) if len(others) >= JUMP_LEAST else float("inf")


def _others(changes: Blocks, at: int, after: int, step: float, seconds: float) -> Blocks:
    around = max(3, _frames(seconds, step))
    return np.concatenate((changes[max(0, at - around) : at], changes[after : after + around]))


def _is_flash(changes: Blocks, at: int, back: int, step: float) -> bool:
    """Whether the picture is another one from this change until it is back, which it is as suddenly."""
    change = float(changes[at])
    # At a few frames a second one frame is long enough to be a shot.
    brief = (back - at - 1) * step - FLASH_SECONDS < step / 3
    sudden = float(changes[back - 1]) >= change / 2
    return brief and sudden and change >= CUT_CHANGE and change >= CUT_PEAK * _usual(changes, at, back, step)


def _back(blocks: Blocks, at: int, change: float, step: float) -> int | None:
    """Return the frame at which the picture is again what it was before this change; None where it stays."""
    after = _alike(blocks[at::-1], blocks[at + 2 :], change, step)
    return at + 2 + after if after is not None else None


def _came(blocks: Blocks, at: int, change: float, step: float) -> bool:
    """Whether the picture was soon before this change what it is after it."""
    return _alike(blocks[at + 1 :], blocks[:at][::-1], change, step) is not None


def _alike(line: Blocks, others: Blocks, change: float, step: float) -> int | None:
    """Return which of `others` shows the first of `line` again, beyond the change between them."""
    flash, settled = _frames(FLASH_SECONDS, step), _frames(SETTLED_SECONDS, step)
    apart = _apart(others[:settled], line[0])
    same = np.flatnonzero(apart < _limit(line, change, flash))
    return int(same[0]) if same.size and (apart[:flash] < change / 2).any() else None


def _limit(line: Blocks, change: float, window: int) -> float:
    """Return how far from the first picture of `line` one may be that counts as the same again.

    The others of `line` lead away from the change: in a pan the picture has moved on when it is back.
    """
    drift = float(_apart(line[:1], line[min(window, len(line) - 1)])[0])
    return min(change / 2, max(drift, _other_place(line[0], line[0])))


def _other_place(one: Blocks, other: Blocks) -> float:
    """Return by how much two pictures of their contrast differ at least where they show other places."""
    contrast = float(np.mean([np.abs(each - each.mean()).mean() for each in (one, other)]))
    return float(np.clip(PLACE_SHARE * contrast, JUMP_CHANGE, CUT_CHANGE))


def _apart(pictures: Blocks, other: Blocks) -> Blocks:
    """Return the mean difference of each picture from `other`, or from its own other, in grey levels."""
    return np.asarray(np.abs(pictures - other).mean(axis=(1, 2)), np.float32)


def _frames(seconds: float, step: float) -> int:
    return max(1, round(seconds / step)) if step > 0 else 1
