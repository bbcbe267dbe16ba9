"""A provider that does nothing but say "running, ask again in 30 s", and counts how often it was asked."""

from __future__ import annotations

import asyncio
import json
import sys

ASK_AFTER_S = 30.0

ANSWER = json.dumps({"state": "running", "fraction": 0.5, "ask_after": ASK_AFTER_S}).encode()
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"


class Provider(asyncio.Protocol):
    """Speaks just enough HTTP for one GET after another on a kept connection."""

    polls = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        self.pending = b""

    def data_received(self, data: bytes) -> None:
        self.pending += data
        while b"\r\n\r\n" in self.pending:
            head, self.pending = self.pending.split(b"\r\n\r\n", 1)
            body = ANSWER
            if head.startswith(b"GET /polls "):
                body = json.dumps(Provider.polls).encode()
            else:
                Provider.polls += 1
            self.transport.write(HEAD % len(body) + body)


async def main() -> None:
    server = await asyncio.get_running_loop().create_server(Provider, "127.0.0.1", 0, backlog=4096)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
