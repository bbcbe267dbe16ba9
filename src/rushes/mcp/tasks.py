"""The tasks extension: a create that is answered with a task, which is the job itself, durable as it is.

https://github.com/modelcontextprotocol/ext-tasks, specification/draft/tasks.md. Only for clients that declare
it on the request; the others get the same job and wait for it with a tool.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from mcp.server.context import CallNext, HandlerResult, ServerRequestContext
from mcp.server.extension import Extension, MethodBinding
from mcp.server.mcpserver import require_client_extension
from mcp.shared.exceptions import MCPError
from mcp.shared.inbound import MCP_NAME_HEADER, decode_header_value
from mcp_types import (
    HEADER_MISMATCH,
    INVALID_PARAMS,
    CallToolRequestParams,
    CallToolResult,
    RequestParams,
)
from mcp_types.version import MODERN_PROTOCOL_VERSIONS
from pydantic import Field

from rushes.domain.answer import Answer
from rushes.domain.errors import NotFound, WrongState
from rushes.domain.job import Job, JobState
from rushes.mcp.answers import job_lines, job_shape, standing
from rushes.mcp.blocks import shown, structured
from rushes.mcp.door import Door
from rushes.mcp.shapes import JobsShape

TASKS = "io.modelcontextprotocol/tasks"
POLL_MS = 2000

Request = ServerRequestContext[Any, Any]


class TaskParams(RequestParams):
    """Which task is meant."""

    task_id: str


class UpdateParams(TaskParams):
    """Answers to what a task asked; a job asks for nothing, so that none is ever outstanding."""

    input_responses: dict[str, Any] = Field(default_factory=dict)


class Tasks(Extension):
    """create_video as a task; tasks/get, tasks/update and tasks/cancel."""

    identifier = TASKS

    def __init__(self, door: Door) -> None:
        self._door = door

    def methods(self) -> Sequence[MethodBinding]:
        modern = frozenset(MODERN_PROTOCOL_VERSIONS)
        return [
            MethodBinding("tasks/get", TaskParams, self._get, modern),
            MethodBinding("tasks/update", UpdateParams, self._update, modern),
            MethodBinding("tasks/cancel", TaskParams, self._cancel, modern),
        ]

    async def intercept_tool_call(
        self, params: CallToolRequestParams, ctx: Request, call_next: CallNext
    ) -> HandlerResult:
        result = await call_next(ctx)
        if params.name != "create_video" or not declares_tasks(ctx) or not isinstance(result, CallToolResult):
            return result
        jobs = [] if result.is_error else result.structured_content["jobs"]
        # A task has one result: several takes are waited for one by one.
        if len(jobs) != 1:
            return result
        job = self._door.studio.ledger.job(jobs[0]["job_id"])
        return {"resultType": "task", **task_json(job), "statusMessage": _told(job)}

    async def _get(self, ctx: Request, params: TaskParams) -> HandlerResult:
        answer = self._answer(ctx, params)
        self._door.studio.ensure_worker()
        found = {"resultType": "complete", **task_json(answer.job)}
        silent = self._door.studio.silent_worker()
        if silent is not None and not answer.job.settled:
            found["statusMessage"] = f"{silent.words}. {silent.advice}"
        if found["status"] == "completed":
            found["result"] = task_result(answer)
        return found

    async def _update(self, ctx: Request, params: UpdateParams) -> HandlerResult:
        self._answer(ctx, params)
        return {"resultType": "complete"}

    async def _cancel(self, ctx: Request, params: TaskParams) -> HandlerResult:
        answer = self._answer(ctx, params)
        # Where it ended meanwhile, the next look shows as what.
        with suppress(WrongState):
            self._door.studio.cancel(answer.job.id)
        return {"resultType": "complete"}

    def _answer(self, ctx: Request, params: TaskParams) -> Answer:
        require_client_extension(ctx, TASKS)
        check_routed(ctx, params.task_id)
        try:
            found = self._door.studio.answer(params.task_id)
        except NotFound as error:
            raise MCPError(code=INVALID_PARAMS, message=error.message) from error
        if found.job.id != params.task_id:
            raise MCPError(code=INVALID_PARAMS, message=f"there is no task {params.task_id!r}")
        return found


def check_routed(ctx: Request, task_id: str) -> None:
    """Raise MCPError where the header that HTTP requests are routed by names another task than the request.

    The SDK checks it for methods of its own. One that is missing is let through: it leads nobody astray.
    """
    headers = ctx.request.headers if ctx.request is not None else {}
    if decode_header_value(headers.get(MCP_NAME_HEADER, task_id)) != task_id:
        raise MCPError(code=HEADER_MISMATCH, message=f"the header {MCP_NAME_HEADER} is not the task's id")


def declares_tasks(ctx: Request) -> bool:
    """Whether the client of this request said that it can be answered with a task."""
    capabilities = ctx.session.client_capabilities
    declared = capabilities.extensions if capabilities is not None else None
    return ctx.protocol_version in MODERN_PROTOCOL_VERSIONS and TASKS in (declared or {})


def task_json(job: Job) -> dict[str, Any]:
    """Return a job as a task. One that a person has to see to is completed: its result says so."""
    status = "working"
    if job.state is JobState.CANCELED:
        status = "cancelled"
    elif job.settled:
        status = "completed"
    return {
        "taskId": job.id,
        "status": status,
        "statusMessage": standing(job),
        "createdAt": job.created_at.isoformat(),
        "lastUpdatedAt": job.updated_at.isoformat(),
        "ttlMs": None,
        "pollIntervalMs": POLL_MS,
    }


def task_result(answer: Answer) -> dict[str, Any]:
    """Return what the create that the task stands for comes to, in the shape of its output schema."""
    shape = job_shape(answer)
    result = structured(JobsShape(jobs=[shape], next=shape.next), job_lines(answer), shown(answer))
    result.is_error = answer.exit_code != 0
    dumped: dict[str, Any] = result.model_dump(by_alias=True, mode="json", exclude_none=True)
    return dumped


def _told(job: Job) -> str:
    return f"job {job.id} is {standing(job)}; it is made even if nobody waits. Tell the person its id."
