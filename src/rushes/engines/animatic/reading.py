"""Reading a prompt: what its words say about the shot, and which of them will be seen in it.

Phrases of `words` are looked up, the longest first. What they speak for is weighed; the setting is settled by
all that speaks for one, the subject included. The subject is what the prompt names first. A word after "no",
"without" or "not" does not count.
"""

from __future__ import annotations

import functools
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TypeVar

from rushes.domain.understanding import Understanding
from rushes.engines.animatic.grammar import (
    BODY,
    DETERMINERS,
    GROUPS,
    LESSER,
    NUMBERS,
    STYLES,
    Thing,
    Word,
    is_adjective,
    is_content,
    is_verb,
    may_be_adjective,
    plain,
    things,
    words_of,
)
from rushes.engines.animatic.languages import is_foreign
from rushes.engines.animatic.shot import Angle, Framing, Move, Setting, Shot, Subject, Time, Weather
from rushes.engines.animatic.words import (
    CAMERA_VERBS,
    COLOURS,
    COMPOUNDS,
    FILM,
    HINTS,
    NAMES,
    PARTS,
    PLACES,
)

Kind = TypeVar("Kind", bound=StrEnum)

STRONG, WEAK = 3, 1
"""What a word weighs that names or places a thing, and one that only hints at it."""

PICTURE = "your picture"
NOTHING_READ = "everything: the storyboard reads English"

_NEGATIONS = r"(?:no|without|not|never|isn't|free of|instead of|rather than|neither|nor|avoid|avoiding)"
_FILLERS = r"(?:(?:any|a|an|the|more|much|camera|sign|signs|of|longer|really|is|it)\s+){0,3}"
_DENIED = re.compile(rf"\b{_NEGATIONS}\s+{_FILLERS}(?:\w+\s+(?:or|and|nor)\s+)?$")
_CAMERA = re.compile(r"\b(?:camera|drone|view|lens|frame|we)\b(?:\s+\w+){0,3}\s*$")
_AT_HOME: Mapping[Subject, tuple[Setting, int]] = {
    Subject.PAPER_BOAT: (Setting.SEA, WEAK),
    Subject.BOAT: (Setting.SEA, STRONG - 1),
    Subject.SHIP: (Setting.SEA, STRONG - 1),
    Subject.LIGHTHOUSE: (Setting.SEA, STRONG - 1),
    Subject.CAR: (Setting.CITY, WEAK),
    Subject.TRAIN: (Setting.CITY, WEAK),
    Subject.DEER: (Setting.FOREST, WEAK),
    Subject.CABIN: (Setting.MOUNTAINS, WEAK),
}
"""Where a subject is at home, and how much that weighs."""
_STEADY = frozenset({"slow", "gentle", "smooth", "steady", "subtle", "single"})
"""Before a camera move: so are they all."""


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


@dataclass(frozen=True, kw_only=True)
class Reading:
    """A prompt as it was read: its words, the phrases found in them, and the shot they make.

    `subject` is the phrase that names the subject, `marked` the words of the marker; None for what said so.
    """

    words: Sequence[Word]
    found: Sequence[Found]
    shot: Shot
    subject: Found | None
    marked: range
    said: frozenset[StrEnum]
    foreign: bool


def read(prompt: str) -> Shot:
    """Return the shot that a prompt describes; what it does not say gets a default that suits the rest."""
    return reading(prompt).shot


def understand(prompt: str, *, picture: bool = False) -> Understanding:
    """Return which words of a prompt will be seen; over a `picture` that is given, only its move."""
    one = reading(prompt)
    if one.foreign:
        return Understanding(understood=(), not_drawn=(NOTHING_READ,), assumed=_assumed(one))
    return _Telling(one, picture=picture).understanding()


@functools.lru_cache(maxsize=8)
def reading(prompt: str) -> Reading:
    """Read a prompt."""
    text = plain(prompt)
    words = words_of(text)
    foreign = is_foreign([word.text for word in words])
    found = [] if foreign else _find(text, words)
    counted = [one for one in found if not one.denied]
    subject, marked = (None, range(0)) if foreign else _subject(words, found)
    time, weather, move = _most(counted, Time), _most(counted, Weather), _most(counted, Move)
    drawn = _kind(subject, Subject) if subject else None
    setting = _settle(counted, drawn)
    angle, framing = _first(counted, Angle), _first(counted, Framing)
    shot = Shot(
        setting=setting or Setting.PLAIN,
        time=time or Time.DAY,
        weather=weather or Weather.CLEAR,
        move=move or Move.PUSH_IN,
        subject=drawn,
        marker=" ".join(words[at].text for at in marked) or None,
        angle=angle or Angle.EYE_LEVEL,
        framing=framing or Framing.MEDIUM,
    )
    said = {kind for one in counted for kind in one.kinds}
    return Reading(
        words=words,
        found=found,
        shot=shot,
        subject=subject,
        marked=marked,
        said=frozenset(said),
        foreign=foreign,
    )


# --- the words ---


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
    for _ in phrases(COMPOUNDS):
        pass  # being there is all that they do
    shapes = (
        re.escape(phrase.removesuffix("*")) + (r"\w*" if phrase.endswith("*") else "(?:s|es)?")
        for phrase in sorted(entries, key=len, reverse=True)
    )
    return dict(entries), re.compile(rf"(?<!\w)(?:{'|'.join(shapes)})(?!\w)")


def _entry(text: str) -> Entry:
    entries, _ = _lexicon()
    for form in (text, text.removesuffix("s"), text.removesuffix("es")):
        if form in entries:
            return entries[form]
    return next(
        entry for phrase, entry in entries.items() if phrase[-1] == "*" and text.startswith(phrase[:-1])
    )


def _find(text: str, words: Sequence[Word]) -> list[Found]:
    """Return the phrases of a text that are known; one that names a camera move counts only of a camera."""
    places = {word.start: number for number, word in enumerate(words)}
    ends = {word.end: number for number, word in enumerate(words)}
    found = []
    for hit in _lexicon()[1].finditer(text):
        if hit.start() not in places or hit.end() not in ends:
            continue
        entry = _entry(hit.group())
        if entry.moves:
            if _CAMERA.search(text[: hit.start()]):
                entry = Entry(names=entry.moves)
            elif not entry.names:
                continue
        found.append(
            Found(
                text=hit.group(),
                start=hit.start(),
                at=range(places[hit.start()], ends[hit.end()] + 1),
                denied=bool(_DENIED.search(text[: hit.start()])),
                entry=entry,
            )
        )
    return found


# --- the shot ---


def _kind(found: Found, kind: type[Kind]) -> Kind | None:
    return next((one for one in found.kinds if isinstance(one, kind)), None)


def _weights(found: Sequence[Found], kind: type[Kind]) -> dict[Kind, int]:
    """Return how much speaks for each of a kind, in the order in which they come up."""
    weights: dict[Kind, int] = {}
    for one in found:
        for table, weight in ((one.entry.names, STRONG), (one.entry.places, STRONG), (one.entry.hints, WEAK)):
            for value in table:
                if isinstance(value, kind):
                    weights[value] = weights.get(value, 0) + weight
    return weights


def _most(found: Sequence[Found], kind: type[Kind]) -> Kind | None:
    weights = _weights(found, kind)
    return max(weights, key=lambda value: weights[value]) if weights else None


def _first(found: Sequence[Found], kind: type[Kind]) -> Kind | None:
    """Return what is named first; a hint counts only if nothing is named."""
    named = (value for one in found for value in one.entry.names)
    hinted = (value for one in found for value in one.entry.hints)
    return next((value for value in (*named, *hinted) if isinstance(value, kind)), None)


def _settle(found: Sequence[Found], subject: Subject | None) -> Setting | None:
    weights = _weights(found, Setting)
    if subject is not None and subject in _AT_HOME:
        home, weight = _AT_HOME[subject]
        weights[home] = weights.get(home, 0) + weight
    return max(weights, key=lambda value: weights[value]) if weights else None


def _subject(words: Sequence[Word], found: Sequence[Found]) -> tuple[Found | None, range]:
    """Return the phrase that names the subject, or else the words of a marker for what cannot be drawn."""
    owner = {at: one for one in found for at in one.at}
    camera = frozenset(at for at, one in owner.items() if one.entry.is_filming)
    phrases = {one.at.start: one.at.stop - 1 for one in found if len(one.at) > 1}
    elsewhere: Found | None = None
    about_a_place = False
    for thing in things(words, camera, phrases):
        head = owner.get(thing.last)
        if _is_denied(words, thing):
            continue
        if head is not None and _kind(head, Subject) is not None:
            if thing.direct:
                return head, range(0)
            elsewhere = elsewhere or head
        elif (own := _whose(words, thing, owner)) is not None:
            if thing.direct:
                return own, range(0)
            elsewhere = elsewhere or own
        elif thing.direct and head is not None and head.entry.is_place:
            about_a_place = True
        elif thing.direct and _can_be_marked(words, thing, about_a_place):
            if elsewhere is not None and any(
                word.text in ".;!?" for word in words[elsewhere.at.stop : thing.first]
            ):
                break
            return None, _marked(words, thing, head)
    pronoun = next((one for one in found if one.text in {"he", "she"} and not one.denied), None)
    return elsewhere or pronoun, range(0)


def _whose(words: Sequence[Word], thing: Thing, owner: Mapping[int, Found]) -> Found | None:
    """Return the subject whose face, hands or eyes a thing is."""
    if words[thing.last].text not in BODY:
        return None
    owners = (owner[at] for at in range(thing.first, thing.last) if at in owner)
    return next((one for one in owners if _kind(one, Subject) is not None), None)


def _can_be_marked(words: Sequence[Word], thing: Thing, about_a_place: bool) -> bool:
    """Whether a marker may bear a thing's name; where it is about a place, only if it has an article."""
    text = words[thing.last].text
    introduced = thing.first > 0 and words[thing.first - 1].text in DETERMINERS
    if text in LESSER or text in STYLES or text in GROUPS or is_adjective(text) or text.isdecimal():
        return False
    if about_a_place and not introduced:
        return False
    alone = thing.first == thing.last and len(words) > 1
    return not alone or not (is_verb(text) or (may_be_adjective(text) and not introduced))


def _is_denied(words: Sequence[Word], thing: Thing) -> bool:
    text = " ".join(word.text for word in words[: thing.first])
    return bool(_DENIED.search(text + " "))


def _marked(words: Sequence[Word], thing: Thing, head: Found | None) -> range:
    """The noun, with the noun right before it if there is one: "coffee cup", but "cat" of "fluffy cat"."""
    if head is not None and len(head.at) > 1:
        return range(max(head.at.start, thing.last - 1), thing.last + 1)
    before = thing.last - 1
    two = (
        before >= thing.first
        and not may_be_adjective(words[before].text)
        and words[before].text not in STYLES
    )
    return range(before if two else thing.last, thing.last + 1)


# --- what is told of it ---


def _assumed(one: Reading) -> tuple[str, ...]:
    shot = one.shot
    return tuple(str(value) for value in (shot.setting, shot.time, shot.move) if value not in one.said)


@dataclass(kw_only=True)
class _Item:
    """A phrase of what is understood: a kind with the words that named it, or words alone."""

    start: int
    value: str
    words: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        others = [word for word in dict.fromkeys(self.words) if not _says(word, self.value)]
        return f"{self.value} ({', '.join(others)})" if others else self.value


def _says(word: str, value: str) -> bool:
    return plain(word).removesuffix("s") == plain(value).removesuffix("s")


class _Telling:
    """Sorts the words of a prompt into what is drawn and what is not."""

    def __init__(self, one: Reading, *, picture: bool) -> None:
        self._one = one
        shot = one.shot
        kinds = (shot.setting, shot.time, shot.weather, shot.move, shot.subject, shot.angle, shot.framing)
        self._drawn: set[StrEnum] = {shot.move} if picture else {kind for kind in kinds if kind is not None}
        self._picture = picture
        self._items: dict[str, _Item] = {}
        self._seen: set[int] = set()

    def understanding(self) -> Understanding:
        for found in self._one.found:
            if found.denied:
                self._seen.update(found.at)
            elif not set(found.at) & set(self._one.marked):
                self._tell(found)
        self._tell_adjectives()
        items = sorted(self._items.values(), key=lambda item: item.start)
        picture = (PICTURE,) if self._picture else ()
        assumed = [text for text in _assumed(self._one) if not self._picture or text == self._one.shot.move]
        return Understanding(
            understood=(*picture, *(str(item) for item in items)),
            not_drawn=tuple(dict.fromkeys(self._left())),
            assumed=tuple(assumed),
        )

    def _tell(self, found: Found) -> None:
        """Take down what a phrase is seen as. Of several that name a subject only one is drawn."""
        for kind in found.kinds:
            if kind not in self._drawn or (isinstance(kind, Subject) and not self._is_subject(found)):
                continue
            named = kind in found.entry.names
            item = self._items.setdefault(kind, _Item(start=found.start, value=self._value(kind, found)))
            if named:
                item.words.append(found.text)
                self._seen.update(found.at)
        if not self._seen.issuperset(found.at) and any(
            self._drawn.issuperset(all_) for all_ in found.entry.parts
        ):
            self._items.setdefault(found.text, _Item(start=found.start, value=found.text))
            self._seen.update(found.at)

    def _is_subject(self, found: Found) -> bool:
        subject = self._one.subject
        return subject is not None and (found is subject or found.text == subject.text)

    def _value(self, kind: StrEnum, found: Found) -> str:
        """Of a subject only one is drawn, however many were asked for; of birds always a few."""
        if kind is Subject.BIRD:
            return "birds"
        if kind is Angle.OVERHEAD:
            return Angle.HIGH  # as far down as the drawings let the camera look
        if not isinstance(kind, Subject) or kind not in found.entry.names:
            return kind
        before = self._one.words[max(0, found.at.start - 3) : found.at.start]
        plural = (found.text.endswith("s") and found.text != kind) or found.text in _MANY
        return f"one {kind}" if plural or any(word.text in NUMBERS for word in before) else kind

    def _tell_adjectives(self) -> None:
        """Take a colour that the subject is drawn in, and the pace of a camera move, as understood."""
        words = self._one.words
        for found in self._one.found:
            before = found.at.start - 1
            if before < 0 or before in self._seen or found.denied:
                continue
            subject = self._one.shot.subject
            if found is self._one.subject and subject is not None:
                if words[before].text in COLOURS.get(subject, ()):
                    self._items[subject].value = f"{words[before].text} {self._items[subject].value}"
                    self._seen.add(before)
            elif self._one.shot.move in found.entry.names and words[before].text in _STEADY:
                self._seen.add(before)

    def _left(self) -> Iterable[str]:
        """Yield the words that are not drawn, in phrases: up to a verb, a mark or a word that is drawn."""
        whole = {one.at.start: one for one in self._one.found if len(one.at) > 1 or one.entry.film}
        marked = self._one.marked
        phrase: list[str] = []
        at = 0
        while at < len(self._one.words):
            text = self._one.words[at].text
            if at in whole and at not in self._seen and not set(whole[at].at) & set(marked):
                yield from _joined(phrase)
                phrase = []
                yield whole[at].text
                at = whole[at].at.stop
                continue
            if not self._is_left(at):
                yield from _joined(phrase)
                phrase = []
            elif phrase and (is_verb(text) or len(phrase) == MOST_WORDS or at in marked[:1]):
                yield from _joined(phrase)
                phrase = [text]
            else:
                phrase.append(text)
            if marked and at == marked[-1]:
                yield f"{' '.join(phrase)} ({MARKED})"
                phrase = []
            at += 1
        yield from _joined(phrase)

    def _is_left(self, at: int) -> bool:
        text = self._one.words[at].text
        if at in self._seen or not is_content(text) or self._is_denied(at):
            return False
        if at + 1 < len(self._one.words) and self._one.words[at + 1].text == ":":
            return False  # a heading, as in "Lighting: soft"
        return text not in MANNERS or at - 1 not in self._seen

    def _is_denied(self, at: int) -> bool:
        text = " ".join(word.text for word in self._one.words[max(0, at - 6) : at])
        return bool(_DENIED.search(text + " "))


MOST_WORDS = 4
MARKED = "name only"
MANNERS = frozenset(
    {"atmosphere", "mood", "aesthetic", "landscape", "scenery", "environment", "lighting", "light"}
)
"""After what is drawn they say nothing more: "misty morning atmosphere"."""
_MANY = frozenset({"people", "men", "women", "children", "couple", "geese"})


def _joined(phrase: Sequence[str]) -> Iterable[str]:
    if phrase:
        yield " ".join(phrase)
