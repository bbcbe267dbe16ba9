"""The catalogue of clips and their files on disk.

clips/2026/11/<words of the prompt>-<id>.mp4 (.json, .sheet.jpg, .bursts.jpg, .original.mp4)
references/<sha256>.<ext>       what was handed in, copied before anything is sent
rejected/<job>-….rejected       what a provider delivered and nobody could repair
rejected/<clip>-….changed.mp4   what somebody had made of a clip that was collected again
staging/<job>/                  what is under way
"""

from __future__ import annotations

import glob
import hashlib
import os
import re
import shutil
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import replace
from io import BufferedReader
from pathlib import Path
from typing import Any
from uuid import uuid4

from rushes.database.database import Database, Row, storage_error, translated
from rushes.database.sql import load
from rushes.domain.clip import Clip, Damage, DamageKind
from rushes.domain.destination import writing
from rushes.domain.errors import BadReference, LibraryDamaged, NotFound, StorageError
from rushes.domain.permissions import make_private
from rushes.domain.request import Reference, VideoRequest
from rushes.library import sidecar
from rushes.library.inside import NotInside, check_folder, locate, open_file, write_text

MAX_REFERENCE_BYTES = 512 * 1024 * 1024

UNUSED_AFTER_S = 86_400.0
"""How long a copy of a reference is kept although nothing names it."""

OWN_FOLDERS = {"clips", "references", "rejected", "staging"}
"""What of `root` holds the library's own files."""

REMOVE_LINK = "remove the link from the library, then: rushes library rebuild"

_ENDING = re.compile(r"\.[a-z0-9]{1,10}")


class Library:
    """Clips under one folder, `root`; their rows in the ledger's file."""

    def __init__(self, root: Path, database: Database) -> None:
        self.root = root
        self._database = database
        self._sql = load("rushes.library", "library.sql")

    # --- what goes in ---

    def identify(self, reference: Reference) -> Reference:
        """Return a reference with its hash; nothing is copied. Raises BadReference."""
        if reference.path is None or self._is_kept(reference):
            return reference
        _check_source(reference, reference.path)
        try:
            return replace(reference, sha256=sha256(reference.path))
        except OSError as error:
            raise BadReference(f"{reference.path} cannot be read ({error.strerror})") from error

    def keep(self, reference: Reference) -> Reference:
        """Copy a reference into the library under its hash, so that nothing done to it later matters.

        What the provider holds already stays there, and so does a copy that is here. Raises BadReference.
        """
        source = reference.path
        if source is None:
            return reference
        if self._is_kept(reference):
            # As new: nobody takes it away for being old and unused while it is about to be used.
            with suppress(OSError):
                os.utime(source)
            return reference
        _check_source(reference, source)
        folder = self.references
        with translated(folder):
            make_private(folder)
        # Hashed as copied: the source may be changed by somebody while it is read.
        part = folder / f"{uuid4().hex}.part"
        try:
            shutil.copyfile(source, part)
        except PermissionError as error:
            raise BadReference(f"{source} cannot be read ({error.strerror})") from error
        except OSError as error:
            part.unlink(missing_ok=True)
            raise storage_error(part, error) from error
        digest = sha256(part)
        ending = source.suffix.lower()
        target = folder / (digest + (ending if _ENDING.fullmatch(ending) else ""))
        with translated(target):
            os.replace(part, target)
        return replace(reference, path=target, sha256=digest)

    def _is_kept(self, reference: Reference) -> bool:
        """Whether a reference is the library's own copy; its content is checked when it is sent."""
        path = reference.path
        own = path is not None and path.parent == self.references and path.stem == reference.sha256
        return own and path is not None and path.is_file() and not path.is_symlink()

    def check_references(self, request: VideoRequest) -> None:
        """Raise BadReference if a copy is no longer what was asked for, or does not lie in the library."""
        for reference in request.references:
            if reference.path is None:
                continue
            if self._hash_of(self.references, reference.path) != reference.sha256:
                raise BadReference(
                    f"the library's copy of the {reference.role.value} reference was changed or removed"
                    f" ({reference.path}); nothing was sent",
                    next="run the command again with the file you mean",
                )

    def staging(self, job_id: str) -> Path:
        """Return the folder for what is under way for a job."""
        folder = self.root / "staging" / job_id
        with translated(folder):
            make_private(folder)
        return folder

    def clear_staging(self, job_id: str) -> None:
        shutil.rmtree(self.root / "staging" / job_id, ignore_errors=True)

    def add(self, clip: Clip, job: Mapping[str, Any] | None = None) -> Clip:
        """File a clip whose files lie in staging: move them to their place, write the sidecar, add the row.

        `job` is what its sidecar says of its job. Done twice, after a kill, it ends the same.
        """
        home = self.clips / f"{clip.created_at:%Y}" / f"{clip.created_at:%m}"
        stem = f"{slug(clip.prompt)}-{clip.id}"
        path = home / f"{stem}.mp4"
        places = {"path": path} | {name: home / f"{stem}{end}" for name, end in sidecar.ENDINGS.items()}
        with translated(home):
            self._make_folder(home)
            self._put_aside(path)
            for name, place in places.items():
                source = getattr(clip, name)
                if source is not None:
                    _sync(source)
                    os.replace(source, place)
            filed = replace(
                clip,
                path=path,
                sheet=places["sheet"],
                bursts=places["bursts"] if clip.bursts else None,
                original=places["original"] if clip.original else None,
            )
            text = sidecar.write(filed, self.root, job)
            self._write_sidecar(path, text)
        self._database.run(self._sql["add"], self._values(filed, text))
        return filed

    def _make_folder(self, home: Path) -> None:
        """Make a folder of clips, one after the other, through no link that leads out."""
        for folder in (self.clips, home.parent, home):
            make_private(folder)
            self._check_folder(folder / "any")

    def _put_aside(self, path: Path) -> None:
        """Keep what somebody made of a clip's file before it is replaced by the clip as it was."""
        if path.is_symlink() or not path.is_file() or not path.stat().st_size:
            return
        row = self._database.one(self._sql["at_path"], {"path": self._name(path)})
        digest = sha256(path)
        if row is None or row["sha256"] == digest:
            return
        folder = self.root / "rejected"
        make_private(folder)
        os.replace(path, folder / f"{path.stem}-{digest[:12]}.changed.mp4")

    def _write_sidecar(self, path: Path, text: str) -> None:
        side = path.with_suffix(".json")
        part = side.with_name(f"{side.name}.part")
        write_text(part, text)
        _sync(part)
        os.replace(part, side)
        _sync(side.parent)

    def rewrite_sidecar(self, clip: Clip) -> None:
        """Write a clip's sidecar anew from its row, word for word."""
        row = self._database.one(self._sql["get"], {"id": clip.id})
        if row is not None:
            with translated(clip.path):
                self._check_folder(clip.path)
                self._write_sidecar(clip.path, row["sidecar"])

    def reject(self, job_id: str) -> list[Path]:
        """Keep what arrived for a job and is no clip as `*.rejected`; return where."""
        kept = []
        folder = self.root / "rejected"
        with translated(folder):
            make_private(folder)
            for file in sorted(self.staging(job_id).iterdir()):
                if file.suffix in {".mp4", ".part"} and file.stat().st_size:
                    target = folder / f"{job_id}-{file.name}.rejected"
                    os.replace(file, target)
                    kept.append(target)
        return kept

    # --- what is there ---

    def get(self, id: str) -> Clip:
        """Return a clip by its id, or by the beginning of one. Raises NotFound."""
        found = self.find_ids(id)
        if len(found) > 1:
            raise NotFound(f"{id!r} begins several clip ids: {', '.join(found)}")
        row = self._database.one(self._sql["get"], {"id": found[0]}) if found else None
        if row is None:
            raise NotFound(f"there is no clip {id!r}", next="rushes clips lists them")
        try:
            return self._clip(row)
        except ValueError as error:
            raise LibraryDamaged(
                f"the library's entry of clip {row['id']} cannot be used: {error}",
                next="rushes library rebuild repairs or removes it",
            ) from error

    def find_ids(self, start: str) -> list[str]:
        """Return the clip that has this id, or else some of those whose ids begin so."""
        if not start:
            return []
        if self._database.one(self._sql["get"], {"id": start}) is not None:
            return [start]
        return [row["id"] for row in self._database.all(self._sql["ids_like"], {"start": start})]

    def id_of_file(self, path: Path) -> str | None:
        """Return the id of the clip that a file of the library belongs to, None for any other file."""
        try:
            inside = self.root / path.resolve().relative_to(self.root.resolve())
        except (OSError, RuntimeError, ValueError):
            return None
        for ending in (*sidecar.ENDINGS.values(), ".json", ".mp4"):
            if inside.name.endswith(ending):
                return self.id_at(inside.with_name(f"{inside.name.removesuffix(ending)}.mp4"))
        return None

    def search(self, text: str = "", *, limit: int = 50) -> list[Clip]:
        """Return the newest clips first whose prompt or model holds `text`."""
        return self._readable(self._database.all(self._sql["search"], {"text": text, "limit": limit}))

    def all(self) -> Iterator[Clip]:
        """Yield every clip whose row can be read, oldest first."""
        yield from self._readable(self._database.all(self._sql["all"]))

    def damaged_rows(self) -> Iterator[tuple[str, Path, str]]:
        """Yield the rows that describe no clip: id, the path as it stands there, and what is wrong."""
        for row in self._database.all(self._sql["all"]):
            try:
                self._clip(row)
            except ValueError as error:
                yield row["id"], self.root / row["path"], str(error)

    def of_job(self, job_id: str) -> list[Clip]:
        """Return the clips that came of a job."""
        return self._readable(self._database.all(self._sql["of_job"], {"job_id": job_id}))

    def id_at(self, path: Path) -> str | None:
        """Return the id of the clip whose file a path is, None if there is no row of one."""
        row = self._database.one(self._sql["at_path"], {"path": self._name(path)})
        return None if row is None else str(row["id"])

    # --- what lies on the disk ---

    def holds(self, path: Path) -> bool:
        """Whether a path, links followed, is in one of the folders of the library's own files."""
        try:
            parts = path.resolve().relative_to(self.root.resolve()).parts
        except (OSError, RuntimeError, ValueError):
            return False
        return bool(parts) and parts[0] in OWN_FOLDERS

    @property
    def clips(self) -> Path:
        """The folder of the clips and their sidecars."""
        return self.root / "clips"

    @property
    def references(self) -> Path:
        """The folder of the copies of what was handed in."""
        return self.root / "references"

    def file(self, path: Path) -> Path:
        """Return where a file of a clip really is. Raises NotFound, LibraryDamaged."""
        try:
            return locate(self.clips, path)
        except FileNotFoundError as error:
            raise NotFound(f"{path} is gone", next=LibraryDamaged.next) from error
        except NotInside as error:
            raise LibraryDamaged(f"{error}; it was not opened", next=REMOVE_LINK) from error

    def open(self, path: Path) -> BufferedReader:
        """Open a file of a clip. Raises NotFound, and LibraryDamaged for a link that leads out."""
        self.file(path)
        try:
            return open_file(self.clips, path)
        except NotInside as error:
            raise LibraryDamaged(f"{error}; it was not opened", next=REMOVE_LINK) from error
        except OSError as error:
            raise NotFound(f"{path} cannot be read ({error.strerror})") from error

    def find_damage(self, clip: Clip) -> Damage | None:
        """Return what is wrong with a clip's file, as far as its size tells; None: nothing."""
        try:
            for picture in (clip.sheet, clip.bursts):
                if picture is not None and os.path.lexists(picture):
                    locate(self.clips, picture)
            size = locate(self.clips, clip.path).stat().st_size
        except FileNotFoundError:
            return _damage(DamageKind.MISSING, clip, "is missing")
        except NotInside as error:
            return _damage(DamageKind.OUTSIDE, clip, f"was not opened: {error}")
        if size != clip.bytes:
            words = f"is not the one that was filed: {size:,} bytes, not {clip.bytes:,}"
            return _damage(DamageKind.CHANGED, clip, words)
        return None

    def find_any_damage(self, clip: Clip) -> Damage | None:
        """Return what is wrong with a clip's file, all of which is read; None: nothing."""
        damage = self.find_damage(clip)
        if damage is None and self._hash_of(self.clips, clip.path) != clip.sha256:
            damage = _damage(DamageKind.CHANGED, clip, "is not the one that was filed: its sha256 differs")
        return damage

    def find_missing_parts(self, clip: Clip) -> list[Path]:
        """Return which pictures and sidecar of a clip are missing; all of them can be made again from it."""
        parts = (clip.sheet, clip.bursts, clip.path.with_suffix(".json"))
        return [part for part in parts if part is not None and not os.path.lexists(part)]

    def copy(self, clip: Clip, target: Path, *, force: bool = False) -> None:
        """Copy a clip to `target`, whole or not at all.

        Raises LibraryDamaged if it is not what was filed, OSError, and without `force` FileExistsError if
        another file is there.
        """
        if self.is_copy(clip, target):
            return
        with writing(target, force=force) as part:
            with self.open(clip.path) as source, part.open("xb") as file:
                shutil.copyfileobj(source, file, 2**20)
            if sha256(part) != clip.sha256:
                raise LibraryDamaged(
                    f"the file of clip {clip.id} is not the one that was filed ({clip.path})"
                )

    def is_copy(self, clip: Clip, path: Path) -> bool:
        """Whether a file is a clip, byte for byte."""
        try:
            return path.is_file() and path.stat().st_size == clip.bytes and sha256(path) == clip.sha256
        except OSError:
            return False

    def read_credentials(self, clip: Clip) -> tuple[bool, bool | None]:
        """Return whether a clip's file carries content credentials, and whether its original does.

        What cannot be read is as the clip's entry says.
        """
        there = self._carries_credentials(clip.path)
        in_original = None if clip.original is None else self._carries_credentials(clip.original)
        return (
            clip.facts.c2pa if there is None else there,
            clip.facts.original_c2pa if in_original is None else in_original,
        )

    def _carries_credentials(self, path: Path) -> bool | None:
        # Here: only `verify` and `rebuild` look into files, and reading the ledger is to start fast.
        from rushes.media.boxes import carries_credentials

        try:
            with open_file(self.clips, path) as file:
                return carries_credentials(file)
        except (OSError, NotInside):
            return None

    def has_false_credentials(self, clip: Clip) -> bool:
        """Whether a clip's entry says, word for word, something of content credentials that is not so."""
        row = self._database.one(self._sql["get"], {"id": clip.id})
        if row is None:
            return False
        told, of_original = sidecar.credentials_told(row["sidecar"])
        there, in_original = self.read_credentials(clip)
        return told != there or of_original not in (None, in_original)

    def correct_credentials(self, clip: Clip) -> None:
        """Have a clip's entry and its sidecar say what is so of content credentials."""
        row = self._database.one(self._sql["get"], {"id": clip.id})
        if row is not None:
            text = sidecar.with_credentials(row["sidecar"], *self.read_credentials(clip))
            self._database.run(self._sql["add"], self._values(clip, text))
            self.rewrite_sidecar(clip)

    def _hash_of(self, folder: Path, path: Path) -> str | None:
        """Return the sha256 of a file of the library, None if it cannot be read or leads out of `folder`."""
        try:
            with open_file(folder, path) as file:
                return hashlib.file_digest(file, "sha256").hexdigest()
        except (OSError, NotInside):
            return None

    def _check_folder(self, path: Path) -> None:
        try:
            check_folder(self.clips, path)
        except NotInside as error:
            raise LibraryDamaged(f"{error}; nothing was changed there", next=REMOVE_LINK) from error

    # --- what is taken away and brought back ---

    def remove(self, id: str) -> Clip:
        """Delete a clip's files and its row; what the ledger says of its job and its cost stays."""
        clip = self.get(id)
        with translated(clip.path):
            if clip.path.parent.exists():
                self._check_folder(clip.path)
                for file in (
                    clip.path,
                    clip.sheet,
                    clip.bursts,
                    clip.original,
                    clip.path.with_suffix(".json"),
                ):
                    if file is not None:
                        file.unlink(missing_ok=True)
                # Frames that somebody asked for.
                for file in clip.path.parent.glob(f"{glob.escape(clip.path.stem)}.look-*.jpg"):
                    file.unlink(missing_ok=True)
        self._database.run(self._sql["remove"], {"id": clip.id})
        return clip

    def remove_row(self, id: str) -> None:
        """Forget a row that describes no clip; no file is touched."""
        self._database.run(self._sql["remove"], {"id": id})

    def restore(self, clip: Clip, text: str) -> None:
        """Put back the row of a clip whose files and sidecar are there; `text` is the sidecar's."""
        self._database.run(self._sql["add"], self._values(clip, text))

    def remove_unused_references(self, now: float, hashes: Iterable[str] | None = None) -> int:
        """Delete the copies that no job, quote or clip names; return how many. `hashes` bounds it to some.

        Only those that were put here a day before `now` (seconds since 1970): a younger one may be about to
        be named.
        """
        before = now - UNUSED_AFTER_S
        wanted = None if hashes is None else set(hashes)
        old = [
            file
            for file in (self.references.iterdir() if self.references.is_dir() else ())
            if (wanted is None or file.stem in wanted) and _is_older(file, before)
        ]
        removed = 0
        try:
            named = (
                {one["sha256"] for one in self._database.all(self._sql["named_references"])} if old else set()
            )
        except StorageError:
            # A row that cannot be read may name any of them.
            return removed
        for file in old:
            if file.stem not in named and _is_older(file, before):
                with suppress(OSError):
                    file.unlink()
                    removed += 1
        return removed

    def _name(self, path: Path) -> str:
        """Return a path as the rows have it: relative to the library."""
        return str(path.relative_to(self.root))

    def _values(self, clip: Clip, text: str) -> dict[str, Any]:
        return {
            "id": clip.id,
            "job_id": clip.job_id,
            "path": self._name(clip.path),
            "sha256": clip.sha256,
            "prompt": clip.prompt,
            "model": clip.model,
            "created_at": clip.created_at.timestamp(),
            "sidecar": text,
        }

    def _clip(self, row: Row) -> Clip:
        return sidecar.read(row["sidecar"], self.root)

    def _readable(self, rows: Iterable[Row]) -> list[Clip]:
        """Return the clips of rows, without those that describe none: `verify` names these."""
        clips = []
        for row in rows:
            with suppress(ValueError):
                clips.append(self._clip(row))
        return clips


def slug(prompt: str) -> str:
    """Return the first words of a prompt as the beginning of a file name."""
    words = re.findall(r"\w+", prompt.lower())
    text = "-".join(words)[:48].rstrip("-")
    return text.encode("utf-8")[:120].decode("utf-8", "ignore") or "clip"


def sha256(path: Path) -> str:
    """Return the sha256 of a file in hex."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _check_source(reference: Reference, source: Path) -> None:
    """Raise BadReference unless a reference is a file of a bearable size."""
    if not source.exists():
        raise BadReference(f"the {reference.role.value} reference {source} does not exist")
    if source.is_dir():
        raise BadReference(
            f"the {reference.role.value} reference {source} is a folder", next="name a file in it"
        )
    if not source.is_file():
        raise BadReference(f"the {reference.role.value} reference {source} is not a file")
    if source.stat().st_size > MAX_REFERENCE_BYTES:
        raise BadReference(f"{source} is larger than {MAX_REFERENCE_BYTES // 2**20} MiB")


def _damage(kind: DamageKind, clip: Clip, words: str) -> Damage:
    return Damage(kind=kind, clip=clip, text=f"the file of clip {clip.id} {words} ({clip.path})")


def _is_older(file: Path, before: float) -> bool:
    try:
        return file.lstat().st_mtime < before
    except OSError:
        return False


def _sync(path: Path) -> None:
    # Bytes and names must survive a power cut, or the ledger would tell of a file that is not there.
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
