"""One SQLite file, opened safely by any number of processes.

WAL and `synchronous=FULL`: what was committed survives a power cut. Progress, which may be lost, lives in
a second file beside it that is never synced, so that telling it costs no disk wait.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from importlib import resources
from pathlib import Path
from typing import Any

from rushes.domain.errors import DiskFull, LedgerCorrupt, LedgerNewer, ReadOnly, RushesError, StorageError

APPLICATION_ID = 0x72757368  # "rush"
BUSY_TIMEOUT_S = 30.0

Row = sqlite3.Row


class Database:
    """A connection to the ledger's file at `path`, made and migrated on first use."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.progress_path = path.with_suffix(".progress")
        self._commits = 0
        with translated(path):
            path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._connection = self._connect()
            try:
                self._prepare()
                self._attach_progress()
            except BaseException:
                self._connection.close()
                raise

    def close(self) -> None:
        self._connection.close()

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Run the block in one write transaction: all of it is kept, or nothing."""
        with translated(self.path):
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield
                self._connection.commit()
            except BaseException:
                # A commit that fails for want of space leaves the transaction open.
                self._connection.rollback()
                raise
            self._commits += 1

    def run(self, sql: str, values: Mapping[str, Any] | None = None) -> int:
        """Execute one statement and return how many rows it changed."""
        with translated(self.path):
            return self._connection.execute(sql, values or {}).rowcount

    def all(self, sql: str, values: Mapping[str, Any] | None = None) -> list[Row]:
        with translated(self.path):
            return self._connection.execute(sql, values or {}).fetchall()

    def one(self, sql: str, values: Mapping[str, Any] | None = None) -> Row | None:
        with translated(self.path):
            row: Row | None = self._connection.execute(sql, values or {}).fetchone()
            return row

    def version(self) -> tuple[int, int]:
        """Return numbers that change when anybody, this process too, has committed to the ledger."""
        with translated(self.path):
            return self._connection.execute("PRAGMA main.data_version").fetchone()[0], self._commits

    def progress_version(self) -> int:
        """Return a number that changes when another process has told of progress."""
        with translated(self.path):
            return int(self._connection.execute("PRAGMA progress.data_version").fetchone()[0])

    def check(self) -> str:
        """Return "ok", or what SQLite finds wrong with the file."""
        with translated(self.path):
            return str(self._connection.execute("PRAGMA quick_check").fetchone()[0])

    def _connect(self) -> sqlite3.Connection:
        fresh = not self.path.exists()
        connection = sqlite3.connect(
            self.path, timeout=BUSY_TIMEOUT_S, isolation_level=None, check_same_thread=False
        )
        if fresh:
            os.chmod(self.path, 0o600)
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
        self._connection.execute("ATTACH ? AS progress", [str(self.progress_path)])
        self._connection.execute("PRAGMA progress.journal_mode=WAL")
        self._connection.execute("PRAGMA progress.synchronous=OFF")
        self._connection.execute(
            "CREATE TABLE IF NOT EXISTS progress.progress (job_id TEXT PRIMARY KEY, fraction REAL,"
            " queue_position INTEGER, at REAL NOT NULL) STRICT"
        )


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
    except sqlite3.Error as error:
        raise storage_error(path, str(error)) from error
    except OSError as error:
        raise storage_error(path, error.strerror or str(error)) from error


def storage_error(path: Path, text: str) -> StorageError:
    """Return the error class that a system's or SQLite's message stands for."""
    lowered = text.lower()
    if "full" in lowered or "no space" in lowered or "quota" in lowered:
        return DiskFull(f"the disk that holds {path} is full; nothing already made was lost")
    if (
        "readonly" in lowered
        or "read-only" in lowered
        or "permission" in lowered
        or "unable to open" in lowered
    ):
        return ReadOnly(f"{path} cannot be written ({text})")
    if "malformed" in lowered or "not a database" in lowered or "corrupt" in lowered:
        return LedgerCorrupt(f"{path} is damaged ({text}); the clips themselves are untouched")
    return StorageError(f"{path}: {text}")
