"""Whether a prompt is English, told by the small words that every sentence needs."""

from __future__ import annotations

from collections.abc import Sequence

from rushes.engines.animatic.grammar import STOP


def _set(words: str) -> frozenset[str]:
    return frozenset(words.split())


_OTHERS = _set(
    # Spanish, French, German, Italian, Portuguese, Dutch, Polish, Turkish, Swedish; none that English has too
    "el la los las una unos unas del al por para como sobre bajo entre desde hacia y su con sin en lo muy "
    "le les un une des du au aux dans avec sur sous sans et est vers par ses leurs qui que pendant chez "
    "der die das den dem des ein eine einen einem einer und im am zum zur mit auf bei vor nach aus durch "
    "über unter ist sind sich von vom nicht als il gli della dello delle dei degli nel nella nello sul sulla "
    "alla allo e di che mentre una uno o os um uma na no nos nas do da dos das pelo pela ao com em sem "
    "po het een van op naar tijdens langs w z na do pod nad przez jest się oraz bir ve ile için bu üzerinde "
    "och ett som på med är av till"
) - _set("die do no as a in on an am do as per at so or")


def is_foreign(words: Sequence[str]) -> bool:
    """Whether most of these words, in lower case, are of another language, or of another script."""
    letters = [word for word in words if word[0].isalpha()]
    if not letters:
        return bool(words) and not any(word[0].isalnum() for word in words)
    other_script = sum(len(word) for word in letters if not _is_latin(word))
    if other_script > sum(len(word) for word in letters) - other_script:
        return True
    english = sum(word in STOP for word in letters)
    others = sum(word in _OTHERS for word in letters)
    accented = sum(not word.isascii() for word in letters)
    strange = len(letters) > 2 and english == 0 < accented and 2 * accented >= len(letters) - 1
    return others > english or strange


def _is_latin(word: str) -> bool:
    return all(ord(letter) < 0x250 or 0x1E00 <= ord(letter) < 0x1F00 for letter in word if letter.isalpha())
