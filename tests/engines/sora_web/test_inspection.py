"""The reading tools: what is listed, in a person's words, and where a clip can be had from."""

from __future__ import annotations

import pytest

from rushes.domain.errors import BadInput, ContentRefused, NotFound
from rushes.engines.sora_web import inspection
from rushes.engines.sora_web.engine import SoraWebEngine
from tests.engines.sora_web.shared import on_one_engine
from tests.engines.sora_web.stage import Stage

POST = "s_0123456789abcdef0123456789abcdef"


async def draft_of(engine: SoraWebEngine, stage: Stage, words: str) -> inspection.Listed:
    """Make something and return its draft as it is listed."""
    accepted = await stage.accepted(engine, words)
    stage.emulator.advance(400)
    items = await inspection.drafts(engine, 15)
    (found,) = [one for one in items if one["task_id"] == accepted.ticket["id"]]
    return inspection.listed_draft(found)


@pytest.mark.parametrize(
    ("text", "id"),
    [
        (POST, POST),
        (f"https://sora.chatgpt.com/p/{POST}", POST),
        (f"https://sora.chatgpt.com/p/{POST}?from=feed", POST),
        (" gen_01kzzz ", "gen_01kzzz"),
        ("https://sora.chatgpt.com/d/gen_01kzzz", "gen_01kzzz"),
    ],
)
def test_a_clip_is_named_by_its_id_or_its_address(text: str, id: str) -> None:
    """What a person copies from the site is understood."""
    assert inspection.clip_id(text) == id


@pytest.mark.parametrize("text", ["", "s_123", "gen_", "https://example.com/", "task"])
def test_what_names_no_clip_is_refused(text: str) -> None:
    """Anything else is refused before a browser is opened for it."""
    with pytest.raises(BadInput):
        inspection.clip_id(text)


@on_one_engine
async def test_a_clip_among_the_drafts(shared: Stage, engine: SoraWebEngine) -> None:
    """A finished clip is listed with its pixels, its length, and the best version that can be had."""
    found = await draft_of(engine, shared, "a boat")

    assert (found.status, found.size, found.file) == ("clip", (640, 352), "no_watermark")
    assert found.seconds == pytest.approx(5.0, abs=0.5)
    assert found.words == shared.prompt("a boat")
    assert found.at is not None


@pytest.mark.parametrize(
    ("fault", "status", "reason"),
    [
        ("violation", "refused", "sora_content_violation: This content may violate"),
        ("render-error", "failed", "sora_error: processing_failed"),
        ("no-url", "not ready", ""),
    ],
)
@on_one_engine
async def test_a_draft_without_a_clip_says_why(
    shared: Stage, engine: SoraWebEngine, fault: str, status: str, reason: str
) -> None:
    """A refusal, a failure and a draft that is not ready are three things."""
    shared.fault(fault)
    found = await draft_of(engine, shared, "a boat")

    assert (found.status, found.size, found.file) == (status, None, "")
    assert found.reason.startswith(reason)


async def test_a_task_under_way_and_the_same_one_alone(stage: Stage) -> None:
    """A task is listed while it is under way, and can be asked for by its id."""
    async with stage.engine() as engine:
        stage.fault("never-ends")
        accepted = await stage.accepted(engine, "a boat")
        (listed,) = await inspection.pending(engine)
        alone = await inspection.task(engine, accepted.ticket["id"])
        with pytest.raises(NotFound, match="task_none"):
            await inspection.task(engine, "task_none")

    assert inspection.listed_task(listed).id == inspection.listed_task(alone).id == accepted.ticket["id"]
    assert inspection.listed_task(listed).words == stage.prompt("a boat")


async def test_a_task_is_found_where_its_own_address_is_gone(stage: Stage) -> None:
    """Without the address for one task, it is found among those under way."""
    async with stage.engine() as engine:
        stage.fault("never-ends")
        accepted = await stage.accepted(engine, "a boat")
        stage.emulator.fault("tasks-404")
        alone = await inspection.task(engine, accepted.ticket["id"])

    assert alone["id"] == accepted.ticket["id"]


async def test_the_balance_is_told_and_noted(stage: Stage) -> None:
    """Asking for the balance tells it, and what is left is known without a browser from then on."""
    async with stage.engine() as engine:
        found = await inspection.check(engine)

        assert found["rate_limit_and_credit_balance"]["estimated_num_videos_remaining"] == 100
        assert engine.profile.account["quota_left"] == 100


@on_one_engine
async def test_a_refused_draft_is_not_downloaded(shared: Stage, engine: SoraWebEngine) -> None:
    """Where the service refused the content, its reason is the answer."""
    shared.fault("violation")
    found = await draft_of(engine, shared, "a boat")
    with pytest.raises(ContentRefused, match="guardrails"):
        await inspection.clip(engine, found.id)


async def test_the_browser_is_free_after_reading(stage: Stage) -> None:
    """The profile is held while something is read and not afterwards, also where it fails."""

    async def read(engine: SoraWebEngine) -> None:
        async with inspection.reading(engine, "the test"):
            assert engine.profile.held
            await inspection.clip(engine, "gen_none")

    async with stage.engine() as engine:
        with pytest.raises(NotFound):
            await read(engine)

        assert not engine.profile.held
