"""The sea: a far headland, water that mirrors the sky, swell in rows, surf in front."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from rushes.engines.animatic.layer import Layer, Motion, Paints
from rushes.engines.animatic.noise import line, resized
from rushes.engines.animatic.palette import Colour, mixed, scaled, unit
from rushes.engines.animatic.planes import quantised
from rushes.engines.animatic.reflection import Reflection
from rushes.engines.animatic.shot import Subject
from rushes.engines.animatic.stage import Point, Sheet, Stage
from rushes.engines.animatic.subject import Place

HORIZON = 0.50
IN_FRONT_OF_SUBJECT = 2  # layers

WATER: Colour = (34, 112, 142)
DEEP: Colour = (16, 62, 96)
LAND: Colour = (86, 104, 92)
FOAM: Colour = (240, 248, 250)
WAVES = ((0.93, 0.16, 0.020), (1.08, 0.36, 0.034), (1.28, 0.60, 0.052), (1.55, 0.85, 0.075))
"""Rows of swell: depth, place between horizon (0) and the frame's bottom (1), height in units."""


def layers(stage: Stage) -> list[Paints]:
    """Draw the sea from far to near."""
    return [_headland(stage), _water(stage), _mirror(stage), *(_swell(stage, row) for row in range(len(WAVES)))]


def place(stage: Stage, kind: Subject) -> Place:
    """Where a subject is: afloat between two rows of swell, or ashore on a rock, or in the air."""
    rng = stage.rng("place")
    x = stage.width * float(rng.uniform(0.36, 0.64))
    y = stage.horizon + (stage.height - stage.horizon) * 0.50
    size = stage.unit * (0.30 if kind in (Subject.SHIP, Subject.LIGHTHOUSE) else 0.17)
    return Place(x=x, y=y + stage.unit * 0.035, size=size, depth=1.15, floats=kind is not Subject.LIGHTHOUSE)


def _headland(stage: Stage) -> Layer:
    """Two capes, one on each side and one further than the other."""
    rng, palette = stage.rng("headland"), stage.palette
    sheet = stage.sheet("headland", 0.7, palette.lit(LAND, 0.7), rows=(0, stage.horizon + 2))
    side = 1 if rng.random() < 0.5 else -1
    for away, reach, tall, distance in ((side, 0.46, 0.075, 0.74), (-side, 0.30, 0.13, 0.48)):
        _cape(stage, sheet, rng, away, reach, tall, distance)
    return sheet.layer(
        haze=(stage.horizon - stage.unit * 0.12, stage.horizon, 0.0, 0.35), sunlight=0.2, texture=0.12
    )


def _cape(
    stage: Stage, sheet: Sheet, rng: np.random.Generator, side: int, reach: float, tall: float, distance: float
) -> None:
    edge = sheet.left if side < 0 else sheet.right
    end = (0 if side < 0 else stage.width) - side * reach * stage.width
    xs = np.linspace(edge, end, 60)
    slope = np.linspace(1, 0, 60) ** 0.8
    heights = slope * (0.55 + 0.45 * line(rng, 60, 4, 0.5)) * stage.unit * tall
    top: list[Point] = [(float(x), stage.horizon - float(h)) for x, h in zip(xs, heights, strict=True)]
    colour = stage.palette.lit(LAND, distance)
    sheet.polygon([*top, (float(end), stage.horizon + 2), (float(edge), stage.horizon + 2)], colour)
    lit = stage.palette.lit(scaled(mixed(LAND, stage.palette.glow, 0.2), 1.15), distance)
    sheet.polygon(
        [*top[4:50], *[(x + side * 8, y + stage.unit * tall * 0.22) for x, y in reversed(top[4:50])]], lit
    )


def _water(stage: Stage) -> Layer:
    """The open water: the sky's colours turned over, darker and bluer towards us."""
    palette = stage.palette
    sheet = stage.sheet("water", 0.85, palette.lit(WATER), rows=(stage.horizon, stage.height * 3))
    k = np.clip((sheet.heights() - stage.horizon) / (stage.height - stage.horizon), 0, 1)
    near = unit(mixed(palette.lit(DEEP), palette.zenith, 0.25))
    middle = unit(mixed(palette.lit(WATER), palette.middle, 0.35))
    far = unit(mixed(palette.horizon, palette.lit(WATER), 0.30))
    ink = far + (middle - far) * np.clip(k / 0.35, 0, 1)[..., None]
    ink = ink + (near - middle) * np.clip((k - 0.35) / 0.65, 0, 1)[..., None]
    ink = np.repeat(ink.astype(np.float32), sheet.columns, axis=1)
    ink += _glitter(stage, sheet)[..., None] * unit(mixed(palette.glow, palette.sun, 0.5)) * 0.9
    return sheet.painted(ink, None)


def _glitter(stage: Stage, sheet: Sheet) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    """The road of light below the sun: broken dashes that widen towards us, 0 to 1."""
    rng = stage.rng("glitter")
    rows, columns = sheet.rows, sheet.columns
    sun_x = stage.sun[0]
    k = np.clip((sheet.heights() - stage.horizon) / (stage.height - stage.horizon), 0, 1)
    width = stage.unit * (0.05 + 0.30 * k)
    path = np.exp(-(((sheet.widths() - sun_x) / width) ** 2)) * (1 - 0.75 * k)
    # Noise stretched sideways and, by perspective, more so near the horizon.
    cells = rng.random((260, 90), np.float32)
    bands = np.clip(260 * np.log1p(9 * k[:, 0]) / np.log(10), 0, 259).astype(np.intp)
    dashes = resized(cells, columns, 260)[bands]
    strength = stage.palette.sun_seen * (1.0 if stage.palette.sun_height < 0.2 else 0.75)
    return np.asarray(np.clip((dashes - 0.42) * 3, 0, 1) * path * strength, np.float32).reshape(rows, columns)


def _mirror(stage: Stage) -> Reflection:
    rows = stage.height - int(stage.horizon) + stage.height // 2
    k = np.linspace(0, 1, rows, dtype=np.float32)[:, None]
    strength = 150 * np.exp(-k * 3.2) + 26
    mask = quantised(np.repeat(strength.astype(np.float32), stage.width * 2, axis=1))
    return Reflection(depth=0.85, mask=mask, squash=0.8, wave=stage.unit * 0.012)


def _swell(stage: Stage, row: int) -> Paints:
    """One row of swell, drawn as a strip that sways like a stage wave."""
    depth, place, high = WAVES[row]
    rng, palette = stage.rng(f"swell {row}"), stage.palette
    sway = stage.unit * (0.012 + 0.022 * place)
    top = stage.horizon + (stage.height - stage.horizon) * place
    tall = stage.unit * high
    last = row == len(WAVES) - 1
    bottom = stage.height * 3 if last else top + stage.unit * (0.16 + 0.24 * place)
    body = mixed(palette.lit(mixed(WATER, DEEP, place * 0.9)), palette.middle, 0.22 * (1 - place))
    sheet = stage.sheet(f"swell {row}", depth, body, rows=(top - tall * 2, bottom), slack=sway + 2)
    crest = _crest(stage, sheet, rng, top, tall, stage.unit * (0.10 + 0.34 * place))
    sheet.polygon([*crest, (sheet.right, sheet.bottom), (sheet.left, sheet.bottom)], body)
    _lines(stage, sheet, rng, crest, tall, place, body)
    ink_fade = (top, top + (bottom - top) * 0.9, 0.0, 0.0)
    return sheet.layer(haze=ink_fade, sunlight=0.16, texture=0.10, motion=_sway(rng, sway, tall * 0.22))


def _crest(
    stage: Stage, sheet: Sheet, rng: np.random.Generator, top: float, tall: float, length: float
) -> list[Point]:
    """Peaked waves of uneven height, each leaning a little."""
    xs = np.arange(sheet.left, sheet.right + 3, max(stage.unit * 0.004, 1.5))
    warp = np.cumsum(0.75 + 0.5 * np.interp(xs, np.linspace(xs[0], xs[-1], 24), rng.random(24))) * (xs[1] - xs[0])
    phase = warp / length * np.pi + rng.random() * 9
    size = 0.35 + 0.65 * np.interp(xs, np.linspace(xs[0], xs[-1], 16), rng.random(16))
    heights = (1 - np.abs(np.sin(phase + 0.25 * np.sin(2 * phase)))) ** 1.3 * size
    return [(float(x), top - tall * float(h)) for x, h in zip(xs, heights, strict=True)]


def _lines(
    stage: Stage, sheet: Sheet, rng: np.random.Generator, crest: Sequence[Point], tall: float, place: float, body: Colour
) -> None:
    """A light edge along the crest, foam where it peaks, and strokes on the back of the wave."""
    palette = stage.palette
    light = mixed(body, mixed(palette.horizon, palette.glow, 0.4), 0.42)
    thick = stage.unit * (0.0018 + 0.0045 * place)
    sheet.polygon([*crest, *[(x, y + thick * 1.6 + (p - y) * 0.06) for (x, y), p in
                             zip(reversed(crest), np.full(len(crest), crest[0][1]), strict=True)]], light)
    foam = mixed(palette.lit(FOAM), light, 0.15)
    highest = min(y for _, y in crest)
    for start in range(0, len(crest) - 14, 5):
        x, y = crest[start + 5]
        if y < highest + tall * 0.42 and rng.random() < 0.75:
            wide, deep = stage.unit * (0.008 + 0.03 * place), stage.unit * (0.002 + 0.006 * place)
            sheet.ellipse(x, y + deep * 1.1, wide * rng.uniform(0.5, 1.2), deep * rng.uniform(0.6, 1.2), foam)
    for _ in range(round((sheet.right - sheet.left) / stage.unit * 34)):
        x = rng.uniform(sheet.left, sheet.right)
        y = float(np.interp(x, [p[0] for p in crest], [p[1] for p in crest])) + tall * rng.uniform(0.5, 5)
        long = stage.unit * (0.02 + 0.07 * place) * rng.uniform(0.4, 1.2)
        tone = mixed(body, light, 0.40) if rng.random() < 0.6 else scaled(body, 0.86)
        bow = long * 0.10
        sheet.polygon([(x - long, y), (x - long * 0.3, y - bow), (x + long * 0.4, y - bow * 0.8), (x + long, y),
                       (x + long * 0.3, y + bow * 0.2), (x - long * 0.4, y + bow * 0.1)], tone)


def _sway(rng: np.random.Generator, across: float, down: float) -> Motion:
    pace, phase = float(rng.uniform(0.9, 1.3)), float(rng.uniform(0, 6.28))

    def motion(seconds: float) -> tuple[float, float]:
        angle = seconds * pace * 1.6 + phase
        return across * float(np.sin(angle)), down * float(np.cos(angle))

    return motion
