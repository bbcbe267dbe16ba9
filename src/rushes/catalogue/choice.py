"""Chooses a model: weighs what could be used for a request, and says of each why not."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from rushes.catalogue.catalogue import alive, retired
from rushes.catalogue.check import complete, problem
from rushes.catalogue.price import price
from rushes.domain.errors import UnsupportedOption
from rushes.domain.model import Model
from rushes.domain.money import Quote
from rushes.domain.request import VideoRequest

MOST_REASONS = 3
"""How many reasons an error names; `rushes quote --explain` names those of all models."""


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """A model that could be used, the catalogue's price for the request, and why not (None: it can be)."""

    model: Model
    quote: Quote
    why_not: str | None

    @property
    def amount(self) -> Decimal:
        """The price, of a candidate that can be used."""
        assert self.quote.amount is not None
        return self.quote.amount

    def as_json(self) -> dict[str, Any]:
        return {"model": self.model.address, "quote": self.quote.as_json(), "why_not": self.why_not}


def weigh(
    request: VideoRequest, models: Iterable[Model], unready: Mapping[str, str], today: date
) -> list[Candidate]:
    """Return every model as a candidate. `unready` says, by engine, why one cannot be used at all."""
    found = []
    for model in models:
        asked = complete(request, model)
        quote = price(asked, model)
        ended = None if alive(model, today) else retired(model).removeprefix(f"{model.address} was ")
        why_not = ended or unready.get(model.engine) or _why_not(asked, model, quote)
        found.append(Candidate(model=model, quote=quote, why_not=why_not))
    return found


def choose(groups: Sequence[Sequence[Candidate]]) -> Candidate | None:
    """Return the cheapest of the first group in which one can be used, of equals the first; or None."""
    for group in groups:
        usable = [one for one in group if one.why_not is None]
        if usable:
            return min(usable, key=lambda one: one.amount)
    return None


def reason(groups: Sequence[Sequence[Candidate]], chosen: Candidate) -> str:
    """Return in words why `chosen` was: "the cheapest of 3 that can do it"."""
    able = next(sum(one.why_not is None for one in group) for group in groups if chosen in group)
    return "the only one that can do it" if able == 1 else f"the cheapest of {able} that can do it"


def refusal(alias: str, candidates: Sequence[Candidate], today: date) -> UnsupportedOption:
    """Return the error for an alias none of whose models can be used: each with its reason."""
    # Those that lack nothing but a key or a bound come first: that is what a person can give.
    near = sorted(candidates, key=lambda one: not alive(one.model, today))
    return UnsupportedOption(
        f"no model behind {alias!r} is available: {_reasons(near) or 'no engine has one'}",
        next=f"rushes quote … --model {alias} --explain shows all of them; rushes models lists others",
    )


def no_model_can(candidates: Sequence[Candidate]) -> UnsupportedOption:
    """Return the error for a request that none of the models that are set up can do: each with its reason."""
    return UnsupportedOption(
        f"no model that is set up can do this: {_reasons(candidates)}",
        next="change what is named, or have the free storyboard drawn: --model animatic/storyboard",
    )


def _reasons(candidates: Iterable[Candidate]) -> str:
    """Return why models cannot be used, those of one reason together."""
    reasons: dict[str, list[str]] = {}
    for one in candidates:
        reasons.setdefault(str(one.why_not), []).append(one.model.address)
    said = [_of_all(addresses, why) for why, addresses in reasons.items()][:MOST_REASONS]
    return "; ".join([*said, *(["…"] if len(reasons) > MOST_REASONS else [])])


def _of_all(addresses: Sequence[str], why: str) -> str:
    """Return one reason with the models that it is about: "fal/a and 3 more: fal has no key"."""
    others = f" and {len(addresses) - 1} more" if len(addresses) > 1 else ""
    return f"{addresses[0]}{others}: {why}"


def _why_not(asked: VideoRequest, model: Model, quote: Quote) -> str | None:
    """Return the first reason against a living model whose engine is ready."""
    if model.named_only:
        return f"it is used only where it is named: --model {model.address}"
    if asked.remix or asked.extend or asked.storyboard_id or any(one.remote for one in asked.references):
        return "an id of one provider's own means nothing to another; give --model ENGINE/MODEL"
    found = problem(asked, model)
    if found is not None:
        return f"{found.field} is {found.value}; allowed: {found.allowed}"
    source = re.search(r"(\w+)-to-video", model.id)
    if source is not None and source[1] != "text" and not asked.references:
        return f"it makes clips from a reference ({source[1]}), and none is given"
    if quote.amount is None:
        return f"its price is not known; give --model {model.address} and --max-usd"
    return None
