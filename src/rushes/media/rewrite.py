"""Writing a clip anew, each of its tracks copied or encoded again."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path

import av
from av.container import InputContainer, OutputContainer
from av.video.stream import VideoStream

from rushes.domain.clip import Repair
from rushes.media.boxes import Boxes, read_boxes
from rushes.media.copied import CopiedPictures, CopiedSound, Track
from rushes.media.edge import open_video, packets, writing
from rushes.media.encode import CONTAINER_OPTIONS
from rushes.media.encoded import EncodedPictures, EncodedSound
from rushes.media.extras import copy_extras, copy_notes, left_out
from rushes.media.orientation import UPRIGHT_MATRIX
from rushes.media.probe import describe, picture_track
from rushes.media.schedule import Schedule, main_audio, read_schedule


def rewrite(
    path: Path, repairs: Collection[Repair], target: Path, tags: Mapping[str, str] | None = None
) -> tuple[str, ...]:
    """Write the pictures and the main sound track of `path` to `target`, an MP4 in any case.

    What `repairs` does not name is copied, if it can be. The pictures begin at 0, everything else keeps its
    time to them; `tags` are title and comment for a file that has none. Returns what the copy lacks or shows
    otherwise, a sentence each. Raises `NotAVideo` or `BeyondRepair` for `path`, and `DiskFull` or `ReadOnly`
    for `target`, which may then be half written.
    """
    schedule, boxes = read_schedule(path), read_boxes(path)
    with open_video(path) as (source, video):
        with writing(target):
            output = av.open(target, "w", format="mp4", options=dict(CONTAINER_OPTIONS))
        with output:
            output.metadata.update(tags or {})
            copy_notes(source, schedule, output)
            tracks = _main_tracks(path, source, video, boxes, schedule, repairs, output)
            tracks |= copy_extras(source, schedule, output)
            for packet in packets(source, *(source.streams[index] for index in tracks)):
                # Not `packet.stream_index`: that of the last, empty packet is always 0.
                tracks[packet.stream.index].take(packet)
            with writing(target):
                output.close()
            notes = [note for track in tracks.values() for note in track.notes()]
            notes += left_out(source, tracks)
            if boxes is not None and boxes.c2pa:
                notes.append("The content credentials (C2PA) are lost; the original, which stays, has them.")
            return tuple(notes)


def _main_tracks(
    path: Path,
    source: InputContainer,
    video: VideoStream,
    boxes: Boxes | None,
    schedule: Schedule,
    repairs: Collection[Repair],
    output: OutputContainer,
) -> dict[int, Track]:
    """Return what copies or encodes the pictures and the main sound track, by their numbers in the source."""
    about = describe(path, source, video, boxes)
    tracks: dict[int, Track] = {}
    if Repair.REENCODE_VIDEO in repairs or not schedule.pictures_can_be_copied:
        tracks[video.index] = EncodedPictures(video, about, schedule, output)
    else:
        track = picture_track(boxes)
        matrix = track.matrix if track is not None else UPRIGHT_MATRIX
        tracks[video.index] = CopiedPictures(video, about, matrix, schedule, output)
    audio = main_audio(source)
    if audio is None or schedule.sound is None:
        return tracks
    if Repair.REENCODE_AUDIO in repairs or not schedule.sound.in_order:
        tracks[audio.index] = EncodedSound(audio, path, schedule, output)
    else:
        tracks[audio.index] = CopiedSound(audio, schedule, output)
    return tracks
