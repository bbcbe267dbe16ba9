"""Changes settings for good: a line of the settings file, or a key in the keyring or the file of keys."""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from rushes.database.database import translated
from rushes.domain.errors import BadInput, BadSettings
from rushes.engines import registry
from rushes.settings import os_keyring
from rushes.settings.editing import has_entry, parsed, with_entry, without_entry
from rushes.settings.files import alone, replace_file
from rushes.settings.keys import InKeyring, Kept, clean_key, entry_name, read_kept
from rushes.settings.loading import FROM_ENVIRONMENT, kind_of, load, places, read_table, settings_of
from rushes.settings.naming import Setting, setting
from rushes.settings.reading import Unreadable, read_text

HEAD = "# Keys for rushes, as `rushes config set` keeps them. For their owner alone: mode 600.\n"

VARIABLE = re.compile(r"[A-Za-z_]\w*|")


@dataclass(frozen=True, kw_only=True)
class Changed:
    """What was changed, `where`, and what is used in its place all the same: "" where nothing is."""

    setting: Setting
    where: tuple[str, ...]
    hidden_by: str = ""


def to_set(text: str) -> Setting:
    """Return the setting that a person wants to set. Raises BadInput, UnknownEngine, BadSettings."""
    return setting(text, read_table(places()[1]))


def to_unset(text: str) -> Setting:
    """Return the setting that a person wants to remove, of an engine that is gone, too. Raises the same."""
    config = places()[1]
    kept = read_kept(config.parent)
    return setting(text, read_table(config), gone=(*kept.in_file, *kept.in_keyring))


def set_plain(found: Setting, word: str) -> Changed:
    """Write a setting that is no secret into the settings file. Raises BadInput for a bad value."""
    if found.names[-1].endswith(FROM_ENVIRONMENT) and not VARIABLE.fullmatch(word):
        # Not repeated: it may be the key itself.
        raise BadInput(
            f"{found} takes the name of an environment variable, and this is none; nothing was changed",
            next=f"give a name such as MY_KEY; a key itself: rushes config set "
            f"{str(found).removesuffix(FROM_ENVIRONMENT)}",
        )
    return _rewrite(found, lambda text: with_entry(text, found.names, parsed(word)))


def set_secret(found: Setting, key: str) -> Changed:
    """Keep a key in the system's keyring, or where there is none in the file of keys.

    Raises BadInput for what can be no key, BadSettings where the file is open to others, SetupError where
    the keyring does not take it.
    """
    clean = clean_key(key)
    if not clean:
        raise BadInput(
            "that is not a key: it is empty, or it has a space, a line break or a character that no key can"
            " have; nothing was stored",
            next=f"rushes config set {found} asks for it; or pipe it in, as one line",
        )
    keyring = os_keyring.usable()
    folder = places()[1].parent
    names = (found.engine, found.option)
    with translated(folder), alone(folder):
        kept = _closed(read_kept(folder))
        text = _text(kept.path) or HEAD
        if keyring:
            entry = InKeyring(entry=entry_name(folder, *names), since=datetime.now(UTC).isoformat())
            text = with_entry(without_entry(text, ("file", *names)), ("keyring", *names), entry.since)
            os_keyring.write(entry, clean)
        else:
            text = with_entry(without_entry(text, ("keyring", *names)), ("file", *names), clean)
        replace_file(kept.path, text)
    where = f"the keyring ({keyring})" if keyring else str(kept.path)
    return Changed(setting=found, where=(where,), hidden_by=_hiding(found, kept.path))


def unset(found: Setting) -> Changed:
    """Remove a setting from the settings file, a secret from wherever it is kept.

    Raises BadInput where it is not set, SetupError where the keyring does not answer.
    """
    where = _forget(found) if found.secret else []
    if has_entry(_text(places()[1]), found.names):
        where += _rewrite(found, lambda text: without_entry(text, found.names)).where
    source = _hiding(found, None) if found.secret else ""
    if not where:
        raise BadInput(
            f"{found} is not set" + (f" here: it comes from {source}" if source else ""),
            next="rushes config show says what is set",
        )
    return Changed(setting=found, where=tuple(where), hidden_by=source)


def _forget(found: Setting) -> list[str]:
    """Remove a key from where it is kept; return from where."""
    folder = places()[1].parent
    names = (found.engine, found.option)
    where = []
    if not folder.exists():
        return []
    with translated(folder), alone(folder):
        kept = read_kept(folder)
        if kept.unread:
            raise BadSettings(f"no key is removed: {kept.fault}", next=kept.mend)
        text = _text(kept.path)
        entry = kept.in_keyring.get(found.engine, {}).get(found.option)
        if entry is not None:
            os_keyring.forget(entry)
            text = without_entry(text, ("keyring", *names))
            where.append("the keyring")
        if found.option in kept.in_file.get(found.engine, {}):
            text = without_entry(text, ("file", *names))
            where.append(str(kept.path))
        if where:
            replace_file(kept.path, text)
    return where


def _rewrite(found: Setting, change: Callable[[str], str]) -> Changed:
    """Change the settings file, where what comes of it can be read."""
    config = places()[1]
    with translated(config), alone(config.parent):
        text = _text(config)
        changed = change(text)
        table = tomllib.loads(changed)
        _check_change(found, tomllib.loads(text), table)
        _check_kind(found, table)
        replace_file(config, changed)
    return Changed(setting=found, where=(str(config),))


def _check_change(found: Setting, before: dict[str, Any], after: dict[str, Any]) -> None:
    """Raise BadInput if a change makes a mistake; one that stands elsewhere in the file keeps nobody off."""
    mistakes = settings_of(before, os.environ).faults
    for part, fault in settings_of(after, os.environ).faults.items():
        if part not in mistakes or (fault != mistakes[part] and ".".join(found.names) in fault.why):
            raise BadInput(f"nothing was changed: {fault.why}", next="correct the value")


def _check_kind(found: Setting, table: Mapping[str, Any]) -> None:
    """Raise BadInput where a setting would make an engine of a kind that there is not."""
    if not found.kind or found.engine not in table.get("engines", {}):
        return
    kind = kind_of(found.engine, table["engines"][found.engine])
    if kind not in registry.kinds():
        raise BadInput(
            f"no engine of the kind {kind!r} is installed; nothing was changed",
            next=f"kinds are: {', '.join(registry.kinds_to_offer())}",
        )


def _closed(kept: Kept) -> Kept:
    if kept.fault:
        raise BadSettings(f"no key is added: {kept.fault}", next=kept.mend)
    return kept


def _hiding(found: Setting, kept: Path | None) -> str:
    """Return the place that a secret is taken from, "" where that is the keyring or the file `kept`."""
    engine = load().engine(found.engine)
    if engine is None or found.option in engine.keyring:
        return ""
    source = engine.sources.get(found.option, "")
    return "" if source == str(kept) else source


def _text(path: Path) -> str:
    """Return a file as it is, line ends too; "" where there is none. Raises BadSettings."""
    try:
        return read_text(path)
    except FileNotFoundError:
        return ""
    except Unreadable as error:
        raise BadSettings(f"{path} cannot be read: {error}; nothing was changed") from error
