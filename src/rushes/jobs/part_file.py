"""A file that is on its way in: what is here of it, and whether its download can continue there."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from rushes.domain.errors import DiskFull, ResultBroken
from rushes.engines.contract import Source
from rushes.jobs.transfer import BrokenOff, Transfer

LOOK_EVERY_BYTES = 4 * 1024 * 1024
"""How much is written before the disk is looked at again."""


@dataclass(frozen=True, kw_only=True)
class PartFile:
    """The part of a file at `path`, with notes beside it; it grows as far as terms and disk allow.

    `spare_bytes` of the disk stay free.
    """

    path: Path
    source: Source
    transfer: Transfer
    spare_bytes: int

    @property
    def size(self) -> int:
        return self.path.stat().st_size if self.path.exists() else 0

    def resumable(self) -> tuple[int, str | None]:
        """Return how many bytes are here, and the tag of the file that they are of; 0 if it is not known."""
        try:
            notes = json.loads(self._notes.read_text(encoding="utf-8"))
            return self.path.stat().st_size, notes["tag"] or None
        except (OSError, ValueError, KeyError, TypeError):
            return 0, None

    def remember(self, tag: str) -> None:
        """Note which file begins to arrive, by what its server calls it; "" if it cannot be continued."""
        self._notes.write_text(json.dumps({"tag": tag}), encoding="utf-8")

    def forget(self) -> None:
        """Remove what is here, so that the next try starts over."""
        self.path.unlink(missing_ok=True)
        self.forget_notes()

    def forget_notes(self) -> None:
        self._notes.unlink(missing_ok=True)

    def write(self, pieces: Iterator[bytes], have: int = 0, length: int | None = None) -> None:
        """Write what follows the `have` bytes that are here; the server promises `length` bytes of it.

        Raises BrokenOff if it sends another number, ResultBroken for more than the file may have, DiskFull.
        """
        self.transfer.received, self.transfer.total = have, have + length if length is not None else None
        self._check(have + (length or 0), length or 0)
        count = looked_at = 0
        # As it comes, at most 64 KiB: asking for pieces of a size would lose the last one when it breaks off.
        with self.path.open("ab" if have else "wb", buffering=0) as file:
            for piece in pieces:
                count += len(piece)
                if count - looked_at >= LOOK_EVERY_BYTES or have + count > self.transfer.most_bytes:
                    self._check(have + count, len(piece))
                    looked_at = count
                file.write(piece)
                self.transfer.received = have + count
        if length is not None and count != length:
            raise BrokenOff(f"{count} of {length} bytes arrived")

    @property
    def _notes(self) -> Path:
        return self.path.with_name(self.path.name + ".json")

    def _check(self, file_bytes: int, coming: int) -> None:
        if file_bytes > self.transfer.most_bytes:
            self.forget()
            raise ResultBroken(
                f"{self.source} is larger than {self.transfer.most_bytes:,} bytes, the most that is "
                "downloaded for a clip of the length that was ordered"
            )
        if shutil.disk_usage(self.path.parent).free < coming + self.spare_bytes:
            raise DiskFull(
                f"the disk is too full for {self.source}: {coming:,} bytes are still to come, and "
                f"{self.spare_bytes:,} have to stay free"
            )
