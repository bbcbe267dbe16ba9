"""What generates video now: the one place that decides it, and says it.

Asked where somebody meets a model that is retired, or a storyboard because nothing else is set up. Nothing is
chosen here: spending money needs a person's wish.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal

from rushes.catalogue.catalogue import alive
from rushes.catalogue.check import complete
from rushes.catalogue.choice import choose, weigh
from rushes.domain.errors import EngineMissing, KeyMissing, SetupError
from rushes.domain.model import Model
from rushes.domain.request import VideoRequest
from rushes.roster import Roster
from rushes.settings import EngineSettings

USE = "--model {model.address} ({price})"
"""What is done to use a model that is set up."""

NOTHING = "nothing that generates video is set up"

PLAIN = VideoRequest(prompt="anything")
"""What is priced where nothing is asked for, or nothing can do what is: a clip of the usual length."""


@dataclass(frozen=True, kw_only=True)
class Alternative:
    """A model that generates video, and the catalogue's price of one clip in dollars.

    `todo` says what a person does to use it, with the price: an option to give, or a command that stores a
    key.
    """

    model: Model
    amount: Decimal
    todo: str


class Alternatives:
    """The models of a roster that generate video, by what is missing to use them."""

    def __init__(self, roster: Roster) -> None:
        self._roster = roster

    def exist(self) -> bool:
        """Whether an engine is ready that generates video without being named."""
        models = (model for name in self._ready() for model in self._roster.models_of(name))
        return any(alive(model, _today()) and not model.named_only for model in models)

    def broken(self) -> SetupError | None:
        """Return why an engine that a person has set up cannot be used, if not for an absent key."""
        for name, engine in self._roster.settings.set_up.items():
            if engine.missing:
                continue
            try:
                self._roster.check_made(name)
            except KeyMissing:
                continue
            except SetupError as error:
                return error
        return None

    def lacking(self) -> str:
        """Return in words why nothing that generates video can be used, where nothing can."""
        broken = self.broken()
        return NOTHING if broken is None else f"nothing else can be used: {broken.message}"

    def cheapest(self, request: VideoRequest = PLAIN) -> Alternative | None:
        """Return the cheapest model that is set up, if any can for `request`; None: none is set up."""
        models = [model for name in self._ready() for model in self._roster.models_of(name)]
        return _cheapest(request, [models], USE)

    def to_set_up(
        self, request: VideoRequest = PLAIN, groups: Sequence[Sequence[Model]] | None = None
    ) -> list[Alternative]:
        """Return the cheapest model of each kind of engine that lacks no more than a key, or to be named.

        The cheapest comes first, and what is free last: it runs on this machine, and not every one can.
        `groups` are the models that are meant, see `rushes.catalogue.aliases`; without it all are.
        """
        found: dict[str, Alternative] = {}
        for engine in self._roster.known_engines.values():
            todo = None if engine.kind in found else self._todo(engine)
            if todo is not None:
                meant = [self._roster.models_of(engine.name)] if groups is None else groups
                own = [[one for one in group if one.engine == engine.name] for group in meant]
                best = _cheapest(request, own, todo)
                if best is not None:
                    found[engine.kind] = best
        return sorted(found.values(), key=lambda one: (not one.amount, one.amount))

    def advice(self, request: VideoRequest = PLAIN, heir: Model | None = None) -> str:
        """Return in one sentence what to use now, with its price, or else which key opens what.

        `heir` is what replaces a retired model, and is named before what is cheaper. "" if there is nothing.
        """
        preferred = [heir] if heir is not None and heir.engine in self._ready() else []
        best = _cheapest(request, [preferred], USE) or self.cheapest(request)
        if best is not None:
            return f"use {best.todo}"
        return in_words(self.to_set_up(request, None if heir is None else [[heir]]))

    def instead(self, request: VideoRequest, models: Sequence[Model]) -> str:
        """Return what to use instead of retired models: what replaces them, else what generates now.

        Where their service has closed, a server of one's own that speaks the same is named, too.
        """
        heirs = [one for one in self._roster.every_model() if one.address in {m.replacement for m in models}]
        advice = self.advice(request, heirs[0] if heirs else None)
        own = [own_server(model.engine) for model in models if model.service is not None and not heirs]
        return "; or ".join(filter(None, [advice, *own[:1]]))

    def _ready(self) -> list[str]:
        return [name for name, why in self._roster.readiness().items() if why is None]

    def _todo(self, engine: EngineSettings) -> str | None:
        """Return how an engine is set up, a template for `todo`; None: it is, or not by a key or its name."""
        needs = "a GPU"
        try:
            self._roster.check_ready(engine.name)
        except KeyMissing:
            page = f"; key: {engine.key_page}" if engine.key_page else ""
            return f"rushes config set {engine.key_setting} ({{price}} with {{model.id}}{page})"
        except EngineMissing:
            needs = f"a GPU and the extra rushes[{engine.kind}]"
        except SetupError:
            return None
        if engine.name in self._roster.settings.set_up or engine.needed_keys:
            return None
        return f"--model {engine.name} ({{price}}; needs {needs})"


def own_server(engine: str) -> str:
    """Return how an engine whose service has closed is told of a server that speaks the same."""
    return f"with a server of your own: rushes config set engines.{engine}.base_url URL"


def in_words(alternatives: Sequence[Alternative]) -> str:
    """Return as one sentence what can be set up."""
    return "; or ".join(one.todo for one in alternatives)


def _cheapest(request: VideoRequest, groups: Sequence[Sequence[Model]], todo: str) -> Alternative | None:
    """Return the cheapest of the first group that can do a request, or a plain clip if none can do that."""
    for asked in (request, PLAIN):
        found = choose([weigh(asked, group, {}, _today()) for group in groups])
        if found is not None:
            seconds = f" for {complete(asked, found.model).seconds:g} s" if found.amount else ""
            words = todo.format(model=found.model, price=found.quote.words + seconds)
            return Alternative(model=found.model, amount=found.amount, todo=words)
    return None


def _today() -> date:
    return datetime.now(UTC).date()
