"""Compares files, hashes and rows of the library, and brings rows back from sidecars."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rushes.library import sidecar
from rushes.library.library import Library, sha256


@dataclass(frozen=True, kw_only=True)
class Flaw:
    """Something that does not agree: its `kind`, the file, and what to do about it."""

    kind: str
    path: Path
    text: str

    def as_json(self) -> dict[str, Any]:
        return {"kind": self.kind, "path": str(self.path), "text": self.text}


def verify(library: Library) -> Iterator[Flaw]:
    """Yield every disagreement between rows and files; every clip is hashed."""
    known = set()
    for clip in library.all():
        known.add(clip.path)
        side = clip.path.with_suffix(".json")
        if not clip.path.is_file():
            text = f"clip {clip.id} has lost its file; rushes collect {clip.job_id} may bring it back"
            yield Flaw(kind="missing", path=clip.path, text=text)
        elif sha256(clip.path) != clip.sha256:
            yield Flaw(kind="changed", path=clip.path, text=f"clip {clip.id} is not the file that was filed")
        if not side.is_file():
            text = f"clip {clip.id} has lost its sidecar; rushes library rebuild writes it anew"
            yield Flaw(kind="no_sidecar", path=side, text=text)
    for file in sorted(clip_files(library)):
        if file not in known:
            text = "no row tells of it; rushes library rebuild brings it back if its sidecar is whole"
            yield Flaw(kind="unknown", path=file, text=text)


def rebuild(library: Library) -> tuple[int, list[Flaw]]:
    """Restore rows from sidecars and sidecars from rows; return how many, and what could not be read."""
    known = {clip.id: clip for clip in library.all()}
    restored, flaws = 0, []
    for side in sorted((library.root / "clips").rglob("*.json")):
        try:
            clip = sidecar.read(side.read_text(encoding="utf-8"), library.root)
        except (ValueError, OSError) as error:
            flaws.append(Flaw(kind="unreadable", path=side, text=f"{error}"))
            continue
        if clip.id not in known:
            library.restore(clip)
            restored += 1
    for clip in known.values():
        side = clip.path.with_suffix(".json")
        if clip.path.is_file() and not side.is_file():
            side.write_text(sidecar.write(clip, library.root), encoding="utf-8")
            restored += 1
    return restored, flaws


def clip_files(library: Library) -> Iterator[Path]:
    """Yield the files that ought to be clips."""
    for file in (library.root / "clips").rglob("*.mp4"):
        if not file.name.endswith(".original.mp4"):
            yield file
