"""Writing on the picture."""

from __future__ import annotations

import numpy as np
import pytest

from rushes.engines.animatic.caption import caption
from rushes.engines.animatic.faces import FONTS
from rushes.engines.animatic.graphemes import graphemes
from rushes.engines.animatic.lettering import ELLIPSIS, MISSING, line, lines, missing
from tests.engines.animatic.clips import Make, decoded

SCRIPTS = {
    "Latin": "Một chiếc thuyền giấy, Łódź, Åland, ﬁn – “été”",
    "Greek": "Μια χάρτινη βάρκα",
    "Cyrillic": "Пустой город, бумажный кораблик, Їжак",
    "Armenian": "Թղթե նավակ",
    "Georgian": "ქაღალდის ნავი",
    "Hebrew": "סירת נייר בגשם",
    "Arabic": "قارب ورقي في المطر، کشتی کاغذی",
    "Devanagari": "काग़ज़ की नाव क्षत्रिय",
    "Bengali": "কাগজের নৌকা",
    "Gurmukhi": "ਕਾਗਜ਼ ਦੀ ਕਿਸ਼ਤੀ",
    "Gujarati": "કાગળની હોડી",
    "Tamil": "காகித படகு",
    "Telugu": "కాగితపు పడవ",
    "Kannada": "ಕಾಗದದ ದೋಣಿ",
    "Malayalam": "കടലാസ് വഞ്ചി",
    "Sinhala": "කඩදාසි බෝට්ටුව",
    "Thai": "เรือกระดาษลอยในสายฝน",
    "Lao": "ເຮືອເຈ້ຍ",
    "Khmer": "ទូកក្រដាស",
    "Burmese": "စက္ကူလှေ",
    "Tibetan": "ཤོག་བུའི་གྲུ",
    "Ethiopic": "የወረቀት ጀልባ",
    "Japanese": "紙の舟が雨の街を行く。「カヌー」",
    "Chinese": "纸船漂过雨中的街道，紙船漂過雨中的街道",
    "Korean": "종이배가 비 내리는 거리를 떠다닌다",
    "emoji": "☕ 🚤 👩‍👩‍👧 👍🏽 🇩🇪 1️⃣ 🌧️",
    "signs": "→ ★ ✓ ℃ ½ € ₹ ∞ ± • …",
}


@pytest.mark.parametrize("size", [(320, 180), (180, 320), (1920, 1080), (1080, 1920), (480, 480)])
@pytest.mark.parametrize("prompt", ["short", "word " * 400, "W" * 3000, "雨" * 900, "two\nlines\tand a tab"])
def test_a_caption_lies_on_the_lowest_part_of_the_frame(size: tuple[int, int], prompt: str) -> None:
    """However long the prompt, the strip ends with the frame and leaves nearly nine tenths of it free."""
    strip = caption(prompt, *size)
    assert strip is not None
    height, width = strip.y.shape
    assert (strip.left, width) == (0, size[0])
    assert strip.top + height == size[1]
    assert height < 0.115 * size[1] or height < 30


@pytest.mark.parametrize("script", SCRIPTS)
def test_every_script_has_its_glyphs(script: str) -> None:
    """Nothing of these scripts is missing, and shaping uses real glyphs of the fonts: never number 0."""
    text = SCRIPTS[script]
    assert missing(text) == []
    shaped = line(text, 20)
    assert shaped.missing == 0
    assert all(number != 0 for _, number, _, _ in shaped.glyphs)
    assert shaped.coverage().max() > 200


def test_scripts_are_told_apart(make: Make) -> None:
    """Two prompts that differ in their Russian words alone make different pictures."""
    first, second = (
        decoded(make(f"static street {words}", caption=True, seconds=0.1))[0].astype(int)
        for words in ("белый кораблик", "синий паровозик")
    )
    assert (np.abs(first - second) > 40).sum() > 30


def test_letters_are_joined_and_turned_as_their_script_asks() -> None:
    """Arabic letters join, a Devanagari vowel moves before its consonant, Hebrew runs from right to left."""
    alone = {number for letter in "قارب" for _, number, _, _ in line(letter, 20).glyphs}
    joined = {number for _, number, _, _ in line("قارب", 20).glyphs}
    assert len(joined & alone) <= 2
    ka, ki = line("क", 20).glyphs, line("कि", 20).glyphs
    assert ki[-1][1] == ka[0][1]
    assert ki[0][2] < ki[-1][2]
    alef, bet = line("א", 20).glyphs[0][1], line("ב", 20).glyphs[0][1]
    places = {number: x for _, number, x, _ in line("אב", 20).glyphs}
    assert places[alef] > places[bet]


def test_numbers_and_latin_words_keep_their_direction_in_hebrew() -> None:
    """In a line from right to left, a number and a Latin name are read from left to right, in their place."""
    mixed = line("סירה 12 boat שלום", 20)
    latin = [(x, number) for name, number, x, _ in mixed.glyphs if name == FONTS[0]]
    one, two, b, o = (line(char, 20).glyphs[0][1] for char in "12bo")
    at = {number: x for x, number in latin}
    assert at[b] < at[o] < at[one] < at[two]
    shalom = line("ש", 20).glyphs[0][1]
    assert min(x for _, number, x, _ in mixed.glyphs if number == shalom) < at[b]


def test_what_no_font_has_is_a_box_and_is_counted() -> None:
    """A cuneiform sign is shown as a hollow box in its place, and counted; nothing is dropped."""
    shown = line("a 𒀀𒁀 b", 20)
    box = line(MISSING, 20).glyphs[0][1]
    assert missing("a 𒀀𒁀 b") == ["𒀀", "𒁀"]
    assert shown.missing == 2
    assert [number for _, number, _, _ in shown.glyphs].count(box) == 2


def test_lines_fit_and_the_rest_is_an_ellipsis() -> None:
    """Text is broken between words; what does not fit ends in an ellipsis."""
    found = lines("the quick brown fox jumps over the lazy dog " * 9, 20, 300, 2)
    assert len(found) == 2
    assert all(one.width <= 300 for one in found)
    assert all("quick brown fox jumps over the lazy dog".find(word) >= 0 for word in found[0].text.split())
    assert found[-1].text.endswith(ELLIPSIS)
    assert not lines("short", 20, 300, 2)[0].cut


def test_japanese_and_thai_are_broken_without_spaces() -> None:
    """Lines without spaces are filled, none begins with a stop or ends with an opening bracket."""
    japanese = lines("紙の舟が雨の街を行く。「こんにちは」と言った、そして港へ。" * 3, 20, 200, 9)
    assert len(japanese) > 3
    assert all(one.width > 150 for one in japanese[:-1])
    assert all(one.text[0] not in "。、」" and one.text[-1] != "「" for one in japanese)
    thai = lines("เรือกระดาษลอยไปตามถนนที่เปียกฝนในยามค่ำคืน" * 3, 20, 200, 9)
    assert len(thai) > 3
    assert all(graphemes(one.text)[0] == graphemes("ก" + one.text)[1] for one in thai)


def test_no_character_is_cut() -> None:
    """An accent, a family of emoji, a flag and a syllable stay whole, also if a line ends within a word."""
    assert graphemes("e\u0301👩‍👩‍👧🇩🇪🇫🇷👍🏽हिन्दी") == ["e\u0301", "👩‍👩‍👧", "🇩🇪", "🇫🇷", "👍🏽", "हि", "न्दी"]
    family = "👩‍👩‍👧"
    for width in range(20, 90, 7):
        for one in lines(family * 12, 20, width, 3):
            assert one.text.replace(family, "").strip(ELLIPSIS) == ""


@pytest.mark.parametrize(
    "prompt", ["紙の舟が雨の街を行く", "кораблик 🚤 плывёт", "שלום rain", "a " * 9000, "\u200f \u2066"]
)
def test_any_prompt_renders(make: Make, prompt: str) -> None:
    """Long prompts, other scripts and words that show nothing do not break a render."""
    assert len(decoded(make(prompt, caption=True, seconds=0.1))) == 3


def test_without_caption_no_frame_holds_words(make: Make) -> None:
    """With `caption` off, prompts of other words and the same scenery draw the same pictures."""
    first, second = (
        decoded(make(f"a static city street {words}", caption=False, seconds=0.2))
        for words in ("", "cinematic")
    )
    assert all(np.array_equal(one, other) for one, other in zip(first, second, strict=True))
    written = decoded(make("a static city street", caption=True, seconds=0.2))[0].astype(int)
    changed = np.abs(written - first[0]) > 25
    assert changed[160:].mean() > 0.05
    assert changed[:50, :140].mean() > 0.05
    assert changed[70:140].mean() < 0.001
