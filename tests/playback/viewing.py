"""What a browser saw of a clip, and what was wrong with it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Self

from tests.playback.browsers import Browser
from tests.playback.clips import GREYS, HEIGHT, WIDTH
from tests.playback.server import PLAYER, Server

MIDDLE = len(GREYS) // 2  # the second that is looked at after a seek
ATTEMPTS = 3


@dataclass(frozen=True, kw_only=True)
class Glance:
    """The answer of `glance` in player.html: length in seconds, size in pixels, light of the two halves."""

    problem: str | None
    duration: float
    width: int
    height: int
    left: int
    right: int

    @classmethod
    def by(cls, browser: Browser, server: Server, name: str) -> Self:
        """Let `browser` look at the file `name` of `server`, again if WebKitGTK hangs at the start."""
        for _ in range(ATTEMPTS):
            script = f"glance({json.dumps(f'{server.url}/{name}')})"
            seen = cls(**browser.ask(f"{server.url}/{PLAYER.name}", script))
            if not (seen.problem and seen.problem.startswith("Hang")):
                break
        return seen


@dataclass(frozen=True, kw_only=True)
class Seen:
    """The answer of `watch` in player.html: lengths in seconds, sizes in pixels, `grey` 0 to 255.

    `problem` is why it went no further, `advanced` how far it had played when it was paused, `frames` how
    many were decoded by then, `sought` the time of the frame that the seek brought.
    """

    problem: str | None
    width: int
    height: int
    duration: float
    advanced: float
    frames: int
    sought: float
    grey: float
    ended: bool

    @classmethod
    def by(cls, browser: Browser, server: Server, name: str) -> Self:
        """Let `browser` watch the file `name` of `server`.

        WebKitGTK 2.50 hangs at the start of about one load in thirty, whatever is in the file, and plays
        the same file at the next load: so a hang there, and nothing else, is looked at again.
        """
        for _ in range(ATTEMPTS):
            script = f"watch({json.dumps(f'{server.url}/{name}')}, {MIDDLE})"
            seen = cls(**browser.ask(f"{server.url}/{PLAYER.name}", script))
            if not (seen.problem and seen.problem.startswith("Hang") and seen.advanced == 0):
                break
        return seen

    def faults(self) -> set[str]:
        """Return what was wrong, a word for each thing; empty for a clip that plays, seeks and ends."""
        checks = {
            "problem": self.problem is None,
            "size": (self.width, self.height) == (WIDTH, HEIGHT),
            "length": abs(self.duration - len(GREYS)) < 0.1,
            "frames": self.frames > 0,
            "advance": self.advanced >= 0.5,
            "seek": MIDDLE <= self.sought < MIDDLE + 1,
            "picture": abs(self.grey - GREYS[MIDDLE]) < 10,
            "end": self.ended,
        }
        return {name for name, holds in checks.items() if not holds}
