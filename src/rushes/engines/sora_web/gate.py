"""A create goes out alone, on a connection that nothing has used before.

A browser sends a request again, by itself, where a connection that it had used before closes without a
byte of answer; a POST too. So while a create goes out, the gate keeps back every other request of the page,
waits for those that were under way, has all connections closed, and only then lets the create through. See
docs/decisions/0008.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING, Any

from rushes.engines.sora_web.browser import Browser

if TYPE_CHECKING:
    from playwright.async_api import Request, Route

LONGEST_HELD_S = 1.0
"""How long others are kept back for an answer; by then the create's own connection stands, or is next."""

LONGEST_QUIET_S = 2.0
"""How long what was under way is waited for. It may still be without a connection, and would open one after
the others are closed; what takes longer has had its own for long."""

EVERYTHING = "**/*"


class Gate:
    """The gate of one create, which is known by its `token`; `failure` is why the browser says it failed."""

    def __init__(self, browser: Browser, token: str) -> None:
        self.failure: str | None = None
        self._browser = browser
        self._token = token
        self._open = False
        self._held: list[Route] = []
        self._create: Route | None = None
        self._passed = False
        self._came = asyncio.Event()
        self._ended = asyncio.Event()

    async def make_ready(self) -> None:
        """Wait for the create to come to the gate and the others to end, and close every connection."""
        await self._came.wait()
        await self._browser.under_way.only(lambda: len(self._held) + 1, LONGEST_QUIET_S)
        await self._browser.close_connections()

    async def let_through(self) -> None:
        """Send the create."""
        assert self._create is not None
        self._passed = True
        await self._create.fallback()

    async def answered(self, patience: float = LONGEST_HELD_S) -> None:
        """Return once the create was answered or failed, or after `patience` seconds."""
        with suppress(TimeoutError):
            async with asyncio.timeout(patience):
                await self._ended.wait()

    async def _arrive(self, route: Route) -> None:
        if route.request.headers.get("openai-sentinel-token") == self._token:
            if self._open or self._create is not None:
                # A page that was busy sends what was given up at any later time, and the scripts of some
                # pages send again what has failed.
                await _stop(route)
            else:
                self._create = route
                self._came.set()
        elif self._open:
            await _pass(route)
        else:
            self._held.append(route)
            self._browser.under_way.look_again()

    def _end(self, request: Request) -> None:
        if self._create is not None and request == self._create.request:
            self.failure = request.failure
            self._ended.set()

    async def close(self) -> None:
        context = self._browser.context
        context.on("requestfinished", self._end)
        context.on("requestfailed", self._end)
        await context.route(EVERYTHING, self._arrive)

    async def open(self) -> None:
        """Let everything pass again but the create: it never leaves later, and not once more."""
        self._open = True
        if self._create is not None and not self._passed:
            await _stop(self._create)
        for route in self._held:
            # Without a create among them, one of them may be it.
            await (_pass(route) if self._passed else _stop(route))

    async def remove(self) -> None:
        """Take the gate away: the page has its answer, and does not send the create any more."""
        with suppress(Exception):
            await self._browser.context.unroute(EVERYTHING, self._arrive)

    def forget(self) -> None:
        """Stop listening for the create's end."""
        context: Any = self._browser.context
        for event in ("requestfinished", "requestfailed"):
            context.remove_listener(event, self._end)


@asynccontextmanager
async def closed_gate(browser: Browser, token: str) -> AsyncIterator[Gate]:
    """Keep everything of the page back during the block but the create with this token."""
    gate = Gate(browser, token)
    try:
        await gate.close()
        yield gate
    finally:
        await gate.open()


async def _pass(route: Route) -> None:
    # The page may be gone, or have taken the request back. An earlier gate that still waits for the create
    # that it has to stop sees what passes here.
    with suppress(Exception):
        await route.fallback()


async def _stop(route: Route) -> None:
    with suppress(Exception):
        await route.abort()
