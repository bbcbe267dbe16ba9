"""What is different about creates and polls while a fault is on: one check for each."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from tests.testing.sora_emulator.visitor import DONE_S, DRAFTS, MARCH_BODY, Check, Visitor, error, facts_of

HANGS_S = 0.8

TRIES = 3
"""How often an answer has to be late: on a busy machine one that is not held back may be late too."""


def challenged(answer: httpx.Response, status: int) -> bool:
    page = "Just a moment" in answer.text and "window._cf_chl_opt" in answer.text
    marked = answer.headers.get("cf-mitigated") == "challenge"
    return answer.status_code == status and page and bool(marked)


def challenged_but(visitor: Visitor, open_path: str, status: int) -> bool:
    """Creates are shown the page, and nothing is accepted; another path is open."""
    return challenged(visitor.create(), status) and visitor.get(open_path).status_code == 200


def waits(visitor: Visitor) -> bool:
    visitor.sora.fault("heavy-load")
    return "30" in visitor.create().headers.get_list("retry-after")


def reuses(visitor: Visitor) -> bool:
    header, path = visitor.prove(), "/backend/nf/create"
    answers = [visitor.call("POST", path, headers=header, json=MARCH_BODY) for _ in range(2)]
    return all(answer.status_code == 200 for answer in answers)


def blocked(visitor: Visitor, status: int, code: str | None, words: str = "") -> bool:
    """A create is refused in the usual envelope, and nothing is accepted."""
    answer = visitor.create()
    told = words in answer.json()["error"]["message"]
    return error(answer) == (status, code) and told and visitor.pending() == []


def made_all_the_same(visitor: Visitor) -> bool:
    """Words that are objected to at the create, and words that are at the end."""
    codes = [visitor.create(words).status_code for words in ("a nude statue", "Super Mario runs")]
    visitor.sora.advance(DONE_S)
    return codes == [200, 200] and [one["kind"] for one in visitor.drafts()["items"]] == ["sora_draft"] * 2


def made_so_large(visitor: Visitor, width: int, height: int) -> bool:
    """The draft says these pixels, and its file has them, though something else was asked for."""
    visitor.made(n_frames=150, size="small", orientation="portrait")
    draft = visitor.draft()
    facts = facts_of(httpx.get(draft["encodings"]["source"]["path"]).content)
    return (draft["width"], draft["height"]) == (facts.width, facts.height) == (width, height)


def plain_create(visitor: Visitor) -> int:
    """Return how a create without the headers of a page is answered."""
    signed = {"Authorization": f"Bearer {visitor.token}", **visitor.prove()}
    body, url = MARCH_BODY, f"{visitor.sora.base_url}/backend/nf/create"
    return httpx.post(url, json=body, headers=signed).status_code


def exhausted(visitor: Visitor) -> bool:
    answer = visitor.create().json()
    left = answer["rate_limit_and_credit_balance"]
    return (answer["type"], left["access_resets_in_seconds"]) == ("rate_limit_exhausted", 77)


def lost(visitor: Visitor, *, accepted: bool) -> bool:
    """The connection ends without a byte."""
    with pytest.raises(httpx.RemoteProtocolError, match="without sending a response"):
        visitor.create()
    visitor.sora.clear()
    return len(visitor.pending()) == accepted and visitor.sora.requests("nf/create")[-1]["status"] is None


def looks_wrong(visitor: Visitor, field: str, **body: Any) -> bool:
    """A create with this field is refused, with its name."""
    answer = visitor.create(**body)
    return answer.status_code == 400 and answer.json()["error"]["param"] == field


def accepted(visitor: Visitor, fits: Callable[[httpx.Response], bool]) -> bool:
    """What is answered is not as usual, and the task is there all the same."""
    return fits(visitor.create()) and len(visitor.pending()) == 1


def slow(ask: Callable[[], httpx.Response]) -> bool:
    return all(is_late(ask) for _ in range(TRIES))


def is_late(ask: Callable[[], httpx.Response]) -> bool:
    began = time.monotonic()
    return ask().status_code == 200 and time.monotonic() - began >= HANGS_S


CREATES: dict[str, Check] = {
    "challenge": lambda visitor: challenged(visitor.get("/backend/nf/pending/v2"), 403),
    "challenge=429": lambda visitor: challenged(visitor.get(DRAFTS), 429),
    "challenge=create": lambda visitor: challenged_but(visitor, "/backend/nf/pending/v2", 403),
    "challenge=429,create": lambda visitor: challenged_but(visitor, DRAFTS, 429),
    "region": lambda visitor: blocked(visitor, 400, "unsupported_country_code"),
    "region=404": lambda visitor: blocked(visitor, 404, "unsupported_country_code"),
    "no-access": lambda visitor: visitor.get("/backend/nf/check").status_code == 404,
    "videos-a-day=1": lambda visitor: [visitor.create().status_code for _ in range(2)] == [200, 429],
    "headers-unchecked": lambda visitor: plain_create(visitor) == 200,
    "retry-after": waits,
    "sentinel-reusable": reuses,
    "sentinel-block": lambda visitor: blocked(visitor, 400, "sentinel_block"),
    "unable-to-process": lambda visitor: blocked(visitor, 400, None, "Unable to process request"),
    "something-not-right": lambda visitor: blocked(visitor, 400, None, "Hmmm something didn't look right"),
    "no-600": lambda visitor: looks_wrong(visitor, "n_frames", n_frames=600),
    "large-pro-only": lambda visitor: looks_wrong(visitor, "size", size="large"),
    "too-many-tasks=5": lambda visitor: blocked(visitor, 429, "too_many_concurrent_tasks", "already have 5"),
    "quota=77": exhausted,
    "daily-cap": lambda visitor: blocked(visitor, 429, None, "already generated 100 videos"),
    "heavy-load": lambda visitor: blocked(visitor, 429, "heavy_load", "under heavy load"),
    "heavy-load=503": lambda visitor: blocked(visitor, 503, "heavy_load"),
    "payment": lambda visitor: blocked(visitor, 402, None),
    "phone-number": lambda visitor: blocked(visitor, 403, "phone_number_required"),
    "drop-before": lambda visitor: lost(visitor, accepted=False),
    "drop-create": lambda visitor: lost(visitor, accepted=True),
    f"slow-create={HANGS_S}": lambda visitor: slow(visitor.create),
    "create-500-accepted": lambda visitor: accepted(visitor, lambda answer: answer.status_code == 500),
    "create-500-accepted=502": lambda visitor: accepted(visitor, lambda answer: answer.status_code == 502),
    "create-html": lambda visitor: accepted(visitor, lambda answer: answer.text.startswith("<!doctype")),
    "create-see-other": lambda visitor: accepted(visitor, lambda answer: answer.status_code == 303),
    "create-list": lambda visitor: accepted(visitor, lambda answer: "id" in answer.json()[0]),
    "no-moderation": made_all_the_same,
    "pixels=512x896": lambda visitor: made_so_large(visitor, 512, 896),
    "no-id": lambda visitor: accepted(visitor, lambda answer: "id" not in answer.json()),
    "no-balance": lambda visitor: accepted(visitor, lambda answer: set(answer.json()) == {"id"}),
}


def polls(visitor: Visitor, fits: Callable[[httpx.Response], bool]) -> bool:
    """Both kinds of polls are spoiled."""
    id = visitor.create().json()["id"]
    paths = ("/backend/nf/pending/v2", f"/backend/nf/tasks/{id}/v2")
    return all(fits(visitor.get(path)) for path in paths)


def no_json(answer: httpx.Response) -> bool:
    with pytest.raises(json.JSONDecodeError):
        answer.json()
    return answer.status_code == 200


def drops(visitor: Visitor) -> bool:
    with pytest.raises(httpx.RemoteProtocolError):
        visitor.pending()
    return True


POLLS: dict[str, Check] = {
    "poll-500=2": lambda visitor: (
        polls(visitor, lambda answer: answer.status_code == 500) and len(visitor.pending()) == 1
    ),
    "poll-html": lambda visitor: polls(visitor, no_json),
    "poll-garbage": lambda visitor: polls(visitor, no_json),
    "poll-drop": drops,
    f"poll-hangs={HANGS_S}": lambda visitor: slow(lambda: visitor.get("/backend/nf/pending")),
    "drafts-500=1": lambda visitor: [visitor.get(DRAFTS).status_code for _ in range(2)] == [500, 200],
    "drafts-html": lambda visitor: no_json(visitor.get(f"{DRAFTS}/v2")),
}
