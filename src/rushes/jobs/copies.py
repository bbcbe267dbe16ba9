"""Putting copies of clips where people asked for them. It blocks: the folder may be on a network."""

from __future__ import annotations

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
    problem = None
    try:
        for number, clip in enumerate(clips):
            target = copy.wanted.file(clip.path.name)
            if number and not copy.wanted.is_folder:
                # A job was asked for one clip, so the names x-2, x-3 are those of other takes.
                target = target.with_stem(f"{target.stem}.{number + 1}")
            library.copy(clip, target, force=copy.wanted.force)
            made.append(target)
    except FileExistsError:
        problem = "another file has appeared there since, and it was not replaced"
    except OSError as error:
        problem = error.strerror or str(error)
    except RushesError as error:
        problem = error.message
    return replace(copy, made=tuple(made), problem=problem)
