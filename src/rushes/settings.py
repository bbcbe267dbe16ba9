"""Settings: a file and the environment made into one frozen object. The only reader of os.environ."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, fields, replace
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from rushes.domain.errors import BadSettings
from rushes.domain.money import Caps
from rushes.engines.registry import SHIPPED


@dataclass(frozen=True, kw_only=True)
class Defaults:
    """What an engine kind has where the settings file says nothing.

    `concurrency` counts jobs at the provider; `variables` maps an option to the environment variable that
    fills it.
    """

    concurrency: int = 4
    variables: Mapping[str, str] = field(default_factory=dict)


DEFAULTS = {
    # One render uses both cores of a small machine; two at once only make both late.
    "animatic": Defaults(concurrency=1),
    "sora-web": Defaults(
        # What its accounts were allowed when it was last seen.
        concurrency=3,
        variables={"webshare_key": "WEBSHARE_API_KEY", "proxy_url": "SORA_PROXY_URL"},
    ),
    "openrouter": Defaults(variables={"key": "OPENROUTER_API_KEY"}),
    # Not `key`: that would be sent to whatever server base_url names.
    "openai-videos": Defaults(variables={"openai_key": "OPENAI_API_KEY"}),
    "fal": Defaults(variables={"key": "FAL_KEY"}),
}
"""By kind; a kind that is not here has those of `Defaults`."""

FROM_ENVIRONMENT = "_env"
"""The end of the options that name an environment variable: `key_env` fills `key`."""


@dataclass(frozen=True, kw_only=True)
class EngineSettings:
    """One configured engine: `kind` is the protocol it speaks, `options` its own table.

    `missing` maps the options that the file takes from environment variables to those that are not set.
    """

    name: str
    kind: str
    concurrency: int = 4
    rate: int | None = None
    window: float = 60.0
    options: Mapping[str, Any] = field(default_factory=dict, repr=False)
    missing: Mapping[str, str] = field(default_factory=dict)

    def check_key(self) -> None:
        """Raise BadSettings where a variable that should hold the key, or another option, is not set."""
        if self.missing:
            option, variable = next(iter(self.missing.items()))
            raise BadSettings(
                f"the engine {self.name} takes its {option} from {variable}, which is not set",
                next=f"set {variable} in the environment or in a .env file",
            )


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Everything that can be set, with its defaults.

    `home` holds the ledger and the library; `config` is the settings file, there or not; `engines` are those
    that are configured, `shipped` the shipped kinds that are not, with their defaults; `idle_s` is how long a
    worker without work stays; `environ` is what a worker process is started with.
    """

    home: Path
    config: Path
    log: Path
    model: str | None = None
    engines: Mapping[str, EngineSettings] = field(default_factory=dict)
    shipped: Mapping[str, EngineSettings] = field(default_factory=dict)
    caps: Caps = field(default_factory=Caps)
    idle_s: float = 20.0
    environ: Mapping[str, str] = field(default_factory=dict, repr=False)

    @property
    def ledger(self) -> Path:
        return self.home / "ledger.db"

    @property
    def lock(self) -> Path:
        return self.home / "worker.lock"

    def engine(self, name: str) -> EngineSettings | None:
        """Return an engine that can be asked for: a configured one, or a shipped kind under its own name."""
        return self.engines.get(name) or self.shipped.get(name)


def load(environ: Mapping[str, str] | None = None, folder: Path | None = None) -> Settings:
    """Read the settings: the environment, `.env` from `folder` upward and beside the file, then the file.

    `RUSHES_HOME` puts everything in one folder; without it the XDG folders are used. Raises BadSettings,
    naming the file and the line's key.
    """
    environ = dict(os.environ if environ is None else environ)
    given = environ
    home, config, log = places(environ)
    environ = {**_dotenv(folder or Path.cwd(), config.parent), **environ}
    table = _read(config)
    try:
        return replace(_settings(table, environ, home, config, log), environ=given)
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


def _dotenv(folder: Path, config: Path) -> dict[str, str]:
    """Return the nearest `.env` from `folder` upward, over the one in the config folder."""
    found = [config / ".env"]
    found += [place / ".env" for place in reversed((folder, *folder.parents))]
    files = [file for file in found if file.is_file()]
    if not files:
        return {}
    from dotenv import dotenv_values

    nearest = files[-1:] if files[-1] == config / ".env" else [config / ".env", files[-1]]
    values: dict[str, str] = {}
    for file in nearest:
        values |= {name: value for name, value in dotenv_values(file).items() if value is not None}
    return values


def _read(config: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(config.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise BadSettings(f"{config} cannot be read: {error}") from error


def _settings(
    table: dict[str, Any], environ: Mapping[str, str], home: Path, config: Path, log: Path
) -> Settings:
    unknown = set(table) - {"model", "worker", "budget", "engines"}
    if unknown:
        raise ValueError(f"unknown key {sorted(unknown)[0]!r}; known: model, worker, budget, engines")
    idle = environ.get("RUSHES_IDLE_S", _table(table, "worker", "worker").get("idle_s", 20.0))
    engines = _engines(_table(table, "engines", "engines"), environ)
    others = [kind for kind in SHIPPED if kind not in engines]
    return Settings(
        home=home,
        config=config,
        log=log,
        model=environ.get("RUSHES_MODEL", table.get("model")),
        engines=engines,
        shipped={kind: _engine(kind, {}, environ) for kind in others},
        caps=_caps(_table(table, "budget", "budget")),
        idle_s=float(idle),
    )


def _engines(table: Mapping[str, Any], environ: Mapping[str, str]) -> dict[str, EngineSettings]:
    for name, options in table.items():
        if not isinstance(options, dict):
            raise ValueError(f"engines.{name} is not a table")
        if "/" in name:
            raise ValueError(f"the engine name {name!r} has a slash; models are addressed engine/model")
    return {name: _engine(name, options, environ) for name, options in {"animatic": {}, **table}.items()}


def _engine(name: str, options: Mapping[str, Any], environ: Mapping[str, str]) -> EngineSettings:
    kind = options.get("engine", name)
    rate = _table(options, "rate", f"engines.{name}.rate")
    defaults = DEFAULTS.get(kind, Defaults())
    named = _variables(options, name)
    return EngineSettings(
        name=name,
        kind=kind,
        concurrency=_at_least_one(
            options.get("concurrency", defaults.concurrency), f"engines.{name}.concurrency"
        ),
        rate=_at_least_one(rate["creates"], f"engines.{name}.rate.creates") if rate else None,
        window=float(rate.get("seconds", 60.0)),
        options={
            **_from_environment(defaults.variables, environ, but=named),
            **{option: value for option, value in options.items() if not _ours(option)},
            **_from_environment(named, environ),
        },
        missing={
            option: variable for option, variable in named.items() if variable and not environ.get(variable)
        },
    )


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


def _from_environment(
    variables: Mapping[str, str], environ: Mapping[str, str], *, but: Collection[str] = ()
) -> dict[str, str]:
    """Return the options whose variable is set, without those in `but`."""
    return {
        option: environ[variable]
        for option, variable in variables.items()
        if option not in but and environ.get(variable)
    }


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
    known = {one.name for one in fields(Caps)}
    unknown = set(table) - known
    if unknown:
        raise ValueError(f"unknown key budget.{sorted(unknown)[0]}; known: {', '.join(sorted(known))}")
    values: dict[str, Any] = {
        name: Decimal(str(table[name])) for name in ("per_job", "per_day", "per_month") if name in table
    }
    if "engines" in table:
        values["engines"] = {name: Decimal(str(cap)) for name, cap in table["engines"].items()}
    if "timezone" in table:
        values["timezone"] = ZoneInfo(table["timezone"]).key
    return Caps(**values)
