"""Faults that an agent cannot see by watching: the answers alone show them, in words and in pictures."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from tests.cli.terminal import Terminal
from tests.mcp.agent import agent, call, pictures_of, words_of
from tests.media import films


async def shown(terminal: Terminal, film: films.Film, *times: float) -> tuple[str, list[NDArray[np.int16]]]:
    """Return what an agent is told of a film, and its frames at `times`, decoded, in grey levels."""
    path = terminal.home / "clips" / "film.mp4"
    path.parent.mkdir()
    films.write(path, film)
    async with agent(terminal) as client:
        told = await call(client, "look_at_video", video=str(path))
        frames = await call(client, "look_at_video", video=str(path), view="frames", at=list(times))
    return words_of(told), [np.asarray(one.convert("L"), np.int16) for one in pictures_of(frames)]


def change(one: NDArray[np.int16], other: NDArray[np.int16]) -> float:
    return float(np.abs(one - other).mean())


async def test_a_frozen_half_is_told_and_shown(terminal: Terminal) -> None:
    """The span is named; before it frames a second apart differ, in it they are the same."""
    told, (first, second, third, fourth) = await shown(terminal, films.frozen_half(), 0.5, 1.5, 3.0, 4.5)

    assert "frozen 2.5-5.0 s" in told
    assert change(third, fourth) < 0.2 * change(first, second)


async def test_a_black_gap_is_told_and_shown(terminal: Terminal) -> None:
    """The span is named, and the frame in it is black."""
    told, (before, gap) = await shown(terminal, films.black_gap(), 1.0, 2.2)

    assert "black 2.0-2.5 s" in told
    assert gap.mean() < 8 < before.mean()


async def test_a_jump_cut_is_told_and_shown(terminal: Terminal) -> None:
    """The time is named; around it two neighbours differ as much as no others do."""
    told, (early, before, after, late) = await shown(terminal, films.jump_cut(), 1.87, 1.95, 2.03, 2.11)

    assert "cut at 2.0 s" in told
    assert change(before, after) > 2 * max(change(early, before), change(after, late))
