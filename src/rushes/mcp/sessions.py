"""Sessions of clients that shake hands over HTTP: of a limited number the one unused longest gives way.

The SDK keeps a session until its client ends it, or half an hour after its last request; clients that crash
never end theirs, and the SDK's own limit then turns away whoever comes next.
"""

from __future__ import annotations

from collections import OrderedDict

from rushes.mcp.connections import App, Message, Receive, Send

MOST_SESSIONS = 64
LARGEST_NUMBER = 2 * MOST_SESSIONS
"""Sessions with a request under way do not give way; of them the SDK refuses more than this."""

IDLE_S = 1800.0

SESSION = b"mcp-session-id"


class Sessions:
    """Passes requests on to `app`, and ends the session unused longest where there are too many."""

    def __init__(self, app: App) -> None:
        self._app = app
        self._requests: OrderedDict[bytes, int] = OrderedDict()
        """How many requests are under way in each session, the one used last at the end."""

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        sent = dict(scope["headers"]).get(SESSION)
        session = sent if sent in self._requests else None
        ended = False

        async def noting(message: Message) -> None:
            nonlocal session, ended
            if message["type"] == "http.response.start":
                opened = dict(message["headers"]).get(SESSION)
                ended = message["status"] == 404 or (scope["method"] == "DELETE" and message["status"] < 300)
                if sent is None and opened is not None and message["status"] < 300:
                    session = opened
                    self._begin(session)
            await send(message)

        if session is not None:
            self._begin(session)
        try:
            await self._app(scope, receive, noting)
        finally:
            if session is not None:
                self._finish(session, ended=ended)
        if sent is None and len(self._requests) > MOST_SESSIONS:
            await self._end_oldest(scope)

    def _begin(self, session: bytes) -> None:
        self._requests[session] = self._requests.get(session, 0) + 1
        self._requests.move_to_end(session)

    def _finish(self, session: bytes, *, ended: bool) -> None:
        if ended:
            self._requests.pop(session, None)
        elif session in self._requests:
            self._requests[session] -= 1

    async def _end_oldest(self, scope: Message) -> None:
        """End the session that was unused for longest, as its client would; `scope` is of another request."""
        oldest = next((session for session, requests in self._requests.items() if not requests), None)
        if oldest is None:
            return
        del self._requests[oldest]
        names = (b"host", b"authorization")
        headers = [(name, value) for name, value in scope["headers"] if name in names]

        async def nothing() -> Message:
            return {"type": "http.request", "body": b"", "more_body": False}

        async def unheard(message: Message) -> None:
            pass

        await self._app(
            {**scope, "method": "DELETE", "headers": [*headers, (SESSION, oldest)]}, nothing, unheard
        )
