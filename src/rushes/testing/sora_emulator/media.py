"""The store of files: signed addresses that run out, and serving what they lead to."""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import secrets
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import quote, urlencode

from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response, StreamingResponse
from starlette.routing import Route

from rushes.testing.lines import Lines, cut_off
from rushes.testing.sora_emulator.clock import Clock
from rushes.testing.sora_emulator.faults import Faults
from rushes.testing.sora_emulator.refusals import Refused
from rushes.testing.sora_emulator.tasks import Task

ADDRESS_S = 4 * 86_400.0
PIECE = 16 * 1024
PAGE = "<!doctype html><html><head><title>Sora</title></head><body>Something went wrong</body></html>"
VARIANTS = {"thumbnail": "image/jpeg", "unfurl": "image/jpeg", "gif": "image/gif"}
WHEN = "%Y-%m-%dT%H:%M:%SZ"


@dataclass(frozen=True, kw_only=True)
class Stored:
    """A file of a task's, or one that was uploaded."""

    data: bytes
    media_type: str
    prompt: str = ""


class Store:
    """Files by their names. An address holds when it runs out, on the emulator's clock, and a signature."""

    def __init__(self, clock: Clock, faults: Faults, lines: Lines) -> None:
        self._clock, self._faults, self._lines = clock, faults, lines
        self._files: dict[str, Stored] = {}
        self._key = secrets.token_bytes(32)
        self.origin = ""
        """Where all files are, as `http://host:port`; "": at the address that the caller used."""

    def routes(self) -> list[Route]:
        return [Route("/az/files/{name:path}", self.serve)]

    def keep(self, task: Task, variant: str, source: str) -> str:
        """Store a file of a task's clip under the variant's own name; return that name."""
        assert task.clip is not None
        name = task.file(variant)
        if name not in self._files:
            data = task.clip.file(
                "silent" if "silent" in task.faults and source == "source" else source, name
            )
            kind = VARIANTS.get(source, "video/mp4")
            self._files[name] = Stored(data=data, media_type=kind, prompt=task.order.prompt)
        return name

    def put(self, name: str, data: bytes, media_type: str) -> None:
        self._files[name] = Stored(data=data, media_type=media_type)

    def size(self, name: str) -> int:
        return len(self._files[name].data)

    def address(self, base: str, name: str, seconds: float = ADDRESS_S) -> str:
        """Return an address of a file that is good for so many virtual seconds from now."""
        ends = datetime.fromtimestamp(self._clock.now() + seconds, UTC).strftime(WHEN)
        query = {
            "se": ends,
            "sp": "r",
            "sv": "2024-08-04",
            "sr": "b",
            "sig": self._sign(name, ends),
            "ac": "1",
        }
        return f"{self.origin or base}/az/files/{quote(name, safe='')}?{urlencode(query)}"

    async def serve(self, request: Request) -> Response:
        """Serve a file, whole or a range of it, or spoil it as the faults say."""
        name = request.path_params["name"]
        file = self._files.get(name)
        self._check(request, name, "" if file is None else file.prompt)
        if file is None:
            raise Refused(_xml(404, "BlobNotFound", "The specified blob does not exist."))
        if self._faults.take("media-html", file.prompt) is not None:
            return HTMLResponse(PAGE)
        return self._served(request, file)

    def _check(self, request: Request, name: str, prompt: str) -> None:
        for fault, status in (("media-404", 404), ("media-500", 500)):
            if self._faults.take(fault, prompt) is not None:
                raise Refused(_xml(status, "ServerBusy", "The server cannot answer."))
        ends = request.query_params.get("se", "")
        signed = hmac.compare_digest(request.query_params.get("sig", ""), self._sign(name, ends))
        if not signed:
            raise Refused(_xml(403, "AuthenticationFailed", "Signature did not match."))
        until = datetime.strptime(ends, WHEN).replace(tzinfo=UTC).timestamp()
        if until <= self._clock.now() or self._faults.take("media-expired", prompt) is not None:
            raise Refused(_xml(403, "AuthenticationFailed", "Signed expiry time has passed."))

    def _served(self, request: Request, file: Stored) -> Response:
        data, tag = file.data, f'"{hashlib.sha256(file.data).hexdigest()[:16]}"'
        cut = self._faults.take("media-truncated", file.prompt)
        if cut == "short":
            data = data[: len(data) // 2]
        whole = self._faults.take("media-no-range", file.prompt) is not None
        asked = None if whole else _range(request, tag, len(data))
        first, last = asked or (0, len(data) - 1)
        if first > last:
            return Response(status_code=416, headers={"Content-Range": f"bytes */{len(data)}"})
        headers = {"ETag": tag, "Accept-Ranges": "bytes", "Content-Length": str(last - first + 1)}
        if asked is not None:
            headers["Content-Range"] = f"bytes {first}-{last}/{len(data)}"
        seconds = float(self._faults.take("media-slow", file.prompt) or 0)
        pieces = self._pieces(request, data[first : last + 1], cut == "cut", seconds)
        status = 200 if asked is None else 206
        return StreamingResponse(pieces, status_code=status, headers=headers, media_type=file.media_type)

    async def _pieces(self, request: Request, data: bytes, cut: bool, seconds: float) -> AsyncIterator[bytes]:
        size = min(PIECE, max(1, len(data) // 8)) if seconds else PIECE
        end = len(data) // 2 if cut else len(data)
        for at in range(0, end, size):
            yield data[at : min(at + size, end)]
            await asyncio.sleep(seconds * size / len(data))
        if cut:
            await cut_off(self._lines, request)

    def _sign(self, name: str, ends: str) -> str:
        return base64.b64encode(hmac.digest(self._key, f"{name}\n{ends}".encode(), "sha256")).decode()


def _xml(status: int, code: str, message: str) -> Response:
    error = f"<Error><Code>{code}</Code><Message>{message}</Message></Error>"
    body = f'<?xml version="1.0" encoding="utf-8"?>{error}'
    return PlainTextResponse(body, status_code=status, media_type="application/xml")


def _range(request: Request, tag: str, length: int) -> tuple[int, int] | None:
    """Return the first and last byte asked for, None for all; a range of another file counts for nothing."""
    asked = request.headers.get("range", "")
    if not asked.startswith("bytes=") or request.headers.get("if-range", tag) != tag:
        return None
    first, dash, last = asked.removeprefix("bytes=").partition("-")
    if not dash or not (first or last) or not (first + last).isdigit():
        return None
    if not first:
        return max(0, length - int(last)), length - 1
    return int(first), min(int(last), length - 1) if last else length - 1
