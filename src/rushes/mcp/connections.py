"""Connections of the agents' door over HTTP: what a client may hold, before it has shown the token and after.

uvicorn waits for a request for ever, and takes as many connections as come. Here each has a deadline, their
number is limited, and of those that have shown no token the oldest gives way to the newest: whoever holds
connections open keeps nobody out who has the token.
"""

from __future__ import annotations

import asyncio
import hmac
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from typing import Any

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Message, Receive, Send], Awaitable[None]]

MOST_CONNECTIONS = 256
MOST_STRANGERS = 64
"""Connections that have shown no token yet."""

RESERVED_FILES = 64
"""Files of this process that are no connections: the ledger, clips, pipes of child processes."""

WANTED_FILES = 4_096

BACKLOG = 32
"""Connections that asyncio accepts in one go, before any of them is counted here."""

REQUEST_S = 20.0
"""How long a request may take to arrive, body and all, from the connection or its first byte on."""

LINGER_S = 2.0
"""How long a refused client has to read why."""

SLOW_READER_S = 60.0
"""How long a client may read nothing of an answer that waits for it."""


UNAUTHORIZED = (
    b"HTTP/1.1 401 Unauthorized\r\nwww-authenticate: Bearer\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
)


class Connections:
    """The open connections of a server, at most `most`, and the token that its clients send."""

    def __init__(self, token: str, most: int) -> None:
        self._wanted = f"Bearer {token}".encode()
        self._most = most
        self._strangers: dict[Connection, None] = {}
        self._known: set[Connection] = set()

    def add(self, one: Connection) -> None:
        """Count a connection that was just made; the oldest stranger gives way if there are too many."""
        self._strangers[one] = None
        if len(self._strangers) > MOST_STRANGERS or len(self._strangers) + len(self._known) > self._most:
            next(iter(self._strangers)).drop()

    def remove(self, one: Connection) -> None:
        self._strangers.pop(one, None)
        self._known.discard(one)

    def admits(self, one: Connection, headers: Iterable[tuple[bytes, bytes]]) -> bool:
        """Whether a request has the token; its connection is no stranger's from then on."""
        given = [value for name, value in headers if name == b"authorization"]
        if len(given) != 1 or not hmac.compare_digest(given[0], self._wanted):
            return False
        if one in self._strangers:
            del self._strangers[one]
            self._known.add(one)
        return True


class Connection(H11Protocol):
    """One connection. Without the token it is answered with 401 before a body is read, and closed."""

    def __init__(self, connections: Connections, **uvicorn: Any) -> None:
        super().__init__(**uvicorn)
        self._connections = connections
        self._served: App = self.app
        self.app = self._guarded
        self._refused = False
        self._deadline: asyncio.TimerHandle | None = None
        self._reader_deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._set_deadline(REQUEST_S)
        self._connections.add(self)

    def connection_lost(self, exc: Exception | None) -> None:
        self._connections.remove(self)
        self._clear_deadline()
        self.resume_writing()
        super().connection_lost(exc)

    def drop(self) -> None:
        """Close it at once, whatever is under way."""
        # Counted no longer from now on: the loop tells of the loss only later.
        self._connections.remove(self)
        self.transport.abort()

    # --- arriving ---

    def data_received(self, data: bytes) -> None:
        if self._refused:
            return
        before = self.cycle
        super().data_received(data)
        if self.cycle is not before:
            self._clear_deadline()
        if self.conn.their_state not in (h11.IDLE, h11.SEND_BODY):
            self._clear_deadline()
        elif self._deadline is None:
            self._set_deadline(REQUEST_S)

    def _set_deadline(self, seconds: float) -> None:
        self._clear_deadline()
        self._deadline = self.loop.call_later(seconds, self.drop)

    def _clear_deadline(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    # --- answering ---

    async def _guarded(self, scope: Message, receive: Receive, send: Send) -> None:
        if self._connections.admits(self, scope["headers"]):
            await self._served(scope, receive, send)
            return
        self._refuse()

    def _refuse(self) -> None:
        """Answer 401, and close once the client has read it."""
        self._refused = True
        # uvicorn has nothing to add: it would close at once, and the client often see a reset instead.
        self.cycle.disconnected = True
        if self.transport.is_closing():
            return
        self.transport.write(UNAUTHORIZED)
        self._set_deadline(LINGER_S)
        # What still arrives is read and thrown away.
        self.flow.resume_reading()
        if self.transport.can_write_eof():
            self.transport.write_eof()

    def pause_writing(self) -> None:
        super().pause_writing()
        self._reader_deadline = self.loop.call_later(SLOW_READER_S, self.drop)

    def resume_writing(self) -> None:
        super().resume_writing()
        if self._reader_deadline is not None:
            self._reader_deadline.cancel()
            self._reader_deadline = None


def connections_allowed() -> int:
    """Return how many connections this process may hold at once; raise its limit of open files if possible.

    Systems without such a limit hold as many as we want to.
    """
    try:
        import resource
    except ModuleNotFoundError:
        return MOST_CONNECTIONS
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY:
        return MOST_CONNECTIONS
    wanted = max(soft, WANTED_FILES if hard == resource.RLIM_INFINITY else min(WANTED_FILES, hard))
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    except (OSError, ValueError):
        wanted = soft
    # Up to a backlog of connections is accepted before the surplus is closed.
    return max(8, min(MOST_CONNECTIONS, wanted - RESERVED_FILES - 2 * BACKLOG))
