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
from rushes.catalogue.aliases import meant
from rushes.catalogue.catalogue import Catalogue
from rushes.catalogue.choice import Candidate, choose, reason, refusal, weigh
from rushes.catalogue.loading import key_options, origin, read_model, shipped_models
from rushes.catalogue.offer import Offer, amount_to_hold, listed_offer
from rushes.catalogue.saved import SavedList, merged, save, saved_list
from rushes.database.database import Database, translated
from rushes.domain.answer import Answer
from rushes.domain.clip import Clip
from rushes.domain.errors import (
    ApprovalNeeded,
    BadInput,
    BadSettings,
    NotFound,
    ReadOnly,
    RushesError,
    SetupError,
    StillRunning,
    UnknownEngine,
    UnknownModel,
    Unreachable,
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
LAST_RESORT = "animatic"
"""The kind that is never chosen before another: it draws a storyboard and generates nothing."""

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
        self._models: dict[str, tuple[Model, ...]] = {}

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
            engines = self.settings.engines.values()
            self._catalogue = Catalogue(model for engine in engines for model in self.models_of(engine))
        return self._catalogue

    async def quote(self, request: VideoRequest) -> Offer:
        """Return what would be made and what it would cost, and send nothing.

        Where no model is named and none is set, or an alias is, one is chosen by `rushes.catalogue.choice`;
        `Offer.chosen` says how. Raises UnknownModel, ModelRetired, UnsupportedOption.
        """
        model, chosen = self._chosen(request)
        offer = listed_offer(request, model, chosen)
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
                return Catalogue(self.models_of(engine)).find(address)
            # Where its engine cannot be loaded, what is missing is the better answer.
            self.engine(name)
            raise

    def candidates(self, request: VideoRequest) -> list[Candidate]:
        """Return the models that `request` may mean, each with the catalogue's price and why not.

        For a model named whole, every one that there is.
        """
        return [one for group in self._groups(request) or [self._weighed(request)] for one in group]

    def _chosen(self, request: VideoRequest) -> tuple[Model, str]:
        """Return the model for a request, and how it came to be the one."""
        name = self._named(request)
        groups = self._groups(request)
        if name is not None and not groups:
            return self.model(name), "asked for" if request.model else "set as default"
        found = choose(groups)
        if found is not None:
            why = reason(groups, found)
            return found.model, f"{name}: {why}" if name else why
        if name not in (None, "cheap"):
            candidates = [one for group in groups for one in group]
            raise refusal(str(name), candidates, datetime.now(UTC).date())
        ready = any(not self._unready(engine) for engine in self._engines_to_choose_from())
        others = "; no other engine that is ready can do it" if ready else ""
        return self.model(DEFAULT_MODEL), f"the free default{others}"

    def _named(self, request: VideoRequest) -> str | None:
        """Return the model or alias that a request or the settings name."""
        return request.model or self.settings.model or None

    def _groups(self, request: VideoRequest) -> list[list[Candidate]]:
        """Return what the alias of a request means, or all for none; empty for a model named whole."""
        name = self._named(request)
        if name is None:
            return [self._weighed(request)]
        if "/" in name or self.settings.engine(name) is not None:
            return []
        weighed = {one.model.address: one for one in self._weighed(request)}
        groups = meant(name, (one.model for one in weighed.values()))
        return [[weighed[model.address] for model in group] for group in groups]

    def _weighed(self, request: VideoRequest) -> list[Candidate]:
        engines = list(self._engines_to_choose_from())
        unready = {engine.name: why for engine in engines if (why := self._unready(engine))}
        models = (model for engine in engines for model in self.models_of(engine))
        return weigh(request, models, unready, datetime.now(UTC).date())

    def _engines_to_choose_from(self) -> Iterator[EngineSettings]:
        """Yield the configured engines and the shipped kinds, without the one that is the last resort."""
        for engine in (*self.settings.engines.values(), *self.settings.shipped.values()):
            if engine.kind != LAST_RESORT:
                yield engine

    def _unready(self, engine: EngineSettings) -> str | None:
        """Return why nothing may be sent to an engine that nobody named; None: it is ready."""
        configured = engine.name in self.settings.engines
        wanted = key_options(engine.kind, engine.name, base_url=engine.options.get("base_url"))
        if not any(engine.options.get(option) for option in wanted):
            if not configured:
                return f"the engine {engine.name} is not configured"
            if wanted:
                return f"the engine {engine.name} has no key"
        try:
            engine.check_key()
            registry.load(engine.kind)
        except SetupError as error:
            return error.message
        return None

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
        if not (offer.quote.free or self._named(request)) and max_usd is None:
            raise ApprovalNeeded(
                f"{offer.model.address} was chosen, and costs money; nobody has agreed to it",
                next="name the model, or give max_usd: the most that one clip may cost",
            )
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

    # --- models and engines, the worker ---

    def models_of(self, engine: EngineSettings) -> tuple[Model, ...]:
        """Return an engine's models: those of the settings file, else listed, else shipped."""
        if engine.name not in self._models:
            own = (read_model(table, engine.name) for table in engine.options.get("models", ()))
            listed = saved_list(self._lists, engine.name)
            if listed is not None and listed.server != server_of(engine):
                listed = None
            self._models[engine.name] = merged(own, brought_models(engine), listed)
        return self._models[engine.name]

    async def refresh(self, name: str) -> SavedList | None:
        """Ask an engine's service for its models and keep the list; None: it offers none.

        Raises what keeps the service from answering; the list before is kept.
        """
        adapter, engine = self.engine(name), self.settings.engine(name)
        try:
            models = await adapter.list_models()
        except RushesError:
            raise
        except Exception as error:
            raise Unreachable(f"the engine failed: {type(error).__name__}: {error}") from error
        if engine is None or not models:
            return None
        listed = SavedList(server=server_of(engine), read_on=datetime.now(UTC).date(), models=tuple(models))
        with translated(self._lists):
            save(self._lists, name, listed)
        self._catalogue = None
        self._models.clear()
        return listed

    def ready_engines(self) -> list[str]:
        """Return the names of the engines that may be asked: configured, or shipped with their key set."""
        return [
            *self.settings.engines,
            *(name for name, engine in self.settings.shipped.items() if not self._unready(engine)),
        ]

    @property
    def _lists(self) -> Path:
        return self.settings.home / "catalogue"

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
        self._models.clear()

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


def brought_models(engine: EngineSettings) -> Iterator[Model]:
    """Yield the models shipped for an engine, or else those that its class brings."""
    shipped = shipped_models(engine.kind, engine.name, base_url=engine.options.get("base_url"))
    yield from shipped
    if not shipped:
        # An engine that cannot be loaded must not keep the others from being used.
        with suppress(SetupError):
            yield from (replace(model, engine=engine.name) for model in registry.load(engine.kind).models)


def server_of(engine: EngineSettings) -> str:
    """Return what a list of models is about: an engine's kind, and the host where one is set."""
    address = engine.options.get("base_url") or engine.options.get("api_url")
    if address is None:
        return engine.kind
    scheme, host, port = origin(str(address), engine.name)
    return f"{engine.kind} {scheme}://{host}:{port}"


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
