"""Writing on the picture."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import ImageFont

from rushes.engines.animatic.caption import caption, wrapped, writable
from tests.engines.animatic.clips import Make, decoded

FONT = ImageFont.load_default(20)


@pytest.mark.parametrize("size", [(320, 180), (180, 320), (1920, 1080), (1080, 1920), (480, 480)])
@pytest.mark.parametrize("prompt", ["short", "word " * 400, "W" * 3000, "two\nlines\tand a tab"])
def test_a_caption_stays_in_the_frame(size: tuple[int, int], prompt: str) -> None:
    """However long the prompt, the strip lies inside the frame and leaves most of it free."""
    strip = caption(prompt, *size)
    assert strip is not None
    height, width = strip.y.shape
    assert strip.left >= 0
    assert strip.left + width <= size[0]
    assert strip.top > size[1] / 2
    assert strip.top + height <= size[1]


def test_lines_fit_and_the_rest_is_an_ellipsis() -> None:
    """Text is broken between words; what does not fit ends in an ellipsis."""
    lines = wrapped("the quick brown fox jumps over the lazy dog " * 9, FONT, 300, 3)
    assert len(lines) == 3
    assert all(FONT.getlength(line) <= 300 for line in lines)
    assert lines[-1].endswith("…")


def test_letters_the_font_lacks() -> None:
    """Accents are dropped where need be, other scripts become one ellipsis, and nothing is shown as a box."""
    assert writable("a café in Tōkyō", FONT) == "a cafe in Tokyo"
    assert writable("boat 紙の舟 at sea", FONT) == "boat … at sea"
    assert caption("紙の舟が雨の街を行く", 320, 180) is None


@pytest.mark.parametrize("prompt", ["紙の舟が雨の街を行く", "кораблик 🚤 плывёт", "שלום rain", "a " * 9000])
def test_any_prompt_renders(make: Make, prompt: str) -> None:
    """Long prompts and other scripts do not break a render."""
    assert len(decoded(make(prompt, caption=True, seconds=0.1))) == 3


def test_without_caption_there_is_no_strip(make: Make) -> None:
    """`caption` off leaves the foot of the picture free."""
    with_words, without = (
        decoded(make("a static city street", caption=on, seconds=0.1))[0].astype(int) for on in (True, False)
    )
    changed = np.abs(with_words - without) > 25
    assert changed[150:].mean() > 0.05
    assert changed[60:140].mean() < 0.001
