"""The tools around money: the price first, a person's agreement, then exactly that, once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any

from mcp.server.mcpserver import Context
from mcp_types import CallToolResult, InputRequiredResult
from pydantic import Field

from rushes.catalogue.offer import Offer
from rushes.domain.errors import ApprovalNeeded, BadInput, SetupError
from rushes.domain.job import Job, age
from rushes.domain.money import usd
from rushes.domain.request import VideoRequest
from rushes.domain.understanding import Understanding
from rushes.jobs.admission import Admission
from rushes.jobs.quotes import KeptQuote, price_words
from rushes.mcp.answers import how_to_generate, job_lines, job_shape, quote_lines, quote_shape
from rushes.mcp.asking import Question, Reply, ask, can_be_asked
from rushes.mcp.blocks import structured
from rushes.mcp.door import Themed, answering
from rushes.mcp.shapes import JobsShape, QuoteShape
from rushes.mcp.wishes import (
    Aspect,
    GivenReferences,
    ModelName,
    Picture,
    Prompt,
    References,
    Resolution,
    Seconds,
    Seed,
    ShotShape,
    amount,
    shots_from,
)
from rushes.mcp.words import quoted
from rushes.studio import takes

Key = Annotated[
    str | None,
    Field(
        description="Your own name for this clip. Send the SAME key again when you retry: it is the same job "
        "and nothing is bought twice. A new key only for a clip that the person wants beside the first."
    ),
]

AGAIN = "again=true in a new quote_video"

LONGEST_SHOWN = 600
"""Characters of a prompt that the person is shown; forms are small."""


class Spending(Themed):
    """quote_video, approve_quote, create_video."""

    @answering
    async def quote_video(
        self,
        prompt: Prompt,
        model: ModelName = None,
        seconds: Seconds = None,
        aspect: Aspect = None,
        resolution: Resolution = None,
        count: Annotated[int, Field(description="How many takes of it.", ge=1, le=100)] = 1,
        max_usd: Annotated[
            float | None,
            Field(description="The most that one clip may cost; needed where the price is not known."),
        ] = None,
        first_frame: Picture = None,
        last_frame: Picture = None,
        references: References = None,
        shots: Annotated[list[ShotShape] | None, Field(description="A storyboard, in order.")] = None,
        seed: Seed = None,
        audio: Annotated[bool | None, Field(description="False: a silent clip.")] = None,
        caption: Annotated[
            bool | None, Field(description="False: no words on the picture (a storyboard writes some).")
        ] = None,
        negative_prompt: str | None = None,
        style: Annotated[str | None, Field(description="A style, by the provider's own name.")] = None,
        remix: Annotated[str | None, Field(description="Provider's id of a clip to remix.")] = None,
        extend: Annotated[str | None, Field(description="Provider's id of a clip to go on from.")] = None,
        storyboard_id: Annotated[
            str | None, Field(description="Provider's id of a storyboard that it holds.")
        ] = None,
        fallback: Annotated[
            list[str] | None,
            Field(description="Models to turn to, in order, where the one before accepts nothing."),
        ] = None,
        again: Annotated[
            bool, Field(description="For another clip although the same was paid for before. Never to retry.")
        ] = False,
    ) -> Annotated[CallToolResult, QuoteShape]:
        given = GivenReferences(first_frame=first_frame, last_frame=last_frame, references=references or ())
        request = VideoRequest(
            prompt=prompt,
            model=model,
            seconds=seconds,
            aspect=aspect,
            resolution=resolution,
            references=given.read(self.door.folders),
            shots=shots_from(shots or ()),
            seed=seed,
            audio=audio,
            caption=caption,
            negative_prompt=negative_prompt,
            style=style,
            remix=remix,
            extend=extend,
            storyboard_id=storyboard_id,
            fallback=tuple(fallback or ()),
        )
        limit = amount("max_usd", max_usd)
        kept = await self.door.approvals.quote(request, count, max_usd=limit, again=again)
        same = await self.door.approvals.find_same(kept)
        understanding = self.door.studio.understanding(kept.offer)
        try:
            self.door.studio.check_ready(kept.offer)
        except SetupError as error:
            return told(kept, same, error, understanding)
        return told(kept, same, None, understanding)

    @answering
    async def approve_quote(
        self, quote_id: Annotated[str, Field(description="From quote_video.")], ctx: Context[Any, Any]
    ) -> Annotated[CallToolResult, QuoteShape] | InputRequiredResult:
        kept = self.door.approvals.get(quote_id)
        if kept.approved_by is not None:
            return told(kept)
        if kept.total is None:
            return told(self.door.approvals.approve(quote_id, ""))
        self.door.studio.roster.reload()
        self.door.studio.check_ready(kept.offer)
        if can_be_asked(ctx.client_capabilities):
            reply = await ask(question(kept), ctx)
            if isinstance(reply, InputRequiredResult):
                return reply
            agreed_by = _agreed(kept, reply)
        else:
            agreed_by = self._unasked(kept)
        return told(self.door.approvals.approve(quote_id, agreed_by))

    def _unasked(self, kept: KeptQuote) -> str:
        """Return by what right nobody is asked. Raises ApprovalNeeded above the limit that a person set."""
        self.door.studio.roster.reload()
        limit = self.door.studio.settings.mcp.unasked_usd
        if kept.priced and kept.total is not None and kept.total <= limit:
            return f"nobody was asked: at most {usd(limit)}, as [mcp] unasked_usd allows"
        raise ApprovalNeeded(
            f"{kept.id} costs {price_words(kept)}, and nobody can be asked through this client; nothing sent",
            next=f"ask the person to run: rushes approve {kept.id}; then create_video with that quote_id",
        )

    @answering
    async def create_video(
        self,
        prompt: Annotated[
            str | None, Field(description="What to show; with a quote_id leave it out.")
        ] = None,
        quote_id: Annotated[
            str | None, Field(description="An approved quote: exactly that is made, and nothing else.")
        ] = None,
        key: Key = None,
        model: ModelName = None,
        seconds: Seconds = None,
        aspect: Aspect = None,
        resolution: Resolution = None,
        first_frame: Picture = None,
        last_frame: Picture = None,
        seed: Seed = None,
        again: Annotated[
            bool, Field(description="Another clip, though the same was just made. Never to retry.")
        ] = False,
    ) -> Annotated[CallToolResult, JobsShape]:
        if quote_id is not None:
            _alone(
                quote_id,
                prompt,
                model,
                seconds,
                aspect,
                resolution,
                first_frame,
                last_frame,
                seed,
                again or None,
            )
            offer = self.door.approvals.get(quote_id).offer
            await self._open_keys(offer)
            return self._stored(await self.door.approvals.buy(quote_id, key), offer.advice)
        if prompt is None:
            raise BadInput("there is neither a prompt nor a quote_id", next="say what to show")
        given = GivenReferences(first_frame=first_frame, last_frame=last_frame, references=())
        request = VideoRequest(
            prompt=prompt,
            model=model,
            seconds=seconds,
            aspect=aspect,
            resolution=resolution,
            references=given.read(self.door.folders),
            seed=seed,
        )
        return await self._free(request, key, again)

    async def _free(self, request: VideoRequest, key: str | None, again: bool) -> CallToolResult:
        """Store what takes no money; keep a quote of what does. Raises ApprovalNeeded."""
        self.door.studio.roster.reload()
        offer = await self.door.studio.quote(request)
        if all(step.quote.free for step in offer.steps):
            await self._open_keys(offer)
            copies = await self.door.studio.copy_references(offer)
            admissions = self.door.studio.store(takes(offer, 1, key=key, again=again), copies)
            return self._stored(admissions, offer.advice)
        self.door.studio.check_ready(offer)
        kept = await self.door.approvals.keep(offer, 1, again=again)
        raise ApprovalNeeded(
            f"{offer.model.address} costs {price_words(kept)} and nobody has agreed to it; nothing was sent",
            next=f"{quote_shape(kept).next}; its quote_id is {kept.id}",
        )

    async def _open_keys(self, offer: Offer) -> None:
        """Have the keyring asked before the jobs are stored: nobody else waits for it."""
        await self.door.studio.open_keys(*(step.model.engine for step in offer.steps))

    def _stored(self, admissions: list[Admission], advice: str | None = None) -> CallToolResult:
        """Return jobs that were stored; `advice` is how to get what they are not: generated video."""
        answers = [self.door.studio.answer(admission.job.id) for admission in admissions]
        lines = [line for answer in answers for line in job_lines(answer)]
        for admission in admissions:
            if not admission.fresh:
                job = admission.job
                lines.insert(0, f"job {job.id}: {job.answers_again(age(job.created_at), AGAIN)}")
        shapes = [job_shape(answer) for answer in answers]
        todo = "tell the person the job id now; " + (
            shapes[0].next if len(shapes) == 1 else "then wait for each"
        )
        if advice:
            todo = f"{todo}; {how_to_generate(advice)}"
        return structured(JobsShape(jobs=shapes, next=todo), lines)


def told(
    kept: KeptQuote,
    same: Sequence[Job] = (),
    missing: SetupError | None = None,
    understanding: Understanding | None = None,
) -> CallToolResult:
    """Return a quote as an answer.

    `same` are the jobs that answer for it, so that nothing is bought; `missing` is what keeps it from being
    made yet. `understanding` is what of the prompt will be seen, where the engine can tell.
    """
    shape = quote_shape(kept, missing, understanding)
    shape.remarks += [f"job {job.id}: {job.answers_again(age(job.created_at), 'again=true')}" for job in same]
    return structured(shape, quote_lines(shape, understanding))


def question(kept: KeptQuote) -> Question:
    """Return what the person is asked: what is bought, for how much, and which files go with it.

    The files are the library's copies.
    """
    request = kept.offer.request
    named = (
        ("style", request.style),
        ("remix of", request.remix),
        ("continues", request.extend),
        ("storyboard", request.storyboard_id),
    )
    others = "".join(f", else {one.model.address}" for one in kept.offer.fallbacks)
    lines = [
        f"Spend {price_words(kept)} on {kept.count} × {request.seconds:g} s, {request.aspect}, "
        f"{request.resolution}, of video with "
        f"{kept.offer.model.address}{others}? It shows: {quoted(request.prompt, LONGEST_SHOWN)}",
        *(f"{name[0].upper()}{name[1:]}: {value}" for name, value in named if value),
        *(f"Shot: {quoted(shot.prompt, LONGEST_SHOWN)}" for shot in request.shots),
        *(f"Sent with it: {one.role.value} {one.remote or one.path}" for one in request.references),
    ]
    return Question(about=kept.id, words="\n".join(lines))


def _agreed(kept: KeptQuote, reply: Reply) -> str:
    """Return who agreed. Raises ApprovalNeeded where nobody did."""
    if reply is Reply.YES:
        return "the person at the client"
    if reply is Reply.NO:
        raise ApprovalNeeded(
            f"the person did not agree to {price_words(kept)}; nothing was sent",
            next="ask what they would rather have; do not ask for the same again",
        )
    raise ApprovalNeeded(
        f"nobody answered whether {price_words(kept)} may be spent; nothing was sent",
        next=f"call approve_quote again once the person is there, or have them run: rushes approve {kept.id}",
    )


def _alone(quote_id: str, *others: Any) -> None:
    """Raise BadInput where a quote is to be bought as something else than what was quoted."""
    if any(one is not None for one in others):
        raise BadInput(
            f"{quote_id} is bought exactly as it was quoted; nothing was sent",
            next="give the quote_id, and at most a key, alone; for something else quote_video again",
        )
