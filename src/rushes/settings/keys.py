"""The keys that `rushes config set` keeps: `keys.toml` beside the settings file, and what is in the keyring.

The file has a table `file` with keys themselves, and a table `keyring` that says which keys the system's
keyring holds, and since when: so nobody has to open it to know, and a worker sees that a key was changed.
"""

from __future__ import annotations

import os
import stat
import tomllib
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rushes.domain.errors import BadSettings

FILE = "keys.toml"
CLOSED = 0o600
CLOSED_FOLDER = 0o700


@dataclass(frozen=True, kw_only=True)
class InKeyring:
    """A key in the system's keyring: the name of its entry, and since when it is there (ISO 8601)."""

    entry: str
    since: str


@dataclass(frozen=True, kw_only=True)
class Kept:
    """What is kept in `path`: by engine and option, the keys themselves, and which are in the keyring.

    `fault` says why the keys of the file must not be used, "" where they may; `mend` what to do about it.
    """

    path: Path
    in_file: Mapping[str, Mapping[str, str]] = field(default_factory=dict, repr=False)
    in_keyring: Mapping[str, Mapping[str, InKeyring]] = field(default_factory=dict)
    fault: str = ""
    mend: str = ""

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
    """Return the keys kept in `folder`, with nothing in it where there is no file.

    Raises BadSettings for a file that cannot be read.
    """
    path = folder / FILE
    try:
        with path.open("rb") as file:
            found = os.fstat(file.fileno())
            table = tomllib.load(file)
        fault, mend = _fault(path, found)
        in_file = {engine: _texts(table["file"], engine) for engine in table.get("file", {})}
        in_keyring = {engine: _texts(table["keyring"], engine) for engine in table.get("keyring", {})}
    except FileNotFoundError:
        return Kept(path=path)
    except (OSError, ValueError, TypeError) as error:
        # A mistake in TOML is told by its place alone, a value by its name: the words may be a key.
        told = error.strerror if isinstance(error, OSError) else "it is not as rushes config set writes it"
        raise BadSettings(
            f"{path} cannot be read: {told}",
            next=f"correct {path}, or delete it and give the keys anew: rushes config set ENGINE.key",
        ) from None
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
    if os.geteuid() not in (0, found.st_uid):
        return f"{path} belongs to somebody else", f"delete {path}, and give the keys anew"
    mode = stat.S_IMODE(found.st_mode)
    if mode & 0o077:
        cure = f"chmod 600 {path}; where others use this machine, make new keys, too"
        return f"{path} is open to others (its mode is {mode:o})", cure
    around = path.resolve().parent.stat()
    if around.st_mode & stat.S_IWOTH and not around.st_mode & stat.S_ISVTX:
        return f"everybody may write in its folder {path.parent}", f"chmod o-w {path.parent}"
    return "", ""
