"""Prices a request from the catalogue."""

from __future__ import annotations

from decimal import ROUND_UP, Decimal

from rushes.domain.model import Model
from rushes.domain.money import Basis, Quote
from rushes.domain.request import VideoRequest

STEP = Decimal("0.0001")


def price(request: VideoRequest, model: Model) -> Quote:
    """Return the quote for a complete `request`. An unknown price is a Quote whose amount is None."""
    listed = model.price
    if listed.free or listed.included_in_plan:
        basis = Basis.FREE if listed.free else Basis.INCLUDED_IN_PLAN
        return Quote(amount=Decimal(0), basis=basis, source=listed.source, as_of=listed.as_of)
    amount = listed.per_clip
    if listed.per_second is not None:
        rate = listed.per_second.get(request.resolution or "", listed.per_second.get("*"))
        if rate is not None:
            amount = (amount or Decimal(0)) + rate * Decimal(str(request.seconds))
    if amount is not None:
        amount = amount.quantize(STEP, rounding=ROUND_UP)
    return Quote(amount=amount, basis=Basis.PER_USE, source=listed.source, as_of=listed.as_of)
