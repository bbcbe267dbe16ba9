"""A web server for clips that answers ranges, as Safari demands before it plays anything."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

TYPES = {".mp4": "video/mp4", ".html": "text/html; charset=utf-8"}
PLAYER = Path(__file__).with_name("player.html")


class Server(ThreadingHTTPServer):
    """Serves `player.html` and the files of `folder`; `ranges` notes each Range header that was answered."""

    daemon_threads = True

    def __init__(self, folder: Path) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.folder = folder
        self.ranges: list[tuple[str, str]] = []

    @property
    def url(self) -> str:
        """The server's address, without a slash at the end."""
        return f"http://127.0.0.1:{self.server_port}"

    def find(self, path: str) -> Path:
        """Return the file behind the URL path `path`."""
        return PLAYER if path == f"/{PLAYER.name}" else self.folder / path.removeprefix("/")


class _Handler(BaseHTTPRequestHandler):
    server: Server
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        file = self.server.find(self.path)
        if not file.is_file():
            self.send_error(HTTPStatus.NOT_FOUND)
            return
        body = file.read_bytes()
        asked = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("Range", ""))
        first, last = 0, len(body) - 1
        if asked:
            self.server.ranges.append((file.name, asked[0]))
            first, last = int(asked[1]), min(int(asked[2] or last), last)
        if first > last:
            self.send_response(HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE)
            self.send_header("Content-Range", f"bytes */{len(body)}")
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        self.send_response(HTTPStatus.PARTIAL_CONTENT if asked else HTTPStatus.OK)
        if asked:
            self.send_header("Content-Range", f"bytes {first}-{last}/{len(body)}")
        self.send_header("Accept-Ranges", "bytes")
        self.send_header("Content-Type", TYPES[file.suffix])
        self.send_header("Content-Length", str(last - first + 1))
        self.end_headers()
        with suppress(ConnectionError):  # a player that has seen enough hangs up
            self.wfile.write(body[first : last + 1])

    def log_message(self, *_: object) -> None:
        """Say nothing; the requests that matter are in `ranges`."""


@contextmanager
def serve(folder: Path) -> Iterator[Server]:
    """Serve `folder` on a free port of the loopback for as long as the block runs."""
    with Server(folder) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()
