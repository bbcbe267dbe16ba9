"""The browser's cookies on the disk: written to state.json after every change, put back at the next start.

Two places hold them, and neither is always the newer one. The browser's own profile lacks those that end
with the browser, and what a kill kept from it: it writes every half minute. It has the last word if the
browser ended in order after state.json was written, as it does when a person closes its window. A mark tells
which: every export has one, and hands it to the browser as a cookie of a host that does not exist. The
browser writes its cookies in the order in which they came, so a profile with the mark of state.json has all
that is in there, and whatever came later. See docs/decisions/0035-which-cookies-are-newer.md.
"""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from rushes.domain.errors import SignInNeeded
from rushes.engines.sora_web.profile import Profile

if TYPE_CHECKING:
    from playwright.async_api import BrowserContext, Response

SESSION_COOKIE = "__Secure-next-auth.session-token"
"""Its name; large values are split over `.0`, `.1` …"""

WITH_THE_BROWSER = -1.0
"""When a cookie ends that ends with its browser, in Playwright's words."""

MARK_HOST = "rushes.invalid"
"""No host has this name (RFC 2606): the mark is never sent anywhere."""

MARK_S = 365 * 86_400.0

CARRIERS = ("document", "fetch", "xhr")
"""The kinds of answers by which a site hands out its session."""

SESSION_PATH = "/api/auth/"
"""What is asked for there may put another cookie in the place of the session's, and end the one before."""

REST = 4.0
"""The pause after an export, by how long it took: a page that asks for things all the time is not held up. An
answer about the session ends it."""


class Jar:
    """The cookies of one running browser, and what the disk has of them."""

    def __init__(self, context: BrowserContext, profile: Profile) -> None:
        self._context = context
        self._profile = profile
        self._exported: Sequence[Mapping[str, Any]] | None = None
        self._turn = asyncio.Lock()
        self._answered = asyncio.Event()
        self._urgent = asyncio.Event()
        self._follower: asyncio.Task[None] | None = None

    async def restore(self) -> None:
        """Give the browser the newest cookies. Raises SignInNeeded if it refuses those of the session."""
        state = self._profile.state
        stored = [one for one in state.get("cookies", []) if lives(one, time.time())]
        there = await self._context.cookies()
        if state.get("mark") in [one["value"] for one in there if one["domain"] == MARK_HOST]:
            stored = [one for one in stored if _is_lacking(one, there)]
        elif state:
            # Whole and split parts of different ages, or cookies of two people, must not stand side by side.
            await self._context.clear_cookies()
        for cookie in stored:
            await self._add(cookie)

    async def _add(self, cookie: dict[str, Any]) -> None:
        """Add one cookie: one that the browser refuses must not cost all the others."""
        from playwright.async_api import Error

        try:
            await self._context.add_cookies([cookie])  # type: ignore[list-item]
        except Error as error:
            if is_session(cookie):
                raise SignInNeeded(
                    "the browser does not take the cookie of the stored session",
                    next="rushes sora login, or rushes sora import with a new export",
                ) from error

    def follow(self) -> None:
        """Export after every answer that may have changed the cookies, until `close`."""
        self._context.on("response", self._look)
        self._follower = asyncio.create_task(self._export_changes(), name="the sora-web cookies")

    async def export(self) -> None:
        """Write the cookies down where they have changed, so that a kill loses none of them."""
        async with self._turn:
            found = [one for one in await self._context.cookies() if one["domain"] != MARK_HOST]
            if found == self._exported:
                return
            mark = secrets.token_hex(8)
            self._profile.keep_state({"cookies": found, "origins": [], "mark": mark})
            self._exported = found
            # Only now: a profile with the mark has all that was written down.
            await self._context.add_cookies(
                [
                    {
                        "name": "export",
                        "value": mark,
                        "domain": MARK_HOST,
                        "path": "/",
                        "expires": time.time() + MARK_S,
                    }
                ]
            )

    async def close(self) -> None:
        """Stop following."""
        if self._follower is not None:
            self._follower.cancel()
            await asyncio.wait([self._follower])

    def _look(self, response: Response) -> None:
        if response.request.resource_type in CARRIERS:
            self._answered.set()
            if urlsplit(response.url).path.startswith(SESSION_PATH):
                self._urgent.set()

    async def _export_changes(self) -> None:
        while True:
            await self._answered.wait()
            self._answered.clear()
            self._urgent.clear()
            began = time.monotonic()
            # The browser may be closing just now: then it writes them itself.
            with suppress(Exception):
                await self.export()
            with suppress(TimeoutError):
                async with asyncio.timeout(REST * (time.monotonic() - began)):
                    await self._urgent.wait()


def is_session(cookie: Mapping[str, Any]) -> bool:
    """Whether it is the session's cookie, or a part of it."""
    return str(cookie["name"]).startswith(SESSION_COOKIE)


def lives(cookie: Mapping[str, Any], now: float) -> bool:
    """Whether a cookie has not ended at `now`, in seconds since 1970."""
    return _ends_with_the_browser(cookie) or float(cookie["expires"]) > now


def _ends_with_the_browser(cookie: Mapping[str, Any]) -> bool:
    return cookie.get("expires", WITH_THE_BROWSER) in (WITH_THE_BROWSER, None)


def _is_lacking(cookie: Mapping[str, Any], there: Sequence[Mapping[str, Any]]) -> bool:
    """Whether a newer profile lacks a stored cookie only because it ended with the browser."""
    if not _ends_with_the_browser(cookie):
        return False
    if is_session(cookie):
        return not any(is_session(one) for one in there)
    return _place(cookie) not in [_place(one) for one in there]


def _place(cookie: Mapping[str, Any]) -> tuple[str, ...]:
    return tuple(str(cookie.get(part)) for part in ("name", "domain", "path"))
