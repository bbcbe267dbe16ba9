"""What lies on the pictures of a clip: its words, tags for what was asked beside them, small pictures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from PIL import Image, ImageDraw, ImageOps

from rushes.engines.animatic.caption import Stamp, stamp
from rushes.engines.animatic.lettering import Line, lines
from rushes.engines.animatic.planes import Frame, cover

LETTERS = 400
"""More than the lines of a caption ever hold; a prompt may have thousands."""

LINES = 2
LEADING = 1.36
PAPER, SHADE = (246, 244, 236, 255), (18, 20, 28, 215)


@dataclass(frozen=True, kw_only=True)
class Overlay:
    """A small picture with coverage that lies in its place from frame `start` up to frame `end`."""

    stamp: Stamp
    start: int
    end: int

    @property
    def height(self) -> int:
        return int(self.stamp.y.shape[0])

    @property
    def width(self) -> int:
        return int(self.stamp.y.shape[1])

    def paint(self, frame: Frame, number: int) -> None:
        """Lay it on picture `number` of the clip, in place, if it is its time."""
        if self.start <= number < self.end:
            lay(self.stamp, frame, self.stamp.left, self.stamp.top)


def lay(stamp: Stamp, frame: Frame, left: int, top: int) -> None:
    """Lay a small picture on a frame, in place; `left` and `top` are even."""
    for step, base, over, alpha in (
        (1, frame.y, stamp.y, stamp.alpha),
        (2, frame.u, stamp.u, stamp.alpha_half),
        (2, frame.v, stamp.v, stamp.alpha_half),
    ):
        part = base[top // step :, left // step :][: over.shape[0], : over.shape[1]]
        cover(part, over[: part.shape[0], : part.shape[1]], alpha[: part.shape[0], : part.shape[1]])


def text_size(width: int, height: int) -> float:
    """Return the size of letters that can be read in a picture of this size, in pixels."""
    return max(8.0, min(width, height) / 19)


def caption(words: str, width: int, height: int, start: int, end: int) -> Overlay:
    """Return the words along the foot of the picture, as many of them as two lines hold."""
    size = text_size(width, height)
    written = lines(words[:LETTERS], size, width - 2.4 * size, LINES) or lines("…", size, width, 1)
    tall = even(size * (LEADING * len(written) + 0.6))
    strip = Image.new("RGBA", (width, tall), SHADE)
    tops = [size * (0.2 + LEADING * row) for row in range(len(written))]
    write(strip, written, [(width - one.width) / 2 for one in written], tops)
    return Overlay(stamp=stamp(strip, 0, height - tall), start=start, end=end)


def tag(words: str, width: int, height: int, below: int, start: int, end: int) -> Overlay:
    """Return a label in the top left corner, `below` pixels under those that are there already."""
    size = text_size(width, height) * 0.8
    margin = even(size * 0.6)
    written = lines(words, size, width / 2, 1)
    wide, tall = even(written[0].width + size * 1.4), even(size * 1.9)
    plate = Image.new("RGBA", (wide, tall + margin // 2), (0, 0, 0, 0))
    ImageDraw.Draw(plate).rounded_rectangle((0, 0, wide - 1, tall - 1), radius=tall / 3, fill=SHADE)
    write(plate, written, [size * 0.7], [size * 0.2])
    return Overlay(stamp=stamp(plate, margin, margin + below), start=start, end=end)


def inset(picture: Image.Image, width: int, height: int, beside: int, start: int, end: int) -> Overlay:
    """Return a framed small picture in the top right corner, `beside` pixels left of those there already."""
    side, margin = even(min(width, height) / 4), even(min(width, height) / 40)
    edge = max(1, margin // 4)
    framed = ImageOps.expand(
        ImageOps.fit(picture.convert("RGB"), (side - 2 * edge, side - 2 * edge)), edge, PAPER[:3]
    )
    plate = Image.new("RGBA", (side + margin, side), (0, 0, 0, 0))
    plate.paste(framed, (0, 0))
    left = max(0, width - side - margin - beside)
    return Overlay(stamp=stamp(plate, even(left), margin), start=start, end=end)


def write(
    picture: Image.Image, written: Sequence[Line], lefts: Sequence[float], tops: Sequence[float]
) -> None:
    """Write lines with their top left corners at these places."""
    for one, left, top in zip(written, lefts, tops, strict=True):
        mask = Image.fromarray(one.coverage())
        picture.paste(PAPER, (round(left), round(top)), mask)


def even(length: float) -> int:
    return max(2, round(length / 2) * 2)
