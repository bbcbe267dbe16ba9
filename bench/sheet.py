"""The overview sheet of a 20 s 1080p clip against ffmpeg's own `fps,scale,tile`."""

from __future__ import annotations

import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from bench.row import Row, command, paired
from rushes.media.encode import VideoWriter


def run() -> Iterator[Row]:
    ffmpeg = shutil.which("ffmpeg")
    if ffmpeg is None:
        yield Row(what="overview sheet", told="no ffmpeg here", aim="≤ 0.5× ffmpeg", reached=False)
        return
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        clip = noisy_clip(folder / "clip.mp4")
        ours = [sys.executable, "-m", "rushes", "sheet", str(clip), "--out", str(folder / "a.jpg")]
        tile = "fps=12/20,scale=392:220,tile=4x3"
        theirs = [ffmpeg, "-y", "-i", str(clip), "-vf", tile, "-frames:v", "1", str(folder / "b.jpg")]
        a, b, ratio = paired(command(ours), command(theirs), 5)
    yield Row(
        what="overview sheet of 20 s of 1080p, whole command, against the ffmpeg CLI",
        told=f"{ratio:.2f}× ({a:.2f} s against {b:.2f} s)",
        aim="≤ 0.5×",
        reached=ratio <= 0.5,
    )


def noisy_clip(path: Path) -> Path:
    """Write 20 s of 1080p with grain and motion, as a camera or a model gives, and keyframes 2 s apart."""
    chance = np.random.default_rng(1)
    ground = (np.add.outer(np.arange(1080), np.arange(1920 + 600)) // 9 % 200).astype(np.int16)
    grain = [chance.integers(-6, 7, (1080, 1920)).astype(np.int16) for _ in range(8)]
    chroma = np.full((540, 960), 128, np.uint8)
    with VideoWriter(path, width=1920, height=1080, fps=30, audio_rate=None) as writer:
        for at in range(600):
            picture = np.clip(ground[:, at : at + 1920] + 20 + grain[at % 8], 16, 235)
            writer.write_planes(picture.astype(np.uint8), chroma, chroma)
    return path
