"""The files behind a draft: a source, the same with the mark, its smaller versions and its stills."""

from __future__ import annotations

import asyncio
import io
import json
import struct
import sys
import tempfile
import zlib
from collections import OrderedDict
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from rushes.engines.animatic.planes import Frame
from rushes.media.edge import open_video
from rushes.media.encode import VideoWriter
from rushes.testing.sora_emulator.credentials import with_credentials
from rushes.testing.sora_emulator.landscape import rgb_of_frame
from rushes.testing.sora_emulator.marking import mark
from rushes.testing.sora_emulator.orders import FPS
from rushes.testing.sora_emulator.pictures import pictures
from rushes.testing.sora_emulator.scene import Scene

RATE = 48_000
CHIME_S = 0.3
"""A sound as long as the clip takes the encoder longer than all its pictures do."""

MD, LD = 0.7, 0.5
LONGEST_DRAWN = 60.0
PRESET = "ultrafast"
GIF_EVERY = FPS // 2
GIF_PICTURES = 8
GIF_WIDTH = 160
MOST_CLIPS = 24
"""How many clips are held ready for an equal order."""


@dataclass(frozen=True, kw_only=True)
class Clip:
    """The files of one video, `seconds` long.

    `source` has no mark and no content credentials; `marked` has both, in the same size. `md` and `ld` are
    smaller, with the mark; `thumbnail` (JPEG) and `gif` come from them. `poster` is the first picture
    without the mark, as PNG.
    """

    source: bytes
    marked: bytes
    md: bytes
    ld: bytes
    thumbnail: bytes
    gif: bytes
    poster: bytes
    seconds: float

    def file(self, variant: str, name: str) -> bytes:
        """Return a variant's bytes. `name` is in a box that players skip: no two clips are the same file."""
        if variant in ("thumbnail", "unfurl"):
            return self.thumbnail
        if variant == "gif":
            return self.gif
        data: bytes = getattr(self, variant)
        text = name.encode()
        return data + struct.pack(">I4s", 8 + len(text), b"free") + text


class Studio:
    """Where clips come from, one at a time; of equal scenes only the first is filmed."""

    def __init__(self) -> None:
        self._clips: OrderedDict[tuple[Scene, bool], Clip] = OrderedDict()
        self._one_at_a_time = asyncio.Lock()

    async def film(self, scene: Scene, *, drawn: bool) -> Clip:
        """Return the clip of a scene; to have its words `drawn` takes long. Raises RuntimeError."""
        key = (scene, drawn)
        async with self._one_at_a_time:
            if key not in self._clips:
                with tempfile.TemporaryDirectory() as folder:
                    takes = await _draw(scene, Path(folder)) if drawn and scene.remixed is None else ()
                    self._clips[key] = await asyncio.to_thread(_film, scene, takes)
            self._clips.move_to_end(key)
            while len(self._clips) > MOST_CLIPS:
                self._clips.popitem(last=False)
            return self._clips[key]


async def _draw(scene: Scene, folder: Path) -> list[Path]:
    """Have each shot drawn, in processes that die with this one. Raises RuntimeError."""
    first = None
    if scene.first is not None:
        first = folder / "first"
        first.write_bytes(scene.first)
    takes = []
    for number, shot in enumerate(scene.shots):
        path = folder / f"take-{number}.mp4"
        await _render(scene, shot.words, shot.frames / FPS, first if number == 0 else None, path)
        takes.append(path)
    return takes


async def _render(scene: Scene, words: str, seconds: float, first: Path | None, path: Path) -> None:
    asked = {
        "prompt": words,
        "seconds": min(LONGEST_DRAWN, seconds),
        "width": scene.width,
        "height": scene.height,
        "seed": zlib.crc32(words.encode()),
        "destination": str(path),
        "caption": False,
        "first_frame": None if first is None else str(first),
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
    answer = b""
    async for line in process.stdout:
        answer = line
    if await process.wait() or not path.is_file():
        raise RuntimeError(f"the drawing failed: {answer.decode(errors='replace').strip()}")


def _film(scene: Scene, takes: Sequence[Path]) -> Clip:
    """Encode the pictures of a scene in all sizes."""
    sound = _sound(scene, takes) if scene.has_sound else None
    with tempfile.TemporaryDirectory() as folder:
        source, marked, md, ld = (Path(folder) / f"{name}.mp4" for name in ("source", "marked", "md", "ld"))
        first = _shoot(scene, takes, sound, marked, clean=source)
        if not takes:
            # The silence after the chime takes as long to encode as the pictures of a preview do.
            sound = None if sound is None else sound[: int(RATE * CHIME_S)]
        _shoot(scene, takes, sound, md, share=MD)
        stills: list[Frame] = []
        _shoot(scene, takes, sound, ld, share=LD, stills=stills)
        return Clip(
            source=source.read_bytes(),
            marked=with_credentials(marked.read_bytes()),
            md=md.read_bytes(),
            ld=ld.read_bytes(),
            thumbnail=_saved("JPEG", stills[:1]),
            gif=_saved("GIF", stills),
            poster=_saved("PNG", [first]),
            seconds=round(scene.seconds, 2),
        )


def _shoot(
    scene: Scene,
    takes: Sequence[Path],
    sound: NDArray[np.float32] | None,
    marked: Path,
    *,
    clean: Path | None = None,
    share: float = 1.0,
    stills: list[Frame] | None = None,
) -> Frame:
    """Write the pictures of a scene with the mark, and without it to `clean`; return the first one as it is.

    `share` is how much of each side is left; every half second `stills` gets a picture with the mark.
    """
    width, height = (int(side * share) // 2 * 2 for side in (scene.width, scene.height))
    first = None
    with ExitStack() as open_files:
        writers = {
            path: open_files.enter_context(_writer(path, width, height, sound is not None))
            for path in (clean, marked)
            if path is not None
        }
        for number, frame in enumerate(pictures(scene, width, height, takes)):
            first = first or frame.copy()
            if clean is not None:
                writers[clean].write_planes(frame.y, frame.u, frame.v)
            mark(frame, number / FPS)
            writers[marked].write_planes(frame.y, frame.u, frame.v)
            if stills is not None and number % GIF_EVERY == 0 and len(stills) < GIF_PICTURES:
                stills.append(frame)
        if sound is not None:
            for writer in writers.values():
                writer.write_audio(sound)
    assert first is not None
    return first


def _writer(path: Path, width: int, height: int, has_sound: bool) -> VideoWriter:
    rate = RATE if has_sound else None
    return VideoWriter(path, width=width, height=height, fps=FPS, audio_rate=rate, preset=PRESET, threads=1)


def _sound(scene: Scene, takes: Sequence[Path]) -> NDArray[np.float32]:
    """Return the sound of the takes, or a chime at the start; as long as the clip."""
    count = round(RATE * scene.seconds)
    sound = np.zeros((count, 2), np.float32)
    if takes and scene.before is None:
        played = np.concatenate([_sound_of(take) for take in takes])[:count]
        sound[: len(played)] = played
        return sound
    times = np.arange(min(count, int(RATE * CHIME_S))) / RATE
    chime = 0.2 * np.sin(2 * np.pi * 440 * times) * np.exp(-6 * times)
    sound[: len(times)] = chime[:, None]
    return sound


def _sound_of(path: Path) -> NDArray[np.float32]:
    with open_video(path) as (container, _):
        pieces = [frame.to_ndarray().T for frame in container.decode(audio=0)]
    return np.concatenate(pieces).astype(np.float32)


def _saved(kind: str, frames: Sequence[Frame]) -> bytes:
    """Return a still, or several as a small moving picture."""
    stills = [Image.fromarray(rgb_of_frame(frame)) for frame in frames]
    more: dict[str, Any] = {}
    if kind == "GIF":
        size = GIF_WIDTH, GIF_WIDTH * stills[0].height // stills[0].width
        # Octrees take a quarter of the time that Pillow's own choice of colours does.
        stills = [one.resize(size).quantize(64, Image.Quantize.FASTOCTREE) for one in stills]
        more = {"save_all": True, "append_images": stills[1:], "duration": 500, "loop": 0}
    buffer = io.BytesIO()
    stills[0].save(buffer, kind, **more)
    return buffer.getvalue()
