"""The Studio: wires engines, worker, library and budget, and is the one object that every door holds.

asyncio, the worker and the media room are imported where they are used: together they take longer than a
command that only reads the ledger.
"""

from __future__ import annotations

import os
import secrets
import shutil
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, Self

from rushes import settings as settings_room
from rushes.catalogue.catalogue import Catalogue
from rushes.catalogue.loading import read_model, shipped_models
from rushes.catalogue.offer import Offer, amount_to_hold, listed_offer
from rushes.database.database import Database, translated
from rushes.domain.answer import Answer
from rushes.domain.clip import Clip
from rushes.domain.errors import (
    BadInput,
    BadSettings,
    NotFound,
    ReadOnly,
    RushesError,
    SetupError,
    StillRunning,
    UnknownEngine,
    UnknownModel,
    error_of,
)
from rushes.domain.job import Job, JobState
from rushes.domain.model import Model
from rushes.domain.money import Basis, Budget
from rushes.domain.request import Reference, Role, VideoRequest
from rushes.engines import registry
from rushes.engines.contract import BaseEngine
from rushes.jobs.admission import Admission, Draft, digest, numbered
from rushes.jobs.ledger import Ledger
from rushes.jobs.starter import Starter
from rushes.library.library import Library
from rushes.settings import EngineSettings, Settings

DEFAULT_MODEL = "animatic/storyboard"
LOOK_EVERY_S = 0.1
CHECK_WORKER_EVERY_S = 1.0

LONGEST_PLAN_QUOTE_S = 10.0
"""Seconds an engine may take to say what is left of a plan; the price is known without it."""


class Studio:
    """Generates videos: quote, submit, wait, cancel, collect, reconcile; generate is submit and wait.

    Use it as `async with Studio.open() as studio`, or with a plain `with` for what does not wait.
    """

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self._database = Database(settings.ledger)
        self.ledger = Ledger(self._database)
        self.library = Library(settings.home, self._database)
        self._engines: dict[str, BaseEngine] = {}
        self._retired: list[BaseEngine] = []
        self._starter = Starter(settings.lock, settings.log, settings.environ)
        self._catalogue: Catalogue | None = None

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
        for engine in (*self._engines.values(), *self._retired):
            await engine.aclose()
        self._database.close()

    # --- asking ---

    @property
    def catalogue(self) -> Catalogue:
        """Every model of every configured engine."""
        if self._catalogue is None:
            self._catalogue = Catalogue(
                model for engine in self.settings.engines.values() for model in models_of(engine)
            )
        return self._catalogue

    async def quote(self, request: VideoRequest) -> Offer:
        """Return what would be made and what it would cost, and send nothing.

        Raises UnknownModel, ModelRetired, UnsupportedOption.
        """
        address = request.model or self.settings.model or DEFAULT_MODEL
        preset = "set as default" if self.settings.model else "the free default"
        chosen = "asked for" if request.model else preset
        offer = listed_offer(request, self.model(address), chosen)
        self.catalogue.check(offer.request, offer.model, datetime.now(UTC).date())
        if offer.quote.basis is Basis.FREE:
            return offer
        if offer.quote.basis is Basis.INCLUDED_IN_PLAN:
            return await self._with_quota(offer)
        return await self._with_live_quote(offer)

    def model(self, address: str) -> Model:
        """Return the model at `engine/model`, of a configured engine or of a shipped kind under its own name.

        Raises UnknownModel, and for an engine that cannot be loaded what is missing.
        """
        try:
            return self.catalogue.find(address)
        except UnknownModel:
            name = address.partition("/")[0]
            engine = self.settings.engine(name)
            if engine is None:
                raise
            if name not in self.settings.engines:
                return Catalogue(models_of(engine)).find(address)
            # Where its engine cannot be loaded, what is missing is the better answer.
            self.engine(name)
            raise

    async def _with_live_quote(self, offer: Offer) -> Offer:
        live = await self.engine(offer.model.engine).quote(offer.request, offer.model.id)
        return replace(offer, quote=live or offer.quote)

    async def _with_quota(self, offer: Offer) -> Offer:
        """Return the offer with what is left of the plan, where the engine can tell it in time."""
        import asyncio

        try:
            async with asyncio.timeout(LONGEST_PLAN_QUOTE_S):
                return await self._with_live_quote(offer)
        except TimeoutError:
            return replace(offer, quota_unknown=f"no answer within {LONGEST_PLAN_QUOTE_S:g} s")
        except RushesError as error:
            return replace(offer, quota_unknown=error.message)
        except Exception as error:  # noqa: BLE001 - an engine's own mistake does not make a plan dearer
            return replace(offer, quota_unknown=f"the engine failed: {type(error).__name__}: {error}")

    async def submit(
        self,
        request: VideoRequest,
        *,
        key: str | None = None,
        again: bool = False,
        out: Path | None = None,
        max_usd: Decimal | None = None,
    ) -> Job:
        """Store one job and have a worker carry it through. Returns at once.

        The same request again is answered with the job there is; see `submit_takes`.
        """
        return (await self.submit_takes(request, 1, key=key, again=again, out=out, max_usd=max_usd))[0].job

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
        if not 1 <= count <= 100:
            raise BadInput(f"count is {count}", next="give --count a number from 1 to 100")
        if key is not None and again:
            raise BadInput("--again and --key contradict each other", next="use a new --key for another clip")
        if out is not None:
            with translated(out):
                out.parent.mkdir(parents=True, exist_ok=True)
            if not os.access(out.parent, os.W_OK):
                raise ReadOnly(f"{out.parent} cannot be written; nothing was stored")
        offer = await self.quote(request)
        hold = amount_to_hold(offer.quote, max_usd)
        kept = replace(offer.request, references=tuple(self._keep(offer.request)))
        wishes = Wishes(key=key, again=again, out=out)
        drafts = [self._draft(offer, kept, hold, number, wishes) for number in range(count)]
        admissions = self.ledger.admit(drafts, self.settings.caps)
        self._copy_for_repeats(admissions, drafts)
        self.ensure_worker()
        return admissions

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

    # --- engines and the worker ---

    def engine(self, name: str) -> BaseEngine:
        """Return an engine, made on first use: a configured one, or a shipped kind with its defaults.

        Raises UnknownEngine, EngineMissing, BadSettings.
        """
        if name not in self._engines:
            configured = self.settings.engine(name)
            if configured is None:
                raise UnknownEngine(f"no engine named {name!r} is configured")
            configured.check_key()
            options = {**configured.options, "work": str(self.settings.home / "work")}
            self._engines[name] = registry.make(configured.kind, name, options)
        return self._engines[name]

    def reload(self) -> None:
        """Read the settings anew; engines whose own settings have changed are made anew when asked for."""
        try:
            found = settings_room.load(self.settings.environ)
        except BadSettings:
            # Somebody is in the middle of editing them; what is in force stays in force.
            return
        for name in list(self._engines):
            if found.engine(name) != self.settings.engine(name):
                self._retired.append(self._engines.pop(name))
        self.settings = replace(found, home=self.settings.home)
        self._catalogue = None

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
            lock=self.settings.lock,
            idle_s=self.settings.idle_s,
            reload=self.reload,
        ).run()

    # --- parts of submitting ---

    def _keep(self, request: VideoRequest) -> list[Reference]:
        """Check the files as pictures and copy them into the library by their hash."""
        kept = []
        for reference in request.references:
            if reference.path is not None and reference.role not in {Role.INPUT_VIDEO, Role.AUDIO}:
                from rushes.media.picture import check_picture

                check_picture(reference.path)
            kept.append(self.library.keep(reference))
        return kept

    def _draft(
        self, offer: Offer, request: VideoRequest, hold: Decimal, number: int, wishes: Wishes
    ) -> Draft:
        # What was asked makes two requests the same; a seed that nobody gave is drawn after that.
        same = digest(request, number)
        if request.seed is None and offer.model.seed:
            request = replace(request, seed=secrets.randbelow(2**31))
        return Draft(
            request=request,
            engine=offer.model.engine,
            account=self.engine(offer.model.engine).account,
            provider=offer.model.provider,
            quote=offer.quote,
            hold=hold,
            digest=same,
            ordinal=number,
            key=wishes.key,
            again=wishes.again,
            out=numbered(wishes.out, number),
        )

    def _copy_for_repeats(self, admissions: Sequence[Admission], drafts: Sequence[Draft]) -> None:
        """Give a caller who asks a second time the copy he asked for, too."""
        for admission, draft in zip(admissions, drafts, strict=True):
            if admission.fresh or draft.out is None:
                continue
            clips = self.library.intact(admission.job.id)
            if clips:
                with translated(draft.out):
                    shutil.copyfile(clips[0].path, draft.out)
            else:
                self.ledger.wants_copy(admission.job.id, draft.out)


@dataclass(frozen=True, kw_only=True)
class Wishes:
    """How a caller wants a request handled: `key` his own, `again`, a copy of the clip at `out`."""

    key: str | None = None
    again: bool = False
    out: Path | None = None


def models_of(engine: EngineSettings) -> Iterator[Model]:
    """Yield an engine's models: those of the settings file, those shipped, those its class brings."""
    yield from (read_model(table, engine.name) for table in engine.options.get("models", ()))
    shipped = shipped_models(engine.kind, engine.name, base_url=engine.options.get("base_url"))
    yield from shipped
    if not shipped:
        # An engine that cannot be loaded must not keep the others from being used.
        with suppress(SetupError):
            yield from (replace(model, engine=engine.name) for model in registry.load(engine.kind).models)


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
