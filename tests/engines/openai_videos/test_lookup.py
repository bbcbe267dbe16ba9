"""A lost answer: found where the server lists its jobs, left to a person where it does not."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from rushes.domain.errors import OutcomeUnknown, SignInNeeded, Unreachable
from rushes.engines.contract import Candidate, Prepared, Recovery
from tests.engines.openai_videos.lab import Lab

Labs = Callable[..., Lab]
LOST: dict[str, Any] = {"drop": True, "accept": True, "times": 1}


async def looked_up(one: Lab, *, late: timedelta = timedelta(), **fields: Any) -> list[Candidate]:
    """Lose the answer to a create, and return what an engine of another process finds of it."""
    async with one.engine() as engine:
        prepared = await one.prepared(engine, **fields)
        attempt = one.attempt(prepared, datetime.now(UTC) - late)
        with pytest.raises(OutcomeUnknown):
            await engine.submit(prepared, key="unused")
    async with one.engine() as engine:
        return list(await engine.lookup(attempt))


@pytest.mark.parametrize("kind", ["VllmOmni", "LiteLLM"])
async def test_a_lost_create_is_found_by_its_prompt(lab: Labs, kind: str) -> None:
    """The list tells the prompt, and the ticket is the one that nobody heard."""
    one = lab(kind)
    one.tell("create", **LOST)
    found = await looked_up(one)
    (job,) = one.jobs()
    mine = [candidate for candidate in found if candidate.prompt == one.prompt()]
    assert [candidate.ticket for candidate in mine] == [{"id": job["id"]}]


async def test_a_list_without_prompts_is_compared_by_what_it_tells(lab: Labs) -> None:
    """SGLang's list tells model, size and length: one of another size is not it."""
    one = lab(model="only-this-lab")
    one.tell("create", "lost", **LOST)
    async with one.engine() as engine:
        prepared = await one.prepared(engine, "lost")
        attempt = one.attempt(prepared, datetime.now(UTC))
        await one.accepted(engine, "other size", aspect="9:16")
        await one.accepted(engine, "other length", seconds=1.0)
        with pytest.raises(OutcomeUnknown):
            await engine.submit(prepared, key="unused")
        found = await engine.lookup(attempt)
    lost = next(job["id"] for job in one.jobs() if job["prompt"] == one.prompt("lost"))
    assert [(one.ticket, one.prompt) for one in found] == [({"id": lost}, None)]


async def test_what_was_listed_before_the_create_is_not_it(lab: Labs) -> None:
    """An equal job of a moment ago stays out, even with a clock that is off by minutes."""
    one = lab("VllmOmni")
    async with one.engine() as engine:
        await one.accepted(engine)
    one.tell("create", drop=True, times=1)
    assert [candidate for candidate in await looked_up(one) if candidate.prompt == one.prompt()] == []


async def test_what_another_model_made_is_not_it(lab: Labs) -> None:
    """Two models may have been given the same words."""
    one = lab()
    one.tell("create", **LOST)
    one.tell("render", facts={"queued": {"model": "another"}, "queued_s": 60.0})
    assert await looked_up(one, seconds=1.0) == []


async def test_what_came_much_later_is_not_it(lab: Labs) -> None:
    """A job that appeared long after the create had timed out is somebody else's."""
    one = lab("VllmOmni")
    one.tell("create", **LOST)
    found = await looked_up(one, late=timedelta(hours=1))
    assert [candidate for candidate in found if candidate.prompt == one.prompt()] == []


async def test_a_long_list_is_read_to_its_end(lab: Labs) -> None:
    """More jobs than a page holds do not hide the one that was lost."""
    one = lab("VllmOmni")
    one.tell("render", facts={"seconds": 0.0})
    one.tell("create", "lost", **LOST)
    async with one.engine() as engine:
        prepared = await one.prepared(engine, "lost")
        attempt = one.attempt(prepared, datetime.now(UTC))
        with pytest.raises(OutcomeUnknown):
            await engine.submit(prepared, key="unused")
        for number in range(105):
            # Without a look at the list before each.
            other = Prepared(request=one.request(str(number)), model=one.model)
            await engine.submit(other, key="unused")
        found = await engine.lookup(attempt)
    assert one.prompt("lost") in [candidate.prompt for candidate in found]


async def test_a_list_in_small_pages_is_read_to_its_end(lab: Labs) -> None:
    """A server may give less than it was asked for, and says that there is more."""
    one = lab("LiteLLM")
    one.server.tell("list", facts={"most": 2})
    one.tell("create", "lost", **LOST)
    async with one.engine() as engine:
        prepared = await one.prepared(engine, "lost", resolution="720p")
        attempt = one.attempt(prepared, datetime.now(UTC))
        with pytest.raises(OutcomeUnknown):
            await engine.submit(prepared, key="unused")
        for number in range(5):
            await one.accepted(engine, str(number), resolution="720p")
        found = await engine.lookup(attempt)
    one.server.clear()
    assert one.prompt("lost") in [candidate.prompt for candidate in found]


async def test_a_server_without_a_list_leaves_it_to_a_person(lab: Labs) -> None:
    """The first look says that there is no list, and from then on the engine says so."""
    one = lab("NewApi")
    async with one.engine() as engine:
        before = engine.recovery
        prepared = await one.prepared(engine)
        assert (before, engine.recovery) == (Recovery.LOOKUP, Recovery.ASK)
        assert await engine.lookup(one.attempt(prepared, datetime.now(UTC))) == ()


async def test_after_a_restart_the_missing_list_is_found_out_by_the_lookup(lab: Labs) -> None:
    """A new process knows nothing yet: its first lookup fails with the reason, and then it asks."""
    one = lab("NewApi")
    async with one.engine() as engine:
        prepared = await one.prepared(engine)
    async with one.engine() as engine:
        with pytest.raises(Unreachable, match="does not list"):
            await engine.lookup(one.attempt(prepared, datetime.now(UTC)))
        assert engine.recovery is Recovery.ASK


async def test_the_settings_decide_where_they_say_so(lab: Labs) -> None:
    """With recovery = "ask" nobody looks; with "lookup" a list that is away for now is looked at later."""
    asking, looking = lab("VllmOmni", recovery="ask"), lab("NewApi", recovery="lookup")
    before = len(asking.server.requests("list"))
    async with asking.engine() as engine:
        await asking.prepared(engine)
        assert engine.recovery is Recovery.ASK
    assert len(asking.server.requests("list")) == before
    async with looking.engine() as engine:
        await looking.prepared(engine)
        assert engine.recovery is Recovery.LOOKUP


@pytest.mark.parametrize("told", [{"status": 500}, {"status": 429}, {"status": 401}, {"drop": True}])
async def test_a_list_that_fails_keeps_no_create_back(lab: Labs, told: dict[str, Any]) -> None:
    """The list is only there for later: the create is sent, and tells by itself what is wrong."""
    one = lab("LiteLLM")
    one.server.tell("list", times=1, **told)
    async with one.engine() as engine:
        prepared = await one.prepared(engine, resolution="720p")
        await engine.submit(prepared, key="unused")
        assert engine.recovery is Recovery.LOOKUP
    assert prepared.notes == {}
    assert len(one.jobs()) == 1


@pytest.mark.parametrize(
    ("kind", "said"),
    [("OpenAIVideos", "a lost answer is looked up"), ("NewApi", "a lost answer is put to you")],
)
async def test_a_check_says_how_a_lost_answer_is_settled(lab: Labs, kind: str, said: str) -> None:
    """The check costs nothing, tries the key, and says what the server can do."""
    one = lab(kind)
    async with one.engine() as engine:
        assert said in await engine.check()
    async with one.engine(key="sk-wrong-key-0123456789") as engine:
        with pytest.raises(SignInNeeded):
            await engine.check()
    assert one.jobs() == []
