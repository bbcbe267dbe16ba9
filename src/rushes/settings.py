"""Settings: a file and the environment made into one frozen object. The only reader of os.environ."""

from __future__ import annotations

import os
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from rushes.domain.errors import BadSettings
from rushes.domain.money import Caps

ANIMATIC_AT_ONCE = 1
"""One render uses both cores of a small machine; two at once only make both late."""


@dataclass(frozen=True, kw_only=True)
class EngineSettings:
    """One configured engine: `kind` is the protocol it speaks, `options` its own table.

    `missing_key` names the environment variable that should hold its key and does not.
    """

    name: str
    kind: str
    concurrency: int = 4
    rate: int | None = None
    window: float = 60.0
    options: Mapping[str, Any] = field(default_factory=dict, repr=False)
    missing_key: str | None = None

    def check_key(self) -> None:
        """Raise BadSettings where the variable that should hold the key is not set."""
        if self.missing_key is not None:
            raise BadSettings(
                f"the engine {self.name} takes its key from {self.missing_key}, which is not set",
                next=f"set {self.missing_key} in the environment or in a .env file",
            )


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Everything that can be set, with its defaults.

    `home` holds the ledger and the library; `config` is the settings file, there or not; `idle_s` is how
    long a worker without work stays; `environ` is what a worker process is started with.
    """

    home: Path
    config: Path
    log: Path
    model: str | None = None
    engines: Mapping[str, EngineSettings] = field(default_factory=dict)
    caps: Caps = field(default_factory=Caps)
    idle_s: float = 20.0
    environ: Mapping[str, str] = field(default_factory=dict, repr=False)

    @property
    def ledger(self) -> Path:
        return self.home / "ledger.db"

    @property
    def lock(self) -> Path:
        return self.home / "worker.lock"


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
    return Settings(
        home=home,
        config=config,
        log=log,
        model=environ.get("RUSHES_MODEL", table.get("model")),
        engines=_engines(_table(table, "engines", "engines"), environ),
        caps=_caps(_table(table, "budget", "budget")),
        idle_s=float(idle),
    )


def _engines(table: Mapping[str, Any], environ: Mapping[str, str]) -> dict[str, EngineSettings]:
    engines = {"animatic": EngineSettings(name="animatic", kind="animatic", concurrency=ANIMATIC_AT_ONCE)}
    for name, options in table.items():
        if not isinstance(options, dict):
            raise ValueError(f"engines.{name} is not a table")
        if "/" in name:
            raise ValueError(f"the engine name {name!r} has a slash; models are addressed engine/model")
        kind = options.get("engine", name)
        rate = _table(options, "rate", f"engines.{name}.rate")
        variable = options.get("key_env")
        engines[name] = EngineSettings(
            name=name,
            kind=kind,
            concurrency=_at_least_one(
                options.get("concurrency", ANIMATIC_AT_ONCE if kind == "animatic" else 4),
                f"engines.{name}.concurrency",
            ),
            rate=_at_least_one(rate["creates"], f"engines.{name}.rate.creates") if rate else None,
            window=float(rate.get("seconds", 60.0)),
            options=_with_key(options, environ),
            missing_key=variable if variable is not None and variable not in environ else None,
        )
    return engines


def _with_key(options: Mapping[str, Any], environ: Mapping[str, str]) -> dict[str, Any]:
    """Return an engine's own options, with the key from the environment variable that `key_env` names."""
    ours = {"engine", "concurrency", "rate", "key_env"}
    values = {name: value for name, value in options.items() if name not in ours}
    if options.get("key_env") in environ:
        values["key"] = environ[options["key_env"]]
    return values


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
