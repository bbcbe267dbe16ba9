"""Each way in which a create can go, in the real browser: what the engine says, and what was accepted."""

from __future__ import annotations

import asyncio
import hashlib
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from rushes.domain.errors import (
    AccountBlocked,
    Busy,
    Challenged,
    ContentRefused,
    EngineError,
    NotDelivered,
    OutcomeUnknown,
    QuotaExhausted,
    Refused,
    RegionBlocked,
    SignInNeeded,
)
from rushes.domain.job import JobState
from rushes.domain.request import Reference, Role, Shot
from rushes.engines.sora_web.engine import SoraWebEngine
from rushes.engines.sora_web.inspection import listed_draft, listed_task
from tests.engines.sora_web.shared import on_one_engine
from tests.engines.sora_web.stage import Stage
from tests.engines.working import until

REFUSALS: list[tuple[str, Any, type[EngineError], str]] = [
    ("unable-to-process", None, Refused, "Unable to process request"),
    ("something-not-right", None, Refused, "didn't look right"),
    ("too-many-tasks", None, Busy, "3 generations are in progress"),
    ("daily-cap", None, QuotaExhausted, "in the last day"),
    ("heavy-load", "429", Busy, "heavy load"),
    ("heavy-load", "503", Busy, "heavy load"),
    ("region", "400", RegionBlocked, "does not answer from here"),
    ("region", "404", RegionBlocked, "does not answer from here"),
    ("payment", None, QuotaExhausted, ""),
    ("phone-number", None, AccountBlocked, "phone number"),
]

STANDING_BACK: list[tuple[str, Any, type[EngineError], str]] = [
    ("sentinel-block", None, Challenged, "rushes sora login"),
    ("quota", "7200", QuotaExhausted, "resets in 2 h"),
    ("challenge", "403,create", Challenged, "rushes sora login"),
    ("challenge", "429,create", Challenged, "rushes sora login"),
    ("token-expired", None, Busy, "renewed"),
    ("token-unparsable", None, Busy, "renewed"),
    ("token-invalidated", None, SignInNeeded, "rushes sora login"),
]
"""Those after which the account, the session or the browser is another than before."""


def named(refusals: list[tuple[str, Any, type[EngineError], str]]) -> list[str]:
    return [f"{one[0]}-{one[1] or 'on'}" for one in refusals]


@on_one_engine
@pytest.mark.parametrize(("fault", "value", "error", "told"), REFUSALS, ids=named(REFUSALS))
async def test_a_refused_create_says_what_it_was_and_what_to_do(
    shared: Stage, engine: SoraWebEngine, fault: str, value: Any, error: type[EngineError], told: str
) -> None:
    """Every refusal has its own error with the next step; nothing was accepted, so nothing is unknown."""
    await assert_refused(shared, engine, fault, value, error, told)


@pytest.mark.parametrize(("fault", "value", "error", "told"), STANDING_BACK, ids=named(STANDING_BACK))
async def test_a_refusal_that_ends_something_says_what_to_do(
    stage: Stage, fault: str, value: Any, error: type[EngineError], told: str
) -> None:
    """Of the quota, the token or the browser: it is said as every refusal is, and nothing was accepted."""
    async with stage.engine() as engine:
        await assert_refused(stage, engine, fault, value, error, told)


async def assert_refused(
    stage: Stage, engine: SoraWebEngine, fault: str, value: Any, error: type[EngineError], told: str
) -> None:
    prepared = await engine.prepare(stage.request(), "sy_8")
    stage.emulator.fault(fault, value, times=1)
    with pytest.raises(error) as caught:
        await engine.submit(prepared, key="unused")
    assert type(caught.value) is error
    assert told in f"{caught.value.message} {caught.value.next}"
    assert caught.value.next
    assert stage.creates() == []


@pytest.mark.parametrize("fault", ["create-list", "no-balance"])
@on_one_engine
async def test_an_acceptance_in_another_shape_is_one(
    shared: Stage, engine: SoraWebEngine, fault: str
) -> None:
    """A list with the task in it, and the task without a balance: both were accepted."""
    shared.fault(fault)
    accepted = await shared.accepted(engine)
    assert [entry["id"] for entry in shared.creates()] == [accepted.ticket["id"]]


@on_one_engine
async def test_a_connection_that_closes_before_anything_was_accepted_is_unknown_too(
    shared: Stage, engine: SoraWebEngine
) -> None:
    """From here the two cannot be told apart; the service's log is empty."""
    shared.fault("drop-before")
    with pytest.raises(OutcomeUnknown):
        await shared.accepted(engine)
    await engine.lists.pending()
    assert shared.creates() == []


@on_one_engine
async def test_a_wait_that_the_service_asks_for_is_kept_to(shared: Stage, engine: SoraWebEngine) -> None:
    """Under heavy load it may say how long."""
    shared.emulator.fault("retry-after", "77")
    shared.emulator.fault("heavy-load", "503")
    prepared = await engine.prepare(shared.request(), "sy_8")
    with pytest.raises(Busy) as caught:
        await engine.submit(prepared, key="unused")
    assert caught.value.ask_after == 77


@on_one_engine
async def test_an_account_without_sora_is_said(shared: Stage, engine: SoraWebEngine) -> None:
    """The service answers its own check with 404."""
    shared.emulator.fault("no-access")
    with pytest.raises(AccountBlocked, match="no Sora 2"):
        await engine.site.balance()


UNKNOWN = ["drop-create", "create-500-accepted", "create-html", "no-id"]


@pytest.mark.parametrize("fault", UNKNOWN)
@on_one_engine
async def test_an_answer_that_got_lost_is_not_taken_for_a_no(
    shared: Stage, engine: SoraWebEngine, fault: str
) -> None:
    """The service accepted it, once, and the engine says that nobody knows."""
    shared.fault(fault)
    with pytest.raises(OutcomeUnknown):
        await shared.accepted(engine)
    # Had it been sent again, that would have arrived before the next call is answered.
    await engine.lists.pending()
    assert len(shared.creates()) == 1


async def test_an_answer_that_takes_too_long_is_not_taken_for_a_no(stage: Stage) -> None:
    """The service accepted it, once; the engine waits as long as it was told, and says that nobody knows."""
    stage.fault("slow-create")
    async with stage.engine(post_timeout=9.0) as engine:
        with pytest.raises(OutcomeUnknown):
            await stage.accepted(engine)
    assert len(stage.creates()) == 1


@on_one_engine
async def test_the_browser_does_not_send_a_dropped_create_again(shared: Stage, engine: SoraWebEngine) -> None:
    """On a connection that it has used before it would: each create travels on one of its own."""
    # The token would stop the second one only in the service's kindest form.
    shared.emulator.fault("sentinel-reusable")
    shared.fault("drop-create")
    for number in range(3):
        prepared = await engine.prepare(shared.request(f"take {number}"), "sy_8")
        with pytest.raises(OutcomeUnknown):
            await engine.submit(prepared, key="unused")
        assert len(shared.creates(f"take {number}")) == 1


TRAFFIC = """() => {
  const ask = () => fetch("/explore?traffic").then(answer => answer.text()).finally(() => setTimeout(ask, 1));
  for (let line = 0; line < 12; line++) ask();
}"""
"""Twelve requests at any time: there is always a used connection, and somebody who waits for one."""


async def test_a_page_with_traffic_of_its_own_does_not_send_a_create_twice(stage: Stage) -> None:
    """The page asks for things all the time, and leaves used connections behind: none carries a create."""
    stage.emulator.fault("sentinel-reusable")
    stage.fault("drop-create")
    async with stage.engine() as engine:
        await engine.lists.pending()
        async with engine.site.tab.page.hold() as browser:
            await browser.page.evaluate(TRAFFIC)
        for number in range(8):
            with pytest.raises(OutcomeUnknown):
                await stage.accepted(engine, f"take {number}")
            assert len(stage.creates(f"take {number}")) == 1
            stage.emulator.advance(300)


async def test_a_create_that_could_not_be_made_ready_was_not_sent(stage: Stage) -> None:
    """Calls that hang keep the page; the job is put off, and nobody has to find out what became of it."""
    async with stage.engine(post_timeout=3.0) as engine:
        prepared = await engine.prepare(stage.request(), "sy_8")
        stage.emulator.fault("poll-hangs", "5")
        hanging = asyncio.create_task(engine.lists.pending())
        await until(lambda: stage.emulator.requests("/nf/pending")[-1]["status"] is None)
        with pytest.raises(NotDelivered):
            await engine.submit(prepared, key="unused")
        await hanging
    assert stage.creates() == []


AGAIN = """() => {
  const send = window.fetch;
  window.fetch = async (address, call) => {
    const again = () => send(address, {...call, signal: undefined});
    return send(address, call).catch(again).catch(again);
  };
}"""
"""A page whose own script sends again what has failed, as the scripts of many sites do."""


async def test_a_page_that_sends_again_what_failed_does_not_create_twice(stage: Stage) -> None:
    """The service accepted it and hung up: the page's script tries it again, and that never leaves."""
    stage.emulator.fault("sentinel-reusable")
    stage.fault("drop-create")
    async with stage.engine() as engine:
        await engine.lists.pending()
        async with engine.site.tab.page.hold() as browser:
            await browser.page.evaluate(AGAIN)
        with pytest.raises(OutcomeUnknown):
            await stage.accepted(engine)
        await engine.lists.pending()
    assert len(stage.creates()) == 1


@on_one_engine
async def test_an_answer_from_elsewhere_refuses_nothing(shared: Stage, engine: SoraWebEngine) -> None:
    """Accepted, and sent on to an address that answers 404: that 404 says nothing about the create."""
    shared.fault("create-see-other")
    with pytest.raises(OutcomeUnknown, match="redirected"):
        await shared.accepted(engine)
    assert len(shared.creates()) == 1


LATE = """() => {
  const send = window.fetch;
  window.fetch = async (address, call) => {
    if (String(address).includes("/nf/create")) await new Promise(go => setTimeout(go, 2500));
    return send(address, call);
  };
}"""
"""A page that is busy: what it is told to send leaves it a while later."""


async def test_a_create_that_a_busy_page_sends_too_late_never_leaves(stage: Stage) -> None:
    """It is given up as not sent, and its job is sent again: what the page sends later is no second one."""
    async with stage.engine(post_timeout=8.0) as engine:
        prepared = await engine.prepare(stage.request(), "sy_8")
        await engine.lists.pending()
        async with engine.site.tab.page.hold() as browser:
            for habit in (AGAIN, LATE):
                await browser.page.evaluate(habit)
        with pytest.raises(NotDelivered):
            await engine.submit(prepared, key="unused")
        async with engine.site.tab.page.hold() as browser:
            await browser.page.evaluate("() => fetch('/backend/nf/create?sent-by-hand').catch(() => null)")
        # Whatever the page had begun before has arrived when this is answered.
        await engine.lists.pending()
        assert stage.creates() == []
    async with stage.engine() as engine:
        await stage.accepted(engine)
    assert len(stage.creates()) == 1


async def test_a_create_that_is_given_up_while_it_waits_never_leaves(stage: Stage) -> None:
    """Its job is canceled in the middle of getting ready: what waits at the gate is stopped there."""
    async with stage.engine() as engine:
        prepared = await engine.prepare(stage.request(), "sy_8")
        for tenths in range(8):
            sending = asyncio.create_task(engine.submit(prepared, key="unused"))
            await asyncio.sleep(tenths * 0.008)
            sending.cancel()
            with suppress(asyncio.CancelledError):
                await sending
            # Whatever was on its way by then has arrived before the next call is answered.
            await engine.lists.pending()
            assert len(stage.creates()) <= 1
            if stage.creates():
                break


@on_one_engine
async def test_a_slow_answer_keeps_no_other_call_waiting(shared: Stage, engine: SoraWebEngine) -> None:
    """While one create waits for its answer, tasks are asked for."""
    shared.fault("slow-create", "2.5", words="slow")
    await engine.lists.pending()
    slow = asyncio.create_task(shared.accepted(engine, "slow"))
    await until(lambda: len(shared.creates("slow")) == 1)
    await engine.lists.newest_drafts()
    assert not slow.done()
    await slow


@on_one_engine
async def test_what_is_sent_is_what_the_browser_sent_in_march_2026(
    shared: Stage, engine: SoraWebEngine
) -> None:
    """The emulator checks the whole body and refuses unknown fields; the task then tells what was asked."""
    asked: dict[str, dict[str, Any]] = {
        "plain": {},
        "portrait": {"aspect": "9:16", "seconds": 10.0},
        "styled": {"style": "retro"},
    }
    for words, fields in asked.items():
        accepted = await shared.accepted(engine, f"{words} of @someone", **fields)
        task = await engine.lists.task(accepted.ticket["id"])
        assert task is not None
        assert task["prompt"] == shared.prompt(f"{words} of @someone")


async def test_the_balance_that_create_returns_is_kept(stage: Stage) -> None:
    """A hundred clips a day, one of them used: 99 are left, in the job's facts and in the next quote."""
    async with stage.engine() as engine:
        accepted = await stage.accepted(engine)
        assert accepted.facts["quota_left"] == 99
        quote = await engine.quote(stage.request(), "sy_8")
        assert quote is not None
        assert (quote.quota_left, quote.basis.value) == (99, "included_in_plan")


async def test_an_exhausted_quota_is_not_asked_again_before_it_resets(stage: Stage) -> None:
    """The second create is refused here: the service named the moment, and no call is made for it."""
    async with stage.engine() as engine:
        prepared = await engine.prepare(stage.request(), "sy_8")
        stage.emulator.fault("quota", "7200", times=1)
        for _ in range(2):
            with pytest.raises(QuotaExhausted, match="resets"):
                await engine.submit(prepared, key="unused")
    assert stage.creates() == []


@on_one_engine
async def test_a_storyboard_goes_to_its_own_address(shared: Stage, engine: SoraWebEngine) -> None:
    """The shots are text in the prompt, in the service's own form."""
    shots = (Shot(seconds=5, prompt="a boat in the gutter"), Shot(seconds=5, prompt="it falls over the edge"))
    await shared.accepted(engine, "keep the same boat", shots=shots, seconds=None)
    entry = shared.creates("keep the same boat")
    assert entry[0]["path"].endswith("/nf/create/storyboard")
    assert "Shot 2:\nduration: 5.0sec\nScene: it falls over the edge" in entry[0]["prompt"]


@pytest.fixture
def picture(tmp_path: Path) -> Reference:
    path = _picture(tmp_path)
    return Reference(role=Role.FIRST_FRAME, path=path, sha256=hashlib.sha256(path.read_bytes()).hexdigest())


def _picture(folder: Path) -> Path:
    path = folder / "boat.png"
    Image.new("RGB", (64, 36), "steelblue").save(path)
    return path


@pytest.mark.parametrize(("fault", "kind"), [(None, "file"), ("file-upload-404", "upload")])
@on_one_engine
async def test_a_picture_is_uploaded_by_either_route(
    shared: Stage, engine: SoraWebEngine, picture: Reference, fault: str | None, kind: str
) -> None:
    """The newer route first; where the service has none, the older one."""
    if fault is not None:
        shared.emulator.fault(fault)
    prepared = await engine.prepare(shared.request(references=(picture,)), "sy_8")
    assert [one["kind"] for one in prepared.uploads.values()] == [kind]
    await engine.submit(prepared, key="unused")
    assert len(shared.creates()) == 1


@on_one_engine
async def test_a_picture_with_a_person_is_sent_and_said(
    shared: Stage, engine: SoraWebEngine, picture: Reference
) -> None:
    """The service saw one and took the picture all the same: the job carries the warning."""
    shared.emulator.fault("realistic-person")
    accepted = await shared.accepted(engine, references=(picture,))
    assert "realistic person" in " ".join(accepted.warnings)


async def test_an_upload_that_errs_is_tried_again(stage: Stage, picture: Reference) -> None:
    """Uploads are free: the job waits, and goes on."""
    stage.emulator.fault("upload-500", times=2)
    async with stage.working():
        job = await stage.made(references=(picture,))
    assert job.state is JobState.COMPLETED, job.failure
    assert len(stage.creates()) == 1


@pytest.mark.parametrize("id", ["gen_", "ref_"])
@on_one_engine
async def test_what_the_service_has_already_is_named_by_its_id(
    shared: Stage, engine: SoraWebEngine, id: str
) -> None:
    """A clip made before, or an entry of the reference library, needs no upload."""
    held = await _held(shared, engine, id)
    reference = Reference(role=Role.SUBJECT, remote=held)
    await shared.accepted(engine, "with it", references=(reference,))
    assert len(shared.creates("with it")) == 1


async def _held(stage: Stage, engine: Any, prefix: str) -> str:
    if prefix == "ref_":
        route = "/backend/project_y/file/upload"
        file = await engine.site.upload(route, _picture(stage.home), "file", use_case="inpaint_safe")
        body = {
            "name": "boat",
            "display_name": "Boat",
            "description": "",
            "type": "other",
            "asset_pointers": [file["asset_pointer"]],
        }
        made = await engine.site.post("/backend/project_y/references/create", body)
        return str(made["reference_info"]["reference_id"])
    accepted = await stage.accepted(engine, "the first")
    stage.emulator.advance(300)
    return str((await engine.lists.drafts_of(accepted.ticket["id"]))[0].id)


@pytest.mark.parametrize(
    ("fault", "error"),
    [("photo-refused", ContentRefused), ("upload-user-error", Refused)],
)
@on_one_engine
async def test_a_refused_picture_fails_before_anything_is_created(
    shared: Stage, engine: SoraWebEngine, picture: Reference, fault: str, error: type[Refused]
) -> None:
    """A photograph of people, and 200 with a message for the person: told with the service's words."""
    shared.emulator.fault(fault)
    with pytest.raises(error, match=r"boat\.png"):
        await engine.prepare(shared.request(references=(picture,)), "sy_8")
    assert shared.creates() == []


@on_one_engine
async def test_a_photograph_of_a_person_is_refused(
    shared: Stage, engine: SoraWebEngine, picture: Reference
) -> None:
    """By the service itself, without any fault, and told with its words."""
    assert picture.path is not None
    person = replace(picture, path=picture.path.rename(picture.path.with_name("a real-person.png")))
    with pytest.raises(ContentRefused, match="photorealistic people"):
        await engine.prepare(shared.request(references=(person,)), "sy_8")
    assert shared.creates() == []


@on_one_engine
async def test_remix_and_extension(shared: Stage, engine: SoraWebEngine) -> None:
    """A clip is remixed with other words, or continued, by its id."""
    first = await shared.accepted(engine, "the first")
    shared.emulator.advance(300)
    draft = (await engine.lists.drafts_of(first.ticket["id"]))[0]
    await shared.accepted(engine, "at night", remix=draft.id)
    await shared.accepted(engine, "the boat reaches the drain", extend=draft.id, seconds=10.0)
    paths = {entry["prompt"].partition(" ")[2]: entry["path"] for entry in shared.creates()}
    assert paths["at night"].endswith("/nf/create")
    assert paths["the boat reaches the drain"].endswith("/long_video_extension")


@on_one_engine
async def test_every_value_of_the_first_notes_is_sent(shared: Stage, engine: SoraWebEngine) -> None:
    """600 frames, and large with sy_8, are sent as asked, with a word that nobody confirmed them."""
    long = await shared.accepted(engine, "long", seconds=20.0)
    large = await shared.accepted(engine, "large", resolution="1080p")
    sent = "sent as asked; not confirmed to work on the service"
    assert long.warnings == (f"600 frames: {sent}",)
    assert large.warnings == (f"size large with sy_8: {sent}",)
    tasks = [await engine.lists.task(one.ticket["id"]) for one in (long, large)]
    assert [one["creation_config"]["n_frames"] for one in tasks if one] == [600, 150]


@on_one_engine
async def test_a_storyboard_that_the_service_holds(shared: Stage, engine: SoraWebEngine) -> None:
    """The id of one that was written out once makes another clip of it; an extension has no place for it."""
    shots = (Shot(seconds=2.0, prompt="a gutter"), Shot(seconds=3.0, prompt="a drain"))
    first = await shared.accepted(engine, "the first", shots=shots, seconds=None)
    shared.emulator.advance(300)
    board = listed_task(await engine.lists.task(first.ticket["id"]) or {}).storyboard
    (item,) = [one for one in await engine.lists.newest_drafts() if one["task_id"] == first.ticket["id"]]
    assert board == listed_draft(item).storyboard != ""
    again = await shared.accepted(engine, "once more", storyboard_id=board)
    assert any("storyboard_id" in one for one in again.warnings)
    task = await engine.lists.task(again.ticket["id"])
    assert task is not None
    assert task["creation_config"]["storyboard_id"] == board


@on_one_engine
async def test_the_pages_token_is_fresh_for_every_create(shared: Stage, engine: SoraWebEngine) -> None:
    """Each create carries the token that the page's script handed out for it; a used one is refused."""
    for number in range(3):
        await shared.accepted(engine, f"take {number}")
    assert len(shared.creates()) == 3
