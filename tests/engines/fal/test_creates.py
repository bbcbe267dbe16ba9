"""A create is sent once, whatever is answered, and what cannot be made is refused before it is sent."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from rushes.domain.errors import (
    BadReference,
    Billed,
    Busy,
    ContentRefused,
    NotDelivered,
    OutcomeUnknown,
    QuotaExhausted,
    Refused,
    RushesError,
    SignInNeeded,
)
from rushes.domain.request import Reference, Role, VideoRequest
from rushes.testing.fal_service import KEY
from tests.engines.fal.stage import HAILUO, I2V, REFERENCES, T2V, VEO, WAN, Stage

PAGE = "<html><head><title>x</title></head><body><h1>502 Bad Gateway</h1>nginx</body></html>"
LOCKED = {"detail": "User is locked. Reason: Exhausted balance. Top up your balance at fal.ai/dashboard."}
FLAGGED = {
    "detail": [
        {
            "loc": ["body", "prompt"],
            "msg": "The content could not be processed because it was flagged.",
            "type": "content_policy_violation",
            "input": "…",
        }
    ]
}
TOO_LONG = {
    "detail": [
        {
            "loc": ["body", "duration"],
            "msg": "Input should be '4' or '5'",
            "type": "literal_error",
            "input": "99",
        }
    ]
}

Answer = dict[str, Any]

REFUSALS: list[tuple[str, Answer, type[RushesError], str]] = [
    ("500", {"status": 500, "body": {"detail": "boom"}}, OutcomeUnknown, "boom"),
    ("502 html", {"status": 502, "body": PAGE}, OutcomeUnknown, "502 Bad Gateway"),
    ("503 accepted", {"status": 503, "body": "busy", "accept": True}, OutcomeUnknown, "busy"),
    ("504", {"status": 504, "body": "late"}, OutcomeUnknown, "late"),
    ("408", {"status": 408, "body": "slow"}, OutcomeUnknown, "slow"),
    ("409", {"status": 409, "body": "conflict"}, OutcomeUnknown, "conflict"),
    ("202 empty", {"status": 202, "body": "", "accept": True}, OutcomeUnknown, "no ticket"),
    ("200 html", {"status": 200, "body": PAGE}, OutcomeUnknown, "no ticket"),
    ("dropped before", {"drop": True}, OutcomeUnknown, "no answer came"),
    ("dropped after", {"drop": True, "accept": True}, OutcomeUnknown, "no answer came"),
    ("time-out", {"delay": 5.0, "drop": True}, OutcomeUnknown, "no answer came"),
    ("429", {"status": 429, "body": {"detail": "queue is full"}}, Busy, "queue is full"),
    ("429 later", {"status": 429, "body": {}, "headers": {"Retry-After": "7"}}, Busy, "429"),
    ("403 balance", {"status": 403, "body": LOCKED}, QuotaExhausted, "Exhausted balance"),
    ("402", {"status": 402, "body": {"detail": "Payment required"}}, QuotaExhausted, "Payment"),
    ("422 content", {"status": 422, "body": FLAGGED}, ContentRefused, "content, the prompt"),
    ("422 field", {"status": 422, "body": TOO_LONG}, Refused, "duration: Input should be"),
    ("400 url", {"status": 400, "body": {"detail": "see https://fal.ai/x"}}, Refused, "see https://fal.ai/x"),
    ("410", {"status": 410, "body": {"detail": "deprecated"}}, Refused, "fal has no endpoint"),
]


@pytest.mark.parametrize(
    ("answer", "error", "told"), [one[1:] for one in REFUSALS], ids=[one[0] for one in REFUSALS]
)
async def test_one_create_is_one_post(
    stage: Stage, answer: Answer, error: type[RushesError], told: str
) -> None:
    """Whatever comes back, one POST was sent, and its error says what happened and whether it was billed."""
    stage.tell("create", **answer)
    patience = 0.5 if "delay" in answer else 20.0
    async with stage.engine(post_timeout=patience) as engine:
        prepared = await stage.prepared(engine)
        with pytest.raises(error) as caught:
            await engine.submit(prepared, key="unused")
    assert len(stage.posts()) == 1
    assert told in caught.value.message
    assert type(caught.value) is error
    unknown = error is OutcomeUnknown
    assert caught.value.billed is (Billed.UNKNOWN if unknown else Billed.NO)
    assert caught.value.next


async def test_a_limit_says_when_to_come_back(stage: Stage) -> None:
    """`Retry-After` is handed on."""
    stage.tell("create", status=429, body={}, headers={"Retry-After": "7"})
    async with stage.engine() as engine:
        prepared = await stage.prepared(engine)
        with pytest.raises(Busy) as caught:
            await engine.submit(prepared, key="unused")
    assert caught.value.ask_after == 7


async def test_an_answer_without_a_ticket_is_kept(stage: Stage) -> None:
    """For the person who has to find out what became of it."""
    stage.tell("create", status=200, body={"queued": "yes"})
    async with stage.engine() as engine:
        prepared = await stage.prepared(engine)
        with pytest.raises(OutcomeUnknown) as caught:
            await engine.submit(prepared, key="unused")
    assert caught.value.raw == '{"queued":"yes"}'


async def test_a_queue_that_cannot_be_reached_was_not_delivered_to(stage: Stage) -> None:
    """A refused connection proves that nothing arrived."""
    async with stage.engine() as engine:
        prepared = await stage.prepared(engine)
    async with stage.engine(queue_url="http://127.0.0.1:9") as engine:
        with pytest.raises(NotDelivered):
            await engine.submit(prepared, key="unused")


async def test_creates_travel_on_fresh_connections_and_ask_for_their_files_to_be_kept(stage: Stage) -> None:
    """A line that was kept may be dead; clips lie at fal for as long as the settings say."""
    async with stage.engine(keep_s=1234) as engine:
        await stage.accepted(engine, "one")
        await stage.accepted(engine, "two")
    posts = stage.posts()
    assert len({post["connection"] for post in posts}) == 2
    assert [post["lifecycle"] for post in posts] == [{"expiration_duration_seconds": 1234}] * 2


@pytest.mark.parametrize("key", ["wrong-key-id:wrong-key-secret", "wrong-key-without-a-colon"])
async def test_a_wrong_key_is_never_shown(stage: Stage, key: str) -> None:
    """fal repeats it in its answer; our error does not, nor does the check of the engine."""
    async with stage.engine() as engine:
        prepared = await stage.prepared(engine)
    async with stage.engine(key=key) as engine:
        with pytest.raises(SignInNeeded) as caught:
            await engine.submit(prepared, key="unused")
        with pytest.raises(SignInNeeded) as checked:
            await engine.check()
    assert stage.creates() == []
    for error in (caught.value, checked.value):
        shown = f"{error!r} {error.message} {error.next}"
        assert not any(part in shown for part in key.split(":"))
        assert "***" in shown
        assert "FAL_KEY" in error.next


@pytest.mark.parametrize("status", [400, 402, 403, 422, 429, 500])
async def test_a_key_in_any_answer_is_never_shown(stage: Stage, status: int) -> None:
    """In either shape of fal's errors, with whatever status."""
    for detail in (f"bad token {KEY}", [{"loc": ["body"], "msg": f"bad token {KEY}", "type": "x"}]):
        stage.tell("create", status=status, body={"detail": detail}, times=1)
        async with stage.engine() as engine:
            prepared = await stage.prepared(engine)
            with pytest.raises(RushesError) as caught:
                await engine.submit(prepared, key="unused")
        shown = f"{caught.value!r} {caught.value.message} {getattr(caught.value, 'raw', '')}"
        assert "bad token" in shown
        assert not any(part in shown for part in KEY.split(":"))


async def test_without_a_key_nothing_is_sent(stage: Stage) -> None:
    """No key is a sign-in that is missing, told before any create."""
    async with stage.engine(key="") as engine:
        prepared = await stage.prepared(engine)
        with pytest.raises(SignInNeeded, match="no key for fal"):
            await engine.submit(prepared, key="unused")
        with pytest.raises(SignInNeeded):
            await engine.check()
    assert stage.posts() == []


async def test_a_good_key_is_checked_for_nothing(stage: Stage) -> None:
    """The check asks a price, and creates nothing."""
    async with stage.engine() as engine:
        assert await engine.check() == "fal takes the key"
    assert stage.posts() == []
    assert KEY not in repr(stage.settings)


# --- refused before anything is sent ---


def remote(address: str) -> Reference:
    return Reference(role=Role.FIRST_FRAME, remote=address)


UNREACHABLE = [
    "http://localhost/a.png",
    "https://192.168.1.4/a.png",
    "https://127.0.0.1:8000/a.png",
    "http://[::1]/a.png",
    "https://10.0.0.7/a.png",
    "https://169.254.169.254/latest",
    "https://printer/a.png",
    "https://nas.local/a.png",
]


@pytest.mark.parametrize("address", [*UNREACHABLE, "gen_123", "ftp://example.com/a.png", "https://"])
async def test_an_address_that_fal_cannot_fetch_is_refused(stage: Stage, address: str) -> None:
    """Addresses of this network, and what is no web address at all."""
    async with stage.engine() as engine:
        with pytest.raises(BadReference, match="nothing was sent"):
            await stage.prepared(engine, "a boat", I2V, references=(remote(address),))
    assert stage.posts() == []


async def test_a_file_above_the_endpoints_own_limit_is_refused(stage: Stage) -> None:
    """The limit is read from the description of the property, and named."""
    path = stage.picture("large.png", (640, 480))
    assert path.stat().st_size > 500_000
    frame = stage.studio.library.keep(Reference(role=Role.FIRST_FRAME, path=path))
    uploads = len(stage.service.requests("upload"))
    async with stage.engine() as engine:
        with pytest.raises(BadReference, match=r"takes up to 0.5 MB; nothing was sent"):
            await stage.prepared(engine, "a boat", I2V, references=(frame,))
    assert len(stage.service.requests("upload")) == uploads


async def test_nothing_is_uploaded_for_a_request_that_is_refused(stage: Stage) -> None:
    """A person's picture goes nowhere unless the rest can be sent, too."""
    uploads = len(stage.service.requests("upload"))
    async with stage.engine() as engine:
        with pytest.raises(Refused, match="duration is 99 s"):
            await stage.prepared(engine, "a boat", I2V, references=(stage.frame(),), seconds=99)
    assert len(stage.service.requests("upload")) == uploads


SILENT: list[tuple[str, dict[str, Any], str]] = [
    (I2V, {}, r"needs a first_frame reference \(image_url\)"),
    (HAILUO, {"seconds": 5.5}, "duration is 5.5 s"),
    (HAILUO, {"seconds": 99}, "duration is 99 s"),
    (VEO, {"seconds": 5}, "duration is 5 s"),
    (WAN, {"seconds": 30}, "num_frames is 30 s, 480 frames"),
    (T2V, {"aspect": "2:1"}, "aspect_ratio is 2:1"),
    (T2V, {"resolution": "900p"}, "resolution is 900p"),
    (T2V, {"references": (remote("https://example.com/a.png"),)}, "takes no first_frame reference"),
    (
        REFERENCES,
        {
            "references": tuple(
                Reference(role=Role.SUBJECT, remote=f"https://example.com/{n}") for n in range(4)
            )
        },
        "reference_image_urls takes 3",
    ),
]


@pytest.mark.parametrize(("model", "asked", "told"), SILENT)
async def test_what_an_endpoint_does_not_make_is_refused_unsent(
    stage: Stage, model: str, asked: dict[str, Any], told: str
) -> None:
    """The schema is the truth, whatever a catalogue says; the property and the way out are named."""
    async with stage.engine() as engine:
        with pytest.raises(Refused, match=told) as caught:
            await stage.prepared(engine, "a boat", model, **asked)
    assert caught.value.billed is Billed.NO
    assert "nothing was sent" in caught.value.message
    assert stage.posts() == []


async def test_what_only_a_person_can_set_is_named(stage: Stage) -> None:
    """An endpoint may insist on a property that no request has; the settings can give it."""
    model = "example/asks-for-more/text-to-video"
    request = VideoRequest(prompt=stage.prompt("a boat"))
    async with stage.engine() as engine:
        with pytest.raises(Refused, match="insists on 'workspace'") as caught:
            await engine.prepare(request, model)
    assert "arguments" in caught.value.next
    async with stage.engine(arguments={model: {"workspace": "w1"}}) as engine:
        await engine.submit(await engine.prepare(request, model), key="unused")
    assert stage.sent("a boat") == {"workspace": "w1"}
    async with stage.engine(arguments={T2V: {"bitrate": 9}}) as engine:
        with pytest.raises(Refused, match="no property 'bitrate'"):
            await stage.prepared(engine)


async def test_a_model_that_is_gone_is_refused(stage: Stage, tmp_path: Path) -> None:
    """Before the create where the list no longer has it, by the create where it is gone since then."""
    request = VideoRequest(prompt=stage.prompt("a boat"))
    async with stage.engine() as engine:
        with pytest.raises(Refused, match="fal has no endpoint vanished/model/text-to-video"):
            await engine.prepare(request, "vanished/model/text-to-video")
        prepared = await stage.prepared(engine)
        stage.tell("create", status=404, body={"detail": 'Application "seedance-2.5" not found'})
        with pytest.raises(Refused, match="fal has no endpoint bytedance") as caught:
            await engine.submit(prepared, key="unused")
    assert "--refresh" in caught.value.next
    assert len(stage.posts()) == 1
