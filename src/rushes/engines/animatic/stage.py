"""The drawing table: sheets that a setting draws its layers on, in frame pixels.

A sheet is drawn at twice its final size and reduced, so that every edge is soft. Places are given in pixels
of the frame, (0, 0) its top left corner; a sheet reaches as far beyond the frame as the camera may look.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from rushes.engines.animatic.camera import Camera
from rushes.engines.animatic.layer import Layer, Motion, still
from rushes.engines.animatic.lettering import Line, line
from rushes.engines.animatic.noise import Floats, field, resized, stream
from rushes.engines.animatic.palette import Colour, Palette, unit
from rushes.engines.animatic.planes import Tiles, second, tiles
from rushes.engines.animatic.regions import Region, regions, whole

Point = tuple[float, float]

FAR = 0.62  # the depth of the sky, and of all that is drawn onto it
FINE = 2  # a sheet is drawn this many times finer than it is kept


@dataclass(frozen=True, kw_only=True)
class Stage:
    """What every setting needs to know before it draws.

    `width` and `height` are the frame's. `seed` picks the take.
    """

    width: int
    height: int
    seed: int
    camera: Camera
    palette: Palette

    @property
    def unit(self) -> float:
        """A length in pixels for the size of things, alike in every orientation: the short side of 16:9."""
        return 0.75 * float(np.sqrt(self.width * self.height)) * self.camera.scale

    @property
    def horizon(self) -> float:
        """The height of the horizon in frame pixels."""
        return self.height * self.camera.horizon

    @property
    def sun(self) -> Point:
        """Where the sun or moon stands, in frame pixels."""
        side = float(self.rng("sun side").uniform(0.62, 0.76))
        if self.rng("sun flip").random() < 0.5:
            side = 1 - side
        return self.width * side, self.horizon - self.palette.sun_height * self.height

    def rng(self, name: str) -> np.random.Generator:
        return stream(self.seed, name)

    def backdrop(self, name: str, fill: Colour) -> Sheet:
        """Return the sheet for the sky, or for what stands right before it, to just below the horizon."""
        _, down = self.camera.margins(FAR)
        return self.sheet(name, FAR, fill, rows=(-self.height * down, self.horizon + self.unit * 0.26))

    def sheet(
        self,
        name: str,
        depth: float,
        fill: Colour,
        *,
        rows: tuple[float, float] | None = None,
        slack: float = 0,
    ) -> Sheet:
        """Return an empty sheet for a layer at `depth`, reaching over `rows` (top, bottom) of the frame.

        None takes all that the camera may see. `fill` is the colour that soft edges take, `slack` how far
        the layer will move by itself.
        """
        across, down = self.camera.margins(depth)
        top, bottom = rows or (-self.height * down, self.height * (1 + down))
        top, bottom = max(top, -self.height * down), min(bottom, self.height * (1 + down))
        return Sheet(
            stage=self,
            name=name,
            depth=depth,
            box=(
                -self.width * across - slack - 2,
                top - slack - 2,
                self.width * (1 + across) + slack + 2,
                max(bottom, top + 8) + slack + 2,
            ),
            fill=fill,
        )


class Sheet:
    """One layer while it is being drawn. Shapes take frame pixels and colours of 0 to 255."""

    def __init__(
        self, *, stage: Stage, name: str, depth: float, box: tuple[float, float, float, float], fill: Colour
    ) -> None:
        self.stage, self.name, self.depth, self.box = stage, name, depth, box
        self.density = stage.camera.density(depth)
        self.columns = _even((box[2] - box[0]) * self.density)
        self.rows = _even((box[3] - box[1]) * self.density)
        size = (self.columns * FINE, self.rows * FINE)
        self._ink = Image.new("RGB", size, _ints(fill))
        self._mask = Image.new("L", size, 0)
        self._draw, self._cover = ImageDraw.Draw(self._ink), ImageDraw.Draw(self._mask)
        self._glow: Image.Image | None = None

    @property
    def left(self) -> float:
        return self.box[0]

    @property
    def right(self) -> float:
        return self.box[2]

    @property
    def bottom(self) -> float:
        return self.box[3]

    def _place(self, point: Point) -> Point:
        scale = self.density * FINE
        return (point[0] - self.box[0]) * scale, (point[1] - self.box[1]) * scale

    def polygon(self, points: Sequence[Point], colour: Colour) -> None:
        places = [self._place(point) for point in points]
        self._draw.polygon(places, fill=_ints(colour))
        self._cover.polygon(places, fill=255)

    def rectangle(self, left: float, top: float, right: float, bottom: float, colour: Colour) -> None:
        self.polygon([(left, top), (right, top), (right, bottom), (left, bottom)], colour)

    def ellipse(self, x: float, y: float, across: float, down: float, colour: Colour) -> None:
        """Draw an ellipse round (x, y) with radii `across` and `down`."""
        first, last = self._place((x - across, y - down)), self._place((x + across, y + down))
        self._draw.ellipse((*first, *last), fill=_ints(colour))
        self._cover.ellipse((*first, *last), fill=255)

    def line(self, points: Sequence[Point], thickness: float, colour: Colour) -> None:
        places = [self._place(point) for point in points]
        wide = max(1, round(thickness * self.density * FINE))
        self._draw.line(places, fill=_ints(colour), width=wide, joint="curve")
        self._cover.line(places, fill=255, width=wide, joint="curve")

    def write(self, words: Line, left: float, top: float, colour: Colour) -> None:
        """Write a line with its top left corner at (left, top), as ink on what was drawn there."""
        scale = self.density * FINE
        letters = Image.fromarray(line(words.text, words.size * scale).coverage())
        x, y = self._place((left, top))
        box = (round(x), round(y), round(x) + letters.width, round(y) + letters.height)
        self._ink.paste(_ints(colour), box, letters)

    def cut(self, points: Sequence[Point]) -> None:
        """Make a hole."""
        self._cover.polygon([self._place(point) for point in points], fill=0)

    def shine(self, points: Sequence[Point], strength: float = 1.0) -> None:
        """Let a shape glow: it lights up what is round it when the sheet is finished."""
        if self._glow is None:
            self._glow = Image.new("L", (self.columns // 2, self.rows // 2), 0)
        scale = self.density / 2
        places = [((x - self.box[0]) * scale, (y - self.box[1]) * scale) for x, y in points]
        ImageDraw.Draw(self._glow).polygon(places, fill=round(255 * strength))

    def heights(self) -> Floats:
        """Return the frame row of each row of the sheet, float32 (rows, 1)."""
        return (self.box[1] + (np.arange(self.rows, dtype=np.float32)[:, None] + 0.5) / self.density).astype(
            np.float32
        )

    def widths(self) -> Floats:
        """Return the frame column of each column of the sheet, float32 (1, columns)."""
        return (self.box[0] + (np.arange(self.columns, dtype=np.float32)[None] + 0.5) / self.density).astype(
            np.float32
        )

    def layer(
        self,
        *,
        haze: tuple[float, float, float, float] | None = None,
        sunlight: float = 0.0,
        texture: float = 0.0,
        glow: tuple[Colour, float] | None = None,
        motion: Motion = still,
        behind: Floats | None = None,
    ) -> Layer:
        """Finish the sheet.

        `haze` (top, bottom, at the top, at the bottom): fades to the haze colour by these amounts between
        these frame rows. `sunlight` is how much of the sun's glow lies on it. `texture` mottles it like
        paper. `glow` (colour, reach in frame pixels) is how what shines lights its surroundings. `behind`
        is a picture of the same size to lay it on: the layer is then opaque.
        """
        ink = np.asarray(self._ink.reduce(FINE), np.float32) / np.float32(255)
        alpha = np.asarray(self._mask.reduce(FINE), np.float32) / np.float32(255)
        if texture:
            ink *= (1 + texture * (self._mottle() - 0.5))[..., None]
        if haze is not None:
            top, bottom, first, last = haze
            amount = first + (last - first) * np.clip((self.heights() - top) / (bottom - top), 0, 1)
            ink += (unit(self.stage.palette.haze) - ink) * amount.astype(np.float32)[..., None]
        if sunlight:
            ink += self._sunlight(sunlight)
        if glow is not None and self._glow is not None:
            self._bloom(ink, glow)
        if behind is not None:
            return self.painted(behind + (ink - behind) * alpha[..., None], None, motion=motion)
        return self.painted(ink, alpha, motion=motion)

    def painted(self, ink: Floats, alpha: Floats | None, *, motion: Motion = still) -> Layer:
        """Make a layer of RGB (rows, columns, 3) and coverage (rows, columns), 0 to 1; None is opaque."""
        top, bottom = _filled(alpha) if alpha is not None else (0, self.rows)
        picture = tiles(
            np.clip(ink[top:bottom], 0, 1),
            None if alpha is None else alpha[top:bottom],
            self.stage.rng(f"dither {self.name}"),
        )
        return Layer(
            tiles=picture,
            left=self.box[0],
            top=self.box[1] + top / self.density,
            density=self.density,
            depth=self.depth,
            motion=motion,
            regions=_regions(picture),
        )

    def _mottle(self) -> Floats:
        cell = self.stage.unit * 0.05 * self.density
        small = field(
            self.stage.rng(f"mottle {self.name}"),
            max(self.columns // 2, 4),
            max(self.rows // 2, 4),
            (cell, cell * 0.6),
            4,
            0.7,
        )
        return resized(small, self.columns, self.rows)

    def _sunlight(self, strength: float) -> Floats:
        light = sun_glow(self.stage, self.widths()[:, ::4], self.heights()[::4], 0.55)
        full = resized(np.ascontiguousarray(light), self.columns, self.rows)
        return np.asarray(full[..., None] * (unit(self.stage.palette.glow) * np.float32(strength)))

    def _bloom(self, ink: Floats, glow: tuple[Colour, float]) -> None:
        assert self._glow is not None
        colour, reach = glow
        small = self._glow.reduce(2)
        near = small.filter(ImageFilter.GaussianBlur(reach * self.density / 16))
        far = small.filter(ImageFilter.GaussianBlur(reach * self.density / 4))
        light = np.asarray(near, np.float32) * 0.5 + np.asarray(far, np.float32) * 0.9
        full = np.clip(
            resized(np.asarray(light, np.float32) / np.float32(255), self.columns, self.rows), 0, 1
        )
        ink += full[..., None] * unit(colour) * (1 - np.clip(ink, 0, 1) * 0.6)


def sun_glow(stage: Stage, x: Floats, y: Floats, reach: float) -> Floats:
    """Return the sun's glow, 0 to 1, at frame columns `x` (1, w) and rows `y` (h, 1)."""
    sun_x, sun_y = stage.sun
    scale = stage.unit * reach
    away = np.sqrt((x - sun_x) ** 2 + (y - sun_y) ** 2) / scale
    return np.asarray(np.exp(-away * 2.2) * stage.palette.sun_seen, np.float32)


def _regions(picture: Tiles) -> tuple[Region, ...]:
    if picture.luma_alpha is None:
        return whole(*picture.luma.shape)
    return regions(second(picture.luma_alpha))


def _filled(alpha: Floats) -> tuple[int, int]:
    """Return the first and past-the-last row that hold anything, even, with a row to spare."""
    rows = np.flatnonzero(alpha.max(axis=1) > 0)
    if not len(rows):
        return 0, 4
    first, last = max(int(rows[0]) - 2, 0) // 2 * 2, min(int(rows[-1]) + 4, len(alpha))
    return first, first + max((last - first) // 2 * 2, 4)


def _even(length: float) -> int:
    return max(8, 2 * round(length / 2))


def _ints(colour: Colour) -> tuple[int, int, int]:
    return (round(min(colour[0], 255)), round(min(colour[1], 255)), round(min(colour[2], 255)))
