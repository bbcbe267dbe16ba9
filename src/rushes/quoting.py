"""Which model a request means, and what it would cost there. Nothing is stored and no create is sent."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime

from rushes.catalogue.aliases import meant
from rushes.catalogue.choice import Candidate, choose, reason, refusal, weigh
from rushes.catalogue.offer import Offer, listed_offer
from rushes.domain.errors import BadInput, RushesError
from rushes.domain.model import Model
from rushes.domain.money import Basis
from rushes.domain.request import VideoRequest
from rushes.roster import Roster

DEFAULT_MODEL = "animatic/storyboard"

FALLING_BACK = (None, "cheap")
"""What a request may name, none or an alias, to get the default where no other model can be used."""

LONGEST_PLAN_QUOTE_S = 10.0
"""Seconds an engine may take to say what is left of a plan; the price is known without it."""


class Quoting:
    """Makes an offer of a request: the model that is meant, the complete request, its price."""

    def __init__(self, roster: Roster) -> None:
        self._roster = roster

    async def quote(self, request: VideoRequest) -> Offer:
        """Return what would be made, and what instead by each model of the request's fallback list."""
        model, chosen = self._chosen(request)
        first = await self._offer(request, model, chosen)
        others = [await self._fallback(request, name) for name in request.fallback]
        met = {model.address}
        for other in others:
            if other.model.address in met:
                raise BadInput(
                    f"the fallback {other.model.address} is on the list already",
                    next="name each model once, in the order in which they are to be tried",
                )
            met.add(other.model.address)
        # The list under the names that were found, so that whoever sends it again means the same models.
        named = replace(first.request, fallback=tuple(other.model.address for other in others))
        return replace(first, request=named, fallbacks=tuple(others))

    def named(self, request: VideoRequest) -> str | None:
        """Return the model or alias that a request or the settings name."""
        return request.model or self._roster.settings.model or None

    def candidates(self, request: VideoRequest) -> list[Candidate]:
        """Return the models that `request` may mean, each with the catalogue's price and why not.

        For a model named whole, every one that there is. The default is weighed as named where it is taken
        because no other can be.
        """
        groups = self._groups(request)
        if not groups:
            return self._weighed(request)
        if choose(groups) is None and self.named(request) in FALLING_BACK:
            return self._weighed(request, named=DEFAULT_MODEL)
        return [one for group in groups for one in group]

    # --- the model ---

    def _chosen(self, request: VideoRequest) -> tuple[Model, str]:
        """Return the model for a request, and how it came to be the one."""
        name = self.named(request)
        groups = self._groups(request)
        if name is not None and not groups:
            return self._roster.model(name), "asked for" if request.model else "set as default"
        found = choose(groups)
        if found is not None:
            why = reason(groups, found)
            return found.model, f"{name}: {why}" if name else why
        if name not in FALLING_BACK:
            candidates = [one for group in groups for one in group]
            raise refusal(str(name), candidates, datetime.now(UTC).date())
        lacking = "can do it" if self._any_ready() else "is set up"
        return self._roster.model(DEFAULT_MODEL), f"nothing that generates {lacking}: the free storyboard"

    def _groups(self, request: VideoRequest) -> Sequence[Sequence[Candidate]]:
        """Return what the alias of a request means, or all for none; empty for a model named whole."""
        name = self.named(request)
        if name is None:
            return [self._weighed(request)]
        if "/" in name or self._roster.settings.engine(name) is not None:
            return []
        weighed = {one.model.address: one for one in self._weighed(request)}
        groups = meant(name, (one.model for one in weighed.values()))
        return [[weighed[model.address] for model in group] for group in groups]

    def _weighed(self, request: VideoRequest, *, named: str | None = None) -> list[Candidate]:
        """Return every model as a candidate; `named` is the address of one that needs no naming any more."""
        known = self._roster.readiness()
        unready = {name: why for name, why in known.items() if why}
        every = (model for name in known for model in self._roster.models_of(name))
        models = (replace(one, named_only=False) if one.address == named else one for one in every)
        return weigh(request, models, unready, datetime.now(UTC).date())

    def _any_ready(self) -> bool:
        """Whether an engine is ready that makes anything without being named."""
        ready = (name for name, why in self._roster.readiness().items() if why is None)
        return any(not model.named_only for name in ready for model in self._roster.models_of(name))

    # --- its price ---

    async def _fallback(self, request: VideoRequest, name: str) -> Offer:
        wanted = replace(request, model=name, fallback=())
        model, chosen = self._chosen(wanted)
        try:
            return await self._offer(wanted, model, chosen)
        except BadInput as error:
            raise type(error)(f"as a fallback: {error.message}", next=error.next) from error

    async def _offer(self, request: VideoRequest, model: Model, chosen: str) -> Offer:
        offer = listed_offer(request, model, chosen)
        self._roster.catalogue.check(offer.request, offer.model, datetime.now(UTC).date())
        if offer.quote.basis is Basis.FREE:
            return offer
        if offer.quote.basis is Basis.INCLUDED_IN_PLAN:
            return await self._with_quota(offer)
        return await self._with_live_quote(offer)

    async def _with_live_quote(self, offer: Offer) -> Offer:
        live = await self._roster.engine(offer.model.engine).quote(offer.request, offer.model.id)
        return replace(offer, quote=live or offer.quote)

    async def _with_quota(self, offer: Offer) -> Offer:
        """Return the offer with what is left of the plan, where the engine can tell it in time."""
        import asyncio

        try:
            async with asyncio.timeout(LONGEST_PLAN_QUOTE_S):
                return await self._with_live_quote(offer)
        except TimeoutError:
            return replace(offer, quota_unknown=f"no answer within {LONGEST_PLAN_QUOTE_S:g} s")
        except RushesError as error:
            return replace(offer, quota_unknown=error.message)
        except Exception as error:  # noqa: BLE001 - an engine's own mistake does not make a plan dearer
            return replace(offer, quota_unknown=f"the engine failed: {type(error).__name__}: {error}")
