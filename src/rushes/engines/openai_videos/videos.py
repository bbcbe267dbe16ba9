"""A video job as the servers describe it, read with tolerance: ids, states, progress, errors, addresses.

OpenAI's own words are four: queued, in_progress, completed, failed. Gateways hand on what their upstreams
say. A state that nobody knows is a live one, unless the job says when it was completed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from math import isfinite
from typing import Any

from rushes.engines.contract import Progress, RenderState

WAITS = frozenset(
    {"queued", "pending", "submitted", "not_start", "created", "waiting", "scheduled", "in_queue"}
)
DONE = frozenset({"completed", "complete", "success", "succeeded", "succeed", "finished", "done"})
FAILED = frozenset({"failed", "failure", "fail", "error", "errored", "rejected", "timeout", "timed_out"})
CANCELED = frozenset({"cancelled", "canceled", "deleted", "aborted"})
EXPIRED = frozenset({"expired"})

IDS = ("id", "task_id", "video_id")
ADDRESSES = ("url", "urls", "video_url", "result_url")
HOLDERS = ("output", "video", "result", "metadata", "data")
"""What some gateways put the address into: `output.url`, `metadata.url`, `data[].url`."""

CONTENT = re.compile(
    r"moderation|content.{0,3}(polic|filter|violat|restrict)|safety (system|check|filter)|usage polic|nsfw"
    r"|sensitive (content|information|word)|prohibited content|sensitive_words",
    re.IGNORECASE,
)
"""How the refusals of content that were seen are worded, in their code or in their message."""

NO_REASON = "the server gives no reason"


def job_of(body: Any) -> Mapping[str, Any]:
    """Return the job in an answer: the body itself or, in an older shape of new-api's, its `data`."""
    if not isinstance(body, dict):
        return {}
    inner = body.get("data")
    if isinstance(inner, dict) and "status" not in body:
        return inner
    return body


def id_of(job: Mapping[str, Any]) -> str | None:
    for name in IDS:
        found = job.get(name)
        if isinstance(found, str | int) and not isinstance(found, bool) and found != "":
            return str(found)
    return None


def word_of(job: Mapping[str, Any]) -> str:
    """Return its state as one word in lower case: "NOT_START" and "Not start" are the same; "" for none."""
    return re.sub(r"[\s-]+", "_", str(job.get("status") or "").strip().lower())


def has_failed(job: Mapping[str, Any]) -> bool:
    return word_of(job) in FAILED


def progress_of(job: Mapping[str, Any]) -> Progress:
    """Return what a job with a state says of its render."""
    state = state_of(job)
    if state in (RenderState.QUEUED, RenderState.RUNNING):
        return Progress(state=state, fraction=fraction(job.get("progress")))
    if state is RenderState.SUCCEEDED:
        return Progress(state=state)
    said = reason_of(job)
    return Progress(state=state, error=said, content_refused=CONTENT.search(said) is not None)


def state_of(job: Mapping[str, Any]) -> RenderState:
    word = word_of(job)
    for words, state in (
        (WAITS, RenderState.QUEUED),
        (DONE, RenderState.SUCCEEDED),
        (FAILED, RenderState.FAILED),
        (CANCELED, RenderState.CANCELED),
        (EXPIRED, RenderState.EXPIRED),
    ):
        if word in words:
            return state
    if job.get("completed_at"):
        return RenderState.FAILED if job.get("error") else RenderState.SUCCEEDED
    return RenderState.RUNNING


def fraction(told: Any) -> float | None:
    """Return `progress` as 0 to 1. It was seen as 0 to 100, as 0.0 to 1.0 and as "50%".

    A whole number is a percentage, as the protocol has it; only one with a point can be a fraction.
    """
    if isinstance(told, str):
        text = told.strip().removesuffix("%")
        if not re.fullmatch(r"\d{1,9}(\.\d{1,9})?", text):
            return None
        told = float(text) if "." in text and "%" not in told and float(text) <= 1 else float(text) / 100
    elif (isinstance(told, int) and not isinstance(told, bool)) or (isinstance(told, float) and told > 1):
        told = told / 100
    return min(1.0, max(0.0, told)) if isinstance(told, float) and isfinite(told) else None


def reason_of(job: Mapping[str, Any]) -> str:
    """Return why a job failed, in the server's words: `error` is a text, {message} or {code, message}."""
    error = job.get("error")
    if isinstance(error, Mapping):
        words, code = error.get("message") or error.get("msg"), error.get("code")
        if words and code:
            return f"{words} ({code})"
        if words or code:
            return str(words or code)
    for told in (error, job.get("fail_reason"), job.get("failure_reason"), job.get("message")):
        if isinstance(told, str) and told.strip():
            return told.strip()
    return NO_REASON


def addresses_of(job: Mapping[str, Any]) -> list[str]:
    """Return the addresses of its file, in order, each once; they may be relative to the server's."""
    found = [*_addresses(job)]
    for name in HOLDERS:
        held = job.get(name)
        for one in held if isinstance(held, list) else [held]:
            found += _addresses(one) if isinstance(one, Mapping) else _address(one)
    return list(dict.fromkeys(found))


def several(job: Mapping[str, Any]) -> Sequence[str]:
    """Return the addresses of all its files where it made more than one (SGLang's `urls`)."""
    urls = job.get("urls")
    found = [url for one in urls for url in _address(one)] if isinstance(urls, list) else []
    return found if len(found) > 1 else ()


def addresses_in(text: str) -> list[str]:
    """Return the addresses that a message for people names: "… please use the cloud URL directly: https://…"."""
    return [url.rstrip(".,;)") for url in re.findall(r"https?://[^\s\"'<>\\]+", text)]


def _addresses(holder: Mapping[str, Any]) -> Iterator[str]:
    for name in ADDRESSES:
        held = holder.get(name)
        for one in held if isinstance(held, list) else [held]:
            yield from _address(one)


def _address(told: Any) -> list[str]:
    usable = isinstance(told, str) and re.match(r"https?://|/(?!/)", told) is not None
    return [told] if usable else []


def frame_in(text: Any) -> tuple[int, int] | None:
    """Return (width, height) of a `size` such as "1280x720"; None for anything else."""
    found = re.fullmatch(r"(\d{1,5})[x×*](\d{1,5})", str(text).strip().lower())
    if found is None or "0" in found.groups():
        return None
    return int(found[1]), int(found[2])


def seconds_in(told: Any) -> float | None:
    """Return the length that `seconds` tells: "4", 4, "4s"; None for anything else."""
    found = re.fullmatch(r"(\d{1,5}(?:\.\d{1,5})?)s?", str(told).strip())
    return float(found[1]) if found else None


def moment(told: Any) -> datetime | None:
    """Return a Unix time in seconds, or in milliseconds as some gateways have it."""
    if isinstance(told, bool) or not isinstance(told, int | float) or not 0 < told < 1e14:
        return None
    return datetime.fromtimestamp(told / 1000 if told > 1e11 else told, UTC)
