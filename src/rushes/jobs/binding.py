"""A job is made with one person's account: whoever else signs in meanwhile, that one's quota is not used."""

from __future__ import annotations

from rushes.domain.account import bound_account, split_account
from rushes.domain.job import Job, JobState
from rushes.jobs.kit import Kit


def bind(kit: Kit, job: Job) -> bool:
    """Write on a job who is signed in at its service, if nobody stands there yet; True if it was done now.

    So are bound: jobs that were stored while nobody was signed in, and those of earlier versions.
    """
    if job.state is JobState.BLOCKED or split_account(job.account)[1] is not None:
        return False
    try:
        person = kit.engine(job).signed_in
    except Exception:  # noqa: BLE001 - whatever keeps the engine from being made, its step says so
        return False
    if person is None:
        return False
    kit.tenure.bind(job, bound_account(job.account, person.fingerprint), person.name)
    return True
