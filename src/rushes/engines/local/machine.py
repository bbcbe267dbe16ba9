"""What this machine offers, as `rushes doctor` shows it: `python -m rushes.engines.local.machine` tells it.

A program of its own, since importing torch takes seconds and half a gigabyte.
"""

from __future__ import annotations

from importlib.metadata import version
from typing import Any

import torch

from rushes.children.serving import serve
from rushes.domain.errors import RenderFailed


def best() -> Any:
    """Return the torch.device that `device = "auto"` means: the first GPU, else the CPU."""
    if torch.cuda.is_available():
        return torch.device("cuda")
    return torch.device("mps" if torch.backends.mps.is_available() else "cpu")


def device_of(name: str, *, needs_gpu: bool) -> Any:
    """Return the torch.device that the settings name. Raises RenderFailed where there is none."""
    found = best() if name == "auto" else torch.device(name)
    if name == "auto" and found.type == "cpu" and needs_gpu:
        raise RenderFailed(
            f"this model needs a GPU, and torch {torch.__version__} finds none here: use a machine with one,"
            ' or a torch that is built for it; or set device = "cpu" for this engine in the settings file,'
            " and expect hours for each clip. local/tiny-random-text runs anywhere"
        )
    there = {"cuda": torch.cuda.is_available(), "mps": torch.backends.mps.is_available()}
    if not there.get(found.type, True):
        raise RenderFailed(
            f"the settings ask for the device {name!r}, and torch {torch.__version__} finds none here; set"
            ' device = "auto" for this engine in the settings file (rushes config path)'
        )
    return found


def described() -> str:
    """Return in a few words what there is to render on."""
    packages = f"torch {torch.__version__}, diffusers {version('diffusers')}"
    device = best()
    if device.type == "cuda":
        free, total = torch.cuda.mem_get_info()
        card = torch.cuda.get_device_name()
        return f"{packages}; {card}, {free / 1e9:.0f} of {total / 1e9:.0f} GB free"
    if device.type == "mps":
        return f"{packages}; the GPU of this Mac"
    return f'{packages}; no GPU: the tiny-random models, and others only with device = "cpu"'


if __name__ == "__main__":
    serve(lambda order, line: described())
