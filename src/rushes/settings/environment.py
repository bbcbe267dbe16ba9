"""Environment variables, and where each was found: the process, then `.env` files."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, kw_only=True)
class Environment:
    """The variables of the process over those of `.env` files, the nearest file first."""

    process: Mapping[str, str]
    files: Mapping[Path, Mapping[str, str]]

    def get(self, variable: str) -> str | None:
        """Return a variable's value; one that is set to nothing hides those of the files behind it."""
        found = (values[variable] for values in (self.process, *self.files.values()) if variable in values)
        return next(found, None)

    def place(self, variable: str) -> str:
        """Return in words where a variable that is set comes from."""
        if variable in self.process:
            return f"the environment variable {variable}"
        file = next(file for file, values in self.files.items() if variable in values)
        return f"{variable} in {file}"


def read_environment(process: Mapping[str, str], folder: Path, config: Path) -> Environment:
    """Return what is set: the nearest `.env` from `folder` upward, then the one in the folder `config`."""
    nearest = next((file for one in (folder, *folder.parents) if (file := one / ".env").is_file()), None)
    beside = config / ".env"
    files = [file for file in (nearest, beside) if file is not None and file.is_file()]
    if not files:
        return Environment(process=process, files={})
    from dotenv import dotenv_values

    values = {
        file: {name: value for name, value in dotenv_values(file).items() if value is not None}
        for file in files
    }
    return Environment(process=process, files=values)
