"""The viewer in a real browser, inside a host as the specification has it."""

from __future__ import annotations

from pathlib import Path

from mcp_types import CallToolResult
from playwright.async_api import Frame, Page, async_playwright

from rushes.mcp.server import VIEWER
from tests.cli.terminal import Terminal
from tests.mcp.agent import SMALL, agent, call, done, job_of, links_of

HOST = Path(__file__).with_name("host.html").read_text(encoding="utf-8")
WORDS = "a kite <img src=x onerror=parent.postMessage('broken','*')> over dunes"

LOADED = "one => new Promise(done => setInterval(() => one.naturalWidth && done(one.naturalWidth), 20))"
"""The width of a picture, once it is there."""


async def opened(page: Page, html: str, result: CallToolResult, blobs: dict[str, object]) -> Frame:
    """Return the view with a result shown in it."""
    await page.set_content(HOST)
    theirs = result.model_dump(by_alias=True, mode="json", exclude_none=True)
    await page.evaluate("([html, result, blobs]) => mount(html, result, blobs)", [html, theirs, blobs])
    frame = page.frames[-1]
    await frame.wait_for_selector("h1")
    return frame


async def test_the_viewer_shows_a_clip(terminal: Terminal, chromium: Path) -> None:
    """It shows sheet, facts and cost, takes a prompt for words alone, and loads the clip when told to.

    A result without pictures has its sheet read from the server.
    """
    async with agent(terminal) as client:
        job = job_of(await call(client, "create_video", prompt=WORDS, **SMALL))
        result = await done(client, job)
        bare = await call(client, "get_job", job_id=job)
        (page_read,) = (await client.read_resource(VIEWER)).contents
        files = [(await client.read_resource(one.uri)).contents[0] for one in links_of(result)]
    blobs: dict[str, object] = {
        str(one.uri): one.model_dump(by_alias=True, mode="json", exclude_none=True) for one in files
    }
    html = page_read.model_dump()["text"]
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=chromium)
        page = await browser.new_page()
        view = await opened(page, html, result, blobs)
        text = await view.inner_text("main")
        sheet = await view.eval_on_selector("img", "one => one.decode().then(() => one.naturalWidth)")
        await view.click("button")
        await view.wait_for_selector("video")
        source = await view.eval_on_selector("video", "one => one.src")
        heard = await page.evaluate("heard")
        view = await opened(await browser.new_page(), html, bare, blobs)
        fetched = await view.eval_on_selector("img", LOADED)
        await browser.close()

    assert page_read.mime_type == "text/html;profile=mcp-app"
    assert WORDS in text
    assert "854×480" in text
    assert "free" in text
    assert fetched == sheet > 600
    assert source.startswith("data:video/mp4;base64,")
    assert "broken" not in heard
    assert any(one.get("method") == "ui/notifications/size-changed" for one in heard)
