"""Mountains: ridges behind ridges, snow caps with a lit and a shaded side, pines in front."""

from __future__ import annotations

import numpy as np

from rushes.engines.animatic.layer import Layer
from rushes.engines.animatic.noise import Floats, line
from rushes.engines.animatic.palette import Colour, mixed, scaled
from rushes.engines.animatic.scenery.trees import pine
from rushes.engines.animatic.shot import Subject
from rushes.engines.animatic.stage import FAR, Point, Sheet, Stage
from rushes.engines.animatic.subject import Place

HORIZON = 0.60
IN_FRONT_OF_SUBJECT = 1  # layers

ROCK: Colour = (112, 120, 140)
SNOW: Colour = (246, 249, 255)
SLOPE: Colour = (74, 106, 84)
MEADOW: Colour = (116, 140, 78)


def layers(stage: Stage, sky: Floats) -> list[Layer]:
    """Draw the land, from far to near."""
    return [
        _range(stage, "far range", FAR, height=0.34, peaks=6, distance=0.62, behind=sky),
        _range(stage, "main range", 0.82, height=0.52, peaks=4, distance=0.26),
        _hills(stage, "far hills", 0.95, top=-0.02, swing=0.10, distance=0.40, pines=70),
        _hills(stage, "near hills", 1.2, top=0.10, swing=0.12, distance=0.14, pines=34),
        _foreground(stage),
    ]


def place(stage: Stage, kind: Subject) -> Place:
    """Where a subject is: on the near hills."""
    x = stage.width * float(stage.rng("place").uniform(0.36, 0.64))
    sizes = {Subject.CABIN: 0.15, Subject.PERSON: 0.17, Subject.BIRD: 0.22}
    y = stage.horizon + stage.unit * 0.20
    return Place(x=x, y=y, size=stage.unit * sizes.get(kind, 0.14), depth=1.25)


def _range(
    stage: Stage,
    name: str,
    depth: float,
    *,
    height: float,
    peaks: int,
    distance: float,
    behind: Floats | None = None,
) -> Layer:
    """A range of peaks with facets: each falls to both sides, light on the sun's side."""
    rng, palette = stage.rng(name), stage.palette
    fill = palette.lit(ROCK, distance)
    rows = (-stage.height, stage.horizon + stage.unit * 0.3)
    sheet = stage.sheet(name, depth, fill, rows=rows) if behind is None else stage.backdrop(name, fill)
    base = stage.horizon + stage.unit * 0.10
    tall = stage.height * height * (1.0 if stage.width >= stage.height else 0.78)
    wide = sheet.right - sheet.left
    gap = stage.unit * 1.5 / peaks
    count = max(3, round(wide / gap) + 2)
    sunny_left = stage.sun[0] < stage.width / 2
    order = rng.permutation(count)
    for place in order:
        x = sheet.left + (place - 0.5 + rng.uniform(-0.25, 0.25)) * wide / (count - 2)
        top = base - tall * (0.5 + 0.5 * float(rng.random()) ** 1.2)
        _peak(sheet, rng, (x, top), base, gap * rng.uniform(0.9, 1.35), distance, sunny_left)
    return sheet.layer(haze=(base - tall, base, 0.0, 0.75), sunlight=0.22, texture=0.16, behind=behind)


def _peak(
    sheet: Sheet,
    rng: np.random.Generator,
    top: Point,
    base: float,
    half: float,
    distance: float,
    sunny_left: bool,
) -> None:
    """One mountain: an outline, a crest that wanders down the middle, snow down to a ragged line."""
    palette = sheet.stage.palette
    x, y = top
    fall = base - y
    left = _flank(rng, x, y, -half, fall)
    right = _flank(rng, x, y, half, fall)
    crest = _crest(rng, x, y, half * 0.22, fall)
    light = palette.lit(scaled(mixed(ROCK, palette.glow, 0.30), 1.12), distance)
    dark = palette.lit(scaled(ROCK, 0.58), distance)
    bright, dull = (light, dark) if sunny_left else (dark, light)
    sheet.polygon([*left, *reversed(crest)], bright)
    sheet.polygon([*right, *reversed(crest)], dull)
    snowline = 0.62 if palette.snow else 0.34
    snow_light = palette.lit(mixed(SNOW, palette.glow, 0.22), distance * 0.7)
    snow_dark = palette.lit(mixed(scaled(SNOW, 0.72), palette.zenith, 0.25), distance * 0.8)
    first, second = (snow_light, snow_dark) if sunny_left else (snow_dark, snow_light)
    sheet.polygon(_cap(rng, left, crest, y + fall * snowline), first)
    sheet.polygon(_cap(rng, right, crest, y + fall * snowline), second)


def _flank(rng: np.random.Generator, x: float, y: float, half: float, fall: float) -> list[Point]:
    """From the top down one side, steep above, gentler below, a little rough."""
    steps = np.linspace(0, 1, 15)
    rough = rng.normal(0, 0.018, 15)
    rough[0] = 0
    return [(x + half * float(k**1.15 + r), y + fall * float(k)) for k, r in zip(steps, rough, strict=True)]


def _crest(rng: np.random.Generator, x: float, y: float, swing: float, fall: float) -> list[Point]:
    steps = np.linspace(0, 1, 15)
    wander = np.cumsum(rng.normal(0, 0.35, 15)) * steps
    wander[0] = 0
    return [(x + swing * float(w), y + fall * float(k)) for k, w in zip(steps, wander, strict=True)]


def _cap(rng: np.random.Generator, flank: list[Point], crest: list[Point], line_y: float) -> list[Point]:
    """The part between flank and crest above the snow line, its lower edge in teeth."""
    outer = [point for point in flank if point[1] <= line_y]
    inner = [point for point in crest if point[1] <= line_y]
    start, end = outer[-1], inner[-1]
    teeth = []
    for k in np.linspace(0, 1, 8)[1:-1]:
        deep = float(rng.uniform(-0.05, 0.22)) * (line_y - flank[0][1])
        teeth.append(
            (start[0] + (end[0] - start[0]) * float(k), start[1] + (end[1] - start[1]) * float(k) + deep)
        )
    return [*outer, *teeth, *reversed(inner)]


def _hills(
    stage: Stage, name: str, depth: float, *, top: float, swing: float, distance: float, pines: int
) -> Layer:
    """Rolling slopes with a forest edge on them. `top` is below the horizon, in units."""
    rng, palette = stage.rng(name), stage.palette
    ground = mixed(SLOPE, SNOW, 0.8) if palette.snow else SLOPE
    colour = palette.lit(ground, distance)
    sheet = stage.sheet(name, depth, colour)
    crest = stage.horizon + stage.unit * top
    edge = _outline(stage, sheet, rng, crest, stage.unit * swing)
    sheet.polygon([*edge, (sheet.right, sheet.bottom), (sheet.left, sheet.bottom)], colour)
    tree = palette.lit(mixed(scaled(SLOPE, 0.62), SNOW, 0.12 if palette.snow else 0), distance)
    size = stage.unit * 0.055 * depth**2
    groves = np.sort(rng.random(max(2, pines // 12)))
    for _ in range(round(pines * (sheet.right - sheet.left) / stage.unit / 1.8)):
        grove = float(rng.choice(groves))
        x = sheet.left + (grove + rng.normal(0, 0.045)) * (sheet.right - sheet.left)
        y = float(np.interp(x, [p[0] for p in edge], [p[1] for p in edge])) + abs(rng.normal(0, 0.4)) * size
        pine(sheet, rng, (x, y), size * rng.uniform(0.7, 1.5), tree, SNOW if palette.snow else None)
    return sheet.layer(
        haze=(crest - stage.unit * 0.05, crest + stage.unit * 0.32, 0.0, 0.45 * distance / 0.4),
        sunlight=0.14,
        texture=0.2,
    )


def _outline(
    stage: Stage, sheet: Sheet, rng: np.random.Generator, middle: float, swing: float
) -> list[Point]:
    wide = sheet.right - sheet.left
    heights: Floats = line(rng, 120, max(2, round(wide / stage.unit * 2.2)), 0.34)
    xs = np.linspace(sheet.left, sheet.right, 120)
    return [(float(x), middle + swing * (0.5 - float(k))) for x, k in zip(xs, heights, strict=True)]


def _foreground(stage: Stage) -> Layer:
    """The nearest slope: a meadow with tall dark pines at one side, open at the other."""
    rng, palette = stage.rng("foreground"), stage.palette
    ground = mixed(MEADOW, SNOW, 0.86) if palette.snow else MEADOW
    colour = mixed(palette.lit(scaled(ground, 0.72)), palette.shade, 0.30 if not palette.snow else 0.12)
    sheet = stage.sheet("foreground", 1.6, colour)
    edge = _outline(
        stage, sheet, rng, stage.horizon + (stage.height - stage.horizon) * 0.72, stage.unit * 0.10
    )
    sheet.polygon([*edge, (sheet.right, sheet.bottom), (sheet.left, sheet.bottom)], colour)
    tree = mixed(palette.lit(scaled(SLOPE, 0.42)), palette.shade, 0.45)
    left = rng.random() < 0.5
    for k in range(16):
        side = rng.beta(1.0, 3.2) * 0.5
        x = stage.width * (side if left == (k % 4 != 0) else 1 - side)
        x += (sheet.left if x < stage.width / 2 else sheet.right - stage.width) * rng.random()
        y = float(np.interp(x, [p[0] for p in edge], [p[1] for p in edge])) + stage.unit * rng.uniform(
            0.02, 0.10
        )
        pine(sheet, rng, (x, y), stage.unit * rng.uniform(0.22, 0.42), tree, SNOW if palette.snow else None)
    return sheet.layer(sunlight=0.10, texture=0.28)
