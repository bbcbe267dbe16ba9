"""What the doubles of hosted services have in common.

A log of what was accepted, which is the witness that nothing was bought twice; renders that take their time;
and answers that it is told to give in place of its own. Derive from `StandIn`, give `routes`, and serve it:

    python -m rushes.testing.standin MODULE:CLASS [--port 0] [--log FILE] [--until-stdin-closes]

From Python, `running_standin` in `rushes.testing.standin_process` starts one and holds it.
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import json
import secrets
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from functools import cached_property
from importlib import import_module
from pathlib import Path
from typing import Any, ClassVar

from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from rushes.testing.footage import Footage
from rushes.testing.lines import Lines, hang_up, serve_on_loopback


@dataclass(kw_only=True)
class Told:
    """What it was told for one `operation` (create, poll, content …) of prompts that hold `match`.

    `status`, `body` and `headers` replace its own answer; `drop` closes the connection in place of an answer;
    `accept` says whether a create is accepted all the same. `delay` in seconds comes before all that. It
    holds for `times` calls, None for all. `facts` are for the double itself: how a render ends, for example.
    """

    operation: str
    match: str = ""
    status: int | None = None
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)
    drop: bool = False
    accept: bool = False
    delay: float = 0.0
    times: int | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)

    @property
    def answers(self) -> bool:
        return self.drop or self.status is not None


@dataclass(kw_only=True)
class Render:
    """One accepted create. `outcome` is succeeded or whatever the double was told; times in seconds."""

    id: str
    prompt: str
    body: Mapping[str, Any]
    created_at: float
    queued_s: float = 0.0
    seconds: float = 0.1
    outcome: str = "succeeded"
    reason: str = ""
    facts: Mapping[str, Any] = field(default_factory=dict)
    canceled: bool = False

    @property
    def stage(self) -> str:
        """queued, running, canceled, or its outcome."""
        if self.canceled:
            return "canceled"
        age = time.time() - self.created_at
        if age < self.queued_s:
            return "queued"
        return "running" if age < self.queued_s + self.seconds else self.outcome

    @property
    def fraction(self) -> float:
        age = time.time() - self.created_at - self.queued_s
        return max(0.0, min(1.0, age / self.seconds)) if self.seconds else 1.0


class StandIn:
    """A double of one service. `footage` is what it serves as its clips."""

    footage: ClassVar[Footage] = Footage(width=320, height=180, seconds=1.0)

    def __init__(self, log: Path | None = None) -> None:
        self.lines: Lines = {}
        self.renders: dict[str, Render] = {}
        self.requests: list[dict[str, Any]] = []
        self._log = log
        self._told: list[Told] = []

    def routes(self) -> Sequence[BaseRoute]:
        """Return the service's own routes."""
        raise NotImplementedError

    def app(self) -> Starlette:
        control = [
            Route("/standin/script", self._script, methods=["POST", "GET", "DELETE"]),
            Route("/standin/log", self._show_log),
            Route("/standin/requests", self._show_requests),
        ]
        return Starlette(routes=[*control, *self.routes()], exception_handlers={ClientDisconnect: _gone})

    @cached_property
    def clip(self) -> bytes:
        """The bytes of a healthy clip with sound."""
        return self.footage.whole

    # --- for the routes of a double ---

    def note(self, request: Request, operation: str, **facts: Any) -> None:
        """Note a call, for tests that count them."""
        client = request.scope["client"]
        self.requests.append(
            {"operation": operation, "path": request.url.path, "connection": client[1], **facts}
        )

    def told(self, operation: str, prompt: str = "") -> Told | None:
        """Return what it was told for this call, and count it; the newest goes first."""
        for one in reversed(self._told):
            if one.operation == operation and one.match in prompt and one.times != 0:
                if one.times is not None:
                    one.times -= 1
                return one
        return None

    async def instead(self, request: Request, told: Told | None) -> Response | None:
        """Return the answer it was told to give, None where it gives its own."""
        if told is None:
            return None
        await asyncio.sleep(told.delay)
        if told.drop:
            hang_up(self.lines, request)
            return Response("nobody hears this")
        if told.status is None:
            return None
        headers = dict(told.headers)
        if isinstance(told.body, str):
            return Response(told.body, told.status, {"content-type": "text/plain", **headers})
        return JSONResponse(told.body, told.status, headers)

    def accept(self, prompt: str, body: Mapping[str, Any], *, id: str | None = None) -> Render:
        """Take on a render for good: it is in the log before anybody hears of it."""
        told = self.told("render", prompt)
        facts = dict(told.facts) if told is not None else {}
        known = {
            name: facts.pop(name) for name in ("queued_s", "seconds", "outcome", "reason") if name in facts
        }
        render = Render(
            id=id or secrets.token_hex(8),
            prompt=prompt,
            body=body,
            created_at=time.time(),
            facts=facts,
            **known,
        )
        self.renders[render.id] = render
        if self._log is not None:
            entry = {"id": render.id, "prompt": prompt, "time": render.created_at}
            with self._log.open("a", encoding="utf-8") as file:
                file.write(json.dumps(entry) + "\n")
        return render

    def charge(self, render: Render) -> float | None:
        """Return what the service charges for a render, in dollars; None where it names no price."""
        return None

    # --- for tests ---

    async def _script(self, request: Request) -> Response:
        if request.method == "DELETE":
            self._told.clear()
            return JSONResponse({})
        if request.method == "GET":
            return JSONResponse([asdict(one) for one in self._told])
        body = await request.json()
        unknown = set(body) - {one.name for one in fields(Told)}
        if unknown:
            return JSONResponse({"error": f"there is no {sorted(unknown)[0]!r} to be told"}, 400)
        self._told.append(Told(**body))
        return JSONResponse({})

    async def _show_log(self, request: Request) -> Response:
        return JSONResponse(
            [
                {
                    "id": one.id,
                    "prompt": one.prompt,
                    "body": dict(one.body),
                    "time": one.created_at,
                    "stage": one.stage,
                    "charged": self.charge(one),
                }
                for one in self.renders.values()
            ]
        )

    async def _show_requests(self, request: Request) -> Response:
        return JSONResponse(self.requests)


def serve_file(told: Told | None, clip: bytes) -> Response:
    """Return a file, as told: `data`, in base64, in its place, under another `type`, with further headers."""
    if told is None:
        return Response(clip, media_type="video/mp4")
    data = base64.b64decode(told.facts["data"]) if "data" in told.facts else clip
    return Response(data, headers=dict(told.headers), media_type=told.facts.get("type", "video/mp4"))


async def _gone(request: Request, error: Exception) -> Response:
    return Response(status_code=400)


def main() -> None:
    parser = argparse.ArgumentParser(description="Serve the double of a service.")
    parser.add_argument("double", metavar="MODULE:CLASS")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--log", type=Path)
    parser.add_argument("--until-stdin-closes", action="store_true")
    options = parser.parse_args()
    module, _, name = options.double.partition(":")
    double: StandIn = getattr(import_module(module), name)(options.log)
    asyncio.run(
        serve_on_loopback(
            double.app(), double.lines, options.port, until_stdin_closes=options.until_stdin_closes
        )
    )


if __name__ == "__main__":
    main()
