"""Through the Studio, with a worker in a process of its own, as every door has it."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest

from rushes import settings
from rushes.domain.errors import ApprovalNeeded, OutcomeUnknown, StillRunning
from rushes.domain.job import Job, JobState
from rushes.domain.request import VideoRequest
from rushes.studio import Studio
from rushes.testing.process import ProviderProcess
from tests.cli.terminal import Terminal
from tests.jobs.shop import Shop

BOUND = Decimal("0.50")
"""What one clip may cost."""


@pytest.fixture
def house(tmp_path: Path, provider: ProviderProcess) -> Iterator[Shop]:
    """A shop whose engine the settings file describes, and whose workers are gone at the end."""
    one = Shop(tmp_path / "home", provider)
    (one.home / "config.toml").write_text(
        f'[engines.lab]\nengine = "scripted"\nbase_url = "{provider.base_url}"\nrecovery = "replay_key"\n'
        "post_timeout = 1.0\n"
    )
    yield one
    Terminal(home=one.home).stop_worker()
    one.close()


def studio_of(house: Shop) -> Studio:
    environ = {**os.environ, "RUSHES_HOME": str(house.home), "RUSHES_IDLE_S": "0.5"}
    return Studio.open(settings.load(environ, house.home))


def request(house: Shop, words: str = "", model: str = "lab/priced") -> VideoRequest:
    return VideoRequest(prompt=house.prompt(words), model=model, seconds=1.0)


async def until(studio: Studio, job: Job, state: JobState) -> None:
    async for jobs in studio.watch([job.id]):
        if jobs[0].state is state:
            return


async def test_generate_makes_a_clip(house: Shop) -> None:
    """Words in, a verified clip out, paid once; the engine goes by its own name."""
    async with studio_of(house) as studio:
        clip = await studio.generate(request(house), timeout=60, max_usd=BOUND)
        answer = studio.answer(clip.job_id)
    assert clip.path.is_file()
    assert clip.model == "lab/priced"
    assert answer.job.cost.amount == Decimal("0.1")
    assert len(house.creates()) == 1


async def test_a_killed_worker_is_replaced_while_somebody_waits(house: Shop) -> None:
    """kill -9 in the middle of a render: who waits starts another worker, and nothing is bought again."""
    house.script(render={"seconds": 1.5})
    async with studio_of(house) as studio:
        job = await studio.submit(request(house), max_usd=BOUND)
        await asyncio.wait_for(until(studio, job, JobState.RUNNING), 30)
        first = Terminal(home=house.home).worker()
        os.kill(first, signal.SIGKILL)
        clip = await studio.wait(job.id, timeout=60)
    assert clip.path.is_file()
    assert Terminal(home=house.home).worker() != first
    assert len(house.creates()) == 1


async def test_a_wait_that_runs_out_is_no_cancel(house: Shop) -> None:
    """StillRunning says how to go on; the job goes on by itself."""
    house.script(render={"seconds": 2.0})
    async with studio_of(house) as studio:
        job = await studio.submit(request(house), max_usd=BOUND)
        with pytest.raises(StillRunning):
            await studio.wait(job.id, timeout=0.3)
        assert (await studio.wait(job.id, timeout=60)).job_id == job.id


async def test_an_unknown_outcome_is_told_and_settled_by_the_providers_id(house: Shop) -> None:
    """wait raises what a person has to settle; reconcile with the id from the provider's page goes on."""
    config = house.home / "config.toml"
    config.write_text(config.read_text().replace("replay_key", "ask"))
    house.script(create=[{"drop": True}])
    async with studio_of(house) as studio:
        job = await studio.submit(request(house), max_usd=BOUND)
        with pytest.raises(OutcomeUnknown):
            await studio.wait(job.id, timeout=60)
        studio.reconcile(job.id, ticket=house.creates()[0]["id"])
        clip = await studio.wait(job.id, timeout=60)
    assert clip.path.is_file()
    assert len(house.creates()) == 1


async def test_an_unknown_price_needs_a_bound(house: Shop) -> None:
    """Without --max-usd nothing is sent; with it that much is held, and what was charged is booked."""
    house.script(render={"cost": "0.03"})
    async with studio_of(house) as studio:
        with pytest.raises(ApprovalNeeded, match="not known"):
            await studio.submit(request(house, model="lab/unpriced"))
        clip = await studio.generate(request(house, model="lab/unpriced"), max_usd=BOUND, timeout=60)
        assert studio.answer(clip.job_id).job.cost.amount == Decimal("0.03")
        assert studio.budget().standings[0].held == 0
