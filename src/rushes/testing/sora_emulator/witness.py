"""Who asked what: every call of the API, in the order in which it came."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

WATCHED = (
    *("/api/", "/auth/", "/backend/", "/backend-api/", "/az/", "/cdn-cgi/"),
    *("/authorize", "/log-in", "/mfa-challenge", "/consent", "/example-id"),
)


class Witness:
    """Notes every call, and the status it was answered with; None while it is not, or if it never was."""

    def __init__(self, app: ASGIApp, seen: list[dict[str, Any]], now: Callable[[], float]) -> None:
        self._app, self._seen, self._now = app, seen, now

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or not scope["path"].startswith(WATCHED):
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        note: dict[str, Any] = {
            "method": scope["method"],
            "path": scope["path"],
            "host": headers.get("host", ""),
            "status": None,
            "had_bearer": "authorization" in headers,
            "had_sentinel": "openai-sentinel-token" in headers,
            "user_agent": headers.get("user-agent", ""),
            "connection": scope["client"][1],
            "time": self._now(),
        }
        self._seen.append(note)

        async def noting(message: Message) -> None:
            if message["type"] == "http.response.start" and not scope.get("rushes.hung_up"):
                note["status"] = message["status"]
            await send(message)

        await self._app(scope, receive, noting)


class StateSaver:
    """Has the state saved before anybody hears an answer."""

    def __init__(self, app: ASGIApp, save: Callable[[], None]) -> None:
        self._app, self._save = app, save

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def saving(message: Message) -> None:
            if message["type"] == "http.response.start":
                self._save()
            await send(message)

        await self._app(scope, receive, saving)
