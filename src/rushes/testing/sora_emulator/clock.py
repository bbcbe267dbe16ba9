"""The emulator's two times: the calendar, which is the real one, and the work, which may run faster."""

from __future__ import annotations

import time
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Stretch:
    """From a moment of the calendar on, `speed` seconds of work are done in each second of it."""

    calendar: float
    work: float
    speed: float


class Clock:
    """Seconds of the calendar since 1970, and seconds of work, whose beginning means nothing.

    What a client can compare with its own clock (`exp`, `expires`, `created_at`, `se`, the quota's day) is
    on the calendar, which is the real time plus the jumps of `advance`. How far a render has come is work;
    a jump has as much of it done.
    """

    def __init__(self, speed: float = 20.0) -> None:
        self.ahead = 0.0
        # A wall clock that is set while we run must not move a render.
        self._began_at, self._began = time.time(), time.monotonic()
        self.stretches = [Stretch(calendar=self.now(), work=0.0, speed=_checked(speed))]

    def resume(self, ahead: float, stretches: Sequence[Stretch]) -> None:
        """Continue an earlier run, whose work has not stopped meanwhile."""
        speed, self.ahead, self.stretches = self.speed, ahead, list(stretches)
        self.run_at(speed)

    @property
    def speed(self) -> float:
        return self.stretches[-1].speed

    def now(self) -> float:
        """Return the moment on the calendar."""
        return self._began_at + self.ahead + time.monotonic() - self._began

    def work(self) -> float:
        """Return how much work there was time for until now, in seconds."""
        last = self.stretches[-1]
        return last.work + max(0.0, self.now() - last.calendar) * last.speed

    def moment(self, work: float) -> float:
        """Return when on the calendar so much work was done, or will be at today's speed."""
        at = bisect_right(self.stretches, work, key=lambda one: one.work)
        stretch = self.stretches[max(0, at - 1)]
        return stretch.calendar + (work - stretch.work) / stretch.speed

    def advance(self, seconds: float) -> None:
        """Jump `seconds` ahead, in which as much work is done. Raises ValueError for a step back."""
        if not seconds >= 0:
            raise ValueError(f"the clock does not go back ({seconds:g} s)")
        now, work, speed = self.now(), self.work(), self.speed
        self.ahead += seconds
        self.stretches.append(Stretch(calendar=now, work=work, speed=1.0))
        self.stretches.append(Stretch(calendar=now + seconds, work=work + seconds, speed=speed))

    def run_at(self, speed: float) -> None:
        """Work on from now at another speed. Raises ValueError for one that is not above 0."""
        if _checked(speed) != self.speed:
            self.stretches.append(Stretch(calendar=self.now(), work=self.work(), speed=speed))

    def as_json(self) -> dict[str, float]:
        return {"now": self.now(), "speed": self.speed}


def _checked(speed: float) -> float:
    if not speed > 0:
        raise ValueError(f"a speed is above 0, not {speed:g}")
    return speed
