"""How a picture is to be turned and mirrored before it is shown: the eight ways to lay a square on itself.

A file says it by the matrix of its track header (ISO/IEC 14496-12, 8.3.2): nine numbers a b u, c d v, x y w,
by which the point (p, q) of the stored picture, q counted downwards, is shown at (ap + cq + x, bp + dq + y).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray
from PIL import Image

ONE, ONE_W = 1 << 16, 1 << 30
"""1.0 as a matrix has it: its third column has 30 bits behind the point, the others have 16."""

UPRIGHT_MATRIX = (ONE, 0, 0, 0, ONE, 0, 0, 0, ONE_W)

# The signs of a, b, c and d for a turn clockwise, of the picture as it is stored and of it mirrored.
_TURNS = {0: (1, 0, 0, 1), 90: (0, 1, -1, 0), 180: (-1, 0, 0, -1), 270: (0, -1, 1, 0)}
_TURN = {90: Image.Transpose.ROTATE_270, 180: Image.Transpose.ROTATE_180, 270: Image.Transpose.ROTATE_90}


@dataclass(frozen=True, kw_only=True)
class Orientation:
    """What is done to a stored picture to show it: `mirrored` left to right first, then turned.

    `rotation` is 0, 90, 180 or 270 degrees clockwise.
    """

    rotation: int = 0
    mirrored: bool = False

    @classmethod
    def from_matrix(cls, matrix: Sequence[int]) -> Self | None:
        """Return what the nine numbers of a track header say.

        A scale is passed over, as players do (`is_plain` tells it). None for a matrix that shears the
        picture, turns it by another angle, shows it in perspective or not at all.
        """
        a, b, u, c, d, v, _, _, w = matrix
        signs = tuple((value > 0) - (value < 0) for value in (a, b, c, d))
        for rotation, (ra, rb, rc, rd) in _TURNS.items():
            for mirrored in (False, True):
                side = -1 if mirrored else 1
                if signs == (ra * side, rb * side, rc, rd) and (u, v) == (0, 0) and w > 0:
                    return cls(rotation=rotation, mirrored=mirrored)
        return None

    @property
    def is_upright(self) -> bool:
        """Whether the picture is shown as it is stored."""
        return self == UPRIGHT

    @property
    def swaps_sides(self) -> bool:
        """Whether the stored width is the shown height."""
        return self.rotation in (90, 270)

    def shown_size(self, width: int, height: int) -> tuple[int, int]:
        """Return the width and height that a picture of these stored sides is shown with, and the reverse."""
        return (height, width) if self.swaps_sides else (width, height)

    def matrix(self, width: int, height: int) -> tuple[int, ...]:
        """Return the nine numbers for the track header of pictures stored with these sides, in pixels."""
        a, b, c, d = _TURNS[self.rotation]
        if self.mirrored:
            a, b = -a, -b
        # What would lie left of or above the picture is moved back into it.
        x = sum(side for side, factor in ((width, a), (height, c)) if factor < 0)
        y = sum(side for side, factor in ((width, b), (height, d)) if factor < 0)
        return (a * ONE, b * ONE, 0, c * ONE, d * ONE, 0, x * ONE, y * ONE, ONE_W)

    def show_array(self, picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """Return a stored picture (height, width, …) as it is shown; a view, nothing is copied."""
        sided = picture[:, ::-1] if self.mirrored else picture
        return np.rot90(sided, k=-self.rotation // 90)

    def show(self, picture: Image.Image) -> Image.Image:
        """Return a stored picture as it is shown."""
        if self.mirrored:
            picture = picture.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
        return picture.transpose(_TURN[self.rotation]) if self.rotation else picture


UPRIGHT = Orientation()


def is_plain(matrix: Sequence[int]) -> bool:
    """Whether a matrix is one of the eight, without a scale."""
    a, b, _, c, d, _, _, _, w = matrix
    sizes = sorted(abs(value) for value in (a, b, c, d))
    return Orientation.from_matrix(matrix) is not None and sizes == [0, 0, ONE, ONE] and w == ONE_W


def multiply(first: Sequence[int], second: Sequence[int]) -> tuple[int, ...]:
    """Return the matrix that does `first` and then `second`: a track's, and then its movie's."""
    bits = (16, 16, 30)  # behind the point, by the column of `first` and so the row of `second`
    return tuple(
        sum(first[3 * row + at] * second[3 * at + column] >> bits[at] for at in range(3))
        for row in range(3)
        for column in range(3)
    )
