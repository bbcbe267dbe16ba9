"""Pictures of a clip have the colours that a player shows, to a third of a grey level."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from rushes.media.sheet import frame_at
from tests.media.footage import Footage, Pixels, decoded, pixels, shoot

KR_KB = {601: (0.299, 0.114), 709: (0.2126, 0.0722)}  # ITU-R BT.601, BT.709: the weights of red and blue


def scene(width: int, height: int) -> Pixels:
    """Return an RGB picture of soft, not too strong colours that stay inside what every format can hold."""
    down, across = np.mgrid[0:height, 0:width]
    waves = [np.sin(across * 9 / width + turn) * np.cos(down * 5 / height + turn) for turn in range(3)]
    return np.asarray(np.stack([128 + 90 * wave for wave in waves], axis=-1), np.uint8)


def converted(path: Path, standard: int, full_range: bool) -> NDArray[np.float64]:
    """Return the RGB of the first frame by the formulas of the standard, from its decoded planes."""
    frame = decoded(path)[0]
    deep = frame.format.name.endswith("10le")
    planes = frame.to_ndarray().astype(np.float64) / (4 if deep else 1)
    height, width = frame.height, frame.width
    luma = planes[:height]
    chroma = planes[height:].reshape(2, height // 2, width // 2)
    blue, red = (np.repeat(np.repeat(plane, 2, 0), 2, 1) - 128 for plane in chroma)
    luma, blue, red = (
        (luma / 255, blue / 255, red / 255) if full_range else ((luma - 16) / 219, blue / 224, red / 224)
    )
    kr, kb = KR_KB[standard]
    r, b = luma + 2 * (1 - kr) * red, luma + 2 * (1 - kb) * blue
    g = (luma - kr * r - kb * b) / (1 - kr - kb)
    return np.asarray(np.clip(np.stack([r, g, b], axis=-1) * 255, 0, 255), np.float64)


@pytest.mark.parametrize("pix_fmt", ["yuv420p", "yuv420p10le"])
@pytest.mark.parametrize(
    ("colour", "height", "full_range", "standard"),
    [
        ((1, 1, 1), 180, False, 709),
        ((6, 6, 6), 180, False, 601),
        ((5, 6, 5), 720, False, 601),
        ((1, 1, 1), 180, True, 709),
        ((6, 6, 6), 180, True, 601),
        (None, 180, False, 601),
        (None, 720, False, 709),
    ],
    ids=["709", "601", "pal-hd", "709-full", "601-full", "untagged-sd", "untagged-hd"],
)
def test_colours_are_exact(
    tmp_path: Path,
    colour: tuple[int, int, int] | None,
    height: int,
    full_range: bool,
    standard: int,
    pix_fmt: str,
) -> None:
    """A frame has on average the colours of the standard's own formulas: tagged, untagged, 8 and 10 bits."""
    picture = scene(height * 16 // 9, height)
    footage = Footage(frames=[picture], colour=colour, full_range=full_range, pix_fmt=pix_fmt)
    path = shoot(tmp_path / "clip.mp4", footage)
    shown = pixels(frame_at(path, 0, tmp_path / "frame.png")).astype(np.float64)
    shift = (shown - converted(path, standard, full_range)).mean(axis=(0, 1))
    assert np.abs(shift).max() <= 0.3, shift
