"""What fal's own price list says, and when it is the price of a clip.

A unit is a second, a video, a thousand tokens, a megapixel … Where an endpoint offers several resolutions, or
sound for more, its one unit price is that of the cheapest, and no clip's: then the catalogue's table holds.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import httpx

from rushes.domain.model import Price
from rushes.domain.money import Basis, Quote, read_price
from rushes.domain.request import VideoRequest
from rushes.engines.fal.fields import Fields
from rushes.engines.http import answer, asking

SOURCE = "api.fal.ai/v1/models/pricing"
AT_ONCE = 50
"""How many endpoints one call may name."""

SECONDS = frozenset({"second", "seconds", "video_second", "video second", "video seconds", "output second"})
CLIPS = frozenset({"video", "videos", "request", "requests", "generation", "generations"})
REMEMBERED_S = 3600.0


@dataclass(frozen=True, kw_only=True)
class UnitPrice:
    """One line of the price list: what one `unit` costs in US dollars."""

    amount: Decimal
    unit: str


class Prices:
    """The price list, remembered for an hour."""

    def __init__(self) -> None:
        self._known: dict[str, tuple[float, UnitPrice]] = {}

    async def read(self, client: httpx.AsyncClient, endpoints: Sequence[str]) -> dict[str, UnitPrice]:
        """Return the unit prices of endpoints; one without a usable one, in dollars, is left out."""
        now = time.monotonic()
        wanted = [one for one in endpoints if self._known.get(one, (0.0, None))[0] <= now]
        for start in range(0, len(wanted), AT_ONCE):
            named = ",".join(wanted[start : start + AT_ONCE])
            with asking():
                response = await client.get("/models/pricing", params={"endpoint_id": named})
            if response.status_code == 404:
                # It knows one of them not at all, and then tells nothing of the others either.
                continue
            for line in _lines(answer(response)):
                price = _unit_price(line)
                if price is not None:
                    self._known[str(line.get("endpoint_id"))] = (now + REMEMBERED_S, price)
        return {one: self._known[one][1] for one in endpoints if one in self._known}


def quote_of(price: UnitPrice, request: VideoRequest, fields: Fields) -> Quote | None:
    """Return what a clip costs by its unit price; None where that does not decide it."""
    if not one_price(fields):
        return None
    amount: Decimal | None = None
    if price.unit in SECONDS and request.seconds is not None:
        amount = price.amount * Decimal(str(request.seconds))
    if price.unit in CLIPS and not _lengths_vary(fields):
        amount = price.amount
    if amount is None or amount <= 0:
        return None
    return Quote(amount=amount, basis=Basis.PER_USE, source=SOURCE, as_of=datetime.now(UTC).date())


def listed_price(price: UnitPrice | None, fields: Fields) -> Price:
    """Return the same for the catalogue."""
    today = datetime.now(UTC).date()
    if price is not None and price.amount > 0 and one_price(fields):
        if price.unit in SECONDS:
            return Price(per_second={"*": price.amount}, source=SOURCE, as_of=today)
        if price.unit in CLIPS and not _lengths_vary(fields):
            return Price(per_clip=price.amount, source=SOURCE, as_of=today)
    return Price()


def one_price(fields: Fields) -> bool:
    """Whether nothing that a request may choose, but its length, is known to change the price."""
    sizes = fields.resolution.choices if fields.resolution is not None else ()
    return len(sizes) <= 1 and fields.audio is None and fields.fps is None


def _lengths_vary(fields: Fields) -> bool:
    taken = fields.duration or fields.frames
    return taken is not None and len(taken.choices) != 1


def _lines(body: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    listed = body.get("prices")
    return [one for one in listed if isinstance(one, Mapping)] if isinstance(listed, list) else []


def _unit_price(line: Mapping[str, Any]) -> UnitPrice | None:
    amount = read_price(line.get("unit_price"))
    if amount is None or line.get("currency") != "USD":
        return None
    return UnitPrice(amount=amount, unit=str(line.get("unit", "")).lower())
