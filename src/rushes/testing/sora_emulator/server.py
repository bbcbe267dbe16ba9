"""The emulator as a server."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from rushes.testing.lines import hang_up, say, serve_sockets
from rushes.testing.sora_emulator.auth import Auth
from rushes.testing.sora_emulator.characters import Characters
from rushes.testing.sora_emulator.clearance import Clearance, Shield
from rushes.testing.sora_emulator.creates import Creates
from rushes.testing.sora_emulator.desk import Desk
from rushes.testing.sora_emulator.following import Following
from rushes.testing.sora_emulator.origins import Borders, open_origins
from rushes.testing.sora_emulator.people import People
from rushes.testing.sora_emulator.posts import Posts
from rushes.testing.sora_emulator.refusals import HungUp, Refused
from rushes.testing.sora_emulator.site import Site
from rushes.testing.sora_emulator.state import StateFolder
from rushes.testing.sora_emulator.uploads import Uploads
from rushes.testing.sora_emulator.witness import StateSaver, Witness
from rushes.testing.sora_emulator.world import World


def app_of(world: World) -> Starlette:
    """Return the emulator's application over a state."""
    seen: list[dict[str, Any]] = []

    async def refused(request: Request, error: Exception) -> Response:
        assert isinstance(error, Refused)
        return error.response

    async def hung_up(request: Request, error: Exception) -> Response:
        request.scope["rushes.hung_up"] = True
        hang_up(world.lines, request)
        return Response("nobody hears this")

    async def gone(request: Request, error: Exception) -> Response:
        return Response(status_code=400)

    parts = (Site, Auth, Creates, Following, Uploads, Characters, People, Posts)
    routes = [route for part in parts for route in part(world).routes()]
    clearance = Clearance(world)
    return Starlette(
        routes=[*routes, *clearance.routes(), *world.store.routes(), *Desk(world, seen).routes()],
        middleware=[
            Middleware(Witness, seen=seen, now=world.clock.now),
            Middleware(Borders, origins=world.origins),
            Middleware(Shield, clearance=clearance),
            Middleware(StateSaver, save=world.save),
        ],
        exception_handlers={Refused: refused, HungUp: hung_up, ClientDisconnect: gone},
    )


async def serve(
    *,
    port: int = 0,
    layout: str = "one",
    tls: Path | None = None,
    log: Path | None = None,
    state: Path | None = None,
    fresh: bool = False,
    speed: float = 20.0,
    drawn: bool = False,
    alike: bool = False,
    faults: Iterable[str] = (),
    until_stdin_closes: bool = False,
    announce: Callable[[str], None] = say,
) -> None:
    """Serve on this machine (`port` 0: any that is free) until stopped, having announced the site's address.

    `layout` is one of `origins.LAYOUTS`. With a folder `tls` it is https, by a test authority that is
    made now and whose certificate is `ca.pem` there. `log` is a file that gets one JSON line for each
    accepted create. `state` is the folder in which all outlives it, None for memory alone; `fresh` forgets
    what is there. `speed` is how many seconds of its work are done in each real one. With `drawn` footage
    the words of each prompt are drawn, which takes long; if clips are `alike`, words leave no trace on them,
    and one is filmed for all of a size and length. `faults` are on from the start, each as `NAME` or
    `NAME=VALUE`. Raises ValueError for a fault that there is not and for a speed that is not above 0,
    SetupError for a folder that cannot be used.
    """
    folder = None if state is None else StateFolder(state, fresh=fresh)
    scheme = "http" if tls is None else "https"
    origins, listeners = open_origins(layout, port, scheme)
    world = World(speed=speed, drawn=drawn, alike=alike, log=log, state=folder, origins=origins)
    try:
        for words in faults:
            world.faults.add_words(words)
        Creates(world).resume()
        certificate = None if tls is None else _certificate(tls, listeners)
        host, number = listeners[0].getsockname()
        announce(f"{scheme}://{host}:{number}")
        await serve_sockets(
            app_of(world),
            world.lines,
            listeners,
            until_stdin_closes=until_stdin_closes,
            certificate=certificate,
        )
    finally:
        for listener in listeners:
            listener.close()
        for filming in world.filming.values():
            filming.cancel()


def _certificate(folder: Path, listeners: Iterable[socket.socket]) -> Path:
    # A large library, and nobody else needs it.
    from rushes.testing.sora_emulator.certificates import make_certificate

    return make_certificate(folder, [one.getsockname()[0] for one in listeners])
