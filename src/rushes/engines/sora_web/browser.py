"""The browser: started on its profile with its cookies restored, closed so that they reach the disk."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import time
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rushes.domain.errors import Unreachable
from rushes.engines.sora_web import chromium
from rushes.engines.sora_web.profile import Profile
from rushes.engines.sora_web.proxy import Proxy

if TYPE_CHECKING:
    from playwright.async_api import BrowserContext, Page, Playwright

SESSION_COOKIE = "__Secure-next-auth.session-token"
"""Its name; large values are split over `.0`, `.1` …"""

LEFTOVER_S = 4.0
"""How long the browser of a process that was killed has to end by itself, before it is ended."""

LAUNCH_S = 30.0


@dataclass(frozen=True, kw_only=True)
class Launch:
    """How the browser is started: the program (None: look for one), visible or not, through which proxy."""

    program: str | None = None
    headed: bool = False
    proxy: Proxy | None = None


class Browser:
    """A running browser on one profile, with one page."""

    def __init__(self, playwright: Playwright, context: BrowserContext, page: Page, profile: Profile) -> None:
        self.context = context
        self.page = page
        self._playwright = playwright
        self._profile = profile
        self._exported: Any = None
        self._sockets: Page | None = None
        self.crashed = False
        page.on("crash", lambda _: self._crash())
        context.on("close", lambda _: self._crash())

    def _crash(self) -> None:
        self.crashed = True

    async def export(self) -> None:
        """Write the cookies down, so that a kill loses none of them."""
        state = await self.context.storage_state()
        if state != self._exported:
            self._profile.keep_state(state)
            self._exported = state

    async def close_idle_connections(self) -> None:
        """Have the next request open a connection of its own.

        A browser sends a POST again, by itself, where a connection that it had used before closes without an
        answer. A create must not travel on one; see docs/decisions.
        """
        if self._sockets is None:
            self._sockets = await self.context.new_page()
            await self._sockets.goto("chrome://net-internals/#sockets")
        await self._sockets.evaluate("chrome.send('closeIdleSockets')")

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
        """Close it in order: only then are its cookies on the disk."""
        with suppress(Exception):
            await self.export()
        with suppress(Exception):
            await self.context.close()
        with suppress(Exception):
            await self._playwright.stop()


async def launch(profile: Profile, how: Launch) -> Browser:
    """Start the browser on `profile`, which this process holds. Raises EngineMissing, Unreachable."""
    from playwright.async_api import Error, async_playwright

    program = chromium.find(how.program)
    await _end_leftover(profile.browser)
    profile.browser.mkdir(mode=0o700, parents=True, exist_ok=True)
    playwright = await async_playwright().start()
    try:
        context = await playwright.chromium.launch_persistent_context(
            profile.browser,
            executable_path=program,
            headless=not how.headed,
            args=chromium.arguments(),
            proxy=_through(how.proxy),
            timeout=LAUNCH_S * 1000,
        )
        await _restore(context, profile.state.get("cookies", []))
    except Error as error:
        await playwright.stop()
        raise Unreachable(f"the browser {program} did not start: {first_line(error)}") from error
    page = context.pages[0] if context.pages else await context.new_page()
    return Browser(playwright, context, page, profile)


def _through(proxy: Proxy | None) -> Any:
    # Without this, a site on this machine would be spoken to directly.
    return {**proxy.as_playwright(), "bypass": "<-loopback>"} if proxy else None


async def _restore(context: BrowserContext, cookies: Iterable[dict[str, Any]]) -> None:
    """Put the exported cookies back: session cookies are in no profile, and a kill keeps others from it."""
    now = time.time()
    alive = [
        cookie for cookie in cookies if cookie.get("expires", -1) in (-1, None) or cookie["expires"] > now
    ]
    if any(cookie["name"].startswith(SESSION_COOKIE) for cookie in alive):
        # Whole and split parts of different ages must not stand side by side.
        await context.clear_cookies(name=re.compile(re.escape(SESSION_COOKIE)))
    if alive:
        await context.add_cookies(alive)  # type: ignore[arg-type]


async def _end_leftover(browser: Path) -> None:
    """End the browser of a process that was killed: this process holds the profile, so nobody uses it."""
    deadline = time.monotonic() + LEFTOVER_S
    while (pid := _owner_of(browser)) is not None:
        if time.monotonic() >= deadline:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
            (browser / "SingletonLock").unlink(missing_ok=True)
            return
        await asyncio.sleep(0.05)


def _owner_of(browser: Path) -> int | None:
    """Return the process that the profile's own lock names, where that is a browser on this profile."""
    try:
        pid = int(os.readlink(browser / "SingletonLock").rpartition("-")[2])
        words = Path(f"/proc/{pid}/cmdline").read_bytes()
    except (OSError, ValueError):
        return None
    return pid if str(browser).encode() in words else None


def first_line(error: Exception) -> str:
    """Return the first line of what Playwright says; what follows is its log."""
    return next((line.strip() for line in str(error).splitlines() if line.strip()), type(error).__name__)
