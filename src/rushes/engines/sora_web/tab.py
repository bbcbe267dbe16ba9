"""Calls from inside the page, one at a time: what the page answers, or why there is no answer."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import httpx

from rushes.domain.errors import (
    Challenged,
    NotDelivered,
    OutcomeUnknown,
    ResultGone,
    SetupError,
    StorageError,
    Unreachable,
)
from rushes.engines.sora_web.answers import PASS_IT
from rushes.engines.sora_web.browser import Browser
from rushes.engines.sora_web.proxy import is_proxy_failure
from rushes.engines.sora_web.scripts import (
    ANSWER,
    FETCH,
    FILE_INPUT,
    START,
    TOKEN,
    UPLOAD,
    Call,
    response_of,
    words_of,
)
from rushes.engines.sora_web.warm import WarmPage

NOT_DELIVERED = (
    "ERR_NAME_NOT_RESOLVED",
    "ERR_CONNECTION_REFUSED",
    "ERR_CONNECTION_TIMED_OUT",
    "ERR_ADDRESS_UNREACHABLE",
    "ERR_INTERNET_DISCONNECTED",
    "ERR_SSL_",
    "ERR_CERT_",
)
"""What the browser says where no connection came about: nothing was sent."""


@contextmanager
def unsent() -> Iterator[None]:
    """Turn whatever keeps a create from being sent into NotDelivered, but for what a person must mend."""
    try:
        yield
    except (Unreachable, ResultGone, SetupError, StorageError) as error:
        raise NotDelivered(error.message, next=error.next) from error


@contextmanager
def sent() -> Iterator[None]:
    """Turn the loss of the page into OutcomeUnknown: the create was on its way."""
    try:
        yield
    except Unreachable as error:
        raise OutcomeUnknown(f"the create was sent and then {error.message}") from error


class Tab:
    """A page of the signed-in browser, by which every call reaches the service."""

    def __init__(self, page: WarmPage) -> None:
        self.page = page

    async def ask(self, call: Call) -> httpx.Response:
        """Make a call that changes nothing that costs. Raises Unreachable, Challenged."""
        async with self.page.hold() as browser:
            reply = await self._evaluate(browser, FETCH, words_of(call))
        return await self._answered(call, reply)

    async def upload(self, call: Call, file: str, field: str, fields: Mapping[str, str]) -> httpx.Response:
        """Send the picture at `file` as the form's `field`; the browser itself reads it from the disk."""
        async with self.page.hold() as browser:
            try:
                chosen = (await browser.page.evaluate_handle(FILE_INPUT)).as_element()
                assert chosen is not None
                await chosen.set_input_files(file)
            except Exception as error:
                raise self.page.lost(browser, error) from error
            words = {"input": chosen, "path": call.path, "headers": dict(call.headers), "field": field}
            words |= {"fields": dict(fields), "milliseconds": call.seconds * 1000}
            reply = await self._evaluate(browser, UPLOAD, words)
        return await self._answered(call, reply)

    async def create(self, call: Call, flow: str) -> httpx.Response:
        """Send a create, once, with the token that the page's own script hands out for `flow`.

        Raises NotDelivered where it provably was not sent, OutcomeUnknown where nobody can tell.
        """
        with unsent():
            async with self.page.hold() as browser:
                token = await self._page_token(browser, flow)
                words = words_of(call)
                words["headers"] |= {"openai-sentinel-token": token}
                await self._fresh_connection(browser)
                with sent():
                    started = await self._start(browser, words)
        # Others need not wait for its answer: it has a connection of its own, and keeps the page open.
        with sent(), self.page.kept_open():
            reply = await self._evaluate(browser, ANSWER, started)
            await started.dispose()
        if "problem" not in reply:
            return response_of(call, reply, self.page.base_url)
        cause = await self._cause(call, reply)
        if any(sign in cause for sign in NOT_DELIVERED) or is_proxy_failure(cause):
            raise NotDelivered(f"the service could not be reached ({cause})")
        raise OutcomeUnknown(f"the create was sent and no answer came ({cause})")

    async def cookie(self, name: str) -> str | None:
        """Return a cookie of the site, None where it has none of that name."""
        async with self.page.hold() as browser:
            found = await browser.context.cookies(self.page.base_url)
        return next((str(one.get("value")) for one in found if one.get("name") == name), None)

    async def export(self) -> None:
        """Write the cookies down now."""
        async with self.page.hold() as browser:
            await browser.export()

    async def _page_token(self, browser: Browser, flow: str) -> str:
        """Return what the page's own script hands out for one create of this kind."""
        token = await self._evaluate(browser, TOKEN, flow)
        if "token" in token:
            return str(token["token"])
        if token.get("network"):
            raise Unreachable(f"the page got no token for a create ({token['problem']})")
        raise Challenged(f"the page gives no token for a create ({token['problem']})", next=PASS_IT)

    async def _fresh_connection(self, browser: Browser) -> None:
        try:
            await browser.close_idle_connections()
        except Exception as error:
            raise self.page.lost(browser, error) from error

    async def _start(self, browser: Browser, words: Mapping[str, Any]) -> Any:
        try:
            return await browser.page.evaluate_handle(START, words)
        except Exception as error:
            raise self.page.lost(browser, error) from error

    async def _evaluate(self, browser: Browser, script: str, words: Any) -> dict[str, Any]:
        try:
            found: dict[str, Any] = await browser.page.evaluate(script, words)
        except Exception as error:
            raise self.page.lost(browser, error) from error
        return found

    async def _answered(self, call: Call, reply: Mapping[str, Any]) -> httpx.Response:
        if "problem" in reply:
            raise Unreachable(f"the page got no answer ({await self._cause(call, reply)})")
        return response_of(call, reply, self.page.base_url)

    async def _cause(self, call: Call, reply: Mapping[str, Any]) -> str:
        return await self.page.why(call.method, call.path) or str(reply["problem"])
