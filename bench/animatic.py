"""How much faster than realtime the embedded engine renders, drawing and encoding together."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from bench.row import Row, timed

PROMPTS = (
    "a paper boat sails down a rainy street at dusk, slow push in",
    "snow falls on the mountains at night, pan left",
    "waves on the sea at dawn, tilt up",
)
SECONDS = 10


def run() -> Iterator[Row]:
    with tempfile.TemporaryDirectory() as folder:
        factors = [SECONDS / timed(lambda p=prompt: render(p, Path(folder))) for prompt in PROMPTS]  # type: ignore[misc]
    worst = min(factors)
    shown = ", ".join(f"{factor:.1f}×" for factor in factors)
    yield Row(
        what="animatic, 10 s of 1280×720, with sound, start-up included",
        told=f"{shown} realtime",
        aim="≥ 2× (towards 4×)",
        reached=worst >= 2,
    )


def render(prompt: str, folder: Path) -> None:
    """Render one clip in a fresh process, as the worker does."""
    order = {
        "prompt": prompt,
        "seconds": SECONDS,
        "width": 1280,
        "height": 720,
        "seed": 1,
        "audio": True,
        "first_frame": None,
        "last_frame": None,
        "caption": True,
        "destination": str(folder / "clip.mp4"),
    }
    with subprocess.Popen(
        [sys.executable, "-m", "rushes.engines.animatic.render"],
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        text=True,
    ) as process:
        assert process.stdin is not None
        process.stdin.write(json.dumps(order) + "\n")
        process.stdin.flush()
        process.wait()
    if process.returncode:
        raise RuntimeError(f"the renderer ended with status {process.returncode}")
