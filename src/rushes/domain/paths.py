"""Reading a path that a person gave: on the command line, in a batch, in a setting, to a tool, in Python."""

from __future__ import annotations

import os
from os import PathLike
from pathlib import Path
from urllib.parse import urlsplit

from rushes.domain.errors import BadInput

HERE = {"", "localhost"}
"""The hosts of a file: address that mean this machine (RFC 8089)."""

SHOWN_START, SHOWN_END = 100, 50
"""Characters of a long path that are shown of its start and of its end."""


def read_path(given: str | PathLike[str], *, what: str = "the path", folder: Path | None = None) -> Path:
    """Return the path that a text names; `folder` is what a relative one is meant from.

    `~` and `~name` are home folders, and a `file:` address is the path in it. Whether anything lies there is
    not looked at. Raises BadInput that begins with `what` for a text that can be no path.
    """
    text = os.fsdecode(given)
    if not text.strip():
        raise BadInput(f"{what} is empty", next="name a file or a folder")
    if text.lower().startswith("file:"):
        text = _from_address(text, what)
    if "://" in text and text.partition("://")[0].isalnum():
        raise BadInput(f"{what} is a web address, {shortened(text)}", next="name a file on this machine")
    try:
        if b"\0" in os.fsencode(text):
            raise BadInput(f"{what} is no path: {shortened(text)} (a zero byte)", next="check the path")
        path = Path(text).expanduser()
        return path if folder is None else folder / path
    except (UnicodeEncodeError, RuntimeError) as error:
        # Half a character, or the home folder of a user who is not there.
        raise BadInput(f"{what} is no path: {shortened(text)} ({error})", next="check the path") from error


def absolute(path: Path, *, what: str = "the path") -> Path:
    """Return a path from the root. Raises BadInput if the working folder, which it starts from, is gone."""
    try:
        return path.absolute()
    except OSError as error:
        raise BadInput(
            f"{what} is {shortened(path)}, and the working folder is gone", next="give the path from the root"
        ) from error


def shortened(path: str | Path) -> str:
    """Return a path as far as it fits into a message."""
    text = str(path)
    return text if len(text) <= SHOWN_START + SHOWN_END else f"{text[:SHOWN_START]}…{text[-SHOWN_END:]}"


def _from_address(text: str, what: str) -> str:
    """Return the path in a file: address. Raises BadInput for one of another machine."""
    # With it come ssl and an HTTP client, which no other command needs.
    from urllib.request import url2pathname

    parts = urlsplit(text)
    if parts.netloc.lower() not in HERE or not parts.path.startswith("/"):
        raise BadInput(
            f"{what} is {shortened(text)}, which names no file on this machine", next="write it as file:///…"
        )
    return url2pathname(parts.path)
