"""A job: the durable record of one request for one clip."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from pathlib import Path
from typing import Any

from rushes.domain.errors import Billed
from rushes.domain.money import Quote, usd
from rushes.domain.request import VideoRequest


class JobState(StrEnum):
    """Where a job stands. `QUEUED` and `RUNNING` are at the provider; only `COMPLETED` has a clip."""

    WAITING = "waiting"
    SUBMITTING = "submitting"
    QUEUED = "queued"
    RUNNING = "running"
    COLLECTING = "collecting"
    COMPLETED = "completed"
    OUTCOME_UNKNOWN = "outcome_unknown"
    BLOCKED = "blocked"
    FAILED = "failed"
    CANCELED = "canceled"

    @property
    def ended(self) -> bool:
        """Whether it moves only if a person asks for it."""
        return self in {JobState.COMPLETED, JobState.FAILED, JobState.CANCELED}

    @property
    def at_provider(self) -> bool:
        return self in {JobState.QUEUED, JobState.RUNNING}


@dataclass(frozen=True, kw_only=True)
class Failure:
    """Why a job ended, or stands still, in the shape of every error."""

    code: str
    message: str
    billed: Billed
    next: str
    exit_code: int = 5

    def as_json(self) -> dict[str, Any]:
        return {"code": self.code, "message": self.message, "billed": self.billed.value, "next": self.next}


@dataclass(frozen=True, kw_only=True)
class Cost:
    """What a job cost. `settled` False: `amount` is what is held for it, not yet what was charged."""

    amount: Decimal | None
    currency: str
    basis: str
    settled: bool

    @property
    def words(self) -> str:
        """It in words: "free", "$0.80", "$0.80 held"."""
        if self.amount is None:
            return "price not known"
        if self.basis == "included_in_plan":
            return "in your plan"
        if not self.amount:
            return "free" if self.basis == "free" else "not charged"
        return usd(self.amount) + ("" if self.settled else " held")

    def as_json(self) -> dict[str, Any]:
        return {
            "amount": str(self.amount) if self.amount is not None else None,
            "currency": self.currency,
            "known": self.amount is not None and self.settled,
            "basis": self.basis,
        }


@dataclass(frozen=True, kw_only=True)
class Job:
    """The durable record of one request for one clip.

    `request` is complete: nothing in it is left to a default. `fraction` is 0 to 1 where the provider
    tells it. `cancel_requested` is a wish; the state tells whether it was granted. `tries` counts since it
    last got anywhere; `due_at` (seconds since 1970) is when it goes on by itself, 0 where it does not.
    `facts` is what the provider said when it accepted; a `quota_left` among them counts clips.
    """

    id: str
    state: JobState
    engine: str
    account: str
    model: str
    provider: str
    request: VideoRequest
    quote: Quote
    cost: Cost
    created_at: datetime
    updated_at: datetime
    completed_at: datetime | None = None
    ordinal: int = 0
    key: str | None = None
    out: Path | None = None
    reason: str | None = None
    ticket: dict[str, Any] | None = None
    attempt: int = 0
    tries: int = 0
    due_at: float = 0.0
    charged: Decimal | None = None
    fraction: float | None = None
    queue_position: int | None = None
    cancel_requested: bool = False
    failure: Failure | None = None
    warnings: tuple[str, ...] = ()
    facts: Mapping[str, Any] = field(default_factory=dict)

    @property
    def quota_left(self) -> int | None:
        """How many clips the plan had left when the provider accepted, where it said so."""
        left = self.facts.get("quota_left")
        return left if isinstance(left, int) and not isinstance(left, bool) else None

    @property
    def bill_open(self) -> bool:
        """Whether it waits for somebody to say that nothing (more) comes of it, and what it cost."""
        return self.state is JobState.OUTCOME_UNKNOWN or (self.state.ended and not self.cost.settled)

    @property
    def left_to_a_person(self) -> bool:
        """Whether only a person can tell how it goes on."""
        return self.state in {JobState.OUTCOME_UNKNOWN, JobState.BLOCKED} and not self.due_at

    @property
    def settled(self) -> bool:
        """Whether there is nothing to wait for: it has ended, or a person has to act."""
        return self.state.ended or self.state is JobState.BLOCKED or self.left_to_a_person

    def as_json(self) -> dict[str, Any]:
        """Return the shape every door shows."""
        return {
            "id": self.id,
            "state": self.state.value,
            "reason": self.reason,
            "model": self.model,
            "provider": self.provider,
            "request": self.request.as_json(),
            "key": self.key,
            "fraction": self.fraction,
            "queue_position": self.queue_position,
            "cancel_requested": self.cancel_requested,
            "warnings": list(self.warnings),
            "facts": dict(self.facts),
            "created_at": self.created_at.isoformat(),
            "updated_at": self.updated_at.isoformat(),
            "completed_at": self.completed_at.isoformat() if self.completed_at else None,
        }
