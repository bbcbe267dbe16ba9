"""What is to be rendered, and on what: their JSON shapes."""

from __future__ import annotations

import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from rushes.domain.request import frame_size

MULTIPLE = 32
"""Pixels. The sides that every video pipeline of diffusers takes: Wan 2.1 asks for multiples of 16, LTX and
Wan 2.2 5B for 32. Rounded down to it, 16:9 at 480p is the 832x480 and at 720p the 1280x704 that they were
made for."""

FRAME_STEP = 8
"""LTX makes 8k+1 frames, the others 4k+1 or any number. 5 s of 16 fps are 81 frames, of 24 fps 121."""


@dataclass(frozen=True, kw_only=True)
class Order:
    """One clip: `width` × `height` pixels, `frames` at `fps`, the take `seed`, into `destination`.

    `weights` is the id of a tiny random model, a folder, or an id on the hub; `pipeline` the class of
    diffusers that runs them, None for the one they name; `vae_dtype` where the decoder needs another number
    type than the rest. `steps` and `guidance` None: the pipeline's own.
    """

    weights: str
    prompt: str
    negative_prompt: str | None
    width: int
    height: int
    frames: int
    fps: int
    seed: int
    destination: Path
    first_frame: Path | None = None
    last_frame: Path | None = None
    steps: int | None = None
    guidance: float | None = None
    pipeline: str | None = None
    vae_dtype: str | None = None

    @property
    def name(self) -> str:
        """What the order is called between the engine and its renderer."""
        return self.destination.name

    @property
    def partial(self) -> Path:
        """Where this process writes the clip until it is whole."""
        return partial_of(self.destination, os.getpid())

    def as_json(self) -> dict[str, Any]:
        return {
            name: str(value) if isinstance(value, Path) else value for name, value in asdict(self).items()
        }

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Order:
        paths = ("destination", "first_frame", "last_frame")
        return cls(**{**data, **{name: Path(data[name]) for name in paths if data.get(name) is not None}})


@dataclass(frozen=True, kw_only=True)
class Machine:
    """What to render on: `device` auto, cpu, mps, cuda or cuda:N; `dtype` auto or a name of torch's.

    `offload` "model" or "sequential" keeps what is not at work out of the GPU's memory.
    """

    device: str = "auto"
    dtype: str = "auto"
    offload: str = "none"


def partial_of(destination: Path, pid: int) -> Path:
    """Return where the process `pid` writes a clip until it is whole."""
    return destination.with_name(f".{destination.name}.{pid}.part")


def size_of(aspect: str, resolution: str) -> tuple[int, int]:
    """Return (width, height) in pixels for "W:H" and a short side as "480p", rounded down to `MULTIPLE`."""
    width, height = (max(MULTIPLE, side // MULTIPLE * MULTIPLE) for side in frame_size(aspect, resolution))
    return width, height


def frames_of(seconds: float, fps: int) -> int:
    """Return the number of frames, 8k+1, that last nearest to `seconds`."""
    return FRAME_STEP * max(1, round(seconds * fps / FRAME_STEP)) + 1
