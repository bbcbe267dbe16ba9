"""What a page's script reads of an answer that has no end (F02)."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from itertools import repeat

import pytest
from playwright.async_api import Page, async_playwright

from rushes.domain.errors import OutcomeUnknown, Refused, Unreachable
from rushes.engines.bodies import BEGINNING, LARGEST_ANSWER
from rushes.engines.http import asking, json_of, sending
from rushes.engines.sora_web import chromium
from rushes.engines.sora_web.call import Call, response_of, words_of
from rushes.engines.sora_web.scripts import FETCH
from tests.engines.listeners import Server, pouring

PAGE = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 5\r\n\r\n<p>ok"
PIECE = b" " * 65536
BROWSER_BUFFERS = 64 * 1024 * 1024
"""What may lie between a server and a page's script, neither read nor refused."""

CALL = Call(method="GET", path="/job", headers={})


@asynccontextmanager
async def page_at(server: Server) -> AsyncIterator[Page]:
    """Give a page that was loaded from a server."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=str(chromium.find(None)), args=["--no-sandbox"]
        )
        page = await browser.new_page()
        await page.goto(f"http://{server.place}/")
        try:
            yield page
        finally:
            await browser.close()


@pytest.mark.parametrize("status", ["200 OK", "400 Bad Request"])
async def test_a_page_reads_no_answer_beyond_the_limit(status: str) -> None:
    """F02: its beginning comes back, and a create of it is unknown unless the status refuses it."""
    head = f"HTTP/1.1 {status}\r\nContent-Type: application/json\r\n\r\n".encode() + b'{"id": "task_1"'

    def answer() -> Iterable[bytes]:
        if not server.heard[-1].startswith("GET /job"):
            return [PAGE]
        return (piece for part in ([head], repeat(PIECE)) for piece in part)

    with pouring(answer) as server:
        async with page_at(server) as page:
            words = words_of(CALL, f"http://{server.place}")
            reply = await page.evaluate(FETCH, words)
            with pytest.raises(Unreachable, match="more than 4 MB"), asking():
                response_of(words, reply)
            with pytest.raises(OutcomeUnknown if status == "200 OK" else Refused) as caught, sending():
                response_of(words, reply)
        assert server.sent <= LARGEST_ANSWER + BROWSER_BUFFERS
    assert len(reply["text"]) <= BEGINNING
    if isinstance(caught.value, OutcomeUnknown):
        assert (caught.value.raw or "").startswith('{"id": "task_1"')


@pytest.mark.parametrize("body", ["", '{"words": "über 🎬"}'], ids=["empty", "JSON"])
async def test_a_page_reads_an_answer_whole(body: str) -> None:
    """Whatever charset its server names: the browser has decoded it."""
    data = body.encode()
    head = b"HTTP/1.1 200 OK\r\nContent-Type: application/json; charset=zlib_codec\r\n"

    def answer() -> Iterable[bytes]:
        if not server.heard[-1].startswith("GET /job"):
            return [PAGE]
        return [head + b"Content-Length: %d\r\n\r\n" % len(data), data[:12], data[12:]]

    with pouring(answer) as server:
        async with page_at(server) as page:
            words = words_of(CALL, f"http://{server.place}")
            response = response_of(words, await page.evaluate(FETCH, words))
    assert response.text == body
    assert json_of(response) == ({"words": "über 🎬"} if body else None)
