"""The process that carries jobs through: one for a ledger, alive while there is something to do."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from pathlib import Path

from filelock import FileLock, Timeout

from rushes.domain.errors import StorageError, Superseded, WorkerRunning
from rushes.domain.job import Job
from rushes.domain.money import Caps
from rushes.engines.contract import Engine
from rushes.jobs import pipeline
from rushes.jobs.collect import sweep
from rushes.jobs.download import Downloader
from rushes.jobs.kit import Kit
from rushes.jobs.ledger import Ledger
from rushes.jobs.pace import Backoff, Limits, RateWindow
from rushes.jobs.tenure import Tenure
from rushes.library.library import Library

LOOK_EVERY_S = 0.1
"""How often the ledger's version is read: a few microseconds, and a job starts at most this late."""

REST_S = 30.0
"""How long a job is left alone after a mistake of ours ended its task."""

PROBE_S = 0.5
"""How long a held lock is asked again: whoever asks whether a worker is alive holds it for an instant."""

log = logging.getLogger("rushes.worker")


class Worker:
    """Carries every job of one ledger through.

    `engine` gives an engine by its configured name, `limits` what each may be asked for, `caps` are those
    that money is held under, `reload` reads all of them anew; after `idle_s` seconds without anything to do
    it exits.
    """

    def __init__(
        self,
        ledger: Ledger,
        library: Library,
        engine: Callable[[str], Engine],
        limits: Callable[[str], Limits],
        *,
        reload: Callable[[], None] = lambda: None,
        caps: Callable[[], Caps] = Caps,
        lock: Path,
        idle_s: float,
        backoff: Backoff | None = None,
    ) -> None:
        self._ledger = ledger
        self._library = library
        self._engine = engine
        self._limits = limits
        self._reload = reload
        self._caps = caps
        self._lock = FileLock(lock, timeout=PROBE_S)
        self._idle_s = idle_s
        self._backoff = backoff or Backoff()
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._resting: dict[str, float] = {}
        self._superseded = False
        self._windows: dict[tuple[str, str], RateWindow] = {}

    async def run(self) -> None:
        """Work until there is nothing to do. Raises WorkerRunning where another worker holds the lock."""
        while True:
            try:
                with self._lock:
                    await self._hold()
            except Timeout as error:
                raise WorkerRunning() from error
            # A job stored between the last look and the release saw the lock held, and started no worker.
            if not self._ledger.needs_worker():
                return

    async def _hold(self) -> None:
        tenure = Tenure(self._ledger)
        downloader = Downloader()
        kit = Kit(
            tenure=tenure,
            library=self._library,
            engine=self._engine,
            reload=self._reload,
            caps=self._caps,
            rate=lambda job: self._window(tenure, job),
            downloader=downloader,
            backoff=self._backoff,
        )
        try:
            sweep(kit)
            await self._tend(kit)
        finally:
            for task in self._tasks.values():
                task.cancel()
            await asyncio.gather(*self._tasks.values(), return_exceptions=True)
            self._tasks.clear()
            downloader.close()

    async def _tend(self, kit: Kit) -> None:
        """Start what can be started whenever the ledger has changed, until it has been quiet for long."""
        clock = asyncio.get_running_loop().time
        theirs = ours = -1
        busy_at = clock()
        look_at = take_up_at = 0.0
        while True:
            changed_by_others, changed_by_us = self._ledger.database.version()
            if changed_by_others != theirs or clock() >= take_up_at:
                self._take_up(kit)
                take_up_at = clock() + REST_S
            if (changed_by_others, changed_by_us) != (theirs, ours) or clock() >= look_at:
                # What we write ourselves frees places; only others bring jobs that we do not know.
                self._claim(kit)
                kit.tell()
                due = kit.tenure.next_due()
                look_at = clock() + (REST_S if due is None else due)
                theirs, ours = changed_by_others, changed_by_us
            if self._superseded:
                raise Superseded()
            if self._tasks or self._ledger.needs_worker():
                busy_at = clock()
            elif clock() - busy_at >= self._idle_s:
                return
            await asyncio.sleep(LOOK_EVERY_S)

    def _take_up(self, kit: Kit) -> None:
        """Start what stands in the ledger as under way, and pass on whom somebody wants canceled."""
        # Whoever wrote to the ledger may have written to the settings before.
        kit.reload()
        now = asyncio.get_running_loop().time()
        for id in kit.tenure.carried():
            if not self._carries(id) and self._resting.get(id, 0.0) <= now:
                self._start(kit, id)
        for id in kit.tenure.wishes():
            if id in kit.wishes:
                kit.wishes[id].set()

    def _claim(self, kit: Kit) -> None:
        """Start waiting jobs as far as their engines have places."""
        try:
            for engine in kit.tenure.engines_waiting():
                for id in kit.tenure.claim(engine, self._limits(engine).concurrency):
                    if not self._carries(id):
                        self._start(kit, id)
        except Superseded:
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
        if isinstance(error, Superseded):
            self._superseded = True
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
            limits = self._limits(job.engine)
            ages = tenure.post_ages(job.engine, job.account, limits.window) if limits.rate else ()
            self._windows[place] = RateWindow(limits, ages)
        return self._windows[place]
