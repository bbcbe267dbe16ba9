"""The rules on how a file is shown: is all of it there, which way up, from when to when.

What Chromium 156 and WebKitGTK 2.50 do with each kind is measured in tests/playback.
"""

from __future__ import annotations

from collections.abc import Iterator

from rushes.domain.clip import Finding, Repair
from rushes.media.boxes import Edit, Track
from rushes.media.orientation import UPRIGHT_MATRIX, is_plain
from rushes.media.probe import picture_track
from rushes.media.rule import Headers, error, warning

LATE_START_S = 0.005
"""A movie's clock has steps of a millisecond or less; an empty edit of 21 ms has been a black first frame."""

BLACK_START_S = 0.1
"""From so long on a black start is told as black by `look`, too: shorter ones pass for a slow player."""

HIDDEN_S = 0.1
"""How much an edit list may hide: encoders hide the frames that only fill their pipeline."""

OUTLASTING_S = 0.5
"""How long sound may go on after the pictures: a fading note, or the last packet."""

OTHER_LENGTH_S = 0.5
"""How far the movie's header may be from its tracks."""


def truncated(it: Headers) -> Iterator[Finding]:
    """ISO/IEC 14496-12: a sample that the index lists lies inside the file; RIFF: so does the first chunk.

    A box that is too long is no loss if all samples are there; in a file in fragments nothing else tells.
    """
    lacking = max(it.last, it.riff) - it.bytes
    boxes = it.boxes
    if boxes is not None and (lacking > 0 or boxes.fragmented or not it.last):
        lacking = max(lacking, boxes.payload_missing)
    if lacking > 0:
        text = f"The file is cut short: at least {lacking} bytes at its end are missing."
        yield from error("truncated", Repair.NONE, text)
    elif boxes is not None and boxes.missing > 0:
        text = (
            f"The last part of the file is said to be {boxes.missing} bytes longer than it is; all pictures "
            "and sound are there."
        )
        yield from warning("box_size", Repair.REMUX, text)


def foreign_bytes(it: Headers) -> Iterator[Finding]:
    """Bytes after the last box: the end of an upload form, padding, another file. Browsers pass them over."""
    if it.boxes is None or it.boxes.foreign is None:
        return
    count = it.bytes - it.boxes.foreign
    if it.last > it.boxes.foreign:
        text = (
            f"The layout of the file is damaged from byte {it.boxes.foreign} on, though all pictures and "
            "sound are there; some players may refuse it."
        )
    else:
        text = f"The last {count} bytes of the file are not part of the video; players ignore them."
    yield from warning("foreign_bytes", Repair.REMUX, text)


def matrix(it: Headers) -> Iterator[Finding]:
    """Everybody honours quarter turns; measured: Chromium mirrors, WebKitGTK does not, neither scales."""
    track = picture_track(it.boxes)
    if track is None or it.boxes is None:
        return
    if not is_plain(track.matrix):
        kind = "scaled" if track.orientation is not None else "scaled, sheared or turned by an odd angle"
        text = f"The header wants the pictures {kind} (display matrix), which only some players do."
        yield from warning("matrix", Repair.REMUX, text)
    elif it.boxes.movie_matrix[:5] != UPRIGHT_MATRIX[:5]:
        text = "The pictures are turned by the header of the whole movie, which only some players do."
        yield from warning("matrix", Repair.REMUX, text)
    if it.probe.orientation.mirrored:
        text = "The pictures are mirrored by the header alone (display matrix), which only some players do."
        yield from warning("mirrored", Repair.REENCODE_VIDEO, text)


def start(it: Headers) -> Iterator[Finding]:
    """An empty edit is a black first frame in QuickTime and Safari (heygen-com/hyperframes#3487).

    Measured: WebKitGTK shows nothing while it lasts, and refuses a file with an hour of it. Other containers
    have clocks that begin anywhere: there only the sound tells that the pictures are late.
    """
    late, sound = it.probe.start, it.probe.audio_start
    if late <= LATE_START_S:
        return
    if it.probe.audio_tracks and sound < late - BLACK_START_S:
        # To show them from the start on, some of the sound has to go: a choice for whoever asked for it.
        text = (
            f"The pictures start {_long(late - sound)} after the sound; until then there is nothing to see."
        )
        yield from warning("late_pictures", Repair.REMUX, text)
    elif it.boxes is not None:
        text = f"Nothing is shown for the first {_long(late)}: the file starts black in some players."
        kind = error if late > BLACK_START_S else warning
        yield from kind("late_start", Repair.REMUX, text)


def edits(it: Headers) -> Iterator[Finding]:
    """Measured: Chromium passes over gaps and repetitions in an edit list, WebKitGTK over jumps."""
    track = picture_track(it.boxes)
    shown = [edit for edit in track.edits if edit.start is not None] if track else []
    if track is None or not shown or not track.length:
        return
    if len(track.edits) - track.edits.index(shown[0]) > 1 or any(edit.rate != 1 for edit in shown):
        text = "The header puts the clip together from stretches (edit list), which players show differently."
        yield from warning("edit_list", Repair.REENCODE_VIDEO, text)
    elif (hidden := _hidden(track, shown[0])) > HIDDEN_S:
        text = f"The header hides {_long(hidden)} of the pictures (edit list), which some players show."
        yield from warning("edit_list", Repair.REENCODE_VIDEO, text)


def _hidden(track: Track, edit: Edit) -> float:
    """Return how long the pictures are, in seconds, that a track has outside its only edit."""
    before = max(0.0, (edit.start or 0.0) - track.first)
    return before + (max(0.0, track.length - before - edit.seconds) if edit.seconds else 0.0)


def movie_length(it: Headers) -> Iterator[Finding]:
    """Measured: WebKitGTK shows the length of the movie's header, and refuses a file of 3 s that says 30."""
    boxes = it.boxes
    if boxes is None or boxes.fragmented or not boxes.movie_seconds or not boxes.tracks:
        return
    there = max(track.end for track in boxes.tracks)
    if there and abs(boxes.movie_seconds - there) > OTHER_LENGTH_S:
        text = f"The header says {_long(boxes.movie_seconds)}, and all ends after {_long(there)}."
        yield from error("movie_length", Repair.REMUX, text)


def sound_outlasts(it: Headers) -> Iterator[Finding]:
    """Measured: WebKitGTK showed no picture at all with 8.6 s of sound after the last, with 5.6 s it did."""
    pictures, sound = it.probe.start + it.probe.seconds, it.probe.audio_start + it.probe.audio_seconds
    if it.probe.audio_tracks and it.probe.seconds and sound - pictures > OUTLASTING_S:
        text = f"The sound goes on for {_long(sound - pictures)} over the last picture."
        yield from warning("sound_outlasts", Repair.NONE, text)


def interlaced(it: Headers) -> Iterator[Finding]:
    """Screens show whole pictures: moving edges look like combs where a player does not deinterlace."""
    if it.interlaced:
        yield from warning("interlaced", Repair.REENCODE_VIDEO, INTERLACED)


INTERLACED = "The pictures are interlaced: in some players moving edges look like combs."


def one_frame(it: Headers) -> Iterator[Finding]:
    """A service that runs out of memory has sent the first frame alone (vllm-project/vllm-omni#4303)."""
    if it.probe.frames == 1:
        yield from warning("one_frame", Repair.NONE, ONE_FRAME)


ONE_FRAME = "There is one frame only: a still picture."


def _long(seconds: float) -> str:
    return f"{seconds:.1f} s" if seconds >= 0.1 else f"{seconds * 1000:.0f} ms"
