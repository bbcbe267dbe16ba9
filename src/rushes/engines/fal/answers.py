"""What fal's answers mean: its two shapes of errors, its states, and where a result's files stand.

A model's own errors are a list, `{"detail": [{"loc", "msg", "type"}]}`, those of the machinery around it
`{"detail": "…", "error_type": "…"}` (https://fal.ai/docs/documentation/model-apis/errors, …/request-errors).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal, InvalidOperation
from typing import Any

import httpx

from rushes.domain.errors import (
    ContentRefused,
    QuotaExhausted,
    Refused,
    SignInNeeded,
    Unreachable,
)
from rushes.domain.request import Role
from rushes.engines.contract import Progress, RenderState, Result, Source
from rushes.engines.fal.fields import ROLES
from rushes.engines.http import (
    classify_answer,
    classify_create,
    json_of,
    reason,
    shortened,
    without_key,
)

CONTENT = "content_policy_violation"
CANCELED = "client_cancelled"
OLDER = frozenset({"", "value_error", "bad_request"})
CONTENT_WORDS = re.compile(r"content (policy|checker)|safety (checker|system)|moderat|nsfw", re.IGNORECASE)

BILLABLE = "x-fal-billable-units"
"""The header that tells how many units a result was billed for."""

WAITS = frozenset({"IN_QUEUE", "QUEUED", "PENDING"})
RUNS = frozenset({"IN_PROGRESS", "RUNNING", "PROCESSING", "STARTED"})
DONE = frozenset({"COMPLETED", "OK", "SUCCEEDED", "SUCCESS"})
FAILED = frozenset({"FAILED", "ERROR"})
STOPPED = frozenset({"CANCELED", "CANCELLED"})

ABOUT_US = frozenset({401, 402, 403, 404, 410, 429})
"""Answers about the key, the account or the record, unless a model gave them with a reason of its own."""

UNREADY = re.compile(r"still (in progress|in queue|running|queued)", re.IGNORECASE)
NO_BALANCE = re.compile(r"balance|\bcredits?\b|payment", re.IGNORECASE)
NO_MODEL = "rushes models --refresh reads what fal has now; choose another --model"
TOP_UP = "top up at fal.ai/dashboard/billing; the job continues automatically, at once with rushes collect ID"
NEW_KEY = "make a key at fal.ai/dashboard/keys and set FAL_KEY; the job then continues automatically"


@dataclass(frozen=True, kw_only=True)
class Problem:
    """What went wrong by fal's own account: `kind` is its type, `where` the property it names."""

    words: str
    kind: str = ""
    where: tuple[str | int, ...] = ()

    @property
    def content(self) -> bool:
        """Whether it was refused for content; endpoints of the older kind tell that in words alone."""
        return self.kind == CONTENT or (self.kind in OLDER and bool(CONTENT_WORDS.search(self.words)))

    def __str__(self) -> str:
        """The words, with what they are about."""
        about = subject_of(self.where)
        if not self.content:
            return f"{about}: {self.words}" if about else self.words
        return f"refused for content, {about or 'the words, or what came of them'}: {self.words}"


def subject_of(where: Sequence[str | int]) -> str:
    """Return what a place in the body is to us: "the prompt", "the first_frame reference", its own name."""
    names = [part for part in where if part != "body"]
    if not names:
        return ""
    name, rest = str(names[0]), names[1:]
    role = next((role for role, taken in ROLES.items() if name in taken), None)
    if role is None:
        return "the prompt" if name == "prompt" else name
    if rest and isinstance(rest[0], int):
        number = f"{rest[0] + 1}. " if role is not Role.STYLE else ""
        return f"the {number}{role.value} reference"
    return f"the {role.value} reference"


def problems(response: httpx.Response) -> list[Problem]:
    """Return what an answer says went wrong; nothing where it is not fal that speaks."""
    body = json_of(response)
    kind = response.headers.get("x-fal-error-type", "")
    if isinstance(body, Mapping):
        found = list(_problems_in(body, kind))
        if found:
            return [replace(one, words=without_our_key(one.words, response)) for one in found]
    return [Problem(words=reason(response), kind=kind)] if kind else []


def _problems_in(body: Mapping[str, Any], kind: str) -> Iterator[Problem]:
    detail = body.get("detail")
    if isinstance(detail, str):
        yield Problem(words=shortened(detail), kind=str(body.get("error_type") or kind))
    if not isinstance(detail, Sequence) or isinstance(detail, str):
        return
    for one in detail:
        if isinstance(one, Mapping):
            where = one.get("loc")
            yield Problem(
                words=shortened(str(one.get("msg") or one.get("type") or "no reason given")),
                kind=str(one.get("type") or ""),
                where=tuple(where) if isinstance(where, Sequence) and not isinstance(where, str) else (),
            )


def check_create(response: httpx.Response, model: str) -> None:
    """Raise what a refused create means; see `classify_create` for what fal has no words of its own for."""
    code = response.status_code
    if response.is_success or code >= 500:
        return classify_create(response)
    found = problems(response)
    said = "; ".join(str(one) for one in found) or reason(response)
    if code in (402, 403) and NO_BALANCE.search(said):
        raise QuotaExhausted(f"fal refuses it: {said}", next=TOP_UP)
    if code == 401:
        raise SignInNeeded(f"fal does not take the key ({reason(response)})", next=NEW_KEY)
    if code in (404, 410):
        raise Refused(f"fal has no endpoint {model} ({reason(response)}); nothing was billed", next=NO_MODEL)
    if any(one.content for one in found) and code in (400, 422):
        raise ContentRefused(said)
    if found and code in (400, 413, 422):
        raise Refused(f"fal refused it: {said}")
    classify_create(response)


def state_of(status: Mapping[str, Any]) -> RenderState:
    """Return what a status says; a word that nobody knows is a failure with an error, else a live render."""
    word = _word(status)
    if word in STOPPED or status.get("error_type") == CANCELED:
        return RenderState.CANCELED
    if word in FAILED or (unknown_word(status) is not None and status.get("error")):
        return RenderState.FAILED
    if word in WAITS:
        return RenderState.QUEUED
    return RenderState.SUCCEEDED if word in DONE else RenderState.RUNNING


def unknown_word(status: Mapping[str, Any]) -> str | None:
    """Return the word that a status has for its state if it is on no list."""
    known = _word(status) in WAITS | RUNS | DONE | FAILED | STOPPED
    return None if known else shortened(str(status.get("status")))


def _word(status: Mapping[str, Any]) -> str:
    return str(status.get("status")).strip().upper()


def failure(response: httpx.Response, status: Mapping[str, Any], cost: Decimal | None) -> Progress:
    """Return the failed render that an answer in place of a result stands for.

    The answer is the one that the model gave, so a failed render comes as an HTTP error of any number. What
    ended with 500 or more is never charged (https://fal.ai/docs/documentation/model-apis/faq). Raises
    Unreachable where it is not fal that answered, and what `classify_answer` raises where it is about us.
    """
    found = problems(response)
    said = "; ".join(str(one) for one in found) or reason(response)
    unready = response.status_code == 400 and UNREADY.search(said)
    if state_of(status) is RenderState.FAILED and (unready or response.status_code in (404, 410)):
        # The status knows more than the result.
        return told_failure(status, response, cost)
    if response.status_code in ABOUT_US and not any(one.kind or one.where for one in found):
        classify_answer(response)
    if unready:
        raise Unreachable(f"fal says that it is completed, and then that it is not ({said})")
    if not found and response.status_code not in (400, 413, 422):
        raise Unreachable(f"fal answered with {reason(response)}")
    if any(one.kind == CANCELED for one in found):
        return Progress(state=RenderState.CANCELED, cost=Decimal(0))
    return Progress(
        state=RenderState.FAILED,
        error=f"{said} ({status.get('error_type') or response.status_code})",
        content_refused=any(one.content for one in found),
        cost=Decimal(0) if response.status_code >= 500 else cost,
    )


def told_failure(status: Mapping[str, Any], response: httpx.Response, cost: Decimal | None) -> Progress:
    """Return the failed render that a status tells of in its own words, without the key of `response`."""
    kind = str(status.get("error_type") or "")
    told = status.get("error") or kind or "fal finished it without a video"
    words = told.get("message") if isinstance(told, Mapping) else None
    problem = Problem(words=without_our_key(shortened(str(words or told)), response), kind=kind)
    return Progress(state=RenderState.FAILED, error=str(problem), content_refused=problem.content, cost=cost)


def units(response: httpx.Response) -> Decimal | None:
    """Return how many units a result was billed for, where the answer tells."""
    try:
        told = Decimal(response.headers.get(BILLABLE, ""))
    except InvalidOperation:
        return None
    return told if told.is_finite() and told >= 0 else None


def files(body: Any) -> list[Result]:
    """Return the videos of a result: `video`, else those in `videos`; other files are not ours."""
    if not isinstance(body, Mapping):
        return []
    several = body.get("videos")
    found = [body.get("video"), *(several if isinstance(several, list) else ())]
    return [result for one in found if (result := _result(one)) is not None]


def _result(told: Any) -> Result | None:
    file = told if isinstance(told, Mapping) else {"url": told}
    url = file.get("url")
    # With `sync_mode` the file itself stands there, as a data: address.
    if not isinstance(url, str) or not url.lower().startswith(("https://", "http://", "data:")):
        return None
    width, height = file.get("width"), file.get("height")
    size = (width, height) if isinstance(width, int) and isinstance(height, int) else None
    return Result(candidates=[Source(url=url)], size=size)


def without_our_key(text: str, response: httpx.Response) -> str:
    """Return what fal says without the key that the call carried: a wrong one is answered by repeating it."""
    return without_key(text, response.request.headers.get("authorization", "").removeprefix("Key "))
