"""The calls that make a character of a clip, step by step."""

from __future__ import annotations

from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from rushes.testing.sora_emulator.refusals import looks_wrong, not_found
from rushes.testing.sora_emulator.tasks import new_id
from rushes.testing.sora_emulator.uploads import form_of
from rushes.testing.sora_emulator.world import World, json_body

MADE_AFTER_S = 20.0
VISIBILITIES = ("public", "private")
FIELDS = {
    "cameo_id",
    "username",
    "display_name",
    "profile_asset_pointer",
    "instruction_set",
    "safety_instruction_set",
}


class Characters:
    """A character is uploaded, worked on for a while, finalized, and changed or deleted."""

    def __init__(self, world: World) -> None:
        self.world = world

    def routes(self) -> list[Route]:
        own = "/backend/project_y"
        return [
            Route("/backend/characters/upload", self.upload, methods=["POST"]),
            Route("/backend/characters/from-generation", self.from_generation, methods=["POST"]),
            Route("/backend/characters/finalize", self.finalize, methods=["POST"]),
            Route(f"{own}/cameos/in_progress/{{id}}", self.progress),
            Route(f"{own}/cameos/by_id/{{id}}/update_v2", self.update, methods=["POST"]),
            Route(f"{own}/characters/{{id}}", self.delete, methods=["DELETE"]),
            Route(f"{own}/profile/{{user}}/characters", self.list),
        ]

    async def upload(self, request: Request) -> Response:
        account, form = self.world.bearer(request), await form_of(request)
        part, times = form.get("file"), form.get("timestamps")
        if part is None or part.media_type != "video/mp4":
            raise looks_wrong("file")
        if times is None or not all(one.isdigit() for one in times.text.split(",")):
            raise looks_wrong("timestamps")
        return self._new(account.email)

    async def from_generation(self, request: Request) -> Response:
        account, body = self.world.bearer(request), await json_body(request)
        id = body.get("generation_id") if isinstance(body, dict) else None
        if not isinstance(id, str) or self.world.tasks.by_generation(account, id) is None:
            raise looks_wrong("generation_id")
        return self._new(account.email)

    async def progress(self, request: Request) -> Response:
        cameo = self._own(request)
        done = self.world.clock.work() >= cameo["ready"]
        shape = {
            "status": "finalized" if done else "processing",
            "status_message": "Completed" if done else "Processing",
            "display_name_hint": "Example",
            "username_hint": "example",
            "profile_asset_url": None,
            "instruction_set_hint": None,
        }
        return JSONResponse(shape)

    async def finalize(self, request: Request) -> Response:
        account, body = self.world.bearer(request), await json_body(request)
        if not isinstance(body, dict) or body.keys() != FIELDS:
            raise looks_wrong()
        things = self.world.things
        cameo = things.find(things.characters, str(body["cameo_id"]), account.email)
        if cameo is None or self.world.clock.work() < cameo["ready"]:
            raise looks_wrong("cameo_id")
        cameo |= {name: body[name] for name in ("username", "display_name")}
        cameo["finalized"] = True
        return JSONResponse({"character": _character(cameo)})

    async def update(self, request: Request) -> Response:
        cameo, body = self._own(request), await json_body(request)
        if not isinstance(body, dict) or body.get("visibility") not in VISIBILITIES:
            raise looks_wrong("visibility")
        cameo["visibility"] = body["visibility"]
        return JSONResponse({})

    async def delete(self, request: Request) -> Response:
        del self.world.things.characters[self._own(request)["id"]]
        return Response(status_code=204)

    async def list(self, request: Request) -> Response:
        account = self.world.bearer_or_cookie(request)
        found = self.world.things.owned(self.world.things.characters, account.email)
        shown = [_character(one) for one in found if one["finalized"]]
        return JSONResponse({"items": shown, "cursor": None})

    def _own(self, request: Request) -> dict[str, Any]:
        account, things = self.world.bearer_or_cookie(request), self.world.things
        cameo = things.find(things.characters, request.path_params["id"], account.email)
        if cameo is None:
            raise not_found("character")
        return cameo

    def _new(self, email: str) -> Response:
        id = new_id("ch")
        cameo = {"id": id, "ready": self.world.clock.work() + MADE_AFTER_S, "finalized": False}
        self.world.things.characters[id] = {**cameo, "visibility": "private"}
        self.world.things.owner[id] = email
        return JSONResponse({"id": id})


def _character(cameo: dict[str, Any]) -> dict[str, Any]:
    return {
        "character_id": cameo["id"],
        "username": cameo["username"],
        "display_name": cameo["display_name"],
        "visibility": cameo["visibility"],
    }
