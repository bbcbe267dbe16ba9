"""What an HTTP answer means: after a create, and after everything else."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import httpx
import pytest

from rushes.domain.errors import (
    AccountBlocked,
    Busy,
    EngineError,
    NotDelivered,
    OutcomeUnknown,
    QuotaExhausted,
    Refused,
    ResultGone,
    SetupError,
    SignInNeeded,
    Unreachable,
)
from rushes.engines.http import (
    MESSAGE_LIMIT,
    answer,
    asking,
    classify_answer,
    classify_create,
    created,
    moment,
    raw,
    reason,
    retry_after,
    sending,
    shortened,
)

KEY = "sk-abcdef123456"
CREATE: dict[int, type[EngineError]] = {
    302: OutcomeUnknown,
    400: Refused,
    401: SignInNeeded,
    402: QuotaExhausted,
    403: AccountBlocked,
    404: Refused,
    408: OutcomeUnknown,
    409: OutcomeUnknown,
    413: Refused,
    422: Refused,
    425: OutcomeUnknown,
    429: Busy,
    500: OutcomeUnknown,
    503: OutcomeUnknown,
    504: OutcomeUnknown,
}
OTHERS: dict[int, type[EngineError]] = {
    302: Unreachable,
    400: Unreachable,
    401: SignInNeeded,
    402: QuotaExhausted,
    403: AccountBlocked,
    404: ResultGone,
    408: Unreachable,
    410: ResultGone,
    429: Busy,
    500: Unreachable,
    503: Unreachable,
}


def response(status: int, body: str = "", **headers: str) -> httpx.Response:
    request = httpx.Request("POST", "https://api.example/create", headers={"Authorization": f"Bearer {KEY}"})
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return httpx.Response(status, text=body, headers=named, request=request)


@pytest.mark.parametrize(("status", "error"), CREATE.items())
def test_a_create_is_classified_by_what_may_have_been_bought(status: int, error: type[EngineError]) -> None:
    """Each status of a create raises the class that the table of failing submits names."""
    with pytest.raises(error) as caught:
        classify_create(response(status))
    assert type(caught.value) is error


@pytest.mark.parametrize(("status", "error"), OTHERS.items())
def test_other_calls_are_classified_by_whether_to_ask_again(status: int, error: type[EngineError]) -> None:
    """Each status of a poll raises its own class."""
    with pytest.raises(error) as caught:
        classify_answer(response(status))
    assert type(caught.value) is error


@pytest.mark.parametrize("body", ["", "<html>hello</html>", "[]", "{}", '{"id": null}', '{"id": ""}', '"r1"'])
def test_an_accepted_create_without_a_ticket_is_unknown_and_kept(body: str) -> None:
    """2xx and no ticket: it may have been accepted, and the body is all there is to go by."""
    with pytest.raises(OutcomeUnknown) as caught:
        created(response(202, body))
    assert caught.value.raw == body


@pytest.mark.parametrize(("body", "ticket"), [('{"id": "r1"}', "r1"), ('{"id": 7}', 7)])
def test_a_ticket_is_found(body: str, ticket: object) -> None:
    """The usual answer gives its ticket."""
    assert created(response(201, body))["id"] == ticket


@pytest.mark.parametrize("body", ["", "<<<", "[1]", "null"])
def test_a_poll_that_is_no_object_is_unreachable(body: str) -> None:
    """Garbage in a poll is only asked again."""
    with pytest.raises(Unreachable):
        answer(response(200, body))


@pytest.mark.parametrize(
    "error",
    [httpx.ConnectError("x"), httpx.ConnectTimeout("x"), httpx.PoolTimeout("x"), httpx.ProxyError("x")],
)
def test_what_provably_never_left_is_not_delivered(error: Exception) -> None:
    """DNS, refused, connect and pool timeouts: the create is sent again."""
    with pytest.raises(NotDelivered), sending():
        raise error


@pytest.mark.parametrize(
    "error",
    [
        httpx.ReadTimeout("x"),
        httpx.WriteTimeout("x"),
        httpx.ReadError("x"),
        httpx.WriteError("x"),
        httpx.RemoteProtocolError("x"),
        httpx.DecodingError("x"),
    ],
)
def test_what_may_have_left_is_unknown(error: Exception) -> None:
    """Anything after the first byte: nobody knows."""
    with pytest.raises(OutcomeUnknown), sending():
        raise error


VIDEO = b"\0\0\0\x20ftypisom\0\0\2\0isomiso2avc1mp41" + bytes(range(256)) * 40


@pytest.mark.parametrize("kind", ["application/json", "text/plain; charset=gbk", "video/mp4"])
def test_what_is_no_text_is_told_by_its_size(kind: str) -> None:
    """A video in place of words never reaches a message or the ledger, whatever it is called (C24)."""
    body = httpx.Response(
        400, content=VIDEO, headers={"Content-Type": kind}, request=httpx.Request("GET", "https://a.test")
    )
    assert reason(body) == f"400: (binary data, {len(VIDEO):,} bytes)"
    assert raw(body) == f"(binary data, {len(VIDEO):,} bytes)"


def test_a_message_in_json_that_is_no_text_is_told_by_its_size() -> None:
    """The same where a service wraps what it got from another (C24)."""
    wrapped = VIDEO.decode("latin-1")
    assert shortened(wrapped) == f"(binary data, {len(wrapped.encode()):,} bytes)"


@pytest.mark.parametrize(
    "error",
    [
        httpx.LocalProtocolError(f"Illegal header value b'Bearer {KEY}'"),
        httpx.UnsupportedProtocol(KEY),
        httpx.InvalidURL(KEY),
    ],
)
def test_what_was_never_a_request_is_a_setup_error(error: Exception) -> None:
    """Nothing was sent, and what could not be sent is not told (B1)."""
    with pytest.raises(SetupError, match="nothing was sent") as caught, sending():
        raise error
    assert KEY not in caught.value.message


def test_any_broken_call_but_a_create_is_unreachable() -> None:
    """A poll that breaks is asked again, however it broke."""
    with pytest.raises(Unreachable), asking():
        raise httpx.ReadTimeout("")


async def test_a_name_that_no_dns_knows_is_not_delivered() -> None:
    """The real thing, not a made-up exception."""
    async with httpx.AsyncClient() as client:
        with pytest.raises(NotDelivered), sending():
            await client.post("http://no-such-host.invalid/create")


@pytest.mark.parametrize(
    ("value", "seconds"), [("7", 7.0), ("1.5", 1.5), ("soon", None), ("", None), ("-3", None)]
)
def test_retry_after_as_a_number(value: str, seconds: float | None) -> None:
    """A number of seconds is taken as it is, anything else is no answer."""
    assert retry_after(response(429, Retry_After=value)) == seconds


def test_retry_after_as_a_date() -> None:
    """A date is how long it is from now, and the past is now."""
    now = datetime.now(UTC)
    late = retry_after(response(429, Retry_After=format_datetime(now + timedelta(seconds=90), usegmt=True)))
    assert late is not None
    assert 85 < late <= 90
    past = format_datetime(now - timedelta(days=1), usegmt=True)
    assert retry_after(response(429, Retry_After=past)) == 0.0


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ('{"error": {"message": "no such model", "code": 7}}', "422: no such model"),
        ('{"error": "no such model"}', "422: no such model"),
        ('{"detail": [{"msg": "too long"}, {"msg": "too wide"}]}', "422: too long; too wide"),
        ("<html><head><title>x</title></head><body><h1>Oh</h1>&amp; no</body></html>", "422: Oh & no"),
        ("", "422 Unprocessable Entity"),
        (f'{{"error": "wrong key {KEY}"}}', "422: wrong key ***"),
    ],
)
def test_a_reason_is_one_line_of_plain_text_without_secrets(body: str, said: str) -> None:
    """JSON in the usual shapes, HTML as its words, and never the key that was sent."""
    assert reason(response(422, body)) == said


def test_a_long_reason_is_cut() -> None:
    """A page of text does not become a message."""
    assert len(reason(response(500, "word " * 10_000))) <= MESSAGE_LIMIT


DAY = datetime(2026, 11, 30, 12, 30, 15, tzinfo=UTC)


@pytest.mark.parametrize(
    "value",
    [
        1796041815,
        1796041815.0,
        1796041815000,
        1796041815000.0,
        "1796041815",
        " 1796041815000 ",
        "2026-11-30T12:30:15Z",
        "2026-11-30T13:30:15+01:00",
        "2026-11-30 12:30:15",
    ],
)
def test_a_moment_is_read_however_it_is_written(value: object) -> None:
    """Seconds, milliseconds and ISO 8601, as numbers and as text, are the same moment in UTC (B10)."""
    assert moment(value) == DAY
    assert moment(value).tzinfo is UTC  # type: ignore[union-attr]


@pytest.mark.parametrize(
    "value",
    [
        *(None, True, {}, [], "", "soon", "nan", "-inf", "9" * 5000, "9999-12-31", "0001-01-01T00:00+23:59"),
        *(0, -1, -1796041815000, 1e15, 1e300, 10**400, -(10**400), float("nan"), float("inf"), float("-inf")),
    ],
    ids=lambda value: repr(value)[:20],
)
def test_what_names_no_moment_is_none(value: object) -> None:
    """An absurd date raises nothing: the clip that it stands beside is paid for (B10)."""
    assert moment(value) is None
