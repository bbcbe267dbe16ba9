"""Writing a clip that plays everywhere: H.264 High 4:2:0, BT.709, AAC-LC, moov first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import Self

import av
import numpy as np
from av.audio.frame import AudioFrame
from av.audio.stream import AudioStream
from av.container import OutputContainer
from av.video.frame import PictureType, VideoFrame
from av.video.reformatter import ColorRange, Colorspace, VideoReformatter
from av.video.stream import VideoStream
from numpy.typing import NDArray

from rushes.media.edge import writing

KEYFRAME_SECONDS = 2
# faststart: moov first, so that a player need not have the whole file. write_btrt: a CRF encode fills the
# `btrt` box with an average of 0, which stalls WebKitGTK; without the box it plays. Both are options of
# the container: given to a stream they are silently ignored.
CONTAINER_OPTIONS = {"movflags": "+faststart", "write_btrt": "0"}
BT709 = 1  # the same number in libav's lists of primaries, transfers and matrices
AUDIO_BITRATE = 160_000


def add_video(
    container: OutputContainer,
    *,
    width: int,
    height: int,
    fps: Fraction,
    crf: int,
    preset: str,
    threads: int,
    tuning: str = "",
) -> VideoStream:
    """Add an H.264 4:2:0 stream, tagged BT.709 limited range, with a keyframe every 2 s or sooner."""
    options = {"crf": str(crf), "preset": preset, "x264-params": tuning}
    stream = container.add_stream("libx264", rate=fps, options=options)
    context = stream.codec_context
    context.width, context.height, context.pix_fmt = width, height, "yuv420p"
    context.gop_size = max(1, int(KEYFRAME_SECONDS * fps))
    context.color_primaries = context.color_trc = context.colorspace = BT709
    context.color_range = ColorRange.MPEG
    context.sample_aspect_ratio = Fraction(1)
    context.thread_count = threads
    return stream


def add_audio(container: OutputContainer, rate: int) -> AudioStream:
    """Add an AAC-LC stereo stream of `rate` samples per second."""
    stream = container.add_stream("aac", rate=rate, layout="stereo")
    stream.codec_context.bit_rate = AUDIO_BITRATE
    return stream


def tag(frame: VideoFrame) -> None:
    """Mark a frame as BT.709 limited range whose picture type is the encoder's to choose.

    A frame from a decoder or a filter keeps its type and libx264 obeys: 600 keyframes in 600 frames.
    """
    frame.pict_type = PictureType.NONE
    frame.color_primaries = frame.color_trc = frame.colorspace = BT709
    frame.color_range = ColorRange.MPEG


def planes_of(frame: VideoFrame) -> list[NDArray[np.uint8]]:
    """Return the planes of a 4:2:0 frame of 8 bits as arrays (height, width): Y, U and V. They are views."""
    return [
        np.frombuffer(memoryview(plane), np.uint8).reshape(-1, plane.line_size)[: plane.height, : plane.width]
        for plane in frame.planes
    ]


def frame_of(planes: Sequence[NDArray[np.uint8]]) -> VideoFrame:
    """Return a 4:2:0 frame with the samples of these planes: Y, U and V, each (height, width)."""
    height, width = planes[0].shape
    frame = VideoFrame(width, height, "yuv420p")
    for plane, samples in zip(frame.planes, planes, strict=True):
        rows = np.frombuffer(memoryview(plane), np.uint8).reshape(-1, plane.line_size)
        rows[: samples.shape[0], : samples.shape[1]] = samples
    return frame


class VideoWriter:
    """Encodes frames and sound into an MP4 at `path`; use it in a with-block.

    `width` and `height` are even pixels, `fps` frames per second, `audio_rate` samples per second or None
    for a clip without sound. `crf` is libx264's quality (lower is better and bigger), `preset` its speed
    and `tuning` what to change of the preset, as "name=value:name=value". `tags` are title, comment ….
    The same calls give the same frames on the same machine with the same `threads`.

    When the block raises, the partial file is removed. Raises `DiskFull` or `ReadOnly` when the disk does
    not take it, `ValueError` for an odd size, a frame of another size or a clip without a frame.
    """

    def __init__(
        self,
        path: str | Path,
        *,
        width: int,
        height: int,
        fps: int | Fraction,
        audio_rate: int | None = 48000,
        crf: int = 20,
        preset: str = "superfast",
        threads: int = 2,
        tuning: str = "",
        tags: Mapping[str, str] | None = None,
    ) -> None:
        if width % 2 or height % 2 or width <= 0 or height <= 0:
            raise ValueError(f"H.264 4:2:0 needs even sides, not {width}x{height}")
        self.path = Path(path)
        self._width, self._height = width, height
        self._rate = audio_rate
        self._frames = self._samples = 0
        # One for all frames: a new one for each sets up its tables again, up to twice the time.
        self._reformatter = VideoReformatter()
        self._threads = threads
        with writing(self.path):
            # libav opens it with the first packet only; whoever draws for minutes is told now.
            self.path.open("wb").close()
            self._container = av.open(self.path, "w", format="mp4", options=dict(CONTAINER_OPTIONS))
        self._container.metadata.update(tags or {})
        self._video = add_video(
            self._container,
            width=width,
            height=height,
            fps=Fraction(fps),
            crf=crf,
            preset=preset,
            threads=threads,
            tuning=tuning,
        )
        self._video.codec_context.time_base = 1 / Fraction(fps)
        self._audio = add_audio(self._container, audio_rate) if audio_rate else None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is not None:
            self._discard()
            return
        try:
            if not self._frames:
                raise ValueError(f"{self.path}: a clip needs at least one frame")
            self._finish()
        except BaseException:
            self._discard()
            raise

    def write_planes(self, y: NDArray[np.uint8], u: NDArray[np.uint8], v: NDArray[np.uint8]) -> None:
        """Add a frame: `y` (height, width), `u` and `v` (height/2, width/2), BT.709 limited range."""
        half = (self._height // 2, self._width // 2)
        if y.shape != (self._height, self._width) or u.shape != half or v.shape != half:
            raise ValueError(
                f"planes {y.shape} {u.shape} {v.shape} are not {self._width}x{self._height} 4:2:0"
            )
        self._encode(frame_of([y, u, v]))

    def write_rgb(self, frame: NDArray[np.uint8]) -> None:
        """Add a frame (height, width, 3) of full-range sRGB."""
        if frame.shape != (self._height, self._width, 3):
            raise ValueError(f"a frame of shape {frame.shape} is not {self._width}x{self._height} RGB")
        # libswscale's own choice is BT.601, which HD players then show as BT.709: red turns orange.
        self._encode(
            self._reformatter.reformat(
                VideoFrame.from_ndarray(np.ascontiguousarray(frame), format="rgb24"),
                format="yuv420p",
                dst_colorspace=Colorspace.ITU709,
                dst_color_range=ColorRange.MPEG,
                threads=self._threads,
            )
        )

    def write_audio(self, samples: NDArray[np.float32]) -> None:
        """Add sound: float32 (n, 2), -1 to 1, following what was written before."""
        if self._audio is None or self._rate is None:
            raise ValueError(f"{self.path} was opened without sound")
        if samples.ndim != 2 or samples.shape[1] != 2:
            raise ValueError(f"sound of shape {samples.shape} is not (n, 2)")
        if not len(samples):
            return
        if not np.isfinite(samples).all():
            raise ValueError("sound holds a sample that is not a number")
        planar = np.ascontiguousarray(samples.T, dtype=np.float32)
        frame = AudioFrame.from_ndarray(planar, format="fltp", layout="stereo")
        frame.sample_rate = self._rate
        frame.time_base = Fraction(1, self._rate)
        frame.pts = self._samples
        self._samples += len(samples)
        self._mux(self._audio, frame)

    def _encode(self, frame: VideoFrame) -> None:
        tag(frame)
        frame.pts, frame.time_base = self._frames, self._video.codec_context.time_base
        self._frames += 1
        self._mux(self._video, frame)

    def _mux(self, stream: VideoStream | AudioStream, frame: VideoFrame | AudioFrame | None) -> None:
        with writing(self.path):
            self._container.mux(stream.encode(frame))  # type: ignore[arg-type]

    def _finish(self) -> None:
        self._mux(self._video, None)
        if self._audio is not None:
            if not self._samples:  # a track without a packet has no sample description and is refused
                self.write_audio(np.zeros((1024, 2), np.float32))
            self._mux(self._audio, None)
        with writing(self.path):
            self._container.close()

    def _discard(self) -> None:
        # Closing writes the index and may fail for the reason that brought us here; that one is raised.
        with suppress(OSError, ValueError, av.error.FFmpegError):
            self._container.close()
        self.path.unlink(missing_ok=True)
