"""outcome_unknown → queued or failed: find out what became of a create, in the way its engine declares."""

from __future__ import annotations

from rushes.domain.errors import (
    EngineError,
    EngineFault,
    OutcomeUnknown,
    Refused,
    RushesError,
    SetupError,
    StorageError,
)
from rushes.domain.job import Job
from rushes.engines.contract import Accepted, Candidate, Engine, Recovery
from rushes.jobs.kit import FAULTS_BEFORE_BLOCK, Kit, classified
from rushes.jobs.ledger import canonical
from rushes.jobs.submit import model_id, post, store_ticket


async def settle(kit: Kit, job: Job) -> None:
    """Settle an unknown outcome, or leave it to a person."""
    if not await kit.until_due(job):
        return
    try:
        engine = kit.engine(job)
    except SetupError as error:
        return leave_to_a_person(kit, job, error.message)
    match engine.recovery:
        case Recovery.REPLAY_KEY | Recovery.RERUN_FREE:
            await replay(kit, job, engine)
        case Recovery.LOOKUP:
            await look_up(kit, job, engine)
        case Recovery.ASK:
            leave_to_a_person(kit, job, "only the provider's own pages can tell")


async def replay(kit: Kit, job: Job, engine: Engine) -> None:
    """Send the create again under the same key, which the service answers with the same job."""
    free = engine.recovery is Recovery.RERUN_FREE
    if not free and not still_remembered(kit, job, engine):
        return leave_to_a_person(kit, job, "the provider has forgotten the key by now")
    with kit.create_under_way(job):
        await replay_and_store(kit, job, engine, free=free)


async def replay_and_store(kit: Kit, job: Job, engine: Engine, *, free: bool) -> None:
    try:
        prepared = await engine.prepare(job.request, model_id(job))
        accepted = await post(kit, job, prepared, kit.tenure.submission(job)["key"])
    except Refused as error:
        if free:
            return kit.tenure.fail(job, error)
        # The first create may have been accepted all the same: uploads have new names by now, and some
        # services refuse a key that comes with other words.
        leave_to_a_person(kit, job, f"the provider refused the key the second time ({error.message})")
    except RushesError as error:
        if isinstance(error, EngineFault) and job.tries >= FAULTS_BEFORE_BLOCK:
            return leave_to_a_person(kit, job, error.message)
        unsettled = OutcomeUnknown(f"it is not settled yet: {error.message}")
        kit.tenure.unknown(job, unsettled, kit.pause(job, error))
    else:
        await store_ticket(kit, job, accepted)


def still_remembered(kit: Kit, job: Job, engine: Engine) -> bool:
    """Whether the service surely remembers the key: with an hour to spare, for a clock that was set back."""
    spare = min(3600.0, engine.key_lifetime / 2)
    age = kit.tenure.ledger.clock() - kit.tenure.posted_at(job).timestamp()
    return -3600.0 <= age <= engine.key_lifetime - spare


async def look_up(kit: Kit, job: Job, engine: Engine) -> None:
    """Adopt the one thing in the provider's list that is this job and that no other job holds."""
    try:
        listed = await engine.lookup(kit.tenure.attempt(job, model_id(job)))
        held = kit.tenure.tickets(job, every_account=True)
        matching = [one for one in listed if canonical(one.ticket) not in held and could_be(one, job)]
    except StorageError:
        raise
    except Exception as error:  # noqa: BLE001 - a list that cannot be read is read again later
        return unread(kit, job, classified(error, "reading its list of jobs"))
    # A list that tells no prompts tells several lost creates apart only while there is one.
    nameless = any(one.prompt is None for one in matching) and kit.tenure.rivals(job)
    if len(matching) == 1 and not nameless:
        return await store_ticket(kit, job, Accepted(ticket=matching[0].ticket, facts=matching[0].facts))
    count = "nothing" if not matching else f"{len(matching)} thing{'s' * (len(matching) > 1)}"
    leave_to_a_person(kit, job, f"the provider lists {count} that could be it")


def unread(kit: Kit, job: Job, error: EngineError) -> None:
    """Have a list that could not be read read again; after a day, or a few mistakes, a person has to look."""
    words = f"the provider's list could not be read: {error.message}"
    age = kit.tenure.ledger.clock() - kit.tenure.posted_at(job).timestamp()
    mistaken = isinstance(error, EngineFault) and job.tries >= FAULTS_BEFORE_BLOCK
    if mistaken or age > kit.patience.unreachable:
        return leave_to_a_person(kit, job, words)
    kit.tenure.unknown(job, OutcomeUnknown(words), kit.pause(job))


def could_be(candidate: Candidate, job: Job) -> bool:
    return candidate.prompt is None or candidate.prompt == job.request.prompt


def leave_to_a_person(kit: Kit, job: Job, why: str) -> None:
    """Say why nothing more can be found out automatically; `rushes reconcile` takes it up."""
    # What its engine advised when it happened stays the advice.
    advice = job.failure.next if job.failure is not None else None
    kit.tenure.unknown(job, OutcomeUnknown(why, next=advice), None)
