"""Ledgers that know less than was sent: whatever a person says of them, what is here is not bought again."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from decimal import Decimal
from pathlib import Path

import pytest

from rushes.domain.errors import EngineFault, OverBudget
from rushes.domain.job import Job, JobState
from rushes.domain.money import Caps
from rushes.jobs.restoring import rebuild
from rushes.jobs.tenure import Tenure
from tests.jobs.shop import HOLD, Shop
from tests.jobs.test_copies import Open, backed_up, in_place, moved, open_shop

__all__ = ["open_shop"]


async def old_ledger(home: Path, open_shop: Open) -> tuple[Shop, Job]:
    """Make a clip, and put the ledger back to before it was sent, with marks that know no better."""
    first = open_shop(home)
    job = first.submit("a take")
    backup = backed_up(first, home.with_name("backup.db"))
    await first.carry(job)
    first.close()
    in_place(backup, first.home / "ledger.db")
    (home / "ledger.mark").unlink()
    return open_shop(home), job


async def without_ledger(home: Path, open_shop: Open) -> tuple[Shop, Job]:
    """Make a clip, and lose the ledger."""
    first = open_shop(home)
    job = first.submit("a take")
    await first.carry(job)
    first.close()
    for file in home.glob("ledger.*"):
        file.unlink()
    return open_shop(home), job


async def test_a_word_for_an_old_ledger_does_not_buy_what_is_here(tmp_path: Path, open_shop: Open) -> None:
    """F17: after --continue other jobs are sent; the one whose clip is here waits for a word of its own."""
    shop, job = await old_ledger(tmp_path / "home", open_shop)
    other = shop.submit("another")
    await shop.carry(job, other)
    shop.ledger.decide_continue()
    waits, done = await shop.carry(job, other)

    assert (waits.state, done.state) == (JobState.BLOCKED, JobState.COMPLETED)
    assert waits.failure is not None
    assert "rushes library rebuild" in waits.failure.message
    assert len(shop.creates("a take")) == 1


async def test_a_rebuild_completes_what_an_old_ledger_would_send(tmp_path: Path, open_shop: Open) -> None:
    """F19: the clip of a job that waits is its clip, what it cost is booked, and nothing is in doubt."""
    shop, job = await old_ledger(tmp_path / "home", open_shop)
    await shop.carry(job)
    done = rebuild(shop.ledger, shop.library)
    restored = shop.now(job)
    shop.ledger.decide_continue()
    (after,) = await shop.carry(shop.submit("another"))

    assert (done.jobs, done.booked) == (1, HOLD)
    assert (restored.state, restored.cost.amount, restored.failure) == (JobState.COMPLETED, HOLD, None)
    assert shop.held() == 0
    assert after.state is JobState.COMPLETED
    assert len(shop.creates("a take")) == 1


async def test_after_a_rebuild_new_work_is_taken(tmp_path: Path, open_shop: Open) -> None:
    """F19: what `library rebuild` has put right is no reason any more to refuse a paid job."""
    shop, _ = await without_ledger(tmp_path / "home", open_shop)
    await shop.carry(shop.submit("another"))
    rebuild(shop.ledger, shop.library)

    assert shop.submit("a third").state is JobState.WAITING


async def test_the_same_words_in_a_new_ledger_are_not_bought_again(tmp_path: Path, open_shop: Open) -> None:
    """F19: a job that a new ledger took for lack of the old one is kept back once its clip is known."""
    shop, job = await without_ledger(tmp_path / "home", open_shop)
    (waits,) = await shop.carry(shop.submit("a take"))
    rebuild(shop.ledger, shop.library)
    told = shop.now(waits)
    shop.ledger.decide_continue()
    (after,) = await shop.carry(waits)

    assert waits.id != job.id
    assert told.failure is not None
    assert f"rushes cancel {waits.id}" in told.failure.next
    assert after.state is JobState.BLOCKED
    assert after.failure is not None
    assert job.id in after.failure.message
    assert len(shop.creates("a take")) == 1


async def test_a_restored_job_is_never_sent(tmp_path: Path, open_shop: Open) -> None:
    """F19: a restored job has no ticket; blocked while it is collected, it is collected again, not bought."""
    shop, job = await without_ledger(tmp_path / "home", open_shop)
    rebuild(shop.ledger, shop.library)
    shop.ledger.collect(job.id)
    Tenure(shop.ledger).block(shop.now(job), EngineFault("it failed"), EngineFault.reason, 0.0)
    blocked = shop.now(job)
    shop.ledger.collect(job.id)
    (done,) = await shop.carry(job)

    assert not blocked.is_unsent
    assert done.state is JobState.COMPLETED
    assert len(shop.creates()) == 1


def test_an_order_that_was_refused_says_nothing_of_where_the_ledger_lies(
    tmp_path: Path, open_shop: Open
) -> None:
    """F17: moved to another disk, the first order there is over the budget: it is no copy for that."""
    marks = tmp_path / "state"
    first = open_shop(tmp_path / "home", marks)
    first.submit("before")
    first.close()
    shop = open_shop(moved(first.home), marks)
    with pytest.raises(OverBudget):
        shop.admit(shop.draft("dear"), caps=Caps(per_job=Decimal("0.01"), per_day=None, per_month=None))

    assert shop.submit("after").state is JobState.WAITING


def test_a_moved_ledger_needs_no_mark_that_can_be_written(tmp_path: Path, open_shop: Open) -> None:
    """F17: where the user's folder cannot be written a home that was moved goes on."""
    marks = tmp_path / "state"
    first = open_shop(tmp_path / "home", marks)
    first.submit("before")
    first.close()
    (mark,) = marks.iterdir()
    text = mark.read_text()
    shop = open_shop(moved(first.home), marks)
    for words in ("after", "and after that"):
        shop.submit(words)
        mark.write_text(text)

    assert shop.ledger.trust.doubt() is None


@pytest.mark.parametrize("tried", [False, True])
def test_a_rescued_ticket_makes_an_old_job_a_sent_one(tmp_path: Path, open_shop: Open, tried: bool) -> None:
    """F17: a ticket without rows, and a ledger from before it was sent: the job has it, and is not sent."""
    shop = open_shop(tmp_path / "home")
    job = shop.submit("a take")
    if tried:
        Tenure(shop.ledger).claim("scripted", 1)
    shop.ledger.adopt_rescued(job.id, {"id": "r1"}, None)
    adopted = shop.now(job)

    assert (adopted.state, adopted.ticket) == (JobState.QUEUED, {"id": "r1"})
    assert adopted.posted_at is not None


async def test_a_word_for_the_ledger_is_none_for_a_doubtful_job(tmp_path: Path, open_shop: Open) -> None:
    """F17: what a short index may have let in waits for its own word, not for that on a copied ledger."""
    shop = open_shop(tmp_path / "home")
    older = shop.submit("a take")
    copy = shop.submit("another")
    with closing(sqlite3.connect(shop.database.path)) as raw, raw:
        raw.execute("UPDATE jobs SET digest = ? WHERE id = ?", [older.digest, copy.id])
    with shop.database.transaction():
        shop.ledger.trust._make_keys_unique()
    shop.ledger.decide_continue()

    assert shop.now(copy).state is JobState.BLOCKED
    assert json.loads(json.dumps(shop.ledger.events(copy.id)))[-1]["kind"] == "put_to_a_person"


async def test_jobs_under_way_go_on_in_a_ledger_that_knows_more(tmp_path: Path, open_shop: Open) -> None:
    """What waits, is at its provider or is completed in an earlier rushes' ledger is not sent twice."""
    first = open_shop(tmp_path / "home")
    first.script("under way", render={"faults": [{"status": 503, "times": None}]})
    done, under_way = first.submit("done"), first.submit("under way")
    async with first.working():
        await first.settled(done)
        await first.until(under_way, JobState.QUEUED, JobState.RUNNING)
    waiting = first.submit("waiting")
    first.close()
    with closing(sqlite3.connect(first.home / "ledger.db")) as ledger:
        ledger.executescript("ALTER TABLE jobs DROP COLUMN missing_since; PRAGMA user_version = 6;")
    shop = open_shop(tmp_path / "home")
    shop.script("under way")
    jobs = await shop.carry(done, under_way, waiting)

    assert [job.state for job in jobs] == [JobState.COMPLETED] * 3
    assert [job.missing_since for job in jobs] == [None] * 3
    assert [len(shop.creates(words)) for words in ("done", "under way", "waiting")] == [1, 1, 1]
