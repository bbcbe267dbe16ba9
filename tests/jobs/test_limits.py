"""How many at once and how fast: limits held where it counts, at the provider, and over a restart."""

from __future__ import annotations

import asyncio

from rushes.domain.job import JobState
from rushes.jobs.pace import Limits
from tests.jobs.shop import Shop


async def test_no_more_renders_at_once_than_allowed(shop: Shop) -> None:
    """With three places the provider never has more than three in flight, and all get done."""
    shop.limits = Limits(concurrency=3)
    shop.script(render={"seconds": 0.15})
    jobs = [shop.submit(f"take {number}") for number in range(12)]
    done = await shop.carry(*jobs)
    assert {job.state for job in done} == {JobState.COMPLETED}
    assert shop.provider.stats(shop.mark)["in_flight_peak"] == 3


async def test_the_limit_counts_what_an_earlier_worker_sent(shop: Shop) -> None:
    """Renders that a killed worker left at the provider keep their places."""
    shop.limits = Limits(concurrency=2)
    shop.script(render={"seconds": 1.0})
    jobs = [shop.submit(f"take {number}") for number in range(4)]
    async with shop.working():
        await shop.until(jobs[1], JobState.RUNNING)
    done = await shop.carry(*jobs)
    assert {job.state for job in done} == {JobState.COMPLETED}
    assert shop.provider.stats(shop.mark)["in_flight_peak"] == 2


async def test_an_unknown_outcome_that_is_left_to_a_person_takes_no_place(shop: Shop) -> None:
    """A few lost answers must not stop the engine for everybody else."""
    shop.limits = Limits(concurrency=1)
    shop.script("lost", create=[{"drop": True}])
    lost, other = shop.submit("lost"), shop.submit("other")
    done = await shop.carry(lost, other)
    assert [job.state for job in done] == [JobState.OUTCOME_UNKNOWN, JobState.COMPLETED]


async def test_jobs_are_sent_in_the_order_they_came(shop: Shop) -> None:
    """With one place, the oldest waiting job is next."""
    shop.limits = Limits(concurrency=1)
    jobs = [shop.submit(f"take {number}") for number in range(4)]
    await shop.carry(*jobs)
    assert [entry["prompt"] for entry in shop.creates()] == [job.request.prompt for job in jobs]


async def test_creates_are_sent_no_faster_than_allowed_even_after_a_restart(shop: Shop) -> None:
    """Three in a second: no window of a second at the provider holds a fourth, over three workers."""
    shop.limits = Limits(concurrency=20, rate=3, window=1.0)
    jobs = [shop.submit(f"take {number}") for number in range(9)]
    for part in (2, 5):
        async with shop.working():
            await shop.until(jobs[part], JobState.QUEUED, JobState.COLLECTING, JobState.COMPLETED)
    done = await shop.carry(*jobs)
    assert {job.state for job in done} == {JobState.COMPLETED}
    times = sorted(entry["time"] for entry in shop.creates())
    assert len(times) == 9
    # The window is kept where creates leave; on the way to the log of a busy machine one may lose half of it.
    assert min(later - earlier for earlier, later in zip(times, times[3:], strict=False)) > 0.5


async def test_resuming_is_not_slowed_by_the_rate(shop: Shop) -> None:
    """A rate bounds creates; what is at the provider already is polled at once after a restart."""
    shop.limits = Limits(concurrency=20, rate=4, window=600.0)
    shop.script(render={"seconds": 0.3})
    jobs = [shop.submit(f"take {number}") for number in range(4)]
    async with shop.working():
        await asyncio.gather(*(shop.until(job, JobState.QUEUED, JobState.RUNNING) for job in jobs))
    done = await shop.carry(*jobs, patience=10)
    assert {job.state for job in done} == {JobState.COMPLETED}
