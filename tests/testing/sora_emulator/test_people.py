"""The account's own calls, posts, and the small calls around a prompt."""

from __future__ import annotations

from tests.testing.sora_emulator.visitor import FLOW, Visitor

OWN = "/backend/project_y"


def publish(visitor: Visitor) -> str:
    """Make a clip, publish it unlisted, and return the post's id."""
    visitor.made()
    body = {
        "attachments_to_create": [{"generation_id": visitor.draft()["id"], "kind": "sora"}],
        "post_text": "",
        "destinations": [{"type": "shared_link_unlisted"}],
    }
    assert visitor.call("POST", f"{OWN}/post", json=body).status_code == 400
    answer = visitor.call("POST", f"{OWN}/post", headers=visitor.prove(), json=body)
    id: str = answer.json()["post"]["id"]
    return id


def test_the_account_and_its_plan(visitor: Visitor) -> None:
    """Who it is, what it pays for, which models it may use."""
    profile = visitor.get(f"{OWN}/v2/me").json()
    assert profile["my_info"]["email"] == visitor.get("/backend/me").json()["email"] == visitor.email
    assert profile["profile"]["username"] == visitor.email.partition("@")[0]
    assert visitor.get("/backend/billing/subscriptions").json()["data"][0]["plan"]["id"] == "chatgpt_pro"
    models = visitor.get("/backend/models", params={"nf2": "true"}).json()["data"]
    assert [one["id"] for one in models] == ["sy_8", "sy_ore"]
    check = visitor.get("/backend/nf/check").json()
    assert isinstance(check["type"], str)
    assert check["rate_limit_and_credit_balance"] == visitor.get("/backend/billing/credit_balance").json()


def test_what_a_page_asks_when_it_starts(visitor: Visitor) -> None:
    """Limits, styles, and how many drafts are new."""
    visitor.made()
    told = visitor.get(f"{OWN}/initialize_async").json()
    assert (told["max_cameos"], told["max_bulk_tasks"], told["unread_draft_count"]) == (3, 4, 1)
    assert len(told["styles"]) == 11
    found = visitor.get(
        f"{OWN}/profile/search_mentions", params={"username": visitor.email[:5], "intent": "cameo"}
    ).json()["items"]
    assert visitor.email.partition("@")[0] in [one["profile"]["username"] for one in found]


def test_a_prompt_can_be_enhanced(visitor: Visitor) -> None:
    """With a level and a length that there are."""
    path, body = "/backend/editor/enhance_prompt", {"prompt": "a boat", "expansion_level": "short"}
    assert "a boat" in visitor.call("POST", path, json={**body, "duration_s": 10}).json()["enhanced_prompt"]
    assert visitor.call("POST", path, json={**body, "duration_s": 11}).status_code == 400


def test_a_post_is_published_read_liked_and_deleted(visitor: Visitor) -> None:
    """It needs a sentinel token, is in the feed, can be remixed, and its draft knows of it."""
    id = publish(visitor)
    assert len(id) == len("s_") + 32
    post = visitor.get(f"{OWN}/post/{id}").json()["post"]
    assert post["permissions"]["share_setting"] == "unlisted"
    assert post["attachments"][0]["id"] == f"{id}-attachment-0"
    assert visitor.get(f"{OWN}/post/{id}/tree").json()["children"] == []
    assert visitor.draft()["post"]["id"] == id
    like = f"{OWN}/post/{id}/like"
    liked = visitor.call("POST", like, headers=visitor.prove("sora_2_like_post"), json={"kind": "like"})
    assert liked.status_code == 200
    assert visitor.create(remix_target_id=id).status_code == 200
    assert visitor.call("DELETE", f"{OWN}/post/{id}").status_code == 204
    assert visitor.get(f"{OWN}/post/{id}").status_code == 404
    assert visitor.draft()["post"] is None


def test_the_feed_comes_in_pages(visitor: Visitor) -> None:
    """Newest first; the cursor leads to what was posted before."""
    first, second = publish(visitor), publish(visitor)
    page = visitor.get(f"{OWN}/profile_feed/me", params={"limit": "1", "cut": "nf2"}).json()
    rest = visitor.get(f"{OWN}/profile_feed/me", params={"cursor": page["cursor"]}).json()
    assert [item["post"]["id"] for item in (*page["items"], *rest["items"])] == [second, first]
    assert rest["cursor"] is None


def test_download_is_no_address(visitor: Visitor) -> None:
    """It only counts."""
    assert visitor.get(f"{OWN}/download/{publish(visitor)}").json() == {}


def test_a_like_wants_its_flow(visitor: Visitor) -> None:
    """No token, no like."""
    path = f"{OWN}/post/{publish(visitor)}/like"
    assert visitor.call("POST", path, json={"kind": "like"}).status_code == 400
    assert visitor.call("POST", path, headers=visitor.prove(FLOW), json={"kind": "like"}).status_code == 200
