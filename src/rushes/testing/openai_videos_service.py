"""A double of OpenAI's Videos API, strict, as the types of its SDK have it (openai 3.54.0).

    python -m rushes.testing.standin rushes.testing.openai_videos_service:OpenAIVideos

`openai_videos_servers` has those that speak the same with an accent. Beside what every double is told, a
`render` is told by `facts`: `outcome` (succeeded, failed), `reason`, `code`, `queued_s`, `seconds`; `once`,
if each address delivers the file only once; `content`, JSON that /content answers in place of the file; and,
by its stage (queued, running, succeeded, failed), fields that replace those of its job. `{file}` in them is
the signed address of its file, `{other}` the same by another name of this host, `{inline}` the file as a
data: address, `{base64}` the file in base64; None leaves a field out. A `list` is told `most`, the jobs on a
page; `content` and `file` are told `truncated`, or what `standin.serve_file` knows.
"""

from __future__ import annotations

import base64
import hashlib
import re
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, ClassVar

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from rushes.testing.footage import Footage
from rushes.testing.forms import FormFile, read_form
from rushes.testing.standin import Render, StandIn, Told, serve_file

KEY = "sk-standin-0123456789abcdef"
MODELS = ("sora-2", "sora-2-pro")
SIZES = ("720x1280", "1280x720", "1024x1792", "1792x1024")
SECONDS = ("4", "8", "12")
LONGER = ("4", "8", "12", "16", "20")
STATUS = {"queued": "queued", "running": "in_progress", "succeeded": "completed", "failed": "failed"}
PICTURES = ("image/png", "image/jpeg", "image/webp")


@dataclass(frozen=True)
class Wrong(Exception):
    """A request that the service refuses, with what it answers."""

    status: int
    body: Any


@dataclass(frozen=True, kw_only=True)
class Asked:
    """A create as it arrived: its fields, as JSON or as the text of a form, and its files."""

    fields: Mapping[str, Any]
    files: Sequence[FormFile]
    as_json: bool

    @property
    def prompt(self) -> str:
        return str(self.fields.get("prompt") or "")


class OpenAIVideos(StandIn):
    """The service itself. `key` None: it wants none."""

    key: ClassVar[str | None] = KEY
    prefix: ClassVar[str] = "/v1/videos"

    def __init__(self, log: Path | None = None) -> None:
        super().__init__(log)
        self.delivered: set[str] = set()
        """The paths of files that were sent."""

    def routes(self) -> Sequence[BaseRoute]:
        one = f"{self.prefix}/{{id}}"
        return [
            Route(self.prefix, self.create, methods=["POST"]),
            Route(self.prefix, self.list_all, methods=["GET"]),
            Route(f"{self.prefix}/extensions", self.extend, methods=["POST"]),
            Route(f"{self.prefix}/edits", self.edit, methods=["POST"]),
            Route(f"{one}/remix", self.remix, methods=["POST"]),
            Route(f"{one}/content", self.content, methods=["GET"]),
            Route(one, self.retrieve, methods=["GET"]),
            Route(one, self.delete, methods=["DELETE"]),
            *self.other_routes(),
        ]

    def other_routes(self) -> Sequence[BaseRoute]:
        return [
            Route("/v1/models", self.models, methods=["GET"]),
            Route("/files/{id}.mp4", self.file, methods=["GET"]),
        ]

    # --- creates ---

    async def create(self, request: Request) -> Response:
        return await self._answer_create(request, "create", self.check_create)

    async def extend(self, request: Request) -> Response:
        return await self._answer_create(request, "extend", self.check_extend)

    async def edit(self, request: Request) -> Response:
        return await self._answer_create(request, "edit", self.check_edit)

    async def remix(self, request: Request) -> Response:
        return await self._answer_create(request, "remix", self.check_remix)

    async def _answer_create(self, request: Request, operation: str, check: Any) -> Response:
        asked = await self.read(request)
        files = [{"under": one.under, "name": one.name, "type": one.media_type} for one in asked.files]
        facts = {"json": asked.as_json, "fields": dict(asked.fields), "files": files}
        self.note(request, operation, prompt=asked.prompt, **facts)
        told = self.told(operation, asked.prompt)
        if told is not None and told.answers and told.accept:
            self.accept(asked.prompt, self.kept(asked), id=self.new_id(asked))
        instead = await self.instead(request, told)
        if instead is not None:
            return instead
        try:
            self.check_key(request)
            check(asked, request)
        except Wrong as wrong:
            return JSONResponse(wrong.body, wrong.status)
        render = self.accept(asked.prompt, self.kept(asked), id=self.new_id(asked))
        return JSONResponse(self.job(render, request))

    async def read(self, request: Request) -> Asked:
        """Return a body of either kind; one that is neither is a create without a field."""
        try:
            form = await read_form(request)
            return Asked(fields=form.fields, files=form.files, as_json=False)
        except ValueError:
            pass
        try:
            body = await request.json()
        except ValueError:
            body = {}
        return Asked(fields=body if isinstance(body, dict) else {}, files=(), as_json=True)

    def check_create(self, asked: Asked, request: Request) -> None:
        self.check_known(asked, "prompt", "input_reference", "model", "seconds", "size")
        self.check_one_of(asked, "model", MODELS)
        self.check_one_of(asked, "seconds", SECONDS)
        self.check_one_of(asked, "size", SIZES)
        for file in asked.files:
            if file.media_type not in PICTURES:
                raise self.wrong(f"Unsupported mimetype ('{file.media_type}')", "input_reference")
        reference = asked.fields.get("input_reference")
        if reference is not None and not (
            isinstance(reference, dict) and set(reference) in ({"file_id"}, {"image_url"})
        ):
            raise self.wrong("Invalid type for 'input_reference': expected an object.", "input_reference")

    def check_extend(self, asked: Asked, request: Request) -> None:
        self.check_known(asked, "prompt", "seconds", "video")
        self.check_one_of(asked, "seconds", LONGER, required=True)
        self.check_source(asked)

    def check_edit(self, asked: Asked, request: Request) -> None:
        self.check_known(asked, "prompt", "video")
        if not any(one.under == "video" for one in asked.files):
            self.check_source(asked)

    def check_remix(self, asked: Asked, request: Request) -> None:
        self.check_known(asked, "prompt")
        self.finished(request.path_params["id"])

    def check_source(self, asked: Asked) -> None:
        video = asked.fields.get("video")
        if not isinstance(video, dict) or set(video) != {"id"}:
            raise self.wrong("Missing required parameter: 'video.id'.", "video")
        self.finished(video["id"])

    def finished(self, id: str) -> Render:
        """Return a render that has a video. Raises Wrong."""
        found = self.renders.get(id)
        if found is None:
            raise Wrong(404, error_body(f"Video with id '{id}' not found.", None, None))
        if found.stage != "succeeded":
            raise self.wrong("Video is not ready yet.", "video")
        return found

    def check_known(self, asked: Asked, *known: str) -> None:
        """Raise for a parameter that nobody knows, and for a missing prompt."""
        for name in [*asked.fields, *(one.under for one in asked.files)]:
            if name not in known:
                raise self.wrong(f"Unknown parameter: '{name}'.", name, "unknown_parameter")
        if not isinstance(asked.fields.get("prompt"), str) or not asked.prompt.strip():
            raise self.wrong("Missing required parameter: 'prompt'.", "prompt", "missing_required_parameter")

    def check_one_of(
        self, asked: Asked, name: str, allowed: Sequence[str], *, required: bool = False
    ) -> None:
        value = asked.fields.get(name)
        if value is None and not required:
            return
        if not isinstance(value, str):
            raise self.wrong(f"Invalid type for '{name}': expected a string.", name, "invalid_type")
        if value not in allowed:
            names = ", ".join(f"'{one}'" for one in allowed)
            said = f"Invalid value: '{value}'. Supported values are: {names}."
            raise self.wrong(said, name, "invalid_value")

    def wrong(self, message: str, param: str, code: str | None = None) -> Wrong:
        return Wrong(400, error_body(message, param, code))

    def check_key(self, request: Request) -> None:
        sent = request.headers.get("authorization", "").removeprefix("Bearer ")
        if self.key is not None and sent != self.key:
            # The real one shows the key it was sent, masked in the middle; others show all of it.
            said = f"Incorrect API key provided: {sent}."
            raise Wrong(401, error_body(said, None, "invalid_api_key"))

    def kept(self, asked: Asked) -> Mapping[str, Any]:
        return dict(asked.fields)

    def new_id(self, asked: Asked) -> str | None:
        """Return the id of a new job; None: any."""
        return None

    # --- jobs ---

    async def retrieve(self, request: Request) -> Response:
        return await self._answer(request, "poll", self.show)

    async def content(self, request: Request) -> Response:
        return await self._answer(request, "content", self.give)

    async def delete(self, request: Request) -> Response:
        return await self._answer(request, "delete", self.forget)

    async def _answer(self, request: Request, operation: str, own: Any) -> Response:
        """Answer a call about one job: as told, or with what `own` returns for it."""
        render = self.renders.get(request.path_params["id"])
        prompt = render.prompt if render is not None else ""
        self.note(request, operation, prompt=prompt, key="authorization" in request.headers)
        told = self.told(operation, prompt)
        instead = await self.instead(request, told)
        if instead is not None:
            return instead
        try:
            self.check_key(request)
        except Wrong as wrong:
            return JSONResponse(wrong.body, wrong.status)
        if render is None:
            return self.unknown(request.path_params["id"])
        found: Response = own(render, request, told)
        return found

    def unknown(self, id: str) -> Response:
        return JSONResponse(error_body(f"Video with id '{id}' not found.", None, None), 404)

    def show(self, render: Render, request: Request, told: Told | None) -> Response:
        return JSONResponse(self.job(render, request))

    def give(self, render: Render, request: Request, told: Told | None) -> Response:
        if render.stage != "succeeded":
            return JSONResponse(error_body("Video is not ready yet.", None, None), 404)
        if "content" in render.facts:
            return JSONResponse(filled(render.facts["content"], addresses(render, request)))
        return self.clip_of(render, request, told)

    def forget(self, render: Render, request: Request, told: Told | None) -> Response:
        del self.renders[render.id]
        return JSONResponse({"id": render.id, "deleted": True, "object": "video.deleted"})

    def job(self, render: Render, request: Request) -> dict[str, Any]:
        """Return a job as it is shown, with what it was told to show in this stage."""
        return told_fields(self.plain_job(render), render, request)

    def plain_job(self, render: Render) -> dict[str, Any]:
        stage = render.stage
        done = stage in ("succeeded", "failed")
        return {
            "id": render.id,
            "object": "video",
            "model": render.body.get("model") or MODELS[0],
            "status": STATUS.get(stage, stage),
            "progress": 100 if stage == "succeeded" else round(render.fraction * 99),
            "created_at": int(render.created_at),
            "completed_at": int(time.time()) if done else None,
            "expires_at": int(render.created_at) + 86_400 if stage == "succeeded" else None,
            "error": self.error(render) if stage == "failed" else None,
            "prompt": render.prompt,
            "remixed_from_video_id": None,
            "seconds": str(render.body.get("seconds") or SECONDS[0]),
            "size": str(render.body.get("size") or SIZES[0]),
        }

    def error(self, render: Render) -> Any:
        return {"code": render.facts.get("code", "server_error"), "message": render.reason or "It broke."}

    async def list_all(self, request: Request) -> Response:
        self.note(request, "list")
        told = self.told("list")
        instead = await self.instead(request, told)
        if instead is not None:
            return instead
        try:
            self.check_key(request)
        except Wrong as wrong:
            return JSONResponse(wrong.body, wrong.status)
        found, more = self.page(request, 100 if told is None else told.facts.get("most", 100))
        return JSONResponse(self.listing([self.job(one, request) for one in found], more))

    def page(self, request: Request, most: int) -> tuple[Sequence[Render], bool]:
        """Return the renders that a list shows, at most `most`, and whether there are more."""
        query = request.query_params
        order = sorted(self.renders.values(), key=lambda one: one.created_at)
        if query.get("order", "desc") != "asc":
            order.reverse()
        ids = [one.id for one in order]
        start = ids.index(query["after"]) + 1 if query.get("after") in ids else 0
        limit = min(most, int(query.get("limit", 20)))
        return order[start : start + limit], start + limit < len(order)

    def listing(self, jobs: Sequence[Mapping[str, Any]], more: bool) -> dict[str, Any]:
        return {
            "object": "list",
            "data": jobs,
            "first_id": jobs[0]["id"] if jobs else None,
            "last_id": jobs[-1]["id"] if jobs else None,
            "has_more": more,
        }

    # --- the rest ---

    async def models(self, request: Request) -> Response:
        self.note(request, "models")
        instead = await self.instead(request, self.told("models"))
        if instead is not None:
            return instead
        try:
            self.check_key(request)
        except Wrong as wrong:
            return JSONResponse(wrong.body, wrong.status)
        return JSONResponse({"object": "list", "data": [{"id": one, "object": "model"} for one in MODELS]})

    async def file(self, request: Request) -> Response:
        """Serve a file at a signed address, which asks for no key."""
        id = request.path_params["id"]
        render = self.renders.get(id)
        prompt = render.prompt if render is not None else ""
        self.note(request, "file", prompt=prompt, key="authorization" in request.headers)
        told = self.told("file", prompt)
        instead = await self.instead(request, told)
        if instead is not None:
            return instead
        if render is None or request.query_params.get("sig") != signature(id):
            return Response("<Error><Code>AccessDenied</Code></Error>", 403, media_type="application/xml")
        return self.clip_of(render, request, told)

    def clip_of(self, render: Render, request: Request, told: Told | None) -> Response:
        """Return the video of a render, of the size it says; told `truncated`, half of it."""
        if render.facts.get("once") and request.url.path in self.delivered:
            return JSONResponse(error_body("already delivered", None, None), 410)
        self.delivered.add(request.url.path)
        footage = footage_of(self.plain_job(render))
        cut = told is not None and bool(told.facts.get("truncated"))
        return serve_file(told, footage.truncated if cut else footage.whole)


def told_fields(job: dict[str, Any], render: Render, request: Request) -> dict[str, Any]:
    """Return a job with the fields that its render was told for its stage."""
    names = addresses(render, request)
    told = render.facts.get(render.stage, {})
    if re.search(r"{inline}|{base64}", str(told)):
        data = base64.b64encode(footage_of(job).whole).decode()
        names |= {"{inline}": f"data:video/mp4;base64,{data}", "{base64}": data}
    job |= filled(told, names)
    return {name: value for name, value in job.items() if value is not None}


def addresses(render: Render, request: Request) -> dict[str, str]:
    """Return the addresses of a render's file, by what stands for them in a text."""
    base = str(request.base_url).rstrip("/")
    file = f"{base}/files/{render.id}.mp4?sig={signature(render.id)}"
    return {"{file}": file, "{other}": file.replace("127.0.0.1", "localhost"), "{base}": base}


def filled(told: Any, names: Mapping[str, str]) -> Any:
    """Return what was told with the names in its texts replaced."""
    if isinstance(told, str):
        for name, value in names.items():
            told = told.replace(name, value)
    elif isinstance(told, list):
        return [filled(one, names) for one in told]
    elif isinstance(told, dict):
        return {key: filled(one, names) for key, one in told.items()}
    return told


def error_body(message: str, param: str | None, code: str | None) -> dict[str, Any]:
    return {"error": {"message": message, "type": "invalid_request_error", "param": param, "code": code}}


def signature(id: str) -> str:
    return hashlib.sha256(f"signed {id}".encode()).hexdigest()[:16]


def footage_of(job: Mapping[str, Any]) -> Footage:
    """Return the footage of the size that a job tells."""
    width, _, height = str(job["size"]).partition("x")
    return filmed(int(width), int(height))


@cache
def filmed(width: int, height: int) -> Footage:
    return Footage(width=width, height=height, seconds=0.5)
