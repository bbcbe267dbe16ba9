"""A real browser, a real proxy that wants a password, and a page on the loopback."""

from __future__ import annotations

import os
import shutil
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from playwright.async_api import Error, Page, async_playwright

from rushes.engines.sora_web.proxy import BrowserProxy, Proxy, is_proxy_failure
from tests.engines.sora_web.proxies import AuthenticatingProxy, authenticating
from tests.playback.browsers import OFFLINE
from tests.playback.server import Server, serve

USERNAME = "ada-invented"
PASSWORD = "hunter/two@invented:%#"
STEP_MS = 30_000  # the longest that the browser may take over one thing; only an upper bound
LOOPBACK_TOO = "<-loopback>"


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[AuthenticatingProxy]:
    folder = tmp_path_factory.mktemp("proxy")
    with authenticating(folder, username=USERNAME, password=PASSWORD) as running:
        yield running


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Server]:
    (tmp_path / "page.html").write_text("<p>a paper boat</p>")
    with serve(tmp_path) as running:
        yield running


@asynccontextmanager
async def browsing(proxy: Proxy | None) -> AsyncIterator[Page]:
    """Open a tab of a Chromium that goes through `proxy`, to the loopback too."""
    path = shutil.which("chromium")
    if path is None:
        pytest.fail("Chromium is not installed") if os.environ.get("CI") == "true" else pytest.skip(
            "no Chromium"
        )
    through: BrowserProxy | None = None
    if proxy is not None:
        through = {**proxy.as_playwright(), "bypass": LOOPBACK_TOO}
    async with (
        async_playwright() as playwright,
        await playwright.chromium.launch(
            executable_path=path, args=OFFLINE, proxy=through, timeout=STEP_MS
        ) as browser,
    ):
        page = await browser.new_page()
        page.set_default_timeout(STEP_MS)
        yield page


async def error_of(proxy: Proxy | None, url: str) -> str:
    """Return what the browser says where `url` does not open."""
    async with browsing(proxy) as page:
        with pytest.raises(Error) as caught:
            await page.goto(url)
    return str(caught.value)


def nowhere() -> str:
    """Return a loopback "host:port" at which nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return f"127.0.0.1:{probe.getsockname()[1]}"


def command_lines() -> str:
    """Return the command lines of all processes of this machine."""
    found = []
    for file in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            found.append(file.read_bytes().replace(b"\0", b" ").decode(errors="replace"))
        except (FileNotFoundError, ProcessLookupError):
            continue  # a process that has ended meanwhile
    return "\n".join(found)


async def test_a_page_comes_through_the_proxy(guarded: AuthenticatingProxy, site: Server) -> None:
    """An address with a password full of marks opens a page, and the proxy's own log has the request."""
    async with browsing(Proxy.from_url(guarded.url)) as page:
        await page.goto(f"{site.url}/page.html")
        assert await page.inner_text("p") == "a paper boat"
    assert guarded.logged(f"GET 127.0.0.1:{site.server_port}/page.html - 200 OK")


@pytest.mark.skipif(not Path("/proc/self/cmdline").exists(), reason="needs /proc")
async def test_no_command_line_holds_the_credentials(guarded: AuthenticatingProxy, site: Server) -> None:
    """While the browser runs through the proxy, its address can be read off the processes, and no more."""
    proxy = Proxy.from_url(guarded.url)
    async with browsing(proxy) as page:
        await page.goto(f"{site.url}/page.html")
        assert await page.inner_text("p") == "a paper boat"
        running = command_lines()
    assert str(proxy) in running
    assert USERNAME not in running
    assert PASSWORD not in running


async def test_a_wrong_password_is_the_proxys_failure(guarded: AuthenticatingProxy, site: Server) -> None:
    """A proxy that refuses the password is told from a site that fails, and no credentials are told."""
    wrong = replace(Proxy.from_url(guarded.url), password="wrong-invented")
    said = await error_of(wrong, site.url.replace("http://", "https://"))
    assert is_proxy_failure(said)
    assert USERNAME not in said
    assert "wrong-invented" not in said


async def test_no_password_is_the_proxys_failure(guarded: AuthenticatingProxy, site: Server) -> None:
    """A proxy that wants a password which the settings do not have is told from a site that fails."""
    assert is_proxy_failure(await error_of(Proxy(server=guarded.server), f"{site.url}/page.html"))


async def test_a_proxy_that_is_not_there(site: Server) -> None:
    """Where nobody listens at the proxy's address, it is the proxy that failed."""
    assert is_proxy_failure(await error_of(Proxy.from_url(f"http://{nowhere()}"), f"{site.url}/page.html"))


async def test_a_proxy_that_is_none(site: Server) -> None:
    """Where a web server stands at the proxy's address, it is the proxy that failed."""
    said = await error_of(Proxy.from_url(site.url), f"https://{nowhere()}/")
    assert is_proxy_failure(said)


async def test_a_site_that_fails_behind_a_good_proxy(guarded: AuthenticatingProxy, site: Server) -> None:
    """A site that the proxy reaches, and that does not speak TLS, is not taken for the proxy's failure."""
    said = await error_of(Proxy.from_url(guarded.url), site.url.replace("http://", "https://"))
    assert "net::ERR_" in said
    assert not is_proxy_failure(said)


async def test_a_site_that_is_not_there_without_a_proxy() -> None:
    """A site that nobody serves is not taken for the failure of a proxy."""
    said = await error_of(None, f"http://{nowhere()}/")
    assert "net::ERR_" in said
    assert not is_proxy_failure(said)
