"""A campaign of faults: one ledger, every engine, and a person who settles what only a person can."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from decimal import Decimal
from pathlib import Path

from PIL import Image

from rushes.database.database import Database
from rushes.domain.errors import Billed
from rushes.domain.job import Failure, Job, JobState
from rushes.domain.money import Caps
from rushes.domain.request import Reference, Role, VideoRequest
from rushes.jobs.ending import Ending
from rushes.jobs.ledger import Ledger
from rushes.jobs.pace import Backoff, Limits
from rushes.jobs.starter import is_held
from rushes.jobs.worker import Worker
from rushes.library.library import Library
from rushes.settings import EngineSettings, Settings
from rushes.studio import Studio
from tests.engines.counters import Booked, Counter, Take
from tests.engines.faults import LATE_S, End
from tests.engines.working import until

NO_CAPS = Caps(per_job=None, per_day=None, per_month=None)
AT_ONCE = 10
"""Jobs that are stored together."""

STOP_EVERY = 8
"""One in so many of those is followed by a stop of the worker."""

UNDER_WAY = frozenset({JobState.SUBMITTING, JobState.QUEUED, JobState.RUNNING, JobState.COLLECTING})


class Campaign:
    """`count` takes, drawn by `seed`: an engine, an operation, a fault, a request; and stops of the worker.

    `seen` keeps every failure that a person was shown, `cut` whom a stop of the worker hit under way: it may
    have spared them their fault. At the end `books` are what the doubles accepted, and `unmet` those whose
    fault never came about.
    """

    def __init__(self, home: Path, counters: Sequence[Counter], *, seed: int, count: int) -> None:
        self.counters = counters
        self.chance = random.Random(seed)
        self.takes: list[Take] = []
        self.jobs: dict[Take, Job] = {}
        self.seen: dict[Take, list[Failure]] = {}
        self.cut: set[Take] = set()
        self.books: dict[Take, list[Booked]] = {}
        self.unmet: set[Take] = set()
        self.stops = 0
        self._count = count
        self._collected: set[Take] = set()
        self._done: set[Take] = set()
        home.mkdir(parents=True)
        self.settings = Settings(
            home=home,
            config=home / "config.toml",
            log=home / "worker.log",
            engines={
                one.name: EngineSettings(name=one.name, kind=one.kind, options=one.options)
                for one in counters
            },
            caps=NO_CAPS,
        )
        self.studio = Studio(self.settings)

    async def run(self) -> None:
        """Store the takes, with stops of the worker in between, and let everything come to its end."""
        batches = [range(start, self._count)[:AT_ONCE] for start in range(0, self._count, AT_ONCE)]
        stops = self.chance.sample(range(len(batches)), k=1 + len(batches) // STOP_EVERY)
        rest = iter(enumerate(batches))
        for _ in stops:
            async with self.working():
                await self.store_until(rest, stops)
                await self.moment()
                self.stops += 1
                self.cut |= {take for take in self.takes if self.now(take).state in UNDER_WAY}
        async with self.working():
            await self.store_until(rest, ())
            await until(self.settled, patience=120.0)
        self.books = {take: take.counter.books(take) for take in self.takes}
        self.unmet = {take for one in self.counters for take in one.unmet(self.of(one))}

    async def moment(self) -> None:
        """Wait until a few creates are on their way: with all of them lost, nothing else would be tried."""
        few = self.chance.randint(1, 6)
        ledger = self.studio.ledger
        await until(lambda: len(ledger.jobs(state=JobState.SUBMITTING)) <= few)

    async def store_until(self, rest: Iterator[tuple[int, range]], stops: Sequence[int]) -> None:
        """Store batch after batch, up to one of `stops`, or all that are left."""
        for number, batch in rest:
            for one in batch:
                await self.store(one)
            await asyncio.sleep(self.chance.uniform(0.2, 0.5))
            self.be_the_person()
            if number in stops:
                return

    def settled(self) -> bool:
        """Do what a person has to do; whether everything has ended, and is settled."""
        self.be_the_person()
        return len(self._done) == len(self.takes)

    # --- taking ---

    async def store(self, number: int) -> None:
        take = self.draw(number)
        take.counter.tell(take)
        frame = (Reference(role=Role.FIRST_FRAME, path=take.picture),) if take.picture else ()
        model = f"{take.counter.name}/{take.counter.model(framed=bool(frame))}"
        request = VideoRequest(prompt=take.prompt, model=model, references=frame)
        self.jobs[take] = await self.studio.submit(request, again=True, max_usd=Decimal(5))
        self.seen[take] = []
        self.takes.append(take)

    def draw(self, number: int) -> Take:
        kind = self.chance.choice(sorted({one.kind for one in self.counters}))
        counter = self.chance.choice([one for one in self.counters if one.kind == kind])
        operation = self.chance.choice(sorted({fault.operation for fault in counter.faults}))
        fault = self.chance.choice([one for one in counter.faults if one.operation == operation])
        picture = None
        if fault.framed or self.chance.random() < 0.3:
            picture = self.settings.home / f"frame-{number:04d}.png"
            shade = (number % 256, number // 256, 90)
            Image.new("RGB", (320, 180), shade).save(picture)
        return Take(
            mark=f"take {number:04d}.",
            counter=counter,
            fault=fault,
            times=self.chance.choice(fault.times),
            picture=picture,
        )

    # --- the worker ---

    @asynccontextmanager
    async def working(self) -> AsyncIterator[None]:
        """Have a worker at work with engines and connections of its own, as a new process would have them."""
        database = Database(self.settings.ledger)
        # A download goes on in its thread when its task is canceled: the next worker must not meet it.
        with ThreadPoolExecutor(8) as threads:
            asyncio.get_running_loop().set_default_executor(threads)
            async with Studio(self.settings) as engines:
                worker = Worker(
                    Ledger(database),
                    Library(self.settings.home, database),
                    lambda job: engines.engine(job.engine),
                    lambda name: Limits(concurrency=60),
                    caps=lambda: self.settings.caps,
                    # Stopped here as a kill would stop it, in the middle of its creates.
                    ending=Ending(at_once=True),
                    lock=self.settings.lock,
                    idle_s=3600.0,
                    backoff=Backoff(first=0.05, longest=0.4, chance=random.Random(1)),
                )
                task = asyncio.create_task(worker.run())
                try:
                    # With the first look of its own at the lock, the Studio would start another worker.
                    await until(lambda: is_held(self.settings.lock))
                    yield
                    assert not task.done(), task
                finally:
                    task.cancel()
                    await asyncio.wait([task])
                    database.close()

    def now(self, take: Take) -> Job:
        return self.studio.ledger.job(self.jobs[take].id)

    # --- what came of it ---

    def of(self, counter: Counter) -> list[Take]:
        return [take for take in self.takes if take.counter is counter]

    def kinds(self, take: Take) -> list[str]:
        """Return what happened to a job, in order."""
        return [event["kind"] for event in self.studio.ledger.events(self.jobs[take].id)]

    def was_disturbed(self, take: Take) -> bool:
        """Whether its create was not heard of for another reason: a stop, a busy machine."""
        events = self.studio.ledger.events(self.jobs[take].id)
        causes = [one["detail"]["because"] for one in events if one["kind"] == "outcome_unknown"]
        foreseen = take.fault.end in (End.HEARD, End.WRITTEN_OFF)
        stopped = bool(causes) and causes[0].startswith("the worker was stopped")
        return bool(causes) and (not foreseen or stopped or take in self.unmet)

    # --- the person ---

    def be_the_person(self) -> None:
        """Look at every job that waits for a person or has failed, and do what it says."""
        for take in self.takes:
            if take not in self._done:
                self.act(take)

    def act(self, take: Take) -> None:
        job = self.now(take)
        if not job.settled:
            return
        if job.failure is not None and job.failure not in self.seen[take]:
            self.seen[take].append(job.failure)
        match job.state:
            case JobState.BLOCKED:
                take.counter.mend(take)
                self.studio.ledger.collect(job.id)
            case JobState.OUTCOME_UNKNOWN:
                if self.studio.ledger.clock() - job.updated_at.timestamp() > LATE_S + 1.0:
                    self.settle(job, take.counter.books(take))
            case _ if job.state is JobState.COMPLETED or not self.end(take, job):
                self._done.add(take)

    def settle(self, job: Job, books: Sequence[Booked]) -> None:
        """Say what stands in the provider's own books, as `rushes reconcile` does."""
        if books:
            ticket = self.studio.engine(job.engine).ticket(books[0].ticket)
            self.studio.ledger.reconcile(job.id, ticket=ticket)
        else:
            self.studio.ledger.reconcile(job.id, charged=Decimal(0))

    def end(self, take: Take, job: Job) -> bool:
        """Collect once more what the provider has made, then say what it charged where nobody could know.

        Whether there was anything of that to do.
        """
        books = take.counter.books(take)
        if job.ticket is not None and take not in self._collected and any(one.made for one in books):
            self._collected.add(take)
            take.counter.mend(take)
            self.studio.ledger.collect(job.id)
            return True
        if job.failure is not None and job.failure.billed is Billed.UNKNOWN and not job.cost.settled:
            charged = sum((one.charged for one in books), Decimal(0))
            self.studio.ledger.reconcile(job.id, charged=charged)
            return True
        return False
