"""Where a file goes that a person asked for, and how it gets there: whole, and over nothing of theirs."""

from __future__ import annotations

import errno
import filecmp
import os
import re
import shutil
import stat
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from os import PathLike
from pathlib import Path
from typing import Any, Self
from uuid import uuid4

from rushes.domain.errors import BadDestination, BadInput
from rushes.domain.paths import absolute, read_path, shortened
from rushes.domain.permissions import made_for_user

LONGEST_NAME = 255
"""Bytes (on Windows: characters) of a file's name, on nearly every disk; some take fewer."""

LONGEST_PATH = 1000
"""Bytes of a whole path that every system takes (macOS 1,023, Linux 4,095)."""

REPLACE = "or replace it with --force (force=True in Python)"

IGNORES_CASE = sys.platform in {"darwin", "win32"}
"""Whether `a.mp4` and `A.mp4` are usually one file here."""

_SUFFIX = re.compile(r"\.[a-z][a-z0-9]{1,4}", re.IGNORECASE)
"""What is meant as a file's kind: the end of `v1.2` or of `Mr. Smith` is not."""


@dataclass(frozen=True, kw_only=True)
class Kind:
    """What is written: in `words`, and the endings that a name for it may have, the usual one first."""

    words: str
    suffixes: tuple[str, ...]


CLIP = Kind(words="clips are MP4 files", suffixes=(".mp4",))
PICTURE = Kind(words="sheets are JPEG, PNG or WebP pictures", suffixes=(".jpg", ".jpeg", ".png", ".webp"))


@dataclass(frozen=True, kw_only=True)
class Destination:
    """A file that a person named, or with `is_folder` a folder for files that keep their own names.

    `path` starts at the root. With `force` a file that is there already is replaced.
    """

    path: Path
    is_folder: bool = False
    force: bool = False

    @classmethod
    def read(
        cls,
        given: str | PathLike[str],
        kind: Kind,
        *,
        force: bool = False,
        folder: Path | None = None,
        what: str = "--out",
    ) -> Self:
        """Return what `given` names, relative to `folder` or the working folder.

        A folder that is there, or anything that ends with a slash, is a folder. A name without an ending gets
        that of `kind`. Raises BadDestination for another ending, BadInput for what can be no path.
        """
        text = os.fsdecode(given)
        if text == "-":
            raise BadDestination(f"{what} - : nothing is written to stdout", next="name a file or a folder")
        path = absolute(read_path(text, what=what, folder=folder), what=what)
        if text.endswith(("/", os.sep)) or _is_dir(path):
            return cls(path=path, is_folder=True, force=force)
        return cls(path=path if _is_device(path) else _named(path, kind, what), force=force)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """Return what `as_json` shows. Raises KeyError and TypeError."""
        return cls(path=Path(data["path"]), is_folder=data["is_folder"], force=data["force"])

    def as_json(self) -> dict[str, Any]:
        return {"path": str(self.path), "is_folder": self.is_folder, "force": self.force}

    def file(self, name: str) -> Path:
        """Return the file that is meant; in a folder, the one called `name`."""
        return self.path / name if self.is_folder else self.path

    def in_folder(self, name: str) -> Self:
        """Return the same as one file; in a folder, the one called `name`."""
        return replace(self, path=self.file(name), is_folder=False)

    @property
    def folder(self) -> Path:
        return self.path if self.is_folder else self.path.parent

    @property
    def place(self) -> str:
        """The path in one spelling, by which two destinations are told to be the same."""
        try:
            path = os.path.realpath(self.path.parent) + os.sep + self.path.name
        except OSError:
            path = str(self.path)
        return path.casefold() if IGNORES_CASE else path

    def check(self, writable: set[Path] | None = None) -> None:
        """Raise BadDestination if no file can be put here, or one would be replaced unasked.

        Nothing is changed. `writable` are folders that were found to be so, to be asked about once.
        """
        self._check_file()
        folder = self._check_way()
        if writable is None or folder not in writable:
            _check_writable(folder)
            (set() if writable is None else writable).add(folder)

    def make_folder(self) -> None:
        """Make the folder it is in, and those above it, as a person's umask wants them."""
        try:
            with made_for_user(self.folder / "any"):
                pass
        except OSError as error:
            raise _unwritable(self.folder, error) from error

    def _check_file(self) -> None:
        shown = shortened(self.path)
        try:
            found = os.lstat(self.path)
            is_link = stat.S_ISLNK(found.st_mode)
            found = os.stat(self.path) if is_link else found
        except (FileNotFoundError, NotADirectoryError):
            if self.force or not os.path.lexists(self.path):
                return
            raise BadDestination(
                f"{shown} is a link to nothing", next=f"name another file, {REPLACE}"
            ) from None
        except OSError as error:
            raise _unusable(self.path, error) from error
        if stat.S_ISDIR(found.st_mode):
            if not self.is_folder:
                raise BadDestination(f"{shown} is a folder", next="name a file in it, or end it with a slash")
        elif self.is_folder:
            raise BadDestination(f"{shown} is a file, not a folder", next="leave out the slash at its end")
        elif not stat.S_ISREG(found.st_mode):
            raise BadDestination(f"{shown} is not an ordinary file", next="name another file")
        elif not self.force:
            raise BadDestination(
                f"{shown} exists already; it was not replaced", next=f"name another file, {REPLACE}"
            )

    def _check_way(self) -> Path:
        """Return the folder that is there, of those on the way to the file. Raises BadDestination."""
        missing = [] if self.is_folder else [self.path.name]
        folder = self.folder
        try:
            while not folder.is_dir():
                if os.path.lexists(folder):
                    raise BadDestination(
                        f"{shortened(folder)} is a file, not a folder",
                        next="name a file in a folder",
                    )
                missing.append(folder.name)
                folder = folder.parent
            for name in missing:
                if _length(name) > LONGEST_NAME:
                    raise OSError(errno.ENAMETOOLONG, os.strerror(errno.ENAMETOOLONG))
                # The disk says what it takes.
                with suppress(FileNotFoundError):
                    os.lstat(folder / name)
        except OSError as error:
            raise _unusable(self.path, error) from error
        return folder


@dataclass(frozen=True, kw_only=True)
class Copy:
    """A copy of a job's clips that somebody asked for: `made` are its files, `problem` is what went wrong."""

    wanted: Destination
    made: tuple[Path, ...] = ()
    problem: str | None = None

    @property
    def is_done(self) -> bool:
        return bool(self.made) and self.problem is None


@contextmanager
def writing(file: Path, *, force: bool = False) -> Iterator[Path]:
    """Yield a name beside `file` to write to; what the block wrote is then put under `file`, or nothing is.

    Half a file never lies there. Without `force` nothing is replaced: raises FileExistsError if another file
    is there by then. With `force` a link stays, and what it leads to is replaced.
    """
    file = file.resolve() if force else file
    part = file.with_name(f".{uuid4().hex[:12]}.part{file.suffix}")
    with made_for_user(file):
        try:
            yield part
            if part.exists():
                _sync(part)
                publish(part, file, force=force)
        finally:
            with suppress(OSError):
                part.unlink(missing_ok=True)


def publish(part: Path, file: Path, *, force: bool = False) -> None:
    """Move a whole file to its place on the same disk, at once.

    Raises FileExistsError unless there is nothing, or the very same bytes, or `force` is given.
    """
    if force:
        if file.exists():
            shutil.copymode(file, part)
        os.replace(part, file)
        return
    try:
        _move(part, file)
    except FileExistsError:
        if not file.is_file() or not filecmp.cmp(part, file, shallow=False):
            raise
        part.unlink()


def _move(part: Path, file: Path) -> None:
    """Move a file to where nothing is. Raises FileExistsError."""
    if os.name == "nt":
        # Replaces nothing there.
        return os.rename(part, file)
    try:
        os.link(part, file)
    except FileExistsError:
        raise
    except OSError:
        # A disk without links: exFAT, some network folders. The name is taken first, empty for a moment.
        os.close(os.open(file, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
        try:
            os.replace(part, file)
        except OSError:
            file.unlink()
            raise
    else:
        part.unlink()


def _named(path: Path, kind: Kind, what: str) -> Path:
    """Return a path with an ending of `kind`. Raises BadDestination if it has that of another one."""
    suffix = path.suffix
    if suffix.lower() in kind.suffixes:
        return path
    usual = kind.suffixes[0]
    if _SUFFIX.fullmatch(suffix):
        better = path.with_suffix("")
        better = better if better.suffix.lower() in kind.suffixes else better.with_name(better.name + usual)
        raise BadDestination(
            f"{what} {shortened(path.name)} ends with {suffix}, and {kind.words}",
            next=f"name it {shortened(better.name)}",
        )
    return path.with_name(path.name + usual)


def _is_dir(path: Path) -> bool:
    try:
        return path.is_dir()
    except OSError:
        return False


def _is_device(path: Path) -> bool:
    """Whether something is there that is neither a file nor a folder: it is meant, whatever its ending."""
    try:
        return not stat.S_ISREG(path.stat().st_mode)
    except (OSError, ValueError):
        return False


def _length(name: str) -> int:
    return len(name.encode("utf-16-le")) // 2 if os.name == "nt" else len(os.fsencode(name))


def _check_writable(folder: Path) -> None:
    # Asked of the disk: what the mode of a folder says is not all of it, and nothing at all on Windows.
    try:
        with tempfile.TemporaryFile(dir=folder):
            pass
    except OSError as error:
        raise _unwritable(folder, error) from error


def _unwritable(folder: Path, error: OSError) -> BadInput:
    return BadDestination(
        f"no file can be put into {shortened(folder)} ({error.strerror or error})",
        next="name a file in a folder that you may write to",
    )


def _unusable(path: Path, error: OSError) -> BadInput:
    if error.errno == errno.ENAMETOOLONG:
        longest = max(path.parts, key=_length)
        is_path = _length(longest) <= LONGEST_NAME and _length(str(path)) > LONGEST_PATH
        said = f"the path {shortened(path)}" if is_path else f"the name {shortened(longest)}"
        return BadDestination(f"{said} is longer than the disk allows", next="give it a shorter one")
    return BadDestination(
        f"{shortened(path)} cannot be written ({error.strerror or error})",
        next="name a file in a folder that you may write to",
    )


def _sync(path: Path) -> None:
    # The bytes are there before the name is, also after a power cut.
    handle = os.open(path, os.O_RDWR)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
