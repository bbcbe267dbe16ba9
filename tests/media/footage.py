"""Real clips for the tests of the media room: each frame carries its own number as a pattern of bits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
from av.bitstream import BitStreamFilterContext
from numpy.typing import NDArray
from PIL import Image

from rushes.testing.footage import CREDENTIALS

BITS = 10
Pixels = NDArray[np.uint8]


def numbered(number: int, width: int = 320, height: int = 180) -> Pixels:
    """Return an RGB frame (height, width, 3) whose upper half shows `number` as ten black or white bars.

    The lower half moves, so that the encoder has something to predict.
    """
    frame = np.empty((height, width, 3), np.uint8)
    for bit in range(BITS):
        left, right = bit * width // BITS, (bit + 1) * width // BITS
        frame[: height // 2, left:right] = 235 if number >> bit & 1 else 20
    across = np.arange(width) + 3 * number
    down = np.arange(height - height // 2)
    pattern = 120 + 50 * np.sin(across / 9)[None, :] + 30 * np.sin(down / 5)[:, None]
    frame[height // 2 :] = pattern[..., None].astype(np.uint8)
    return frame


def read_number(picture: Pixels) -> int:
    """Return the number that a frame of `numbered`, or a scaled copy of it, shows."""
    height, width = picture.shape[:2]
    row = picture[height // 4 - 2 : height // 4 + 3].mean(axis=(0, 2))
    bits = [
        row[int((bit + 0.3) * width / BITS) : int((bit + 0.7) * width / BITS)].mean() for bit in range(BITS)
    ]
    return sum(1 << bit for bit, level in enumerate(bits) if level > 128)


def still(level: int, width: int = 320, height: int = 180) -> Pixels:
    """Return a plain grey RGB frame."""
    return np.full((height, width, 3), level, np.uint8)


def tone(seconds: float, rate: int = 48000, level: float = 0.1, channels: int = 2) -> NDArray[np.float32]:
    """Return a 997 Hz tone, float32 (channels, n)."""
    wave = level * np.sin(2 * np.pi * 997 * np.arange(round(seconds * rate)) / rate)
    return np.ascontiguousarray(np.tile(wave.astype(np.float32), (channels, 1)))


@dataclass(frozen=True, kw_only=True)
class Sound:
    """A sound track to be written: its codec, layout, rate and samples (channels, n).

    The samples are heard once from each of the times `starts`, in seconds; nothing is written between.
    """

    samples: NDArray[np.float32]
    codec: str = "aac"
    layout: str = "stereo"
    rate: int = 48000
    starts: Sequence[float] = (0.0,)


@dataclass(frozen=True, kw_only=True)
class Footage:
    """How a test clip is written; the defaults give a healthy one."""

    frames: Sequence[Pixels]
    fps: Fraction = Fraction(24)
    times: Sequence[int] | None = None  # in thousandths of a second, for a variable frame rate
    codec: str = "libx264"
    pix_fmt: str = "yuv420p"
    codec_tag: str | None = None
    colour: tuple[int, int, int] | None = (1, 1, 1)
    full_range: bool = False
    sar: Fraction = Fraction(1)
    rotation: int = 0  # clockwise
    options: dict[str, str] = field(default_factory=lambda: {"preset": "superfast"})
    container: dict[str, str] = field(default_factory=lambda: {"movflags": "+faststart", "write_btrt": "0"})
    format: str | None = None
    gop: int = 24
    sounds: Sequence[Sound] = ()
    marker: str | None = None  # a bit-stream filter for the pictures, by copying


def shoot(path: Path, footage: Footage) -> Path:
    """Write the clip with plain libav, so that it may break every rule that our own writer keeps."""
    height, width = footage.frames[0].shape[:2]
    with av.open(path, "w", format=footage.format, options=footage.container) as output:
        stream = output.add_stream(footage.codec, rate=footage.fps, options=dict(footage.options))
        assert isinstance(stream, av.VideoStream)
        context = stream.codec_context
        context.width, context.height, context.pix_fmt = width, height, footage.pix_fmt
        context.gop_size = footage.gop
        context.sample_aspect_ratio = footage.sar
        if footage.codec_tag:
            context.codec_tag = footage.codec_tag
        if footage.colour:
            context.color_primaries, context.color_trc, context.colorspace = footage.colour
            context.color_range = 2 if footage.full_range else 1
        if footage.rotation:
            stream.set_display_rotation(360 - footage.rotation)
        tick = Fraction(1, 1000) if footage.times is not None else 1 / footage.fps
        context.time_base = tick
        sounds = [(sound, _add_sound(output, sound)) for sound in footage.sounds]
        for at, pixels in enumerate(footage.frames):
            frame = av.VideoFrame.from_ndarray(pixels, format="rgb24").reformat(
                format=footage.pix_fmt,
                dst_colorspace="ITU709",
                dst_color_range="JPEG" if footage.full_range else "MPEG",
            )
            if footage.colour is None:
                frame.colorspace, frame.color_range = 2, 0
            frame.pts = footage.times[at] if footage.times is not None else at
            frame.time_base = tick
            output.mux(stream.encode(frame))
        output.mux(stream.encode(None))
        for sound, track in sounds:
            _write_sound(output, track, sound)
    return path


def _add_sound(output: av.container.OutputContainer, sound: Sound) -> av.AudioStream:
    track = output.add_stream(sound.codec, rate=sound.rate, layout=sound.layout)
    assert isinstance(track, av.AudioStream)
    return track


def _write_sound(output: av.container.OutputContainer, track: av.AudioStream, sound: Sound) -> None:
    for start in sound.starts:
        frame = av.AudioFrame.from_ndarray(sound.samples, format="fltp", layout=sound.layout)
        frame.sample_rate, frame.time_base = sound.rate, Fraction(1, sound.rate)
        frame.pts = round(start * sound.rate)
        output.mux(track.encode(frame))
    output.mux(track.encode(None))


def relabel(source: Path, target: Path, marker: str) -> Path:
    """Copy the pictures of `source` through a bit-stream filter, to claim another level and the like."""
    options = {"movflags": "+faststart", "write_btrt": "0"}
    with av.open(source) as container, av.open(target, "w", options=options) as output:
        stream = container.streams.video[0]
        copy = output.add_stream_from_template(stream)
        bits = BitStreamFilterContext(marker, stream, copy)
        for packet in container.demux(stream):
            for each in bits.filter(packet if packet.size else None):
                each.stream = copy
                output.mux(each)
    return target


def sign(path: Path) -> Path:
    """Add a box of content credentials to a file: at the end, where no sample moves."""
    path.write_bytes(path.read_bytes() + CREDENTIALS)
    return path


def decoded(path: Path) -> list[Any]:
    """Return all frames of `path`, decoded in the plainest way."""
    with av.open(path) as container:
        return list(container.decode(video=0))


def pixels(path: Path) -> Pixels:
    """Return a picture file as an RGB array."""
    with Image.open(path) as picture:
        return np.asarray(picture.convert("RGB"))
