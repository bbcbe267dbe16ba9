"""Which parts of a layer are worth painting: empty ones are skipped, opaque ones need no blending.

A layer is mostly one or the other. Found once per clip, this halves the cost of every frame.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

CELL = 64  # pixels; smaller cells fit edges better and take longer to divide up
GUARD = 4  # pixels: a sample reads its neighbours, and a region's edge is rounded to even pixels
# What painting costs, in microseconds: per region, and per cell of it.
CALLS_MIXED, CALLS_OPAQUE = 190.0, 95.0
CELL_MIXED, CELL_OPAQUE = 27.0, 13.0
SAVING = 30_000  # pixels that a further cut has to save

Boxes = NDArray[np.int_]
Cells = tuple[int, int, int, int]
"""Top, left, bottom, right in cells, half open."""


@dataclass(frozen=True, kw_only=True)
class Region:
    """A rectangle of a layer in its own pixels, half open."""

    left: int
    top: int
    right: int
    bottom: int
    opaque: bool


@dataclass(frozen=True, kw_only=True)
class Box:
    """A rectangle of the frame in pixels, half open, all even; opaque if nothing behind it shows."""

    left: int
    top: int
    right: int
    bottom: int
    opaque: bool


def uncovered(box: Box, hidden: Sequence[Box]) -> list[Box]:
    """Return what is left of a box behind others, cutting only where that saves more than its calls cost."""
    pieces = [box]
    for over in hidden:
        pieces = [left for piece in pieces for left in _minus(piece, over)]
    return pieces


def _minus(box: Box, over: Box) -> list[Box]:
    left, right = max(box.left, over.left), min(box.right, over.right)
    top, bottom = max(box.top, over.top), min(box.bottom, over.bottom)
    if left >= right or top >= bottom:
        return [box]
    around = (
        (box.left, box.top, box.right, top),
        (box.left, bottom, box.right, box.bottom),
        (box.left, top, left, bottom),
        (right, top, box.right, bottom),
    )
    pieces = [
        Box(left=a, top=b, right=c, bottom=d, opaque=box.opaque) for a, b, c, d in around if a < c and b < d
    ]
    return pieces if (right - left) * (bottom - top) >= SAVING * (len(pieces) - 1) else [box]


def whole(height: int, width: int) -> tuple[Region, ...]:
    """Return the one region of a picture without holes."""
    return (Region(left=0, top=0, right=width, bottom=height, opaque=True),)


def regions(alpha: NDArray[np.uint8]) -> tuple[Region, ...]:
    """Cover all that shows of a layer with few rectangles, none overlapping; `alpha` is (h, w)."""
    height, width = alpha.shape
    plan = _Plan(alpha)
    return tuple(
        Region(
            left=left * CELL,
            top=top * CELL,
            right=min(right * CELL, width),
            bottom=min(bottom * CELL, height),
            opaque=plan.holes((top, left, bottom, right)) == 0,
        )
        for top, left, bottom, right in plan.boxes((0, 0, plan.rows, plan.columns))
    )


class _Plan:
    """Divides a grid of cells into boxes by straight cuts, as long as a cut saves time."""

    def __init__(self, alpha: NDArray[np.uint8]) -> None:
        self.rows, self.columns = (-(-length // CELL) for length in alpha.shape)
        shown = np.zeros((self.rows + 1, self.columns + 1), int)
        holes = shown.copy()
        for row in range(self.rows):
            for column in range(self.columns):
                part = alpha[
                    max(row * CELL - GUARD, 0) : (row + 1) * CELL + GUARD,
                    max(column * CELL - GUARD, 0) : (column + 1) * CELL + GUARD,
                ]
                shown[row + 1, column + 1] = part.max() > 0
                holes[row + 1, column + 1] = part.min() < 255
        # Running sums: how many cells of any box show something, or are not opaque, in four look-ups.
        self._shown, self._holes = (cells.cumsum(0).cumsum(1) for cells in (shown, holes))

    def holes(self, box: Cells) -> int:
        """Return how many cells of a box are not opaque."""
        return int(_counted(self._holes, np.array(box)))

    def boxes(self, box: Cells) -> Iterator[Cells]:
        """Yield the boxes that what shows of `box` is best painted in."""
        alone = float(self._cost(np.array(box)))
        if alone == 0:
            return
        cuts = _cuts(box)
        costs = self._cost(cuts).sum(axis=1) if len(cuts) else np.array([alone])
        best = int(costs.argmin())
        if costs[best] >= alone:
            yield box
            return
        for piece in cuts[best]:
            a, b, c, d = (int(edge) for edge in piece)
            yield from self.boxes((a, b, c, d))

    def _cost(self, boxes: Boxes) -> NDArray[np.float64]:
        """Return the time in microseconds to paint boxes (…, 4)."""
        size = (boxes[..., 2] - boxes[..., 0]) * (boxes[..., 3] - boxes[..., 1])
        opaque = _counted(self._holes, boxes) == 0
        cost = np.where(opaque, CALLS_OPAQUE + CELL_OPAQUE * size, CALLS_MIXED + CELL_MIXED * size)
        return np.where(_counted(self._shown, boxes) == 0, 0.0, cost)


def _counted(sums: NDArray[np.int_], boxes: Boxes) -> NDArray[np.int_]:
    top, left, bottom, right = (boxes[..., edge] for edge in range(4))
    return np.asarray(sums[bottom, right] - sums[top, right] - sums[bottom, left] + sums[top, left])


def _cuts(box: Cells) -> Boxes:
    """Return ways to cut a box into three (cuts, 3, 4): into slices, or along a T lying any way round."""
    top, left, bottom, right = box
    found = [
        [(top, left, a, right), (a, left, b, right), (b, left, bottom, right)]
        for a in range(top, bottom)
        for b in range(a + 1, bottom + 1)
    ]
    found += [
        [(top, left, bottom, a), (top, a, bottom, b), (top, b, bottom, right)]
        for a in range(left, right)
        for b in range(a + 1, right + 1)
    ]
    for y in range(top + 1, bottom):
        for x in range(left + 1, right):
            found += [
                [(top, left, y, x), (top, x, y, right), (y, left, bottom, right)],
                [(top, left, y, right), (y, left, bottom, x), (y, x, bottom, right)],
                [(top, left, bottom, x), (top, x, y, right), (y, x, bottom, right)],
                [(top, left, y, x), (y, left, bottom, x), (top, x, bottom, right)],
            ]
    # The first and last slice of a pair may be empty; a box that is not cut at all is no way to cut it.
    return np.array(found)
