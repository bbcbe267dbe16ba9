"""When to ask how far a render is: seldom while it cannot be done, often around the moment when it should be.

All times are seconds; an age counts from when the create was sent.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median

from rushes.engines.contract import Progress
from rushes.jobs.ledger import LONGEST_PAUSE_S

SHORTEST_PAUSE_S = 0.05
"""However soon a provider wants to be asked again: one that says 0 must not keep a core busy."""

SHORTEST_GUESS_S = 0.25
"""The same where nobody but us thinks that it is about to be done."""

LONGEST_GUESS_S = 15.0
"""However far off the end is: whoever looks at the job sees that it lives."""

LONGEST_TENTH_S = 10.0

FEWEST = 3
"""So many earlier renders say how long one takes; fewer say nothing of how much that varies."""

NOTICED_LATE = 0.025
"""The part of a duration by which it is too long: a render is done some time before the poll that finds it
so, half a tenth where nothing was known."""

LEAST_SPREAD = 0.05
"""However alike they seem: what was found in steps of a tenth is not known any better."""

STEPS = 4.5
"""Polls between the moment that one render in ten is done and the moment that half of them are."""

SHARE = 0.6
"""The part of what is left, as the provider's own progress tells it, that is slept."""


@dataclass(frozen=True, kw_only=True)
class Typical:
    """How long earlier renders of the same kind took: one in ten not even `quick`, half of them `usual`."""

    quick: float
    usual: float

    @classmethod
    def of(cls, durations: Sequence[float]) -> Typical | None:
        """Return what `durations` say; None where they are too few."""
        if len(durations) < FEWEST:
            return None
        quick, usual = sorted(durations)[len(durations) // 10], median(durations)
        return cls(quick=quick * (1 - NOTICED_LATE), usual=usual * (1 - NOTICED_LATE))

    @property
    def spread(self) -> float:
        return max(self.usual - self.quick, LEAST_SPREAD * self.usual)

    @property
    def soonest(self) -> float:
        """The age at which hardly a render is done."""
        return max(0.0, self.usual - 1.5 * self.spread)

    def pause(self, age: float) -> float:
        """Return how long to wait: evenly up to the soonest, in steps from there on, then ever longer."""
        ahead = self.soonest - age
        if ahead > 0:
            return ahead / math.ceil(ahead / LONGEST_GUESS_S)
        late = age - (self.usual + 1.5 * self.spread)
        return max(SHORTEST_GUESS_S, self.spread / STEPS) + 0.1 * max(0.0, late)


@dataclass(kw_only=True, slots=True)
class Rhythm:
    """The pauses between the polls of one render.

    The provider's word wins. Without one, its progress is carried on to the end; where it tells none, or it
    stands still for long, `typical` counts; and without earlier renders, a tenth of the age, 1 to 10 s.
    `started` is when the create was sent, by `clock`; `chance` keeps jobs that were sent together from being
    asked about together.
    """

    started: float
    clock: Callable[[], float]
    chance: random.Random
    typical: Typical | None
    first_told: tuple[float, float] | None = None
    fraction: float = 0.0
    moved_at: float = 0.0

    def first(self) -> float:
        """Return how long to wait before the first poll: nobody asks for what cannot be done yet."""
        age = self.clock() - self.started
        if self.typical is None or age >= self.typical.soonest:
            return 0.0
        return self._guess(self.typical.pause(age))

    def next(self, progress: Progress) -> float:
        """Return how long to wait after a poll that was answered with `progress`."""
        age = self.clock() - self.started
        known = self.typical.pause(age) if self.typical is not None else tenth(age)
        told = self._told(age, progress.fraction, known)
        if progress.ask_after is not None:
            return min(LONGEST_PAUSE_S, max(SHORTEST_PAUSE_S, progress.ask_after))
        return self._guess(known if told is None else told)

    def _told(self, age: float, fraction: float | None, known: float) -> float | None:
        """Return how long to wait by the progress, as if it went on as it did; None where it does not tell.

        Where it stands still that is ever longer, up to the `known` pause: some stop at 99 % for minutes.
        """
        if fraction is None:
            return None
        if self.first_told is None or fraction > self.fraction:
            self.moved_at, self.fraction = age, fraction
        self.first_told = self.first_told or (age, fraction)
        since, at = self.first_told
        if self.fraction == at:
            return None
        left = (1 - self.fraction) * (age - since) / (self.fraction - at)
        still = age - self.moved_at
        pause = max(SHORTEST_GUESS_S, SHARE * left, still / 2)
        return min(pause, known) if still else pause

    def _guess(self, seconds: float) -> float:
        return min(LONGEST_GUESS_S, seconds) * self.chance.uniform(0.9, 1.1)


def tenth(age: float) -> float:
    """Return the pause where nothing is known: so a render is noticed at most a tenth late."""
    return min(LONGEST_TENTH_S, max(1.0, 0.1 * age))
