"""What strangers, and careless clients, can take from the agents' door: nothing that others need."""

from __future__ import annotations

import asyncio
import json
import socket
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from rushes import settings
from rushes.mcp.connections import MOST_STRANGERS
from rushes.mcp.http import serve_http
from rushes.mcp.sessions import MOST_SESSIONS
from rushes.studio import Studio
from tests.cli.terminal import Terminal
from tests.mcp.agent import BEARER, TOKEN, serving
from tests.mcp.test_http import HELLO, JSON, hello
from tests.mcp.test_limits import Hasty

HALF_CHUNKED = "Transfer-Encoding: chunked\r\n\r\n1\r\n{{"
HEAD = "POST /mcp HTTP/1.1\r\nHost: {place}\r\nAuthorization: Bearer {token}\r\n"


class Narrow(Terminal):
    """A terminal whose processes may open 256 files and no more."""

    def command(self, *words: str) -> list[str]:
        return ["/bin/sh", "-c", 'ulimit -n 256 && exec "$@"', "sh", *super().command(*words)]


@contextmanager
def hasty(terminal: Terminal) -> Iterator[str]:
    """Serve in this process, on a loop whose time goes by fifty times faster; give the address."""
    loops: list[asyncio.AbstractEventLoop] = []
    address: list[str] = []
    listening = threading.Event()

    def started(url: str, made: str | None) -> None:
        address.append(urlsplit(url).netloc)
        listening.set()

    async def serve() -> None:
        loops.append(asyncio.get_running_loop())
        environ = {**terminal.environ, "RUSHES_MCP_TOKEN": TOKEN}
        async with Studio.open(settings.load(environ)) as studio:
            serving = asyncio.create_task(serve_http(studio, ("127.0.0.1", 0), (), started))
            tasks.append(serving)
            await asyncio.wait([serving])

    tasks: list[asyncio.Task[None]] = []
    thread = threading.Thread(target=lambda: asyncio.Runner(loop_factory=Hasty).run(serve()))
    thread.start()
    assert listening.wait(60)
    try:
        yield address[0]
    finally:
        loops[0].call_soon_threadsafe(tasks[0].cancel)
        thread.join()


def dialed(place: str, sent: bytes) -> socket.socket:
    """Return a connection on which these bytes were sent."""
    host, _, port = place.partition(":")
    one = socket.create_connection((host, int(port)), timeout=60)
    one.sendall(sent)
    return one


def is_open(one: socket.socket) -> bool:
    """Whether the other end has neither closed nor reset a connection, as far as has arrived here."""
    one.setblocking(False)
    try:
        return one.recv(1) != b""
    except BlockingIOError:
        return True
    except OSError:
        return False


@pytest.mark.skipif(sys.platform == "win32", reason="there is no such limit of open files")
def test_strangers_with_idle_connections_keep_nobody_out(terminal: Terminal) -> None:
    """F12: more half requests than files may be opened; who has the token is answered, again and again."""
    narrow = Narrow(home=terminal.home)
    with serving(narrow) as address, ExitStack() as held:
        place = urlsplit(address).netloc
        answers, waiting = [], []
        for _ in range(3):
            waiting += [held.enter_context(dialed(place, b"POST /mcp HT")) for _ in range(200)]
            answers.append(hello(address, {}))
        still_open = sum(map(is_open, waiting))

    assert answers == [200, 200, 200]
    assert still_open <= MOST_STRANGERS


@pytest.mark.parametrize(
    "sent",
    [
        "",
        "POST /mcp HT",
        HEAD + "Content-Length: 50\r\n\r\n{{",
        HEAD + "Transfer-Encoding: chunked\r\n\r\n1\r\n{{",
    ],
    ids=["nothing", "half a head", "half a body", "half a chunked body"],
)
def test_a_request_that_never_ends_is_given_up(terminal: Terminal, sent: str) -> None:
    """F12: silence, half a head and half a body, with the token or without, end with the connection."""
    with hasty(terminal) as place, dialed(place, sent.format(place=place, token=TOKEN).encode()) as one:
        try:
            answer = one.recv(1000)
        except ConnectionResetError:
            answer = b""

    assert answer == b""


def test_a_stranger_is_refused_before_the_body(terminal: Terminal) -> None:
    """F12: the refusal comes while the body is still on its way, and then the connection ends."""
    with hasty(terminal) as place:
        head = HEAD.format(place=place, token="guessed") + "Content-Length: 1000000\r\n\r\n"
        with dialed(place, head.encode()) as one:
            answer = b""
            try:
                while more := one.recv(1000):
                    answer += more
                    one.sendall(b"x" * 1000)
            except (ConnectionResetError, BrokenPipeError):
                pass

    assert answer.startswith(b"HTTP/1.1 401 ")
    assert b"connection: close" in answer


def test_a_client_that_reads_nothing_is_let_go(terminal: Terminal) -> None:
    """F12: answers that nobody reads are not kept for ever; others are answered meanwhile."""
    listing = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "tools/list", "params": {}})
    with hasty(terminal) as place, socket.socket() as idle:
        address = f"http://{place}/mcp"
        session = httpx.post(address, json=HELLO, headers={**JSON, **BEARER}).headers["mcp-session-id"]
        fields = {**JSON, "mcp-session-id": session, "content-length": str(len(listing))}
        lines = "".join(f"{name}: {value}\r\n" for name, value in fields.items())
        request = (HEAD.format(place=place, token=TOKEN) + lines + "\r\n" + listing).encode()
        idle.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        host, _, port = place.partition(":")
        idle.connect((host, int(port)))
        idle.settimeout(60)
        with pytest.raises(ConnectionError):
            flood(idle, request)
        other = hello(address, {})

    assert other == 200


def flood(one: socket.socket, request: bytes) -> None:
    """Send a request again and again, until the other end has had enough."""
    while True:
        one.sendall(request)


def test_sessions_do_not_pile_up(terminal: Terminal) -> None:
    """F30: of many sessions that nobody ended the one unused longest gives way; one in use stays."""
    with serving(terminal) as address, httpx.Client(headers={**JSON, **BEARER}, timeout=60) as client:

        def opened() -> str:
            answer = client.post(address, json=HELLO)
            assert answer.status_code == 200
            return answer.headers["mcp-session-id"]

        def status(session: str) -> int:
            listing = {"jsonrpc": "2.0", "id": 2, "method": "ping"}
            headers = {"mcp-session-id": session, "mcp-protocol-version": "2025-11-25"}
            return client.post(address, json=listing, headers=headers).status_code

        busy, idle = opened(), opened()
        stream: Any = {"mcp-session-id": busy, "accept": "text/event-stream"}
        with client.stream("GET", address, headers=stream):
            newest = [opened() for _ in range(MOST_SESSIONS)][-1]
            statuses = [status(one) for one in (busy, idle, newest)]

    assert statuses == [200, 404, 200]
