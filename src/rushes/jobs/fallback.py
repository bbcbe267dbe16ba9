"""Turning to the next engine of the list that a person gave. Only where the one before accepted nothing."""

from __future__ import annotations

import json
from typing import Any

from rushes.domain.errors import RushesError
from rushes.domain.job import Job, JobState
from rushes.domain.money import usd
from rushes.jobs.budget import to_amount
from rushes.jobs.kit import Kit
from rushes.jobs.rows import quote_from


def turn_to_next(kit: Kit, job: Job, error: RushesError) -> bool:
    """Give a job that `error` kept from being accepted to the next engine of its list, and say so.

    False: there is none, or none whose price fits the caps; the job stands where it stood.
    """
    tenure = kit.tenure
    with tenure.fenced():
        current = tenure.ledger.job(job.id)
        if current.cancel_requested or current.state is not JobState.SUBMITTING:
            return False
        others = tenure.fallbacks(job)
        while others:
            other = others.pop(0)
            refusal = tenure.hold_elsewhere(job, other, kit.caps())
            if refusal is None:
                tenure.turn_to(job, other, others, told(job, other, error))
                return True
            tenure.ledger.note(job.id, "fallback_skipped", model=other["model"], because=refusal.message)
    return False


def told(job: Job, other: dict[str, Any], error: RushesError) -> str:
    """Return what everybody who looks at the job is told."""
    quote = quote_from(json.loads(other["quote"]))
    cost = "free" if quote.free else f"up to {usd(to_amount(other['hold']))}"
    return f"{job.model} accepted nothing ({error.message}); {other['model']} was turned to ({cost})"
