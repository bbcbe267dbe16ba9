"""A render that its provider does not show any more: said, given up its place, and ended by the clock."""

from __future__ import annotations

import time
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from rushes.domain.errors import Billed
from rushes.domain.job import JobState
from rushes.domain.money import Basis, Quote
from rushes.jobs.pace import Limits
from rushes.testing.process import ProviderProcess
from tests.jobs.shop import HOLD, Shop

NOWHERE: dict[str, Any] = {"status": 404, "times": None}
UNLISTED = "the provider does not list it"


class Clock:
    """The wall clock, which a test can put forward."""

    ahead = 0.0

    def __call__(self) -> float:
        return time.time() + self.ahead


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def shop(tmp_path: Path, provider: ProviderProcess, clock: Clock) -> Iterator[Shop]:
    one = Shop(tmp_path / "home", provider, clock=clock, missing_after=600.0, list_delay=0.0)
    yield one
    one.close()


async def test_it_is_said_and_gives_its_place_to_another(shop: Shop) -> None:
    """A lost render does not keep the next job out of the only place; when it is back it is collected."""
    shop.limits = Limits(concurrency=1)
    shop.script("lost", render={"faults": [NOWHERE]})
    shop.script("next")
    lost = shop.submit("lost")
    async with shop.working():
        said = await shop.until(lost, JobState.QUEUED, which=lambda job: job.missing_since is not None)
        assert said.reason == UNLISTED
        second = await shop.settled(shop.submit("next"))
        assert second.state is JobState.COMPLETED
        shop.script("lost")
        done = await shop.settled(lost)
    assert (done.state, done.missing_since) == (JobState.COMPLETED, None)
    assert len(shop.creates("lost")) == 1
    assert shop.kinds(lost).count("missing") == shop.kinds(lost).count("found") == 1


async def test_it_ends_by_the_wall_clock_whatever_happens_meanwhile(shop: Shop, clock: Clock) -> None:
    """No new worker and no poll that fails begins the ten minutes anew; the ticket and the hold are kept."""
    shop.script(render={"faults": [NOWHERE]})
    job = shop.submit()
    async with shop.working():
        await shop.until(job, JobState.QUEUED, which=lambda job: job.missing_since is not None)
        clock.ahead += 240
        said = await shop.until(job, JobState.QUEUED, which=lambda job: job.reason != UNLISTED)
        assert said.reason == f"{UNLISTED}, 4 min"
    clock.ahead += 420
    shop.script(render={"faults": [{"status": 500}, NOWHERE]})
    (ended,) = await shop.carry(job, patience=20)
    assert ended.failure is not None
    assert (ended.failure.code, ended.failure.billed) == ("result_gone", Billed.UNKNOWN)
    assert f"{UNLISTED}, for 11 min" in ended.failure.message
    assert (shop.held(), ended.ticket) == (HOLD, said.ticket)
    shop.script()
    shop.ledger.collect(job.id)
    (collected,) = await shop.carry(job)
    assert collected.state is JobState.COMPLETED


async def test_what_is_listed_late_is_not_called_lost(shop: Shop) -> None:
    """A service lists what it accepted some seconds late: nothing is said of that."""
    shop.settings["list_delay"] = 30.0
    shop.script(render={"faults": [{"status": 404, "times": 2}]})
    (job,) = await shop.carry(shop.submit())
    assert job.state is JobState.COMPLETED
    assert "missing" not in shop.kinds(job)


async def test_a_clock_that_is_set_back_begins_no_time_to_come(shop: Shop, clock: Clock) -> None:
    """What is missing since a moment that has not come yet is missing since now: it ends when it should."""
    clock.ahead = 7200.0
    shop.script(render={"faults": [NOWHERE]})
    job = shop.submit()
    async with shop.working():
        await shop.until(job, JobState.QUEUED, which=lambda job: job.missing_since is not None)
    clock.ahead = 0.0
    async with shop.working():
        await shop.until(
            job,
            JobState.QUEUED,
            which=lambda job: job.missing_since is not None and job.missing_since.timestamp() < time.time(),
        )
        clock.ahead = 660.0
        ended = await shop.settled(job)
    assert ended.state is JobState.FAILED
    assert ended.failure is not None
    assert ended.failure.code == "result_gone"


@pytest.mark.parametrize(
    ("basis", "billed"),
    [(Basis.INCLUDED_IN_PLAN, Billed.UNKNOWN), (Basis.FREE, Billed.NO)],
    ids=["plan", "free"],
)
async def test_what_a_plan_lost_may_have_used_its_quota(
    shop: Shop, clock: Clock, basis: Basis, billed: Billed
) -> None:
    """Nobody knows whether the plan counts it; so the same words do not take another clip of it unasked."""
    shop.script(render={"faults": [NOWHERE]})
    asked: dict[str, Any] = {"quote": Quote(amount=Decimal(0), basis=basis), "hold": Decimal(0)}
    job = shop.submit(**asked)
    async with shop.working():
        await shop.until(job, JobState.QUEUED, which=lambda job: job.missing_since is not None)
        clock.ahead = 660.0
        ended = await shop.settled(job)
    assert ended.failure is not None
    assert (ended.failure.code, ended.failure.billed) == ("result_gone", billed)
    assert shop.held() == shop.spent() == Decimal(0)
    again = shop.submit(**asked)
    assert (again.id == job.id) is (basis is Basis.INCLUDED_IN_PLAN)
    if again.id == job.id:
        assert "may have been charged (in your plan)" in again.answers_again("now", "--again")
    else:
        shop.ledger.cancel(again.id)
    shop.script()
    shop.ledger.collect(job.id)
    (collected,) = await shop.carry(job)
    assert collected.state is JobState.COMPLETED
