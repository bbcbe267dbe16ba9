"""The emulator's own time: it starts as the real one and may run faster, or jump ahead."""

from __future__ import annotations

import time
from dataclasses import dataclass, field


@dataclass(kw_only=True)
class Clock:
    """Seconds since 1970, `speed` of them in each real second."""

    speed: float = 20.0
    _set_at: float = field(default_factory=time.monotonic)
    _set_to: float = field(default_factory=time.time)

    def __post_init__(self) -> None:
        self.run_at(self.speed)

    def now(self) -> float:
        return self._set_to + (time.monotonic() - self._set_at) * self.speed

    def advance(self, seconds: float) -> None:
        """Jump `seconds` ahead. Raises ValueError for a step back."""
        if not seconds >= 0:
            raise ValueError(f"the clock does not go back ({seconds:g} s)")
        self._set_to += seconds

    def run_at(self, speed: float) -> None:
        """Go on from now at another speed. Raises ValueError for one that is not above 0."""
        if not speed > 0:
            raise ValueError(f"a speed is above 0, not {speed:g}")
        if speed != self.speed:
            self._set_to, self._set_at = self.now(), time.monotonic()
            self.speed = speed

    def as_json(self) -> dict[str, float]:
        return {"now": self.now(), "speed": self.speed}
