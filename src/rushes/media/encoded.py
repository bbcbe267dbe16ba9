"""Tracks that are encoded again for a copy: pictures and sound that some players refuse."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from math import sqrt
from pathlib import Path
from typing import Any

import numpy as np
from av.audio.frame import AudioFrame
from av.audio.resampler import AudioResampler
from av.audio.stream import AudioStream
from av.codec.context import Flags
from av.container import OutputContainer
from av.error import BlockingIOError as NothingYet
from av.error import EOFError as NothingMore
from av.filter import Graph
from av.packet import Packet
from av.video.frame import VideoFrame
from av.video.reformatter import ColorRange, Colorspace, VideoReformatter
from av.video.stream import VideoStream
from numpy.typing import NDArray

from rushes.media.colour import EXACT, guessed_matrix
from rushes.media.copied import name_after
from rushes.media.edge import writing
from rushes.media.encode import add_audio, add_video, frame_of, planes_of, tag
from rushes.media.limits import Budget, Meter
from rushes.media.probe import Probe
from rushes.media.schedule import Schedule

# Visually without loss: a repaired clip should not look worse than what was paid for.
CRF, PRESET, THREADS = 16, "veryfast", 2
# Macroblocks of 16 by 16 pixels, per frame and per second, at H.264 level 5.2 (ITU-T H.264, table A-1).
MAX_BLOCKS, MAX_BLOCK_RATE = 36864, 2073600
# How far a piece of sound may be from where the one before ended: the milliseconds of Matroska are no gap.
SLACK_S = 0.01
_HDR = {16: "PQ", 18: "HLG"}  # transfers of ITU-T H.273
_MOST_SILENCE = 1 << 16  # samples at a time


class EncodedPictures:
    """Pictures encoded again: 8-bit 4:2:0, BT.709, square pixels, even sides, progressive, each at its time.

    They are stored as they are to be shown: WebKitGTK passes over a matrix that mirrors.
    """

    def __init__(self, video: VideoStream, about: Probe, schedule: Schedule, output: OutputContainer) -> None:
        context = video.codec_context
        self._output, self._schedule, self._orientation = output, schedule, about.orientation
        self._asked = max(2, int(context.width * about.sar)), context.height
        self._width, self._height = _fitting(*self._asked, about.fps)
        # VP8 and VP9 have the transparency in pictures of its own, which only this tells of.
        self._is_transparent = video.metadata.get("alpha_mode") == "1"
        self._hdr = _HDR.get(about.transfer, "")
        self._scaler = VideoReformatter()
        self._deinterlacer: _Deinterlacer | None = None
        self._last = -1
        width, height = self._orientation.shown_size(self._width, self._height)
        # The encoder counts back from the first picture by the time that its B-frames take, which after a
        # picture that is held is long.
        is_held = schedule.pictures.start > schedule.start
        self._stream = add_video(
            output,
            width=width,
            height=height,
            fps=(1 / schedule.usual).limit_denominator(1001),
            crf=CRF,
            preset=PRESET,
            threads=THREADS,
            tuning="bframes=0" if is_held else "",
        )
        # Else each picture is taken to last as long as the rate says, the last one too.
        self._stream.codec_context.flags |= Flags.frame_duration
        name_after(self._stream, video)
        self._tick = video.time_base or schedule.usual
        self._stream.codec_context.time_base = self._tick

    def take(self, packet: Packet[Any]) -> None:
        for frame in packet.decode():
            if frame.interlaced_frame and self._deinterlacer is None:
                self._deinterlacer = _Deinterlacer()
            for whole in self._deinterlacer.take(frame) if self._deinterlacer else (frame,):
                self._encode(whole)
        if not packet.size:
            for whole in self._deinterlacer.finish() if self._deinterlacer else ():
                self._encode(whole)
            self._mux(self._stream.encode(None))

    def notes(self) -> Iterator[str]:
        yield from self._schedule.notes()
        if self._deinterlacer:
            yield "The pictures were interlaced and are deinterlaced, at the same frame rate."
        if self._hdr:
            yield f"The pictures were HDR ({self._hdr}); without tone mapping their copy looks pale and grey."
        if self._is_transparent:
            yield "The transparency of the pictures is lost: H.264 has none."
        if abs(self._asked[0] - self._width) > 1 or abs(self._asked[1] - self._height) > 1:
            asked, made = (
                self._orientation.shown_size(*size) for size in (self._asked, (self._width, self._height))
            )
            yield (
                f"The pictures are scaled down from {asked[0]}x{asked[1]} to {made[0]}x{made[1]}, "
                "the most that phones play."
            )

    def _encode(self, frame: VideoFrame) -> None:
        if frame.pts is None or frame.time_base is None:
            return
        at = round((frame.pts * frame.time_base - self._schedule.start) / self._tick)
        # The first picture is there from the start, even if it was late or one before it is broken.
        at = 0 if self._last < 0 else at
        if at <= self._last:
            return
        self._last = at
        length = (frame.duration or 0) * frame.time_base or self._schedule.usual
        # Those of a GIF always could be transparent, and seldom are.
        self._is_transparent = self._is_transparent or _is_transparent(frame)
        shown = self._shown(frame)
        tag(shown)
        shown.pts, shown.time_base, shown.duration = at, self._tick, max(1, round(length / self._tick))
        self._mux(self._stream.encode(shown))

    def _shown(self, frame: VideoFrame) -> VideoFrame:
        plain = self._scaler.reformat(
            frame,
            width=self._width,
            height=self._height,
            format="yuv420p",
            src_colorspace=guessed_matrix(frame),
            dst_colorspace=Colorspace.ITU709,
            dst_color_range=ColorRange.MPEG,
            interpolation=EXACT,
        )
        if self._orientation.is_upright:
            return plain
        return frame_of([self._orientation.show_array(plane) for plane in planes_of(plain)])

    def _mux(self, packets: list[Packet[Any]]) -> None:
        with writing(Path(self._output.name)):
            self._output.mux(packets)


class _Deinterlacer:
    """Makes whole pictures of those that are woven of two, one of each, and leaves the others as they are."""

    def __init__(self) -> None:
        self._graph: Graph | None = None
        self._form: tuple[Any, ...] = ()

    def take(self, frame: VideoFrame) -> Iterator[VideoFrame]:
        form = (
            frame.width,
            frame.height,
            frame.format.name,
            frame.time_base,
            frame.colorspace,
            frame.color_range,
        )
        if form != self._form:
            yield from self.finish()
            self._form, self._graph = form, _graph(frame)
        assert self._graph is not None
        self._graph.vpush(frame)
        yield from self._pull()

    def finish(self) -> Iterator[VideoFrame]:
        """Yield what is left."""
        if self._graph is not None:
            self._graph.vpush(None)
            yield from self._pull()

    def _pull(self) -> Iterator[VideoFrame]:
        assert self._graph is not None
        while True:
            try:
                frame = self._graph.vpull()
            except (NothingYet, NothingMore):
                return
            *_, frame.colorspace, frame.color_range = self._form
            yield frame


def _graph(frame: VideoFrame) -> Graph:
    graph = Graph()
    graph.link_nodes(
        graph.add_buffer(
            width=frame.width, height=frame.height, format=frame.format, time_base=frame.time_base
        ),
        graph.add("bwdif", mode="send_frame", deint="interlaced"),
        graph.add("buffersink"),
    ).configure()
    return graph


class EncodedSound:
    """Sound encoded again: AAC-LC stereo at 44.1 or 48 kHz from 0 on, with silence where there is none."""

    def __init__(self, audio: AudioStream, path: Path, schedule: Schedule, output: OutputContainer) -> None:
        rate = audio.codec_context.sample_rate
        self._rate = rate if rate in (44100, 48000) else 48000
        self._channels = audio.codec_context.channels
        self._output, self._start = output, schedule.start
        self._meter = Meter(path, Budget())
        self._stream = add_audio(output, self._rate)
        name_after(self._stream, audio)
        self._resampler: AudioResampler | None = None
        self._form: tuple[Any, ...] = ()
        self._written = 0

    def take(self, packet: Packet[Any]) -> None:
        for frame in packet.decode():
            if isinstance(frame, AudioFrame):
                self._resample(frame)
        if not packet.size:
            self._finish_resampling()
            if not self._written:  # a track without a packet has no sample description and is refused
                self._encode(np.zeros((2, 1024), np.float32))
            self._mux(self._stream.encode(None))

    def notes(self) -> Iterator[str]:
        if self._channels > 2:
            yield f"The {self._channels} channels of the sound are mixed down to stereo."

    def _resample(self, frame: AudioFrame) -> None:
        form = frame.sample_rate, frame.format.name, frame.layout.name, frame.time_base
        if form != self._form:
            self._finish_resampling()
            self._form = form
            self._resampler = AudioResampler(format="fltp", layout="stereo", rate=self._rate)
        assert self._resampler is not None
        for part in self._resampler.resample(frame):
            self._place(part)

    def _finish_resampling(self) -> None:
        for part in self._resampler.resample(None) if self._resampler is not None else ():
            self._place(part)

    def _place(self, frame: AudioFrame) -> None:
        """Encode a piece of sound at its time: what overlaps is left out, and gaps are silent."""
        samples = np.asarray(frame.to_ndarray(), np.float32)
        if frame.pts is not None and frame.time_base is not None:
            gap = round((frame.pts * frame.time_base - self._start) * self._rate) - self._written
            if not self._written or abs(gap) > SLACK_S * self._rate:
                self._meter.check_sound((self._written + gap) / self._rate)
                for at in range(0, gap, _MOST_SILENCE):
                    self._encode(np.zeros((2, min(_MOST_SILENCE, gap - at)), np.float32))
                samples = samples[:, max(0, -gap) :]
        if samples.shape[1]:
            self._encode(samples)

    def _encode(self, samples: NDArray[np.float32]) -> None:
        frame = AudioFrame.from_ndarray(np.ascontiguousarray(samples), format="fltp", layout="stereo")
        frame.sample_rate, frame.time_base, frame.pts = self._rate, Fraction(1, self._rate), self._written
        self._written += samples.shape[1]
        self._mux(self._stream.encode(frame))

    def _mux(self, packets: list[Packet[Any]]) -> None:
        with writing(Path(self._output.name)):
            self._output.mux(packets)


def _is_transparent(frame: VideoFrame) -> bool:
    if not any(part.is_alpha for part in frame.format.components):
        return False
    return bool((frame.to_ndarray(format="rgba")[..., 3] < 255).any())


def _fitting(width: int, height: int, fps: float) -> tuple[int, int]:
    """Return even sides near these, small enough for H.264 level 5.2."""
    allowed = min(MAX_BLOCKS, MAX_BLOCK_RATE / fps if fps > 0 else MAX_BLOCKS)
    shrink = min(1.0, sqrt(allowed * 256 / (width * height)))
    return max(2, int(width * shrink) // 2 * 2), max(2, int(height * shrink) // 2 * 2)
