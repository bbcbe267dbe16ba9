"""The roster: the engines that the settings know, made on first use, and the models of each.

An engine is made with one key: that of the settings, or the one that a job is for.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rushes import settings as settings_room
from rushes.catalogue.aliases import meant, short_name, suggestions
from rushes.catalogue.catalogue import Catalogue, alive
from rushes.catalogue.loading import origin, read_model, shipped_models
from rushes.catalogue.saved import SavedList, merged, save, saved_list
from rushes.database.database import translated
from rushes.domain.account import bound_account, split_account
from rushes.domain.errors import (
    BadSettings,
    KeyMissing,
    NotDelivered,
    SetupError,
    UnknownEngine,
    UnknownModel,
)
from rushes.domain.job import Job, JobState
from rushes.domain.model import Model
from rushes.domain.request import VideoRequest
from rushes.domain.text import TextFilter
from rushes.domain.understanding import Understanding
from rushes.engines import registry
from rushes.engines.contract import Engine, Recovery, SharedEngine
from rushes.jobs.key_channel import EngineKey
from rushes.settings import EngineSettings, Settings
from rushes.settings.accounts import (
    NOBODY,
    account_of,
    address_option,
    is_at_hand,
    key_options_of,
    key_source_of,
    payer_options_of,
    paying_options,
    same_place,
)
from rushes.settings.keys import InKeyring
from rushes.settings.settings import WHOLE

if TYPE_CHECKING:
    import asyncio

    from rushes.settings.os_keyring import KeyringReader

AT_ITS_ENGINE = (JobState.QUEUED, JobState.RUNNING, JobState.COLLECTING)
"""The states in which an engine may have a render of a job under way."""

LIST_OF = "the list of models of "

LOOK_EVERY_S = 0.2
"""How often a retired engine is looked at, whether anybody still uses it."""

ReadKey = Callable[[InKeyring, str], str]

log = logging.getLogger("rushes.settings")


@dataclass(frozen=True, kw_only=True)
class ListedModel:
    """A model as every list shows it; `status` is "ready", "retired DATE" or what its engine lacks."""

    model: Model
    retired: bool
    status: str

    def as_json(self) -> dict[str, Any]:
        return {**self.model.as_json(), "retired": self.retired, "status": self.status}


class Roster:
    """Engines and models, as the settings have them; `reload` follows what a person changes there.

    `text` makes texts safe: it knows the secrets of the settings and of every engine that was made.
    """

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.text = TextFilter(settings.secrets())
        self._engines: dict[tuple[str, str], SharedEngine] = {}
        self._own: dict[str, EngineSettings] = {}
        self._shared: Settings | None = None
        self._taken: dict[tuple[str, str], EngineKey] = {}
        self._serving: dict[str, SharedEngine] = {}
        self._retired: dict[SharedEngine, asyncio.Task[None] | None] = {}
        self._keyring: KeyringReader | None = None
        self._told: set[str] = set()
        self._catalogue: Catalogue | None = None
        self._models: dict[str, tuple[Model, ...]] = {}

    async def aclose(self) -> None:
        """Close every engine that was made."""
        for closing in self._retired.values():
            if closing is not None:
                closing.cancel()
        for engine in (*self._engines.values(), *self._retired):
            await engine.aclose()

    def reload(self) -> None:
        """Read the settings anew; engines whose own settings have changed are made anew when asked for.

        What cannot be read stays as it is in force, and that is logged once.
        """
        try:
            found = settings_room.read_anew(self.settings)
            found.check()
        except Exception as error:  # noqa: BLE001 - nothing that a file holds may stop what is under way
            words = error.message if isinstance(error, BadSettings) else f"{type(error).__name__}: {error}"
            return self._tell(WHOLE, f"the settings stay as they were: {words}")
        found = replace(found, home=self.settings.home, engines={**found.engines, **self._kept(found)})
        for name in {*self._own, *(name for name, _ in self._engines)}:
            if found.engine(name) != self.settings.engine(name):
                self._own.pop(name, None)
                for key in [key for key in self._engines if key[0] == name]:
                    self._retire(self._engines.pop(key))
        self.settings = found
        # What is right by now is told again if it is wrong again.
        self._told = {one for one in self._told if one in found.faults or one.startswith(LIST_OF)}
        self._shared = None
        self._forget_models()

    def _kept(self, found: Settings) -> dict[str, EngineSettings]:
        """Return the engines whose tables have a mistake by now, as they are in force."""
        kept = {}
        for name, engine in found.engines.items():
            before = self.settings.engine(name)
            if engine.broken is not None and before is not None and before.broken is None:
                kept[name] = before
                self._tell(f"engines.{name}", f"the engine {name} stays as it was: {engine.broken.why}")
        return kept

    def _tell(self, part: str, words: str) -> None:
        """Log what of the settings cannot be used, once."""
        if part not in self._told:
            self._told.add(part)
            log.warning("%s", self.text.line(words))

    def _tell_faults(self) -> None:
        """Log what is passed over, now that somebody needs the settings.

        Not what an engine's table or the whole file has: whoever needs that is told by an error.
        """
        for part, fault in self.settings.faults.items():
            if part != WHOLE and not part.startswith("engines."):
                self._tell(part, f"{fault.why}; {fault.fix}")

    # --- engines that were made from other settings ---

    def _retire(self, engine: SharedEngine) -> None:
        """Let go of an engine, once its calls have returned and the renders that it has are done."""
        import asyncio

        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            # Nobody is in the middle of anything.
            self._retired[engine] = None
        else:
            self._retired[engine] = loop.create_task(self._close_unused(engine))

    async def _close_unused(self, engine: SharedEngine) -> None:
        import asyncio

        while self._is_used(engine):  # noqa: ASYNC110 - calls end in many places, and this is rare
            await asyncio.sleep(LOOK_EVERY_S)
        try:
            await engine.aclose()
        except Exception as error:  # noqa: BLE001 - nobody uses it any more
            log.warning("%s: an engine that is not used any more: %s", engine.name, type(error).__name__)
        del self._retired[engine]

    def _is_used(self, engine: SharedEngine) -> bool:
        return engine.calls > 0 or engine in self._serving.values()

    async def open_for(self, job: Job) -> None:
        """Have at hand what a job's next step asks `engine_of` for. Waits only for what the job needs.

        Where renders run on this machine a job keeps the engine that has its render, whatever is set
        meanwhile, until `leave`: another engine would start it a second time.
        """
        import asyncio

        if job.state not in AT_ITS_ENGINE:
            self.leave(job.id)
        closing = [task for engine, task in self._retired.items() if task and not self._is_used(engine)]
        if closing:
            await asyncio.wait(closing)
        await self._open_keys(lambda: self._engine_of(job))
        if job.state in AT_ITS_ENGINE and job.id not in self._serving:
            with suppress(Exception):
                engine = self._engine_of(job)
                if engine.recovery is Recovery.RERUN_FREE:
                    self._serving[job.id] = engine

    def leave(self, job_id: str) -> None:
        """Take down that nobody carries a job any more."""
        self._serving.pop(job_id, None)

    async def open_keys(self, name: str) -> None:
        """Have the keyring asked for an engine's keys while the loop continues: `engine` then finds them."""
        await self._open_keys(lambda: self._engine(name, self._at_hand))

    async def _open_keys(self, make: Callable[[], object]) -> None:
        """Have every key read that `make` lacks; whatever else keeps it from being made, its user is told."""
        opened: set[InKeyring] = set()
        while True:
            try:
                make()
            except Exception as error:  # noqa: BLE001 - as said
                entry = getattr(error, "entry", None)
                if not isinstance(entry, InKeyring) or entry in opened:
                    return
                opened.add(entry)
                await self._reader().open(entry, str(error))
            else:
                return

    def _reader(self) -> KeyringReader:
        if self._keyring is None:
            from rushes.settings.os_keyring import KeyringReader

            self._keyring = KeyringReader()
        return self._keyring

    # --- engines ---

    def engine(self, name: str) -> Engine:
        """Return an engine, made on first use: a configured one, or a shipped kind with its defaults.

        May wait for the keyring: `open_keys` does that first where others are waiting. Raises UnknownEngine,
        EngineMissing, BadSettings, KeyringLocked.
        """
        return self._engine(name, lambda entry, to_set: self._reader().read(entry, to_set))

    def engine_of(self, job: Job) -> Engine:
        """Return the engine of a job with the key that the job is for, whoever has it.

        The keyring is not asked: `open_for` does that before. Raises KeyMissing where nobody here has the
        key, and what `engine` does; NotDelivered if it was changed this very moment.
        """
        try:
            return self._engine_of(job)
        except SetupError:
            raise
        except Exception as error:
            if not isinstance(getattr(error, "entry", None), InKeyring):
                raise
            raise NotDelivered(f"the key of {job.engine} has just been changed; nothing was sent") from error

    def _engine(self, name: str, read: ReadKey) -> SharedEngine:
        if name not in self._own:
            self._own[name] = self._known(name).with_keys(read)
        return self._made(self._own[name])

    def _engine_of(self, job: Job) -> SharedEngine:
        serving = self._serving.get(job.id)
        if serving is not None and serving.name == job.engine:
            return serving
        made = self._engines.get((job.engine, job.account))
        if made is not None:
            return made
        own, trouble = self._known(job.engine), None
        read = self._at_hand
        account, person = split_account(job.account)
        if account in (NOBODY, own.options.get("account")):
            # Nobody's key, or stored before jobs said who pays.
            unbound = self._engine(job.engine, read)
            return unbound if person is None else self._made(self._own[job.engine], bound_to=job)
        for candidate in self._candidates(own):
            try:
                found = candidate.with_keys(read)
                if account_of(found) == account:
                    return self._made(found, bound_to=None if person is None else job)
            except SetupError as error:
                if not candidate.absent & payer_options_of(candidate):
                    trouble = error
        raise trouble or key_missing(job, own)

    def _at_hand(self, entry: InKeyring, to_set: str) -> str:
        return self._reader().at_hand(entry, to_set)

    def payer(self, name: str) -> tuple[str, str | None]:
        """Return the account that pays for an engine's new jobs, and where its key comes from, in words.

        Of a service that a person signs in to: that person's, and who it is. Raises what `engine` does.
        """
        person = self.engine(name).signed_in
        account, key_source = account_of(self._own[name]), key_source_of(self._own[name])
        if person is None:
            return account, key_source
        return bound_account(account, person.fingerprint), person.name

    def holds(self, name: str, account: str) -> bool:
        """Whether the settings have the key of an account. Keys in the keyring are not looked at."""
        engine = self.settings.engine(name)
        with suppress(BadSettings):
            return engine is not None and is_at_hand(engine) and account_of(engine) == account
        return False

    def private_keys(self) -> list[EngineKey]:
        """Return the keys that no other process has: from our environment, or our folder's `.env`.

        So for an address there, without a key.
        """
        found = []
        for engine in {**self.settings.shipped, **self.settings.engines}.values():
            telling = {*paying_options(engine), address_option(engine)}
            if is_at_hand(engine) and engine.private & telling:
                with suppress(BadSettings):
                    account = account_of(engine)
                    found.append(
                        EngineKey(engine=engine.name, account=account, options=engine.private_options)
                    )
        return found

    def take(self, key: EngineKey) -> None:
        """Keep a key that was handed over, in memory. It counts for the account that it really is of."""
        self._taken[key.engine, key.account] = key

    def _made(self, settings: EngineSettings, *, bound_to: Job | None = None) -> SharedEngine:
        """Return the engine of these settings; `bound_to` is a job whose person alone it may ask for."""
        account = account_of(settings) if bound_to is None else bound_to.account
        key = (settings.name, account)
        if key not in self._engines:
            options = {**settings.options, "account": account, "work": str(self.settings.home / "work")}
            if bound_to is not None:
                options["account_name"] = bound_to.key_source
            self.text.learn([*self.settings.secrets(), *settings.secrets()])
            self._engines[key] = registry.make(settings.kind, settings.name, options, self.text)
        return self._engines[key]

    def _candidates(self, own: EngineSettings) -> Iterator[EngineSettings]:
        """Yield an engine with each key that there is: ours, those behind our environment's, those taken."""
        yield self._own.get(own.name, own)
        if self._shared is None:
            self._shared = settings_room.without_environment(self.settings)
        shared = self._shared.engine(own.name)
        bases = [own] if shared is None or shared == own else [own, shared]
        yield from bases[1:]
        for (name, _), key in self._taken.items():
            if name == own.name:
                yield from (base.with_options(key.options) for base in bases)

    @property
    def known_engines(self) -> Mapping[str, EngineSettings]:
        """Every engine that can be named: configured or shipped."""
        self._tell_faults()
        return {**self.settings.engines, **self.settings.shipped}

    def readiness(self) -> dict[str, str | None]:
        """Return every engine, configured or shipped, with why it is not chosen unasked, or None."""
        return {name: self._not_chosen(engine) for name, engine in self.known_engines.items()}

    def check_ready(self, name: str) -> None:
        """Raise what keeps an engine from being used: KeyMissing, BadSettings, EngineMissing, UnknownEngine.

        Nothing is asked for this, neither the service nor the keyring.
        """
        engine = self._known(name)
        engine.check_set_up()
        registry.load(engine.kind)

    def check_made(self, name: str) -> None:
        """Raise what `check_ready` does, and what else keeps an engine from being made."""
        self.check_ready(name)
        try:
            self._engine(name, self._at_hand)
        except SetupError:
            raise
        except Exception as error:
            # The keyring is not asked.
            if not isinstance(getattr(error, "entry", None), InKeyring):
                raise

    def understanding(self, name: str, request: VideoRequest) -> Understanding | None:
        """Return what the engine `name` would make of a prompt, if it can tell; nothing is started for it."""
        try:
            return registry.load(self._known(name).kind).understand(request)
        except Exception:  # noqa: BLE001 - it only describes: no mistake in an engine may stop a create for it
            return None

    def _not_chosen(self, engine: EngineSettings) -> str | None:
        if engine.name not in self.settings.set_up and not engine.needed_keys:
            return (
                f"{engine.name} is used only if you name it, or add [engines.{engine.name}] to the settings"
            )
        error = self._lacking(engine)
        if isinstance(error, KeyMissing):
            return f"{error.message}: rushes config set {engine.key_setting}"
        return None if error is None else error.message

    def _status(self, engine: EngineSettings) -> str:
        error = self._lacking(engine)
        if isinstance(error, KeyMissing):
            return f"needs key: rushes config set {engine.key_setting}"
        return "ready" if error is None else error.message

    def _lacking(self, engine: EngineSettings) -> SetupError | None:
        try:
            self.check_ready(engine.name)
        except SetupError as error:
            return error
        return None

    # --- models ---

    @property
    def catalogue(self) -> Catalogue:
        """Every model of every engine that is set up."""
        if self._catalogue is None:
            engines = self.settings.set_up
            self._catalogue = Catalogue(model for name in engines for model in self.models_of(name))
        return self._catalogue

    def model(self, address: str) -> Model:
        """Return the model at `engine/model`, of a configured engine or of a shipped kind under its own name.

        Raises UnknownModel, and for an engine that cannot be loaded what is missing.
        """
        try:
            return self.catalogue.find(address)
        except UnknownModel:
            name, slash, _ = address.partition("/")
            if self.settings.engine(name) is None:
                self.settings.check()
                close = [] if slash else suggestions(address, self._living())
                if not close:
                    raise
                hint = f"did you mean {' or '.join(close)}?"
                raise UnknownModel(f"there is no model {address!r}; {hint}") from None
            if name not in self.settings.set_up:
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
            self._models[name] = merged(own, brought_models(engine), self._listed(engine))
        return self._models[name]

    def _listed(self, engine: EngineSettings) -> SavedList | None:
        """Return the list that is kept of an engine's models, if it is about the server that is set now."""
        try:
            listed = saved_list(self._lists, engine.name)
            return listed if listed is not None and listed.server == server_of(engine) else None
        except BadSettings as error:
            self._tell(f"{LIST_OF}{engine.name}", f"{error.message}; {error.next}")
            return None

    def named(self, name: str) -> list[Model]:
        """Return the models of an engine, or those that a short name means. Raises UnknownModel."""
        if self.settings.engine(name) is not None:
            return list(self.models_of(name))
        found = [model for group in meant(short_name(name), self.every_model()) for model in group]
        return found or [self.model(name)]

    def listed(self, model: Model) -> ListedModel:
        """Return a model with what keeps it from being used."""
        if alive(model, datetime.now(UTC).date()):
            return ListedModel(model=model, retired=False, status=self._status(self._known(model.engine)))
        return ListedModel(model=model, retired=True, status=f"retired {model.retires_on}")

    async def refresh(self, name: str) -> SavedList | None:
        """Ask an engine's service for its models and keep the list; None: it offers none.

        Raises what keeps the service from answering; the list before is kept.
        """
        engine = self._known(name)
        models = await self.engine(name).list_models()
        if not models:
            return None
        listed = SavedList(server=server_of(engine), read_on=datetime.now(UTC).date(), models=tuple(models))
        with translated(self._lists):
            save(self._lists, name, listed)
        self._forget_models()
        return listed

    def every_model(self) -> Iterator[Model]:
        """Yield every model of every engine that can be named, retired ones too."""
        return (model for name in self.known_engines for model in self.models_of(name))

    def _living(self) -> Iterator[Model]:
        today = datetime.now(UTC).date()
        return (model for model in self.every_model() if alive(model, today))

    def _known(self, name: str) -> EngineSettings:
        self._tell_faults()
        found = self.settings.engine(name)
        if found is None:
            self.settings.check()
            raise UnknownEngine(f"no engine named {name!r} is configured")
        return found

    @property
    def _lists(self) -> Path:
        return self.settings.home / "catalogue"

    def _forget_models(self) -> None:
        self._catalogue = None
        self._models.clear()


def brought_models(engine: EngineSettings) -> Iterator[Model]:
    """Yield the models shipped for an engine, or else those that its class brings."""
    shipped = shipped_models(engine.kind, engine.name, base_url=engine.options.get("base_url"))
    yield from shipped
    if not shipped:
        # An engine that cannot be loaded must not keep the others from being used.
        with suppress(SetupError):
            yield from (replace(model, engine=engine.name) for model in registry.load(engine.kind).models)


def key_missing(job: Job, own: EngineSettings) -> KeyMissing:
    """Return what is said of a job whose key is not here; `own` is its engine with the key that is."""
    now = f"rushes collect {job.id} continues with what is set now"
    with suppress(BadSettings):
        if is_at_hand(own) and not same_place(job.account, account_of(own)):
            return KeyMissing(
                f"job {job.id} is for another address than the engine {own.name} has now",
                next=f"set the address back (rushes config path), then run: rushes jobs; or {now}",
            )
    if job.key_source is None:
        return KeyMissing(
            f"job {job.id} was stored without a key, and the engine {own.name} has one", next=now
        )
    options = key_options_of(own)
    option = next((one for one in options if one in own.variables), options[0])
    variable = own.variables.get(option)
    by_variable = f"set {variable} to that key and run: rushes jobs; or " if variable else ""
    where = "which the worker does not have"
    if job.key_source == key_source_of(own):
        where = "and the worker has another one from there"
    return KeyMissing(
        f"job {job.id} is for the key from {job.key_source}, {where}",
        next=f"{by_variable}keep it: rushes config set {own.name}.{option}; or {now}",
    )


def server_of(engine: EngineSettings) -> str:
    """Return what a list of models is about: an engine's kind, and the host where one is set."""
    address = engine.options.get("base_url") or engine.options.get("api_url")
    if address is None:
        return engine.kind
    scheme, host, port = origin(str(address), engine.name)
    return f"{engine.kind} {scheme}://{host}:{port}"
