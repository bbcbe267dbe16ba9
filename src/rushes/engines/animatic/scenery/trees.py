"""Trees, as flat shapes with a light edge."""

from __future__ import annotations

import numpy as np

from rushes.engines.animatic.palette import Colour, mixed, scaled
from rushes.engines.animatic.stage import Point, Sheet


def pine(
    sheet: Sheet,
    rng: np.random.Generator,
    foot: Point,
    tall: float,
    colour: Colour,
    snow: Colour | None = None,
) -> None:
    """Draw a conifer that stands at `foot`, `tall` pixels high, with snow on its branches if given."""
    x, y = foot
    tiers = 5 if tall > sheet.stage.unit * 0.1 else 3
    wide = tall * float(rng.uniform(0.19, 0.25))
    sheet.line([(x, y), (x, y - tall * 0.3)], max(tall * 0.035, 1), scaled(colour, 0.7))
    for tier in range(tiers):
        low, high = y - tall * (0.10 + 0.78 * tier / tiers), y - tall * (0.10 + 0.78 * (tier + 1.75) / tiers)
        high = max(high, y - tall)
        half = wide * (1 - tier / (tiers + 0.6)) * float(rng.uniform(0.9, 1.1))
        droop = half * 0.22
        tip = (x, high)
        sheet.polygon(
            [
                tip,
                (x + half, low + droop),
                (x + half * 0.3, low),
                (x, low + droop * 0.8),
                (x - half * 0.3, low),
                (x - half, low + droop),
            ],
            colour,
        )
        sheet.polygon([tip, (x - half, low + droop), (x - half * 0.35, low)], scaled(colour, 1.16))
        if snow is not None:
            white = sheet.stage.palette.lit(snow, 0.12)
            drop = (low - high) * 0.55
            sheet.polygon(
                [
                    tip,
                    (x + half * 0.5, high + drop),
                    (x + half * 0.15, high + drop * 0.8),
                    (x - half * 0.2, high + drop * 1.1),
                    (x - half * 0.55, high + drop),
                ],
                mixed(colour, white, 0.85),
            )


def broadleaf(sheet: Sheet, rng: np.random.Generator, middle: Point, size: float, colour: Colour) -> None:
    """Draw a cluster of leaves round `middle`: a lumpy blob with a lighter upper side."""
    x, y = middle
    angles = np.linspace(0, 2 * np.pi, 18, endpoint=False)
    radii = (
        size * (0.72 + 0.28 * np.abs(np.sin(angles * 3.5 + rng.random() * 6))) * rng.uniform(0.85, 1.1, 18)
    )
    rim = [
        (x + 1.25 * float(r * np.cos(a)), y + 0.72 * float(r * np.sin(a)))
        for a, r in zip(angles, radii, strict=True)
    ]
    sheet.polygon(rim, colour)
    upper = [(px * 0.62 + x * 0.38 - size * 0.12, py * 0.5 + y * 0.5 - size * 0.2) for px, py in rim]
    sheet.polygon(upper, scaled(colour, 1.1))


def fern(sheet: Sheet, rng: np.random.Generator, foot: Point, size: float, colour: Colour) -> None:
    """Draw a tuft of arching fronds, `size` pixels long, that grows from `foot`."""
    x, y = foot
    for _ in range(7):
        turn = float(rng.uniform(-1.15, 1.15))
        long = size * float(rng.uniform(0.65, 1.1))
        tip = (x + np.sin(turn) * long, y - np.cos(turn) * long * 0.9 + abs(turn) * long * 0.12)
        bow = (x + np.sin(turn) * long * 0.42, y - long * 0.62)
        wide = long * 0.075
        sheet.polygon(
            [
                (x - wide * 0.4, y),
                (bow[0] - wide, bow[1]),
                (float(tip[0]), float(tip[1])),
                (bow[0] + wide, bow[1] + wide),
                (x + wide * 0.4, y),
            ],
            scaled(colour, float(rng.uniform(0.85, 1.15))),
        )


def bough(
    sheet: Sheet,
    rng: np.random.Generator,
    root: Point,
    reach: float,
    colour: Colour,
    snow: Colour | None = None,
) -> None:
    """Draw a fir branch that hangs from `root`, `reach` pixels to the right (to the left if negative)."""
    x, y = root
    long = abs(reach)
    spine = [(x + reach * float(k), y + long * 0.30 * float(k) ** 1.7) for k in np.linspace(0, 1, 15)]
    sheet.line(spine, long * 0.022, scaled(colour, 0.8))
    for k, (px, py) in enumerate(spine[1:]):
        hang = long * 0.20 * (1 - k / 17)
        for turn in (-0.55, -0.2, 0.2):
            tip_x = px + np.sign(reach) * hang * (0.45 + turn * 0.3) + float(rng.normal(0, hang * 0.08))
            tip_y = py + hang * (0.75 - abs(turn) * 0.5)
            sheet.polygon(
                [(px - hang * 0.10, py), (float(tip_x), float(tip_y)), (px + hang * 0.10, py + hang * 0.05)],
                colour,
            )
    if snow is not None:
        white = mixed(colour, sheet.stage.palette.lit(snow, 0.1), 0.85)
        upper = [(px, py - long * 0.018) for px, py in spine]
        sheet.polygon([*upper, *reversed([(px, py + long * 0.012) for px, py in spine])], white)
