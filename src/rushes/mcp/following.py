"""The tools that follow jobs: wait, look up, list, cancel, reconcile."""

from __future__ import annotations

import asyncio
import shlex
import time
from dataclasses import dataclass
from decimal import Decimal
from typing import Annotated, Any

from mcp.server.mcpserver import Context
from mcp_types import CallToolResult, InputRequiredResult
from pydantic import Field

from rushes.domain.errors import ApprovalNeeded, BadInput
from rushes.domain.job import Job, JobState
from rushes.domain.money import usd
from rushes.domain.text import one_line, visible_lines
from rushes.explanation import explain
from rushes.jobs.heartbeat import SilentWorker
from rushes.mcp.answers import explanation_lines, explanation_shape, job_lines, job_shape, standing
from rushes.mcp.asking import Question, Reply, ask, can_be_asked
from rushes.mcp.blocks import links, seen, structured
from rushes.mcp.door import LONGEST_ANSWER_S, Themed, answering
from rushes.mcp.shapes import ExplanationShape, JobShape, JobsShape
from rushes.mcp.wishes import amount
from rushes.mcp.words import quoted
from rushes.studio import Studio

JobId = Annotated[str, Field(description='From create_video or list_jobs; or "last".')]

LONGEST_SHOWN = 300
"""Characters of a prompt that a person is shown with a question about its job."""

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
        teller = _Teller(ctx, self.door.studio)
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
        silent = self.door.studio.silent_worker()
        if silent is not None:
            return seen(answer, f"{_warning(silent)}. Do not create it again: wait_for_video continues then.")
        return seen(
            answer, f"still running: call wait_for_video again with job_id {id}. Do not create it again."
        )

    @answering
    async def get_job(self, job_id: JobId) -> Annotated[CallToolResult, JobShape]:
        self.door.studio.ensure_worker()
        answer = self.door.studio.answer(self.door.job_id(job_id))
        more = [link for clip in answer.clips for link in links(clip)]
        shape, lines = job_shape(answer), job_lines(answer)
        silent = self.door.studio.silent_worker()
        if silent is not None and not answer.job.settled:
            shape.warnings.append(_warning(silent))
            lines.insert(0, f"warning: {_warning(silent)}")
        return structured(shape, lines, more)

    @answering
    async def list_jobs(
        self,
        state: Annotated[JobState | None, Field(description="Only those in this state.")] = None,
        limit: Annotated[int, Field(ge=1, le=50)] = 10,
    ) -> Annotated[CallToolResult, JobsShape]:
        self.door.studio.ensure_worker()
        found = self.door.studio.ledger.jobs(state=state, limit=limit)
        shapes = [job_shape(self.door.studio.list_answer(job)) for job in found]
        lines = [
            f"{one.job_id}  {one.state}  {one.cost}  {one.model}  {one_line(one.prompt, 80)}"
            for one in shapes
        ]
        none = "no jobs yet" if state is None else f"no {state.value.replace('_', ' ')} jobs"
        todo = (
            "get_job tells more of one; wait_for_video waits for one" if shapes else "create_video makes one"
        )
        silent = self.door.studio.silent_worker()
        if silent is not None:
            todo = _warning(silent)
        return structured(JobsShape(jobs=shapes, next=todo), [*(lines or [none]), f"next: {todo}"])

    @answering
    async def explain_job(self, job_id: JobId) -> Annotated[CallToolResult, ExplanationShape]:
        self.door.studio.ensure_worker()
        id = self.door.job_id(job_id)
        await self.door.studio.open_keys(self.door.studio.ledger.job(id).engine)
        explanation = explain(self.door.studio, id)
        return structured(explanation_shape(explanation), explanation_lines(explanation))

    @answering
    async def cancel_job(
        self,
        job_id: JobId,
        abandon: Annotated[
            bool, Field(description="Stop following it now, whatever its provider says; the person is asked.")
        ] = False,
        *,
        ctx: Context[Any, Any],
    ) -> Annotated[CallToolResult, JobShape] | InputRequiredResult:
        id = self.door.job_id(job_id)
        job = self.door.studio.ledger.job(id)
        if job.state is JobState.CANCELED:
            return self._canceled(job, "already ")
        if not abandon:
            return self._canceled(self.door.studio.cancel(id))
        if not (job.is_unsent or job.state.ended):
            asked = await confirm(_abandoning(job), ctx)
            if asked is not None:
                return asked
        return self._canceled(self.door.studio.abandon(id))

    def _canceled(self, job: Job, before: str = "") -> CallToolResult:
        answer = self.door.studio.answer(job.id)
        effects = {
            JobState.CANCELED: f"{before}canceled, {job.cost.words}",
            JobState.FAILED: "the job is no longer followed; what is held stays held until it is settled",
        }
        requested = "cancellation requested; if the provider cannot stop it, the clip is still saved"
        return structured(job_shape(answer), [effects.get(job.state, requested), *job_lines(answer)])

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
        await self.door.studio.open_keys(job.engine)
        if accepted is not None:
            self.door.studio.engine(job.engine).ticket(accepted)
        if _settles(job, accepted, charged):
            asked = await confirm(_settling(job, accepted, charged), ctx)
            if asked is not None:
                return asked
        job = self.door.studio.reconcile(id, ticket=accepted, charged=charged)
        answer = self.door.studio.answer(job.id)
        return structured(job_shape(answer), job_lines(answer))


def _warning(silent: SilentWorker) -> str:
    """Return, for a model, what a worker that does not respond means, and what the person can do."""
    return f"{silent.words}. Only the person can change that: {silent.advice}"


@dataclass(frozen=True, kw_only=True)
class Claim:
    """What a person has to confirm of a job, because it frees or spends what is held.

    `statement` is what would be so, `question` what the person is asked, `command` what they can run instead.
    """

    job: Job
    statement: str
    question: str
    command: str


def _settling(job: Job, accepted: str | None, charged: Decimal | None) -> Claim:
    if accepted is not None:
        saw, option = f"accepted it as {accepted}", f"--accepted {shlex.quote(accepted)}"
    elif charged:
        saw, option = f"made nothing of it and charged {usd(charged)}", f"--charged {charged:f}"
    else:
        saw, option = "never got it, or made nothing of it and charged nothing", "--nothing"
    return Claim(
        job=job,
        statement=f"{job.engine} {saw}",
        question=f"Is it so that {job.engine} {saw}? Look at its own pages first. It was asked for: "
        f"{quoted(job.request.prompt, LONGEST_SHOWN)}",
        command=f"rushes reconcile {job.id} {option}",
    )


def _abandoning(job: Job) -> Claim:
    return Claim(
        job=job,
        statement="rushes may stop following the job",
        question=f"Stop following job {job.id}? {job.engine} may still make its clip and charge for it. "
        f"{job.cost.words}. It was asked for: {quoted(job.request.prompt, LONGEST_SHOWN)}",
        command=f"rushes cancel --abandon {job.id}",
    )


async def confirm(claim: Claim, context: Context[Any, Any]) -> InputRequiredResult | None:
    """Have the person confirm a claim; a result is the question itself. Raises ApprovalNeeded."""
    question = Question(about=claim.command, words=claim.question)
    reply = await ask(question, context) if can_be_asked(context.client_capabilities) else Reply.SILENCE
    if isinstance(reply, InputRequiredResult):
        return reply
    if reply is Reply.YES:
        return None
    if reply is Reply.NO:
        raise ApprovalNeeded(
            f"the person does not say that {claim.statement}; job {claim.job.id} stays as it was",
            next="ask what they want; explain_job shows what may be done",
        )
    raise ApprovalNeeded(
        f"no person said that {claim.statement}; job {claim.job.id} stays as it was",
        next=f"have the person look, and run: {claim.command}",
    )


def _settles(job: Job, accepted: str | None, charged: Decimal | None) -> bool:
    """Whether the job waits for what is said of it; else the ledger refuses it, and nobody need be asked."""
    if accepted is not None:
        return job.can_be_adopted
    return charged is not None and job.has_bill and not job.is_unsent


class _Teller:
    """Tells a client of progress: the seconds since it began to wait, so that they only ever increase."""

    def __init__(self, context: Context[Any, Any], studio: Studio) -> None:
        self._context = context
        self._start = time.monotonic()
        self._told = 0.0
        self._words = "waiting"
        self._studio = studio

    async def tell(self, job: Job) -> None:
        self._words = visible_lines(standing(job))
        await self._say()

    async def tick(self) -> None:
        while True:
            await asyncio.sleep(TELL_EVERY_S)
            silent = self._studio.silent_worker()
            if silent is not None:
                self._words = silent.words
            await self._say()

    async def _say(self) -> None:
        now = round(time.monotonic() - self._start, 3)
        if now > self._told:
            self._told = now
            await self._context.report_progress(now, None, self._words)
