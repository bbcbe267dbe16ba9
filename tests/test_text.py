"""Text that is safe: no secret in whatever form, no control characters, one line, bounded."""

from __future__ import annotations

import json
import tracemalloc
import unicodedata
from base64 import b64encode

import pytest

from rushes.domain.text import LINE_LIMIT, TextFilter, first_unsafe, json_text, one_line, visible_lines

KEY = "key-id-0123:key-secret+4567/89"
PROXY = "http://ada:hunter%20two@proxy.example.com:8080"

FORMS = [
    KEY,
    "key-id-0123",
    "key-secret+4567/89",
    "key-secret%2B4567%2F89",
    b64encode(KEY.encode()).decode(),
    b64encode(f"{KEY}:".encode()).decode(),
    PROXY,
    "hunter%20two",
    "hunter two",
    b64encode(b"ada:hunter two").decode(),
    "https://somebody:a-password@files.example.com/clip.mp4",
    "https://somebody:a-p@ssword@files.example.com/clip.mp4",
]


@pytest.mark.parametrize("form", FORMS)
def test_a_secret_is_taken_out_in_every_form(form: str) -> None:
    """Whole, its halves, percent-encoded, in a Basic header, in an address: nothing of it is left (B1)."""
    text = TextFilter([KEY, PROXY])
    for safe in (text.line(f"before {form} after"), text.block(f"before\n{form}\nafter")):
        assert "***" in safe
        assert safe.split() != f"before {form} after".split()
        for part in ("key-id", "secret", "4567", "hunter", "password", "p@ss", "aHVudGVy", "a2V5LWlk"):
            assert part not in safe
        assert (safe.split()[0], safe.split()[-1]) == ("before", "after")


def test_what_is_no_secret_stays() -> None:
    """Addresses without a password, and words as short as a part of a key, are told as they are."""
    text = TextFilter([KEY, "on", ""])
    said = "https://files.example.com/a@b is on; mail me@example.com, key 0123"
    assert text.line(said) == said


def test_a_secret_stays_one_when_another_takes_its_place() -> None:
    """What was learned first is still taken out after a second key was learned."""
    text = TextFilter(["the-first-key"])
    text.learn(["the-second-key"])
    assert text.line("the-first-key and the-second-key") == "*** and ***"


@pytest.mark.parametrize(
    ("text", "safe"),
    [
        ("\x1b]52;c;cm0gLXJm\x07done", "\\x1b]52;c;cm0gLXJm\\x07done"),
        ("clip \u202egpj.exe", "clip \\u202egpj.exe"),
        ("one\r\ntwo\tthree\u2028four", "one two three four"),
        ("half a \ud83d pair", "half a \\ud83d pair"),
        ("Ünïcode 映画 👩‍👩‍👧", "Ünïcode 映画 👩‍👩‍👧"),
    ],
    ids=["escape sequence", "direction", "line ends", "surrogate", "words"],
)
def test_control_characters_are_written_out(text: str, safe: str) -> None:
    """Nothing moves the cursor or turns the text around, whatever a provider says; words stay (F13)."""
    assert one_line(text) == safe
    assert TextFilter().line(text) == safe
    safe.encode()


def test_a_line_is_bounded_and_a_block_keeps_its_lines() -> None:
    """A long message is cut, and no part of a key stands at the cut; a traceback stays readable."""
    text = TextFilter([KEY])
    long = text.line("x" * (LINE_LIMIT - 10) + KEY + "y" * 50_000)
    assert len(long) == LINE_LIMIT
    assert "key" not in long
    assert text.block(f"Traceback:\r\n  key {KEY}\n\x1b[31mend") == "Traceback:\n  key ***\n\\x1b[31mend"


def test_data_is_made_safe_in_depth() -> None:
    """Every text of a JSON value, names too; numbers stay numbers."""
    given = {"echo": [f"it was {KEY}", 3, None, {KEY: True}]}
    assert TextFilter([KEY]).data(given) == {"echo": ["it was ***", 3, None, {"***": True}]}


@pytest.mark.parametrize(
    "text",
    [
        "👩‍👩‍👧 ❤️ ✌🏽 1️⃣ ☎︎ ‼️",
        "می‌خواهم",
        "क्‍ष",
        "ന്‍ ഒരു",
        "ᠠ᠋ᠨ",
        "עברית العربية ١٢٣",
        "e\u0301 ọ̀ שָׁלוֹם",
    ],
    ids=["emoji", "Persian", "Hindi", "Malayalam", "Mongolian", "right to left", "marks"],
)
def test_what_scripts_and_emoji_need_stays(text: str) -> None:
    """F13: joiners, selectors and marks where somebody writes with them are no hidden words."""
    assert one_line(text) == text
    assert first_unsafe(text) is None


HIDDEN = [
    *(chr(code) for code in range(0x110000) if unicodedata.category(chr(code)) in {"Cc", "Cs", "Co"}),
    *(chr(code) for code in range(0x110000) if unicodedata.category(chr(code)) == "Cf"),
    *(chr(plane + end) for plane in range(0, 0x110000, 0x10000) for end in (0xFFFE, 0xFFFF)),
    *map(chr, (0xFDD0, 0x034F, 0x115F, 0x1160, 0x3164, 0xFFA0, 0x17B4, 0xFE00, 0xFE0F, 0xE0100, 0xFFF0)),
]
VISIBLE = {*map(chr, (*range(0x0600, 0x0606), 0x06DD, 0x070F, 0x0890, 0x0891, 0x08E2, 0x110BD, 0x110CD))}
"""Signs around Arabic, Syriac and Kaithi numbers and words: of this category, and yet seen."""


def test_every_hidden_character_is_written_out() -> None:
    """F13: control, format, surrogate, private and no characters, between Latin letters, in every form."""
    left = [
        f"U+{ord(char):04X}"
        for char in HIDDEN
        if char not in VISIBLE
        and (
            char in one_line(f"a{char}b")
            or (char not in "\n\t" and char in visible_lines(f"a{char}b"))
            or (char not in "\n\t\r" and first_unsafe(f"a{char}b") is None)
            or (char not in "\n\t" and not json_text({f"a{char}": char}).isascii())
        )
    ]
    assert left == []


def test_json_keeps_what_it_hides() -> None:
    """F13: a program reads the very text; a terminal sees escapes."""
    text = "a\x9b\u202e\U000e0041\ud83d\u200b映画"
    shown = json_text({"text": text, text: 1}, indent=2)
    assert json.loads(shown) == {"text": text, text: 1}
    assert "映画" in shown
    assert first_unsafe(shown) is None


def test_a_flood_of_marks_is_cut() -> None:
    """F13: one letter covers no lines above and below it; blanks of every kind are one."""
    flooded = "a" + "\u0335\u0489" * 500 + "b"
    assert len(one_line(flooded)) < 12
    assert one_line("a\u3000\u2003\u2800 \u00a0b") == "a b"


def test_a_joiner_hides_nothing_between_other_letters() -> None:
    """F13: not in Latin words, not in a row, not at an end; a selector once, behind what it styles."""
    for text in ("ig\u200dnore", "م\u200c\u200cن", "\u200dم", "a\ufe0f", "❤\ufe0f\ufe0f", "5\ufe0f"):
        assert "\\u" in one_line(text), ascii(text)


def test_of_a_text_as_large_as_an_answer_only_the_beginning_is_looked_at() -> None:
    """F01: a line has a thousand characters, so nobody waits for the other million."""
    text = "\u202e" * 1_000_000
    tracemalloc.start()
    try:
        assert one_line(text).endswith("…")
        assert TextFilter([KEY]).line(text) == one_line(text)
        assert tracemalloc.get_traced_memory()[1] < 20_000_000
    finally:
        tracemalloc.stop()
