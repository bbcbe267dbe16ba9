"""submitting → queued: at most one create is sent, and its ticket is stored before anything else."""

from __future__ import annotations

import asyncio

from rushes.domain.errors import (
    BadReference,
    Blocked,
    Busy,
    ContentRefused,
    NotDelivered,
    OutcomeUnknown,
    Refused,
    RushesError,
    SetupError,
    StorageError,
    Superseded,
    Unreachable,
)
from rushes.domain.job import Job
from rushes.engines.contract import Accepted, Prepared
from rushes.jobs.fallback import turn_to_next
from rushes.jobs.kit import Kit, unclassified
from rushes.jobs.ledger import canonical

TRIES_BEFORE_FALLBACK = 2
"""How often a create that nobody heard is tried again before the next engine of the list is turned to."""


async def submit(kit: Kit, job: Job) -> None:
    """Have the provider accept the job."""
    submission = kit.tenure.submission(job)
    if submission["posted_at"] is not None:
        stopped = "the worker was stopped between sending the create and storing its answer"
        return kit.outcome_unknown(job, OutcomeUnknown(stopped))
    prepared = await prepare(kit, job)
    if prepared is None:
        return
    await kit.rate(job).turn()
    if kit.tenure.posting(job, prepared.notes):
        await create(kit, job, prepared, submission["key"])


async def prepare(kit: Kit, job: Job) -> Prepared | None:
    """Upload what has to be uploaded: free, and no part of the submission. None: the job stands elsewhere."""
    try:
        await asyncio.to_thread(kit.library.check_references, job.request)
        return await kit.engine(job.engine).prepare(job.request, model_id(job))
    except (NotDelivered, Busy, Unreachable) as error:
        not_now(kit, job, error)
    except (Blocked, SetupError) as error:
        stopped(kit, job, error)
    except (BadReference, StorageError) as error:
        kit.tenure.fail(job, error)
    except Exception as error:  # noqa: BLE001 - an engine's own mistake ends its job, not the worker
        kit.tenure.fail(job, unclassified(error, "preparing the request; nothing was sent"))
    return None


async def create(kit: Kit, job: Job, prepared: Prepared, key: str) -> None:
    """Send the paid create once and store what came of it: the table "how submits fail"."""
    try:
        accepted = await post(kit, job, prepared, key)
    except (NotDelivered, Busy) as error:
        not_now(kit, job, error)
    except Blocked as error:
        stopped(kit, job, error)
    except Refused as error:
        refused(kit, job, error)
    except OutcomeUnknown as error:
        kit.outcome_unknown(job, error)
    else:
        await store_ticket(kit, job, accepted)


async def post(kit: Kit, job: Job, prepared: Prepared, key: str) -> Accepted:
    """Send the create. Whatever the engine did not classify is an OutcomeUnknown: it may be accepted."""
    engine = kit.engine(job.engine)
    try:
        async with asyncio.timeout(engine.post_timeout):
            return await engine.submit(prepared, key=key)
    except (NotDelivered, Busy, Blocked, Refused, OutcomeUnknown):
        raise
    except TimeoutError as error:
        raise OutcomeUnknown(f"no answer to the create within {engine.post_timeout:g} s") from error
    except Exception as error:
        raise OutcomeUnknown(f"the create ended with {type(error).__name__}: {error}") from error


def not_now(kit: Kit, job: Job, error: RushesError) -> None:
    """Nobody accepted it, and the next try may be heard: try again later, and after some tries elsewhere."""
    if job.tries < TRIES_BEFORE_FALLBACK or not turn_to_next(kit, job, error):
        kit.tenure.put_off(job, error, kit.pause(job, error))


def stopped(kit: Kit, job: Job, error: RushesError) -> None:
    """A person has to act before this engine accepts anything."""
    if not turn_to_next(kit, job, error):
        kit.block(job, error)


def refused(kit: Kit, job: Job, error: Refused) -> None:
    """The provider will not make it. What it refuses for its content is not carried to another one."""
    if isinstance(error, ContentRefused) or not turn_to_next(kit, job, error):
        kit.tenure.fail(job, error)


async def store_ticket(kit: Kit, job: Job, accepted: Accepted) -> None:
    """Store the ticket. Where the disk is full this waits for room: the ticket is worth a clip."""
    if canonical(accepted.ticket) in kit.tenure.tickets(job):
        twice = OutcomeUnknown("the provider answered with a ticket that another job already holds")
        return kit.tenure.unknown(job, twice, None, raw=canonical(accepted.ticket))
    tries = 0
    while True:
        try:
            return kit.tenure.accepted(job, accepted)
        except Superseded:
            raise
        except StorageError:
            await asyncio.sleep(kit.backoff.pause(tries))
            tries += 1


def model_id(job: Job) -> str:
    """Return the model's own id: what stands behind the first slash of its address."""
    return job.model.partition("/")[2]
