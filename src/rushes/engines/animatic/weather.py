"""Weather in the air: rain, snow and fog over a picture, motes and fireflies where it is clear.

Falling things are drawn once on a tile that repeats in both directions, and the tile is moved by whole pixels
per frame: at the speed of rain or snow that is as smooth as any finer step, and it costs one pass.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from rushes.engines.animatic.camera import View
from rushes.engines.animatic.layer import Paints
from rushes.engines.animatic.noise import field, seamless
from rushes.engines.animatic.order import FPS
from rushes.engines.animatic.palette import Colour, mixed, scaled, unit
from rushes.engines.animatic.planes import Floats, Frame, Plane, chroma, cover, halved, luma, quantised
from rushes.engines.animatic.shot import Setting, Time, Weather
from rushes.engines.animatic.stage import Stage


@dataclass(frozen=True, kw_only=True)
class Veil:
    """A colour with coverage, ready to be laid over a frame; each plane is twice as wide (and, where it
    falls, twice as high) as the frame, so that any part of the repeating tile is one slice of it."""

    y: Plane
    u: Plane
    v: Plane
    alpha: Plane
    alpha_half: Plane
    tints: bool

    def lay(self, frame: Frame, left: int, top: int) -> None:
        """Lay the part that starts at (left, top), both even, over the whole frame.

        Without `tints` it changes the light only: thin pale streaks need no colour of their own.
        """
        width, height = frame.size
        here = (slice(top, top + height), slice(left, left + width))
        cover(frame.y, self.y[here], self.alpha[here])
        if not self.tints:
            return
        half = (slice(top // 2, (top + height) // 2), slice(left // 2, (left + width) // 2))
        cover(frame.u, self.u[half], self.alpha_half[half])
        cover(frame.v, self.v[half], self.alpha_half[half])


def veil(coverage: Floats, colour: Colour, repeats: tuple[int, int], *, tints: bool = True) -> Veil:
    """Make a veil of one colour from coverage (h, w), 0 to 1, repeated (down, across) times."""
    small = halved(coverage)
    y = float(luma(unit(colour)))
    u, v = (float(code) for code in chroma(unit(colour)))

    def tiled(values: Floats) -> Plane:
        return np.tile(quantised(values), repeats)

    return Veil(
        y=tiled(coverage * np.float32(y)),
        u=tiled(small * np.float32(u)),
        v=tiled(small * np.float32(v)),
        alpha=tiled(coverage * 255),
        alpha_half=tiled(small * 255),
        tints=tints,
    )


@dataclass(frozen=True, kw_only=True)
class Falling:
    """A tile of drops or flakes that moves `across` and `down` pixels per frame, both even."""

    tile: Veil
    size: tuple[int, int]
    across: int
    down: int

    def start(self, slide: int, count: int) -> tuple[int, int]:
        """Return which place of the tile lies in the frame's corner, both even."""
        left, top = (-self.across * count + slide) % self.size[0], (-self.down * count) % self.size[1]
        return left // 2 * 2, top // 2 * 2


@dataclass(frozen=True, kw_only=True)
class Shower:
    """Several tiles of one colour, laid over the frame at once: where two meet, the denser one counts."""

    falls: tuple[Falling, ...]

    @property
    def is_still(self) -> bool:
        return False

    def paint(self, frame: Frame, view: View, seconds: float) -> None:
        count, slide = round(seconds * FPS), 2 * round(view.x * frame.size[0] * 0.6)
        places = [(fall.tile, *fall.start(slide, count)) for fall in self.falls]
        light = _densest([_part(tile.y, left, top, frame.y) for tile, left, top in places])
        alpha = _densest([_part(tile.alpha, left, top, frame.y) for tile, left, top in places])
        cover(frame.y, light, alpha)
        tinting = [(tile, left // 2, top // 2) for tile, left, top in places if tile.tints]
        if not tinting:
            return
        alpha = _densest([_part(tile.alpha_half, left, top, frame.u) for tile, left, top in tinting])
        for plane, name in ((frame.u, "u"), (frame.v, "v")):
            cover(
                plane,
                _densest([_part(getattr(tile, name), left, top, plane) for tile, left, top in tinting]),
                alpha,
            )


def _part(plane: Plane, left: int, top: int, frame: Plane) -> Plane:
    return plane[top : top + frame.shape[0], left : left + frame.shape[1]]


def _densest(planes: Sequence[Plane]) -> Plane:
    """Return the highest of each place; of one colour, the denser veil has the higher code."""
    total = planes[0]
    for number, plane in enumerate(planes[1:]):
        total = np.maximum(total, plane, out=total if number else None)
    return total


@dataclass(frozen=True, kw_only=True)
class Bank:
    """A bank of fog that drifts `drift` pixels per second and slides with the camera like `depth`."""

    tile: Veil
    period: int
    drift: float
    depth: float

    @property
    def is_still(self) -> bool:
        return False

    def paint(self, frame: Frame, view: View, seconds: float) -> None:
        left = round(self.drift * seconds + view.x * self.depth * frame.size[0]) % self.period
        self.tile.lay(frame, left // 2 * 2, 0)


@dataclass(frozen=True, kw_only=True)
class Motes:
    """Small soft lights that wander: dust in the sun, fireflies in the dark.

    Each row of `paths` is (x, y, swing x, swing y, pace, phase, radius, brightness), in frame pixels, radians
    per second and Y codes.
    """

    paths: np.ndarray[tuple[int, ...], np.dtype[np.float64]]
    warmth: int

    @property
    def is_still(self) -> bool:
        return False

    def paint(self, frame: Frame, view: View, seconds: float) -> None:
        width, height = frame.size
        for x, y, swing_x, swing_y, pace, phase, radius, bright in self.paths:
            angle = pace * seconds + phase
            here_x = (x + swing_x * np.sin(angle) - view.x * width * 1.1) % width
            here_y = (y + swing_y * np.cos(angle * 0.8) - view.y * height * 1.1) % height
            light = bright * (0.55 + 0.45 * np.sin(2.3 * angle))
            _dab(frame.y, here_x, here_y, radius, light)
            _dab(frame.v, here_x / 2, here_y / 2, radius, self.warmth * light / 255)


def _dab(plane: Plane, x: float, y: float, radius: float, light: float) -> None:
    """Add a soft round light at a sub-pixel place."""
    reach = int(radius * 2.5) + 1
    left, top = max(int(x) - reach, 0), max(int(y) - reach, 0)
    part = plane[top : int(y) + reach + 1, left : int(x) + reach + 1]
    if not part.size or light < 1:
        return
    columns = np.exp(-(((np.arange(part.shape[1]) + left - x) / radius) ** 2))
    rows = np.exp(-(((np.arange(part.shape[0]) + top - y) / radius) ** 2))
    part[...] = np.minimum(part + light * rows[:, None] * columns, 235).astype(np.uint8)


def front(stage: Stage, kind: Weather) -> list[Paints]:
    """Return what falls or hangs in front of everything."""
    match kind:
        case Weather.RAIN:
            return _rain(stage)
        case Weather.SNOW:
            return _snow(stage)
        case Weather.FOG:
            return [_bank(stage, "front bank", 0.62, 26, 1.2)]
        case Weather.CLEAR:
            return []


def between(stage: Stage, kind: Weather) -> list[Paints]:
    """Return what hangs between the middle ground and the near."""
    return [_bank(stage, "middle bank", 0.80, -15, 0.9)] if kind is Weather.FOG else []


def motes(stage: Stage, setting: Setting, time: Time) -> list[Paints]:
    """Return dust or fireflies for the places that have them."""
    if setting not in (Setting.FOREST, Setting.INTERIOR):
        return []
    rng = stage.rng("motes")
    glowing = setting is Setting.FOREST and time in (Time.DUSK, Time.NIGHT)
    count = 26
    unit_px = stage.unit
    size = rng.uniform(0.0022, 0.0042, count) * unit_px * (1.4 if glowing else 1.0)
    paths = np.column_stack(
        [
            rng.uniform(0, stage.width, count),
            rng.uniform(0.25, 0.95, count) * stage.height,
            rng.uniform(0.02, 0.08, count) * unit_px,
            rng.uniform(0.01, 0.05, count) * unit_px,
            rng.uniform(0.3, 0.9, count),
            rng.uniform(0, 6.28, count),
            size,
            rng.uniform(90, 190, count) * (1.0 if glowing else 0.30),
        ]
    )
    return [Motes(paths=paths, warmth=30 if glowing else 6)]


def _rain(stage: Stage) -> list[Paints]:
    """Three depths of slanting streaks; speeds are whole pixels, so that a streak follows its path."""
    rng = stage.rng("rain")
    slant = float(rng.uniform(0.10, 0.22)) * (1 if rng.random() < 0.5 else -1)
    bright = mixed(scaled(stage.palette.horizon, 1.25), (214, 226, 240), 0.62)
    falls: list[Falling] = []
    for long, thick, strength, pace, count in (
        (0.060, 0.0019, 0.34, 0.042, 420),
        (0.120, 0.0028, 0.46, 0.070, 190),
        (0.250, 0.0046, 0.42, 0.120, 60),
    ):
        down = max(2, 2 * round(stage.unit * pace / 2))
        across = 2 * round(down * slant / 2)
        fall = (across / down * stage.unit * long, stage.unit * long)
        number = round(count * stage.width * stage.height / stage.unit**2 / 1.78)
        cells = _streaks(stage, rng, number, fall, stage.unit * thick, strength)
        tile = veil(cells, bright, (2, 2), tints=False)
        falls.append(Falling(tile=tile, size=(stage.width, stage.height), across=across, down=down))
    return [Shower(falls=tuple(falls))]


def _streaks(
    stage: Stage,
    rng: np.random.Generator,
    number: int,
    fall: tuple[float, float],
    thick: float,
    strength: float,
) -> Floats:
    """Draw streaks on a tile that repeats, thin at both ends: coverage (h, w), 0 to 1."""
    fine = 2
    tile = Image.new("L", (stage.width * fine, stage.height * fine), 0)
    draw = ImageDraw.Draw(tile)
    for x, y, size in rng.random((number, 3)):
        bright = round(255 * strength * (0.45 + 0.55 * size))
        dx, dy = fall[0] * fine * (0.6 + 0.4 * size), fall[1] * fine * (0.6 + 0.4 * size)
        half = thick * fine / 2
        for left in _wrapped(x * tile.width, abs(dx) + half, tile.width):
            for top in _wrapped(y * tile.height, dy, tile.height):
                draw.polygon(
                    [
                        (left, top),
                        (left + dx * 0.7 + half, top + dy * 0.7),
                        (left + dx, top + dy),
                        (left + dx * 0.7 - half, top + dy * 0.7),
                    ],
                    fill=bright,
                )
    return np.asarray(tile.reduce(fine), np.float32) / np.float32(255)


def _wrapped(place: float, reach: float, length: int) -> list[float]:
    """Return a place and its repeats where a shape of some reach crosses the edge of a tile."""
    places = [place]
    if place + reach > length:
        places.append(place - length)
    if place - reach < 0:
        places.append(place + length)
    return places


def _snow(stage: Stage) -> list[Paints]:
    """Four depths of soft flakes, each drifting its own way."""
    rng = stage.rng("snow")
    white = mixed((255, 255, 255), stage.palette.horizon, 0.12)
    if stage.palette.lamps == 1.0:
        white = mixed(white, stage.palette.haze, 0.22)
    falls: list[Falling] = []
    wind = 1 if rng.random() < 0.5 else -1
    for radius, strength, down, across, count in (
        (0.0022, 0.70, 0.0030, 0.0, 620),
        (0.0038, 0.85, 0.0056, 0.0028, 300),
        (0.0062, 0.92, 0.0084, 0.0028, 120),
        (0.0125, 0.70, 0.0140, 0.0056, 34),
    ):
        number = round(count * stage.width * stage.height / stage.unit**2 / 1.78)
        cells = _flakes(stage, rng, number, stage.unit * radius, strength)
        falls.append(
            Falling(
                tile=veil(cells, white, (2, 2)),
                size=(stage.width, stage.height),
                across=wind * 2 * round(stage.unit * across / 2),
                down=max(2, 2 * round(stage.unit * down / 2)),
            )
        )
    return [Shower(falls=tuple(falls))]


def _flakes(stage: Stage, rng: np.random.Generator, number: int, radius: float, strength: float) -> Floats:
    fine = 2
    tile = Image.new("L", (stage.width * fine, stage.height * fine), 0)
    draw = ImageDraw.Draw(tile)
    for x, y, size in rng.random((number, 3)):
        grown = radius * fine * (0.6 + 0.6 * size)
        bright = round(255 * strength * (0.65 + 0.35 * size))
        for left in _wrapped(x * tile.width, grown, tile.width):
            for top in _wrapped(y * tile.height, grown, tile.height):
                draw.ellipse((left - grown, top - grown, left + grown, top + grown), fill=bright)
    soft = tile.filter(ImageFilter.GaussianBlur(radius * fine * 0.32))
    return np.asarray(soft.reduce(fine), np.float32) / np.float32(255)


def _bank(stage: Stage, name: str, strength: float, drift: float, depth: float) -> Bank:
    """A long low bank, thickest about and below the horizon, that repeats sideways without a seam."""
    rng = stage.rng(name)
    coarse = 4
    width, height = stage.width // coarse, stage.height // coarse
    overlap = width // 3
    cell = stage.unit / coarse
    cloudy = seamless(
        field(rng, width + overlap + width // 2, height, (cell * 0.9, cell * 0.28), 4, 0.5), overlap
    )
    rows = np.linspace(0, 1, height, dtype=np.float32)[:, None]
    centre = stage.camera.horizon + 0.10
    profile = 0.30 + 0.70 * np.exp(-(((rows - centre) / 0.26) ** 2))
    small = (0.18 + 0.82 * cloudy) * profile * strength
    period = 2 * ((small.shape[1] * coarse) // 2)
    picture = Image.fromarray(small.astype(np.float32)).resize(
        (period, stage.height), Image.Resampling.BICUBIC
    )
    full = np.clip(np.asarray(picture, np.float32), 0, 1)
    colour = mixed(stage.palette.haze, stage.palette.horizon, 0.35)
    return Bank(tile=veil(full, colour, (1, 2)), period=period, drift=drift * stage.unit / 720, depth=depth)
