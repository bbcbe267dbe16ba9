"""The calls about posts: publishing a draft, reading posts, and the feeds they are in."""

from __future__ import annotations

import base64
import json
import secrets
from collections.abc import Iterable
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from rushes.testing.sora_emulator.accounts import Account
from rushes.testing.sora_emulator.refusals import looks_wrong, not_found
from rushes.testing.sora_emulator.sentinel import CREATE_FLOWS, LIKE_FLOWS
from rushes.testing.sora_emulator.shapes import profile_json
from rushes.testing.sora_emulator.world import World, base_of, json_body, limit_of, session_secret

SETTINGS = {"public": "public", "shared_link_unlisted": "unlisted"}
"""Where a post may go, and what its permissions then say of it."""

Post = dict[str, Any]
"""What is kept of a post: id, task_id, text, share_setting, posted_at. All else is written at each read."""


class Posts:
    """What people have published. A read signs a post's addresses anew, as a read of a draft does."""

    def __init__(self, world: World) -> None:
        self.world = world

    def routes(self) -> list[Route]:
        own = "/backend/project_y"
        return [
            Route(f"{own}/post", self.publish, methods=["POST"]),
            Route(f"{own}/post/{{id}}", self.post, methods=["GET"]),
            Route(f"{own}/post/{{id}}", self.unpublish, methods=["DELETE"]),
            Route(f"{own}/post/{{id}}/tree", self.tree),
            Route(f"{own}/post/{{id}}/remix_feed", self.remixes),
            Route(f"{own}/post/{{id}}/like", self.like, methods=["POST"]),
            Route(f"{own}/feed", self.everybodys_feed),
            Route(f"{own}/profile_feed/{{who}}", self.feed),
            Route(f"{own}/profile/username/{{name}}", self.profile),
        ]

    async def publish(self, request: Request) -> Response:
        """Make a draft visible to others."""
        account = self.world.bearer_or_cookie(request)
        self.world.prove(request, CREATE_FLOWS)
        generation, text, setting = _publication(await json_body(request))
        task = self.world.tasks.by_generation(account, generation)
        if task is None or task.failure is not None:
            raise looks_wrong("attachments_to_create")
        id = f"s_{secrets.token_hex(16)}"
        post = {"id": id, "task_id": task.id, "text": text, "share_setting": setting}
        task.post_id, task.post_visibility = id, setting
        self.world.things.posts[id] = {**post, "posted_at": self.world.clock.now()}
        self.world.things.owner[id] = account.email
        return JSONResponse({"post": self._json(request, self.world.things.posts[id], account)})

    async def post(self, request: Request) -> Response:
        reader = self._reader(request)
        return JSONResponse(self._item(request, self._asked(request), reader))

    async def tree(self, request: Request) -> Response:
        reader = self._reader(request)
        item = self._item(request, self._asked(request), reader)
        return JSONResponse({**item, "children": [], "cursor": None})

    async def remixes(self, request: Request) -> Response:
        """List the public posts whose clips were made from this one."""
        reader = self._reader(request)
        found = [one for one in self._remixes(self._asked(request)) if one["share_setting"] == "public"]
        return self._page(request, reversed(found), reader, 20)

    async def like(self, request: Request) -> Response:
        self.world.bearer_or_cookie(request)
        self._asked(request)
        self.world.prove(request, (*LIKE_FLOWS, *CREATE_FLOWS))
        if await json_body(request) != {"kind": "like"}:
            raise looks_wrong()
        return JSONResponse({})

    async def unpublish(self, request: Request) -> Response:
        account, id = self.world.bearer_or_cookie(request), request.path_params["id"]
        if self.world.things.find(self.world.things.posts, id, account.email) is None:
            raise not_found("post")
        del self.world.things.posts[id]
        for task in self.world.tasks.of(account):
            if task.post_id == id:
                task.post_id = task.post_visibility = None
        return Response(status_code=204)

    async def everybodys_feed(self, request: Request) -> Response:
        """List what everybody has published for all to see."""
        account = self.world.bearer_or_cookie(request)
        posts = reversed(self.world.things.posts.values())
        return self._page(request, (one for one in posts if one["share_setting"] == "public"), account, 16)

    async def feed(self, request: Request) -> Response:
        """List one's own posts, or what somebody else has published for all to see."""
        account, who = self.world.bearer_or_cookie(request), request.path_params["who"]
        owner = account if who == "me" else self._account(who)
        posts = self.world.things.owned(self.world.things.posts, owner.email)
        shown = (one for one in posts if owner is account or one["share_setting"] == "public")
        return self._page(request, shown, account, 8)

    async def profile(self, request: Request) -> Response:
        self.world.bearer_or_cookie(request)
        return JSONResponse(profile_json(self._account(request.path_params["name"])))

    def _account(self, who: str) -> Account:
        """Return whose id or name this is. Raises the service's 404."""
        for account in self.world.accounts.all.values():
            if who in (account.id, account.name):
                return account
        raise not_found("profile")

    def _reader(self, request: Request) -> Account | None:
        """Return who reads a post. A link is all that it takes: None for somebody who is not signed in."""
        if "authorization" in request.headers:
            return self.world.bearer(request)
        self.world.shield(request)
        if self.world.accounts.by_session(session_secret(request)) is None:
            return None
        return self.world.bearer_or_cookie(request)

    def _asked(self, request: Request) -> Post:
        """Return the post of a call. Raises the service's 404."""
        post = self.world.things.posts.get(request.path_params["id"])
        if post is None:
            raise not_found("post")
        return post

    def _page(self, request: Request, posts: Iterable[Post], reader: Account | None, usual: int) -> Response:
        """Show one page of posts, which come newest first, and where the next one begins."""
        before, limit = _before(request.query_params.get("cursor")), limit_of(request, usual, 100)
        fitting = [post for post in posts if post["posted_at"] < before]
        items = [self._item(request, one, reader) for one in fitting[:limit]]
        last = fitting[limit - 1]["posted_at"] if len(fitting) > limit else None
        return JSONResponse({"items": items, "cursor": None if last is None else _cursor(last)})

    def _item(self, request: Request, post: Post, reader: Account | None) -> dict[str, Any]:
        owner = self.world.accounts.all[self.world.things.owner[post["id"]]]
        return {
            "post": self._json(request, post, reader),
            "profile": profile_json(owner),
            "reposter_profile": None,
        }

    def _json(self, request: Request, post: Post, reader: Account | None) -> dict[str, Any]:
        id, base = post["id"], base_of(request)
        attachment = self._attachment(post, base)
        thumbnail = (attachment["encodings"] or {}).get("thumbnail", {})
        remixed = self.world.tasks.all[post["task_id"]].order.remix_target_id or ""
        own = reader is not None and self.world.things.owner[id] == reader.email
        return {
            "id": id,
            "permalink": f"{base}/p/{id}",
            "text": post["text"],
            "caption": None,
            "posted_at": post["posted_at"],
            "updated_at": post["posted_at"],
            "attachments": [attachment],
            "cameo_profiles": [],
            "parent_post": {"id": remixed} if remixed.startswith("s_") else None,
            "remix_count": len(self._remixes(post)),
            "preview_image_url": thumbnail.get("path"),
            "permissions": {
                "can_read": True,
                "can_write": own,
                "can_delete": own,
                "can_remix": True,
                "share_setting": post["share_setting"],
            },
        }

    def _attachment(self, post: Post, base: str) -> dict[str, Any]:
        task = self.world.tasks.all[post["task_id"]]
        draft = self.world.drafts.write(task, base)
        kept = ("generation_id", "generation_type", "task_id", "url", "downloadable_url", "download_urls")
        more = ("width", "height", "duration_s", "encodings", "can_create_character", "tags")
        return {
            "id": f"{post['id']}-attachment-0",
            "kind": "sora",
            **{name: draft.get(name) for name in (*kept, *more)},
            "n_frames": task.order.n_frames,
            "prompt": None,
            "title": None,
            "output_blocked": False,
            "has_captions": False,
        }

    def _remixes(self, post: Post) -> list[Post]:
        tasks = self.world.tasks.all
        posts = self.world.things.posts.values()
        return [one for one in posts if tasks[one["task_id"]].order.remix_target_id == post["id"]]


def _publication(body: Any) -> tuple[str, str, str]:
    """Return which draft a body publishes, with which words, and who may see it."""
    if not isinstance(body, dict) or body.keys() - {"attachments_to_create", "post_text", "destinations"}:
        raise looks_wrong()
    attachments, text = body.get("attachments_to_create"), body.get("post_text", "")
    one = attachments[0] if isinstance(attachments, list) and len(attachments) == 1 else None
    if not isinstance(one, dict) or one.get("kind") not in ("sora", "sora_edit"):
        raise looks_wrong("attachments_to_create")
    if not isinstance(text, str):
        raise looks_wrong("post_text")
    places = body.get("destinations", [{"type": "public"}])
    if not isinstance(places, list) or not places or not all(isinstance(place, dict) for place in places):
        raise looks_wrong("destinations")
    if places[0].get("type") not in SETTINGS:
        raise looks_wrong("destinations")
    return str(one.get("generation_id")), text, SETTINGS[places[0]["type"]]


def _cursor(moment: float) -> str:
    shape = {"kind": "sv2_created_at", "created_at": moment}
    return base64.urlsafe_b64encode(json.dumps(shape).encode()).decode()


def _before(cursor: str | None) -> float:
    if cursor is None:
        return float("inf")
    try:
        return float(json.loads(base64.urlsafe_b64decode(cursor))["created_at"])
    except (ValueError, KeyError, TypeError) as error:
        raise looks_wrong("cursor") from error
