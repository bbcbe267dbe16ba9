"""Where the money went: what is spent and what is held, by day, by engine or by model."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import date, datetime, time
from decimal import Decimal
from enum import StrEnum
from typing import Any
from zoneinfo import ZoneInfo

from rushes.database.database import Database, Row
from rushes.database.sql import load
from rushes.jobs.budget import to_amount


class By(StrEnum):
    """What a line of the report stands for."""

    DAY = "day"
    ENGINE = "engine"
    MODEL = "model"


@dataclass(frozen=True, kw_only=True)
class Spent:
    """One line, in US dollars: `name` is a day (ISO 8601), an engine or a model's address.

    `spent` was charged for `jobs`; `unconfirmed` is the part of it that no provider named: what was held is
    booked. `held` is set aside for `open` jobs, which are under way or whose bill is not known.
    """

    name: str
    jobs: int
    spent: Decimal
    unconfirmed: Decimal
    open: int
    held: Decimal

    def as_json(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "jobs": self.jobs,
            "spent": str(self.spent),
            "unconfirmed": str(self.unconfirmed),
            "open": self.open,
            "held": str(self.held),
        }


@dataclass(frozen=True, kw_only=True)
class UnusualCharge:
    """A job that was charged more than twice of what was held for it, in US dollars."""

    job: str
    charged: Decimal
    held: Decimal

    def as_json(self) -> dict[str, Any]:
        return {"job": self.job, "charged": str(self.charged), "held": str(self.held)}


@dataclass(frozen=True, kw_only=True)
class Spending:
    """The report: days in order, engines and models with the dearest first. Nothing spent, no line.

    `unusual` are the largest charges that are far above what was quoted.
    """

    by: By
    since: date | None
    timezone: str
    lines: tuple[Spent, ...]
    unusual: tuple[UnusualCharge, ...] = ()

    @property
    def total(self) -> Spent:
        lines = self.lines
        return Spent(
            name="total",
            jobs=sum(line.jobs for line in lines),
            spent=sum((line.spent for line in lines), Decimal(0)),
            unconfirmed=sum((line.unconfirmed for line in lines), Decimal(0)),
            open=sum(line.open for line in lines),
            held=sum((line.held for line in lines), Decimal(0)),
        )

    def as_json(self) -> dict[str, Any]:
        return {
            "by": self.by.value,
            "since": self.since.isoformat() if self.since else None,
            "timezone": self.timezone,
            "lines": [line.as_json() for line in self.lines],
            "total": self.total.as_json(),
            "unusual": [charge.as_json() for charge in self.unusual],
        }


def spending(database: Database, by: By, since: date | None, timezone: str) -> Spending:
    """Return what was spent and is held since the day `since`, whose midnight is that of `timezone`.

    Money is counted on the day it was charged; what is held, on the day it was set aside.
    """
    zone = ZoneInfo(timezone)
    start = 0.0 if since is None else datetime.combine(since, time(), zone).timestamp()
    sql = load("rushes.jobs", "ledger.sql")
    sums: defaultdict[str, list[int]] = defaultdict(lambda: [0] * 5)
    for row in database.all(sql["spent_by_quarter"], {"since": start}):
        _add(sums[_name(row, by, zone)], row["jobs"], row["amount"], row["unconfirmed"], 0, 0)
    for row in database.all(sql["held_by_quarter"], {"since": start}):
        _add(sums[_name(row, by, zone)], 0, 0, 0, row["jobs"], row["amount"])
    lines = [_line(name, numbers) for name, numbers in sums.items()]
    lines.sort(key=lambda line: line.name)
    if by is not By.DAY:
        lines.sort(key=lambda line: line.spent + line.held, reverse=True)
    unusual = tuple(
        UnusualCharge(job=row["id"], charged=to_amount(row["amount"]), held=to_amount(row["held"]))
        for row in database.all(sql["unusual_charges"], {"since": start})
    )
    return Spending(by=by, since=since, timezone=timezone, lines=tuple(lines), unusual=unusual)


def _name(row: Row, by: By, zone: ZoneInfo) -> str:
    if by is By.DAY:
        return datetime.fromtimestamp(row["at"], zone).date().isoformat()
    return str(row[by.value])


def _add(sums: list[int], *numbers: int) -> None:
    sums[:] = [one + other for one, other in zip(sums, numbers, strict=True)]


def _line(name: str, numbers: list[int]) -> Spent:
    jobs, spent, unconfirmed, open, held = numbers
    return Spent(
        name=name,
        jobs=jobs,
        spent=to_amount(spent),
        unconfirmed=to_amount(unconfirmed),
        open=open,
        held=to_amount(held),
    )
