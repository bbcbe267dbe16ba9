"""The tools that follow jobs: wait, look up, list, cancel, reconcile."""

from __future__ import annotations

import asyncio
import shlex
import time
from decimal import Decimal
from typing import Annotated, Any

from mcp.server.mcpserver import Context
from mcp_types import CallToolResult, InputRequiredResult
from pydantic import Field

from rushes.domain.errors import ApprovalNeeded, BadInput
from rushes.domain.job import Job, JobState
from rushes.domain.money import usd
from rushes.mcp.answers import job_lines, job_shape, standing
from rushes.mcp.asking import Question, Reply, ask, can_be_asked
from rushes.mcp.blocks import links, seen, structured
from rushes.mcp.door import LONGEST_ANSWER_S, Themed, answering
from rushes.mcp.shapes import JobShape, JobsShape
from rushes.mcp.wishes import amount

JobId = Annotated[str, Field(description="From create_video or list_jobs.")]

TELL_EVERY_S = 5.0
"""How often progress is told where nothing changed: some clients give up on a call that says nothing."""


class Following(Themed):
    """wait_for_video, get_job, list_jobs, cancel_job, reconcile_job."""

    @answering
    async def wait_for_video(
        self,
        job_id: JobId,
        ctx: Context[Any, Any],
        seconds: Annotated[
            float, Field(description=f"How long to wait; never longer than {LONGEST_ANSWER_S:g}.", ge=0)
        ] = LONGEST_ANSWER_S,
    ) -> CallToolResult:
        id = self.door.job_id(job_id)
        teller = _Teller(ctx)
        ticking = asyncio.create_task(teller.tick())
        try:
            async with asyncio.timeout(min(seconds, LONGEST_ANSWER_S)):
                async for (job,) in self.door.studio.watch([id]):
                    await teller.tell(job)
        except TimeoutError:
            pass
        finally:
            ticking.cancel()
        answer = self.door.studio.answer(id)
        if answer.job.settled:
            return seen(answer)
        return seen(
            answer, f"still running: call wait_for_video again with job_id {id}. Do not create it again."
        )

    @answering
    async def get_job(self, job_id: JobId) -> Annotated[CallToolResult, JobShape]:
        self.door.studio.ensure_worker()
        answer = self.door.studio.answer(self.door.job_id(job_id))
        more = [link for clip in answer.clips for link in links(clip)]
        return structured(job_shape(answer), job_lines(answer), more)

    @answering
    async def list_jobs(
        self,
        state: Annotated[JobState | None, Field(description="Only those in this state.")] = None,
        limit: Annotated[int, Field(ge=1, le=50)] = 10,
    ) -> Annotated[CallToolResult, JobsShape]:
        self.door.studio.ensure_worker()
        found = self.door.studio.ledger.jobs(state=state, limit=limit)
        shapes = [job_shape(self.door.studio.answer(job.id)) for job in found]
        lines = [f"{one.job_id}  {one.state}  {one.cost}  {one.model}  {one.prompt[:80]}" for one in shapes]
        todo = (
            "get_job tells more of one; wait_for_video waits for one" if shapes else "create_video makes one"
        )
        return structured(JobsShape(jobs=shapes, next=todo), [*(lines or ["no jobs yet"]), f"next: {todo}"])

    @answering
    async def cancel_job(self, job_id: JobId) -> Annotated[CallToolResult, JobShape]:
        job = self.door.studio.cancel(self.door.job_id(job_id))
        answer = self.door.studio.answer(job.id)
        granted = "nothing was sent, nothing was charged"
        wished = "its provider is being asked to stop it; where it cannot, the clip is filed when it comes"
        lines = [granted if job.state is JobState.CANCELED else wished, *job_lines(answer)]
        return structured(job_shape(answer), lines)

    @answering
    async def reconcile_job(
        self,
        job_id: JobId,
        accepted: Annotated[
            str | None, Field(description="The provider did accept it: the id that its own pages show.")
        ] = None,
        charged_usd: Annotated[
            float | None, Field(description="Nothing comes of it, and this is what it cost; 0 for nothing.")
        ] = None,
        *,
        ctx: Context[Any, Any],
    ) -> Annotated[CallToolResult, JobShape] | InputRequiredResult:
        if accepted is not None and charged_usd is not None:
            raise BadInput("accepted and charged_usd exclude each other", next="give one, or neither")
        id = self.door.job_id(job_id)
        charged = amount("charged_usd", charged_usd)
        job = self.door.studio.ledger.job(id)
        if accepted is not None:
            self.door.studio.engine(job.engine).ticket(accepted)
        if _settles(job, accepted, charged):
            asked = await self._confirmed(job, accepted, charged, ctx)
            if asked is not None:
                return asked
        job = self.door.studio.reconcile(id, ticket=accepted, charged=charged)
        answer = self.door.studio.answer(job.id)
        return structured(job_shape(answer), job_lines(answer))

    async def _confirmed(
        self, job: Job, accepted: str | None, charged: Decimal | None, context: Context[Any, Any]
    ) -> InputRequiredResult | None:
        """Have the person say that it is so: it frees or spends what is held. Raises ApprovalNeeded."""
        if accepted is not None:
            saw, command = f"accepted it as {accepted}", f"--accepted {shlex.quote(accepted)}"
        elif charged:
            saw, command = f"made nothing of it and charged {usd(charged)}", f"--charged {charged:f}"
        else:
            saw, command = "never got it, or made nothing of it and charged nothing", "--nothing"
        question = Question(
            about=f"{job.id} {command}",
            words=f"Is it so that {job.engine} {saw}? Look at its own pages first. It was asked for: "
            f"{job.request.prompt[:300]}",
        )
        reply = await ask(question, context) if can_be_asked(context.client_capabilities) else Reply.SILENCE
        if isinstance(reply, InputRequiredResult):
            return reply
        if reply is Reply.YES:
            return None
        if reply is Reply.NO:
            raise ApprovalNeeded(
                f"the person does not say that {job.engine} {saw}; job {job.id} stays as it was",
                next="ask what its pages show; without more than the job_id its own list is read once more",
            )
        raise ApprovalNeeded(
            f"no person said that {job.engine} {saw}; job {job.id} stays as it was",
            next=f"have the person look, and run: rushes reconcile {job.id} {command}",
        )


def _settles(job: Job, accepted: str | None, charged: Decimal | None) -> bool:
    """Whether the job waits for what is said of it; else the ledger refuses it, and nobody need be asked."""
    if accepted is not None:
        return job.state is JobState.OUTCOME_UNKNOWN
    return charged is not None and job.bill_open


class _Teller:
    """Tells a client of progress: the seconds since it began to wait, so that they only ever increase."""

    def __init__(self, context: Context[Any, Any]) -> None:
        self._context = context
        self._start = time.monotonic()
        self._told = 0.0
        self._words = "waiting"

    async def tell(self, job: Job) -> None:
        self._words = standing(job)
        await self._say()

    async def tick(self) -> None:
        while True:
            await asyncio.sleep(TELL_EVERY_S)
            await self._say()

    async def _say(self) -> None:
        now = round(time.monotonic() - self._start, 3)
        if now > self._told:
            self._told = now
            await self._context.report_progress(now, None, self._words)
