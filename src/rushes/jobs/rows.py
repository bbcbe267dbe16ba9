"""Rows of the ledger as the domain's words."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from rushes.database.database import Row
from rushes.domain.errors import Billed
from rushes.domain.job import Cost, Failure, Job, JobState
from rushes.domain.money import Basis, Quote
from rushes.domain.request import VideoRequest
from rushes.jobs.budget import to_amount


def moment(stamp: float) -> datetime:
    return datetime.fromtimestamp(stamp, UTC)


def job_from(row: Row) -> Job:
    quote = quote_from(json.loads(row["quote"]))
    state = JobState(row["state"])
    return Job(
        id=row["id"],
        state=state,
        reason=row["reason"],
        engine=row["engine"],
        account=row["account"],
        model=row["model"],
        provider=row["provider"],
        request=VideoRequest.from_json(json.loads(row["request"])),
        quote=quote,
        cost=_cost(row, quote),
        created_at=moment(row["created_at"]),
        updated_at=moment(row["updated_at"]),
        completed_at=moment(row["completed_at"]) if row["completed_at"] else None,
        ordinal=row["ordinal"],
        key=row["key"],
        out=Path(row["out"]) if row["out"] else None,
        ticket=json.loads(row["ticket"]) if row["ticket"] else None,
        attempt=row["attempt"] or 0,
        tries=row["tries"],
        due_at=row["due_at"],
        charged=to_amount(row["charged"]) if row["charged"] is not None else None,
        fraction=None if state.ended else row["fraction"],
        queue_position=row["queue_position"] if state is JobState.QUEUED else None,
        cancel_requested=bool(row["cancel_requested"]),
        failure=failure_from(json.loads(row["error"])) if row["error"] else None,
        warnings=tuple(json.loads(row["warnings"])),
        facts=json.loads(row["facts"]),
    )


def failure_from(data: dict[str, Any]) -> Failure:
    return Failure(**{**data, "billed": Billed(data["billed"])})


def quote_from(data: dict[str, Any]) -> Quote:
    return Quote(
        amount=Decimal(data["amount"]) if data["amount"] is not None else None,
        basis=Basis(data["basis"]),
        currency=data["currency"],
        source=data["source"],
        as_of=date.fromisoformat(data["as_of"]) if data["as_of"] else None,
        quota_left=data["quota_left"],
        expires_at=datetime.fromisoformat(data["expires_at"]) if data["expires_at"] else None,
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
