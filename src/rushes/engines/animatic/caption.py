"""Writing on the picture: the caption strip, the slate with its camera arrow, the running timecode.

It is meant to look like a storyboard panel: nobody should take an animatic for a finished render.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageDraw

from rushes.engines.animatic.camera import View
from rushes.engines.animatic.lettering import Line, line, lines, missing
from rushes.engines.animatic.order import FPS
from rushes.engines.animatic.planes import Frame, Plane, chroma, cover, halved, luma, quantised
from rushes.engines.animatic.shot import Move, Shot

LINES = 2  # of caption; a longer prompt ends in an ellipsis, so that the foot of the picture stays in view
LETTERS = 800  # more than two lines ever hold; a prompt may have 20,000
LEADING = 1.36  # from one line to the next, in sizes of the text; scripts with marks above and below need it
INK = (16, 18, 24)
PAPER = (242, 240, 232)
ACCENT = (255, 196, 92)

Rgba = tuple[int, int, int, int]


@dataclass(frozen=True, kw_only=True)
class Stamp:
    """A small picture with coverage, laid at a fixed place (left, top), both even."""

    left: int
    top: int
    y: Plane
    u: Plane
    v: Plane
    alpha: Plane
    alpha_half: Plane

    @property
    def is_still(self) -> bool:
        return True

    def paint(self, frame: Frame, view: View, seconds: float) -> None:
        height, width = self.y.shape
        full = (slice(self.top, self.top + height), slice(self.left, self.left + width))
        half = (
            slice(self.top // 2, (self.top + height) // 2),
            slice(self.left // 2, (self.left + width) // 2),
        )
        cover(frame.y[full], self.y, self.alpha)
        cover(frame.u[half], self.u, self.alpha_half)
        cover(frame.v[half], self.v, self.alpha_half)


@dataclass(frozen=True, kw_only=True)
class Timecode:
    """Minutes, seconds and frames, written from ready-made characters, each (h, w) of coverage."""

    left: int
    top: int
    glyphs: dict[str, Plane]

    @property
    def is_still(self) -> bool:
        return False

    def paint(self, frame: Frame, view: View, seconds: float) -> None:
        count = round(seconds * FPS)
        text = f"{count // FPS // 60:02d}:{count // FPS % 60:02d}:{count % FPS:02d}"
        left = self.left
        for char in text:
            alpha = self.glyphs[char]
            height, width = alpha.shape
            part = frame.y[self.top : self.top + height, left : left + width]
            light = np.multiply(alpha, np.uint16(210)) >> np.uint16(8)
            cover(
                part,
                light.astype(np.uint8)[: part.shape[0], : part.shape[1]],
                alpha[: part.shape[0], : part.shape[1]],
            )
            left += width
            if left >= frame.size[0]:
                break


def stamp(picture: Image.Image, left: int, top: int) -> Stamp:
    """Make an RGBA picture with even sides ready to be laid at an even place."""
    cells = np.asarray(picture, np.float32) / np.float32(255)
    rgb, alpha = cells[..., :3], np.ascontiguousarray(cells[..., 3])
    small = halved(alpha)
    weight = np.maximum(small, np.float32(1e-6))
    # The mean of what shows, not of what is hidden under zero coverage.
    tint = np.stack([halved(np.ascontiguousarray(rgb[..., band] * alpha)) / weight for band in range(3)], -1)
    u, v = chroma(np.asarray(tint, np.float32))
    return Stamp(
        left=left,
        top=top,
        y=quantised(luma(rgb) * alpha),
        u=quantised(u * small),
        v=quantised(v * small),
        alpha=quantised(alpha * 255),
        alpha_half=quantised(small * 255),
    )


def caption(prompt: str, width: int, height: int) -> Stamp | None:
    """Return the strip with the prompt along the foot of the frame, or None if the prompt is blank.

    It lies on the lowest tenth of the frame, where no scenery has its subject.
    """
    size = _text_size(width, height) * 0.84
    found = lines(prompt[:LETTERS], size, width - 2.4 * size, LINES)
    if not found:
        return None
    tall = _even(size * (LEADING * len(found) + 0.5))
    picture = Image.new("RGBA", (width, tall), (*INK, 176))
    for row, one in enumerate(found):
        _write(picture, one, ((width - one.width) / 2, size * (0.17 + LEADING * row)), (*PAPER, 255))
    return stamp(picture, 0, height - tall)


def slate(shot: Shot, prompt: str, width: int, height: int) -> list[Stamp | Timecode]:
    """Return the panel in the top left corner: ANIMATIC, the shot's facts, an arrow for the move, the time.

    It also says how many characters of the caption no font has.
    """
    size = _text_size(width, height)
    small = size * 0.72
    boxes = len(missing(prompt[:LETTERS]))
    facts = [f"{shot.setting} · {shot.time} · {shot.weather}", str(shot.move)]
    facts += [f"□ {boxes} without a glyph"] if boxes else []
    written = [line(text, size) for text in facts]
    head, digits = line("ANIMATIC", small), {char: line(char, small) for char in "0123456789:"}
    icon, pad, leading = size * 2.3, size * 0.55, size * LEADING
    clock_width = sum(_advance(digits, char) for char in "00:00:00")
    text_wide = max(head.width + size + clock_width, *(one.width for one in written))
    text_tall = small * LEADING + leading * len(written)
    wide, tall = _even(pad * 3 + icon * 1.5 + text_wide), _even(max(icon, text_tall) + pad)
    picture = Image.new("RGBA", (wide, tall), (*INK, 0))
    ImageDraw.Draw(picture).rounded_rectangle((0, 0, wide - 1, tall - 1), radius=size * 0.4, fill=(*INK, 150))
    text_x, top = pad * 2 + icon * 1.5, (tall - text_tall) / 2
    _write(picture, head, (text_x, top), (*ACCENT, 255))
    for row, one in enumerate(written):
        _write(picture, one, (text_x, top + small * LEADING + row * leading), (*PAPER, 245))
    arrow = move_sign(shot.move, round(icon * 1.5), round(icon))
    picture.alpha_composite(arrow, (round(pad), round((tall - icon) / 2)))
    margin = _even(size * 0.9)
    # In a very small frame the words are cut off; the arrow comes first and stays.
    picture = picture.crop((0, 0, min(wide, width - margin) // 2 * 2, min(tall, height - margin) // 2 * 2))
    clock = Timecode(
        left=margin + round(text_x + head.width + size * 0.8),
        top=margin + round(top),
        glyphs={char: _glyph(digits, char) for char in digits},
    )
    return [stamp(picture, margin, margin), clock]


def _write(picture: Image.Image, words: Line, place: tuple[float, float], ink: Rgba) -> None:
    """Write a line with its top left corner at `place`."""
    mask = Image.fromarray(words.coverage())
    x, y = round(place[0]), round(place[1])
    picture.paste(ink, (x, y, x + mask.width, y + mask.height), mask)


def move_sign(move: Move, width: int, height: int) -> Image.Image:
    """Draw the sign that a storyboard artist puts on a panel: the frame, and arrows for the camera."""
    fine = 4
    picture = Image.new("RGBA", (width * fine, height * fine), (*PAPER, 0))
    draw = ImageDraw.Draw(picture)
    w, h = picture.size
    thin = max(2, h // 22)
    draw.rounded_rectangle(
        (thin, thin, w - thin, h - thin), radius=h // 12, outline=(*PAPER, 220), width=thin
    )
    middle = (w / 2, h / 2)
    match move:
        case Move.PAN_LEFT:
            _arrow(draw, (w * 0.84, h / 2), (w * 0.13, h / 2), h * 0.13)
        case Move.PAN_RIGHT:
            _arrow(draw, (w * 0.16, h / 2), (w * 0.87, h / 2), h * 0.13)
        case Move.TILT_UP:
            _arrow(draw, (w / 2, h * 0.88), (w / 2, h * 0.12), h * 0.13)
        case Move.TILT_DOWN:
            _arrow(draw, (w / 2, h * 0.12), (w / 2, h * 0.88), h * 0.13)
        case Move.STATIC:
            reach = h * 0.16
            draw.line((w / 2 - reach, h / 2, w / 2 + reach, h / 2), fill=(*ACCENT, 255), width=thin * 2)
            draw.line((w / 2, h / 2 - reach, w / 2, h / 2 + reach), fill=(*ACCENT, 255), width=thin * 2)
        case Move.PUSH_IN | Move.PULL_OUT:
            inner = (w * 0.36, h * 0.36, w * 0.64, h * 0.64)
            draw.rectangle(inner, outline=(*PAPER, 220), width=thin)
            for x, y in ((0.08, 0.11), (0.92, 0.11), (0.08, 0.89), (0.92, 0.89)):
                outer = (w * x, h * y)
                near = (middle[0] + (outer[0] - middle[0]) * 0.40, middle[1] + (outer[1] - middle[1]) * 0.40)
                start, end = (outer, near) if move is Move.PUSH_IN else (near, outer)
                _arrow(draw, start, end, h * 0.075)
    return picture.reduce(fine)


def _arrow(
    draw: ImageDraw.ImageDraw, start: tuple[float, float], end: tuple[float, float], head: float
) -> None:
    along = np.array(end) - np.array(start)
    along = along / float(np.hypot(*along))
    across = np.array((-along[1], along[0]))
    neck = np.array(end) - along * head * 1.7
    draw.line((*start, *(float(k) for k in neck)), fill=(*ACCENT, 255), width=max(2, round(head * 0.8)))
    corners = [np.array(end), neck + across * head, neck - across * head]
    draw.polygon([(float(x), float(y)) for x, y in corners], fill=(*ACCENT, 255))


def _text_size(width: int, height: int) -> float:
    return max(10.0, 0.036 * min(width, height) * (1.12 if height > width else 1.0))


def _advance(digits: dict[str, Line], char: str) -> int:
    """All digits are equally wide, so that a running clock does not wobble."""
    wide = max(one.width for one in digits.values())
    return round(wide * (0.55 if char == ":" else 1.0) + 1)


def _glyph(digits: dict[str, Line], char: str) -> Plane:
    drawn, wide = digits[char].coverage(), _advance(digits, char)
    cell = np.zeros((drawn.shape[0], max(wide, drawn.shape[1])), np.uint8)
    left = (cell.shape[1] - drawn.shape[1]) // 2
    cell[:, left : left + drawn.shape[1]] = drawn * np.float32(215 / 255)
    return cell[:, (cell.shape[1] - wide) // 2 :][:, :wide]


def _even(length: float) -> int:
    return max(2, 2 * round(length / 2))
