"""What the service's refusals mean, and what only looks like one."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from rushes.domain.errors import Busy, QuotaExhausted, RegionBlocked
from rushes.engines.http import raw
from rushes.engines.sora_web.answers import refusal

EXHAUSTED = {"rate_limit_reached": True, "access_resets_in_seconds": 60}


def answer(status: int, body: Any) -> httpx.Response:
    headers = {"openai-sentinel-token": "a-page-token", "authorization": "Bearer a-secret-token"}
    request = httpx.Request("POST", "http://127.0.0.1/backend/nf/create", headers=headers)
    if isinstance(body, str):
        return httpx.Response(status, text=body, request=request)
    return httpx.Response(status, json=body, request=request)


@pytest.mark.parametrize(
    ("status", "body"),
    [
        (500, {"type": "rate_limit_exhausted", "rate_limit_and_credit_balance": EXHAUSTED}),
        (500, {"error": {"code": "too_many_concurrent_tasks"}}),
        (502, "<html>We're under heavy load, please try again later</html>"),
        (500, {"error": {"code": "heavy_load"}}),
        (400, {"error": {"message": "no", "param": "a sign that says unsupported_country"}}),
        (200, {"id": "task_1", "rate_limit_and_credit_balance": EXHAUSTED}),
    ],
)
def test_what_proves_nothing_is_no_refusal(status: int, body: Any) -> None:
    """A server error may come after the acceptance, whatever its words; an echoed prompt says nothing."""
    assert refusal(answer(status, body)) is None


@pytest.mark.parametrize(
    ("status", "body", "error"),
    [
        (503, {"error": {"code": "heavy_load"}}, Busy),
        (429, {"type": "rate_limit_exhausted", "rate_limit_and_credit_balance": EXHAUSTED}, QuotaExhausted),
        (400, {"error": {"code": "unsupported_country_code", "param": "XX"}}, RegionBlocked),
        (404, {"error": {"code": "unsupported_region"}}, RegionBlocked),
    ],
)
def test_a_refusal_is_known_by_its_code(status: int, body: Any, error: type[Exception]) -> None:
    """The service's own codes, with the statuses that they were seen or described with."""
    assert type(refusal(answer(status, body))) is error


def test_an_answer_that_repeats_our_tokens_is_kept_without_them() -> None:
    """The body of an answer that nobody could read goes into the ledger; no secret does."""
    kept = raw(answer(200, "you sent a-page-token and a-secret-token"))
    assert kept == "you sent *** and ***"
