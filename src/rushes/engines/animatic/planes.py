"""Pictures as Y, U and V planes: sampled at sub-pixel places and laid over each other.

Everything that happens once per frame happens here, in integers: a layer costs about 1.5 ms per megapixel
and plane. Frames are BT.709 limited range, 4:2:0.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

Plane = NDArray[np.uint8]
Packed = NDArray[np.uint16]
Paired = NDArray[np.uint32]
Cells = TypeVar("Cells", Packed, Paired)
Floats = NDArray[np.float32]

STRIP = 100_000  # bytes worked on at a time: few enough to stay in the processor's cache, and on the heap

_LOW, _HALF, _EIGHT = np.uint16(0xFF), np.uint16(0x80), np.uint16(8)

_RGB_TO_Y = np.array([46.559, 156.629, 15.812], np.float32)  # BT.709, limited range, for RGB of 0 to 1
_RGB_TO_U = np.array([-25.664, -86.336, 112.0], np.float32)
_RGB_TO_V = np.array([112.0, -101.730, -10.270], np.float32)


@dataclass(frozen=True, kw_only=True)
class Frame:
    """One picture: `y` (height, width), `u` and `v` (height/2, width/2)."""

    y: Plane
    u: Plane
    v: Plane

    @property
    def size(self) -> tuple[int, int]:
        """Width and height in pixels."""
        return self.y.shape[1], self.y.shape[0]

    def copy(self) -> Frame:
        return Frame(y=self.y.copy(), u=self.u.copy(), v=self.v.copy())


def blank(width: int, height: int) -> Frame:
    """Return a black frame."""
    half = (height // 2, width // 2)
    return Frame(
        y=np.full((height, width), 16, np.uint8),
        u=np.full(half, 128, np.uint8),
        v=np.full(half, 128, np.uint8),
    )


@dataclass(frozen=True, kw_only=True)
class Tiles:
    """A picture ready for sampling: each cell holds a pixel and its right neighbour.

    One look-up then brings both values that a sub-pixel sample needs; where two planes are always needed
    together a cell of 32 bits holds both. `luma_alpha` and `alpha_half` are None for an opaque picture;
    otherwise the colours are multiplied by the coverage.
    """

    luma: Packed
    chroma: Paired
    luma_alpha: Paired | None = None
    alpha_half: Packed | None = None


def luma(rgb: Floats) -> Floats:
    """Return Y codes of RGB (…, 3), 0 to 1."""
    return rgb @ _RGB_TO_Y + np.float32(16)


def chroma(rgb: Floats) -> tuple[Floats, Floats]:
    """Return U and V codes of RGB (…, 3), 0 to 1."""
    return rgb @ _RGB_TO_U + np.float32(128), rgb @ _RGB_TO_V + np.float32(128)


def halved(values: Floats) -> Floats:
    """Return the 2 × 2 means of an array with even rows and columns (a last odd one is dropped)."""
    rows, columns = values.shape[0] // 2 * 2, values.shape[1] // 2 * 2
    even = values[:rows, :columns]
    return np.asarray(
        (even[::2, ::2] + even[1::2, ::2] + even[::2, 1::2] + even[1::2, 1::2]) * np.float32(0.25)
    )


def quantised(values: Floats, rng: np.random.Generator | None = None) -> Plane:
    """Round to 8 bits; with `rng`, after adding noise of one step, so that slow gradients do not band."""
    if rng is None:
        return np.asarray(np.clip(values + np.float32(0.5), 0, 255), np.uint8)
    # One stretch of noise read from random starts: to the eye as good as fresh noise, and far cheaper.
    height, width = values.shape
    noise = rng.random(width + 8192, np.float32)
    starts = rng.permutation(8192)[np.arange(height) % 8192]
    dithered = np.stack([noise[start : start + width] for start in starts])
    dithered += values
    return np.asarray(np.clip(dithered, 0, 255), np.uint8)


def packed(plane: Plane) -> Packed:
    """Join every pixel with its right neighbour; the last column repeats itself."""
    cells = plane.astype(np.uint16)
    cells[:, :-1] |= cells[:, 1:] << np.uint16(8)
    cells[:, -1] |= cells[:, -1] << np.uint16(8)
    return cells


def paired(first: Plane, second: Plane) -> Paired:
    """Join two planes: `packed` cells of the first in the low half, of the second in the high."""
    return packed(first).astype(np.uint32) | (packed(second).astype(np.uint32) << np.uint32(16))


def tiles(rgb: Floats, alpha: Floats | None, rng: np.random.Generator) -> Tiles:
    """Make RGB (h, w, 3) and coverage (h, w), both 0 to 1, ready for sampling; h and w are even."""
    small = np.stack([halved(rgb[..., band]) for band in range(3)], axis=-1)
    y, (u, v) = luma(rgb), chroma(small)
    if alpha is None:
        return Tiles(luma=packed(quantised(y, rng)), chroma=paired(quantised(u, rng), quantised(v, rng)))
    half = halved(alpha)
    light = quantised(y * alpha, rng) * (alpha > 0)
    return Tiles(
        luma=packed(light),
        chroma=paired(quantised(u * half), quantised(v * half)),
        luma_alpha=paired(light, quantised(alpha * 255)),
        alpha_half=packed(quantised(half * 255)),
    )


def exact_tiles(rgb: Floats) -> Tiles:
    """Make an opaque picture (h, w, 3), 0 to 1, ready for sampling without noise, its colours where H.264 has
    them: a colour sample lies on the left column of its two, so that pictures handed on do not creep."""
    u, v = (_sited(plane) for plane in chroma(rgb))
    return Tiles(luma=packed(quantised(luma(rgb))), chroma=paired(quantised(u), quantised(v)))


def _sited(plane: Floats) -> Floats:
    """Halve a plane (h, w): 1-2-1 round each even column, and the mean of two rows."""
    beside = np.concatenate([plane[:, :1], plane[:, 1::2][:, :-1]], axis=1)
    columns = (beside + 2 * plane[:, ::2] + plane[:, 1::2]) * np.float32(0.25)
    return np.asarray((columns[::2] + columns[1::2]) * np.float32(0.5))


def mix(frame: Frame, under: Frame, amount: int) -> None:
    """Set a frame to `amount`/256 of itself and the rest of `under`, in place."""
    for new, old in ((frame.y, under.y), (frame.u, under.u), (frame.v, under.v)):
        total = np.multiply(new, np.uint16(amount), dtype=np.uint16)
        total += np.multiply(old, np.uint16(256 - amount), dtype=np.uint16)
        new[...] = total >> np.uint16(8)


def _strips(height: int, width: int, bytes_each: int) -> list[slice]:
    tall = max(8, STRIP // (width * bytes_each))
    return [slice(first, min(first + tall, height)) for first in range(0, height, tall)]


@dataclass(frozen=True, kw_only=True)
class Grid:
    """Places to sample: `height` rows of `width`, the first at (x, y) in source pixels, `step` apart."""

    x: float
    y: float
    step: float
    width: int
    height: int


def sample(source: Cells, grid: Grid) -> Cells:
    """Return (height, width) samples, still two planes to a cell if the source has two.

    Bilinear, with 8-bit fractions: an error below 1/250 pixel. Places outside repeat the border.
    """
    across = grid.x + grid.step * np.arange(grid.width)
    down = np.clip(grid.y + grid.step * np.arange(grid.height), 0, source.shape[0] - 1.004)
    places, rows = np.floor(across).astype(np.intp), down.astype(np.intp)
    # Planes that share a cell are worked on as 16-bit lanes, side by side: half the time of 32-bit sums.
    lanes = source.itemsize // 2
    right = np.repeat(((across - places) * 256).astype(np.uint16), lanes)
    below = ((down - rows) * 256).astype(np.uint16)[:, None]
    left, above = np.uint16(256) - right, np.uint16(256) - below
    # At zoom 1 the columns follow one another: a slice does instead of a look-up. So do the rows.
    run = slice(int(places[0]), int(places[0]) + grid.width)
    sliced = grid.step == 1 and run.start >= 0 and run.stop <= source.shape[1]
    in_turn = int(rows[-1] - rows[0]) == grid.height - 1 and grid.step == 1
    aligned = sliced and not right.any(), in_turn and not below.any()
    out: Cells = np.empty((grid.height, grid.width), source.dtype)
    strips = _strips(grid.height, grid.width, source.itemsize)
    room = max(int(rows[band][-1] - rows[band][0]) + 2 for band in strips)
    taken = np.empty((room, grid.width), source.dtype)
    line, spare = (np.empty((room, grid.width * lanes), np.uint16) for _ in range(2))
    for band in strips:
        top, bottom = int(rows[band][0]), int(rows[band][-1]) + 2
        sums, other, done = line[: bottom - top], spare[: bottom - top], out[band].view(np.uint16)
        if sliced:
            cells = source[top:bottom, run].view(np.uint16)
        else:
            part = np.take(source[top:bottom], places, axis=1, mode="clip", out=taken[: bottom - top])
            cells = part.view(np.uint16)
        np.bitwise_and(cells, _LOW, out=sums)
        if not aligned[0]:
            np.right_shift(cells, _EIGHT, out=other)
            sums *= left
            other *= right
            sums += other
            sums += _HALF
            sums >>= _EIGHT
        tall = len(done)
        if aligned[1]:
            done[...] = sums[:tall]
            continue
        if in_turn:
            np.multiply(sums[:tall], above[band], out=done)
            lower = np.multiply(sums[1 : tall + 1], below[band], out=other[:tall])
        else:
            np.take(sums, rows[band] - top, axis=0, mode="clip", out=done)
            done *= above[band]
            lower = sums[rows[band] - top + 1]
            lower *= below[band]
        done += lower
        done += _HALF
        done >>= _EIGHT
    return out


def first(cells: Packed | Paired) -> Plane:
    """Return the plane in the low half of sampled cells."""
    return cells.astype(np.uint8)


def second(cells: Paired) -> Plane:
    """Return the plane in the high half of sampled cells."""
    return (cells >> np.uint32(16)).astype(np.uint8)


def cover(base: Plane, over: Plane, alpha: Plane) -> None:
    """Lay `over`, already multiplied by `alpha`, on `base`, in place; all (h, w)."""
    for band in _strips(base.shape[0], base.shape[1], 2):
        # + 255 keeps a fully transparent pixel exactly as it was, so that a layer's box leaves no seam.
        kept = np.bitwise_not(alpha[band]).astype(np.uint16)
        kept *= base[band]
        kept += _LOW
        kept >>= _EIGHT
        np.add(kept.astype(np.uint8), over[band], out=base[band])
