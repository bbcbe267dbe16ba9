"""Whole jobs by engines of other makers that make mistakes: the money is right whatever they raise or say."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest

from rushes.domain.errors import BadInput, Billed, QuotaExhausted
from rushes.domain.job import Job, JobState
from rushes.domain.request import VideoRequest
from rushes.domain.text import TextFilter
from rushes.engines.contract import Accepted, Prepared, Progress, RenderState, Ticket
from rushes.engines.edge import make_guarded
from rushes.settings import EngineSettings, Settings
from rushes.studio import Studio
from rushes.testing.process import ProviderProcess, running
from rushes.testing.scripted import ScriptedEngine
from tests.engines.working import settled, working

PRICE = Decimal("0.2")
"""Of the two seconds that the model makes if nobody says how many."""


class OutOfCredits(QuotaExhausted):
    pass


class Empty(ScriptedEngine):
    """Says that there is no money left, without a word of its own."""

    async def submit(self, prepared: Prepared, *, key: str) -> Accepted:
        raise OutOfCredits


class Early(ScriptedEngine):
    """Looks for something that is not there, before it sends the create."""

    async def submit(self, prepared: Prepared, *, key: str) -> Accepted:
        self.settings["where"]
        return await super().submit(prepared, key=key)


class Late(ScriptedEngine):
    """Does the same after the create was accepted."""

    async def submit(self, prepared: Prepared, *, key: str) -> Accepted:
        await super().submit(prepared, key=key)
        return Accepted(ticket={"id": self.settings["where"]})


class Picky(ScriptedEngine):
    """Finds only when it is to send it that it cannot make this."""

    async def submit(self, prepared: Prepared, *, key: str) -> Accepted:
        raise BadInput("this service takes no boats", next="take a kite")


class Dear(ScriptedEngine):
    """Takes one unit for another: each render costs 9,000,000,000,000 dollars, or what is no number."""

    cost = Decimal("9e12")

    async def poll(self, ticket: Ticket) -> Progress:
        progress = await super().poll(ticket)
        done = progress.state is RenderState.SUCCEEDED
        return replace(progress, fraction=float("nan"), cost=self.cost if done else None)


class NoNumber(Dear):
    cost = Decimal("sNaN")


Made = Callable[[type[ScriptedEngine], JobState], Awaitable[tuple[Job, Studio]]]


@pytest.fixture
async def made(tmp_path: Path) -> AsyncIterator[Made]:
    """Give what has a job made by an engine, until it stands in a state."""
    with running(tmp_path / "provider", footage="160x96x0.5") as provider:
        options = {"base_url": provider.base_url, "ask_timeout": 5.0, "post_timeout": 5.0}
        one = EngineSettings(name="scripted", kind="scripted", options=options)
        settings = Settings(
            home=tmp_path, config=tmp_path / "none", log=tmp_path / "log", engines={"scripted": one}
        )
        async with Studio(settings) as studio:

            async def carried(engine: type[ScriptedEngine], state: JobState) -> tuple[Job, Studio]:
                guarded = make_guarded(lambda: engine("scripted", options), "scripted", TextFilter())
                async with working(settings, guarded, 1):
                    request = VideoRequest(prompt="a boat", model="scripted/priced")
                    job = await settled(studio, await studio.submit(request, max_usd=PRICE), state)
                await guarded.aclose()
                assert creates(provider) == (engine in (Late, Dear, NoNumber))
                return job, studio

            yield carried


def creates(provider: ProviderProcess) -> int:
    return len(provider.log("a boat"))


async def test_a_refusal_without_words_blocks(made: Made) -> None:
    """`class OutOfCredits(QuotaExhausted): pass`, raised bare, is what its parent is: not unknown (B8)."""
    job, _ = await made(Empty, JobState.BLOCKED)
    assert job.reason == "quota"
    assert job.failure is not None
    assert (job.failure.message, job.failure.billed) == (QuotaExhausted().message, Billed.NO)


async def test_a_mistake_before_the_create_is_sent_blocks_and_names_its_line(made: Made) -> None:
    """Nothing was sent and nothing is billed: whoever made the engine is told where to look (B8)."""
    job, _ = await made(Early, JobState.BLOCKED)
    assert job.reason == "setup"
    assert job.failure is not None
    assert "KeyError: 'where' (at engines/test_mistaken_engines.py:" in job.failure.message
    assert (job.failure.code, job.failure.billed) == ("setup", Billed.NO)


async def test_the_same_mistake_after_it_was_sent_is_unknown(made: Made) -> None:
    """Its ticket is lost with it, so a person has to look; it is not sent again."""
    job, studio = await made(Late, JobState.OUTCOME_UNKNOWN)
    assert job.failure is not None
    assert job.failure.billed is Billed.UNKNOWN
    assert studio.budget().standings[0].held == PRICE


async def test_what_cannot_be_made_is_refused_though_it_is_found_late(made: Made) -> None:
    """A `BadInput` out of `submit` says that nothing was sent: failed, with its reason, and nothing held."""
    job, studio = await made(Picky, JobState.FAILED)
    assert job.failure is not None
    assert (job.failure.message, job.failure.next) == ("this service takes no boats", "take a kite")
    assert job.failure.billed is Billed.NO
    assert studio.budget().standings[0].held == 0


@pytest.mark.parametrize("engine", [Dear, NoNumber])
async def test_a_bill_that_cannot_be_is_not_booked(made: Made, engine: type[ScriptedEngine]) -> None:
    """The clip is filed, and what was quoted counts: a wrong unit closes no cap (F06)."""
    job, studio = await made(engine, JobState.COMPLETED)
    assert (job.cost.amount, studio.budget().standings[0].spent) == (PRICE, PRICE)
