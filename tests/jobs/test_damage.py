"""A ledger with damaged pages or unreadable rows: what is whole continues, and nothing is bought again."""

from __future__ import annotations

import asyncio
import json
import os
import random
import sqlite3
import struct
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from rushes.domain.errors import OverBudget, RowUnreadable
from rushes.domain.job import Job, JobState
from rushes.domain.money import Caps
from rushes.jobs.spending import By, spending
from rushes.jobs.trust import Finding
from rushes.testing.process import ProviderProcess
from tests.jobs.shop import HOLD, Shop

EMPTY_LEAF = {"index": 0x0A, "table": 0x0D}
SEED = 20261201


# --- pages ----------------------------------------------------------------------------------------


def reopened(shop: Shop, provider: ProviderProcess) -> Shop:
    """Open the home of a shop anew, as another process would."""
    one = Shop(shop.home, provider)
    one.mark = shop.mark
    return one


def page_of(ledger: Path, name: str) -> tuple[int, int, str]:
    """Return offset and size of the first page of a table or an index, and which of the two it is."""
    with closing(sqlite3.connect(ledger)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        (size,) = connection.execute("PRAGMA page_size").fetchone()
        root, kind = connection.execute(
            "SELECT rootpage, type FROM sqlite_schema WHERE name = ?", [name]
        ).fetchone()
    return (root - 1) * size, size, kind


def emptied(ledger: Path, name: str) -> None:
    """Make the page of a table or an index one that is sound and has no rows: nobody meets an error."""
    offset, size, kind = page_of(ledger, name)
    head = struct.pack(">BHHHB", EMPTY_LEAF[kind], 0, 0, size, 0)
    overwrite(ledger, offset, head + bytes(size - len(head)))


def scrambled(ledger: Path, name: str) -> None:
    """Write noise over the page of a table or an index."""
    offset, size, _ = page_of(ledger, name)
    overwrite(ledger, offset, random.Random(SEED).randbytes(size))


def overwrite(ledger: Path, offset: int, data: bytes) -> None:
    handle = os.open(ledger, os.O_WRONLY)
    try:
        os.pwrite(handle, data, offset)
        os.fsync(handle)
    finally:
        os.close(handle)


@pytest.mark.parametrize("index", ["jobs_by_digest", "jobs_by_key"])
async def test_an_index_that_lacks_rows_buys_nothing_again(
    shop: Shop, provider: ProviderProcess, index: str
) -> None:
    """F39: the same words, or the same key, after an emptied page: repaired, and the second job waits."""
    key = "mine" if index == "jobs_by_key" else None
    first = shop.submit("a boat", key=key)
    await shop.carry(first)
    shop.close()
    emptied(shop.home / "ledger.db", index)
    shop = reopened(shop, provider)
    second = shop.submit("a boat", key=key)
    (waits,) = await shop.carry(second)
    third = shop.submit("a boat", key=key)
    sent = len(shop.creates())
    shop.ledger.collect(second.id)
    (bought,) = await shop.carry(second)
    shop.close()

    assert second.id != first.id
    assert (waits.state, waits.reason, sent) == (JobState.BLOCKED, "ledger", 1)
    assert waits.failure is not None
    assert first.id in waits.failure.message
    assert f"rushes cancel {second.id}" in waits.failure.next
    assert third.id in {first.id, second.id}
    assert bought.state is JobState.COMPLETED


async def test_an_index_that_is_emptied_while_a_worker_lives_is_noticed(
    shop: Shop, provider: ProviderProcess
) -> None:
    """F39: the worker that is alive has looked before; it looks again before it sends the next."""
    first = shop.submit("a boat")
    async with shop.working():
        await shop.settled(first)
        emptied(shop.home / "ledger.db", "jobs_by_digest")
        other = reopened(shop, provider)
        second = other.submit("a boat")
        waits = await other.settled(second)
    other.close()

    assert second.id != first.id
    assert (waits.state, waits.reason) == (JobState.BLOCKED, "ledger")
    assert len(shop.creates()) == 1


@pytest.mark.parametrize("index", ["spend_by_day", "holds_open"])
async def test_money_is_counted_without_an_index(shop: Shop, provider: ProviderProcess, index: str) -> None:
    """F39: with an emptied page of an index what is spent and held is still known, and caps hold."""
    await shop.carry(shop.submit("spent"))
    shop.submit("held")
    shop.close()
    emptied(shop.home / "ledger.db", index)
    shop = reopened(shop, provider)
    spent, held = shop.spent(), shop.held()
    total = spending(shop.database, By.ENGINE, None, "UTC").total
    with pytest.raises(OverBudget):
        shop.admit(shop.draft("over"), caps=Caps(per_job=None, per_day=HOLD * 2, per_month=None))
    shop.close()

    assert (spent, held) == (HOLD, HOLD)
    assert (total.spent, total.held) == (HOLD, HOLD)


@pytest.mark.parametrize("damage", [emptied, scrambled])
@pytest.mark.parametrize("table", ["spend", "events"])
async def test_a_damaged_table_keeps_paid_work_back(
    shop: Shop, provider: ProviderProcess, damage: Any, table: str
) -> None:
    """F39: what no index can give back is said, and nothing paid is sent; jobs can still be looked at."""
    await shop.carry(shop.submit("before"))
    waits = shop.submit("waits")
    shop.close()
    damage(shop.home / "ledger.db", table)
    shop = reopened(shop, provider)
    await looked_at(shop)
    listed = [] if table == "spend" else shop.ledger.jobs()
    doubt = shop.ledger.trust.doubt()
    shop.close()

    assert doubt is not None
    assert doubt.finding is Finding.DAMAGED
    assert "library rebuild" in doubt.error.next
    assert table == "spend" or waits.id in {one.id for one in listed}
    assert shop.creates("waits") == []


async def looked_at(shop: Shop) -> None:
    """Have a worker look at a ledger until it has found the damage, or has ended over it."""
    async with shop.working() as worker, asyncio.timeout(20):
        while True:
            if worker.done() or shop.ledger.trust.doubt() is not None:
                return
            await asyncio.sleep(0.01)


# --- rows -----------------------------------------------------------------------------------------

UNREADABLE = {
    "request": "{",
    "request ": '{"prompt": 7, "references": []}',
    "quote": '{"amount": "x"}',
    "quote ": "null",
    "state": "dreaming",
    "warnings": "{}",
    "facts": "[]",
    "created_at": 1e300,
    "error": "[]",
}


def change(shop: Shop, id: str, **values: Any) -> None:
    """Write values into the row of a job, past all that the schema forbids."""
    with closing(sqlite3.connect(shop.database.path)) as connection, connection:
        connection.execute("PRAGMA ignore_check_constraints = ON")
        for column, value in values.items():
            connection.execute(f"UPDATE jobs SET {column} = ? WHERE id = ?", [value, id])


@pytest.mark.parametrize(("column", "value"), UNREADABLE.items(), ids=[str(one) for one in UNREADABLE])
async def test_a_row_that_cannot_be_read_concerns_its_job_alone(shop: Shop, column: str, value: Any) -> None:
    """(class of F39) It is listed as unreadable, holds its money, is never sent, and can be ended."""
    bad, good = shop.submit("bad"), shop.submit("good")
    change(shop, bad.id, **{column.strip(): value})
    (done,) = await shop.carry(good)
    listed = {job.id: job for job in shop.ledger.jobs()}
    held = shop.held()
    if column != "error":
        # What was there is written over by why it is left to a person: the rest can be read.
        with pytest.raises(RowUnreadable, match=bad.id):
            shop.ledger.cancel(bad.id)
    ended = shop.ledger.write_off(bad.id, None)

    assert done.state is JobState.COMPLETED
    assert shop.creates("bad") == []
    assert listed[bad.id].reason == "unreadable"
    failure = listed[bad.id].failure
    assert failure is not None
    assert f"rushes cancel --abandon {bad.id}" in failure.next
    assert held == HOLD
    assert ended.state in {JobState.FAILED, JobState.CANCELED}
    assert shop.held() == 0
    assert not shop.ledger.needs_worker()


async def test_an_unreadable_job_at_its_provider_keeps_its_money(shop: Shop) -> None:
    """(class of F39) What was sent stays held until a person says what it cost; the worker says it once."""
    shop.script("running", render={"seconds": 600})
    job = shop.submit("running")
    async with shop.working():
        await shop.until(job, JobState.RUNNING)
    change(shop, job.id, request="{")
    async with shop.working():
        left = await shop.until(job, JobState.BLOCKED)
    await shop.carry(shop.submit("another"))
    kinds = shop.kinds(job)
    ended = shop.ledger.write_off(job.id, None)
    held = shop.held()
    shop.ledger.write_off(job.id, HOLD)

    assert (left.state, left.reason) == (JobState.BLOCKED, "unreadable")
    assert kinds.count("unreadable") == 1
    assert (ended.state, held) == (JobState.FAILED, HOLD)
    assert shop.held() == 0
    assert shop.spent() == HOLD * 2


def test_what_a_newer_version_wrote_is_kept_and_not_minded(shop: Shop) -> None:
    """(class of F39) Fields that only a newer rushes knows, in request, quote and error, hinder nobody."""
    job = shop.submit("from the future")
    row = shop.database.one("SELECT request, quote FROM jobs")
    assert row is not None
    newer = {
        name: json.dumps({**json.loads(row[name]), "flavour": {"sweet": 1}}) for name in ("request", "quote")
    }
    error = {"code": "x", "message": "m", "billed": "no", "next": "n", "exit_code": 5, "mood": "blue"}
    change(shop, job.id, **newer, error=json.dumps(error))
    found = shop.ledger.job(job.id)
    kept = shop.database.one("SELECT request FROM jobs")

    assert found.unreadable is None
    assert found.request == job.request
    assert found.failure is not None
    assert kept is not None
    assert "flavour" in kept["request"]


def test_a_request_that_is_refused_today_is_still_readable(shop: Shop) -> None:
    """Rules on prompts may grow stricter: jobs from before are shown all the same."""
    job = shop.submit("old")
    change(shop, job.id, request=json.dumps({**job.request.as_json(), "prompt": "old \x01"}))

    assert shop.ledger.job(job.id).request.prompt == "old \x01"


def test_an_event_that_cannot_be_read_is_shown_as_it_is(shop: Shop) -> None:
    """(class of F39) One event of a job hides neither the others nor what a person said of its bill."""
    job: Job = shop.submit("events")
    with closing(sqlite3.connect(shop.database.path)) as connection, connection:
        connection.execute(
            "INSERT INTO events (job_id, at, kind, detail) VALUES (?, 1, 'abandoned', '{')", [job.id]
        )

    assert [event["kind"] for event in shop.ledger.events(job.id)] == ["admitted", "abandoned"]
    assert shop.ledger.events(job.id)[1]["detail"] == {"unreadable": "{"}
    assert not shop.ledger.has_word_on_bill(job.id)


def test_fallbacks_that_cannot_be_read_hide_no_other_jobs_key(shop: Shop) -> None:
    """(class of F39) Whether an account's key is needed is told although another job's list is no JSON."""
    bad, good = shop.submit("bad"), shop.submit("good")
    change(shop, bad.id, fallbacks="{", account="theirs")

    assert shop.ledger.needs_key("scripted", good.account)
    assert not shop.ledger.needs_key("scripted", "nobody's")
