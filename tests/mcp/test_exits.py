"""Ways out through the agents' door: why a job hangs, ending it, and no second purchase by surprise."""

from __future__ import annotations

from typing import Any

from mcp import Client

from rushes.testing.process import ProviderProcess
from tests.cli.terminal import Terminal
from tests.mcp.agent import agent, call, done, job_of, words_of
from tests.mcp.test_approvals import NO, YES, Person, quoted


async def bought(client: Client, prompt: str, **more: Any) -> tuple[str, str]:
    """Buy a clip of $0.20; return the ids of its job and its quote."""
    quote = await quoted(client, prompt, **more)
    await call(client, "approve_quote", quote_id=quote)
    return job_of(await call(client, "create_video", quote_id=quote)), quote


async def running_at_provider(client: Client, job: str) -> None:
    """Wait for a job, a second at a time, until it runs."""
    for _ in range(30):
        if "is running" in words_of(await call(client, "wait_for_video", job_id=job, seconds=1)):
            return
    raise AssertionError(job)


async def test_a_stuck_job_is_explained_and_abandoned(paid: Terminal, provider: ProviderProcess) -> None:
    """(F04, C01) explain_job names the money and the tools; cancel_job with abandon asks the person first."""
    prompt = "stuck for an agent"
    provider.script(prompt, render={"seconds": 600})
    person = Person(YES)
    async with agent(paid, elicitation_callback=person) as client:
        job, _ = await bought(client, prompt)
        await running_at_provider(client, job)
        explained = words_of(await call(client, "explain_job", job_id=job))
        assert "$0.20 held" in explained
        assert f"cancel_job with job_id {job} and abandon true" in explained
        assert "rushes cancel" not in explained
        person.reply = NO
        denied = await client.call_tool("cancel_job", {"job_id": job, "abandon": True})
        assert denied.is_error
        person.reply = YES
        ended = await call(client, "cancel_job", job_id=job, abandon=True)
    assert "Stop following job" in person.asked[-1]
    assert ended.structured_content["state"] == "failed"
    assert ended.structured_content["error"]["code"] == "abandoned"


async def test_an_agent_cannot_abandon_alone(paid: Terminal, provider: ProviderProcess) -> None:
    """(F04) Without a person nothing is abandoned, and the answer names the command a person can run."""
    prompt = "nobody is here"
    provider.script(prompt, render={"seconds": 600})
    person = Person(YES)
    async with agent(paid, elicitation_callback=person) as client:
        job, _ = await bought(client, prompt)
        await running_at_provider(client, job)
    async with agent(paid) as client:
        refused = await client.call_tool("cancel_job", {"job_id": job, "abandon": True})
    assert refused.is_error
    assert f"rushes cancel --abandon {job}" in words_of(refused)


async def test_the_same_words_buy_nothing_under_a_new_quote(
    paid: Terminal, provider: ProviderProcess
) -> None:
    """(F15, U4.1) A new quote for what was paid for says so, and buys it again only with again=true."""
    prompt = "the same for an agent"
    async with agent(paid, elicitation_callback=Person(YES)) as client:
        first, _ = await bought(client, prompt)
        await done(client, first)
        offer = await call(client, "quote_video", prompt=prompt, model="lab/priced")
        assert f"job {first}: already made" in words_of(offer)
        assert "again=true" in words_of(offer)
        second, _ = await bought(client, prompt)
        assert (second, len(provider.log(prompt))) == (first, 1)
        third, _ = await bought(client, prompt, again=True)
        await done(client, third)
    assert third != first
    assert len(provider.log(prompt)) == 2
