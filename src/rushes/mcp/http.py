"""Streamable HTTP: with a token always; Host and Origin are checked."""

from __future__ import annotations

import secrets
import socket
from collections.abc import Callable, Iterable
from functools import partial
from ipaddress import ip_address
from pathlib import Path
from typing import Any, cast

import uvicorn
from mcp.server.transport_security import TransportSecuritySettings

from rushes.domain.errors import BadSettings
from rushes.mcp.connections import BACKLOG, App, Connection, Connections, connections_allowed
from rushes.mcp.server import build
from rushes.mcp.sessions import IDLE_S, LARGEST_NUMBER, Sessions
from rushes.studio import Studio

PATH = "/mcp"
LEAST_TOKEN = 16
"""Characters. A shorter one could be guessed by trying."""


def checked_token(host: str, token: str | None) -> str | None:
    """Return the token of the settings. Raises BadSettings if it is too short, or missing for another host.

    On this machine's own addresses None means that one is to be made.
    """
    if not is_loopback(host) and not token:
        raise BadSettings(
            f"{host} can be reached from other machines, and there is no token; nothing was started",
            next="set RUSHES_MCP_TOKEN in the environment or in .env; clients send it as a bearer token",
        )
    if token and len(token) < LEAST_TOKEN:
        raise BadSettings(
            f"RUSHES_MCP_TOKEN is shorter than {LEAST_TOKEN} characters", next="set a longer one"
        )
    return token or None


def app(studio: Studio, roots: Iterable[Path], host: str, port: int) -> App:
    """Return the server as an ASGI application for `host`; nobody is asked for a token here."""
    served: App = build(studio, roots).streamable_http_app(
        streamable_http_path=PATH,
        host=host,
        transport_security=security(host, port, studio.settings.mcp.hosts),
        session_idle_timeout=IDLE_S,
        max_sessions=LARGEST_NUMBER,
    )
    return Sessions(served)


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


async def serve_http(
    studio: Studio,
    address: tuple[str, int],
    roots: Iterable[Path],
    started: Callable[[str, str | None], None],
) -> None:
    """Serve any number of clients at http://HOST:PORT/mcp until the process is told to end.

    `started` is called once it listens, with its URL and the token that was made for this run, None if the
    settings have one; port 0 takes a free one. Raises BadSettings.
    """
    host, port = address
    token = checked_token(host, studio.settings.mcp.token)
    made = None if token else secrets.token_urlsafe(24)
    studio.roster.text.learn([made] if made else [])
    with listening(host, port) as listener:
        taken = listener.getsockname()[1]
        connections = Connections(token or made or "", connections_allowed())
        config = uvicorn.Config(
            cast(Any, app(studio, roots, host, taken)),
            http=cast(Any, partial(Connection, connections)),
            # A web socket would reach the server past the connection that asks for the token.
            ws="none",
            backlog=BACKLOG,
            # By our own handlers, and no line for each request that strangers send.
            log_config=None,
            log_level="error",
            timeout_graceful_shutdown=2,
        )
        started(f"http://{f'[{host}]' if ':' in host else host}:{taken}{PATH}", made)
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
