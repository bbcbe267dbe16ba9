"""The browser: started on its profile with its cookies restored, closed so that they reach the disk."""

from __future__ import annotations

import asyncio
import os
import re
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rushes.domain.errors import SetupError, Unreachable
from rushes.domain.permissions import make_private
from rushes.engines.sora_web import chromium
from rushes.engines.sora_web.jar import Jar
from rushes.engines.sora_web.leftovers import clear_leftovers, end_browser
from rushes.engines.sora_web.preferences import write_preferences
from rushes.engines.sora_web.profile import Profile
from rushes.engines.sora_web.proxy import Proxy
from rushes.engines.sora_web.redaction import redact_address
from rushes.engines.sora_web.under_way import UnderWay

if TYPE_CHECKING:
    from playwright.async_api import Page, Playwright

ADDRESS = re.compile(r"https?://[^\s\"'<>]+")

NO_SCREEN = ("Missing X server", "without having a XServer", "platform failed to initialize")
"""What Chromium and Playwright say if a window has no screen to be shown on."""

LAUNCH_S = 30.0
CLOSE_S = 10.0

FLUSH = """async () => {
  chrome.send("flushSocketPools");
  const {sendWithPromise} = await import("chrome://resources/js/cr.js");
  await sendWithPromise("hstsQuery", "example.com");
}"""
"""The flush tells nobody when it is done. A question that takes the same way is answered after it."""


@dataclass(frozen=True, kw_only=True)
class Launch:
    """How the browser is started: the program (None: look for one), visible or not, through which proxy."""

    program: str | None = None
    headed: bool = False
    proxy: Proxy | None = None


class Browser:
    """A running browser on one profile, with one page."""

    def __init__(
        self, playwright: Playwright, page: Page, under_way: UnderWay, jar: Jar, profile: Profile
    ) -> None:
        self.context = page.context
        self.page = page
        self._playwright = playwright
        self._profile = profile
        self._jar = jar
        self._sockets: Page | None = None
        self.under_way = under_way
        self.crashed = False
        page.on("crash", lambda _: self._crash())
        page.context.on("close", lambda _: self._crash())

    def _crash(self) -> None:
        self.crashed = True

    def visible(self) -> bool:
        """Whether a page is open that a person could see."""
        return any(page is not self._sockets for page in self.context.pages)

    async def export(self) -> None:
        """Write the cookies down now; they are after every answer that may have changed them."""
        await self._jar.export()

    async def close_connections(self) -> None:
        """Close every connection, so that the next request opens one of its own; see `gate`."""
        if self._sockets is None:
            self._sockets = await self.context.new_page()
            await self._sockets.goto("chrome://net-internals/#sockets")
            # With a window, a person wants to see the site.
            await self.page.bring_to_front()
        await self._sockets.evaluate(FLUSH)

    async def heap(self) -> int:
        """Return the bytes that the page's script holds."""
        inspector = await self.context.new_cdp_session(self.page)
        try:
            await inspector.send("Performance.enable")
            metrics = (await inspector.send("Performance.getMetrics"))["metrics"]
        finally:
            await inspector.detach()
        return next((int(one["value"]) for one in metrics if one["name"] == "JSHeapUsedSize"), 0)

    async def close(self) -> None:
        """Close it in order: only then are its cookies on the disk. One that does not end is ended."""
        try:
            async with asyncio.timeout(CLOSE_S):
                await self._jar.close()
                if not self.crashed:
                    with suppress(Exception):
                        await self.export()
                with suppress(Exception):
                    await self.context.close()
        except TimeoutError:
            end_browser(self._profile.browser)
        finally:
            await _stop(self._playwright)


async def launch(profile: Profile, how: Launch) -> Browser:
    """Start the browser on `profile`, which this process holds.

    Raises EngineMissing, SetupError, and SignInNeeded if it does not take the stored session.
    """
    from playwright.async_api import Error, async_playwright

    program = chromium.find(how.program)
    await clear_leftovers(profile.browser)
    make_private(profile.browser)
    write_preferences(profile.browser)
    try:
        playwright = await async_playwright().start()
    except Exception as error:
        raise _driver_gone(error) from error
    try:
        context = await playwright.chromium.launch_persistent_context(
            profile.browser,
            executable_path=program,
            headless=not how.headed,
            args=chromium.arguments(),
            proxy=_through(how.proxy),
            # What a service worker asks for would pass the gate of a create.
            service_workers="block",
            timeout=LAUNCH_S * 1000,
        )
        jar = Jar(context, profile)
        await jar.restore()
        jar.follow()
        page = context.pages[0] if context.pages else await context.new_page()
        under_way = await UnderWay.of(page)
    except BaseException as error:
        # Also if the launch was cancelled: its processes must not stay.
        await _stop(playwright)
        if type(error) is Exception:
            # What Playwright raises if the process that drives its browsers has gone.
            raise _driver_gone(error) from error
        if not isinstance(error, Error):
            raise
        raise _not_started(program, error, headed=how.headed) from error
    return Browser(playwright, page, under_way, jar, profile)


async def _stop(playwright: Playwright) -> None:
    """Stop Playwright's driver; one that has gone already does not answer."""
    with suppress(Exception):
        async with asyncio.timeout(CLOSE_S):
            await asyncio.shield(playwright.stop())


def _driver_gone(error: Exception) -> Unreachable:
    return Unreachable(
        f"the process that drives the browser ended at its start: {first_line(error)}",
        next="run it again; if that does not help, install rushes[sora] again",
    )


def _not_started(program: Path, error: Exception, *, headed: bool) -> SetupError:
    if headed and any(words in str(error) for words in NO_SCREEN):
        return SetupError(
            f"the screen {chromium.display(os.environ)} (DISPLAY or WAYLAND_DISPLAY) does not answer",
            next="set it to a screen that is there, or do without a window: no --headed, no headed = true",
        )
    return SetupError(
        f"the browser {program} did not start: {first_line(error)}",
        next="start it by hand to see what it lacks, or name another: browser = … under the engine",
    )


def _through(proxy: Proxy | None) -> Any:
    # Without this, a site on this machine would be spoken to directly.
    return {**proxy.as_playwright(), "bypass": "<-loopback>"} if proxy else None


def first_line(error: Exception) -> str:
    """Return the first line of what Playwright says, without secrets; what follows is its log.

    It quotes addresses whole, with user, password, codes and tokens.
    """
    line = next((line.strip() for line in str(error).splitlines() if line.strip()), type(error).__name__)
    return ADDRESS.sub(lambda address: redact_address(address[0]), line)
