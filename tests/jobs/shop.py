"""A ledger, a library and a worker in this process, on a provider in another: what the tests hold."""

from __future__ import annotations

import asyncio
import random
import secrets
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

from rushes.catalogue.price import price
from rushes.database.database import Database
from rushes.domain.clip import Clip
from rushes.domain.job import Job, JobState
from rushes.domain.money import Caps
from rushes.domain.request import VideoRequest
from rushes.domain.text import TextFilter
from rushes.engines.edge import GuardedEngine
from rushes.jobs.admission import Admission, Draft, digest
from rushes.jobs.download import Downloader
from rushes.jobs.ledger import Ledger
from rushes.jobs.pace import Backoff, Limits, Patience
from rushes.jobs.worker import Worker
from rushes.library.library import Library
from rushes.testing.process import ProviderProcess
from rushes.testing.scripted import ScriptedEngine

NO_CAPS = Caps(per_job=None, per_day=None, per_month=None)
SECONDS = 1.0
HOLD = Decimal("0.1")
"""What one clip of a second costs with the priced model."""

NOTHING = Decimal(0)


class Shop:
    """One home folder, the engine `scripted` with the settings given, and `limits` for it.

    `marks` is the folder of the user who owns the ledger, None: there is none.
    `engine_class` may be another engine that speaks to the same provider. Every prompt carries the shop's own
    `mark`, by which the provider is scripted for this test alone.
    """

    engine_class: type[ScriptedEngine] = ScriptedEngine

    def __init__(
        self,
        home: Path,
        provider: ProviderProcess,
        *,
        clock: Callable[[], float] = time.time,
        marks: Path | None = None,
        **settings: Any,
    ) -> None:
        self.home = home
        self.provider = provider
        self.mark = secrets.token_hex(5)
        self.database = Database(home / "ledger.db")
        self.marks = marks
        self.ledger = Ledger(self.database, clock=clock, marks=marks)
        self.library = Library(home, self.database)
        self.limits = Limits(concurrency=20)
        self.backoff = Backoff(first=0.02, longest=0.2, chance=random.Random(1))
        self.patience = Patience()
        self.downloader: Callable[[], Downloader] = Downloader
        self.settings: dict[str, Any] = {
            "base_url": provider.base_url,
            "recovery": "ask",
            "post_timeout": 2.0,
            "list_delay": 0.1,
            "ask_timeout": 1.5,
            "key": "a-secret-key",
            **settings,
        }

    def close(self) -> None:
        self.database.close()

    # --- the provider ---

    def script(self, words: str = "", **rule: Any) -> None:
        """Tell the provider how prompts with `words` of this shop go."""
        self.provider.script(self.prompt(words), **rule)

    def prompt(self, words: str = "") -> str:
        return f"{self.mark} {words}".strip()

    def creates(self, words: str = "") -> list[dict[str, Any]]:
        """Return the creates that the provider accepted from this shop: its own log, not our ledger."""
        return self.provider.log(self.prompt(words))

    # --- jobs ---

    def draft(self, words: str = "", **fields: Any) -> Draft:
        """Return a draft as the Studio makes it: a complete request, its quote and its hold."""
        models = {model.id: model for model in ScriptedEngine.models}
        model = models[fields.pop("model", "priced")]
        request = VideoRequest(
            prompt=self.prompt(words),
            model=model.address,
            seconds=SECONDS,
            aspect="16:9",
            resolution="180p",
            audio=True,
            references=fields.pop("references", ()),
        )
        quote = price(request, model)
        ordinal = fields.get("ordinal", 0)
        draft = Draft(
            request=request,
            engine="scripted",
            account="default",
            provider=model.provider,
            quote=quote,
            hold=quote.amount if quote.amount is not None else Decimal(1),
            digest=digest(request, ordinal),
        )
        return replace(draft, **fields)

    def admit(self, *drafts: Draft, caps: Caps = NO_CAPS) -> list[Admission]:
        return self.ledger.admit(drafts, caps)

    def submit(self, words: str = "", **fields: Any) -> Job:
        """Store one job."""
        return self.admit(self.draft(words, **fields))[0].job

    def now(self, job: Job) -> Job:
        return self.ledger.job(job.id)

    def clips(self, job: Job) -> list[Clip]:
        return self.library.of_job(job.id)

    def kinds(self, job: Job) -> list[str]:
        """Return what happened to a job, in order."""
        return [event["kind"] for event in self.ledger.events(job.id)]

    def held(self) -> Decimal:
        """Return what is set aside now, over all jobs."""
        return self.ledger.budget(NO_CAPS).standings[0].held

    def spent(self) -> Decimal:
        return self.ledger.budget(NO_CAPS).standings[0].spent

    # --- the worker ---

    @asynccontextmanager
    async def worker(self, *, idle_s: float = 3600.0) -> AsyncIterator[Worker]:
        """Give a worker with engine and connection of its own, as a new process would have them."""
        database = Database(self.home / "ledger.db")
        engine = self.engine_class("scripted", self.settings)
        try:
            yield Worker(
                Ledger(database, clock=lambda: self.ledger.clock(), marks=self.marks),
                Library(self.home, database),
                lambda job: GuardedEngine(engine, TextFilter([str(self.settings["key"])])),
                lambda name: self.limits,
                lock=self.home / "worker.lock",
                idle_s=idle_s,
                backoff=self.backoff,
                patience=self.patience,
                downloader=self.downloader,
            )
        finally:
            await engine.aclose()
            database.close()

    @asynccontextmanager
    async def working(self) -> AsyncIterator[asyncio.Task[None]]:
        """Have a worker at work during the block; it is stopped at the end wherever it stands."""
        async with self.worker() as worker:
            task = asyncio.create_task(worker.run())
            try:
                yield task
            finally:
                task.cancel()
                await asyncio.wait([task])

    async def until(
        self, job: Job, *states: JobState, which: Callable[[Job], bool] | None = None, patience: float = 120.0
    ) -> Job:
        """Return the job once it stands in one of `states` (and is as `which` wants it)."""
        async with asyncio.timeout(patience):
            while True:
                now = self.now(job)
                if now.state in states and (which is None or which(now)):
                    return now
                await asyncio.sleep(0.01)

    async def carry(self, *jobs: Job, patience: float = 120.0) -> list[Job]:
        """Have a worker carry jobs until they have ended, are blocked, or are left to a person."""
        async with self.working():
            return [await self.settled(job, patience=patience) for job in jobs]

    async def settled(self, job: Job, *, patience: float = 120.0) -> Job:
        return await self.until(job, *JobState, which=lambda one: one.settled, patience=patience)
