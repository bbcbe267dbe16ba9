"""The calls about the person: quota, plan, profile, posts, and the small calls around a prompt."""

from __future__ import annotations

import base64
import json
import secrets
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from rushes.testing.sora_emulator.accounts import SESSION_S, Account
from rushes.testing.sora_emulator.creates import BULK, unsupported_country
from rushes.testing.sora_emulator.orders import CAMEOS
from rushes.testing.sora_emulator.refusals import looks_wrong, not_found
from rushes.testing.sora_emulator.sentinel import CREATE_FLOWS, LIKE_FLOWS
from rushes.testing.sora_emulator.shapes import balance
from rushes.testing.sora_emulator.styles import STYLES
from rushes.testing.sora_emulator.world import World, base_of, json_body, limit_of

EXPANSIONS = ("short", "medium", "long")
LENGTHS = (10, 15, 20)
DESTINATIONS = ("public", "shared_link_unlisted")


class People:
    """The account's own calls, and its posts."""

    def __init__(self, world: World) -> None:
        self.world = world

    def routes(self) -> list[Route]:
        own = "/backend/project_y"
        return [
            Route("/backend/nf/check", self.check),
            Route("/backend/billing/credit_balance", self.credit_balance),
            Route("/backend/billing/subscriptions", self.subscriptions),
            Route("/backend/me", self.me),
            Route("/backend/m/bootstrap", self.bootstrap),
            Route("/backend/parameters", self.bootstrap),
            Route("/backend/models", self.models),
            Route("/backend/editor/enhance_prompt", self.enhance, methods=["POST"]),
            Route(f"{own}/v2/me", self.profile),
            Route(f"{own}/invite/mine", self.invite),
            Route(f"{own}/initialize_async", self.initialize),
            Route(f"{own}/profile/search_mentions", self.mentions),
            Route(f"{own}/profile_feed/me", self.feed),
            Route(f"{own}/download/{{id}}", self.download),
            Route(f"{own}/post", self.publish, methods=["POST"]),
            Route(f"{own}/post/{{id}}", self.post, methods=["GET"]),
            Route(f"{own}/post/{{id}}", self.unpublish, methods=["DELETE"]),
            Route(f"{own}/post/{{id}}/tree", self.tree),
            Route(f"{own}/post/{{id}}/remix_feed", self.remixes),
            Route(f"{own}/post/{{id}}/like", self.like, methods=["POST"]),
        ]

    async def check(self, request: Request) -> Response:
        """Say what is left; a quota or region fault that waits for the next create shows here already."""
        account, faults = self.world.bearer(request), self.world.faults
        if faults.take("no-access") is not None:
            raise not_found("account")
        if (region := faults.look("region")) is not None:
            raise unsupported_country(int(region))
        waits = faults.look("quota")
        resets_in = None if waits is None else int(float(waits))
        left = balance(account, self.world.clock.now(), resets_in=resets_in)
        return JSONResponse({"type": "rate_limit_info", "rate_limit_and_credit_balance": left})

    async def credit_balance(self, request: Request) -> Response:
        return JSONResponse(balance(self.world.bearer(request), self.world.clock.now()))

    async def subscriptions(self, request: Request) -> Response:
        self.world.bearer(request)
        plan = {"id": "chatgpt_pro", "title": "ChatGPT Pro"}
        return JSONResponse({"data": [{"plan": plan, "end_ts": int(self.world.clock.now() + SESSION_S)}]})

    async def me(self, request: Request) -> Response:
        account = self.world.bearer(request)
        return JSONResponse({"email": account.email, "name": account.name, "username": account.name})

    async def bootstrap(self, request: Request) -> Response:
        self.world.bearer(request)
        return JSONResponse({})

    async def models(self, request: Request) -> Response:
        self.world.bearer(request)
        found = [{"id": "sy_8", "label": "Sora 2"}, {"id": "sy_ore", "label": "Sora 2 Pro"}]
        return JSONResponse({"data": found})

    async def enhance(self, request: Request) -> Response:
        self.world.bearer(request)
        body = await json_body(request)
        known = isinstance(body, dict) and isinstance(body.get("prompt"), str)
        if (
            not known
            or body.get("expansion_level") not in EXPANSIONS
            or body.get("duration_s") not in LENGTHS
        ):
            raise looks_wrong()
        return JSONResponse({"enhanced_prompt": f"{body['prompt']}, in soft morning light, slow push in"})

    async def profile(self, request: Request) -> Response:
        account = self.world.bearer_or_cookie(request)
        own = {
            "email": account.email,
            "is_phone_number_verified": True,
            "invite_code": "EXAMPLE",
            "num_redemption_gens": 0,
        }
        return JSONResponse({"profile": _profile(account), "my_info": own})

    async def invite(self, request: Request) -> Response:
        self.world.bearer_or_cookie(request)
        return JSONResponse({"invite_code": "EXAMPLE", "redeemed_count": 0, "total_count": 4})

    async def initialize(self, request: Request) -> Response:
        account = self.world.bearer_or_cookie(request)
        unread = sum(not task.reviewed for task in self.world.tasks.drafted(account))
        shape = {
            "max_cameos": CAMEOS,
            "max_stitch_frames": 300,
            "max_bulk_tasks": BULK,
            "can_upload": True,
            "unread_draft_count": unread,
            "styles": list(STYLES),
        }
        return JSONResponse(shape)

    async def mentions(self, request: Request) -> Response:
        self.world.bearer_or_cookie(request)
        words = request.query_params.get("username", "")
        found = [one for one in self.world.accounts.all.values() if words and one.name.startswith(words)]
        return JSONResponse({"items": [{"profile": _profile(one)} for one in found]})

    async def download(self, request: Request) -> Response:
        """Count a download: there was never an address in this answer."""
        self.world.bearer_or_cookie(request)
        return JSONResponse({})

    # --- posts ---

    async def publish(self, request: Request) -> Response:
        """Make a draft visible to others."""
        account = self.world.bearer_or_cookie(request)
        self.world.prove(request, CREATE_FLOWS)
        body = await json_body(request)
        generation, shared = _publication(body)
        task = self.world.tasks.by_generation(account, generation)
        if task is None:
            raise looks_wrong("attachments_to_create")
        post = self._post(request, generation, body.get("post_text", ""), shared)
        task.post_id = post["id"]
        self.world.things.posts[post["id"]] = post
        self.world.things.owner[post["id"]] = account.email
        return JSONResponse({"post": post})

    async def post(self, request: Request) -> Response:
        return JSONResponse(self._item(request))

    async def tree(self, request: Request) -> Response:
        return JSONResponse({**self._item(request), "children": [], "cursor": None})

    async def remixes(self, request: Request) -> Response:
        self._item(request)
        return JSONResponse({"items": [], "cursor": None})

    async def like(self, request: Request) -> Response:
        self._item(request)
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
            task.post_id = None if task.post_id == id else task.post_id
        return Response(status_code=204)

    async def feed(self, request: Request) -> Response:
        account = self.world.bearer_or_cookie(request)
        posts = self.world.things.owned(self.world.things.posts, account.email)
        before = _before(request.query_params.get("cursor"))
        limit = limit_of(request, 8, 100)
        fitting = [post for post in posts if post["posted_at"] < before]
        items = [
            {"post": one, "profile": _profile(account), "reposter_profile": None} for one in fitting[:limit]
        ]
        last = fitting[limit - 1]["posted_at"] if len(fitting) > limit else None
        return JSONResponse({"items": items, "cursor": None if last is None else _cursor(last)})

    def _item(self, request: Request) -> dict[str, Any]:
        self.world.bearer_or_cookie(request)
        post = self.world.things.posts.get(request.path_params["id"])
        if post is None:
            raise not_found("post")
        owner = self.world.accounts.all[self.world.things.owner[post["id"]]]
        return {"post": post, "profile": _profile(owner), "reposter_profile": None}

    def _post(self, request: Request, generation: str, text: str, shared: str) -> dict[str, Any]:
        id, base = f"s_{secrets.token_hex(16)}", base_of(request)
        account = self.world.bearer_or_cookie(request)
        task = self.world.tasks.by_generation(account, generation)
        assert task is not None
        draft = self.world.drafts.write(task, base)
        kept = ("generation_id", "generation_type", "task_id", "url", "downloadable_url", "download_urls")
        more = ("width", "height", "duration_s", "encodings", "can_create_character", "tags")
        attachment = {
            "id": f"{id}-attachment-0",
            "kind": "sora",
            **{name: draft.get(name) for name in (*kept, *more)},
            "n_frames": task.order.n_frames,
            "prompt": None,
            "title": None,
            "output_blocked": False,
            "has_captions": False,
        }
        own = {"can_read": True, "can_write": True, "can_delete": True, "can_remix": True}
        return {
            "id": id,
            "permalink": f"{base}/p/{id}",
            "text": text,
            "caption": None,
            "posted_at": self.world.clock.now(),
            "updated_at": self.world.clock.now(),
            "attachments": [attachment],
            "cameo_profiles": [],
            "parent_post": None,
            "remix_count": 0,
            "permissions": {**own, "share_setting": "public" if shared == "public" else "unlisted"},
        }


def _profile(account: Account) -> dict[str, Any]:
    return {"user_id": account.id, "username": account.name, "display_name": account.name}


def _publication(body: Any) -> tuple[str, str]:
    """Return which draft a body publishes, and to whom."""
    if not isinstance(body, dict) or body.keys() - {"attachments_to_create", "post_text", "destinations"}:
        raise looks_wrong()
    attachments = body.get("attachments_to_create")
    one = attachments[0] if isinstance(attachments, list) and len(attachments) == 1 else None
    if not isinstance(one, dict) or one.get("kind") not in ("sora", "sora_edit"):
        raise looks_wrong("attachments_to_create")
    places = body.get("destinations", [{"type": "public"}])
    if not isinstance(places, list) or not places or not all(isinstance(place, dict) for place in places):
        raise looks_wrong("destinations")
    if places[0].get("type") not in DESTINATIONS or not isinstance(body.get("post_text", ""), str):
        raise looks_wrong("destinations")
    return str(one.get("generation_id")), places[0]["type"]


def _cursor(moment: float) -> str:
    return base64.urlsafe_b64encode(
        json.dumps({"kind": "sv2_created_at", "created_at": moment}).encode()
    ).decode()


def _before(cursor: str | None) -> float:
    if cursor is None:
        return float("inf")
    try:
        return float(json.loads(base64.urlsafe_b64decode(cursor))["created_at"])
    except (ValueError, KeyError, TypeError) as error:
        raise looks_wrong("cursor") from error
