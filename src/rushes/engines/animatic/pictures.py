"""First- and last-frame pictures: they take the place of the scenery, and the camera moves over them.

The clip begins with the first picture and ends with the last, exactly: filling the frame, neither moved nor
enlarged, and with nothing on them. So the last frame of one clip can be the first of the next.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from PIL import Image, ImageFilter, ImageOps

from rushes.domain.errors import BadInput
from rushes.engines.animatic.camera import View
from rushes.engines.animatic.layer import Layer, Paints, window
from rushes.engines.animatic.planes import Frame, exact_tiles, mix
from rushes.engines.animatic.regions import whole
from rushes.engines.animatic.stage import Stage

DEPTH = 0.45  # a flat picture has no parallax; this much of a move shows it, and little of what is beyond it
FADE = (0.34, 0.66)  # the part of the clip in which the first picture turns into the last
BEYOND = 0.03  # how soft the picture is continued where the camera looks past its edge, in short sides


@dataclass(frozen=True, kw_only=True)
class Shown:
    """A picture under a camera that sees it, and nothing else, in the view `rest`."""

    layer: Layer
    rest: View

    @property
    def is_still(self) -> bool:
        return True

    def paint(self, frame: Frame, view: View, seconds: float) -> None:
        self.layer.paint(frame, relative(view, self.rest), seconds)


@dataclass(frozen=True, kw_only=True)
class CrossFade:
    """Two pictures, the second fading in over the middle of the clip."""

    first: Shown
    last: Shown
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
            mix(frame, under, amount)


def relative(view: View, rest: View) -> View:
    """Return a view as the camera has it that stands at the widest and straight ahead at `rest`."""
    return replace(view, zoom=view.zoom / rest.zoom, x=view.x - rest.x, y=view.y - rest.y)


def shown(stage: Stage, first: Path | None, last: Path | None, seconds: float) -> list[Paints]:
    """Return what paints the given pictures; one alone is shown all the time. Raises `BadInput`."""
    parts = [_shown(stage, path, rest) for rest, path in ((0.0, first), (1.0, last)) if path is not None]
    return [CrossFade(first=parts[0], last=parts[1], seconds=seconds)] if len(parts) == 2 else [*parts]


def _shown(stage: Stage, path: Path, progress: float) -> Shown:
    rest = stage.camera.view(progress)
    margin = _margins(stage, rest)
    size = (stage.width, stage.height)
    picture = _continued(ImageOps.fit(_upright(path), size, Image.Resampling.LANCZOS), margin)
    rgb = np.asarray(picture, np.float32) / np.float32(255)
    layer = Layer(
        tiles=exact_tiles(rgb),
        left=-margin[0],
        top=-margin[1],
        density=1,  # so that a view at rest shows its pixels as they are
        depth=DEPTH,
        regions=whole(picture.height, picture.width),
    )
    return Shown(layer=layer, rest=rest)


def _upright(path: Path) -> Image.Image:
    """Read a picture as RGB, turned as its EXIF says; what is transparent lies on dark paper."""
    try:
        with Image.open(path) as file:
            upright = ImageOps.exif_transpose(file).convert("RGBA")
    except (OSError, ValueError, Image.DecompressionBombError) as error:
        raise BadInput(
            f"the picture {path} cannot be read: {error}", next="give a PNG, JPEG or WebP file"
        ) from error
    paper = Image.new("RGBA", upright.size, (24, 24, 28, 255))
    paper.alpha_composite(upright)
    return paper.convert("RGB")


def _margins(stage: Stage, rest: View) -> tuple[int, int]:
    """Return how far past the picture the camera looks, to each side and up and down, in even pixels."""
    size = (stage.width, stage.height)
    across = down = 0.0
    for progress in (0.0, 1.0):
        seen = window(relative(stage.camera.view(progress), rest), size, DEPTH)
        across = max(across, -seen.x, seen.x + size[0] * seen.step - size[0])
        down = max(down, -seen.y, seen.y + size[1] * seen.step - size[1])
    return 2 * int(np.ceil(across / 2)) + 2, 2 * int(np.ceil(down / 2)) + 2


def _continued(picture: Image.Image, margin: tuple[int, int]) -> Image.Image:
    """Return a picture with margins (across, down), in which it goes on mirrored and out of focus."""
    across, down = margin
    rows = ((down, down), (across, across), (0, 0))
    mirrored = Image.fromarray(np.pad(np.asarray(picture), rows, "symmetric"))
    radius = BEYOND * min(picture.size)
    wide = mirrored.filter(ImageFilter.GaussianBlur(radius))
    sharp = Image.new("L", mirrored.size, 0)
    # The blur sets in softly, outside of the picture only.
    sharp.paste(255, (across, down, across + picture.width, down + picture.height))
    soft = Image.new("L", mirrored.size, 0)
    reach = round(radius)
    soft.paste(
        255, (across - reach, down - reach, across + picture.width + reach, down + picture.height + reach)
    )
    soft = soft.filter(ImageFilter.GaussianBlur(radius / 2))
    wide = Image.composite(mirrored, wide, soft)
    return Image.composite(mirrored, wide, sharp)
