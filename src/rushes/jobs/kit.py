"""What a worker hands to every step of the pipeline."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field

from rushes.domain.errors import (
    Blocked,
    EngineError,
    OutcomeUnknown,
    RushesError,
    SetupError,
    StorageError,
)
from rushes.domain.job import Job
from rushes.domain.money import Caps
from rushes.engines.contract import Engine, Recovery
from rushes.jobs.download import Downloader
from rushes.jobs.pace import POLLS_A_SECOND, POLLS_AT_ONCE, Backoff, RateWindow, Turns
from rushes.jobs.tenure import LONGEST_PAUSE_S, Tenure
from rushes.library.library import Library


@dataclass(kw_only=True)
class Kit:
    """The ledger, the library, the engines and the pace; and what several steps do in the same way.

    `engine` gives an engine by its configured name, `reload` reads the settings anew (a person may have
    mended them), `caps` are those in force, `rate` is an engine's sliding window. `room` bounds how many
    files are decoded at once, `asking` how many polls are on their way: an HTTP client's pool takes time
    with the square of what waits in it, and a worker that starts may have thousands to ask about.
    `polls` bounds how many of them are sent in a second: a few jobs never notice, ten thousand share what
    a tenth of a core can ask.
    `wishes` holds an event for each job that is being followed, set when somebody wants it canceled;
    `news` is set, and replaced, whenever the ledger has changed.
    """

    tenure: Tenure
    library: Library
    engine: Callable[[str], Engine]
    reload: Callable[[], None]
    caps: Callable[[], Caps]
    rate: Callable[[Job], RateWindow]
    downloader: Downloader
    backoff: Backoff = field(default_factory=Backoff)
    room: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(2))
    asking: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(32))
    polls: Turns = field(default_factory=lambda: Turns(rate=POLLS_A_SECOND, burst=POLLS_AT_ONCE))
    wishes: dict[str, asyncio.Event] = field(default_factory=dict)
    news: asyncio.Event = field(default_factory=asyncio.Event)

    def pause(self, job: Job, error: RushesError | None = None) -> float:
        """Return how many seconds to leave `job` alone after `error`."""
        # Any longer, and its due time would be taken for one from before the clock was set back.
        return min(LONGEST_PAUSE_S, self.backoff.pause(job.tries, getattr(error, "ask_after", None)))

    def block(self, job: Job, error: RushesError) -> None:
        """Leave a job until a person has acted; it is tried again by itself from time to time."""
        reason = error.reason if isinstance(error, Blocked) else "setup"
        self.tenure.block(job, error, reason, min(LONGEST_PAUSE_S, 30.0 * 2 ** min(job.tries, 5)))

    def outcome_unknown(self, job: Job, error: OutcomeUnknown) -> None:
        """A create may have been accepted: have it settled in the way its engine declares."""
        try:
            engine = self.engine(job.engine)
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

    async def wait_for_storage(self, job: Job, error: StorageError, tries: int) -> None:
        """Leave a job where it stands until the disk may take it again, and say why, if that can be said."""
        with suppress(StorageError):
            self.tenure.held_up(job, error)
        await asyncio.sleep(self.backoff.pause(tries))


def unclassified(error: Exception, doing: str) -> EngineError:
    """Return what an engine raised and did not classify as an error of ours."""
    if isinstance(error, EngineError):
        return error
    return EngineError(f"the engine failed while {doing}: {type(error).__name__}: {error}")
