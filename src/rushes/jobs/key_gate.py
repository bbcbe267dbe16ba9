"""Whether the worker has the key that a job is for. A job whose key it has not is put aside, untouched."""

from __future__ import annotations

import asyncio
from contextlib import suppress

from rushes.domain.errors import KeyMissing, OutcomeUnknown
from rushes.domain.job import Job, JobState
from rushes.jobs.kit import Kit

GRACE_S = 10.0
"""How long a job waits for its key before that is said: whoever stored it is about to hand it over."""

NOT_KNOWN_YET = "whether the provider accepted it is not known yet"


async def has_key(kit: Kit, job: Job) -> bool:
    """Return whether a job's next step may be taken. False: it was put aside, or somebody has moved it."""
    if job.state is JobState.BLOCKED:
        # Its step leaves it alone until it is due.
        kit.leave(job.id)
        return True
    if job.state is JobState.OUTCOME_UNKNOWN and not await kit.until_due(job):
        return False
    await kit.open_for(job)
    if job.state is JobState.COLLECTING and job.completed_at:
        # It may need nothing from its engine.
        return True
    if await _key_comes(kit, job):
        return not _is_settled_anew(kit, job)
    now = kit.tenure.ledger.job(job.id)
    missing = missing_key(kit, job)
    if missing is not None and (now.state, now.due_at) == (job.state, job.due_at):
        _put_aside(kit, now, missing)
    return False


def missing_key(kit: Kit, job: Job) -> KeyMissing | None:
    """Return the error for a key that the worker does not have; None where it has it."""
    try:
        kit.engine(job)
    except KeyMissing as missing:
        return missing
    except Exception:  # noqa: BLE001 - whatever else keeps the engine from being made, its step says so
        return None
    return None


async def _key_comes(kit: Kit, job: Job) -> bool:
    """Return True once the key is here, False after a short while, or where somebody has moved the job."""
    clock = asyncio.get_running_loop().time
    ledger = kit.tenure.ledger
    end = clock() + min(GRACE_S, job.updated_at.timestamp() + GRACE_S - ledger.clock())
    while missing_key(kit, job) is not None:
        now = ledger.job(job.id)
        if clock() >= end or (now.state, now.due_at) != (job.state, job.due_at):
            return False
        with suppress(TimeoutError):
            async with asyncio.timeout_at(end):
                await kit.news.wait()
    return True


def _is_settled_anew(kit: Kit, job: Job) -> bool:
    """Whether a create of unknown outcome waited for its key; only now its engine says how it is settled."""
    waited = job.state is JobState.OUTCOME_UNKNOWN and job.reason == KeyMissing.reason
    if waited:
        kit.outcome_unknown(job, OutcomeUnknown(NOT_KNOWN_YET))
    return waited


def _put_aside(kit: Kit, job: Job, missing: KeyMissing) -> None:
    """Leave a job until its key comes; what may have been accepted stays so, and is not sent anew."""
    if job.state is JobState.OUTCOME_UNKNOWN or (job.state is JobState.SUBMITTING and not job.is_unsent):
        kit.outcome_unknown(job, OutcomeUnknown(NOT_KNOWN_YET))
    else:
        kit.block(job, missing)
