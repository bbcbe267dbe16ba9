"""One SQLite file, opened safely by any number of processes.

WAL and `synchronous=FULL`: what was committed survives a power cut. Progress, which may be lost, lives in
a second file beside it that is never synced, so that telling it costs no disk wait.
"""

from __future__ import annotations

import errno
import os
import re
import sqlite3
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from enum import Enum
from importlib import resources
from pathlib import Path
from typing import Any

from rushes.domain.errors import (
    DiskFull,
    LedgerBusy,
    LedgerCorrupt,
    LedgerGone,
    LedgerNewer,
    ReadOnly,
    RushesError,
    StorageError,
)
from rushes.domain.permissions import PRIVATE_FILE, close_to_others, make_private

APPLICATION_ID = 0x72757368  # "rush"
BUSY_TIMEOUT_S = 30.0

MOST_DAMAGE = 100_000
"""Lines that are read of what SQLite finds wrong: one for each row that an index lacks."""

Row = sqlite3.Row


class Database:
    """A connection to the ledger's file at `path`, made and migrated on first use.

    If the file is replaced while it is open, the next statement goes to the one that is at `path` then: what
    is written into the old one, nobody else would ever see. While there is none, every statement raises
    LedgerGone. Unless it is pinned.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.progress_path = path.with_suffix(".progress")
        self._commits = 0
        self._opened: tuple[int, int] | None = None
        self._pinned = False
        with translated(path):
            self._open()

    def close(self) -> None:
        self._connection.close()

    def is_in_place(self) -> bool:
        """Whether the file that is open here is still the one that others find at `path`."""
        try:
            return _identity(self.path) == self._opened
        except OSError:
            # It may be there: a system that does not answer says nothing.
            return True

    def pin(self) -> None:
        """Stay with the file that is open now: a worker does not carry the jobs of two ledgers."""
        self._pinned = True

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Run the block in one write transaction: all of it is kept, or nothing."""
        with translated(self.path):
            connection = self._current()
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield
                connection.commit()
            except BaseException:
                # A commit that fails for want of space leaves the transaction open.
                connection.rollback()
                raise
            self._commits += 1

    def run(self, sql: str, values: Mapping[str, Any] | None = None) -> int:
        """Execute one statement and return how many rows it changed."""
        with translated(self.path):
            return self._current().execute(sql, values or {}).rowcount

    def all(self, sql: str, values: Mapping[str, Any] | None = None) -> list[Row]:
        with translated(self.path):
            return self._current().execute(sql, values or {}).fetchall()

    def one(self, sql: str, values: Mapping[str, Any] | None = None) -> Row | None:
        with translated(self.path):
            row: Row | None = self._current().execute(sql, values or {}).fetchone()
            return row

    def version(self) -> tuple[int, int]:
        """Return numbers that change when anybody, this process too, has committed to the ledger."""
        with translated(self.path):
            return self._current().execute("PRAGMA main.data_version").fetchone()[0], self._commits

    def progress_version(self) -> int:
        """Return a number that changes when another process has told of progress."""
        with translated(self.path):
            return int(self._current().execute("PRAGMA progress.data_version").fetchone()[0])

    def find_damage(self) -> list[str]:
        """Return what SQLite finds wrong with tables and indexes, as they are on the disk; [] for nothing."""
        with translated(self.path), closing(sqlite3.connect(self.path, timeout=BUSY_TIMEOUT_S)) as fresh:
            try:
                return _damage(fresh)
            except sqlite3.DatabaseError as error:
                if _cause(error) is Cause.DAMAGED:
                    return [str(error)]
                raise

    def rebuild_indexes(self, make_unique: Callable[[], None]) -> bool:
        """Rebuild all indexes from their tables; False, and nothing is changed, if damage remains.

        `make_unique` is called while there are none of those that have a name: an index that lacked rows may
        have let in two of what it keeps unique.
        """
        indexes = self.all("SELECT name, sql FROM sqlite_schema WHERE type = 'index' AND sql IS NOT NULL")
        try:
            with self.transaction():
                for index in indexes:
                    self.run(f'DROP INDEX "{index["name"]}"')
                make_unique()
                for index in indexes:
                    self.run(index["sql"])
                self.run("REINDEX")
                if _damage(self._connection):
                    raise LedgerCorrupt
        except LedgerCorrupt:
            return False
        return True

    def _open(self) -> None:
        make_private(self.path.parent)
        # Nobody else is to look into a home, or to lock what is there.
        close_to_others(self.path.parent)
        self._connection = self._connect()
        try:
            self._prepare()
            self._attach_progress()
            self._opened = _identity(self.path)
        except BaseException:
            self._connection.close()
            raise

    def _current(self) -> sqlite3.Connection:
        """Return the connection to the file that is at the path now. Raises LedgerGone."""
        if self._opened is not None and (self._pinned or self._connection.in_transaction):
            return self._connection
        found = _identity(self.path)
        if found is None:
            raise LedgerGone(f"{self.path} was removed while it was in use")
        if found != self._opened:
            self._opened = None
            self._connection.close()
            self._open()
            self._commits += 1
        return self._connection

    def _connect(self) -> sqlite3.Connection:
        _make_private_file(self.path)
        connection = sqlite3.connect(
            self.path, timeout=BUSY_TIMEOUT_S, isolation_level=None, check_same_thread=False
        )
        connection.row_factory = sqlite3.Row
        connection.execute("PRAGMA foreign_keys=ON")
        connection.execute("PRAGMA synchronous=FULL")
        return connection

    def _prepare(self) -> None:
        found = self._connection.execute("PRAGMA user_version").fetchone()[0]
        scripts = migrations()
        if found > len(scripts):
            raise LedgerNewer(f"{self.path} has schema {found}; this rushes knows {len(scripts)}")
        if found == len(scripts):
            return
        self._connection.execute("PRAGMA journal_mode=WAL")
        self._connection.execute("BEGIN IMMEDIATE")
        try:
            # Another process may have migrated while this one waited for the lock.
            found = self._connection.execute("PRAGMA user_version").fetchone()[0]
            for number, script in enumerate(scripts[found:], start=found + 1):
                for statement in statements(script):
                    self._connection.execute(statement)
                self._connection.execute(f"PRAGMA user_version={number}")
            self._connection.execute(f"PRAGMA application_id={APPLICATION_ID}")
        except BaseException:
            self._connection.rollback()
            raise
        self._connection.commit()

    def _attach_progress(self) -> None:
        try:
            self._open_progress()
        except sqlite3.DatabaseError as error:
            if isinstance(error, sqlite3.OperationalError):
                raise
            # Never synced, so a power cut may tear it; nothing in it is worth keeping.
            with suppress(sqlite3.OperationalError):
                self._connection.execute("DETACH progress")
            for end in ("", "-wal", "-shm"):
                self.progress_path.with_name(self.progress_path.name + end).unlink(missing_ok=True)
            self._open_progress()

    def _open_progress(self) -> None:
        _make_private_file(self.progress_path)
        self._connection.execute("ATTACH ? AS progress", [str(self.progress_path)])
        self._connection.execute("PRAGMA progress.journal_mode=WAL")
        self._connection.execute("PRAGMA progress.synchronous=OFF")
        self._connection.execute(
            "CREATE TABLE IF NOT EXISTS progress.progress (job_id TEXT PRIMARY KEY, fraction REAL,"
            " queue_position INTEGER, at REAL NOT NULL) STRICT"
        )


def _make_private_file(path: Path) -> None:
    """Make a database's file for its owner alone, empty, unless it is there; its -wal and -shm follow it."""
    if path.exists():
        close_to_others(path)
    else:
        os.close(os.open(path, os.O_RDWR | os.O_CREAT, PRIVATE_FILE))


def is_index_short(damage: Sequence[str]) -> bool:
    """Whether indexes lack rows of their tables, and nothing else is wrong: then they can be rebuilt.

    An index with more rows than its table tells that the table has lost some.
    """
    short = {match[1] for text in damage if (match := re.fullmatch(r"row \d+ missing from index (.+)", text))}
    counted = {
        match[1] for text in damage if (match := re.fullmatch(r"wrong # of entries in index (.+)", text))
    }
    rest = [text for text in damage if not re.match(r"row \d+ missing from|wrong # of entries in", text)]
    return bool(short) and counted <= short and not rest


def _damage(connection: sqlite3.Connection) -> list[str]:
    rows = connection.execute(f"PRAGMA main.integrity_check({MOST_DAMAGE})").fetchall()
    return [text for (text,) in rows if text != "ok"]


def _identity(path: Path) -> tuple[int, int] | None:
    """Return what tells the file at `path` from any other that exists; None: there is none."""
    try:
        status = os.stat(path)
    except (FileNotFoundError, NotADirectoryError):
        return None
    return status.st_dev, status.st_ino


def migrations() -> list[str]:
    """Return the numbered schema files in order."""
    folder = resources.files("rushes.database") / "schema"
    files = sorted((item for item in folder.iterdir() if item.name.endswith(".sql")), key=lambda i: i.name)
    return [file.read_text(encoding="utf-8") for file in files]


def statements(script: str) -> Iterator[str]:
    """Yield the statements of a script one by one, so that a migration stays one transaction."""
    pending = ""
    for line in script.splitlines(keepends=True):
        pending += line
        if sqlite3.complete_statement(pending):
            yield pending
            pending = ""


@contextmanager
def translated(path: Path) -> Iterator[None]:
    """Turn SQLite's and the system's errors into ours, naming the file."""
    try:
        yield
    except RushesError:
        raise
    except (sqlite3.Error, OSError) as error:
        raise storage_error(path, error) from error


class Cause(Enum):
    """Why a file cannot be used, if it can be told."""

    FULL = "full"
    READ_ONLY = "read only"
    DAMAGED = "damaged"
    BUSY = "busy"


_OF_SYSTEM = {
    Cause.FULL: {errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC)},
    Cause.READ_ONLY: {errno.EACCES, errno.EPERM, errno.EROFS},
}

_OF_SQLITE = {
    sqlite3.SQLITE_FULL: Cause.FULL,
    sqlite3.SQLITE_READONLY: Cause.READ_ONLY,
    sqlite3.SQLITE_PERM: Cause.READ_ONLY,
    sqlite3.SQLITE_CANTOPEN: Cause.READ_ONLY,
    sqlite3.SQLITE_CORRUPT: Cause.DAMAGED,
    sqlite3.SQLITE_NOTADB: Cause.DAMAGED,
    sqlite3.SQLITE_BUSY: Cause.BUSY,
    sqlite3.SQLITE_LOCKED: Cause.BUSY,
}


def storage_error(path: Path, error: sqlite3.Error | OSError) -> StorageError:
    """Return the error of ours that an error of SQLite or of the system at `path` stands for."""
    text = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    match _cause(error):
        case Cause.FULL:
            return DiskFull(f"the disk that holds {path} is full; nothing already made was lost")
        case Cause.READ_ONLY:
            return ReadOnly(f"{path} cannot be written ({text})")
        case Cause.DAMAGED:
            return LedgerCorrupt(f"{path} is damaged ({text}); the clips themselves are untouched")
        case Cause.BUSY:
            return LedgerBusy(f"another process keeps {path} locked")
    return StorageError(f"{path}: {text}")


def _cause(error: sqlite3.Error | OSError) -> Cause | None:
    """Return what an error's number says; its words depend on the language and the version of a system."""
    if isinstance(error, OSError):
        return next((cause for cause, numbers in _OF_SYSTEM.items() if error.errno in numbers), None)
    # An error that Python's own module raised has no number; the lower byte is the one that it extends.
    code = getattr(error, "sqlite_errorcode", None)
    return None if code is None else _OF_SQLITE.get(code & 0xFF)
