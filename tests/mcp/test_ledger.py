"""A ledger in doubt at the agents' door: what an agent is told, and what it passes on to a person."""

from __future__ import annotations

import json

from rushes.testing.process import ProviderProcess
from tests.cli.terminal import Terminal
from tests.mcp.agent import agent, call, words_of
from tests.mcp.test_approvals import YES, Person, quoted
from tests.mcp.test_exits import bought


async def test_an_agent_is_given_the_command_for_a_person(paid: Terminal, provider: ProviderProcess) -> None:
    """F17: a ledger that is older than what was sent buys nothing; the answer says why, and what to run."""
    person = Person(YES)
    async with agent(paid, elicitation_callback=person) as client:
        job, _ = await bought(client, "before the backup")
        await call(client, "wait_for_video", job_id=job, seconds=30)
        mark = paid.home / "ledger.mark"
        told = json.loads(mark.read_text())
        mark.write_text(json.dumps({**told, "sent": told["sent"] + 2}))
        quote = await quoted(client, "after the backup")
        await client.call_tool("approve_quote", {"quote_id": quote})
        refused = await client.call_tool("create_video", {"quote_id": quote})
        free = await client.call_tool("list_jobs", {})

    assert refused.is_error
    assert "2 paid creates" in words_of(refused)
    assert "rushes ledger --continue" in words_of(refused)
    assert not free.is_error
    assert provider.log("after the backup") == []
