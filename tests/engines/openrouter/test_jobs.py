"""Whole jobs through a worker: whatever the service does, what it accepted becomes a clip, once."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from rushes.domain.errors import Billed
from rushes.domain.job import JobState
from rushes.domain.request import Reference, Role
from rushes.media.probe import probe
from tests.engines.openrouter.stage import SEEDANCE, Stage


async def test_words_become_a_clip_in_the_library(stage: Stage) -> None:
    """Quoted by the live list, created once, charged what the service says, and decoded whole."""
    stage.tell("render", facts={"cost": 0.6})
    async with stage.working():
        job = await stage.made("a boat", seconds=5)
    assert job.state is JobState.COMPLETED, job.failure
    (clip,) = stage.studio.library.of_job(job.id)
    found = probe(clip.path)
    assert (found.width, found.height) == (320, 180)
    assert clip.sheet.is_file()
    assert job.quote.amount == Decimal("0.6300")
    assert "/videos/models" in job.quote.source
    assert job.charged == Decimal("0.6")
    assert stage.held() == 0
    assert len(stage.posts()) == 1


async def test_pictures_become_the_first_and_the_last_frame(stage: Stage) -> None:
    """They travel in the create as data URLs of their own type."""
    frames = (
        Reference(role=Role.FIRST_FRAME, path=stage.picture("first.png")),
        Reference(role=Role.LAST_FRAME, path=stage.picture("last.jpg", (200, 100))),
    )
    async with stage.working():
        job = await stage.made("it moves", references=frames)
    assert job.state is JobState.COMPLETED, job.failure
    first, last = stage.sent()["frame_images"]
    assert first["frame_type"] == "first_frame"
    assert first["image_url"]["url"].startswith("data:image/png;base64,")
    assert last["frame_type"] == "last_frame"
    assert last["image_url"]["url"].startswith("data:image/jpeg;base64,")
    assert "input_references" not in stage.sent()


async def test_subjects_styles_and_addresses_become_references(stage: Stage) -> None:
    """A file, and a picture that lies on the public web, which is named by its address."""
    web = "https://example.com/style.png"
    references = (
        Reference(role=Role.SUBJECT, path=stage.picture("boat.png")),
        Reference(role=Role.STYLE, remote=web),
    )
    async with stage.working():
        job = await stage.made("a boat", SEEDANCE, references=references)
    assert job.state is JobState.COMPLETED, job.failure
    file, address = stage.sent()["input_references"]
    assert file["image_url"]["url"].startswith("data:image/png;base64,")
    assert address == {"type": "image_url", "image_url": {"url": web}}


FAULTS: list[tuple[str, str, dict[str, Any]]] = [
    ("a poll is answered with 500", "poll", {"status": 500, "body": "", "times": 2}),
    ("a poll is answered with a page", "poll", {"status": 502, "body": "<h1>Bad</h1>", "times": 2}),
    ("a poll is dropped", "poll", {"drop": True, "times": 2}),
    (
        "a poll comes too often",
        "poll",
        {"status": 429, "body": {}, "headers": {"Retry-After": "0.1"}, "times": 1},
    ),
    ("the stored copy has expired", "file", {"status": 403, "body": "expired"}),
    ("the stored copy is a page", "file", {"status": 200, "body": "<!doctype html>sign in"}),
    ("the download is dropped", "file", {"drop": True, "times": 1}),
    ("the download is answered with 503", "file", {"status": 503, "body": "", "times": 1}),
    ("only the stored copy is there", "content", {"status": 410, "body": {}}),
]


@pytest.mark.parametrize("fault", FAULTS, ids=[one[0] for one in FAULTS])
async def test_a_fault_on_the_way_costs_no_clip(stage: Stage, fault: tuple[str, str, dict[str, Any]]) -> None:
    """Polls are repeated, downloads go on or come from the other address; nothing is created again."""
    _, operation, told = fault
    stage.tell(operation, **told)
    async with stage.working():
        job = await stage.made()
    assert job.state is JobState.COMPLETED, job.failure
    assert len(stage.posts()) == 1


async def test_addresses_that_ran_out_are_asked_for_anew(stage: Stage) -> None:
    """Neither the stored copy nor the content is there at first: the second question brings good ones."""
    stage.tell("file", status=403, body="expired", times=1)
    stage.tell("content", status=410, body={}, times=1)
    async with stage.working():
        job = await stage.made()
    assert job.state is JobState.COMPLETED, job.failure
    files = [one for one in stage.service.requests("file") if one["id"] == stage.creates()[0]["id"]]
    assert len(files) == 2
    assert not any(one["key"] for one in files)


async def test_a_file_that_is_cut_short_is_kept_and_told(stage: Stage) -> None:
    """No address has it whole: the job fails, billed, and the rejected file is named."""
    stage.tell("render", facts={"file": "truncated"})
    async with stage.working():
        job = await stage.made()
    assert job.state is JobState.FAILED
    assert job.failure is not None
    assert job.failure.code == "result_broken"
    assert job.failure.billed is Billed.YES
    assert ".rejected" in job.failure.message


@pytest.mark.parametrize(
    ("facts", "code", "billed"),
    [
        ({"outcome": "failed", "reason": "Provider returned error"}, "render_failed", Billed.NO),
        ({"outcome": "failed", "cost": None}, "render_failed", Billed.UNKNOWN),
        ({"outcome": "failed", "cost": 0.1}, "render_failed", Billed.YES),
        ({"outcome": "failed", "reason": "Output flagged by moderation"}, "content_refused", Billed.NO),
        ({"outcome": "expired"}, "result_gone", Billed.UNKNOWN),
        ({"bare": True}, "result_gone", Billed.YES),
    ],
)
async def test_a_render_that_came_to_nothing_says_whether_it_was_billed(
    stage: Stage, facts: dict[str, Any], code: str, billed: Billed
) -> None:
    """By the service's own usage.cost, and unknown where it does not tell."""
    stage.tell("render", facts=facts)
    async with stage.working():
        job = await stage.made()
    assert job.state is JobState.FAILED
    assert job.failure is not None
    assert (job.failure.code, job.failure.billed) == (code, billed)
    assert len(stage.posts()) == 1


async def test_a_render_that_ended_in_an_unknown_word_ends_the_job(stage: Stage) -> None:
    """The error beside the word ends it, and what the service charged nothing for is held no longer (C01)."""
    ended = {"id": "x", "status": "moderated", "error": "Output moderated", "usage": {"cost": 0}}
    stage.tell("poll", status=200, body=ended)
    async with stage.working():
        job = await stage.made()
    assert job.failure is not None
    assert (job.failure.code, job.failure.billed) == ("content_refused", Billed.NO)
    assert stage.held() == 0


async def test_a_clip_comes_in_whatever_its_date_of_expiry(stage: Stage) -> None:
    """In milliseconds it was no date of this era, and the clip could not be collected (B10)."""
    stage.tell("render", facts={"expires_at": 1796041815000})
    async with stage.working():
        job = await stage.made()
    assert job.state is JobState.COMPLETED, job.failure


async def test_a_lost_create_is_left_to_a_person_who_adopts_it(stage: Stage) -> None:
    """The service lists no jobs: its id, read off its pages, brings the clip; nothing is sent again."""
    stage.tell("create", drop=True, accept=True, times=1)
    async with stage.working():
        job = await stage.made()
        assert job.left_to_a_person
        assert job.failure is not None
        assert "openrouter.ai/activity" in job.failure.next
        assert stage.held() == job.quote.amount
        (create,) = stage.creates()
        assert create["body"]["session_id"] in job.failure.next
        stage.studio.reconcile(job.id, ticket=create["id"])
        job = await stage.settled(job, JobState.COMPLETED, JobState.FAILED)
    assert job.state is JobState.COMPLETED, job.failure
    assert len(stage.posts()) == 1


async def test_a_worker_that_was_stopped_goes_on_with_the_ticket(stage: Stage) -> None:
    """The second worker polls what the first one had accepted."""
    stage.tell("render", facts={"seconds": 1.5})
    async with stage.working():
        job = await stage.submit()
        await stage.settled(job, JobState.QUEUED, JobState.RUNNING)
    async with stage.working():
        job = await stage.settled(job)
    assert job.state is JobState.COMPLETED, job.failure
    assert len(stage.posts()) == 1


async def test_a_job_waits_for_credits_and_then_goes_on(stage: Stage) -> None:
    """402 blocks the job, unbilled; after topping up it is collected without a new request."""
    body = {"error": {"code": 402, "message": "Insufficient credits"}}
    stage.tell("create", status=402, body=body, times=1)
    async with stage.working():
        job = await stage.made()
        assert job.state is JobState.BLOCKED
        assert job.failure is not None
        assert "settings/credits" in job.failure.next
        stage.studio.collect(job.id)
        job = await stage.settled(job, JobState.COMPLETED, JobState.FAILED)
    assert job.state is JobState.COMPLETED, job.failure
    assert len(stage.creates()) == 1
