"""How a job becomes a clip. Read this file first.

A job stands in a state of the ledger; each state has one step, and each step ends with the job in another
state. Nothing else is remembered, so a worker that was killed anywhere goes on by looking the state up.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable

from rushes.domain.errors import LedgerCorrupt, StorageError, Superseded
from rushes.domain.job import Job, JobState
from rushes.jobs.binding import bind
from rushes.jobs.collect import collect
from rushes.jobs.follow import follow
from rushes.jobs.key_gate import has_key, missing_key
from rushes.jobs.kit import Kit
from rushes.jobs.settle import settle
from rushes.jobs.submit import submit

log = logging.getLogger("rushes.worker")

Step = Callable[[Kit, Job], Awaitable[None]]


async def knock(kit: Kit, job: Job) -> None:
    """Wait, then try again where a person had to act first."""
    if await kit.until_due(job):
        kit.reload()
        await kit.open_for(job)
        missing = missing_key(kit, job)
        if missing is None:
            kit.tenure.unblocked(job)
        else:
            kit.block(job, missing)


STEPS: dict[JobState, Step] = {
    # prepare, write down that it is being sent, send it once, store the ticket
    JobState.SUBMITTING: submit,
    # find out whether a create was accepted, never by sending it blindly again
    JobState.OUTCOME_UNKNOWN: settle,
    # poll until the provider has finished
    JobState.QUEUED: follow,
    JobState.RUNNING: follow,
    # results, download, lint, repair if it needs it, sheet, file in the library
    JobState.COLLECTING: collect,
    JobState.BLOCKED: knock,
}
"""A job in any other state waits for its turn, or has ended."""


async def run(kit: Kit, id: str) -> None:
    """Carry one job, from wherever it stands, until it has ended, is left to a person, or the worker ends."""
    try:
        await carry(kit, kit.tenure.ledger.job(id))
    finally:
        kit.leave(id)


async def carry(kit: Kit, job: Job) -> None:
    """Take a job from step to step."""
    if job.unreadable is not None:
        kit.tenure.set_aside(job)
    tries = faults = 0
    while job.state in STEPS and not job.left_to_a_person and not kit.ending:
        try:
            # Nobody is asked about a job with another key than the one that pays for it.
            if await has_key(kit, job) and not bind(kit, job):
                await STEPS[job.state](kit, job)
            tries = 0
        except (Superseded, LedgerCorrupt):
            # They end the worker: a damaged ledger is not mended by trying again.
            raise
        except StorageError as error:
            # A full disk ends no job: the ledger says where to go on.
            await kit.wait_for_storage(job, error, tries)
            tries += 1
        except Exception as error:
            faults += 1
            log.error("job %s: %s", job.id, type(error).__name__, exc_info=error)
            kit.tell_fault(kit.tenure.ledger.job(job.id), error, faults)
            await asyncio.sleep(kit.backoff.pause(faults))
        job = kit.tenure.ledger.job(job.id)
