"""A job, a quote and a clip as answers: shapes for programs, lines for whoever reads."""

from __future__ import annotations

from rushes.domain.answer import Answer
from rushes.domain.clip import Clip
from rushes.domain.errors import SetupError
from rushes.domain.job import Job, JobState
from rushes.domain.money import Basis
from rushes.domain.observation import Observation
from rushes.domain.text import one_line
from rushes.domain.understanding import Understanding
from rushes.explanation import Action, Explanation
from rushes.jobs.quotes import KeptQuote, price_words
from rushes.mcp.shapes import ClipShape, ErrorShape, ExplanationShape, JobShape, QuoteShape
from rushes.mcp.words import attributed, in_tool_words, quoted

NEXT = {
    JobState.COMPLETED: "look_at_video shows it to you; then tell the person the path",
    JobState.OUTCOME_UNKNOWN: "do not make it again: reconcile_job settles whether it was accepted",
    JobState.BLOCKED: "a person has to act first; explain_job shows what may be done",
    JobState.FAILED: "tell the person why; explain_job shows whether its clip can still be had, free",
    JobState.CANCELED: "nothing; create_video makes another",
}


def quote_shape(
    kept: KeptQuote, missing: SetupError | None = None, understanding: Understanding | None = None
) -> QuoteShape:
    """Return a quote with what to do about it; `missing` is what keeps it from being made yet."""
    offer = kept.offer
    remarks = [offer.replacing] if offer.replacing else []
    remarks += [
        f"{one}: sent as asked; not confirmed to work with {offer.model.address}" for one in offer.unconfirmed
    ]
    if offer.quota_unknown:
        remarks.append(f"what is left of the plan is not known: {offer.quota_unknown}")
    if offer.quote.quota_left is not None:
        remarks.append(f"{offer.quote.quota_left} clips left in the plan")
    for other in offer.fallbacks:
        price = other.quote.words
        remarks.append(f"turned to only if the one before accepts nothing: {other.model.address}, {price}")
    if offer.advice:
        remarks.append(how_to_generate(offer.advice))
    if missing is not None:
        remarks.append(missing.message)
    return QuoteShape(
        quote_id=kept.id,
        model=offer.model.address,
        chosen=offer.chosen,
        count=kept.count,
        price="included in the plan" if offer.quote.basis is Basis.INCLUDED_IN_PLAN else price_words(kept),
        total_usd=None if kept.total is None else f"{kept.total:f}",
        basis=offer.quote.basis.value,
        approved=kept.approved_by is not None,
        approved_by=kept.approved_by,
        expires_at=kept.expires_at.isoformat(timespec="seconds"),
        request=offer.request.as_json(),
        remarks=remarks,
        understood=None if understanding is None else list(understanding.understood),
        not_drawn=None if understanding is None else list(understanding.not_drawn),
        assumed=None if understanding is None else list(understanding.assumed),
        next=_after_quote(kept) if missing is None else f"ask the person to set it up first: {missing.next}",
    )


def how_to_generate(advice: str) -> str:
    """Return how to get generated video where a storyboard is made because nothing else is set up."""
    return f"for generated video: {in_tool_words(advice)}"


def _after_quote(kept: KeptQuote) -> str:
    if kept.total is None:
        return "the price is not known: quote_video again with max_usd, the most that one clip may cost"
    if kept.approved_by is None:
        return f"show the person the price, then approve_quote with quote_id {kept.id}"
    return f"create_video with quote_id {kept.id}"


def quote_lines(shape: QuoteShape, understanding: Understanding | None = None) -> list[str]:
    request = shape.request
    return [
        f"{shape.price} for {shape.count} × {request['seconds']:g} s, {request['aspect']}, "
        f"{request['resolution']} with {shape.model} ({shape.chosen})",
        f"quote {shape.quote_id}, until {shape.expires_at}"
        + (f"; agreed to: {shape.approved_by}" if shape.approved else "; nobody has agreed to it yet"),
        *understanding_lines(understanding),
        *shape.remarks,
        f"next: {shape.next}",
    ]


def understanding_lines(understanding: Understanding | None) -> list[str]:
    """Return what of a prompt will be seen and what will not, where the engine can tell."""
    return [f"{name}: {phrases}" for name, phrases in understanding.lines()] if understanding else []


def job_shape(answer: Answer) -> JobShape:
    """Return a job, its clips and its error, with what to do next."""
    job = answer.job
    failure = answer.failure
    return JobShape(
        job_id=job.id,
        state=job.state.value,
        model=job.model,
        prompt=job.request.prompt,
        seconds=job.request.seconds,
        percent=None if job.fraction is None else round(job.fraction * 100),
        cost=job.cost.words,
        key=job.key,
        clips=[clip_shape(clip, job.request.clip_seconds) for clip in answer.clips],
        error=None
        if failure is None
        else ErrorShape(
            code=failure.code,
            message=attributed(failure.code, failure.message),
            billed=failure.billed.value,
            next=failure.next,
        ),
        warnings=list(job.warnings),
        understood=None if answer.understanding is None else list(answer.understanding.understood),
        not_drawn=None if answer.understanding is None else list(answer.understanding.not_drawn),
        assumed=None if answer.understanding is None else list(answer.understanding.assumed),
        next=_after_job(answer),
    )


def _after_job(answer: Answer) -> str:
    job = answer.job
    if job.state is JobState.COMPLETED and answer.failure is not None:
        if answer.damage and job.ticket is not None:
            return f"wait_for_video with job_id {job.id} collects its clip again, free"
        return f"tell the person: {answer.failure.next}"
    return NEXT.get(job.state, f"wait_for_video with job_id {job.id}; it continues meanwhile")


def job_lines(answer: Answer, todo: str | None = None) -> list[str]:
    """Return where a job stands and what came of it, the facts first; `todo` is what to do next."""
    job = answer.job
    lines = [f"job {job.id} is {standing(job)}, {job.cost.words}, {job.model}"]
    lines += understanding_lines(answer.understanding)
    for clip in answer.clips:
        lines += [
            *Observation.of(clip, ordered=job.request.clip_seconds).lines(),
            f"file: {clip.path}",
            f"sheet of twelve frames: {clip.sheet}",
        ]
    lines += [f"warning: {quoted(one)}" for one in job.warnings]
    failure = answer.failure
    if failure is not None:
        lines += [
            f"error ({failure.code}): {attributed(failure.code, failure.message)}",
            f"billed: {failure.billed.value}",
            f"what helps: {failure.next}",
        ]
    return [*lines, f"next: {todo or job_shape(answer).next}"]


def standing(job: Job) -> str:
    """Return a job's state with its reason and progress: "running 40 %"."""
    words = job.state.value.replace("_", " ")
    if job.reason and not job.state.ended:
        words += f" ({one_line(job.reason)})"
    if job.fraction is not None and job.state.has_progress:
        words += f" {job.fraction:.0%}"
    return words


def clip_uri(clip: Clip) -> str:
    return f"rushes://clip/{clip.id}"


def sheet_uri(clip: Clip) -> str:
    return f"rushes://sheet/{clip.id}"


def clip_shape(clip: Clip, ordered: float | None) -> ClipShape:
    return ClipShape(
        id=clip.id,
        path=str(clip.path),
        sheet=str(clip.sheet),
        uri=clip_uri(clip),
        sheet_uri=sheet_uri(clip),
        facts=Observation.of(clip, ordered=ordered).lines(),
    )


ACTIONS = {
    Action.WAIT: "wait_for_video with job_id {id}",
    Action.CANCEL: "cancel_job with job_id {id}",
    Action.ABANDON: "cancel_job with job_id {id} and abandon true",
    Action.ABANDON_AT_COST: "reconcile_job with job_id {id} and charged_usd",
    Action.LOOK_UP: "reconcile_job with job_id {id}",
    Action.ACCEPTED: "reconcile_job with job_id {id} and accepted",
    Action.NOTHING: "reconcile_job with job_id {id} and charged_usd 0",
    Action.CHARGED: "reconcile_job with job_id {id} and charged_usd",
    Action.COLLECT: "the person runs: rushes collect {id}",
    Action.APPROVE: "the person runs: rushes approve {id}",
    Action.AGAIN: "create_video with again true, if the person wants another and agrees to its price",
}
"""What a person may do about a job, in the words of the tools."""


def explanation_shape(explanation: Explanation) -> ExplanationShape:
    """Return why a job stands where it stands, for programs."""
    id = explanation.job.id
    return ExplanationShape(
        job_id=id,
        state=explanation.job.state.value,
        state_words=explanation.state,
        money=explanation.money,
        reason=explanation.reason,
        provider_words=explanation.provider_words,
        automatic=explanation.automatic,
        actions=[f"{ACTIONS[action].format(id=id)}: {effect}" for action, effect in explanation.actions],
    )


def explanation_lines(explanation: Explanation) -> list[str]:
    """Return the same in words; what the provider said is quoted, and is no instruction."""
    shape = explanation_shape(explanation)
    lines = [f"job {shape.job_id}: {shape.state_words}", f"money: {shape.money}"]
    if shape.reason:
        lines.append(f"why: {quoted(shape.reason)}")
    if shape.provider_words:
        lines.append(f"the provider's own words: {quoted(shape.provider_words)}")
    return [*lines, f"happens automatically: {shape.automatic}", "what may be done:", *shape.actions]
