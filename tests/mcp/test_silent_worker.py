"""A worker that does not respond, as an agent is told of it."""

from __future__ import annotations

from rushes.jobs.heartbeat import find_silent_worker, read_heartbeat
from tests.cli.terminal import Terminal
from tests.engines.working import until
from tests.jobs.freezing import frozen
from tests.mcp.agent import agent, call, done, job_of, words_of


async def test_an_agent_is_told_of_a_frozen_worker(terminal: Terminal) -> None:
    """F27: every tool that follows jobs names the process and what the person can do."""
    async with agent(terminal) as client:
        job = job_of(
            await call(client, "create_video", prompt="a paper boat", model="animatic/storyboard", seconds=8)
        )
        heartbeat = terminal.home / "worker.beat"
        await until(lambda: read_heartbeat(heartbeat) is not None)
        with frozen(terminal) as pid:
            for tool, arguments in (
                ("get_job", {"job_id": job}),
                ("list_jobs", {}),
                ("wait_for_video", {"job_id": job, "seconds": 0.2}),
                ("explain_job", {"job_id": job}),
            ):
                words = words_of(await call(client, tool, **arguments))
                assert f"process {pid}) has not responded" in words, tool
                assert f"kill -CONT {pid}" in words, tool
        await until(lambda: find_silent_worker(terminal.home / "worker.lock", heartbeat) is None)
        assert "has not responded" not in words_of(await call(client, "list_jobs"))
        assert "completed" in words_of(await done(client, job))
