"""The roster: the engines that the settings know, made on first use, and the models of each."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from rushes import settings as settings_room
from rushes.catalogue.catalogue import Catalogue
from rushes.catalogue.loading import key_options, origin, read_model, shipped_models
from rushes.catalogue.saved import SavedList, merged, save, saved_list
from rushes.database.database import translated
from rushes.domain.errors import (
    BadSettings,
    RushesError,
    SetupError,
    UnknownEngine,
    UnknownModel,
    Unreachable,
)
from rushes.domain.model import Model
from rushes.engines import registry
from rushes.engines.contract import BaseEngine
from rushes.settings import EngineSettings, Settings


class Roster:
    """Engines and models, as the settings have them; `reload` follows what a person changes there."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self._engines: dict[str, BaseEngine] = {}
        self._retired: list[BaseEngine] = []
        self._catalogue: Catalogue | None = None
        self._models: dict[str, tuple[Model, ...]] = {}

    async def aclose(self) -> None:
        """Close every engine that was made."""
        for engine in (*self._engines.values(), *self._retired):
            await engine.aclose()

    def reload(self) -> None:
        """Read the settings anew; engines whose own settings have changed are made anew when asked for."""
        try:
            found = settings_room.load(self.settings.environ)
        except BadSettings:
            # Somebody is in the middle of editing them; what is in force stays in force.
            return
        for name in list(self._engines):
            if found.engine(name) != self.settings.engine(name):
                self._retired.append(self._engines.pop(name))
        self.settings = replace(found, home=self.settings.home)
        self._forget_models()

    # --- engines ---

    def engine(self, name: str) -> BaseEngine:
        """Return an engine, made on first use: a configured one, or a shipped kind with its defaults.

        Raises UnknownEngine, EngineMissing, BadSettings.
        """
        if name not in self._engines:
            configured = self._known(name).with_keys()
            options = {**configured.options, "work": str(self.settings.home / "work")}
            self._engines[name] = registry.make(configured.kind, name, options)
        return self._engines[name]

    def ready_engines(self) -> list[str]:
        """Return the names of the engines that may be asked: configured, or shipped with their key set."""
        known = self.readiness().items()
        return [name for name, why in known if why is None or name in self.settings.engines]

    def readiness(self) -> dict[str, str | None]:
        """Return every engine, configured or shipped, with why nothing may be sent to it yet, or None."""
        known = {**self.settings.engines, **self.settings.shipped}
        return {
            name: unready(engine, configured=name in self.settings.engines) for name, engine in known.items()
        }

    # --- models ---

    @property
    def catalogue(self) -> Catalogue:
        """Every model of every configured engine."""
        if self._catalogue is None:
            engines = self.settings.engines
            self._catalogue = Catalogue(model for name in engines for model in self.models_of(name))
        return self._catalogue

    def model(self, address: str) -> Model:
        """Return the model at `engine/model`, of a configured engine or of a shipped kind under its own name.

        Raises UnknownModel, and for an engine that cannot be loaded what is missing.
        """
        try:
            return self.catalogue.find(address)
        except UnknownModel:
            name = address.partition("/")[0]
            if self.settings.engine(name) is None:
                raise
            if name not in self.settings.engines:
                return Catalogue(self.models_of(name)).find(address)
            # Where its engine cannot be loaded, what is missing is the better answer.
            self.engine(name)
            raise

    def models_of(self, name: str) -> tuple[Model, ...]:
        """Return an engine's models: those of the settings file, else listed, else shipped.

        Raises UnknownEngine.
        """
        if name not in self._models:
            engine = self._known(name)
            own = (read_model(table, engine.name) for table in engine.options.get("models", ()))
            listed = saved_list(self._lists, name)
            if listed is not None and listed.server != server_of(engine):
                listed = None
            self._models[name] = merged(own, brought_models(engine), listed)
        return self._models[name]

    async def refresh(self, name: str) -> SavedList | None:
        """Ask an engine's service for its models and keep the list; None: it offers none.

        Raises what keeps the service from answering; the list before is kept.
        """
        adapter, engine = self.engine(name), self._known(name)
        try:
            models = await adapter.list_models()
        except RushesError:
            raise
        except Exception as error:
            raise Unreachable(f"the engine failed: {type(error).__name__}: {error}") from error
        if not models:
            return None
        listed = SavedList(server=server_of(engine), read_on=datetime.now(UTC).date(), models=tuple(models))
        with translated(self._lists):
            save(self._lists, name, listed)
        self._forget_models()
        return listed

    def _known(self, name: str) -> EngineSettings:
        found = self.settings.engine(name)
        if found is None:
            raise UnknownEngine(f"no engine named {name!r} is configured")
        return found

    @property
    def _lists(self) -> Path:
        return self.settings.home / "catalogue"

    def _forget_models(self) -> None:
        self._catalogue = None
        self._models.clear()


def unready(engine: EngineSettings, *, configured: bool) -> str | None:
    """Return why nothing may be sent to an engine that nobody named; None: it is ready."""
    wanted = key_options(engine.kind, engine.name, base_url=engine.options.get("base_url"))
    if not any(engine.holds(option) for option in wanted):
        if not configured:
            return f"the engine {engine.name} is not configured"
        if wanted:
            return f"the engine {engine.name} has no key"
    try:
        engine.check_key()
        registry.load(engine.kind)
    except SetupError as error:
        return error.message
    return None


def brought_models(engine: EngineSettings) -> Iterator[Model]:
    """Yield the models shipped for an engine, or else those that its class brings."""
    shipped = shipped_models(engine.kind, engine.name, base_url=engine.options.get("base_url"))
    yield from shipped
    if not shipped:
        # An engine that cannot be loaded must not keep the others from being used.
        with suppress(SetupError):
            yield from (replace(model, engine=engine.name) for model in registry.load(engine.kind).models)


def server_of(engine: EngineSettings) -> str:
    """Return what a list of models is about: an engine's kind, and the host where one is set."""
    address = engine.options.get("base_url") or engine.options.get("api_url")
    if address is None:
        return engine.kind
    scheme, host, port = origin(str(address), engine.name)
    return f"{engine.kind} {scheme}://{host}:{port}"
