"""The caps: checked inside the transaction that admits a job, settled when it ends."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from decimal import ROUND_UP, Decimal
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


def check(database: Database, caps: Caps, engine: str, amount: Decimal, now: float) -> None:
    """Raise OverBudget where holding `amount` would go over a cap. Call it while admitting."""
    if amount == 0:
        return
    if caps.per_job is not None and amount > caps.per_job:
        raise OverBudget(
            f"this may cost {usd(amount)}; one job may cost at most {usd(caps.per_job)}; nothing was sent",
            next="ask for less, or raise budget.per_job in the settings (rushes config path)",
        )
    check_together(database, caps, {engine: amount}, now)


def check_together(database: Database, caps: Caps, amounts: Mapping[str, Decimal], now: float) -> None:
    """Raise OverBudget where holding all of `amounts`, in dollars for each engine, would go over a cap.

    The cap of one job is not looked at.
    """
    whole = sum(amounts.values(), Decimal(0))
    asked = {"day": whole, "month": whole, **{f"day of {name}": amounts[name] for name in amounts}}
    for one in _standings(database, caps, now):
        amount = asked.get(one.name)
        if one.cap is None or one.left is None or not amount or amount <= one.left:
            continue
        raise OverBudget(
            f"this may cost {usd(amount)}, and {usd(max(one.left, Decimal(0)))} is left of the {one.name}'s"
            f" {usd(one.cap)} ({usd(one.held)} held, {usd(one.spent)} spent); nothing was sent",
            next="wait for the next day, reconcile what is held, or raise the cap (rushes config path)",
        )


def _standings(database: Database, caps: Caps, now: float) -> Iterator[Standing]:
    # Two statements whatever the number of caps: this runs for every job that is admitted.
    sql = load("rushes.jobs", "ledger.sql")
    here = datetime.fromtimestamp(now, ZoneInfo(caps.timezone))
    day = here.replace(hour=0, minute=0, second=0, microsecond=0)
    since = {"day": day.timestamp(), "month": day.replace(day=1).timestamp()}
    held = {row["engine"]: row["amount"] for row in database.all(sql["held"])}
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
