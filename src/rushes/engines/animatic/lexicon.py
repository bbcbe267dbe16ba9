"""Finding in a prompt the phrases of `words`, the longest first."""

from __future__ import annotations

import functools
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from rushes.engines.animatic.grammar import (
    ARTICLES,
    NEGATIONS,
    Word,
    is_adjective,
    is_content,
    is_plural,
    is_verb,
    plain,
)
from rushes.engines.animatic.shot import Angle, Framing, Move, Setting, Time, Weather
from rushes.engines.animatic.words import CAMERA_VERBS, COMPOUNDS, FILM, HINTS, NAMES, PARTS, PLACES

_CAMERA = re.compile(r"\b(?:camera|drone|view|lens|frame|we)\b(?:\s+\w+){0,3}\s*$")


_HAS_WAY = re.compile(r"\b(?:left|right|up|down|in|out|back)\b|ward")
_BETWEEN = (
    r"(?: (?:\w+ly|shot|movement|from (?:the )?(?:left|right|top|bottom|ground|sky)|to|towards?|the))*?"
)
_OTHER_WAY: Mapping[StrEnum, Sequence[tuple[re.Pattern[str], Move]]] = {
    Move.PAN_RIGHT: (
        (re.compile(rf"{_BETWEEN}(?<!from) left\b(?! to)"), Move.PAN_LEFT),
        (re.compile(rf"{_BETWEEN} (?:up|upwards?)\b"), Move.TILT_UP),
        (re.compile(rf"{_BETWEEN} (?:down|downwards?)\b"), Move.TILT_DOWN),
        (re.compile(rf"{_BETWEEN} out\b"), Move.PULL_OUT),
    ),
    Move.TILT_UP: ((re.compile(rf"{_BETWEEN} (?:down|downwards?)\b"), Move.TILT_DOWN),),
    Move.TILT_DOWN: ((re.compile(rf"{_BETWEEN} (?:up|upwards?)\b"), Move.TILT_UP),),
    Move.PUSH_IN: ((re.compile(rf"{_BETWEEN} (?:out|back|backwards?|away)\b"), Move.PULL_OUT),),
}
"""Where a move goes that names no way: elsewhere than usual, if these words follow."""


@dataclass(frozen=True, kw_only=True)
class Found:
    """A phrase of `words` in a prompt. `names`, `places` and `hints` are what it speaks for; `parts` lists,
    for each thing that it may be part of, what the shot must be of. The places of its words are `at`."""

    text: str
    start: int
    at: range
    denied: bool
    entry: Entry

    @property
    def kinds(self) -> tuple[StrEnum, ...]:
        return (*self.entry.names, *self.entry.places, *self.entry.hints)


@dataclass(kw_only=True)
class Entry:
    """What a phrase stands for. `moves` hold only after a word for the camera."""

    names: list[StrEnum] = field(default_factory=list)
    places: list[StrEnum] = field(default_factory=list)
    hints: list[StrEnum] = field(default_factory=list)
    parts: list[tuple[StrEnum, ...]] = field(default_factory=list)
    moves: list[StrEnum] = field(default_factory=list)
    film: bool = False

    @property
    def is_filming(self) -> bool:
        """Whether it says how it is filmed, and nothing about what is seen."""
        return self.film or any(isinstance(one, (Move, Angle, Framing)) for one in self.names)

    @property
    def is_place(self) -> bool:
        """Whether it is a place, a time or a weather, or a part of the scenery."""
        outdoors = (one for together in self.parts for one in together if one is not Setting.INTERIOR)
        kinds = (Setting, Time, Weather)
        return any(isinstance(one, kinds) for one in (*self.names, *self.places, *outdoors))


@functools.cache
def _lexicon() -> tuple[dict[str, Entry], re.Pattern[str]]:
    """Return every phrase with what it stands for, and a pattern that finds the longest at a place."""
    entries: dict[str, Entry] = defaultdict(Entry)

    def phrases(words: str) -> Iterable[Entry]:
        return (entries[plain(word)] for word in words.split(",") if word.strip())

    for table, name in ((NAMES, "names"), (PLACES, "places"), (HINTS, "hints"), (CAMERA_VERBS, "moves")):
        for kind, words in table.items():
            for entry in phrases(words):
                getattr(entry, name).append(kind)
    for together, words in PARTS:
        for entry in phrases(words):
            entry.parts.append(together)
    for entry in phrases(FILM):
        entry.film = True
    list(phrases(COMPOUNDS))  # being there is all that they do
    shapes = (_shape(phrase) for phrase in sorted(entries, key=len, reverse=True))
    return dict(entries), re.compile(rf"(?<!\w)(?:{'|'.join(shapes)})(?!\w)")


def _shape(phrase: str) -> str:
    """Return a pattern for a phrase, as it stands and in the plural: "boats", "beaches", "cities"."""
    if phrase.endswith("*"):
        return re.escape(phrase[:-1]) + r"\w*"
    if re.search(r"[^aeiou]y$", phrase):
        return re.escape(phrase[:-1]) + "(?:y|ies)"
    return re.escape(phrase) + ("(?:s|es)?" if re.search("(?:[sxzo]|ch|sh)$", phrase) else "s?")


def _entry(text: str) -> Entry:
    entries, _ = _lexicon()
    for form in (text, text.removesuffix("s"), text.removesuffix("es"), re.sub("ies$", "y", text)):
        if form in entries:
            return entries[form]
    return next(
        entry for phrase, entry in entries.items() if phrase[-1] == "*" and text.startswith(phrase[:-1])
    )


def _is_action(words: Sequence[Word], at: range) -> bool:
    """Whether a word for a thing is what somebody does: "a child building a castle"."""
    before, after = words[at[0] - 1 : at[0]], words[at[-1] + 1 : at[-1] + 2]
    if len(at) > 1 or not before or not is_verb(words[at[0]].text):
        return False
    doer, text = before[0].text, words[at[0]].text
    follows_noun = is_content(doer) and not is_adjective(doer)
    if follows_noun and is_plural(doer) and not is_plural(text) and not text.endswith("ing"):
        return True  # "shuttles dock"
    follows_noun = follows_noun or doer in {"he", "she", "it", "they"}
    return follows_noun and bool(after) and after[0].text in ARTICLES


def _turned(entry: Entry, move: str, after: str) -> Entry:
    """Let what follows say to which side or end a move goes that does not say so itself: "slow pan left"."""
    for one in entry.names:
        for said, turned in _OTHER_WAY.get(one, ()):
            if not _HAS_WAY.search(move) and said.match(after):
                return Entry(names=[turned])
    return entry


def find(text: str, words: Sequence[Word], denied: frozenset[int]) -> list[Found]:
    """Return the phrases of a text that are known; one that names a camera move counts only of a camera.

    The words in `denied` are said not to be there.
    """
    places = {word.start: number for number, word in enumerate(words)}
    ends = {word.end: number for number, word in enumerate(words)}
    found = []
    for hit in _lexicon()[1].finditer(text):
        if hit.start() not in places or hit.end() not in ends:
            continue
        entry = _entry(hit.group())
        at = range(places[hit.start()], ends[hit.end()] + 1)
        if entry.moves:
            if _CAMERA.search(text[: hit.start()]):
                entry = Entry(names=entry.moves)
            elif not entry.names:
                continue
        elif (entry.names or entry.places or entry.hints) and _is_action(words, at):
            continue
        entry = _turned(entry, hit.group(), text[hit.end() :])
        # A phrase with its own negation in it, such as "no camera movement", means what it says.
        is_denied = at[0] in denied and not any(words[one].text in NEGATIONS for one in at)
        found.append(Found(text=hit.group(), start=hit.start(), at=at, denied=is_denied, entry=entry))
    return found
