"""Who the shot is about: simple silhouettes that help the reader."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from rushes.engines.animatic.layer import Layer, Motion, still
from rushes.engines.animatic.lettering import Line, lines
from rushes.engines.animatic.palette import LAMP, Colour, mixed, scaled
from rushes.engines.animatic.shot import Angle, Framing, Shot, Subject
from rushes.engines.animatic.stage import Point, Sheet, Stage


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where a subject stands: its foot (x, y) and height in frame pixels, its depth, whether it floats."""

    x: float
    y: float
    size: float
    depth: float
    floats: bool = False


LOOKS: Mapping[Angle, tuple[float, float]] = {
    Angle.LOW: (1.75, 0.97),
    Angle.HIGH: (0.8, 0.66),
    Angle.OVERHEAD: (0.62, 0.62),
}
"""For each angle that is not at eye level: how much larger a subject is, and where its foot stands, in frame
heights from the top."""

TALL: Mapping[Subject | None, float] = {
    Subject.PAPER_BOAT: 1.6,
    Subject.BOAT: 1.9,
    Subject.SHIP: 1.45,
    Subject.LIGHTHOUSE: 1.8,
    Subject.CAR: 1.5,
    Subject.BIRD: 2.2,
    Subject.DEER: 1.5,
    Subject.CABIN: 1.3,
    Subject.TRAIN: 1.35,
}
"""How much room a subject takes, as a multiple of its size, in its longer direction; 1 if not listed."""

LEAST_FROM_BELOW = 0.62
"""A subject that is looked up to is at least this many frame heights tall."""

HEADROOM = 0.03
"""And so much stays free above it, in frame heights."""

CLOSE = (0.86, 0.92)
"""A subject in a close-up: its height, and where its foot stands, in frame heights."""

CLOSE_PERSON = (1.35, 1.45)
"""The same of a person, who is cut off at the waist."""


def framed(place: Place, shot: Shot, stage: Stage) -> Place:
    """Return where a subject stands, and how large, once the shot's angle and framing are taken in."""
    if shot.framing is Framing.CLOSE_UP:
        tall, foot = CLOSE_PERSON if shot.subject is Subject.PERSON else CLOSE
        short = min(stage.height, stage.width)
        y = stage.height * 0.5 + short * (foot - 0.5)
        return replace(place, x=stage.width / 2, y=y, size=short * tall / TALL.get(shot.subject, 1.0))
    if shot.angle not in LOOKS:
        return place
    larger, foot = LOOKS[shot.angle]
    if shot.angle is not Angle.LOW:
        return replace(place, y=stage.height * foot, size=place.size * larger)
    # All of it is in the frame at the near end of a zoom as well.
    anchor, zoom = stage.camera.anchor, stage.camera.nearest(place.depth)
    y, top = (stage.height * (anchor + (at - anchor) / zoom) for at in (foot, HEADROOM))
    tall = TALL.get(shot.subject, 1.0)
    least = LEAST_FROM_BELOW * min(stage.camera.scale, 1) * stage.height / tall
    return replace(place, y=y, size=min(max(place.size * larger, least), (y - top) / tall))


PAPER: Colour = (244, 240, 228)
HULL: Colour = (150, 66, 52)
COAT: Colour = (196, 74, 58)
ROCK = 0.26  # where a lighthouse's tower begins
MARKER: Colour = (238, 236, 228)
MARKER_INK: Colour = (34, 36, 44)
MARKER_LEADING = 1.4


def subject(stage: Stage, kind: Subject, place: Place) -> Layer:
    """Draw a subject at its place."""
    sheet = stage.sheet(
        "subject",
        place.depth,
        stage.palette.shade,
        rows=(place.y - place.size * 2.2, place.y + place.size * 0.5),
        slack=place.size * 0.2,
    )
    sign = 1 if stage.rng("subject side").random() < 0.5 else -1
    pen = Pen(sheet=sheet, place=place, sign=sign)
    _DRAWN[kind](pen)
    motion: Motion = still
    if kind is Subject.BIRD:
        motion = _glide(place.size * 0.16)
    elif place.floats:
        motion = _bob(place.size * 0.045)
    return sheet.layer(sunlight=0.12, glow=(LAMP, place.size * 0.35), motion=motion)


def marker(stage: Stage, noun: str, place: Place) -> Layer:
    """Draw a plain sign with `noun` on it, at the place of a subject that cannot be drawn."""
    letters, words = _fitted(noun, stage.unit * 0.062, min(stage.width * 0.5, stage.unit * 0.8))
    pad = letters * 0.6
    across = max(one.width for one in words) / 2 + pad
    tall = letters * MARKER_LEADING * len(words) + pad
    foot = place.y
    low = foot - max(place.size * 0.45, letters)
    sheet = stage.sheet(
        "marker", place.depth, MARKER, rows=(low - tall - letters, foot + letters), slack=place.size * 0.05
    )
    edge = letters * 0.14
    middle = _in_view(stage, place, across + edge)
    sheet.ellipse(middle, foot, letters * 0.9, letters * 0.22, scaled(stage.palette.shade, 0.9))
    sheet.line([(middle, foot), (middle, low)], letters * 0.22, scaled(MARKER, 0.6))
    sheet.rectangle(middle - across - edge, low - tall - edge, middle + across + edge, low + edge, MARKER_INK)
    sheet.rectangle(middle - across, low - tall, middle + across, low, MARKER)
    for row, one in enumerate(words):
        top = low - tall + pad / 2 + letters * MARKER_LEADING * row
        sheet.write(one, middle - one.width / 2, top, MARKER_INK)
    motion = _bob(place.size * 0.03) if place.floats else still
    return sheet.layer(motion=motion)


def _in_view(stage: Stage, place: Place, reach: float) -> float:
    """Return the middle nearest to a place from which `reach` to both sides stays in the frame in a zoom."""
    zoom = max(stage.camera.view(end).zoom_at(place.depth) for end in (0.0, 1.0))
    room = max(stage.width * 0.48 / zoom - reach, 0.0)
    return min(max(place.x, stage.width / 2 - room), stage.width / 2 + room)


def _fitted(noun: str, letters: float, width: float) -> tuple[float, list[Line]]:
    """Return a size of letters, at most `letters` high, at which a noun fits two lines of `width` pixels."""
    for _ in range(6):
        words = lines(noun, letters, width, 2)
        if words and not words[-1].cut:
            break
        letters *= 0.86
    return letters, words or lines("?", letters, width, 1)


@dataclass(frozen=True, kw_only=True)
class Pen:
    """Draws in units of the subject's height, (0, 0) its foot, x towards where it looks, y up."""

    sheet: Sheet
    place: Place
    sign: int

    def at(self, x: float, y: float) -> Point:
        return self.place.x + self.sign * x * self.place.size, self.place.y - y * self.place.size

    def shape(self, points: list[Point], colour: Colour) -> None:
        self.sheet.polygon([self.at(x, y) for x, y in points], colour)

    def round(self, x: float, y: float, across: float, down: float, colour: Colour) -> None:
        middle = self.at(x, y)
        self.sheet.ellipse(*middle, across * self.place.size, down * self.place.size, colour)

    def stroke(self, points: list[Point], thick: float, colour: Colour) -> None:
        self.sheet.line([self.at(x, y) for x, y in points], thick * self.place.size, colour)

    def shine(self, points: list[Point], strength: float) -> None:
        self.sheet.shine([self.at(x, y) for x, y in points], strength)

    def lit(self, colour: Colour, lift: float = 1.0) -> Colour:
        """Brighter than the scenery, so that it is seen first."""
        palette = self.sheet.stage.palette
        return scaled(mixed(palette.lit(colour), colour, 0.28), lift)

    def ink(self) -> Colour:
        return mixed(self.sheet.stage.palette.shade, self.lit((60, 60, 70)), 0.25)


def _paper_boat(pen: Pen) -> None:
    light, dark, fold = pen.lit(PAPER), pen.lit(PAPER, 0.74), pen.lit(PAPER, 0.88)
    pen.shape([(-0.10, 0.16), (0.0, 0.98), (0.36, 0.20)], fold)
    pen.shape([(-0.36, 0.20), (0.0, 0.98), (0.02, 0.12)], light)
    pen.shape([(-0.95, 0.52), (-0.52, 0.0), (0.52, 0.0), (0.95, 0.52), (0.40, 0.24), (-0.40, 0.24)], dark)
    pen.shape([(-0.95, 0.52), (-0.52, 0.0), (0.52, 0.0), (0.95, 0.52), (0.0, 0.10)], light)
    pen.shape([(-0.52, 0.0), (0.52, 0.0), (0.95, 0.52), (0.30, 0.16)], fold)


def _boat(pen: Pen) -> None:
    hull, deck = pen.lit(HULL), pen.lit((226, 206, 170))
    pen.shape([(-0.95, 0.42), (-0.74, 0.0), (0.72, 0.0), (1.05, 0.50), (0.6, 0.36), (-0.6, 0.34)], hull)
    pen.shape([(-0.95, 0.42), (-0.90, 0.33), (1.0, 0.40), (1.05, 0.50), (0.6, 0.38), (-0.6, 0.35)], deck)
    pen.shape([(-0.42, 0.35), (-0.42, 0.74), (0.08, 0.74), (0.14, 0.36)], deck)
    pen.shape([(-0.48, 0.74), (-0.46, 0.80), (0.12, 0.80), (0.12, 0.74)], pen.lit(HULL, 0.7))
    pen.shape([(-0.30, 0.46), (-0.30, 0.66), (-0.02, 0.66), (0.0, 0.46)], pen.lit((60, 80, 96)))
    pen.stroke([(0.30, 0.36), (0.30, 1.25)], 0.035, pen.ink())
    pen.stroke([(0.30, 1.22), (0.98, 0.48)], 0.014, pen.ink())


def _ship(pen: Pen) -> None:
    hull, sail = pen.lit((92, 60, 48)), pen.lit((248, 240, 222))
    pen.shape([(-0.55, 0.20), (-0.42, 0.0), (0.40, 0.0), (0.62, 0.24), (0.0, 0.17)], hull)
    pen.shape([(-0.56, 0.22), (-0.54, 0.17), (0.58, 0.19), (0.62, 0.24)], pen.lit((220, 206, 180)))
    pen.stroke([(0.04, 0.16), (0.04, 1.42)], 0.024, pen.ink())
    pen.shape([(0.08, 0.28), (0.08, 1.38), (0.30, 0.90), (0.56, 0.30)], sail)
    pen.shape([(0.00, 0.28), (0.00, 1.30), (-0.22, 0.78), (-0.50, 0.26)], pen.lit((248, 240, 222), 0.84))


def _lighthouse(pen: Pen) -> None:
    white, red = pen.lit((242, 238, 230)), pen.lit((196, 60, 54))
    _rock(pen)
    for k in range(6):
        low, high = ROCK + 0.20 * k, ROCK + 0.20 * (k + 1)
        a, b = 0.20 - 0.016 * k, 0.20 - 0.016 * (k + 1)
        colour = white if k % 2 == 0 else red
        pen.shape([(-a, low), (-b, high), (b, high), (a, low)], colour)
        pen.shape([(a * 0.3, low), (b * 0.3, high), (b, high), (a, low)], scaled(colour, 0.8))
    top = ROCK + 1.20
    pen.shape([(-0.17, top), (-0.17, top + 0.05), (0.17, top + 0.05), (0.17, top)], pen.ink())
    pane = [(-0.08, top + 0.05), (-0.08, top + 0.22), (0.08, top + 0.22), (0.08, top + 0.05)]
    pen.shape(pane, (255, 240, 190))
    pen.shape([(-0.11, top + 0.22), (0.0, top + 0.36), (0.11, top + 0.22)], red)
    pen.shine([(-0.16, top), (-0.16, top + 0.28), (0.16, top + 0.28), (0.16, top)], 1.0)


def _rock(pen: Pen) -> None:
    """What a lighthouse stands on: broad, level on top, and deep enough for the swell to break on it."""
    stone = pen.lit((104, 98, 94))
    outline = [(-1.05, -0.40), (-0.86, -0.02), (-0.52, 0.10), (-0.30, 0.30), (0.28, 0.31), (0.50, 0.16)]
    pen.shape([*outline, (0.92, 0.04), (1.16, -0.40)], stone)
    pen.shape([(0.28, 0.31), (0.50, 0.16), (0.92, 0.04), (1.16, -0.40), (0.30, -0.40)], scaled(stone, 0.74))
    pen.shape([(-0.52, 0.10), (-0.30, 0.30), (0.28, 0.31), (0.10, 0.20), (-0.34, 0.16)], scaled(stone, 1.18))
    pen.shape(
        [(-0.86, -0.02), (-0.52, 0.10), (-0.40, -0.12), (-0.62, -0.40), (-0.9, -0.40)], scaled(stone, 0.86)
    )


def _person(pen: Pen) -> None:
    coat, dark = pen.lit(COAT), pen.ink()
    pen.shape(
        [(-0.10, 0.45), (-0.13, 0.0), (-0.03, 0.0), (0.0, 0.30), (0.05, 0.0), (0.15, 0.0), (0.10, 0.45)], dark
    )
    pen.shape([(-0.09, 0.80), (-0.17, 0.28), (0.15, 0.28), (0.10, 0.80), (0.0, 0.85)], coat)
    pen.shape([(0.02, 0.84), (0.02, 0.28), (0.15, 0.28), (0.10, 0.80)], scaled(coat, 0.80))
    pen.stroke([(-0.10, 0.76), (-0.17, 0.45)], 0.07, scaled(coat, 0.9))
    pen.stroke([(0.10, 0.76), (0.15, 0.45)], 0.07, scaled(coat, 0.72))
    pen.round(0.0, 0.92, 0.075, 0.085, pen.lit((220, 172, 140)))
    pen.shape([(-0.09, 0.92), (-0.07, 1.02), (0.05, 1.03), (0.09, 0.94), (0.04, 0.97)], dark)


def _car(pen: Pen) -> None:
    body = pen.lit((206, 84, 52))
    pen.shape([(-0.80, 0.12), (-0.82, 0.52), (0.82, 0.52), (0.80, 0.12)], body)
    pen.shape([(-0.72, 0.50), (-0.52, 0.92), (0.52, 0.92), (0.72, 0.50)], scaled(body, 0.86))
    pen.shape([(-0.60, 0.53), (-0.46, 0.86), (0.46, 0.86), (0.60, 0.53)], pen.lit((70, 96, 120)))
    pen.shape([(-0.84, 0.10), (-0.84, 0.22), (0.84, 0.22), (0.84, 0.10)], pen.ink())
    for side in (-1, 1):
        pen.shape(
            [(side * 0.78, -0.02), (side * 0.78, 0.14), (side * 0.54, 0.14), (side * 0.54, -0.02)],
            (20, 20, 24),
        )
        lamp = [(side * 0.78, 0.30), (side * 0.78, 0.42), (side * 0.54, 0.42), (side * 0.54, 0.30)]
        pen.shape(lamp, (255, 92, 66))
        pen.shine(lamp, 0.8)


def _train(pen: Pen) -> None:
    body = pen.lit((52, 112, 132))
    pen.shape([(-0.44, 0.05), (-0.46, 1.15), (-0.34, 1.32), (0.34, 1.32), (0.46, 1.15), (0.44, 0.05)], body)
    pen.shape([(-0.46, 0.30), (-0.46, 0.46), (0.46, 0.46), (0.46, 0.30)], pen.lit((236, 220, 180)))
    pane = [(-0.36, 0.62), (-0.35, 1.06), (0.35, 1.06), (0.36, 0.62)]
    pen.shape(pane, pen.lit((60, 80, 100)))
    for side in (-1, 1):
        pen.round(side * 0.30, 0.20, 0.06, 0.06, (255, 244, 206))
        pen.shine([(side * 0.36, 0.14), (side * 0.36, 0.26), (side * 0.24, 0.26), (side * 0.24, 0.14)], 1.0)


def _bird(pen: Pen) -> None:
    for x, y, size in (
        (0.0, 1.6, 1.0),
        (-0.9, 1.95, 0.6),
        (0.8, 2.0, 0.5),
        (-0.3, 2.1, 0.42),
        (1.3, 1.75, 0.4),
    ):
        wing = 0.42 * size
        pen.shape(
            [
                (x - wing, y + wing * 0.50),
                (x - wing * 0.4, y + wing * 0.42),
                (x, y),
                (x + wing * 0.4, y + wing * 0.46),
                (x + wing, y + wing * 0.40),
                (x + wing * 0.35, y + wing * 0.26),
                (x, y - wing * 0.16),
                (x - wing * 0.4, y + wing * 0.22),
            ],
            pen.ink(),
        )


def _deer(pen: Pen) -> None:
    ink = mixed(pen.ink(), pen.lit((120, 78, 50)), 0.55)
    for x in (-0.36, -0.26, 0.22, 0.32):
        pen.stroke([(x, 0.50), (x + 0.02, 0.0)], 0.055, ink)
    pen.shape(
        [(-0.44, 0.48), (-0.46, 0.74), (-0.20, 0.78), (0.26, 0.76), (0.38, 0.86), (0.42, 0.56), (0.28, 0.46)],
        ink,
    )
    pen.shape([(0.24, 0.70), (0.40, 1.10), (0.52, 1.08), (0.42, 0.62)], ink)
    pen.shape([(0.38, 1.06), (0.44, 1.18), (0.56, 1.14), (0.70, 1.00), (0.52, 0.98)], ink)
    for lean in (-0.10, 0.10):
        pen.stroke([(0.46, 1.14), (0.44 + lean, 1.36), (0.50 + lean * 2.2, 1.52)], 0.022, ink)
        pen.stroke([(0.44 + lean, 1.34), (0.34 + lean * 2, 1.44)], 0.018, ink)
    pen.shape([(-0.44, 0.72), (-0.54, 0.66), (-0.46, 0.62)], pen.lit((230, 214, 190)))


def _cabin(pen: Pen) -> None:
    wall, palette = pen.lit((128, 84, 58)), pen.sheet.stage.palette
    roof = pen.lit((240, 244, 250)) if palette.snow else pen.lit((84, 60, 58))
    pen.shape([(-0.62, 0.0), (-0.62, 0.56), (0.62, 0.56), (0.62, 0.0)], wall)
    pen.shape([(0.10, 0.0), (0.10, 0.56), (0.62, 0.56), (0.62, 0.0)], scaled(wall, 0.82))
    pen.shape([(0.34, 0.8), (0.34, 1.16), (0.48, 1.16), (0.48, 0.7)], scaled(wall, 0.6))
    pen.shape([(-0.78, 0.52), (-0.10, 1.04), (0.16, 1.04), (0.78, 0.52)], roof)
    for x in (-0.40, 0.34):
        pane = [(x - 0.10, 0.20), (x - 0.10, 0.42), (x + 0.10, 0.42), (x + 0.10, 0.20)]
        pen.shape(pane, (255, 214, 132) if palette.lamps > 0.2 else pen.lit((70, 90, 104)))
        if palette.lamps > 0.2:
            pen.shine(pane, 1.0)
    pen.shape([(-0.12, 0.0), (-0.12, 0.38), (0.06, 0.38), (0.06, 0.0)], scaled(wall, 0.5))


def _bob(reach: float) -> Motion:
    return functools.partial(_bobbing, reach)


def _bobbing(reach: float, seconds: float) -> tuple[float, float]:
    return reach * 0.8 * float(np.sin(seconds * 0.9)), reach * float(np.sin(seconds * 1.9))


def _glide(reach: float) -> Motion:
    return functools.partial(_gliding, reach)


def _gliding(reach: float, seconds: float) -> tuple[float, float]:
    return reach * float(np.sin(seconds * 0.7)), reach * 0.5 * float(np.sin(seconds * 1.3))


_DRAWN = {
    Subject.PAPER_BOAT: _paper_boat,
    Subject.BOAT: _boat,
    Subject.SHIP: _ship,
    Subject.LIGHTHOUSE: _lighthouse,
    Subject.PERSON: _person,
    Subject.CAR: _car,
    Subject.TRAIN: _train,
    Subject.BIRD: _bird,
    Subject.DEER: _deer,
    Subject.CABIN: _cabin,
}
