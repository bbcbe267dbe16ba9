"""What an HTTP service's answers mean, once for every engine that speaks HTTP.

Two families, because the same status means different things: after the paid create (`sending`,
`classify_create`, `created`) the question is whether money may have gone; on every other call (`asking`,
`classify_answer`) it is only whether to ask again.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

import httpx

from rushes.domain.errors import (
    AccountBlocked,
    Blocked,
    Busy,
    NotDelivered,
    OutcomeUnknown,
    QuotaExhausted,
    Refused,
    ResultGone,
    SignInNeeded,
    Unreachable,
)

MESSAGE_LIMIT = 300
"""Characters of a provider's own words that go into a message of ours."""

RAW_LIMIT = 4_000
"""Characters that are kept of an answer to a create that nobody could read."""

PERSON: dict[int, type[Blocked]] = {401: SignInNeeded, 402: QuotaExhausted, 403: AccountBlocked}
"""A person must act first; nothing was accepted."""

AMBIGUOUS = frozenset({408, 409, 425})
"""Refusals by their number, and yet some services accept the job and then answer with one of them."""

SECRET_HEADERS = re.compile(r"authorization|cookie|token|key|secret", re.IGNORECASE)
"""What the names of headers with secrets have in them."""


def create_client(base_url: str, seconds: float, **headers: str) -> httpx.AsyncClient:
    """Return a client for creates: no redirects, no retries, and a fresh connection for each.

    A connection that was kept open may have been closed by the server a moment ago; the create sent into
    it would end as an unknown outcome though nobody ever read it.
    """
    return httpx.AsyncClient(
        base_url=base_url,
        headers=headers,
        timeout=httpx.Timeout(seconds, connect=min(10.0, seconds)),
        limits=httpx.Limits(max_keepalive_connections=0),
        verify=needs_certificates(base_url),
    )


def answer_client(base_url: str, seconds: float, **headers: str) -> httpx.AsyncClient:
    """Return a client for every call but the create; its connections are kept."""
    return httpx.AsyncClient(
        base_url=base_url,
        headers=headers,
        timeout=httpx.Timeout(seconds, connect=min(10.0, seconds)),
        verify=needs_certificates(base_url),
    )


def needs_certificates(base_url: str) -> bool:
    """Whether the list of authorities is needed; reading it takes a tenth of a second for each client."""
    return not base_url.startswith("http://")


@contextmanager
def sending() -> Iterator[None]:
    """Turn what httpx raises on a create into NotDelivered, or OutcomeUnknown where it may have arrived."""
    try:
        yield
    except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.ProxyError) as error:
        raise NotDelivered(f"the provider could not be reached ({_cause(error)})") from error
    except (httpx.InvalidURL, httpx.UnsupportedProtocol) as error:
        raise Refused("the engine's address is not a web address; nothing was sent") from error
    except httpx.HTTPError as error:
        raise OutcomeUnknown(f"the create was sent and no answer came ({_cause(error)})") from error


@contextmanager
def asking() -> Iterator[None]:
    """Turn what httpx raises on any call but a create into Unreachable."""
    try:
        yield
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise Unreachable(f"the provider did not answer ({_cause(error)})") from error


def classify_create(response: httpx.Response) -> None:
    """Return where a create was accepted (2xx); else raise what its status means.

    Raises SignInNeeded (401), QuotaExhausted (402), AccountBlocked (403), Busy (429), Refused (every other
    4xx but the ambiguous ones) and OutcomeUnknown (408, 409, 425, 5xx, and whatever is no answer at all).
    """
    code = response.status_code
    if response.is_success:
        return
    said = reason(response)
    if code in PERSON:
        raise PERSON[code](said)
    if code == 429:
        raise Busy(said, ask_after=retry_after(response))
    if response.is_client_error and code not in AMBIGUOUS:
        raise Refused(said)
    raise OutcomeUnknown(f"the provider answered the create with {said}", raw=raw(response))


def created(response: httpx.Response, field: str = "id") -> dict[str, Any]:
    """Return the body of an accepted create; `field` is where its ticket stands.

    Raises what `classify_create` raises, and OutcomeUnknown with the raw body where there is no ticket.
    """
    classify_create(response)
    body = json_of(response)
    if isinstance(body, dict) and isinstance(body.get(field), str | int) and body[field] != "":
        return body
    raise OutcomeUnknown(
        f"the provider answered the create with {response.status_code} and no ticket", raw=raw(response)
    )


def classify_answer(response: httpx.Response) -> None:
    """Return where a poll or the like was answered (2xx); else raise what its status means.

    Raises SignInNeeded (401), QuotaExhausted (402), AccountBlocked (403), ResultGone (404, 410), Busy (429)
    and Unreachable (all else).
    """
    code = response.status_code
    if response.is_success:
        return
    said = reason(response)
    if code in PERSON:
        raise PERSON[code](said)
    if code in (404, 410):
        raise ResultGone(said)
    if code == 429:
        raise Busy(said, ask_after=retry_after(response))
    raise Unreachable(f"the provider answered with {said}")


def answer(response: httpx.Response) -> dict[str, Any]:
    """Return the JSON object that a poll or the like was answered with.

    Raises what `classify_answer` raises, and Unreachable where the body is something else.
    """
    classify_answer(response)
    body = json_of(response)
    if not isinstance(body, dict):
        raise Unreachable("the provider answered with something that is not a JSON object")
    return body


def retry_after(response: httpx.Response) -> float | None:
    """Return the seconds that a `Retry-After` header, a number or a date, asks for; None without one."""
    value = response.headers.get("Retry-After", "").strip()
    if not value:
        return None
    if re.fullmatch(r"\d+(\.\d+)?", value):
        return float(value)
    try:
        at = parsedate_to_datetime(value)
    except ValueError:
        return None
    if at.tzinfo is None:
        at = at.replace(tzinfo=UTC)
    return max(0.0, (at - datetime.now(UTC)).total_seconds())


def reason(response: httpx.Response) -> str:
    """Return status and reason in one short line of plain text, without any secret of the request."""
    text = _words(json_of(response)) or _plain(response.text)
    said = f"{response.status_code}" + (f": {text}" if text else f" {response.reason_phrase}".rstrip())
    return shortened(_without_secrets(said, response))


def raw(response: httpx.Response) -> str:
    """Return the body as it came, cut to a sane length, without any secret of the request."""
    return _without_secrets(response.text[:RAW_LIMIT], response)


def without_key(text: str, key: str | None) -> str:
    """Return what a service says without our key: some repeat it in their errors."""
    return text.replace(key, "***") if key else text


def json_of(response: httpx.Response) -> Any:
    """Return the JSON of a body, None where it is none."""
    try:
        return response.json()
    except ValueError:
        return None


def _words(body: Any) -> str:
    """Return the human part of the usual shapes: {"error": {"message"}}, {"message"}, {"detail"}, …"""
    if isinstance(body, str):
        return body
    if isinstance(body, list):
        return "; ".join(filter(None, (_words(one) for one in body[:3])))
    if not isinstance(body, dict):
        return ""
    for name in ("error", "message", "detail", "msg", "title"):
        found = _words(body.get(name))
        if found:
            return found
    return ""


def _plain(text: str) -> str:
    """Return the words of an HTML page, or of any text, on one line."""
    text = re.sub(r"(?is)<(script|style|head)\b.*?</\1>", " ", text)
    text = html.unescape(re.sub(r"(?s)<[^>]*>", " ", text))
    return " ".join(text.split())


def shortened(text: str) -> str:
    """Return a service's words on one line, cut to what fits into a message of ours."""
    text = " ".join(text.split())
    return text if len(text) <= MESSAGE_LIMIT else text[: MESSAGE_LIMIT - 1].rstrip() + "…"


def _without_secrets(text: str, response: httpx.Response) -> str:
    # Some services answer a wrong key by repeating it.
    for name, value in response.request.headers.items():
        for part in _pieces(value) if SECRET_HEADERS.search(name) else ():
            if len(part) >= 6 and part.lower() not in ("bearer", "basic"):
                text = text.replace(part, "***")
    return text


def _pieces(value: str) -> list[str]:
    """Return what of a header's value may stand alone: some keys are an id and a secret with a colon."""
    words = value.split()
    return [*words, *(piece for word in words for piece in word.split(":") if ":" in word)]


def _cause(error: Exception) -> str:
    return shortened(f"{type(error).__name__}: {error}" if str(error) else type(error).__name__)
