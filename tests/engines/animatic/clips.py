"""Decoding small clips again."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import av
import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.uint8]
Make = Callable[..., Path]


def decoded(path: Path) -> list[Pixels]:
    """Return the light of all frames, (height, width) each."""
    with av.open(str(path)) as container:
        return [np.asarray(frame.to_ndarray(format="gray"), np.uint8) for frame in container.decode(video=0)]


def coloured(path: Path) -> list[Pixels]:
    """Return all frames as RGB (height, width, 3)."""
    with av.open(str(path)) as container:
        return [np.asarray(frame.to_ndarray(format="rgb24"), np.uint8) for frame in container.decode(video=0)]


def heard(path: Path) -> NDArray[np.float32] | None:
    """Return the sound as float32 (2, samples), or None without a track."""
    with av.open(str(path)) as container:
        if not container.streams.audio:
            return None
        frames = [frame.to_ndarray() for frame in container.decode(audio=0)]
        return np.asarray(np.concatenate(frames, axis=1), np.float32)
