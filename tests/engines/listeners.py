"""Servers on the loopback that do not answer as others do: silent, without an end, or as a SOCKS5 proxy."""

from __future__ import annotations

import select
import socket
import socketserver
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress

PATIENCE_S = 20.0


class Server(socketserver.ThreadingTCPServer):
    """A server on a free port; `heard` is what its clients have sent or asked for."""

    daemon_threads = True
    allow_reuse_address = True

    def __init__(self, handler: type[socketserver.BaseRequestHandler]) -> None:
        super().__init__(("127.0.0.1", 0), handler)
        self.heard: list[str] = []
        self.stopping = threading.Event()

        self.sent = 0
        """Bytes of answers that its clients have taken, as far as the system tells."""

    @property
    def place(self) -> str:
        """Its host and port."""
        return f"127.0.0.1:{self.server_address[1]}"


class _Silent(socketserver.BaseRequestHandler):
    server: Server

    def handle(self) -> None:
        with suppress(OSError):
            self.server.heard.append(self.request.recv(65536).decode("latin-1"))
        self.server.stopping.wait(PATIENCE_S)


class _Pouring(socketserver.BaseRequestHandler):
    """Answers every request of a connection with the pieces of `answer`, for as long as they are taken."""

    server: Server
    answer: Callable[[], Iterable[bytes]]

    def handle(self) -> None:
        with suppress(OSError):
            while head := self.request.recv(65536):
                self.server.heard.append(head.decode("latin-1"))
                for piece in type(self).answer():
                    self.request.sendall(piece)
                    self.server.sent += len(piece)
                    if self.server.stopping.is_set():
                        return


class _Socks(socketserver.BaseRequestHandler):
    """RFC 1928 without a password: CONNECT to an address or a name."""

    server: Server

    def handle(self) -> None:
        self._read(self._read(2)[1])
        self.request.sendall(b"\x05\x00")
        kind = self._read(4)[3]
        host = self._read(self._read(1)[0]).decode() if kind == 3 else socket.inet_ntoa(self._read(4))
        port = int.from_bytes(self._read(2))
        self.server.heard.append(f"{host}:{port}")
        with socket.create_connection((host, port), timeout=PATIENCE_S) as other:
            self.request.sendall(b"\x05\x00\x00\x01" + bytes(6))
            self._relay(other)

    def _read(self, count: int) -> bytes:
        data: bytes = self.request.recv(count, socket.MSG_WAITALL)
        return data

    def _relay(self, other: socket.socket) -> None:
        across = {self.request: other, other: self.request}
        while True:
            for one in select.select(list(across), [], [], PATIENCE_S)[0]:
                data = one.recv(65536)
                if not data:
                    return
                across[one].sendall(data)


@contextmanager
def _running(handler: type[socketserver.BaseRequestHandler]) -> Iterator[Server]:
    with Server(handler) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield server
        finally:
            server.stopping.set()
            server.shutdown()
            thread.join()


def silent() -> AbstractContextManager[Server]:
    """Run a server that takes what it is sent and never answers."""
    return _running(_Silent)


def socks_proxy() -> AbstractContextManager[Server]:
    """Run a SOCKS5 proxy; `heard` names the places it was asked to connect to."""
    return _running(_Socks)


def pouring(answer: Callable[[], Iterable[bytes]]) -> AbstractContextManager[Server]:
    """Run a server that sends the pieces of `answer`, head and all, to whatever it is asked."""
    return _running(type("Handler", (_Pouring,), {"answer": staticmethod(answer)}))
