"""queued, running → collecting: poll until the provider has finished. A poll that fails only costs time."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from rushes.domain.errors import (
    Billed,
    Blocked,
    ContentRefused,
    EngineError,
    EngineFault,
    RenderFailed,
    ResultGone,
    RushesError,
    SetupError,
    StorageError,
    Unreachable,
)
from rushes.domain.job import Job, duration
from rushes.engines.contract import CancelOutcome, Engine, Progress, RenderState
from rushes.jobs.kit import FAULTS_BEFORE_BLOCK, Kit, classified
from rushes.jobs.ledger import LONGEST_PAUSE_S
from rushes.jobs.rhythm import Rhythm
from rushes.jobs.rows import moment
from rushes.jobs.typical import typical

TELL_EVERY_S = 2.0
TELL_CHANGE = 0.05


@dataclass(slots=True)
class Watch:
    """What is remembered of one render while it is followed; all of it may be lost."""

    failures: int = 0
    faults: int = 0
    failing_since: float | None = None
    unknown_word: str | None = None
    unknown_since: float = 0.0
    cancel_asked: bool = False
    cancel_failed: bool = False
    silent: bool = False
    state: RenderState | None = None
    told_at: float = 0.0
    told: float | None = None
    missing_since: datetime | None = None

    @property
    def heard(self) -> bool:
        """Whether a wish to cancel has been taken to the provider, or been tried to."""
        return self.cancel_asked or self.cancel_failed

    def worth_telling(self, progress: Progress) -> bool:
        """Whether the progress has changed enough, and the last word is old enough, to write it down."""
        if progress.fraction is None and progress.queue_position is None:
            return False
        now = _now()
        changed = self.told is None or abs((progress.fraction or 0.0) - self.told) >= TELL_CHANGE
        if not changed or now - self.told_at < TELL_EVERY_S:
            return False
        self.told_at, self.told = now, progress.fraction or 0.0
        return True


async def follow(kit: Kit, job: Job) -> None:
    """Poll until there is something to collect, or nothing more to wait for."""
    watch = Watch(state=RenderState(job.state.value), missing_since=job.missing_since)
    rhythm = rhythm_for(kit, job)
    wish = kit.wishes.setdefault(job.id, asyncio.Event())
    if job.cancel_requested:
        wish.set()
    pause: float | None = rhythm.first()
    try:
        while pause is not None:
            await sleep(pause, watch, wish)
            await sleep(kit.polls.turn(), watch, wish)
            if wish.is_set() and not watch.cancel_asked and await cancel(kit, job, watch):
                return
            pause = await poll(kit, job, watch, rhythm)
    finally:
        kit.wishes.pop(job.id, None)


def rhythm_for(kit: Kit, job: Job) -> Rhythm:
    """Return when to ask about a job, from how long it has been there and what earlier ones took."""
    ledger = kit.tenure.ledger
    # Negative where the clock was set back since.
    age = max(0.0, ledger.clock() - kit.tenure.posted_at(job).timestamp())
    return Rhythm(
        started=_now() - age, clock=_now, typical=typical(ledger.database, job), chance=kit.backoff.chance
    )


async def poll(kit: Kit, job: Job, watch: Watch, rhythm: Rhythm) -> float | None:
    """Ask once, write down the answer, and return when to ask again; None: it has left the provider."""
    assert job.ticket is not None
    try:
        async with kit.asking[job.engine]:
            with telling_silence(kit, job, watch):
                progress = await kit.engine(job).poll(job.ticket)
    except (Blocked, SetupError) as error:
        kit.block(job, error)
        return None
    except ResultGone as error:
        kit.tenure.fail(job, error)
        return None
    except StorageError:
        raise
    except Exception as error:  # noqa: BLE001 - whatever it is, the render goes on without us
        return poll_failed(kit, job, watch, classified(error, "polling for progress"))
    if watch.failures or watch.silent:
        kit.tenure.held_up(job, None)
        watch.silent = False
        watch.failures = watch.faults = 0
        watch.failing_since = None
    return rhythm.next(progress) if still_there(kit, job, progress, watch) else None


@contextmanager
def telling_silence(kit: Kit, job: Job, watch: Watch) -> Iterator[None]:
    """Say on the job that its provider does not answer, if the poll of the block takes long."""

    def tell() -> None:
        watch.silent = True
        with suppress(StorageError):
            kit.tenure.held_up(job, Unreachable(f"no answer from {job.engine}; it is asked again"))

    alarm = asyncio.get_running_loop().call_later(kit.patience.silence, tell)
    try:
        yield
    finally:
        alarm.cancel()


def poll_failed(kit: Kit, job: Job, watch: Watch, error: EngineError) -> float | None:
    """Say on the job why a poll failed, and return when to ask again; None: a person has to look first."""
    watch.failures += 1
    watch.faults = watch.faults + 1 if isinstance(error, EngineFault) else 0
    watch.failing_since = _now() if watch.failing_since is None else watch.failing_since
    if watch.faults >= FAULTS_BEFORE_BLOCK or _now() - watch.failing_since > kit.patience.unreachable:
        kit.block(job, error)
        return None
    if watch.failures == 1:
        watch.silent = False
        kit.tenure.held_up(job, error)
    return min(LONGEST_PAUSE_S, kit.backoff.pause(watch.failures, getattr(error, "ask_after", None)))


def still_there(kit: Kit, job: Job, progress: Progress, watch: Watch) -> bool:
    """Write down one answer of the provider; False if there is nothing more to poll for."""
    if progress.missing is not None:
        return not is_lost(kit, job, progress.missing, watch)
    if watch.missing_since is not None:
        watch.missing_since = None
        kit.tenure.missing(job, None, None)
    match progress.state:
        case RenderState.QUEUED | RenderState.RUNNING:
            if progress.state is not watch.state:
                kit.tenure.running(job, progress)
                watch.state = progress.state
            if watch.worth_telling(progress):
                kit.tenure.progress(job, progress)
            return not has_ended_unsaid(kit, job, progress, watch)
        case RenderState.SUCCEEDED:
            kit.tenure.rendered(job, progress.cost)
        case RenderState.FAILED:
            kit.tenure.fail(job, failure(progress), progress.cost)
        case RenderState.CANCELED:
            kit.tenure.canceled(job, progress.cost)
        case RenderState.EXPIRED:
            kit.tenure.fail(job, ResultGone("the provider let it expire"), progress.cost)
    return False


def is_lost(kit: Kit, job: Job, missing: str, watch: Watch) -> bool:
    """Whether the provider has shown no such render for so long that the job has failed.

    What was just accepted, or has just finished, is listed late: until then nothing is said. The ledger keeps
    since when it is missing, so that neither another worker nor a poll that goes wrong begins anew.
    """
    now, engine = moment(kit.tenure.ledger.clock()), kit.engine(job)
    # Not later than now: the clock may have been set back since.
    watch.missing_since = min(watch.missing_since or now, now)
    lasted = (now - watch.missing_since).total_seconds()
    if lasted >= engine.missing_after:
        kit.tenure.fail(job, ResultGone(f"{missing}, for {duration(lasted)} now"))
        return True
    if lasted >= engine.list_delay:
        minutes = int(lasted // 60)
        kit.tenure.missing(job, watch.missing_since, missing + (f", {minutes} min" if minutes else ""))
    return False


def has_ended_unsaid(kit: Kit, job: Job, progress: Progress, watch: Watch) -> bool:
    """Whether a render has stood for long under a word that nobody knows: then it has failed."""
    word = progress.unknown_word
    if word != watch.unknown_word:
        watch.unknown_word, watch.unknown_since = word, _now()
        words = f'the provider says "{word}", a state that rushes does not know'
        kit.tenure.held_up(job, RenderFailed(words) if word is not None else None)
    if word is None:
        return False
    limit = kit.patience.unknown_word_done if (progress.fraction or 0.0) >= 1.0 else kit.patience.unknown_word
    if _now() - watch.unknown_since < limit:
        return False
    words = f'the provider has said "{word}" for {limit / 60:.0f} minutes, a state that rushes does not know'
    kit.tenure.fail(job, RenderFailed(words), progress.cost)
    return True


async def cancel(kit: Kit, job: Job, watch: Watch) -> bool:
    """Ask the provider to stop it; True where it confirmed, and the job is canceled.

    Where the provider could not be asked, it is asked again before the next poll.
    """
    assert job.ticket is not None
    try:
        engine = kit.engine(job)
        outcome = await engine.cancel(job.ticket)
        watch.cancel_asked = True
        kit.tenure.note(job, "cancel_asked", outcome=outcome.value)
        if outcome is CancelOutcome.UNSUPPORTED:
            kit.tenure.warn(job, f"{job.engine} cannot stop a render; its clip is saved when it arrives")
    except StorageError:
        raise
    except Exception as error:  # noqa: BLE001 - whatever it is, the render goes on and is followed
        if not watch.cancel_failed:
            watch.cancel_failed = True
            kit.tenure.note(job, "cancel_failed", because=classified(error, "canceling").message)
        return False
    if outcome is CancelOutcome.CONFIRMED:
        kit.tenure.canceled(job, await cost_of_canceled(engine, job))
    return outcome is CancelOutcome.CONFIRMED


async def cost_of_canceled(engine: Engine, job: Job) -> Decimal | None:
    """Return what a canceled render cost; None where its provider does not say, or knows it no longer."""
    assert job.ticket is not None
    try:
        return (await engine.poll(job.ticket)).cost
    except EngineError:
        return None


def failure(progress: Progress) -> RushesError:
    """Return the error that a failed render stands for, with what is known of its bill."""
    cls = ContentRefused if progress.content_refused else RenderFailed
    return cls(progress.error, billed=billed(progress.cost))


def billed(cost: Decimal | None) -> Billed:
    if cost is None:
        return Billed.UNKNOWN
    return Billed.YES if cost else Billed.NO


async def sleep(seconds: float, watch: Watch, wish: asyncio.Event) -> None:
    """Sleep, or until somebody wants the job canceled."""
    if not seconds:
        return
    if watch.heard:
        return await asyncio.sleep(seconds)
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await wish.wait()


def _now() -> float:
    return asyncio.get_running_loop().time()
