"""What it costs: the quote before it is sent, the caps in force, what is held and spent."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any

LARGEST_PRICE = Decimal(10_000)
"""US dollars for a clip, or for a second of one. No model costs so much: who says more has made a mistake."""


LARGEST_LIMIT = Decimal(1_000_000)
"""US dollars of a cap or a limit. Who gives more wants none, and can leave it out."""


class Basis(StrEnum):
    """What a price means: money for each use, part of a plan's quota, or nothing at all."""

    PER_USE = "per_use"
    INCLUDED_IN_PLAN = "included_in_plan"
    FREE = "free"


def usd(amount: Decimal) -> str:
    """Return an amount in dollars as a person reads it: "$0.20", "$1,000.00", "$0.0125"."""
    cents = amount.quantize(Decimal("0.01"))
    return f"${cents:,f}" if cents == amount else f"${amount.normalize():,f}"


def can_be_price(amount: Decimal) -> bool:
    """Whether an amount in US dollars can be a price: from 0 to LARGEST_PRICE, and no NaN."""
    return amount.is_finite() and 0 <= amount <= LARGEST_PRICE


def can_be_limit(amount: Decimal) -> bool:
    """Whether an amount in US dollars can be a cap, or the most that something may cost."""
    return amount.is_finite() and 0 <= amount <= LARGEST_LIMIT


def read_price(value: object, unit: Decimal = Decimal(1)) -> Decimal | None:
    """Return a price in US dollars that a service or a settings file tells, as a number or as text.

    `unit` is what 1 of it is in dollars, 0.01 for cents. None for what can be no price.
    """
    if isinstance(value, bool):
        return None
    try:
        amount = Decimal(str(value)) * unit
    except (ArithmeticError, ValueError):
        return None
    return amount if can_be_price(amount) else None


@dataclass(frozen=True, kw_only=True)
class Quote:
    """The price of one clip before it is sent. `amount` None: the price is not known, never 0.

    `source` says where the price comes from and `as_of` from when; `quota_left` counts clips where the
    basis is a plan; after `expires_at` it has to be asked again. `live`: its service told it for this very
    request; else it is from the settings or the catalogue.
    """

    amount: Decimal | None
    basis: Basis
    currency: str = "USD"
    source: str = ""
    as_of: date | None = None
    quota_left: int | None = None
    expires_at: datetime | None = None
    live: bool = False

    @property
    def known(self) -> bool:
        return self.amount is not None

    @property
    def free(self) -> bool:
        """Whether sending it takes no money: free, or part of a plan that is already paid."""
        return self.basis is not Basis.PER_USE

    @property
    def words(self) -> str:
        """The price of one clip in words: "free", "included in your plan", "$0.80", "price not known"."""
        if self.basis is Basis.FREE:
            return "free"
        if self.basis is Basis.INCLUDED_IN_PLAN:
            return "included in your plan"
        return "price not known" if self.amount is None else usd(self.amount)

    def as_json(self) -> dict[str, Any]:
        return {
            "amount": str(self.amount) if self.amount is not None else None,
            "currency": self.currency,
            "known": self.known,
            "basis": self.basis.value,
            "source": self.source,
            "as_of": self.as_of.isoformat() if self.as_of else None,
            "quota_left": self.quota_left,
            "expires_at": self.expires_at.isoformat() if self.expires_at else None,
            "live": self.live,
        }


@dataclass(frozen=True, kw_only=True)
class Caps:
    """The caps in force, in US dollars; None is no cap. `engines` caps a day's spend per engine name.

    Days and months begin at midnight in `timezone` (an IANA name). `unreadable` says why they could not be
    read, "" where they could: until then nothing that costs money is sent.
    """

    per_job: Decimal | None = Decimal(5)
    per_day: Decimal | None = Decimal(20)
    per_month: Decimal | None = Decimal(200)
    engines: dict[str, Decimal] = field(default_factory=dict)
    timezone: str = "UTC"
    unreadable: str = ""


@dataclass(frozen=True, kw_only=True)
class Standing:
    """One cap and how much of it is gone: `held` by jobs under way, `spent` by finished ones."""

    name: str
    cap: Decimal | None
    held: Decimal
    spent: Decimal

    @property
    def left(self) -> Decimal | None:
        return None if self.cap is None else self.cap - self.held - self.spent

    def as_json(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "cap": None if self.cap is None else str(self.cap),
            "held": str(self.held),
            "spent": str(self.spent),
            "left": None if self.left is None else str(self.left),
        }


@dataclass(frozen=True, kw_only=True)
class Budget:
    """The caps in force, and what is held and spent under each."""

    standings: tuple[Standing, ...]
    timezone: str

    def as_json(self) -> dict[str, Any]:
        return {"timezone": self.timezone, "caps": [standing.as_json() for standing in self.standings]}
