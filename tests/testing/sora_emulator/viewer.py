"""Clips of the emulator's, decoded again: their pictures, and whether they show the mark."""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from rushes.engines.animatic.planes import Frame
from rushes.testing.sora_emulator.landscape import rgb_of_frame
from rushes.testing.sora_emulator.marking import STAYS_S, mark_for, place_of_mark
from rushes.testing.sora_emulator.pictures import replayed

FPS = 30


class Pictures:
    """All pictures of an MP4, as its decoder gives them."""

    def __init__(self, path: Path, width: int, height: int) -> None:
        self.frames: list[Frame] = list(replayed(path, width, height))
        self.size = width, height

    def __len__(self) -> int:
        return len(self.frames)

    def rgb(self, number: int) -> NDArray[np.float32]:
        """Return a picture (h, w, 3), 0 to 255."""
        return rgb_of_frame(self.frames[number]).astype(np.float32)

    def change(self, number: int) -> float:
        """Return by how many levels of light a picture differs from the one before, in the mean."""
        before, after = (self.frames[one].y.astype(np.int16) for one in (number - 1, number))
        return float(np.abs(after - before).mean())

    def cuts(self) -> list[int]:
        """Return the numbers of the pictures that are another shot's first."""
        return [number for number in range(1, len(self)) if self.change(number) > 8]

    def likeness_of_mark(self, seconds: float) -> float:
        """Return how far light follows the mark's letters and their shadow, at its place at this time.

        1 is exactly; only those pixels count that the mark covers, whatever is around them.
        """
        drawn = mark_for(*self.size)
        left, top = place_of_mark(drawn, self.size, seconds)
        tall, wide = drawn.alpha.shape
        patch = self.frames[round(seconds * FPS)].y[top : top + tall, left : left + wide]
        covered = drawn.alpha > 150
        light = patch[covered].astype(np.float32)
        return float(np.corrcoef(light, drawn.y[covered])[0, 1]) if light.std() else 0.0

    def marks(self) -> list[float]:
        """Return that likeness in the middle of each place's time."""
        times = np.arange(STAYS_S / 2, len(self) / FPS, STAYS_S)
        return [self.likeness_of_mark(float(one)) for one in times]


def difference(first: NDArray[np.float32], second: NDArray[np.float32]) -> float:
    """Return by how many levels of 255 two pictures differ, in the mean."""
    return float(np.abs(first - second).mean())


def photograph(width: int = 300, height: int = 200, seed: int = 1) -> bytes:
    """Return a PNG of soft coloured patches, no two alike by their seed."""
    rng = np.random.default_rng(seed)
    small = Image.fromarray(rng.integers(0, 256, (3, 4, 3), np.uint8))
    buffer = io.BytesIO()
    small.resize((width, height), Image.Resampling.BICUBIC).save(buffer, "PNG")
    return buffer.getvalue()
