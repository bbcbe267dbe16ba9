"""Changes one entry in the text of a TOML file, and leaves its comments and layout as they are."""

from __future__ import annotations

import tomllib
from collections.abc import Callable, MutableMapping, Sequence
from math import isfinite
from typing import Any

import tomlkit
from tomlkit.exceptions import TOMLKitError

from rushes.domain.errors import BadSettings

Names = Sequence[str]
"""What leads to an entry: ("budget", "per_day")."""

Table = MutableMapping[str, Any]


def parsed(word: str) -> Any:
    """Return what a word of the command line stands for in TOML: 5, true, { a = 1 }, else the word itself."""
    if "\n" in word or "\r" in word:
        return word
    try:
        found = tomllib.loads(f"value = {word}")["value"]
    except tomllib.TOMLDecodeError:
        return word
    known = isinstance(found, int | str | list | dict) or (isinstance(found, float) and isfinite(found))
    return found if known else word


def with_entry(text: str, names: Names, value: Any) -> str:
    """Return `text` with an entry set; tables on the way to it are made. Raises BadSettings."""
    return _edited(text, names, lambda table: _put(table, names, value))


def without_entry(text: str, names: Names) -> str:
    """Return `text` without an entry, or as it is where there is none. Raises BadSettings.

    With the last table of a table that one goes, too.
    """
    if not has_entry(text, names):
        return text
    table = tomllib.loads(text)
    while isinstance(_at(table, names), dict) and len(names) > 1 and len(_at(table, names[:-1])) == 1:
        names = names[:-1]
    return _edited(text, names, lambda table: _at(table, names[:-1]).pop(names[-1]))


def has_entry(text: str, names: Names) -> bool:
    """Whether an entry is there."""
    try:
        return names[-1] in _at(tomllib.loads(text), names[:-1])
    except (KeyError, TypeError):
        return False


def _edited(text: str, names: Names, change: Callable[[Table], object]) -> str:
    """Return `text` after a change, which has to do to it what it does to the plain data."""
    unchangeable = BadSettings(
        f"{'.'.join(names)} cannot be changed in a file that is laid out like this; nothing was changed",
        next="change it by hand: rushes config path says where",
    )
    try:
        wanted = tomllib.loads(text)
        change(wanted)
        document = tomlkit.parse(text)
        change(document)
        changed = tomlkit.dumps(document)
        done = tomllib.loads(changed) == wanted
    except (TOMLKitError, tomllib.TOMLDecodeError, TypeError, AttributeError) as error:
        raise unchangeable from error
    if not done:
        raise unchangeable
    return changed


def _at(table: Table, names: Names) -> Table:
    for name in names:
        table = table[name]
    return table


def _put(table: Table, names: Names, value: Any) -> None:
    first, *rest = names
    if rest and first in table:
        return _put(table[first], rest, value)
    # A table that is made is whole when it is put in: the layout of an empty one is not kept in all places.
    for name in reversed(rest):
        value = {name: value}
    table[first] = value
