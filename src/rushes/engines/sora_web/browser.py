"""The browser: started on its profile with its cookies restored, closed so that they reach the disk."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rushes.domain.errors import SetupError
from rushes.domain.permissions import make_private
from rushes.engines.sora_web import chromium
from rushes.engines.sora_web.jar import Jar
from rushes.engines.sora_web.profile import Profile
from rushes.engines.sora_web.proxy import Proxy
from rushes.engines.sora_web.redaction import redact_address
from rushes.engines.sora_web.under_way import UnderWay

if TYPE_CHECKING:
    from playwright.async_api import Page, Playwright

ADDRESS = re.compile(r"https?://[^\s\"'<>]+")

LEFTOVER_S = 4.0
"""How long the browser of a process that was killed has to end by itself, before it is ended."""

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
            kill(self._profile.browser)
        finally:
            with suppress(Exception):
                await asyncio.shield(self._playwright.stop())


async def launch(profile: Profile, how: Launch) -> Browser:
    """Start the browser on `profile`, which this process holds.

    Raises EngineMissing, SetupError, and SignInNeeded if it does not take the stored session.
    """
    from playwright.async_api import Error, async_playwright

    program = chromium.find(how.program)
    await _end_leftover(profile.browser)
    make_private(profile.browser)
    playwright = await async_playwright().start()
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
        # Also where the launch was cancelled: its processes must not stay.
        await asyncio.shield(playwright.stop())
        if not isinstance(error, Error):
            raise
        raise SetupError(
            f"the browser {program} did not start: {first_line(error)}",
            next="start it by hand to see what it lacks, or name another: browser = … under the engine",
        ) from error
    return Browser(playwright, page, under_way, jar, profile)


def _through(proxy: Proxy | None) -> Any:
    # Without this, a site on this machine would be spoken to directly.
    return {**proxy.as_playwright(), "bypass": "<-loopback>"} if proxy else None


async def _end_leftover(browser: Path) -> None:
    """End the browser of a process that was killed: this process holds the profile, so nobody uses it."""
    deadline = time.monotonic() + LEFTOVER_S
    while _owner_of(browser) is not None:
        if time.monotonic() >= deadline:
            return kill(browser)
        await asyncio.sleep(0.05)


def kill(browser: Path) -> None:
    """End the browser on a profile that this process holds, whatever it is doing."""
    pid = _owner_of(browser)
    if pid is not None:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
    (browser / "SingletonLock").unlink(missing_ok=True)


def _owner_of(browser: Path) -> int | None:
    """Return the process that the profile's own lock names, where that is a browser on this profile."""
    try:
        pid = int(os.readlink(browser / "SingletonLock").rpartition("-")[2])
        words = Path(f"/proc/{pid}/cmdline").read_bytes()
    except (OSError, ValueError):
        return None
    return pid if str(browser).encode() in words else None


def first_line(error: Exception) -> str:
    """Return the first line of what Playwright says, without secrets; what follows is its log.

    It quotes addresses whole, with user, password, codes and tokens.
    """
    line = next((line.strip() for line in str(error).splitlines() if line.strip()), type(error).__name__)
    return ADDRESS.sub(lambda address: redact_address(address[0]), line)
