"""The catalogue of clips and their files on disk.

clips/2026/11/<words of the prompt>-<id>.mp4 (.json, .sheet.jpg, .bursts.jpg, .original.mp4)
references/<sha256>.<ext>       what was handed in, copied before anything is sent
rejected/<job>-….rejected       what a provider delivered and nobody could repair
staging/<job>/                  what is under way
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import uuid4

from rushes.database.database import Database, Row, storage_error, translated
from rushes.database.sql import load
from rushes.domain.clip import Clip
from rushes.domain.errors import BadReference, NotFound
from rushes.domain.request import Reference, VideoRequest
from rushes.library import sidecar

MAX_REFERENCE_BYTES = 512 * 1024 * 1024


class Library:
    """Clips under one folder, `root`; their rows in the ledger's file."""

    def __init__(self, root: Path, database: Database) -> None:
        self.root = root
        self._database = database
        self._sql = load("rushes.library", "library.sql")

    # --- what goes in ---

    def keep(self, reference: Reference) -> Reference:
        """Copy a reference into the library under its hash, so that nothing done to it later matters.

        What the provider holds already stays there.
        """
        source = reference.path
        if source is None:
            return reference
        if not source.exists():
            raise BadReference(f"the {reference.role.value} reference {source} does not exist")
        if not source.is_file():
            raise BadReference(f"the {reference.role.value} reference {source} is not a file")
        if source.stat().st_size > MAX_REFERENCE_BYTES:
            raise BadReference(f"{source} is larger than {MAX_REFERENCE_BYTES // 2**20} MiB")
        folder = self.root / "references"
        with translated(folder):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        # Hashed as copied: the source may be changed by somebody while it is read.
        part = folder / f"{uuid4().hex}.part"
        try:
            shutil.copyfile(source, part)
        except PermissionError as error:
            raise BadReference(f"{source} cannot be read ({error.strerror})") from error
        except OSError as error:
            part.unlink(missing_ok=True)
            raise storage_error(part, error.strerror or str(error)) from error
        found = sha256(part)
        target = folder / f"{found}{source.suffix.lower()}"
        with translated(target):
            os.replace(part, target)
        return replace(reference, path=target, sha256=found)

    def check_references(self, request: VideoRequest) -> None:
        """Raise BadReference where a copy in the library is no longer what was asked for."""
        for reference in request.references:
            if reference.path is None:
                continue
            if not reference.path.is_file() or sha256(reference.path) != reference.sha256:
                raise BadReference(
                    f"the library's copy of the {reference.role.value} reference was changed or removed"
                    f" ({reference.path}); nothing was sent",
                    next="run the command again with the file you mean",
                )

    def staging(self, job_id: str) -> Path:
        """Return the folder for what is under way for a job."""
        folder = self.root / "staging" / job_id
        with translated(folder):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        return folder

    def clear_staging(self, job_id: str) -> None:
        shutil.rmtree(self.root / "staging" / job_id, ignore_errors=True)

    def add(self, clip: Clip) -> Clip:
        """File a clip whose files lie in staging: move them to their place, write the sidecar, add the row.

        Done twice, after a kill, it ends the same.
        """
        home = self.root / "clips" / f"{clip.created_at:%Y}" / f"{clip.created_at:%m}"
        stem = f"{slug(clip.prompt)}-{clip.id}"
        places = {
            "path": home / f"{stem}.mp4",
            "sheet": home / f"{stem}.sheet.jpg",
            "bursts": home / f"{stem}.bursts.jpg",
            "original": home / f"{stem}.original.mp4",
        }
        with translated(home):
            home.mkdir(mode=0o700, parents=True, exist_ok=True)
            for name, place in places.items():
                source = getattr(clip, name)
                if source is not None:
                    _sync(source)
                    os.replace(source, place)
            filed = replace(
                clip,
                path=places["path"],
                sheet=places["sheet"],
                bursts=places["bursts"] if clip.bursts else None,
                original=places["original"] if clip.original else None,
            )
            text = sidecar.write(filed, self.root)
            part = home / f"{stem}.json.part"
            part.write_text(text, encoding="utf-8")
            _sync(part)
            os.replace(part, home / f"{stem}.json")
            _sync(home)
        self._database.run(self._sql["add"], self._values(filed, text))
        return filed

    def reject(self, job_id: str) -> list[Path]:
        """Keep what arrived for a job and is no clip as `*.rejected`; return where."""
        kept = []
        folder = self.root / "rejected"
        with translated(folder):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            for file in sorted(self.staging(job_id).iterdir()):
                if file.suffix in {".mp4", ".part"} and file.stat().st_size:
                    target = folder / f"{job_id}-{file.name}.rejected"
                    os.replace(file, target)
                    kept.append(target)
        return kept

    # --- what is there ---

    def get(self, id: str) -> Clip:
        """Return a clip by its id, or by the beginning of one. Raises NotFound."""
        row = self._database.one(self._sql["get"], {"id": id})
        if row is None and id:
            rows = self._database.all(self._sql["ids_like"], {"start": id})
            if len(rows) > 1:
                raise NotFound(f"{id!r} begins several clip ids: {', '.join(one['id'] for one in rows)}")
            row = self._database.one(self._sql["get"], {"id": rows[0]["id"]}) if rows else None
        if row is None:
            raise NotFound(f"there is no clip {id!r}", next="rushes clips lists them")
        return self._clip(row)

    def search(self, text: str = "", *, limit: int = 50) -> list[Clip]:
        """Return the newest clips first whose prompt or model holds `text`."""
        rows = self._database.all(self._sql["search"], {"text": text, "limit": limit})
        return [self._clip(row) for row in rows]

    def all(self) -> Iterator[Clip]:
        """Yield every clip, oldest first."""
        for row in self._database.all(self._sql["all"]):
            yield self._clip(row)

    def of_job(self, job_id: str) -> list[Clip]:
        """Return the clips that came of a job."""
        return [self._clip(row) for row in self._database.all(self._sql["of_job"], {"job_id": job_id})]

    def intact(self, job_id: str) -> list[Clip]:
        """Return the clips that came of a job, or none where a file of theirs is missing."""
        clips = self.of_job(job_id)
        return clips if all(clip.path.is_file() for clip in clips) else []

    def remove(self, id: str) -> Clip:
        """Delete a clip's files and its row; what the ledger says of its job and its cost stays."""
        clip = self.get(id)
        with translated(clip.path):
            for file in (clip.path, clip.sheet, clip.bursts, clip.original, clip.path.with_suffix(".json")):
                if file is not None:
                    file.unlink(missing_ok=True)
            # Frames that somebody asked for; a clip's name holds nothing that has a meaning here.
            for file in clip.path.parent.glob(f"{clip.path.stem}.look-*.jpg"):
                file.unlink(missing_ok=True)
        self._database.run(self._sql["remove"], {"id": clip.id})
        return clip

    def restore(self, clip: Clip) -> None:
        """Put back the row of a clip whose files and sidecar are there."""
        self._database.run(self._sql["add"], self._values(clip, sidecar.write(clip, self.root)))

    def _values(self, clip: Clip, text: str) -> dict[str, Any]:
        return {
            "id": clip.id,
            "job_id": clip.job_id,
            "path": str(clip.path.relative_to(self.root)),
            "sha256": clip.sha256,
            "prompt": clip.prompt,
            "model": clip.model,
            "created_at": clip.created_at.timestamp(),
            "sidecar": text,
        }

    def _clip(self, row: Row) -> Clip:
        return sidecar.read(row["sidecar"], self.root)


def slug(prompt: str) -> str:
    """Return the first words of a prompt as the beginning of a file name."""
    words = re.findall(r"\w+", prompt.lower())
    text = "-".join(words)[:48].rstrip("-")
    return text.encode("utf-8")[:120].decode("utf-8", "ignore") or "clip"


def sha256(path: Path) -> str:
    """Return the sha256 of a file in hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _sync(path: Path) -> None:
    # Bytes and names must survive a power cut, or the ledger would tell of a file that is not there.
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
