"""The mark that lies on the pictures of a marked file, and jumps about as the service's own did."""

from __future__ import annotations

from functools import lru_cache

from PIL import Image, ImageDraw, ImageFilter

from rushes.engines.animatic.caption import Stamp, stamp
from rushes.engines.animatic.lettering import line
from rushes.engines.animatic.planes import Frame
from rushes.testing.sora_emulator.overlays import even, lay, text_size, write

TEXT = "SORA EMULATOR"
STAYS_S = 2.5
"""How long the mark stays in one place."""

PLACES = ((0.04, 0.30), (0.96, 0.58), (0.04, 0.70), (0.96, 0.40))
"""Where it stands in turn: shares of the room to its left and above it."""

STRENGTH = 0.85


def mark(frame: Frame, seconds: float) -> None:
    """Lay the mark on the picture of this time of a clip, in place."""
    drawn = mark_for(*frame.size)
    lay(drawn, frame, *place_of_mark(drawn, frame.size, seconds))


def place_of_mark(drawn: Stamp, size: tuple[int, int], seconds: float) -> tuple[int, int]:
    """Return the left and top of the mark in a picture of this size at this time; both are even."""
    across, down = PLACES[int(seconds / STAYS_S) % len(PLACES)]
    tall, wide = drawn.y.shape
    return int((size[0] - wide) * across) // 2 * 2, int((size[1] - tall) * down) // 2 * 2


@lru_cache(maxsize=16)
def mark_for(width: int, height: int) -> Stamp:
    """Return the mark for pictures of this size: a little cloud and the words, white with a soft shadow."""
    size = text_size(width, height) * 1.15
    words = line(TEXT, size)
    cloud, pad = round(size * 1.5), round(size * 0.4)
    plate = Image.new("RGBA", (even(cloud + words.width + 3 * pad), even(size * 1.5 + 2 * pad)))
    plate.alpha_composite(_cloud(cloud, words.height), (pad, pad))
    write(plate, [words], [cloud + 1.5 * pad], [pad])
    blurred = plate.getchannel("A").filter(ImageFilter.GaussianBlur(max(1.0, size / 10)))
    shadow = Image.new("RGBA", plate.size, (0, 0, 0, 0))
    shadow.putalpha(blurred.point(lambda level: min(255, 2 * level)))
    shadow.alpha_composite(plate)
    shadow.putalpha(shadow.getchannel("A").point(lambda level: round(level * STRENGTH)))
    return stamp(shadow, 0, 0)


def _cloud(width: int, height: int) -> Image.Image:
    """Draw a little white cloud with two eyes, in the middle of a transparent picture."""
    scale = 4
    mask = Image.new("L", (width * scale, height * scale))
    pen = ImageDraw.Draw(mask)
    unit, middle = width * scale, height * scale / 2

    def dot(x: float, y: float, across: float, down: float, fill: int) -> None:
        x, y = x * unit, middle + y * unit
        pen.ellipse((x - across * unit, y - down * unit, x + across * unit, y + down * unit), fill=fill)

    for x, y, radius in ((0.25, 0.06, 0.22), (0.5, -0.12, 0.25), (0.75, 0.06, 0.22), (0.5, 0.12, 0.24)):
        dot(x, y, radius, radius, 255)
    for x in (0.4, 0.6):
        dot(x, 0.0, 0.045, 0.09, 0)
    white = Image.new("RGBA", (width, height), (255, 255, 255, 0))
    white.putalpha(mask.resize((width, height), Image.Resampling.BOX))
    return white
