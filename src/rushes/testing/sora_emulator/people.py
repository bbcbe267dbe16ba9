"""The calls about the person: quota, plan, profile, and the small calls around a prompt."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from rushes.testing.sora_emulator.accounts import SESSION_S
from rushes.testing.sora_emulator.creates import BULK, unsupported_country
from rushes.testing.sora_emulator.orders import CAMEOS
from rushes.testing.sora_emulator.refusals import looks_wrong, not_found
from rushes.testing.sora_emulator.shapes import balance, profile_json
from rushes.testing.sora_emulator.styles import STYLES
from rushes.testing.sora_emulator.world import World, json_body

EXPANSIONS = ("short", "medium", "long")
LENGTHS = (10, 15, 20)


class People:
    """The account's own calls."""

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
            Route(f"{own}/download/{{id}}", self.download),
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
        return JSONResponse({"profile": profile_json(account), "my_info": own})

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
        return JSONResponse({"items": [{"profile": profile_json(one)} for one in found]})

    async def download(self, request: Request) -> Response:
        """Count a download: there was never an address in this answer."""
        self.world.bearer_or_cookie(request)
        return JSONResponse({})
