"""A provider that misbehaves on demand: a real HTTP server in a process of its own.

`python -m rushes.testing.provider --port 0 --log FILE` prints its address as one line and serves until it is
stopped. It outlives every worker, and its log of accepted creates is the witness that nothing was bought
twice. How it behaves is told it by `POST /script`, in the words of `script.Rule`; from Python, `running`
in `rushes.testing.process` starts one and holds it.

    POST   /create                {"prompt", "model", "seconds", "key"} -> 202 {"id"}
    PUT    /renders/{digest}      the same for free, and as often as one likes
    GET    /jobs/{id}             state, fraction, queue_position, ask_after, cost, error
    GET    /jobs?since=           what was accepted since a moment: id, prompt, created_at
    POST   /jobs/{id}/cancel      {"outcome": "confirmed" | "requested" | "unsupported"}
    GET    /jobs/{id}/results     the files offered, best first, with addresses that may run out
    GET    /files/{id}/{file}/{place}
    POST   /uploads               {"id"}
    POST   /script, GET /log, GET /stats?match=
"""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import AsyncIterator, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, RedirectResponse, Response, StreamingResponse
from starlette.routing import Route

from rushes.testing.footage import Footage, etag
from rushes.testing.lines import Lines, cut_off, hang_up, serve_on_loopback
from rushes.testing.renders import Job, Renders
from rushes.testing.script import Create, Fault, Script, rule_from

PIECE = 16 * 1024


class Provider:
    """The routes, over what was accepted so far."""

    def __init__(self, renders: Renders, footage: Footage) -> None:
        self.renders = renders
        self.footage = footage
        self.lines: Lines = {}

    def app(self) -> Starlette:
        routes = [
            Route("/create", self.create, methods=["POST"]),
            Route("/renders/{digest}", self.render, methods=["PUT"]),
            Route("/jobs", self.jobs),
            Route("/jobs/{id}", self.poll),
            Route("/jobs/{id}/cancel", self.cancel, methods=["POST"]),
            Route("/jobs/{id}/results", self.results),
            Route("/files/{id}/{file:int}/{place:int}", self.file),
            Route("/elsewhere/{id}/{file:int}/{place:int}", self.elsewhere),
            Route("/uploads", self.upload, methods=["POST"]),
            Route("/script", self.script, methods=["POST"]),
            Route("/log", self.log),
            Route("/stats", self.stats),
        ]
        return Starlette(routes=routes, exception_handlers={ClientDisconnect: _gone})

    # --- creates ---

    async def create(self, request: Request) -> Response:
        """Accept, refuse or lose a create, as the script says. A key that is known gets its first answer."""
        self.renders.counts["posts"] += 1
        body = await request.json()
        prompt, key = str(body.get("prompt", "")), str(body.get("key", ""))
        step = self.renders.script.next_create(prompt)
        await asyncio.sleep(step.delay_before)
        job = self.renders.known(key, prompt)
        if job is None and step.accept:
            job = self.renders.accept(body)
        await asyncio.sleep(step.delay_after)
        if step.drop:
            return self._hang_up(request)
        return _answer_create(step, job, request)

    async def render(self, request: Request) -> Response:
        """Take on a render under the digest of everything that makes it: twice is once, and free."""
        self.renders.counts["renders"] += 1
        body, digest = await request.json(), request.path_params["digest"]
        step = self.renders.script.next_create(str(body.get("prompt", "")))
        await asyncio.sleep(step.delay_before)
        job = self.renders.jobs.get(digest)
        if job is None and step.accept:
            job = self.renders.accept(body, id=digest, billed=False)
        await asyncio.sleep(step.delay_after)
        if step.drop:
            return self._hang_up(request)
        return _answer_create(step, job, request)

    async def upload(self, request: Request) -> Response:
        self.renders.counts["uploads"] += 1
        body = await request.body()
        fault = self.renders.script.next_prepare_fault(request.headers.get("X-Prompt", ""))
        if fault is not None and not fault.hang:
            return await self._fault(request, fault)
        await asyncio.sleep(fault.hang if fault is not None else 0.0)
        return JSONResponse({"id": f"u{len(body)}"})

    # --- renders ---

    async def poll(self, request: Request) -> Response:
        self.renders.counts["polls"] += 1
        job = self._job(request)
        if job is None:
            return _problem(404, "no such job")
        rule = self.renders.rule(job)
        fault = self.renders.script.next_poll_fault(job.prompt, job.id)
        if fault is not None:
            if not fault.hang:
                return await self._fault(request, fault)
            await asyncio.sleep(fault.hang)
        moment = self.renders.moment(job)
        shape: dict[str, Any] = {"id": job.id, **asdict(moment), "ask_after": rule.render.ask_after}
        if moment.state not in ("queued", "running"):
            shape["cost"] = rule.render.cost
        if moment.state.startswith("failed"):
            shape["error"] = "the render broke" if moment.state == "failed" else "the words are not allowed"
        return JSONResponse(shape)

    async def jobs(self, request: Request) -> Response:
        self.renders.counts["lists"] += 1
        found = self.renders.listed(float(request.query_params.get("since", 0)))
        return JSONResponse(
            {"jobs": [{"id": job.id, "prompt": job.prompt, "created_at": job.created_at} for job in found]}
        )

    async def cancel(self, request: Request) -> Response:
        job = self._job(request)
        return (
            _problem(404, "no such job")
            if job is None
            else JSONResponse({"outcome": self.renders.cancel(job)})
        )

    async def results(self, request: Request) -> Response:
        """Offer the files, each address signed anew."""
        self.renders.counts["results"] += 1
        job = self._job(request)
        if job is None or self.renders.moment(job).state != "succeeded":
            return _problem(404, "there is no result")
        job.signature += 1
        rule = self.renders.rule(job)
        base = str(request.base_url).rstrip("/")
        shape = [
            {
                "width": self.footage.width,
                "height": self.footage.height,
                "candidates": [
                    f"{base}/files/{job.id}/{file}/{place}?signature={job.signature}"
                    for place in range(len(rule.candidates))
                ],
            }
            for file in range(rule.files)
        ]
        return JSONResponse({"results": shape})

    # --- files ---

    async def file(self, request: Request) -> Response:
        """Serve one candidate, whole or from where it is asked for, or spoil it as the script says."""
        self.renders.counts["files"] += 1
        job = self._job(request)
        if job is None:
            return _problem(404, "no such file")
        fault = self.renders.script.next_file_fault(job.prompt, job.id)
        if fault is not None:
            return await self._fault(request, fault)
        rule = self.renders.rule(job)
        kind = rule.candidates[request.path_params["place"]]
        signature = int(request.query_params.get("signature", 0))
        if kind == "gone":
            return _problem(410, "this file has been removed")
        if kind == "unreachable":
            return _problem(503, "the store is down")
        if kind == "expires" and (signature == 1 or signature != job.signature):
            return _problem(403, "this address has run out")
        if kind == "redirect":
            # localhost and 127.0.0.1 are two origins to every client, and one server to us.
            return RedirectResponse(
                f"http://localhost:{request.url.port}{request.url.path.replace('/files/', '/elsewhere/')}",
                302,
            )
        data = await asyncio.to_thread(self.footage.named, kind)
        if kind == "html":
            return Response(data, media_type="text/html")
        return self._served(request, data, rule.cut_every if kind == "cut" else None, rule.download_seconds)

    async def elsewhere(self, request: Request) -> Response:
        """The store that a redirect leads to; it must not be shown the credentials of the first."""
        self.renders.counts["credentials_elsewhere"] += "authorization" in request.headers
        return self._served(request, await asyncio.to_thread(self.footage.named, "ok"), None, 0.0)

    def _served(self, request: Request, data: bytes, cut_every: int | None, seconds: float) -> Response:
        tag = etag(data)
        start = _range_start(request.headers, tag, len(data))
        if start >= len(data):
            return Response(status_code=416, headers={"Content-Range": f"bytes */{len(data)}"})
        headers = {"ETag": tag, "Accept-Ranges": "bytes", "Content-Length": str(len(data) - start)}
        if start:
            headers["Content-Range"] = f"bytes {start}-{len(data) - 1}/{len(data)}"
        pieces = self._pieces(request, data[start:], cut_every, seconds)
        return StreamingResponse(
            pieces, status_code=206 if start else 200, headers=headers, media_type="video/mp4"
        )

    async def _pieces(
        self, request: Request, data: bytes, cut_every: int | None, seconds: float
    ) -> AsyncIterator[bytes]:
        whole = cut_every is None or len(data) <= cut_every
        size = min(PIECE, max(1, len(data) // 8)) if seconds else PIECE
        for at in range(0, len(data) if whole else cut_every or 0, size):
            yield data[at : min(at + size, len(data) if whole else cut_every or 0)]
            await asyncio.sleep(seconds * size / len(data))
        if not whole:
            await cut_off(self.lines, request)

    # --- the witness ---

    async def script(self, request: Request) -> Response:
        """Add one rule, or a list of them."""
        body = await request.json()
        try:
            rules = [rule_from(one) for one in (body if isinstance(body, list) else [body])]
        except TypeError as error:
            return _problem(400, str(error))
        for rule in rules:
            self.renders.script.add(rule)
        return JSONResponse({"rules": len(rules)})

    async def log(self, request: Request) -> Response:
        return JSONResponse([asdict(entry) for entry in self.renders.entries])

    async def stats(self, request: Request) -> Response:
        match = request.query_params.get("match", "")
        own = {"creates": len(self.renders.entries), "in_flight_peak": self.renders.peak(match)}
        return JSONResponse({**self.renders.counts, **own})

    # --- parts ---

    def _job(self, request: Request) -> Job | None:
        return self.renders.jobs.get(request.path_params["id"])

    async def _fault(self, request: Request, fault: Fault) -> Response:
        if fault.garbage:
            return Response("<<<not json>>>", headers=dict(fault.headers))
        if fault.status is None:
            return self._hang_up(request)
        return _problem(fault.status, f"scripted {fault.status}", fault.headers)

    def _hang_up(self, request: Request) -> Response:
        hang_up(self.lines, request)
        return Response("nobody hears this")


def _answer_create(step: Create, job: Job | None, request: Request) -> Response:
    if step.body is not None:
        return Response(step.body, status_code=step.status or 202, headers=dict(step.headers))
    if step.status is not None and not 200 <= step.status < 300:
        # Some services repeat the key they were sent in the message that says it is wrong.
        sent = request.headers.get("Authorization", "")
        return _problem(step.status, f"scripted {step.status} {sent}".strip(), step.headers)
    if job is None:
        return _problem(400, "refused", step.headers)
    return JSONResponse({"id": job.id}, status_code=step.status or 202, headers=dict(step.headers))


async def _gone(request: Request, error: Exception) -> Response:
    """Answer a caller who was killed in the middle of its question; nobody hears this either."""
    return Response(status_code=400)


def _problem(status: int, message: str, headers: Mapping[str, str] | None = None) -> Response:
    return JSONResponse({"error": {"message": message}}, status_code=status, headers=dict(headers or {}))


def _range_start(headers: Mapping[str, str], tag: str, length: int) -> int:
    """Return where to begin: a range counts only while the file is still the one it was asked for."""
    asked = headers.get("range", "")
    if not asked.startswith("bytes=") or not asked.endswith("-") or headers.get("if-range", tag) != tag:
        return 0
    first = asked.removeprefix("bytes=").removesuffix("-")
    return int(first) if first.isdigit() else 0


async def serve(port: int, log: Path | None, footage: Footage, until_stdin_closes: bool) -> None:
    """Serve on 127.0.0.1, having printed the address."""
    provider = Provider(Renders(Script(), log), footage)
    await serve_on_loopback(provider.app(), provider.lines, port, until_stdin_closes=until_stdin_closes)


def main() -> None:
    """Parse the command line and serve."""
    parser = argparse.ArgumentParser(prog="python -m rushes.testing.provider", description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="0: any that is free")
    parser.add_argument("--log", type=Path, help="one JSON line for each accepted create is added here")
    parser.add_argument("--footage", default="320x180x1.0", help="width x height x seconds of what it serves")
    parser.add_argument("--until-stdin-closes", action="store_true", help="stop when the caller is gone")
    options = parser.parse_args()
    width, height, seconds = options.footage.split("x")
    footage = Footage(int(width), int(height), float(seconds))
    asyncio.run(serve(options.port, options.log, footage, options.until_stdin_closes))


if __name__ == "__main__":
    main()
