"""The page that is kept open across jobs, so that a create costs a round trip and not a launch.

It is closed when it was idle, has grown or crashed, and when another process asks for the browser, unless a
person's command has it; whoever holds it next finds it opened anew.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from typing import Any
from urllib.parse import urlsplit

from rushes.domain.errors import Challenged, Unreachable
from rushes.engines.recent import Recent
from rushes.engines.sora_web.browser import Browser, first_line
from rushes.engines.sora_web.challenge import challenge_error
from rushes.engines.sora_web.opening import HOME, Opener, check_page, visit
from rushes.engines.sora_web.profile import WORKER
from rushes.engines.sora_web.proxy import ProxyFailed

LOOK_EVERY_S = 0.25
MEASURE_EVERY_S = 5.0
EXPORT_EVERY_S = 30.0
LONGEST_LOOK_S = 5.0
LARGEST_HEAP = 512 * 1024**2


class WarmPage:
    """The site's page, opened by `opener`.

    After `idle_s` without a call it is closed, and when its script holds more than `largest_heap` bytes.
    """

    def __init__(self, opener: Opener, *, idle_s: float = 120.0, largest_heap: int = LARGEST_HEAP) -> None:
        self._opener = opener
        self._profile = opener.profile
        self.base_url = opener.base_url
        self._idle_s = idle_s
        self._largest_heap = largest_heap
        self.openings = 0
        self._browser: Browser | None = None
        self._turn = asyncio.Lock()
        self._used_at = 0.0
        self._failures: Recent[str, str] = Recent()
        self._keeper: asyncio.Task[None] | None = None
        self._awaited = 0
        self._quiet = asyncio.Event()
        self._quiet.set()

    @asynccontextmanager
    async def hold(self) -> AsyncIterator[Browser]:
        """Hold the page for one call, alone; it is opened where it is not. Raises Unreachable, Challenged."""
        async with self._turn:
            browser = await self._opened()
            try:
                yield browser
            finally:
                self._used_at = _now()

    @contextmanager
    def kept_open(self) -> Iterator[None]:
        """Keep the page open for an answer that is still to come, without holding it."""
        self._awaited += 1
        self._quiet.clear()
        try:
            yield
        finally:
            self._awaited -= 1
            if not self._awaited:
                self._quiet.set()

    @staticmethod
    def lost(browser: Browser, error: Exception) -> Unreachable:
        """The page has gone, as an error of Playwright's tells: the next call opens a new one."""
        browser.crashed = True
        return Unreachable(f"the page was lost: {first_line(error)}")

    def challenge_error(self, reason: str) -> Challenged:
        """The site wants a person; what that person can do depends on whether this browser has a window."""
        return challenge_error(self._profile, reason, headed=self._opener.headed)

    async def renew(self, *, until_idle: bool = False) -> None:
        """Load the page anew, as a person does whose token has run out; answers to come are awaited.

        `until_idle`: return only when the page asks for nothing more, or after a while.
        """
        async with self.hold() as browser:
            await self._quiet.wait()
            await self.go_home(browser)
            if until_idle:
                with suppress(Exception):
                    await browser.page.wait_for_load_state("networkidle", timeout=LONGEST_LOOK_S * 1000)

    async def close(self, *, until_next_call: bool = False) -> None:
        """Close the browser, if it is open, and let others have the profile; answers to come are awaited.

        `until_next_call`: a person's command keeps the profile, and gives it back at its end.
        """
        async with self._turn:
            try:
                if self._browser is not None and not self._browser.crashed:
                    await self._quiet.wait()
                await self._shut()
            finally:
                if self._browser is None:
                    self._let_others(even_from_a_person=not until_next_call)

    def forget_failure(self, method: str, path: str) -> None:
        """Forget why an earlier request of this kind failed."""
        self._failures.pop(_place(method, path), None)

    async def why(self, method: str, path: str) -> str | None:
        """Return the browser's own word for why a request failed, which comes a moment after the script's.

        It is for people to read: where two of a kind are on their way it may be the other's.
        """
        for _ in range(20):
            if _place(method, path) in self._failures:
                return self._failures.pop(_place(method, path))
            await asyncio.sleep(0.01)
        return None

    async def _opened(self) -> Browser:
        if self._browser is not None and self._browser.crashed:
            await self._shut()
            self._let_others(even_from_a_person=False)
        if self._browser is None:
            if not self._profile.held:
                self._profile.take(WORKER)
            try:
                self._browser = await self._opener.open(self._arrive)
            except BaseException:
                self._profile.release()
                raise
            self.openings += 1
            self._used_at = _now()
            self._keeper = asyncio.create_task(self._keep(), name="the sora-web page")
        return self._browser

    async def _arrive(self, browser: Browser) -> None:
        browser.page.on("requestfailed", self._note)
        await self.go_home(browser)

    async def go_home(self, browser: Browser) -> None:
        """Load the page. Raises ProxyFailed, Challenged, and Unreachable for every other reason."""
        try:
            response = await visit(browser, self.base_url + HOME)
        except ProxyFailed:
            # The next opening replaces the proxy, or says what is wrong with it.
            browser.crashed = True
            raise
        try:
            await check_page(browser, response)
        except Challenged as error:
            raise self.challenge_error(error.message) from error

    async def _shut(self) -> None:
        keeper, self._keeper = self._keeper, None
        browser, self._browser = self._browser, None
        if keeper is not None and keeper is not asyncio.current_task():
            keeper.cancel()
            await asyncio.wait([keeper])
        if browser is not None:
            await browser.close()

    def _let_others(self, *, even_from_a_person: bool) -> None:
        if self._profile.held and (even_from_a_person or self._profile.for_jobs):
            self._profile.release()

    async def _keep(self) -> None:
        """Close the page when it is time; look at its size and its cookies every now and then."""
        looked_at = exported_at = _now()
        while True:
            await asyncio.sleep(LOOK_EVERY_S)
            browser = self._browser
            if browser is None:
                continue
            if browser.crashed or (self._profile.for_jobs and self._profile.wanted()):
                # It queues behind the calls that were there before, and no further.
                return await self.close(until_next_call=True)
            if self._turn.locked() or self._awaited:
                continue
            if _now() - self._used_at > self._idle_s:
                return await self.close(until_next_call=True)
            if _now() - looked_at > MEASURE_EVERY_S:
                looked_at = _now()
                if await self._has_grown(browser):
                    return await self.close(until_next_call=True)
            if _now() - exported_at > EXPORT_EVERY_S:
                exported_at = _now()
                async with self._turn:
                    with suppress(Exception):
                        async with asyncio.timeout(LONGEST_LOOK_S):
                            await browser.export()

    async def _has_grown(self, browser: Browser) -> bool:
        async with self._turn:
            with suppress(Exception):
                async with asyncio.timeout(LONGEST_LOOK_S):
                    return await browser.heap() > self._largest_heap
        return False

    def _note(self, request: Any) -> None:
        self._failures[_place(request.method, request.url)] = str(request.failure)


def _place(method: str, url: str) -> str:
    return f"{method} {urlsplit(url).path}"


def _now() -> float:
    return asyncio.get_running_loop().time()
