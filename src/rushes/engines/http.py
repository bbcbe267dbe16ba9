"""What an HTTP service's answers mean, once for every engine that speaks HTTP.

Two families, because the same status means different things: after the paid create (`sending`,
`classify_create`, `created`) the question is whether money may have gone; on every other call (`asking`,
`classify_answer`) it is only whether to ask again.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlsplit

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
    SetupError,
    SignInNeeded,
    Unreachable,
)
from rushes.domain.text import RAW_LIMIT, TextFilter, one_line
from rushes.engines.bodies import LARGEST_LIST, LARGEST_WITH_FILE, AnswerTooLarge
from rushes.engines.delivery import current, observed
from rushes.engines.transports import AnswerTransport, CreateTransport, PrivateAddress, notes_of
from rushes.media.signature import is_text

MOST_VALUES = 500_000
"""Values in the JSON of an answer. Each may be two bytes of it, and takes up to a hundred of memory."""

MESSAGE_LIMIT = 300
"""Characters of a provider's own words that go into a message of ours."""

PERSON: dict[int, type[Blocked]] = {401: SignInNeeded, 402: QuotaExhausted, 403: AccountBlocked}
"""A person must act first; nothing was accepted."""

AMBIGUOUS = frozenset({408, 409, 425})
"""Refusals by their number, and yet some services accept the job and then answer with one of them."""

ERROR_FIELDS = frozenset({"error", "code", "message", "status", "request_id", "success", "type"})
"""What an answer holds that is an error and nothing else."""

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

MILLISECONDS_FROM = 1e11
"""As seconds it is the year 5138, as milliseconds 1973: a larger number is of milliseconds."""

SECRET_HEADERS = re.compile(r"authorization|cookie|token|key|secret", re.IGNORECASE)
"""What the names of headers with secrets have in them."""

IN_HEADERS = re.compile(r"[!-~]([ -~]*[!-~])?|")
"""What the value of a header of ours may be."""

UNMADE = (
    httpx.InvalidURL,
    httpx.UnsupportedProtocol,
    httpx.LocalProtocolError,
    httpx.CookieConflict,
    UnicodeEncodeError,
)
"""What httpx raises where it cannot make a request of what it was given."""

LONG_LIST = {"largest_body": LARGEST_LIST}
"""The `extensions` of a request whose answer describes many models, or many jobs."""

MAY_HOLD_FILE = {"largest_body": LARGEST_WITH_FILE}
"""The `extensions` of a request whose answer may have the clip itself in it."""

PUBLIC_ONLY = {"public_only": True}
"""The `extensions` of a request to an address that the provider named: it must not lead into our network."""

NO_ADDRESS = "the engine's address is not a web address; nothing was sent"
CORRECT_ADDRESS = "write it as http://HOST:PORT or https://HOST in the settings file (rushes config path)"

UNSENDABLE = "the engine's key, or another header, has a character that cannot be sent; nothing was sent"
COPY_AGAIN = "copy the key again, without spaces or line breaks: rushes config set ENGINE.key"


def create_client(base_url: str, seconds: float, **headers: str) -> httpx.AsyncClient:
    """Return a client for creates: no redirects, no retries, and a fresh connection for each.

    A connection that was kept open may have been closed by the server a moment ago; the create sent into
    it would end as an unknown outcome though nobody ever read it.

    Use it for the creates of an engine and nothing else: where it saw nothing leave, nothing was bought.
    Raises SetupError where address, headers, certificates or proxy cannot be used.
    """
    current().watched = True
    transport = CreateTransport(_address(base_url), httpx.Limits(max_keepalive_connections=0))
    return _client(base_url, seconds, headers, transport)


def answer_client(base_url: str, seconds: float, **headers: str) -> httpx.AsyncClient:
    """Return a client for every call but the create; its connections are kept. Raises SetupError."""
    transport = AnswerTransport(_address(base_url), httpx.Limits())
    return _client(base_url, seconds, headers, transport)


def _client(
    base_url: str, seconds: float, headers: Mapping[str, str], transport: AnswerTransport
) -> httpx.AsyncClient:
    for value in headers.values():
        if not IN_HEADERS.fullmatch(value):
            raise SetupError(UNSENDABLE, next=COPY_AGAIN)
    return httpx.AsyncClient(
        base_url=base_url,
        headers=dict(headers),
        timeout=httpx.Timeout(seconds, connect=min(10.0, seconds)),
        transport=transport,
    )


def _address(base_url: str) -> httpx.URL:
    try:
        url = httpx.URL(base_url)
        if url.scheme in ("http", "https") and url.host and urlsplit(base_url).port != 0:
            return url
    except (httpx.InvalidURL, ValueError):
        pass
    # Not shown: it may hold a password.
    raise SetupError(NO_ADDRESS, next=CORRECT_ADDRESS)


@contextmanager
def sending() -> Iterator[None]:
    """Turn what httpx raises on a create into what it means for the money.

    NotDelivered where nothing arrived, SetupError where no request could be made of it, OutcomeUnknown where
    it may have arrived. No message repeats what could not be sent: that may be a key.
    """
    with observed() as delivery:
        try:
            yield
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.ProxyError) as error:
            raise NotDelivered(f"the provider could not be reached ({_cause(error)})") from error
        except UNMADE as error:
            if delivery.left:
                raise OutcomeUnknown(f"the create was cut off ({type(error).__name__})") from error
            raise _unmade(error) from error
        except AnswerTooLarge as error:
            # A refusal is one, however long it is.
            classify_create(error.response)
            raise OutcomeUnknown(f"the create was sent, and {error}", raw=raw(error.response)) from error
        except httpx.HTTPError as error:
            if delivery.stayed_here:
                raise NotDelivered(f"the provider could not be reached ({_cause(error)})") from error
            raise OutcomeUnknown(f"the create was sent and no answer came ({_cause(error)})") from error


@contextmanager
def asking() -> Iterator[None]:
    """Turn what a client raises on any call but a create into Unreachable; SetupError where none was made."""
    try:
        yield
    except (httpx.InvalidURL, httpx.UnsupportedProtocol) as error:
        # An address that the provider named: those of the settings were looked at when the client was made.
        raise Unreachable("the provider named an address that is not a web address") from error
    except UNMADE as error:
        raise _unmade(error) from error
    except PrivateAddress as error:
        raise Unreachable(f"the provider named an address to send to, and {error}") from error
    except AnswerTooLarge as error:
        raise Unreachable(f"the provider answered, and {error}") from error
    except httpx.HTTPError as error:
        raise Unreachable(f"the provider did not answer ({_cause(error)})") from error


def _unmade(error: Exception) -> SetupError:
    """Return what it means that no request could be made, without the words of `error`."""
    if isinstance(error, httpx.InvalidURL | httpx.UnsupportedProtocol):
        return SetupError(NO_ADDRESS, next=CORRECT_ADDRESS)
    return SetupError(UNSENDABLE, next=COPY_AGAIN)


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
    raise missing_ticket(response)


def missing_ticket(response: httpx.Response) -> OutcomeUnknown:
    """Return the doubt about a create that was answered with success and no ticket, in its own words."""
    body = json_of(response)
    told = body if isinstance(body, Mapping) else {}
    error = bool(told.get("error") or (told.get("message") and told.get("code")))
    # Nothing else in it names or describes a job: a person may take it for a refusal.
    only = error and not set(told) - ERROR_FIELDS
    return OutcomeUnknown(
        f"the provider answered the create with {reason(response)}, and no ticket"
        + ("; the answer is an error and nothing else" if only else ""),
        raw=raw(response),
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
    except (ValueError, OverflowError):
        return None
    if at.tzinfo is None:
        at = at.replace(tzinfo=UTC)
    return max(0.0, (at - datetime.now(UTC)).total_seconds())


def reason(response: httpx.Response) -> str:
    """Return status and reason in one short line of plain text, without any secret of the request."""
    text = _words(json_of(response)) or _plain(text_of(response)[: 4 * RAW_LIMIT])
    said = f"{response.status_code}" + (f": {text}" if text else f" {response.reason_phrase}".rstrip())
    return shortened(_without_secrets(said, response))


def raw(response: httpx.Response) -> str:
    """Return the body as it came, cut to a sane length, without any secret of the request."""
    return _without_secrets(text_of(response), response)[:RAW_LIMIT]


def text_of(response: httpx.Response) -> str:
    """Return a body's text; of one that is no text, such as a video, only how large it is."""
    return response.text if is_text(response.content[:RAW_LIMIT]) else _binary(len(response.content))


def _binary(size: int) -> str:
    return f"(binary data, {size:,} bytes)"


def without_key(text: str, key: str | None) -> str:
    """Return what a service says without our key: some repeat it in their errors."""
    return text.replace(key, "***") if key else text


def json_of(response: httpx.Response) -> Any:
    """Return the JSON of a body; None if it is none, or has more than `MOST_VALUES` values."""
    # A clip in it is one value: neither base64 nor an address has these.
    if sum(map(response.content.count, (b",", b"[", b"{"))) > MOST_VALUES:
        return None
    try:
        return response.json()
    except (ValueError, RecursionError):
        return None


def moment(value: object) -> datetime | None:
    """Return the moment in UTC that a service names: Unix seconds or milliseconds, or text with ISO 8601.

    None for anything else, such as NaN, a negative number, or a year that is far off. It never raises.
    """
    if isinstance(value, str):
        return _moment_in_text(value.strip())
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    # NaN is not between any two numbers.
    if not 0 < value < MILLISECONDS_FROM * 1000:
        return None
    # Added up, since the systems differ in the timestamps that they convert.
    return EPOCH + timedelta(seconds=value / 1000 if value > MILLISECONDS_FROM else value)


def _moment_in_text(text: str) -> datetime | None:
    """Return the moment of a number in text, or of ISO 8601; without a time zone it is in UTC."""
    with suppress(ValueError):
        return moment(float(text))
    try:
        named = datetime.fromisoformat(text)
    except ValueError:
        return None
    seconds = ((named if named.tzinfo else named.replace(tzinfo=UTC)) - EPOCH).total_seconds()
    return moment(seconds) if seconds < MILLISECONDS_FROM else None


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
    """Return a service's words on one line, cut to what fits into a message of ours.

    What is no text is shown by its size.
    """
    encoded = text.encode("utf-8", "replace")
    return one_line(text if is_text(encoded) else _binary(len(encoded)), MESSAGE_LIMIT)


def _without_secrets(text: str, response: httpx.Response) -> str:
    # Some services answer a wrong key by repeating it.
    headers = response.request.headers.items()
    values = (value for name, value in headers if SECRET_HEADERS.search(name))
    words = (word for value in values for word in value.split() if word.lower() not in ("bearer", "basic"))
    return TextFilter(words).block(text, 4 * RAW_LIMIT)


def _cause(error: Exception) -> str:
    words = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
    return shortened(words + notes_of(error))
