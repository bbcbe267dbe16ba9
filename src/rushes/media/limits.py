"""What a file may hold at most: a stranger's file is read only as far as some film can explain it.

Whatever is beyond these limits costs whoever decodes it memory or hours, and is no clip that anybody ordered.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from av.container import InputContainer
from av.frame import Frame
from av.video.stream import VideoStream

from rushes.domain.errors import BeyondRepair
from rushes.media.boxes import MOST_BOXES, MOST_INDEX_BYTES, MOST_TRACKS, Boxes

MOST_PIXELS = 8192 * 8192
"""Of one picture: a square of the width of 8K. References may have as much, see `picture`."""

MOST_FRAMES = 2 * 3600 * 60
"""Two hours at 60 frames a second."""

MOST_DECODED_PIXELS = MOST_FRAMES * 1920 * 1088
"""Of all pictures together: two hours of full HD, or half an hour of 4K, at 60 frames a second."""

MOST_RATE, FREE_FRAMES = 300, 1000
"""Frames a second: no provider makes more than 120. As many more are free, for clips with odd clocks."""

MOST_SAMPLES = 5 * MOST_FRAMES
"""Pictures and pieces of sound in the index of a file: libav keeps some 40 bytes of each in memory."""

MOST_SOUND_RATE = 384_000
MOST_CHANNELS = 32
"""Cinemas have 24 at most."""

MOST_METADATA = 4 * 1024 * 1024
"""Characters: some programs write their whole workflow into a clip."""

MOST_SETUP_BYTES = 1024 * 1024
"""What a track tells its decoder beforehand: usually some hundred bytes."""

MOST_SHAPE = 100
"""How many times as wide as high, or as high as wide, a picture may be shown."""

OPEN_OPTIONS = {"max_pixels": str(MOST_PIXELS), "max_streams": str(MOST_TRACKS)}
"""The same for libav, which looks into a file before we do."""


def check_boxes(path: Path, boxes: Boxes | None) -> None:
    """Raise BeyondRepair for an MP4 whose index alone would take more memory than its film could."""
    if boxes is None:
        return
    _limit(path, boxes.count, MOST_BOXES, "parts in its layout")
    _limit(path, boxes.index_bytes, MOST_INDEX_BYTES, "bytes in its index")
    _limit(path, boxes.samples, MOST_SAMPLES, "pictures and pieces of sound in its index")
    _limit(path, boxes.track_count, MOST_TRACKS, "tracks")


def check_streams(path: Path, container: InputContainer) -> None:
    """Raise BeyondRepair for what the headers of an open file say."""
    _limit(path, len(container.streams), MOST_TRACKS, "tracks")
    _limit(path, _metadata_of(container), MOST_METADATA, "characters in its notes")
    for stream in container.streams:
        context = stream.codec_context
        if context is None:
            continue
        _limit(path, len(context.extradata or b""), MOST_SETUP_BYTES, "bytes of settings for a decoder")
    for video in container.streams.video:
        if video.codec_context is None:
            continue
        width, height = video.codec_context.width, video.codec_context.height
        _limit(path, width * height, MOST_PIXELS, f"pixels in a picture ({width}x{height})")
        pixel = video.sample_aspect_ratio or 1
        _limit(path, int(width * height * pixel), 2 * MOST_PIXELS, "pixels in a picture as it is shown")
        shape = pixel * width / max(1, height)
        if width and height and not 1 / MOST_SHAPE <= shape <= MOST_SHAPE:
            raise BeyondRepair(f"{path} is to be shown {float(shape):.2g} times as wide as high: no film is")
    for audio in container.streams.audio:
        if audio.codec_context is not None:
            _limit(path, audio.codec_context.sample_rate, MOST_SOUND_RATE, "samples of sound a second")
            _limit(path, audio.codec_context.channels, MOST_CHANNELS, "channels of sound")


def check_size(path: Path, stream: VideoStream) -> None:
    """Raise BeyondRepair for pictures without a size: libav has found none, or one that it was to refuse."""
    context = stream.codec_context
    if context is not None and not (context.width and context.height):
        raise BeyondRepair(
            f"{path} does not say how large its pictures are, or they have more than {MOST_PIXELS:,} pixels, "
            "the most that is read"
        )


def _metadata_of(container: InputContainer) -> int:
    notes = [container.metadata, *(stream.metadata for stream in container.streams)]
    return sum(len(key) + len(value) for one in notes for key, value in one.items())


def _limit(path: Path, count: int, most: int, what: str) -> None:
    if count > most:
        raise BeyondRepair(f"{path} has {count:,} {what}; at most {most:,} are read")


@dataclass(frozen=True, kw_only=True)
class Budget:
    """What is decoded of one file: `frames`, their `pixels` together, and `seconds` of sound."""

    frames: int = MOST_FRAMES
    pixels: int = MOST_DECODED_PIXELS
    seconds: float = 3 * 3600.0


class Meter:
    """Counts what is decoded of the file at `path` against a budget."""

    def __init__(self, path: Path, budget: Budget) -> None:
        self._path, self._budget = path, budget
        self._frames = self._pixels = self._packets = 0
        self._start: float | None = None

    def count_packet(self) -> None:
        """Raise BeyondRepair for more packets than the frames and the sound of the budget can have."""
        self._packets += 1
        _limit(self._path, self._packets, 5 * self._budget.frames, "pieces")

    def count_picture(self, frame: Frame, width: int, height: int) -> None:
        """Raise BeyondRepair for a picture too many, or one that is too large."""
        self._frames += 1
        self._pixels += width * height
        _limit(self._path, width * height, MOST_PIXELS, f"pixels in a picture ({width}x{height})")
        _limit(self._path, self._frames, self._budget.frames, "pictures")
        _limit(self._path, self._pixels, self._budget.pixels, "pixels in all its pictures")
        if frame.time is not None:
            self._start = frame.time if self._start is None else self._start
            most = FREE_FRAMES + round(MOST_RATE * max(0.0, frame.time - self._start))
            if self._frames > most:
                raise BeyondRepair(
                    f"{self._path} has {self._frames:,} pictures in its first "
                    f"{frame.time - self._start:.3g} s; at most {MOST_RATE} a second are read"
                )

    def check_sound(self, seconds: float) -> None:
        """Raise BeyondRepair where the sound so far, in seconds, is too long."""
        if seconds > self._budget.seconds:
            raise BeyondRepair(
                f"{self._path} has more than {self._budget.seconds / 3600:.3g} hours of sound, "
                "which is the most that is read"
            )
