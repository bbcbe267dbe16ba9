"""The files behind a draft: a source, its smaller versions and its pictures, plain or drawn."""

from __future__ import annotations

import asyncio
import io
import json
import struct
import sys
import tempfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from rushes.media.edge import open_video
from rushes.media.encode import VideoWriter
from rushes.testing.sora_emulator.orders import Order

RATE = 48_000
PLAIN_FPS = 5
TONE_S = 1.0  # a whole tone takes the encoder longer than all pictures do
MD, LD = 0.7, 0.5
LONGEST_DRAWN = 60.0
PRESET = "ultrafast"


@dataclass(frozen=True, kw_only=True)
class Clip:
    """MP4s of the same pictures in three sizes, with sound, `seconds` long; and the first picture."""

    source: bytes
    md: bytes
    ld: bytes
    thumbnail: bytes
    gif: bytes
    silent: bytes
    seconds: float

    def file(self, variant: str, mark: str) -> bytes:
        """Return a variant's bytes. `mark` is in a box that players skip: no two clips are the same file."""
        if variant in ("thumbnail", "unfurl"):
            return self.thumbnail
        if variant == "gif":
            return self.gif
        data: bytes = getattr(self, variant if variant in ("md", "ld", "silent") else "source")
        text = mark.encode()
        return data + struct.pack(">I4s", 8 + len(text), b"free") + text


class Studio:
    """Where clips come from: plain ones made once for each size and length, drawn ones for each prompt."""

    def __init__(self) -> None:
        self._plain: dict[tuple[int, int, float], Clip] = {}
        self._one_at_a_time = asyncio.Lock()

    async def plain(self, order: Order) -> Clip:
        """Return the clip that all orders of this size and length get."""
        width, height = order.pixels
        key = (width, height, order.seconds)
        async with self._one_at_a_time:
            if key not in self._plain:
                self._plain[key] = await asyncio.to_thread(_shoot, *key)
        return self._plain[key]

    async def draw(self, order: Order) -> Clip:
        """Draw the words of an order, in a process that dies with this one. Raises RuntimeError."""
        async with self._one_at_a_time:
            with tempfile.TemporaryDirectory() as folder:
                path = Path(folder) / "source.mp4"
                await _render(order, path)
                return await asyncio.to_thread(_cut_down, path, *order.pixels)


async def _render(order: Order, path: Path) -> None:
    width, height = order.pixels
    asked = {
        "prompt": order.prompt,
        "seconds": min(LONGEST_DRAWN, order.seconds),
        "width": width,
        "height": height,
        "seed": zlib.crc32(order.prompt.encode()),
        "destination": str(path),
        "caption": False,
    }
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-P",
        "-m",
        "rushes.engines.animatic.render",
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(json.dumps(asked).encode() + b"\n")
    said = b""
    async for line in process.stdout:
        said = line
    if await process.wait() or not path.is_file():
        raise RuntimeError(f"the drawing failed: {said.decode(errors='replace').strip()}")


def _shoot(width: int, height: int, seconds: float) -> Clip:
    """Film a bright square that crosses a gradient, with a soft tone at its beginning, in all sizes."""
    sizes = {name: _scaled(width, height, share) for name, share in (("md", MD), ("ld", LD))}
    return Clip(
        source=_encode(_crossing(width, height, seconds), width, height, _tone(seconds)),
        md=_encode(_crossing(*sizes["md"], seconds), *sizes["md"], _tone(seconds)),
        ld=_encode(_crossing(*sizes["ld"], seconds), *sizes["ld"], _tone(seconds)),
        silent=_encode(_crossing(width, height, seconds), width, height, None),
        seconds=seconds,
        **_stills(next(_crossing(width, height, seconds))),
    )


def _cut_down(path: Path, width: int, height: int) -> Clip:
    """Read a drawn clip and make its smaller versions."""
    sound = _sound_of(path)
    sizes = {name: _scaled(width, height, share) for name, share in (("md", MD), ("ld", LD))}
    return Clip(
        source=path.read_bytes(),
        md=_encode(_pictures_of(path, *sizes["md"]), *sizes["md"], sound, fps=30),
        ld=_encode(_pictures_of(path, *sizes["ld"]), *sizes["ld"], sound, fps=30),
        silent=_encode(_pictures_of(path, width, height), width, height, None, fps=30),
        seconds=round(len(sound) / RATE, 2),
        **_stills(next(_pictures_of(path, width, height))),
    )


def _scaled(width: int, height: int, share: float) -> tuple[int, int]:
    return (int(width * share) // 2 * 2, int(height * share) // 2 * 2)


def _crossing(width: int, height: int, seconds: float) -> Iterator[NDArray[np.uint8]]:
    backdrop = np.linspace(30, 120, width, dtype=np.uint8)[None, :, None].repeat(height, 0).repeat(3, 2)
    side, count = min(width, height) // 4, round(seconds * PLAIN_FPS)
    for number in range(count):
        frame = backdrop.copy()
        left = (width - side) * number // (count - 1)
        frame[height // 2 - side // 2 : height // 2 + side // 2, left : left + side] = (230, 200, 60)
        yield frame


def _tone(seconds: float) -> NDArray[np.float32]:
    times = np.arange(int(RATE * seconds)) / RATE
    tone = (0.1 * np.sin(2 * np.pi * 220 * times) * (times < TONE_S)).astype(np.float32)
    return np.stack([tone, tone], axis=1)


def _pictures_of(path: Path, width: int, height: int) -> Iterator[NDArray[np.uint8]]:
    with open_video(path) as (container, stream):
        for frame in container.decode(stream):
            yield frame.to_ndarray(format="rgb24", width=width, height=height).astype(np.uint8, copy=False)


def _sound_of(path: Path) -> NDArray[np.float32]:
    with open_video(path) as (container, _):
        pieces = [frame.to_ndarray().T for frame in container.decode(audio=0)]
    return np.concatenate(pieces).astype(np.float32)


def _encode(
    frames: Iterator[NDArray[np.uint8]],
    width: int,
    height: int,
    sound: NDArray[np.float32] | None,
    *,
    fps: int = PLAIN_FPS,
) -> bytes:
    rate = None if sound is None else RATE
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "clip.mp4"
        with VideoWriter(
            path, width=width, height=height, fps=fps, audio_rate=rate, preset=PRESET, threads=1
        ) as writer:
            for frame in frames:
                writer.write_rgb(frame)
            if sound is not None:
                writer.write_audio(sound)
        return path.read_bytes()


def _stills(frame: NDArray[np.uint8]) -> dict[str, bytes]:
    still, made = Image.fromarray(frame), {}
    for name, kind in (("thumbnail", "JPEG"), ("gif", "GIF")):
        buffer = io.BytesIO()
        still.save(buffer, kind)
        made[name] = buffer.getvalue()
    return made
