"""Money through the agents' door: nothing without a person's yes, and exactly what was agreed to, once."""

from __future__ import annotations

from typing import Any

import pytest
from mcp import Client
from mcp.shared.exceptions import MCPError
from mcp_types import ElicitResult, ErrorData, InputRequiredResult
from PIL import Image

from rushes.testing.process import ProviderProcess
from tests.cli.terminal import Terminal
from tests.mcp.agent import NEW, OLD, agent, call, done, job_of, words_of


class Person:
    """Answers what a client asks, and remembers the question."""

    def __init__(self, reply: ElicitResult) -> None:
        self.reply = reply
        self.asked: list[str] = []

    async def __call__(self, context: Any, params: Any) -> ElicitResult:
        self.asked.append(params.message)
        return self.reply


YES = ElicitResult(action="accept", content={"approve": True})
UNTICKED = ElicitResult(action="accept", content={"approve": False})
NO = ElicitResult(action="decline")


async def quoted(client: Client, prompt: str, **more: Any) -> str:
    """Return the id of a quote for a clip of $0.20."""
    result = await call(client, "quote_video", **{"prompt": prompt, "model": "lab/priced", **more})
    return str(result.structured_content["quote_id"])


async def test_a_yes_buys_it_once(paid: Terminal, provider: ProviderProcess) -> None:
    """The person is shown price and words; after a yes the same create, sent five times, is one job."""
    person = Person(YES)
    prompt = "a yes"
    async with agent(paid, elicitation_callback=person) as client:
        quote = await quoted(client, prompt)
        approved = await call(client, "approve_quote", quote_id=quote)
        again = await call(client, "approve_quote", quote_id=quote)
        jobs = {job_of(await call(client, "create_video", quote_id=quote, key="k1")) for _ in range(5)}
        made = await done(client, *jobs)

    assert len(jobs) == 1
    assert len(provider.log(prompt)) == 1
    assert len(person.asked) == 1
    assert "$0.20" in person.asked[0]
    assert prompt in person.asked[0]
    assert approved.structured_content["approved_by"] == "the person at the client"
    assert again.structured_content["approved"]
    assert "$0.20" in words_of(made)


@pytest.mark.parametrize(
    ("era", "reply"),
    [(OLD, NO), (NEW, NO), (NEW, UNTICKED)],
    ids=["declined in 2025", "declined", "unticked"],
)
async def test_a_no_is_a_no(paid: Terminal, provider: ProviderProcess, era: str, reply: ElicitResult) -> None:
    """Who declines, or sends the form without its tick, has agreed to nothing: the create is refused."""
    async with agent(paid, era, elicitation_callback=Person(reply)) as client:
        quote = await quoted(client, "a no")
        refused = await client.call_tool("approve_quote", {"quote_id": quote})
        create = await client.call_tool("create_video", {"quote_id": quote})

    assert refused.is_error
    assert create.is_error
    assert "approval_needed" in words_of(create)
    assert provider.log("a no") == []


async def test_where_nobody_can_be_asked_a_person_runs_a_command(
    paid: Terminal, provider: ProviderProcess
) -> None:
    """A client without forms is refused with the command that approves; after it the create goes through."""
    async with agent(paid) as client:
        bare = await client.call_tool("create_video", {"prompt": "by hand", "model": "lab/priced"})
        quote = await quoted(client, "by hand")
        refused = await client.call_tool("approve_quote", {"quote_id": quote})
        unattended = paid.run("approve", quote)
        paid.json("approve", quote, "--yes")
        job = job_of(await call(client, "create_video", quote_id=quote))
        await done(client, job)

    assert "its quote_id is q" in words_of(bare)
    assert f"rushes approve {quote}" in words_of(refused)
    assert unattended.code == 6
    assert "--yes" not in unattended.err
    assert len(provider.log("by hand")) == 1


async def test_small_amounts_need_nobody_where_a_person_set_so(paid: Terminal) -> None:
    """Up to [mcp] unasked_usd nobody is asked; the total counts, and an agent's own bound is no price."""
    text = (paid.home / "config.toml").read_text()
    paid.settings(text + "[mcp]\nunasked_usd = 0.25\n")
    async with agent(paid) as client:
        one = await call(client, "approve_quote", quote_id=await quoted(client, "one"))
        two = await client.call_tool("approve_quote", {"quote_id": await quoted(client, "two", count=2)})
        bounded = await quoted(client, "three", model="lab/unpriced", max_usd=0.01)
        three = await client.call_tool("approve_quote", {"quote_id": bounded})

    assert "unasked_usd" in one.structured_content["approved_by"]
    assert "2 × $0.20 = $0.40" in words_of(two)
    assert two.is_error
    assert "approval_needed" in words_of(three)


async def test_a_cap_lowered_since_the_yes_holds(paid: Terminal, provider: ProviderProcess) -> None:
    """What a person writes into the settings counts for a server that runs already."""
    async with agent(paid, NEW, elicitation_callback=Person(YES)) as client:
        quote = await quoted(client, "above the cap")
        await call(client, "approve_quote", quote_id=quote)
        paid.settings((paid.home / "config.toml").read_text() + '[budget]\nper_day = "0.01"\n')
        refused = await client.call_tool("create_video", {"quote_id": quote})

    assert "over_budget" in words_of(refused)
    assert provider.log("above the cap") == []


async def test_the_person_sees_what_is_sent(paid: Terminal) -> None:
    """The form names each file that goes to the provider."""
    picture = paid.home / "clips" / "mine.png"
    picture.parent.mkdir()
    Image.new("RGB", (64, 64), "red").save(picture)
    person = Person(YES)
    async with agent(paid, NEW, elicitation_callback=person) as client:
        quote = await quoted(client, "shown", first_frame=str(picture))
        await call(client, "approve_quote", quote_id=quote)

    (asked,) = person.asked
    assert "first_frame" in asked
    assert ".png" in asked


async def test_a_form_that_cannot_be_shown_is_no_yes(paid: Terminal) -> None:
    """A client that says it has forms and then fails: refused with the command for the person."""

    async def broken(context: Any, params: Any) -> ErrorData:
        return ErrorData(code=-32603, message="there is no window")

    async with agent(paid, OLD, elicitation_callback=broken) as client:
        quote = await quoted(client, "no window")
        refused = await client.call_tool("approve_quote", {"quote_id": quote})

    assert refused.is_error
    assert f"rushes approve {quote}" in words_of(refused)


async def test_a_quote_buys_only_what_was_quoted(paid: Terminal, provider: ProviderProcess) -> None:
    """Other words beside a quote, another key, and a key that stands for something else are refused."""
    async with agent(paid, NEW, elicitation_callback=Person(YES)) as client:
        first, second = await quoted(client, "exactly this"), await quoted(client, "something else")
        for quote in (first, second):
            await call(client, "approve_quote", quote_id=quote)
        dearer = await client.call_tool("create_video", {"quote_id": first, "prompt": "a longer one"})
        await call(client, "create_video", quote_id=first, key="mine")
        other_key = await client.call_tool("create_video", {"quote_id": first, "key": "yours"})
        used_key = await client.call_tool("create_video", {"quote_id": second, "key": "mine"})
        await call(client, "create_video", quote_id=second)

    assert dearer.is_error
    assert "key_conflict" in words_of(other_key)
    assert "key_conflict" in words_of(used_key)
    assert len(provider.log("exactly this")) <= 1


async def test_an_unknown_price_needs_a_bound(paid: Terminal) -> None:
    """Nobody can agree to a price that is not known; with max_usd that much is what is agreed to."""
    async with agent(paid, NEW, elicitation_callback=Person(YES)) as client:
        unknown = await quoted(client, "unknown", model="lab/unpriced")
        refused = await client.call_tool("approve_quote", {"quote_id": unknown})
        bounded = await quoted(client, "unknown", model="lab/unpriced", max_usd=0.3)
        agreed = await call(client, "approve_quote", quote_id=bounded)

    assert "price_unknown" in words_of(refused)
    assert agreed.structured_content["price"] == "a price that is not known ($0.30 is held; it may be more)"


async def test_a_picture_stays_as_it_was_agreed_to(paid: Terminal, provider: ProviderProcess) -> None:
    """The first frame is kept with the quote: what replaces the file afterwards is not what is bought."""
    picture = paid.home / "clips" / "mine.png"
    picture.parent.mkdir()
    Image.new("RGB", (64, 64), "red").save(picture)
    async with agent(paid, NEW, elicitation_callback=Person(YES)) as client:
        quote = await quoted(client, "a picture", first_frame=str(picture))
        await call(client, "approve_quote", quote_id=quote)
        Image.new("RGB", (64, 64), "blue").save(picture)
        job = job_of(await call(client, "create_video", quote_id=quote))
    answer = paid.json("job", job)
    (reference,) = answer["job"]["request"]["references"]

    with Image.open(reference["path"]) as kept:
        assert kept.getpixel((5, 5)) == (255, 0, 0)


async def test_an_answer_to_another_question_is_none(paid: Terminal) -> None:
    """A yes that was never asked for, or was given to another quote, is asked for anew."""
    async with agent(paid, NEW, elicitation_callback=Person(YES)) as client:
        one, other = await quoted(client, "one"), await quoted(client, "other")
        asked = await client.session.call_tool("approve_quote", {"quote_id": one}, allow_input_required=True)
        assert isinstance(asked, InputRequiredResult)
        unasked = await client.session.call_tool(
            "approve_quote",
            {"quote_id": one},
            input_responses={"approve": YES},
            allow_input_required=True,
        )
        with pytest.raises(MCPError, match="Invalid or expired requestState"):
            await client.session.call_tool(
                "approve_quote",
                {"quote_id": other},
                input_responses={"approve": YES},
                request_state=asked.request_state,
                allow_input_required=True,
            )
        create = await client.call_tool("create_video", {"quote_id": one})

    assert isinstance(unasked, InputRequiredResult)
    assert create.is_error
