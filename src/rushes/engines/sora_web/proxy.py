"""The HTTP proxy that the browser goes through: one that is configured, or a kept pick of a Webshare account.

What is remembered stands in `proxy.json` of the profile's folder (0600): the pick, with its password, and
which proxies failed when. A site that knows its visitor by the address sees the same one until it fails.
"""

from __future__ import annotations

import asyncio
import hashlib
import re
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, TypedDict
from urllib.parse import unquote, urlsplit

import httpx

from rushes.database.database import translated
from rushes.domain.errors import BadSettings, RushesError, SetupError, Unreachable
from rushes.domain.permissions import make_private
from rushes.engines.http import answer_client, json_of, reason
from rushes.engines.sora_web.profile import read, write_private

WEBSHARE_URL = "https://proxy.webshare.io"
COUNTRY = "US"

FAILED_FOR_S = 86_400.0
"""For so long after it failed, a proxy is not picked again."""

PAGE_SIZE = 100
PAGES_LIMIT = 100
"""Pages of an account's list that are read at most, should it never end."""

LIST_TIMEOUT_S = 20.0

LIST_LONGEST_S = 120.0
"""Seconds for all pages together."""

NOT_NOW = frozenset({408, 425, 429})
"""Refusals of the list that a later try may not meet."""

PROXY_SIGN_IN = 407
"""The status by which a proxy asks for a user and a password."""

NO_ANSWER = "does not answer"
NO_WAY_THROUGH = "does not let the page through"
REFUSED_SIGN_IN = "does not take its user or password"
"""What is wrong with a proxy, in words that go after its name."""

SIGN_IN_FAILURES = re.compile(
    r"net::ERR_(?:PROXY_AUTH\w*|HTTP_RESPONSE_CODE_FAILURE|INVALID_AUTH_CREDENTIALS)\b"
)
WAY_FAILURES = re.compile(r"net::ERR_TUNNEL_CONNECTION_FAILED\b")
OTHER_FAILURES = re.compile(r"net::ERR_\w*PROX(?:Y|IES)\w*")

CONNECT_S = 10.0


class BrowserProxy(TypedDict, total=False):
    """A proxy in the shape of Playwright's `proxy=` argument."""

    server: str
    bypass: str | None
    username: str | None
    password: str | None


@dataclass(frozen=True, kw_only=True)
class Proxy:
    """One HTTP proxy. `server` as "http://host:port", `country` as two letters, `id` as Webshare calls it."""

    server: str
    username: str | None = field(default=None, repr=False)
    password: str | None = field(default=None, repr=False)
    country: str | None = None
    id: str | None = None

    @classmethod
    def from_url(cls, url: str) -> Proxy:
        """Return the proxy of "http://user:password@host:port"; without a port it is 80.

        User and password are percent-decoded. Raises BadSettings, which names no part of the address.
        """
        url = url.strip()
        _check_scheme(url)
        found = _parsed(url)
        if found is None:
            raise BadSettings(
                "proxy_url is not of the form http://user:password@host:port; "
                "in user and password, / ? # % and spaces have to be percent-encoded"
            )
        return found

    def as_playwright(self) -> BrowserProxy:
        """Return it as Playwright's `proxy=` takes it."""
        if self.username is None:
            return {"server": self.server}
        return {"server": self.server, "username": self.username, "password": self.password or ""}

    async def answers(self) -> bool:
        """Whether anybody listens at its address."""
        at = urlsplit(self.server)
        try:
            async with asyncio.timeout(CONNECT_S):
                _, writer = await asyncio.open_connection(at.hostname, at.port)
        except OSError:
            return False
        writer.close()
        return True

    def __str__(self) -> str:
        return self.server.removeprefix("http://")


def _check_scheme(url: str) -> None:
    scheme = url.partition("://")[0].lower() if "://" in url else ""
    if scheme.startswith("socks"):
        raise BadSettings(
            "SOCKS5 with a password is refused by the browser; proxy_url has to begin with http://",
            next="most services offer the same proxy by HTTP too: take its address from there",
        )
    if scheme == "https":
        raise BadSettings(
            "proxy_url begins with https://; only http:// proxies can be used (they carry https sites too)"
        )


def _parsed(url: str) -> Proxy | None:
    """Return the proxy that an address stands for, None where it is none: what urllib says quotes it."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
        username, password = (
            None if part is None else unquote(part, errors="strict")
            for part in (parts.username, parts.password)
        )
    except ValueError:
        return None
    beyond = parts.path.removeprefix("/") or parts.query or parts.fragment
    if parts.scheme != "http" or not host or beyond or re.search(r"\s", url):
        return None
    return Proxy(server=_server(host, 80 if port is None else port), username=username, password=password)


def _server(host: str, port: int) -> str:
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


@dataclass(frozen=True, kw_only=True)
class Listed:
    """One proxy of a Webshare account; `valid`: it passed Webshare's own last check."""

    proxy: Proxy
    valid: bool


@dataclass(frozen=True, kw_only=True)
class Webshare:
    """A Webshare account. Source: apidocs.webshare.io/proxy-list, mode "direct"."""

    url: str
    key: str = field(repr=False)

    def __post_init__(self) -> None:
        if not _is_web_address(self.url):
            raise BadSettings("webshare_url is not a web address")

    async def proxies(self) -> list[Listed]:
        """Return every proxy of the account that has an address.

        Raises BadSettings where the key or the question is refused, and Unreachable for all else.
        """
        try:
            async with asyncio.timeout(LIST_LONGEST_S):
                return await self._every_page()
        except TimeoutError as error:
            raise Unreachable(f"Webshare did not tell its proxies within {LIST_LONGEST_S:g} s") from error

    async def _every_page(self) -> list[Listed]:
        found: list[Listed] = []
        async with answer_client(self.url, LIST_TIMEOUT_S, Authorization=f"Token {self.key}") as client:
            for page in range(1, PAGES_LIMIT + 1):
                listed, more = _read_page(await self._page(client, page))
                found += listed
                # The address that `next` holds is not followed: the key is shown to `url` and no one else.
                if not more:
                    break
        return found

    async def _page(self, client: httpx.AsyncClient, page: int) -> httpx.Response:
        query: dict[str, str | int] = {"mode": "direct", "page": page, "page_size": PAGE_SIZE}
        try:
            response = await client.get("/api/v2/proxy/list/", params=query)
        except httpx.HTTPError as error:
            raise Unreachable(
                f"Webshare did not answer which proxies there are ({type(error).__name__})"
            ) from error
        if not response.is_success:
            raise _refusal(response)
        return response


def _is_web_address(url: str) -> bool:
    try:
        address = httpx.URL(url)
    except httpx.InvalidURL:
        return False
    return address.scheme in ("http", "https") and bool(address.host) and not address.userinfo


def _read_page(response: httpx.Response) -> tuple[list[Listed], bool]:
    """Return the proxies of one page of the list, and whether there is another page."""
    try:
        body: Any = json_of(response)
        entries = [_entry(entry) for entry in body["results"][:PAGE_SIZE] if entry["proxy_address"]]
        return entries, body["next"] is not None
    except (KeyError, TypeError, ValueError) as error:
        raise Unreachable("Webshare answered with something that is not a list of proxies") from error


def _entry(entry: Mapping[str, Any]) -> Listed:
    proxy = Proxy(
        server=_server(str(entry["proxy_address"]), int(entry["port"])),
        username=entry["username"],
        password=entry["password"],
        country=str(entry["country_code"]).upper(),
        id=str(entry["id"]),
    )
    return Listed(proxy=proxy, valid=entry["valid"] is True)


def _refusal(response: httpx.Response) -> RushesError:
    said, code = reason(response), response.status_code
    if code == 401:
        return BadSettings(
            f"Webshare does not know the key in WEBSHARE_API_KEY ({said})",
            next="set WEBSHARE_API_KEY to a key of the Webshare account, from its page API → Keys",
        )
    if response.is_client_error and code not in NOT_NOW:
        return BadSettings(
            f"Webshare does not tell this account its proxies ({said})",
            next="see what the Webshare account asks for; webshare_url, where it is set, may be wrong too",
        )
    return Unreachable(f"Webshare did not tell which proxies there are ({said})")


@dataclass(frozen=True, kw_only=True)
class Kept:
    """What `proxy.json` holds: the pick, and when which server failed, in seconds since 1970."""

    pick: Proxy | None = None
    failed: Mapping[str, float] = field(default_factory=dict)


class Proxies:
    """The proxy of one profile.

    `settings` holds `proxy_url`, or `webshare_key` with `webshare_url` and `proxy_country` where they differ
    from the defaults, or neither; `folder` is the profile's; `clock` gives seconds since 1970. Raises
    BadSettings for settings that cannot be used, naming the key.
    """

    def __init__(
        self, settings: Mapping[str, Any], folder: Path, *, clock: Callable[[], float] = time.time
    ) -> None:
        url, key = _text(settings, "proxy_url"), _text(settings, "webshare_key")
        if url and key:
            raise BadSettings("proxy_url and webshare_key are both set; only one can be used")
        self.country = _text(settings, "proxy_country", COUNTRY).upper()
        if re.fullmatch(r"[A-Z]{2}", self.country) is None:
            raise BadSettings("proxy_country is not a country's code of two letters, such as US")
        self._fixed = Proxy.from_url(url) if url else None
        webshare_url = _text(settings, "webshare_url", WEBSHARE_URL)
        self._account = Webshare(url=webshare_url, key=key) if key else None
        self._folder = folder
        self._file = folder / "proxy.json"
        self._clock = clock
        self._turn = asyncio.Lock()

    async def current(self) -> Proxy | None:
        """Return the proxy to use, None where none is configured.

        Raises BadSettings and Unreachable where a pick has to be made and cannot be.
        """
        if self._account is None:
            return self._fixed
        async with self._turn:
            kept = self._read()
            return kept.pick or await self._pick(self._account, kept.failed)

    async def replace(
        self, failed: Proxy, why: str = NO_ANSWER, tell: Callable[[str], None] = lambda text: None
    ) -> Proxy:
        """Note that a proxy failed, `tell` so, and return the one to use from now on.

        `why` is NO_ANSWER, NO_WAY_THROUGH or REFUSED_SIGN_IN. Raises BadSettings if the proxy of proxy_url
        refuses its password, Unreachable if it failed otherwise, SetupError if a Webshare account has no
        other one left, and what `current` raises.
        """
        if self._account is None:
            raise _fixed_failed(failed, why)
        async with self._turn:
            kept = self._read()
            pick = None if kept.pick is not None and kept.pick.server == failed.server else kept.pick
            kept = Kept(pick=pick, failed={**kept.failed, failed.server: self._clock()})
            self._write(kept)
            return kept.pick or await self._pick(self._account, kept.failed, f"({failed}) {why}", tell)

    async def _pick(
        self,
        account: Webshare,
        failed: Mapping[str, float],
        failure: str = "",
        tell: Callable[[str], None] = lambda text: None,
    ) -> Proxy:
        listed = await account.proxies()
        ours = [one for one in listed if one.proxy.country == self.country]
        if not ours:
            raise self._no_such_country(listed)
        left = [one.proxy for one in ours if one.valid and one.proxy.server not in failed]
        if not left:
            raise self._none_works(ours, failed)
        if failure:
            count = sum(one.proxy.server in failed for one in ours)
            tell(f"proxy {count} of {len(ours)} {failure}; trying the next")
        pick = min(left, key=self._rank)
        self._write(Kept(pick=pick, failed=failed))
        return pick

    def _rank(self, proxy: Proxy) -> str:
        """Return a proxy's place in this profile's own order, so that not all profiles take the first."""
        return hashlib.sha256(f"{self._folder.name} {proxy.server}".encode()).hexdigest()

    def _no_such_country(self, listed: Sequence[Listed]) -> BadSettings:
        counts = Counter(one.proxy.country for one in listed)
        there = ", ".join(f"{country} ({count})" for country, count in sorted(counts.items(), key=str))
        return BadSettings(
            f"the Webshare account has no proxy of {self.country}; "
            + (f"it has proxies of {there}" if there else "it has none at all"),
            next="set proxy_country to a country that it has, or add proxies of this one at Webshare",
        )

    def _none_works(self, ours: Sequence[Listed], failed: Mapping[str, float]) -> SetupError:
        tried = sum(one.proxy.server in failed for one in ours)
        return SetupError(
            f"no proxy of {self.country} works: of {len(ours)}, {tried} failed here within a day, "
            f"{len(ours) - tried} did not pass Webshare's own check",
            next="get other proxies at Webshare; one that failed is tried again after a day, or at once when "
            f"{self._file} is removed",
        )

    def _read(self) -> Kept:
        """Return what is remembered and still holds; a file that makes no sense holds nothing."""
        held, since = read(self._file), self._clock() - FAILED_FOR_S
        try:
            failed = {server: float(at) for server, at in held["failed"].items() if at > since}
            pick = Proxy(**held["pick"]) if held["pick"] else None
        except (KeyError, TypeError, ValueError, AttributeError):
            return Kept()
        usable = pick is not None and pick.country == self.country
        return Kept(pick=pick if usable else None, failed=failed)

    def _write(self, kept: Kept) -> None:
        with translated(self._file):
            make_private(self._folder)
            write_private(self._file, asdict(kept))


def _text(settings: Mapping[str, Any], name: str, default: str = "") -> str:
    value = settings.get(name) or default
    if not isinstance(value, str):
        raise BadSettings(f"{name} has to be text")
    return value.strip()


def _fixed_failed(proxy: Proxy, why: str) -> RushesError:
    if why == REFUSED_SIGN_IN:
        return BadSettings(
            f"the proxy {proxy} {why}",
            next="correct them in SORA_PROXY_URL (the environment or a .env file) or in proxy_url (the "
            "settings file), whichever you set",
        )
    return Unreachable(
        f"the proxy {proxy} {why}",
        next="check that it runs and that proxy_url (or SORA_PROXY_URL) names it, or take that setting out",
    )


class ProxyFailed(Unreachable):
    """The proxy did not let a page through; `why` as `Proxies.replace` takes it."""

    def __init__(self, why: str) -> None:
        super().__init__(f"the proxy {why}")
        self.why = why


def proxy_failure(text: str) -> str | None:
    """Return what a browser's error text says is wrong with the proxy; None if it does not say so.

    One of them may mean either: ERR_HTTP_RESPONSE_CODE_FAILURE is what Chromium says of a proxy that refuses
    the password for an https page (407), and of any site that answers a page with an error and no body.
    """
    kinds = {REFUSED_SIGN_IN: SIGN_IN_FAILURES, NO_WAY_THROUGH: WAY_FAILURES, NO_ANSWER: OTHER_FAILURES}
    return next((why for why, pattern in kinds.items() if pattern.search(text)), None)


def is_proxy_failure(text: str) -> bool:
    """Whether a browser's error text says that the proxy failed, and not the site."""
    return proxy_failure(text) is not None
