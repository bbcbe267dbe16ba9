"""Keeping our folders out of a repository that they may lie in: they hold sign-ins, prompts and clips."""

from __future__ import annotations

import os
from contextlib import suppress
from fnmatch import fnmatch
from pathlib import Path

NAME = ".gitignore"

TEXT = "# Written by rushes: nothing here belongs in a repository. Change it as you like; it stays so.\n*\n"

OURS = (
    "ledger.*",
    "worker.*",
    "config.toml",
    "keys.toml",
    ".env",
    ".rushes.lock",
    "catalogue",
    "clips",
    "emulator",
    "looks",
    "profiles",
    "references",
    "rejected",
    "rescued",
    "schemas",
    "staging",
    "work",
)
"""What lies in a home that nobody else uses."""


def ignore_all(folder: Path) -> None:
    """Have git pass over a folder that is ours alone. A file of that name stays as it is, even an empty one.

    A folder that cannot be written to is left to whoever uses it next.
    """
    with suppress(OSError):
        descriptor = os.open(folder / NAME, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with open(descriptor, "w", encoding="utf-8", newline="\n") as file:
            file.write(TEXT)


def ignore_home(home: Path) -> None:
    """Do the same to a home, unless a person keeps other things in it too: those are theirs to track."""
    with suppress(OSError):
        names = [one.name for one in os.scandir(home)]
        if NAME not in names and all(any(fnmatch(name, ours) for ours in OURS) for name in names):
            ignore_all(home)
