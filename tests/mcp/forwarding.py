"""In front of a server: what hands every connection on with the token in its request, for clients without."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from socketserver import BaseRequestHandler, ThreadingTCPServer
from threading import Thread
from typing import ClassVar
from urllib.parse import urlsplit

from tests.mcp.agent import TOKEN


class _Handler(BaseRequestHandler):
    """Carries one request a connection, so that there is one head to write the token into."""

    near: ClassVar[bytes]
    """The port that clients name, after a colon, and in place of it:"""
    far: ClassVar[bytes]
    place: ClassVar[tuple[str, int]]

    def handle(self) -> None:
        head = b""
        while b"\r\n\r\n" not in head:
            more = self.request.recv(65536)
            if not more:
                return
            head += more
        head, _, body = head.partition(b"\r\n\r\n")
        request, *fields = head.split(b"\r\n")
        kept = [one for one in fields if not one.lower().startswith(b"connection:")]
        kept = [one.replace(self.near, self.far) if _names_a_place(one) else one for one in kept]
        added = [b"Connection: close", f"Authorization: Bearer {TOKEN}".encode()]
        with socket.create_connection(self.place) as server:
            server.sendall(b"\r\n".join([request, *kept, *added]) + b"\r\n\r\n" + body)
            sending = Thread(target=_pump, args=(self.request, server), daemon=True)
            sending.start()
            _pump(server, self.request)
            with suppress(OSError):
                self.request.shutdown(socket.SHUT_RDWR)
            sending.join()


def _names_a_place(field: bytes) -> bool:
    return field.lower().startswith((b"host:", b"origin:"))


def _pump(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(65536):
            target.sendall(data)
        target.shutdown(socket.SHUT_WR)


@contextmanager
def with_token(address: str) -> Iterator[str]:
    """Serve what is at `address` to clients that send no token; give that address."""
    far = urlsplit(address)
    assert far.hostname is not None
    assert far.port is not None
    with ThreadingTCPServer(("127.0.0.1", 0), _Handler) as server:
        server.daemon_threads = True
        port = server.server_address[1]
        near = f"127.0.0.1:{port}"
        _Handler.near, _Handler.far = f":{port}".encode(), f":{far.port}".encode()
        _Handler.place = (far.hostname, far.port)
        thread = Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://{near}{far.path}"
        finally:
            server.shutdown()
            thread.join()
