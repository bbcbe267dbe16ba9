"""Compares files, hashes and rows of the library, and brings rows back from sidecars."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rushes.domain.clip import Clip
from rushes.domain.errors import RushesError
from rushes.library import sidecar
from rushes.library.inside import locate, open_file
from rushes.library.library import Library

Restore = Callable[[Clip, str], None]
"""Brings back what the ledger knew of the job of a clip, from the text of its sidecar. Raises ValueError."""


@dataclass(frozen=True, kw_only=True)
class Flaw:
    """Something that does not agree: its `kind`, the file, and what to do about it."""

    kind: str
    path: Path
    text: str

    def as_json(self) -> dict[str, Any]:
        return {"kind": self.kind, "path": str(self.path), "text": self.text}


def verify(library: Library) -> Iterator[Flaw]:
    """Yield every disagreement between rows and files; every clip and every sidecar is read."""
    known = set()
    for _, path, why in library.damaged_rows():
        known.add(path)
        text = f"the library's entry cannot be used: {why}; rushes library rebuild repairs or removes it"
        yield Flaw(kind="unreadable", path=path, text=text)
    for clip in library.all():
        known.add(clip.path)
        yield from _flaws_of(library, clip)
    for file in sorted(clip_files(library)):
        if file not in known:
            text = (
                "the library has no entry for it; rushes library rebuild restores it if its sidecar is whole"
            )
            yield Flaw(kind="unknown", path=file, text=text)
    for side in sidecar_files(library):
        try:
            read_sidecar(library, side)
        except ValueError as error:
            yield Flaw(kind="unreadable", path=side, text=str(error))


def _flaws_of(library: Library, clip: Clip) -> Iterator[Flaw]:
    damage = library.find_any_damage(clip)
    if damage is not None:
        text = f"{damage.text}; rushes collect {clip.job_id} may bring it back"
        yield Flaw(kind=damage.kind.value, path=clip.path, text=text)
    elif library.has_false_credentials(clip):
        text = (
            f"what is said of the content credentials of clip {clip.id} is not so; rushes library rebuild"
            " corrects it"
        )
        yield Flaw(kind="credentials", path=clip.path, text=text)
    for part in library.find_missing_parts(clip):
        what = "sidecar" if part.suffix == ".json" else "sheet"
        text = f"clip {clip.id} has lost its {what}; rushes library rebuild makes it again"
        yield Flaw(kind=f"no_{what}", path=part, text=text)


def rebuild(library: Library, restore_job: Restore = lambda clip, text: None) -> tuple[int, list[Flaw]]:
    """Restore rows from sidecars and sidecars from rows; return how many, and what could not be restored.

    A sidecar that says what cannot be is a flaw of that sidecar alone. Rows that describe no clip are
    removed, unless a sidecar replaces them.
    """
    damaged = {id: (path, why) for id, path, why in library.damaged_rows()}
    known = {clip.id: clip for clip in library.all()}
    for id in damaged:
        library.remove_row(id)
    restored, flaws = 0, []
    for side in sidecar_files(library):
        try:
            clip, text = read_sidecar(library, side)
            new = clip.id not in known
            if new and (taken := library.id_at(clip.path)) not in (None, clip.id):
                raise ValueError(f"clip {taken} has the same file")
            restore_job(clip, text)
            _check_files(library, clip)
            if new:
                library.restore(clip, text)
                damaged.pop(clip.id, None)
                restored += 1
        except (ValueError, RushesError) as error:
            flaws.append(Flaw(kind="unreadable", path=side, text=f"{error}"))
    for id, (path, why) in damaged.items():
        text = f"its entry {id} could not be used ({why}) and was removed; the file was not touched"
        flaws.append(Flaw(kind="unreadable", path=path, text=text))
    for clip in library.all():
        if library.find_damage(clip) is None and library.has_false_credentials(clip):
            library.correct_credentials(clip)
            restored += 1
    for clip in known.values():
        side = clip.path.with_suffix(".json")
        if side in library.find_missing_parts(clip) and library.find_damage(clip) is None:
            library.rewrite_sidecar(clip)
            restored += 1
    return restored, flaws


def read_sidecar(library: Library, side: Path) -> tuple[Clip, str]:
    """Return the clip of a sidecar, and its text. Raises ValueError if it cannot be believed."""
    try:
        with open_file(library.clips, side) as file:
            data = file.read(sidecar.LARGEST_BYTES + 1)
    except OSError as error:
        raise ValueError(f"it cannot be read ({error.strerror})") from error
    if len(data) > sidecar.LARGEST_BYTES:
        raise ValueError(f"it is larger than {sidecar.LARGEST_BYTES // 2**20} MiB")
    text = data.decode("utf-8")
    clip = sidecar.read(text, library.root)
    # Of a row this is not asked: a clock that was wrong once must not hide a clip.
    sidecar.check_past(clip.created_at, "created_at")
    if _composed(clip.path.with_suffix(".json")) != _composed(side):
        raise ValueError("it describes another clip than the one beside it")
    return clip, text


def _check_files(library: Library, clip: Clip) -> None:
    """Raise ValueError unless a clip is there, and all its files are regular files of the library."""
    for file in (clip.path, clip.sheet, clip.bursts, clip.original):
        if file is None:
            continue
        try:
            locate(library.clips, file)
        except FileNotFoundError as error:
            if file == clip.path:
                raise ValueError(f"its clip {file.name} is gone") from error


def _composed(path: Path) -> str:
    """Return a path in one form of Unicode: some file systems give names back in another."""
    return unicodedata.normalize("NFC", str(path))


def clip_files(library: Library) -> Iterator[Path]:
    """Yield the files that ought to be clips."""
    for file in library.clips.rglob("*.mp4"):
        if not file.name.endswith(".original.mp4"):
            yield file


def sidecar_files(library: Library) -> list[Path]:
    """Return the files that ought to be sidecars."""
    return sorted(library.clips.rglob("*.json"))
