"""Putting copies of clips where people asked for them. It blocks: the folder may be on a network."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from rushes.domain.clip import Clip
from rushes.domain.destination import Copy
from rushes.domain.errors import RushesError
from rushes.library.library import Library


def make_copy(library: Library, clips: Sequence[Clip], copy: Copy) -> Copy:
    """Copy a job's clips to where they are wanted, and return what came of it; nothing is raised."""
    made: list[Path] = []
    for number, clip in enumerate(clips):
        target = copy.wanted.file(clip.path.name)
        if number and not copy.wanted.is_folder:
            # A job was asked for one clip, so the names x-2, x-3 are those of other takes.
            target = target.with_stem(f"{target.stem}.{number + 1}")
        try:
            library.copy(clip, target, force=copy.wanted.force)
        except OSError as error:
            return replace(copy, made=tuple(made), problem=_words(error, target))
        except RushesError as error:
            return replace(copy, made=tuple(made), problem=error.message)
        made.append(target)
    return replace(copy, made=tuple(made), problem=None if made else "its clip is not in the library")


def _words(error: OSError, target: Path) -> str:
    if not isinstance(error, FileExistsError):
        return error.strerror or str(error)
    if os.path.lexists(target):
        return "another file has appeared there since; it was not replaced"
    return f"{target.parent} is a file, not a folder"
