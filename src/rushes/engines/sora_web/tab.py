"""Calls from inside the page: what it answers, or why there is no answer."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Iterator, Mapping
from contextlib import AsyncExitStack, contextmanager
from typing import Any, TypeVar

import httpx

from rushes.domain.errors import (
    NotDelivered,
    OutcomeUnknown,
    ResultGone,
    StorageError,
    Unreachable,
)
from rushes.engines.http import asking, sending
from rushes.engines.sora_web.browser import Browser
from rushes.engines.sora_web.call import Call, response_of, words_of
from rushes.engines.sora_web.gate import closed_gate
from rushes.engines.sora_web.proxy import PROXY_SIGN_IN, REFUSED_SIGN_IN, is_proxy_failure
from rushes.engines.sora_web.scripts import ANSWER, FETCH, FILE_INPUT, START, TOKEN, UPLOAD
from rushes.engines.sora_web.warm import WarmPage

NOT_DELIVERED = (
    "ERR_NAME_NOT_RESOLVED",
    "ERR_CONNECTION_REFUSED",
    "ERR_CONNECTION_TIMED_OUT",
    "ERR_PROXY_CONNECTION_FAILED",
    "ERR_TUNNEL_CONNECTION_FAILED",
    "ERR_CERT_",
    "ERR_SSL_VERSION_OR_CIPHER_MISMATCH",
)
"""What the browser says where no connection came about: nothing was sent."""

SPARE_S = 5.0
"""How much longer than its own time limit a script may take before the page counts as hung."""

Found = TypeVar("Found")

log = logging.getLogger("rushes.sora_web")


class Reopened(Unreachable):
    """The page was loaded again after the call was prepared."""


@contextmanager
def unsent() -> Iterator[None]:
    """Turn whatever keeps a create from being sent into NotDelivered, except what a person must repair."""
    try:
        yield
    except (Unreachable, ResultGone, StorageError) as error:
        raise NotDelivered(error.message, next=error.next) from error
    except TimeoutError as error:
        raise NotDelivered("the page was not ready to send in time") from error


@contextmanager
def at_the_gate() -> Iterator[None]:
    """Turn the loss of the page into OutcomeUnknown also while the create waits at its gate.

    If the process that drives the browser ends, the browser lets everything pass that waits.
    """
    try:
        yield
    except Unreachable as error:
        raise OutcomeUnknown(f"the create was about to be sent and then {error.message}") from error


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
        self._creating = asyncio.Lock()

    async def ask(self, call: Call) -> httpx.Response:
        """Make a call that changes nothing that costs. Raises Unreachable, Reopened, Challenged."""
        words = words_of(call, self.page.base_url)
        async with self.page.hold() as browser:
            self._check_opening(call)
            self.page.forget_failure(call.method, call.path)
            reply = await self._evaluate(browser, FETCH, words, call.seconds)
            return await self._answered(browser, call, words, reply)

    async def upload(self, call: Call, file: str, field: str, fields: Mapping[str, str]) -> httpx.Response:
        """Send the picture at `file` as the form's `field`; the browser itself reads it from the disk."""
        words = words_of(call, self.page.base_url)
        async with self.page.hold() as browser:
            self._check_opening(call)
            try:
                chosen = (await browser.page.evaluate_handle(FILE_INPUT)).as_element()
                assert chosen is not None
                await chosen.set_input_files(file)
            except Exception as error:
                raise self.page.lost(browser, error) from error
            given = {**words, "input": chosen, "field": field, "fields": dict(fields)}
            reply = await self._evaluate(browser, UPLOAD, given, call.seconds)
            return await self._answered(browser, call, words, reply)

    async def create(self, call: Call, flow: str, patience: float) -> httpx.Response:
        """Send a create, once, with the token that the page's own script hands out for `flow`.

        `patience` in seconds until it is sent; from then on `call.seconds`. Raises NotDelivered where it
        provably was not sent, OutcomeUnknown where nobody can tell.
        """
        async with AsyncExitStack() as one_at_a_time:
            with unsent():
                async with asyncio.timeout(patience):
                    # The next one closes all connections, that of this one too.
                    await one_at_a_time.enter_async_context(self._creating)
                    held = await one_at_a_time.enter_async_context(AsyncExitStack())
                    browser = await held.enter_async_context(self.page.hold())
                    self._check_opening(call)
                    words = words_of(call, self.page.base_url)
                    words["headers"]["openai-sentinel-token"] = await self._page_token(browser, flow)
                    gate = await held.enter_async_context(
                        closed_gate(browser, words["headers"]["openai-sentinel-token"])
                    )
                    one_at_a_time.callback(gate.forget)
                    with at_the_gate():
                        starting = browser.page.evaluate_handle(START, words)
                        started = await self._bounded(browser, starting, SPARE_S)
                        await self._bounded(browser, gate.make_ready(), SPARE_S)
            with sent(), self.page.kept_open():
                await self._bounded(browser, gate.let_through(), SPARE_S)
                await gate.answered()
                # Others need not wait for its answer any longer: it has its connection.
                await held.aclose()
                reply = await self._evaluate(browser, ANSWER, started, call.seconds)
                if "problem" in reply:
                    await gate.answered(SPARE_S)
                await gate.remove()
        if "status" in reply:
            with sending():
                response = response_of(words, reply)
            _log_call(call, response.status_code)
            if response.status_code == PROXY_SIGN_IN:
                browser.crashed = True
                raise NotDelivered(f"the proxy {REFUSED_SIGN_IN}; nothing reached the service")
            if reply["redirected"] and not response.is_success:
                # Whoever redirects a create may have accepted it, and it is another call that was refused.
                raise OutcomeUnknown(f"the create was redirected, to an answer of {response.status_code}")
            return response
        cause = gate.failure or str(reply.get("problem") or "the page had left")
        _log_call(call, cause)
        raise self._lost_create(browser, cause)

    def _lost_create(self, browser: Browser, cause: str) -> NotDelivered | OutcomeUnknown:
        if is_proxy_failure(cause):
            # The next opening finds out whether the proxy has to be replaced.
            browser.crashed = True
        if any(sign in cause for sign in NOT_DELIVERED):
            return NotDelivered(f"the service could not be reached ({cause})")
        return OutcomeUnknown(f"the create was sent and no answer came ({cause})")

    async def cookie(self, name: str) -> str | None:
        """Return a cookie of the site, None where it has none of that name."""
        async with self.page.hold() as browser:
            found = await self._bounded(browser, browser.context.cookies(self.page.base_url), SPARE_S)
        return next((str(one.get("value")) for one in found if one.get("name") == name), None)

    async def export(self) -> None:
        """Write the cookies down now."""
        async with self.page.hold() as browser:
            await self._bounded(browser, browser.export(), SPARE_S)

    async def quiet(self, patience: float) -> None:
        """Return once the page waits for no answer, or after `patience` seconds."""
        async with self.page.hold() as browser:
            await browser.under_way.none(patience)

    def _check_opening(self, call: Call) -> None:
        if call.opening not in (None, self.page.openings):
            raise Reopened("the browser was restarted meanwhile")

    async def _page_token(self, browser: Browser, flow: str) -> str:
        """Return what the page's own script hands out for one create of this kind."""
        token = await self._evaluate(browser, TOKEN, flow, SPARE_S)
        if "none" in token:
            # It may not have come with the page; a person is called only if it does not come again.
            await self.page.go_home(browser)
            token = await self._evaluate(browser, TOKEN, flow, SPARE_S)
        if "token" in token:
            return str(token["token"])
        said = token.get("problem") or "its script has none"
        if token.get("network"):
            raise Unreachable(f"the page got no token for a create ({said})")
        raise self.page.challenge_error(f"the page gives no token for a create ({said})")

    async def _evaluate(self, browser: Browser, script: str, words: Any, seconds: float) -> dict[str, Any]:
        """Run a script that ends by itself within `seconds`."""
        found: dict[str, Any] = await self._bounded(
            browser, browser.page.evaluate(script, words), seconds + SPARE_S
        )
        if "wandered" in found:
            browser.crashed = True
            raise Unreachable(f"the page had left the site for {found['wandered']}; nothing was sent")
        return found

    async def _bounded(self, browser: Browser, work: Awaitable[Found], seconds: float) -> Found:
        """Wait for the browser, but not for ever: a page that hangs is replaced."""
        try:
            async with asyncio.timeout(seconds):
                return await work
        except Exception as error:
            raise self.page.lost(browser, error) from error

    async def _answered(
        self, browser: Browser, call: Call, words: Mapping[str, Any], reply: Mapping[str, Any]
    ) -> httpx.Response:
        if "problem" not in reply:
            with asking():
                response = response_of(words, reply)
            _log_call(call, response.status_code)
            if response.status_code != PROXY_SIGN_IN:
                return response
            # The next opening finds out whether the proxy has to be replaced.
            browser.crashed = True
            raise Unreachable(f"the proxy {REFUSED_SIGN_IN}")
        cause = await self.page.why(call.method, call.path) or str(reply["problem"])
        _log_call(call, cause)
        if is_proxy_failure(cause):
            browser.crashed = True
        raise Unreachable(f"the page got no answer ({cause})")


def _log_call(call: Call, outcome: int | str) -> None:
    """Log a call's status, or why it got no answer; what a query holds is not for a log."""
    log.info("%s %s: %s", call.method, call.path.partition("?")[0], outcome)
