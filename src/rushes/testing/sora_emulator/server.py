"""The emulator as a server."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from rushes.testing.lines import hang_up, say, serve_sockets
from rushes.testing.sora_emulator.characters import Characters
from rushes.testing.sora_emulator.creates import Creates
from rushes.testing.sora_emulator.desk import Desk
from rushes.testing.sora_emulator.following import Following
from rushes.testing.sora_emulator.origins import Borders, open_origins
from rushes.testing.sora_emulator.people import People
from rushes.testing.sora_emulator.posts import Posts
from rushes.testing.sora_emulator.refusals import HungUp, Refused
from rushes.testing.sora_emulator.site import Site
from rushes.testing.sora_emulator.uploads import Uploads
from rushes.testing.sora_emulator.witness import Witness
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

    parts = (Site, Creates, Following, Uploads, Characters, People, Posts)
    routes = [route for part in parts for route in part(world).routes()]
    return Starlette(
        routes=[*routes, *world.store.routes(), *Desk(world, seen).routes()],
        middleware=[
            Middleware(Witness, seen=seen, now=world.clock.now),
            Middleware(Borders, origins=world.origins),
        ],
        exception_handlers={Refused: refused, HungUp: hung_up, ClientDisconnect: gone},
    )


async def serve(
    *,
    port: int = 0,
    layout: str = "one",
    log: Path | None = None,
    speed: float = 20.0,
    drawn: bool = False,
    faults: Iterable[str] = (),
    until_stdin_closes: bool = False,
    announce: Callable[[str], None] = say,
) -> None:
    """Serve on this machine (`port` 0: any that is free) until stopped, having announced the site's address.

    `layout` is one of `origins.LAYOUTS`. `log` is a file that gets one JSON line for each accepted create,
    `speed` how many of its seconds pass in each real one. With `drawn` footage each prompt is drawn, else all
    clips of a size are the same. `faults` are on from the start, each as `NAME` or `NAME=VALUE`. Raises
    ValueError for a fault that there is not, and for a speed that is not above 0.
    """
    origins, listeners = open_origins(layout, port, "http")
    world = World(speed=speed, drawn=drawn, log=log, origins=origins)
    try:
        for words in faults:
            world.faults.add_words(words)
        host, number = listeners[0].getsockname()
        announce(origins.site or f"http://{host}:{number}")
        await serve_sockets(app_of(world), world.lines, listeners, until_stdin_closes=until_stdin_closes)
    finally:
        for listener in listeners:
            listener.close()
        for drawing in world.drawings:
            drawing.cancel()
