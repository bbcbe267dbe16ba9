"""How tiles are laid out on a sheet that a vision model is to look at, and drawn."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from PIL import Image, ImageDraw, ImageFont

# What a picture may measure before Claude's API scales it down (about width * height / 750 tokens).
MAX_SIDE = 1568
MAX_PIXELS = 1_150_000
GAP = 6
STRIP = 22  # under each tile: over the picture a label would be taken for part of it
TYPE, LEAST_TYPE = 17, 11  # the smaller one for labels that are wider than their tiles
JPEG_QUALITY = 88
_LEAST_WIDTH = 112  # below this a label does not fit its tile
_BACKGROUND, _TEXT = (24, 24, 24), (208, 208, 208)


@dataclass(frozen=True, kw_only=True)
class Tile:
    """One picture of a sheet and the label under it."""

    picture: Image.Image
    label: str


@dataclass(frozen=True, kw_only=True)
class Grid:
    """`columns` by `rows` tiles of `width` by `height` pixels, each with a label strip under it."""

    columns: int
    rows: int
    width: int
    height: int

    @property
    def size(self) -> tuple[int, int]:
        """The sheet's width and height in pixels."""
        return (
            self.columns * (self.width + GAP) + GAP,
            self.rows * (self.height + STRIP + GAP) + GAP,
        )

    def corner(self, column: int, row: int) -> tuple[int, int]:
        """Return the upper left pixel of a tile."""
        return GAP + column * (self.width + GAP), GAP + row * (self.height + STRIP + GAP)


def best_grid(count: int, aspect: float, widest: int) -> Grid:
    """Return the layout of `count` tiles with the largest tiles; `aspect` is width over height.

    No tile is wider than `widest`, the clip's own width, save that a label must fit. Of layouts that are
    about as good, the widest is taken: twelve tiles are 4 by 3 for 16:9 and 1:1, and 6 by 2 for 9:16.
    """
    grids = [fit(columns, math.ceil(count / columns), aspect, widest) for columns in range(1, count + 1)]
    full = [grid for grid in grids if grid.columns * grid.rows - count < grid.columns]
    most = max(grid.width * grid.height for grid in full)
    good = [grid for grid in full if grid.width * grid.height >= 0.95 * most]
    least_empty = min(grid.columns * grid.rows for grid in good)
    return max((g for g in good if g.columns * g.rows == least_empty), key=lambda grid: grid.columns)


def fit(columns: int, rows: int, aspect: float, widest: int) -> Grid:
    """Return the grid of `columns` by `rows` with the largest tiles that a sheet may hold."""
    width = min(max(widest, _LEAST_WIDTH), (MAX_SIDE - GAP) // columns - GAP)
    while True:
        grid = Grid(columns=columns, rows=rows, width=width, height=max(1, round(width / aspect)))
        across, down = grid.size
        if (max(across, down) <= MAX_SIDE and across * down <= MAX_PIXELS) or width <= 2:
            return grid
        width -= 1


def draw(grid: Grid, rows: Sequence[Sequence[Tile]]) -> Image.Image:
    """Draw the rows of tiles; a row may be shorter than the grid is wide."""
    sheet = Image.new("RGB", grid.size, _BACKGROUND)
    pen = ImageDraw.Draw(sheet)
    font = _font([tile.label for tiles in rows for tile in tiles], grid.width)
    for row, tiles in enumerate(rows):
        for column, tile in enumerate(tiles):
            left, top = grid.corner(column, row)
            sheet.paste(tile.picture, (left, top))
            middle = top + grid.height + STRIP / 2
            pen.text((left + 2, middle), tile.label, fill=_TEXT, font=font, anchor="lm")
    return sheet


def _font(labels: Sequence[str], width: int) -> ImageFont.ImageFont | ImageFont.FreeTypeFont:
    """Return the largest type in which each of the labels fits under a tile of this width."""
    for size in range(TYPE, LEAST_TYPE, -1):
        font = ImageFont.load_default(size)
        if max(font.getlength(label) for label in labels) <= width:
            return font
    return ImageFont.load_default(LEAST_TYPE)
