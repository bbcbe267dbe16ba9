"""Looking at the site as its own page sees it: a browser on the signed-in profile, and all it asks for.

Nothing that was not redacted is ever written: what the browser said is held in memory until it has ended. A
kill loses the recording, and leaves nothing behind.
"""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from rushes.domain.errors import BadInput, Unreachable
from rushes.domain.permissions import make_private
from rushes.engines.sora_web.browser import Browser
from rushes.engines.sora_web.opening import HOME, visit
from rushes.engines.sora_web.recording import Exchange, Recorder
from rushes.engines.sora_web.redaction import redact

if TYPE_CHECKING:
    from playwright.async_api import BrowserContext

    from rushes.engines.sora_web.engine import SoraWebEngine

HEADS = "TIME          METHOD  STATUS      MS  PATH"
"""Over the lines of the table."""

LONGEST_PAGE_S = 30.0
"""Seconds a page without a window may load where nobody said how long."""


@dataclass(frozen=True, kw_only=True)
class Journey:
    """Where the browser goes: `paths` of the site, one after the other; `seconds` bound all of it.

    With a window (`headed`) a person goes on from there until they close it. `everything`: other hosts, and
    what is not a call, are recorded too.
    """

    paths: Sequence[str] = (HOME,)
    headed: bool = False
    seconds: float | None = None
    everything: bool = False


@dataclass(frozen=True, kw_only=True)
class Explored:
    """The files that came of it, without secrets, and the exchanges in the order in which they ended."""

    har: Path
    table: Path
    exchanges: Sequence[Exchange]


def default_folder(engine: SoraWebEngine) -> Path:
    """Return a folder beside the profile, named by the time; nothing of the kind is there yet."""
    return engine.profile.folder / "explore" / f"{datetime.now(UTC):%Y-%m-%dT%H-%M-%SZ}"


async def explore(
    engine: SoraWebEngine, journey: Journey, folder: Path, tell: Callable[[Exchange], None]
) -> Explored:
    """Go there, tell of each exchange as it ends, and write `requests.har` and `requests.txt` (0600).

    They are written too where something fails or the caller cancels. Raises SignInNeeded, BadInput for a
    path that is none, and Unreachable where the browser is in use or the site does not open.
    """
    _check(journey.paths)
    engine.site.check_signed_in()
    make_private(folder)
    await engine.profile.ask_for("rushes sora explore")
    recorder = Recorder(engine.base_url, tell, everything=journey.everything)
    tour = Tour(engine.base_url, journey, recorder)
    try:
        browser: Browser | None = None
        try:
            browser = await engine.opener(headed=journey.headed).open(tour.begin)
            await tour.go_on(browser)
        finally:
            recorded = await recorder.har()
            if browser is not None:
                await browser.close()
            _write(folder / "requests.har", json.dumps(redact(recorded), indent=1, ensure_ascii=False))
            _write(folder / "requests.txt", "\n".join(table(recorder.exchanges)) + "\n")
    finally:
        engine.profile.release()
    return Explored(har=folder / "requests.har", table=folder / "requests.txt", exchanges=recorder.exchanges)


def table(exchanges: Sequence[Exchange]) -> list[str]:
    """Return exchanges as lines: when (UTC), how, what came of it, after how many ms, what for."""
    return [HEADS, *map(line, exchanges)]


def line(one: Exchange) -> str:
    """Return one exchange as a line of the table."""
    status = "-" if one.status is None else str(one.status)
    ms = "-" if one.ms is None else f"{one.ms:.0f}"
    failure = f"  ({one.failure})" if one.failure else ""
    at = f"{one.at:%H:%M:%S}.{one.at.microsecond // 1000:03}"
    return f"{at}  {one.method:<6}  {status:<6}  {ms:>6}  {one.address}{failure}"


def _check(paths: Sequence[str]) -> None:
    for path in paths:
        if not path.startswith("/"):
            raise BadInput(f"{path!r} is no path of the site", next=f"give paths such as {HOME}")


class Tour:
    """A journey under way, recorded from its first page on."""

    def __init__(self, base_url: str, journey: Journey, recorder: Recorder) -> None:
        self._base_url = base_url
        self._journey = journey
        self._recorder = recorder
        self._closed = asyncio.Event()
        self._ends_at: float | None = None

    async def begin(self, browser: Browser) -> None:
        """Open the first page in a browser that has just been started; its proxy may fail there."""
        seconds = self._journey.seconds
        if seconds is None and not self._journey.headed:
            seconds = LONGEST_PAGE_S * len(self._journey.paths)
        self._ends_at = None if seconds is None else asyncio.get_running_loop().time() + seconds
        self._recorder.listen(browser.context)
        self._closed = _closed(browser.context)
        with suppress(TimeoutError):
            async with asyncio.timeout_at(self._ends_at):
                await _visit(browser, self._base_url + self._journey.paths[0])

    async def go_on(self, browser: Browser) -> None:
        """Open the other pages; with a window, wait until a person closes it."""
        with suppress(TimeoutError):
            async with asyncio.timeout_at(self._ends_at):
                await _wait_until_quiet(browser)
                for path in self._journey.paths[1:]:
                    await _visit(browser, self._base_url + path)
                    await _wait_until_quiet(browser)
                if self._journey.headed:
                    await self._closed.wait()


def _closed(context: BrowserContext) -> asyncio.Event:
    """Return what is set once the last window is closed; on some systems the browser goes on without one."""
    closed = asyncio.Event()

    def look(_: object) -> None:
        if not context.pages:
            closed.set()

    for page in context.pages:
        page.on("close", look)
    context.on("page", lambda page: page.on("close", look))
    return closed


async def _visit(browser: Browser, address: str) -> None:
    try:
        await visit(browser, address)
    except Unreachable:
        # If the person has closed the window, that is how this ends.
        if browser.context.pages and not browser.crashed:
            raise


async def _wait_until_quiet(browser: Browser) -> None:
    """Wait until the page asks for nothing more; some never do."""
    # Also if the window was closed meanwhile.
    with suppress(Exception):
        await browser.page.wait_for_load_state("networkidle", timeout=LONGEST_PAGE_S * 1000)


def _write(file: Path, text: str) -> None:
    descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with open(descriptor, "w", encoding="utf-8") as opened:
        os.fchmod(opened.fileno(), 0o600)
        opened.write(text)
