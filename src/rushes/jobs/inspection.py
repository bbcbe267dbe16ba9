"""What is done to a file that arrived, before it counts as a clip: lint, whole decode, repair, sheets.

It happens in a child process, `inspector`: a stranger's file may take any memory and crash any decoder, and
the worker holds the tickets of everybody's renders.
"""

from __future__ import annotations

import asyncio
import os
from collections import defaultdict
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Self

from rushes.children.child import ChildDied, ask, ask_blocking
from rushes.domain.clip import Clip, Facts, Finding
from rushes.domain.errors import BeyondRepair
from rushes.domain.observation import is_other_length

INSPECTOR = "rushes.jobs.inspector"

SHORTEST_DEADLINE_S = 120.0
LONGEST_DEADLINE_S = 3600.0

SECONDS_PER_MB = 2.0
"""A minute of 4K, 450 MB, is done in 40 s by two cores, and in a quarter of an hour allowed for here."""

FASTEST_RATE, LONGEST_TIMES, LONGEST_MORE_S = 120, 4, 10
"""What an order explains: frames a second, how many times as long as ordered, and seconds beyond that."""


@dataclass(frozen=True, kw_only=True)
class Arrival:
    """A healthy file that is ready to be filed.

    `path` plays everywhere; `original` is the engine's own file where that one did not, else None. `seconds`
    is the length of the pictures; of a file that does not say, what was decoded. `width` and `height` are as
    shown, in pixels; `lint` is what is left to say of `path`.
    """

    path: Path
    original: Path | None
    seconds: float
    width: int
    height: int
    fps: float
    video_codec: str
    audio_codec: str | None
    facts: Facts
    lint: tuple[Finding, ...]
    sheet: Path
    bursts: Path

    def other_length(self, ordered: float | None) -> str | None:
        """Return what to say of a length, in seconds, that is not the one ordered; None where nothing is."""
        if ordered is None or not is_other_length(self.seconds, ordered):
            return None
        return f"{self.seconds:.1f} s came, {ordered:g} s were ordered"

    def as_promised(self, size: tuple[int, int] | None) -> bool:
        """Whether it is at least as large as promised; codecs round a side to a multiple of 16."""
        if size is None:
            return True
        return self.width > size[0] - 16 and self.height > size[1] - 16

    def as_json(self) -> dict[str, Any]:
        data = asdict(self)
        files = {name: str(value) for name, value in data.items() if isinstance(value, Path)}
        return {**data, **files}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        return cls(
            **{
                **data,
                "path": Path(data["path"]),
                "original": Path(data["original"]) if data["original"] is not None else None,
                "sheet": Path(data["sheet"]),
                "bursts": Path(data["bursts"]),
                "facts": Facts.from_json(data["facts"]),
                "lint": tuple(Finding.from_json(one) for one in data["lint"]),
            }
        )


class Decoders:
    """Places for files that are decoded: two at once, and one of each engine.

    So two files that take all their time, from one engine, hold up no file of another.
    """

    def __init__(self, places: int = 2) -> None:
        self._places = asyncio.Semaphore(places)
        self._engines: defaultdict[str, asyncio.Semaphore] = defaultdict(lambda: asyncio.Semaphore(1))

    @asynccontextmanager
    async def place(self, engine: str) -> AsyncIterator[None]:
        """Give a place for one file of an engine, once there is one."""
        async with self._engines[engine], self._places:
            yield


async def inspect(
    path: Path, ordered_s: float | None = None, tags: Mapping[str, str] | None = None
) -> Arrival:
    """Decode all of `path`, repair it into a derivative where it needs that, and draw its sheets.

    A file that needs no repair stays byte-identical; `tags` (title, comment) are for a repaired one. Raises
    NotAVideo, and BeyondRepair also for a file that
    takes more memory or time than is given to any, or has more frames than `ordered_s` seconds explain, or
    one alone.
    """
    deadline_s = SHORTEST_DEADLINE_S + SECONDS_PER_MB * path.stat().st_size / 1e6
    try:
        order = {
            "examine": str(path),
            "frames": explained_frames(ordered_s),
            "ordered": ordered_s,
            "tags": dict(tags) if tags else None,
        }
        arrival = await ask(INSPECTOR, order, deadline_s=min(deadline_s, LONGEST_DEADLINE_S))
    except ChildDied as error:
        raise BeyondRepair(f"{path.name} could not be examined: what decodes it {error}") from error
    return Arrival.from_json(arrival)


def explained_frames(ordered_s: float | None) -> int | None:
    """Return how many frames a clip may have that was ordered so long; None: as many as any."""
    if ordered_s is None:
        return None
    return round(FASTEST_RATE * (LONGEST_TIMES * ordered_s + LONGEST_MORE_S))


def draw_missing(clip: Clip) -> int:
    """Draw the pictures of a clip that are missing, from its file as it was filed; return how many.

    Raises NotAVideo, and BeyondRepair also for a file that takes more memory or time than is given to any.
    """
    if all(os.path.lexists(one) for one in (clip.sheet, clip.bursts) if one is not None):
        return 0
    try:
        return int(ask_blocking(INSPECTOR, {"draw": clip.as_json()}, deadline_s=LONGEST_DEADLINE_S))
    except ChildDied as error:
        raise BeyondRepair(f"{clip.path.name} could not be drawn: what decodes it {error}") from error
