"""The catalogue: every model of every configured engine, found by address."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import date

from rushes.catalogue.check import problem
from rushes.domain.errors import ModelRetired, UnknownModel, UnsupportedOption
from rushes.domain.model import Model
from rushes.domain.request import VideoRequest


class Catalogue:
    """Models as data, in the order of the settings file."""

    def __init__(self, models: Iterable[Model]) -> None:
        self._models = {model.address: model for model in models}

    def __iter__(self) -> Iterator[Model]:
        return iter(self._models.values())

    def find(self, address: str) -> Model:
        """Return the model at `engine/model`; an engine's bare name means its first.

        A dated variant of a model is that model under the variant's id. Raises UnknownModel.
        """
        if address in self._models:
            return self._models[address]
        of_engine = [model for model in self if model.engine == address]
        if of_engine:
            return of_engine[0]
        engine, _, id = address.partition("/")
        kin = [model for model in self if model.engine == engine and model.has_variant(id)]
        if kin:
            return replace(max(kin, key=lambda model: len(model.id)), id=id)
        close = difflib.get_close_matches(address, self._models, n=3, cutoff=0.4)
        close = close or [model.address for model in self if model.engine == engine and id in model.id][:3]
        hint = f"; did you mean {' or '.join(close)}?" if close else ""
        raise UnknownModel(f"there is no model {address!r}{hint}")

    def check(self, request: VideoRequest, model: Model, today: date) -> None:
        """Raise UnsupportedOption or ModelRetired unless `model` can do all of `request`.

        The message names the field, what is allowed, and a model that could do it.
        """
        if not alive(model, today):
            raise ModelRetired(retired(model))
        found = problem(request, model)
        if found is None:
            return
        able = [other.address for other in self if alive(other, today) and problem(request, other) is None]
        where = f"--model {able[0]} could do it" if able else "no configured model could do it"
        raise UnsupportedOption(
            f"{model.address}: {found.field} is {found.value}; allowed: {found.allowed}",
            next=f"change {found.option}, or look elsewhere: {where}",
        )


def alive(model: Model, today: date) -> bool:
    """Return whether a model has not been retired yet."""
    return model.retires_on is None or model.retires_on > today


def retired(model: Model) -> str:
    """Return when a retired model ended and what replaces it, if anything does, in words."""
    assert model.retires_on is not None
    instead = f"; {model.replacement} replaces it" if model.replacement else ""
    return f"{model.address} was retired on {model.retires_on.isoformat()}{instead}"
