"""A worker on a clock that jumps from timer to timer: hours of waiting pass in milliseconds."""

from __future__ import annotations

import asyncio
import random
import selectors
from collections.abc import Awaitable, Callable, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

from rushes.database.database import Database
from rushes.domain.job import Job
from rushes.domain.money import Basis, Caps, Quote
from rushes.domain.request import VideoRequest
from rushes.domain.text import TextFilter
from rushes.engines.contract import Accepted, BaseEngine, CancelOutcome, Progress, RenderState, Ticket
from rushes.engines.edge import GuardedEngine
from rushes.jobs.admission import Draft, digest
from rushes.jobs.ledger import Ledger
from rushes.jobs.pace import Backoff, Limits, Patience
from rushes.jobs.tenure import Tenure
from rushes.jobs.worker import Worker
from rushes.library.library import Library

START = 1_800_000_000.0


class JumpingLoop(asyncio.SelectorEventLoop):
    """Where it would wait for its next timer, it is already that late."""

    def __init__(self) -> None:
        super().__init__(Jumping(self))
        self.ahead = 0.0

    def time(self) -> float:
        return self.ahead


class Jumping(selectors.DefaultSelector):
    def __init__(self, loop: JumpingLoop) -> None:
        super().__init__()
        self._loop = loop

    def select(self, timeout: float | None = None) -> Any:
        self._loop.ahead += timeout or 0.0
        return super().select(0)


class Renderer(BaseEngine):
    """A provider in this process. `took` are the seconds of each render by its ticket's number.

    Each ends without a clip: what is looked at is when it was asked. `tell` makes the progress of a fraction.
    """

    def __init__(self, tell: Callable[[float], Progress]) -> None:
        super().__init__("scripted", {})
        self.tell = tell
        self.took: dict[int, float] = {}
        self.begun: dict[int, float] = {}
        self.asked: dict[int, list[float]] = {}

    async def poll(self, ticket: Ticket) -> Progress:
        number = ticket["number"]
        age = asyncio.get_running_loop().time() - self.begun[number]
        self.asked.setdefault(number, []).append(age)
        if age >= self.took[number]:
            return Progress(state=RenderState.FAILED, error="it made nothing", cost=Decimal(0))
        return self.tell(age / self.took[number])

    async def cancel(self, ticket: Ticket) -> CancelOutcome:
        return CancelOutcome.CONFIRMED


class Stuck(BaseEngine):
    """Never answers a poll."""

    async def poll(self, ticket: Ticket) -> Progress:
        await asyncio.get_running_loop().create_future()
        raise AssertionError


def silent(fraction: float) -> Progress:
    return Progress(state=RenderState.RUNNING)


class Stage:
    """A ledger in a folder, its jobs at a `Renderer`, and a worker that follows them."""

    def __init__(self, home: Path, tell: Callable[[float], Progress] = silent) -> None:
        self.home = home
        self.loop = JumpingLoop()
        self.engine = Renderer(tell)
        self.stuck = Stuck("stuck", {})
        self.database = Database(home / "ledger.db")
        self.ledger = Ledger(self.database, clock=self.now)
        self.patience = Patience()
        self._count = 0

    def close(self) -> None:
        self.database.close()
        self.loop.close()

    def now(self) -> float:
        return START + self.loop.ahead

    def wait(self, seconds: float) -> None:
        """Let time pass without a worker."""
        self.loop.ahead += seconds

    def earlier(self, durations: Sequence[float], **asked: Any) -> None:
        """Write down renders that took `durations` seconds, and were found done a little later."""
        tenure = Tenure(self.ledger)
        for seconds in durations:
            job = self._accepted(tenure, **asked)
            self.wait(1.025 * seconds)
            tenure.rendered(job, None)
            tenure.completed(job, [])

    def begin_stuck(self, count: int) -> None:
        """Have renders accepted by an engine that never answers a poll."""
        tenure = Tenure(self.ledger)
        for _ in range(count):
            self._accepted(tenure, engine="stuck")

    def begin(self, *took: float, **asked: Any) -> list[Job]:
        """Have renders of `took` seconds accepted now."""
        tenure = Tenure(self.ledger)
        jobs = []
        for seconds in took:
            self.engine.took[self._count] = seconds
            self.engine.begun[self._count] = self.loop.ahead
            jobs.append(self._accepted(tenure, **asked))
        return jobs

    def _accepted(self, tenure: Tenure, engine: str = "scripted", **asked: Any) -> Job:
        fields = {"model": "scripted/free", "resolution": "720p", "seconds": 4.0, **asked}
        request = VideoRequest(prompt=f"number {self._count}", **fields)
        draft = Draft(
            request=request, engine=engine, account="default", provider="this process",
            quote=Quote(amount=Decimal(0), basis=Basis.FREE), hold=Decimal(0), digest=digest(request, 0),
        )  # fmt: skip
        id = self.ledger.admit([draft], Caps())[0].job.id
        tenure.claim(engine, 100_000)
        job = self.ledger.job(id)
        tenure.posting(job, {})
        tenure.accepted(job, Accepted(ticket={"number": self._count}))
        self._count += 1
        return self.ledger.job(id)

    def asked(self, job: Job) -> list[float]:
        """Return at what ages of its render, in seconds, the provider was asked about a job."""
        assert job.ticket is not None
        return self.engine.asked[job.ticket["number"]]

    def late(self, job: Job) -> float:
        """Return how many seconds after its end a render was found to have ended."""
        assert job.ticket is not None
        return self.asked(job)[-1] - self.engine.took[job.ticket["number"]]

    def follow(self, meanwhile: Awaitable[None] | None = None) -> None:
        """Have a worker follow everything to its end, by the jumping clock."""
        self.loop.run_until_complete(self._follow(meanwhile))

    async def _follow(self, meanwhile: Awaitable[None] | None) -> None:
        database = Database(self.home / "ledger.db")
        worker = Worker(
            Ledger(database, clock=self.now),
            Library(self.home, database),
            lambda job: GuardedEngine(self.stuck if job.engine == "stuck" else self.engine, TextFilter()),
            lambda name: Limits(concurrency=100_000),
            lock=self.home / "worker.lock",
            idle_s=1.0,
            backoff=Backoff(chance=random.Random(1)),
            patience=self.patience,
        )
        try:
            await asyncio.gather(worker.run(), *([meanwhile] if meanwhile is not None else []))
        finally:
            database.close()
