"""A person at a window that rushes has opened: the browser is reached from outside, by its own protocol."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from urllib.parse import urlsplit

from playwright.async_api import Error, Page, async_playwright

from rushes.engines.sora_web.chromium import find
from rushes.testing.sora_emulator.accounts import PASSWORD
from tests.engines.sora_web.stage import Stage
from tests.engines.working import until

ANSWER_S = 15.0


def open_browser(stage: Stage) -> str:
    """Return a program for the setting `browser`: this machine's, with a door for `at_window`."""
    program = stage.home / "browser-with-a-door"
    program.write_text(f'#!/bin/sh\nexec "{find()}" --remote-debugging-port=0 "$@"\n')
    program.chmod(0o755)
    return str(program)


@asynccontextmanager
async def at_window(stage: Stage) -> AsyncIterator[Page]:
    """Have the page that the stage's browser shows, once somebody is seen to be signed in or not."""
    door = stage.home / "profiles" / "sora-web" / "browser" / "DevToolsActivePort"
    await until(lambda: door.exists() and len(door.read_text().splitlines()) == 2)
    port = door.read_text().splitlines()[0]
    async with async_playwright() as playwright:
        browser = await playwright.chromium.connect_over_cdp(f"http://127.0.0.1:{port}")
        page = browser.contexts[0].pages[0]
        await page.locator("#who:not(:empty), #login:visible").first.wait_for(timeout=ANSWER_S * 1000)
        yield page
        with suppress(Error):
            await browser.close()


async def sign_out(page: Page) -> None:
    """Press Log out, and see that nobody is signed in then."""
    await page.click("#out button")
    await page.locator("#login").wait_for(timeout=ANSWER_S * 1000)


async def sign_in(page: Page, email: str) -> None:
    """Sign in at once, without the pages of a sign-in, and see who is signed in then."""
    site = "{0.scheme}://{0.netloc}".format(urlsplit(page.url))
    answer = await page.context.request.post(
        f"{site}/auth/login", form={"email": email, "password": PASSWORD}
    )
    assert answer.ok
    await page.goto(f"{site}/explore")
    await page.locator("#who:not(:empty)").wait_for(timeout=ANSWER_S * 1000)


async def close_window(page: Page) -> None:
    """Close the last page of a window, and with that the browser, as its own button does."""
    with suppress(Error):
        async with asyncio.timeout(ANSWER_S):
            await page.close()


def kill_browser(stage: Stage) -> None:
    """End the stage's browser as a system does that runs out of memory."""
    lock = stage.home / "profiles" / "sora-web" / "browser" / "SingletonLock"
    os.kill(int(os.readlink(lock).rpartition("-")[2]), signal.SIGKILL)
