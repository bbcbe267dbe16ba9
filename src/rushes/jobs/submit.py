"""submitting → queued: at most one create is sent, and its ticket is stored before anything else."""

from __future__ import annotations

import asyncio

from rushes.domain.errors import (
    BadInput,
    Billed,
    Blocked,
    Busy,
    ContentRefused,
    EngineError,
    EngineFault,
    LedgerCorrupt,
    ModelRetired,
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
from rushes.jobs.agreement import check_price
from rushes.jobs.fallback import turn_to_next
from rushes.jobs.key_gate import missing_key
from rushes.jobs.kit import FAULTS_BEFORE_BLOCK, Kit, classified
from rushes.jobs.lanes import FILES
from rushes.jobs.ledger import canonical

PREPARING = "preparing the request; nothing was sent"

TRIES_TO_STORE = 5
"""How often a ticket is tried to be stored at least, by a worker that ends."""

LONGEST_STORE_PAUSE_S = 5.0

TRIES_BEFORE_FALLBACK = 2
"""How often a create that nobody heard is tried again before the next engine of the list is turned to."""


async def submit(kit: Kit, job: Job) -> None:
    """Have the provider accept the job."""
    submission = kit.tenure.submission(job)
    if submission["posted_at"] is not None:
        doubt = "the worker was stopped between sending the create and storing its answer"
        return kit.outcome_unknown(job, OutcomeUnknown(doubt))
    prepared = await prepare(kit, job)
    if prepared is None:
        return
    await kit.rate(job).turn()
    # Looked at again: what is set may have changed while it waited for its turn.
    if missing_key(kit, job) is not None:
        return
    error = kit.tenure.ledger.find_cap_exceeded(job, kit.caps())
    if error is not None:
        return stopped(kit, job, error)
    if kit.tenure.posting(job, prepared.notes):
        await create(kit, job, prepared, submission["key"])


async def prepare(kit: Kit, job: Job) -> Prepared | None:
    """Upload what has to be uploaded, make what the create needs, and check what was agreed to: all free.

    None: the job stands elsewhere.
    """
    try:
        await kit.lanes.run(FILES, kit.library.check_references, job.request)
        await check_price(kit, job)
        engine = kit.engine(job)
        prepared = await engine.prepare(job.request, model_id(job))
        # Before the create counts as sent: what cannot be made here is no lost answer.
        await engine.connect()
        return prepared
    except Superseded:
        raise
    except Exception as error:  # noqa: BLE001 - an engine's own mistake ends its job, not the worker
        not_prepared(kit, job, error)
    return None


def not_prepared(kit: Kit, job: Job, error: Exception) -> None:
    """Write down why nothing was sent, and whether it is tried again, waits for a person, or fails."""
    match error:
        case ModelRetired():
            refused(kit, job, error)
        case BadInput() | StorageError():
            kit.tenure.fail(job, error)
        case NotDelivered() | Busy() | Unreachable() | OSError() | TimeoutError():
            not_now(kit, job, classified(error, PREPARING))
        case Blocked() | SetupError():
            stopped(kit, job, error)
        case EngineError() if not isinstance(error, EngineFault):
            kit.tenure.fail(job, error)
        case _:
            fault = classified(error, PREPARING)
            fault.billed = Billed.NO
            if job.tries < FAULTS_BEFORE_BLOCK:
                return kit.tenure.put_off(job, fault, kit.pause(job, fault))
            stopped(kit, job, fault)


async def create(kit: Kit, job: Job, prepared: Prepared, key: str) -> None:
    """Send the paid create once and store what came of it: the table "how submits fail"."""
    with kit.create_under_way(job):
        await create_and_store(kit, job, prepared, key)


async def create_and_store(kit: Kit, job: Job, prepared: Prepared, key: str) -> None:
    try:
        accepted = await post(kit, job, prepared, key)
    except (NotDelivered, Busy) as error:
        not_now(kit, job, error)
    except (Blocked, SetupError) as error:
        stopped(kit, job, error)
    except (Refused, BadInput) as error:
        refused(kit, job, error)
    except OutcomeUnknown as error:
        kit.outcome_unknown(job, error)
    else:
        await store_ticket(kit, job, accepted)


async def post(kit: Kit, job: Job, prepared: Prepared, key: str) -> Accepted:
    """Send the create. Whatever does not say that nothing was accepted is an OutcomeUnknown."""
    try:
        return await kit.engine(job).submit(prepared, key=key)
    except (NotDelivered, Busy, Blocked, Refused, OutcomeUnknown, SetupError, BadInput):
        raise
    except Exception as error:
        raise OutcomeUnknown(f"the create ended with {type(error).__name__}") from error


def not_now(kit: Kit, job: Job, error: RushesError) -> None:
    """Nobody accepted it, and the next try may be heard: try again later, and after some tries elsewhere."""
    if job.tries < TRIES_BEFORE_FALLBACK or not turn_to_next(kit, job, error):
        kit.tenure.put_off(job, error, kit.pause(job, error))


def stopped(kit: Kit, job: Job, error: RushesError) -> None:
    """A person has to act before this engine accepts anything."""
    if not turn_to_next(kit, job, error):
        kit.block(job, error)


def refused(kit: Kit, job: Job, error: RushesError) -> None:
    """The provider will not make it. What it refuses for its content is not carried to another one."""
    if isinstance(error, ContentRefused) or not turn_to_next(kit, job, error):
        kit.tenure.fail(job, error)


async def store_ticket(kit: Kit, job: Job, accepted: Accepted) -> None:
    """Store the ticket. If the disk is full this waits for room: the ticket is worth a clip.

    It waits as long as the worker does; what the ledger cannot take is left to be rescued.
    """
    try:
        ticket = canonical(accepted.ticket)
    except (TypeError, ValueError) as error:
        doubt = OutcomeUnknown(f"the engine's ticket cannot be stored as JSON ({error})")
        return kit.tenure.unknown(job, doubt, None, raw=str(accepted.ticket))
    tries = 0
    while True:
        try:
            if ticket in kit.tenure.tickets(job):
                twice = OutcomeUnknown("the provider answered with a ticket that another job already holds")
                return kit.tenure.unknown(job, twice, None, raw=ticket)
            return kit.tenure.accepted(job, accepted)
        except Superseded:
            raise
        except StorageError as error:
            # A worker that ends keeps nobody waiting for room on the disk: the ticket goes into a file.
            if isinstance(error, LedgerCorrupt) or (kit.ending and tries >= TRIES_TO_STORE):
                kit.unstored.append((job, accepted.ticket))
                raise
            tries += 1
            try:
                await asyncio.sleep(min(kit.backoff.pause(tries - 1), LONGEST_STORE_PAUSE_S))
            except asyncio.CancelledError:
                # Asked twice to end, the worker waits for nothing.
                kit.unstored.append((job, accepted.ticket))
                raise


def model_id(job: Job) -> str:
    """Return the model's own id: what stands behind the first slash of its address."""
    return job.model.partition("/")[2]
