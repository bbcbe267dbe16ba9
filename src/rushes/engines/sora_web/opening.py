"""Opening the browser at a page of the site: one way for jobs, sign-ins and recordings, with a window or not.

A proxy that fails is replaced while there is another one, and every failure reads alike whoever meets it.
"""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

import httpx

from rushes.domain.errors import Challenged, Unreachable
from rushes.engines.bodies import BEGINNING, LENGTH_HEADERS
from rushes.engines.sora_web import chromium
from rushes.engines.sora_web.answers import PASS_IT, is_challenge
from rushes.engines.sora_web.browser import Browser, Launch, first_line, launch
from rushes.engines.sora_web.profile import Profile
from rushes.engines.sora_web.proxy import (
    NO_ANSWER,
    PROXY_SIGN_IN,
    REFUSED_SIGN_IN,
    Proxies,
    Proxy,
    ProxyFailed,
    proxy_failure,
)
from rushes.engines.sora_web.redaction import redact_address

if TYPE_CHECKING:
    from playwright.async_api import Response

HOME = "/explore"
"""The page that the service's own calls were seen to come from."""

LONGEST_LOAD_S = 20.0
PROXIES_TRIED = 5

BEGINNING_OF_PAGE = f"() => document.documentElement.outerHTML.slice(0, {BEGINNING})"

CHECK_SITE = "check that it runs, that base_url names it and that the network is up; then run it again"


@dataclass(frozen=True, kw_only=True)
class Opener:
    """What the browser is opened with, `program` and `headed` as in `Launch`; `tell` gets replacements."""

    profile: Profile
    base_url: str
    proxies: Proxies
    program: str | None = None
    headed: bool = False
    tell: Callable[[str], None] = lambda text: None

    async def open(self, arrive: Callable[[Browser], Awaitable[None]]) -> Browser:
        """Start the browser on the profile, which this process holds, and have it `arrive` at the site.

        `arrive` loads the page with `visit`; if its proxy fails, another browser does so through the next
        proxy. Raises what `launch` and `arrive` raise, BadSettings for a proxy that refuses its password,
        SetupError without a screen for a window, Unreachable.
        """
        if self.headed:
            chromium.check_display(os.environ, worker=self.profile.for_jobs)
        proxy = await self.proxies.current()
        for _ in range(PROXIES_TRIED):
            try:
                return await self._open_through(proxy, arrive)
            except ProxyFailed as failure:
                proxy = await self._replace(proxy, failure)
        raise Unreachable(f"{PROXIES_TRIED} proxies one after another did not reach {self.base_url}")

    async def _open_through(
        self, proxy: Proxy | None, arrive: Callable[[Browser], Awaitable[None]]
    ) -> Browser:
        # A browser takes minutes to give up on one that drops what is sent to it.
        if proxy is not None and not await proxy.answers():
            raise ProxyFailed(NO_ANSWER)
        how = Launch(program=self.program, headed=self.headed, proxy=proxy)
        browser = await launch(self.profile, how)
        try:
            await arrive(browser)
        except BaseException:
            await browser.close()
            raise
        return browser

    async def _replace(self, proxy: Proxy | None, failure: ProxyFailed) -> Proxy:
        if proxy is None:
            raise Unreachable(
                f"the proxy of this system's own settings {failure.why}",
                next="check that it runs, or set proxy_url under the engine",
            )
        return await self.proxies.replace(proxy, failure.why, self.tell)


async def visit(browser: Browser, address: str) -> Response | None:
    """Load a page and return its answer, whatever that is. Raises ProxyFailed, Unreachable."""
    statuses: list[int] = []
    browser.page.once("response", lambda response: statuses.append(response.status))
    try:
        response = await browser.page.goto(
            address, wait_until="domcontentloaded", timeout=LONGEST_LOAD_S * 1000
        )
    except Exception as error:
        words = first_line(error)
        why = proxy_failure(words)
        # The browser says the same of a site that answers an error without a body.
        if why is not None and statuses in ([], [PROXY_SIGN_IN]):
            raise ProxyFailed(why) from error
        raise Unreachable(
            f"{redact_address(address)} could not be opened: {words}", next=CHECK_SITE
        ) from error
    if response is not None and response.status == PROXY_SIGN_IN:
        raise ProxyFailed(REFUSED_SIGN_IN)
    return response


async def check_page(browser: Browser, response: Response | None) -> None:
    """Raise Challenged if the page that was loaded wants to see a person, Unreachable if it is an error."""
    if response is None:
        return
    words = ""
    if not response.ok:
        # A page that checks its browser goes on to another one at any moment.
        with suppress(Exception):
            words = await browser.page.evaluate(BEGINNING_OF_PAGE)
    page = httpx.Response(response.status, headers=_without_lengths(response.headers), text=words)
    if is_challenge(page):
        raise Challenged("the site wants to see a person before it opens", next=PASS_IT)
    if not response.ok:
        raise Unreachable(f"{redact_address(response.url)} answered {response.status}", next=CHECK_SITE)


def _without_lengths(headers: Mapping[str, str]) -> dict[str, str]:
    return {name: value for name, value in headers.items() if name.lower() not in LENGTH_HEADERS}
