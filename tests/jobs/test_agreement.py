"""What was agreed to is checked again when it is sent: the price, the model, the caps."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from decimal import Decimal
from pathlib import Path

import pytest

from rushes import settings
from rushes.domain.errors import ApprovalNeeded, OverBudget, WrongState
from rushes.domain.job import Job, JobState
from rushes.domain.request import VideoRequest
from rushes.studio import Studio
from rushes.testing.process import ProviderProcess
from tests.engines.working import settled, until
from tests.jobs.shop import NOTHING, Shop

CHEAP, DEAR = "0.02", "0.90"
MOST = Decimal("0.20")


@pytest.fixture
def shop(tmp_path: Path, provider: ProviderProcess) -> Iterator[Shop]:
    """A shop whose engine and prices stand in a settings file, and whose provider first wants a sign-in."""
    one = Shop(tmp_path / "home", provider)
    write_settings(one)
    one.script(create=[{"accept": False, "status": 401}])
    yield one
    one.close()


def write_settings(
    shop: Shop, price: str = CHEAP, *, budget: str = "", model: str = "", engine: str = ""
) -> None:
    text = f"""
[budget]
{budget}
[engines.lab]
engine = "scripted"
base_url = "{shop.provider.base_url}"
{engine}
[[engines.lab.models]]
id = "m"
seconds = {{ low = 0.5, high = 60 }}
resolutions = ["180p"]
audio = "always"
price = {{ per_second = {{ "*" = {price} }} }}
{model}
"""
    (shop.home / "config.toml").write_text(text)


def studio_of(shop: Shop) -> Studio:
    environ = {**os.environ, "RUSHES_HOME": str(shop.home), "RUSHES_IDLE_S": "600"}
    return Studio.open(settings.load(environ, shop.home))


@asynccontextmanager
async def house(shop: Shop) -> AsyncIterator[Studio]:
    """A studio, with a worker on the same settings file in this process."""
    async with studio_of(shop) as door, studio_of(shop) as carrier:
        task = asyncio.create_task(carrier.work())
        try:
            yield door
        finally:
            task.cancel()
            await asyncio.wait([task])


async def blocked_job(studio: Studio, shop: Shop) -> Job:
    """Store a job of five seconds, agreed to at $0.10, that its provider does not take yet."""
    request = VideoRequest(prompt=shop.prompt(), model="lab/m", seconds=5.0)
    job = await studio.submit(request, max_usd=MOST)
    assert job.cost.amount == Decimal("0.10")
    return await settled(studio, job, JobState.BLOCKED)


async def test_a_price_that_rose_is_put_to_a_person(shop: Shop) -> None:
    """(F08) $0.10 was agreed to, $4.50 is the price when it is sent: blocked, and sent after a yes."""
    async with house(shop) as studio:
        job = await blocked_job(studio, shop)
        write_settings(shop, DEAR)
        shop.script()
        studio.collect(job.id)
        job = await waiting_for_a_yes(studio, job)
        assert job.failure is not None
        assert "now $4.50" in job.failure.message
        assert f"rushes approve {job.id}" in job.failure.next
        assert (shop.creates(), job.cost.amount) == ([], Decimal("0.10"))
        agreed = await studio.agree_to_price(job.id)
        assert agreed.cost.amount == Decimal("4.50")
        done = await settled(studio, job, JobState.COMPLETED)
    assert (done.cost.amount, len(shop.creates())) == (Decimal("4.50"), 1)


async def waiting_for_a_yes(studio: Studio, job: Job) -> Job:
    await until(lambda: studio.ledger.job(job.id).reason == "price" or studio.ledger.job(job.id).state.ended)
    return studio.ledger.job(job.id)


async def test_a_yes_goes_by_the_caps(shop: Shop) -> None:
    """(F08) A new price that no cap fits cannot be agreed to, and neither can what has no new price."""
    async with house(shop) as studio:
        job = await blocked_job(studio, shop)
        with pytest.raises(WrongState):
            await studio.agree_to_price(job.id)
        write_settings(shop, DEAR, budget="per_day = 1")
        shop.script()
        studio.collect(job.id)
        await waiting_for_a_yes(studio, job)
        studio.roster.reload()
        with pytest.raises(OverBudget):
            await studio.agree_to_price(job.id)
        assert studio.cancel(job.id).state is JobState.CANCELED
    assert (shop.creates(), shop.held()) == ([], NOTHING)


async def test_a_price_that_fell_is_sent_at_once(shop: Shop) -> None:
    """(F08) Cheaper than agreed needs nobody's yes."""
    async with house(shop) as studio:
        job = await blocked_job(studio, shop)
        write_settings(shop, "0.01")
        shop.script()
        studio.collect(job.id)
        await settled(studio, job, JobState.COMPLETED)
    assert len(shop.creates()) == 1


async def test_a_price_that_its_service_told_is_not_held_against_a_list(shop: Shop) -> None:
    """(F08) Quoted live at $0.10 a moment ago, it is sent, though an older list says $4.50."""
    write_settings(shop, DEAR, engine=f"price = {CHEAP}")
    async with house(shop) as studio:
        job = await blocked_job(studio, shop)
        assert job.quote.live
        shop.script()
        studio.collect(job.id)
        await settled(studio, job, JobState.COMPLETED)
    assert len(shop.creates()) == 1


async def test_a_cap_that_was_lowered_holds_when_it_is_sent(shop: Shop) -> None:
    """(F08) A cap of a cent, set after the job was stored: blocked for its budget, nothing is sent."""
    async with house(shop) as studio:
        job = await blocked_job(studio, shop)
        write_settings(shop, budget="per_day = 0.01")
        shop.script()
        studio.collect(job.id)
        await until(lambda: studio.ledger.job(job.id).reason == "budget")
        assert studio.ledger.job(job.id).state is JobState.BLOCKED
        assert shop.creates() == []
        write_settings(shop)
        studio.collect(job.id)
        await settled(studio, job, JobState.COMPLETED)
    assert len(shop.creates()) == 1


async def test_a_model_that_was_retired_is_not_sent(shop: Shop) -> None:
    """(F08) Alive when it was stored, retired when it is sent: the job fails, free."""
    async with house(shop) as studio:
        job = await blocked_job(studio, shop)
        write_settings(shop, model="retires_on = 2026-01-01")
        shop.script()
        studio.collect(job.id)
        done = await settled(studio, job, JobState.FAILED)
    assert done.failure is not None
    assert done.failure.code == "model_retired"
    assert (shop.creates(), shop.held()) == ([], NOTHING)


async def test_python_buys_nothing_without_max_usd(shop: Shop) -> None:
    """(U4.3) A model that is named is no agreement to its price: without `max_usd` nothing is stored."""
    request = VideoRequest(prompt=shop.prompt(), model="lab/m", seconds=5.0)
    async with studio_of(shop) as studio:
        with pytest.raises(ApprovalNeeded, match=r"\$0\.10"):
            await studio.submit(request)
        assert studio.ledger.jobs() == []
