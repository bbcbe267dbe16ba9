"""Taking one clip from the account: the first version that is as large as promised."""

from __future__ import annotations

import asyncio
import os
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rushes.cli.files import writing_part
from rushes.cli.output import say
from rushes.domain.destination import Destination
from rushes.domain.errors import MediaError, ResultBroken, ResultGone

if TYPE_CHECKING:
    from rushes.engines.contract import Source
    from rushes.engines.sora_web.engine import SoraWebEngine
    from rushes.engines.sora_web.tasks import Draft
    from rushes.jobs.download import Downloader
    from rushes.media.probe import Probe

FRESH_ADDRESSES = 2
"""How often the service is asked for addresses before what it offers counts as gone."""

ROUNDING = 16
"""Pixels that a codec may take off a side."""


@dataclass(frozen=True, kw_only=True)
class Taken:
    """A clip on this disk: what its headers say, which version it is, and what is to be said against it."""

    file: Path
    about: Probe
    version: str
    warning: str = ""

    def as_json(self) -> dict[str, Any]:
        return {
            "file": str(self.file),
            "version": self.version,
            "width": self.about.width,
            "height": self.about.height,
            "seconds": round(self.about.seconds, 3),
            "bytes": self.about.bytes,
            "video_codec": self.about.video_codec,
            "audio_codec": self.about.audio_codec,
            "warning": self.warning or None,
        }


@dataclass(frozen=True, kw_only=True)
class Tried:
    """What came of all versions: one of the promised size, the largest smaller one, and what was wrong."""

    right: Taken | None = None
    smaller: Taken | None = None
    gone: ResultGone | None = None
    broken: ResultBroken | MediaError | None = None


async def fetch(engine: SoraWebEngine, id: str, goal: Destination) -> Taken:
    """Download the clip of a post or draft to a file, which is there whole or not at all.

    Raises NotFound, ResultBroken where no version is a video, ResultGone where every address has run out.
    """
    file = goal.path
    with (
        writing_part(file, force=goal.force) as part,
        tempfile.TemporaryDirectory(dir=file.parent, prefix=".rushes-") as folder,
    ):
        best = await _best(engine, id, Path(folder))
        os.replace(best.file, part)
    return replace(best, file=file)


async def _best(engine: SoraWebEngine, id: str, folder: Path) -> Taken:
    """Return the best version; where the address of a better one has run out, new ones are asked for."""
    from rushes.engines.sora_web.inspection import clip, reading

    for _ in range(FRESH_ADDRESSES):
        async with reading(engine, "rushes sora download"):
            draft = await clip(engine, id)
        tried = await asyncio.to_thread(_try, draft, folder)
        if tried.right is not None:
            return tried.right
        if tried.gone is None:
            break
    if tried.smaller is not None and draft.size is not None:
        said = f"{draft.size[0]}×{draft.size[1]} was promised, and no version of that size can be had"
        return replace(tried.smaller, warning=said)
    if tried.gone is not None:
        raise ResultGone(tried.gone.message, next="run it again later: the service gives out new addresses")
    raise ResultBroken(
        f"no version of {id} is a video: {tried.broken}", next="run it again later; nothing was kept"
    )


def _try(draft: Draft, folder: Path) -> Tried:
    """Download one version after the other, until one has the promised size."""
    from rushes.jobs.download import Downloader

    downloader, tried = Downloader(), Tried()
    try:
        for number, source in enumerate(draft.files):
            say(f"downloading {source.label} of {draft.id}")
            try:
                taken = _take(downloader, source, folder / f"{number}.mp4")
            except ResultGone as error:
                say(f"{source.label} cannot be had: {error.message}")
                tried = replace(tried, gone=error)
            except (ResultBroken, MediaError) as error:
                say(f"{source.label} cannot be had: {error.message}")
                tried = replace(tried, broken=error)
            else:
                if _as_promised(taken.about, draft.size):
                    return replace(tried, right=taken)
                say(f"{source.label} has only {taken.about.width}×{taken.about.height}")
                tried = replace(tried, smaller=_larger(tried.smaller, taken))
    finally:
        downloader.close()
    return tried


def _larger(one: Taken | None, other: Taken) -> Taken:
    return other if one is None or other.about.width > one.about.width else one


def _take(downloader: Downloader, source: Source, target: Path) -> Taken:
    from rushes.media.probe import probe

    downloader.fetch(source, target)
    return Taken(file=target, about=probe(target), version=source.label)


def _as_promised(about: Probe, promised: tuple[int, int] | None) -> bool:
    if promised is None:
        return True
    return about.width > promised[0] - ROUNDING and about.height > promised[1] - ROUNDING
