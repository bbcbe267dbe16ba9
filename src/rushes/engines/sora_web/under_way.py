"""What the page has asked for and has no whole answer to."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from playwright.async_api import Page


class UnderWay:
    """The ids of a page's requests, from the browser's own protocol.

    Playwright's events are no help here: a request that leaves while its routing is being switched on is not
    told at all.
    """

    def __init__(self) -> None:
        self._ids: set[str] = set()
        self._changed = asyncio.Event()

    @classmethod
    async def of(cls, page: Page) -> UnderWay:
        """Return the requests of `page` from now on."""
        found = cls()
        inspector = await page.context.new_cdp_session(page)
        inspector.on("Network.requestWillBeSent", found._began)
        inspector.on("Network.loadingFinished", found._ended)
        inspector.on("Network.loadingFailed", found._ended)
        await inspector.send("Network.enable")
        return found

    async def only(self, count: Callable[[], int], patience: float) -> None:
        """Wait until there are no more than `count` says, for `patience` seconds at most.

        Those that are there after that are not counted any longer.
        """
        try:
            async with asyncio.timeout(patience):
                while len(self._ids) > count():
                    self._changed.clear()
                    await self._changed.wait()
        except TimeoutError:
            self._ids.clear()

    async def none(self, patience: float) -> None:
        """Wait until there are none, for `patience` seconds at most."""
        with suppress(TimeoutError):
            async with asyncio.timeout(patience):
                while self._ids:
                    self._changed.clear()
                    await self._changed.wait()

    def look_again(self) -> None:
        """Have whoever waits count again."""
        self._changed.set()

    def _began(self, event: Mapping[str, Any]) -> None:
        self._ids.add(event["requestId"])

    def _ended(self, event: Mapping[str, Any]) -> None:
        self._ids.discard(event["requestId"])
        self._changed.set()
