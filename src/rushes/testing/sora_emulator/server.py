"""The emulator as a server."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from rushes.testing.lines import hang_up, say, serve_on_loopback
from rushes.testing.sora_emulator.characters import Characters
from rushes.testing.sora_emulator.creates import Creates
from rushes.testing.sora_emulator.desk import Desk
from rushes.testing.sora_emulator.following import Following
from rushes.testing.sora_emulator.people import People
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

    parts = (Site, Creates, Following, Uploads, Characters, People)
    routes = [route for part in parts for route in part(world).routes()]
    return Starlette(
        routes=[*routes, *world.store.routes(), *Desk(world, seen).routes()],
        middleware=[Middleware(Witness, seen=seen, now=world.clock.now)],
        exception_handlers={Refused: refused, HungUp: hung_up, ClientDisconnect: gone},
    )


async def serve(
    *,
    port: int = 0,
    log: Path | None = None,
    speed: float = 20.0,
    drawn: bool = False,
    alike: bool = False,
    faults: Iterable[str] = (),
    until_stdin_closes: bool = False,
    announce: Callable[[str], None] = say,
) -> None:
    """Serve on 127.0.0.1 (`port` 0: any that is free) until stopped, having announced the address.

    `log` is a file that gets one JSON line for each accepted create, `speed` how many of its seconds pass in
    each real one. With `drawn` footage the words of each prompt are drawn, which takes long; if clips are
    `alike`, words leave no trace on them, and one is filmed for all of a size and length. `faults` are on
    from the start, each as `NAME` or `NAME=VALUE`. Raises ValueError for a fault that there is not,
    and for a speed that is not above 0.
    """
    world = World(speed=speed, drawn=drawn, alike=alike, log=log)
    for words in faults:
        world.faults.add_words(words)
    try:
        await serve_on_loopback(
            app_of(world), world.lines, port, until_stdin_closes=until_stdin_closes, announce=announce
        )
    finally:
        for filming in world.filming:
            filming.cancel()
