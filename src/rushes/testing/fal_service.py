"""A double of fal: its queue, its list of models with their schemas, its prices, its storage, its files.

All of it behind one address: the queue at `/`, the platform API at `/v1`, the storage at `/storage`. It is
told of `create`, `status`, `result`, `cancel`, `models`, `pricing`, `list`, `upload`, `content`; and of
`render`, whose facts say how a render goes: `queued_s`, `seconds`, `outcome` ("failed" with `code` and
`answer`, "empty"), `inline` that its result has the file as a data: address, `units` that it is billed for,
`listed_s` until the list of requests shows it. `content` is told the `kind` of footage, or what
`standin.serve_file` knows.
"""

from __future__ import annotations

import base64
import json
import re
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, ClassVar
from uuid import uuid4

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from rushes.testing.fal_schemas import ENDPOINTS, Endpoint, complaints
from rushes.testing.standin import Render, StandIn, serve_file

KEY = "0a1b2c3d-key-id:4e5f6a7b-key-secret"
"""The one key it takes."""

PAGE = 10
"""Models on a page of descriptions, and requests on a page of the list."""


class FalService(StandIn):
    """See the module."""

    endpoints: ClassVar[Mapping[str, Endpoint]] = {one.id: one for one in ENDPOINTS}

    def __init__(self, log: Path | None = None) -> None:
        super().__init__(log)
        self.made_by: dict[str, str] = {}
        self.uploads: dict[str, bytes] = {}

    def routes(self) -> Sequence[BaseRoute]:
        return [
            Route("/v1/models", self.models),
            Route("/v1/models/pricing", self.pricing),
            Route("/v1/models/requests/by-endpoint", self.by_endpoint),
            Route("/storage/upload/initiate", self.initiate, methods=["POST"]),
            Route("/storage/auth/token", self.storage_token, methods=["POST"]),
            Route("/storage/put/{name}", self.put_file, methods=["PUT"]),
            Route("/files/upload", self.post_file, methods=["POST"]),
            Route("/files/b/{id}/output.mp4", self.content),
            Route("/{path:path}/requests/{id}/status", self.status),
            Route("/{path:path}/requests/{id}/cancel", self.cancel, methods=["PUT"]),
            Route("/{path:path}/requests/{id}", self.result),
            Route("/{path:path}", self.create, methods=["POST"]),
        ]

    # --- the queue ---

    async def create(self, request: Request) -> Response:
        endpoint = request.path_params["path"]
        body = await _json(request)
        prompt = str(body.get("prompt", "")) if isinstance(body, dict) else ""
        told = self.told("create", prompt)
        self.note(request, "create", prompt=prompt, lifecycle=_lifecycle(request))
        if told is not None and told.accept:
            self._accept(endpoint, prompt, body)
        instead = await self.instead(request, told)
        if instead is not None:
            return instead
        refused = _refusal(request)
        if refused is not None:
            return refused
        if endpoint not in self.endpoints:
            return JSONResponse({"detail": f'Application "{endpoint.split("/")[1]}" not found'}, 404)
        if not isinstance(body, dict):
            return JSONResponse({"detail": "Expected a JSON object"}, 400)
        render = self._accept(endpoint, prompt, body)
        base = f"{request.base_url}{_app(endpoint)}/requests/{render.id}"
        answer = {
            "status": "IN_QUEUE",
            "request_id": render.id,
            "response_url": base,
            "status_url": f"{base}/status",
            "cancel_url": f"{base}/cancel",
            "queue_position": 0,
        }
        return JSONResponse(answer, headers={"x-fal-request-id": render.id})

    def _accept(self, endpoint: str, prompt: str, body: Any) -> Render:
        render = self.accept(prompt, body if isinstance(body, dict) else {}, id=str(uuid4()))
        self.made_by[render.id] = endpoint
        wrong = complaints(render.body, self.endpoints[endpoint]) if endpoint in self.endpoints else []
        if wrong:
            # The queue takes everything; it is the model that complains.
            render.outcome = "failed"
            render.facts = {"code": 422, "answer": {"detail": wrong}}
        return render

    async def status(self, request: Request) -> Response:
        render = self._render(request)
        told = self.told("status", render.prompt if render else "")
        self.note(request, "status")
        instead = await self.instead(request, told)
        if instead is not None:
            return instead
        refused = _refusal(request)
        if refused is not None or render is None:
            return refused or JSONResponse({"status": "NOT_FOUND"}, 404)
        base = str(request.url).split("?")[0].removesuffix("/status")
        answer: dict[str, Any] = {
            "request_id": render.id,
            "response_url": base,
            "status_url": f"{base}/status",
        }
        if render.stage == "queued":
            return JSONResponse({**answer, "status": "IN_QUEUE", "queue_position": 2}, 202)
        if render.stage == "running":
            return JSONResponse({**answer, "status": "IN_PROGRESS", "logs": []}, 202)
        return JSONResponse({**answer, "status": "COMPLETED", "logs": [], **_ending(render)})

    async def result(self, request: Request) -> Response:
        render = self._render(request)
        told = self.told("result", render.prompt if render else "")
        self.note(request, "result")
        instead = await self.instead(request, told)
        if instead is not None:
            return instead
        refused = _refusal(request)
        if refused is not None or render is None:
            return refused or JSONResponse({"detail": "Request not found"}, 404)
        if render.stage in ("queued", "running"):
            return JSONResponse({"detail": "Request is still in progress"}, 400)
        headers = {"x-fal-request-id": render.id}
        if render.stage == "canceled":
            cancelled = {"detail": "The request was cancelled", "error_type": "client_cancelled"}
            return JSONResponse(cancelled, 499, {**headers, "x-fal-error-type": "client_cancelled"})
        if render.stage == "failed":
            answer = render.facts.get("answer", {"detail": "Internal error", "error_type": "internal_error"})
            return JSONResponse(answer, int(render.facts.get("code", 500)), headers)
        url = f"{request.base_url}files/b/{render.id}/output.mp4"
        if render.facts.get("inline"):
            url = f"data:video/mp4;base64,{base64.b64encode(self.clip).decode()}"
        video = {"url": url, "content_type": "video/mp4"}
        units = _units(render)
        return JSONResponse(
            {"video": None if render.stage == "empty" else video, "seed": 7},
            headers={**headers, "x-fal-billable-units": str(units)},
        )

    async def cancel(self, request: Request) -> Response:
        render = self._render(request)
        self.note(request, "cancel")
        instead = await self.instead(request, self.told("cancel", render.prompt if render else ""))
        if instead is not None:
            return instead
        refused = _refusal(request)
        if refused is not None or render is None:
            return refused or JSONResponse({"status": "NOT_FOUND"}, 404)
        if render.stage == "queued":
            render.canceled = True
            return JSONResponse({"status": "OK"})
        if render.stage == "running":
            return JSONResponse({"status": "CANCELLATION_REQUESTED"}, 202)
        return JSONResponse({"status": "ALREADY_COMPLETED"}, 400)

    async def content(self, request: Request) -> Response:
        render = self.renders.get(request.path_params["id"])
        if render is None or "authorization" in request.headers:
            return Response("nothing here, and no key is wanted", 400 if render else 404)
        told = self.told("content", render.prompt)
        self.note(request, "content")
        instead = await self.instead(request, told)
        if instead is not None:
            return instead
        kind = told.facts.get("kind", "whole") if told is not None else "whole"
        return serve_file(told, self.footage.named(kind))

    def charge(self, render: Render) -> float:
        """Return the units of a result, with or without a video in it, at the price of one."""
        price = self.endpoints[self.made_by[render.id]].unit_price
        ended = render.stage in ("succeeded", "empty")
        return round(_units(render) * price, 6) if ended and price is not None else 0.0

    def _render(self, request: Request) -> Render | None:
        """Return a request that is asked for under its owner and app, as fal's clients do."""
        id = request.path_params["id"]
        known = request.path_params["path"] == _app(self.made_by.get(id, ""))
        return self.renders.get(id) if known else None

    # --- the platform API ---

    async def models(self, request: Request) -> Response:
        asked = request.query_params
        self.note(request, "models", query=dict(asked))
        instead = await self.instead(request, self.told("models", asked.get("endpoint_id", "")))
        if instead is not None:
            return instead
        if request.headers.get("authorization", f"Key {KEY}") != f"Key {KEY}":
            return _wrong_key(request)
        gone = {"endpoint_id", "category", "status", "expand", "limit", "cursor", "q"}
        if not set(asked) <= gone:
            return JSONResponse({"error": {"message": "unknown parameter"}}, 400)
        names = asked.get("endpoint_id")
        found = [
            one
            for one in self.endpoints.values()
            if (names is None or one.id in names.split(","))
            and asked.get("category", one.category) == one.category
            and asked.get("status", one.status) == one.status
        ]
        if names is not None and not found:
            return JSONResponse({"error": {"type": "not_found", "message": "no such endpoint"}}, 404)
        start = int(asked.get("cursor", "0"))
        end = start + min(int(asked.get("limit", PAGE)), 2)
        listed = [{**one.listed(), "openapi": one.openapi()} for one in found[start:end]]
        more = end < len(found)
        return JSONResponse({"models": listed, "has_more": more, "next_cursor": str(end) if more else None})

    async def pricing(self, request: Request) -> Response:
        names = request.query_params.get("endpoint_id", "").split(",")
        self.note(request, "pricing", names=names)
        instead = await self.instead(request, self.told("pricing", ",".join(names)))
        if instead is not None:
            return instead
        refused = _refusal(request)
        if refused is not None:
            return refused
        prices = [
            {
                "endpoint_id": name,
                "unit_price": self.endpoints[name].unit_price,
                "unit": self.endpoints[name].unit,
                "currency": "USD",
            }
            for name in names
            if name in self.endpoints and self.endpoints[name].unit_price is not None
        ]
        return JSONResponse({"prices": prices, "next_cursor": None, "has_more": False})

    async def by_endpoint(self, request: Request) -> Response:
        asked = request.query_params
        self.note(request, "list")
        instead = await self.instead(request, self.told("list"))
        if instead is not None:
            return instead
        refused = _refusal(request)
        if refused is not None:
            return refused
        since = datetime.fromisoformat(asked["start"]).timestamp()
        found = [
            render
            for render in self.renders.values()
            if self.made_by[render.id] == asked["endpoint_id"]
            and render.created_at >= since
            and time.time() >= render.created_at + float(render.facts.get("listed_s", 0.0))
        ]
        start = int(asked.get("cursor", "0"))
        end = start + min(int(asked.get("limit", PAGE)), PAGE)
        items = [
            {
                "request_id": one.id,
                "endpoint_id": self.made_by[one.id],
                "sent_at": _written(one.created_at),
                "started_at": _written(one.created_at),
                **({"json_input": dict(one.body)} if asked.get("expand") == "payloads" else {}),
            }
            for one in found[start:end]
        ]
        more = end < len(found)
        return JSONResponse({"items": items, "has_more": more, "next_cursor": str(end) if more else None})

    # --- the storage ---

    async def initiate(self, request: Request) -> Response:
        body = await _json(request)
        self.note(request, "upload", **body)
        instead = await self.instead(request, self.told("upload", str(body.get("file_name"))))
        if instead is not None:
            return instead
        refused = _refusal(request)
        if refused is not None:
            return refused
        name = f"{len(self.uploads)}-{body['file_name']}"
        self.uploads[name] = b""
        return JSONResponse(
            {
                "upload_url": f"{request.base_url}storage/put/{name}",
                "file_url": f"{request.base_url}files/in/{name}",
            }
        )

    async def put_file(self, request: Request) -> Response:
        if "authorization" in request.headers:
            return Response("a signed address takes no key", 400)
        name, data = request.path_params["name"], await request.body()
        self.note(request, "put", name=name, bytes=len(data))
        if name not in self.uploads:
            return Response(status_code=403)
        self.uploads[name] = data
        return Response()

    async def storage_token(self, request: Request) -> Response:
        """What fal's own client asks before it uploads."""
        refused = _refusal(request)
        expires = _written(time.time() + 3600)
        token = {"token": "t", "token_type": "Bearer", "base_url": str(request.base_url).rstrip("/")}
        return refused or JSONResponse({**token, "expires_at": expires})

    async def post_file(self, request: Request) -> Response:
        name = f"{len(self.uploads)}-{request.headers.get('x-fal-file-name', 'file')}"
        self.uploads[name] = await request.body()
        return JSONResponse({"access_url": f"{request.base_url}files/in/{name}"})


def _refusal(request: Request) -> Response | None:
    return None if request.headers.get("authorization") == f"Key {KEY}" else _wrong_key(request)


def _wrong_key(request: Request) -> Response:
    """Refuse a key, and repeat it, as services do."""
    given = request.headers.get("authorization", "").removeprefix("Key ")
    return JSONResponse({"detail": f"Authorization token={given} is invalid."}, 401)


def _ending(render: Render) -> dict[str, Any]:
    """Return what the status says of how a render ended."""
    if render.stage == "canceled":
        return {"error": "The request was cancelled", "error_type": "client_cancelled"}
    answer = render.facts.get("answer", {})
    kind = answer.get("error_type", "") if isinstance(answer, dict) else ""
    if render.stage == "failed":
        return {"error": f"Invalid status code: {render.facts.get('code', 500)}", "error_type": kind}
    return {"metrics": {"inference_time": render.seconds}}


def _units(render: Render) -> float:
    """Return the units that a render is billed for: what it was told, or its seconds, "8" or "8s" or 8."""
    seconds = re.match(r"[\d.]+", str(render.body.get("duration", 1)))
    return float(render.facts.get("units", seconds.group() if seconds else 1))


def _app(endpoint: str) -> str:
    return "/".join(endpoint.split("/")[:2])


def _lifecycle(request: Request) -> Any:
    return json.loads(request.headers.get("x-fal-object-lifecycle-preference", "null"))


def _written(moment: float) -> str:
    return datetime.fromtimestamp(moment, UTC).isoformat()


async def _json(request: Request) -> Any:
    try:
        return await request.json()
    except ValueError:
        return None
