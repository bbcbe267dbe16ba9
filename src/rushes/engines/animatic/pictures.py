"""First- and last-frame pictures: they take the place of the scenery, and the camera moves over them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

from rushes.domain.errors import BadInput
from rushes.engines.animatic.camera import View
from rushes.engines.animatic.layer import Layer, Paints
from rushes.engines.animatic.planes import Frame, Plane, tiles
from rushes.engines.animatic.regions import whole
from rushes.engines.animatic.stage import Stage

DEPTH = 0.66  # a flat picture has no parallax; this much of a move shows it without losing its edges
FADE = (0.34, 0.66)  # the part of the clip in which the first picture turns into the last


@dataclass(frozen=True, kw_only=True)
class CrossFade:
    """Two pictures under one camera, the second fading in over the middle of the clip."""

    first: Layer
    last: Layer
    seconds: float

    @property
    def is_still(self) -> bool:
        return False

    def paint(self, frame: Frame, view: View, seconds: float) -> None:
        k = (seconds / self.seconds - FADE[0]) / (FADE[1] - FADE[0])
        amount = round(256 * min(max(k, 0.0), 1.0))
        if amount < 256:
            self.first.paint(frame, view, seconds)
        if amount > 0:
            under = frame.copy()
            self.last.paint(frame, view, seconds)
            for new, old in ((frame.y, under.y), (frame.u, under.u), (frame.v, under.v)):
                _mix(new, old, amount)


def _mix(new: Plane, old: Plane, amount: int) -> None:
    """Set `new` to `amount`/256 of itself and the rest of `old`."""
    total = np.multiply(new, np.uint16(amount), dtype=np.uint16)
    total += np.multiply(old, np.uint16(256 - amount), dtype=np.uint16)
    new[...] = total >> np.uint16(8)


def shown(stage: Stage, first: Path | None, last: Path | None, seconds: float) -> list[Paints]:
    """Return what paints the given pictures; one alone is shown all the time."""
    if first is not None and last is not None:
        return [CrossFade(first=_layer(stage, first), last=_layer(stage, last), seconds=seconds)]
    return [_layer(stage, path) for path in (first, last) if path is not None]


def _layer(stage: Stage, path: Path) -> Layer:
    """Read a picture and crop it to fill all that the camera will see. Raises `BadInput`."""
    across, down = stage.camera.margins(DEPTH)
    density = stage.camera.density(DEPTH)
    width = 2 * round(stage.width * (1 + 2 * across) * density / 2)
    height = 2 * round(stage.height * (1 + 2 * down) * density / 2)
    try:
        with Image.open(path) as file:
            upright = ImageOps.exif_transpose(file).convert("RGBA")
    except (OSError, ValueError, Image.DecompressionBombError) as error:
        raise BadInput(
            f"the picture {path} cannot be read: {error}", next="give a PNG, JPEG or WebP file"
        ) from error
    paper = Image.new("RGBA", upright.size, (24, 24, 28, 255))
    paper.alpha_composite(upright)
    fitted = ImageOps.fit(paper.convert("RGB"), (width, height), Image.Resampling.LANCZOS)
    rgb = np.asarray(fitted, np.float32) / np.float32(255)
    return Layer(
        tiles=tiles(rgb, None, stage.rng(f"dither {path.name}")),
        left=-stage.width * across,
        top=-stage.height * down,
        density=density,
        depth=DEPTH,
        regions=whole(height, width),
    )
