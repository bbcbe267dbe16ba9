"""A forest: trunks behind trunks in light that comes through, a path, ferns and a bough in front."""

from __future__ import annotations

import numpy as np

from rushes.engines.animatic.layer import Layer, Paints
from rushes.engines.animatic.noise import Floats, line
from rushes.engines.animatic.palette import Colour, mixed, scaled
from rushes.engines.animatic.scenery.trees import bough, broadleaf, fern, pine
from rushes.engines.animatic.shot import Subject
from rushes.engines.animatic.stage import Point, Sheet, Stage
from rushes.engines.animatic.subject import Place

HORIZON = 0.60
IN_FRONT_OF_SUBJECT = 2  # layers

BARK: Colour = (92, 74, 60)
LEAF: Colour = (88, 132, 70)
NEEDLE: Colour = (52, 96, 72)
GROUND: Colour = (96, 112, 62)
PATH: Colour = (176, 148, 104)
SUNLIT: Colour = (150, 186, 92)
SNOW: Colour = (240, 245, 252)


def layers(stage: Stage, sky: Floats) -> list[Paints]:
    """Draw the forest from far to near."""
    return [
        _depths(stage, sky),
        _stand(stage, "far stand", 0.75, count=20, thick=0.020, distance=0.62, foot=0.03),
        _stand(stage, "middle stand", 0.92, count=12, thick=0.036, distance=0.36, foot=0.09),
        _floor(stage),
        _stand(stage, "near stand", 1.15, count=6, thick=0.075, distance=0.10, foot=0.26),
        _front(stage),
    ]


def place(stage: Stage, kind: Subject) -> Place:
    """Where a subject is: on the path, in the light."""
    x = stage.width / 2 + stage.unit * float(stage.rng("place").uniform(-0.12, 0.12))
    sizes = {Subject.CABIN: 0.28, Subject.DEER: 0.20, Subject.PERSON: 0.26}
    y = stage.horizon + stage.unit * 0.24
    return Place(x=x, y=y, size=stage.unit * sizes.get(kind, 0.18), depth=1.06)


def _light(stage: Stage) -> Colour:
    """The bright air between the far trees; on a clear day it is green with leaves, or it would be fog."""
    palette = stage.palette
    air = mixed(palette.haze, mixed(palette.glow, palette.horizon, 0.5), 0.55)
    return mixed(air, SUNLIT, 0.72) if palette.lamps == 0 else air


def _depths(stage: Stage, sky: Floats) -> Layer:
    """The furthest trees: pale crowns and firs against the glow."""
    rng, palette = stage.rng("depths"), stage.palette
    air = mixed(palette.lit(LEAF), _light(stage), 0.72)
    sheet = stage.backdrop("depths", air)
    for distance, tall, count in ((0.84, 0.62, 26), (0.72, 0.46, 22)):
        colour = mixed(palette.lit(NEEDLE), _light(stage), distance)
        for x in np.linspace(
            sheet.left, sheet.right, round(count * (sheet.right - sheet.left) / stage.unit / 1.4)
        ):
            foot = (float(x) + rng.normal(0, stage.unit * 0.02), stage.horizon + stage.unit * 0.05)
            size = stage.unit * tall * rng.uniform(0.6, 1.15)
            pine(sheet, rng, foot, size, colour, SNOW if palette.snow else None)
    sheet.rectangle(
        sheet.left,
        stage.horizon + stage.unit * 0.03,
        sheet.right,
        sheet.bottom,
        mixed(palette.lit(_earth(stage)), _light(stage), 0.6),
    )
    return sheet.layer(sunlight=0.40, texture=0.12, behind=sky)


def _earth(stage: Stage) -> Colour:
    return mixed(GROUND, SNOW, 0.88) if stage.palette.snow else GROUND


def _stand(
    stage: Stage, name: str, depth: float, *, count: int, thick: float, distance: float, foot: float
) -> Layer:
    """A row of trunks that leave the frame at the top, with crowns, saplings and a strip of ground."""
    rng, palette = stage.rng(name), stage.palette
    bark = mixed(palette.lit(BARK), _light(stage), distance)
    bark = mixed(bark, palette.shade, 0.5 * (1 - distance) ** 3)
    sheet = stage.sheet(name, depth, bark)
    ground = stage.horizon + stage.unit * foot
    wide = sheet.right - sheet.left
    spread = max(3, round(count * wide / stage.unit / 1.78))
    if distance > 0.2:
        _bank(stage, sheet, rng, ground, mixed(palette.lit(_earth(stage)), _light(stage), distance))
    for place in rng.permutation(spread):
        x = sheet.left + (place + rng.uniform(0.15, 0.85)) * wide / spread
        if depth > 1 and abs(x - stage.width / 2) < stage.width * 0.20:
            continue  # the near stand leaves the middle open
        _trunk(
            stage,
            sheet,
            rng,
            (x, ground + stage.unit * rng.uniform(-0.01, 0.03)),
            thick * rng.uniform(0.7, 1.3),
            bark,
        )
    leaf = mixed(palette.lit(mixed(LEAF, SNOW, 0.5) if palette.snow else LEAF), _light(stage), distance * 0.9)
    leaf = mixed(leaf, palette.shade, 0.35 * (1 - distance) ** 3)
    _crowns(stage, sheet, rng, leaf, thick)
    if distance > 0.2:
        for _ in range(round(spread * 0.8)):
            x = rng.uniform(sheet.left, sheet.right)
            size = stage.unit * thick * rng.uniform(2.5, 6)
            pine(
                sheet,
                rng,
                (x, ground + stage.unit * 0.02),
                size,
                mixed(palette.lit(NEEDLE), _light(stage), distance),
                SNOW if palette.snow else None,
            )
    haze = (stage.horizon - stage.unit * 0.5, ground + stage.unit * 0.04, 0.0, distance * 0.55)
    return sheet.layer(haze=haze, sunlight=0.42 * distance + 0.08, texture=0.26)


def _bank(stage: Stage, sheet: Sheet, rng: np.random.Generator, ground: float, colour: Colour) -> None:
    heights: Floats = line(rng, 60, 4, 0.4)
    xs = np.linspace(sheet.left, sheet.right, 60)
    edge: list[Point] = [
        (float(x), ground - stage.unit * 0.04 * float(h)) for x, h in zip(xs, heights, strict=True)
    ]
    sheet.polygon(
        [*edge, (sheet.right, ground + stage.unit * 0.2), (sheet.left, ground + stage.unit * 0.2)], colour
    )


def _trunk(
    stage: Stage, sheet: Sheet, rng: np.random.Generator, foot: Point, thick: float, bark: Colour
) -> None:
    """One trunk: roots that spread, a slight lean, a lit edge, a few dead branches."""
    x, y = foot
    half = stage.unit * thick / 2
    top_y = sheet.box[1]
    lean = float(rng.normal(0, 0.02)) * (y - top_y)
    bend = float(rng.normal(0, 0.008)) * (y - top_y)
    left, right = [], []
    for k in (0.0, 0.012, 0.03, 0.06, 0.1, 0.2, 0.35, 0.5, 0.75, 1.0):
        middle = x + lean * k + bend * np.sin(np.pi * k)
        grown = half * (1 - 0.35 * k) + half * 1.1 * float(np.exp(-k * 26))
        left.append((float(middle - grown), float(y + (top_y - y) * k)))
        right.append((float(middle + grown), float(y + (top_y - y) * k)))
    sheet.polygon([*left, *reversed(right)], bark)
    sheet.ellipse(x, y, half * 2.1, half * 0.42, bark)
    sunny_left = stage.sun[0] < x
    lit = mixed(bark, mixed(stage.palette.glow, _light(stage), 0.3), 0.30)
    edge, far = (left, 1) if sunny_left else (right, -1)
    inner = [(px + far * half * 0.45, py) for px, py in edge]
    sheet.polygon([*edge, *reversed(inner)], lit)
    for _ in range(int(rng.integers(1, 4))):
        side = 1 if rng.random() < 0.5 else -1
        start = y + (top_y - y) * float(rng.uniform(0.35, 0.9))
        base = x + lean * (start - y) / (top_y - y)
        tip = (base + side * half * float(rng.uniform(4, 8)), start - half * float(rng.uniform(1, 5)))
        sheet.polygon([(base, start - half * 0.35), tip, (base, start + half * 0.35)], bark)
    if stage.palette.snow:
        white = stage.palette.lit(SNOW, 0.1)
        cling = [(px - far * half * 0.05, py) for px, py in edge]
        sheet.polygon(
            [*cling, *reversed([(px + far * half * 0.28, py) for px, py in edge])], mixed(lit, white, 0.7)
        )


def _crowns(stage: Stage, sheet: Sheet, rng: np.random.Generator, leaf: Colour, thick: float) -> None:
    """Foliage along the top: clusters of leaves that thin out downwards."""
    wide = sheet.right - sheet.left
    size = stage.unit * (0.035 + thick * 1.1)
    top = sheet.box[1]
    reach = (stage.horizon - top) * 0.40
    for _ in range(round(wide / size * 3.2)):
        x = rng.uniform(sheet.left, sheet.right)
        y = top + reach * float(rng.beta(0.8, 2.6))
        tone = leaf if rng.random() < 0.6 else mixed(leaf, mixed(stage.palette.glow, LEAF, 0.4), 0.25)
        broadleaf(
            sheet, rng, (x, y), size * rng.uniform(0.6, 1.5), scaled(tone, float(rng.uniform(0.82, 1.08)))
        )


def _floor(stage: Stage) -> Layer:
    """The forest floor with a path that winds away, light lying across it, and shafts of light above."""
    rng, palette = stage.rng("floor"), stage.palette
    colour = palette.lit(_earth(stage), 0.12)
    sheet = stage.sheet("floor", 1.0, colour, rows=(stage.horizon, stage.height * 3))
    top = stage.horizon + stage.unit * 0.075
    _bank(stage, sheet, rng, top + stage.unit * 0.03, colour)
    sheet.rectangle(sheet.left, top + stage.unit * 0.02, sheet.right, sheet.bottom, colour)
    left: list[Point] = []
    right: list[Point] = []
    bend = float(rng.choice((-1, 1))) * stage.unit * 0.28
    for k in np.linspace(0, 1, 26):
        middle = stage.width / 2 + bend * np.sin(k * 2.6) * (1 - k) ** 1.2
        half = stage.unit * (0.012 + 0.30 * k**1.6)
        y = float(top + (sheet.bottom - top) * k**1.5)
        left.append((float(middle - half), y))
        right.append((float(middle + half), y))
    path = mixed(PATH, SNOW, 0.94) if palette.snow else PATH
    sheet.polygon([*left, *reversed(right)], palette.lit(path, 0.08))
    for _ in range(130):
        k = float(rng.random())
        y = top + stage.unit * 0.03 + (stage.height * 1.1 - top) * k**1.4
        x = rng.uniform(sheet.left, sheet.right)
        tuft = stage.unit * (0.012 + 0.05 * k)
        near = mixed(
            palette.lit(mixed(LEAF, SNOW, 0.55) if palette.snow else LEAF, 0.3 * (1 - k)),
            palette.shade,
            0.25 * k,
        )
        if abs(x - stage.width / 2) > stage.unit * (0.05 + 0.33 * k):
            fern(sheet, rng, (x, y), tuft, near)
    return sheet.layer(haze=(top, top + stage.unit * 0.3, 0.45, 0.0), sunlight=0.25, texture=0.34)


def _front(stage: Stage) -> Layer:
    """Dark ferns along the bottom and a bough at a top corner."""
    rng, palette = stage.rng("front"), stage.palette
    dark = mixed(palette.lit(scaled(NEEDLE, 0.5)), palette.shade, 0.6)
    sheet = stage.sheet("front", 1.55, dark)
    low = stage.height + stage.unit * 0.03
    for x in np.arange(sheet.left, sheet.right, stage.unit * 0.055):
        away = abs(x - stage.width / 2) / stage.width
        size = stage.unit * (0.07 + 0.16 * min(away, 0.8)) * rng.uniform(0.7, 1.3)
        fern(sheet, rng, (float(x), low), size, scaled(dark, float(rng.uniform(0.85, 1.25))))
    side = -1 if rng.random() < 0.5 else 1
    corner = (stage.width * (0.5 + side * 0.56), stage.height * 0.06)
    bough(sheet, rng, corner, -side * stage.unit * 0.52, dark, SNOW if palette.snow else None)
    return sheet.layer()
