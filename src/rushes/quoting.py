"""Which model a request means, and what it would cost there. Nothing is stored and no create is sent."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from rushes.alternatives import NOTHING, Alternatives, in_words
from rushes.catalogue.aliases import meant, short_name
from rushes.catalogue.catalogue import alive, retired
from rushes.catalogue.choice import MOST_REASONS, Candidate, choose, no_model_can, reason, refusal, weigh
from rushes.catalogue.offer import Offer, listed_offer
from rushes.catalogue.price import price
from rushes.domain.errors import (
    BadInput,
    ModelMissing,
    ModelRetired,
    RushesError,
    SetupError,
    UnknownModel,
    Unreachable,
    UnsupportedOption,
)
from rushes.domain.job import Job
from rushes.domain.model import Model
from rushes.domain.money import Basis, Quote
from rushes.domain.request import VideoRequest
from rushes.roster import Roster

DEFAULT_MODEL = "animatic/storyboard"

FALLING_BACK = (None, "cheap")
"""What a request may name, none or an alias, to get the default where no other model can be used."""

LIVE_PRICE_LASTS = timedelta(minutes=5)
"""How old a price that a service told may be when the create is sent."""

LONGEST_PLAN_QUOTE_S = 10.0
"""Seconds an engine may take to say what is left of a plan; the price is known without it."""


class Quoting:
    """Makes an offer of a request: the model that is meant, the complete request, its price."""

    def __init__(self, roster: Roster) -> None:
        self._roster = roster
        self._alternatives = Alternatives(roster)

    async def quote(self, request: VideoRequest) -> Offer:
        """Return what would be made, and what instead by each model of the request's fallback list.

        Where the model is retired, the first of that list that is not takes its place, and says so.
        """
        first, names = await self._first(request)
        others = [await self._fallback(request, name) for name in names]
        met = {first.model.address}
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

    async def _first(self, request: VideoRequest) -> tuple[Offer, Sequence[str]]:
        """Return the offer of the first model that is not retired, and the names of those after it.

        Raises ModelRetired where every one is.
        """
        try:
            model, chosen = self._chosen(request)
            return await self._offer(request, model, chosen), request.fallback
        except ModelRetired as error:
            retirement = error
        words = retirement.message
        for at, name in enumerate(request.fallback, start=1):
            with suppress(ModelRetired):
                offer = await self._fallback(request, name)
                return replace(offer, replaces=retirement.message), request.fallback[at:]
            words += f"; the fallback {name} is retired, too"
        raise ModelRetired(words, next=retirement.next)

    def named(self, request: VideoRequest) -> str | None:
        """Return the model or alias that a request or the settings name. Raises BadSettings."""
        if not request.model:
            self._roster.settings.check("model")
        return request.model or self._roster.settings.model or None

    def candidates(self, request: VideoRequest) -> list[Candidate]:
        """Return the models that `request` may mean, each with the catalogue's price and why not.

        For a model named whole, every one that there is. The default is weighed as named where it is taken
        because no other can be.
        """
        groups = self._groups(request)
        if not groups:
            return self._weighed(request)
        if choose(groups) is None and self.named(request) in FALLING_BACK and not self._generators(groups):
            return self._weighed(request, named=DEFAULT_MODEL)
        return [one for group in groups for one in group]

    # --- the model ---

    def _chosen(self, request: VideoRequest) -> tuple[Model, str]:
        """Return the model for a request, and how it came to be the one."""
        name = self.named(request)
        groups = self._groups(request)
        found = choose(groups)
        if found is not None:
            why = reason(groups, found)
            return self._roster.model(found.model.address), f"{name}: {why}" if name else why
        if name is not None and (not groups or self._roster.settings.engine(name) is not None):
            return self._roster.model(name), "asked for" if request.model else "set as default"
        if name not in FALLING_BACK:
            raise self._refusal(request, str(name), groups)
        able = self._generators(groups)
        if able:
            # Whoever has set up an engine that generates wants no storyboard because of a mistyped length.
            raise no_model_can(able)
        broken = None if self._alternatives.exist() else self._alternatives.broken()
        if broken is not None:
            # Nor because of a mistake in its settings.
            raise broken
        lacking = "nothing that generates video can do this" if self._alternatives.exist() else NOTHING
        return self._roster.model(DEFAULT_MODEL), f"{lacking}: a free storyboard, not generated video"

    def _groups(self, request: VideoRequest) -> Sequence[Sequence[Candidate]]:
        """Return what the alias or engine of a request means, or all for none; empty for a whole name."""
        name = self.named(request)
        if name is None:
            return [self._weighed(request)]
        if self._roster.settings.engine(name.partition("/")[0]) is None:
            name = short_name(name)
        if "/" in name:
            return []
        if self._roster.settings.engine(name) is not None:
            # Naming its engine names a model; what the engine lacks is told once the model is chosen.
            models = (replace(one, named_only=False) for one in self._roster.models_of(name))
            return [weigh(request, models, {}, datetime.now(UTC).date())]
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

    def _refusal(
        self, request: VideoRequest, alias: str, groups: Sequence[Sequence[Candidate]]
    ) -> UnsupportedOption | ModelRetired:
        """Return the error for an alias none of whose models can be used, with what can be used now."""
        today = datetime.now(UTC).date()
        candidates = [one for group in groups for one in group]
        models = [[one.model for one in group] for group in groups]
        dead = [one.model for one in candidates if not alive(one.model, today)]
        if dead and len(dead) == len(candidates):
            return self._retired(request, dead, f"{alias}: ")
        opened = in_words(self._alternatives.to_set_up(request, models))
        if self._alternatives.exist() or not opened:
            return refusal(alias, candidates, today)
        return UnsupportedOption(f"{alias!r} cannot be used yet: {self._alternatives.lacking()}", next=opened)

    def _retired(self, request: VideoRequest, models: Sequence[Model], label: str = "") -> ModelRetired:
        words = ", and ".join(retired(model) for model in models[:MOST_REASONS])
        lacking = "" if self._alternatives.exist() else f"; {self._alternatives.lacking()}"
        advice = self._alternatives.instead(request, models)
        return ModelRetired(f"{label}{words}{lacking}", next=advice or None)

    def _generators(self, groups: Sequence[Sequence[Candidate]]) -> list[Candidate]:
        """Return those candidates that generate and could be used now, if not for this request."""
        ready = {name for name, why in self._roster.readiness().items() if why is None}
        today = datetime.now(UTC).date()
        return [
            one
            for group in groups
            for one in group
            if one.model.engine in ready and alive(one.model, today) and not one.model.named_only
        ]

    async def price_now(self, job: Job) -> Quote | None:
        """Return what a job would cost if it were quoted now; None if what it was quoted at is still fresh.

        A price from the settings or the catalogue is looked up each time; one that a service told is asked
        for again once it is some minutes old. Raises ModelRetired, SetupError for a model that is not known
        any more, and Unreachable if a service that told the price does not answer.
        """
        try:
            model = self._roster.model(job.model)
        except UnknownModel as error:
            gone = f"the model {job.model} is not in the settings or the catalogue any more"
            raise ModelMissing(gone) from error
        if not alive(model, datetime.now(UTC).date()):
            raise ModelRetired(f"{retired(model)}; nothing was sent")
        listed = price(job.request, model)
        if listed.free or job.quote.free or not job.quote.live:
            return listed
        return await self._live_price_now(job, model, listed)

    async def _live_price_now(self, job: Job, model: Model, listed: Quote) -> Quote | None:
        now = datetime.now(UTC)
        expired = job.quote.expires_at is not None and job.quote.expires_at <= now
        if not expired and now - job.created_at < LIVE_PRICE_LASTS:
            return None
        await self._roster.open_for(job)
        live = await self._roster.engine_of(job).quote(job.request, model.id)
        if live is not None:
            return replace(live, live=True)
        if listed.amount is not None and listed.amount <= (job.cost.amount or 0):
            return listed
        raise Unreachable(f"the price of {job.model} could not be read again; nothing was sent")

    # --- its price ---

    async def _fallback(self, request: VideoRequest, name: str) -> Offer:
        wanted = replace(request, model=name, fallback=())
        try:
            model, chosen = self._chosen(wanted)
            return await self._offer(wanted, model, chosen)
        except BadInput as error:
            raise type(error)(f"as a fallback: {error.message}", next=error.next) from error

    async def _offer(self, request: VideoRequest, model: Model, chosen: str) -> Offer:
        if not alive(model, datetime.now(UTC).date()):
            raise self._retired(request, [model])
        offer = listed_offer(request, model, chosen)
        by_default = model.address == DEFAULT_MODEL and self.named(request) in FALLING_BACK
        if by_default and not self._alternatives.exist():
            offer = replace(offer, advice=self._alternatives.advice(request) or None)
        self._roster.catalogue.check(offer.request, offer.model, datetime.now(UTC).date())
        if offer.quote.basis is Basis.FREE:
            return offer
        if offer.quote.basis is Basis.INCLUDED_IN_PLAN:
            return await self._with_quota(offer)
        return await self._with_live_quote(offer)

    async def _with_live_quote(self, offer: Offer) -> Offer:
        try:
            self._roster.check_ready(offer.model.engine)
        except SetupError:
            # The price is known without it. Who wants the clip is told what is missing: Studio.check_ready.
            return offer
        await self._roster.open_keys(offer.model.engine)
        live = await self._roster.engine(offer.model.engine).quote(offer.request, offer.model.id)
        return replace(offer, quote=replace(live, live=True) if live is not None else offer.quote)

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
