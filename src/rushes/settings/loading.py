"""Reads the settings: the environment, `.env` files, the keys that are kept, and the settings file."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Collection, Mapping
from dataclasses import dataclass, fields
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from rushes.domain.errors import BadSettings
from rushes.domain.money import Caps
from rushes.engines.registry import SHIPPED
from rushes.settings.defaults import DEFAULTS, Defaults, is_secret
from rushes.settings.environment import Environment, read_environment
from rushes.settings.keys import Kept, read_kept
from rushes.settings.settings import EngineSettings, McpSettings, Settings

FROM_ENVIRONMENT = "_env"
"""The end of the options that name an environment variable: `key_env` fills `key`."""

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
    keyring are left there: see `EngineSettings.with_keys`. Raises BadSettings, naming the file and the key.
    """
    environ = dict(os.environ if environ is None else environ)
    return settings_of(read_table(places(environ)[1]), environ, folder)


def settings_of(table: dict[str, Any], environ: Mapping[str, str], folder: Path | None = None) -> Settings:
    """Return what `load` would, with `table` in place of what the settings file says."""
    home, config, log = places(environ)
    folder = folder or Path.cwd()
    sources = _Sources(
        environment=read_environment(environ, folder, config.parent), kept=read_kept(config.parent)
    )
    try:
        _check_known(table)
        model, idle = sources.environment.get("RUSHES_MODEL"), sources.environment.get("RUSHES_IDLE_S")
        engines = _engines(_table(table, "engines", "engines"), sources)
        return Settings(
            home=home,
            config=config,
            log=log,
            model=table.get("model") if model is None else model,
            engines=engines,
            shipped={kind: _engine(kind, {}, sources) for kind in SHIPPED if kind not in engines},
            caps=_caps(_table(table, "budget", "budget")),
            mcp=_mcp(_table(table, "mcp", "mcp"), sources.environment.get("RUSHES_MCP_TOKEN")),
            idle_s=float(_table(table, "worker", "worker").get("idle_s", 20.0) if idle is None else idle),
            environ=environ,
        )
    except (
        ValueError,
        TypeError,
        KeyError,
        AttributeError,
        InvalidOperation,
        ZoneInfoNotFoundError,
    ) as error:
        raise BadSettings(f"{config}: {error}") from error


def places(environ: Mapping[str, str] | None = None) -> tuple[Path, Path, Path]:
    """Return where the home folder, the settings file and the worker's log are, there or not."""
    environ = os.environ if environ is None else environ
    if "RUSHES_HOME" in environ:
        home = Path(environ["RUSHES_HOME"]).expanduser().absolute()
        return home, home / "config.toml", home / "worker.log"
    from platformdirs import PlatformDirs

    dirs = PlatformDirs("rushes", appauthor=False)
    return dirs.user_data_path, dirs.user_config_path / "config.toml", dirs.user_state_path / "worker.log"


def read_table(config: Path) -> dict[str, Any]:
    """Return what the settings file says, nothing where there is none. Raises BadSettings."""
    try:
        return tomllib.loads(config.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise BadSettings(f"{config} cannot be read: {error}") from error


def kind_of(name: str, options: Mapping[str, Any]) -> str:
    """Return the kind of the engine that a table configures: what it says, or its name."""
    return str(options.get("engine", name))


@dataclass(frozen=True, kw_only=True)
class _Sources:
    """Where options come from that the settings file does not hold."""

    environment: Environment
    kept: Kept


def _check_known(table: Mapping[str, Any]) -> None:
    unknown = set(table) - set(KNOWN)
    if unknown:
        raise ValueError(f"unknown key {sorted(unknown)[0]!r}; known: {', '.join(KNOWN)}")
    for name, known in KNOWN.items():
        strange = set(_table(table, name, name)) - set(known) if known else set()
        if strange:
            raise ValueError(f"unknown key {name}.{sorted(strange)[0]}; known: {', '.join(sorted(known))}")


def _engines(table: Mapping[str, Any], sources: _Sources) -> dict[str, EngineSettings]:
    for name, options in table.items():
        if not isinstance(options, dict):
            raise ValueError(f"engines.{name} is not a table")
        if "/" in name:
            raise ValueError(f"the engine name {name!r} has a slash; models are addressed engine/model")
    return {name: _engine(name, options, sources) for name, options in {"animatic": {}, **table}.items()}


def _engine(name: str, table: Mapping[str, Any], sources: _Sources) -> EngineSettings:
    kind = kind_of(name, table)
    rate = _table(table, "rate", f"engines.{name}.rate")
    defaults = DEFAULTS.get(kind, Defaults())
    concurrency = table.get("concurrency", defaults.concurrency)
    return EngineSettings(
        name=name,
        kind=kind,
        concurrency=_at_least_one(concurrency, f"engines.{name}.concurrency"),
        rate=_at_least_one(rate["creates"], f"engines.{name}.rate.creates") if rate else None,
        window=float(rate.get("seconds", 60.0)),
        **_options(name, kind, table, sources),
    )


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
    unset = {option: variable for option, variable in named.items() if variable and option not in variables}
    return {
        "options": given if kept.fault else {**given, **file},
        "missing": {
            option: variable
            for option, variable in unset.items()
            if option not in keyring and option not in file
        },
        "refused": dict.fromkeys(file, kept.fault) if kept.fault else {},
        "mend": kept.mend,
        "keyring": keyring,
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
    if not isinstance(value, int) or value < 1:
        raise ValueError(f"{name} is {value!r}; it has to be a whole number from 1")
    return value


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
        values["timezone"] = ZoneInfo(table["timezone"]).key
    return Caps(**values)


def _mcp(table: Mapping[str, Any], token: str | None) -> McpSettings:
    roots = [Path(one).expanduser() for one in _texts(table, "roots")]
    for root in roots:
        if not root.is_absolute():
            raise ValueError(f"mcp.roots has {str(root)!r}; each has to be a whole path")
    return McpSettings(
        unasked_usd=_amount(table.get("unasked_usd", 0), "mcp.unasked_usd"),
        roots=tuple(roots),
        hosts=_texts(table, "hosts"),
        token=token or None,
    )


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
    if isinstance(value, bool) or not amount.is_finite() or amount < 0:
        raise ValueError(f"{name} is {value!r}; it has to be an amount in dollars")
    return amount
