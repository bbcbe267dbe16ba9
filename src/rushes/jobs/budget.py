"""The caps: checked inside the transaction that admits a job, settled when it ends."""

from __future__ import annotations

from collections.abc import Iterator
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
    return (Decimal(micros) / MICRO).normalize() if micros else Decimal(0)


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
    for one in _standings(database, caps, now):
        if (
            one.cap is None
            or one.left is None
            or amount <= one.left
            or one.name not in {"day", "month", f"day of {engine}"}
        ):
            continue
        raise OverBudget(
            f"this may cost {usd(amount)}, and {usd(max(one.left, Decimal(0)))} is left of the {one.name}'s"
            f" {usd(one.cap)} ({usd(one.held)} held, {usd(one.spent)} spent); nothing was sent",
            next="wait for the next day, reconcile what is held, or raise the cap (rushes config path)",
        )


def _standings(database: Database, caps: Caps, now: float) -> Iterator[Standing]:
    sql = load("rushes.jobs", "ledger.sql")
    here = datetime.fromtimestamp(now, ZoneInfo(caps.timezone))
    day = here.replace(hour=0, minute=0, second=0, microsecond=0)
    windows = [
        ("day", caps.per_day, day, None),
        ("month", caps.per_month, day.replace(day=1), None),
        *((f"day of {engine}", cap, day, engine) for engine, cap in caps.engines.items()),
    ]
    for name, cap, since, engine in windows:
        held = database.one(sql["held"], {"engine": engine})
        spent = database.one(sql["spent_since"], {"engine": engine, "since": since.timestamp()})
        assert held is not None
        assert spent is not None
        yield Standing(name=name, cap=cap, held=to_amount(held["amount"]), spent=to_amount(spent["amount"]))
