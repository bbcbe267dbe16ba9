"""The Studio: wires engines, worker, library and budget, and is the one object that every door holds.

asyncio, the worker and the media room are imported where they are used: together they take longer than a
command that only reads the ledger.
"""

from __future__ import annotations

import math
import os
import secrets
import warnings
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from decimal import Decimal
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from rushes import naming
from rushes import settings as settings_room
from rushes.catalogue.catalogue import Catalogue
from rushes.catalogue.choice import Candidate
from rushes.catalogue.offer import Offer, amount_to_hold
from rushes.database.database import Database
from rushes.domain.account import split_account
from rushes.domain.answer import Answer
from rushes.domain.clip import Clip, Damage
from rushes.domain.destination import CLIP, Destination
from rushes.domain.errors import (
    ApprovalNeeded,
    BadDestination,
    BadInput,
    BadReference,
    KeyMissing,
    LibraryDamaged,
    SetupError,
    SignInNeeded,
    StillRunning,
    WrongState,
    error_of,
)
from rushes.domain.gitignore import ignore_home
from rushes.domain.job import Job, JobState
from rushes.domain.model import Model
from rushes.domain.money import LARGEST_LIMIT, Budget, Quote, can_be_limit, usd
from rushes.domain.request import Reference, Role, VideoRequest, check_visible
from rushes.domain.understanding import Understanding
from rushes.engines.contract import Engine, Recovery
from rushes.jobs.admission import Admission, Draft, Identity, check_key, digest, numbered
from rushes.jobs.copies import make_copy
from rushes.jobs.heartbeat import SilentWorker, find_silent_worker
from rushes.jobs.key_channel import KeyCourier, KeyDesk
from rushes.jobs.ledger import Ledger
from rushes.jobs.rescue import adopt_rescued
from rushes.jobs.starter import Starter
from rushes.jobs.trust import Finding
from rushes.library.library import Library
from rushes.quoting import Quoting
from rushes.roster import Roster
from rushes.settings import Settings

if TYPE_CHECKING:
    from rushes.jobs.ending import Ending

MOST_TAKES = 100
"""Clips of one request; a batch takes thousands of different ones."""

HASHED_AT_ONCE = 32 * 2**20
"""Bytes of a clip that are read whenever somebody asks for it; that takes some 30 ms."""

HAND_OVER_S = 10.0
"""How long a worker that just starts is waited for, where it needs a key that only this process has."""

LOOK_EVERY_S = 0.1
CHECK_WORKER_EVERY_S = 1.0


Copies = dict[Reference, Reference]
"""References as they were given, and the library's copies of them."""


@dataclass(frozen=True, kw_only=True)
class Order:
    """An offer that somebody agreed to, and how its clip is wanted.

    `max_usd` bounds its price, and is what is held if the price is not known. `ordinal` tells equal orders
    apart; `key` is the caller's own, or with `derived_key` one that a door made; `again` asks for a new clip
    even if the same was just made; `out` is where a copy goes.
    """

    offer: Offer
    max_usd: Decimal | None = None
    ordinal: int = 0
    key: str | None = None
    derived_key: bool = False
    again: bool = False
    out: Destination | None = None

    def __post_init__(self) -> None:
        check_key(self.key)
        is_amount = self.max_usd is None or (isinstance(self.max_usd, Decimal) and can_be_limit(self.max_usd))
        if not is_amount:
            raise BadInput(
                f"max_usd is {self.max_usd!r}",
                next=f"give a Decimal, an amount in dollars from 0 to {LARGEST_LIMIT:,}",
            )


class Studio:
    """Generates videos: quote, submit, wait, cancel, collect, reconcile; generate is submit and wait.

    Use it as `async with Studio.open() as studio`, or with a plain `with` for what does not wait.
    """

    def __init__(self, settings: Settings) -> None:
        self._database = Database(settings.ledger)
        ignore_home(settings.home)
        self.ledger = Ledger(self._database, marks=settings.marks)
        self.library = Library(settings.home, self._database)
        self.roster = Roster(settings)
        self._quoting = Quoting(self.roster)
        self._starter = Starter(
            settings.lock, settings.log, {**settings.folder_variables, **settings.environ}
        )
        self._courier = KeyCourier(settings.channel)
        adopt_rescued(self.ledger, settings.home)
        self._checked: set[tuple[Role, str | None]] = set()

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

    # --- what is meant ---

    def job(self, words: str) -> Job:
        """Return the job that is meant by words, see `rushes.naming`. Raises NotFound."""
        return naming.find_job(self.ledger, self.library, words)

    def clips(self, words: str) -> list[Clip]:
        """Return the clip that is meant by words, or those of the job that is; never none.

        Raises NotFound.
        """
        return naming.find_clips(self.ledger, self.library, words)

    # --- asking ---

    async def quote(self, request: VideoRequest) -> Offer:
        """Return what would be made and what it would cost, and send nothing.

        Where no model is named and none is set, or an alias is, one is chosen by `rushes.catalogue.choice`;
        `Offer.chosen` says how. Raises UnknownModel, ModelRetired, UnsupportedOption, and BadInput for
        words that a person would not see.
        """
        check_visible(request)
        return await self._quoting.quote(request)

    def understanding(self, made: Offer | Job) -> Understanding | None:
        """Return which words of a prompt will be seen in the clip; None for engines that cannot tell.

        The animatic can, which draws from the words that it knows.
        """
        engine = made.model.engine if isinstance(made, Offer) else made.engine
        return self.roster.understanding(engine, made.request)

    def candidates(self, request: VideoRequest) -> list[Candidate]:
        """Return the models that `request` may mean, each with the catalogue's price and why not."""
        return self._quoting.candidates(request)

    def check_ready(self, *offers: Offer) -> None:
        """Raise KeyMissing, or what else keeps an engine of these offers from being used; nothing is sent.

        `store` checks it, too; a door that asks a person to agree to a price calls this first.
        """
        for engine in dict.fromkeys(step.model.engine for offer in offers for step in offer.steps):
            self.roster.check_ready(engine)

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
        out: str | PathLike[str] | None = None,
        force: bool = False,
        max_usd: Decimal | None = None,
    ) -> list[Admission]:
        """Store `count` jobs of one clip each: all of them, or none.

        `key` is the caller's own: the same key is the same jobs, whenever it is sent. `again` asks for new
        clips even if the same were just made. `out` is a file for a copy, or a folder (one that is there, or
        a text that ends with a slash) that it goes into under the clip's own name; a file that is there
        already is only replaced with `force`. `max_usd` bounds the price of each, and is what is held
        if the price is not known. Warns if a storyboard is drawn because nothing that generates video is set
        up. Raises BadInput and its kinds, OverBudget, PriceUnknown, KeyMissing.
        """
        goal = None if out is None else Destination.read(out, CLIP, force=force, what="out")
        offer = await self.quote(request)
        orders = takes(offer, count, key=key, again=again, out=goal, max_usd=max_usd)
        copies = await self.copy_references(offer)
        same = self.find_same(orders, copies)
        self.check_destinations(orders, same)
        if None in same:
            self.check_ready(offer)
            _check_agreed(offer, max_usd)
        admissions = self.store(orders, copies)
        if offer.advice and None in same:
            warnings.warn(f"{offer.chosen}; for generated video: {offer.advice}", stacklevel=2)
        await self.make_copies([one.job.id for one in admissions])
        return admissions

    async def copy_references(self, *offers: Offer) -> Copies:
        """Check and copy the references of offers on another thread: they may be large, or on a slow disk.

        What is returned saves `find_same`, `store` and `kept` from it. Raises BadReference.
        """
        import asyncio

        copies: Copies = {}
        steps = [step for offer in offers for step in offer.steps]
        for one in dict.fromkeys(one for step in steps for one in step.request.references):
            copies[one] = await asyncio.to_thread(self._keep, one, {})
        return copies

    def find_same(self, orders: Sequence[Order], copies: Copies | None = None) -> list[Job | None]:
        """Return, for each order, the job that answers for it, so that nothing is bought; else None.

        `copies` are the references that are in the library already. Raises BadReference, KeyConflict.
        """
        known = dict(copies or {})
        return [self.ledger.find_same(self._identity(order, self._identify, known)) for order in orders]

    def store(self, orders: Sequence[Order], copies: Copies | None = None) -> list[Admission]:
        """Store a job for each order, with its hold, in one transaction: all of them, or none.

        Whoever calls this has had the offers agreed to. `copies` are the references that are in the library
        already. `make_copies` then copies the clips that are there already to where they are wanted.
        Raises BadReference, BadDestination, OverBudget, PriceUnknown, and what `check_ready` does.
        """
        self.check_ready(*(order.offer for order in orders))
        kept = {} if copies is None else copies
        wanted = [order for order in orders if order.out is not None]
        self.check_destinations(wanted, self.find_same(wanted, kept))
        for out in {order.out.folder: order.out for order in wanted if order.out is not None}.values():
            out.make_folder()
        drafts = [self._draft(order, kept) for order in orders]
        admissions = self.ledger.admit(drafts, self.settings.caps)
        for admission, order in zip(admissions, orders, strict=True):
            if not admission.fresh:
                # Whoever asks again says where a copy is wanted now, if any is.
                self.ledger.forget_failed_copies(admission.job.id)
                if order.out is not None:
                    self.ledger.want_copy(admission.job.id, order.out)
                self.bring_back(admission.job.id)
        self.ensure_worker()
        return [replace(one, job=self.ledger.job(one.job.id)) for one in admissions]

    def kept(self, offer: Offer, copies: Copies | None = None) -> Offer:
        """Return an offer on the library's own copies of its references: it stays what was agreed to.

        Raises BadReference.
        """
        copies = {} if copies is None else copies
        references = tuple(self._keep(one, copies) for one in offer.request.references)
        others = tuple(self.kept(one, copies) for one in offer.fallbacks)
        return replace(offer, request=replace(offer.request, references=references), fallbacks=others)

    def check_destinations(self, orders: Sequence[Order], same: Sequence[Job | None]) -> None:
        """Raise BadDestination if the copy of an order cannot be put where it is wanted; nothing is changed.

        `same` are the jobs that answer for the orders, see `find_same`.
        """
        writable: set[Path] = set()
        for order, job in zip(orders, same, strict=True):
            if order.out is not None:
                self.check_destination(order.out, job, writable)

    def check_destination(self, out: Destination, job: Job | None, writable: set[Path] | None = None) -> None:
        """Raise BadDestination if no copy can be put there of the clip of `job`, or of one that is new.

        The very clip may be there already. `writable` are folders that were found to be so.
        """
        if self.library.holds(out.path):
            raise BadDestination(
                f"{out.path} is in the library, which keeps its own files there",
                next=f"name a file outside of {self.library.clips}",
            )
        clips = self.library.of_job(job.id) if job is not None else []
        if clips:
            out = out.in_folder(clips[0].path.name)
            if self.library.is_copy(clips[0], out.path):
                return
        out.check(writable)
        self.ledger.check_unclaimed(out, None if job is None else job.id)

    def has_copy(self, id: str, out: Destination) -> bool:
        """Whether a job was copied there once, and a file is there still: a person may have edited it."""
        made = [one.made for one in self.ledger.copies(id) if one.is_done and one.wanted.place == out.place]
        return any(os.path.lexists(file) for files in made for file in files)

    async def make_copies(self, ids: Sequence[str], *, retry: bool = True) -> None:
        """Make the copies that are still to be made of completed jobs, on another thread.

        Those that could not be made are tried again with `retry`. What went wrong is in the answers.
        """
        import asyncio

        for id, copies in self.ledger.owed_copies(ids).items():
            for copy in copies:
                if retry or copy.problem is None:
                    done = await asyncio.to_thread(make_copy, self.library, self.library.of_job(id), copy)
                    self.ledger.record_copy(id, done)

    def bring_back(self, id: str) -> Job:
        """Have what a completed job lost collected, or made again, if that is free; return the job.

        Its clip may be gone or may not be what was filed; or only its pictures or its sidecar are missing.
        """
        job = self.job(id)
        if job.state is not JobState.COMPLETED:
            return job
        clips = self.library.of_job(job.id)
        lost = not clips or any(self.find_damage(clip) is not None for clip in clips)
        incomplete = any(self.library.find_missing_parts(clip) for clip in clips)
        if (lost and self._can_collect(job)) or (incomplete and not lost):
            return self.collect(job.id)
        return job

    def _can_collect(self, job: Job) -> bool:
        """Whether the provider of a completed job can be asked for its clip again."""
        if job.ticket is None:
            return False
        try:
            self.roster.check_ready(job.engine)
        except SetupError:
            return False
        return True

    def check_clip(self, clip: Clip) -> None:
        """Raise LibraryDamaged if a clip's file is gone, or is not the one that was filed."""
        damage = self.find_damage(clip)
        if damage is not None:
            bring = f"rushes wait {clip.job_id} collects it again, free, if its provider still has it"
            raise LibraryDamaged(damage.text, next=bring)

    def find_damage(self, clip: Clip) -> Damage | None:
        """Return what is wrong with a clip's file; all of it is read unless it is large. None: nothing."""
        if clip.bytes <= HASHED_AT_ONCE:
            return self.library.find_any_damage(clip)
        return self.library.find_damage(clip)

    # --- watching ---

    async def wait(self, id: str, *, timeout: float | None = None) -> Clip:
        """Wait for a job and return its clip (the first, where the provider made several).

        Raises StillRunning after `timeout` seconds (the job goes on), the job's own error where it failed,
        OutcomeUnknown or Blocked where a person has to act.
        """
        import asyncio

        check_timeout(timeout)
        job = self.job(id)
        try:
            async with asyncio.timeout(timeout):
                async for jobs in self.watch([job.id]):
                    job = jobs[0]
        except TimeoutError as error:
            said = f"job {job.id} is still {job.state.value}"
            raise StillRunning(said, next=f"rushes wait {job.id} continues watching") from error
        answer = self.answer(job.id)
        if answer.failure is None:
            return answer.clips[0]
        failure = answer.failure
        raise error_of(failure.code, failure.message, failure.next, failure.billed)

    async def watch(self, ids: Sequence[str]) -> AsyncIterator[list[Job]]:
        """Yield the jobs now and whenever one has changed, until all have ended or need a person.

        Files that completed ones have lost are collected again first, see `bring_back`.
        """
        import asyncio

        clock = asyncio.get_running_loop().time
        full = [self.job(id).id for id in ids]
        for id in full:
            # A clip that a person removed stays removed until somebody asks for it.
            if self.library.of_job(id):
                self.bring_back(id)
        seen: object = None
        check_at = 0.0
        while True:
            if clock() >= check_at:
                # A key that is not handed over now is handed over with the next look.
                self.ensure_worker(patience_s=0.0)
                check_at = clock() + CHECK_WORKER_EVERY_S
            version = (self._database.version(), self._database.progress_version())
            if version != seen:
                seen = version
                jobs = [self.ledger.job(id) for id in full]
                if all(job.settled for job in jobs):
                    # Those that were asked for while the worker made the others.
                    await self.make_copies(full, retry=False)
                    yield jobs
                    return
                yield jobs
            await asyncio.sleep(LOOK_EVERY_S)

    async def generate(self, request: VideoRequest, *, timeout: float | None = None, **how: Any) -> Clip:
        """Submit and wait: what `rushes create` does. `how` are the options of `submit`."""
        check_timeout(timeout)
        job = await self.submit(request, **how)
        return await self.wait(job.id, timeout=timeout)

    def answer(self, id: str) -> Answer:
        """Return a job and what came of it, in the one shape that every door shows."""
        job = self.job(id)
        answer = self._answer(job, self.find_damage)
        copies = tuple(replace(one, made=_still_there(one.made)) for one in answer.copies)
        return replace(answer, copies=copies, understanding=self.understanding(job))

    def list_answer(self, job: Job) -> Answer:
        """Return the same for one of many: of its files only the size is looked at."""
        return self._answer(job, self.library.find_damage)

    def _answer(self, job: Job, find: Callable[[Clip], Damage | None]) -> Answer:
        clips = self.library.of_job(job.id)
        found = {clip.id: find(clip) for clip in clips}
        return Answer(
            job=job,
            clips=tuple(clip for clip in clips if found[clip.id] is None),
            damage=tuple(damage for damage in found.values() if damage is not None),
            copies=tuple(self.ledger.copies(job.id)),
        )

    # --- changing ---

    def cancel(self, id: str) -> Job:
        """Cancel a job where nothing was sent; else ask its provider to. Raises NotFound, WrongState."""
        job = self.ledger.cancel(self.job(id).id)
        self.ensure_worker()
        return job

    def abandon(self, id: str, *, charged: Decimal | None = None) -> Job:
        """Stop following a job, whatever its provider says; what was never sent is canceled, free.

        `charged` is what it cost, in dollars; None leaves its bill open. Raises NotFound, WrongState.
        """
        return self.ledger.write_off(self.job(id).id, charged)

    async def price_now(self, id: str) -> Quote:
        """Return what a job costs by now, as its create would be checked. Raises ModelRetired, SetupError."""
        self.roster.reload()
        job = self.job(id)
        return await self._quoting.price_now(job) or job.quote

    async def agree_to_price(self, id: str, *, max_usd: Decimal | None = None) -> Job:
        """Agree to what a job that is blocked by its price costs now, and have it sent.

        `max_usd` bounds the price, and is held if it is not known. Raises WrongState, OverBudget,
        PriceUnknown.
        """
        id = self.job(id).id
        quote = await self.price_now(id)
        job = self.ledger.agree_to_price(id, quote, amount_to_hold(quote, max_usd), self.settings.caps)
        self.ensure_worker()
        return job

    def collect(self, id: str) -> Job:
        """Have a job polled and downloaded again, free; a blocked one goes on. Raises WrongState.

        One whose key is missing, or was not taken by its provider, goes on with the key that there is now.
        """
        job = self.job(id)
        if job.state is JobState.BLOCKED and job.reason in (KeyMissing.reason, SignInNeeded.reason):
            self._pay_with_ours(job)
        job = self.ledger.collect(job.id)
        self.ensure_worker()
        return job

    def reconcile(self, id: str, *, ticket: str | None = None, charged: Decimal | None = None) -> Job:
        """Settle what only a person can tell.

        `ticket`: the provider did accept it under this id. `charged`: nothing comes of it, and it cost that
        many dollars. Neither: the provider's list is read once more. Raises WrongState.
        """
        job = self.job(id)
        if ticket is None and charged is None:
            self._check_lists(job)
            job = self.ledger.look_again(job.id)
        elif ticket is not None:
            job = self.ledger.reconcile(job.id, ticket=self.engine(job.engine).ticket(ticket))
        else:
            job = self.ledger.reconcile(job.id, charged=charged)
        self.ensure_worker()
        return job

    def _check_lists(self, job: Job) -> None:
        """Raise WrongState if an unknown outcome cannot be looked up: its engine reads no list of jobs."""
        if job.state is not JobState.OUTCOME_UNKNOWN or self.engine(job.engine).recovery is not Recovery.ASK:
            return
        raise WrongState(
            f"{job.engine} has no list in which job {job.id} could be looked up",
            next=f"look at the provider's own pages, then run: rushes reconcile {job.id} --accepted TICKET,"
            " --nothing or --charged AMOUNT",
        )

    def continue_ledger(self) -> list[str]:
        """Take a person's word that this ledger is the one that continues; return the jobs that waited.

        Raises LedgerInDoubt if it is damaged: no word repairs that.
        """
        self.ledger.trust.inspect()
        doubt = self.ledger.trust.doubt()
        if doubt is not None and doubt.finding is Finding.DAMAGED:
            raise doubt.error
        ids = self.ledger.decide_continue()
        self.ensure_worker()
        return ids

    def split_ledger(self) -> list[str]:
        """Take a person's word that this ledger is a copy: what it would still pay for is canceled, free."""
        return self.ledger.decide_copy()

    def budget(self) -> Budget:
        """Return the caps in force, and what is held and spent under each. Raises BadSettings."""
        self.settings.check("budget")
        return self.ledger.budget(self.settings.caps)

    # --- models and engines, the worker ---

    @property
    def catalogue(self) -> Catalogue:
        """Every model of every configured engine."""
        return self.roster.catalogue

    def model(self, address: str) -> Model:
        """Return the model at `engine/model`. Raises UnknownModel, or what its engine lacks."""
        return self.roster.model(address)

    def engine(self, name: str) -> Engine:
        """Return an engine, made on first use. Raises UnknownEngine, EngineMissing, BadSettings."""
        return self.roster.engine(name)

    async def open_keys(self, *engines: str) -> None:
        """Have the keyring asked for the keys of engines while the loop goes on.

        Then nothing that needs them waits for it; what the keyring does not give is told by what needs it.
        """
        for name in dict.fromkeys(engines):
            await self.roster.open_keys(name)

    def ensure_worker(self, *, patience_s: float = HAND_OVER_S) -> None:
        """Make sure that one worker is alive if there is work, and has those of our keys that it needs.

        It outlives this process. One that just starts is waited for up to `patience_s`, if there is a key for
        it that nobody else has.
        """
        # First: a job that waits for a key that we have is work again.
        for engine, account in self.ledger.lacking_key():
            if self.roster.holds(engine, account):
                self.ledger.key_is_here(engine, account)
        if not self.ledger.needs_worker():
            return
        self._starter.ensure()
        keys = [one for one in self.roster.private_keys() if self.ledger.needs_key(one.engine, one.account)]
        if keys:
            self._courier.deliver(keys, patience_s)

    def silent_worker(self) -> SilentWorker | None:
        """Return the worker if it is there and does not respond: no job continues until it does."""
        return find_silent_worker(self.settings.lock, self.settings.heartbeat)

    async def work(self, ending: Ending | None = None) -> None:
        """Be the worker: carry jobs until there is nothing to do, or somebody asks for the end.

        Raises WorkerRunning, Superseded, LedgerGone, LedgerCorrupt.
        """
        from rushes.jobs.pace import Limits
        from rushes.jobs.worker import Worker

        def limits(name: str) -> Limits:
            one = self.settings.engine(name)
            if one is None:
                return Limits()
            return Limits(concurrency=one.concurrency, rate=one.rate, window=one.window)

        worker = Worker(
            self.ledger,
            self.library,
            self.roster.engine_of,
            limits,
            ending=ending,
            caps=lambda: self.settings.caps,
            requote=self._quoting.price_now,
            lock=self.settings.lock,
            idle_s=self.settings.idle_s,
            reload=self.roster.reload,
            open_for=self.roster.open_for,
            leave=self.roster.leave,
            desk=KeyDesk(place=self.settings.channel, take=self.roster.take),
            text=self.roster.text,
        )
        await worker.run()

    def _pay_with_ours(self, job: Job) -> None:
        """Have a job that waits for its key go on with ours; without one, it stays the other's.

        So does one that is bound to a person: another one's quota is not taken for it.
        """
        if split_account(job.account)[1] is not None:
            return
        with suppress(SetupError):
            account, key_source = self.roster.payer(job.engine)
            if key_source is not None or job.key_source is None:
                self.ledger.pay_with(job.id, account, key_source)

    # --- parts of submitting ---

    def _identity(
        self,
        order: Order,
        take: Callable[[Reference, dict[Reference, Reference]], Reference],
        known: dict[Reference, Reference],
    ) -> Identity:
        """Return the identity of an order whose references `take` gives with their hashes."""
        references = tuple(take(one, known) for one in order.offer.request.references)
        return Identity(
            digest=digest(replace(order.offer.request, references=references), order.ordinal),
            ordinal=order.ordinal,
            key=order.key,
            derived_key=order.derived_key,
            again=order.again,
        )

    def _draft(self, order: Order, kept: dict[Reference, Reference]) -> Draft:
        identity = self._identity(order, self._keep, kept)
        first, *others = [self._part(one, order, kept, identity) for one in order.offer.steps]
        warnings = (order.offer.replacing,) if order.offer.replacing else ()
        return replace(first, out=order.out, fallbacks=tuple(others), warnings=warnings)

    def _part(self, offer: Offer, order: Order, kept: Copies, identity: Identity) -> Draft:
        """Return what one engine would be sent; all that a request may be sent to have its identity."""
        references = tuple(self._keep(reference, kept) for reference in offer.request.references)
        request = replace(offer.request, references=references)
        # What was asked is the identity of a request; a seed that nobody gave is no part of it.
        if request.seed is None and offer.model.seed:
            request = replace(request, seed=secrets.randbelow(2**31))
        account, key_source = self.roster.payer(offer.model.engine)
        return Draft(
            **vars(identity),
            request=request,
            engine=offer.model.engine,
            account=account,
            key_source=key_source,
            provider=offer.model.provider,
            quote=offer.quote,
            hold=amount_to_hold(offer.quote, order.max_usd),
        )

    def _keep(self, reference: Reference, kept: Copies) -> Reference:
        """Return the library's copy of a reference, checked and copied once. Raises BadReference."""
        if reference not in kept:
            checked = self._identify(reference, {})
            copy = self.library.keep(reference)
            if not checked.sha256 == copy.sha256 == (reference.sha256 or copy.sha256):
                raise BadReference(f"{reference.path} was changed while it was being read; run it again")
            kept[reference] = copy
        return kept[reference]

    def _identify(self, reference: Reference, known: dict[Reference, Reference]) -> Reference:
        """Return a reference with its hash, checked; nothing is copied. Raises BadReference."""
        if reference not in known:
            found = self.library.identify(reference)
            content = (found.role, found.sha256)
            if found.path is not None and content not in self._checked:
                from rushes.library.references import check_reference

                check_reference(found.role, found.path)
                self._checked.add(content)
            known[reference] = found
        return known[reference]


def takes(
    offer: Offer,
    count: int,
    *,
    key: str | None = None,
    again: bool = False,
    out: Destination | None = None,
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


def _check_agreed(offer: Offer, max_usd: Decimal | None) -> None:
    """Raise ApprovalNeeded if an offer costs money and no limit says that this was agreed to."""
    if max_usd is not None or all(one.quote.free for one in offer.steps):
        return
    amount = offer.dearest()
    cost = "an amount that is not known" if amount is None else f"up to {usd(amount)} a clip"
    raise ApprovalNeeded(
        f"{offer.model.address} costs {cost}; nobody has agreed to it, and nothing was sent",
        next="give max_usd: the most that one clip may cost, in dollars",
    )


def _still_there(files: Sequence[Path]) -> tuple[Path, ...]:
    """Return those files that nobody has moved or removed since."""
    return tuple(file for file in files if os.path.lexists(file))


def check_timeout(seconds: float | None) -> None:
    """Raise BadInput unless somebody can wait so long; None is for ever."""
    if seconds is not None and not 0 <= seconds < math.inf:
        raise BadInput(f"timeout is {seconds:g} s", next="give seconds from 0 on, or None to wait for ever")


def generate(prompt: str, *, timeout: float | None = None, **asked: Any) -> Clip:
    """Make one clip and return it; blocks until it is on disk.

    `asked` are the fields of VideoRequest (`seconds`, `aspect`, `model` …) and of `Studio.submit` (`key`,
    `again`, `out`, `force`, `max_usd`). Raises the classes of `rushes.domain.errors`; StillRunning after
    `timeout` seconds, and the job continues.
    """
    import asyncio

    how = {name: asked.pop(name) for name in ("key", "again", "out", "force", "max_usd") if name in asked}
    request = VideoRequest(prompt=prompt, **asked)

    async def run() -> Clip:
        async with Studio.open() as studio:
            return await studio.generate(request, timeout=timeout, **how)

    return asyncio.run(run())
