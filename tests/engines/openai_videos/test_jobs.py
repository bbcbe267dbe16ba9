"""Whole jobs through a worker: one create, one clip on disk, the bill right, whatever happens on the way."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from rushes.domain.clip import Clip
from rushes.domain.errors import Billed
from rushes.domain.job import Job, JobState
from rushes.studio import Studio
from tests.engines.openai_videos.lab import PATIENCE_S, Lab
from tests.engines.working import until

Labs = Callable[..., Lab]
PRICE = Decimal("0.05")
KINDS = ["SGLang", "VllmOmni", "NewApi"]


def clips(one: Lab, job: Job) -> list[Clip]:
    with Studio(one.settings) as studio:
        return studio.library.of_job(job.id)


@pytest.mark.parametrize("kind", KINDS)
async def test_words_become_a_clip(lab: Labs, kind: str) -> None:
    """The main path with each kind of server: one create, one clip of the asked size, paid once."""
    one = lab(kind)
    job = await one.made("a lighthouse")
    assert job.state is JobState.COMPLETED, job.failure
    (clip,) = clips(one, job)
    assert (clip.width, clip.height) == (256, 144)
    assert clip.sheet.is_file()
    assert (job.cost.amount, job.cost.settled) == (PRICE, True)
    assert len(one.posts()) == len(one.jobs()) == 1


@pytest.mark.parametrize("kind", KINDS)
async def test_a_first_frame_becomes_a_clip(lab: Labs, kind: str) -> None:
    """The picture goes along by the library's own copy, and the clip says what it was made from."""
    one = lab(kind)
    job = await one.made("it moves", references=(one.first_frame(),))
    assert job.state is JobState.COMPLETED, job.failure
    (clip,) = clips(one, job)
    assert len(clip.references) == 1
    (file,) = one.posts()[0]["files"]
    assert (file["under"], file["type"]) == ("input_reference", "image/png")
    assert file["name"].startswith(clip.references[0])


@pytest.mark.parametrize("kind", ["SGLang", "VllmOmni"])
async def test_a_lost_answer_is_looked_up_and_bought_once(lab: Labs, kind: str) -> None:
    """The create was accepted and nobody heard it: its job is adopted from the list, and its clip filed."""
    one = lab(kind, post_timeout=0.5)
    one.tell("create", drop=True, accept=True, times=1)
    job = await one.made("lost")
    assert job.state is JobState.COMPLETED, job.failure
    assert len(one.posts()) == len(one.jobs()) == 1
    assert len(clips(one, job)) == 1


async def test_a_lost_answer_that_nobody_lists_is_put_to_a_person(lab: Labs) -> None:
    """A gateway without a list: nothing is sent again, and the bill is said to be unknown."""
    one = lab("NewApi", post_timeout=0.5)
    one.tell("create", drop=True, accept=True, times=1)
    job = await one.made("lost")
    assert job.state is JobState.OUTCOME_UNKNOWN
    assert job.failure is not None
    assert job.failure.billed is Billed.UNKNOWN
    assert len(one.posts()) == 1


async def test_a_create_that_got_lost_before_it_was_accepted_is_not_sent_again(lab: Labs) -> None:
    """The list shows nothing, which is no proof: a person decides."""
    one = lab("VllmOmni", post_timeout=0.5)
    one.tell("create", drop=True, times=1)
    job = await one.made("lost")
    assert job.state is JobState.OUTCOME_UNKNOWN
    assert (len(one.posts()), one.jobs()) == (1, [])


@pytest.mark.parametrize(
    ("told", "state", "code", "billed"),
    [
        ({"status": 400, "body": {"detail": "bad size"}}, JobState.FAILED, "refused", Billed.NO),
        ({"status": 401}, JobState.BLOCKED, "sign_in_needed", Billed.NO),
        ({"status": 402}, JobState.BLOCKED, "quota_exhausted", Billed.NO),
        ({"status": 404, "body": {"detail": "Not Found"}}, JobState.FAILED, "refused", Billed.NO),
        ({"status": 500}, JobState.OUTCOME_UNKNOWN, "outcome_unknown", Billed.UNKNOWN),
        ({"status": 202, "body": ""}, JobState.OUTCOME_UNKNOWN, "outcome_unknown", Billed.UNKNOWN),
    ],
)
async def test_a_failed_create_ends_where_the_table_says(
    lab: Labs, told: dict[str, Any], state: JobState, code: str, billed: Billed
) -> None:
    """The job stands where the table of failing submits puts it, with what is known of the bill."""
    one = lab("NewApi")
    one.tell("create", **told)
    job = await one.made()
    assert job.failure is not None
    assert (job.state, job.failure.code, job.failure.billed) == (state, code, billed)
    assert job.failure.next
    assert len(one.posts()) == 1


async def test_busy_is_sent_again_and_paid_once(lab: Labs) -> None:
    """429 accepted nothing: the worker waits as it was told, and the second create is the only one."""
    one = lab()
    one.tell("create", status=429, headers={"Retry-After": "0.2"}, times=1)
    job = await one.made("later")
    assert job.state is JobState.COMPLETED, job.failure
    assert (len(one.posts()), len(one.jobs())) == (2, 1)


async def test_an_address_that_ran_out_is_asked_for_again(lab: Labs) -> None:
    """The signed address answers 403 once; the job is asked for a fresh one, and nothing is bought."""
    one = lab()
    one.tell("render", facts={"cloud": True, "succeeded": {"url": "{other}"}})
    one.tell("file", status=403, times=1)
    job = await one.made("signed")
    assert job.state is JobState.COMPLETED, job.failure
    assert len(one.posts()) == 1


async def test_a_truncated_file_is_no_clip(lab: Labs) -> None:
    """A cut MP4 that stays cut fails the job as broken and billed; collected again it is a clip, free."""
    one = lab()
    one.tell("content", facts={"truncated": True})
    async with one.working(), Studio(one.settings) as studio:
        job = await one.settled(studio, await one.submit(studio, "cut"))
        assert job.failure is not None
        assert (job.state, job.failure.code) == (JobState.FAILED, "result_broken")
        assert job.failure.billed is Billed.YES
        one.server.clear()
        studio.collect(job.id)
        await until(lambda: studio.ledger.job(job.id).state is JobState.COMPLETED, PATIENCE_S)
    assert len(one.posts()) == 1
    assert len(clips(one, job)) == 1


async def test_a_failed_render_says_why_and_that_the_bill_is_not_known(lab: Labs) -> None:
    """The server's reason is the job's; it tells no price, so neither do we."""
    one = lab("VllmOmni")
    one.tell("render", facts={"outcome": "failed", "reason": "Worker died."})
    job = await one.made("breaks")
    assert job.failure is not None
    assert (job.failure.code, job.failure.billed) == ("render_failed", Billed.UNKNOWN)
    assert job.failure.message == "Worker died. (500)"


async def test_a_worker_that_was_stopped_is_followed_by_one_that_polls(lab: Labs) -> None:
    """The ticket is all that the next worker needs: no second create, one clip."""
    one = lab("NewApi")
    one.tell("render", facts={"seconds": 2.0})
    async with Studio(one.settings) as studio:
        async with one.working():
            job = await one.submit(studio, "slow")
            await until(
                lambda: studio.ledger.job(job.id).state in (JobState.QUEUED, JobState.RUNNING), PATIENCE_S
            )
        async with one.working():
            job = await one.settled(studio, job)
    assert job.state is JobState.COMPLETED, job.failure
    assert len(one.posts()) == 1
