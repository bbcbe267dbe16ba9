"""Whole jobs: whatever the service does, what it accepted becomes a clip, once, or ends with its reason."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest

from rushes.domain.errors import Billed, ResultGone, Unreachable
from rushes.domain.job import Job, JobState
from rushes.domain.request import Reference, Role
from rushes.engines.contract import RenderState
from rushes.media.probe import probe
from tests.engines.fal.stage import HAILUO, I2V, KLING, TURBO, Stage

PAGE = "<html><body><h1>502 Bad Gateway</h1><hr>nginx</body></html>"


def failed(code: int, answer: Any) -> dict[str, Any]:
    return {"facts": {"outcome": "failed", "code": code, "answer": answer}}


def flagged(*where: Any) -> dict[str, Any]:
    """Return the model's own words for what its filter stopped."""
    one = {
        "loc": ["body", *where],
        "msg": "It was flagged.",
        "type": "content_policy_violation",
        "input": "x",
    }
    return {"detail": [one]}


async def test_words_become_a_clip_with_its_real_cost(stage: Stage) -> None:
    """Create, poll, result, MP4; what was billed is the units of the answer at the price of one."""
    stage.tell("render", facts={"units": 2.5})
    async with stage.working():
        job = await stage.made("a paper boat", HAILUO, seconds=5)
    assert job.state is JobState.COMPLETED, job.failure
    (clip,) = stage.studio.library.of_job(job.id)
    assert abs(probe(clip.path).seconds - 1.0) < 0.2
    assert (job.quote.amount, job.quote.as_of is not None) == (Decimal("0.40"), True)
    assert job.charged == Decimal("0.2")
    assert clip.cost == Decimal("0.2")
    assert len(stage.creates()) == len(stage.posts()) == 1


@pytest.mark.parametrize(("model", "name"), [(I2V, "image_url"), (KLING, "start_image_url")])
async def test_a_first_frame_becomes_a_clip(stage: Stage, model: str, name: str) -> None:
    """The picture is uploaded, and named as the endpoint wants it."""
    frame = Reference(role=Role.FIRST_FRAME, path=stage.picture())
    async with stage.working():
        job = await stage.made("it moves", model, references=(frame,))
    assert job.state is JobState.COMPLETED, job.failure
    assert stage.sent("it moves")[name].endswith(".png")
    assert len(stage.posts()) == 1


FALTERS: list[tuple[str, str, dict[str, Any]]] = [
    ("status 500", "status", {"status": 500, "body": "boom", "times": 2}),
    ("status html", "status", {"status": 200, "body": PAGE, "times": 2}),
    ("status 429", "status", {"status": 429, "body": {}, "headers": {"Retry-After": "0.1"}, "times": 2}),
    ("status 202 empty", "status", {"status": 202, "body": "", "times": 2}),
    ("status dropped", "status", {"drop": True, "times": 2}),
    ("unknown state", "status", {"status": 200, "body": {"status": "WARMING_UP"}, "times": 2}),
    ("no position", "status", {"status": 200, "body": {"status": "IN_QUEUE"}, "times": 1}),
    ("state succeeded", "status", {"status": 200, "body": {"status": "succeeded"}}),
    ("state ok", "status", {"status": 200, "body": {"status": "OK"}}),
    ("result 502 html", "result", {"status": 502, "body": PAGE, "times": 2}),
    ("result dropped", "result", {"drop": True, "times": 2}),
    ("result 429", "result", {"status": 429, "body": {}, "times": 1}),
    ("file expired", "content", {"status": 403, "body": "expired", "times": 1}),
    ("file gone for a moment", "content", {"status": 404, "body": "", "times": 1}),
    ("file 500", "content", {"status": 500, "body": "", "times": 2}),
    ("file cut off", "content", {"facts": {"kind": "moov_last"}}),
    ("file too early", "content", {"status": 425, "body": "", "times": 1}),
    ("file not written", "content", {"facts": {"data": ""}, "times": 1}),
    ("a page for the file", "content", {"facts": {"kind": "html"}, "times": 1}),
    ("file as json", "content", {"facts": {"type": "application/json"}}),
    ("file in the result", "render", {"facts": {"seconds": 0.3, "inline": True}}),
]


async def test_a_service_that_falters_loses_nothing(stage: Stage) -> None:
    """Answers that err, and addresses that run out: each job still becomes its clip, and is bought once."""
    async with stage.working():
        jobs = {}
        for words, operation, told in FALTERS:
            stage.tell("render", words, facts={"queued_s": 0.1, "seconds": 0.3})
            stage.tell(operation, words, **told)
            # A prompt must not end where another begins: "state ok" would be told of "state okay", too.
            jobs[words] = await stage.submit(f"{words}.", TURBO)
        ended = {words: await stage.settled(job) for words, job in jobs.items()}
    wrong = {words: job.failure for words, job in ended.items() if job.state is not JobState.COMPLETED}
    assert wrong == {}
    assert len(stage.creates()) == len(stage.posts()) == len(FALTERS)


async def test_an_address_that_has_run_out_is_asked_for_again(stage: Stage) -> None:
    """The result is read a second time before the file is given up."""
    stage.tell("content", status=410, body="expired", times=1)
    async with stage.working():
        job = await stage.made("a boat", TURBO)
    assert job.state is JobState.COMPLETED
    assert job.ticket is not None
    assert len([one for one in stage.service.requests("result") if job.ticket["id"] in one["path"]]) == 3


SMALL = {"loc": ["body", "image_url"], "msg": "Too small", "type": "image_too_small"}
LATE = {"detail": "Request timed out", "error_type": "request_timeout"}

ENDS: list[tuple[str, dict[str, Any], str, str, Billed]] = [
    ("error 500", failed(500, {"detail": "Internal"}), "render_failed", "Internal", Billed.NO),
    ("error 504", failed(504, LATE), "render_failed", "timed out", Billed.NO),
    (
        "error 422",
        failed(422, {"detail": [SMALL]}),
        "render_failed",
        "the first_frame reference: Too small",
        Billed.UNKNOWN,
    ),
    ("words", failed(422, flagged("prompt")), "content_refused", "content, the prompt", Billed.UNKNOWN),
    (
        "picture",
        failed(422, flagged("start_image_url")),
        "content_refused",
        "the first_frame reference",
        Billed.UNKNOWN,
    ),
    (
        "second picture",
        failed(422, flagged("image_urls", 1)),
        "content_refused",
        "the 2. subject reference",
        Billed.UNKNOWN,
    ),
    ("what was made", failed(422, flagged()), "content_refused", "or what came of them", Billed.UNKNOWN),
    (
        "older words",
        failed(400, {"detail": "Blocked by the safety system"}),
        "content_refused",
        "safety system",
        Billed.UNKNOWN,
    ),
    ("no video", {"facts": {"outcome": "empty"}}, "render_failed", "without a video", Billed.YES),
]


async def test_a_failed_render_ends_with_its_reason(stage: Stage) -> None:
    """Moderation is told from failure, the reference is named, and 5xx was not billed."""
    async with stage.working():
        jobs = {}
        for words, told, *_ in ENDS:
            stage.tell("render", f"{words}.", **told)
            jobs[words] = await stage.submit(f"{words}.", TURBO)
        ended = {words: await stage.settled(job) for words, job in jobs.items()}
    seen = {words: _failure(job) for words, job in ended.items()}
    expected = {words: (code, billed) for words, _, code, _, billed in ENDS}
    assert {words: one[:2] for words, one in seen.items()} == expected
    for words, _, _, said, _ in ENDS:
        assert said in seen[words][2], (words, seen[words])


def _failure(job: Job) -> tuple[str, Billed, str]:
    assert job.failure is not None
    return job.failure.code, job.failure.billed, job.failure.message


WORDS: list[tuple[str, dict[str, Any], str, str]] = [
    ("moderated", {"error": "Output moderated"}, "content_refused", "Output moderated"),
    (
        "blocked",
        {"error": {"message": "It was flagged."}, "error_type": "content_policy_violation"},
        "content_refused",
        "It was flagged.",
    ),
    ("halted", {"error": "Runner lost", "error_type": "runner_disconnected"}, "render_failed", "Runner lost"),
]


@pytest.mark.parametrize(("word", "told", "code", "said"), WORDS)
async def test_a_render_that_ended_in_an_unknown_word_ends_the_job(
    stage: Stage, word: str, told: dict[str, Any], code: str, said: str
) -> None:
    """An error beside the word tells, though the result itself is not there, or says that it runs (C01)."""
    stage.tell("render", facts={"seconds": 60.0})
    stage.tell("status", status=200, body={"status": word, **told})
    async with stage.working():
        job = await stage.made("a boat", TURBO)
    assert _failure(job)[0] == code
    assert said in _failure(job)[2]


@pytest.mark.parametrize("word", ["warming_up", 7])
async def test_an_unknown_word_without_an_error_is_handed_on(stage: Stage, word: Any) -> None:
    """It counts as running, and the pipeline knows that nobody knows it (C01)."""
    async with stage.engine() as engine:
        ticket = (await stage.accepted(engine, "a boat", TURBO)).ticket
        stage.tell("status", status=200, body={"status": word})
        progress = await engine.poll(ticket)
    assert (progress.state, progress.unknown_word) == (RenderState.RUNNING, str(word))


async def test_an_answer_without_a_word_is_no_state(stage: Stage) -> None:
    """An object of a proxy's own does not fail a render that was paid for (C01)."""
    async with stage.engine() as engine:
        ticket = (await stage.accepted(engine, "a boat", TURBO)).ticket
        stage.tell("status", status=200, body={"error": "upstream timed out"})
        with pytest.raises(Unreachable):
            await engine.poll(ticket)


NOT_YET: list[dict[str, Any]] = [
    {"status": 200, "body": {"video": None}},
    {"status": 400, "body": {"detail": "Request is still in progress"}},
    {"status": 404, "body": {"detail": "Request not found"}},
    {"status": 504, "body": {"detail": "Request timed out", "error_type": "request_timeout"}},
]


@pytest.mark.parametrize("told", NOT_YET)
async def test_a_result_without_a_video_may_have_one_yet(stage: Stage, told: dict[str, Any]) -> None:
    """After the render was told to be done, its result is asked for again (C02)."""
    async with stage.engine() as engine:
        ticket = (await stage.accepted(engine, "a boat", TURBO)).ticket
        stage.tell("result", **told)
        with pytest.raises(ResultGone):
            await engine.results(ticket)


async def test_a_page_in_place_of_the_file_ends_as_gone(stage: Stage) -> None:
    """It was asked for again, and was paid for (C02)."""
    stage.tell("content", facts={"kind": "html"})
    async with stage.working():
        job = await stage.made("a boat", TURBO)
    assert _failure(job)[:2] == ("result_gone", Billed.YES)
    assert "a web page" in _failure(job)[2]


async def test_a_clip_that_arrived_in_part_is_mended_or_refused_never_passed(stage: Stage) -> None:
    """Half of a file is either repaired, with the original kept, or no clip at all."""
    stage.tell("content", facts={"kind": "truncated"})
    async with stage.working():
        job = await stage.made("a boat", TURBO)
    if job.state is JobState.COMPLETED:
        (clip,) = stage.studio.library.of_job(job.id)
        assert clip.original is not None
    else:
        assert _failure(job)[0] == "result_broken"


BLOCKS: list[tuple[dict[str, Any], str]] = [
    ({"status": 401, "body": {"detail": "invalid key"}}, "sign-in"),
    ({"status": 403, "body": {"detail": "User is locked. Reason: Exhausted balance."}}, "quota"),
    ({"status": 403, "body": {"detail": "Cannot access application"}}, "account"),
]


@pytest.mark.parametrize(("told", "reason"), BLOCKS)
async def test_what_a_person_must_mend_waits_and_goes_on(
    stage: Stage, told: dict[str, Any], reason: str
) -> None:
    """Key, balance, account: the job waits, nothing was billed, and afterwards it is sent once."""
    stage.tell("create", times=1, **told)
    async with stage.working():
        job = await stage.settled(await stage.submit("a boat", TURBO), JobState.BLOCKED)
        assert job.reason == reason
        assert _failure(job)[1] is Billed.NO
        stage.studio.collect(job.id)
        job = await stage.settled(job, JobState.COMPLETED, JobState.FAILED)
    assert job.state is JobState.COMPLETED, job.failure
    assert len(stage.creates()) == 1
