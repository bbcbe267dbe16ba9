"""A provider that does nothing but say "running, ask again in 30 s", and notes when it was asked."""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections import defaultdict
from itertools import pairwise

ASK_AFTER_S = 30.0

ANSWER = json.dumps({"state": "running", "fraction": 0.5, "ask_after": ASK_AFTER_S}).encode()
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
asked: dict[bytes, list[float]] = defaultdict(list)


class Provider(asyncio.Protocol):
    """Speaks just enough HTTP for one GET after another on a kept connection."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        self.pending = b""

    def data_received(self, data: bytes) -> None:
        self.pending += data
        while b"\r\n\r\n" in self.pending:
            head, self.pending = self.pending.split(b"\r\n\r\n", 1)
            path = head.split(b" ", 2)[1]
            body = ANSWER
            if path == b"/lags":
                body = json.dumps(lags()).encode()
            else:
                asked[path].append(time.monotonic())
            self.transport.write(HEAD % len(body) + body)


def lags() -> list[float]:
    """Return how much later than asked for each job was polled again, in seconds."""
    return [
        later - earlier - ASK_AFTER_S for times in asked.values() for earlier, later in pairwise(times[1:])
    ]


async def main() -> None:
    server = await asyncio.get_running_loop().create_server(Provider, "127.0.0.1", 0, backlog=4096)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
