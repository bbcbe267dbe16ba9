"""What is different about tasks, drafts, files and uploads while a fault is on: one check for each."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import httpx
import pytest

from tests.testing.sora_emulator.test_uploads import png, upload
from tests.testing.sora_emulator.visitor import DONE_S, DRAFTS, Check, Visitor, facts_of


def under_way(seconds: float, fits: Callable[[dict[str, Any]], bool]) -> Check:
    """Look at the one task in pending so many seconds after its create."""

    def check(visitor: Visitor) -> bool:
        visitor.create()
        visitor.sora.advance(seconds)
        (task,) = visitor.pending()
        return fits(task)

    return check


def drafted(fits: Callable[[dict[str, Any]], bool]) -> Check:
    """Look at the draft that comes."""

    def check(visitor: Visitor) -> bool:
        visitor.made()
        return fits(visitor.draft())

    return check


def file(fits: Callable[[httpx.Response], bool]) -> Check:
    """Look at what the source's address gives."""

    def check(visitor: Visitor) -> bool:
        visitor.made()
        return fits(httpx.get(source(visitor.draft()), headers={"Range": "bytes=0-99"}))

    return check


def source(draft: dict[str, Any]) -> str:
    return str(draft["encodings"]["source"]["path"])


def late(visitor: Visitor) -> bool:
    visitor.create()
    return [len(visitor.pending()) for _ in range(3)] == [0, 0, 1]


def forgotten(visitor: Visitor) -> bool:
    """Half-way no address knows the task; after the time that was given its draft is there."""
    id = visitor.create(n_frames=300).json()["id"]
    visitor.sora.advance(120)
    nowhere = visitor.pending() == [] and visitor.get(f"/backend/nf/tasks/{id}/v2").status_code == 404
    visitor.sora.advance(400)
    return nowhere and visitor.draft()["task_id"] == id


def unseen(visitor: Visitor, *, comes: bool) -> bool:
    id = visitor.create().json()["id"]
    listed = [one["id"] for one in visitor.pending()]
    visitor.sora.advance(DONE_S)
    return not listed and [one["task_id"] for one in visitor.drafts()["items"]] == [id] * comes


def stays(visitor: Visitor) -> bool:
    visitor.made()
    (task,) = visitor.pending()
    (made,) = task["generations"]
    return (task["status"], made["task_id"]) == ("succeeded", task["id"])


def fails(visitor: Visitor, status: str) -> bool:
    id = visitor.create().json()["id"]
    visitor.sora.advance(110)
    (task,) = visitor.pending()
    shown = (task["status"], task["failure_reason"], visitor.task(id)["status"])
    return shown == (status, "why", status)


def hidden_for(visitor: Visitor, reads: int) -> bool:
    visitor.made()
    return [len(visitor.drafts()["items"]) for _ in range(reads + 1)] == [0] * reads + [1]


def in_a_crowd(visitor: Visitor, *, same: bool) -> bool:
    """The draft is behind others, on a later page; the others are nobody's tasks."""
    id = visitor.made("mine")
    first = visitor.drafts()
    second = visitor.drafts(cursor=first["cursor"])
    here = [item["task_id"] for item in second["items"]]
    prompts = {item["prompt"] == "mine" for item in first["items"]}
    return prompts == {same} and id in here and visitor.pending() == []


def failed(visitor: Visitor, kind: str, field: str, text: str) -> bool:
    """The draft is a failure with its reason, and the task's own endpoint says so too."""
    id = visitor.made()
    draft, task = visitor.draft(), visitor.task(id)
    shown = task["status"] == "failed" and task["generations"][0]["kind"] == kind
    return (draft["kind"], draft["url"]) == (kind, "") and text in draft[field] and shown


def without_address(visitor: Visitor) -> bool:
    visitor.made()
    return [bool(visitor.draft()["url"]) for _ in range(3)] == [False, False, True]


def old_form(visitor: Visitor) -> bool:
    id = visitor.made()
    draft = visitor.draft()
    again = visitor.get(f"{DRAFTS}/v2/{id}").json()
    return draft["id"] == again["id"] == id and "task_id" not in draft


def expires_once(visitor: Visitor) -> bool:
    visitor.made()
    codes = [httpx.get(source(visitor.draft())).status_code for _ in range(2)]
    return codes == [403, 200]


def expires_soon(visitor: Visitor) -> bool:
    visitor.made()
    address, codes = source(visitor.draft()), []
    for _ in range(2):
        codes.append(httpx.get(address).status_code)
        visitor.sora.advance(61)
    return codes == [200, 403]


def silent(visitor: Visitor) -> bool:
    visitor.made()
    return facts_of(httpx.get(source(visitor.draft())).content).audio_codec is None


def small(visitor: Visitor) -> bool:
    visitor.made()
    draft = visitor.draft()
    return facts_of(httpx.get(draft["downloadable_url"]).content).width < int(draft["width"])


def cut(visitor: Visitor) -> bool:
    visitor.made()
    with pytest.raises(httpx.RemoteProtocolError, match="without sending complete"):
        httpx.get(source(visitor.draft()))
    return True


def short(visitor: Visitor) -> bool:
    visitor.made()
    draft = visitor.draft()
    answer = httpx.get(source(draft))
    return answer.status_code == 200 and len(answer.content) == draft["encodings"]["source"]["size"] // 2


def news(visitor: Visitor) -> bool:
    visitor.create()
    (task,) = visitor.pending()
    visitor.sora.advance(DONE_S)
    return "novel_field" in task and "novel_field" in visitor.draft()


def wrapped(visitor: Visitor) -> bool:
    visitor.made()
    id = visitor.draft()["id"]
    return bool(visitor.get(f"{DRAFTS}/v2/{id}").json()["draft"]["id"] == id)


def empty_first(visitor: Visitor) -> bool:
    visitor.made()
    first = visitor.drafts()
    return first["items"] == [] and len(visitor.drafts(cursor=first["cursor"])["items"]) == 1


def loops(visitor: Visitor) -> bool:
    visitor.made()
    first = visitor.drafts()
    again = visitor.drafts(cursor=first["cursor"])
    return [one["id"] for one in first["items"]] == [one["id"] for one in again["items"]]


def only(visitor: Visitor, gone: str, there: str, status: int) -> bool:
    return (visitor.get(gone).status_code, visitor.get(there).status_code) == (status, 200)


def hidden_task(visitor: Visitor, status: int) -> bool:
    id = visitor.create().json()["id"]
    return visitor.get(f"/backend/nf/tasks/{id}/v2").status_code == status and len(visitor.pending()) == 1


def on_one_draft(visitor: Visitor, status: int, *, read: bool) -> bool:
    visitor.made()
    path = f"{DRAFTS}/{visitor.draft()['id']}"
    answer = visitor.call("POST", f"{path}/read", json={}) if read else visitor.get(path)
    return answer.status_code == status


def refuses_photos(visitor: Visitor) -> bool:
    answers = [upload(visitor, png(), file=one) for one in (True, False)]
    return all("photorealistic people" in answer.json()["error"]["message"] for answer in answers)


def finds_a_person(visitor: Visitor) -> bool:
    return upload(visitor, png(), file=True).json()["contains_realistic_person"] is True


PENDING, PENDING_V2 = "/backend/nf/pending", "/backend/nf/pending/v2"

TASKS: dict[str, Check] = {
    "listed-late=2": late,
    "progress-null": under_way(100, lambda task: task["progress_pct"] is None),
    "progress-percent": under_way(100, lambda task: task["progress_pct"] > 10),
    "unknown-status=dreaming": under_way(100, lambda task: task["status"] == "dreaming"),
    "fails-in-pending=why": lambda visitor: fails(visitor, "failed"),
    "canceled=why": lambda visitor: fails(visitor, "cancelled"),
    "vanishes": lambda visitor: unseen(visitor, comes=True),
    "forgotten=400": forgotten,
    "lost": lambda visitor: unseen(visitor, comes=False),
    "stays-when-done": stays,
    "never-ends": under_way(5000, lambda task: task["status"] == "running"),
}
DRAFT: dict[str, Check] = {
    "drafts-lag=2": lambda visitor: hidden_for(visitor, 2),
    "crowd=20": lambda visitor: in_a_crowd(visitor, same=True),
    "beyond-first-page=20": lambda visitor: in_a_crowd(visitor, same=False),
    "old-ids": old_form,
    "violation": lambda visitor: failed(visitor, "sora_content_violation", "reason_str", "our guardrails"),
    "render-error": lambda visitor: failed(visitor, "sora_error", "error_reason", "processing_failed"),
    "no-url": drafted(
        lambda draft: (draft["kind"], draft["url"], draft["encodings"]) == ("sora_draft", "", None)
    ),
    "no-url-first=2": without_address,
    "no-created-at": drafted(lambda draft: "created_at" not in draft),
    "no-watermark-null": drafted(lambda draft: draft["download_urls"]["no_watermark"] is None),
    "downloadable-marked": drafted(
        lambda draft: draft["downloadable_url"] == draft["download_urls"]["watermark"] != source(draft)
    ),
    "downloadable-empty": drafted(lambda draft: draft["downloadable_url"] == ""),
    "downloadable-small": small,
    "path-not-url": drafted(lambda draft: source(draft).startswith("/mnt/")),
    "encoding-url": drafted(lambda draft: draft["encodings"]["source"].get("url", "").startswith("http")),
    "preview-only": drafted(
        lambda draft: draft["downloadable_url"] is draft["encodings"] is None and draft["url"]
    ),
    "url-expired-once": expires_once,
    "wrong-size": drafted(lambda draft: draft["width"] == 704),
    "silent": silent,
}
LISTS: dict[str, Check] = {
    "extra-fields": news,
    "wrapped-draft": wrapped,
    "empty-page": empty_first,
    "cursor-loops": loops,
    "drafts-v1-only": lambda visitor: only(visitor, f"{DRAFTS}/v2", DRAFTS, 404),
    "drafts-v1-only=410": lambda visitor: only(visitor, f"{DRAFTS}/v2", DRAFTS, 410),
    "pending-v1-only": lambda visitor: only(visitor, PENDING_V2, PENDING, 404),
    "tasks-404": lambda visitor: hidden_task(visitor, 404),
    "tasks-403": lambda visitor: hidden_task(visitor, 403),
    "draft-404": lambda visitor: on_one_draft(visitor, 404, read=False),
    "read-400": lambda visitor: on_one_draft(visitor, 400, read=True),
}
MEDIA: dict[str, Check] = {
    "url-expires=60": expires_soon,
    "media-expired": file(lambda answer: answer.status_code == 403 and "<Code>" in answer.text),
    "media-truncated": cut,
    "media-truncated=short": short,
    "media-html": file(lambda answer: answer.text.startswith("<!doctype html>")),
    "media-404": file(lambda answer: answer.status_code == 404),
    "media-500": file(lambda answer: answer.status_code == 500),
    "media-no-range": file(lambda answer: answer.status_code == 200 and len(answer.content) > 100),
    "media-slow=0.3": file(lambda answer: answer.elapsed.total_seconds() >= 0.25),
}
UPLOADS: dict[str, Check] = {
    "photo-refused": lambda visitor: (
        "photorealistic people" in upload(visitor, png()).json()["error"]["message"]
    ),
    "upload-user-error=no": lambda visitor: (
        upload(visitor, png(), file=True).json() == {"user_error_message": "no"}
    ),
    "realistic-person": finds_a_person,
    "file-upload-404": lambda visitor: (
        [upload(visitor, png(), file=one).status_code for one in (True, False)] == [404, 200]
    ),
    "uploads-404": lambda visitor: (
        [upload(visitor, png(), file=one).status_code for one in (True, False)] == [200, 404]
    ),
    "upload-500": lambda visitor: upload(visitor, png()).status_code == 500,
}
