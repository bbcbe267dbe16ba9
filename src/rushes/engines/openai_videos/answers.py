"""What the answers to a create mean, beyond what their status says.

Gateways say with the wrong status that a balance is empty (429, 400, 403), that a model is gone (400, 404,
503) or that the words are not allowed (400, 403); the body's `code` tells.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import httpx

from rushes.domain.errors import (
    ContentRefused,
    EngineError,
    QuotaExhausted,
    Refused,
    RegionBlocked,
)
from rushes.engines.http import classify_create, json_of, missing_ticket, reason
from rushes.engines.openai_videos.creates import Create
from rushes.engines.openai_videos.videos import CONTENT, id_of, job_of

EMPTY = frozenset(
    {
        "insufficient_quota",
        "insufficient_user_quota",
        "insufficient_balance",
        "pre_consume_token_quota_failed",
        "billing_hard_limit_reached",
        "budget_exceeded",
    }
)
"""Codes and types for "no money left": OpenAI's, new-api's, LiteLLM's."""

NO_SUCH_MODEL = "model_not_found"
GONE = re.compile(
    r"model\b.{0,120}\b(not exist|not found|no longer available|not available|retired|deprecated|mismatch)"
    r"|model mismatch|(invalid|unknown|unsupported) model|no available channel",
    re.IGNORECASE | re.DOTALL,
)
BODY = re.compile(
    r"multipart|form-data|content.?type|\bjson\b|input_reference file is required", re.IGNORECASE
)
"""What refusals of the way a body is packed were seen to name."""

CLEAR = frozenset({400, 403, 404, 410, 413, 415, 422, 451})


def accepted(response: httpx.Response, create: Create, model: str) -> Mapping[str, Any]:
    """Return the job that a create was answered with.

    Raises what `classify_create` raises, told apart by the body, and OutcomeUnknown where there is no id.
    """
    body = json_of(response)
    if not response.is_success:
        told = _told_apart(response, _error_of(body), create, model)
        if told is not None:
            raise told
        classify_create(response)
    job = job_of(body)
    if id_of(job) is None:
        raise missing_ticket(response)
    return job


def _told_apart(
    response: httpx.Response, error: Mapping[str, Any], create: Create, model: str
) -> EngineError | None:
    """Return what the body says more clearly than the status; None where the status is all there is."""
    status, said = response.status_code, reason(response)
    codes = {str(error.get(name) or "").lower() for name in ("code", "type")}
    if codes & EMPTY and (status in CLEAR or status == 429):
        return QuotaExhausted(f"the server says that there is no money left: {said}")
    if NO_SUCH_MODEL in codes:
        # new-api says it with 503, before it has asked any of its upstreams.
        return _gone(model, said)
    if status not in CLEAR:
        return None
    if any("unsupported_country" in code for code in codes):
        return RegionBlocked(said)
    # With 403 the words may be about the account; then only the code counts.
    if CONTENT.search(" ".join(codes) + (" " + said if status != 403 else "")):
        return ContentRefused(f"the server refused {_part(error, create)} for its content: {said}")
    if GONE.search(said):
        return _gone(model, said)
    return _wrongly_addressed(status, said, create)


def _gone(model: str, said: str) -> Refused:
    return Refused(
        f"the server has no model {model!r}: {said}",
        next="correct the id of the model in the settings file (rushes config path); the server lists what "
        "it has at /v1/models",
    )


def _wrongly_addressed(status: int, said: str, create: Create) -> Refused | None:
    if status == 404 and re.fullmatch(r"404:? ?not found\.?", said, re.IGNORECASE):
        return Refused(
            f"the server has no {create.path}: {said}",
            next="correct base_url in the settings file; not every server can remix, edit or extend",
        )
    if status in (400, 415, 422) and not create.files and BODY.search(said):
        return Refused(
            f"the server refused the way the request is packed: {said}",
            next='set transport = "json" for this engine in the settings file, or "multipart" where it is '
            "json already",
        )
    return None


def _part(error: Mapping[str, Any], create: Create) -> str:
    """Return what was refused: OpenAI names the parameter."""
    param = str(error.get("param") or "")
    if param.startswith("prompt"):
        return "the prompt"
    if create.files and (param.startswith(create.files_as) or (not param and len(create.files) == 1)):
        named = ", ".join(one.name for one in create.files)
        return f"the reference {named}" if param else f"the prompt or the reference {named}"
    return "the request"


def _error_of(body: Any) -> Mapping[str, Any]:
    """Return the part of a refusal that has the code: {"error": {…}}, or the body itself."""
    if not isinstance(body, dict):
        return {}
    inner = body.get("error")
    return inner if isinstance(inner, dict) else body
