"""Why a job stands where it stands, in words for a person at two in the morning: `rushes why JOB`."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from rushes.domain.answer import Answer
from rushes.domain.errors import Billed, NotCopied, PriceChanged, SetupError
from rushes.domain.job import Job, JobState, age
from rushes.domain.money import usd
from rushes.engines.contract import Recovery
from rushes.jobs.starter import is_held
from rushes.studio import Studio

STATES = {
    JobState.WAITING: "waiting to be sent; nothing was sent yet",
    JobState.SUBMITTING: "being sent to the provider",
    JobState.QUEUED: "accepted by the provider, in its queue",
    JobState.RUNNING: "rendering at the provider",
    JobState.COLLECTING: "finished at the provider; its file is being downloaded and checked",
    JobState.COMPLETED: "completed; its clip is in the library",
    JobState.OUTCOME_UNKNOWN: "sent, but it is unknown whether the provider accepted it",
    JobState.BLOCKED: "blocked until a person acts",
    JobState.FAILED: "failed; it has no clip",
    JobState.CANCELED: "canceled",
}

LONGEST_QUOTE = 600
"""Characters that are shown of what a provider answered."""


class Action(StrEnum):
    """What a person may do about a job; every door has its own words for it."""

    WAIT = "wait"
    COLLECT = "collect"
    CANCEL = "cancel"
    ABANDON = "abandon"
    ABANDON_AT_COST = "abandon_at_cost"
    LOOK_UP = "look_up"
    ACCEPTED = "accepted"
    NOTHING = "nothing"
    CHARGED = "charged"
    APPROVE = "approve"
    AGAIN = "again"


@dataclass(frozen=True, kw_only=True)
class Explanation:
    """A job in words: its `state`, the `money` it holds and where that counts, and why it is there.

    `provider_words` are the provider's own last words, quoted as they came; `automatic` is the next step that
    is taken automatically, and when; `advice` is what its last error advised; `actions` are what a person may
    do, each with what it does.
    """

    job: Job
    state: str
    money: str
    reason: str | None
    provider_words: str | None
    automatic: str
    advice: str | None
    actions: tuple[tuple[Action, str], ...]

    def as_json(self) -> dict[str, Any]:
        return {
            "job": self.job.id,
            "state": self.job.state.value,
            "state_words": self.state,
            "money": self.money,
            "reason": self.reason,
            "provider_words": self.provider_words,
            "automatic": self.automatic,
            "advice": self.advice,
            "actions": [{"action": action.value, "effect": effect} for action, effect in self.actions],
        }


def explain(studio: Studio, id: str) -> Explanation:
    """Return why a job stands where it stands. Raises NotFound."""
    answer = studio.answer(id)
    job, failure = answer.job, answer.failure
    return Explanation(
        job=job,
        state=_state(answer),
        money=_money(studio, job),
        reason=failure.message if failure is not None else job.reason,
        provider_words=_provider_words(studio, job),
        automatic=_automatic(studio, job),
        advice=None if failure is None else failure.next,
        actions=tuple(_actions(job, lists=_lists(studio, job))),
    )


def _state(answer: Answer) -> str:
    job = answer.job
    words = STATES[job.state]
    if job.state is JobState.COMPLETED and answer.failure is not None:
        is_safe = answer.failure.code == NotCopied.code
        words = (
            f"completed; its clip is {'safe' if is_safe else 'not in the library any more as it was saved'}"
        )
    if job.fraction is not None and job.state.has_progress:
        words += f", {job.fraction:.0%}"
    if job.queue_position is not None:
        words += f", number {job.queue_position} in the queue"
    if job.reason and job.state is JobState.BLOCKED:
        words += f" ({job.reason})"
    if job.posted_at is not None and not job.state.ended and not job.is_unsent:
        words += f"; sent {age(job.posted_at)}"
    if job.cancel_requested and not job.state.ended:
        words += "; cancellation was requested"
    return words


def _money(studio: Studio, job: Job) -> str:
    cost = job.cost
    if job.quote.free:
        is_open = job.failure is not None and job.failure.billed is Billed.UNKNOWN
        return f"{cost.words}; whether it counts this clip is not known" if is_open else cost.words
    amount = "an unknown amount" if cost.amount is None else usd(cost.amount)
    if cost.settled:
        return f"{amount} charged" if cost.amount else "nothing charged, nothing held"
    zone = studio.settings.caps.timezone
    return (
        f"{amount} held; until the bill is settled it counts against the caps of the day ({zone}), the month"
        f" and the engine {job.engine}"
    )


def _provider_words(studio: Studio, job: Job) -> str | None:
    """Return what the provider answered to the create, if that was kept: nobody could read it then."""
    submission = studio.ledger.submission(job.id)
    raw = submission["raw"] if submission is not None else None
    if not raw:
        return None
    words = " ".join(str(raw).split())
    return words if len(words) <= LONGEST_QUOTE else words[: LONGEST_QUOTE - 1] + "…"


def _automatic(studio: Studio, job: Job) -> str:
    """Return the next step that is taken without a person, and when."""
    if job.state.ended or job.left_to_a_person:
        return "nothing: only a person can decide how it continues" if job.left_to_a_person else "nothing"
    wait = job.due_at - time.time()
    soon = f"in {wait:.0f} s" if wait >= 1 else "now"
    silent = studio.silent_worker()
    if silent is not None:
        return f"nothing at the moment: {silent.words}; {silent.advice}"
    worker = "" if is_held(studio.settings.lock) else "; no worker is running (the next command starts one)"
    match job.state:
        case JobState.WAITING if wait >= 1:
            return f"sending is tried again {soon}{worker}"
        case JobState.WAITING if studio.ledger.is_behind_blocked(job):
            return f"it waits behind a blocked job of the same account at {job.engine}: see rushes jobs"
        case JobState.WAITING:
            return f"it is sent as soon as {job.engine} has a free slot{worker}"
        case JobState.BLOCKED:
            return f"it is tried again {soon}, if a worker is running then"
        case JobState.OUTCOME_UNKNOWN:
            return f"the provider is asked what became of it {soon}{worker}"
        case JobState.COLLECTING:
            return f"the download is retried with growing pauses{worker}"
        case JobState.SUBMITTING:
            return f"the answer to its create is stored when it arrives{worker}"
    return f"the provider is polled every few seconds to minutes{worker}"


def _lists(studio: Studio, job: Job) -> bool:
    """Whether an unknown outcome can be looked up in a list of the provider's."""
    try:
        return studio.engine(job.engine).recovery is not Recovery.ASK
    except SetupError:
        return False


def _actions(job: Job, *, lists: bool) -> Iterator[tuple[Action, str]]:
    """Yield what a person may do about a job, the gentlest first."""
    if job.unreadable is not None and not job.state.ended:
        yield Action.ABANDON, "end it; what was sent stays held until the bill is settled"
        return
    if job.state is JobState.COMPLETED:
        yield Action.COLLECT, "download it again if its file is missing, free"
    if not job.settled:
        yield Action.WAIT, "watch it until it ends"
    if job.state is JobState.BLOCKED and job.reason == PriceChanged.reason:
        yield Action.APPROVE, "agree to the new price and send it"
    elif job.state is JobState.BLOCKED:
        yield Action.COLLECT, "try it again now, after you fixed the cause"
    if job.state is JobState.OUTCOME_UNKNOWN:
        if lists:
            yield Action.LOOK_UP, "have the provider's list read once more"
        yield Action.ACCEPTED, "say that the provider did accept it: it continues"
        yield Action.NOTHING, "say that nothing came of it and nothing was charged"
        yield Action.CHARGED, "say that nothing came of it, and what it cost"
        return
    if job.is_unsent:
        yield Action.CANCEL, "cancel it; no provider has accepted it, nothing is charged"
    elif not job.state.ended:
        if not job.cancel_requested:
            yield Action.CANCEL, "ask the provider to stop it; it may be charged all the same"
        yield Action.ABANDON, "stop following it now; what is held stays held until the bill is settled"
        yield Action.ABANDON_AT_COST, "stop following it now, and say what it cost (0 for nothing)"
    elif job.state is not JobState.COMPLETED:
        if job.ticket is not None:
            yield Action.COLLECT, "ask the provider for its clip once more, free"
        elif job.has_bill:
            yield Action.ACCEPTED, "say that the provider did accept it: it continues"
        pay = "" if job.quote.free else ", and pay for it"
        yield Action.AGAIN, f"make another clip of the same request{pay}"
    if job.state.ended and job.has_bill:
        yield Action.CHARGED, "say or correct what it cost"
