"""A ledger that was copied or restored buys nothing twice; one that was only moved is not asked about."""

from __future__ import annotations

import os
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from rushes.domain.errors import LedgerInDoubt
from rushes.domain.job import JobState
from rushes.jobs.trust import Finding
from rushes.library.audit import rebuild
from rushes.testing.process import ProviderProcess
from tests.jobs.shop import NOTHING, Shop

Open = Callable[..., Shop]


@pytest.fixture
def open_shop(tmp_path: Path, provider: ProviderProcess) -> Iterator[Open]:
    """Open the shop of a home; all have one mark, so that the provider tells their prompts as the same."""
    opened: list[Shop] = []

    def open_one(home: Path, marks: Path | None = None) -> Shop:
        one = Shop(home, provider, marks=marks)
        if opened:
            one.mark = opened[0].mark
        opened.append(one)
        return one

    yield open_one
    for one in opened:
        one.close()


def renamed(home: Path) -> Path:
    """The folder has another name: the same file."""
    return Path(shutil.move(home, home.with_name("renamed")))


def moved(home: Path) -> Path:
    """Moved to another disk: another file, and the first one is gone."""
    target = home.with_name("moved")
    shutil.copytree(home, target)
    shutil.rmtree(home)
    return target


def put_back(home: Path) -> Path:
    """The whole home from a backup, at its old place: nothing was sent since."""
    backup = home.with_name("backup")
    shutil.copytree(home, backup)
    shutil.rmtree(home)
    os.rename(backup, home)
    return home


def left(home: Path) -> Path:
    """Nothing happened to it: a container with the same volume started again."""
    return home


@pytest.mark.parametrize("move", [renamed, moved, put_back])
async def test_a_ledger_that_was_moved_continues_unasked(
    tmp_path: Path, open_shop: Open, move: Callable[[Path], Path]
) -> None:
    """F17: a home that was renamed, moved to another disk, or put back as it was goes on, silently."""
    marks = tmp_path / "state"
    first = open_shop(tmp_path / "home", marks)
    job = first.submit("before")
    first.close()
    shop = open_shop(move(first.home), marks)
    done = await shop.carry(job, shop.submit("after"))

    assert [one.state for one in done] == [JobState.COMPLETED] * 2
    assert len(shop.creates()) == 2


@pytest.mark.parametrize("move", [left, renamed])
async def test_a_container_without_a_memory_continues_unasked(
    tmp_path: Path, open_shop: Open, move: Callable[[Path], Path]
) -> None:
    """F17: the same file on a machine that has never seen it, as each start of a container is, goes on."""
    first = open_shop(tmp_path / "home", tmp_path / "state of one container")
    sent = first.submit("before")
    await first.carry(sent)
    waits = first.submit("waits")
    first.close()
    shop = open_shop(move(first.home), tmp_path / "state of the next")
    (done,) = await shop.carry(waits)

    assert done.state is JobState.COMPLETED
    assert len(shop.creates()) == 2


@pytest.mark.parametrize("remembers", [True, False], ids=["state folder", "no state folder"])
async def test_a_copy_buys_nothing_that_the_original_may_buy(
    tmp_path: Path, open_shop: Open, remembers: bool
) -> None:
    """F17: `cp -a` of a home with jobs waiting, both used: each is bought once, by the original."""
    marks = tmp_path / "state" if remembers else None
    shop = open_shop(tmp_path / "home", marks)
    jobs = [shop.submit("one"), shop.submit("two")]
    copy = cloned(shop, tmp_path / "copy", open_shop)
    copied = await copy.carry(*jobs)
    done = await shop.carry(*jobs)

    assert [one.state for one in done] == [JobState.COMPLETED] * 2
    assert [(one.state, one.reason) for one in copied] == [(JobState.BLOCKED, "ledger")] * 2
    assert all(one.failure is not None and str(shop.home) in one.failure.message for one in copied)
    assert len(shop.creates()) == 2


async def test_in_a_copy_only_what_costs_nothing_goes_on(tmp_path: Path, open_shop: Open) -> None:
    """F17: until a person decides a new paid job is refused with the reason, and a free one is made."""
    shop = open_shop(tmp_path / "home")
    shop.submit("waits")
    copy = cloned(shop, tmp_path / "copy", open_shop)
    with pytest.raises(LedgerInDoubt, match="copy") as refused:
        copy.submit("another")
    (free,) = await copy.carry(copy.submit("free", model="free"))

    assert "rushes ledger --continue" in refused.value.next
    assert "rushes ledger --copy" in refused.value.next
    assert free.state is JobState.COMPLETED
    assert copy.creates("another") == []


async def test_a_copy_without_unsent_jobs_goes_its_own_way(tmp_path: Path, open_shop: Open) -> None:
    """F17: where nothing waits there is nothing to buy twice: neither the copy nor the original asks."""
    marks = tmp_path / "state"
    shop = open_shop(tmp_path / "home", marks)
    await shop.carry(shop.submit("before"))
    copy = cloned(shop, tmp_path / "copy", open_shop)
    theirs, ours = copy.submit("theirs"), shop.submit("ours")
    done = [*await copy.carry(theirs), *await shop.carry(ours)]

    assert [one.state for one in done] == [JobState.COMPLETED] * 2
    assert copy.ledger.trust.id() != shop.ledger.trust.id()


async def test_of_two_one_continues_and_one_is_a_copy(tmp_path: Path, open_shop: Open) -> None:
    """F17: once the copy was said to continue the original asks; said to be a copy, it cancels, free."""
    marks = tmp_path / "state"
    shop = open_shop(tmp_path / "home", marks)
    job = shop.submit("one")
    copy = cloned(shop, tmp_path / "copy", open_shop)
    await copy.carry(job)
    continued = copy.ledger.decide_continue()
    (done,) = await copy.carry(job)
    (waits,) = await shop.carry(job)
    canceled = shop.ledger.decide_copy()
    (again,) = await shop.carry(shop.submit("two"))

    assert (continued, done.state) == ([job.id], JobState.COMPLETED)
    assert (waits.state, waits.reason) == (JobState.BLOCKED, "ledger")
    assert (canceled, shop.now(job).state) == ([job.id], JobState.CANCELED)
    assert shop.now(job).cost.amount == NOTHING
    assert again.state is JobState.COMPLETED
    assert len(shop.creates("one")) == 1


async def test_a_home_on_a_new_machine_is_asked_about_once(tmp_path: Path, open_shop: Open) -> None:
    """F17: copied to a machine that knows nothing of it: it may be one of two, and one word settles it."""
    first = open_shop(tmp_path / "home", tmp_path / "old machine")
    await first.carry(first.submit("before"))
    job = first.submit("waits")
    first.close()
    shop = open_shop(moved(first.home), tmp_path / "new machine")
    (asked,) = await shop.carry(job)
    shop.ledger.decide_continue()
    done = await shop.carry(job, shop.submit("after"))

    assert (asked.state, asked.reason) == (JobState.BLOCKED, "ledger")
    assert [one.state for one in done] == [JobState.COMPLETED] * 2


async def test_what_comes_back_from_another_machine_is_asked_about(tmp_path: Path, open_shop: Open) -> None:
    """F17: a home that was carried on elsewhere and copied over the old one is not taken for the old one."""
    here, there = tmp_path / "this machine", tmp_path / "the other"
    shop = open_shop(tmp_path / "home", here)
    await shop.carry(shop.submit("before"))
    other = cloned(shop, tmp_path / "elsewhere", open_shop, there)
    job = other.submit("stored there")
    other.close()
    shop.close()
    for file in other.home.glob("ledger.*"):
        shutil.copyfile(file, shop.home / file.name)
    back = open_shop(shop.home, here)
    (asked,) = await back.carry(job)

    assert (asked.state, asked.reason) == (JobState.BLOCKED, "ledger")


def in_place(backup: Path, ledger: Path) -> None:
    """Write the old contents into the file that is there."""
    shutil.copyfile(backup, ledger)


def by_name(backup: Path, ledger: Path) -> None:
    """Put another file in its place, as rsync and tar do."""
    shutil.copyfile(backup, ledger.with_suffix(".part"))
    os.replace(ledger.with_suffix(".part"), ledger)


@pytest.mark.parametrize("restore", [in_place, by_name])
@pytest.mark.parametrize("lost", [(), ("ledger.mark",)], ids=["", "mark lost"])
async def test_a_ledger_from_a_backup_buys_nothing_again(
    tmp_path: Path, open_shop: Open, restore: Callable[[Path, Path], None], lost: tuple[str, ...]
) -> None:
    """F17: restored from before three jobs were sent, or with its -wal lost: none is bought again."""
    marks = tmp_path / "state"
    first = open_shop(tmp_path / "home", marks)
    jobs = [first.submit(f"take {number}") for number in range(3)]
    backup = backed_up(first, tmp_path / "backup.db")
    await first.carry(*jobs)
    first.close()
    restore(backup, first.home / "ledger.db")
    shutil.rmtree(first.home / "clips")
    for name in lost:
        (first.home / name).unlink()
    shop = open_shop(first.home, marks)
    again = await shop.carry(*jobs)

    assert [(one.state, one.reason) for one in again] == [(JobState.BLOCKED, "ledger")] * 3
    assert all(one.failure is not None and "3 paid creates" in one.failure.message for one in again)
    assert len(shop.creates()) == 3


@pytest.mark.parametrize("broken", [False, True], ids=["clips", "rejected files"])
async def test_files_in_the_library_tell_an_old_ledger(tmp_path: Path, open_shop: Open, broken: bool) -> None:
    """F17: with every mark lost, a clip or a broken file of a job that waits tells that it was sent."""
    first = open_shop(tmp_path / "home")
    job = first.submit("a take")
    backup = backed_up(first, tmp_path / "backup.db")
    if broken:
        first.script(candidates=["truncated"])
    await first.carry(job)
    first.close()
    in_place(backup, first.home / "ledger.db")
    (first.home / "ledger.mark").unlink()
    shop = open_shop(first.home)
    other = shop.submit("another")
    again = await shop.carry(job, other)

    assert [(one.state, one.reason) for one in again] == [(JobState.BLOCKED, "ledger")] * 2
    assert len(shop.creates()) == 1
    with pytest.raises(LedgerInDoubt, match=job.id):
        shop.submit("a third")


async def test_a_new_ledger_beside_old_clips_buys_nothing_before_it_knows_them(
    tmp_path: Path, open_shop: Open
) -> None:
    """F19: after `rm ledger.db*` paid work waits until `library rebuild` has taken in what lies there."""
    first = open_shop(tmp_path / "home")
    await first.carry(first.submit("before"))
    first.close()
    for file in first.home.glob("ledger.db*"):
        file.unlink()
    shop = open_shop(first.home)
    job = shop.submit("after")
    (waits,) = await shop.carry(job)
    found = shop.ledger.trust.doubt()
    rebuild(shop.library)
    shop.ledger.collect(job.id)
    (done,) = await shop.carry(job)

    assert (waits.state, waits.reason) == (JobState.BLOCKED, "ledger")
    assert found is not None
    assert found.finding is Finding.UNKNOWN_CLIPS
    assert "rushes library rebuild" in found.error.next
    assert done.state is JobState.COMPLETED


async def test_a_person_may_go_on_without_old_clips(tmp_path: Path, open_shop: Open) -> None:
    """F19: clips that belong to no job of this ledger are asked about once, and not again."""
    first = open_shop(tmp_path / "home")
    await first.carry(first.submit("before"))
    first.close()
    for file in first.home.glob("ledger.db*"):
        file.unlink()
    shop = open_shop(first.home)
    job = shop.submit("after")
    await shop.carry(job)
    shop.ledger.decide_continue()
    done = await shop.carry(job, shop.submit("another"))

    assert [one.state for one in done] == [JobState.COMPLETED] * 2


async def test_a_create_that_cannot_be_counted_is_not_sent(tmp_path: Path, open_shop: Open) -> None:
    """F17: without its mark outside the ledger nothing paid leaves, and the job waits until there is one."""
    shop = open_shop(tmp_path / "home")
    job = shop.submit("waits")
    (shop.home / "ledger.mark").unlink()
    (shop.home / "ledger.mark").mkdir()
    async with shop.working():
        put_off = await shop.until(job, JobState.WAITING, which=lambda one: one.tries > 0)

    assert put_off.reason is not None
    assert "ledger.db" in put_off.reason
    assert shop.creates() == []
    assert shop.now(job).posted_at is None or shop.now(job).is_unsent


def cloned(shop: Shop, home: Path, open_shop: Open, marks: Path | None = None) -> Shop:
    """Copy a home as `cp -a` does, while it is in use, and open the copy."""
    shutil.copytree(shop.home, home)
    return open_shop(home, marks or shop.marks)


def backed_up(shop: Shop, target: Path) -> Path:
    """Copy a ledger as it is now, with all that is in its -wal."""
    with closing(sqlite3.connect(shop.database.path)) as source, closing(sqlite3.connect(target)) as copy:
        source.backup(copy)
    return target
