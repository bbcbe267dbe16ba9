"""The worker: one at a time, writes nothing once superseded, ends when idle, and stands a clock set back."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from collections.abc import Callable
from contextlib import closing
from decimal import Decimal
from pathlib import Path

import pytest
from filelock import FileLock

from rushes.database.database import Database
from rushes.domain.errors import RenderFailed, Superseded, WorkerRunning
from rushes.domain.job import Job, JobState
from rushes.engines.contract import Progress, RenderState
from rushes.jobs.ledger import Ledger
from rushes.jobs.pace import Backoff
from rushes.jobs.starter import is_held
from rushes.jobs.tenure import Tenure
from rushes.testing.process import ProviderProcess
from tests.jobs.shop import NO_CAPS, Shop

WRITES: dict[str, Callable[[Tenure, Job], object]] = {
    "claim": lambda tenure, job: tenure.claim("scripted", 9),
    "posting": lambda tenure, job: tenure.posting(job, {}),
    "put_off": lambda tenure, job: tenure.put_off(job, RenderFailed(), 1.0),
    "unknown": lambda tenure, job: tenure.unknown(job, RenderFailed(), None),
    "block": lambda tenure, job: tenure.block(job, RenderFailed(), "account", 1.0),
    "unblocked": lambda tenure, job: tenure.unblocked(job),
    "running": lambda tenure, job: tenure.running(job, Progress(state=RenderState.RUNNING)),
    "rendered": lambda tenure, job: tenure.rendered(job, Decimal(1)),
    "completed": lambda tenure, job: tenure.completed(job, ["c1"]),
    "fail": lambda tenure, job: tenure.fail(job, RenderFailed()),
    "canceled": lambda tenure, job: tenure.canceled(job, None),
    "note": lambda tenure, job: tenure.note(job, "anything"),
    "missing": lambda tenure, job: tenure.missing(job, job.created_at, "nowhere"),
    "bind": lambda tenure, job: tenure.bind(job, "default@0123456789ab", "director@example.com"),
}


@pytest.mark.parametrize("write", WRITES.values(), ids=WRITES.keys())
def test_a_superseded_worker_writes_nothing(shop: Shop, write: Callable[[Tenure, Job], object]) -> None:
    """Once a newer worker has taken over, every write of the old one raises and changes nothing."""
    first = shop.submit("one")
    old = Tenure(shop.ledger)
    old.claim("scripted", 1)
    shop.submit("two")
    job = shop.now(first)
    other = Database(shop.home / "ledger.db")
    Tenure(Ledger(other))
    before = contents(other.path)
    with pytest.raises(Superseded):
        write(old, job)
    assert contents(other.path) == before
    other.close()


def contents(ledger: Path) -> list[str]:
    """Return all that stands in a ledger, read past our own code."""
    with closing(sqlite3.connect(ledger)) as connection:
        return list(connection.iterdump())


async def test_a_superseded_worker_stops(shop: Shop) -> None:
    """A worker that meets a newer one in the ledger ends with Superseded instead of going on."""
    shop.script(render={"seconds": 600})
    job = shop.submit()
    async with shop.working() as worker:
        await shop.until(job, JobState.RUNNING)
        other = Database(shop.home / "ledger.db")
        Tenure(Ledger(other))
        other.close()
        shop.ledger.cancel(job.id)
        with pytest.raises(Superseded):
            await asyncio.wait_for(worker, 10)


async def test_only_one_worker_holds_a_ledger(shop: Shop) -> None:
    """A second worker is refused while the first one lives, and the lock is free when it has gone."""
    lock = shop.home / "worker.lock"
    job = shop.submit()
    async with shop.working():
        await shop.until(job, JobState.COMPLETED)
        assert is_held(lock)
        async with shop.worker() as second:
            with pytest.raises(WorkerRunning):
                await second.run()
    assert not is_held(lock)


async def test_a_look_at_the_lock_keeps_no_worker_away(shop: Shop) -> None:
    """Who asks whether a worker is alive holds the lock for an instant; a worker that starts then stays."""
    job = shop.submit()
    asking = FileLock(shop.home / "worker.lock", thread_local=False)
    asking.acquire()
    threading.Timer(0.1, asking.release).start()
    async with shop.worker(idle_s=0.2) as worker:
        await asyncio.wait_for(worker.run(), 20)
    assert shop.now(job).state is JobState.COMPLETED


async def test_a_worker_without_work_ends(shop: Shop) -> None:
    """After its jobs are done a worker stays as long as it was told, and exits."""
    job = shop.submit()
    async with shop.worker(idle_s=0.2) as worker:
        await asyncio.wait_for(worker.run(), 20)
    assert shop.now(job).state is JobState.COMPLETED
    assert not is_held(shop.home / "worker.lock")


async def test_a_job_that_comes_while_others_run_is_started(shop: Shop) -> None:
    """A worker sees jobs that another connection stored, a tenth of a second later at most."""
    shop.script("long", render={"seconds": 600})
    first = shop.submit("long")
    other = Database(shop.home / "ledger.db")
    async with shop.working():
        await shop.until(first, JobState.RUNNING)
        (admission,) = Ledger(other).admit([shop.draft("late")], NO_CAPS)
        await shop.until(admission.job, JobState.COMPLETED)
        assert shop.now(first).state is JobState.RUNNING
    other.close()


@pytest.mark.parametrize("state", ["waiting", "unknown", "blocked"])
async def test_a_clock_set_back_an_hour_delays_nothing_by_an_hour(
    tmp_path: Path, provider: ProviderProcess, state: str
) -> None:
    """A job that was put off by the old clock goes on by the new one, long before the hour is over."""
    step = {
        "waiting": {"accept": False, "status": 429, "headers": {"Retry-After": "2"}, "times": 1},
        "unknown": {"drop": True, "times": 1},
        "blocked": {"accept": False, "status": 401, "times": 1},
    }[state]
    ahead = Shop(tmp_path / "home", provider, recovery="replay_key")
    ahead.script(create=[step], keys=True)
    now = ahead.ledger.clock
    ahead.ledger.clock = lambda: now() + 3600
    # So that it is put off when the worker ends, which waits for a create that is under way.
    soon, ahead.backoff = ahead.backoff, Backoff(first=500.0, longest=500.0)
    job = ahead.submit()
    async with ahead.working():
        await ahead.until(job, *JobState, which=lambda one: one.tries > 0)
    ahead.ledger.clock, ahead.backoff = now, soon
    if state != "waiting":
        # It sleeps ten minutes at most; a person need not wait for that.
        (ahead.ledger.look_again if state == "unknown" else ahead.ledger.collect)(job.id)
    async with ahead.working():
        done = await ahead.settled(job, patience=10)
    assert done.state is JobState.COMPLETED
    assert len(ahead.creates()) == 1
    ahead.close()
