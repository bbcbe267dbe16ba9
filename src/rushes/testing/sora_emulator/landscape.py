"""A landscape in the colours of the words' own, and the colours of styles."""

from __future__ import annotations

import colorsys
import zlib
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from rushes.engines.animatic.planes import Floats, Frame, Plane, chroma, cover, halved, luma, quantised

Rgb = tuple[float, float, float]

STYLES: dict[str, Rgb] = {
    "high_def": (0.55, 0.75, 1.0),
    "kpop": (1.0, 0.3, 0.75),
    "cartoon2": (1.0, 0.85, 0.2),
    "news": (0.25, 0.4, 0.9),
    "selfie3": (1.0, 0.7, 0.6),
    "handheld": (0.6, 0.65, 0.5),
    "animated": (0.4, 0.95, 0.55),
    "sitcom": (1.0, 0.75, 0.45),
    "golden": (1.0, 0.7, 0.15),
    "retro": (0.75, 0.5, 0.25),
    "comic": (0.95, 0.25, 0.2),
}
UNKNOWN = (0.5, 0.5, 0.5)
STYLE_SHARE = 0.4
"""How much of each colour is the style's."""


def landscape(words: str, style: str | None, width: int, height: int, count: int) -> Iterator[Frame]:
    """Yield a sun that crosses the sky over hills, whose colours and forms are those of these words alone."""
    land = Land.of(words, style, width, height)
    for number in range(count):
        frame = land.still.copy()
        land.paint_sun(frame, number / max(1, count - 1))
        yield frame


@dataclass(frozen=True, kw_only=True)
class Land:
    """A landscape without its sun: `sky` is 255 where the sun can be seen, `alpha` the sun's disc."""

    still: Frame
    sky: Plane
    alpha: Plane
    sun: tuple[int, int, int]
    rises: float

    @classmethod
    def of(cls, words: str, style: str | None, width: int, height: int) -> Land:
        seed = zlib.crc32(words.encode())
        rng = np.random.default_rng(seed)
        hue = float(rng.random())
        picture = _sky(hue, width, height)
        sky = np.full((height, width), 255, np.uint8)
        for layer in range(3):
            below = _below_ridge(rng, layer, width, height)
            picture[below] = colour_of(hue + 0.1 - 0.04 * layer, 0.32 + 0.12 * layer, 0.66 - 0.17 * layer)
            sky[below] = 0
        if style is not None:
            light = np.array(STYLES.get(style, UNKNOWN), np.float32)
            picture += (light - picture) * np.float32(STYLE_SHARE)
        disc = _disc(max(6, min(width, height) // 9 * 2))
        return cls(
            still=frame_of_rgb(picture),
            sky=sky,
            alpha=disc,
            sun=_codes(colour_of(hue + 0.5, 0.35, 1.0)),
            rises=0.18 + 0.12 * float(rng.random()),
        )

    def paint_sun(self, frame: Frame, progress: float) -> None:
        """Lay the sun at its place after this share of the clip, behind the hills."""
        height, width = frame.y.shape
        side = self.alpha.shape[0]
        left = round((width - side) * progress) // 2 * 2
        arc = 1 - (2 * progress - 1) ** 2
        top = round((0.42 - self.rises * arc - 0.12) * height) // 2 * 2
        rows, columns = slice(top, top + side), slice(left, left + side)
        alpha = (self.alpha & self.sky[rows, columns]).astype(np.uint8)
        half = alpha[::2, ::2]
        halves = slice(top // 2, (top + side) // 2), slice(left // 2, (left + side) // 2)
        for base, level, over in (
            (frame.y[rows, columns], self.sun[0], alpha),
            (frame.u[halves], self.sun[1], half),
            (frame.v[halves], self.sun[2], half),
        ):
            cover(base, (over.astype(np.uint16) * level // 255).astype(np.uint8), over)


def _sky(hue: float, width: int, height: int) -> Floats:
    top, low = (
        np.array(colour_of(hue + shift, full, 0.98), np.float32) for shift, full in ((0.0, 0.5), (0.09, 0.14))
    )
    share = np.linspace(0, 1, height, dtype=np.float32)[:, None, None]
    return np.ascontiguousarray(np.broadcast_to(top + (low - top) * share, (height, width, 3)))


def _below_ridge(rng: np.random.Generator, layer: int, width: int, height: int) -> NDArray[np.bool_]:
    """Return which pixels lie below a ridge; the layers come nearer one after the other."""
    across = np.linspace(0, 2 * np.pi, width)
    ridge = np.sum([np.sin(across * pace + rng.random() * 6.3) / pace for pace in (1.0, 2.3, 4.1)], axis=0)
    line = height * (0.52 + 0.15 * layer) - height * 0.055 * ridge
    return np.asarray(np.arange(height)[:, None] > line[None, :])


def _disc(side: int) -> Plane:
    side = side // 2 * 2
    rows, columns = np.mgrid[:side, :side] - (side - 1) / 2
    return np.asarray(np.clip((side / 2 - np.hypot(rows, columns)) * 255, 0, 255), np.uint8)


def frame_of_rgb(rgb: Floats) -> Frame:
    """Return the planes of a picture (h, w, 3), 0 to 1."""
    u, v = chroma(np.stack([halved(rgb[..., band]) for band in range(3)], axis=-1))
    return Frame(y=quantised(luma(rgb)), u=quantised(u), v=quantised(v))


def rgb_of_frame(frame: Frame) -> Plane:
    """Return a picture (h, w, 3) of the planes, BT.709 in limited range."""
    light = (frame.y.astype(np.float32) - 16) / 219
    u, v = (
        ((plane.astype(np.float32) - 128) / 224).repeat(2, 0).repeat(2, 1) for plane in (frame.u, frame.v)
    )
    bands = (light + 1.5748 * v, light - 0.1873 * u - 0.4681 * v, light + 1.8556 * u)
    return np.asarray(np.clip(np.stack(bands, axis=-1) * 255 + 0.5, 0, 255), np.uint8)


def colour_of(hue: float, fullness: float, light: float) -> Rgb:
    """Return a colour by its place on the wheel, 0 to 1, how full it is and how light."""
    return colorsys.hsv_to_rgb(hue % 1, fullness, light)


def hue_of(words: str) -> float:
    """Return the place on the colour wheel, 0 to 1, that belongs to these words."""
    return float(np.random.default_rng(zlib.crc32(words.encode())).random())


def _codes(colour: Rgb) -> tuple[int, int, int]:
    rgb = np.array(colour, np.float32)
    u, v = chroma(rgb)
    return round(float(luma(rgb))), round(float(u)), round(float(v))
