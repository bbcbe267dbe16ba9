"""The ledger's file: what its errors stand for, and what happens if it is replaced while it is open."""

from __future__ import annotations

import errno
import os
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from rushes.database.database import Database, storage_error, translated
from rushes.domain.errors import DiskFull, LedgerBusy, LedgerCorrupt, LedgerGone, ReadOnly, StorageError

OF_SYSTEM = {
    errno.ENOSPC: DiskFull,
    errno.EACCES: ReadOnly,
    errno.EPERM: ReadOnly,
    errno.EROFS: ReadOnly,
    errno.EIO: StorageError,
    errno.ENOTDIR: StorageError,
}


@pytest.mark.parametrize(
    ("number", "expected"), OF_SYSTEM.items(), ids=[errno.errorcode[n] for n in OF_SYSTEM]
)
def test_an_error_of_the_system_is_told_by_its_number(
    tmp_path: Path, number: int, expected: type[StorageError]
) -> None:
    """B18: whatever words a system has for it, in its own language or with other errors' words in them."""
    error = OSError(number, "aucun espace: disk full, permission denied, malformed")

    assert type(storage_error(tmp_path, error)) is expected


def test_a_full_database_is_a_full_disk(tmp_path: Path) -> None:
    """B18: SQLite's own error for no room."""
    with closing(Database(tmp_path / "ledger.db")) as database:
        database.all("PRAGMA max_page_count = 1")
        with pytest.raises(DiskFull):
            database.run(
                "CREATE TABLE more AS WITH RECURSIVE n(i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n"
                " LIMIT 100000) SELECT i, hex(randomblob(100)) FROM n"
            )


def test_a_ledger_that_another_process_keeps_locked_is_busy(tmp_path: Path) -> None:
    """F27: a worker that was stopped in the middle of a write is told as what it is."""
    with closing(Database(tmp_path / "ledger.db")) as database, closing(Database(database.path)) as other:
        database.all("PRAGMA busy_timeout = 1")
        with other.transaction(), pytest.raises(LedgerBusy), database.transaction():
            pytest.fail("two writers at once")


def test_a_file_that_is_no_database_is_damaged(tmp_path: Path) -> None:
    """B18: SQLite's own error for a file of another kind."""
    (tmp_path / "ledger.db").write_bytes(os.urandom(8192))
    with pytest.raises(LedgerCorrupt):
        Database(tmp_path / "ledger.db")


def test_a_folder_that_cannot_be_opened_is_read_only(tmp_path: Path) -> None:
    """B18: SQLite's own error for what it cannot open."""
    (tmp_path / "ledger.db").mkdir()
    with pytest.raises(ReadOnly):
        Database(tmp_path / "ledger.db")


def test_words_decide_nothing(tmp_path: Path) -> None:
    """B18: an error whose text speaks of a full or damaged thing is not taken for one."""
    with pytest.raises(StorageError) as raised, translated(tmp_path):
        raise sqlite3.OperationalError("no such column: full_quota_permission_malformed")

    assert type(raised.value) is StorageError


def add(database: Database, id: str) -> None:
    database.run("INSERT INTO events (job_id, at, kind) VALUES (:id, 0, 'x')", {"id": id})


def events(database: Database) -> list[str]:
    return [row["job_id"] for row in database.all("SELECT job_id FROM events ORDER BY id")]


def remove(ledger: Path) -> None:
    """Delete a ledger, all of it."""
    for file in ledger.parent.glob("ledger.db*"):
        file.unlink()


@pytest.mark.parametrize("restored", [True, False], ids=["by a backup", "by a new one"])
def test_an_open_ledger_is_followed_to_the_file_that_others_find(tmp_path: Path, restored: bool) -> None:
    """F19: who has a ledger open for days writes into the one that is there, not into a deleted file."""
    ledger, backup = tmp_path / "ledger.db", tmp_path / "backup.db"
    with closing(Database(ledger)) as first:
        with closing(sqlite3.connect(ledger)) as source, closing(sqlite3.connect(backup)) as target:
            source.backup(target)
        add(first, "into the old one")
        version = first.version()
        remove(ledger)
        if restored:
            os.rename(backup, ledger)
        with closing(Database(ledger)) as second:
            before = events(first)
            with first.transaction():
                add(first, "one")
            add(second, "two")
            shared = events(second)

        assert before == []
        assert shared == events(first) == ["one", "two"]
        assert first.version() != version


def test_a_ledger_that_is_gone_is_said_to_be_and_not_made_anew(tmp_path: Path) -> None:
    """F19: nothing is written into a deleted file, and who deletes a home finds nothing new in it."""
    ledger = tmp_path / "ledger.db"
    with closing(Database(ledger)) as database:
        remove(ledger)
        for _ in range(2):
            with pytest.raises(LedgerGone, match=str(ledger)), database.transaction():
                add(database, "one")

        assert not ledger.exists()


def test_a_transaction_ends_in_the_file_that_it_began_in(tmp_path: Path) -> None:
    """F19: what is half written when the file goes is not written into another one by halves."""
    ledger = tmp_path / "ledger.db"
    with closing(Database(ledger)) as database:
        with database.transaction():
            add(database, "one")
            remove(ledger)
            Database(ledger).close()
            add(database, "two")

        assert events(database) == []


def test_a_ledger_that_cannot_be_opened_for_a_while_is_tried_again(tmp_path: Path) -> None:
    """F19: something else stands in its place, and then a ledger again: each is told as it is."""
    ledger = tmp_path / "ledger.db"
    with closing(Database(ledger)) as database:
        remove(ledger)
        ledger.mkdir()
        for _ in range(2):
            with pytest.raises(ReadOnly):
                events(database)
        shutil.rmtree(ledger)
        Database(ledger).close()

        assert events(database) == []


def test_a_pinned_ledger_stays_with_its_file(tmp_path: Path) -> None:
    """F19: a worker carries the jobs of one ledger only, and can still read them if it is deleted."""
    ledger = tmp_path / "ledger.db"
    with closing(Database(ledger)) as database:
        database.pin()
        add(database, "one")
        remove(ledger)

        assert events(database) == ["one"]
        assert not ledger.exists()
