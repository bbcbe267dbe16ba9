"""Streamable HTTP: for this machine alone, or with a token; Host and Origin are checked."""

from __future__ import annotations

import hmac
import socket
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import uvicorn
from mcp.server.transport_security import TransportSecuritySettings

from rushes.domain.errors import BadSettings
from rushes.mcp.server import build
from rushes.studio import Studio

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Message, Receive, Send], Awaitable[None]]

PATH = "/mcp"
LEAST_TOKEN = 16
"""Characters. A shorter one could be guessed by trying."""


class Guard:
    """Answers 401 to whoever does not send `Authorization: Bearer TOKEN`."""

    def __init__(self, app: App, token: str) -> None:
        self._app = app
        self._wanted = f"Bearer {token}".encode()

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or self._agrees(scope):
            await self._app(scope, receive, send)
            return
        headers = [(b"www-authenticate", b"Bearer"), (b"content-length", b"0")]
        await send({"type": "http.response.start", "status": 401, "headers": headers})
        await send({"type": "http.response.body", "body": b""})

    def _agrees(self, scope: Message) -> bool:
        given = [value for name, value in scope["headers"] if name == b"authorization"]
        return len(given) == 1 and hmac.compare_digest(given[0], self._wanted)


def checked_token(host: str, token: str | None) -> str | None:
    """Return what clients at `host` have to send, if anything. Raises BadSettings where it is too little."""
    if not is_loopback(host) and not token:
        raise BadSettings(
            f"{host} can be reached from other machines, and there is no token; nothing was started",
            next="set RUSHES_MCP_TOKEN in the environment or in .env; clients send it as a bearer token",
        )
    if token is not None and len(token) < LEAST_TOKEN:
        raise BadSettings(
            f"RUSHES_MCP_TOKEN is shorter than {LEAST_TOKEN} characters", next="set a longer one"
        )
    return token


def app(studio: Studio, roots: Iterable[Path], host: str, port: int) -> App:
    """Return the server as an ASGI application for `host`. Raises BadSettings where it needs a token."""
    chosen = studio.settings.mcp
    token = checked_token(host, chosen.token)
    served: App = build(studio, roots).streamable_http_app(
        streamable_http_path=PATH, host=host, transport_security=security(host, port, chosen.hosts)
    )
    return Guard(served, token) if token else served


def security(host: str, port: int, others: Iterable[str]) -> TransportSecuritySettings:
    """Return which Host and Origin headers are answered: this machine's own names, and those in the settings.

    So a web page that a browser has open cannot reach the server by a name of its own that points here.
    """
    own = f"[{host}]" if ":" in host else host
    names = {f"{own}:{port}", *others}
    if is_loopback(host) or is_everywhere(host):
        names |= {f"{name}:{port}" for name in ("127.0.0.1", "localhost", "[::1]")}
    hosts = sorted(names)
    origins = [f"{scheme}://{name}" for name in hosts for scheme in ("http", "https")]
    return TransportSecuritySettings(allowed_hosts=hosts, allowed_origins=origins)


def is_loopback(host: str) -> bool:
    """Whether a host is this machine's own and no other can reach it."""
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False


def is_everywhere(host: str) -> bool:
    """Whether a host stands for all addresses of this machine, and so is no name that a client uses."""
    return host in ("0.0.0.0", "::")


async def serve_http(host: str, port: int, roots: Iterable[Path], started: Callable[[str], None]) -> None:
    """Serve any number of clients at http://HOST:PORT/mcp until the process is told to end.

    `started` is called with the address once it listens; port 0 takes a free one. Raises BadSettings.
    """
    async with Studio.open() as studio:
        checked_token(host, studio.settings.mcp.token)
        with listening(host, port) as listener:
            taken = listener.getsockname()[1]
            served = app(studio, roots, host, taken)
            started(f"http://{f'[{host}]' if ':' in host else host}:{taken}{PATH}")
            config = uvicorn.Config(served, log_level="warning", timeout_graceful_shutdown=2)
            await uvicorn.Server(config).serve(sockets=[listener])


def listening(host: str, port: int) -> socket.socket:
    """Return a socket that listens there. Raises BadSettings where it cannot."""
    listener = socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
        listener.listen()
    except OSError as error:
        listener.close()
        raise BadSettings(
            f"{host}:{port} cannot be listened at: {error.strerror}", next="take another address or port"
        ) from error
    return listener
