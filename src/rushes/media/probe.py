"""What a file says it is, from its headers alone."""

from __future__ import annotations

import re
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
from av.container import InputContainer
from av.video.stream import VideoStream

from rushes.domain.clip import Facts, Span
from rushes.domain.errors import BeyondRepair, NotAVideo
from rushes.media.boxes import Boxes, Track, read_boxes
from rushes.media.edge import open_video
from rushes.media.orientation import UPRIGHT, Orientation

# How a level number is written in the stream: H.264 as ten times, HEVC as thirty times the level.
_LEVEL_UNIT = {"h264": 10, "hevc": 30}
_OPEN = (0, 2)  # not valid and "unspecified" in ITU-T H.273
_BT709 = 1
_PROGRESSIVE = 1  # AV_FIELD_PROGRESSIVE of libav; 0 is unknown, above are the orders of the halves
_ROUNDING_S = 0.3  # a packet of sound may be a quarter of a second long
HD_HEIGHT = 720  # from here on players take untagged colours for BT.709, below for BT.601


@dataclass(frozen=True, kw_only=True)
class Probe:
    """The headers of a video file.

    `seconds` is the length of the pictures, `audio_seconds` of the sound; they begin at `start` and
    `audio_start` seconds. `shown_seconds` is the length that players give the file: from 0 to the end of what
    ends last, as WebKit counts an MP4; Chromium leaves out an empty edit at the start of all tracks.
    `has_own_length` is whether the file gives a length of the pictures, and not only of all of it. `width`
    and `height` are as shown, turned and mirrored by `orientation`. `fps` is the average number of frames per
    second, `frames` how many the index lists (0 when it lists none). `level` is 4.2 and the like; `tag` the
    name of the sample entry (avc1, hvc1, hev1 …). `primaries`, `transfer` and `matrix` are the numbers of
    ITU-T H.273 (1: BT.709, 2: not given), `full_range` whether luma runs 0-255, None when the file does not
    say. `sar` is the width of a pixel over its height. `container` is mp4, mov, webm, matroska or another
    name of libav's.
    """

    seconds: float
    has_own_length: bool
    start: float
    shown_seconds: float
    width: int
    height: int
    fps: float
    frames: int
    video_codec: str
    profile: str | None
    level: float | None
    tag: str
    pix_fmt: str
    orientation: Orientation
    sar: Fraction
    primaries: int
    transfer: int
    matrix: int
    full_range: bool | None
    audio_codec: str | None
    audio_profile: str | None
    audio_channels: int
    audio_rate: int
    audio_seconds: float
    audio_start: float
    audio_tracks: int
    bytes: int
    container: str

    def picture_seconds(self, facts: Facts) -> float:
        """Return how long the pictures are in a file of which all was decoded, with these `facts`.

        That is what the headers say, so that a file that is cut short is known by it. If they only say how
        long the whole file is, and its sound is as long, it is what was decoded.
        """
        end = self.start + self.seconds
        is_sound = not self.has_own_length and (facts.sound_end or 0.0) > end - _ROUNDING_S
        return facts.end if is_sound or not self.seconds else self.seconds


def probe(path: str | Path) -> Probe:
    """Return what the headers of `path` say; nothing is decoded.

    Raises `NotAVideo` for a file without pictures and `BeyondRepair` for one too damaged to open.
    """
    path = Path(path)
    with open_video(path) as (container, stream):
        return describe(path, container, stream, read_boxes(path))


def describe(path: Path, container: InputContainer, stream: VideoStream, boxes: Boxes | None) -> Probe:
    """Return the `Probe` of a file that is open already."""
    context = stream.codec_context
    if context is None:
        raise NotAVideo(f"the pictures in {path} are in a format that cannot be read")
    if context.pix_fmt is None:
        raise BeyondRepair(f"{path} does not say what its pictures are made of: its start is damaged")
    orientation = picture_orientation(boxes)
    width, height = orientation.shown_size(context.width, context.height)
    audio = next(iter(container.streams.audio), None)
    sound = audio.codec_context if audio is not None else None
    pictures, is_own = _stretch(stream, container, picture_track(boxes))
    heard = Span(start=0.0, end=0.0)
    if audio is not None:
        heard, _ = _stretch(audio, container, _track(boxes, "soun"))
    rate = stream.average_rate or stream.guessed_rate or Fraction(0)
    return Probe(
        seconds=pictures.end - pictures.start,
        has_own_length=is_own,
        start=pictures.start,
        shown_seconds=max([pictures.end, heard.end, *_ends(boxes)]),
        width=width,
        height=height,
        fps=float(rate),
        frames=stream.frames,
        video_codec=context.codec.canonical_name,
        profile=context.profile,
        level=_level(context.codec.canonical_name, context.level),
        tag=track.entry if (track := picture_track(boxes)) else "",
        pix_fmt=context.pix_fmt,
        orientation=orientation,
        sar=stream.sample_aspect_ratio or Fraction(1),
        primaries=int(context.color_primaries),
        transfer=int(context.color_trc),
        matrix=int(context.colorspace),
        full_range={1: False, 2: True}.get(int(context.color_range)),
        audio_codec=sound.codec.canonical_name if sound else None,
        audio_profile=sound.profile if sound else None,
        audio_channels=sound.channels if sound else 0,
        audio_rate=sound.sample_rate if sound else 0,
        audio_seconds=heard.end - heard.start,
        audio_start=heard.start,
        audio_tracks=len(container.streams.audio),
        bytes=path.stat().st_size,
        container=_container(path, container, boxes),
    )


def picture_track(boxes: Boxes | None) -> Track | None:
    """Return the first track of pictures, None for a file without boxes."""
    return _track(boxes, "vide")


def _track(boxes: Boxes | None, kind: str) -> Track | None:
    return next((track for track in boxes.tracks if track.kind == kind), None) if boxes else None


def picture_orientation(boxes: Boxes | None) -> Orientation:
    """Return how the pictures are turned and mirrored for display; upright if the file does not say."""
    track = picture_track(boxes)
    return (track.orientation if track else None) or UPRIGHT


def is_interlaced(stream: VideoStream) -> bool:
    """Whether the headers say that the pictures are halves of the lines, shown in turn."""
    context = stream.codec_context
    return context is not None and int(context.field_order) > _PROGRESSIVE


def untagged(about: Probe) -> bool:
    """Whether some of the colour tags are left open and none contradicts BT.709."""
    tags = (about.primaries, about.transfer, about.matrix)
    return any(value in _OPEN for value in tags) and all(value in {*_OPEN, _BT709} for value in tags)


def _stretch(stream: av.stream.Stream, container: InputContainer, track: Track | None) -> tuple[Span, bool]:
    """Return when a track begins and ends, in seconds by the clock that players show.

    And whether the file says so of this track, and not only of all of it.
    """
    tick = stream.time_base or Fraction(1)
    if track is not None:
        # In a file in fragments libav has seen some of them, and gives where they end for a length.
        known = stream.duration is not None and stream.frames
        length = float(stream.duration * tick) if known and stream.duration else track.length
        return Span(start=track.start, end=track.start + length), True
    origin = (container.start_time or 0) / av.time_base
    start = float(stream.start_time * tick) - origin if stream.start_time is not None else 0.0
    if stream.duration is not None:
        return Span(start=start, end=start + float(stream.duration * tick)), True
    written = re.fullmatch(r"(\d+):(\d+):(\d+(?:\.\d+)?)", stream.metadata.get("DURATION", ""))
    if written:  # Matroska's tag: when the last of the track has been shown
        hours, minutes, seconds = written.groups()
        end = int(hours) * 3600 + int(minutes) * 60 + float(seconds) - origin
    else:
        end = (container.duration or 0) / av.time_base
    return Span(start=start, end=max(start, end)), written is not None


def _ends(boxes: Boxes | None) -> list[float]:
    """Return when each track of an MP4 ends, its edit list included."""
    return [track.end for track in boxes.tracks if track.kind in ("vide", "soun")] if boxes else []


def _level(codec: str, written: int) -> float | None:
    unit = _LEVEL_UNIT.get(codec)
    return written / unit if unit and written > 0 else None


def _container(path: Path, container: InputContainer, boxes: Boxes | None) -> str:
    if boxes is not None:
        return "mov" if boxes.brand in ("qt", "") else "mp4"
    name = container.format.name
    if name.startswith("matroska"):
        with path.open("rb") as file:
            return "webm" if b"webm" in file.read(64) else "matroska"
    return name.split(",")[0]
