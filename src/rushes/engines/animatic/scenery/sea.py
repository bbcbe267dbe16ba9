"""The sea: a far headland, water that mirrors the sky, swell in rows, surf in front."""

from __future__ import annotations

import functools
from collections.abc import Sequence

import numpy as np

from rushes.engines.animatic.layer import Layer, Motion, Paints
from rushes.engines.animatic.noise import Floats, line, resized
from rushes.engines.animatic.palette import Colour, mixed, scaled, unit
from rushes.engines.animatic.planes import quantised
from rushes.engines.animatic.reflection import Reflection
from rushes.engines.animatic.shot import Subject
from rushes.engines.animatic.stage import Point, Sheet, Stage
from rushes.engines.animatic.subject import Place

HORIZON = 0.50
DRAUGHT = 0.06  # how deep a hull may lie in the swell, in units

WATER: Colour = (34, 112, 142)
DEEP: Colour = (16, 62, 96)
LAND: Colour = (86, 104, 92)
FOAM: Colour = (240, 248, 250)
WAVES = (
    (0.92, 0.13, 0.022),
    (1.02, 0.27, 0.036),
    (1.16, 0.45, 0.056),
    (1.34, 0.68, 0.080),
    (1.6, 0.92, 0.105),
)
"""Rows of swell: depth, place between horizon (0) and the frame's bottom (1), height in units."""


def layers(stage: Stage, sky: Floats) -> list[Paints]:
    """Draw the sea from far to near."""
    return [
        _headland(stage, sky),
        _water(stage),
        _mirror(stage),
        *(_swell(stage, row) for row in range(len(WAVES))),
    ]


def place(stage: Stage, kind: Subject) -> Place:
    """Where a subject is: afloat between two rows of swell, or ashore on a rock, or in the air."""
    rng = stage.rng("place")
    x = stage.width * float(rng.uniform(0.36, 0.64))
    y = stage.horizon + (stage.height - stage.horizon) * 0.42
    if kind is Subject.BIRD:
        y = (
            stage.horizon + stage.unit * 0.06
        )  # drawn well above its place: over the horizon, however tall the frame
    size = stage.unit * (0.30 if kind in (Subject.SHIP, Subject.LIGHTHOUSE) else 0.17)
    return Place(x=x, y=y + stage.unit * 0.035, size=size, depth=1.09, floats=kind is not Subject.LIGHTHOUSE)


def in_front_of_subject(stage: Stage, y: float) -> int:
    """Return how many rows of swell are nearer than what floats at `y`; more would hide it from above."""
    reach = stage.height - stage.horizon
    return sum(stage.horizon + reach * row > y - DRAUGHT * stage.unit for _, row, _ in WAVES)


def _headland(stage: Stage, sky: Floats) -> Layer:
    """Two capes, one on each side and one further than the other."""
    rng, palette = stage.rng("headland"), stage.palette
    sheet = stage.backdrop("headland", palette.lit(LAND, 0.7))
    side = 1 if rng.random() < 0.5 else -1
    for away, reach, tall, distance in ((side, 0.46, 0.075, 0.74), (-side, 0.30, 0.13, 0.48)):
        _cape(stage, sheet, rng, away, reach, tall, distance)
    return sheet.layer(
        haze=(stage.horizon - stage.unit * 0.12, stage.horizon, 0.0, 0.35),
        sunlight=0.2,
        texture=0.12,
        behind=sky,
    )


def _cape(
    stage: Stage,
    sheet: Sheet,
    rng: np.random.Generator,
    side: int,
    reach: float,
    tall: float,
    distance: float,
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
    sheet = stage.sheet(
        "water",
        0.85,
        palette.lit(WATER),
        rows=(stage.horizon, stage.horizon + (stage.height - stage.horizon) * 0.55),
    )
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
    rows = round((stage.height - stage.horizon) * 0.42)
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
    bottom = stage.height * 3 if last else top + (stage.height - stage.horizon) * (0.24 + 0.30 * place)
    # Cooler than the air: under a red sky, water that took all of its colour would look like sand.
    sky = mixed(palette.zenith, palette.horizon, 0.30 - 0.20 * place)
    body = mixed(palette.lit(mixed(WATER, DEEP, place * 0.9)), sky, 0.42 - 0.14 * place)
    sheet = stage.sheet(f"swell {row}", depth, body, rows=(top - tall * 2, bottom), slack=sway + 2)
    crest = _crest(stage, sheet, rng, top, tall, stage.unit * (0.10 + 0.34 * place))
    sheet.polygon([*crest, (sheet.right, sheet.bottom), (sheet.left, sheet.bottom)], body)
    _lines(stage, sheet, rng, crest, tall, place, body)
    fade = (
        top - tall,
        top + (bottom - top if not last else stage.unit * 0.5) * 0.8,
        0.34 * (1 - 0.5 * place),
        0.0,
    )
    return sheet.layer(haze=fade, sunlight=0.20, texture=0.10, motion=_sway(rng, sway, tall * 0.22))


def _crest(
    stage: Stage, sheet: Sheet, rng: np.random.Generator, top: float, tall: float, length: float
) -> list[Point]:
    """Waves of uneven height and length, rounder below than above, with small ones riding on them."""
    xs = np.arange(sheet.left, sheet.right + 3, max(stage.unit * 0.004, 1.5))
    knots = np.linspace(xs[0], xs[-1], max(6, round((xs[-1] - xs[0]) / length)))
    pace = 0.7 + 0.6 * np.interp(xs, knots, rng.random(len(knots)))
    phase = np.cumsum(pace) * (xs[1] - xs[0]) / length * np.pi + rng.random() * 9
    size = 0.30 + 0.70 * np.interp(xs, knots, rng.random(len(knots)))
    swell = (0.5 + 0.5 * np.sin(phase + 0.45 * np.sin(phase))) ** 1.6
    chop = 0.10 * np.sin(phase * 3.7 + 1) + 0.05 * np.sin(phase * 8.3)
    return [
        (float(x), top - tall * float(h))
        for x, h in zip(xs, swell * size + chop * (0.4 + swell), strict=True)
    ]


def _lines(
    stage: Stage,
    sheet: Sheet,
    rng: np.random.Generator,
    crest: Sequence[Point],
    tall: float,
    place: float,
    body: Colour,
) -> None:
    """Light on the crests, foam on the highest, and strokes on the backs of the waves."""
    palette = stage.palette
    light = mixed(body, mixed(palette.horizon, palette.glow, 0.4), 0.45)
    lowest = max(y for _, y in crest)
    rise = [(lowest - y) / tall for _, y in crest]
    thick = tall * 0.42
    lower = [(x, y + thick * max(r, 0) ** 1.7) for (x, y), r in zip(crest, rise, strict=True)]
    sheet.polygon([*crest, *reversed(lower)], mixed(body, light, 0.55))
    edge = [(x, y + thick * 0.34 * max(r, 0) ** 1.5) for (x, y), r in zip(crest, rise, strict=True)]
    sheet.polygon([*crest, *reversed(edge)], light)
    foam = mixed(mixed(palette.lit(FOAM), FOAM, 0.18), light, 0.12)
    ragged = 0.5 + rng.random(len(crest))
    froth = [
        (x, y + thick * 0.75 * float(k) * max(r - 0.62, 0) ** 0.8)
        for (x, y), r, k in zip(crest, rise, ragged, strict=True)
    ]
    sheet.polygon([*crest, *reversed(froth)], foam)
    for _ in range(round((sheet.right - sheet.left) / stage.unit * 34)):
        x = rng.uniform(sheet.left, sheet.right)
        y = float(np.interp(x, [p[0] for p in crest], [p[1] for p in crest])) + tall * rng.uniform(0.7, 5)
        long = stage.unit * (0.02 + 0.07 * place) * rng.uniform(0.4, 1.2)
        tone = mixed(body, light, 0.34) if rng.random() < 0.6 else scaled(body, 0.86)
        bow = long * 0.10
        sheet.polygon(
            [
                (x - long, y),
                (x - long * 0.3, y - bow),
                (x + long * 0.4, y - bow * 0.8),
                (x + long, y),
                (x + long * 0.3, y + bow * 0.2),
                (x - long * 0.4, y + bow * 0.1),
            ],
            tone,
        )


def _sway(rng: np.random.Generator, across: float, down: float) -> Motion:
    pace, phase = float(rng.uniform(0.9, 1.3)), float(rng.uniform(0, 6.28))
    return functools.partial(_swaying, across, down, pace, phase)


def _swaying(across: float, down: float, pace: float, phase: float, seconds: float) -> tuple[float, float]:
    angle = seconds * pace * 1.6 + phase
    return across * float(np.sin(angle)), down * float(np.cos(angle))
