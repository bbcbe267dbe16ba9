"""A job: the durable record of one request for one clip."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any

from rushes.domain.account import split_account
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

    @property
    def has_progress(self) -> bool:
        """Whether a job's `fraction` is about this state: its render's, or its download's."""
        return self.at_provider or self is JobState.COLLECTING


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

    `request` is complete: nothing in it is left to a default. `account` says who pays, `key_source` where
    that key came from, or who is signed in, in words; None: there was none, or it is not known. `posted_at`
    is when its create was last sent. `fraction` is how far its render, and then its download, is: 0 to 1 if
    the provider tells it. `cancel_requested` is a wish; the state tells whether it was granted. `tries`
    counts since it last got anywhere; `due_at` (seconds since 1970) is when it continues automatically, 0 if
    it does not. `missing_since` is when its provider began to show no such render, None while it does.
    `facts` is what the provider said when it accepted; a `quota_left` among them counts clips. `unreadable`
    says what of it cannot be read in the ledger, if anything: all of that is replaced by what promises
    nothing, and only a person can end the job. `digest` is what makes two requests the same.
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
    reason: str | None = None
    ticket: dict[str, Any] | None = None
    key_source: str | None = None
    attempt: int = 0
    posted_at: datetime | None = None
    missing_since: datetime | None = None
    tries: int = 0
    due_at: float = 0.0
    charged: Decimal | None = None
    fraction: float | None = None
    queue_position: int | None = None
    cancel_requested: bool = False
    failure: Failure | None = None
    warnings: tuple[str, ...] = ()
    facts: Mapping[str, Any] = field(default_factory=dict)
    unreadable: str | None = None
    digest: str = ""

    @property
    def person(self) -> str | None:
        """The fingerprint of the person whose account makes it, if its service is signed in to by persons.

        `key_source` is then who that is.
        """
        return split_account(self.account)[1]

    @property
    def quota_left(self) -> int | None:
        """How many clips the plan had left when the provider accepted, where it said so."""
        left = self.facts.get("quota_left")
        return left if isinstance(left, int) and not isinstance(left, bool) else None

    @property
    def is_unsent(self) -> bool:
        """Whether no create of it was sent, or every one that was sent was refused: ending it is free."""
        return self.state is JobState.WAITING or (
            (self.state is JobState.BLOCKED and self.ticket is None and self.completed_at is None)
            or (self.state is JobState.SUBMITTING and self.posted_at is None)
        )

    @property
    def unblocked_state(self) -> JobState:
        """Where it continues once nothing blocks it any more: what was completed once is never sent again."""
        if self.completed_at is not None:
            return JobState.COLLECTING
        return JobState.QUEUED if self.ticket is not None else JobState.WAITING

    @property
    def can_be_adopted(self) -> bool:
        """Whether a person may say that its provider accepted it after all, and under which ticket."""
        lost = self.state in {JobState.FAILED, JobState.CANCELED} and self.ticket is None
        return self.state is JobState.OUTCOME_UNKNOWN or (lost and self.posted_at is not None)

    @property
    def has_bill(self) -> bool:
        """Whether it may have cost money, so that a person can say or correct what it cost."""
        return self.posted_at is not None and not self.quote.free

    @property
    def bill_open(self) -> bool:
        """Whether it waits for somebody to say that nothing (more) comes of it, and what it cost."""
        return self.state is JobState.OUTCOME_UNKNOWN or (self.state.ended and not self.cost.settled)

    @property
    def left_to_a_person(self) -> bool:
        """Whether only a person can tell how it goes on."""
        if self.unreadable is not None:
            return not self.state.ended
        return self.state in {JobState.OUTCOME_UNKNOWN, JobState.BLOCKED} and not self.due_at

    @property
    def settled(self) -> bool:
        """Whether there is nothing to wait for: it has ended, or a person has to act."""
        return self.state.ended or self.state is JobState.BLOCKED or self.left_to_a_person

    def answers_again(self, age: str, again: str) -> str:
        """Return what is said if the job answers for the same request again, so that nothing is bought.

        `age` is how long ago it was made ("3 h ago"), `again` what asks for another clip ("--again").
        """
        if self.person is not None:
            age += f" with {self.key_source}"
        if not self.state.ended and self.completed_at is not None:
            return f"already made {age}; its clip is collected again, free; {again} makes another"
        if not self.state.ended:
            return f"already started {age}, no new charge; {again} makes another"
        if self.state is JobState.COMPLETED:
            another = "makes another" if self.quote.free else "makes and pays for another"
            return f"already made {age} ({self.cost.words}), no new charge; {again} {another}"
        first = f"rushes collect {self.id} asks for its clip, free; " if self.ticket is not None else ""
        is_open = not self.cost.settled or (
            self.failure is not None and self.failure.billed is Billed.UNKNOWN
        )
        bill = "may have been charged" if is_open else "was charged"
        end = self.state.value
        return f"{end} {age} and {bill} ({self.cost.words}), no new charge; {first}{again} pays for another"

    def as_json(self) -> dict[str, Any]:
        """Return the shape every door shows."""
        return {
            "id": self.id,
            "state": self.state.value,
            "reason": self.reason,
            "model": self.model,
            "provider": self.provider,
            "account": self.account,
            "key_source": self.key_source,
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


def age(moment: datetime) -> str:
    """Return how long ago a moment was, in one unit."""
    return f"{duration((datetime.now(UTC) - moment).total_seconds())} ago"


def duration(seconds: float) -> str:
    """Return how long something lasted, in one unit."""
    whole = max(0, int(seconds))
    for unit, length in (("d", 86_400), ("h", 3600), ("min", 60)):
        if whole >= 2 * length:
            return f"{whole // length} {unit}"
    return f"{whole} s"
