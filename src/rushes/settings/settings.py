"""The objects that everybody is handed: all that can be set, and one configured engine."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from pathlib import Path
from typing import Any

from rushes.catalogue.loading import key_options
from rushes.domain.errors import BadSettings, KeyMissing
from rushes.domain.money import Caps
from rushes.engines.proxies import proxy_secrets
from rushes.settings.defaults import DEFAULTS, Defaults, is_secret
from rushes.settings.keys import InKeyring, clean_key

ADDRESS_WITH_USER = re.compile(r"://[^/\s]*@")


@dataclass(frozen=True, kw_only=True)
class Unusable:
    """Why something that was found, a key or a part of the settings, is not used, and what to do about it."""

    why: str
    fix: str


@dataclass(frozen=True, kw_only=True)
class EngineSettings:
    """One configured engine: `kind` is the protocol it speaks, `options` its own table.

    `missing` maps the options that the file takes from environment variables to those that are not set;
    `refused` those whose key must not be used to why. `keyring` has the options that are in the system's
    keyring: `with_keys` reads them. `sources` says of a secret option where it comes from, `variables` which
    environment variable can fill an option, and `private` has the options, refused ones too, that only this
    process or its folder's `.env` gives: a worker does not see them. `broken` says of an engine whose table
    is wrong what has to be corrected: whoever asks for that engine is told, and nobody else.

    What is compared is what an engine is made from: its pace is the worker's, and where a key comes from is
    for people.

    Wherever a key comes from, it is looked at here: space and line ends around it are taken off, and one
    that no header can carry is refused.
    """

    name: str
    kind: str
    concurrency: int = field(default=4, compare=False)
    rate: int | None = field(default=None, compare=False)
    window: float = field(default=60.0, compare=False)
    broken: Unusable | None = None
    options: Mapping[str, Any] = field(default_factory=dict, repr=False)
    missing: Mapping[str, str] = field(default_factory=dict)
    refused: Mapping[str, Unusable] = field(default_factory=dict)
    keyring: Mapping[str, InKeyring] = field(default_factory=dict)
    sources: Mapping[str, str] = field(default_factory=dict, compare=False)
    variables: Mapping[str, str] = field(default_factory=dict, compare=False)
    private: frozenset[str] = field(default=frozenset(), compare=False)

    def __post_init__(self) -> None:
        options, refused = dict(self.options), dict(self.refused)
        for option, value in self.options.items():
            if not isinstance(value, str) or not is_secret(self.kind, option):
                continue
            options[option] = key = clean_key(value)
            if key is None:
                del options[option]
                fix = f"copy it again, without spaces or line breaks: rushes config set {self.name}.{option}"
                refused[option] = Unusable(why="it has a character that no key can have", fix=fix)
        # What is frozen can be set only so.
        object.__setattr__(self, "options", options)
        object.__setattr__(self, "refused", refused)

    def secrets(self) -> Iterator[str]:
        """Yield every secret among the options, and every address in them that has a user."""
        for option, value in self.options.items():
            if isinstance(value, str) and (is_secret(self.kind, option) or ADDRESS_WITH_USER.search(value)):
                yield value

    @property
    def private_options(self) -> Mapping[str, str]:
        """The options in use that only this process or its folder's `.env` gives."""
        return {option: str(self.options[option]) for option in self.private if option in self.options}

    @property
    def absent(self) -> frozenset[str]:
        """The options that another process may have: not set in this one, or refused of it alone."""
        return frozenset(self.missing) | (self.refused.keys() & self.private)

    def holds(self, option: str) -> bool:
        """Whether an option is set or its key kept, usable or not, without opening the keyring."""
        return bool(self.options.get(option)) or option in self.keyring or option in self.refused

    @property
    def key_sources(self) -> Mapping[str, str]:
        """Where each secret option that is set comes from, in words."""
        return {option: where for option, where in self.sources.items() if is_secret(self.kind, option)}

    @property
    def needed_keys(self) -> tuple[str, ...]:
        """The options of which one has to be set, since its service answers nobody without a key.

        The one that is usually set comes first; empty where no key is needed. Raises BadSettings.
        """
        needed = key_options(self.kind, self.name, base_url=self.options.get("base_url"))
        usual = DEFAULTS.get(self.kind, Defaults()).secrets
        return tuple(sorted(needed, key=lambda one: usual.index(one) if one in usual else len(usual)))

    @property
    def key_setting(self) -> str:
        """The setting that stores its key, as in "fal.key"; "" where no key is needed. Raises BadSettings."""
        return f"{self.name}.{self.needed_keys[0]}" if self.needed_keys else ""

    @property
    def key_page(self) -> str:
        """The address where its service hands out keys; "" if it is not known."""
        return DEFAULTS.get(self.kind, Defaults()).key_page

    def check_set_up(self) -> None:
        """Raise KeyMissing where it needs a key and has none, and what `check_key` raises."""
        self.check_key()
        if self.needed_keys and not any(self.holds(option) for option in self.needed_keys):
            store = f"rushes config set {self.key_setting}"
            get = f"get one at {self.key_page}, then: " if self.key_page else ""
            raise KeyMissing(f"{self.name} has no key", next=f"{get}{store}")

    def check_key(self) -> None:
        """Raise BadSettings if a variable that should hold the key, or another option, is not set.

        And if a key was found that must not be used, or its table is wrong. The keyring is not opened.
        """
        if self.broken is not None:
            raise BadSettings(self.broken.why, next=self.broken.fix)
        if self.missing:
            option, variable = next(iter(self.missing.items()))
            raise BadSettings(
                f"the engine {self.name} takes its {option} from {variable}, which is not set",
                next=f"set {variable} in the environment or in a .env file",
            )
        if self.refused:
            option, found = next(iter(self.refused.items()))
            where = f" ({self.sources[option]})" if option in self.sources else ""
            raise BadSettings(
                f"the {option} of the engine {self.name}{where} is not used: {found.why}", next=found.fix
            )

    def with_keys(self, read: Callable[[InKeyring, str], str] | None = None) -> EngineSettings:
        """Return the same with the keys of the keyring among its options: all that its engine is made from.

        `read` gives the key of an entry, whose setting, as in "fal.key", is its second argument; without it
        the keyring is asked, and may ask the person at the machine. Raises what `check_key` and `read` do.
        """
        self.check_key()
        if not self.keyring:
            return self
        if read is None:
            from rushes.settings import os_keyring

            read = os_keyring.read
        found = {option: read(entry, f"{self.name}.{option}") for option, entry in self.keyring.items()}
        whole = replace(self, options={**self.options, **found}, keyring={})
        whole.check_key()
        return whole

    def with_options(self, options: Mapping[str, Any]) -> EngineSettings:
        """Return the same with `options` in place of its own, from wherever those were to come."""

        def others(values: Mapping[str, Any]) -> dict[str, Any]:
            return {option: value for option, value in values.items() if option not in options}

        return replace(
            self,
            options={**self.options, **options},
            missing=others(self.missing),
            refused=others(self.refused),
            keyring=others(self.keyring),
            sources=others(self.sources),
        )


@dataclass(frozen=True, kw_only=True)
class McpSettings:
    """What the MCP server may do by itself.

    `unasked_usd`: up to this much an agent's quote is approved where nobody can be asked. `roots` are the
    folders that it may read beside the library; `hosts` the names, with ports, under which it is reached
    over HTTP beside this machine's own; `token` is what a client has to send there.
    """

    unasked_usd: Decimal = Decimal(0)
    roots: tuple[Path, ...] = ()
    hosts: tuple[str, ...] = ()
    token: str | None = field(default=None, repr=False)


WHOLE = "the settings file"
"""The part of the settings that cannot be used where nothing of their file can."""


@dataclass(frozen=True, kw_only=True)
class Settings:
    """Everything that can be set, with its defaults.

    `home` holds the ledger and the library; `config` is the settings file, there or not; `engines` are those
    that are configured, `shipped` the shipped kinds that are not, with their defaults; `idle_s` is how long a
    worker without work stays. `environ` and `folder` are what they were read from: `.env` is looked for from
    `folder` upward, None: only beside the settings file. A worker process is started with `environ`, and
    with `folder_variables`: options of that `.env` that are no keys, such as a proxy. `faults` has what could
    not be used, by its part: "budget", "engines.lab", `WHOLE`, the path of a `.env`. Defaults, that allow
    less rather than more, stand in for it.
    """

    home: Path
    config: Path
    log: Path
    model: str | None = None
    engines: Mapping[str, EngineSettings] = field(default_factory=dict)
    shipped: Mapping[str, EngineSettings] = field(default_factory=dict)
    caps: Caps = field(default_factory=Caps)
    mcp: McpSettings = field(default_factory=McpSettings)
    idle_s: float = 20.0
    environ: Mapping[str, str] = field(default_factory=dict, repr=False)
    folder: Path | None = None
    folder_variables: Mapping[str, str] = field(default_factory=dict, repr=False)
    faults: Mapping[str, Unusable] = field(default_factory=dict)

    def check(self, part: str = WHOLE) -> None:
        """Raise BadSettings if a part of the settings, or their whole file, cannot be used."""
        for name in (WHOLE, part):
            if name in self.faults:
                raise BadSettings(self.faults[name].why, next=self.faults[name].fix)

    @property
    def set_up(self) -> Mapping[str, EngineSettings]:
        """The engines that somebody set up: the configured ones, and the shipped ones that have a key.

        Every list of engines and models shows these. A key that must not be used counts: the lists say why.
        """
        with_key = {
            name: one
            for name, one in self.shipped.items()
            if any(one.holds(option) or option in one.refused for option in one.needed_keys)
        }
        return {**self.engines, **with_key}

    @property
    def ledger(self) -> Path:
        return self.home / "ledger.db"

    @property
    def marks(self) -> Path:
        """The user's folder, outside of any home, in which is written how far each ledger is."""
        from platformdirs import user_state_path

        return user_state_path("rushes", appauthor=False) / "ledgers"

    @property
    def lock(self) -> Path:
        return self.home / "worker.lock"

    @property
    def heartbeat(self) -> Path:
        """The file in which the living worker shows that it is not frozen."""
        return self.lock.with_suffix(".beat")

    @property
    def channel(self) -> Path:
        """The file that says where the living worker takes keys."""
        return self.home / "worker.channel"

    def secrets(self) -> Iterator[str]:
        """Yield every secret in force, but those in the keyring: engines' keys, our own token, proxies."""
        for engine in (*self.engines.values(), *self.shipped.values()):
            yield from engine.secrets()
        if self.mcp.token:
            yield self.mcp.token
        yield from proxy_secrets(self.environ)

    def engine(self, name: str) -> EngineSettings | None:
        """Return an engine that can be asked for: a configured one, or a shipped kind under its own name."""
        return self.engines.get(name) or self.shipped.get(name)
