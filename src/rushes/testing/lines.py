"""What the servers we ship have in common: lines that a handler can hang up on, and serving on loopback."""

from __future__ import annotations

import asyncio
import os
import socket
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from uvicorn.protocols.http.h11_impl import H11Protocol

Lines = dict[Any, asyncio.Transport]
"""The open connections, by both ends: the caller's address and ours."""


def line_to(lines: Lines) -> type[H11Protocol]:
    """Return a protocol whose connections a handler can hang up on; ASGI itself has no word for that."""

    class Line(H11Protocol):
        def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
            super().connection_made(transport)
            lines[self.client, self.server] = transport

        def connection_lost(self, exc: Exception | None) -> None:
            lines.pop((self.client, self.server), None)
            super().connection_lost(exc)

    return Line


def hang_up(lines: Lines, request: Request) -> None:
    """Close the caller's connection; whatever is answered after that, it does not hear."""
    line = lines.get(_ends(request))
    if line is not None:
        line.close()


async def cut_off(lines: Lines, request: Request) -> None:
    """Close after what was written has left, and wait for it: no clean end of the body may follow."""
    while _ends(request) in lines:
        lines[_ends(request)].close()
        await asyncio.sleep(0.01)


def _ends(request: Request) -> tuple[Any, Any]:
    return request.scope["client"], request.scope["server"]


def say(address: str) -> None:
    """Print an address as a line of its own."""
    sys.stdout.write(f"{address}\n")
    sys.stdout.flush()


async def serve_on_loopback(
    app: Starlette,
    lines: Lines,
    port: int,
    *,
    until_stdin_closes: bool,
    announce: Callable[[str], None] = say,
) -> None:
    """Serve on 127.0.0.1 (`port` 0: any that is free), having announced the address."""
    listener = listen("127.0.0.1", port)
    announce(f"http://127.0.0.1:{listener.getsockname()[1]}")
    await serve_sockets(app, lines, [listener], until_stdin_closes=until_stdin_closes)


def listen(host: str, port: int) -> socket.socket:
    """Return a socket that listens on an address of this machine. Raises OSError."""
    # Named in full: asyncio turns Nagle's delay off only where it knows that the socket is TCP.
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(512)
    except OSError:
        listener.close()
        raise
    return listener


async def serve_sockets(
    app: Starlette,
    lines: Lines,
    listeners: Sequence[socket.socket],
    *,
    until_stdin_closes: bool,
    certificate: Path | None = None,
) -> None:
    """Serve on sockets that listen; by TLS with a `certificate`, a PEM file that holds its key too."""
    config = uvicorn.Config(
        app,
        http=line_to(lines),
        ws="none",
        lifespan="off",
        log_level="error",
        proxy_headers=False,
        timeout_graceful_shutdown=1,
        ssl_certfile=certificate,
    )
    server = uvicorn.Server(config)
    if until_stdin_closes:
        asyncio.get_running_loop().add_reader(sys.stdin.fileno(), _stop_at_eof, server)
    await server.serve(sockets=list(listeners))


def _stop_at_eof(server: uvicorn.Server) -> None:
    if not os.read(sys.stdin.fileno(), 1):
        asyncio.get_running_loop().remove_reader(sys.stdin.fileno())
        server.should_exit = True
