"""Asking for videos: bodies, tokens, limits, and the log of what was accepted."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest

from rushes.testing.sora_emulator.moderation import RULES, Rule
from rushes.testing.sora_process import running_sora
from tests.testing.sora_emulator.visitor import DRAFTS, MARCH_BODY, MINIMAL, Visitor, error

STORYBOARD = "/backend/nf/create/storyboard"
BULK = "/backend/nf/bulk_create"


def test_the_answer_holds_the_task_and_what_is_left(visitor: Visitor) -> None:
    """The whole body of March 2026 is accepted, and counted."""
    answer = visitor.create().json()
    assert answer["id"].startswith("task_01k")
    assert len(answer["id"]) == len("task_") + 26
    assert (answer["task_type"], answer["priority"]) == ("video_gen", 1)
    assert answer["rate_limit_and_credit_balance"] == {
        "rate_limit_reached": False,
        "access_resets_in_seconds": 0,
        "credit_remaining": 0,
        "estimated_num_videos_remaining": 99,
        "estimated_num_purchased_videos_remaining": 0,
    }


def test_the_minimal_body_is_enough(visitor: Visitor) -> None:
    """Eight fields are."""
    body = {name: MARCH_BODY[name] for name in MINIMAL}
    answer = visitor.call("POST", "/backend/nf/create", headers=visitor.prove(), json=body)
    assert answer.status_code == 200


REFUSED: tuple[tuple[str, dict[str, Any]], ...] = (
    ("model_variants", {"model_variants": []}),
    ("references", {"references": []}),
    ("kind", {"kind": "image"}),
    ("prompt", {"prompt": ""}),
    ("prompt", {"prompt": 7}),
    ("orientation", {"orientation": "wide"}),
    ("size", {"size": "huge"}),
    ("n_frames", {"n_frames": "300"}),
    ("n_frames", {"n_frames": 750}),
    ("n_frames", {"n_frames": True}),
    ("model", {"model": "turbo"}),
    ("metadata", {"metadata": {}}),
    ("style_id", {"style_id": "no-such-style"}),
    ("remix_target_id", {"remix_target_id": "s_none"}),
    ("storyboard_id", {"storyboard_id": "storyboard_none"}),
    ("cameo_ids", {"cameo_ids": ["a", "b", "c", "d"]}),
    ("inpaint_items", {"inpaint_items": None}),
    ("inpaint_items", {"inpaint_items": [{"kind": "upload", "upload_id": "media_unknown"}]}),
    ("inpaint_items", {"inpaint_items": [{"kind": "upload", "file_id": "x"}]}),
)


@pytest.mark.parametrize(("field", "change"), REFUSED)
def test_a_body_that_no_page_sends_is_refused(visitor: Visitor, field: str, change: dict[str, Any]) -> None:
    """With the usual envelope, and the field at fault; nothing is accepted."""
    answer = visitor.create(**change)
    told = answer.json()["error"]
    assert answer.status_code == 400
    assert (told["param"], told["type"]) == (field, "invalid_request_error")
    assert told["message"].startswith("Hmmm something didn't look right")
    assert visitor.pending() == []


def test_a_storyboard_has_an_id_that_a_create_can_name(visitor: Visitor) -> None:
    """One that was written out gets an id; its task and draft tell it, and a create takes it."""
    visitor.made(path="/backend/nf/create/storyboard", title="Draft your video", n_frames=150)
    draft = visitor.draft()
    assert draft["storyboard_id"].startswith("storyboard_")
    assert draft["creation_config"]["storyboard_id"] == draft["storyboard_id"]
    visitor.made(storyboard_id=draft["storyboard_id"], n_frames=150)
    assert visitor.draft()["storyboard_id"] == draft["storyboard_id"]


@pytest.mark.parametrize("body", [b"", b"[]", b"{"])
def test_a_body_that_is_no_object_is_refused(visitor: Visitor, body: bytes) -> None:
    """Garbage is a 400 as well."""
    answer = visitor.call("POST", "/backend/nf/create", headers=visitor.prove(), content=body)
    assert error(answer) == (400, None)


PIXELS = {
    ("small", "landscape", "sy_8"): (640, 352),
    ("small", "portrait", "sy_8-2026-02-01"): (352, 640),
    ("small", "square", "sy_8"): (512, 512),
    ("medium", "landscape", "sy_8"): (896, 512),
    ("large", "landscape", "sy_8"): (1280, 704),
    ("large", "portrait", "sy_ore"): (704, 1280),
}


@pytest.mark.parametrize(("wish", "pixels"), PIXELS.items())
def test_pixels_follow_size_and_orientation(
    visitor: Visitor, wish: tuple[str, str, str], pixels: tuple[int, int]
) -> None:
    """The draft says what its files have; models are known by their prefix."""
    size, orientation, model = wish
    visitor.made(size=size, orientation=orientation, model=model, n_frames=150)
    draft = visitor.draft()
    assert (draft["width"], draft["height"], draft["duration_s"]) == (*pixels, 5.0)


def test_a_create_needs_a_sentinel_token_of_its_own(visitor: Visitor) -> None:
    """None, an unknown one, one of another flow or a used one is blocked, and nothing is accepted."""
    used = visitor.prove()
    assert visitor.call("POST", "/backend/nf/create", headers=used, json=MARCH_BODY).status_code == 200
    for header in (
        {},
        used,
        {"openai-sentinel-token": "not json"},
        {"openai-sentinel-token": json.dumps({"c": "unknown"})},
        {"openai-sentinel-token": "[]"},
        visitor.prove("sora_init"),
    ):
        answer = visitor.call("POST", "/backend/nf/create", headers=header, json=MARCH_BODY)
        assert error(answer) == (400, "sentinel_block")
    assert len(visitor.pending()) == 1


CHANGED_HEADERS = (
    ("oai-device-id", {"oai-device-id": ""}),
    ("oai-device-id", {"oai-device-id": "another"}),
    ("oai-device-id", {"Cookie": "oai-did="}),
    ("origin", {"Origin": ""}),
    ("origin", {"Origin": "https://elsewhere.example"}),
    ("referer", {"Referer": ""}),
    ("referer", {"Referer": "https://elsewhere.example/explore"}),
)


@pytest.mark.parametrize(("name", "change"), CHANGED_HEADERS)
def test_a_create_comes_from_a_page_of_the_site(visitor: Visitor, name: str, change: dict[str, str]) -> None:
    """Without the headers that a browser sends with it, or with others, nothing is accepted or uploaded."""
    header = {**visitor.prove(), **change}
    create = visitor.call("POST", "/backend/nf/create", headers=header, json=MARCH_BODY)
    files = {"file": ("in.png", b"", "image/png")}
    sent = visitor.call("POST", "/backend/uploads", headers=change, files=files)
    assert [one.json()["error"]["param"] for one in (create, sent)] == [name, name]
    assert create.status_code == sent.status_code == 400
    assert visitor.pending() == []


@pytest.mark.parametrize("rule", [one for one in RULES if one.at == "draft"], ids=lambda rule: rule.words[0])
def test_words_are_objected_to_at_the_end(visitor: Visitor, rule: Rule) -> None:
    """The draft is a violation with the reason; a longer word that holds these is none of them."""
    word = rule.words[0]
    for prompt, kind, reason in (
        (f"A {word.upper()}!", "sora_content_violation", rule.reason),
        (f"a {word}esque boat", "sora_draft", None),
    ):
        visitor.made(prompt, n_frames=150)
        draft = visitor.draft()
        assert (draft["prompt"], draft["kind"], draft.get("reason_str")) == (prompt, kind, reason)


def test_words_are_objected_to_at_once(visitor: Visitor) -> None:
    """The create is refused with the reason, and nothing is accepted."""
    for rule in (one for one in RULES if one.at == "create"):
        for word in rule.words:
            answer = visitor.create(f"a {word} boat")
            assert (answer.status_code, answer.json()["error"]["message"]) == (400, rule.reason)
    assert visitor.pending() == []


def test_there_is_no_token_for_an_unknown_flow(visitor: Visitor) -> None:
    """The flows are a closed list."""
    assert visitor.http.post("/backend-api/sentinel/req", json={"flow": "other"}).status_code == 400


def test_three_at_once_and_no_more(visitor: Visitor) -> None:
    """The fourth live task is refused with the number; one that has ended makes room."""
    for _ in range(3):
        assert visitor.create().status_code == 200
    answer = visitor.create()
    assert error(answer) == (429, "too_many_concurrent_tasks")
    assert answer.json()["error"]["details"] == {"num_tasks": 3}
    visitor.sora.advance(166)
    assert visitor.create().status_code == 200


def test_four_creates_in_the_same_moment_are_three(visitor: Visitor) -> None:
    """The places cannot be taken twice."""
    with ThreadPoolExecutor(4) as pool:
        codes = sorted(answer.status_code for answer in pool.map(lambda _: visitor.create("rush"), range(4)))
    assert codes == [200, 200, 200, 429]
    assert len([one for one in visitor.sora.log("rush") if one["account"] == visitor.email]) == 3


def test_the_quota_runs_out_and_comes_back(visitor: Visitor) -> None:
    """So many in a day; then 429 with the seconds, which nf/check shows as well, until the day is over."""
    visitor.sora.fault("videos-a-day", 6)
    for _ in range(2):
        for _ in range(3):
            assert visitor.create(n_frames=150).status_code == 200
        visitor.sora.advance(100)
    answer = visitor.create()
    left = answer.json()["rate_limit_and_credit_balance"]
    assert (answer.status_code, answer.json()["type"]) == (429, "rate_limit_exhausted")
    assert (left["rate_limit_reached"], left["credit_remaining"]) == (True, 0)
    assert 86_400 - 300 < left["access_resets_in_seconds"] <= 86_400 - 200
    assert visitor.get("/backend/nf/check").json()["rate_limit_and_credit_balance"] == left
    visitor.sora.advance(86_400)
    assert visitor.create().status_code == 200


def test_the_log_has_what_was_accepted_and_nothing_else(tmp_path: Path) -> None:
    """One line for each, on disk before the answer, also for those whose answer was lost."""
    log = tmp_path / "creates.jsonl"
    with running_sora(log) as sora, Visitor(sora) as visitor:
        sora.fault("payment", match="refused")
        sora.fault("drop-create", match="lost")
        visitor.create("kept")
        visitor.create("refused")
        with pytest.raises(httpx.RemoteProtocolError):
            visitor.create("lost")
        visitor.create("board", path=STORYBOARD)
        entries = [json.loads(line) for line in log.read_text().splitlines()]
        assert [one["prompt"] for one in entries] == ["kept", "lost", "board"]
        assert sora.log() == entries
        assert set(entries[0]) == {"id", "account", "prompt", "path", "time"}
        assert entries[2]["path"] == STORYBOARD


def test_a_storyboard_is_a_create_with_its_shots_in_the_prompt(visitor: Visitor) -> None:
    """Its title is kept, and its task is like any other."""
    shots = "current timeline:\nShot 1:\nduration: 5.0sec\nScene: a boat in the gutter"
    id = visitor.create(shots, path=STORYBOARD, title="Draft your video").json()["id"]
    (task,) = visitor.pending()
    assert (task["id"], task["title"], task["prompt"]) == (id, "Draft your video", shots)


def test_several_at_once_are_a_list_of_tasks(visitor: Visitor) -> None:
    """Each is a task of its own, and they share the three places."""
    answer = visitor.create(path=BULK, nsamples=2)
    assert len({one["id"] for one in answer.json()}) == 2
    assert len(visitor.pending()) == 2
    assert error(visitor.create(path=BULK, nsamples=2)) == (429, "too_many_concurrent_tasks")
    assert visitor.create(path=BULK, nsamples=9).status_code == 400


def test_a_draft_can_be_extended(visitor: Visitor) -> None:
    """The new clip is longer by what was asked for; a draft that there is not is not found."""
    visitor.made("first")
    path = f"{DRAFTS}/{visitor.draft()['id']}/long_video_extension"
    body = {"user_prompt": "then rain", "extension_duration_s": 10, "enable_rewrite": True}
    assert error(visitor.call("POST", path, json=body)) == (400, "sentinel_block")
    answer = visitor.call("POST", path, headers=visitor.prove(), json=body).json()
    assert set(answer) == {"id"}
    visitor.sora.advance(400)
    draft = visitor.draft()
    assert (draft["task_id"], draft["duration_s"]) == (answer["id"], 20.0)
    for wrong in ({**body, "extension_duration_s": 7}, {**body, "more": 1}, {"extension_duration_s": 10}):
        refused = visitor.call("POST", path, headers=visitor.prove(), json=wrong)
        assert refused.status_code == 400
    visitor.sora.fault("violation")
    visitor.made("blocked")
    blocked = f"{DRAFTS}/{visitor.draft()['id']}/long_video_extension"
    assert visitor.call("POST", blocked, headers=visitor.prove(), json=body).status_code == 400
    gone = visitor.call("POST", f"{DRAFTS}/gen_x/long_video_extension", headers=visitor.prove(), json=body)
    assert gone.status_code == 404
