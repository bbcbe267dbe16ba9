"""Reads the settings: the environment, `.env` files, the keys that are kept, and the settings file."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, fields
from decimal import Decimal, InvalidOperation
from functools import partial
from pathlib import Path
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

from rushes.catalogue.loading import read_model
from rushes.domain.errors import BadInput, BadSettings
from rushes.domain.money import LARGEST_LIMIT, Caps, can_be_limit
from rushes.domain.paths import absolute, read_path
from rushes.engines.registry import SHIPPED
from rushes.settings.accounts import address_of, key_options_of
from rushes.settings.defaults import DEFAULTS, Defaults, is_secret, secrets_of
from rushes.settings.environment import Environment, read_environment
from rushes.settings.keys import Kept, read_kept
from rushes.settings.reading import Unreadable, read_text
from rushes.settings.settings import WHOLE, EngineSettings, McpSettings, Settings, Unusable

Part = TypeVar("Part")

FROM_ENVIRONMENT = "_env"
"""The end of the options that name an environment variable: `key_env` fills `key`."""

HOME = "RUSHES_HOME"
"""The variable that puts everything in one folder."""

IDLE_S = 20.0
"""How long a worker without work stays, in seconds."""

LONGEST_S = 366 * 86400.0

CORRECT_IT = "correct the settings file; rushes config path shows where it is"

SAVE_AS_TEXT = "to use it, save it as a UTF-8 text file of NAME=value lines, readable by you"

MISTAKES = (
    BadSettings,
    ValueError,
    TypeError,
    KeyError,
    AttributeError,
    ArithmeticError,
    OSError,
    RuntimeError,
)
"""What reading a part of the settings file may end with, whatever stands there."""

KNOWN: Mapping[str, tuple[str, ...]] = {
    "model": (),
    "worker": ("idle_s",),
    "budget": tuple(one.name for one in fields(Caps)),
    "mcp": ("unasked_usd", "roots", "hosts"),
    "engines": (),
}
"""The entries of the settings file, and of each what can stand in it where that is known."""


def load(environ: Mapping[str, str] | None = None, folder: Path | None = None) -> Settings:
    """Read the settings: the environment, `.env` from `folder` upward and beside the file, then the file.

    `RUSHES_HOME` puts everything in one folder; without it the XDG folders are used. Keys in the system's
    keyring are left there: see `EngineSettings.with_keys`. What cannot be used of all this stands in the
    answer's `faults`. Raises BadSettings only where it cannot be told which folders these are.
    """
    return _read(dict(os.environ if environ is None else environ), folder or _working_folder())


def load_for_worker(environ: Mapping[str, str] | None = None) -> Settings:
    """Read the settings as a worker has them: of `.env` files only the one beside the settings file.

    So they do not depend on the folder of whoever starts it. Raises what `load` does.
    """
    return _read(dict(os.environ if environ is None else environ), None)


def read_anew(found: Settings) -> Settings:
    """Read settings again from the same places. Raises what `load` does."""
    return _read(found.environ, found.folder)


def without_environment(found: Settings) -> Settings:
    """Return the settings that every process of this home shares: without any environment variables."""
    home = {name: value for name, value in found.environ.items() if name == HOME}
    return load_for_worker(home)


def _read(environ: Mapping[str, str], folder: Path | None) -> Settings:
    try:
        table: Any = read_table(places(environ)[1])
    except BadSettings as error:
        return settings_of({}, environ, folder, unread=Unusable(why=error.message, fix=error.next))
    return settings_of(table, environ, folder)


def settings_of(
    table: dict[str, Any],
    environ: Mapping[str, str],
    folder: Path | None = None,
    *,
    unread: Unusable | None = None,
) -> Settings:
    """Return what `load` would, with `table` in place of what the settings file says.

    `folder` None: no `.env` but the one beside the settings file is read. `unread` says why the file could
    not be read; `table` is empty then.
    """
    home, config, log = places(environ)
    if environ.get(HOME):
        # Whole: a worker has another working folder.
        environ = {**environ, HOME: str(home)}
    environment = read_environment(environ, folder, config.parent)
    sources = _Sources(environment=environment, kept=read_kept(config.parent))
    parts = _Parts(config, unread)
    parts.read(WHOLE, lambda: _check_known(table))
    model, idle_s = environment.get("RUSHES_MODEL"), environment.get("RUSHES_IDLE_S")
    token = (environment.get("RUSHES_MCP_TOKEN") or "").strip() or None
    engines = _engines(table, sources, parts)
    shipped = {kind: _engine_of(kind, {}, sources, parts) for kind in SHIPPED if kind not in engines}
    budget = parts.read("budget", lambda: _caps(_entries(table, "budget")))
    mcp = parts.read("mcp", lambda: _mcp(_entries(table, "mcp"), token))
    idle = parts.read("worker", lambda: _idle_s(_entries(table, "worker"), idle_s))
    default = parts.read("model", lambda: _default_model(table))
    return Settings(
        home=home,
        config=config,
        log=log,
        model=default if model is None else model,
        engines=engines,
        shipped=shipped,
        caps=Caps(unreadable=parts.fault("budget").why) if budget is None else budget,
        mcp=McpSettings(token=token) if mcp is None else mcp,
        idle_s=IDLE_S if idle is None else idle,
        environ=environ,
        folder=folder,
        folder_variables=_folder_variables([*engines.values(), *shipped.values()], environ),
        faults={
            **parts.faults,
            **{str(path): Unusable(why=why, fix=SAVE_AS_TEXT) for path, why in environment.faults.items()},
        },
    )


def places(environ: Mapping[str, str] | None = None) -> tuple[Path, Path, Path]:
    """Return where the home folder, the settings file and the worker's log are, there or not.

    Raises BadSettings where that cannot be told.
    """
    environ = os.environ if environ is None else environ
    if environ.get(HOME):
        try:
            home = absolute(read_path(environ[HOME]))
        except BadInput as error:
            # Of a user who is not there, or below a working folder that is gone.
            raise BadSettings(
                f"{HOME} is {environ[HOME]!r}, and that folder cannot be told: {error}",
                next=f"set {HOME} to an absolute path, such as /home/me/videos",
            ) from error
        return home, home / "config.toml", home / "worker.log"
    from platformdirs import PlatformDirs

    dirs = PlatformDirs("rushes", appauthor=False)
    return dirs.user_data_path, dirs.user_config_path / "config.toml", dirs.user_state_path / "worker.log"


def read_table(config: Path) -> dict[str, Any]:
    """Return what the settings file says, nothing where there is none. Raises BadSettings."""
    try:
        return tomllib.loads(read_text(config))
    except FileNotFoundError:
        return {}
    except (Unreadable, tomllib.TOMLDecodeError, RecursionError) as error:
        raise BadSettings(f"{config} cannot be read: {error}", next=CORRECT_IT) from error


def kind_of(name: str, options: Mapping[str, Any]) -> str:
    """Return the kind of the engine that a table configures: what it says, or its name."""
    return str(options.get("engine", name))


def _working_folder() -> Path | None:
    """Return the folder this process works in; None if it was removed, or cannot be named by us."""
    try:
        return Path.cwd()
    except OSError:
        return None


def _folder_variables(engines: Iterable[EngineSettings], environ: Mapping[str, str]) -> dict[str, str]:
    """Return the variables of the folder's `.env` that fill options which are no keys."""
    return {
        engine.variables[option]: value
        for engine in engines
        for option, value in engine.private_options.items()
        if engine.variables[option] not in environ and option not in key_options_of(engine)
    }


@dataclass(frozen=True, kw_only=True)
class _Sources:
    """Where options come from that the settings file does not hold."""

    environment: Environment
    kept: Kept


class _Parts:
    """Reads the settings file part by part: a mistake in one keeps no other from being used."""

    def __init__(self, config: Path, unread: Unusable | None) -> None:
        self._config = config
        self.faults = {} if unread is None else {WHOLE: unread}

    def read(self, name: str, read: Callable[[], Part]) -> Part | None:
        """Return what `read` does; None if that part of the file, or the whole of it, cannot be used."""
        if WHOLE in self.faults:
            return None
        try:
            return read()
        except MISTAKES as error:
            words = error.message if isinstance(error, BadSettings) else error
            self.faults[name] = Unusable(why=f"{self._config}: {words}", fix=CORRECT_IT)
        return None

    def fault(self, name: str) -> Unusable:
        """Return why a part cannot be used."""
        return self.faults.get(WHOLE) or self.faults[name]


def _check_known(table: Mapping[str, Any]) -> None:
    unknown = set(table) - set(KNOWN)
    if unknown:
        raise ValueError(f"unknown key {sorted(unknown)[0]!r}; known: {', '.join(KNOWN)}")
    _table(table, "engines", "engines")


def _entries(table: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    """Return one of the tables whose entries are known. Raises ValueError for one that is not."""
    entries = _table(table, name, name)
    strange = set(entries) - set(KNOWN[name])
    if strange:
        known = ", ".join(sorted(KNOWN[name]))
        raise ValueError(f"unknown key {name}.{sorted(strange)[0]}; known: {known}")
    return entries


def _engines(table: Mapping[str, Any], sources: _Sources, parts: _Parts) -> dict[str, EngineSettings]:
    own = {"animatic": {}, **table.get("engines", {})} if WHOLE not in parts.faults else {"animatic": {}}
    for name in own:
        parts.read(f"engines.{name}", partial(_check_name, name))
    named = {name: options for name, options in own.items() if "/" not in name}
    return {name: _engine_of(name, options, sources, parts) for name, options in named.items()}


def _check_name(name: str) -> None:
    if "/" in name:
        raise ValueError(f"the engine name {name!r} has a slash; models are addressed engine/model")


def _engine_of(name: str, table: Any, sources: _Sources, parts: _Parts) -> EngineSettings:
    """Return an engine, or in its place one that says what has to be corrected."""
    part = f"engines.{name}"
    found = parts.read(part, lambda: _engine(name, table, sources))
    if found is not None:
        return found
    options = table if isinstance(table, dict) else {}
    kind = kind_of(name, options)
    # They are hidden in every text all the same.
    secrets = {option: value for option, value in options.items() if is_secret(kind, option)}
    return EngineSettings(name=name, kind=kind, options=secrets, broken=parts.fault(part))


def _engine(name: str, table: Any, sources: _Sources) -> EngineSettings:
    if not isinstance(table, dict):
        raise ValueError(f"engines.{name} is not a table")
    kind = kind_of(name, table)
    rate = _table(table, "rate", f"engines.{name}.rate")
    defaults = DEFAULTS.get(kind, Defaults())
    concurrency = table.get("concurrency", defaults.concurrency)
    found = EngineSettings(
        name=name,
        kind=kind,
        concurrency=_at_least_one(concurrency, f"engines.{name}.concurrency"),
        rate=_at_least_one(rate.get("creates"), f"engines.{name}.rate.creates") if rate else None,
        window=_seconds(rate.get("seconds", 60.0), f"engines.{name}.rate.seconds"),
        **_options(name, kind, table, sources),
    )
    _check_engine(found)
    return found


def _check_engine(engine: EngineSettings) -> None:
    """Raise what is wrong with an engine's address and its models, before anybody asks for them."""
    models = engine.options.get("models", [])
    if not isinstance(models, list) or not all(isinstance(one, dict) for one in models):
        raise ValueError(f"engines.{engine.name}.models has to be a list of tables")
    for model in models:
        read_model(model, engine.name)
    # Both look at its address.
    address_of(engine)
    key_options_of(engine)


def _options(name: str, kind: str, table: Mapping[str, Any], sources: _Sources) -> dict[str, Any]:
    """Return an engine's options, from whichever place comes first, as fields of its EngineSettings.

    A variable that the file names, the file, the kind's own variables, the keyring, the file of keys.
    """
    environment, kept = sources.environment, sources.kept
    named = _variables(table, name)
    written = {option: value for option, value in table.items() if not _ours(option)}
    variables = _variables_that_are_set(kind, named, written, environment)
    given = {**written, **{option: environment.get(variable) for option, variable in variables.items()}}
    keyring, file = kept.behind(name, given)
    if kept.unread:
        # A key of its own, or a proxy, may stand there: it does not work without.
        has_secret = any(is_secret(kind, option) for option in given)
        refused = () if has_secret else secrets_of(kind)[:1]
    else:
        refused = tuple(file) if kept.fault else ()
    unset = {option: variable for option, variable in named.items() if variable and option not in variables}
    return {
        "options": given if kept.fault else {**given, **file},
        "missing": {
            option: variable
            for option, variable in unset.items()
            if option not in keyring and option not in file
        },
        "refused": dict.fromkeys(refused, Unusable(why=kept.fault, fix=kept.mend)),
        "keyring": keyring,
        "variables": {**DEFAULTS.get(kind, Defaults()).variables, **named},
        "private": frozenset(option for option, name in variables.items() if environment.is_private(name)),
        "sources": {
            **{option: "the settings file" for option in written if is_secret(kind, option)},
            **{option: environment.place(variable) for option, variable in variables.items()},
            **{option: f"the keyring, since {entry.since[:10]}" for option, entry in keyring.items()},
            **{option: str(kept.path) for option in file},
        },
    }


def _variables_that_are_set(
    kind: str, named: Mapping[str, str], written: Collection[str], environment: Environment
) -> dict[str, str]:
    """Return, by option, the variables that fill one: those that the file names, then the kind's own."""
    usual = DEFAULTS.get(kind, Defaults()).variables
    behind = {option: variable for option, variable in usual.items() if option not in (*named, *written)}
    return {option: variable for option, variable in {**behind, **named}.items() if environment.get(variable)}


def _ours(option: str) -> bool:
    """Whether an entry of an engine's table is read here, and not by the engine."""
    return option in {"engine", "concurrency", "rate"} or option.endswith(FROM_ENVIRONMENT)


def _variables(options: Mapping[str, Any], name: str) -> dict[str, str]:
    """Return which option is to be taken from which environment variable; "" is from none."""
    found = {}
    for option, variable in options.items():
        if option.endswith(FROM_ENVIRONMENT):
            if not isinstance(variable, str):
                raise ValueError(f"engines.{name}.{option} is {variable!r}; it names an environment variable")
            found[option.removesuffix(FROM_ENVIRONMENT)] = variable
    return found


def _table(table: Mapping[str, Any], key: str, name: str) -> Mapping[str, Any]:
    found = table.get(key, {})
    if not isinstance(found, dict):
        raise ValueError(f"{name} is {found!r}; it has to be a table")
    return found


def _at_least_one(value: Any, name: str) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        raise ValueError(f"{name} is {value!r}; it has to be a whole number from 1")
    return value


def _seconds(value: Any, name: str) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= LONGEST_S:
        raise ValueError(f"{name} is {value!r}; it has to be a number of seconds")
    return float(value)


def _idle_s(table: Mapping[str, Any], variable: str | None) -> float:
    if variable is None:
        return _seconds(table.get("idle_s", IDLE_S), "worker.idle_s")
    try:
        return _seconds(float(variable), "RUSHES_IDLE_S")
    except ValueError:
        raise ValueError(f"RUSHES_IDLE_S is {variable!r}; it has to be a number of seconds") from None


def _default_model(table: Mapping[str, Any]) -> str | None:
    model = table.get("model")
    if model is not None and not isinstance(model, str):
        raise ValueError(f"model is {model!r}; it has to be a text, such as engine/model")
    return model


def _caps(table: Mapping[str, Any]) -> Caps:
    values: dict[str, Any] = {
        name: _amount(table[name], f"budget.{name}")
        for name in ("per_job", "per_day", "per_month")
        if name in table
    }
    if "engines" in table:
        caps = _table(table, "engines", "budget.engines")
        values["engines"] = {name: _amount(cap, f"budget.engines.{name}") for name, cap in caps.items()}
    if "timezone" in table:
        values["timezone"] = _timezone(table["timezone"])
    return Caps(**values)


def _timezone(name: Any) -> str:
    try:
        return ZoneInfo(name).key
    except (ValueError, TypeError, KeyError, OSError):
        raise ValueError(f"budget.timezone is {name!r}; it has to be a name, such as Europe/Berlin") from None


def _mcp(table: Mapping[str, Any], token: str | None) -> McpSettings:
    roots = [_path(one, "mcp.roots") for one in _texts(table, "roots")]
    for root in roots:
        if not root.is_absolute():
            raise ValueError(f"mcp.roots has {str(root)!r}; each has to be an absolute path")
    return McpSettings(
        unasked_usd=_amount(table.get("unasked_usd", 0), "mcp.unasked_usd"),
        roots=tuple(roots),
        hosts=_texts(table, "hosts"),
        token=token,
    )


def _path(text: str, name: str) -> Path:
    try:
        return read_path(text, what=name)
    except BadInput as error:
        raise ValueError(error.message) from error


def _texts(table: Mapping[str, Any], key: str) -> tuple[str, ...]:
    found = table.get(key, [])
    if not isinstance(found, list) or not all(isinstance(one, str) for one in found):
        raise ValueError(f"mcp.{key} is {found!r}; it has to be a list of texts")
    return tuple(found)


def _amount(value: Any, name: str) -> Decimal:
    try:
        amount = Decimal(str(value))
    except InvalidOperation:
        amount = Decimal("NaN")
    if isinstance(value, bool) or not can_be_limit(amount):
        raise ValueError(f"{name} is {value!r}; it has to be an amount in dollars, up to {LARGEST_LIMIT:,}")
    return amount
