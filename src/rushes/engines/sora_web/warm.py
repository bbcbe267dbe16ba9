"""The page that is kept open across jobs, so that a create costs a round trip and not a launch.

It is closed when another process asks for the browser, when it was idle, has grown or crashed; whoever holds
it next finds it opened anew.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager, suppress
from typing import Any
from urllib.parse import urlsplit

import httpx

from rushes.domain.errors import Challenged, Unreachable
from rushes.engines.bodies import BEGINNING, LENGTH_HEADERS
from rushes.engines.recent import Recent
from rushes.engines.sora_web.answers import is_challenge
from rushes.engines.sora_web.browser import Browser, Launch, first_line, launch
from rushes.engines.sora_web.challenge import challenged
from rushes.engines.sora_web.profile import Profile
from rushes.engines.sora_web.proxy import Proxies, is_proxy_failure

HOME = "/explore"
"""The page that the service's own calls were seen to come from."""

LOOK_EVERY_S = 0.25
MEASURE_EVERY_S = 5.0
EXPORT_EVERY_S = 30.0
LONGEST_LOOK_S = 5.0
LONGEST_LOAD_S = 20.0
LARGEST_HEAP = 512 * 1024**2

BEGINNING_OF_PAGE = f"() => document.documentElement.outerHTML.slice(0, {BEGINNING})"

PROXIES_TRIED = 5
PROXY_SIGN_IN = 407


class ProxyFailed(Unreachable):
    """The proxy did not let the page through."""


class WarmPage:
    """The page at `base_url`. `program` and `headed` as in `Launch`.

    After `idle_s` without a call it is closed, and when its script holds more than `largest_heap` bytes.
    """

    def __init__(
        self,
        profile: Profile,
        base_url: str,
        proxies: Proxies,
        *,
        program: str | None = None,
        headed: bool = False,
        idle_s: float = 120.0,
        largest_heap: int = LARGEST_HEAP,
    ) -> None:
        self._profile = profile
        self.base_url = base_url
        self._proxies = proxies
        self._program = program
        self._headed = headed
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

    def challenged(self, said: str) -> Challenged:
        """The site wants a person; what that person can do depends on whether this browser has a window."""
        return challenged(self._profile, said, headed=self._headed)

    async def renew(self) -> None:
        """Load the page anew, as a person does whose token has run out; answers to come are awaited."""
        async with self.hold() as browser:
            await self._quiet.wait()
            await self.go_home(browser)

    async def close(self) -> None:
        """Close the browser, if it is open, and let others have the profile; answers to come are awaited."""
        async with self._turn:
            if self._browser is not None and not self._browser.crashed:
                await self._quiet.wait()
            await self._shut()

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
        if self._browser is None:
            if not self._profile.held:
                self._profile.take("a worker")
            try:
                self._browser = await self._open()
            except BaseException:
                self._profile.release()
                raise
            self.openings += 1
            self._used_at = _now()
            self._keeper = asyncio.create_task(self._keep(), name="the sora-web page")
        return self._browser

    async def _open(self) -> Browser:
        """Start the browser and load the page; where the proxy fails, with the next one."""
        proxy = await self._proxies.current()
        for _ in range(PROXIES_TRIED):
            browser = await launch(
                self._profile, Launch(program=self._program, headed=self._headed, proxy=proxy)
            )
            try:
                browser.page.on("requestfailed", self._note)
                await self.go_home(browser)
                return browser
            except ProxyFailed:
                await browser.close()
            except BaseException:
                await browser.close()
                raise
            if proxy is None:
                raise Unreachable(
                    f"the system's own proxy does not reach {self.base_url}",
                    next="see that it runs, or set proxy_url under the engine",
                )
            proxy = await self._proxies.replace(proxy)
        raise Unreachable(f"{PROXIES_TRIED} proxies one after another did not reach {self.base_url}")

    async def go_home(self, browser: Browser) -> None:
        """Load the page. Raises ProxyFailed, Challenged, and Unreachable for every other reason."""
        statuses: list[int] = []
        browser.page.once("response", lambda response: statuses.append(response.status))
        try:
            response = await browser.page.goto(
                self.base_url + HOME, wait_until="domcontentloaded", timeout=LONGEST_LOAD_S * 1000
            )
        except Exception as error:
            said = f"{self.base_url} could not be opened: {first_line(error)}"
            # The browser says the same of a site that answers an error without a body.
            if is_proxy_failure(said) and statuses in ([], [PROXY_SIGN_IN]):
                raise ProxyFailed(said) from error
            raise Unreachable(said) from error
        if response is None:
            return
        if response.status == PROXY_SIGN_IN:
            raise ProxyFailed("the proxy does not take its user and password")
        words = ""
        if not response.ok:
            # A page that checks its browser goes on to another one at any moment.
            with suppress(Exception):
                words = await browser.page.evaluate(BEGINNING_OF_PAGE)
        page = httpx.Response(response.status, headers=_without_lengths(response.headers), text=words)
        if is_challenge(page):
            raise self.challenged("the site wants to see a person before it opens")
        if not response.ok:
            raise Unreachable(f"{self.base_url}{HOME} answered {response.status}")

    async def _shut(self) -> None:
        keeper, self._keeper = self._keeper, None
        browser, self._browser = self._browser, None
        if keeper is not None and keeper is not asyncio.current_task():
            keeper.cancel()
            await asyncio.wait([keeper])
        if browser is not None:
            try:
                await browser.close()
            finally:
                self._profile.release()

    async def _keep(self) -> None:
        """Close the page when it is time; look at its size and its cookies every now and then."""
        looked_at = exported_at = _now()
        while True:
            await asyncio.sleep(LOOK_EVERY_S)
            browser = self._browser
            if browser is None:
                continue
            if browser.crashed or self._profile.wanted():
                # It queues behind the calls that were there before, and no further.
                return await self.close()
            if self._turn.locked() or self._awaited:
                continue
            if _now() - self._used_at > self._idle_s:
                return await self.close()
            if _now() - looked_at > MEASURE_EVERY_S:
                looked_at = _now()
                if await self._has_grown(browser):
                    return await self.close()
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


def _without_lengths(headers: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in headers.items() if name.lower() not in LENGTH_HEADERS}


def _place(method: str, url: str) -> str:
    return f"{method} {urlsplit(url).path}"


def _now() -> float:
    return asyncio.get_running_loop().time()
