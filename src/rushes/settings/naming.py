"""Which entry a person means by `budget.per_day` or `fal.key`, and whether it is secret."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

from rushes.domain.errors import BadInput, UnknownEngine
from rushes.engines.registry import SHIPPED
from rushes.settings.defaults import SOUNDS_SECRET, is_secret, secrets_of
from rushes.settings.loading import FROM_ENVIRONMENT, KNOWN, kind_of

FORMS = "model, budget.per_day, worker.idle_s, ENGINE.OPTION as in fal.key"


@dataclass(frozen=True, kw_only=True)
class Setting:
    """One entry of the settings: its `names` from the top of the file; `kind` is its engine's, or ""."""

    names: tuple[str, ...]
    kind: str = ""

    def __str__(self) -> str:
        return ".".join(self.names[1:] if self.kind and self.engine not in KNOWN else self.names)

    @property
    def engine(self) -> str:
        return self.names[1]

    @property
    def option(self) -> str:
        return self.names[2]

    @property
    def secret(self) -> bool:
        return bool(self.kind) and len(self.names) == 3 and is_secret(self.kind, self.option)


def setting(text: str, table: Mapping[str, Any], *, gone: Iterable[str] = ()) -> Setting:
    """Return the setting that `text` names, with `table` as the settings file now is.

    `fal.key` is `engines.fal.key`; `gone` are engines that are in the file no more, and of which keys are
    kept. Raises BadInput for what can be no setting, and where the name of a secret is mistyped;
    UnknownEngine.
    """
    names = _names(text)
    if names[0] not in KNOWN:
        names = ("engines", *names)
        if len(names) == 2:
            # Not repeated: somebody may have given a key in place of its name.
            raise BadInput("there is no setting of that name", next=f"settings are {FORMS}")
    if names[0] != "engines" or len(names) < 3:
        return Setting(names=names)
    engines = table.get("engines", {})
    known = {**{name: {} for name in (*SHIPPED, *gone)}, **(engines if isinstance(engines, dict) else {})}
    if names[1] not in known and names[2] != "engine":
        raise UnknownEngine(
            f"no engine is named {names[1]!r}; there are: {', '.join(known)}",
            next="correct the name; a new engine begins with: rushes config set engines.NAME.engine KIND",
        )
    own = known.get(names[1], {})
    found = Setting(names=names, kind=kind_of(names[1], own if isinstance(own, dict) else {}))
    _check_option(found)
    return found


def _names(text: str) -> tuple[str, ...]:
    """Return the parts of a dotted name, quoted ones too, as TOML has them."""
    try:
        if "=" in text or "\n" in text:
            raise ValueError
        table: Any = tomllib.loads(f"{text} = 0")
    except ValueError:
        # What stands behind a "=" may be a key.
        raise BadInput("that is not the name of a setting", next=f"settings are {FORMS}") from None
    names = []
    while isinstance(table, dict):
        ((name, table),) = table.items()
        names.append(name)
    return tuple(names)


def _check_option(found: Setting) -> None:
    """Raise BadInput where an option has nearly the name of a secret one: its value would be written down."""
    option = found.option
    if found.secret or option.endswith(FROM_ENVIRONMENT):
        return
    secrets = secrets_of(found.kind)
    if SOUNDS_SECRET.search(option) or get_close_matches(option, secrets, cutoff=0.6):
        known = ", ".join(f"{found.engine}.{one}" for one in secrets) or "none"
        raise BadInput(
            f"engines of the kind {found.kind} have no option {option!r}; nothing was changed",
            next=f"their secret options are: {known}",
        )
