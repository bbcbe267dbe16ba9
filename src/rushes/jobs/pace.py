"""When to try again and how fast to send. Durations are counted on the monotonic clock."""

from __future__ import annotations

import asyncio
import math
import random
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

POLLS_A_SECOND = 30.0
"""How many polls a worker sends, over all providers: each takes 1 to 3 ms of a core."""

POLLS_AT_ONCE = 300.0
"""How many of them may come together where it was quiet before."""


LIMITS_LAST_S = 1.0
"""How soon somebody who waits for a turn sees that a person has changed the limits."""


@dataclass(frozen=True, kw_only=True)
class Limits:
    """What one engine may be asked for: `concurrency` jobs at once, `rate` creates in `window` seconds."""

    concurrency: int = 4
    rate: int | None = None
    window: float = 60.0


@dataclass(frozen=True, kw_only=True)
class Backoff:
    """Growing pauses with jitter, in seconds: never shorter than the provider asked for."""

    first: float = 1.0
    longest: float = 120.0
    chance: random.Random = field(default_factory=random.Random)

    def pause(self, tries: int, ask_after: float | None = None) -> float:
        grown = min(self.longest, self.first * 2 ** min(tries, 30))
        jittered: float = grown * self.chance.uniform(0.5, 1.0)
        return max(jittered, ask_after or 0.0)


@dataclass(frozen=True, kw_only=True)
class Patience:
    """How long something may go on before a person is asked to look, or a job ends. Durations in seconds.

    `silence` is how long a poll may go unanswered before that is said. `unknown_word_done` is for a render at
    100 % under a word that its engine does not know, `unknown_word` for one that does not say how far it is;
    `unreachable` is how long no poll may get through, `download` how long a download is tried. `result_tries`
    is how often a file that is not there is asked for before it counts as gone: with the pauses three
    minutes, which a service may need to make it available.
    """

    silence: float = 15.0
    unknown_word_done: float = 600.0
    unknown_word: float = 6 * 3600.0
    unreachable: float = 24 * 3600.0
    download: float = 6 * 3600.0
    result_tries: int = 9


class Turns:
    """Spreads calls over time: `rate` a second go on for ever, `burst` of them may come at once."""

    def __init__(self, rate: float, burst: float) -> None:
        self._gap = 1 / rate
        self._burst_s = burst / rate
        self._next = -math.inf

    def turn(self) -> float:
        """Take the next turn and return in how many seconds it comes."""
        now = asyncio.get_running_loop().time()
        self._next = max(self._next, now - self._burst_s) + self._gap
        return max(0.0, self._next - now)


class RateWindow:
    """A sliding window over when creates were sent, in this worker or before it.

    `limits` gives those in force, which a person may change at any time; `ages` how long ago (s) the creates
    of the last so many seconds were sent, by the ledger.
    """

    def __init__(self, limits: Callable[[], Limits], ages: Callable[[float], Sequence[float]]) -> None:
        self._limits_now = limits
        self._ages = ages
        self._limits = Limits()
        self._lock = asyncio.Lock()
        self._sent: deque[float] = deque()

    async def turn(self) -> None:
        """Wait until one more create may be sent, and count it."""
        async with self._lock:
            while (pause := self._pause()) > 0:  # noqa: ASYNC110 - what ends is time
                await asyncio.sleep(min(pause, LIMITS_LAST_S))
            self._sent.append(asyncio.get_running_loop().time())

    def _pause(self) -> float:
        """Return in how many seconds one more create may be sent, by the limits as they are now."""
        now = asyncio.get_running_loop().time()
        limits = self._limits_now()
        if limits != self._limits:
            self._limits = limits
            self._sent = deque(sorted(now - age for age in self._ages(limits.window)))
        while self._sent and self._sent[0] + limits.window <= now:
            self._sent.popleft()
        if limits.rate is None or len(self._sent) < limits.rate:
            return 0.0
        return self._sent[-limits.rate] + limits.window - now
