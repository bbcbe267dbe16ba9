"""What the service tells of a job, and where its files are."""

from __future__ import annotations

from decimal import Decimal
from typing import Any
from urllib.parse import urlsplit

import pytest

from rushes.domain.errors import (
    Billed,
    Busy,
    EngineError,
    QuotaExhausted,
    ResultGone,
    SignInNeeded,
    Unreachable,
)
from rushes.engines.contract import CancelOutcome, Progress, RenderState
from rushes.testing.openrouter_service import KEY, SPENT_KEY
from tests.engines.openrouter.stage import Stage

PAGE = "<html><body><h1>504 Gateway Time-out</h1></body></html>"


async def polled(stage: Stage, body: Any, status: int = 200) -> Progress:
    """Return what the engine makes of one answer to a poll."""
    async with stage.engine() as engine:
        ticket = (await stage.accepted(engine)).ticket
        stage.tell("poll", status=status, body=body)
        return await engine.poll(ticket)


@pytest.mark.parametrize(
    ("status", "state"),
    [
        ("pending", RenderState.QUEUED),
        ("queued", RenderState.QUEUED),
        ("in_progress", RenderState.RUNNING),
        ("processing", RenderState.RUNNING),
        ("Running", RenderState.RUNNING),
        ("submitted", RenderState.QUEUED),
        ("completed", RenderState.SUCCEEDED),
        ("Succeeded", RenderState.SUCCEEDED),
        ("failed", RenderState.FAILED),
        ("cancelled", RenderState.CANCELED),
        ("canceled", RenderState.CANCELED),
        ("expired", RenderState.EXPIRED),
    ],
)
async def test_each_state_is_understood(stage: Stage, status: str, state: RenderState) -> None:
    """The documented six and their synonyms."""
    progress = await polled(stage, {"id": "x", "polling_url": "/x", "status": status})
    assert progress.state is state
    assert progress.unknown_word is None


@pytest.mark.parametrize("word", ["moderated", "Content Filtered", 7])
async def test_an_unknown_word_is_alive_and_told(stage: Stage, word: Any) -> None:
    """It may be a word of tomorrow for a render that goes on; the answer has the word itself (C01)."""
    progress = await polled(stage, {"id": "x", "status": word, "error": None})
    assert progress.state is RenderState.RUNNING
    assert progress.unknown_word == str(word)
    assert progress.error is None


@pytest.mark.parametrize(
    ("word", "error", "message", "refused"),
    [
        ("moderated", "Output moderated", "Output moderated", True),
        ("not_found", {"code": "no_such_job", "message": "it is gone"}, "it is gone", False),
        (7, "Provider returned error", "Provider returned error", False),
    ],
)
async def test_an_unknown_word_with_an_error_is_a_failure(
    stage: Stage, word: Any, error: Any, message: str, refused: bool
) -> None:
    """A render that ended in a word of tomorrow ends here, too, with the service's reason and bill (C01)."""
    body = {"id": "x", "status": word, "error": error, "usage": {"cost": 0.1}}
    progress = await polled(stage, body)
    assert progress.state is RenderState.FAILED
    assert message in (progress.error or "")
    assert progress.content_refused is refused
    assert progress.cost == Decimal("0.1")


async def test_a_known_word_with_an_error_is_what_it_says(stage: Stage) -> None:
    """Only a word that nobody knows is read by the error beside it."""
    progress = await polled(stage, {"id": "x", "status": "in_progress", "error": "slow upstream"})
    assert (progress.state, progress.error) == (RenderState.RUNNING, None)


@pytest.mark.parametrize(
    ("usage", "cost"),
    [
        ({"cost": 0.105}, Decimal("0.105")),
        ({"cost": 0}, Decimal(0)),
        ({"cost": None}, None),
        ({"cost": "0.5"}, Decimal("0.5")),
        ({"cost": "much"}, None),
        ({"cost": -1}, None),
        ({"cost": 1e300}, None),
        ({"cost": "9e9999999"}, None),
        ({"cost": True}, None),
        ({}, None),
        (None, None),
    ],
)
async def test_the_cost_is_read_back(stage: Stage, usage: Any, cost: Decimal | None) -> None:
    """`usage.cost` in dollars, to the digit; what is not told is not 0."""
    assert (await polled(stage, {"id": "x", "status": "completed", "usage": usage})).cost == cost


@pytest.mark.parametrize("status", [200, 500, 502])
async def test_a_failed_job_is_an_answer_under_any_status(stage: Stage, status: int) -> None:
    """A failure that came as HTTP 500 is a failure, and no reason to ask again."""
    body = {"id": "x", "status": "failed", "error": "Provider returned error", "usage": {"cost": 0}}
    progress = await polled(stage, body, status)
    assert progress.state is RenderState.FAILED
    assert progress.error == "Provider returned error"
    assert not progress.content_refused
    assert progress.cost == 0


@pytest.mark.parametrize(
    ("error", "about"),
    [
        ("The output video may contain sensitive information", "what came out"),
        ("Content policy violation in the prompt", "the words"),
        ({"message": "The input image may contain real person"}, "a picture that was handed in"),
    ],
)
async def test_a_render_refused_for_its_content_says_what_it_is_about(
    stage: Stage, error: Any, about: str
) -> None:
    """Input or output, and which input, where the service's words tell."""
    progress = await polled(stage, {"id": "x", "status": "failed", "error": error})
    assert progress.content_refused
    assert progress.error is not None
    assert f"({about})" in progress.error


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        ({"status": 500, "body": {"error": {"message": "boom"}}}, Unreachable),
        ({"status": 504, "body": PAGE}, Unreachable),
        ({"status": 200, "body": PAGE}, Unreachable),
        ({"status": 202, "body": ""}, Unreachable),
        ({"status": 200, "body": {"error": {"message": "overloaded"}}}, Unreachable),
        ({"status": 200, "body": {"id": "x", "status": None}}, Unreachable),
        ({"status": 503, "body": {"id": "x", "status": "unavailable", "error": "down"}}, Unreachable),
        ({"drop": True}, Unreachable),
        ({"status": 429, "body": {}, "headers": {"Retry-After": "4"}}, Busy),
        ({"status": 401, "body": {"error": {"message": "User not found"}}}, SignInNeeded),
        ({"status": 404, "body": {"error": {"message": "not found"}}}, ResultGone),
        ({"status": 410, "body": {"error": {"message": "gone"}}}, ResultGone),
    ],
)
async def test_a_poll_without_an_answer_is_no_end(
    stage: Stage, answer: dict[str, Any], error: type[EngineError]
) -> None:
    """Faults cost time; only what the service no longer has is gone."""
    async with stage.engine() as engine:
        ticket = (await stage.accepted(engine)).ticket
        stage.tell("poll", **answer)
        with pytest.raises(error):
            await engine.poll(ticket)


async def test_a_poll_that_hangs_is_given_up(stage: Stage) -> None:
    """A call that nobody answers ends by itself."""
    async with stage.engine() as engine:
        ticket = (await stage.accepted(engine)).ticket
    stage.tell("poll", delay=5.0)
    async with stage.engine(ask_timeout=0.3) as engine:
        with pytest.raises(Unreachable, match="did not answer"):
            await engine.poll(ticket)


async def test_another_instance_goes_on_from_the_ticket(stage: Stage) -> None:
    """After a restart the ticket is all there is; the addresses are signed anew with each question."""
    async with stage.engine() as engine:
        ticket = (await stage.accepted(engine)).ticket
    async with stage.engine() as engine:
        progress = await stage.ended(engine, ticket)
        first, second = await engine.results(ticket), await engine.results(ticket)
    assert progress.state is RenderState.SUCCEEDED
    assert progress.cost == Decimal("0.25")
    signed = [result[0].candidates[0].url for result in (first, second)]
    assert signed[0] != signed[1]
    assert all(result[0].expires_at is not None for result in (first, second))


@pytest.mark.parametrize(
    ("told", "year"),
    [
        (1796041815, 2026),
        (1796041815000, 2026),
        (1796041815.5, 2026),
        ("2026-11-30T12:30:15Z", 2026),
        (-1, None),
        (10**30, None),
        ("soon", None),
        (None, None),
    ],
)
async def test_a_date_keeps_no_clip_back(stage: Stage, told: Any, year: int | None) -> None:
    """In milliseconds, in text, or absurd: the addresses beside it are what counts (B10)."""
    body = {"id": "x", "status": "completed", "unsigned_urls": ["/a.mp4"], "expires_at": told}
    async with stage.engine() as engine:
        ticket = (await stage.accepted(engine)).ticket
        stage.tell("poll", status=200, body=body)
        (result,) = await engine.results(ticket)
    assert (result.expires_at.year if result.expires_at else None) == year
    assert (result.candidates[0].url or "").endswith("/a.mp4")


async def test_the_key_goes_to_the_services_own_address_only(stage: Stage) -> None:
    """The signed copy needs none; an address on another host gets none, whatever path it has."""
    stage.tell("render", "away", facts={"elsewhere": True})
    async with stage.engine() as engine:
        ticket = (await stage.accepted(engine, "home")).ticket
        await stage.ended(engine, ticket)
        (result,) = await engine.results(ticket)
        stored, content = result.candidates
        assert not stored.headers
        assert content.headers == {"Authorization": f"Bearer {KEY}"}
        assert urlsplit(content.url or "").netloc == urlsplit(stage.service.base_url).netloc
        assert KEY not in repr(result)

        ticket = (await stage.accepted(engine, "away")).ticket
        await stage.ended(engine, ticket)
        (result,) = await engine.results(ticket)
        (foreign,) = result.candidates
        assert not foreign.headers


@pytest.mark.parametrize(("cost", "billed"), [(0.25, Billed.YES), (0, Billed.NO)])
async def test_completed_without_a_file_is_an_error_of_its_own(
    stage: Stage, cost: float, billed: Billed
) -> None:
    """It says that there is nothing to download, and whether it was charged."""
    stage.tell("render", facts={"bare": True, "cost": cost})
    async with stage.engine() as engine:
        ticket = (await stage.accepted(engine)).ticket
        assert (await stage.ended(engine, ticket)).state is RenderState.SUCCEEDED
        with pytest.raises(ResultGone, match="offers no file") as caught:
            await engine.results(ticket)
    assert caught.value.billed is billed


async def test_nothing_can_be_canceled(stage: Stage) -> None:
    """The service has no way to, so the wish is only noted."""
    async with stage.engine() as engine:
        ticket = (await stage.accepted(engine)).ticket
        assert await engine.cancel(ticket) is CancelOutcome.UNSUPPORTED


async def test_doctor_hears_what_the_key_may_spend(stage: Stage) -> None:
    """A look at the key costs nothing; one that is used up is told before a job waits for it."""
    async with stage.engine() as engine:
        assert await engine.check() == "the key is good, $12.50 of its limit left"
    async with stage.engine(key=SPENT_KEY) as engine:
        with pytest.raises(QuotaExhausted, match="limit is used up"):
            await engine.check()
    stage.service.tell("key", status=200, body={"data": {"limit_remaining": None}})
    async with stage.engine() as engine:
        assert "no limit" in await engine.check()
    assert stage.posts() == []
