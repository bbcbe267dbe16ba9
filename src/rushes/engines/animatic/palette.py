"""The colour script: what the light of a time of day, and the weather, do to every colour."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from rushes.engines.animatic.shot import Time, Weather

Colour = tuple[float, float, float]
"""Red, green and blue, 0 to 255."""


def mixed(first: Colour, second: Colour, amount: float) -> Colour:
    """Return the colour `amount` (0 to 1) of the way from `first` to `second`."""
    return (
        first[0] + (second[0] - first[0]) * amount,
        first[1] + (second[1] - first[1]) * amount,
        first[2] + (second[2] - first[2]) * amount,
    )


def scaled(colour: Colour, amount: float) -> Colour:
    """Return a lighter (above 1) or darker colour."""
    return (min(colour[0] * amount, 255), min(colour[1] * amount, 255), min(colour[2] * amount, 255))


def unit(colour: Colour) -> NDArray[np.float32]:
    """Return a colour as float32 (3,), 0 to 1."""
    return np.array(colour, np.float32) / np.float32(255)


@dataclass(frozen=True, kw_only=True)
class Palette:
    """The colours of one light.

    `zenith`, `middle` and `horizon` make the sky; `sun` is the disc (the moon at night), `glow` the light it
    throws; `haze` is what distance fades to; `shade` the ink of the nearest silhouettes; `ambient` multiplies
    every colour of its own; `lamps` is 0 to 1, how many lights are on; `sun_seen` 0 to 1; `snow` and
    `wet` say what lies on the ground.
    """

    zenith: Colour
    middle: Colour
    horizon: Colour
    sun: Colour
    glow: Colour
    haze: Colour
    shade: Colour
    ambient: Colour
    lamps: float
    sun_height: float
    sun_seen: float = 1.0
    snow: bool = False
    wet: bool = False

    def lit(self, colour: Colour, distance: float = 0.0) -> Colour:
        """Return a daylight colour as seen in this light from `distance`, 0 (near) to 1 (lost in haze)."""
        own = (
            colour[0] * self.ambient[0] / 255,
            colour[1] * self.ambient[1] / 255,
            colour[2] * self.ambient[2] / 255,
        )
        return mixed(own, self.haze, distance)


LAMP: Colour = (255, 196, 112)
"""A warm electric lamp."""

_TIMES = {
    Time.DAWN: Palette(
        zenith=(86, 112, 176),
        middle=(226, 170, 172),
        horizon=(255, 216, 164),
        sun=(255, 238, 196),
        glow=(255, 190, 130),
        haze=(238, 190, 172),
        shade=(52, 48, 84),
        ambient=(232, 190, 184),
        lamps=0.25,
        sun_height=0.10,
    ),
    Time.DAY: Palette(
        zenith=(46, 118, 200),
        middle=(120, 182, 228),
        horizon=(218, 236, 240),
        sun=(255, 250, 226),
        glow=(255, 244, 206),
        haze=(186, 214, 230),
        shade=(30, 58, 74),
        ambient=(252, 250, 244),
        lamps=0.0,
        sun_height=0.36,
    ),
    Time.DUSK: Palette(
        zenith=(40, 38, 98),
        middle=(158, 76, 124),
        horizon=(255, 150, 86),
        sun=(255, 214, 140),
        glow=(255, 140, 80),
        haze=(196, 108, 116),
        shade=(26, 20, 50),
        ambient=(168, 112, 132),
        lamps=0.75,
        sun_height=0.07,
    ),
    Time.NIGHT: Palette(
        zenith=(7, 13, 38),
        middle=(18, 38, 80),
        horizon=(52, 84, 128),
        sun=(240, 244, 252),
        glow=(130, 160, 214),
        haze=(46, 72, 114),
        shade=(5, 9, 24),
        ambient=(62, 84, 130),
        lamps=1.0,
        sun_height=0.34,
    ),
}
_GREYS = {  # weather: its own grey by day, how far colours go there, and what is left of the light
    Weather.RAIN: ((112, 128, 146), 0.72, 0.9),
    Weather.SNOW: ((196, 208, 222), 0.62, 1.0),
    Weather.FOG: ((200, 208, 212), 0.72, 1.0),
}
_TINTS: dict[Time, Colour] = {  # what the time of day makes of a grey
    Time.DAWN: (232, 206, 200),
    Time.DAY: (255, 255, 255),
    Time.DUSK: (152, 142, 182),
    Time.NIGHT: (74, 98, 142),
}


def palette(time: Time, weather: Weather) -> Palette:
    """Return the colours of a time of day in a weather."""
    base = _TIMES[time]
    if weather is Weather.CLEAR:
        return base
    grey, amount, light = _GREYS[weather]
    tint = _TINTS[time]
    veil: Colour = (grey[0] * tint[0] / 255, grey[1] * tint[1] / 255, grey[2] * tint[2] / 255)
    return replace(
        base,
        zenith=mixed(base.zenith, scaled(veil, 0.74), amount),
        middle=mixed(base.middle, scaled(veil, 0.94), amount),
        horizon=mixed(base.horizon, scaled(veil, 1.12), amount * 0.8),
        haze=mixed(base.haze, scaled(veil, 1.04), amount),
        glow=mixed(base.glow, veil, amount * 0.5),
        shade=mixed(base.shade, veil, 0.12),
        ambient=mixed(
            scaled(base.ambient, light), scaled(veil, 1.25), 0.75 if weather is Weather.SNOW else 0.5
        ),
        lamps=min(1.0, base.lamps + 0.3),
        sun_seen=0.35 if weather is Weather.FOG else 0.0,
        snow=weather is Weather.SNOW,
        wet=weather is Weather.RAIN,
    )
