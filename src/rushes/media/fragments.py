"""When the samples of a file in fragments are shown: its head lists none, each `moof` has those of its part.

ISO/IEC 14496-12, 8.8: a `moof` holds a `traf` for each track, with `tfhd` (which track, usual length of a
sample), `tfdt` (when its first sample is decoded) and `trun` boxes (the samples).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import numpy as np

Children = Callable[[bytes], Iterator[tuple[bytes, bytes]]]

_OFFSET_OF_DATA, _FIRST_FLAGS, _LENGTH, _SIZE, _FLAGS, _COMPOSITION = 0x1, 0x4, 0x100, 0x200, 0x400, 0x800
_TFHD_FIELDS = ((0x1, 8), (0x2, 4))  # before the usual length: flag and bytes
_TFHD_LENGTH = 0x8


@dataclass(kw_only=True)
class Played:
    """What the fragments have of one track, in ticks.

    When the `first` sample is shown, when it is decoded (`begin`), and when all are decoded (`end`).
    """

    first: int | None = None
    begin: int = 0
    end: int = 0


@dataclass(kw_only=True)
class Fragments:
    """Adds up the fragments of a file, in their order; `tracks` by the id of each track.

    `usual` is the length of a sample by the head of the file (`trex`), for each track.
    """

    usual: dict[int, int] = field(default_factory=dict)
    tracks: dict[int, Played] = field(default_factory=dict)
    samples: int = 0

    def add(self, moof: bytes, children: Children) -> None:
        """Take the body of a `moof`; `children` yields the name and body of the boxes in a body."""
        for name, traf in children(moof):
            if name == b"traf":
                self._add_track(list(children(traf)))

    def _add_track(self, boxes: list[tuple[bytes, bytes]]) -> None:
        inside = dict(reversed(boxes))
        head = inside.get(b"tfhd", b"")
        if len(head) < 8:
            return
        number, usual = self._head(head)
        played = self.tracks.setdefault(number, Played())
        at = _start(inside.get(b"tfdt", b""), played.end)
        for run in (body for name, body in boxes if name == b"trun" and len(body) >= 8):
            count = int.from_bytes(run[4:8], "big")
            self.samples += count
            length, shift = _run(run, count, usual)
            if played.first is None:
                played.first, played.begin = at + shift, at
            at += length
            played.end = max(played.end, at)

    def _head(self, head: bytes) -> tuple[int, int]:
        """Return the track's id and how long its samples usually are, by a `tfhd`."""
        flags, number = int.from_bytes(head[1:4], "big"), int.from_bytes(head[4:8], "big")
        at = 8 + sum(size for flag, size in _TFHD_FIELDS if flags & flag)
        if flags & _TFHD_LENGTH and len(head) >= at + 4:
            return number, int.from_bytes(head[at : at + 4], "big")
        return number, self.usual.get(number, 0)


def _start(tfdt: bytes, otherwise: int) -> int:
    size = 8 if tfdt[:1] == b"\x01" else 4  # version 1 has 64-bit times
    return int.from_bytes(tfdt[4 : 4 + size], "big") if len(tfdt) >= 4 + size else otherwise


def _run(run: bytes, count: int, usual: int) -> tuple[int, int]:
    """Return how long the samples of a `trun` last, and how long after decoding it the first is shown."""
    flags = int.from_bytes(run[1:4], "big")
    at = 8 + 4 * bool(flags & _OFFSET_OF_DATA) + 4 * bool(flags & _FIRST_FLAGS)
    columns = [one for one in (_LENGTH, _SIZE, _FLAGS, _COMPOSITION) if flags & one]
    width = len(columns)
    count = min(count, max(0, len(run) - at) // (4 * width)) if width else count
    table = (
        np.frombuffer(run, ">u4", count * width, at).reshape(count, width) if width and count > 0 else None
    )
    lengths = table[:, columns.index(_LENGTH)] if table is not None and _LENGTH in columns else None
    total = int(lengths.sum(dtype=np.uint64)) if lengths is not None else count * usual
    if table is None or _COMPOSITION not in columns:
        return total, 0
    # Signed from version 1 on, and in practice before.
    return total, int(table[0, columns.index(_COMPOSITION)].astype(np.int32))
