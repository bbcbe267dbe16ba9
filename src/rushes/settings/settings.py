"""The objects that everybody is handed: all that can be set, and one configured engine."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from pathlib import Path
from typing import Any

from rushes.domain.errors import BadSettings
from rushes.domain.money import Caps
from rushes.settings.defaults import is_secret
from rushes.settings.keys import InKeyring


@dataclass(frozen=True, kw_only=True)
class EngineSettings:
    """One configured engine: `kind` is the protocol it speaks, `options` its own table.

    `missing` maps the options that the file takes from environment variables to those that are not set;
    `refused` those whose kept key must not be used to why, and `mend` says what to do about it. `keyring`
    has the options that are in the system's keyring: `with_keys` reads them. `sources` says of a secret
    option where it comes from.
    """

    name: str
    kind: str
    concurrency: int = 4
    rate: int | None = None
    window: float = 60.0
    options: Mapping[str, Any] = field(default_factory=dict, repr=False)
    missing: Mapping[str, str] = field(default_factory=dict)
    refused: Mapping[str, str] = field(default_factory=dict)
    mend: str = ""
    keyring: Mapping[str, InKeyring] = field(default_factory=dict)
    sources: Mapping[str, str] = field(default_factory=dict, compare=False)

    def holds(self, option: str) -> bool:
        """Whether an option is set or its key kept, without opening the keyring."""
        return bool(self.options.get(option)) or option in self.keyring

    @property
    def key_sources(self) -> Mapping[str, str]:
        """Where each secret option that is set comes from, in words."""
        return {option: where for option, where in self.sources.items() if is_secret(self.kind, option)}

    def check_key(self) -> None:
        """Raise BadSettings where a variable that should hold the key, or another option, is not set.

        And where the file with the kept key can be read by others. The keyring is not opened.
        """
        if self.missing:
            option, variable = next(iter(self.missing.items()))
            raise BadSettings(
                f"the engine {self.name} takes its {option} from {variable}, which is not set",
                next=f"set {variable} in the environment or in a .env file",
            )
        if self.refused:
            option, why = next(iter(self.refused.items()))
            raise BadSettings(f"the {option} of the engine {self.name} is not used: {why}", next=self.mend)

    def with_keys(self) -> EngineSettings:
        """Return the same with the keys of the keyring among its options: all that its engine is made from.

        Raises what `check_key` does, and SetupError where the keyring is locked, lost the key or does not
        answer in time. It may ask the person at the machine to unlock it.
        """
        self.check_key()
        if not self.keyring:
            return self
        from rushes.settings.os_keyring import read

        found = {
            option: read(entry, to_set=f"{self.name}.{option}") for option, entry in self.keyring.items()
        }
        return replace(self, options={**self.options, **found}, keyring={})


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
    mcp: McpSettings = field(default_factory=McpSettings)
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
