"""A create is sent once, whatever is answered, and every answer is told for what it is."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from rushes.domain.errors import (
    AccountBlocked,
    Billed,
    Busy,
    ContentRefused,
    NotDelivered,
    OutcomeUnknown,
    QuotaExhausted,
    Refused,
    ResultGone,
    RushesError,
    SignInNeeded,
)
from rushes.domain.request import Role
from rushes.testing.openrouter_service import EMPTY_KEY, KEY
from tests.engines.openrouter.stage import FLUX, HAILUO, KLING, SEEDANCE, Stage

PAGE = "<html><head><title>x</title></head><body><h1>502 Bad Gateway</h1>nginx</body></html>"


def envelope(code: int, message: str, **metadata: Any) -> dict[str, Any]:
    """Return the service's own error answer."""
    return {"status": code, "body": {"error": {"code": code, "message": message, "metadata": metadata}}}


UNKNOWN: list[tuple[str, dict[str, Any], str]] = [
    ("500", envelope(500, "Internal Server Error"), "500: Internal Server Error"),
    ("502", envelope(502, "Provider returned error", raw="down"), "502: Provider returned error"),
    ("503", envelope(503, "No available provider"), "503: No available provider"),
    ("504 accepted", {**envelope(504, "Gateway timeout"), "accept": True}, "504"),
    ("a page", {"status": 502, "body": PAGE, "headers": {"content-type": "text/html"}}, "502 Bad Gateway"),
    ("408", envelope(408, "Request timed out"), "408"),
    ("409", envelope(409, "Conflict"), "409"),
    ("499", envelope(499, "Client closed request"), "499"),
    ("202 empty", {"status": 202, "body": "", "accept": True}, "and no ticket"),
    ("202 page", {"status": 202, "body": PAGE, "accept": True}, "and no ticket"),
    ("202 without id", {"status": 202, "body": {"status": "pending"}, "accept": True}, "no ticket"),
    ("200 error", {"status": 200, "body": {"error": {"message": "late"}}}, "and no ticket"),
    ("redirect", {"status": 307, "body": "", "headers": {"location": "/api/v1/videos"}}, "307"),
    ("dropped before", {"drop": True}, "no answer came"),
    ("dropped after", {"drop": True, "accept": True}, "no answer came"),
]


@pytest.mark.parametrize(("answer", "told"), [one[1:] for one in UNKNOWN], ids=[one[0] for one in UNKNOWN])
async def test_what_proves_nothing_leaves_the_outcome_unknown(
    stage: Stage, answer: dict[str, Any], told: str
) -> None:
    """One POST, no second one, billed unknown, and where a person finds out what became of it."""
    stage.tell("create", **answer)
    async with stage.engine() as engine:
        with pytest.raises(OutcomeUnknown) as caught:
            await stage.accepted(engine)
    assert len(stage.posts()) == 1
    assert told in caught.value.message
    assert caught.value.billed is Billed.UNKNOWN
    assert "openrouter.ai/activity" in caught.value.next
    assert "--accepted" in caught.value.next
    assert len(stage.creates()) == (1 if answer.get("accept") else 0)


async def test_a_create_that_is_answered_too_late_is_not_sent_again(stage: Stage) -> None:
    """The time-out of the engine's own comes before the pipeline's; the service had accepted."""
    stage.tell("create", delay=5.0)
    async with stage.engine(post_timeout=1.0) as engine:
        with pytest.raises(OutcomeUnknown, match="no answer came"):
            await stage.accepted(engine)
    assert len(stage.posts()) == 1
    assert len(stage.creates()) == 1


async def test_a_lost_answer_keeps_what_came(stage: Stage) -> None:
    """What an answer without a ticket held is kept, so that a person can read it."""
    stage.tell("create", status=202, body={"odd": "shape"}, accept=True)
    async with stage.engine() as engine:
        with pytest.raises(OutcomeUnknown) as caught:
            await stage.accepted(engine)
    assert caught.value.raw == '{"odd":"shape"}'


KNOWN: list[tuple[str, dict[str, Any], type[RushesError], str]] = [
    ("429", envelope(429, "Rate limited"), Busy, "429: Rate limited"),
    ("402", envelope(402, "Insufficient credits"), QuotaExhausted, "Insufficient credits"),
    ("402 later", envelope(402, "wait", limit_source="openrouter_in_flight_budget"), Busy, "402: wait"),
    ("401", envelope(401, "User not found"), SignInNeeded, "User not found"),
    ("403", envelope(403, "Key has no access"), AccountBlocked, "Key has no access"),
    ("403 page", {"status": 403, "body": PAGE}, AccountBlocked, "403"),
    ("400", envelope(400, "duration must be one of 5, 10"), Refused, "duration must be"),
    ("400 url", envelope(400, "see https://example.com/limits"), Refused, "https://example.com/limits"),
    ("404", envelope(404, "No endpoints found"), Refused, f"no endpoint for {KLING}"),
    ("413", envelope(413, "Downloaded image content cannot exceed 30MB"), Refused, "too large"),
    ("422", {"status": 422, "body": {"detail": [{"msg": "odd"}]}}, Refused, "422: odd"),
]


@pytest.mark.parametrize(
    ("answer", "error", "told"), [one[1:] for one in KNOWN], ids=[one[0] for one in KNOWN]
)
async def test_a_clear_no_is_told_and_not_billed(
    stage: Stage, answer: dict[str, Any], error: type[RushesError], told: str
) -> None:
    """One POST, nothing accepted, nothing billed, and something to do next."""
    stage.tell("create", **answer)
    async with stage.engine() as engine:
        with pytest.raises(error) as caught:
            await stage.accepted(engine)
    assert type(caught.value) is error
    assert told in caught.value.message
    assert caught.value.billed is Billed.NO
    assert caught.value.next
    assert len(stage.posts()) == 1
    assert stage.creates() == []


@pytest.mark.parametrize(
    ("answer", "seconds"),
    [
        ({**envelope(429, "slow"), "headers": {"Retry-After": "7"}}, 7.0),
        (envelope(429, "slow", retry_after_seconds=17), 17.0),
        (envelope(429, "slow"), None),
        ({**envelope(402, "in flight"), "headers": {"Retry-After": "3"}}, 3.0),
        (envelope(402, "in flight", limit_source="openrouter_in_flight_budget"), 30.0),
    ],
)
async def test_how_long_to_wait_is_taken_from_where_it_is_told(
    stage: Stage, answer: dict[str, Any], seconds: float | None
) -> None:
    """The header, else the body of an upstream's refusal; a budget that is only lent out is waited for."""
    stage.tell("create", **answer)
    async with stage.engine() as engine:
        with pytest.raises(Busy) as caught:
            await stage.accepted(engine)
    assert caught.value.ask_after == seconds


@pytest.mark.parametrize(
    ("answer", "about"),
    [
        (
            envelope(403, "flagged", reasons=["violence"], flagged_input="a knife"),
            r"reasons: violence; in the prompt: a knife",
        ),
        (envelope(400, "Provider returned error", raw="InputTextSensitiveContentDetected"), r"\(the words\)"),
        (
            envelope(400, "The input image may contain real person"),
            r"\(a picture that was handed in\).*real person",
        ),
        (envelope(422, "OutputVideoSensitiveContentDetected"), r"\(what came out\)"),
    ],
)
async def test_a_refusal_for_its_content_says_what_it_is_about(
    stage: Stage, answer: dict[str, Any], about: str
) -> None:
    """The words, a picture or the result, with the service's own reason; none of them is billed."""
    stage.tell("create", **answer)
    async with stage.engine() as engine:
        with pytest.raises(ContentRefused, match=about) as caught:
            await stage.accepted(engine)
    assert caught.value.billed is Billed.NO


async def test_keys_are_told_apart_and_never_shown(stage: Stage) -> None:
    """No key, a wrong one, which the service repeats, and one without credits."""
    wrong = "sk-or-v1-not-a-key-of-anybody"
    for key, error in (("", SignInNeeded), (wrong, SignInNeeded), (EMPTY_KEY, QuotaExhausted)):
        async with stage.engine(key=key) as engine:
            with pytest.raises(error) as caught:
                await stage.accepted(engine)
        told = f"{caught.value} {caught.value.next} {caught.value!r}"
        assert not key or key not in told
    assert "User not found for ***" in await wrong_key(stage, wrong)
    assert stage.creates() == []


async def wrong_key(stage: Stage, key: str) -> str:
    async with stage.engine(key=key) as engine:
        with pytest.raises(SignInNeeded) as caught:
            await engine.check()
    return caught.value.message


async def test_no_key_of_the_environment_is_used(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keys come by the settings alone."""
    monkeypatch.setenv("OPENROUTER_API_KEY", KEY)
    async with stage.engine(key="") as engine:
        assert await engine.list_models()
        assert not stage.service.requests("models")[-1]["key"]
        with pytest.raises(SignInNeeded, match="none is set"):
            await engine.check()


async def test_neither_key_nor_words_are_logged(stage: Stage, caplog: pytest.LogCaptureFixture) -> None:
    """Not even when everything is logged."""
    caplog.set_level("DEBUG")
    async with stage.engine() as engine:
        await stage.accepted(engine)
    assert KEY not in caplog.text
    assert stage.mark not in caplog.text


async def test_who_cannot_be_reached_got_nothing(stage: Stage) -> None:
    """A refused connection is tried again by itself: nothing can have been accepted."""
    async with stage.engine(base_url="http://127.0.0.1:9/api/v1") as engine:
        with pytest.raises(NotDelivered):
            await stage.accepted(engine)


async def test_every_create_has_a_connection_of_its_own(stage: Stage) -> None:
    """One that was kept open may be gone when the create is written into it."""
    async with stage.engine() as engine:
        for _ in range(3):
            await stage.accepted(engine)
    assert len({one["connection"] for one in stage.posts()}) == 3


async def test_everything_that_is_asked_for_is_sent(stage: Stage) -> None:
    """Words, length, shape, sound and seed in the service's names; the session is our key."""
    async with stage.engine() as engine:
        prepared = await engine.prepare(
            stage.request("all", SEEDANCE, seconds=6, aspect="9:16", resolution="480p", seed=7, audio=False),
            SEEDANCE,
        )
        accepted = await engine.submit(prepared, key="the-key-of-the-attempt")
    assert stage.sent() == {
        "model": SEEDANCE,
        "duration": 6,
        "aspect_ratio": "9:16",
        "resolution": "480p",
        "generate_audio": False,
        "seed": 7,
    }
    assert stage.creates()[0]["body"]["session_id"] == "the-key-of-the-attempt"
    assert accepted.facts == {"session": "the-key-of-the-attempt"}
    assert {one["title"] for one in stage.posts()} == {"rushes"}


async def test_an_id_is_one_part_of_an_address(stage: Stage) -> None:
    """A question mark in a ticket, as a person may type one, does not ask for another render."""
    async with stage.engine() as engine:
        ticket = (await stage.accepted(engine)).ticket
        with pytest.raises(ResultGone):
            await engine.poll({"id": f"{ticket['id']}?index=0"})


async def test_resolutions_go_by_the_services_words(stage: Stage) -> None:
    """1440p is its 2K."""
    async with stage.engine() as engine:
        await stage.accepted(engine, model=HAILUO)
    assert stage.sent()["resolution"] == "2K"


@pytest.mark.parametrize("wish", ["remix", "extend"])
async def test_a_clip_is_continued_by_its_jobs_id(stage: Stage, wish: str) -> None:
    """Made anew or continued: the service has one field, and the words say which."""
    async with stage.engine() as engine:
        request = stage.request("go on", **{wish: "gen-vid-1763-abc"})
        prepared = await engine.prepare(request, FLUX)
        await engine.submit(prepared, key="k")
    assert stage.sent()["previous_job_id"] == "gen-vid-1763-abc"


async def test_options_of_who_renders_are_passed_through(stage: Stage) -> None:
    """What stands under `provider` in the settings goes with the create."""
    options = {"options": {"minimax": {"parameters": {"aigc_watermark": False}}}}
    async with stage.engine(provider=options) as engine:
        await stage.accepted(engine)
    assert stage.sent()["provider"] == options


@pytest.mark.parametrize(
    "provider",
    [
        "minimax",
        {"options": "all"},
        {"options": {"minimax": "all"}},
        {"options": {"minimax": {"until": date(2026, 12, 1)}}},
        {"options": {"minimax": {"strength": float("nan")}}},
    ],
    ids=["text", "options are text", "a company's are text", "a date", "NaN"],
)
async def test_options_that_no_create_can_carry_are_refused(stage: Stage, provider: Any) -> None:
    """The settings file can hold dates and NaN, and JSON cannot: the table is named, and nothing is sent."""
    async with stage.engine(provider=provider) as engine:
        with pytest.raises(Refused, match=r"engines\.openrouter\.provider .*nothing was sent"):
            await stage.accepted(engine)
    assert stage.posts() == []


async def test_an_id_is_taken_from_an_answer_of_any_shape(stage: Stage) -> None:
    """Without polling_url, or with 200: the ticket in it is worth a clip."""
    bodies: list[dict[str, Any]] = [{"status": 202}, {"status": 200}, {"status": 201}]
    async with stage.engine() as engine:
        for number, told in enumerate(bodies):
            stage.tell("create", f"odd {number}", body={"id": f"gen-vid-{number}", "extra": 1}, **told)
            accepted = await stage.accepted(engine, f"odd {number}")
            assert accepted.ticket == {"id": f"gen-vid-{number}"}


async def test_what_the_body_has_no_place_for_is_refused_before_it_is_sent(stage: Stage) -> None:
    """Half seconds, seeds beyond JavaScript's numbers, styles, and frames beside other references."""
    wishes: list[dict[str, Any]] = [
        {"seconds": 4.5},
        {"seed": 2**60},
        {"style": "anime"},
        {"negative_prompt": "rain"},
        {"references": (stage.reference(), stage.reference(Role.SUBJECT))},
    ]
    async with stage.engine() as engine:
        for wish in wishes:
            with pytest.raises(Refused, match="nothing was sent") as caught:
                await stage.accepted(engine, **wish)
            assert caught.value.billed is Billed.NO
    assert stage.posts() == []
