"""What is written of a ledger outside its file, so that a copy and an old state of it can be told.

Beside the ledger lies `ledger.mark`, in the user's state folder a file named after the ledger's id. Both say
how many paid creates were sent from it; the second, which is not copied or restored along with the home, says
where the ledger lies, too.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from rushes.domain.permissions import PRIVATE_FILE, make_private


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where a file lies: its path, and the numbers that its system gives it, as text."""

    path: str
    device: str
    inode: str

    def is_same_file(self, other: Place) -> bool:
        """Whether both are one file. A device may get another number when it is mounted again."""
        return self.inode == other.inode and (self.device == other.device or self.path == other.path)

    @property
    def is_taken(self) -> bool:
        """Whether there is a file at its path."""
        return os.path.exists(self.path)


def place_of(path: Path) -> Place:
    """Return where the file at `path` lies. Raises OSError."""
    status = path.stat()
    return Place(path=os.path.realpath(path), device=str(status.st_dev), inode=str(status.st_ino))


@dataclass(frozen=True, kw_only=True)
class Mark:
    """What was last written of a ledger: its `id`, how many paid creates it had sent, and where it lay."""

    id: str
    sent: int
    place: Place


class Marks:
    """The marks of the ledger at `ledger`; `folder` is the user's own, None: there is none."""

    def __init__(self, ledger: Path, folder: Path | None) -> None:
        self._beside = ledger.with_suffix(".mark")
        self._folder = folder

    def beside(self, id: str) -> Mark | None:
        """Return the mark that lies beside the ledger, if it is one of the ledger `id`."""
        return _read(self._beside, id)

    def outside(self, id: str) -> Mark | None:
        """Return the mark of the ledger `id` in the user's folder."""
        return None if self._folder is None else _read(self._folder / f"{id}.json", id)

    def write(self, mark: Mark) -> None:
        """Write both marks. Raises OSError if the one beside fails.

        They are not synced, which would hold up every create: a power cut may leave them behind the ledger,
        which is synced, and never ahead of it.
        """
        text = json.dumps({"id": mark.id, "sent": mark.sent, **asdict(mark.place)}) + "\n"
        _replace(self._beside, text)
        if self._folder is not None:
            # A folder that cannot be written keeps nobody from buying: the other mark is there.
            with suppress(OSError):
                make_private(self._folder)
                _replace(self._folder / f"{mark.id}.json", text)


def _read(file: Path, id: str) -> Mark | None:
    """Return what a mark says; None if there is none, it cannot be read, or it is one of another ledger."""
    try:
        found: Any = json.loads(file.read_text(encoding="utf-8"))
        if not isinstance(found, Mapping) or found["id"] != id:
            return None
        place = Place(**{name: str(found[name]) for name in ("path", "device", "inode")})
        return Mark(id=id, sent=int(found["sent"]), place=place)
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _replace(file: Path, text: str) -> None:
    part = file.with_name(f"{file.name}.{os.getpid()}.part")
    handle = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, PRIVATE_FILE)
    try:
        os.write(handle, text.encode())
    finally:
        os.close(handle)
    os.replace(part, file)
