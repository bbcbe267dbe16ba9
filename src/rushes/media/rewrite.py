"""Writing a clip anew, each of its tracks copied or encoded again."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from fractions import Fraction
from math import sqrt
from pathlib import Path
from typing import Any, Protocol

import av
from av.audio.frame import AudioFrame
from av.audio.stream import AudioStream
from av.bitstream import BitStreamFilterContext
from av.container import InputContainer, OutputContainer
from av.packet import Packet
from av.stream import Disposition
from av.video.reformatter import ColorRange, Colorspace, VideoReformatter
from av.video.stream import VideoStream

from rushes.domain.clip import Repair
from rushes.media.boxes import read_boxes
from rushes.media.edge import open_video, writing
from rushes.media.encode import CONTAINER_OPTIONS, add_audio, add_video, tag
from rushes.media.probe import HD_HEIGHT, Probe, describe, untagged

# Visually without loss: a repaired clip should not look worse than what was paid for.
CRF, PRESET, THREADS = 16, "veryfast", 2
# Macroblocks of 16 by 16 pixels, per frame and per second, at H.264 level 5.2 (ITU-T H.264, table A-1).
MAX_BLOCKS, MAX_BLOCK_RATE = 36864, 2073600
_ENTRY = {"hevc": "hvc1", "h264": "avc1"}
_TAGGING = {"h264": "h264_metadata", "hevc": "hevc_metadata"}
_KEPT = ("title", "artist", "comment", "description", "copyright", "creation_time")


class _Track(Protocol):
    """One track on its way from a file to another; an empty packet is the last."""

    def take(self, packet: Packet[Any]) -> None: ...


def rewrite(
    path: Path, repairs: Collection[Repair], target: Path, tags: Mapping[str, str] | None = None
) -> None:
    """Write the pictures and the main sound track of `path` to `target`, an MP4 in any case.

    What `repairs` does not name is copied; `tags` are title and comment for a file that has none.
    Raises `NotAVideo` or `BeyondRepair` for `path`, and `DiskFull`
    or `ReadOnly` for `target`, which may then be half written.
    """
    with open_video(path) as (source, video):
        about = describe(path, source, video, read_boxes(path))
        with writing(target):
            output = av.open(target, "w", format="mp4", options=dict(CONTAINER_OPTIONS))
        with output:
            kept = {key: source.metadata[key] for key in _KEPT if key in source.metadata}
            output.metadata.update({**(tags or {}), **kept})
            tracks = _tracks(source, video, about, output, repairs)
            for packet in source.demux(*(source.streams[index] for index in tracks)):
                # Not `packet.stream_index`: that of the last, empty packet is always 0.
                tracks[packet.stream.index].take(packet)
            with writing(target):
                output.close()


def _tracks(
    source: InputContainer,
    video: VideoStream,
    about: Probe,
    output: OutputContainer,
    repairs: Collection[Repair],
) -> dict[int, _Track]:
    """Return what is to be done with each track, by its number in the source."""
    tracks: dict[int, _Track] = {}
    if Repair.REENCODE_VIDEO in repairs:
        tracks[video.index] = _EncodedPictures(video, about, output)
    else:
        tracks[video.index] = _copied_pictures(video, about, output)
    audio = _main_audio(source)
    if audio is not None and Repair.REENCODE_AUDIO in repairs:
        tracks[audio.index] = _EncodedSound(audio, output)
    elif audio is not None:
        tracks[audio.index] = _Copied(output, output.add_stream_from_template(audio), None)
    return tracks


def _main_audio(source: InputContainer) -> AudioStream | None:
    readable = [stream for stream in source.streams.audio if stream.codec_context is not None]
    chosen = [stream for stream in readable if stream.disposition & Disposition.default]
    return next(iter(chosen or readable), None)


def _copied_pictures(video: VideoStream, about: Probe, output: OutputContainer) -> _Copied:
    copy = output.add_stream_from_template(video)
    if about.video_codec in _ENTRY:
        copy.codec_context.codec_tag = _ENTRY[about.video_codec]
    marker = None
    if untagged(about) and about.video_codec in _TAGGING:
        # The tags are in the stream's own headers, which this filter rewrites without touching a picture.
        values = "colour_primaries=1:transfer_characteristics=1:matrix_coefficients=1"
        limited = ":video_full_range_flag=0" if about.full_range is None else ""
        marker = BitStreamFilterContext(f"{_TAGGING[about.video_codec]}={values}{limited}", video, copy)
    return _Copied(output, copy, marker)


class _Copied:
    """A track whose packets stay as they are, or go through a filter of their bits."""

    def __init__(
        self,
        output: OutputContainer,
        stream: VideoStream | AudioStream,
        marker: BitStreamFilterContext | None,
    ) -> None:
        self._output, self._stream, self._marker = output, stream, marker
        self._last: int | None = None

    def take(self, packet: Packet[Any]) -> None:
        last = not packet.size
        packets = self._marker.filter(None if last else packet) if self._marker else [packet] * (not last)
        for each in packets:
            # The muxer refuses a decoding time that does not grow; some sources repeat one.
            if self._last is not None and each.dts is not None and each.dts <= self._last:
                each.dts = self._last + 1
                each.pts = max(each.pts, each.dts) if each.pts is not None else each.dts
            self._last = each.dts if each.dts is not None else self._last
            each.stream = self._stream
            with writing(Path(self._output.name)):
                self._output.mux(each)


class _EncodedPictures:
    """Pictures encoded anew: 8-bit 4:2:0, BT.709, even sides, square pixels, each at its old time."""

    def __init__(self, video: VideoStream, about: Probe, output: OutputContainer) -> None:
        context = video.codec_context
        self._output = output
        self._width, self._height = _fitting(context.width * about.sar, context.height, about.fps)
        # Untagged colours are read as players read them: BT.709 for HD, BT.601 below.
        guess = Colorspace.ITU709 if min(context.width, context.height) >= HD_HEIGHT else Colorspace.ITU601
        self._colours = guess if about.matrix == 2 else None
        self._scaler = VideoReformatter()
        self._last = -(1 << 62)
        self._stream = add_video(
            output,
            width=self._width,
            height=self._height,
            fps=(video.average_rate or video.guessed_rate or Fraction(30)).limit_denominator(1001),
            crf=CRF,
            preset=PRESET,
            threads=THREADS,
        )
        if video.time_base is not None:
            self._stream.codec_context.time_base = video.time_base
        if about.rotation:
            self._stream.set_display_rotation(360 - about.rotation)  # libav counts the other way round

    def take(self, packet: Packet[Any]) -> None:
        for frame in packet.decode():
            if frame.pts is None or frame.pts <= self._last:
                continue
            self._last = frame.pts
            even = self._scaler.reformat(
                frame,
                width=self._width,
                height=self._height,
                format="yuv420p",
                src_colorspace=self._colours,
                dst_colorspace=Colorspace.ITU709,
                dst_color_range=ColorRange.MPEG,
                interpolation="BICUBIC",
            )
            tag(even)
            self._mux(self._stream.encode(even))
        if not packet.size:
            self._mux(self._stream.encode(None))

    def _mux(self, packets: list[Packet[Any]]) -> None:
        with writing(Path(self._output.name)):
            self._output.mux(packets)


class _EncodedSound:
    """Sound encoded anew: AAC-LC stereo at 44.1 or 48 kHz."""

    def __init__(self, audio: AudioStream, output: OutputContainer) -> None:
        rate = audio.codec_context.sample_rate
        self._output = output
        self._stream = add_audio(output, rate if rate in (44100, 48000) else 48000)

    def take(self, packet: Packet[Any]) -> None:
        for frame in packet.decode():
            if isinstance(frame, AudioFrame):
                self._mux(self._stream.encode(frame))
        if not packet.size:
            self._mux(self._stream.encode(None))

    def _mux(self, packets: list[Packet[Any]]) -> None:
        with writing(Path(self._output.name)):
            self._output.mux(packets)


def _fitting(width: Fraction, height: int, fps: float) -> tuple[int, int]:
    """Return even sides near these, small enough for H.264 level 5.2."""
    allowed = min(MAX_BLOCKS, MAX_BLOCK_RATE / fps if fps > 0 else MAX_BLOCKS)
    shrink = min(1.0, sqrt(allowed * 256 / float(width * height)))
    return max(2, int(width * shrink) // 2 * 2), max(2, int(height * shrink) // 2 * 2)
