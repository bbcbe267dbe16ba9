"""Where each part of the service is: one origin for all of it, or one for each, as it really was.

The app was at sora.chatgpt.com, its sentinel at chatgpt.com, the sign-in at auth.openai.com, the files at
videos.openai.com. An identity provider (Google, Apple and others) has yet another one.
"""

from __future__ import annotations

import errno
import socket
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass

from starlette.middleware.cors import CORSMiddleware
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from rushes.testing.lines import listen

PARTS = ("site", "sentinel", "auth", "media", "provider")
"""The parts that have an origin, in the order of their addresses."""

LAYOUTS = ("one", "ports", "several")
"""one: a single origin; ports: one port of 127.0.0.1 each; several: one address each, if there are such."""

_OF_PATHS: Mapping[str, tuple[str, ...]] = {
    "sentinel": ("/backend-api/",),
    "auth": ("/authorize", "/log-in", "/mfa-challenge", "/consent"),
    "media": ("/az/",),
    "provider": ("/example-id",),
}
ANYWHERE = ("/favicon.ico",)


@dataclass(frozen=True, kw_only=True)
class Origins:
    """The address of each part as `http://host:port`; each is "" if there is one origin for all.

    So `f"{origins.auth}/log-in"` is right in both cases: without an origin of its own it is a path.
    """

    site: str = ""
    sentinel: str = ""
    auth: str = ""
    media: str = ""
    provider: str = ""

    def as_json(self) -> dict[str, str]:
        return asdict(self)

    def part_at(self, scope: Scope) -> str | None:
        """Return the part whose address was called, None if one origin serves all."""
        host, port = scope["server"]
        address = f"{scope['scheme']}://{host}:{port}"
        return next((name for name, own in self.as_json().items() if own == address), None)


def part_of(path: str) -> str:
    """Return the part of the service that serves a path."""
    return next((name for name, paths in _OF_PATHS.items() if path.startswith(paths)), "site")


class Borders:
    """Keeps each origin to its own paths, and lets scripts of the site alone call the sentinel."""

    def __init__(self, app: ASGIApp, origins: Origins) -> None:
        self._app, self._origins = app, origins
        self._sentinel = CORSMiddleware(
            app,
            allow_origins=[origins.site],
            allow_methods=["POST"],
            allow_headers=["content-type"],
            allow_credentials=True,
        )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        called = self._origins.part_at(scope) if scope["type"] == "http" else None
        app = self._sentinel if called == "sentinel" else self._app
        if called not in (None, part_of(scope["path"])) and scope["path"] not in ANYWHERE:
            app = PlainTextResponse("Not found", status_code=404)
        await app(scope, receive, send)


def open_origins(layout: str, port: int, scheme: str) -> tuple[Origins, Sequence[socket.socket]]:
    """Listen for every part; `port` is the site's (0: any that is free). Raises OSError.

    Each address of 127.0.0.0/8 is this machine on Linux and Windows; elsewhere only 127.0.0.1 is, and then
    `several` are ports.
    """
    if layout == "one":
        return Origins(), [listen("127.0.0.1", port)]
    if layout == "several":
        try:
            return _opened([f"127.0.0.{number}" for number in range(2, 2 + len(PARTS))], port, scheme)
        except OSError as error:
            if error.errno != errno.EADDRNOTAVAIL:
                raise
    return _opened(["127.0.0.1"] * len(PARTS), port, scheme)


def _opened(hosts: Sequence[str], port: int, scheme: str) -> tuple[Origins, Sequence[socket.socket]]:
    listeners: list[socket.socket] = []
    try:
        for number, host in enumerate(hosts):
            listeners.append(listen(host, 0 if number else port))
    except OSError:
        for one in listeners:
            one.close()
        raise
    names = [one.getsockname() for one in listeners]
    addresses = {part: f"{scheme}://{name[0]}:{name[1]}" for part, name in zip(PARTS, names, strict=True)}
    return Origins(**addresses), listeners
