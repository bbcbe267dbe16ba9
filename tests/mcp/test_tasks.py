"""The tasks extension, as a client that declares it sees it, and one that does not."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any, Literal

import pytest
from mcp.client.extension import ClaimContext, ClientExtension, ResultClaim, advertise
from mcp.shared.exceptions import MCPError
from mcp_types import CallToolResult, Request, RequestParams, Result

from rushes.testing.process import ProviderProcess
from tests.cli.terminal import Terminal
from tests.mcp.agent import NEW, SMALL, agent, call, done, job_of, pictures_of, words_of
from tests.mcp.test_approvals import YES, Person, quoted

TASKS = "io.modelcontextprotocol/tasks"


class TaskParams(RequestParams):
    task_id: str


class TaskRequest(Request[TaskParams, str]):
    method: str
    params: TaskParams


class Task(Result):
    """A task as `tasks/get` shows it."""

    task_id: str
    status: str
    status_message: str
    ttl_ms: int | None
    poll_interval_ms: int
    result: dict[str, Any] | None = None


class CreatedTask(Result):
    """What a create is answered with."""

    result_type: Literal["task"] = "task"
    task_id: str
    status: str


async def task(session: Any, method: str, id: str) -> Task:
    request = TaskRequest(method=method, params=TaskParams(task_id=id))
    return await session.send_request(request, Task if method == "tasks/get" else Result)  # type: ignore[no-any-return]


class Patient(ClientExtension):
    """A client that polls a task until it has come to an end."""

    identifier = TASKS

    def __init__(self) -> None:
        self.seen: list[str] = []
        self.cancel = False

    def claims(self) -> Sequence[ResultClaim[Any]]:
        return [ResultClaim(result_type="task", model=CreatedTask, resolve=self.finish)]

    async def finish(self, created: CreatedTask, context: ClaimContext) -> CallToolResult:
        if self.cancel:
            await task(context.session, "tasks/cancel", created.task_id)
        while True:
            found = await task(context.session, "tasks/get", created.task_id)
            self.seen.append(found.status)
            if found.status == "cancelled":
                return CallToolResult(content=[], is_error=True)
            if found.result is not None:
                return CallToolResult.model_validate(found.result)
            await asyncio.sleep(0.1)


async def test_a_create_becomes_a_task_whose_id_is_the_job(terminal: Terminal) -> None:
    """A client that declares tasks polls the job as one; its result has the clip and its sheet."""
    patient = Patient()
    async with agent(terminal, NEW, extensions=[patient]) as client:
        await client.list_tools()
        made = await client.call_tool("create_video", {"prompt": "a kite", **SMALL})
        job = job_of(made)
    found = terminal.json("job", job)

    assert found["job"]["state"] == "completed"
    assert patient.seen[-1] == "completed"
    assert set(patient.seen[:-1]) <= {"working"}
    assert len(pictures_of(made)) == 1


async def test_a_task_outlives_the_server_that_gave_it(terminal: Terminal) -> None:
    """Another server, started later, knows the task: it is the job in the ledger."""
    async with agent(terminal, NEW) as client:
        job = job_of(await call(client, "create_video", prompt="a kite", **SMALL))
    async with agent(terminal, NEW, extensions=[advertise(TASKS)]) as client:
        await done(client, job)
        found = await task(client.session, "tasks/get", job)
        with pytest.raises(MCPError) as nowhere:
            await task(client.session, "tasks/get", "j000000000")

    assert found.task_id == job
    assert found.ttl_ms is None
    assert found.result is not None
    assert nowhere.value.error.code == -32602


async def test_a_task_is_canceled(paid: Terminal, provider: ProviderProcess) -> None:
    """tasks/cancel asks the provider, and the task ends as cancelled."""
    provider.script("no more", render={"seconds": 60.0}, cancel="confirmed")
    patient = Patient()
    patient.cancel = True
    async with agent(paid, NEW, extensions=[patient], elicitation_callback=Person(YES)) as client:
        quote = await quoted(client, "no more")
        await call(client, "approve_quote", quote_id=quote)
        await client.call_tool("create_video", {"quote_id": quote})

    assert patient.seen[-1] == "cancelled"


async def test_clients_that_declare_nothing_get_no_task(terminal: Terminal) -> None:
    """Without the declaration a create is answered as ever, and the methods of tasks are refused."""
    async with agent(terminal, NEW) as client:
        created = await call(client, "create_video", prompt="a kite", **SMALL)
        with pytest.raises(MCPError) as refused:
            await task(client.session, "tasks/get", job_of(created))

    assert "job j" in words_of(created)
    assert refused.value.error.code == -32021
