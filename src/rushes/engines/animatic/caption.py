"""Writing on the picture: the caption strip, the slate with its camera arrow, the running timecode.

It is meant to look like a storyboard panel: nobody should take an animatic for a finished render.
"""

from __future__ import annotations

import functools
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from rushes.engines.animatic.camera import View
from rushes.engines.animatic.order import FPS
from rushes.engines.animatic.planes import Frame, Plane, chroma, cover, halved, luma, quantised
from rushes.engines.animatic.shot import Move, Shot

LINES = 3  # of caption; a longer prompt ends in an ellipsis
LETTERS = 800  # more than three lines ever hold; a prompt may have 20,000
INK = (16, 18, 24)
PAPER = (242, 240, 232)
ACCENT = (255, 196, 92)

Font = ImageFont.FreeTypeFont | ImageFont.ImageFont
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
    """Return the strip with the prompt at the foot of the frame, or None if nothing of it can be written."""
    size = _text_size(width, height)
    font = _font(size)
    text = writable(prompt[:LETTERS], font)
    if not text.strip(" …"):
        return None
    margin = _even(size * 1.1)
    lines = wrapped(text, font, width - 4 * margin, LINES)
    leading = round(size * 1.32)
    tall = _even(leading * len(lines) + size * 1.1)
    wide = _even(min(width - 2 * margin, max(font.getlength(line) for line in lines) + size * 2.2))
    picture = Image.new("RGBA", (wide, tall), (*INK, 0))
    draw = ImageDraw.Draw(picture)
    draw.rounded_rectangle((0, 0, wide - 1, tall - 1), radius=size * 0.45, fill=(*INK, 168))
    for row, line in enumerate(lines):
        x = (wide - font.getlength(line)) / 2
        draw.text((x, size * 0.42 + row * leading), line, font=font, fill=(*PAPER, 255))
    return stamp(picture, (width - wide) // 2 // 2 * 2, height - tall - margin)


def slate(shot: Shot, width: int, height: int, *, words: bool) -> list[Stamp | Timecode]:
    """Return the panel in the top left corner: ANIMATIC, the shot's facts, an arrow for the move, the time.

    Without `words` it holds no word about place, time, weather or move.
    """
    size = _text_size(width, height) * 0.78
    big, small = _font(size * 1.0), _font(size * 0.86)
    facts = [f"{shot.setting} · {shot.time} · {shot.weather}", f"camera: {shot.move}"] if words else []
    icon = size * 2.6
    pad = size * 0.6
    head = "ANIMATIC"
    clock_width = sum(_advance(small, char) for char in "00:00:00")
    text_wide = max([big.getlength(head) + size + clock_width, *(small.getlength(line) for line in facts)])
    wide, tall = (
        _even(pad * 3 + icon * 1.5 + text_wide),
        _even(max(icon, size * 1.3 * (1 + len(facts))) + pad * 1.7),
    )
    picture = Image.new("RGBA", (wide, tall), (*INK, 0))
    draw = ImageDraw.Draw(picture)
    draw.rounded_rectangle((0, 0, wide - 1, tall - 1), radius=size * 0.4, fill=(*INK, 150))
    text_x = pad * 2 + icon * 1.5
    top = (tall - size * 1.3 * (1 + len(facts))) / 2 - size * 0.05
    draw.text((text_x, top), head, font=big, fill=(*ACCENT, 255))
    for row, line in enumerate(facts, start=1):
        draw.text((text_x, top + row * size * 1.3), line, font=small, fill=(*PAPER, 235))
    arrow = move_sign(shot.move, round(icon * 1.5), round(icon))
    picture.alpha_composite(arrow, (round(pad), round((tall - icon) / 2)))
    margin = _even(size * 1.2)
    # In a very small frame the words are cut off; the arrow comes first and stays.
    picture = picture.crop((0, 0, min(wide, width - margin) // 2 * 2, min(tall, height - margin) // 2 * 2))
    clock = Timecode(
        left=margin + round(text_x + big.getlength(head) + size),
        top=margin + round(top + size * 0.06),
        glyphs={char: _glyph(small, char) for char in "0123456789:"},
    )
    return [stamp(picture, margin, margin), clock]


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


def writable(text: str, font: Font) -> str:
    """Return `text` on one line, with an ellipsis for every stretch that the font has no letters for."""
    letters: list[str] = []
    for char in " ".join(text.split()):
        plain = char if _has(font, char) else _plain(char, font)
        if plain or not letters or letters[-1] != "…":
            letters.append(plain or "…")
    return "".join(letters)


def _plain(char: str, font: Font) -> str:
    """An accented letter without its accent, if that can be written."""
    base = "".join(part for part in unicodedata.normalize("NFKD", char) if not unicodedata.combining(part))
    return base if base and base != char and all(_has(font, part) for part in base) else ""


def _has(font: Font, char: str) -> bool:
    if char.isspace() or unicodedata.category(char).startswith("C"):
        return char == " "
    return bytes(font.getmask(char)) != bytes(font.getmask("\uffff"))


def wrapped(text: str, font: Font, width: float, most: int) -> list[str]:
    """Break text into at most `most` lines that fit `width` pixels; what is left out becomes an ellipsis."""
    lines = [""]
    for word in _short_words(text.split(), font, width):
        longer = f"{lines[-1]} {word}".strip()
        if font.getlength(longer) <= width:
            lines[-1] = longer
        elif len(lines) == most:
            lines[-1] = _cut(lines[-1], font, width)
            break
        else:
            lines.append(word)
    return lines


def _short_words(words: Sequence[str], font: Font, width: float) -> list[str]:
    """Split words that are wider than a line."""
    pieces = []
    for word in words:
        piece = ""
        for char in word:
            if piece and font.getlength(piece + char) > width:
                pieces.append(piece)
                piece = ""
            piece += char
        pieces.append(piece)
    return pieces


def _cut(line: str, font: Font, width: float) -> str:
    while line and font.getlength(line + "…") > width:
        line = line[:-1]
    return line.rstrip() + "…"


def _text_size(width: int, height: int) -> float:
    return max(9.0, 0.036 * min(width, height) * (1.12 if height > width else 1.0))


@functools.lru_cache(maxsize=8)
def _font(size: float) -> Font:
    return ImageFont.load_default(round(size))


def _advance(font: Font, char: str) -> int:
    """All digits are equally wide, so that a running clock does not wobble."""
    wide = max(font.getlength(digit) for digit in "0123456789")
    return round(wide * (0.55 if char == ":" else 1.0) + 1)


def _glyph(font: Font, char: str) -> Plane:
    wide = _advance(font, char)
    box = font.getbbox("0123456789:")
    picture = Image.new("L", (wide, int(box[3]) + 2), 0)
    ImageDraw.Draw(picture).text(((wide - font.getlength(char)) / 2, 0), char, font=font, fill=215)
    return np.asarray(picture)


def _even(length: float) -> int:
    return max(2, 2 * round(length / 2))
