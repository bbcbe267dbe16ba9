"""What a browser asked for and was answered, written down as it happens, in the shape of HAR 1.2.

Playwright's own recorder is not used: it writes what it saw, secrets included, to the disk, and writes
nothing at all where the person closes the window.
"""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Callable, Coroutine, Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlsplit

from rushes.engines.sora_web.multipart import boundary_of, without_files
from rushes.engines.sora_web.redaction import redact_address

if TYPE_CHECKING:
    from playwright.async_api import BrowserContext, CDPSession, Page, Request, Response

CALLS = frozenset({"fetch", "xhr"})
"""What Playwright calls a request that a page's script made."""

TEXT = ("text/", "json", "javascript", "xml", "x-www-form-urlencoded")
"""Content types whose bodies are written down."""

LAST_BODIES_S = 5.0
"""How long the bodies of the last answers have to come in."""


@dataclass(frozen=True, kw_only=True)
class Exchange:
    """One request: `status` None where no answer came, then `failure` says why; `ms` None where unknown.

    `address` holds no secrets; it is a path where the site itself was asked.
    """

    at: datetime
    method: str
    status: int | None
    failure: str
    ms: float | None
    address: str


class Recorder:
    """Listens to a browser. `home` is the site's address; `tell` gets each exchange as soon as it has ended.

    Without `everything`, only the site's own host is told of, and of that what scripts asked for and what
    was sent there.
    """

    def __init__(self, home: str, tell: Callable[[Exchange], None], *, everything: bool) -> None:
        self._home = home
        self._tell = tell
        self._everything = everything
        self._answers: dict[Request, Response] = {}
        self._entries: dict[Request, dict[str, Any]] = {}
        self._reading: set[asyncio.Task[None]] = set()
        self._forms: dict[str, bytes] = {}
        self.exchanges: list[Exchange] = []

    def listen(self, context: BrowserContext) -> None:
        context.on("request", self._asked)
        context.on("response", self._answered)
        context.on("requestfinished", self._ended)
        context.on("requestfailed", self._ended)
        context.on("page", self._watch_forms)
        for page in context.pages:
            self._watch_forms(page)

    async def har(self) -> dict[str, Any]:
        """Return what was recorded, secrets included; it is for `redact` and for nobody else."""
        if self._reading:
            await asyncio.wait(self._reading, timeout=LAST_BODIES_S)
        for entry in self._entries.values():
            _add_form(entry["request"], self._forms)
        creator = {"name": "rushes", "version": version("rushes")}
        return {"log": {"version": "1.2", "creator": creator, "entries": list(self._entries.values())}}

    def _asked(self, request: Request) -> None:
        if self._wanted(request):
            self._entries[request] = _entry(request)

    def _answered(self, response: Response) -> None:
        self._answers[response.request] = response

    def _ended(self, request: Request) -> None:
        response = self._answers.pop(request, None)
        entry = self._entries.get(request)
        if entry is None:
            return
        timing = request.timing
        ms = timing["responseEnd"] if timing["responseEnd"] >= 0 else None
        entry["time"] = ms or 0.0
        entry["timings"] = _timings(timing["requestStart"], timing["responseStart"], timing["responseEnd"])
        failure = request.failure or ""
        if failure:
            entry["response"]["_error"] = entry["response"]["statusText"] = failure
        exchange = Exchange(
            at=_started(request),
            method=request.method,
            status=response.status if response else None,
            failure=failure,
            ms=ms,
            address=self._address(request.url),
        )
        self.exchanges.append(exchange)
        self._tell(exchange)
        if response is not None:
            self._read_on(_read(request, response, entry))

    def _read_on(self, reading: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(reading)
        self._reading.add(task)
        task.add_done_callback(self._reading.discard)

    # --- multipart bodies, which Playwright does not show ---

    def _watch_forms(self, page: Page) -> None:
        self._read_on(self._listen_for_forms(page))

    async def _listen_for_forms(self, page: Page) -> None:
        with suppress(Exception):
            session = await page.context.new_cdp_session(page)
            session.on("Network.requestWillBeSent", lambda event: self._form_sent(session, event))
            await session.send("Network.enable")

    def _form_sent(self, session: CDPSession, event: Mapping[str, Any]) -> None:
        headers = {name.lower(): value for name, value in event["request"]["headers"].items()}
        boundary = boundary_of(headers.get("content-type", ""))
        if boundary is not None:
            self._read_on(self._read_form(session, event["requestId"], boundary))

    async def _read_form(self, session: CDPSession, id: str, boundary: str) -> None:
        """Keep a form's body, by its boundary: each has one of its own. Only Chromium itself can say it."""
        with suppress(Exception):
            found = await session.send("Network.getRequestPostData", {"requestId": id})
            text = found["postData"]
            self._forms[boundary] = base64.b64decode(text) if found.get("base64Encoded") else text.encode()

    def _wanted(self, request: Request) -> bool:
        if self._everything:
            return True
        called = request.resource_type in CALLS or request.method != "GET"
        return called and _origin(request.url) == _origin(self._home)

    def _address(self, url: str) -> str:
        clean = redact_address(url)
        return clean.removeprefix(self._home) if _origin(url) == _origin(self._home) else clean


def _entry(request: Request) -> dict[str, Any]:
    """Return what is known of a request while it is under way."""
    headers = [{"name": name, "value": value} for name, value in request.headers.items()]
    query = parse_qsl(urlsplit(request.url).query, keep_blank_values=True)
    body = _body(request)
    return {
        "startedDateTime": _started(request).isoformat(timespec="milliseconds"),
        "time": 0.0,
        "_resourceType": request.resource_type,
        "request": {
            "method": request.method,
            "url": request.url,
            "httpVersion": "",
            "cookies": [],
            "headers": headers,
            "queryString": [{"name": name, "value": value} for name, value in query],
            "headersSize": -1,
            "bodySize": len(body),
            **_post_data(request, body),
        },
        "response": {
            "status": 0,
            "statusText": "",
            "httpVersion": "",
            "cookies": [],
            "headers": [],
            "content": {"size": 0, "mimeType": ""},
            "redirectURL": "",
            "headersSize": -1,
            "bodySize": -1,
        },
        "cache": {},
        "timings": _timings(-1, -1, -1),
    }


async def _read(request: Request, response: Response, entry: dict[str, Any]) -> None:
    """Add what only the browser's own process knows; where that ends first, the entry stays as it is."""
    sent, got = entry["request"], entry["response"]
    got |= {"status": response.status, "statusText": response.status_text}
    with suppress(Exception):
        sent["headers"] = list(await request.headers_array())
        got["headers"] = list(await response.headers_array())
        kind = response.headers.get("content-type", "")
        got["redirectURL"] = response.headers.get("location", "")
        got["content"] = {"size": 0, "mimeType": kind}
        sizes = await request.sizes()
        got |= {"headersSize": sizes["responseHeadersSize"], "bodySize": sizes["responseBodySize"]}
        sent["headersSize"] = sizes["requestHeadersSize"]
        got["content"]["size"] = sizes["responseBodySize"]
        if any(part in kind for part in TEXT):
            body = await response.body()
            got["content"] |= {"size": len(body), "text": body.decode("utf-8", errors="replace")}


def _add_form(sent: dict[str, Any], forms: Mapping[str, bytes]) -> None:
    """Add the outline of a multipart body to a request, and how many bytes it had."""
    headers = {one["name"].lower(): one["value"] for one in sent["headers"]}
    kind, length = headers.get("content-type", ""), headers.get("content-length", "")
    boundary = boundary_of(kind)
    if boundary is None:
        return
    size = int(length) if length.isdecimal() else None
    if size is not None:
        sent["bodySize"] = size
    if boundary in forms:
        sent["postData"] = {"mimeType": kind, "text": without_files(forms[boundary], boundary, size)}


def _post_data(request: Request, body: bytes) -> dict[str, Any]:
    if not body:
        return {}
    kind = request.headers.get("content-type", "")
    return {"postData": {"mimeType": kind, "text": body.decode("utf-8", errors="replace")}}


def _body(request: Request) -> bytes:
    with suppress(Exception):
        return request.post_data_buffer or b""
    return b""


def _timings(asked: float, first: float, last: float) -> dict[str, float]:
    """Return HAR's timings of three moments in ms since the start, -1 where one is not known."""
    return {
        "send": max(0.0, asked),
        "wait": max(0.0, first - asked),
        "receive": max(0.0, last - first),
    }


def _started(request: Request) -> datetime:
    started = request.timing["startTime"]
    return datetime.fromtimestamp(started / 1000, UTC) if started > 0 else datetime.now(UTC)


def _origin(url: str) -> tuple[str, str]:
    parts = urlsplit(url)
    return parts.scheme, parts.netloc
