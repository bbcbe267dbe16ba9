"""Copies of clips where people asked for them: whole, over nothing of theirs, and in nobody's way."""

from __future__ import annotations

import errno
import os
import shutil
import sqlite3
import threading
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from rushes.database.database import Database
from rushes.domain.destination import CLIP, Copy, Destination
from rushes.domain.errors import BadDestination, LibraryDamaged
from rushes.domain.job import Job, JobState
from rushes.jobs.ledger import Ledger
from tests.jobs.shop import Shop


def to(path: Path, *, force: bool = False) -> Destination:
    return Destination.read(path, CLIP, force=force)


def copy_of(shop: Shop, job: Job) -> Copy:
    (copy,) = shop.ledger.copies(job.id)
    return copy


def parts(folder: Path) -> list[Path]:
    return list(folder.glob(".*"))


async def test_a_copy_is_put_where_it_is_wanted(shop: Shop, tmp_path: Path) -> None:
    """The folder is made; one that cannot be written does not cost the clip, and the copy says why."""
    blocked = tmp_path / "a file"
    blocked.write_text("")
    wanted = shop.submit("there", out=to(tmp_path / "new" / "clip.mp4"))
    hopeless = shop.submit("nowhere", out=to(blocked / "clip.mp4"))
    jobs = await shop.carry(wanted, hopeless)

    assert {job.state for job in jobs} == {JobState.COMPLETED}
    assert (tmp_path / "new" / "clip.mp4").read_bytes() == shop.clips(wanted)[0].path.read_bytes()
    assert copy_of(shop, wanted).made == (tmp_path / "new" / "clip.mp4",)
    assert "is a file, not a folder" in str(copy_of(shop, hopeless).problem)
    assert shop.kinds(wanted).count("copied") == shop.kinds(hopeless).count("not_copied") == 1
    assert parts(tmp_path / "new") == []


async def test_a_folder_gets_the_clips_own_name(shop: Shop, tmp_path: Path) -> None:
    """A folder that is there takes the clip under the name it has in the library."""
    (job,) = await shop.carry(shop.submit(out=to(tmp_path)))

    assert copy_of(shop, job).made == (tmp_path / shop.clips(job)[0].path.name,)


async def test_several_results_of_one_job_have_names_of_their_own(shop: Shop, tmp_path: Path) -> None:
    """What a provider made beyond the one that was asked for takes no name that `--count` numbers."""
    shop.script(candidates=["ok"], files=2)
    (job,) = await shop.carry(shop.submit(out=to(tmp_path / "x.mp4")))

    assert [file.name for file in copy_of(shop, job).made] == ["x.mp4", "x.2.mp4"]


async def test_a_file_that_appeared_meanwhile_is_not_replaced(shop: Shop, tmp_path: Path) -> None:
    """The job completes and its clip is filed; the other file stays; once it has gone the copy is made."""
    out = tmp_path / "clip.mp4"
    job = shop.submit(out=to(out))
    out.write_text("mine")
    (done,) = await shop.carry(job)
    problem = str(copy_of(shop, job).problem)
    kept = out.read_text()
    out.unlink()
    shop.ledger.collect(job.id)
    await shop.carry(job)

    assert (done.state, kept) == (JobState.COMPLETED, "mine")
    assert "another file has appeared there" in problem
    assert copy_of(shop, job).is_done
    assert out.read_bytes() == shop.clips(job)[0].path.read_bytes()


async def test_with_force_it_is_replaced(shop: Shop, tmp_path: Path) -> None:
    """`force` replaces a file, keeps its mode, and of a link what it leads to."""
    real, link = tmp_path / "real.mp4", tmp_path / "link.mp4"
    real.write_text("mine")
    real.chmod(0o640)
    link.symlink_to(real)
    (job,) = await shop.carry(shop.submit(out=to(link, force=True)))

    assert link.is_symlink()
    assert real.read_bytes() == shop.clips(job)[0].path.read_bytes()
    assert os.name == "nt" or real.stat().st_mode & 0o777 == 0o640


async def test_a_copy_that_replaced_another_jobs_is_told_by_one_job_alone(shop: Shop, tmp_path: Path) -> None:
    """No job tells of a copy that was replaced by another clip since."""
    out = tmp_path / "clip.mp4"
    (first,) = await shop.carry(shop.submit("first", out=to(out)))
    (second,) = await shop.carry(shop.submit("second", out=to(out, force=True)))

    assert shop.ledger.copies(first.id) == []
    assert copy_of(shop, second).made == (out,)


async def test_a_copy_that_was_made_before_a_kill_counts(shop: Shop, tmp_path: Path) -> None:
    """A worker killed between the copy and the ledger: the next one finds the very clip, and is content."""
    out = tmp_path / "clip.mp4"
    (job,) = await shop.carry(shop.submit())
    shutil.copyfile(shop.clips(job)[0].path, out)
    shop.ledger.want_copy(job.id, to(out))
    shop.ledger.collect(job.id)
    await shop.carry(job)

    assert copy_of(shop, job).is_done


async def test_a_copy_that_hangs_holds_up_nobody_else(
    shop: Shop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A folder on a network that does not answer, played by the system's call that publishes the file."""
    out, answers = tmp_path / "clip.mp4", threading.Event()

    def slow(call: Callable[..., None]) -> Callable[..., None]:
        def link(source: Any, target: Any, **how: Any) -> None:
            if Path(target) == out:
                answers.wait(60)
            call(source, target, **how)

        return link

    name = "rename" if os.name == "nt" else "link"
    monkeypatch.setattr(os, name, slow(getattr(os, name)))
    hung = shop.submit("hung", out=to(out))
    async with shop.working():
        await shop.until(hung, JobState.COLLECTING, which=lambda job: shop.clips(job) != [])
        other = await shop.settled(shop.submit("other", out=to(tmp_path / "other.mp4")))
        assert (other.state, shop.now(hung).state) == (JobState.COMPLETED, JobState.COLLECTING)
        assert not out.exists()
        answers.set()
        await shop.settled(hung)
    assert out.read_bytes() == shop.clips(hung)[0].path.read_bytes()
    assert parts(tmp_path) == []


async def test_a_full_disk_leaves_nothing_of_a_copy(
    shop: Shop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Half written, there is neither a file of that name nor a part of one; the job has its clip."""
    folder = tmp_path / "card"
    folder.mkdir()

    def fill(source: Any, target: Any, length: int = 0) -> None:
        target.write(source.read(1000))
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    job = shop.submit(out=to(folder / "clip.mp4"))
    monkeypatch.setattr(shutil, "copyfileobj", fill)
    (done,) = await shop.carry(job)

    assert (done.state, copy_of(shop, job).problem) == (JobState.COMPLETED, os.strerror(errno.ENOSPC))
    assert list(folder.iterdir()) == []


@pytest.mark.skipif(os.name == "nt", reason="files are moved without links there")
async def test_a_disk_without_links_replaces_nothing_either(
    shop: Shop, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """exFAT and some network folders: the copy is made, and a file that is there stays."""

    def link(*_: Any, **__: Any) -> None:
        raise OSError(errno.EPERM, os.strerror(errno.EPERM))

    monkeypatch.setattr(os, "link", link)
    taken = tmp_path / "taken.mp4"
    first, second = shop.submit("free", out=to(tmp_path / "free.mp4")), shop.submit("taken", out=to(taken))
    taken.write_text("mine")
    await shop.carry(first, second)

    assert (tmp_path / "free.mp4").read_bytes() == shop.clips(first)[0].path.read_bytes()
    assert "another file has appeared" in str(copy_of(shop, second).problem)
    assert taken.read_text() == "mine"
    assert parts(tmp_path) == []


async def test_several_copies_of_one_job_are_all_made(shop: Shop, tmp_path: Path) -> None:
    """Whoever asks again while the job is under way adds a place; the first is not forgotten."""
    job = shop.submit(out=to(tmp_path / "one.mp4"))
    shop.ledger.want_copy(job.id, to(tmp_path / "two.mp4"))
    await shop.carry(job)

    assert [copy.made for copy in shop.ledger.copies(job.id)] == [
        (tmp_path / "one.mp4",),
        (tmp_path / "two.mp4",),
    ]


def test_two_commands_at_once_cannot_have_the_same_destination(shop: Shop, tmp_path: Path) -> None:
    """Both looked before either was stored; the second is refused when it is stored, and nothing is held."""
    first = shop.submit("one", out=to(tmp_path / "x.mp4"))
    held = shop.held()
    with pytest.raises(BadDestination, match=f"the clip of job {first.id} goes to"):
        shop.submit("two", out=to(tmp_path / "x.mp4"))

    assert shop.submit("one", out=to(tmp_path / "x.mp4")).id == first.id
    assert shop.held() == held


def test_a_ledger_of_an_earlier_rushes_keeps_its_wishes(shop: Shop, tmp_path: Path) -> None:
    """A copy that was wanted of a job is in the new table; a worker that still runs reads the old row."""
    job = shop.submit(out=to(tmp_path / "old.mp4"))
    with closing(sqlite3.connect(shop.home / "ledger.db")) as ledger:
        ledger.executescript(
            "DROP TABLE copies; ALTER TABLE jobs DROP COLUMN missing_since; PRAGMA user_version = 5;"
        )
        ledger.execute("UPDATE jobs SET out = ?", [str(tmp_path / "old.mp4")])
        ledger.commit()
        # A worker of the earlier rushes that is still running: it reads the column whenever it reads a job.
        with closing(Database(shop.home / "ledger.db")) as database:
            (copy,) = Ledger(database).copies(job.id)
        (read,) = ledger.execute("SELECT jobs.* , jobs.out AS read_out FROM jobs").fetchall()

    assert copy == Copy(wanted=Destination(path=tmp_path / "old.mp4"))
    assert read[-1] == str(tmp_path / "old.mp4")


async def test_a_clip_that_was_changed_is_not_copied(shop: Shop, tmp_path: Path) -> None:
    """What is no more what was filed goes nowhere: neither file nor part is left."""
    (job,) = await shop.carry(shop.submit())
    clip = shop.clips(job)[0]
    data = bytearray(clip.path.read_bytes())
    data[-1] ^= 1
    clip.path.write_bytes(data)
    out = tmp_path / "folder"
    out.mkdir()
    with pytest.raises(LibraryDamaged, match="is not the one that was filed"):
        shop.library.copy(clip, out / "x.mp4")

    assert list(out.iterdir()) == []
