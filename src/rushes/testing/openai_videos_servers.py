"""Doubles of the servers that speak `/v1/videos` today, each with what sets it apart.

Written from their own sources: SGLang's and vLLM-Omni's `entrypoints/openai`, new-api's `dto/openai_video.go`
and its router, LiteLLM's ids. What they are told is what `openai_videos_service` is told.
"""

from __future__ import annotations

import base64
import re
import secrets
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from rushes.testing.openai_videos_service import KEY, Asked, OpenAIVideos, Wrong, addresses, filled
from rushes.testing.standin import Render, Told

WHOLE = re.compile(r"[+-]?\d+")
NUMBERS = frozenset({"seconds", "fps", "num_frames", "seed", "num_inference_steps"})
VLLM_TEXT = frozenset({"prompt", "model", "user", "aspect_ratio", "negative_prompt", "image_reference"})
VLLM_NUMBERS = frozenset({"width", "height", "num_frames", "short_edge", "num_inference_steps", "seed"})


class SGLang(OpenAIVideos):
    """SGLang diffusion: JSON or a form, no key, lists without prompts; DELETE forgets a job that goes on.

    Told `cloud` by its render, its files went to object storage, and /content says where in a sentence.
    """

    key: ClassVar[str | None] = None

    def check_create(self, asked: Asked, request: Request) -> None:
        status = 400 if asked.as_json else 422
        if not asked.prompt:
            raise Wrong(400, {"detail": "prompt is required"})
        for name in NUMBERS & set(asked.fields):
            if not WHOLE.fullmatch(str(asked.fields[name])):
                raise Wrong(status, {"detail": f"Invalid request body: {name}: Input should be an integer"})
        if not re.fullmatch(r"\d+x\d+", str(asked.fields.get("size") or "832x480")):
            raise Wrong(status, {"detail": "Invalid request body: size"})

    def plain_job(self, render: Render) -> dict[str, Any]:
        job = super().plain_job(render)
        width, _, height = str(render.body.get("size") or "832x480").partition("x")
        rounded = f"{int(width) // 16 * 16}x{int(height) // 16 * 16}"
        own = {
            "size": rounded,
            "quality": "standard",
            "file_path": f"outputs/{render.id}.mp4",
            "prompt": None,
        }
        return job | own

    def error(self, render: Render) -> Any:
        return {"message": render.reason or "CUDA out of memory"}

    def listing(self, jobs: Sequence[Mapping[str, Any]], more: bool) -> dict[str, Any]:
        return {"data": jobs, "object": "list"}

    def give(self, render: Render, request: Request, told: Told | None) -> Response:
        if render.stage != "succeeded":
            return JSONResponse({"detail": "Generation is still in-progress"}, 404)
        if render.facts.get("cloud"):
            names = addresses(render, request)
            where = self.job(render, request).get("url") or filled(render.facts["cloud"], names)
            said = f"Video has been uploaded to cloud storage. Please use the cloud URL: {where}"
            return JSONResponse({"detail": said}, 400)
        return self.clip_of(render, request, told)

    def forget(self, render: Render, request: Request, told: Told | None) -> Response:
        gone = self.job(self.renders.pop(render.id), request)
        return JSONResponse({**gone, "status": "deleted"})

    def unknown(self, id: str) -> Response:
        return JSONResponse({"detail": "Video not found"}, 404)


class VllmOmni(OpenAIVideos):
    """vLLM-Omni: forms only, no key; a failed job is answered with an HTTP error; DELETE aborts."""

    key: ClassVar[str | None] = None
    serves: ClassVar[str] = "Wan-AI/Wan2.2-T2V-A14B-Diffusers"

    def check_create(self, asked: Asked, request: Request) -> None:
        if asked.as_json or "prompt" not in asked.fields:
            detail = [{"type": "missing", "loc": ["body", "prompt"], "msg": "Field required", "input": None}]
            raise Wrong(422, {"detail": detail})
        patterns = {"seconds": r"[1-9]\d*", "size": r"\d+x\d+", "generate_sound": r"true|false"}
        for name, value in asked.fields.items():
            pattern = patterns.get(name, r"(?s).*" if name in VLLM_TEXT else r"\d+")
            if name in patterns.keys() | VLLM_TEXT | VLLM_NUMBERS and not re.fullmatch(pattern, str(value)):
                raise Wrong(
                    422, {"detail": [{"loc": ["body", name], "msg": f"String should match {pattern}"}]}
                )
        model = asked.fields.get("model")
        if model is not None and model != self.serves:
            said = f"Model mismatch: request specifies '{model}' but server is running '{self.serves}'."
            raise Wrong(400, {"detail": said})
        names = {one.under for one in asked.files}
        if {"input_reference", "input_references"} <= names:
            raise Wrong(400, {"detail": "Provide input_references alone, without input_reference."})

    def error(self, render: Render) -> Any:
        return {"code": int(render.facts.get("code", 500)), "message": render.reason or "Worker died."}

    def show(self, render: Render, request: Request, told: Told | None) -> Response:
        job = self.job(render, request)
        return JSONResponse(job, job["error"]["code"] if render.stage == "failed" else 200)

    def give(self, render: Render, request: Request, told: Told | None) -> Response:
        if render.stage == "failed":
            return JSONResponse({"detail": "Video generation failed."}, 422)
        return super().give(render, request, told)


class LiteLLM(OpenAIVideos):
    """A LiteLLM proxy: ids in base64 with the provider inside."""

    def new_id(self, asked: Asked) -> str | None:
        inside = f"litellm:custom_llm_provider:openai;model_id:~~>>;video_id:video_{secrets.token_hex(8)}"
        return "video_" + base64.b64encode(inside.encode()).decode().replace("/", "+")


class NewApi(OpenAIVideos):
    """A new-api gateway: no list, no DELETE, upstreams' own words for states, progress as "50%"."""

    words: ClassVar[Mapping[str, str]] = {
        "queued": "NOT_START",
        "running": "IN_PROGRESS",
        "succeeded": "SUCCESS",
        "failed": "FAILURE",
    }

    def routes(self) -> Sequence[BaseRoute]:
        one = f"{self.prefix}/{{id}}"
        return [
            Route(self.prefix, self.create, methods=["POST"]),
            Route(f"{one}/remix", self.remix, methods=["POST"]),
            Route(f"{one}/content", self.content, methods=["GET"]),
            Route(one, self.retrieve, methods=["GET"]),
            Route(self.prefix, self.no_route, methods=["GET"]),
            *self.other_routes(),
        ]

    async def no_route(self, request: Request) -> Response:
        said = {"message": f"Invalid URL ({request.method} {request.url.path})", "code": ""}
        return JSONResponse({"error": {**said, "type": "invalid_request_error", "param": ""}}, 404)

    def check_create(self, asked: Asked, request: Request) -> None:
        if not asked.fields.get("model"):
            body = {"code": "missing_model", "message": "model field is required", "data": None}
            raise Wrong(400, body)
        if not asked.prompt:
            raise Wrong(400, {"code": "invalid_request", "message": "prompt is required", "data": None})

    def check_key(self, request: Request) -> None:
        if request.headers.get("authorization") != f"Bearer {KEY}":
            raise Wrong(401, {"error": {"message": "无效的令牌", "type": "new_api_error", "code": ""}})

    def plain_job(self, render: Render) -> dict[str, Any]:
        job = super().plain_job(render)
        failed = render.stage == "failed"
        own = {
            "task_id": render.id,
            "status": self.words[render.stage],
            "progress": f"{round(render.fraction * 100)}%",
            "error": {"message": render.reason, "code": "fail"} if failed else None,
            "prompt": None,
        }
        return job | own
