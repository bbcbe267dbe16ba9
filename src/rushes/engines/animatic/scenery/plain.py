"""Open land: bare ground in low swells under a wide sky. What nobody said where it is takes place here."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from rushes.engines.animatic.layer import Layer
from rushes.engines.animatic.noise import Floats, line
from rushes.engines.animatic.palette import Colour, mixed, scaled
from rushes.engines.animatic.shot import Subject
from rushes.engines.animatic.stage import Point, Sheet, Stage
from rushes.engines.animatic.subject import Place

HORIZON = 0.58
IN_FRONT_OF_SUBJECT = 0  # layers

SNOW: Colour = (240, 245, 252)


@dataclass(frozen=True, kw_only=True)
class Ground:
    """What the land is made of. `swing` is how high it rises and falls, in units; `lean` how much steeper one
    side of a rise is than the other, 0 to 1, as wind leaves sand."""

    colour: Colour
    swing: float
    lean: float


EARTH = Ground(colour=(142, 148, 112), swing=0.05, lean=0.0)


def layers(stage: Stage, sky: Floats) -> list[Layer]:
    """Draw the land, from far to near."""
    return land(stage, sky, EARTH)


def place(stage: Stage, kind: Subject) -> Place:
    """Where a subject is: a little off the middle, on the nearer ground."""
    x = stage.width / 2 + stage.unit * float(stage.rng("place").uniform(-0.14, 0.14))
    sizes = {Subject.PERSON: 0.26, Subject.CABIN: 0.24, Subject.LIGHTHOUSE: 0.30, Subject.BIRD: 0.22}
    y = stage.horizon + stage.unit * 0.22
    return Place(x=x, y=y, size=stage.unit * sizes.get(kind, 0.20), depth=1.12)


def land(stage: Stage, sky: Floats, ground: Ground) -> list[Layer]:
    """Draw rows of rises, each lower in the frame, nearer and larger than the one behind it."""
    return [
        _far(stage, sky, ground),
        _rise(stage, ground, "middle rise", 0.92, top=0.045, grow=0.7, distance=0.34),
        _rise(stage, ground, "near rise", 1.1, top=0.14, grow=1.0, distance=0.14),
        _rise(stage, ground, "front rise", 1.45, top=0.36, grow=1.5, distance=0.0),
    ]


def _far(stage: Stage, sky: Floats, ground: Ground) -> Layer:
    """The line where the land ends, pale with distance, and all that lies below it."""
    colour = _colour(stage, ground, 0.6)
    sheet = stage.backdrop("far land", colour)
    edge = _outline(stage, sheet, "far land", stage.horizon, stage.unit * ground.swing * 0.45, ground.lean)
    sheet.polygon([*edge, (sheet.right, sheet.bottom), (sheet.left, sheet.bottom)], colour)
    return sheet.layer(sunlight=0.18, texture=0.06, behind=sky)


def _rise(
    stage: Stage, ground: Ground, name: str, depth: float, *, top: float, grow: float, distance: float
) -> Layer:
    """One row: its outline with a lit edge, its near side darker towards us."""
    colour = _colour(stage, ground, distance)
    sheet = stage.sheet(name, depth, colour)
    crest = stage.horizon + stage.unit * top
    swing = stage.unit * ground.swing * grow
    edge = _outline(stage, sheet, name, crest, swing, ground.lean)
    sheet.polygon([*edge, (sheet.right, sheet.bottom), (sheet.left, sheet.bottom)], colour)
    light = mixed(colour, stage.palette.lit(scaled(mixed(ground.colour, stage.palette.glow, 0.3), 1.15)), 0.5)
    thick = swing * 0.25 + stage.unit * 0.004 * grow
    sheet.polygon([*edge, *((x, y + thick) for x, y in reversed(edge))], mixed(colour, light, 0.55))
    _strokes(stage, sheet, name, edge, colour, grow)
    return sheet.layer(
        haze=(crest - swing, crest + stage.unit * 0.3, 0.0, 0.20 * distance), sunlight=0.14, texture=0.22
    )


def _strokes(stage: Stage, sheet: Sheet, name: str, edge: list[Point], colour: Colour, grow: float) -> None:
    """Short lines that lie on the ground, so that a move of the camera is seen on it."""
    rng = stage.rng(f"{name} strokes")
    xs, ys = [point[0] for point in edge], [point[1] for point in edge]
    for _ in range(round((sheet.right - sheet.left) / stage.unit * 34)):
        x = float(rng.uniform(sheet.left, sheet.right))
        y = float(np.interp(x, xs, ys)) + stage.unit * grow * float(rng.uniform(0.02, 0.5)) ** 1.3
        half = stage.unit * grow * float(rng.uniform(0.008, 0.03))
        tone = scaled(colour, float(rng.choice([0.86, 0.92, 1.08])))
        sheet.polygon([(x - half, y), (x, y - half * 0.14), (x + half, y), (x, y + half * 0.10)], tone)


def _outline(stage: Stage, sheet: Sheet, name: str, middle: float, swing: float, lean: float) -> list[Point]:
    wide = sheet.right - sheet.left
    heights = line(stage.rng(name), 160, max(2, round(wide / stage.unit * 1.5)), 0.22)
    spare = lean * stage.unit * 0.1
    xs = np.linspace(sheet.left - spare, sheet.right + spare, 160)
    # A dune's lee side is short and steep: its top is pushed to one side.
    push = lean * stage.unit * 0.16 * (heights - 0.5)
    return [
        (float(x + p), middle + swing * (0.5 - float(k)))
        for x, p, k in sorted(zip(xs, push, heights, strict=True), key=lambda one: one[0] + one[1])
    ]


def _colour(stage: Stage, ground: Ground, distance: float) -> Colour:
    snowed = mixed(ground.colour, SNOW, 0.86) if stage.palette.snow else ground.colour
    return stage.palette.lit(snowed, distance)
