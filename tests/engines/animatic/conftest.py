"""Rendering small clips."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image, ImageFilter

from rushes.engines.animatic.render import Order, render
from tests.engines.animatic.clips import Make


@pytest.fixture
def make(tmp_path: Path) -> Make:
    """Render an order: a small silent city street of half a second, unless told otherwise."""

    def made(prompt: str = "a city street", **changes: Any) -> Path:
        fields = {"seconds": 0.5, "width": 320, "height": 180, "seed": 1, "audio": False, "caption": False}
        name = f"{len(list(tmp_path.iterdir()))}.mp4"
        return render(Order(**{"prompt": prompt, "destination": tmp_path / name, **fields, **changes}), print)

    return made


@pytest.fixture(scope="session")
def texture(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A picture of soft blobs, in which any shift can be measured."""
    noise = np.random.default_rng(7).integers(0, 256, (540, 960, 3), np.uint8)
    soft = np.asarray(Image.fromarray(noise).filter(ImageFilter.GaussianBlur(9)), np.float32)
    path = tmp_path_factory.mktemp("pictures") / "texture.png"
    Image.fromarray(np.clip((soft - 127.5) * 9 + 127.5, 0, 255).astype(np.uint8)).save(path)
    return path
