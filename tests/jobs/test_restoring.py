"""A library without its ledger: what sidecars bring back, what is not believed, what is thrown away."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from rushes.database.database import Database
from rushes.domain.clip import Clip
from rushes.domain.errors import BadReference, LibraryDamaged, NotFound, OverBudget
from rushes.domain.job import Job, JobState
from rushes.domain.money import Caps
from rushes.domain.request import Reference, Role
from rushes.jobs.ledger import Ledger
from rushes.jobs.restoring import Rebuilt, rebuild
from rushes.library.audit import verify
from rushes.library.library import Library
from rushes.testing.process import ProviderProcess
from tests.jobs.shop import HOLD, NO_CAPS, NOTHING, Shop

SECRET = "-----BEGIN OPENSSH PRIVATE KEY-----"

PATIENCE_S = 120.0
PATIENT: dict[str, Any] = {"post_timeout": PATIENCE_S, "ask_timeout": PATIENCE_S}

links = pytest.mark.skipif(sys.platform == "win32", reason="a link needs a right that Windows does not give")

Spoil = Callable[[dict[str, Any]], None]


@pytest.fixture
def shop(tmp_path: Path, provider: ProviderProcess) -> Iterator[Shop]:
    """A shop whose provider may take its time: nothing here is about slow answers."""
    with closing(Shop(tmp_path / "home", provider, **PATIENT)) as one:
        yield one


@pytest.fixture(scope="module")
def two_clips(tmp_path_factory: pytest.TempPathFactory, provider: ProviderProcess) -> Path:
    """A home with the clips "good" and "bad"; work on copies of it."""
    home = tmp_path_factory.mktemp("two-clips") / "home"
    with closing(Shop(home, provider, **PATIENT)) as one:
        asyncio.run(carried(one, "good", "bad"))
    return home


@pytest.fixture
def stocked(tmp_path: Path, two_clips: Path, provider: ProviderProcess) -> Iterator[Shop]:
    """A shop with a library of its own that holds the two clips."""
    shutil.copytree(two_clips, tmp_path / "home")
    with closing(Shop(tmp_path / "home", provider, **PATIENT)) as one:
        yield one


def clips_of(shop: Shop) -> tuple[Clip, Clip]:
    """Return the good clip and the bad one."""
    bad, good = sorted(shop.library.all(), key=lambda clip: clip.prompt.split()[-1])
    return good, bad


@contextmanager
def lost_ledger(shop: Shop) -> Iterator[tuple[Ledger, Library]]:
    """Give the ledger that a home gets whose own is gone, and its library."""
    with closing(Database(shop.home / "another" / "ledger.db")) as database:
        yield Ledger(database), Library(shop.home, database)


async def carried(shop: Shop, *words: str, **fields: Any) -> list[tuple[Job, Clip]]:
    """Have jobs made, and return each with its clip."""
    jobs = await shop.carry(*[shop.submit(one, **fields) for one in words], patience=PATIENCE_S)
    return [(job, shop.clips(job)[0]) for job in jobs]


def spoil(clip: Clip, change: Spoil) -> Path:
    """Change what a clip's sidecar says; return where it is."""
    side = clip.path.with_suffix(".json")
    data = json.loads(side.read_text())
    change(data)
    side.write_text(json.dumps(data))
    return side


def spent(ledger: Ledger) -> Decimal:
    return ledger.budget(NO_CAPS).standings[0].spent


def restore(shop: Shop) -> tuple[Rebuilt, Decimal, list[str]]:
    """Rebuild without the ledger; return what was done, what is booked, and the ids of the clips."""
    with lost_ledger(shop) as (ledger, library):
        return rebuild(ledger, library), spent(ledger), [clip.id for clip in library.all()]


async def test_what_was_spent_counts_after_the_ledger_is_lost(shop: Shop) -> None:
    """F19: three clips of sidecars fill the caps again, once however often it is rebuilt."""
    made = await carried(shop, "one", "two", "three")
    with lost_ledger(shop) as (ledger, library):
        first, again = rebuild(ledger, library), rebuild(ledger, library)
        standing = [one.spent for one in ledger.budget(NO_CAPS).standings[:2]]
        with pytest.raises(OverBudget):
            ledger.admit(
                [shop.draft("four")], Caps(per_job=None, per_day=3 * HOLD + HOLD / 2, per_month=None)
            )

    assert (first.restored, first.jobs, first.booked, first.flaws) == (3, 3, 3 * HOLD, [])
    assert (again.restored, again.jobs, again.booked) == (0, 0, NOTHING)
    assert standing == [3 * HOLD, 3 * HOLD]
    assert len(made) == 3


async def test_the_same_words_answer_with_the_restored_job(shop: Shop) -> None:
    """F19: after a rebuild the words that were paid for are that job; nothing is bought."""
    ((job, clip),) = await carried(shop, "boat", key="mine")
    with lost_ledger(shop) as (ledger, library):
        rebuild(ledger, library)
        (same,) = ledger.admit([shop.draft("boat")], NO_CAPS)
        (keyed,) = ledger.admit([shop.draft("boat", key="mine")], NO_CAPS)
        found = ledger.job(job.id)
        charged = ledger.write_off(job.id, Decimal("0.07")).cost

    assert (same.fresh, same.job.id, keyed.fresh, keyed.job.id) == (False, job.id, False, job.id)
    assert found.state is JobState.COMPLETED
    assert (found.request, found.cost, found.key) == (job.request, job.cost, "mine")
    assert (found.ticket, found.completed_at is not None) == (None, True)
    assert charged.amount == Decimal("0.07"), "a person can correct what a sidecar said"
    assert clip.job_id == job.id


async def test_an_older_sidecar_books_what_it_has(shop: Shop) -> None:
    """F19: a sidecar from before they spoke of jobs brings back clip, job and cost."""
    ((job, clip),) = await carried(shop, "boat")
    spoil(clip, lambda data: data.pop("job"))
    with lost_ledger(shop) as (ledger, library):
        done = rebuild(ledger, library)
        found = ledger.job(job.id)

    assert (done.restored, done.jobs, done.booked, done.flaws) == (1, 1, HOLD, [])
    assert (found.request.prompt, found.cost.amount, found.model) == (job.request.prompt, HOLD, job.model)


def test_what_a_newer_sidecar_says_is_kept(stocked: Shop) -> None:
    """Fields that this release does not know stay in the row, and in the sidecar that is written from it."""
    shop, (clip, _) = stocked, clips_of(stocked)
    side = spoil(clip, lambda data: data.update(mood="calm", facts={**data["facts"], "faces": 2}))
    with lost_ledger(shop) as (ledger, library):
        rebuild(ledger, library)
        side.unlink()
        rebuild(ledger, library)

    data = json.loads(side.read_text())
    assert (data["mood"], data["facts"]["faces"]) == ("calm", 2)


SILLY: dict[str, Spoil] = {
    "cost NaN": lambda data: data.update(cost="NaN"),
    "cost 1e12": lambda data: data.update(cost="1e12"),
    "cost below nothing": lambda data: data.update(cost="-1"),
    "spent NaN": lambda data: data["job"].update(spent="NaN"),
    "spent 1e12": lambda data: data["job"].update(spent="1e12"),
    "spent in the future": lambda data: data["job"].update(completed_at="2199-01-01T00:00:00+00:00"),
    "made in the future": lambda data: data.update(created_at="9999-12-31T23:59:59+00:00"),
    "made before time": lambda data: data.update(created_at="0001-01-01T00:00:00+00:00"),
    "another currency": lambda data: data.update(currency="JPY"),
    "no number": lambda data: data.update(seconds=float("nan")),
    "endless": lambda data: data.update(width=10**400),
    "another job's": lambda data: data.update(job_id="j000000000"),
    "an id that is a path": lambda data: data.update(id="../../x"),
    "a request that cannot be": lambda data: data["job"]["request"].update(prompt="\x1b]0;x"),
    "a request of another shape": lambda data: data["job"].update(request=[]),
    "a digest that is none": lambda data: data["job"].update(digest="x"),
    "an absolute path": lambda data: data.update(path=str(Path("/etc/passwd"))),
    "a path that leads out": lambda data: data.update(path="clips/../../secret.mp4"),
    "a path of Windows": lambda data: data.update(path="clips\\..\\..\\secret.mp4"),
    "a drive": lambda data: data.update(path="clips/C:secret.mp4"),
    "another ending": lambda data: data.update(path=data["path"].removesuffix("mp4") + "json"),
    "no text": lambda data: data.update(path=7),
    "a zero byte": lambda data: data.update(path="clips/a\0b.mp4"),
    "the sheet elsewhere": lambda data: data.update(sheet="references/x.sheet.jpg"),
    "the original elsewhere": lambda data: data.update(original="../secret.mp4"),
    "another clip's path": lambda data: data.update(path="clips/2026/01/other-c00000.mp4"),
}


@pytest.mark.parametrize("change", SILLY.values(), ids=list(SILLY))
def test_a_sidecar_that_says_what_cannot_be_is_a_flaw_of_it_alone(stocked: Shop, change: Spoil) -> None:
    """F11, F19: it books nothing and restores nothing, it is named, and the others are restored."""
    good, bad = clips_of(stocked)
    side = spoil(bad, change)
    done, booked, ids = restore(stocked)

    assert [flaw.path for flaw in done.flaws] == [side]
    assert (done.jobs, booked, ids) == (1, HOLD, [good.id])
    with lost_ledger(stocked) as (ledger, _), pytest.raises(NotFound):
        ledger.job(bad.job_id)


def test_a_sidecar_speaks_of_the_clip_beside_it_only(stocked: Shop) -> None:
    """F11: a copy of a sidecar beside nothing, or beside another file, is a flaw and books nothing more."""
    good, bad = clips_of(stocked)
    copy = good.path.with_name("another.json")
    copy.write_bytes(good.path.with_suffix(".json").read_bytes())
    done, booked, ids = restore(stocked)

    assert [flaw.path for flaw in done.flaws] == [copy]
    assert (booked, set(ids)) == (2 * HOLD, {good.id, bad.id})


def _linked_clip(clip: Clip, secret: Path) -> None:
    clip.path.unlink()
    clip.path.symlink_to(secret)


def _linked_sheet(clip: Clip, secret: Path) -> None:
    clip.sheet.unlink()
    clip.sheet.symlink_to(secret)


def _linked_sidecar(clip: Clip, secret: Path) -> None:
    side = clip.path.with_suffix(".json")
    side.rename(secret.with_suffix(".json"))
    side.symlink_to(secret.with_suffix(".json"))


def _pipe(clip: Clip, secret: Path) -> None:
    clip.path.unlink()
    os.mkfifo(clip.path)


def _piped_sidecar(clip: Clip, secret: Path) -> None:
    clip.path.with_suffix(".json").unlink()
    os.mkfifo(clip.path.with_suffix(".json"))


def _folder(clip: Clip, secret: Path) -> None:
    clip.path.unlink()
    clip.path.mkdir()


def _huge(clip: Clip, secret: Path) -> None:
    side = clip.path.with_suffix(".json")
    side.write_text(side.read_text() + " " * (5 * 2**20))


def _deep(clip: Clip, secret: Path) -> None:
    clip.path.with_suffix(".json").write_text("[" * 200_000)


def _no_text(clip: Clip, secret: Path) -> None:
    clip.path.with_suffix(".json").write_bytes(b"\xff\xfe\x00")


@links
@pytest.mark.parametrize(
    "change",
    [
        _linked_clip,
        _linked_sheet,
        _linked_sidecar,
        _pipe,
        _piped_sidecar,
        _folder,
        _huge,
        _deep,
        _no_text,
    ],
)
def test_what_lies_under_a_clips_name_is_not_believed(
    stocked: Shop, tmp_path: Path, change: Callable[[Clip, Path], None]
) -> None:
    """F11: a link, a pipe, a folder or a monster in a clip's place is named and not restored."""
    secret = tmp_path / "id_rsa"
    secret.write_text(SECRET)
    good, bad = clips_of(stocked)
    change(bad, secret)
    named = {flaw.path for flaw in verify(stocked.library)}
    done, _, ids = restore(stocked)

    beside = {bad.path, bad.sheet, bad.path.with_suffix(".json")}
    assert named & beside
    assert named <= beside
    assert [flaw.path for flaw in done.flaws] == [bad.path.with_suffix(".json")]
    assert ids == [good.id]
    assert secret.read_text() == SECRET


@links
def test_a_linked_folder_is_neither_read_nor_written_nor_emptied(stocked: Shop, tmp_path: Path) -> None:
    """F11: a month's folder that is a link to elsewhere holds no clips, takes none, and loses nothing."""
    shop, (clip, _) = stocked, clips_of(stocked)
    outside = tmp_path / "outside"
    clip.path.parent.rename(outside)
    clip.path.parent.symlink_to(outside)
    before = sorted(outside.iterdir())

    with pytest.raises(LibraryDamaged):
        shop.library.open(clip.path)
    with pytest.raises(LibraryDamaged):
        shop.library.remove(clip.id)
    with pytest.raises(LibraryDamaged):
        shop.library.add(replace(clip, path=shop.library.staging(clip.job_id) / "0-0.mp4"))
    assert sorted(outside.iterdir()) == before
    assert [flaw.kind for flaw in verify(shop.library)] == ["outside"] * 2


@links
def test_remove_takes_a_link_away_and_not_what_it_leads_to(stocked: Shop, tmp_path: Path) -> None:
    """F11: deletion deletes only inside; a name with a star is a name, and takes no other clip's pictures."""
    secret = tmp_path / "id_rsa"
    secret.write_text(SECRET)
    shop, (one, other) = stocked, clips_of(stocked)
    stars = one.path.with_name("*.mp4")
    picture = other.path.with_name(f"{other.path.stem}.look-1s.jpg")
    picture.write_bytes(b"a picture")
    _linked_clip(one, secret)
    text = one.path.with_suffix(".json").read_text().replace(one.path.stem, "*")
    shop.library.restore(replace(one, path=stars, sheet=stars.with_name("*.sheet.jpg")), text)
    stars.symlink_to(secret)
    shop.library.remove(one.id)

    assert not os.path.lexists(stars)
    assert picture.exists()
    assert secret.read_text() == SECRET


@links
def test_a_hard_link_is_a_clip_like_any_other(stocked: Shop, tmp_path: Path) -> None:
    """Libraries that are backed up by hard links, or moved behind one link as a whole, stay whole."""
    shop, (clip, _) = stocked, clips_of(stocked)
    os.link(clip.path, tmp_path / "backup.mp4")
    (shop.home / "clips").rename(tmp_path / "disk")
    (shop.home / "clips").symlink_to(tmp_path / "disk")

    assert list(verify(shop.library)) == []
    with shop.library.open(clip.path) as file:
        assert file.read() == (tmp_path / "backup.mp4").read_bytes()


def test_a_row_that_describes_no_clip_hides_no_other(stocked: Shop) -> None:
    """F11: a row that somebody wrote is named, and replaced from its sidecar; the others are listed."""
    shop, (good, bad) = stocked, clips_of(stocked)
    text = json.dumps({**json.loads(bad.path.with_suffix(".json").read_text()), "path": "../../x.mp4"})
    shop.database.run("UPDATE clips SET sidecar = :text WHERE id = :id", {"text": text, "id": bad.id})

    assert [clip.id for clip in shop.library.search()] == [good.id]
    assert [flaw.kind for flaw in verify(shop.library)] == ["unreadable"]
    with pytest.raises(LibraryDamaged):
        shop.library.get(bad.id)
    assert rebuild(shop.ledger, shop.library).flaws == []
    assert shop.library.get(bad.id) == bad


def test_missing_sheets_and_sidecars_are_made_again(stocked: Shop) -> None:
    """C09: a clip that lost its pictures and its sidecar gets them back, free."""
    shop, (clip, _) = stocked, clips_of(stocked)
    assert clip.bursts is not None
    side = clip.path.with_suffix(".json")
    lost = {file: file.read_bytes() for file in (clip.sheet, clip.bursts, side)}
    for file in lost:
        file.unlink()
    assert len(list(verify(shop.library))) == 3
    rebuild(shop.ledger, shop.library)

    assert list(verify(shop.library)) == []
    assert side.read_bytes() == lost[side]


async def test_a_lost_file_is_downloaded_again_and_an_edited_one_is_kept(shop: Shop) -> None:
    """C09: collect looks at what is in the file; what somebody made of it is put aside, not written over."""
    ((job, clip),) = await carried(shop, "boat")
    data = bytearray(clip.path.read_bytes())
    data[-1] ^= 1
    clip.path.write_bytes(data)
    shop.ledger.collect(job.id)
    (again,) = await shop.carry(job, patience=PATIENCE_S)

    (aside,) = (shop.home / "rejected").glob("*.changed.mp4")
    assert again.state is JobState.COMPLETED
    assert shop.library.find_any_damage(shop.clips(job)[0]) is None
    assert aside.read_bytes() == bytes(data)
    assert len(shop.creates("boat")) == 1
    assert shop.spent() == HOLD


async def test_of_several_results_only_the_lost_one_is_downloaded(shop: Shop) -> None:
    """C09: the clips that are whole stay the files they are."""
    shop.script("pair", files=2)
    (job,) = await shop.carry(shop.submit("pair"), patience=PATIENCE_S)
    first, second = shop.clips(job)
    inode = first.path.stat().st_ino
    second.path.write_bytes(b"")
    shop.ledger.collect(job.id)
    await shop.carry(job, patience=PATIENCE_S)

    assert [shop.library.find_any_damage(clip) for clip in shop.clips(job)] == [None, None]
    assert first.path.stat().st_ino == inode


async def test_a_restored_job_without_its_file_says_that_nobody_can_be_asked(shop: Shop) -> None:
    """C09, F19: collect ends it with the reason, keeps what it cost, and invents no ticket."""
    ((job, clip),) = await carried(shop, "boat")
    for table in ("spend", "events", "submissions", "holds", "clips", "jobs"):
        shop.database.run(f"DELETE FROM {table}")
    rebuild(shop.ledger, shop.library)
    clip.path.unlink()
    shop.ledger.collect(job.id)
    (ended,) = await shop.carry(job, patience=PATIENCE_S)

    assert ended.state is JobState.FAILED
    assert ended.failure is not None
    assert "no ticket" in ended.failure.message
    assert shop.spent() == HOLD


# --- references ---


def picture(path: Path, colour: tuple[int, int, int] = (200, 30, 30)) -> Reference:
    from PIL import Image

    Image.new("RGB", (64, 64), colour).save(path)
    return Reference(role=Role.FIRST_FRAME, path=path)


def age(file: Path, days: float) -> None:
    then = time.time() - days * 86_400
    os.utime(file, (then, then))


def test_a_copy_of_a_reference_stays_where_it_is(shop: Shop, tmp_path: Path) -> None:
    """What lies in the library already is not copied again, and counts as just put there."""
    kept = shop.library.keep(picture(tmp_path / "a.png"))
    assert kept.path is not None
    age(kept.path, 2)
    before = kept.path.stat().st_ino

    assert shop.library.keep(kept) == kept
    assert kept.path.stat().st_ino == before
    assert shop.library.remove_unused_references(time.time()) == 0
    assert list((shop.home / "references").iterdir()) == [kept.path]


def test_references_that_nothing_names_are_removed_after_a_day(shop: Shop, tmp_path: Path) -> None:
    """B13: what a job names, in any state, stays, and so does what was copied just now."""
    colours = [(9, 9, 9), (99, 9, 9), (9, 99, 9)]
    named, idle, young = [
        shop.library.keep(picture(tmp_path / f"{number}.png", colour))
        for number, colour in enumerate(colours)
    ]
    part = shop.home / "references" / "0123.part"
    part.write_bytes(b"half")
    shop.ledger.cancel(shop.submit("boat", references=(named,)).id)
    for one in (named.path, idle.path, part):
        assert one is not None
        age(one, 2)

    rebuild(shop.ledger, shop.library)
    assert set((shop.home / "references").iterdir()) == {named.path, young.path}


@links
def test_a_reference_of_a_row_lies_in_the_library(shop: Shop, tmp_path: Path) -> None:
    """F11: a row, or a link, that names a file elsewhere has nothing sent, whatever its hash."""
    kept = shop.library.keep(picture(tmp_path / "a.png"))
    assert kept.path is not None
    draft = shop.draft(references=(replace(kept, path=tmp_path / "a.png"),))
    with pytest.raises(BadReference):
        shop.library.check_references(draft.request)
    kept.path.unlink()
    kept.path.symlink_to(tmp_path / "a.png")
    with pytest.raises(BadReference):
        shop.library.check_references(shop.draft(references=(kept,)).request)
