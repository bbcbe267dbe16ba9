"""The fonts that come with the package: which of them has a character, shaping, drawing. All by HarfBuzz.

Only a renderer opens them, each when the first character needs it. `fonts/README.md` lists them.
"""

from __future__ import annotations

import functools
from pathlib import Path
from typing import Any

import numpy as np

from rushes.engines.animatic.planes import Plane

FOLDER = Path(__file__).parent / "fonts"
_NOTO_SANS = (
    *("Arabic", "Hebrew", "Devanagari", "Bengali", "Gurmukhi", "Gujarati", "Oriya", "Tamil", "Telugu"),
    *("Kannada", "Malayalam", "Sinhala", "Thai", "Lao", "Khmer", "Myanmar", "Georgian", "Armenian"),
    *("Ethiopic", "Cherokee", "Tifinagh", "NKo", "Thaana", "Mongolian"),
)
TEXT = (
    # Latin, Greek and Cyrillic; Han and kana; Hangul; then the scripts of one font each.
    *("NotoSans-Regular", "DroidSansFallbackFull", "NanumSquareR"),
    *(f"NotoSans{script}-Regular" for script in _NOTO_SANS),
    "NotoSerifTibetan-Regular",
)
FONTS = (*TEXT, "NotoEmoji-Regular", "NotoSansSymbols-Regular", "NotoSansSymbols2-Regular")
"""In the order in which they are asked for a character."""
SUBPIXELS = 64  # glyphs are placed and scaled in 64ths of a pixel


@functools.cache
def _font(name: str, size: float) -> Any:
    """Return a font whose em is `size` pixels high, in 64ths of a pixel."""
    # Here and below, not above: the process that only paints frames does without, and starts 50 ms sooner.
    import uharfbuzz as hb

    opened = hb.Font(_face(name))
    opened.scale = (round(size * SUBPIXELS), round(size * SUBPIXELS))
    return opened


def has(name: str, char: str) -> bool:
    """Whether a font has a glyph for one character."""
    return ord(char) in _characters(name)


@functools.lru_cache(maxsize=1024)
def first_with(chars: str) -> str | None:
    """Return the first font that has glyphs for all of `chars`, or None."""
    return next((name for name in FONTS if all(has(name, char) for char in chars)), None)


def shaped(name: str, size: float, text: str, *, leftward: bool) -> list[tuple[int, float, float, float]]:
    """Return the glyphs of a run as they are seen from left to right: number, offset right and up, advance.

    All in pixels. `text` holds one script; `leftward` tells that it is written from right to left.
    """
    import uharfbuzz as hb

    run = hb.Buffer()
    run.add_str(text)
    run.guess_segment_properties()
    run.direction = "rtl" if leftward else "ltr"
    hb.shape(_font(name, size), run)
    return [
        (
            info.codepoint,
            *(length / SUBPIXELS for length in (place.x_offset, place.y_offset, place.x_advance)),
        )
        for info, place in zip(run.glyph_infos, run.glyph_positions, strict=True)
    ]


def drawn(glyphs: list[tuple[str, int, float, float]], size: float, width: int, height: int) -> Plane:
    """Draw glyphs, each (font, glyph number, x, y of its origin in pixels from the top left).

    Returns their coverage, (height, width), 0 to 255.
    """
    import uharfbuzz as hb

    pencil = hb.RasterDraw()
    pencil.scale_factor = (SUBPIXELS, SUBPIXELS)
    for name, number, x, y in glyphs:
        pencil.transform = (1.0, 0.0, 0.0, 1.0, x * SUBPIXELS, (height - y) * SUBPIXELS)
        pencil.draw_glyph(_font(name, size), number)
    pencil.extents = hb.RasterExtents(0, 0, width, height, 0)
    picture = pencil.render()
    rows = np.frombuffer(picture.buffer, np.uint8).reshape(height, picture.extents.stride)
    return np.ascontiguousarray(rows[::-1, :width])


@functools.cache
def _face(name: str) -> Any:
    import uharfbuzz as hb

    return hb.Face(hb.Blob.from_file_path(str(FOLDER / f"{name}.ttf")))


@functools.cache
def _characters(name: str) -> Any:
    return _face(name).unicodes
