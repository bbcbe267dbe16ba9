"""Reading a prompt: what its words say about the shot.

Words are matched as words, longest phrase first; of several settings the one named most often wins, then the
one named first. A word after "no", "without" or "not" does not count.
"""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping
from enum import StrEnum
from typing import TypeVar

from rushes.engines.animatic.shot import Move, Setting, Shot, Subject, Time, Weather
from rushes.engines.animatic.words import HINTS, MOVES, SETTINGS, SUBJECTS, TIMES, WEATHERS

Kind = TypeVar("Kind", bound=StrEnum)

_NEGATIONS = r"(?:no|without|not|never|isn't|free of|instead of|rather than|neither|nor|avoid)"
_FILLERS = r"(?:(?:any|a|an|the|more|much|camera|sign|signs|of|longer|really|is|it)\s+){0,3}"
# Phrases whose words would name a place on their own.
_FROZEN = re.compile(
    r"sea of \w+|wooden|a wave of \w+|waves? (?:at|to|goodbye)|table mountain|tree ?house|green ?house"
)


def read(prompt: str) -> Shot:
    """Return the shot that a prompt describes; what it does not say gets a default that suits the rest."""
    text = _plain(prompt)
    scenery = _without_frozen(_without(text, MOVES))
    setting = _most_named(SETTINGS, scenery) or _most_named(HINTS, scenery)
    weather = _most_named(WEATHERS, scenery)
    time = _most_named(TIMES, scenery)
    subject = _most_named(SUBJECTS, scenery)
    return Shot(
        setting=setting or _setting_of(subject, weather),
        time=time or Time.DAY,
        weather=weather or Weather.CLEAR,
        move=_most_named(MOVES, text) or Move.PUSH_IN,
        subject=subject,
    )


def _plain(prompt: str) -> str:
    """Lower case, one space between words, straight quotes, hyphens kept as spaces."""
    folded = prompt.casefold().replace("’", "'")
    return " ".join(re.sub(r"[-_/–—]+", " ", folded).split())


def _setting_of(subject: Subject | None, weather: Weather | None) -> Setting:
    if subject in (Subject.PAPER_BOAT, Subject.BOAT, Subject.SHIP, Subject.LIGHTHOUSE):
        return Setting.SEA
    if subject in (Subject.CAR, Subject.TRAIN):
        return Setting.CITY
    if subject is Subject.ANIMAL:
        return Setting.FOREST
    return Setting.MOUNTAINS


@functools.cache
def _pattern(words: str) -> re.Pattern[str]:
    """Compile a list of words into one pattern, longest first, so that a phrase beats a word in it."""
    phrases = sorted((word.strip() for word in words.split(",")), key=len, reverse=True)
    shapes = (
        re.escape(phrase[:-1]) + r"\w*" if phrase.endswith("*") else re.escape(phrase) + r"(?:s|es)?"
        for phrase in phrases
    )
    return re.compile(rf"(?<!\w)(?:{'|'.join(shapes)})(?!\w)")


def _most_named(table: Mapping[Kind, str], text: str) -> Kind | None:
    """Return the kind named most often, the first named among equals, or None."""
    ranked = []
    for kind, words in table.items():
        hits = [hit.start() for hit in _pattern(words).finditer(text) if not _denied(text, hit.start())]
        if hits:
            ranked.append((-len(hits), hits[0], kind))
    return min(ranked, key=lambda entry: entry[:2])[2] if ranked else None


def _denied(text: str, start: int) -> bool:
    """Whether the word at `start` follows a negation, across "and" or "or" as in "no rain or fog"."""
    return bool(re.search(rf"\b{_NEGATIONS}\s+{_FILLERS}(?:\w+\s+(?:or|and|nor)\s+)?$", text[:start]))


def _without(text: str, table: Mapping[Kind, str]) -> str:
    for words in table.values():
        text = _pattern(words).sub(" , ", text)
    return text


def _without_frozen(text: str) -> str:
    return _FROZEN.sub(" , ", text)
