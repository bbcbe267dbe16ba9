"""What engines remember of jobs does not grow with the months that a worker runs (B17)."""

from __future__ import annotations

from pathlib import Path

from rushes.domain.request import VideoRequest
from rushes.engines.animatic.engine import AnimaticEngine
from rushes.engines.contract import CancelOutcome, Prepared, RenderState, Ticket
from rushes.engines.recent import MOST_REMEMBERED, Recent

REQUEST = VideoRequest(prompt="a boat", seconds=1.0, resolution="144p", aspect="16:9")


def test_the_oldest_is_forgotten() -> None:
    """B17: the newest entries stay, however they come in; what is there keeps its value."""
    recent: Recent[int, int] = Recent()
    for number in range(2 * MOST_REMEMBERED):
        assert recent.setdefault(number, number) == number
        recent[number] = -number
    assert len(recent) == MOST_REMEMBERED
    assert recent.setdefault(2 * MOST_REMEMBERED - 1, 7) == -(2 * MOST_REMEMBERED - 1)
    assert MOST_REMEMBERED - 1 not in recent


async def test_a_render_that_has_ended_is_forgotten(
    tmp_path: Path,
) -> None:
    """B17: finished, failed and canceled ones alike; a canceled one stays canceled."""
    engine = AnimaticEngine("animatic", {"work": tmp_path / "work"})

    async def ordered(key: str, **changes: object) -> Ticket:
        accepted = await engine.submit(Prepared(request=REQUEST, model="animatic"), key=key)
        return {**accepted.ticket, **changes}

    async def ended(ticket: Ticket) -> RenderState:
        while (state := (await engine.poll(ticket)).state) is RenderState.RUNNING:
            await engine._renders[f"{Path(ticket['destination']).name}"].ended()
        return state

    good, bad, unwanted = await ordered("good"), await ordered("bad", width=-1), await ordered("unwanted")
    assert await ended(good) is RenderState.SUCCEEDED
    assert await engine.results(good)
    assert await ended(bad) is RenderState.FAILED
    await engine.poll(unwanted)
    assert await engine.cancel(unwanted) is CancelOutcome.CONFIRMED
    assert (await engine.poll(unwanted)).state is RenderState.CANCELED
    assert not engine._renders
    await engine.aclose()
