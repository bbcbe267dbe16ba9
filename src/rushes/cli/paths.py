"""Paths on the command line: read as everywhere else, see `rushes.domain.paths`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from rushes.domain.errors import BadInput
from rushes.domain.paths import read_path


class PathType(click.ParamType[Path]):
    """The path of something to read or of a folder: with `kind` a "file" or "folder" that has to be there."""

    name = "path"

    def __init__(self, kind: str | None = None) -> None:
        self._kind = kind

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Path:
        try:
            path = read_path(value)
        except BadInput as error:
            self.fail(error.message, param, ctx)
        is_there = {"file": Path.is_file, "folder": Path.is_dir}.get(self._kind or "", lambda _: True)
        try:
            found = is_there(path)
        except OSError as error:
            self.fail(f"{path} cannot be used: {error.strerror}", param, ctx)
        if not found:
            self.fail(f"there is no {self._kind} {path}", param, ctx)
        return path


PATH, FILE, FOLDER = PathType(), PathType("file"), PathType("folder")

force_option = click.option("--force", is_flag=True, help="Replace a file that is there already.")
