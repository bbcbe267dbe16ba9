"""The caps: checked inside the transaction that admits a job, settled when it ends."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from decimal import ROUND_UP, Decimal
from functools import cached_property
from zoneinfo import ZoneInfo

from rushes.database.database import Database
from rushes.database.sql import load
from rushes.domain.errors import OverBudget
from rushes.domain.money import Budget, Caps, Standing, usd

MICRO = Decimal(1_000_000)


def to_micros(amount: Decimal) -> int:
    """Return an amount in dollars as whole millionths, rounded up: never less than it is."""
    return int((amount * MICRO).to_integral_value(rounding=ROUND_UP))


def to_amount(micros: int) -> Decimal:
    """Return whole millionths as dollars without needless zeros: 0.2, 20 (never 2E+1)."""
    amount = (Decimal(micros) / MICRO).normalize()
    return amount if amount != amount.to_integral_value() else amount.quantize(Decimal(1))


def standing(database: Database, caps: Caps, now: float) -> Budget:
    """Return the caps in force, and what is held and spent under each."""
    return Budget(standings=tuple(_standings(database, caps, now)), timezone=caps.timezone)


class Allowance:
    """What may still be held under the caps. Read once, inside the transaction that admits the jobs.

    And only if one of them costs money. With `only_sent` what is held for jobs not sent yet does not count.
    """

    def __init__(self, database: Database, caps: Caps, now: float, *, only_sent: bool = False) -> None:
        self._database = database
        self._caps = caps
        self._now = now
        self._held = "held_by_sent" if only_sent else "held"

    @cached_property
    def _standings(self) -> dict[str, Standing]:
        return {one.name: one for one in _standings(self._database, self._caps, self._now, self._held)}

    def take(self, engine: str, amount: Decimal) -> None:
        """Count `amount` dollars for one job as held. Raises OverBudget where that would go over a cap."""
        if amount == 0:
            return
        if self._caps.unreadable:
            raise OverBudget(
                f"the budget is not known ({self._caps.unreadable}); nothing was sent",
                next="correct it in the settings file (rushes config path)",
            )
        most = self._caps.per_job
        if most is not None and amount > most:
            raise OverBudget(
                f"this may cost {usd(amount)}; one job may cost at most {usd(most)}; nothing was sent",
                next="ask for less, or raise budget.per_job in the settings (rushes config path)",
            )
        asked = [name for name in ("day", "month", f"day of {engine}") if name in self._standings]
        for name in asked:
            _check(self._standings[name], amount)
        for name in asked:
            one = self._standings[name]
            self._standings[name] = replace(one, held=one.held + amount)


def _check(one: Standing, amount: Decimal) -> None:
    if one.cap is None or one.left is None or amount <= one.left:
        return
    raise OverBudget(
        f"this may cost {usd(amount)}, and {usd(max(one.left, Decimal(0)))} is left of the {one.name}'s"
        f" {usd(one.cap)} ({usd(one.held)} held, {usd(one.spent)} spent); nothing was sent",
        next="wait for the next day, reconcile what is held, or raise the cap (rushes config path)",
    )


def _standings(database: Database, caps: Caps, now: float, held_by: str = "held") -> Iterator[Standing]:
    sql = load("rushes.jobs", "ledger.sql")
    here = datetime.fromtimestamp(now, ZoneInfo(caps.timezone))
    day = here.replace(hour=0, minute=0, second=0, microsecond=0)
    since = {"day": day.timestamp(), "month": day.replace(day=1).timestamp()}
    held = {row["engine"]: row["amount"] for row in database.all(sql[held_by])}
    rows = database.all(sql["spent"], since)
    of_day = {row["engine"]: row["day"] for row in rows}
    of_month = {row["engine"]: row["month"] for row in rows}
    windows = [
        ("day", caps.per_day, sum(held.values()), sum(of_day.values())),
        ("month", caps.per_month, sum(held.values()), sum(of_month.values())),
        *(
            (f"day of {engine}", cap, held.get(engine, 0), of_day.get(engine, 0))
            for engine, cap in caps.engines.items()
        ),
    ]
    for name, cap, set_aside, spent in windows:
        yield Standing(name=name, cap=cap, held=to_amount(set_aside), spent=to_amount(spent))
