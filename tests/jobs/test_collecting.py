"""From a finished render to a clip in the library: candidates, addresses that run out, repairs."""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
from contextlib import closing
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest

from rushes.database.database import Database
from rushes.domain.errors import Billed
from rushes.domain.job import JobState
from rushes.domain.observation import Observation
from rushes.engines.contract import MOST_RESULTS
from rushes.jobs.pace import Patience
from rushes.library.audit import rebuild, verify
from rushes.library.library import Library
from rushes.testing.footage import CREDENTIALS, Footage
from tests.jobs.shop import HOLD, NOTHING, Shop

WIDE, NARROW = 160, 80


async def test_a_healthy_file_stays_byte_identical(shop: Shop) -> None:
    """What needs no repair is filed as it came."""
    shop.script(candidates=["ok"])
    (job,) = await shop.carry(shop.submit())
    (clip,) = shop.clips(job)
    assert hashlib.sha256(clip.path.read_bytes()).hexdigest() == clip.sha256
    assert clip.path.read_bytes() == Footage(160, 96, 0.5).whole
    assert clip.original is None


OFFERS = [
    (["small", "ok"], WIDE),
    (["truncated", "ok"], WIDE),
    (["html", "ok"], WIDE),
    (["gone", "ok"], WIDE),
    (["expires", "ok"], WIDE),
    (["ok", "small"], WIDE),
    (["truncated", "small"], NARROW),
    (["small"], NARROW),
    (["cut"], WIDE),
    (["redirect"], WIDE),
    (["expires"], WIDE),
    (["expires", "small"], WIDE),
    (["gone", "small"], NARROW),
    (["unreachable", "ok"], WIDE),
]


@pytest.mark.parametrize(("candidates", "width"), OFFERS, ids=["-".join(kinds) for kinds, _ in OFFERS])
async def test_the_best_candidate_that_is_whole_becomes_the_clip(
    shop: Shop, candidates: list[str], width: int
) -> None:
    """Broken, small and lost candidates are passed over; a fresh address is asked for before a preview is."""
    shop.script(candidates=candidates)
    (job,) = await shop.carry(shop.submit())
    assert job.state is JobState.COMPLETED
    (clip,) = shop.clips(job)
    assert clip.width == width
    assert len(shop.creates()) == 1
    assert not (shop.library.root / "staging" / job.id).exists()


async def test_a_preview_waits_for_a_better_file_that_cannot_be_reached(shop: Shop) -> None:
    """The store of the better one may be down for a moment; after some tries the preview counts."""
    shop.patience = Patience(result_tries=2)
    shop.script(candidates=["unreachable", "small"])
    before = shop.provider.stats().get("results", 0)
    (job,) = await shop.carry(shop.submit())
    (clip,) = shop.clips(job)
    assert clip.width == NARROW
    assert shop.provider.stats()["results"] == before + 2


async def test_credentials_stay_with_their_own_origin(shop: Shop) -> None:
    """After a redirect to another host the key is not sent along."""
    shop.script(candidates=["redirect"])
    before = shop.provider.stats().get("credentials_elsewhere", 0)
    (job,) = await shop.carry(shop.submit())
    assert job.state is JobState.COMPLETED
    assert shop.provider.stats()["credentials_elsewhere"] == before


async def test_a_repair_keeps_the_original(shop: Shop) -> None:
    """An index at the end is mended into a derivative; the engine's own file lies beside it, untouched."""
    shop.script(candidates=["moov_last"])
    (job,) = await shop.carry(shop.submit())
    (clip,) = shop.clips(job)
    assert clip.original is not None
    assert clip.original.read_bytes() == Footage(160, 96, 0.5).moov_last
    assert clip.path.read_bytes() != clip.original.read_bytes()
    assert clip.lint == ()


async def test_a_signed_file_that_plays_is_filed_as_it_came(shop: Shop) -> None:
    """Its content credentials are kept, and said to be in it."""
    shop.script(candidates=["signed"])
    (job,) = await shop.carry(shop.submit())
    (clip,) = shop.clips(job)
    assert clip.path.read_bytes() == Footage(160, 96, 0.5).signed
    assert (clip.facts.c2pa, clip.facts.original_c2pa) == (True, None)
    assert "carries content credentials (C2PA)" in Observation.of(clip).lines()


async def test_credentials_are_told_of_the_file_that_is_filed(shop: Shop) -> None:
    """A repair loses them: the facts say so of the clip, and that its original has them, everywhere."""
    shop.script(candidates=["signed_moov_last"])
    (job,) = await shop.carry(shop.submit())
    (clip,) = shop.clips(job)
    assert clip.original is not None
    assert CREDENTIALS not in clip.path.read_bytes()
    assert CREDENTIALS in clip.original.read_bytes()
    sidecar = json.loads(clip.path.with_suffix(".json").read_text())
    for facts in (clip.as_json()["facts"], sidecar["facts"], Observation.of(clip).as_json()):
        assert (facts["c2pa"], facts["original_c2pa"]) == (False, True)
    assert any("the original has them" in line for line in Observation.of(clip).lines())
    assert list(verify(shop.library)) == []


async def test_an_old_claim_about_credentials_is_found_and_corrected(shop: Shop, tmp_path: Path) -> None:
    """An older release said of a repaired file what was so of the original; that is named and corrected."""
    shop.script(candidates=["signed_moov_last"])
    (job,) = await shop.carry(shop.submit())
    (clip,) = shop.clips(job)
    side = clip.path.with_suffix(".json")
    data = json.loads(side.read_text())
    del data["facts"]["original_c2pa"]
    data["facts"]["c2pa"] = True
    shop.library.restore(clip, json.dumps(data))
    shop.library.rewrite_sidecar(clip)

    (old,) = shop.clips(job)
    assert (old.facts.c2pa, old.facts.original_c2pa) == (False, True)
    assert [(one.kind, one.path) for one in verify(shop.library)] == [("credentials", clip.path)]
    with closing(Database(tmp_path / "another.db")) as database:
        library = Library(shop.library.root, database)
        assert rebuild(library) == (2, [])
        assert list(verify(library)) == []
    assert json.loads(side.read_text())["facts"]["c2pa"] is False


async def test_a_file_beyond_repair_is_kept_and_named(shop: Shop) -> None:
    """The job fails, was billed, and says where the rejected file lies; it can be collected again."""
    shop.script(candidates=["truncated"])
    (job,) = await shop.carry(shop.submit())
    assert job.state is JobState.FAILED
    assert job.failure is not None
    assert (job.failure.code, job.failure.billed) == ("result_broken", Billed.YES)
    named = Path(job.failure.message.rpartition("kept as ")[2])
    assert named.suffix == ".rejected"
    assert named.is_file()
    assert (shop.held(), shop.spent()) == (NOTHING, HOLD)
    shop.script(candidates=["ok"])
    shop.ledger.collect(job.id)
    (job,) = await shop.carry(job)
    assert job.state is JobState.COMPLETED
    assert (shop.spent(), len(shop.creates())) == (HOLD, 1)


@pytest.mark.parametrize("kind", ["gone", "html"])
async def test_a_result_that_is_gone_fails_with_its_bill_unknown(shop: Shop, kind: str) -> None:
    """410 or a page for every candidate, again and again: failed, held until a person settles it (C02)."""
    shop.script(candidates=[kind])
    (job,) = await shop.carry(shop.submit())
    assert job.failure is not None
    assert (job.state, job.failure.code) == (JobState.FAILED, "result_gone")
    assert job.failure.billed is Billed.UNKNOWN
    assert shop.held() == HOLD
    shop.ledger.reconcile(job.id, charged=Decimal("0.02"))
    assert (shop.held(), shop.spent()) == (NOTHING, Decimal("0.02"))
    settled = shop.now(job)
    assert settled.cost.settled


async def test_a_gone_result_that_was_charged_is_booked(shop: Shop) -> None:
    """Where the provider told the cost before the file was gone, that is what it cost."""
    shop.script(candidates=["gone"], render={"cost": "0.08"})
    (job,) = await shop.carry(shop.submit())
    assert job.failure is not None
    assert job.failure.billed is Billed.YES
    assert (shop.held(), shop.spent()) == (NOTHING, Decimal("0.08"))


async def test_several_files_become_several_clips(shop: Shop) -> None:
    """A render of two files is one job with two clips."""
    shop.script(files=2)
    (job,) = await shop.carry(shop.submit())
    assert [clip.id for clip in shop.clips(job)] == ["c" + job.id[1:], "c" + job.id[1:] + "-2"]


async def test_more_files_than_one_job_can_have_are_left_where_they_are(shop: Shop) -> None:
    """F29: of 120 files a few are saved, and the job says once that there are more."""
    shop.script(files=120)
    (job,) = await shop.carry(shop.submit())
    assert (job.state, len(shop.clips(job))) == (JobState.COMPLETED, MOST_RESULTS)
    (warning,) = [one for one in job.warnings if "more files" in one]
    assert f"{MOST_RESULTS} are saved" in warning


async def test_a_clip_that_lost_its_file_is_brought_back_free(shop: Shop) -> None:
    """collect on a completed job downloads what is missing, and sends no create."""
    (job,) = await shop.carry(shop.submit())
    shop.clips(job)[0].path.unlink()
    shop.ledger.collect(job.id)
    (job,) = await shop.carry(job)
    assert job.state is JobState.COMPLETED
    assert shop.clips(job)[0].path.is_file()
    assert (len(shop.creates()), shop.spent()) == (1, HOLD)


async def test_collecting_a_completed_job_cannot_undo_it(shop: Shop) -> None:
    """A provider that has let the render expire by now does not make a failed job of one with a clip."""
    (job,) = await shop.carry(shop.submit())
    shop.script(render={"outcome": "expired"})
    shop.ledger.collect(job.id)
    (job,) = await shop.carry(job)
    assert job.state is JobState.COMPLETED
    assert shop.held() == 0


async def test_a_copy_is_put_where_it_is_wanted(shop: Shop, tmp_path: Path) -> None:
    """--out is a copy; a folder that cannot be written does not cost the clip."""
    blocked = tmp_path / "a file"
    blocked.write_text("")
    wanted = shop.submit("there", out=tmp_path / "new" / "clip.mp4")
    hopeless = shop.submit("nowhere", out=blocked / "clip.mp4")
    jobs = await shop.carry(wanted, hopeless)
    assert {job.state for job in jobs} == {JobState.COMPLETED}
    assert (tmp_path / "new" / "clip.mp4").read_bytes() == shop.clips(wanted)[0].path.read_bytes()
    assert "no copy could be put" in shop.now(hopeless).warnings[-1]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes with names on this system")
async def test_a_copy_that_hangs_holds_up_nobody_else(shop: Shop, tmp_path: Path) -> None:
    """B11: a folder on a network that does not answer, played by a pipe that nobody reads."""
    pipe = tmp_path / "clip.mp4"
    os.mkfifo(pipe)
    hung = shop.submit("hung", out=pipe)
    async with shop.working():
        await shop.until(hung, JobState.COLLECTING, which=lambda job: shop.clips(job) != [])
        other = await shop.settled(shop.submit("other", out=tmp_path / "other.mp4"))
        assert (other.state, shop.now(hung).state) == (JobState.COMPLETED, JobState.COLLECTING)
        copied = await asyncio.to_thread(pipe.read_bytes)
        await shop.settled(hung)
    assert copied == shop.clips(hung)[0].path.read_bytes()
    assert [one.name for one in tmp_path.glob("*.part")] == []


async def test_a_clip_of_another_length_than_ordered_is_said(shop: Shop) -> None:
    """Half a second where one was ordered is a warning of the job, once, though it is brought in again."""
    (job,) = await shop.carry(shop.submit())
    assert job.warnings == ("0.5 s came, 1 s were ordered",)
    shop.clips(job)[0].path.unlink()
    shop.ledger.collect(job.id)
    (job,) = await shop.carry(job)
    assert job.warnings == ("0.5 s came, 1 s were ordered",)


async def test_a_clip_of_about_the_length_that_was_ordered_is_not_said(shop: Shop) -> None:
    """What services round is no matter: the same measure as that of `rushes look`."""
    draft = shop.draft()
    shorter = replace(draft, request=replace(draft.request, seconds=0.7))
    (job,) = await shop.carry(shop.admit(shorter)[0].job)
    assert job.warnings == ()


async def test_a_clip_filed_by_an_older_release_is_read(shop: Shop, tmp_path: Path) -> None:
    """A sidecar without flashes and without the measured end restores the clip, and its length stands."""
    (job,) = await shop.carry(shop.submit())
    (clip,) = shop.clips(job)
    sidecar = clip.path.with_suffix(".json")
    data = json.loads(sidecar.read_text())
    del data["facts"]["flashes"], data["facts"]["end"]
    sidecar.write_text(json.dumps(data))
    with closing(Database(tmp_path / "another.db")) as database:
        library = Library(shop.library.root, database)
        assert rebuild(library) == (1, [])
        (restored,) = library.of_job(job.id)
    assert clip.facts.flashes == restored.facts.flashes == ()
    assert Observation.of(restored).end == restored.seconds == clip.seconds
