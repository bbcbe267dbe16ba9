"""The files that the provider double serves: one small real clip, and the ways to spoil it."""

from __future__ import annotations

import hashlib
import struct
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

PAGE = b"<!doctype html><html><head><title>Oops</title></head><body>Sign in to continue</body></html>"
FPS = 12
CREDENTIALS = (
    struct.pack(">I4s", 128, b"uuid")
    + bytes.fromhex("d8fec3d61b0e483c92975828877ec481")
    + bytes(4)
    + b"manifest\0".ljust(100, b"\0")
)
"""A box of content credentials that holds none (C2PA specification, A.5); a file plays as before with it."""

RATE = 48_000


VARIANTS = ("small", "truncated", "moov_last", "signed", "signed_moov_last")
"""Kinds of candidates that are served as the file of the same name."""


@dataclass(frozen=True)
class Footage:
    """A clip with sound of `width` × `height` pixels (even) and `seconds`, and its spoiled variants."""

    width: int = 320
    height: int = 180
    seconds: float = 1.0

    def named(self, kind: str) -> bytes:
        """Return the bytes that a kind of candidate serves; see `script.Rule.candidates`."""
        spoiled = {"html": "page", **{name: name for name in VARIANTS}}
        found: bytes = getattr(self, spoiled.get(kind, "whole"))
        return found

    @cached_property
    def whole(self) -> bytes:
        return _shoot(self.width, self.height, self.seconds)

    @cached_property
    def small(self) -> bytes:
        """The same at half the size, as a preview would be."""
        return _shoot(self.width // 4 * 2, self.height // 4 * 2, self.seconds)

    @property
    def truncated(self) -> bytes:
        """The index and half of the pictures: a length that was promised, and a file that is cut short."""
        return self.whole[: len(self.whole) * 6 // 10]

    @property
    def page(self) -> bytes:
        return PAGE

    @cached_property
    def moov_last(self) -> bytes:
        """The same clip with its index behind the pictures, as many encoders leave it."""
        boxes = dict(_boxes(self.whole))
        moov = bytearray(boxes.pop(b"moov"))
        at = moov.find(b"stco")
        while at != -1:
            (count,) = struct.unpack_from(">I", moov, at + 8)
            for entry in range(at + 12, at + 12 + 4 * count, 4):
                (offset,) = struct.unpack_from(">I", moov, entry)
                struct.pack_into(">I", moov, entry, offset - len(moov))
            at = moov.find(b"stco", at + 4)
        return b"".join(boxes.values()) + bytes(moov)

    @property
    def signed(self) -> bytes:
        """The same clip with a box of content credentials that nobody signed."""
        return self.whole + CREDENTIALS

    @property
    def signed_moov_last(self) -> bytes:
        return self.moov_last + CREDENTIALS


def etag(data: bytes) -> str:
    return f'"{hashlib.sha256(data).hexdigest()[:16]}"'


def _boxes(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    at = 0
    while at < len(data):
        (size,) = struct.unpack_from(">I", data, at)
        yield data[at + 4 : at + 8], data[at : at + size]
        at += size


def _shoot(width: int, height: int, seconds: float) -> bytes:
    """Film a bright square that crosses a gradient, with a soft tone."""
    # Here and not above: a third of a second that only who asks for a file need spend.
    import numpy as np

    from rushes.media.encode import VideoWriter

    backdrop = np.linspace(30, 120, width, dtype=np.uint8)[None, :, None].repeat(height, 0).repeat(3, 2)
    side, frames = height // 4, max(2, round(seconds * FPS))
    times = np.arange(int(RATE * frames / FPS)) / RATE
    tone = (0.1 * np.sin(2 * np.pi * 220 * times)).astype(np.float32)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "clip.mp4"
        with VideoWriter(path, width=width, height=height, fps=FPS, audio_rate=RATE, threads=1) as writer:
            for number in range(frames):
                frame = backdrop.copy()
                left = (width - side) * number // (frames - 1)
                frame[side : 2 * side, left : left + side] = (230, 200, 60)
                writer.write_rgb(frame)
            writer.write_audio(np.stack([tone, tone], axis=1))
        return path.read_bytes()
