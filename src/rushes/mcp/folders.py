"""Which files the door may read for a client: the library's, and those below folders that were named."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from rushes.domain.errors import BadInput, BadReference
from rushes.domain.paths import read_path

IN_LIBRARY = ("clips", "references", "rejected")
"""The folders of the home that hold pictures and clips; the ledger, settings and keys lie beside them."""


def working_folder() -> list[Path]:
    """Return the folder this process works in: for a client that started it there, the project it works on.

    None where that holds a person's whole home folder.
    """
    here = Path.cwd().resolve()
    return [] if Path.home().resolve().is_relative_to(here) else [here]


class Folders:
    """The library below `home`, and `roots`."""

    def __init__(self, home: Path, roots: Iterable[Path]) -> None:
        self._home = home.resolve()
        self._library = [(home / name).resolve() for name in IN_LIBRARY]
        self.roots = tuple(root.resolve() for root in roots)

    def file(self, text: str) -> Path:
        """Return the file that `text` names, links followed. Raises BadReference for one elsewhere."""
        try:
            path = read_path(text)
            if not path.is_absolute():
                raise BadReference(f"{text} is not an absolute path", next="give the path from the root: /…")
            path = path.resolve()
            there = path.is_file()
        except BadReference:
            raise
        except BadInput as error:
            raise BadReference(error.message, next=error.next) from error
        except (OSError, RuntimeError, ValueError) as error:
            raise BadReference(f"{text!r} is no path: {error}", next="check the path") from error
        if not self._readable(path):
            named = ", ".join(map(str, self.roots)) or "none"
            raise BadReference(
                f"{path} is in no folder that this server may read (the library; named folders: {named})",
                next="put the file into one of them, or start rushes mcp with --root FOLDER or [mcp] roots; "
                "what is hidden is never read",
            )
        if not there:
            raise BadReference(f"{path} does not exist or is no file", next="check the path")
        return path

    def _readable(self, path: Path) -> bool:
        if any(path.is_relative_to(folder) for folder in self._library):
            return True
        # A root around the home does not open what lies in it beside the clips.
        beside = path.is_relative_to(self._home)
        return not beside and any(path.is_relative_to(root) and _open(path, root) for root in self.roots)


def _open(path: Path, root: Path) -> bool:
    """Whether nothing on the way from the root is hidden: what is may hold keys, as .env and .git do."""
    return not any(part.startswith(".") for part in path.relative_to(root).parts)
