"""Words as pictures, in any script: fonts for characters, the direction of writing, shaping, lines."""

from __future__ import annotations

import functools
import itertools
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from rushes.engines.animatic import faces
from rushes.engines.animatic.graphemes import graphemes, pieces
from rushes.engines.animatic.planes import Plane

ELLIPSIS = "…"
MISSING = "\u25a1"
"""A hollow box, which stands for each character that no font has."""


@dataclass(frozen=True, kw_only=True)
class Line:
    """One line of shaped text, `size` pixels high.

    Glyphs are (font, number, x, y) in pixels from the line's left end, y up from the baseline.

    `width` is in pixels; `missing` how many characters are shown as a box.
    """

    text: str
    glyphs: tuple[tuple[str, int, float, float], ...]
    width: float
    size: float
    missing: int

    @property
    def height(self) -> int:
        """Pixels from the top of the highest letter to the bottom of the lowest, accents and all."""
        return round(self.size * 1.5)

    @property
    def cut(self) -> bool:
        """Whether it ends in an ellipsis, for what did not fit."""
        return self.text.endswith(ELLIPSIS)

    def coverage(self) -> Plane:
        """Draw it: (height, width + 2), 0 to 255, the baseline at 1.08 of the size."""
        base = self.size * 1.08
        placed = [(name, number, x + 1, base - y) for name, number, x, y in self.glyphs]
        return faces.drawn(placed, self.size, int(np.ceil(self.width)) + 2, self.height)


def plain(text: str) -> str:
    """Return text on one line, composed, without control characters and marks that steer its display."""
    composed = unicodedata.normalize("NFC", " ".join(text.split()))
    return "".join(char for char in composed if not _is_control(char))


def _is_control(char: str) -> bool:
    joins = char in "\u200c\u200d" or 0xE0020 <= ord(char) <= 0xE007F
    return unicodedata.category(char) in ("Cc", "Cf", "Cs") and not joins


def missing(text: str) -> list[str]:
    """Return the characters that no font has, in order; each is drawn as a box."""
    return [one for one in graphemes(plain(text)) if _font_of(one) is None]


@functools.lru_cache(maxsize=4096)
def line(text: str, size: float) -> Line:
    """Shape one line of text."""
    parts = graphemes(text)
    lost = sum(_font_of(one) is None for one in parts)
    shown = [MISSING if _font_of(one) is None else one for one in parts]
    glyphs: list[tuple[str, int, float, float]] = []
    x = 0.0
    for name, level, run in _visual(_runs(shown)):
        for number, right, up, advance in faces.shaped(name, size, run, leftward=level % 2 == 1):
            glyphs.append((name, number, x + right, up))
            x += advance
    return Line(text=text, glyphs=tuple(glyphs), width=x, size=size, missing=lost)


def lines(text: str, size: float, width: float, most: int) -> list[Line]:
    """Break text into at most `most` lines that fit `width` pixels; what is left out becomes an ellipsis."""
    found = [""]
    for piece in _narrow(plain(text), size, width):
        longer = found[-1] + piece
        if line(longer.rstrip(), size).width <= width:
            found[-1] = longer
        elif len(found) == most:
            found[-1] = _cut(longer, size, width)
            break
        else:
            found.append(piece)
    return [line(one.strip(), size) for one in found if one.strip()]


def _narrow(text: str, size: float, width: float) -> list[str]:
    """Return the pieces of text, those wider than a line cut between characters."""
    found = []
    for piece in pieces(text):
        part = ""
        for one in graphemes(piece) if line(piece.rstrip(), size).width > width else ():
            if part and line(part + one, size).width > width:
                found.append(part)
                part = ""
            part += one
        found.append(part or piece)
    return found


def _cut(text: str, size: float, width: float) -> str:
    parts = graphemes(text)
    while parts and line("".join(parts).rstrip() + ELLIPSIS, size).width > width:
        parts.pop()
    return "".join(parts).rstrip() + ELLIPSIS


@functools.lru_cache(maxsize=4096)
def _font_of(one: str) -> str | None:
    """Return the font for one character with all its accents, or None; it need not have selectors."""
    needed = "".join(char for char in one if not _is_selector(char)) or one
    return faces.first_with(needed)


def _is_selector(char: str) -> bool:
    """Whether it only says how others are to look: joiners, variation selectors, tags."""
    return unicodedata.category(char) == "Cf" or 0xFE00 <= ord(char) <= 0xFE0F


Run = tuple[str, int, str]
"""The font, the level (odd is right to left) and the characters of a run."""


def _runs(parts: Sequence[str]) -> list[Run]:
    """Join neighbours of one font and level. A space or a stop keeps the font of what is before it."""
    found: list[Run] = []
    for one, level in zip(parts, levels(parts), strict=True):
        name = _font_of(one) or faces.FONTS[0]
        if found and found[-1][1] == level:
            before = found[-1][0]
            if before == name or (before in faces.TEXT and one in " .,;:!?" and faces.has(before, one)):
                found[-1] = (before, level, found[-1][2] + one)
                continue
        found.append((name, level, one))
    return found


def _visual(runs: list[Run]) -> list[Run]:
    """Put runs in the order in which they are seen: every stretch of a level is turned over."""
    for level in range(max((run[1] for run in runs), default=0), 0, -1):
        turned: list[Run] = []
        for inner, found in itertools.groupby(runs, key=lambda run: run[1] >= level):
            stretch = list(found)
            turned += stretch[::-1] if inner else stretch
        runs = turned
    return runs


def levels(parts: Sequence[str]) -> list[int]:
    """Return the level of each character: 0 from left to right, 1 from right to left, 2 left to right within.

    The rules of Unicode's annex 9 for text without control characters and without pairing brackets.
    """
    kinds = _kinds(parts)
    base = next((kind for kind in kinds if kind in "LR"), "L")
    found, at, strong = [], 0, base
    while at < len(kinds):
        kind, end = kinds[at], at + 1
        if kind == "-":
            while end < len(kinds) and kinds[end] == "-":
                end += 1
            after = next((one for one in kinds[end : end + 1]), base)
            after = "R" if after == "N" and strong == "R" else "L" if after == "N" else after
            kind = strong if after == strong else base
        elif kind != "N":
            strong = kind
        elif strong == "L":
            kind = "L"
        level = {"R": 1, "N": 2, "L": 2 if base == "R" else 0}[kind]
        found += [level] * (end - at)
        at = end
    return found


def _kinds(parts: Sequence[str]) -> str:
    """Return for each character L or R (strong), N (of a number) or - (takes the direction round it)."""
    classes = [unicodedata.bidirectional(one[0]) for one in parts]
    kinds = []
    for at, name in enumerate(classes):
        around = {*classes[max(at - 1, 0) : at], *classes[at + 1 : at + 2]}
        between = name in ("ES", "CS") and around in ({"EN"}, {"AN"}) and 0 < at < len(classes) - 1
        number = name in ("EN", "AN") or between or (name == "ET" and "EN" in around)
        kinds.append("N" if number else "L" if name == "L" else "R" if name in ("R", "AL") else "-")
    return "".join(kinds)
