"""Rows of the ledger as the domain's words."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import fields, replace
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any, TypeVar

from rushes.database.database import Row
from rushes.domain.errors import BadInput, Billed, RowUnreadable
from rushes.domain.job import Cost, Failure, Job, JobState
from rushes.domain.money import Basis, Quote
from rushes.domain.request import VideoRequest
from rushes.jobs.budget import to_amount

T = TypeVar("T")

EPOCH = datetime.fromtimestamp(0, UTC)

NOT_THERE = "(cannot be read)"

WRONG = (ValueError, TypeError, KeyError, AttributeError, ArithmeticError, OSError, BadInput)
"""What reading a value can raise that is not what it should be."""


def moment(stamp: float) -> datetime:
    return datetime.fromtimestamp(stamp, UTC)


def detail_of(event: Row) -> dict[str, Any]:
    """Return the detail of an event; what cannot be read is shown as it stands there."""
    try:
        return _table(event["detail"])
    except WRONG:
        return {"unreadable": str(event["detail"])}


class _Reader:
    """Reads a row value by value. What is not what it should be is noted, and concerns that value alone."""

    def __init__(self, row: Row) -> None:
        self._row = row
        self.faults: list[str] = []

    def read(self, name: str, parse: Callable[[Any], T], instead: T) -> T:
        """Return a value as `parse` makes it, `instead` if it cannot."""
        try:
            return parse(self._row[name])
        except WRONG as error:
            self.faults.append(f"{name}: {type(error).__name__}")
            return instead

    def read_if_set(self, name: str, parse: Callable[[Any], T], instead: T | None = None) -> T | None:
        """The same for a value that may be missing."""
        return self.read(name, lambda value: None if value is None else parse(value), instead)


def job_from(row: Row) -> Job:
    """Return the job of a row. One that cannot be read says so, and holds its money."""
    reader = _Reader(row)
    held = reader.read_if_set("held", to_amount)
    unknown_price = Quote(amount=held, basis=Basis.PER_USE, source=NOT_THERE)
    quote = reader.read("quote", lambda text: quote_from(_table(text)), unknown_price)
    state = reader.read("state", JobState, JobState.BLOCKED)
    nowhere = VideoRequest(prompt=NOT_THERE, model=row["model"])
    failure = reader.read_if_set("error", lambda text: failure_from(_table(text)))
    job = Job(
        id=row["id"],
        state=state,
        reason=row["reason"] or (f"behind the blocked {row['wall']}" if row["wall"] else None),
        engine=row["engine"],
        account=row["account"],
        key_source=row["key_source"],
        model=row["model"],
        provider=row["provider"],
        request=reader.read("request", lambda text: VideoRequest.from_admitted(_table(text)), nowhere),
        quote=quote,
        cost=_cost(row, quote),
        created_at=reader.read("created_at", moment, EPOCH),
        updated_at=reader.read("updated_at", moment, EPOCH),
        completed_at=reader.read_if_set("completed_at", moment),
        ordinal=row["ordinal"],
        key=row["key"],
        ticket=reader.read_if_set("ticket", _table),
        attempt=row["attempt"] or 0,
        posted_at=reader.read_if_set("posted_at", moment, EPOCH),
        missing_since=reader.read_if_set("missing_since", moment),
        tries=row["tries"],
        due_at=row["due_at"],
        charged=to_amount(row["charged"]) if row["charged"] is not None else None,
        fraction=None if state.ended else row["fraction"],
        queue_position=row["queue_position"] if state is JobState.QUEUED else None,
        cancel_requested=bool(row["cancel_requested"]),
        failure=failure,
        warnings=reader.read("warnings", _texts, ()),
        facts=reader.read("facts", _table, {}),
        digest=row["digest"],
    )
    return _unreadable(job, reader.faults) if reader.faults else job


def state_from(text: str) -> JobState:
    """Return a state; one that only a newer version knows is for a person to look at."""
    try:
        return JobState(text)
    except ValueError:
        return JobState.BLOCKED


def _unreadable(job: Job, faults: list[str]) -> Job:
    """Return a job of which some cannot be read as every door shows it: until it has ended, as an error."""
    words = f"what the ledger says of job {job.id} cannot be read ({', '.join(faults)})"
    job = replace(job, unreadable=words, warnings=(*job.warnings, words))
    if job.state.ended:
        return job
    failure = Failure(
        code=RowUnreadable.code,
        message=words,
        billed=Billed.NO if job.posted_at is None and job.ticket is None else Billed.UNKNOWN,
        next=RowUnreadable.next.replace("ID", job.id),
        exit_code=RowUnreadable.exit_code,
    )
    return replace(job, reason=RowUnreadable.reason, failure=failure)


def _table(text: str) -> dict[str, Any]:
    """Return the JSON object that a text is. Raises ValueError."""
    found = json.loads(text)
    if not isinstance(found, dict):
        raise ValueError("no JSON object")
    return found


def _texts(text: str) -> tuple[str, ...]:
    found = json.loads(text)
    if not isinstance(found, list) or not all(isinstance(one, str) for one in found):
        raise ValueError("no list of texts")
    return tuple(found)


def failure_from(data: dict[str, Any]) -> Failure:
    """Return a kept failure; what only a newer version knows of it is left out."""
    known = {one.name: data[one.name] for one in fields(Failure) if one.name in data}
    return Failure(**{**known, "billed": Billed(data["billed"])})


def quote_from(data: dict[str, Any]) -> Quote:
    return Quote(
        amount=Decimal(data["amount"]) if data["amount"] is not None else None,
        basis=Basis(data["basis"]),
        currency=data["currency"],
        source=data["source"],
        as_of=date.fromisoformat(data["as_of"]) if data["as_of"] else None,
        quota_left=data["quota_left"],
        expires_at=datetime.fromisoformat(data["expires_at"]) if data["expires_at"] else None,
        live=data.get("live", False),
    )


def _cost(row: Row, quote: Quote) -> Cost:
    basis = quote.basis.value
    if row["spent"] is not None:
        return Cost(
            amount=to_amount(row["spent"]),
            currency=quote.currency,
            basis=basis,
            settled=bool(row["spent_known"]),
        )
    if row["settled_at"] is not None or quote.free:
        return Cost(amount=Decimal(0), currency=quote.currency, basis=basis, settled=True)
    return Cost(amount=to_amount(row["held"] or 0), currency=quote.currency, basis=basis, settled=False)
