"""What would be made, by which model, for how much; and what is held for it."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from rushes.catalogue.check import complete, unconfirmed
from rushes.catalogue.price import price
from rushes.domain.errors import BadInput, OverBudget, PriceUnknown
from rushes.domain.model import Model
from rushes.domain.money import LARGEST_LIMIT, Quote, can_be_limit, usd
from rushes.domain.request import VideoRequest


@dataclass(frozen=True, kw_only=True)
class Offer:
    """What would be made and for how much: a complete request and its quote. `chosen`: why this model.

    `unconfirmed` lists what is sent as asked, not confirmed to work; `quota_unknown` says why
    what is left of a plan is not known, where it was asked for in vain. `fallbacks` are the offers to turn
    to, in order, where the one before was accepted by nobody. `replaces` says of the first of them that a
    model before it is retired, and when; `advice` how to get generated video, if this is none because
    nothing else is set up.
    """

    request: VideoRequest
    model: Model
    quote: Quote
    chosen: str
    unconfirmed: tuple[str, ...] = ()
    quota_unknown: str | None = None
    fallbacks: tuple[Offer, ...] = ()
    replaces: str | None = None
    advice: str | None = None

    @property
    def replacing(self) -> str | None:
        """In words which retired model this is used for: "lab/a was retired on 2026-04-26; using …"."""
        used = f"using {self.model.address} ({self.quote.words})"
        return None if self.replaces is None else f"{self.replaces}; {used}"

    @property
    def steps(self) -> tuple[Offer, ...]:
        """This offer and its fallbacks, in the order in which they are tried."""
        return (self, *self.fallbacks)

    def dearest(self) -> Decimal | None:
        """Return what one clip costs at most, in dollars; None: nothing, or the price of one is not known."""
        paid = [one.quote for one in self.steps if not one.quote.free]
        known = [quote.amount for quote in paid if quote.amount is not None and quote.currency == "USD"]
        return max(known) if paid and len(known) == len(paid) else None


def listed_offer(request: VideoRequest, model: Model, chosen: str) -> Offer:
    """Return what the catalogue says of a `request`, completed with the defaults of `model`."""
    asked = complete(request, model)
    return Offer(
        request=asked,
        model=model,
        quote=price(asked, model),
        chosen=chosen,
        unconfirmed=unconfirmed(asked, model),
    )


def amount_to_hold(quote: Quote, max_usd: Decimal | None) -> Decimal:
    """Return what is set aside for one clip. Raises PriceUnknown, or OverBudget above `max_usd`."""
    if quote.free:
        return Decimal(0)
    if max_usd is not None and not can_be_limit(max_usd):
        raise BadInput(
            f"max_usd is {max_usd}",
            next=f"give an amount in dollars from 0 to {LARGEST_LIMIT:,}, such as 0.50",
        )
    if quote.amount is None or quote.currency != "USD":
        if not max_usd:
            raise PriceUnknown()
        return max_usd
    if max_usd is not None and quote.amount > max_usd:
        raise OverBudget(
            f"this costs {usd(quote.amount)}, more than --max-usd {max_usd:f}; nothing was sent",
            next="raise --max-usd, or ask for less (a shorter clip, a lower resolution, another model)",
        )
    return quote.amount
