"""Downloading 500 MB from loopback against curl, and the memory it takes."""

from __future__ import annotations

import http.server
import os
import shutil
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

from bench.row import Row, command, paired

SIZE = 500 * 1024 * 1024

FETCH = """
import sys
from pathlib import Path
from rushes.engines.contract import Source
from rushes.jobs.download import Downloader
downloader = Downloader()
downloader.fetch(Source(url=sys.argv[1]), Path(sys.argv[2]))
# Not getrusage: its peak begins with that of the process that started this one.
status = Path("/proc/self/status").read_text()
print(int(status.split("VmHWM:")[1].split()[0]) // 1024)
"""


class Handler(http.server.BaseHTTPRequestHandler):
    """Sends the file with sendfile, so that the server is no bottleneck."""

    file: Path

    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Length", str(SIZE))
        self.end_headers()
        with self.file.open("rb") as source:
            self.connection.sendfile(source)

    def log_message(self, *_: object) -> None:
        """Keep quiet: a line for each request would stand between the rows."""


def write_source(file: Path) -> None:
    """Write something that begins like an MP4; piece by piece, or the children would inherit our peak."""
    piece = os.urandom(1024 * 1024)
    with file.open("wb") as source:
        source.write(b"\0\0\0\x18ftypisom")
        for _ in range(SIZE // len(piece)):
            source.write(piece)
    os.truncate(file, SIZE)


def run() -> Iterator[Row]:
    curl = shutil.which("curl")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        Handler.file = folder / "source.mp4"
        write_source(Handler.file)
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_port}/clip.mp4"
        ours = [sys.executable, "-c", FETCH, url, str(folder / "a.mp4")]
        memory = int(subprocess.run(ours, check=True, capture_output=True, text=True).stdout)
        if curl is None:
            yield Row(what="download", told="no curl here", aim="≤ 2× curl", reached=False)
        else:
            theirs = [curl, "--silent", "--output", str(folder / "b.mp4"), url]
            a, b, ratio = paired(command(ours), command(theirs), 5)
            yield Row(
                what="download of 500 MB on loopback, synced to disk, whole process, against curl",
                told=f"{ratio:.2f}× ({a:.2f} s against {b:.2f} s)",
                aim="≤ 2×",
                reached=ratio <= 2,
            )
        server.shutdown()
    yield Row(what="its memory", told=f"{memory} MB", aim="≤ 60 MB", reached=memory <= 60)
