"""A double of OpenRouter's video API: its routes, its error envelope, its strictness, and real MP4s.

Written from the OpenAPI document that OpenRouter's SDK 1.3.84 is made of. A body with an unknown field, a
field of another type, or a value that the model does not list is answered with 400, as the service does.
Calls that can be told how to go: create, poll, content, file (the signed copy), models, key. The words
`cost`, `byok`, `bare` (completed, and no addresses), `elsewhere` (addresses on another host) and `expires_at`
of a render's `facts` say how it ends.
"""

from __future__ import annotations

import base64
import binascii
import secrets
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from rushes.testing.openrouter_models import MODELS
from rushes.testing.standin import Render, StandIn

KEY = "sk-or-v1-stand-in-0123456789abcdef"
EMPTY_KEY = "sk-or-v1-stand-in-without-credits"
SPENT_KEY = "sk-or-v1-stand-in-limit-used-up"

COST = 0.25
LARGEST_BODY = 45_000_000
LONGEST_SESSION = 256

WORDS = {"succeeded": "completed", "canceled": "cancelled", "queued": "pending", "running": "in_progress"}


class OpenRouterService(StandIn):
    """The service. Of the addresses that it signs for a render only the newest is good."""

    def __init__(self, log: Path | None = None) -> None:
        super().__init__(log)
        self._signatures: dict[str, str] = {}

    def routes(self) -> Sequence[BaseRoute]:
        root = "/api/v1"
        return [
            Route(f"{root}/videos", self._create, methods=["POST"]),
            Route(f"{root}/videos/models", self._models),
            Route(f"{root}/videos/{{id}}", self._poll),
            Route(f"{root}/videos/{{id}}/content", self._content),
            Route(f"{root}/key", self._key),
            Route("/stored/{id}.mp4", self._file),
        ]

    # --- the API ---

    async def _create(self, request: Request) -> Response:
        data = await request.body()
        body: Any = await request.json() if data else None
        prompt = str(body.get("prompt")) if isinstance(body, dict) else ""
        self.note(
            request,
            "create",
            prompt=prompt,
            title=request.headers.get("x-openrouter-title"),
            agent=request.headers.get("user-agent"),
        )
        refused = self._unauthorized(request) or self._wrong(body, len(data))
        if refused is not None:
            return refused
        told = self.told("create", prompt)
        if told is not None and told.answers and not told.accept:
            return await self.instead(request, told) or Response()
        render = self.accept(prompt, _shortened(body), id=f"gen-vid-1763-{secrets.token_hex(10)}")
        return await self.instead(request, told) or JSONResponse(self._record(request, render), 202)

    async def _poll(self, request: Request) -> Response:
        render = self.renders.get(request.path_params["id"])
        self.note(request, "poll", id=request.path_params["id"])
        refused = self._unauthorized(request)
        if refused is not None:
            return refused
        if render is None:
            return error(404, "Video job not found")
        told = self.told("poll", render.prompt)
        return await self.instead(request, told) or JSONResponse(self._record(request, render))

    async def _content(self, request: Request) -> Response:
        """The bytes for who has the key; only for the host that was asked for them by its own name."""
        render = self.renders.get(request.path_params["id"])
        self.note(
            request,
            "content",
            id=request.path_params["id"],
            host=request.headers["host"],
            key="authorization" in request.headers,
        )
        elsewhere = render is not None and render.facts.get("elsewhere")
        refused = None if elsewhere else self._unauthorized(request)
        if refused is not None:
            return refused
        if render is None or render.stage != "succeeded":
            return error(404, "Video content not found")
        return await self.instead(request, self.told("content", render.prompt)) or self._clip(render)

    async def _models(self, request: Request) -> Response:
        self.note(request, "models", key="authorization" in request.headers)
        return await self.instead(request, self.told("models")) or JSONResponse({"data": MODELS})

    async def _key(self, request: Request) -> Response:
        self.note(request, "key")
        refused = self._unauthorized(request)
        if refused is not None:
            return refused
        left = 0 if _bearer(request) == SPENT_KEY else 12.5
        return await self.instead(request, self.told("key")) or JSONResponse(
            {"data": {"label": "sk-or-v1-sta...def", "limit": 20, "limit_remaining": left, "usage": 7.5}}
        )

    async def _file(self, request: Request) -> Response:
        """The stored copy, for who has the newest signature of it; a key has no business here."""
        id = request.path_params["id"]
        self.note(request, "file", id=id, key="authorization" in request.headers)
        render = self.renders.get(id)
        if render is None or request.query_params.get("sig") != self._signatures.get(id):
            return Response("<Error><Code>AccessDenied</Code></Error>", 403, media_type="application/xml")
        return await self.instead(request, self.told("file", render.prompt)) or self._clip(render)

    # --- what it says ---

    def charge(self, render: Render) -> float:
        """Return what it charges; of a `cost` that is told as None it says nothing to who asks."""
        told = render.facts.get("cost")
        return float(told if told is not None else COST if render.stage == "succeeded" else 0)

    def _record(self, request: Request, render: Render) -> dict[str, Any]:
        host = str(request.base_url).rstrip("/")
        path = f"/api/v1/videos/{render.id}"
        stage = render.stage
        record: dict[str, Any] = {
            "id": render.id,
            "polling_url": path,
            "status": WORDS.get(stage, stage),
            "generation_id": render.id,
        }
        if stage == "failed":
            record["error"] = render.reason or "Provider returned error"
        cost = render.facts.get("cost", self.charge(render))
        if stage in ("succeeded", "failed") and cost is not None:
            record["usage"] = {"cost": cost, "is_byok": bool(render.facts.get("byok"))}
        if stage == "succeeded" and not render.facts.get("bare"):
            if render.facts.get("elsewhere"):
                # The same port under another name: another origin to whoever asks.
                host = host.replace("127.0.0.1", "localhost")
                return record | {"unsigned_urls": [f"{host}{path}/content?index=0"]}
            signature = self._signatures[render.id] = secrets.token_hex(8)
            record["urls"] = [f"{host}/stored/{render.id}.mp4?sig={signature}"]
            record["unsigned_urls"] = [f"{path}/content?index=0"]
            record["expires_at"] = render.facts.get("expires_at", int(render.created_at) + 86_400)
        return record

    def _clip(self, render: Render) -> Response:
        data = self.footage.named(str(render.facts.get("file", "whole")))
        return Response(data, media_type="video/mp4")

    # --- what it refuses ---

    def _unauthorized(self, request: Request) -> Response | None:
        key = _bearer(request)
        if key == EMPTY_KEY and request.method == "POST":
            return error(402, "Insufficient credits. Add more using https://openrouter.ai/settings/credits")
        if key in (KEY, EMPTY_KEY, SPENT_KEY):
            return None
        return error(401, f"User not found for {key}" if key else "No auth credentials found")

    def _wrong(self, body: Any, size: int) -> Response | None:
        """Return the answer to a body that the service would not take, None for a good one."""
        if size > LARGEST_BODY:
            return error(413, "Request body too large")
        if not isinstance(body, dict):
            return error(400, "Invalid JSON")
        for name in body:
            if name not in FIELDS:
                return error(400, f"Unrecognized key: {name!r}")
            if not FIELDS[name](body[name]):
                return error(400, f"Invalid input at {name!r}")
        model = next((one for one in MODELS if body.get("model") in (one["id"], one["canonical_slug"])), None)
        if model is None:
            return error(404, f"No endpoints found for {body.get('model')}.")
        return _beyond(body, model)


def error(code: int, message: str, **metadata: Any) -> Response:
    """Return the service's error envelope."""
    found: dict[str, Any] = {"code": code, "message": message}
    if metadata:
        found["metadata"] = metadata
    return JSONResponse({"error": found, "user_id": "user_example"}, code)


def _beyond(body: Mapping[str, Any], model: Mapping[str, Any]) -> Response | None:
    """Return the refusal of a value that the model's own lists do not have."""
    for name, allowed in (
        ("duration", "supported_durations"),
        ("resolution", "supported_resolutions"),
        ("aspect_ratio", "supported_aspect_ratios"),
    ):
        if name in body and model[allowed] is not None and body[name] not in model[allowed]:
            return error(400, f"{name} {body[name]} is not supported by {model['id']}: {model[allowed]}")
    if body.get("seed") is not None and not model["seed"]:
        return error(400, f"seed is not supported by {model['id']}")
    if body.get("generate_audio") and not model["generate_audio"]:
        return error(400, f"generate_audio is not supported by {model['id']}")
    for frame in body.get("frame_images", ()):
        if frame["frame_type"] not in (model["supported_frame_images"] or ()):
            return error(400, f"frame_type {frame['frame_type']} is not supported by {model['id']}")
    if body.get("previous_job_id") and not any("continuation" in sku for sku in model["pricing_skus"]):
        return error(400, f"{model['id']} does not support continuation")
    if not str(body.get("prompt") or "").strip():
        return error(400, "prompt is required")
    return None


def _bearer(request: Request) -> str:
    return request.headers.get("authorization", "").removeprefix("Bearer").strip()


def _shortened(body: Mapping[str, Any]) -> dict[str, Any]:
    """Return a body for the log, its data URLs told by media type and length."""

    def short(value: Any) -> Any:
        if isinstance(value, str) and value.startswith("data:"):
            return f"{value.partition(',')[0]},{len(value)}"
        if isinstance(value, list):
            return [short(one) for one in value]
        if isinstance(value, dict):
            return {name: short(one) for name, one in value.items()}
        return value

    return {name: short(value) for name, value in body.items()}


# --- the fields of a body ---


def _text(value: Any) -> bool:
    return isinstance(value, str)


def _whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _flag(value: Any) -> bool:
    return isinstance(value, bool)


def _https(value: Any) -> bool:
    return isinstance(value, str) and value.startswith("https://")


def _session(value: Any) -> bool:
    return isinstance(value, str) and 0 < len(value) <= LONGEST_SESSION


def _list_of(one: Callable[[Any], bool]) -> Callable[[Any], bool]:
    return lambda value: isinstance(value, list) and all(one(part) for part in value)


def _frame(value: Any) -> bool:
    return (
        isinstance(value, dict)
        and set(value) == {"type", "image_url", "frame_type"}
        and value["type"] == "image_url"
        and value["frame_type"] in ("first_frame", "last_frame")
        and _url(value["image_url"], "image")
    )


def _reference(value: Any) -> bool:
    if not isinstance(value, dict) or value.get("type") not in ("image_url", "audio_url", "video_url"):
        return False
    kind = value["type"]
    return set(value) == {"type", kind} and _url(value[kind], kind.removesuffix("_url"))


def _url(value: Any, kind: str) -> bool:
    """Whether it is {"url"} with a public address, or with data of the right kind that decodes."""
    if not isinstance(value, dict) or set(value) != {"url"} or not isinstance(value["url"], str):
        return False
    head, comma, data = value["url"].partition(",")
    if not head.startswith("data:"):
        return value["url"].startswith("https://")
    try:
        return head.startswith(f"data:{kind}/") and bool(comma and base64.b64decode(data, validate=True))
    except binascii.Error:
        return False


def _provider(value: Any) -> bool:
    return (
        isinstance(value, dict) and set(value) <= {"options"} and isinstance(value.get("options", {}), dict)
    )


FIELDS: Mapping[str, Callable[[Any], bool]] = {
    "model": _text,
    "prompt": _text,
    "aspect_ratio": _text,
    "resolution": _text,
    "size": _text,
    "duration": _whole,
    "seed": _whole,
    "creativity": _whole,
    "generate_audio": _flag,
    "callback_url": _https,
    "previous_job_id": _text,
    "session_id": _session,
    "user": _text,
    "frame_images": _list_of(_frame),
    "input_references": _list_of(_reference),
    "provider": _provider,
}
