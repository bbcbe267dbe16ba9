"""What the service's refusals mean: its error envelope, and the pages that stand in front of it.

The facts are from public captures of 2025 and 2026. Where two disagree on a status, both are read.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx

from rushes.domain.errors import (
    AccountBlocked,
    Busy,
    Challenged,
    ContentRefused,
    EngineError,
    QuotaExhausted,
    Refused,
    RegionBlocked,
    SignInNeeded,
)
from rushes.engines.http import json_of, reason, retry_after, shortened

SIGN_IN = "rushes sora login signs in again; jobs that wait for it then continue automatically"
PASS_IT = "pass its check yourself, in a window: rushes sora login; if it comes back, set headed = true"

MORE_QUOTA = "wait for it, or buy more on the site; rushes sora status then reads the balance again"

OWN_TASKS_PAUSE_S = 10.0
"""After "too many in progress": how soon one of ours may have ended."""

HEAVY_LOAD_PAUSE_S = 20.0

PEOPLE = re.compile(r"photorealistic people|\bface|\bperson|\bpeople", re.IGNORECASE)


class TokenExpired(SignInNeeded):
    """The token has run out; the session may still be good."""

    next = SIGN_IN


def refusal(response: httpx.Response) -> EngineError | None:
    """Return what a known refusal means, after which nothing was accepted; None for everything else.

    An answer of 500 and above proves nothing, whatever it says, but for `heavy_load`, the service's own code.
    """
    if is_challenge(response):
        return Challenged("the site wants to see a person before it continues", next=PASS_IT)
    if response.is_success:
        return None
    body = _json(response)
    error = body.get("error")
    error = error if isinstance(error, dict) else {}
    code = str(error.get("code") or "")
    said = reason(response)
    if code == "heavy_load" and response.status_code in (429, 503):
        pause = retry_after(response) or HEAVY_LOAD_PAUSE_S
        return Busy("the service is under heavy load; nothing was accepted", ask_after=pause)
    if response.is_server_error:
        return None
    return (
        _sign_in(response.status_code, code, said)
        or _limit(response, body, error, code, said)
        or _place_or_account(response.status_code, code, error, said)
    )


def _sign_in(status: int, code: str, said: str) -> EngineError | None:
    if status != 401:
        return None
    if code == "token_expired":
        return TokenExpired(said)
    return SignInNeeded(said, next=SIGN_IN)


def _limit(
    response: httpx.Response, body: dict[str, Any], error: dict[str, Any], code: str, said: str
) -> EngineError | None:
    """Tell the kinds of "not now" apart: own tasks, the plan's quota, and all others."""
    if code == "too_many_concurrent_tasks":
        details = error.get("details")
        count = details.get("num_tasks") if isinstance(details, dict) else None
        own = f"{count} generations are" if count else "as many generations as are allowed are"
        return Busy(f"{own} in progress already; it waits for one to end", ask_after=OWN_TASKS_PAUSE_S)
    balance = body.get("rate_limit_and_credit_balance")
    exhausted = isinstance(balance, dict) and balance.get("rate_limit_reached") is True
    daily = response.status_code == 429 and "in the last day" in said
    if body.get("type") == "rate_limit_exhausted" or exhausted or daily or response.status_code == 402:
        told = quota_words(balance) if isinstance(balance, dict) else said
        return QuotaExhausted(told, next=MORE_QUOTA)
    if response.status_code == 429:
        return Busy(said, ask_after=retry_after(response))
    return None


def _place_or_account(status: int, code: str, error: dict[str, Any], said: str) -> EngineError | None:
    told = f"{code} {error.get('type') or ''}"
    if status in (400, 403, 404) and re.search(r"unsupported_(country|region)", told):
        return RegionBlocked(
            f"the service does not answer from here ({error.get('param') or 'this country'})",
            next="set a proxy in a country it serves: proxy_url or webshare_key under [engines.sora-web]",
        )
    if code == "sentinel_block":
        return Challenged(f"the site's own check refused the call ({said})", next=PASS_IT)
    if code == "phone_number_required":
        return AccountBlocked(
            "the account needs a confirmed phone number",
            next="confirm it on the site: rushes sora login opens it; the job then continues automatically",
        )
    if status == 403:
        return AccountBlocked(said)
    return None


def is_challenge(response: httpx.Response) -> bool:
    """Whether a page of the shield in front of the site answered, and not the site."""
    if response.headers.get("cf-mitigated") == "challenge":
        return True
    if response.status_code not in (403, 429, 503) or "json" in response.headers.get("content-type", ""):
        return False
    return "Just a moment" in response.text or "_cf_chl_opt" in response.text


def picture_refusal(response: httpx.Response, name: str) -> Refused | None:
    """Return why a picture was refused: an error answer, or 200 with a message for the person."""
    body = _json(response)
    message = body.get("user_error_message")
    if response.is_success and not message:
        return None
    if response.is_success or response.status_code in (400, 413, 415, 422):
        said = shortened(str(message)) if message else reason(response)
        kind = ContentRefused if PEOPLE.search(said) else Refused
        return kind(f"the service refused the picture {name}: {said}", next="use another picture")
    return None


def balance_facts(balance: Any, now: datetime) -> dict[str, Any]:
    """Return `quota_left` and `quota_resets_at` of a `rate_limit_and_credit_balance`, where it tells them.

    What is left is the plan's part and what was bought together.
    """
    if not isinstance(balance, dict):
        return {}
    facts: dict[str, Any] = {}
    counts = [
        balance.get("estimated_num_videos_remaining"),
        balance.get("estimated_num_purchased_videos_remaining"),
    ]
    known = [count for count in counts if isinstance(count, int)]
    if known:
        facts["quota_left"] = sum(known)
    resets = balance.get("access_resets_in_seconds")
    if isinstance(resets, int | float) and resets > 0:
        facts["quota_resets_at"] = (now + timedelta(seconds=resets)).isoformat(timespec="seconds")
    return facts


def quota_words(balance: dict[str, Any]) -> str:
    """Return that the quota is used up, and when there is more."""
    seconds = balance.get("access_resets_in_seconds")
    if not isinstance(seconds, int | float) or seconds <= 0:
        return "the plan's quota is used up; the service does not say until when"
    at = datetime.now(UTC) + timedelta(seconds=seconds)
    return f"the plan's quota is used up; it resets in {_span(seconds)}, at {at:%Y-%m-%d %H:%M} UTC"


def _span(seconds: float) -> str:
    if seconds < 120:
        return f"{seconds:.0f} s"
    if seconds < 7200:
        return f"{seconds / 60:.0f} min"
    return f"{seconds / 3600:.0f} h"


def _json(response: httpx.Response) -> dict[str, Any]:
    found = json_of(response)
    return found if isinstance(found, dict) else {}
