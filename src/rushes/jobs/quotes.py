"""Quotes that are kept: what somebody agrees to is stored first, and exactly that is bought, once.

A quote and the jobs that it buys are tied by a key: it is written down before the jobs are admitted, and
the ledger has one job for each key and ordinal. So two callers at once, or a retry after a crash, end at the
same jobs.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from rushes.catalogue.offer import Offer
from rushes.database.database import Database, Row
from rushes.database.sql import load
from rushes.domain.errors import (
    ApprovalNeeded,
    Billed,
    KeyConflict,
    NotFound,
    PriceUnknown,
    RowUnreadable,
    RushesError,
)
from rushes.domain.model import Model
from rushes.domain.money import usd
from rushes.domain.request import VideoRequest
from rushes.jobs.budget import to_amount, to_micros
from rushes.jobs.rows import WRONG, moment, quote_from

LASTS_S = 3600.0
"""How long a quote can be agreed to and bought; less where the provider limits its price to less."""

FORGOTTEN_AFTER_S = 86_400.0

ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"

Find = Callable[[str], Model]


@dataclass(frozen=True, kw_only=True)
class KeptQuote:
    """An offer of `count` clips; `most` is what one may cost, None where all of it is free or not known.

    `approved_by` says who agreed; `key` is that of the jobs it bought; `again` asks for another clip even if
    the same was paid for before.
    """

    id: str
    offer: Offer
    count: int
    most: Decimal | None
    expires_at: datetime
    approved_by: str | None
    key: str | None
    again: bool = False

    @property
    def free(self) -> bool:
        """Whether no step of it takes money."""
        return all(step.quote.free for step in self.offer.steps)

    @property
    def priced(self) -> bool:
        """Whether the price of every step is known; else `most` is only what is held."""
        return all(step.quote.free or step.quote.amount is not None for step in self.offer.steps)

    @property
    def total(self) -> Decimal | None:
        """What is held for all clips, in dollars; None where the price is not known and not bounded.

        Where `priced` it is the most that they cost.
        """
        if self.free:
            return Decimal(0)
        return None if self.most is None else self.most * self.count


class Quotes:
    """The quotes of a ledger. `clock` gives seconds since 1970, `find` a model by its address."""

    def __init__(self, database: Database, clock: Callable[[], float], find: Find) -> None:
        self._database = database
        self._clock = clock
        self._find = find
        self._sql = load("rushes.jobs", "quotes.sql")

    def add(self, offer: Offer, count: int, max_usd: Decimal | None, *, again: bool = False) -> KeptQuote:
        """Keep an offer; `max_usd` is what one clip may cost where its price is not known."""
        now = self._clock()
        limits = [one.quote.expires_at.timestamp() for one in offer.steps if one.quote.expires_at]
        dearest = offer.dearest()
        most = max_usd if dearest is None else dearest
        values = {
            "id": "q" + "".join(secrets.choice(ALPHABET) for _ in range(9)),
            "offer": json.dumps(offer_json(offer)),
            "count": count,
            "most": None if most is None else to_micros(most),
            "again": int(again),
            "now": now,
            "expires_at": min([now + LASTS_S, *limits]),
        }
        with self._database.transaction():
            self._database.run(self._sql["add"], values)
        return self.get(str(values["id"]))

    def forget(self) -> set[str]:
        """Forget what nobody agreed to, long ago; return the hashes of the references that it named."""
        with self._database.transaction():
            rows = self._database.all(self._sql["forget"], {"before": self._clock() - FORGOTTEN_AFTER_S})
        offers = [json.loads(row["offer"]) for row in rows]
        return {one["sha256"] for offer in offers for one in offer["request"]["references"] if one["sha256"]}

    def get(self, id: str) -> KeptQuote:
        """Return a quote. Raises NotFound, and UnknownModel where its model is gone."""
        row = self._database.one(self._sql["quote"], {"id": id})
        if row is None:
            raise NotFound(f"there is no quote {id!r}", next="ask for the price again: quote_video")
        return self._kept(row)

    def current(self, id: str) -> KeptQuote:
        """Return a quote that was or can be bought. Raises NotFound, ApprovalNeeded where it expired."""
        kept = self.get(id)
        if kept.key is None and kept.expires_at.timestamp() <= self._clock():
            raise expired(kept)
        return kept

    def approve(self, id: str, by: str) -> KeptQuote:
        """Write down that somebody agreed. Raises PriceUnknown, ApprovalNeeded for one that expired."""
        kept = self.current(id)
        if kept.total is None:
            raise PriceUnknown(
                f"nobody can agree to {id}: the price of {kept.offer.model.address} is not known",
                next="quote it again with max_usd, the most that one clip may cost: that much is held",
            )
        self._change("approve", id, by=by)
        found = self.current(id)
        if found.approved_by is None:
            raise expired(found)
        return found

    def claim(self, id: str, key: str) -> None:
        """Tie a quote to the key of the jobs that it buys.

        Raises ApprovalNeeded where nobody agreed or it expired, KeyConflict where it has another key.
        """
        if self._change("claim", id, key=key):
            return
        kept = self.get(id)
        if kept.key not in (None, key):
            raise KeyConflict(
                f"the quote {id} is tied to the key {kept.key!r}; nothing was bought by this call",
                next="use that key, or none: it is bought once; another clip needs another quote",
            )
        if kept.approved_by is None and kept.expires_at.timestamp() > self._clock():
            raise ApprovalNeeded(
                f"{id} costs {price_words(kept)} and nobody has agreed to it; nothing was sent",
                next=f"call approve_quote with {id}, or have a person run: rushes approve {id}",
            )
        raise expired(kept)

    def _change(self, statement: str, id: str, **values: str) -> int:
        with self._database.transaction():
            return self._database.run(self._sql[statement], {"id": id, "now": self._clock(), **values})

    def _kept(self, row: Row) -> KeptQuote:
        try:
            offer = offer_from(json.loads(row["offer"]), self._find)
        except WRONG as error:
            if isinstance(error, RushesError):
                raise
            words = f"what the ledger says of quote {row['id']} cannot be read; nothing was sent"
            raise RowUnreadable(
                words, next="ask for the price again: quote_video", billed=Billed.NO
            ) from error
        return KeptQuote(
            id=row["id"],
            offer=offer,
            count=row["count"],
            most=None if row["most"] is None else to_amount(row["most"]),
            expires_at=moment(row["expires_at"]),
            approved_by=row["approved_by"],
            key=row["key"],
            again=bool(row["again"]),
        )


def price_words(kept: KeptQuote) -> str:
    """Return what a quote costs in words: "$0.80", "2 × $0.40 = $0.80", "up to $1.00", "free"."""
    if kept.free:
        return "free"
    if kept.most is None:
        return "a price that is not known"
    if not kept.priced:
        return f"a price that is not known ({usd(kept.most * kept.count)} is held; it may be more)"
    each = usd(kept.most)
    exact = kept.offer.quote.amount == kept.most
    words = each if kept.count == 1 else f"{kept.count} × {each} = {usd(kept.most * kept.count)}"
    return words if exact else f"up to {words}"


def expired(kept: KeptQuote) -> ApprovalNeeded:
    """Return what is said of a quote that came too late."""
    return ApprovalNeeded(
        f"the quote {kept.id} expired at {kept.expires_at:%H:%M} UTC; nothing was sent",
        next="ask for the price again: quote_video",
    )


def offer_json(offer: Offer) -> dict[str, Any]:
    """Return an offer as it is kept; its model is named in its request."""
    return {
        "request": offer.request.as_json(),
        "quote": offer.quote.as_json(),
        "chosen": offer.chosen,
        "unconfirmed": list(offer.unconfirmed),
        "quota_unknown": offer.quota_unknown,
        "fallbacks": [offer_json(one) for one in offer.fallbacks],
        "replaces": offer.replaces,
        "advice": offer.advice,
    }


def offer_from(data: dict[str, Any], find: Find) -> Offer:
    """Return the offer that `offer_json` gave. Raises UnknownModel."""
    request = VideoRequest.from_json(data["request"])
    return Offer(
        request=request,
        model=find(request.model or ""),
        quote=quote_from(data["quote"]),
        chosen=data["chosen"],
        unconfirmed=tuple(data["unconfirmed"]),
        quota_unknown=data["quota_unknown"],
        fallbacks=tuple(offer_from(one, find) for one in data["fallbacks"]),
        # Quotes of an earlier rushes have neither.
        replaces=data.get("replaces"),
        advice=data.get("advice"),
    )
