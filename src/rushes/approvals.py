"""Quotes that a person agrees to before they are bought: what the doors of agents go by.

An agent asks for a price, a person agrees to it, and exactly what was quoted is stored as jobs, once. Free
ones need nobody.
"""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

from rushes.catalogue.offer import Offer, amount_to_hold
from rushes.domain.errors import BadInput, KeyConflict
from rushes.domain.job import Job
from rushes.domain.request import VideoRequest
from rushes.jobs.admission import Admission, check_key
from rushes.jobs.quotes import KeptQuote, Quotes
from rushes.jobs.tally import keyed
from rushes.studio import MOST_TAKES, Order, Studio, takes

NOBODY_HAS_TO = "nobody has to: it takes no money"


class Approvals:
    """Keeps quotes of a studio, writes down who agreed to them, and buys them."""

    def __init__(self, studio: Studio) -> None:
        self._studio = studio
        self._quotes = Quotes(studio.ledger.database, studio.ledger.clock, studio.model)

    async def quote(
        self, request: VideoRequest, count: int = 1, *, max_usd: Decimal | None = None, again: bool = False
    ) -> KeptQuote:
        """Keep what would be made and for how much; nothing is sent.

        `max_usd` bounds one clip: above it OverBudget is raised, and if the price is not known that much is
        agreed to and held. `again` asks for another clip even if the same was paid for before. Raises
        BadInput and its kinds.
        """
        self._studio.roster.reload()
        if not 1 <= count <= MOST_TAKES:
            raise BadInput(f"count is {count}", next=f"give a number from 1 to {MOST_TAKES}")
        offer = await self._studio.quote(request)
        if max_usd is not None:
            for step in offer.steps:
                amount_to_hold(step.quote, max_usd)
        return await self.keep(offer, count, max_usd=max_usd, again=again)

    async def keep(
        self, offer: Offer, count: int, *, max_usd: Decimal | None = None, again: bool = False
    ) -> KeptQuote:
        """Keep an offer. A free one is agreed to at once. Raises BadReference.

        Quotes that nobody agreed to long ago are forgotten, and the copies of references that only they name.
        """
        forgotten = self._quotes.forget()
        if forgotten:
            self._studio.library.remove_unused_references(self._studio.ledger.clock(), forgotten)
        copies = await self._studio.copy_references(offer)
        kept = self._quotes.add(self._studio.kept(offer, copies), count, max_usd, again=again)
        return self._quotes.approve(kept.id, NOBODY_HAS_TO) if kept.free else kept

    def get(self, id: str) -> KeptQuote:
        """Return a quote that was or can be bought. Raises NotFound, ApprovalNeeded where it expired."""
        return self._quotes.current(id)

    def approve(self, id: str, by: str) -> KeptQuote:
        """Write down who agreed to a quote; one that is agreed to already stays as it is.

        Raises PriceUnknown, ApprovalNeeded where it expired.
        """
        self._studio.roster.reload()
        return self._quotes.approve(id, by)

    async def buy(self, id: str, key: str | None = None) -> list[Admission]:
        """Store the jobs of a quote that was agreed to: all, once, whoever asks and however often.

        `key` is the caller's own name for them; without one it is the quote's id. The caps are those of the
        settings as they are now. Raises ApprovalNeeded, KeyConflict, OverBudget.
        """
        check_key(key)
        self._studio.roster.reload()
        quote = self._quotes.get(id)
        name = key or quote.key or quote.id
        bought = bool(keyed(self._studio.ledger.database, {name}))
        # Read anew: another caller may have bought it since.
        if bought and self._quotes.get(id).key != name:
            raise KeyConflict(
                f"the key {name!r} stands for another request already; nothing was bought",
                next="use another key, or none",
            )
        if not bought:
            self._quotes.claim(quote.id, name)
        orders = self._orders(quote, name, derived=key is None and not quote.again)
        return self._studio.store(orders, await self._studio.copy_references(quote.offer))

    async def find_same(self, quote: KeptQuote) -> list[Job]:
        """Return the jobs that answer for a quote, so that buying it buys nothing, each once."""
        copies = await self._studio.copy_references(quote.offer)
        same = self._studio.find_same(self._orders(quote, quote.id, derived=not quote.again), copies)
        return list({job.id: job for job in same if job is not None}.values())

    def _orders(self, quote: KeptQuote, key: str, *, derived: bool) -> list[Order]:
        orders = takes(quote.offer, quote.count, key=key, max_usd=quote.most)
        return [replace(order, derived_key=derived) for order in orders]
