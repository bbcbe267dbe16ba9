"""Pictures of a video for a model that cannot watch it, none larger than it is shown.

They are drawn in a child process, `python -m rushes.mcp.pictures`: it is stopped at once when a call takes
too long or its client goes, and takes the memory of a decode with it. A thread would continue.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any, Self

from rushes.children.child import ChildDied, ask
from rushes.children.serving import DECODER_MEMORY, ParentLine, serve
from rushes.domain.errors import BadInput, BeyondRepair
from rushes.domain.observation import Observation
from rushes.viewing import Overview, Pictures, Video, observed

MOST_FRAMES = 6
"""Single frames in one answer: six of full size are some ten thousand tokens."""

LONGEST_DECODE_MIN = 3
"""Minutes of a file that are decoded in one call. Of 1080p on two cores three take 15 s, at 60 fps 36 s."""

PARTS = "give start and end, or view: frames with at; bursts and what is measured are of the whole"
"""What helps where a file is too long."""


class View(StrEnum):
    """What of a video is shown."""

    OVERVIEW = "overview"
    BURSTS = "bursts"
    FRAMES = "frames"


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """What is to be shown: single frames `at` so many seconds, or a sheet of all or of what lies between."""

    view: View
    at: Sequence[float]
    start: float | None
    end: float | None

    @property
    def whole(self) -> bool:
        """Whether all of the video has to be gone through for it."""
        return self.view is View.BURSTS or (
            self.view is View.OVERVIEW and self.start is None and self.end is None
        )

    def check(self) -> None:
        """Raise BadInput where what was asked for contradicts itself."""
        if self.at and self.view is not View.FRAMES:
            raise BadInput("at is for single frames", next="give view: frames with it")
        if self.view is View.FRAMES and not self.at:
            raise BadInput("view is frames, and at is missing", next="give at: a list of seconds, [2.5] say")
        if self.view is not View.OVERVIEW and not (self.start is None and self.end is None):
            raise BadInput("start and end are for the overview", next="give view: overview with them")


@dataclass(frozen=True, kw_only=True)
class Picture:
    """One picture, and what it shows."""

    path: Path
    shows: str


@dataclass(frozen=True, kw_only=True)
class Shown:
    """What is told of a video, and its pictures."""

    lines: list[str]
    pictures: list[Picture]

    def as_json(self) -> dict[str, Any]:
        pictures = [{"path": str(one.path), "shows": one.shows} for one in self.pictures]
        return {"lines": self.lines, "pictures": pictures}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        pictures = [Picture(path=Path(one["path"]), shows=one["shows"]) for one in data["pictures"]]
        return cls(lines=data["lines"], pictures=pictures)


@dataclass(frozen=True, kw_only=True)
class Drawing:
    """What a child process is to do: the pictures go into `folder`."""

    video: Video
    wanted: Wanted
    folder: Path

    def as_json(self) -> dict[str, Any]:
        wanted = {**vars(self.wanted), "at": list(self.wanted.at)}
        return {"video": self.video.as_json(), "wanted": wanted, "folder": str(self.folder)}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        wanted = Wanted(**{**data["wanted"], "view": View(data["wanted"]["view"])})
        return cls(video=Video.from_json(data["video"]), wanted=wanted, folder=Path(data["folder"]))


async def drawn(drawing: Drawing, deadline_s: float) -> Shown:
    """Return what is told and shown of a video within some seconds; a call that is canceled ends the work.

    Raises BadInput for what the video does not reach or is too long for, NotAVideo, BeyondRepair.
    """
    try:
        answer = await ask("rushes.mcp.pictures", drawing.as_json(), deadline_s=deadline_s)
    except ChildDied as error:
        path = drawing.video.path
        raise BeyondRepair(f"{path} could not be shown: what decodes it {error}") from error
    return Shown.from_json(answer)


def shown(drawing: Drawing) -> Shown:
    """Return what is told and shown of a video. What was measured is told where it is known anyway."""
    video, wanted = drawing.video, drawing.wanted
    seen = video.known
    if seen is None and wanted.whole:
        check_length(video)
        seen = observed(video)
    pictures = Pictures(video, seen, drawing.folder)
    found = _pictures(pictures, seen, wanted)
    return Shown(lines=seen.lines() if seen is not None else _headers(video, pictures.end), pictures=found)


def check_length(video: Video) -> None:
    """Raise BadInput where a file says that it is too long to be decoded while a client waits."""
    from rushes.media.probe import probe

    seconds = probe(video.path).seconds or Pictures(video, None).end
    if seconds > LONGEST_DECODE_MIN * 60:
        raise BadInput(
            f"{video.path} lasts {seconds / 60:.1f} min, longer than {LONGEST_DECODE_MIN} min", next=PARTS
        )


def _pictures(pictures: Pictures, seen: Observation | None, wanted: Wanted) -> list[Picture]:
    if wanted.view is View.FRAMES:
        pictures.check(*wanted.at)
        times = dict.fromkeys(wanted.at)
        return [Picture(path=pictures.frame(at), shows=f"the frame at {at:g} s") for at in times]
    if wanted.view is View.BURSTS and seen is not None:
        rows = "bursts: rows of frames 0.1 s apart, with what changed in each"
        return [Picture(path=pictures.bursts(seen.facts), shows=rows)]
    if wanted.whole:
        return [_spread(pictures.overview(), "of all of it")]
    start, end = wanted.start or 0.0, pictures.end if wanted.end is None else wanted.end
    found = pictures.stretch(start, end)
    return [_spread(found, f"from {start:g} to {min(end, pictures.end):g} s")]


def _spread(found: Overview, where: str) -> Picture:
    return Picture(path=found.path, shows=f"{found.frames} frame{'s' * (found.frames != 1)} {where}")


def _headers(video: Video, end: float) -> list[str]:
    """Return what can be said of a file that is not decoded as a whole."""
    from rushes.media.probe import probe

    about = probe(video.path)
    sound = f" + {about.audio_codec}" if about.audio_codec else ", no sound"
    shape = f"{end:.1f} s, {about.width}×{about.height}, {about.fps:g} fps, {about.video_codec}{sound}"
    long = end > LONGEST_DECODE_MIN * 60
    where = f"only in files of up to {LONGEST_DECODE_MIN} min" if long else "by the overview of all of it"
    return [shape, f"cuts, black, frozen and silent parts were not looked for: that is done {where}"]


def work(data: Any, line: ParentLine) -> dict[str, Any]:
    return shown(Drawing.from_json(data)).as_json()


if __name__ == "__main__":
    serve(work, memory=DECODER_MEMORY)
