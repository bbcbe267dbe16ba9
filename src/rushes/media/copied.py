"""Tracks that go into a copy as they are, only their times moved."""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator, Sequence
from fractions import Fraction
from math import ceil
from pathlib import Path
from typing import Any, Protocol

from av.audio.stream import AudioStream
from av.bitstream import BitStreamFilterContext
from av.container import OutputContainer
from av.packet import Packet
from av.stream import Stream
from av.video.stream import VideoStream

from rushes.media.edge import writing
from rushes.media.orientation import is_plain
from rushes.media.probe import HD_HEIGHT, Probe, untagged
from rushes.media.schedule import Schedule, time_of

_ENTRY = {"hevc": "hvc1", "h264": "avc1"}
_TAGGING = {"h264": "h264_metadata", "hevc": "hevc_metadata"}
_MARKUP = re.compile(r"<[^>]*>|\{\\[^}]*\}")  # of SubRip and WebVTT


class Track(Protocol):
    """One track on its way from a file to another; an empty packet is the last."""

    def take(self, packet: Packet[Any]) -> None: ...

    def notes(self) -> Iterator[str]:
        """Yield what the copy lacks or shows otherwise, a sentence each."""


class CopiedPictures:
    """Pictures that stay as they are; HD without colour tags is tagged BT.709, as which players take it."""

    def __init__(
        self,
        video: VideoStream,
        about: Probe,
        matrix: Sequence[int],
        schedule: Schedule,
        output: OutputContainer,
    ) -> None:
        stream = output.add_stream_from_template(video)
        name_after(stream, video)
        self._is_straightened = not is_plain(matrix)
        if self._is_straightened:
            # Players pass over a scale, and differ in what they make of anything else.
            size = video.codec_context.width, video.codec_context.height
            stream.set_display_matrix(about.orientation.matrix(*size))
        self._marker: BitStreamFilterContext | None = None
        if untagged(about) and min(about.width, about.height) >= HD_HEIGHT and about.video_codec in _TAGGING:
            # The tags are in the stream's own headers, which this filter rewrites without touching a picture.
            # Smaller pictures are taken for BT.601: to tag them would change their colours.
            values = "colour_primaries=1:transfer_characteristics=1:matrix_coefficients=1"
            limited = ":video_full_range_flag=0" if about.full_range is None else ""
            self._marker = BitStreamFilterContext(
                f"{_TAGGING[about.video_codec]}={values}{limited}", video, stream
            )
        if about.video_codec in _ENTRY:
            # After the filter, which brings along the name that MPEG-TS and others have for the codec.
            stream.codec_context.codec_tag = _ENTRY[about.video_codec]
        self._schedule, self._left = schedule, schedule.pictures.packets
        self._copy = _Copy(output, stream)

    def take(self, packet: Packet[Any]) -> None:
        time = time_of(packet)
        if packet.size:
            if time is None or not self._schedule.keeps(packet) or not self._left:
                return
            self._left -= 1
            packet.duration = packet.duration or round(self._schedule.usual / packet.time_base)
            # What is decoded for the first picture that is shown moves along with it.
            is_first = time * packet.time_base <= self._schedule.pictures.start
            _shift(packet, self._schedule.pictures.start if is_first else self._schedule.start)
        if self._marker is not None:
            for each in self._marker.filter(packet if packet.size else None):
                self._copy.put(each)
        elif packet.size:
            self._copy.put(packet)

    def notes(self) -> Iterator[str]:
        yield from self._schedule.notes()
        if self._is_straightened:
            yield "The header wanted the pictures scaled or skewed; the copy shows them as most players did."


class CopiedSound:
    """Sound that stays as it is; a piece before the pictures is kept, to be decoded unheard."""

    def __init__(self, audio: AudioStream, schedule: Schedule, output: OutputContainer) -> None:
        self._start = schedule.start
        self._left = schedule.sound.packets if schedule.sound is not None else 0
        stream = output.add_stream_from_template(audio)
        name_after(stream, audio)
        self._copy = _Copy(output, stream)

    def take(self, packet: Packet[Any]) -> None:
        time = time_of(packet)
        if not packet.size or time is None or not self._left:
            return
        self._left -= 1
        # A piece of AAC is whole only after the one before.
        if (time + 2 * (packet.duration or 0)) * packet.time_base > self._start:
            _shift(packet, self._start)
            self._copy.put(packet)

    def notes(self) -> Iterator[str]:
        yield from ()


class CopiedSubtitles:
    """Subtitles as MP4 has them; plain text of other formats becomes that, without its markup."""

    def __init__(self, stream: Stream, schedule: Schedule, output: OutputContainer) -> None:
        self._schedule = schedule
        self._is_plain = stream.codec_context.codec.canonical_name != "mov_text"
        copy: Stream
        if self._is_plain:
            copy = output.add_mux_stream("mov_text", time_base=Fraction(1, 1000))
        else:
            copy = output.add_stream_from_template(stream)
        name_after(copy, stream)
        self._copy = _Copy(output, copy)

    def take(self, packet: Packet[Any]) -> None:
        if not packet.size or packet.pts is None:
            return
        _shift(packet, self._schedule.start)
        if packet.pts < 0:
            return
        if self._is_plain:
            text = _MARKUP.sub("", bytes(packet).decode("utf-8", "replace")).strip().encode()
            made: Packet[Any] = Packet(struct.pack(">H", len(text[:0xFFFF])) + text[:0xFFFF])
            made.pts = made.dts = packet.pts
            made.duration, made.time_base = packet.duration, packet.time_base
            packet = made
        self._copy.put(packet)

    def notes(self) -> Iterator[str]:
        yield from ()


class CopiedCover:
    """The picture that a player shows for the whole file, as album covers are."""

    def __init__(self, cover: VideoStream, output: OutputContainer) -> None:
        stream = output.add_stream_from_template(cover)
        stream.disposition = cover.disposition
        self._copy = _Copy(output, stream)

    def take(self, packet: Packet[Any]) -> None:
        if packet.size:
            packet.pts = packet.dts = 0
            self._copy.put(packet)

    def notes(self) -> Iterator[str]:
        yield from ()


def name_after(copy: Stream, stream: Stream) -> None:
    """Give a copy the language of a stream, and the name that an editor shows."""
    for key in ("language", "handler_name"):
        if key in stream.metadata:
            copy.metadata[key] = stream.metadata[key]


class _Copy:
    """Puts packets into a file, one after the other."""

    def __init__(self, output: OutputContainer, stream: Stream) -> None:
        self._output, self._stream = output, stream
        self._last: int | None = None

    def put(self, packet: Packet[Any]) -> None:
        # The muxer refuses a decoding time that does not grow by its own clock; some sources repeat one.
        step = max(1, ceil((self._stream.time_base or 0) / packet.time_base))
        if self._last is not None and packet.dts is not None and packet.dts < self._last + step:
            packet.dts = self._last + step
            packet.pts = max(packet.pts, packet.dts) if packet.pts is not None else packet.dts
        self._last = packet.dts if packet.dts is not None else self._last
        packet.stream = self._stream
        with writing(Path(self._output.name)):
            self._output.mux(packet)


def _shift(packet: Packet[Any], start: Fraction) -> None:
    """Make `start`, in seconds, the time 0 of a packet."""
    ticks = round(start / packet.time_base)
    packet.pts = packet.pts - ticks if packet.pts is not None else None
    packet.dts = packet.dts - ticks if packet.dts is not None else None
