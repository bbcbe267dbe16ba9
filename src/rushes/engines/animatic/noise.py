"""Seeded randomness with a shape: streams by name, cloudy fields, mountain lines."""

from __future__ import annotations

import hashlib

import numpy as np
from numpy.typing import NDArray
from PIL import Image

Floats = NDArray[np.float32]


def stream(seed: int, name: str) -> np.random.Generator:
    """Return a generator of its own for each named thing, so that one more tree moves no cloud."""
    digest = hashlib.sha256(f"{seed}/{name}".encode()).digest()
    return np.random.Generator(np.random.PCG64(int.from_bytes(digest[:16], "big")))


def resized(values: Floats, width: int, height: int) -> Floats:
    """Scale a float32 (h, w) array smoothly to (height, width)."""
    return np.asarray(Image.fromarray(values).resize((width, height), Image.Resampling.BICUBIC))


def field(
    rng: np.random.Generator,
    width: int,
    height: int,
    cell: tuple[float, float],
    octaves: int = 4,
    fade: float = 0.5,
) -> Floats:
    """Return cloudy noise (height, width), about 0 to 1; its largest shapes are `cell` pixels."""
    total = np.zeros((height, width), np.float32)
    weight = 1.0
    for octave in range(octaves):
        across = max(2, round(width / cell[0] * 2**octave) + 2)
        down = max(2, round(height / cell[1] * 2**octave) + 2)
        grid = rng.random((min(down, height), min(across, width)), np.float32)
        total += np.float32(weight) * resized(grid, width, height)
        weight *= fade
    low, high = np.quantile(total[::4, ::4], [0.02, 0.98])
    return np.asarray(np.clip((total - np.float32(low)) / np.float32(max(high - low, 1e-6)), 0, 1))


def seamless(values: Floats, overlap: int) -> Floats:
    """Make the left and right ends of (h, w) meet by cross-fading `overlap` columns, which are dropped."""
    fade = np.linspace(0, 1, overlap, dtype=np.float32)
    joined = values[:, :-overlap].copy()
    joined[:, :overlap] = values[:, :overlap] * fade + values[:, -overlap:] * (1 - fade)
    return np.asarray(joined)


def line(rng: np.random.Generator, count: int, knots: int, roughness: float = 0.5) -> Floats:
    """Return `count` heights, 0 to 1, of a ridge with about `knots` tops; higher roughness is more jagged."""
    places = np.linspace(0, 1, count)
    total = np.zeros(count)
    weight = 1.0
    while knots < count / 2:
        heights = rng.random(knots + 2)
        total += weight * np.interp(places, np.linspace(0, 1, knots + 2), heights)
        weight *= roughness
        knots *= 2
    total -= total.min()
    return np.asarray(total / max(total.max(), 1e-6), np.float32)


def smoothstep(low: float, high: float, values: Floats) -> Floats:
    """Go softly from 0 at `low` to 1 at `high`."""
    k = np.clip((values - np.float32(low)) / np.float32(high - low), 0, 1)
    return np.asarray(k * k * (3 - 2 * k))
