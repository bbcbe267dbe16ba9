"""How creates fail: each fault with its own error, what it says of the bill, and one POST each."""

from __future__ import annotations

import socket
from collections.abc import Callable
from typing import Any

import pytest

from rushes.domain.errors import (
    AccountBlocked,
    BadSettings,
    Billed,
    Busy,
    ContentRefused,
    EngineError,
    NotDelivered,
    OutcomeUnknown,
    QuotaExhausted,
    Refused,
    RegionBlocked,
    SignInNeeded,
)
from rushes.testing.openai_videos_service import KEY
from tests.engines.openai_videos.lab import Lab

Labs = Callable[..., Lab]
PAGE = "<html><head><title>x</title></head><body><h1>Bad gateway</h1> cloud edge</body></html>"


def coded(code: str, message: str = "no", **more: Any) -> dict[str, Any]:
    return {"error": {"message": message, "code": code, **more}}


async def refused(one: Lab, expected: type[EngineError], words: str = "", **fields: Any) -> EngineError:
    """Submit, and return the error that it has to end with."""
    async with one.engine() as engine:
        prepared = await one.prepared(engine, words, **fields)
        with pytest.raises(expected) as caught:
            await engine.submit(prepared, key="unused")
    assert type(caught.value) is expected
    return caught.value


async def test_an_answer_without_an_id_is_told_in_its_own_words(lab: Labs) -> None:
    """Nobody knows whether it was accepted; whoever has to decide reads what the server said (C17)."""
    one = lab("NewApi")
    one.tell("create", status=200, body={"code": 1102, "message": "Account balance not enough"})
    error = await refused(one, OutcomeUnknown)
    assert "with 200: Account balance not enough, and no ticket" in error.message


FAULTS: dict[str, tuple[dict[str, Any], type[EngineError]]] = {
    "500": ({"status": 500, "body": {"detail": "Internal Server Error"}}, OutcomeUnknown),
    "502 as a page": ({"status": 502, "body": PAGE}, OutcomeUnknown),
    "503": ({"status": 503}, OutcomeUnknown),
    "504": ({"status": 504}, OutcomeUnknown),
    "408": ({"status": 408}, OutcomeUnknown),
    "409": ({"status": 409}, OutcomeUnknown),
    "429": ({"status": 429, "body": coded("rate_limit_exceeded")}, Busy),
    "no answer in time": ({"delay": 3.0}, OutcomeUnknown),
    "dropped before it was accepted": ({"drop": True}, OutcomeUnknown),
    "dropped after it was accepted": ({"drop": True, "accept": True}, OutcomeUnknown),
    "202 and nothing": ({"status": 202, "body": "", "accept": True}, OutcomeUnknown),
    "200 without an id": ({"status": 200, "body": {"status": "queued"}, "accept": True}, OutcomeUnknown),
    "200 and a page": ({"status": 200, "body": PAGE}, OutcomeUnknown),
    "sent elsewhere": ({"status": 307, "headers": {"Location": "/v1/videos/"}}, OutcomeUnknown),
}


@pytest.mark.parametrize("name", FAULTS)
async def test_a_create_is_posted_once_whatever_comes_of_it(lab: Labs, name: str) -> None:
    """Nothing is sent again by itself; only what may have been accepted says that nobody knows."""
    told, expected = FAULTS[name]
    one = lab(post_timeout=told.get("delay", 30.0) / 3)
    one.tell("create", **told)
    error = await refused(one, expected)
    assert len(one.posts()) == 1
    assert error.billed is (Billed.UNKNOWN if expected is OutcomeUnknown else Billed.NO)
    assert len(one.jobs()) == bool(told.get("accept"))
    assert "<" not in error.message


async def test_every_create_has_a_connection_of_its_own(lab: Labs) -> None:
    """A kept connection may be closed just then, and the create would be lost on it."""
    one = lab()
    before = len(one.server.requests("list"))
    async with one.engine() as engine:
        for number in range(3):
            await one.accepted(engine, str(number))
    creates = {post["connection"] for post in one.posts()}
    others = {call["connection"] for call in one.server.requests("list")[before:]}
    assert (len(creates), len(others)) == (3, 1)
    assert not others & creates


async def test_an_unreadable_answer_is_kept(lab: Labs) -> None:
    """What came in place of an id is all that a person has to go by, without our key in it."""
    one = lab("NewApi")
    one.tell("create", status=200, body={"code": "success", "data": None, "echo": KEY})
    error = await refused(one, OutcomeUnknown)
    assert isinstance(error, OutcomeUnknown)
    assert error.raw is not None
    assert '"code":"success"' in error.raw
    assert KEY not in error.raw + error.message


@pytest.mark.parametrize(("headers", "seconds"), [({"Retry-After": "7"}, 7.0), ({}, None)])
async def test_busy_says_when_to_come_back(lab: Labs, headers: dict[str, str], seconds: float | None) -> None:
    """429 with and without Retry-After: nothing was accepted."""
    one = lab()
    one.tell("create", status=429, headers=headers)
    error = await refused(one, Busy)
    assert isinstance(error, Busy)
    assert error.ask_after == seconds


async def test_nobody_at_home_is_not_delivered(lab: Labs) -> None:
    """A refused connection provably delivered nothing."""
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        one = lab(base_url=f"http://127.0.0.1:{nobody.getsockname()[1]}")
        await refused(one, NotDelivered)


@pytest.mark.parametrize(("kind", "shown"), [("OpenAIVideos", True), ("NewApi", False)])
async def test_a_wrong_key_is_never_shown(lab: Labs, kind: str, shown: bool) -> None:
    """OpenAI repeats the key in its refusal; we do not."""
    wrong = "sk-wrong-key-0123456789"
    one = lab(kind, key=wrong)
    error = await refused(one, SignInNeeded, resolution="720p")
    assert wrong not in error.message + error.next
    assert ("Incorrect API key provided: ***" in error.message) is shown
    with pytest.raises(SignInNeeded) as caught:
        async with one.engine() as engine:
            await engine.check()
    assert wrong not in caught.value.message


REFUSALS: dict[str, tuple[int, Any, type[EngineError], str]] = {
    "empty at OpenAI": (429, coded("insufficient_quota"), QuotaExhausted, "no money left"),
    "empty at new-api": (403, coded("insufficient_user_quota"), QuotaExhausted, "no money left"),
    "empty at LiteLLM": (
        400,
        {"error": {"message": "x", "type": "budget_exceeded"}},
        QuotaExhausted,
        "money",
    ),
    "402": (402, {"message": "top up"}, QuotaExhausted, "top up"),
    "the account": (403, coded("account_deactivated", "violates usage policies"), AccountBlocked, "violates"),
    "the country": (403, coded("unsupported_country_region_territory"), RegionBlocked, "403"),
    "content by its code": (400, coded("moderation_blocked", param="prompt"), ContentRefused, "the prompt"),
    "content by its words": (400, coded("", "Blocked by our moderation system"), ContentRefused, "Blocked"),
    "content at 403": (403, coded("content_policy_violation"), ContentRefused, "the request"),
    "model at OpenAI": (404, coded("model_not_found"), Refused, "has no model"),
    "model at new-api": (503, coded("model_not_found", "no available channel"), Refused, "has no model"),
    "model is gone": (410, {"detail": "This model is no longer available"}, Refused, "has no model"),
    "no such route": (404, {"detail": "Not Found"}, Refused, "has no /videos"),
    "a bad value": (400, coded("invalid_value", "seconds: 5"), Refused, "seconds: 5"),
    "too large": (413, PAGE, Refused, "413: Bad gateway cloud edge"),
    "422 as a list": (
        422,
        {"detail": [{"loc": ["body"], "msg": "Field required"}]},
        Refused,
        "Field required",
    ),
}


@pytest.mark.parametrize("name", REFUSALS)
async def test_the_body_tells_what_the_status_does_not(lab: Labs, name: str) -> None:
    """Gateways answer with odd statuses: the code decides who can mend it, and what to change."""
    status, body, expected, words = REFUSALS[name]
    one = lab()
    one.tell("create", status=status, body=body)
    error = await refused(one, expected)
    assert words in error.message
    assert error.next
    assert error.billed is Billed.NO
    assert len(one.posts()) == 1


async def test_a_refused_reference_is_named(lab: Labs) -> None:
    """Where the server says that it was the picture, the message says which."""
    one = lab("OpenAIVideos")
    one.tell("create", status=400, body=coded("moderation_blocked", param="input_reference"))
    error = await refused(one, ContentRefused, references=(one.first_frame(),))
    assert "refused the reference frame.png for its content" in error.message


async def test_the_strict_servers_own_refusals_name_the_field(lab: Labs) -> None:
    """An unknown parameter and a length that is not made come back in the server's words."""
    strict = lab("OpenAIVideos")
    unknown = await refused(strict, Refused, seed=7, resolution="720p")
    length = await refused(strict, Refused, seconds=5.0, resolution="720p")
    assert "Unknown parameter: 'seed'" in unknown.message
    assert "'4', '8', '12'" in length.message


async def test_a_server_that_wants_a_form_says_which_setting_to_change(lab: Labs) -> None:
    """vLLM-Omni reads no JSON: its refusal is about a missing field, and the cure is the transport."""
    one = lab("VllmOmni", transport="json")
    one.tell("create", status=415, body={"detail": "Content-Type must be multipart/form-data"})
    error = await refused(one, Refused)
    assert "transport" in error.next


async def test_a_server_that_moved_is_told_before_anything_is_sent(lab: Labs) -> None:
    """A redirected create would leave nobody knowing: the redirect of the list says it first."""
    one = lab()
    one.server.tell("list", status=308, headers={"Location": "https://new.example.com/v1/videos"}, times=1)
    async with one.engine() as engine:
        with pytest.raises(BadSettings, match=r"https://new\.example\.com") as caught:
            await one.prepared(engine)
    assert "base_url" in caught.value.next
    assert one.posts() == []
