"""A video job as the servers describe it, read with tolerance: ids, states, progress, errors, addresses.

OpenAI's own words are four: queued, in_progress, completed, failed. Gateways hand on what their upstreams
say. A word that is on none of the lists is a failure if the job has an error, an end if it says when it was
completed, and else a live render whose word is handed on: it must not run forever.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from math import isfinite
from typing import Any

from rushes.engines.contract import Progress, RenderState
from rushes.engines.http import shortened

WAITS = frozenset(
    {"queued", "pending", "submitted", "not_start", "created", "waiting", "scheduled", "in_queue"}
)
RUNS = frozenset(
    {
        *("in_progress", "processing", "process", "running", "generating", "rendering", "working", "active"),
        *("started", "starting", "preparing", "initializing", "loading", "retrying", "resumed"),
        *("post_processing", "postprocessing", "encoding", "finalizing", "uploading", "downloading"),
    }
)
DONE = frozenset(
    {"completed", "complete", "success", "successful", "succeeded", "succeed", "finished", "done"}
)
FAILED = frozenset(
    {
        *("failed", "failure", "fail", "error", "errored", "unsuccessful", "crashed", "terminated"),
        *("rejected", "refused", "content_filter", "content_filtered", "moderation_blocked"),
        *("timeout", "timed_out"),
    }
)
"""Without those that may also be said of a live job: blocked, moderated, incomplete, not_found, stopped."""

CANCELED = frozenset({"cancelled", "canceled", "deleted", "aborted"})
EXPIRED = frozenset({"expired"})

IDS = ("id", "task_id", "video_id")
ADDRESSES = ("url", "urls", "video_url", "result_url")
HOLDERS = ("output", "video", "result", "metadata", "data", "response", "videos")
"""What some gateways put the address into: `output.url`, `data[].url`, `response.videos[].url`."""

DEEPEST = 3
"""How many holders lie in one another at most."""

INLINE = frozenset(
    {
        *("b64", "base64", "b64json", "b64video", "base64video", "videob64", "videobase64"),
        *("bytesbase64encoded", "videobytes"),
    }
)
"""Fields with the file itself, by name without case and underlines: `b64_json`, `bytesBase64Encoded`."""

ERRORS = (
    *("error", "errors", "incomplete_details", "fail_reason", "failure_reason", "failed_reason"),
    *("error_message", "error_msg", "err_msg", "error_code"),
)
"""Fields that a job has because it failed."""

NO_ERROR = frozenset({"", "0", "200", "none", "null", "ok", "success"})

CONTENT = re.compile(
    r"moderat(ion|ed)|content.{0,3}(polic|filter|violat|restrict)|safety (system|check|filter)|usage polic"
    r"|nsfw|sensitive (content|information|word)|prohibited content|sensitive_words",
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
    status = job.get("status")
    return re.sub(r"[\s-]+", "_", str("" if status is None else status).strip().lower())


def has_failed(job: Mapping[str, Any]) -> bool:
    return state_of(job) is RenderState.FAILED


def progress_of(job: Mapping[str, Any]) -> Progress:
    """Return what a job with a state says of its render."""
    known = known_state(job)
    state = known or state_of(job)
    if state in (RenderState.QUEUED, RenderState.RUNNING):
        word = None if known else shortened(str(job.get("status")))
        return Progress(state=state, fraction=fraction(job.get("progress")), unknown_word=word)
    if state is RenderState.SUCCEEDED:
        return Progress(state=state)
    said = reason_of(job)
    refused = CONTENT.search(f"{word_of(job)} {said}") is not None
    return Progress(state=state, error=said, content_refused=refused)


def state_of(job: Mapping[str, Any]) -> RenderState:
    """Return its state; with a word on no list, the error or the time of completion tells."""
    known = known_state(job)
    if known is not None:
        return known
    if error_of(job) is not None:
        return RenderState.FAILED
    return RenderState.SUCCEEDED if job.get("completed_at") else RenderState.RUNNING


def known_state(job: Mapping[str, Any]) -> RenderState | None:
    """Return the state that its word stands for, None for a word on no list."""
    word = word_of(job)
    for words, state in (
        (WAITS, RenderState.QUEUED),
        (RUNS, RenderState.RUNNING),
        (DONE, RenderState.SUCCEEDED),
        (FAILED, RenderState.FAILED),
        (CANCELED, RenderState.CANCELED),
        (EXPIRED, RenderState.EXPIRED),
    ):
        if word in words:
            return state
    return None


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
    """Return why a job failed, in the server's words."""
    said = error_of(job)
    return said if said not in (None, NO_REASON) else _words(job.get("message")) or NO_REASON


def error_of(job: Mapping[str, Any]) -> str | None:
    """Return what its error says, None without one; see `ERRORS` for where it stands."""
    return next((said for name in ERRORS if (said := _words(job.get(name))) is not None), None)


def _words(told: Any) -> str | None:
    """Return the words of an error: a text, a number, a list, {message}, {code, message}, {reason}."""
    if isinstance(told, Mapping):
        parts = (_words(told.get(name)) for name in ("message", "msg", "reason", "detail", "type"))
        words, code = next((one for one in parts if one), None), _words(told.get("code"))
        return f"{words} ({code})" if words and code else words or code
    if isinstance(told, list):
        return next((words for one in told if (words := _words(one)) is not None), None)
    if told is True:
        return NO_REASON
    if told is False or not isinstance(told, str | int):
        return None
    words = str(told).strip()
    return None if words.lower() in NO_ERROR else words


def addresses_of(job: Mapping[str, Any]) -> list[str]:
    """Return the addresses of its file, in order, each once; they may be relative to the server's.

    A file that the job carries in itself has a data: address.
    """
    return list(dict.fromkeys(_places(job, DEEPEST)))


def several(job: Mapping[str, Any]) -> Sequence[str]:
    """Return the addresses of all its files where it made more than one (SGLang's `urls`)."""
    urls = job.get("urls")
    found = [url for one in urls for url in _address(one)] if isinstance(urls, list) else []
    return found if len(found) > 1 else ()


def addresses_in(text: str) -> list[str]:
    """Return the addresses that a message for people names: "… please use the cloud URL directly: https://…"."""
    return [url.rstrip(".,;)") for url in re.findall(r"https?://[^\s\"'<>\\]+", text)]


def _places(told: Any, depth: int) -> Iterator[str]:
    """Yield the addresses in a job or in what holds them: its own first, then those of its holders."""
    if not isinstance(told, Mapping):
        yield from _address(told)
        return
    for name in ADDRESSES:
        for one in _each(told.get(name)):
            yield from _address(one)
    for name, value in told.items():
        if name.lower().replace("_", "") in INLINE:
            yield from _inline(value)
    for name in HOLDERS if depth else ():
        for one in _each(told.get(name)):
            yield from _places(one, depth - 1)


def _each(held: Any) -> Sequence[Any]:
    return held if isinstance(held, list) else [held]


def _address(told: Any) -> list[str]:
    usable = isinstance(told, str) and re.match(r"(?i)https?://|/(?!/)|data:", told) is not None
    return [told] if usable else []


def _inline(told: Any) -> list[str]:
    """Return the file that a field carries as a data: address: that is decoded in one place."""
    if not isinstance(told, str) or not told:
        return []
    return _address(told) or [f"data:video/mp4;base64,{told}"]


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
