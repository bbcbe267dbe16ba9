"""The keys that `rushes config set` keeps: `keys.toml` beside the settings file, and what is in the keyring.

The file has a table `file` with keys themselves, and a table `keyring` that says which keys the system's
keyring holds, and since when: so nobody has to open it to know, and a worker sees that a key was changed.
"""

from __future__ import annotations

import os
import re
import stat
import tomllib
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rushes.domain.permissions import HAS_OWNERS, OTHERS
from rushes.settings.reading import Unreadable, decoded, open_regular

FILE = "keys.toml"

AROUND = re.compile(r"^[\s\ufeff\u200b]+|[\s\ufeff\u200b]+$")
"""What copying a key leaves around it: spaces, line ends of every system, the mark at a file's beginning."""


@dataclass(frozen=True, kw_only=True)
class InKeyring:
    """A key in the system's keyring: the name of its entry, and since when it is there (ISO 8601)."""

    entry: str
    since: str


@dataclass(frozen=True, kw_only=True)
class Kept:
    """What is kept in `path`: by engine and option, the keys themselves, and which are in the keyring.

    `fault` says why the keys of the file must not be used, "" where they may; `mend` what to do about it.
    `unread`: not even which keys there are could be read.
    """

    path: Path
    in_file: Mapping[str, Mapping[str, str]] = field(default_factory=dict, repr=False)
    in_keyring: Mapping[str, Mapping[str, InKeyring]] = field(default_factory=dict)
    fault: str = ""
    mend: str = ""
    unread: bool = False

    def behind(
        self, engine: str, given: Collection[str]
    ) -> tuple[Mapping[str, InKeyring], Mapping[str, str]]:
        """Return an engine's keys for options that are not `given`: in the keyring, else in the file."""
        keyring = {
            option: entry for option, entry in self.in_keyring.get(engine, {}).items() if option not in given
        }
        file = {
            option: key
            for option, key in self.in_file.get(engine, {}).items()
            if option not in given and option not in keyring
        }
        return keyring, file


def read_kept(folder: Path) -> Kept:
    """Return the keys kept in `folder`, with nothing in it where there is no file, or none to be read."""
    path = folder / FILE
    try:
        with open_regular(path) as file:
            found = os.fstat(file.fileno())
            table = tomllib.loads(decoded(file))
        fault, mend = _fault(path, found)
        in_file = {engine: _texts(table["file"], engine) for engine in table.get("file", {})}
        in_keyring = {engine: _texts(table["keyring"], engine) for engine in table.get("keyring", {})}
    except FileNotFoundError:
        return Kept(path=path)
    except (Unreadable, OSError, ValueError, TypeError, RecursionError) as error:
        # What stands in it is not repeated: it may be a key.
        known = isinstance(error, Unreadable | OSError)
        reason = str(error) if known else "it is not as rushes config set writes it"
        return Kept(
            path=path,
            fault=f"{path} cannot be read: {reason}",
            mend=f"correct {path}, or delete it and set the keys again: rushes config set ENGINE.key",
            unread=True,
        )
    return Kept(
        path=path,
        in_file=in_file,
        in_keyring={
            engine: {
                option: InKeyring(entry=entry_name(folder, engine, option), since=since)
                for option, since in options.items()
            }
            for engine, options in in_keyring.items()
        },
        fault=fault,
        mend=mend,
    )


def clean_key(text: str) -> str | None:
    """Return a key without what copying it left around it; None: it has a character that no key can have.

    Keys travel in headers: printable ASCII, and no spaces.
    """
    key = AROUND.sub("", text)
    return key if re.fullmatch(r"[!-~]*", key) else None


def entry_name(folder: Path, engine: str, option: str) -> str:
    """Return the name of a key's entry in the keyring: another folder of settings has keys of its own."""
    return f"{engine}.{option} of {folder}"


def _texts(table: Mapping[str, Any], engine: str) -> dict[str, str]:
    texts = dict(table[engine])
    if not all(isinstance(text, str) for text in texts.values()):
        raise TypeError
    return texts


def _fault(path: Path, found: os.stat_result) -> tuple[str, str]:
    """Return why a file of keys must not be used, and the cure; two empty texts where it may."""
    if not HAS_OWNERS:
        return "", ""
    if os.geteuid() not in (0, found.st_uid):
        return f"{path} belongs to another user", f"delete {path}, and set the keys again"
    mode = stat.S_IMODE(found.st_mode)
    if mode & OTHERS:
        cure = f"chmod 600 {path}; where others use this machine, make new keys, too"
        return f"{path} is open to others (its mode is {mode:o})", cure
    around = path.resolve().parent.stat()
    if around.st_mode & stat.S_IWOTH and not around.st_mode & stat.S_ISVTX:
        return f"everybody may write in its folder {path.parent}", f"chmod o-w {path.parent}"
    return "", ""
