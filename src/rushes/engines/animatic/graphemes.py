"""Text cut into what a reader calls a character, and where lines of it may be broken.

The rules of Unicode's annexes 29 and 14 as far as a caption needs them, from the tables of `unicodedata`.
Thai, Lao, Khmer and Burmese are written without spaces, and finding their words takes a dictionary: a line of
them may end within a word, never within a character.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator

JOINER = "\u200d"
_EXTENDS = frozenset("\u0e33\u0eb3\u200c")  # Thai and Lao AM, the non-joiner
_VOWELS_BEFORE = range(0x0E40, 0x0E45), range(0x0EC0, 0x0EC5)  # Thai and Lao: written before the consonant
_UNSPACED = (range(0x0E00, 0x0F00), range(0x1000, 0x10A0), range(0x1780, 0x1800))
_NOT_FIRST = frozenset(
    "ーぁぃぅぇぉっゃゅょゎァィゥェォッャュョヮヵヶ々ゝゞヽヾ〻ๆฯ។៕၊။…,.!?:;%、。，．！？：；％・〜～"
)


def graphemes(text: str) -> list[str]:
    """Cut text into characters as a reader sees them: with their accents, emoji and flags whole."""
    pieces: list[str] = []
    for char in text:
        if pieces and _continues(pieces[-1], char):
            pieces[-1] += char
        else:
            pieces.append(char)
    return pieces


def _continues(before: str, char: str) -> bool:
    if char == JOINER or before[-1] == JOINER or char in _EXTENDS:
        return True
    if unicodedata.category(char) in ("Mn", "Mc", "Me"):
        return True
    code, last = ord(char), ord(before[-1])
    if 0x1F3FB <= code <= 0x1F3FF or 0xE0020 <= code <= 0xE007F:  # skin tones, and the tags of flags
        return True
    if 0x1F1E6 <= code <= 0x1F1FF:
        return len(before) == 1 and 0x1F1E6 <= last <= 0x1F1FF
    if 0x1160 <= code <= 0x11FF:  # the vowel and the end of a Korean syllable in parts
        return 0x1100 <= last <= 0x11FF or 0xAC00 <= last <= 0xD7A3
    # A virama ties the next consonant to this one. Tamil's, for one, does so too seldom to matter.
    return unicodedata.combining(before[-1]) == 9 and unicodedata.category(char) == "Lo"


def pieces(text: str, longest: int = 40) -> Iterator[str]:
    """Yield the parts of text between which a line may be broken; a space stays at the end of its part.

    A word of more than `longest` characters is cut after so many.
    """
    piece: list[str] = []
    for one in graphemes(text):
        if piece and (_may_break(piece[-1], one) or len(piece) >= longest):
            yield "".join(piece)
            piece = []
        piece.append(one)
    if piece:
        yield "".join(piece)


def _may_break(before: str, after: str) -> bool:
    if before[-1] == " ":
        return after != " "
    if after == " ":
        return False
    if after[0] in _NOT_FIRST or unicodedata.category(after[0]) in ("Pe", "Pf"):
        return False
    if unicodedata.category(before[0]) in ("Ps", "Pi") or _in(before[0], _VOWELS_BEFORE):
        return False
    return (_is_ideographic(before) or _is_ideographic(after)) or (
        _in(before[0], _UNSPACED) and _in(after[0], _UNSPACED)
    )


def _is_ideographic(one: str) -> bool:
    """Whether lines may be broken beside it: Han, kana and emoji; Korean has spaces."""
    code = ord(one[0])
    return unicodedata.east_asian_width(one[0]) in ("W", "F") and not 0xAC00 <= code <= 0xD7A3


def _in(char: str, ranges: tuple[range, ...]) -> bool:
    return any(ord(char) in span for span in ranges)
