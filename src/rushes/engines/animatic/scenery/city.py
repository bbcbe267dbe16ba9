"""A city street in one-point perspective: house fronts, lit windows, lamps, a road that shines when wet.

Distances along the street are in multiples of the distance to the picture plane: at 1 a thing has its full
size, at 4 a quarter of it. Each layer holds a stretch of the street, so that a zoom drives down it.
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass

import numpy as np

from rushes.engines.animatic.layer import Layer, Paints
from rushes.engines.animatic.noise import Floats
from rushes.engines.animatic.palette import LAMP, Colour, mixed, scaled
from rushes.engines.animatic.planes import quantised
from rushes.engines.animatic.reflection import Reflection
from rushes.engines.animatic.shot import Subject
from rushes.engines.animatic.stage import Point, Sheet, Stage
from rushes.engines.animatic.subject import Place

HORIZON = 0.56
IN_FRONT_OF_SUBJECT = 0  # layers

WALLS: tuple[Colour, ...] = (
    (168, 104, 84),
    (196, 160, 118),
    (126, 128, 140),
    (150, 84, 76),
    (176, 172, 160),
    (104, 118, 136),
    (202, 142, 96),
)
ASPHALT: Colour = (88, 92, 102)
PAVING: Colour = (150, 148, 144)
SNOW: Colour = (238, 243, 250)
SIGNS: tuple[Colour, ...] = ((255, 72, 120), (64, 220, 230), (255, 190, 60), (150, 110, 255), (90, 235, 140))


@dataclass(frozen=True, kw_only=True)
class Street:
    """The perspective: from street places to frame places."""

    stage: Stage

    @property
    def half(self) -> float:
        """Half the distance between the house fronts, at distance 1, in frame pixels."""
        return max(self.stage.unit * 0.74, self.stage.width * 0.52)

    @property
    def kerb(self) -> float:
        return self.half * 0.66

    @property
    def eye(self) -> float:
        """The camera's height above the road at distance 1, in frame pixels."""
        return self.stage.height * (1 - self.stage.camera.horizon) * 1.02

    def at(self, across: float, up: float, away: float) -> Point:
        """Return where a place shows: `across` and `up` in frame pixels at distance 1."""
        return self.stage.width / 2 + across / away, self.stage.horizon + (self.eye - up) / away


def layers(stage: Stage, sky: Floats) -> list[Paints]:
    """Draw the street from far to near."""
    street = Street(stage=stage)
    painted: list[Paints] = [
        _skyline(stage, sky),
        _ground(stage, street),
        _block(stage, street, "middle block", 1.05, (2.1, 4.6)),
        _block(stage, street, "near block", 1.3, (0.8, 2.1)),
    ]
    if stage.palette.wet:
        painted.append(_wet(stage, street))
    return painted


def place(stage: Stage, kind: Subject) -> Place:
    """Where a subject is: on the road, a little off the middle."""
    street = Street(stage=stage)
    side = float(stage.rng("place").uniform(0.08, 0.22)) * (
        1 if stage.rng("place side").random() < 0.5 else -1
    )
    afloat = kind in (Subject.PAPER_BOAT, Subject.BOAT, Subject.SHIP)
    # What floats is low: further off, or a push in would leave it behind the caption.
    x, y = street.at(side * street.kerb, 0, 2.0 if afloat else 1.42)
    sizes = {Subject.CAR: 0.25, Subject.TRAIN: 0.34, Subject.PERSON: 0.34, Subject.PAPER_BOAT: 0.14}
    return Place(x=x, y=y, size=stage.unit * sizes.get(kind, 0.22), depth=1.12, floats=afloat)


def _skyline(stage: Stage, sky: Floats) -> Layer:
    """Towers beyond the end of the street, pale with distance."""
    rng, palette = stage.rng("skyline"), stage.palette
    sheet = stage.backdrop("skyline", palette.lit(WALLS[2], 0.7))
    for distance, tall in ((0.78, 0.34), (0.64, 0.24)):
        x = sheet.left
        while x < sheet.right:
            wide = stage.unit * rng.uniform(0.05, 0.12)
            top = stage.horizon - stage.unit * tall * rng.uniform(0.35, 1.0)
            colour = palette.lit(WALLS[int(rng.integers(len(WALLS)))], distance)
            sheet.rectangle(x, top, x + wide, stage.horizon + 4, colour)
            if rng.random() < 0.35:
                sheet.rectangle(x + wide * 0.4, top - wide * 0.5, x + wide * 0.46, top, colour)
            _tower_windows(stage, sheet, rng, (x, top, wide), distance)
            x += wide * rng.uniform(0.85, 1.15)
    return sheet.layer(
        haze=(stage.horizon - stage.unit * 0.35, stage.horizon, 0.0, 0.6),
        sunlight=0.3,
        glow=(LAMP, stage.unit * 0.02),
        behind=sky,
    )


def _tower_windows(
    stage: Stage, sheet: Sheet, rng: np.random.Generator, tower: tuple[float, float, float], distance: float
) -> None:
    x, top, wide = tower
    cell = stage.unit * 0.013
    colour = mixed(LAMP, stage.palette.haze, distance * 0.45)
    for row in np.arange(top + cell, stage.horizon, cell * 1.5):
        for column in np.arange(x + cell * 0.7, x + wide - cell, cell * 1.3):
            if rng.random() < stage.palette.lamps * 0.42:
                sheet.rectangle(column, row, column + cell * 0.55, row + cell * 0.7, colour)


def _ground(stage: Stage, street: Street) -> Layer:
    """Road, kerbs and pavements with markings that run to the vanishing point, and the furthest houses.

    Lines to the vanishing point look alike at any zoom, so that one depth does for all of the ground.
    """
    palette = stage.palette
    road = mixed(ASPHALT, SNOW, 0.62) if palette.snow else ASPHALT
    paving = mixed(PAVING, SNOW, 0.85) if palette.snow else PAVING
    if palette.wet:
        road = scaled(road, 0.7)
    sheet = stage.sheet("ground", 0.9, palette.lit(paving))
    sheet.rectangle(sheet.left, stage.horizon, sheet.right, sheet.bottom, palette.lit(paving))
    _strip(sheet, street, -street.kerb, street.kerb, 0.3, 60, palette.lit(road))
    edge = palette.lit(scaled(paving, 0.72))
    for side in (-1, 1):
        _strip(sheet, street, side * street.kerb, side * street.kerb * 1.045, 0.3, 60, edge)
        for away in np.geomspace(0.6, 14, 26):
            line = [
                street.at(side * street.kerb * 1.045, 0, float(away)),
                street.at(side * street.half, 0, float(away)),
            ]
            sheet.line(line, stage.unit * 0.004 / float(away), palette.lit(scaled(paving, 0.86)))
    paint = palette.lit(mixed((236, 232, 216), road, 0.25 if not palette.snow else 0.75))
    for away in np.arange(0.7, 12, 0.62):
        _strip(sheet, street, -street.half * 0.014, street.half * 0.014, away, away + 0.30, paint)
    for k in np.linspace(-0.92, 0.92, 10):
        _strip(sheet, street, street.kerb * (k - 0.055), street.kerb * (k + 0.055), 1.22, 1.5, paint)
    _houses(sheet, street, stage.rng("far houses"), (4.4, 13.0))
    top, low = stage.horizon - stage.unit * 0.3, stage.horizon + (stage.height - stage.horizon) * 0.6
    return sheet.layer(haze=(top, low, 0.5, 0.0), sunlight=0.2, texture=0.20, glow=(LAMP, stage.unit * 0.05))


def _strip(
    sheet: Sheet, street: Street, left: float, right: float, near: float, far: float, colour: Colour
) -> None:
    """A flat piece of ground between two lines and two distances."""
    corners = ((left, near), (right, near), (right, far), (left, far))
    sheet.polygon([street.at(x, 0, away) for x, away in corners], colour)


def _block(stage: Stage, street: Street, name: str, depth: float, reach: tuple[float, float]) -> Layer:
    """The houses on both sides over a stretch of the street."""
    distance = 0.62 * min(1.0, float(np.log(reach[1]) / np.log(13.0))) ** 2
    sheet = stage.sheet(name, depth, stage.palette.lit(scaled(WALLS[2], 0.6), distance))
    _houses(sheet, street, stage.rng(name), reach)
    return sheet.layer(
        haze=(stage.horizon - stage.height * 0.5, stage.horizon, distance * 0.15, distance * 0.8),
        sunlight=0.16,
        texture=0.14,
        glow=(LAMP, stage.unit * 0.16 / reach[0] ** 0.6),
    )


def _houses(sheet: Sheet, street: Street, rng: np.random.Generator, reach: tuple[float, float]) -> None:
    """Houses from far to near on both sides, then the lamps before them."""
    near, far = reach
    for side in (-1, 1):
        cuts = [far]
        while cuts[-1] > near:
            cuts.append(max(near, cuts[-1] / rng.uniform(1.22, 1.5)))
        for away, close in itertools.pairwise(cuts):
            _house(sheet, street, rng, side, (close, away))
    for away in [d for d in (10.0, 7.4, 5.4, 3.9, 2.8, 1.95, 1.3) if near <= d < far]:
        for side in (-1, 1):
            _lamp(sheet, street, side, away * (1.0 if side < 0 else 1.12))


def _house(
    sheet: Sheet, street: Street, rng: np.random.Generator, side: int, reach: tuple[float, float]
) -> None:
    """One house: the wall along the street, the end wall that faces us, a roof edge, windows, a shop."""
    stage, palette = street.stage, street.stage.palette
    close, away = reach
    distance = 0.55 * min(1.0, float(np.log(max(away, 1.0))) / 2.6) ** 1.5
    colour = WALLS[int(rng.integers(len(WALLS)))]
    floors = int(rng.integers(4, 9))
    tall = street.eye * (0.9 + 0.44 * floors)
    sunny = (stage.sun[0] < stage.width / 2) == (side > 0)
    wall = palette.lit(scaled(colour, 0.96 if sunny else 0.70), distance)
    end = palette.lit(scaled(colour, 0.62 if sunny else 0.82), distance)
    inner, outer = side * street.half, side * street.half * 3.2
    corner = street.at(inner, tall, close)
    sheet.polygon(
        [corner, street.at(outer, tall, close), street.at(outer, 0, close), street.at(inner, 0, close)], end
    )
    face = [street.at(inner, 0, close), corner, street.at(inner, tall, away), street.at(inner, 0, away)]
    sheet.polygon(face, wall)
    _cornice(
        sheet,
        street,
        inner,
        tall,
        reach,
        mixed(wall, palette.lit(SNOW), 0.85) if palette.snow else scaled(wall, 0.72),
    )
    columns = max(2, round((away - close) * 5.5 / max(close, 0.9)))
    for floor in range(1, floors):
        for column in range(columns):
            _window(
                sheet, street, rng, inner, tall, (floor, floors), (column, columns), reach, wall, distance
            )
    _shop(sheet, street, rng, inner, tall / floors, reach, wall)


def _place(reach: tuple[float, float], k: float) -> float:
    return reach[0] + (reach[1] - reach[0]) * k


def _panel(
    street: Street,
    inner: float,
    reach: tuple[float, float],
    across: tuple[float, float],
    up: tuple[float, float],
) -> list[Point]:
    """A rectangle on a wall along the street: `across` from near (0) to far (1), `up` as in `Street.at`."""
    near, far = _place(reach, across[0]), _place(reach, across[1])
    return [
        street.at(inner, up[0], near),
        street.at(inner, up[1], near),
        street.at(inner, up[1], far),
        street.at(inner, up[0], far),
    ]


def _cornice(
    sheet: Sheet, street: Street, inner: float, tall: float, reach: tuple[float, float], colour: Colour
) -> None:
    out = inner * 0.965
    points = [
        street.at(out, tall * 1.012, reach[0]),
        street.at(out, tall * 1.012, reach[1]),
        street.at(inner, tall * 0.978, reach[1]),
        street.at(inner, tall * 0.978, reach[0]),
    ]
    sheet.polygon(points, colour)


def _window(
    sheet: Sheet,
    street: Street,
    rng: np.random.Generator,
    inner: float,
    tall: float,
    floor: tuple[int, int],
    column: tuple[int, int],
    reach: tuple[float, float],
    wall: Colour,
    distance: float,
) -> None:
    palette = street.stage.palette
    story = tall / floor[1]
    up = (story * (floor[0] + 0.28), story * (floor[0] + 0.80))
    across = ((column[0] + 0.26) / column[1], (column[0] + 0.74) / column[1])
    pane = _panel(street, inner, reach, across, up)
    lit = rng.random() < palette.lamps * 0.5
    if lit:
        warm = mixed(LAMP, (255, 236, 190), float(rng.random()))
        colour = mixed(scaled(warm, float(rng.uniform(0.72, 1.0))), palette.haze, distance * 0.4)
    else:
        colour = mixed(scaled(wall, 0.45), palette.middle, 0.35)
    frame = _panel(
        street,
        inner,
        reach,
        (across[0] - 0.03 / column[1], across[1] + 0.03 / column[1]),
        (up[0] - story * 0.06, up[1] + story * 0.03),
    )
    sheet.polygon(frame, mixed(wall, palette.lit(SNOW), 0.6) if palette.snow else scaled(wall, 1.18))
    sheet.polygon(pane, colour)
    if lit:
        sheet.shine(pane, 0.5)


def _shop(
    sheet: Sheet,
    street: Street,
    rng: np.random.Generator,
    inner: float,
    story: float,
    reach: tuple[float, float],
    wall: Colour,
) -> None:
    """The ground floor: shop windows under an awning, and a sign that stands out over the pavement."""
    palette = street.stage.palette
    open_late = rng.random() < 0.25 + palette.lamps * 0.6
    glass = (
        mixed(LAMP, (255, 240, 206), 0.4)
        if open_late and palette.lamps > 0.2
        else mixed(scaled(wall, 0.4), palette.middle, 0.4)
    )
    for k in (0.08, 0.38, 0.68):
        pane = _panel(street, inner, reach, (k, k + 0.24), (story * 0.10, story * 0.66))
        sheet.polygon(pane, glass)
        if open_late and palette.lamps > 0.2:
            sheet.shine(pane, 0.75)
    tint = SIGNS[int(rng.integers(len(SIGNS)))]
    awning = palette.lit(scaled(mixed(tint, wall, 0.35), 0.8))
    out = inner * 0.86
    if rng.random() < 0.7:
        points = [
            street.at(inner, story * 0.92, reach[0]),
            street.at(inner, story * 0.92, _place(reach, 0.95)),
            street.at(out, story * 0.68, _place(reach, 0.95)),
            street.at(out, story * 0.68, reach[0]),
        ]
        sheet.polygon(points, mixed(awning, palette.lit(SNOW), 0.8) if palette.snow else awning)
    if rng.random() < 0.75:
        place = _place(reach, float(rng.uniform(0.1, 0.5)))
        _sign(sheet, street, rng, inner, place, story, tint)


def _sign(
    sheet: Sheet,
    street: Street,
    rng: np.random.Generator,
    inner: float,
    place: float,
    story: float,
    tint: Colour,
) -> None:
    """A sign that stands out from the wall: a dark board with a bright rim and strokes like letters."""
    bright = street.stage.palette.lamps > 0.5
    low, high = story * 1.12, story * float(rng.uniform(1.8, 2.5))
    outer = inner * float(rng.uniform(0.87, 0.90))

    def panel(inset: float, bottom: float, top: float) -> list[Point]:
        a, b = inner + (outer - inner) * inset, outer + (inner - outer) * inset
        down, up = low + (high - low) * bottom, low + (high - low) * top
        return [street.at(x, y, place) for x, y in ((a, down), (b, down), (b, up), (a, up))]

    ink = mixed(tint, (255, 255, 255), 0.22) if bright else street.stage.palette.lit(scaled(tint, 0.7))
    board = scaled(ink, 0.28) if bright else street.stage.palette.lit((236, 230, 216))
    sheet.polygon(panel(0.0, 0.0, 1.0), ink)
    sheet.polygon(panel(0.09, 0.04, 0.96), board)
    strokes = int(rng.integers(3, 5))
    for stroke in range(strokes):
        first = 0.10 + 0.82 * stroke / strokes
        sheet.polygon(panel(float(rng.uniform(0.22, 0.32)), first, first + 0.50 / strokes), ink)
    if bright:
        sheet.shine(panel(0.0, 0.0, 1.0), 0.6)


def _lamp(sheet: Sheet, street: Street, side: int, away: float) -> None:
    """A street lamp with its arm over the road."""
    stage, palette = street.stage, street.stage.palette
    distance = 0.5 * min(1.0, float(np.log(max(away, 1.0))) / 2.6)
    colour = mixed(palette.lit((58, 62, 70), distance), palette.shade, 0.3 * (1 - distance))
    foot = side * street.kerb * 1.10
    tall = street.eye * 1.62
    thick = stage.unit * 0.012 / away
    sheet.line([street.at(foot, 0, away), street.at(foot, tall, away)], thick, colour)
    sheet.line(
        [
            street.at(foot, tall, away),
            street.at(foot * 0.94, tall * 1.05, away),
            street.at(foot * 0.80, tall * 1.05, away),
        ],
        thick * 0.8,
        colour,
    )
    x, y = street.at(foot * 0.79, tall * 1.04, away)
    size = stage.unit * 0.022 / away
    lit = palette.lamps > 0.2
    sheet.ellipse(x, y, size * 1.3, size * 0.6, (255, 238, 200) if lit else scaled(colour, 1.5))
    if lit:
        ring = np.linspace(0, 2 * np.pi, 12)
        sheet.shine([(x + size * 2.4 * float(np.cos(a)), y + size * 2.0 * float(np.sin(a))) for a in ring])


def _wet(stage: Stage, street: Street) -> Reflection:
    """The road, and less the pavements, as a mirror that gets weaker towards us."""
    rows = stage.height - int(stage.horizon) + stage.height // 2
    columns = stage.width * 2
    down = np.arange(rows, dtype=np.float32)[:, None] + 1
    across = np.abs(np.arange(columns, dtype=np.float32)[None] - columns / 2)
    edge = down / street.eye
    road = np.clip((edge * street.kerb - across) / (2 + edge * stage.unit * 0.02), 0, 1)
    walk = np.clip((edge * street.half - across) / (2 + edge * stage.unit * 0.02), 0, 1)
    fade = np.clip(1.05 - 0.5 * down / (stage.height - stage.horizon), 0.35, 1)
    mask = (road * 0.6 + walk * 0.4) * fade * 190
    return Reflection(depth=1.0, mask=quantised(mask.astype(np.float32)), squash=0.9, wave=stage.unit * 0.008)
