"""Environment variables, and where each was found: the process, then `.env` files."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from io import StringIO
from pathlib import Path

from rushes.settings.reading import Unreadable, read_text


@dataclass(frozen=True, kw_only=True)
class Environment:
    """The variables of the process over those of `.env` files, the nearest file first.

    `shared` is the `.env` beside the settings file, there or not: what stands there, everybody reads.
    `faults` says in words of each `.env` that was there and could not be used what was passed over.
    """

    process: Mapping[str, str]
    files: Mapping[Path, Mapping[str, str]]
    shared: Path
    faults: Mapping[Path, str] = field(default_factory=dict)

    def get(self, variable: str) -> str | None:
        """Return a variable's value; one that is set to nothing hides those of the files behind it."""
        found = (values[variable] for values in (self.process, *self.files.values()) if variable in values)
        return next(found, None)

    def place(self, variable: str) -> str:
        """Return in words where a variable that is set comes from."""
        if variable in self.process:
            return f"the environment variable {variable}"
        return f"{variable} in {self._file_of(variable)}"

    def is_private(self, variable: str) -> bool:
        """Whether a variable that is set is seen by this process, or in this folder, alone."""
        return variable in self.process or self._file_of(variable) != self.shared

    def _file_of(self, variable: str) -> Path:
        return next(file for file, values in self.files.items() if variable in values)


def read_environment(process: Mapping[str, str], folder: Path | None, config: Path) -> Environment:
    """Return what is set: the nearest `.env` from `folder` upward, then the one in the folder `config`.

    `folder` None: only the latter. These files are for other programs, too: what cannot be used of them is
    passed over.
    """
    shared = config / ".env"
    files: dict[Path, Mapping[str, str]] = {}
    faults: dict[Path, str] = {}
    for place in () if folder is None else (folder, *folder.parents):
        # One that cannot be used is the nearest all the same: a key further up is not of this project.
        if _read_into(files, faults, place / ".env"):
            break
    _read_into(files, faults, shared)
    return Environment(process=process, files=files, shared=shared, faults=faults)


def _read_into(files: dict[Path, Mapping[str, str]], faults: dict[Path, str], path: Path) -> bool:
    """Read one `.env`; False where there is none."""
    if os.path.isdir(path):
        if not os.path.isfile(path / "pyvenv.cfg"):
            faults[path] = f"{path} is passed over: it is a folder"
        return False
    try:
        files[path], broken_line = _variables(read_text(path))
    except FileNotFoundError:
        return False
    except Unreadable as error:
        files[path] = {}
        faults[path] = f"{path} is passed over: {error}"
    else:
        if broken_line is not None:
            faults[path] = f"line {broken_line} of {path} is passed over: it is not NAME=value"
    return True


def _variables(text: str) -> tuple[Mapping[str, str], int | None]:
    """Return the variables that are set in a `.env`, and the first line that sets none and should."""
    from dotenv import dotenv_values
    from dotenv.parser import parse_stream

    bindings = list(parse_stream(StringIO(text)))
    broken_line = next((one.original.line for one in bindings if one.error), None)
    sound = StringIO("".join(one.original.string for one in bindings if not one.error))
    return {
        name: value for name, value in dotenv_values(stream=sound).items() if value is not None
    }, broken_line
