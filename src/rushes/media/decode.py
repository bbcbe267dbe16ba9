"""One pass over every frame and sample: is all of it there, and what is in it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import av
import numpy as np
from av.audio.frame import AudioFrame
from av.container import InputContainer
from av.packet import Packet
from av.stream import Stream
from av.video.frame import VideoFrame, supported_np_pix_fmts
from av.video.stream import VideoStream

from rushes.domain.clip import Facts, Finding, Repair, Severity
from rushes.domain.errors import BeyondRepair
from rushes.media.boxes import read_boxes
from rushes.media.edge import open_video, packets
from rushes.media.limits import Budget, Meter
from rushes.media.look import Look
from rushes.media.loudness import Loudness
from rushes.media.presentation import INTERLACED, ONE_FRAME
from rushes.media.probe import is_interlaced
from rushes.media.rule import warning
from rushes.media.schedule import time_of

_STREAMS = ("mpegts", "mpeg")  # can be cut anywhere


@dataclass(frozen=True, kw_only=True)
class Decoded:
    """The verdict on a whole clip: what is broken in it, and its facts."""

    findings: tuple[Finding, ...]
    facts: Facts


def decode_all(path: str | Path, budget: Budget = Budget()) -> Decoded:  # noqa: B008 - it is frozen
    """Decode all of `path` once and return what is missing or damaged in it, and its facts.

    Findings: `truncated` (frames that the index lists are not there), `damaged_frames`, `damaged_audio`; no
    repair mends them. Raises `NotAVideo`, and `BeyondRepair` when not one frame can be decoded, or when there
    is more to decode than the `budget` allows.
    """
    path = Path(path)
    with open_video(path) as (container, stream):
        tally = _play(container, stream, Meter(path, budget))
        if not tally.frames:
            raise BeyondRepair(f"no frame in {path} can be decoded")
        boxes = read_boxes(path)
        # Only the index of an MP4 lists what is in it: an AVI's header counts frames that were left out.
        listed = stream.frames if boxes is not None else 0
        known = _Known(listed=listed, is_interlaced=is_interlaced(stream))
        origin = 0.0 if boxes is not None else (container.start_time or 0) / av.time_base
    look = tally.look.facts()
    tally.loudness.finish()
    sound_end = tally.loudness.end
    return Decoded(
        findings=tuple(_findings(tally, known)),
        facts=Facts(
            frames=tally.frames,
            loudness=tally.loudness.integrated(),
            silent=tally.loudness.silent(tally.look.start, look.end),
            black=look.black,
            frozen=look.frozen,
            cuts=look.cuts,
            jumps=look.jumps,
            flashes=look.flashes,
            repeated=look.repeated,
            end=look.end,
            start=round(max(0.0, tally.look.start - origin), 3),
            sound_end=round(sound_end - origin, 3) if sound_end is not None else None,
            interlaced=2 * tally.interlaced > tally.frames,
            c2pa=boxes is not None and boxes.c2pa,
        ),
    )


def decoded_sha256(path: str | Path) -> str:
    """Return the SHA-256, in hex, of all decoded pictures, their formats and their sizes.

    Two files with the same pictures have the same sum whatever their headers, index or sound.
    """
    sum_ = hashlib.sha256()
    with open_video(Path(path)) as (container, stream):
        meter = Meter(Path(path), Budget())
        pictures = (frame for packet in packets(container, stream) for frame in packet.decode())
        for frame in pictures:
            meter.count_picture(frame, frame.width, frame.height)
            sum_.update(f"{frame.format.name} {frame.width}x{frame.height}\n".encode())
            if frame.format.name not in supported_np_pix_fmts:
                frame = frame.reformat(format="rgb24")
            sum_.update(np.ascontiguousarray(frame.to_ndarray()).tobytes())
    return sum_.hexdigest()


@dataclass(frozen=True, kw_only=True)
class _Known:
    """What the headers say, and `lint` tells: how many frames are `listed`, 0 for none, and of what kind."""

    listed: int
    is_interlaced: bool


class _Tally:
    """What has been counted so far; `packets` are pictures that were read and are meant to be shown."""

    def __init__(self, cut: bool) -> None:
        self._cut = cut
        self.packets = self.hidden = self.frames = self.corrupt = self.interlaced = self.deaf = 0
        self.look = Look()
        self.loudness = Loudness()
        self._key: int | None = None

    def count(self, packet: Packet[VideoStream]) -> None:
        """Count a picture that was read.

        Those shown before the first keyframe, though stored after it, refer to pictures that were cut off: no
        decoder shows them (ITU-T H.265, 8.1.3), and they are not damaged. Nor are those stored before it in
        what is `cut` out of a stream; any other file begins with a keyframe, or with a damaged one.
        """
        time = time_of(packet)
        if self._key is None and packet.is_keyframe:
            self._key = time
            if self._cut:
                self.packets, self.hidden = 0, self.hidden + self.packets
        leads = self._key is not None and (time is None or time < self._key)
        self.hidden += packet.is_discard or leads
        self.packets += not (packet.is_discard or leads)


def _play(container: InputContainer, stream: VideoStream, meter: Meter) -> _Tally:
    """Decode the pictures and the first sound track; an error is counted and the next packet taken."""
    tally = _Tally(cut=container.format.name in _STREAMS)
    for packet in packets(container, stream, *container.streams.audio[:1]):
        meter.count_packet()
        if packet.stream_index == stream.index and packet.size:
            tally.count(packet)
        for frame in _frames(packet, tally):
            if isinstance(frame, VideoFrame):
                meter.count_picture(frame, frame.width, frame.height)
                tally.frames += 1
                tally.corrupt += frame.is_corrupt
                tally.interlaced += frame.interlaced_frame
                tally.look.add(frame)
            else:
                tally.loudness.add(frame)
                meter.check_sound(tally.loudness.seconds)
    return tally


def _frames(packet: Packet[Stream], tally: _Tally) -> Iterator[VideoFrame | AudioFrame]:
    try:
        yield from (frame for frame in packet.decode() if isinstance(frame, (VideoFrame, AudioFrame)))
    except av.error.FFmpegError:
        # A picture that is lost shows in the count of frames; sound has no such count.
        tally.deaf += packet.stream.type == "audio"


def _findings(tally: _Tally, known: _Known) -> Iterator[Finding]:
    there = tally.packets + tally.hidden
    if there < known.listed:
        text = f"The file is cut short: {there} of {known.listed} frames are in it."
        yield Finding(code="truncated", severity=Severity.ERROR, text=text, repair=Repair.NONE)
    damaged = max(0, tally.packets - tally.frames) + tally.corrupt
    if damaged:
        text = f"{damaged} of {tally.packets} frames are damaged."
        yield Finding(code="damaged_frames", severity=Severity.ERROR, text=text, repair=Repair.NONE)
    if tally.deaf:
        text = f"{tally.deaf} pieces of the sound are damaged."
        yield Finding(code="damaged_audio", severity=Severity.ERROR, text=text, repair=Repair.NONE)
    if 2 * tally.interlaced > tally.frames and not known.is_interlaced:
        yield from warning("interlaced", Repair.REENCODE_VIDEO, INTERLACED)
    if tally.frames == 1 and known.listed != 1:
        yield from warning("one_frame", Repair.NONE, ONE_FRAME)
