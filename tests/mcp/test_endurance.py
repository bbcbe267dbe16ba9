"""Agents retry, die and come in numbers; the clip is made once, and found."""

from __future__ import annotations

import asyncio

from rushes.testing.process import ProviderProcess
from tests.cli.terminal import Terminal
from tests.mcp.agent import NEW, OLD, SMALL, RawClient, agent, call, done, job_of, words_of
from tests.mcp.test_approvals import NO, YES, Person, quoted


async def test_a_create_does_not_wait_and_a_wait_says_call_again(
    paid: Terminal, provider: ProviderProcess
) -> None:
    """A create answers while the render goes on; a wait that ran out says so; progress increased."""
    provider.script("slow", render={"queue": 1.0, "seconds": 4.0})
    told: list[float] = []

    async def hear(progress: float, total: float | None, message: str | None) -> None:
        told.append(progress)

    async with agent(paid, NEW, elicitation_callback=Person(YES)) as client:
        quote = await quoted(client, "slow")
        await call(client, "approve_quote", quote_id=quote)
        created = await call(client, "create_video", quote_id=quote)
        job = job_of(created)
        short = await client.call_tool(
            "wait_for_video", {"job_id": job, "seconds": 3}, progress_callback=hear
        )
        made = await done(client, job)

    assert created.structured_content["jobs"][0]["state"] in {"waiting", "submitting", "queued", "running"}
    assert not short.is_error
    assert f"still running: call wait_for_video again with job_id {job}" in words_of(short)
    assert len(told) > 1
    assert told == sorted(set(told))
    assert "is completed" in words_of(made)


async def test_a_client_that_is_killed_loses_nothing(paid: Terminal, provider: ProviderProcess) -> None:
    """Server and client are killed in the middle of a wait; the clip is made, and a new client finds it."""
    provider.script("orphan", render={"seconds": 2.0})
    async with agent(paid, NEW, elicitation_callback=Person(YES)) as client:
        quote = await quoted(client, "orphan")
        await call(client, "approve_quote", quote_id=quote)
    first = RawClient(paid)
    first.ask(
        "initialize", protocolVersion="2025-06-18", capabilities={}, clientInfo={"name": "c", "version": "1"}
    )
    first.tell("notifications/initialized")
    created = first.ask("tools/call", name="create_video", arguments={"quote_id": quote})
    job = created["structuredContent"]["jobs"][0]["job_id"]
    first.tell("tools/call", name="wait_for_video", arguments={"job_id": job})
    first.kill()

    async with agent(paid) as client:
        listed = await call(client, "list_jobs")
        made = await done(client, listed.structured_content["jobs"][0]["job_id"])

    assert job in words_of(made)
    assert "is completed" in words_of(made)
    assert len(provider.log("orphan")) == 1


async def test_ten_clients_share_one_worker(terminal: Terminal) -> None:
    """Ten servers at once, each asked for the same clip: one job, carried by one worker."""

    async def one() -> str:
        async with agent(terminal) as client:
            result = await call(client, "create_video", prompt="a kite", key="kite", **SMALL)
            await done(client, job_of(result))
            return job_of(result)

    jobs = await asyncio.gather(*(one() for _ in range(10)))
    log = (terminal.home / "worker.log").read_text()
    events = [one["kind"] for one in terminal.json("job", jobs[0])["events"]]

    assert len(set(jobs)) == 1
    assert len(terminal.json("jobs")) == 1
    assert events.count("completed") == 1
    assert "Traceback" not in log


async def test_a_lost_answer_is_told_and_settled(paid: Terminal, provider: ProviderProcess) -> None:
    """A create whose answer was lost is not sent again; reconcile_job brings in what the person found."""
    provider.script("lost", create=[{"drop": True}])
    async with agent(paid, NEW, elicitation_callback=Person(YES)) as client:
        quote = await quoted(client, "lost")
        await call(client, "approve_quote", quote_id=quote)
        job = job_of(await call(client, "create_video", quote_id=quote))
        lost = await done(client, job)
        retried = job_of(await call(client, "create_video", quote_id=quote))
        (entry,) = provider.log("lost")
        await call(client, "reconcile_job", job_id=job, accepted=entry["id"])
        made = await done(client, job)

    assert "outcome unknown" in words_of(lost)
    assert "billed: unknown" in words_of(lost)
    assert "reconcile_job" in words_of(lost)
    assert retried == job
    assert "is completed" in words_of(made)


async def test_only_a_person_says_what_came_of_a_lost_create(
    paid: Terminal, provider: ProviderProcess
) -> None:
    """What frees held money is asked of the person; where nobody can be, a command is given."""
    provider.script("nobody knows", create=[{"drop": True}])
    yes, no = Person(YES), Person(NO)
    async with agent(paid, NEW, elicitation_callback=yes) as client:
        quote = await quoted(client, "nobody knows")
        await call(client, "approve_quote", quote_id=quote)
        job = job_of(await call(client, "create_video", quote_id=quote))
        await done(client, job)
    async with agent(paid, NEW, elicitation_callback=no) as client:
        denied = await client.call_tool("reconcile_job", {"job_id": job, "charged_usd": 0})
    async with agent(paid, NEW) as client:
        alone = await client.call_tool("reconcile_job", {"job_id": job, "charged_usd": 0.2})
    held = paid.json("job", job)
    async with agent(paid, OLD, elicitation_callback=yes) as client:
        settled = await call(client, "reconcile_job", job_id=job, charged_usd=0)

    assert "stays as it was" in words_of(denied)
    assert "rushes reconcile" not in words_of(denied)
    assert "(here:" not in words_of(alone)
    assert f"rushes reconcile {job} --charged 0.2" in words_of(alone)
    assert held["job"]["state"] == "outcome_unknown"
    assert "nobody knows" in yes.asked[-1]
    assert settled.structured_content["state"] == "failed"


async def test_nobody_is_asked_of_what_is_not_open(paid: Terminal, provider: ProviderProcess) -> None:
    """A job that never took money has nothing to settle, and that is said before a person is troubled."""
    person = Person(YES)
    async with agent(paid, NEW, elicitation_callback=person) as client:
        job = job_of(await call(client, "create_video", prompt="nothing to settle", model="lab/free"))
        await done(client, job)
        refused = await client.call_tool("reconcile_job", {"job_id": job, "charged_usd": 0})

    assert "wrong_state" in words_of(refused)
    assert person.asked == []


async def test_a_failed_render_and_a_cancel_are_told(paid: Terminal, provider: ProviderProcess) -> None:
    """A refusal comes with its reason and its bill; a job whose provider lets go of it is canceled."""
    provider.script("refused", render={"outcome": "failed-content"})
    provider.script("unwanted", render={"seconds": 60.0}, cancel="confirmed")
    async with agent(paid, NEW, elicitation_callback=Person(YES)) as client:
        jobs = []
        for prompt in ("refused", "unwanted"):
            quote = await quoted(client, prompt)
            await call(client, "approve_quote", quote_id=quote)
            jobs.append(job_of(await call(client, "create_video", quote_id=quote)))
        failed = await done(client, jobs[0])
        await call(client, "cancel_job", job_id=jobs[1])
        canceled = await done(client, jobs[1])
        unknown = await client.call_tool("get_job", {"job_id": "j000000000"})

    assert failed.is_error
    assert "billed:" in words_of(failed)
    assert "is canceled" in words_of(canceled)
    assert "list_jobs" in words_of(unknown)
