"""A room with a wide window: the weather stays outside, lamps and furniture are inside."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from rushes.engines.animatic.layer import Layer, Paints
from rushes.engines.animatic.noise import Floats
from rushes.engines.animatic.palette import LAMP, Colour, mixed, scaled
from rushes.engines.animatic.scenery.trees import pine
from rushes.engines.animatic.shot import Subject
from rushes.engines.animatic.stage import Point, Sheet, Stage
from rushes.engines.animatic.subject import Place

HORIZON = 0.48
IN_FRONT_OF_SUBJECT = 1  # layers
OUTSIDE = 1  # this many layers are beyond the window

PAINTS: tuple[Colour, ...] = (
    (206, 190, 164),
    (150, 172, 160),
    (196, 156, 132),
    (140, 158, 184),
    (188, 176, 196),
)
BOOKS: tuple[Colour, ...] = (
    (176, 72, 60),
    (58, 98, 120),
    (214, 168, 86),
    (82, 122, 92),
    (128, 86, 128),
    (222, 206, 180),
)
WOOD: Colour = (134, 92, 60)
FABRIC: tuple[Colour, ...] = ((70, 110, 120), (168, 86, 66), (92, 104, 72), (96, 82, 122))
SNOW: Colour = (240, 244, 250)


@dataclass(frozen=True, kw_only=True)
class Room:
    """Where things are, in frame pixels."""

    stage: Stage
    left: float
    right: float
    top: float
    bottom: float
    floor: float
    side: int
    wall: Colour

    @property
    def across(self) -> float:
        return self.right - self.left

    def inside(self, colour: Colour, lift: float = 1.0) -> Colour:
        """A colour in the room: lamplight keeps it warm when it is dark outside."""
        palette = self.stage.palette
        outdoors = palette.lit(colour)
        lamplit: Colour = (colour[0] * 0.62, colour[1] * 0.47, colour[2] * 0.36)
        return scaled(mixed(scaled(outdoors, 0.80), lamplit, palette.lamps * 0.75), lift)


def layers(stage: Stage, sky: Floats) -> list[Paints]:
    """Draw what is outside, then the room from its wall to us."""
    rng = stage.rng("room")
    wide = min(stage.width * 0.66, stage.unit * 0.82)
    tall = stage.unit * 0.50
    middle = stage.width / 2 + stage.unit * float(rng.uniform(-0.05, 0.05))
    top = stage.horizon - tall * 0.60
    room = Room(
        stage=stage,
        left=middle - wide / 2,
        right=middle + wide / 2,
        top=top,
        bottom=top + tall,
        floor=top + tall + stage.unit * 0.16,
        side=1 if rng.random() < 0.5 else -1,
        wall=PAINTS[int(rng.integers(len(PAINTS)))],
    )
    return [_outlook(room, sky), _wall(room), _furniture(room), _front(room)]


def place(stage: Stage, kind: Subject) -> Place:
    """Where a subject is: in front of the window."""
    x = stage.width / 2 + stage.unit * float(stage.rng("place").uniform(-0.10, 0.10))
    low = stage.horizon + stage.unit * 0.44
    return Place(x=x, y=low, size=stage.unit * (0.50 if kind is Subject.PERSON else 0.20), depth=1.15)


def _outlook(room: Room, sky: Floats) -> Layer:
    """Roofs, hills and trees beyond the glass."""
    stage, palette = room.stage, room.stage.palette
    rng = stage.rng("outlook")
    sheet = stage.backdrop("outlook", palette.haze)
    base = sheet.bottom
    for distance, tall in ((0.75, 0.34), (0.5, 0.25), (0.25, 0.17)):
        x = sheet.left
        while x < sheet.right:
            wide = stage.unit * rng.uniform(0.07, 0.15)
            y = room.bottom - stage.unit * tall * rng.uniform(0.5, 1.0)
            colour = palette.lit(scaled((130, 116, 116), float(rng.uniform(0.7, 1.1))), distance)
            sheet.rectangle(x, y, x + wide, base, colour)
            roof = (
                mixed(scaled(colour, 0.8), palette.lit(SNOW), 0.85) if palette.snow else scaled(colour, 0.8)
            )
            sheet.polygon([(x - wide * 0.06, y), (x + wide / 2, y - wide * 0.32), (x + wide * 1.06, y)], roof)
            for row in np.arange(y + wide * 0.12, room.bottom, wide * 0.24):
                for k in (0.16, 0.44, 0.72):
                    if rng.random() < palette.lamps * 0.5:
                        sheet.rectangle(
                            x + wide * k,
                            row,
                            x + wide * (k + 0.13),
                            row + wide * 0.13,
                            mixed(LAMP, palette.haze, distance * 0.5),
                        )
            x += wide * rng.uniform(1.0, 1.5)
    for _ in range(7):
        foot = (float(rng.uniform(sheet.left, sheet.right)), base)
        pine(
            sheet,
            rng,
            foot,
            stage.unit * rng.uniform(0.22, 0.34),
            palette.lit((54, 92, 70), 0.15),
            SNOW if palette.snow else None,
        )
    return sheet.layer(
        haze=(room.top, room.bottom, 0.0, 0.4), sunlight=0.3, glow=(LAMP, stage.unit * 0.02), behind=sky
    )


def _wall(room: Room) -> Layer:
    """Ceiling, walls, floor, and the window's hole with its frame, sill and curtains."""
    stage = room.stage
    wall = room.inside(room.wall)
    sheet = stage.sheet("wall", 0.95, wall)
    left, right = sheet.left + stage.width * 0.07, sheet.right - stage.width * 0.07
    ceiling = max(sheet.box[1] + stage.unit * 0.02, room.top - stage.unit * 0.22)
    sheet.rectangle(sheet.left, sheet.box[1], sheet.right, sheet.bottom, wall)
    sheet.rectangle(
        sheet.left,
        sheet.box[1],
        sheet.right,
        ceiling,
        room.inside(mixed(room.wall, (255, 255, 255), 0.5), 0.9),
    )
    for edge, outer in ((left, sheet.left), (right, sheet.right)):
        low = room.floor + abs(edge - outer) * 0.5
        sheet.polygon(
            [(edge, ceiling), (outer, ceiling - stage.unit * 0.1), (outer, low), (edge, room.floor)],
            scaled(wall, 0.80),
        )
    _boards(room, sheet, left, right)
    skirting = room.inside(mixed(room.wall, (255, 255, 255), 0.55))
    sheet.rectangle(left, room.floor - stage.unit * 0.022, right, room.floor, skirting)
    _pictures(room, sheet)
    _window(room, sheet)
    return sheet.layer(sunlight=0.12, texture=0.10, glow=(_window_light(room), stage.unit * 0.30))


def _window_light(room: Room) -> Colour:
    palette = room.stage.palette
    return mixed(scaled(palette.horizon, 0.50), scaled(LAMP, 0.55), palette.lamps * 0.85)


def _boards(room: Room, sheet: Sheet, left: float, right: float) -> None:
    """A plank floor that runs towards us, with a rug."""
    stage = room.stage
    floor = room.inside(WOOD, 0.95)
    low = sheet.bottom
    drop = low - room.floor
    sheet.polygon(
        [
            (left, room.floor),
            (right, room.floor),
            (sheet.right, room.floor + drop * 0.3),
            (sheet.right, low),
            (sheet.left, low),
            (sheet.left, room.floor + drop * 0.3),
        ],
        floor,
    )
    middle = stage.width / 2
    rng = stage.rng("boards")
    for k in np.linspace(-3.5, 3.5, 40):
        tone = scaled(floor, float(rng.uniform(0.86, 1.08)))
        a, b = middle + k * stage.unit * 0.32, middle + (k + 0.17) * stage.unit * 0.32
        far_a, far_b = middle + (a - middle) * 0.62, middle + (b - middle) * 0.62
        if left <= far_a and far_b <= right:
            spread = 1 + drop / (stage.unit * 0.42)
            sheet.polygon(
                [
                    (far_a, room.floor),
                    (far_b, room.floor),
                    (middle + (far_b - middle) * spread, low),
                    (middle + (far_a - middle) * spread, low),
                ],
                tone,
            )
    rug = FABRIC[int(rng.integers(len(FABRIC)))]
    y = room.floor + stage.unit * 0.20
    sheet.ellipse(middle, y, stage.unit * 0.52, stage.unit * 0.11, room.inside(rug, 0.95))
    sheet.ellipse(
        middle, y, stage.unit * 0.45, stage.unit * 0.09, room.inside(mixed(rug, (230, 214, 190), 0.45))
    )
    sheet.ellipse(middle, y, stage.unit * 0.40, stage.unit * 0.078, room.inside(rug, 1.05))


def _pictures(room: Room, sheet: Sheet) -> None:
    stage, rng = room.stage, room.stage.rng("pictures")
    for side in (-1, 1):
        edge = room.left if side < 0 else room.right
        for k in range(4):
            x = edge + side * stage.unit * (0.24 + 0.27 * k)
            y = room.top + stage.unit * float(rng.uniform(0.10, 0.17))
            wide, tall = (
                stage.unit * float(rng.uniform(0.055, 0.08)),
                stage.unit * float(rng.uniform(0.07, 0.10)),
            )
            sheet.rectangle(x - wide, y - tall, x + wide, y + tall, room.inside(scaled(WOOD, 0.6)))
            inner = 0.86
            sheet.rectangle(
                x - wide * inner,
                y - tall * inner,
                x + wide * inner,
                y + tall * inner,
                room.inside((226, 218, 200)),
            )
            tint = BOOKS[int(rng.integers(len(BOOKS)))]
            sheet.polygon(
                [
                    (x - wide * 0.7, y + tall * 0.6),
                    (x - wide * 0.1, y - tall * 0.3),
                    (x + wide * 0.3, y + tall * 0.2),
                    (x + wide * 0.5, y - tall * 0.1),
                    (x + wide * 0.7, y + tall * 0.6),
                ],
                room.inside(tint),
            )


def _window(room: Room, sheet: Sheet) -> None:
    stage = room.stage
    rim = stage.unit * 0.022
    trim = room.inside((238, 232, 220), 1.05)
    sheet.rectangle(room.left - rim, room.top - rim, room.right + rim, room.bottom + rim, trim)
    hole = [
        (room.left, room.top),
        (room.right, room.top),
        (room.right, room.bottom),
        (room.left, room.bottom),
    ]
    sheet.cut(hole)
    sheet.shine(hole, 0.75)
    bar = stage.unit * 0.007
    for k in (1 / 3, 2 / 3):
        x = room.left + room.across * k
        sheet.rectangle(x - bar, room.top, x + bar, room.bottom, trim)
    y = room.top + (room.bottom - room.top) * 0.36
    sheet.rectangle(room.left, y - bar, room.right, y + bar, trim)
    sill = room.bottom + rim
    sheet.rectangle(
        room.left - rim * 2.4, sill - rim * 0.4, room.right + rim * 2.4, sill + rim * 0.7, scaled(trim, 0.94)
    )
    sheet.rectangle(
        room.left - rim * 2.0, sill + rim * 0.7, room.right + rim * 2.0, sill + rim * 1.2, scaled(trim, 0.70)
    )
    fabric = FABRIC[int(stage.rng("curtain").integers(len(FABRIC)))]
    for side in (-1, 1):
        _curtain(room, sheet, side, fabric)
    rod = room.top - rim * 2.2
    sheet.line(
        [(room.left - stage.unit * 0.14, rod), (room.right + stage.unit * 0.14, rod)],
        stage.unit * 0.012,
        room.inside(scaled(WOOD, 0.6)),
    )


def _curtain(room: Room, sheet: Sheet, side: int, fabric: Colour) -> None:
    """A curtain in folds, gathered to its side."""
    stage = room.stage
    edge = room.left if side < 0 else room.right
    top, low = room.top - stage.unit * 0.045, room.floor - stage.unit * 0.03
    folds = 7
    for fold in range(folds):
        tone = room.inside(fabric, 1.12 if fold % 2 else 0.86)
        a, b = fold / folds, (fold + 1) / folds
        inner = stage.unit * 0.055
        wide = stage.unit * 0.17
        xs = [edge - side * inner + side * wide * k for k in (a, b)]
        drift = stage.unit * 0.012 * np.sin(fold * 1.7)
        sheet.polygon(
            [(xs[0], top), (xs[1], top), (xs[1] + side * drift, low), (xs[0] + side * drift, low)], tone
        )


def _furniture(room: Room) -> Layer:
    """A bookcase on one side, an armchair with a standing lamp on the other."""
    stage = room.stage
    sheet = stage.sheet("furniture", 1.12, room.inside(scaled(WOOD, 0.7)))
    reach = min(stage.width * 0.5, stage.unit * 0.95)
    _bookcase(room, sheet, stage.width / 2 + room.side * reach * 0.84)
    _armchair(room, sheet, stage.width / 2 - room.side * reach * 0.66)
    _standing_lamp(room, sheet, stage.width / 2 - room.side * reach * 0.93)
    return sheet.layer(texture=0.10, glow=(scaled(LAMP, 0.4 + 0.6 * stage.palette.lamps), stage.unit * 0.22))


def _bookcase(room: Room, sheet: Sheet, x: float) -> None:
    stage, rng = room.stage, room.stage.rng("books")
    half, top, low = stage.unit * 0.17, room.top - stage.unit * 0.06, room.floor + stage.unit * 0.03
    wood = room.inside(scaled(WOOD, 0.78))
    sheet.rectangle(x - half, top, x + half, low, wood)
    shelves = 5
    step = (low - top) / shelves
    for shelf in range(shelves):
        floor, roof = top + step * (shelf + 0.93), top + step * (shelf + 0.08)
        sheet.rectangle(x - half * 0.91, roof, x + half * 0.91, floor, scaled(wood, 0.52))
        place = x - half * 0.88
        while place < x + half * 0.72:
            thick = stage.unit * float(rng.uniform(0.011, 0.026))
            tall = (floor - roof) * float(rng.uniform(0.58, 0.92))
            if rng.random() < 0.88:
                tone = room.inside(BOOKS[int(rng.integers(len(BOOKS)))], float(rng.uniform(0.8, 1.1)))
                sheet.rectangle(place, floor - tall, place + thick * 0.9, floor, tone)
                sheet.rectangle(
                    place, floor - tall * 0.80, place + thick * 0.9, floor - tall * 0.74, scaled(tone, 1.3)
                )
            place += thick


def _armchair(room: Room, sheet: Sheet, x: float) -> None:
    stage = room.stage
    fabric = FABRIC[int(stage.rng("chair").integers(len(FABRIC)))]
    body, light = room.inside(fabric, 0.92), room.inside(fabric, 1.18)
    u, low = stage.unit, room.floor + stage.unit * 0.12
    sheet.ellipse(x, low + u * 0.012, u * 0.21, u * 0.022, room.inside(scaled(WOOD, 0.45)))
    for foot in (-0.13, 0.13):
        sheet.rectangle(
            x + u * (foot - 0.01),
            low - u * 0.03,
            x + u * (foot + 0.01),
            low + u * 0.012,
            room.inside(scaled(WOOD, 0.5)),
        )
    _rounded(sheet, x - u * 0.135, low - u * 0.36, x + u * 0.135, low - u * 0.05, u * 0.05, body)
    _rounded(sheet, x - u * 0.115, low - u * 0.34, x + u * 0.115, low - u * 0.12, u * 0.04, light)
    _rounded(
        sheet, x - u * 0.135, low - u * 0.15, x + u * 0.135, low - u * 0.03, u * 0.03, scaled(light, 0.95)
    )
    for side in (-1, 1):
        a, b = sorted((x + side * u * 0.12, x + side * u * 0.19))
        _rounded(sheet, a, low - u * 0.22, b, low - u * 0.025, u * 0.03, scaled(body, 0.86))
    _rounded(
        sheet,
        x - u * 0.06,
        low - u * 0.24,
        x + u * 0.06,
        low - u * 0.13,
        u * 0.02,
        room.inside((222, 190, 130)),
    )


def _rounded(
    sheet: Sheet, left: float, top: float, right: float, bottom: float, radius: float, colour: Colour
) -> None:
    corners: list[Point] = []
    for x, y, turn in (
        (right - radius, top + radius, -90),
        (right - radius, bottom - radius, 0),
        (left + radius, bottom - radius, 90),
        (left + radius, top + radius, 180),
    ):
        for angle in np.radians(np.linspace(turn, turn + 90, 7)):
            corners.append((x + radius * float(np.cos(angle)), y + radius * float(np.sin(angle))))
    sheet.polygon(corners, colour)


def _standing_lamp(room: Room, sheet: Sheet, x: float) -> None:
    stage = room.stage
    u, low = stage.unit, room.floor + stage.unit * 0.06
    top = low - u * 0.62
    metal = room.inside((70, 60, 54), 0.9)
    sheet.line([(x, low), (x, top)], u * 0.010, metal)
    sheet.ellipse(x, low, u * 0.055, u * 0.014, metal)
    shade = [
        (x - u * 0.055, top - u * 0.10),
        (x + u * 0.055, top - u * 0.10),
        (x + u * 0.095, top + u * 0.03),
        (x - u * 0.095, top + u * 0.03),
    ]
    on = stage.palette.lamps > 0.2
    sheet.polygon(shade, (255, 226, 164) if on else room.inside((232, 214, 178)))
    if on:
        sheet.shine(shade, 1.0)


def _front(room: Room) -> Layer:
    """Close to us: a table with a cup and a book, and a plant in the corner."""
    stage, palette = room.stage, room.stage.palette
    dark = mixed(room.inside(scaled(WOOD, 0.5)), palette.shade, 0.25)
    sheet = stage.sheet("front", 1.45, dark)
    u = stage.unit
    x, y = stage.width / 2 + room.side * min(stage.width * 0.20, u * 0.34), stage.height - u * 0.10
    sheet.ellipse(x, y, u * 0.34, u * 0.045, dark)
    sheet.ellipse(x, y - u * 0.012, u * 0.34, u * 0.045, scaled(dark, 1.5))
    sheet.rectangle(x - u * 0.02, y + u * 0.02, x + u * 0.02, sheet.bottom, scaled(dark, 0.8))
    cup = room.inside((232, 224, 210), 0.95)
    cup_x, cup_y = x - room.side * u * 0.13, y - u * 0.025
    sheet.polygon(
        [
            (cup_x - u * 0.036, cup_y - u * 0.065),
            (cup_x + u * 0.036, cup_y - u * 0.065),
            (cup_x + u * 0.028, cup_y),
            (cup_x - u * 0.028, cup_y),
        ],
        cup,
    )
    sheet.ellipse(cup_x, cup_y - u * 0.065, u * 0.036, u * 0.010, scaled(cup, 0.6))
    sheet.line(
        [
            (cup_x + u * 0.032, cup_y - u * 0.052),
            (cup_x + u * 0.055, cup_y - u * 0.035),
            (cup_x + u * 0.030, cup_y - u * 0.015),
        ],
        u * 0.008,
        cup,
    )
    for k, tone in enumerate(BOOKS[:3]):
        top = y - u * (0.040 + 0.026 * k)
        sheet.rectangle(
            x + u * (0.02 + 0.01 * k),
            top,
            x + u * (0.19 - 0.012 * k),
            top + u * 0.024,
            room.inside(tone, 0.9),
        )
    _plant(room, sheet, stage.width / 2 - room.side * min(stage.width * 0.47, u * 0.88))
    return sheet.layer(texture=0.08)


def _plant(room: Room, sheet: Sheet, x: float) -> None:
    stage, rng = room.stage, room.stage.rng("plant")
    u, low = stage.unit, stage.height + stage.unit * 0.02
    leaf = mixed(room.inside((70, 122, 78), 0.8), stage.palette.shade, 0.3)
    for turn in np.linspace(-1.25, 1.25, 13):
        long = u * float(rng.uniform(0.26, 0.40))
        base = low - u * 0.16
        tip = (x + float(np.sin(turn)) * long, base - float(np.cos(turn)) * long)
        bow = (x + float(np.sin(turn * 0.7)) * long * 0.55, base - float(np.cos(turn * 0.7)) * long * 0.6)
        wide = u * 0.026
        sheet.polygon(
            [(x, base), (bow[0] - wide, bow[1] + wide * 0.4), tip, (bow[0] + wide, bow[1] + wide * 0.4)],
            scaled(leaf, float(rng.uniform(0.8, 1.2))),
        )
    pot = room.inside((186, 108, 78), 0.75)
    sheet.polygon(
        [
            (x - u * 0.085, low - u * 0.17),
            (x + u * 0.085, low - u * 0.17),
            (x + u * 0.065, low),
            (x - u * 0.065, low),
        ],
        pot,
    )
    sheet.rectangle(x - u * 0.092, low - u * 0.18, x + u * 0.092, low - u * 0.145, scaled(pot, 1.15))
