"""Clips that several tests look at; written once."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import pytest

from tests.media.footage import Footage, Sound, numbered, shoot, tone


@pytest.fixture(scope="session")
def reel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the folder that holds the clips of this run."""
    return tmp_path_factory.mktemp("reel")


@pytest.fixture(scope="session")
def healthy(reel: Path) -> Path:
    """Return a clip of 3 s with B-frames, four groups of pictures and a tone, that breaks no rule."""
    frames = [numbered(at) for at in range(72)]
    return shoot(
        reel / "healthy.mp4",
        Footage(frames=frames, gop=20, options={"preset": "veryfast"}, sounds=[Sound(samples=tone(3.0))]),
    )


@pytest.fixture(scope="session")
def long(reel: Path) -> Path:
    """Return a clip of 10 s at 23.976 frames a second with groups of 4 s and referenced B-frames."""
    frames = [numbered(at) for at in range(240)]
    footage = Footage(frames=frames, fps=Fraction(24000, 1001), gop=96, options={"preset": "fast"})
    return shoot(reel / "long.mp4", footage)
