"""The calls that bring files: uploads by both routes, the library of references, characters."""

from __future__ import annotations

import asyncio
import io
import secrets
from typing import Any

from PIL import Image
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from rushes.testing.forms import Part, read_parts
from rushes.testing.sora_emulator.moderation import PHOTO, objection
from rushes.testing.sora_emulator.refusals import looks_wrong, not_found, refusal
from rushes.testing.sora_emulator.tasks import new_id
from rushes.testing.sora_emulator.world import World, base_of, json_body, limit_of

PICTURES = ("image/png", "image/jpeg", "image/webp")
USES = ("inpaint_safe", "profile")
REFERENCE_TYPES = ("character", "setting", "style", "other")


class Uploads:
    """Files from outside, and what is made of them."""

    def __init__(self, world: World) -> None:
        self.world = world

    def routes(self) -> list[Route]:
        own = "/backend/project_y"
        return [
            Route("/backend/uploads", self.upload, methods=["POST"]),
            Route(f"{own}/file/upload", self.file, methods=["POST"]),
            Route(f"{own}/references/create", self.new_reference, methods=["POST"]),
            Route(f"{own}/references/mine", self.references),
            Route(f"{own}/references/{{id}}", self.change_reference, methods=["PUT", "DELETE"]),
        ]

    async def upload(self, request: Request) -> Response:
        """Keep a picture as `media_…`."""
        account = self.world.bearer(request)
        self.world.check_page(request)
        self._scripted("uploads-404")
        part, _ = await self._picture(request)
        width, height = await asyncio.to_thread(_size, part.data)
        id = new_id("media")
        self.world.store.put(f"uploads/{id}", part.data, part.media_type)
        thing = {
            "id": id,
            "type": "image",
            "filename": part.filename,
            "mime_type": part.media_type,
            "width": width,
            "height": height,
            "url": self.world.store.address(base_of(request), f"uploads/{id}"),
        }
        self.world.things.uploads[id] = thing
        self.world.things.owner[id] = account.email
        return JSONResponse(thing)

    async def file(self, request: Request) -> Response:
        """Keep a picture as `file_…`, for a use that the caller names."""
        account, faults = self.world.bearer_or_cookie(request), self.world.faults
        self.world.check_page(request)
        self._scripted("file-upload-404")
        part, form = await self._picture(request)
        if "use_case" not in form or form["use_case"].text not in USES:
            raise looks_wrong("use_case")
        if (message := faults.take("upload-user-error")) is not None:
            return JSONResponse({"user_error_message": message})
        await asyncio.to_thread(_size, part.data)
        id = f"file_{secrets.token_hex(16)}"
        self.world.store.put(f"files/{id}", part.data, part.media_type)
        thing = {
            "asset_pointer": f"sediment://{id}",
            "file_id": id,
            "url": self.world.store.address(base_of(request), f"files/{id}"),
            "size": len(part.data),
            "azure_asset_pointer": None,
            "contains_realistic_person": faults.take("realistic-person") is not None,
        }
        self.world.things.files[id] = thing
        self.world.things.owner[id] = account.email
        return JSONResponse(thing)

    def _scripted(self, gone: str) -> None:
        """Refuse as a fault says. Raises `Refused`."""
        faults = self.world.faults
        if faults.take(gone) is not None:
            raise not_found("route")
        if faults.take("upload-500") is not None:
            raise refusal(500, "Internal server error", type="server_error")
        if faults.take("photo-refused") is not None:
            raise refusal(400, PHOTO)

    async def _picture(self, request: Request) -> tuple[Part, dict[str, Part]]:
        """Return the picture of a form, and the form. Raises the service's 400."""
        form = await form_of(request)
        part = form.get("file")
        if part is None or part.filename is None or part.media_type not in PICTURES:
            raise looks_wrong("file")
        reason = objection("upload", part.filename)
        if reason is not None and self.world.faults.look("no-moderation") is None:
            raise refusal(400, reason)
        return part, form

    async def new_reference(self, request: Request) -> Response:
        account = self.world.bearer_or_cookie(request)
        told = _reference(await json_body(request), self.world, account.email)
        id = f"ref_{secrets.token_hex(16)}"
        thing = {
            "reference_id": id,
            "owner_id": account.id,
            **told,
            "preview_asset_url": None,
            "can_edit": True,
            "visibility": "private",
            "allowlist": [],
            "blocklist": [],
        }
        self.world.things.references[id] = thing
        self.world.things.owner[id] = account.email
        return JSONResponse({"reference_info": thing})

    async def references(self, request: Request) -> Response:
        account = self.world.bearer_or_cookie(request)
        limit = limit_of(request, 20, 100)
        found = self.world.things.owned(self.world.things.references, account.email)
        return JSONResponse({"items": found[:limit], "cursor": None})

    async def change_reference(self, request: Request) -> Response:
        account, id = self.world.bearer_or_cookie(request), request.path_params["id"]
        things = self.world.things
        thing = things.find(things.references, id, account.email)
        if thing is None:
            raise not_found("reference")
        if request.method == "DELETE":
            del things.references[id]
            return Response(status_code=204)
        body = await json_body(request)
        thing |= _reference(
            {**_told(thing), **(body if isinstance(body, dict) else {})}, self.world, account.email
        )
        return JSONResponse({"reference_info": thing})


async def form_of(request: Request) -> dict[str, Part]:
    """Return the parts of a multipart form. Raises the service's 400 for anything else."""
    try:
        return {part.name: part for part in await read_parts(request)}
    except ValueError as error:
        raise looks_wrong() from error


def _size(data: bytes) -> tuple[int, int]:
    try:
        with Image.open(io.BytesIO(data)) as picture:
            picture.load()
            return picture.size
    except (OSError, SyntaxError) as error:
        raise refusal(400, "Invalid image") from error


def _told(thing: dict[str, Any]) -> dict[str, Any]:
    return {name: thing[name] for name in ("name", "display_name", "description", "type", "asset_pointers")}


def _reference(body: Any, world: World, email: str) -> dict[str, Any]:
    """Return the fields of a reference that a person gives."""
    names = {"name", "display_name", "description", "type", "asset_pointers"}
    if not isinstance(body, dict) or body.keys() != names or body["type"] not in REFERENCE_TYPES:
        raise looks_wrong()
    own = {thing["asset_pointer"] for thing in world.things.owned(world.things.files, email)}
    pointers = body["asset_pointers"]
    if not isinstance(pointers, list) or not pointers or not own.issuperset(map(str, pointers)):
        raise looks_wrong("asset_pointers")
    return body
