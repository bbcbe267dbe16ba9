"""A coarse picture of a picture: the mean luma of the cells of a grid, in which grain averages out."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

_GRID = (36, 64)  # cells per frame, down and across
_SAMPLES = 8  # per cell, down and across: grain in the mean of 64 of them is an eighth
_FINE = 256  # steps in a grey level in which the cells are kept


def cells_of(luma: NDArray[np.uint8]) -> NDArray[np.uint16]:
    """Return the mean of each cell of (height, width), from a sample of its pixels, in a compact form.

    `levels` gives the grey levels. A picture of fewer lines or columns than the grid has a cell for each.
    """
    down, across = (max(1, side // (cells * _SAMPLES)) for side, cells in zip(luma.shape, _GRID, strict=True))
    sample = luma[::down, ::across].astype(np.float32)
    rows = np.linspace(0, sample.shape[0], min(_GRID[0], sample.shape[0]) + 1, dtype=np.intp)[:-1]
    columns = np.linspace(0, sample.shape[1], min(_GRID[1], sample.shape[1]) + 1, dtype=np.intp)[:-1]
    sums = np.add.reduceat(np.add.reduceat(sample, rows, axis=0), columns, axis=1)
    sizes = np.outer(np.diff(np.append(rows, sample.shape[0])), np.diff(np.append(columns, sample.shape[1])))
    return np.asarray(np.rint(sums / sizes * _FINE), np.uint16)


def levels(cells: NDArray[np.uint16]) -> NDArray[np.float32]:
    """Return cells in grey levels."""
    return np.asarray(cells.astype(np.float32) / _FINE, np.float32)


def blocks_of(cells: NDArray[np.float32], side: int) -> NDArray[np.float32]:
    """Return the means of blocks of `side` by `side` of (frames, down, across); a rest is left out."""
    count, down, across = cells.shape
    if down < side or across < side:
        return cells
    whole = cells[:, : down // side * side, : across // side * side]
    parts = whole.reshape(count, down // side, side, across // side, side)
    return np.asarray(parts.mean(axis=(2, 4)), np.float32)
