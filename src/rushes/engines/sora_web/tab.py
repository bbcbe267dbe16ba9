"""The one warm page that every call goes through, and its keeper.

Calls are made by the page itself (`fetch`), one at a time. The page stays open across jobs, so that a
create costs a round trip and not a launch; it is closed when another process asks for the browser, when it
was idle, has grown or crashed.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

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
from rushes.engines.sora_web.answers import PASS_IT, is_challenge
from rushes.engines.sora_web.browser import Browser, Launch, first_line, launch
from rushes.engines.sora_web.profile import Profile
from rushes.engines.sora_web.proxy import Proxies, is_proxy_failure

HOME = "/explore"
"""The page that the service's own calls were seen to come from."""

LOOK_EVERY_S = 0.25
MEASURE_EVERY_S = 5.0
EXPORT_EVERY_S = 30.0
LARGEST_HEAP = 512 * 1024**2

PROXIES_TRIED = 5
PROXY_SIGN_IN = 407

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

FETCH = """async ({method, path, headers, body, milliseconds}) => {
  try {
    const reply = await fetch(path, {method, headers, body, credentials: "include", cache: "no-store",
                                     signal: AbortSignal.timeout(milliseconds)});
    return {status: reply.status, headers: [...reply.headers], url: reply.url, text: await reply.text()};
  } catch (error) {
    return {problem: String(error)};
  }
}"""

UPLOAD = """async ({input, path, headers, field, fields, milliseconds}) => {
  const form = new FormData();
  form.append(field, input.files[0]);
  for (const [name, value] of Object.entries(fields)) form.append(name, value);
  try {
    const reply = await fetch(path, {method: "POST", headers, body: form, credentials: "include",
                                     signal: AbortSignal.timeout(milliseconds)});
    return {status: reply.status, headers: [...reply.headers], url: reply.url, text: await reply.text()};
  } catch (error) {
    return {problem: String(error)};
  } finally {
    input.remove();
  }
}"""

TOKEN = """async (flow) => {
  for (let tries = 0; !window.SentinelSDK && tries < 100; tries++)
    await new Promise(go => setTimeout(go, 100));
  if (!window.SentinelSDK) return {problem: "its script has none"};
  try {
    return {token: await window.SentinelSDK.token(flow)};
  } catch (error) {
    return {problem: String(error), network: error instanceof TypeError};
  }
}"""


class ProxyFailed(Unreachable):
    """The proxy did not let the page through."""


@dataclass(frozen=True, kw_only=True)
class Call:
    """One call from inside the page; `seconds` bound its answer."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: Any = None
    seconds: float = 30.0


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
    """The warm page. `program` and `headed` as in `Launch`.

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
        self._base_url = base_url
        self._proxies = proxies
        self._program = program
        self._headed = headed
        self._idle_s = idle_s
        self._largest_heap = largest_heap
        self._browser: Browser | None = None
        self._turn = asyncio.Lock()
        self._used_at = 0.0
        self._failures: dict[str, str] = {}
        self._keeper: asyncio.Task[None] | None = None

    # --- calls ---

    async def ask(self, call: Call) -> httpx.Response:
        """Make a call that changes nothing that costs. Raises Unreachable, Challenged."""
        async with self._page() as browser:
            reply = await self._evaluate(browser, FETCH, self._fetch_words(call))
        if "problem" in reply:
            raise Unreachable(f"the page got no answer ({await self._cause(call, reply)})")
        return self._response(call, reply)

    async def upload(self, call: Call, file: str, field: str, fields: Mapping[str, str]) -> httpx.Response:
        """Send the picture at `file` as the form's `field`; the browser itself reads it from the disk."""
        async with self._page() as browser:
            try:
                handle = await browser.page.evaluate_handle(
                    "() => document.body.appendChild(Object.assign(document.createElement('input'),"
                    " {type: 'file', hidden: true}))"
                )
                chosen = handle.as_element()
                assert chosen is not None
                await chosen.set_input_files(file)
            except Exception as error:
                raise self._broken(error) from error
            words = {"input": chosen, "path": call.path, "headers": dict(call.headers), "field": field}
            words |= {"fields": dict(fields), "milliseconds": call.seconds * 1000}
            reply = await self._evaluate(browser, UPLOAD, words)
        if "problem" in reply:
            raise Unreachable(f"the upload got no answer ({await self._cause(call, reply)})")
        return self._response(call, reply)

    async def create(self, call: Call, flow: str) -> httpx.Response:
        """Send a create, once, with the token that the page's own script hands out for `flow`.

        Raises NotDelivered where it provably was not sent, OutcomeUnknown where nobody can tell.
        """
        with unsent():
            async with self._page() as browser:
                token = await self._page_token(browser, flow)
                words = self._fetch_words(call)
                words["headers"] |= {"openai-sentinel-token": token}
                await self._fresh_connection(browser)
                with sent():
                    reply = await self._evaluate(browser, FETCH, words)
        if "problem" not in reply:
            return self._response(call, reply)
        cause = await self._cause(call, reply)
        if any(sign in cause for sign in NOT_DELIVERED) or is_proxy_failure(cause):
            raise NotDelivered(f"the service could not be reached ({cause})")
        raise OutcomeUnknown(f"the create was sent and no answer came ({cause})")

    async def cookie(self, name: str) -> str | None:
        """Return a cookie of the site, None where it has none of that name."""
        async with self._page() as browser:
            found = await browser.context.cookies(self._base_url)
        return next((str(one.get("value")) for one in found if one.get("name") == name), None)

    async def renew(self) -> None:
        """Load the page anew, as a person does whose token has run out."""
        async with self._page() as browser:
            await self._go_home(browser)

    async def export(self) -> None:
        """Write the cookies down now."""
        async with self._page() as browser:
            await browser.export()

    # --- opening and closing ---

    async def close(self) -> None:
        """Close the browser, if it is open, and let others have the profile."""
        async with self._turn:
            await self._shut()

    @property
    def is_open(self) -> bool:
        return self._browser is not None

    @asynccontextmanager
    async def _page(self) -> AsyncIterator[Browser]:
        """Hold the page for one call; it is opened where it is not."""
        async with self._turn:
            browser = await self._opened()
            try:
                yield browser
            finally:
                self._used_at = _now()

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
                browser.page.on("requestfailed", self._note_failure)
                await self._go_home(browser)
                return browser
            except ProxyFailed:
                await browser.close()
            except BaseException:
                await browser.close()
                raise
            assert proxy is not None
            proxy = await self._proxies.replace(proxy)
        raise Unreachable(f"{PROXIES_TRIED} proxies one after another did not reach {self._base_url}")

    async def _go_home(self, browser: Browser) -> None:
        """Load the page. Raises ProxyFailed, Challenged, and Unreachable for every other reason."""
        statuses: list[int] = []
        browser.page.once("response", lambda response: statuses.append(response.status))
        try:
            response = await browser.page.goto(self._base_url + HOME, wait_until="domcontentloaded")
        except Exception as error:
            said = f"{self._base_url} could not be opened: {first_line(error)}"
            # The browser says the same of a site that answers an error without a body.
            if is_proxy_failure(said) and statuses in ([], [PROXY_SIGN_IN]):
                raise ProxyFailed(said) from error
            raise Unreachable(said) from error
        if response is None:
            return
        if response.status == PROXY_SIGN_IN:
            raise ProxyFailed("the proxy does not take its user and password")
        page = httpx.Response(
            response.status, headers=response.headers, text=await response.text() if not response.ok else ""
        )
        if is_challenge(page):
            raise Challenged("the site wants to see a person before it opens", next=PASS_IT)

    async def _shut(self) -> None:
        keeper, self._keeper = self._keeper, None
        browser, self._browser = self._browser, None
        if keeper is not None and keeper is not asyncio.current_task():
            keeper.cancel()
            with suppress(asyncio.CancelledError):
                await keeper
        if browser is not None:
            await browser.close()
            self._profile.release()

    async def _keep(self) -> None:
        """Close the page when it is time; look at its size and its cookies every now and then."""
        looked_at = exported_at = _now()
        while True:
            await asyncio.sleep(LOOK_EVERY_S)
            browser = self._browser
            if browser is None or self._turn.locked():
                continue
            if browser.crashed or self._profile.wanted() or _now() - self._used_at > self._idle_s:
                return await self.close()
            if _now() - looked_at > MEASURE_EVERY_S:
                looked_at = _now()
                if await self._has_grown(browser):
                    return await self.close()
            if _now() - exported_at > EXPORT_EVERY_S:
                exported_at = _now()
                async with self._turn:
                    with suppress(Exception):
                        await browser.export()

    async def _has_grown(self, browser: Browser) -> bool:
        async with self._turn:
            with suppress(Exception):
                return await browser.heap() > self._largest_heap
        return False

    # --- inside the page ---

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
            raise self._broken(error) from error

    async def _evaluate(self, browser: Browser, script: str, words: Any) -> dict[str, Any]:
        try:
            found: dict[str, Any] = await browser.page.evaluate(script, words)
        except Exception as error:
            raise self._broken(error) from error
        return found

    def _broken(self, error: Exception) -> Unreachable:
        """The page has gone: the next call opens a new one."""
        if self._browser is not None:
            self._browser.crashed = True
        return Unreachable(f"the page was lost: {first_line(error)}")

    def _note_failure(self, request: Any) -> None:
        self._failures[f"{request.method} {urlsplit(request.url).path}"] = str(request.failure)

    async def _cause(self, call: Call, reply: Mapping[str, Any]) -> str:
        """Return why a call failed: the browser's own word for it, told a moment after the script's."""
        place = f"{call.method} {urlsplit(call.path).path}"
        for _ in range(20):
            if place in self._failures:
                return self._failures.pop(place)
            await asyncio.sleep(0.01)
        return str(reply["problem"])

    @staticmethod
    def _fetch_words(call: Call) -> dict[str, Any]:
        headers = dict(call.headers)
        if call.body is not None:
            headers["Content-Type"] = "application/json"
        return {
            "method": call.method,
            "path": call.path,
            "headers": headers,
            "body": None if call.body is None else json.dumps(call.body, ensure_ascii=False),
            "milliseconds": call.seconds * 1000,
        }

    def _response(self, call: Call, reply: Mapping[str, Any]) -> httpx.Response:
        """Return the page's answer in the shape that every engine's answers are read in."""
        # What a browser has decoded already must not be decoded again.
        headers = [(name, value) for name, value in reply["headers"] if name != "content-encoding"]
        return httpx.Response(
            reply["status"],
            headers=headers,
            content=str(reply["text"]).encode(),
            request=httpx.Request(call.method, self._base_url + call.path, headers=dict(call.headers)),
        )


def _now() -> float:
    return asyncio.get_running_loop().time()
