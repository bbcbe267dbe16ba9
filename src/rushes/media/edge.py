"""The edge to libav: its errors become ours here, once."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import av
import av.error
from av.container import InputContainer
from av.packet import Packet
from av.stream import Disposition, Stream
from av.video.stream import VideoStream

from rushes.domain.errors import BeyondRepair, DiskFull, NotAVideo, ReadOnly
from rushes.media.boxes import Boxes, read_boxes
from rushes.media.limits import (
    MOST_PIXELS,
    MOST_SOUND_RATE,
    OPEN_OPTIONS,
    check_boxes,
    check_size,
    check_streams,
)

_HEAD_BYTES = 4096
_PICTURES = {b"\x89PNG": "PNG", b"\xff\xd8\xff": "JPEG", b"RIFF": "WebP", b"BM": "BMP"}
# Playlists (HLS, DASH, concat) name other files and addresses: a downloaded "clip" must not open those.
_FORMATS = "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,avi,mpegts,mpeg,flv,ogg,gif"


@contextmanager
def open_video(path: Path) -> Iterator[tuple[InputContainer, VideoStream]]:
    """Open `path` and give its container and first moving-picture stream, ready to decode on all cores.

    What libav raises inside the with-block leaves it as `NotAVideo` or `BeyondRepair`; the latter also comes
    for a file beyond the `limits`. Nothing but this one local file is read.
    """
    with open_container(path, _FORMATS) as container:
        streams = [stream for stream in container.streams.video if not _is_cover(stream)]
        if not streams:
            raise NotAVideo(f"{path} has no picture in it" + (", only sound" * bool(container.streams.audio)))
        check_size(path, streams[0])
        streams[0].thread_type = "AUTO"
        yield container, streams[0]


@contextmanager
def open_container(path: Path, formats: str) -> Iterator[InputContainer]:
    """Open a file of one of these formats of libav's, once it is known to be within the `limits`."""
    options = {"protocol_whitelist": "file", "format_whitelist": formats, **OPEN_OPTIONS}
    with reading(path):
        with suppress(OSError):  # libav has the words for a file that cannot be read
            _check_movie(path, read_boxes(path))
        with av.open(os.path.abspath(path), metadata_errors="ignore", options=options) as container:
            check_streams(path, container)
            for stream in (*container.streams.video, *container.streams.audio):
                if stream.codec_context is not None:
                    stream.codec_context.options = {
                        "max_pixels": str(MOST_PIXELS),
                        "max_samples": str(MOST_SOUND_RATE),
                    }
            yield container


def packets(container: InputContainer, *streams: Stream) -> Iterator[Packet[Any]]:
    """Yield the packets of some tracks, and at the end an empty one for each, which empties its decoder."""
    # A track that begins in the middle of a file, as the next programme of a recording: PyAV (18.1) passes
    # its packets over, and trips over it after the empty ones.
    with suppress(IndexError):
        yield from container.demux(*streams)


def _check_movie(path: Path, boxes: Boxes | None) -> None:
    """Raise for an MP4 that is none to be watched: beyond the limits, encrypted, or a still picture."""
    check_boxes(path, boxes)
    if boxes is None:
        return
    if boxes.is_still:
        raise NotAVideo(f"{path} is a still picture (AVIF or HEIC), not a video", next="name a video file")
    if any(track.is_encrypted for track in boxes.tracks):
        raise BeyondRepair(
            f"{path} is encrypted (DRM or Common Encryption): it cannot be played without its key",
            next="get it without encryption from where it comes from",
        )


def _is_cover(stream: VideoStream) -> bool:
    return bool(stream.disposition & Disposition.attached_pic)


@contextmanager
def reading(path: Path) -> Iterator[None]:
    """Raise `NotAVideo` or `BeyondRepair`, naming `path`, for whatever libav raises while reading it."""
    try:
        yield
    except av.error.FileNotFoundError as exc:
        raise NotAVideo(f"{path} does not exist", next="check the path") from exc
    except av.error.IsADirectoryError as exc:
        raise NotAVideo(f"{path} is a folder", next="name one file in it") from exc
    except av.error.PermissionError as exc:
        raise NotAVideo(f"{path} may not be read", next="give yourself the right to read it") from exc
    except av.error.FFmpegError as exc:
        raise _broken(path, exc) from exc


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """Raise `DiskFull`, `ReadOnly` or `OSError`, naming `path`, for what is raised while writing it."""
    try:
        yield
    except (OSError, av.error.FFmpegError) as exc:
        if exc.errno in (errno.ENOSPC, errno.EDQUOT):
            raise DiskFull(f"the disk is full: {path} could not be written") from exc
        if exc.errno in (errno.EACCES, errno.EROFS, errno.EPERM):
            raise ReadOnly(f"{path} may not be written") from exc
        raise OSError(exc.errno, f"{path} could not be written: {exc.strerror}") from exc


def _broken(path: Path, exc: av.error.FFmpegError) -> NotAVideo | BeyondRepair:
    """Say what the file that libav could not read seems to be, from its first bytes."""
    try:
        with path.open("rb") as file:
            head = file.read(_HEAD_BYTES)
    except OSError:
        return NotAVideo(f"{path} could not be read: {exc.strerror}", next="check the path")
    if not head:
        return NotAVideo(f"{path} is empty", next="download or make it again")
    text = head.lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if text.startswith((b"<!doctype", b"<html", b"<head", b"<?xml")):
        return NotAVideo(
            f"{path} is a web page (HTML), not a video: a sign-in or error page was probably saved",
            next="open it in a browser to see what it says, then download the clip again",
        )
    if text.startswith((b"{", b"[")):
        return NotAVideo(
            f"{path} is JSON, not a video: the service's answer was probably saved",
            next="read what it says, then download the clip again",
        )
    picture = next((name for magic, name in _PICTURES.items() if head.startswith(magic)), None)
    if picture is not None:
        # The chunks by which PNG and WebP say that they move.
        kind = "an animated" if b"acTL" in head or b"ANIM" in head else "a still"
        return NotAVideo(f"{path} is {kind} picture ({picture}), not a video", next="name a video file")
    if (before := head.find(b"ftyp") - 4) > 0:
        return BeyondRepair(
            f"{path} has {before} bytes before the video that are not part of it, and cannot be read",
            next=f"cut them off, as tail -c +{before + 1} does, or download the clip again",
        )
    if head[4:8] in (b"ftyp", b"moov", b"mdat", b"free", b"wide"):
        return BeyondRepair(f"{path} is cut short or damaged and cannot be read: {exc.strerror}")
    return NotAVideo(f"{path} is not a video that can be read: {exc.strerror}")
