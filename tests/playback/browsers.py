"""Two real browsers behind one door: `ask(url, script)` opens a page and returns what its script promises."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

import httpx
from playwright.sync_api import Page, sync_playwright

STEP_S = 30  # the longest that a browser may take over one thing; only an upper bound
OFFLINE = [
    "--no-sandbox",  # Chromium refuses to sandbox itself as root, which is what containers run as
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]
MINIBROWSERS = ("lib/*/webkit2gtk-4.*", "lib*/webkit2gtk-4.*", "libexec/webkit2gtk-4.*")


class Missing(Exception):
    """A browser, or something that it needs, is not installed."""


class Browser(Protocol):
    """A browser with one tab."""

    def ask(self, url: str, script: str) -> Any:
        """Open `url`, run the JavaScript expression `script` there, and return what it resolves to."""


class Chromium:
    """Chromium, by Playwright."""

    def __init__(self, page: Page) -> None:
        self._page = page

    def ask(self, url: str, script: str) -> Any:
        """Open `url`, run the JavaScript expression `script` there, and return what it resolves to."""
        self._page.goto(url)
        return self._page.evaluate(script)


@contextmanager
def chromium() -> Iterator[Chromium]:
    """Start Chromium without a window. Its wrapper on Debian may print a harmless "unexpected operator"."""
    with sync_playwright() as playwright:
        names = ("chromium", "chromium-browser", "google-chrome", playwright.chromium.executable_path)
        path = next(filter(None, map(shutil.which, names)), None)
        if path is None:
            raise Missing("Chromium is not installed")
        with playwright.chromium.launch(executable_path=path, args=OFFLINE, timeout=STEP_S * 1000) as browser:
            page = browser.new_page()
            page.set_default_timeout(STEP_S * 1000)
            yield Chromium(page)


class WebKit:
    """WebKitGTK, by the W3C WebDriver protocol; `http` is bound to the driver's address."""

    def __init__(self, http: httpx.Client, session: str) -> None:
        self._http = http
        self._session = session

    def ask(self, url: str, script: str) -> Any:
        """Open `url`, run the JavaScript expression `script` there, and return what it resolves to."""
        self._command("url", {"url": url})
        body = f"const done = arguments[0]; ({script}).then(done, problem => done(String(problem)));"
        return self._command("execute/async", {"script": body, "args": []})

    def _command(self, name: str, body: dict[str, Any]) -> Any:
        answer = self._http.post(f"/session/{self._session}/{name}", json=body)
        assert answer.is_success, answer.text
        return answer.json()["value"]


@contextmanager
def webkit(home: Path) -> Iterator[WebKit]:
    """Start WebKit on a screen of its own, with `home` for its caches."""
    driver = _need("WebKitWebDriver", "WebKit's WebDriver")
    found = [file for root in MINIBROWSERS for file in Path("/usr").glob(f"{root}/MiniBrowser")]
    if not found:
        raise Missing("WebKit's MiniBrowser is not installed")
    port = _free_port()
    with _screen() as display:
        env = os.environ | {"DISPLAY": display, "HOME": str(home), "XDG_CACHE_HOME": str(home / "cache")}
        with (
            _running([driver, f"--port={port}", "--host=127.0.0.1"], env=env),
            httpx.Client(
                base_url=f"http://127.0.0.1:{port}",
                transport=httpx.HTTPTransport(retries=6),  # with pauses that grow: until the driver listens
                timeout=STEP_S + 5,
                trust_env=False,
            ) as http,
            _session(http, found[0]) as session,
        ):
            yield WebKit(http, session)


@contextmanager
def _session(http: httpx.Client, program: Path) -> Iterator[str]:
    """Open a window of the browser `program` and yield the id that the driver gives it."""
    limit = STEP_S * 1000
    wanted = {
        "webkitgtk:browserOptions": {"binary": str(program), "args": ["--automation"]},
        "timeouts": {"pageLoad": limit, "script": limit},
    }
    answer = http.post("/session", json={"capabilities": {"alwaysMatch": wanted}})
    assert answer.is_success, answer.text
    session = str(answer.json()["value"]["sessionId"])
    try:
        yield session
    finally:
        http.delete(f"/session/{session}")


@contextmanager
def _screen() -> Iterator[str]:
    """Start a virtual screen and yield its name, ":7" or so, once it is ready to be drawn on."""
    xvfb = _need("Xvfb", "the virtual screen")
    reader, writer = os.pipe()
    command = [xvfb, "-displayfd", str(writer), "-screen", "0", "1280x800x24", "-nolisten", "tcp"]
    with os.fdopen(reader) as ready, _running(command, pass_fds=(writer,)):
        os.close(writer)
        number = ready.readline().strip()  # written when it is ready; empty when it ended before
        assert number, "Xvfb did not start"
        yield f":{number}"


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return int(probe.getsockname()[1])


def _need(program: str, name: str) -> str:
    path = shutil.which(program)
    if path is None:
        raise Missing(f"{name} ({program}) is not installed")
    return path


@contextmanager
def _running(command: list[str], **options: Any) -> Iterator[None]:
    """Run a program for as long as the block runs; what it says goes nowhere."""
    quiet = subprocess.DEVNULL
    with subprocess.Popen(command, stdin=quiet, stdout=quiet, stderr=quiet, **options) as process:
        try:
            yield
        finally:
            process.terminate()
