"""A task's life by the clock, and the drafts, page by page."""

from __future__ import annotations

import httpx

from tests.testing.sora_emulator.visitor import DRAFTS, Visitor

SEQUENCE = (
    (1, "preprocessing", None),
    (6, "queued", None),
    (53, "queued", None),
    (55, "running", 0.1),
    (108, "running", 0.55),
    (160, "processing", 1.0),
)
"""Seconds after the create, and what pending shows then of a clip of 10 s."""


def test_the_full_life_of_a_task(visitor: Visitor) -> None:
    """The measured sequence: the stages at their times, then nothing, then the draft."""
    id, age = visitor.create("a boat").json()["id"], 0.0
    for at, status, progress in SEQUENCE:
        visitor.sora.advance(at - age)
        age = at
        (task,) = visitor.pending()
        assert (task["id"], task["status"], task["progress_pct"]) == (id, status, progress)
        assert visitor.task(id) == task
    visitor.sora.advance(166 - age)
    assert visitor.pending() == []
    assert visitor.drafts()["items"] == []
    visitor.sora.advance(4)
    draft = visitor.draft()
    assert (draft["task_id"], draft["kind"], draft["duration_s"]) == (id, "sora_draft", 10.1)
    ended = visitor.task(id)
    assert ended["status"] == "succeeded"
    assert ended["generations"][0]["id"] == draft["id"]


def test_a_pending_task_has_the_fields_of_the_service(visitor: Visitor) -> None:
    """Field for field as it was captured."""
    visitor.create("a boat", style_id="news")
    (task,) = visitor.pending()
    config = task.pop("creation_config")
    assert set(task) == {
        "id",
        "task_type",
        "status",
        "failure_reason",
        "prompt",
        "title",
        "progress_pct",
        "generations",
    }
    assert config["style"]["id"] == "news"
    assert (config["n_frames"], config["orientation"], config["task_id"]) == (300, "portrait", None)


def test_a_longer_clip_takes_longer(visitor: Visitor) -> None:
    """The times go with the frames."""
    visitor.create(n_frames=450)
    visitor.sora.advance(165)
    assert visitor.pending()[0]["status"] == "running"
    visitor.sora.advance(95)
    assert visitor.draft()["duration_s"] == 14.8


def test_pages_follow_each_other(visitor: Visitor) -> None:
    """Newest first, each once, until the cursor is null, though new ones come meanwhile."""
    made = [visitor.made(f"clip {number}", n_frames=150) for number in range(5)]
    first = visitor.drafts(limit="2")
    visitor.made("one more", n_frames=150)
    second = visitor.drafts(limit="2", cursor=first["cursor"])
    third = visitor.drafts(limit="2", cursor=second["cursor"])
    found = [item["task_id"] for page in (first, second, third) for item in page["items"]]
    assert found == made[::-1]
    assert third["cursor"] is None
    assert visitor.get(f"{DRAFTS}/v2", params={"cursor": "nonsense"}).status_code == 400
    assert visitor.get(f"{DRAFTS}/v2", params={"limit": "none"}).status_code == 400


def test_fifteen_drafts_are_a_page(visitor: Visitor) -> None:
    """That is what comes without a limit; the older route shows the same."""
    visitor.sora.fault("crowd", 20)
    visitor.made()
    assert len(visitor.drafts()["items"]) == 15
    assert len(visitor.get(DRAFTS, params={"limit": "500"}).json()["items"]) == 21


def test_one_draft_is_read_marked_and_deleted(visitor: Visitor) -> None:
    """By its id, on either route; what is deleted is gone from the list."""
    visitor.made()
    draft = visitor.draft()
    for path in (f"{DRAFTS}/v2/{draft['id']}", f"{DRAFTS}/{draft['id']}"):
        assert visitor.get(path).json()["task_id"] == draft["task_id"]
    assert draft["draft_reviewed"] is False
    assert visitor.call("POST", f"{DRAFTS}/{draft['id']}/read", json={}).status_code == 200
    assert visitor.draft()["draft_reviewed"] is True
    assert visitor.call("DELETE", f"{DRAFTS}/{draft['id']}").status_code == 200
    assert visitor.drafts()["items"] == []
    assert visitor.get(f"{DRAFTS}/v2/{draft['id']}").status_code == 404


def test_two_clips_of_the_same_words_are_two_drafts(visitor: Visitor) -> None:
    """Only the task tells them apart."""
    ids = {visitor.create("twice").json()["id"] for _ in range(2)}
    visitor.sora.advance(170)
    assert {item["task_id"] for item in visitor.drafts()["items"]} == ids


def test_recent_tasks_come_in_pages(visitor: Visitor) -> None:
    """Newest first, under way or done; the last one's id leads to those before it."""
    ids = [visitor.made(), visitor.create().json()["id"]]
    first = visitor.get("/backend/v2/recent_tasks", params={"limit": "1"}).json()
    rest = visitor.get("/backend/v2/recent_tasks", params={"before": first["last_id"]}).json()
    assert [one["id"] for one in (*first["task_responses"], *rest["task_responses"])] == ids[::-1]
    assert (first["has_more"], rest["has_more"], rest["last_id"]) == (True, False, ids[0])
    assert rest["task_responses"][0]["generations"][0]["task_id"] == ids[0]


def test_a_generation_leads_to_its_file(visitor: Visitor) -> None:
    """By its own address; one that there is not leads nowhere."""
    visitor.made()
    draft = visitor.draft()
    url = visitor.get(f"/backend/generations/{draft['id']}/download").json()["url"]
    assert httpx.get(url).content == httpx.get(draft["downloadable_url"]).content
    assert visitor.get("/backend/generations/gen_none/download").status_code == 404
