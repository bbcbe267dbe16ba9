"""What a file has beside its pictures and its sound, as far as MP4 can carry it."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from fractions import Fraction
from typing import Any

from av.audio.stream import AudioStream
from av.container import InputContainer, OutputContainer
from av.stream import Disposition, Stream
from av.video.stream import VideoStream

from rushes.media.copied import CopiedCover, CopiedSubtitles, Track
from rushes.media.schedule import Schedule

# What belongs to the wrapping, which is a new one.
_WRAPPING = ("major_brand", "minor_version", "compatible_brands", "encoder")
_COVERS = ("png", "mjpeg", "bmp")
_PLAIN_TEXT = ("subrip", "webvtt", "text")


def copy_notes(source: InputContainer, schedule: Schedule, output: OutputContainer) -> None:
    """Copy title, date, place and the like, and the chapters, their times moved along."""
    output.metadata.update({key: text for key, text in source.metadata.items() if key not in _WRAPPING})
    timecodes = (stream.metadata["timecode"] for stream in source.streams if "timecode" in stream.metadata)
    if (timecode := next(timecodes, None)) is not None:
        output.metadata["timecode"] = timecode
    if chapters := list(_chapters(source, schedule)):
        output.set_chapters(chapters)


def copy_extras(source: InputContainer, schedule: Schedule, output: OutputContainer) -> dict[int, Track]:
    """Return what copies the covers and the subtitles, by the number of its stream in the source."""
    tracks: dict[int, Track] = {}
    for stream in source.streams:
        if isinstance(stream, VideoStream) and _is_cover(stream) and stream.codec_context.name in _COVERS:
            tracks[stream.index] = CopiedCover(stream, output)
        elif stream.type == "subtitle" and _codec(stream) in ("mov_text", *_PLAIN_TEXT):
            tracks[stream.index] = CopiedSubtitles(stream, schedule, output)
    return tracks


def left_out(source: InputContainer, kept: Collection[int]) -> Iterator[str]:
    """Yield what of a file is not in its copy, a sentence each."""
    others = [stream for stream in source.streams if stream.index not in kept]
    sounds = [stream for stream in others if isinstance(stream, AudioStream)]
    if sounds:
        yield f"{_count(sounds, 'other sound track')} left out: phones may refuse a clip with several."
    if pictures := [one for one in others if isinstance(one, VideoStream) and not _is_cover(one)]:
        yield f"{_count(pictures, 'other track of pictures', 'other tracks of pictures')} left out."
    if texts := [one for one in others if one.type == "subtitle"]:
        yield f"{_count(texts, 'subtitle track')} left out: MP4 cannot carry {_names(texts)}."
    if files := [one for one in others if one.type == "attachment"]:
        yield f"{_count(files, 'attached file')} left out."
    told = bool(source.chapters()) + any("timecode" in one.metadata for one in others)
    if records := [one for one in others if one.type == "data"][told:]:
        yield f"{_count(records, 'track')} of other data left out."


def _chapters(source: InputContainer, schedule: Schedule) -> Iterator[Any]:
    for chapter in source.chapters():
        tick = chapter["time_base"] or Fraction(1, 1000)
        start, end = (round(chapter[at] - schedule.start / tick) for at in ("start", "end"))
        if end > 0:
            yield {**chapter, "start": max(0, start), "end": end}


def _is_cover(stream: VideoStream) -> bool:
    return bool(stream.disposition & Disposition.attached_pic)


def _codec(stream: Stream) -> str:
    return stream.codec_context.codec.canonical_name if stream.codec_context else "an unknown format"


def _names(streams: Collection[Stream]) -> str:
    return ", ".join(sorted({_codec(stream) for stream in streams}))


def _count(streams: Collection[Stream], one: str, many: str = "") -> str:
    return f"1 {one} is" if len(streams) == 1 else f"{len(streams)} {many or one + 's'} are"
