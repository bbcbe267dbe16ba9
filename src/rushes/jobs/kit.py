"""What a worker hands to every step of the pipeline."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from rushes.domain.errors import (
    EngineError,
    EngineFault,
    KeyMissing,
    OutcomeUnknown,
    RushesError,
    SetupError,
    StorageError,
    Unreachable,
)
from rushes.domain.job import Job, JobState
from rushes.domain.money import Caps, Quote
from rushes.domain.text import TextFilter
from rushes.engines.contract import Engine, Recovery, Ticket
from rushes.jobs.download import Downloader
from rushes.jobs.inspection import Decoders
from rushes.jobs.lanes import Lanes
from rushes.jobs.ledger import LONGEST_PAUSE_S
from rushes.jobs.pace import POLLS_A_SECOND, POLLS_AT_ONCE, Backoff, Patience, RateWindow, Turns
from rushes.jobs.tenure import Tenure
from rushes.library.library import Library

FAULTS_BEFORE_BLOCK = 3
"""How often a step is tried again after a mistake in our code or an engine's, before a person has to look."""


def polls_of_an_engine() -> asyncio.Semaphore:
    """Return the places for polls of one engine: those that never answer take no place of another's."""
    return asyncio.Semaphore(32)


@dataclass(kw_only=True)
class Kit:
    """The ledger, the library, the engines and the pace; and what several steps do in the same way.

    `engine` gives the engine that a job is for, with its own key, and raises KeyMissing if the worker has
    another; `reload` reads the settings again (a person may have repaired them), `caps` are those in force,
    `requote` says what a job costs by now, `rate` is an engine's sliding window, `text` keeps secrets out of
    what is said. `open_for` has the key for a job's next step at hand, which may take time, and `leave` says
    that nobody carries it any more. `decoders` bounds how many files are decoded at once, `asking` how many
    polls of each engine are on their way: an HTTP client's pool takes time with the square of what waits in
    it, and a worker that starts may have thousands to ask about. `polls` bounds how many of them are sent in
    a second: a few jobs never notice, ten thousand share what a tenth of a core can ask. `wishes` holds an
    event for each job that is being followed, set when somebody wants it canceled; `creating` has the jobs
    whose create is on its way, `unstored` the tickets that the ledger could not take, `downloads` those files
    that are being fetched, `lanes` the threads in which files are fetched, hashed and copied; `news` is set,
    and replaced, whenever the ledger has changed. While the worker is `ending` no job continues to its next
    step.
    """

    tenure: Tenure
    library: Library
    engine: Callable[[Job], Engine]
    open_for: Callable[[Job], Awaitable[None]]
    leave: Callable[[str], None]
    reload: Callable[[], None]
    caps: Callable[[], Caps]
    requote: Callable[[Job], Awaitable[Quote | None]]
    rate: Callable[[Job], RateWindow]
    downloader: Downloader
    text: TextFilter
    backoff: Backoff = field(default_factory=Backoff)
    patience: Patience = field(default_factory=Patience)
    decoders: Decoders = field(default_factory=Decoders)
    asking: dict[str, asyncio.Semaphore] = field(default_factory=lambda: defaultdict(polls_of_an_engine))
    polls: Turns = field(default_factory=lambda: Turns(rate=POLLS_A_SECOND, burst=POLLS_AT_ONCE))
    wishes: dict[str, asyncio.Event] = field(default_factory=dict)
    creating: set[str] = field(default_factory=set)
    unstored: list[tuple[Job, Ticket]] = field(default_factory=list)
    ending: bool = False
    downloads: dict[Path, asyncio.Future[Path]] = field(default_factory=dict)
    lanes: Lanes = field(default_factory=Lanes)
    news: asyncio.Event = field(default_factory=asyncio.Event)

    def pause(self, job: Job, error: RushesError | None = None) -> float:
        """Return how many seconds to leave `job` alone after `error`."""
        # Any longer, and its due time would be taken for one from before the clock was set back.
        return min(LONGEST_PAUSE_S, self.backoff.pause(job.tries, getattr(error, "ask_after", None)))

    def block(self, job: Job, error: RushesError) -> None:
        """Leave a job until a person has acted; it is retried from time to time while a worker is alive."""
        self.tenure.block(job, error, getattr(error, "reason", "setup"), rest(job))

    def outcome_unknown(self, job: Job, error: OutcomeUnknown) -> None:
        """A create may have been accepted: have it settled in the way its engine declares."""
        try:
            engine = self.engine(job)
        except KeyMissing as missing:
            told = f"whether it was accepted is not known yet: {missing.message}"
            waits = OutcomeUnknown(told, next=missing.next)
            return self.tenure.unknown(job, waits, rest(job), raw=error.raw, reason=missing.reason)
        except SetupError:
            return self.tenure.unknown(job, error, None, raw=error.raw)
        seconds: float | None = self.pause(job)
        if engine.recovery is Recovery.LOOKUP:
            # Any sooner, and a create that is still on its way would be missed and bought again.
            seconds = engine.post_timeout + engine.list_delay
        if engine.recovery is Recovery.ASK:
            seconds = None
        self.tenure.unknown(job, error, seconds, raw=error.raw)

    async def until_due(self, job: Job) -> bool:
        """Sleep until a job that was put off is due; False where somebody has moved it in the meantime."""
        clock = asyncio.get_running_loop().time
        # Where the clock was set back, `due_at` lies too far off; the pause we meant was never longer.
        end = clock() + min(LONGEST_PAUSE_S, job.due_at - self.tenure.ledger.clock())
        while True:
            now = self.tenure.ledger.job(job.id)
            if (now.state, now.due_at) != (job.state, job.due_at):
                return False
            if clock() >= end:
                return True
            with suppress(TimeoutError):
                async with asyncio.timeout_at(end):
                    await self.news.wait()

    def tell(self) -> None:
        """Wake everybody who waits for the ledger to change."""
        self.news.set()
        self.news = asyncio.Event()

    @contextmanager
    def create_under_way(self, job: Job) -> Iterator[None]:
        """Keep a job's task, and its worker, alive while its create is sent and its answer stored."""
        self.creating.add(job.id)
        try:
            yield
        finally:
            self.creating.discard(job.id)

    def tell_fault(self, job: Job, error: Exception, times: int) -> None:
        """Write an error of ours on the job as its reason; after a few `times` block it for a person."""
        words = f"internal error while it was {job.state.value}: {type(error).__name__}: {error}"
        fault = error if isinstance(error, RushesError) else RushesError(self.text.line(words))
        if times < FAULTS_BEFORE_BLOCK or (job.state is JobState.SUBMITTING and not job.is_unsent):
            self.tenure.held_up(job, fault)
        elif job.state is JobState.OUTCOME_UNKNOWN:
            # Blocked it would be sent again: whether it was accepted is for a person to say.
            self.tenure.unknown(job, OutcomeUnknown(fault.message), None)
        else:
            self.tenure.block(job, fault, EngineFault.reason, LONGEST_PAUSE_S)

    async def wait_for_storage(self, job: Job, error: StorageError, tries: int) -> None:
        """Leave a job where it stands until the disk may take it again, and say why, if that can be said."""
        with suppress(StorageError):
            self.tenure.held_up(job, error)
        await asyncio.sleep(self.backoff.pause(tries))


def rest(job: Job) -> float:
    """Return how many seconds a job is left alone that only a person can help."""
    return min(LONGEST_PAUSE_S, 30.0 * 2.0 ** min(job.tries, 5))


def classified(error: Exception, doing: str) -> EngineError:
    """Return what an engine raised as an error of ours: what it did not classify is a mistake in its code.

    `doing` is what was asked of it: "polling for progress". Without the error's own words: an engine that is
    not behind the edge of the contract may have put a key into them.
    """
    if isinstance(error, EngineError):
        return error
    if isinstance(error, OSError | TimeoutError):
        return Unreachable(f"the provider did not answer while {doing} ({type(error).__name__})")
    return EngineFault(f"the engine failed while {doing}: {type(error).__name__}")
