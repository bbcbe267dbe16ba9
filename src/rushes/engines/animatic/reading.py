"""Reading a prompt: what its words say about the shot.

What the phrases of `words` speak for is weighed; the setting is settled by all that speaks for one, the
subject included. The subject is what the prompt names first. What stands after "no" does not count.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeVar

from rushes.engines.animatic.grammar import (
    BODY,
    DETERMINERS,
    GROUPS,
    LESSER,
    NEGATIONS,
    STYLES,
    Thing,
    Word,
    denied_in,
    is_adjective,
    is_heading,
    is_verb,
    may_be_adjective,
    plain,
    quoted_in,
    things,
    words_of,
)
from rushes.engines.animatic.languages import is_foreign
from rushes.engines.animatic.lexicon import Found, find
from rushes.engines.animatic.shot import Angle, Framing, Move, Setting, Shot, Subject, Time, Weather

Kind = TypeVar("Kind", bound=StrEnum)

STRONG, WEAK = 3, 1
"""What a word weighs that names or places a thing, and one that only hints at it."""

LONGEST_NOUN = 30  # letters

_AT_HOME: Mapping[Subject, tuple[Setting, int]] = {
    Subject.PAPER_BOAT: (Setting.SEA, WEAK),
    Subject.BOAT: (Setting.SEA, STRONG - 1),
    Subject.SHIP: (Setting.SEA, STRONG - 1),
    Subject.LIGHTHOUSE: (Setting.SEA, STRONG - 1),
    Subject.CAR: (Setting.CITY, WEAK),
    Subject.TRAIN: (Setting.CITY, WEAK),
    Subject.DEER: (Setting.FOREST, STRONG - 1),
    Subject.CABIN: (Setting.MOUNTAINS, WEAK),
}
"""Where a subject is at home, and how much that weighs."""


_AFLOAT = frozenset({Subject.BOAT, Subject.SHIP})
_ON_LAND = frozenset({Subject.CABIN, Subject.DEER, Subject.CAR, Subject.TRAIN})
_NOWHERE: Mapping[Setting, frozenset[Subject]] = {
    Setting.SEA: _ON_LAND,
    Setting.INTERIOR: frozenset(
        {Subject.CABIN, Subject.TRAIN, Subject.CAR, Subject.SHIP, Subject.LIGHTHOUSE}
    ),
}
"""What would look silly there: out at sea, where a marker says what is by the water, and in a room, which
is most often one of theirs."""


@dataclass(frozen=True, kw_only=True)
class Reading:
    """A prompt as it was read: its words, the phrases found in them, and the shot they make.

    `subject` is the phrase that names the subject, `marked` are the places of the marker's words, `denied` of
    those that are said not to be there.
    """

    words: Sequence[Word]
    found: Sequence[Found]
    shot: Shot
    subject: Found | None
    marked: range
    denied: frozenset[int]
    foreign: bool


def read(prompt: str) -> Shot:
    """Return the shot that a prompt describes; what it does not say gets a default that suits the rest."""
    return reading(prompt).shot


@functools.lru_cache(maxsize=8)
def reading(prompt: str) -> Reading:
    """Read a prompt."""
    text = plain(prompt)
    words = words_of(text)
    foreign = is_foreign([word.text for word in words])
    denied = denied_in(words)
    said = quoted_in(words)
    found = [] if foreign else [one for one in find(text, words, denied) if one.at[0] not in said]
    counted = [one for one in found if not one.denied]
    subject, marked = (None, range(0)) if foreign else _subject(words, found, denied | said)
    time, weather, move = _most(counted, Time), _most(counted, Weather), _most(counted, Move)
    drawn = _kind(subject, Subject) if subject else None
    setting = _settle(counted, drawn)
    if subject is not None and setting is not None and drawn in _NOWHERE.get(setting, ()):
        marked = subject.at[-1:] if setting is Setting.SEA else range(0)
        subject, drawn = None, None
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
    return Reading(
        words=words,
        found=found,
        shot=shot,
        subject=subject,
        marked=marked,
        denied=denied,
        foreign=foreign,
    )


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
    """Weigh all words; a thing that is not the subject hints at where it is at home."""
    if subject in _ON_LAND and not any(Setting.SEA in (*one.entry.names, *one.entry.places) for one in found):
        found = [one for one in found if Setting.SEA not in one.entry.hints]
    weights = _weights(found, Setting)
    homes = [home for one, home in _AT_HOME.items() if one is subject]
    homes += [(Setting.SEA, WEAK)] if any(_AFLOAT & ({*one.kinds} - {subject}) for one in found) else []
    for home, weight in homes:
        weights[home] = weights.get(home, 0) + weight
    return max(weights, key=lambda value: weights[value]) if weights else None


def _subject(
    words: Sequence[Word], found: Sequence[Found], denied: frozenset[int]
) -> tuple[Found | None, range]:
    """Return the phrase that names the subject, or else the words of a marker for what cannot be drawn."""
    owner = {at: one for one in found for at in one.at}
    camera = frozenset(at for at, one in owner.items() if one.entry.is_filming)
    phrases = {one.at.start: one.at.stop - 1 for one in found if len(one.at) > 1}
    elsewhere: Found | None = None
    about_a_place = False
    for thing in things(words, camera, phrases):
        head = owner.get(thing.last)
        if thing.last in denied:
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
            return None, _marked(words, thing, owner)
    pronoun = next((one for one in found if one.text in {"he", "she"} and not one.denied), None)
    return elsewhere or pronoun, range(0)


def _whose(words: Sequence[Word], thing: Thing, owner: Mapping[int, Found]) -> Found | None:
    """Return the subject whose hands a thing is, or whose light: "lighthouse beam"."""
    if words[thing.last].text not in BODY | LESSER:
        return None
    owners = (owner[at] for at in range(thing.first, thing.last) if at in owner)
    return next((one for one in owners if _kind(one, Subject) is not None), None)


def _can_be_marked(words: Sequence[Word], thing: Thing, about_a_place: bool) -> bool:
    """Whether a marker may bear a thing's name; where it is about a place, only if it has an article."""
    text = words[thing.last].text
    introduced = thing.first > 0 and words[thing.first - 1].text in DETERMINERS
    if (
        text in LESSER
        or text in STYLES
        or text in GROUPS | NEGATIONS
        or is_adjective(text)
        or text.isdecimal()
    ):
        return False
    if (len(text) == 1 and text.isascii()) or len(text) > LONGEST_NOUN or is_heading(words, thing.last):
        return False
    if about_a_place and not introduced:
        return False
    alone = thing.first == thing.last and len(words) > 1
    return not alone or not (is_verb(text) or (may_be_adjective(text) and not introduced))


def _marked(words: Sequence[Word], thing: Thing, owner: Mapping[int, Found]) -> range:
    """The noun, with the noun right before it if there is one: "coffee cup", but "cat" of "fluffy cat".

    A phrase that is known is kept whole: "hot air balloon"."""
    head = owner.get(thing.last)
    if head is not None and len(head.at) > 1:
        return range(max(head.at.start, thing.last - 2), thing.last + 1)
    before = thing.last - 1
    two = (
        before >= thing.first
        and not may_be_adjective(words[before].text)
        and words[before].text not in STYLES
    )
    two = two and not (before in owner and owner[before].entry.is_place)
    return range(before if two else thing.last, thing.last + 1)
