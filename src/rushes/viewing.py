"""A video that is looked at: which one is meant, what is known of it, and pictures of it.

The media room is imported where it is used: nothing of it is needed to say that a name means nothing.
"""

from __future__ import annotations

import hashlib
import math
import os
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from rushes.database.database import translated
from rushes.domain.clip import Clip, Facts, Span
from rushes.domain.errors import BadInput, NotFound, StorageError
from rushes.domain.observation import Observation
from rushes.domain.permissions import make_private
from rushes.settings import places

if TYPE_CHECKING:
    from rushes.media.frames import Timeline
    from rushes.studio import Studio

KEPT_DAYS = 7
"""How long pictures of files outside the library are kept; drawing them again takes seconds."""

ROUNDING_S = 0.001
"""To how much the time is right at which the last frame has been shown."""

LONGEST_STEM = 160
"""Bytes of a file's name that the names of its pictures begin with."""


@dataclass(frozen=True, kw_only=True)
class Video:
    """A video file; `clip` is the library's record of it and `ordered` its length as asked for, in seconds.

    Both are None for any other file.
    """

    path: Path
    clip: Clip | None = None
    ordered: float | None = None

    @property
    def known(self) -> Observation | None:
        """What was observed of it when it was filed; None where it is no clip. Nothing is decoded."""
        return Observation.of(self.clip, ordered=self.ordered) if self.clip is not None else None

    @property
    def sheet(self) -> Path | None:
        """The overview that was filed with it, where it is still there."""
        return _there(self.clip.sheet if self.clip is not None else None)

    @property
    def bursts(self) -> Path | None:
        """The bursts that were filed with it, where they are still there."""
        return _there(self.clip.bursts if self.clip is not None else None)

    def as_json(self) -> dict[str, Any]:
        clip = self.clip.as_json() if self.clip is not None else None
        return {"path": str(self.path), "clip": clip, "ordered": self.ordered}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        clip = Clip.from_json(data["clip"]) if data["clip"] is not None else None
        return cls(path=Path(data["path"]), clip=clip, ordered=data["ordered"])


@dataclass(frozen=True, kw_only=True)
class Overview:
    """A picture of frames spread over a stretch of a video: where it is, and how many they are."""

    path: Path
    frames: int


def named(studio: Studio, words: str) -> list[Video]:
    """Return the clips that are meant, see `rushes.naming`, as videos.

    Raises NotFound, and LibraryDamaged if a file is gone, or is not the one that was filed.
    """
    found = studio.clips(words)
    for clip in found:
        studio.check_clip(clip)
    return [Video(path=clip.path, clip=clip, ordered=_ordered(studio, clip)) for clip in found]


def _ordered(studio: Studio, clip: Clip) -> float | None:
    """Return the length that was ordered, in seconds; None if the ledger has lost the clip's job."""
    try:
        return studio.ledger.job(clip.job_id).request.clip_seconds
    except NotFound:
        return None


def observed(video: Video) -> Observation:
    """Return what is to be seen and heard in a video; a file that is no clip is decoded for it, all of it.

    Raises NotAVideo, BeyondRepair.
    """
    if (known := video.known) is not None:
        return known
    from rushes.media.watch import observe

    return observe(video.path)


class Pictures:
    """Pictures of one video. What was filed with a clip is not drawn again.

    `seen` is what was observed of it, None where it was not decoded: then its packets tell how long it is.
    They go into `folder`; without one beside a clip, and those of any other file into a folder of the home.
    """

    def __init__(self, video: Video, seen: Observation | None, folder: Path | None = None) -> None:
        self._video = video
        self._seen = seen
        self._folder = folder

    @cached_property
    def end(self) -> float:
        """When the last frame that is there has been shown, in seconds."""
        if self._seen is not None:
            return self._seen.end
        line = self._line
        last = line.seconds(line.shown[-1])
        return last + last / max(1, len(line.shown) - 1)

    def check(self, *times: float) -> None:
        """Raise BadInput where one of the times, in seconds, is not in the video."""
        for seconds in times:
            if not 0 <= seconds <= self.end:
                findings = self._seen.findings if self._seen is not None else ()
                short = any(one.code == "truncated" for one in findings)
                raise BadInput(
                    f"there is nothing at {seconds:g} s: the video is "
                    + (f"cut short after {self.end:.1f} s" if short else f"{self.end:.1f} s long"),
                    next=f"name a time from 0 to {math.floor(self.end * 10) / 10:g}",
                )

    def overview(self) -> Overview:
        """Return frames of all of it. Raises NotAVideo, BeyondRepair."""
        whole = Span(start=0.0, end=self._last)
        if self._video.sheet is not None:
            return Overview(path=self._video.sheet, frames=self._spread(whole))
        return self._drawn("sheet", whole)

    def stretch(self, start: float, end: float) -> Overview:
        """Return frames of what lies between, as far as the video goes.

        Raises BadInput where nothing does, NotAVideo, BeyondRepair.
        """
        self.check(start)
        span = Span(start=start, end=min(end, self.end))
        if not span.start < span.end:
            raise BadInput(
                f"nothing lies between {start:g} and {end:g} s of a video of {self.end:.1f} s",
                next="give an end that is after the start",
            )
        # Named for what is in it: of a stretch that goes on after the end, up to the end.
        last = end if end <= self.end else round(self.end, 3)
        return self._drawn(f"look-{_digits(start)}-{_digits(last)}s", span)

    def bursts(self, facts: Facts) -> Path:
        """Return moments of it at steps of 0.1 s, among them those that `facts` tell of."""
        from rushes.media.bursts import moments
        from rushes.media.sheet import bursts

        return self._video.bursts or bursts(self._video.path, self._place("bursts"), moments(facts))

    def frame(self, seconds: float) -> Path:
        """Return the frame at a time, large. Raises BadInput, NotAVideo, BeyondRepair."""
        from rushes.media.grid import MAX_SIDE
        from rushes.media.sheet import frame_at

        self.check(seconds)
        place = self._place(f"look-{_digits(seconds)}s")
        return frame_at(self._video.path, min(seconds, self._last), place, MAX_SIDE)

    @cached_property
    def _line(self) -> Timeline:
        """The frames that can be shown: of a file that is cut short, those before the cut."""
        from rushes.media.edge import open_video
        from rushes.media.frames import read_timeline

        with open_video(self._video.path) as (container, stream):
            line = read_timeline(self._video.path, container, stream)
        end = self._seen.end if self._seen is not None else math.inf
        there = tuple(pts for pts in line.shown if line.seconds(pts) < end - ROUNDING_S)
        return replace(line, shown=there or line.shown)

    @property
    def _last(self) -> float:
        """When the last frame begins, in seconds."""
        return self._line.seconds(self._line.shown[-1])

    def _drawn(self, name: str, span: Span) -> Overview:
        from rushes.media.sheet import overview

        span = replace(span, end=min(span.end, self._last))
        path = overview(self._video.path, self._place(name), span)
        return Overview(path=path, frames=self._spread(span))

    def _spread(self, span: Span) -> int:
        """Return how many frames an overview of a stretch shows."""
        from rushes.media.sheet import spread

        return len(spread(self._line, span.start, span.end))

    def _place(self, what: str) -> Path:
        """Return the file for one picture."""
        path = self._video.path
        stem = os.fsencode(path.stem)[:LONGEST_STEM].decode("utf-8", "ignore")
        if self._folder is not None:
            return self._folder.absolute() / f"{stem}.{what}.jpg"
        if self._video.clip is not None:
            return _own_name(path.parent / f"{stem}.{what}.jpg")
        version = f"{path.absolute()} {path.stat().st_mtime_ns}"
        digest = hashlib.sha256(os.fsencode(version)).hexdigest()[:12]
        return looks_folder() / f"{stem}-{digest}.{what}.jpg"


def _own_name(place: Path) -> Path:
    """Return a file of the library for a picture; a link that lies under its name is not written through."""
    if place.is_symlink() or (place.exists() and not place.is_file()):
        with translated(place):
            place.unlink()
    return place


def looks_folder() -> Path:
    """Return the folder of the home for pictures of files that are no clips; forget the old ones in it."""
    folder = places()[0] / "looks"
    try:
        with translated(folder):
            make_private(folder)
            _forget(folder)
    except StorageError as error:
        error.next = "rushes look FILE --out FOLDER puts the pictures elsewhere"
        raise
    return folder


def _forget(folder: Path) -> None:
    """Remove the pictures that were drawn longer ago than they are kept."""
    for file in folder.iterdir():
        # Another process may be at the same.
        with suppress(FileNotFoundError):
            if file.stat().st_mtime < time.time() - KEPT_DAYS * 86_400:
                file.unlink()


def _digits(seconds: float) -> str:
    """Return a time as a part of a name, another one for every other time."""
    return repr(float(seconds)).removesuffix(".0")


def _there(file: Path | None) -> Path | None:
    return file if file is not None and file.is_file() else None
