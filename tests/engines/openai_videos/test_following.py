"""What a poll says: states and their synonyms, progress, failures, answers that are none."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from rushes.domain.errors import Busy, ResultGone, SignInNeeded, Unreachable
from rushes.engines.contract import CancelOutcome, Progress, RenderState
from rushes.engines.openai_videos.videos import progress_of, reason_of
from rushes.testing.openai_videos_service import KEY
from tests.engines.openai_videos.lab import Lab

Labs = Callable[..., Lab]
QUEUED, RUNNING, DONE = RenderState.QUEUED, RenderState.RUNNING, RenderState.SUCCEEDED
FAILED, CANCELED, EXPIRED = RenderState.FAILED, RenderState.CANCELED, RenderState.EXPIRED


async def polled(one: Lab, **told: Any) -> Progress:
    """Submit, and poll once with the answer to the poll as told."""
    async with one.engine() as engine:
        ticket = (await one.accepted(engine)).ticket
        one.tell("poll", **told)
        return await engine.poll(ticket)


STATES = {
    QUEUED: ["queued", "pending", "submitted", "not_start", "NOT_START", "created"],
    RUNNING: ["in_progress", "processing", "running", "generating", "unknown", "warming_up", "In Progress"],
    DONE: ["completed", "success", "SUCCESS", "succeeded", "finished"],
    FAILED: ["failed", "FAILURE", "error", "timed out", "content_filtered"],
    CANCELED: ["cancelled", "canceled", "deleted"],
    EXPIRED: ["expired"],
}


@pytest.mark.parametrize(
    ("state", "word"), [(state, word) for state, words in STATES.items() for word in words]
)
def test_the_words_for_a_state_are_many(state: RenderState, word: str) -> None:
    """What servers and gateways call it comes to six states; a word that nobody knows is alive."""
    assert progress_of({"status": word}).state is state


ERRORS: dict[str, tuple[dict[str, Any], str, bool]] = {
    "content_filtered": (
        {"error": {"code": "content_filtered", "message": "Output blocked by the safety filter."}},
        "Output blocked by the safety filter. (content_filtered)",
        True,
    ),
    "incomplete": ({"incomplete_details": {"reason": "content_filter"}}, "content_filter", True),
    "moderated": ({"error": "Output withheld"}, "Output withheld", True),
    "blocked": ({"fail_reason": "no upstream"}, "no upstream", False),
    "not_found": ({"error": {"message": "no such task", "code": 404}}, "no such task (404)", False),
    "7": ({"errors": [{"msg": "out of memory"}]}, "out of memory", False),
    "halted": ({"error_message": "", "failure_reason": "worker lost"}, "worker lost", False),
    "dead": ({"error": True, "message": "worker lost"}, "worker lost", False),
}


@pytest.mark.parametrize("word", ERRORS)
def test_an_unknown_word_with_an_error_is_a_failure(word: str) -> None:
    """Its reason is the provider's, and whether it was the content is seen as ever (C01)."""
    told, said, content = ERRORS[word]
    progress = progress_of({"id": "v", "status": word, "progress": 100, **told})
    assert (progress.state, progress.error, progress.content_refused) == (FAILED, said, content)
    assert progress.unknown_word is None


NO_ERRORS: list[dict[str, Any]] = [
    {},
    {"error": None, "incomplete_details": None},
    {"error": {}, "errors": [], "fail_reason": ""},
    {"error": {"code": 0, "message": "success"}, "error_code": 0},
    {"error": False, "message": "on its way"},
]


@pytest.mark.parametrize("told", NO_ERRORS)
@pytest.mark.parametrize("word", ["not_found", 7, 0, "Moderated", "incomplete"])
def test_an_unknown_word_without_an_error_is_handed_on(word: Any, told: dict[str, Any]) -> None:
    """It counts as running, and the pipeline knows that nobody knows it (C01)."""
    progress = progress_of({"id": "v", "status": word, "progress": 100, **told})
    assert (progress.state, progress.unknown_word, progress.error) == (RUNNING, str(word), None)


@pytest.mark.parametrize("word", ["in_progress", "processing", "retrying", "queued"])
def test_a_live_word_with_an_error_is_alive(word: str) -> None:
    """Some servers tell of a try that failed, or fill in the field from the start (C01)."""
    progress = progress_of({"status": word, "incomplete_details": {"reason": "content_filter"}})
    assert progress.state in (RUNNING, QUEUED)
    assert progress.unknown_word is None


@pytest.mark.parametrize(
    ("job", "state"),
    [
        ({"status": "archived", "completed_at": 1_790_000_000}, DONE),
        ({"status": "halted", "completed_at": 1_790_000_000, "error": {"message": "no"}}, FAILED),
        ({"status": "retrying", "error": {"message": "once"}}, RUNNING),
    ],
)
def test_an_unknown_word_with_an_end_has_ended(job: dict[str, Any], state: RenderState) -> None:
    """The time of completion tells what the word does not."""
    assert progress_of(job).state is state


@pytest.mark.parametrize(
    ("told", "fraction"),
    [
        (50, 0.5),
        (0, 0.0),
        (1, 0.01),
        (100, 1.0),
        (0.5, 0.5),
        (1.0, 1.0),
        (37.5, 0.375),
        ("50%", 0.5),
        ("0.5", 0.5),
        ("0.5%", 0.005),
        ("40", 0.4),
        (250, 1.0),
        (-3, 0.0),
        (None, None),
        ("soon", None),
        (True, None),
        (float("nan"), None),
        ([], None),
    ],
)
def test_progress_comes_in_three_ways(told: Any, fraction: float | None) -> None:
    """0 to 100, 0.0 to 1.0 and "50%" are read; anything else is no progress."""
    assert progress_of({"status": "in_progress", "progress": told}).fraction == fraction


@pytest.mark.parametrize(
    ("job", "reason"),
    [
        ({"error": "it broke"}, "it broke"),
        ({"error": {"message": "CUDA out of memory"}}, "CUDA out of memory"),
        ({"error": {"code": 500, "message": "Worker died."}}, "Worker died. (500)"),
        ({"error": {"code": "server_error"}}, "server_error"),
        ({"error": None, "fail_reason": "no upstream"}, "no upstream"),
        ({"error": {}}, "the server gives no reason"),
    ],
)
def test_errors_have_several_shapes(job: dict[str, Any], reason: str) -> None:
    """A text, a message, a message with a code as text or number, or nothing."""
    assert reason_of(job) == reason


REFUSED = {"outcome": "failed", "reason": "Blocked by our moderation system", "code": "moderation_blocked"}


@pytest.mark.parametrize("kind", ["OpenAIVideos", "SGLang", "NewApi"])
async def test_a_clip_refused_for_its_content_is_told_apart(lab: Labs, kind: str) -> None:
    """The same words will be refused again, so it is not called a failure of the machine."""
    one = lab(kind)
    one.tell("render", "bad", facts=REFUSED)
    one.tell("render", "broken", facts={"outcome": "failed", "reason": "CUDA out of memory"})
    async with one.engine() as engine:
        bad = await one.ended(
            engine,
            (
                await one.accepted(engine, "bad", resolution="720p" if kind == "OpenAIVideos" else "144p")
            ).ticket,
        )
        broken = await one.ended(
            engine,
            (
                await one.accepted(engine, "broken", resolution="720p" if kind == "OpenAIVideos" else "144p")
            ).ticket,
        )
    assert (bad.state, bad.content_refused) == (FAILED, True)
    assert (broken.state, broken.content_refused) == (FAILED, False)
    assert "CUDA out of memory" in str(broken.error)


@pytest.mark.parametrize("status", [400, 500, 503])
async def test_a_failed_job_behind_an_http_error_is_an_answer(lab: Labs, status: int) -> None:
    """vLLM-Omni answers for a failed job with its error's own status, and the job as the body."""
    one = lab("VllmOmni")
    one.tell("render", facts={"outcome": "failed", "reason": "Worker died.", "code": status})
    async with one.engine() as engine:
        progress = await one.ended(engine, (await one.accepted(engine)).ticket)
    assert (progress.state, progress.error) == (FAILED, f"Worker died. ({status})")


@pytest.mark.parametrize(
    ("status", "word", "state"),
    [(422, "blocked", FAILED), (404, "failed", FAILED), (404, "not_found", RUNNING)],
)
async def test_an_unknown_word_behind_an_http_error_is_an_answer(
    lab: Labs, status: int, word: str, state: RenderState
) -> None:
    """With its own id and an error a job has failed; 404 may be a server that does not know it yet (C01)."""
    one = lab("NewApi", missing_after=60.0)
    async with one.engine() as engine:
        ticket = (await one.accepted(engine)).ticket
        body = {"id": ticket["id"], "status": word, "error": {"message": f"task {word}"}}
        one.tell("poll", status=status, body=body)
        progress = await engine.poll(ticket)
    assert progress.state is state


async def test_an_error_page_that_says_failed_is_not_the_job(lab: Labs) -> None:
    """Only the job itself, by its id, may say with an HTTP error that it failed."""
    one = lab()
    with pytest.raises(Unreachable):
        await polled(one, status=502, body={"status": "error", "error": "upstream connect error"})


UNANSWERED: dict[str, tuple[dict[str, Any], type[Exception]]] = {
    "5xx": ({"status": 500, "body": "<html><h1>Oops</h1></html>"}, Unreachable),
    "a page": ({"status": 200, "body": "<html><h1>Oops</h1></html>"}, Unreachable),
    "no state": ({"status": 200, "body": {"message": "hello"}}, Unreachable),
    "dropped": ({"drop": True}, Unreachable),
    "busy": ({"status": 429, "headers": {"Retry-After": "3"}}, Busy),
    "a wrong key": ({"status": 401, "body": {"error": {"message": f"wrong key {KEY}"}}}, SignInNeeded),
    "gone": ({"status": 410}, ResultGone),
}


@pytest.mark.parametrize("name", UNANSWERED)
async def test_a_poll_without_an_answer_never_fails_a_job(lab: Labs, name: str) -> None:
    """Whatever comes in place of a job is raised as what it is, and the key is not in it."""
    told, expected = UNANSWERED[name]
    with pytest.raises(expected) as caught:
        await polled(lab("NewApi"), **told)
    assert KEY not in str(caught.value)


@pytest.mark.parametrize(
    "told", [{"status": 202, "body": ""}, {"status": 204}, {"status": 202, "body": " \n"}]
)
async def test_an_empty_answer_is_alive(lab: Labs, told: dict[str, Any]) -> None:
    """202 with nothing in it is how some say that there is nothing yet."""
    assert (await polled(lab(), **{"body": "", **told})).state is RUNNING


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [({"openai-poll-after-ms": "2500"}, 2.5), ({"Retry-After": "4"}, 4.0), ({}, None)],
)
async def test_the_server_says_when_to_ask_again(lab: Labs, headers: dict[str, str], seconds: float) -> None:
    """OpenAI's own header counts milliseconds."""
    progress = await polled(lab(), status=200, body={"id": "x", "status": "queued"}, headers=headers)
    assert progress.ask_after == seconds


async def test_a_job_that_is_not_known_everywhere_yet_is_waited_for(lab: Labs) -> None:
    """One 404 from behind a load balancer does not fail a job that was paid for."""
    one = lab("NewApi", missing_after=60.0)
    async with one.engine() as engine:
        ticket = (await one.accepted(engine)).ticket
        one.tell("poll", status=404, times=1)
        assert (await engine.poll(ticket)).state is RUNNING
        assert (await one.ended(engine, ticket)).state is DONE


async def test_a_job_that_the_server_does_not_know_is_missing(lab: Labs) -> None:
    """One that was started anew has forgotten its jobs, and its 404 says so; the worker keeps the time."""
    one = lab(missing_after=0.2)
    async with one.engine() as engine:
        progress = await engine.poll({"id": "video_of_before"})
        assert (progress.state, progress.missing) == (RUNNING, "the server does not know it")
        assert engine.missing_after == 0.2


async def test_a_failure_that_shows_our_key_is_told_without_it(lab: Labs) -> None:
    """Gateways hand on what their upstream said, and that may be the key."""
    one = lab("NewApi")
    one.tell("render", facts={"outcome": "failed", "reason": f"upstream refused {KEY}"})
    async with one.engine() as engine:
        progress = await one.ended(engine, (await one.accepted(engine)).ticket)
    assert progress.error == "upstream refused *** (fail)"


async def test_a_word_that_shows_our_key_is_handed_on_without_it(lab: Labs) -> None:
    """A state is the server's own text, too (C01)."""
    progress = await polled(lab("NewApi"), status=200, body={"id": "x", "status": f"odd {KEY}"})
    assert progress.unknown_word == "odd ***"


async def test_a_cancel_is_only_sent_where_it_stops_something(lab: Labs) -> None:
    """SGLang's DELETE forgets a job that goes on; its clip would be lost, so it is not sent."""
    one = lab()
    async with one.engine() as engine:
        ticket = (await one.accepted(engine)).ticket
        assert await engine.cancel(ticket) is CancelOutcome.UNSUPPORTED
        assert (await one.ended(engine, ticket)).state is DONE
    assert not [call for call in one.server.requests("delete") if one.mark in call["prompt"]]


async def test_a_cancel_that_aborts_is_confirmed(lab: Labs) -> None:
    """vLLM-Omni's DELETE aborts, and the settings say so."""
    one = lab("VllmOmni", delete_aborts=True)
    one.tell("render", facts={"seconds": 60.0})
    async with one.engine() as engine:
        ticket = (await one.accepted(engine)).ticket
        assert await engine.cancel(ticket) is CancelOutcome.CONFIRMED
        assert (await engine.poll(ticket)).state is CANCELED
        assert await engine.cancel(ticket) is CancelOutcome.UNSUPPORTED
    assert one.jobs() == []
