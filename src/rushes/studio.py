"""The Studio: wires engines, worker, library and budget, and is the one object that every door holds.

asyncio, the worker and the media room are imported where they are used: together they take longer than a
command that only reads the ledger.
"""

from __future__ import annotations

import os
import secrets
import shutil
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path
from typing import Any, Self

from rushes import settings as settings_room
from rushes.catalogue.catalogue import Catalogue
from rushes.catalogue.choice import Candidate
from rushes.catalogue.offer import Offer, amount_to_hold
from rushes.database.database import Database, translated
from rushes.domain.answer import Answer
from rushes.domain.clip import Clip
from rushes.domain.errors import (
    ApprovalNeeded,
    BadInput,
    BadReference,
    NotFound,
    ReadOnly,
    StillRunning,
    error_of,
)
from rushes.domain.job import Job, JobState
from rushes.domain.model import Model
from rushes.domain.money import Budget
from rushes.domain.request import Reference, VideoRequest
from rushes.engines.contract import BaseEngine
from rushes.jobs.admission import Admission, Draft, digest, numbered
from rushes.jobs.ledger import Ledger
from rushes.jobs.starter import Starter
from rushes.library.library import Library
from rushes.quoting import Quoting
from rushes.roster import Roster
from rushes.settings import Settings

MOST_TAKES = 100
"""Clips of one request; a batch takes thousands of different ones."""

LOOK_EVERY_S = 0.1
CHECK_WORKER_EVERY_S = 1.0


@dataclass(frozen=True, kw_only=True)
class Order:
    """An offer that somebody agreed to, and how its clip is wanted.

    `max_usd` bounds its price, and is what is held where the price is not known. `ordinal` tells equal
    orders apart; `key` is the caller's own; `again` asks for a new clip even where the same was just made;
    `out` is where a copy goes.
    """

    offer: Offer
    max_usd: Decimal | None = None
    ordinal: int = 0
    key: str | None = None
    again: bool = False
    out: Path | None = None


class Studio:
    """Generates videos: quote, submit, wait, cancel, collect, reconcile; generate is submit and wait.

    Use it as `async with Studio.open() as studio`, or with a plain `with` for what does not wait.
    """

    def __init__(self, settings: Settings) -> None:
        self._database = Database(settings.ledger)
        self.ledger = Ledger(self._database)
        self.library = Library(settings.home, self._database)
        self.roster = Roster(settings)
        self._quoting = Quoting(self.roster)
        self._starter = Starter(settings.lock, settings.log, settings.environ)

    @classmethod
    def open(cls, settings: Settings | None = None) -> Self:
        """Return a Studio on the settings file and the environment, or on `settings`."""
        return cls(settings or settings_room.load())

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._database.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.roster.aclose()
        self._database.close()

    @property
    def settings(self) -> Settings:
        """The settings in force."""
        return self.roster.settings

    # --- asking ---

    async def quote(self, request: VideoRequest) -> Offer:
        """Return what would be made and what it would cost, and send nothing.

        Where no model is named and none is set, or an alias is, one is chosen by `rushes.catalogue.choice`;
        `Offer.chosen` says how. Raises UnknownModel, ModelRetired, UnsupportedOption.
        """
        return await self._quoting.quote(request)

    def candidates(self, request: VideoRequest) -> list[Candidate]:
        """Return the models that `request` may mean, each with the catalogue's price and why not."""
        return self._quoting.candidates(request)

    async def submit(self, request: VideoRequest, **how: Any) -> Job:
        """Store one job and have a worker carry it through. Returns at once.

        The same request again is answered with the job there is; `how` are the options of `submit_takes`.
        """
        return (await self.submit_takes(request, 1, **how))[0].job

    async def submit_takes(
        self,
        request: VideoRequest,
        count: int,
        *,
        key: str | None = None,
        again: bool = False,
        out: Path | None = None,
        max_usd: Decimal | None = None,
    ) -> list[Admission]:
        """Store `count` jobs of one clip each: all of them, or none.

        `key` is the caller's own: the same key is the same jobs, whenever it is sent. `again` asks for new
        clips even where the same were just made. `max_usd` bounds the price of each, and is what is held
        where the price is not known. Raises BadInput and its kinds, OverBudget, PriceUnknown.
        """
        offer = await self.quote(request)
        if not (offer.quote.free or self._quoting.named(request)) and max_usd is None:
            raise ApprovalNeeded(
                f"{offer.model.address} was chosen, and costs money; nobody has agreed to it",
                next="name the model, or give max_usd: the most that one clip may cost",
            )
        return self.store(takes(offer, count, key=key, again=again, out=out, max_usd=max_usd))

    def store(self, orders: Sequence[Order]) -> list[Admission]:
        """Store a job for each order, with its hold, in one transaction: all of them, or none.

        Whoever calls this has had the offers agreed to. Raises BadReference, OverBudget, PriceUnknown.
        """
        for out in {order.out for order in orders if order.out is not None}:
            check_writable(out)
        kept: dict[Reference, Reference] = {}
        drafts = [self._draft(order, kept) for order in orders]
        admissions = self.ledger.admit(drafts, self.settings.caps)
        for admission, order in zip(admissions, orders, strict=True):
            if not admission.fresh and order.out is not None:
                self.copy(admission.job.id, order.out)
        self.ensure_worker()
        return admissions

    def kept(self, offer: Offer) -> Offer:
        """Return an offer on the library's own copies of its references: it stays what was agreed to.

        Raises BadReference.
        """
        copies: dict[Reference, Reference] = {}
        references = tuple(self._keep(one, copies) for one in offer.request.references)
        others = tuple(self.kept(one) for one in offer.fallbacks)
        return replace(offer, request=replace(offer.request, references=references), fallbacks=others)

    def copy(self, id: str, out: Path) -> None:
        """Give a caller who asks for a job again the copy he asks for, now or once there is a clip."""
        clips = self.library.intact(id)
        if clips:
            with translated(out):
                out.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(clips[0].path, out)
        else:
            self.ledger.wants_copy(id, out)

    # --- watching ---

    async def wait(self, id: str, *, timeout: float | None = None) -> Clip:
        """Wait for a job and return its clip (the first, where the provider made several).

        Raises StillRunning after `timeout` seconds (the job goes on), the job's own error where it failed,
        OutcomeUnknown or Blocked where a person has to act.
        """
        import asyncio

        job = self.ledger.job(id)
        try:
            async with asyncio.timeout(timeout):
                async for jobs in self.watch([id]):
                    job = jobs[0]
        except TimeoutError as error:
            said = f"job {job.id} is still {job.state.value}"
            raise StillRunning(said, next=f"rushes wait {job.id} goes on watching") from error
        if job.state is JobState.COMPLETED:
            clips = self.library.of_job(job.id)
            if not clips:
                bring = f"rushes collect {job.id} may bring it back; another request makes a new one"
                raise NotFound(f"the clip of job {job.id} was removed", next=bring)
            return clips[0]
        assert job.failure is not None
        raise error_of(job.failure.code, job.failure.message, job.failure.next, job.failure.billed)

    async def watch(self, ids: Sequence[str]) -> AsyncIterator[list[Job]]:
        """Yield the jobs now and whenever one has changed, until all have ended or need a person."""
        import asyncio

        clock = asyncio.get_running_loop().time
        full = [self.ledger.job(id).id for id in ids]
        seen: object = None
        check_at = 0.0
        while True:
            if clock() >= check_at:
                self.ensure_worker()
                check_at = clock() + CHECK_WORKER_EVERY_S
            version = (self._database.version(), self._database.progress_version())
            if version != seen:
                seen = version
                jobs = [self.ledger.job(id) for id in full]
                yield jobs
                if all(job.settled for job in jobs):
                    return
            await asyncio.sleep(LOOK_EVERY_S)

    async def generate(self, request: VideoRequest, *, timeout: float | None = None, **how: Any) -> Clip:
        """Submit and wait: what `rushes create` does. `how` are the options of `submit`."""
        job = await self.submit(request, **how)
        return await self.wait(job.id, timeout=timeout)

    def answer(self, id: str) -> Answer:
        """Return a job and what came of it, in the one shape that every door shows."""
        job = self.ledger.job(id)
        return Answer(job=job, clips=tuple(self.library.of_job(job.id)))

    # --- changing ---

    def cancel(self, id: str) -> Job:
        """Cancel a job where nothing was sent; else ask its provider to. Raises NotFound, WrongState."""
        job = self.ledger.cancel(id)
        self.ensure_worker()
        return job

    def collect(self, id: str) -> Job:
        """Have a job polled and downloaded again, free; a blocked one goes on. Raises WrongState."""
        job = self.ledger.collect(id)
        self.ensure_worker()
        return job

    def reconcile(self, id: str, *, ticket: str | None = None, charged: Decimal | None = None) -> Job:
        """Settle what only a person can tell.

        `ticket`: the provider did accept it under this id. `charged`: nothing comes of it, and it cost that
        many dollars. Neither: the provider's list is read once more. Raises WrongState.
        """
        if ticket is None and charged is None:
            job = self.ledger.look_again(id)
        elif ticket is not None:
            engine = self.engine(self.ledger.job(id).engine)
            job = self.ledger.reconcile(id, ticket=engine.ticket(ticket))
        else:
            job = self.ledger.reconcile(id, charged=charged)
        self.ensure_worker()
        return job

    def budget(self) -> Budget:
        """Return the caps in force, and what is held and spent under each."""
        return self.ledger.budget(self.settings.caps)

    # --- models and engines, the worker ---

    @property
    def catalogue(self) -> Catalogue:
        """Every model of every configured engine."""
        return self.roster.catalogue

    def model(self, address: str) -> Model:
        """Return the model at `engine/model`. Raises UnknownModel, or what its engine lacks."""
        return self.roster.model(address)

    def engine(self, name: str) -> BaseEngine:
        """Return an engine, made on first use. Raises UnknownEngine, EngineMissing, BadSettings."""
        return self.roster.engine(name)

    def ensure_worker(self) -> None:
        """Make sure that one worker is alive where there is work. It outlives this process."""
        if self.ledger.needs_worker():
            self._starter.ensure()

    async def work(self) -> None:
        """Be the worker: carry jobs until there is nothing to do. Raises WorkerRunning."""
        from rushes.jobs.pace import Limits
        from rushes.jobs.worker import Worker

        def limits(name: str) -> Limits:
            one = self.settings.engine(name)
            if one is None:
                return Limits()
            return Limits(concurrency=one.concurrency, rate=one.rate, window=one.window)

        await Worker(
            self.ledger,
            self.library,
            self.engine,
            limits,
            caps=lambda: self.settings.caps,
            lock=self.settings.lock,
            idle_s=self.settings.idle_s,
            reload=self.roster.reload,
        ).run()

    # --- parts of submitting ---

    def _draft(self, order: Order, kept: dict[Reference, Reference]) -> Draft:
        first, *others = [self._part(one, order, kept) for one in order.offer.steps]
        return replace(
            first,
            ordinal=order.ordinal,
            key=order.key,
            again=order.again,
            out=order.out,
            fallbacks=tuple(others),
        )

    def _part(self, offer: Offer, order: Order, kept: dict[Reference, Reference]) -> Draft:
        """Return what one engine would be sent."""
        references = tuple(self._keep(reference, kept) for reference in offer.request.references)
        request = replace(offer.request, references=references)
        # What was asked makes two requests the same; a seed that nobody gave is drawn after that.
        same = digest(request, order.ordinal)
        if request.seed is None and offer.model.seed:
            request = replace(request, seed=secrets.randbelow(2**31))
        return Draft(
            request=request,
            engine=offer.model.engine,
            account=self.engine(offer.model.engine).account,
            provider=offer.model.provider,
            quote=offer.quote,
            hold=amount_to_hold(offer.quote, order.max_usd),
            digest=same,
        )

    def _keep(self, reference: Reference, kept: dict[Reference, Reference]) -> Reference:
        """Return the library's copy of a reference, checked and copied once. Raises BadReference."""
        if reference not in kept:
            if reference.path is not None:
                from rushes.media.reference import check_reference

                check_reference(reference.role, reference.path)
            copy = self.library.keep(reference)
            if reference.sha256 not in {None, copy.sha256}:
                raise BadReference(f"{reference.path} was changed while it was being read; run it again")
            kept[reference] = copy
        return kept[reference]


def takes(
    offer: Offer,
    count: int,
    *,
    key: str | None = None,
    again: bool = False,
    out: Path | None = None,
    max_usd: Decimal | None = None,
) -> list[Order]:
    """Return `count` orders of one offer, a clip each; see `Studio.submit_takes`. Raises BadInput."""
    if not 1 <= count <= MOST_TAKES:
        raise BadInput(f"count is {count}", next=f"give --count a number from 1 to {MOST_TAKES}")
    if key is not None and again:
        raise BadInput("--again and --key contradict each other", next="use a new --key for another clip")
    return [
        Order(offer=offer, max_usd=max_usd, ordinal=number, key=key, again=again, out=numbered(out, number))
        for number in range(count)
    ]


def check_writable(out: Path) -> None:
    """Make the folder that a copy goes to. Raises ReadOnly where it cannot be written."""
    with translated(out):
        out.parent.mkdir(parents=True, exist_ok=True)
    if not os.access(out.parent, os.W_OK):
        raise ReadOnly(f"{out.parent} cannot be written; nothing was stored")


def generate(prompt: str, *, timeout: float | None = None, **asked: Any) -> Clip:
    """Make one clip and return it; blocks until it is on disk.

    `asked` are the fields of VideoRequest (`seconds`, `aspect`, `model` …) and of `Studio.submit` (`key`,
    `again`, `out`, `max_usd`). Raises the classes of `rushes.domain.errors`; StillRunning after `timeout`
    seconds, and the job goes on.
    """
    import asyncio

    how = {name: asked.pop(name) for name in ("key", "again", "out", "max_usd") if name in asked}
    request = VideoRequest(prompt=prompt, **asked)

    async def run() -> Clip:
        async with Studio.open() as studio:
            return await studio.generate(request, timeout=timeout, **how)

    return asyncio.run(run())
