"""The process that carries jobs through: one for a ledger, alive while there is something to do."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

from filelock import FileLock, Timeout

from rushes.domain.errors import LedgerCorrupt, LedgerGone, StorageError, Superseded, WorkerRunning
from rushes.domain.job import Job
from rushes.domain.money import Caps, Quote
from rushes.domain.permissions import PRIVATE_FILE
from rushes.domain.text import TextFilter
from rushes.engines.contract import Engine
from rushes.jobs import pipeline
from rushes.jobs.collect import sweep
from rushes.jobs.download import Downloader
from rushes.jobs.ending import Ending
from rushes.jobs.heartbeat import beating
from rushes.jobs.key_channel import EngineKey, KeyDesk, listening
from rushes.jobs.kit import Kit
from rushes.jobs.ledger import Ledger
from rushes.jobs.pace import Backoff, Limits, Patience, RateWindow
from rushes.jobs.rescue import adopt_rescued, rescue_tickets
from rushes.jobs.tenure import Tenure
from rushes.library.library import Library

LOOK_EVERY_S = 0.1
"""How often the ledger's version is read: a few microseconds, and a job starts at most this late."""

REST_S = 30.0
"""How long a job is left alone after a mistake of ours ended its task."""

PROBE_S = 0.5
"""How long a held lock is asked again: whoever asks whether a worker is alive holds it for an instant."""

log = logging.getLogger("rushes.worker")


async def keep_quote(job: Job) -> Quote | None:
    """Say of no job that its price has changed."""
    return None


async def nothing_to_open(job: Job) -> None:
    """Have every key at hand already."""


class Worker:
    """Carries every job of one ledger through.

    `engine` gives the engine that a job is for, `limits` what each may be asked for, `caps` are those that
    money is held under, `requote` says what a job costs by now (None: what was agreed to), `reload` reads all
    of them again; `open_for` is awaited before a job's engine is asked for, and `leave` told when its task
    ends; `desk` is where keys are handed to it, `text` keeps secrets out of what it says. After
    `idle_s` seconds without anything to do it exits.
    """

    def __init__(
        self,
        ledger: Ledger,
        library: Library,
        engine: Callable[[Job], Engine],
        limits: Callable[[str], Limits],
        *,
        reload: Callable[[], None] = lambda: None,
        open_for: Callable[[Job], Awaitable[None]] = nothing_to_open,
        leave: Callable[[str], None] = lambda id: None,
        caps: Callable[[], Caps] = Caps,
        requote: Callable[[Job], Awaitable[Quote | None]] = keep_quote,
        desk: KeyDesk | None = None,
        text: TextFilter | None = None,
        ending: Ending | None = None,
        lock: Path,
        idle_s: float,
        backoff: Backoff | None = None,
        patience: Patience | None = None,
        downloader: Callable[[], Downloader] = Downloader,
    ) -> None:
        self._ledger = ledger
        self._library = library
        self._engine = engine
        self._limits = limits
        self._reload = reload
        self._open_for = open_for
        self._leave = leave
        self._caps = caps
        self._requote = requote
        self._desk = desk
        self._text = text or TextFilter()
        self._ending = ending or Ending()
        self._lock = FileLock(lock, timeout=PROBE_S, mode=PRIVATE_FILE)
        self._heartbeat = lock.with_suffix(".beat")
        self._idle_s = idle_s
        self._backoff = backoff or Backoff()
        self._patience = patience or Patience()
        self._downloader = downloader
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._resting: dict[str, float] = {}
        self._fatal: StorageError | None = None
        self._windows: dict[tuple[str, str], RateWindow] = {}

    async def run(self) -> None:
        """Work until there is nothing to do, or somebody wants the worker to end.

        Raises WorkerRunning where another worker holds the lock, Superseded, LedgerGone, LedgerCorrupt.
        """
        while True:
            try:
                with self._lock:
                    await self._hold()
            except Timeout as error:
                raise WorkerRunning() from error
            # A job stored between the last look and the release saw the lock held, and started no worker.
            if self._ending.wanted or not self._ledger.needs_worker():
                return

    async def _hold(self) -> None:
        tenure = Tenure(self._ledger)
        downloader = self._downloader()
        kit = Kit(
            tenure=tenure,
            library=self._library,
            engine=self._engine,
            reload=self._reload,
            open_for=self._open_for,
            leave=self._leave,
            caps=self._caps,
            requote=self._requote,
            text=self._text,
            rate=lambda job: self._window(tenure, job),
            downloader=downloader,
            backoff=self._backoff,
            patience=self._patience,
        )
        try:
            async with beating(self._heartbeat, tenure.epoch):
                try:
                    with self._taking_keys(kit):
                        adopt_rescued(self._ledger, self._library.root)
                        sweep(kit)
                        await self._tend(kit)
                finally:
                    await self._wait_for_creates(kit)
        finally:
            for task in self._tasks.values():
                task.cancel()
            await asyncio.gather(*self._tasks.values(), return_exceptions=True)
            self._tasks.clear()
            downloader.close()
            rescue_tickets(self._ledger, self._library.root, kit.unstored)

    async def _wait_for_creates(self, kit: Kit) -> None:
        """Stop everything but the creates that are under way, and wait until their answers are stored.

        Each has its engine's deadline.
        """
        kit.ending = True
        for id, task in self._tasks.items():
            if id not in kit.creating:
                task.cancel()
        if kit.creating and not self._ending.at_once:
            log.info("waiting for the answers to the creates of %s", ", ".join(sorted(kit.creating)))
        while kit.creating and not self._ending.at_once:  # noqa: ASYNC110 - nothing would wake it
            await asyncio.sleep(LOOK_EVERY_S)

    @contextmanager
    def _taking_keys(self, kit: Kit) -> Iterator[None]:
        """Take keys during the block, and have the jobs go on that waited for them."""
        if self._desk is None:
            yield
            return
        keep, loop = self._desk.take, asyncio.get_running_loop()

        def take(key: EngineKey) -> None:
            keep(key)
            kit.tell()
            self._ledger.key_is_here(key.engine, key.account)

        def pass_on(key: EngineKey) -> None:
            loop.call_soon_threadsafe(take, key)

        with listening(self._desk.place, pass_on):
            yield

    async def _tend(self, kit: Kit) -> None:
        """Start what can be started whenever the ledger has changed, until it has been quiet for long."""
        clock = asyncio.get_running_loop().time
        theirs = ours = -1
        busy_at = clock()
        look_at = take_up_at = 0.0
        while True:
            if self._ending.wanted:
                return
            self._check_ledger()
            changed_by_others, changed_by_us = self._ledger.database.version()
            if changed_by_others != theirs or clock() >= take_up_at:
                self._take_up(kit)
                take_up_at = clock() + REST_S
            if (changed_by_others, changed_by_us) != (theirs, ours) or clock() >= look_at:
                # What we write ourselves frees places; only others bring jobs that we do not know.
                await self._claim(kit)
                kit.tell()
                due = kit.tenure.next_due()
                look_at = clock() + (REST_S if due is None else due)
                theirs, ours = changed_by_others, changed_by_us
            if kit.creating or self._ledger.needs_worker():
                busy_at = clock()
            elif clock() - busy_at >= self._idle_s:
                return
            await asyncio.sleep(LOOK_EVERY_S)

    def _check_ledger(self) -> None:
        """Raise LedgerGone if others no longer see the file that we write to; or what ended a task."""
        if not self._ledger.database.is_in_place():
            raise LedgerGone(f"{self._ledger.database.path} was removed or replaced while the worker ran")
        if self._fatal is not None:
            raise self._fatal

    def _take_up(self, kit: Kit) -> None:
        """Start what stands in the ledger as under way, and pass on whom somebody wants canceled."""
        # Whoever wrote to the ledger may have written to the settings before.
        self._reload_settings(kit)
        now = asyncio.get_running_loop().time()
        for id in kit.tenure.carried():
            if not self._carries(id) and self._resting.get(id, 0.0) <= now:
                self._start(kit, id)
        for id in kit.tenure.ended(self._tasks.keys() - kit.creating):
            # Somebody has ended the job; a create that is on its way is always waited for.
            self._tasks[id].cancel()
        for id in kit.tenure.wishes():
            if id in kit.wishes:
                kit.wishes[id].set()

    def _reload_settings(self, kit: Kit) -> None:
        try:
            kit.reload()
        except Exception as error:
            # Settings that cannot be read, whatever the cause, end no worker: those in force stay so.
            log.error("the settings cannot be read again: %s", type(error).__name__, exc_info=error)

    async def _claim(self, kit: Kit) -> None:
        """Start waiting jobs as far as their engines have places."""
        try:
            for engine in kit.tenure.engines_waiting():
                places = self._limits(engine).concurrency
                await kit.tenure.inspect_ledger(engine, places)
                if self._ending.wanted:
                    return
                for id in kit.tenure.claim(engine, places):
                    if not self._carries(id):
                        self._start(kit, id)
        except (Superseded, LedgerCorrupt):
            raise
        except StorageError as error:
            # A full disk ends no worker: it looks again with the next change or after a rest.
            log.warning("the ledger cannot be written: %s", error)

    def _carries(self, id: str) -> bool:
        # A task that has just put its job back to waiting is done a moment before its callback is called.
        return id in self._tasks and not self._tasks[id].done()

    def _start(self, kit: Kit, id: str) -> None:
        task = asyncio.create_task(pipeline.run(kit, id), name=id)
        self._tasks[id] = task
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        id = task.get_name()
        if task.cancelled():
            return
        error = task.exception()
        if isinstance(error, Superseded | LedgerCorrupt):
            self._fatal = error
            return
        if self._tasks.get(id) is task:
            del self._tasks[id]
        if error is not None:
            # A mistake of ours: the job stands where it stood, and is tried again after a rest.
            self._resting[id] = asyncio.get_running_loop().time() + REST_S
            log.error("job %s stopped: %s", id, error, exc_info=error)

    def _window(self, tenure: Tenure, job: Job) -> RateWindow:
        place = (job.engine, job.account)
        if place not in self._windows:
            self._windows[place] = RateWindow(
                partial(self._limits, job.engine), partial(tenure.post_ages, job.engine, job.account)
            )
        return self._windows[place]
