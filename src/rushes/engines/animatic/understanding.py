"""Which words of a prompt are seen in the shot that they make, and which are not."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum

from rushes.domain.understanding import Understanding
from rushes.engines.animatic.grammar import NUMBERS, is_adjective, is_content, is_heading, is_verb, plain
from rushes.engines.animatic.lexicon import Found
from rushes.engines.animatic.reading import Reading, reading
from rushes.engines.animatic.shot import Angle, Setting, Shot, Subject, Time, Weather
from rushes.engines.animatic.words import COLOURS, Seen

PICTURE = "your picture"
NOTHING_READ = "everything: the storyboard reads English"
_STEADY = frozenset({"slow", "gentle", "smooth", "steady", "subtle", "single"})
"""Before a camera move: so are they all."""
MOST_WORDS = 4
LONGEST_WORD = 40  # letters
MARKED = "name only"
MANNERS = frozenset(
    {"atmosphere", "mood", "aesthetic", "landscape", "scenery", "environment", "lighting", "light"}
)
"""After what is drawn they say nothing more: "misty morning atmosphere"."""
_MANY = frozenset({"people", "men", "women", "children", "couple", "crowd", "family", "geese"})


def understand(prompt: str, *, picture: bool = False, caption: bool = True) -> Understanding:
    """Return which words of a prompt will be seen; over a `picture` that is given, only its move.

    Without `caption` there is no marker with a noun on it."""
    one = reading(prompt)
    told = _Telling(one, picture=picture, marker=caption and not picture).understanding()
    return replace(told, not_drawn=(NOTHING_READ,)) if one.foreign else told


@dataclass(kw_only=True)
class _Item:
    """A phrase of what is understood: a kind with the words that named it, or words alone."""

    start: int
    value: str
    words: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        others = [word for word in dict.fromkeys(self.words) if not _says(word, self.value)]
        return f"{self.value} ({', '.join(others)})" if others else f"{self.value}"


def _says(word: str, value: str) -> bool:
    return plain(word).removesuffix("s") == plain(value).removesuffix("s")


class _Telling:
    """Sorts the words of a prompt into what is drawn and what is not."""

    def __init__(self, one: Reading, *, picture: bool, marker: bool) -> None:
        self._one = one
        self._marker = marker
        shot = one.shot
        kinds = (shot.setting, shot.time, shot.weather, shot.move, shot.subject, shot.angle, shot.framing)
        seen: set[StrEnum] = {kind for kind in kinds if kind is not None}
        self._drawn: set[StrEnum] = {shot.move} if picture else {*seen, *_sights(shot)}
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
        # No word says it: what the words have in common only makes it likely, as grapes do a room.
        likely = {
            kind
            for kind, item in self._items.items()
            if isinstance(kind, (Setting, Time, Weather)) and not item.words
        }
        items = sorted(
            (item for kind, item in self._items.items() if kind not in likely), key=lambda item: item.start
        )
        picture = (PICTURE,) if self._picture else ()
        shot = self._one.shot
        weather = () if shot.weather is Weather.CLEAR else (shot.weather,)
        drawn = (shot.move,) if self._picture else (shot.setting, shot.time, *weather, shot.move)
        return Understanding(
            understood=(*picture, *(str(item) for item in items)),
            not_drawn=tuple(dict.fromkeys(self._left())),
            assumed=tuple(str(kind) for kind in drawn if kind not in self._items or kind in likely),
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
            part = _without_lead(found.text)
            self._items.setdefault(part.removesuffix("s"), _Item(start=found.start, value=part))
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
        if not isinstance(kind, Subject):
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
                item = self._items.get(subject)  # none: a given picture takes the place of all that is drawn
                if item is not None and words[before].text in COLOURS.get(subject, ()):
                    item.words = [word for word in item.words if not _says(word, item.value)]
                    item.value = f"{words[before].text} {item.value}"
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
                yield whole[at].text if whole[at].entry.film else _without_lead(whole[at].text)
                at = whole[at].at.stop
                continue
            if not self._is_left(at):
                yield from _joined(phrase)
                phrase = []
            elif phrase and (
                (is_verb(text) and not is_adjective(phrase[-1]))
                or len(phrase) == MOST_WORDS
                or at in marked[:1]
            ):
                yield from _joined(phrase)
                phrase = [text]
            else:
                phrase.append(text)
            if marked and at == marked[-1]:
                noun = " ".join(phrase)
                yield f"{noun} ({MARKED})" if self._marker else noun
                phrase = []
            at += 1
        yield from _joined(phrase)

    def _is_left(self, at: int) -> bool:
        text = self._one.words[at].text
        if at in self._seen or at in self._one.denied or not is_content(text):
            return False
        if is_heading(self._one.words, at):
            return False
        if text == "negative" and [word.text for word in self._one.words[at + 1 : at + 2]] == ["prompt"]:
            return False
        return text not in MANNERS or at - 1 not in self._seen


def _joined(phrase: Sequence[str]) -> Iterable[str]:
    if phrase:
        yield " ".join(word if len(word) <= LONGEST_WORD else f"{word[:LONGEST_WORD]}…" for word in phrase)


def _without_lead(phrase: str) -> str:
    """Return "house" for "in a house"."""
    words = phrase.split()
    while len(words) > 1 and not is_content(words[0]):
        words.pop(0)
    return " ".join(words)


def _sights(shot: Shot) -> Iterable[Seen]:
    """Yield what of the sky is in sight: trees and walls hide it, houses and peaks a low sun."""
    if shot.setting in (Setting.FOREST, Setting.INTERIOR) or shot.angle in (Angle.HIGH, Angle.OVERHEAD):
        return
    yield Seen.SKY
    high = shot.time in (Time.DAY, Time.NIGHT)
    if shot.setting is Setting.CITY:
        visible = high and shot.angle is Angle.LOW
    else:
        visible = high or shot.setting is not Setting.MOUNTAINS
    if visible:
        yield Seen.SUN
