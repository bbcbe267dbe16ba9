"""When to try again and how fast to send. Durations are counted on the monotonic clock."""

from __future__ import annotations

import asyncio
import math
import random
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field

POLLS_A_SECOND = 30.0
"""How many polls a worker sends, over all providers: each takes 1 to 3 ms of a core."""

POLLS_AT_ONCE = 300.0
"""How many of them may come together where it was quiet before."""


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
    """A sliding window over when creates were sent; begun with the `ages` (s) of those in the ledger."""

    def __init__(self, limits: Limits, ages: Sequence[float] = ()) -> None:
        self._limits = limits
        self._lock = asyncio.Lock()
        now = asyncio.get_running_loop().time()
        self._sent = deque(sorted(now - age for age in ages))

    async def turn(self) -> None:
        """Wait until one more create may be sent, and count it."""
        if self._limits.rate is None:
            return
        clock = asyncio.get_running_loop().time
        async with self._lock:
            while len(self._sent) >= self._limits.rate:
                oldest = self._sent[-self._limits.rate]
                remaining = oldest + self._limits.window - clock()
                if remaining <= 0:
                    break
                await asyncio.sleep(remaining)
            while self._sent and self._sent[0] + self._limits.window < clock():
                self._sent.popleft()
            self._sent.append(clock())
