"""A worker in this process with one engine, and waiting for what it does: shared by the engines' stages."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from rushes.database.database import Database
from rushes.domain.job import Job, JobState
from rushes.domain.text import TextFilter
from rushes.engines.contract import BaseEngine, Engine
from rushes.engines.edge import GuardedEngine
from rushes.jobs.ledger import Ledger
from rushes.jobs.pace import Backoff, Limits
from rushes.jobs.starter import is_held
from rushes.jobs.worker import Worker
from rushes.library.library import Library
from rushes.settings import Settings
from rushes.studio import Studio


@asynccontextmanager
async def working(settings: Settings, engine: Engine, concurrency: int) -> AsyncIterator[None]:
    """Have a worker with `engine` at work on the home folder of `settings` during the block."""
    database = Database(settings.ledger)
    # As the settings would make it; what is guarded already stays so.
    guarded = GuardedEngine(engine, TextFilter()) if isinstance(engine, BaseEngine) else engine
    worker = Worker(
        Ledger(database),
        Library(settings.home, database),
        lambda job: guarded,
        lambda name: Limits(concurrency=concurrency),
        lock=settings.lock,
        idle_s=3600.0,
        backoff=Backoff(first=0.05, longest=0.3, chance=random.Random(1)),
    )
    task = asyncio.create_task(worker.run())
    try:
        # With the first look of its own at the lock, a Studio would start another worker.
        await until(lambda: is_held(settings.lock))
        yield
    finally:
        task.cancel()
        await asyncio.wait([task])
        database.close()


async def settled(
    studio: Studio,
    job: Job,
    *states: JobState,
    which: Callable[[Job], object] = lambda job: True,
    patience: float = 40.0,
) -> Job:
    """Return a job once it stands in one of `states`, and is as `which` wants it.

    Without any state: once it has ended or needs a person.
    """

    def there() -> bool:
        now = studio.ledger.job(job.id)
        return bool((now.state in states if states else now.settled) and which(now))

    await until(there, patience)
    return studio.ledger.job(job.id)


async def until(true: Callable[[], bool], patience: float = 20.0) -> None:
    """Return once something is true that tells nobody when it becomes so."""
    async with asyncio.timeout(patience):
        while not true():  # noqa: ASYNC110 - there is nothing to be woken by
            await asyncio.sleep(0.02)
