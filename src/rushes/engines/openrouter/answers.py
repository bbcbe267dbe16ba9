"""What the service's answers mean: its error envelope, and the states of its jobs.

The envelope is `{"error": {"code", "message", "metadata"}}`; its documented metadata tell moderation
(`reasons`, `flagged_input`), the limit that was met (`limit_source`) and what the renderer said (`raw`).
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import httpx

from rushes.domain.errors import (
    AccountBlocked,
    Busy,
    ContentRefused,
    EngineError,
    OutcomeUnknown,
    QuotaExhausted,
    Refused,
    SignInNeeded,
    Unreachable,
)
from rushes.domain.money import read_price
from rushes.engines.contract import Progress, RenderState
from rushes.engines.http import answer, json_of, raw, reason, retry_after, shortened
from rushes.engines.openrouter.service import KEY_PAGE

CREDITS_PAGE = "https://openrouter.ai/settings/credits"

CLIENT_CLOSED = 499
"""The service's own number for a caller that hung up: how far the create had got by then, it does not say."""

IN_FLIGHT = "openrouter_in_flight_budget"
"""The limit that is free again as soon as something under way has ended."""

IN_FLIGHT_PAUSE_S = 30.0

STATES = {
    "pending": RenderState.QUEUED,
    "queued": RenderState.QUEUED,
    "queueing": RenderState.QUEUED,
    "preparing": RenderState.QUEUED,
    "submitted": RenderState.QUEUED,
    "in_progress": RenderState.RUNNING,
    "processing": RenderState.RUNNING,
    "running": RenderState.RUNNING,
    "completed": RenderState.SUCCEEDED,
    "succeeded": RenderState.SUCCEEDED,
    "succeed": RenderState.SUCCEEDED,
    "success": RenderState.SUCCEEDED,
    "failed": RenderState.FAILED,
    "fail": RenderState.FAILED,
    "error": RenderState.FAILED,
    "cancelled": RenderState.CANCELED,
    "canceled": RenderState.CANCELED,
    "expired": RenderState.EXPIRED,
}
"""The documented six, and spellings that its upstreams use."""

CONTENT = re.compile(
    r"content.?(policy|filter|violat|moderat)|moderat|sensitive|prohibited|copyright|nsfw|flagged|safety"
    r"|guideline|usage polic|real person|likeness",
    re.IGNORECASE,
)

PARTS = (
    (r"output.?(video|audio|image)|generated (video|audio)|the output", "what came out"),
    (r"input.?audio|reference audio", "the sound that was handed in"),
    (r"input.?video|reference video", "the clip that was handed in"),
    (r"last.?frame", "the last frame"),
    (r"first.?frame|input.?image|reference image|the image|real person", "a picture that was handed in"),
    (r"input.?text|prompt|flagged_input|your input", "the words"),
)


def refusal(response: httpx.Response, model: str) -> EngineError | None:
    """Return what an answer to a create means that has no job; None where the usual reading is right."""
    code = response.status_code
    if response.is_success:
        return None
    if code == CLIENT_CLOSED:
        return OutcomeUnknown(f"OpenRouter answered the create with {reason(response)}", raw=raw(response))
    said, metadata = reason(response), _metadata(response)
    if code in (400, 403, 422) and _about_content(said, metadata):
        return content_refused(_moderation(said, metadata))
    return _person(response, said, metadata) or _plain(response, said, model)


def _person(response: httpx.Response, said: str, metadata: Mapping[str, Any]) -> EngineError | None:
    """Return what a person has to put right: the key, the credits, the account's own rules."""
    match response.status_code:
        case 401:
            return SignInNeeded(said, next=f"set OPENROUTER_API_KEY to a key that {KEY_PAGE} lists as active")
        case 402 if metadata.get("limit_source") == IN_FLIGHT or retry_after(response) is not None:
            return Busy(said, ask_after=retry_after(response) or IN_FLIGHT_PAUSE_S)
        case 402:
            return QuotaExhausted(
                said, next=f"add credits at {CREDITS_PAGE}, or raise the key's own limit at {KEY_PAGE}"
            )
        case 403:
            return AccountBlocked(
                said,
                next="see the key's rights and the account's guardrails at https://openrouter.ai/settings",
            )
    return None


def _plain(response: httpx.Response, said: str, model: str) -> EngineError | None:
    match response.status_code:
        case 404:
            return Refused(
                f"OpenRouter has no endpoint for {model}: {said}; nothing was accepted",
                next="rushes models lists others; some need the data policy at "
                "https://openrouter.ai/settings/privacy to allow them",
            )
        case 413:
            return Refused(f"the request is too large: {said}", next="use smaller references")
        case 429:
            return Busy(said, ask_after=retry_after(response) or _seconds(_metadata(response)))
    return None


def content_refused(said: str) -> ContentRefused:
    """Return a refusal for its content, and what it is about where the words tell."""
    about = _part(said)
    return ContentRefused(f"refused for its content ({about}): {said}" if about else said)


def progress_of(body: Mapping[str, Any], ask_after: float) -> Progress:
    """Return what a job's own record says: with an error an unknown status is a failure, else it is alive."""
    word = shortened(str(body.get("status") or ""))
    error = _error(body)
    state = STATES.get(word.lower())
    if state is None:
        state = RenderState.FAILED if error else RenderState.RUNNING
    ended = state in (RenderState.FAILED, RenderState.CANCELED, RenderState.EXPIRED)
    said = error or "OpenRouter gives no reason" if ended else None
    refused = state is RenderState.FAILED and bool(CONTENT.search(said or ""))
    return Progress(
        state=state,
        error=content_refused(said).message if refused and said else said,
        content_refused=refused,
        cost=cost_of(body),
        ask_after=ask_after,
        unknown_word=word if word.lower() not in STATES else None,
    )


def cost_of(body: Mapping[str, Any]) -> Decimal | None:
    """Return `usage.cost` in dollars; None if it is not told, or can be no cost of a clip."""
    usage = body.get("usage")
    return read_price(usage.get("cost")) if isinstance(usage, Mapping) else None


def job_in(response: httpx.Response) -> dict[str, Any]:
    """Return the job that an answer to a poll holds.

    One in a known state is read under any status: a failed job was seen to come as a 500. Raises what
    `answer` raises, and Unreachable if the answer tells nothing of the job.
    """
    body = json_of(response)
    if isinstance(body, dict) and str(body.get("status")).lower() in STATES and body.get("id"):
        return body
    found = answer(response)
    if not found.get("status"):
        raise Unreachable(f"OpenRouter answered with nothing that tells of the job ({reason(response)})")
    return found


def _error(body: Mapping[str, Any]) -> str:
    """Return a job's `error`, documented as text and read as an object too."""
    told = body.get("error")
    if isinstance(told, Mapping):
        told = told.get("message") or told.get("code")
    return " ".join(str(told).split())[:600] if told else ""


def _metadata(response: httpx.Response) -> Mapping[str, Any]:
    try:
        # Of the answer without the key, which some upstreams repeat.
        found = json.loads(raw(response))["error"]["metadata"]
    except (ValueError, KeyError, TypeError):
        return {}
    return found if isinstance(found, Mapping) else {}


def _about_content(said: str, metadata: Mapping[str, Any]) -> bool:
    if "reasons" in metadata or "flagged_input" in metadata:
        return True
    told = f"{said} {metadata.get('error_type') or ''} {metadata.get('raw') or ''}"
    return bool(CONTENT.search(told))


def _moderation(said: str, metadata: Mapping[str, Any]) -> str:
    """Return the service's sentence with its reasons, and the piece of the words that it minds."""
    reasons = metadata.get("reasons")
    told = [said]
    if isinstance(reasons, list) and reasons:
        told.append("reasons: " + ", ".join(str(one) for one in reasons[:5]))
    if metadata.get("flagged_input"):
        told.append(f"in the prompt: {str(metadata['flagged_input'])[:100]}")
    elif metadata.get("raw"):
        told.append(" ".join(str(metadata["raw"]).split())[:200])
    return "; ".join(told)


def _part(said: str) -> str | None:
    return next((part for words, part in PARTS if re.search(words, said, re.IGNORECASE)), None)


def _seconds(metadata: Mapping[str, Any]) -> float | None:
    told = metadata.get("retry_after_seconds")
    return float(told) if isinstance(told, int | float) and told > 0 else None
