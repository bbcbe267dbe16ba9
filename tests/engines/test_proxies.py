"""Which proxy a request goes through: the variables as desktops and other programs write them."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from rushes.domain.errors import RushesError, SetupError, Unreachable
from rushes.engines.contract import Source
from rushes.engines.proxies import proxy_for
from rushes.jobs.download import Downloader
from tests.engines.listeners import socks_proxy

HTTP = "http://127.0.0.1:3128"

CHOICES: list[tuple[Mapping[str, str], str, str | None]] = [
    ({}, "https://fal.run", None),
    ({"HTTP_PROXY": HTTP}, "http://fal.run", HTTP),
    ({"HTTP_PROXY": HTTP}, "https://fal.run", None),
    ({"https_proxy": HTTP}, "https://fal.run", HTTP),
    ({"ALL_PROXY": HTTP}, "https://fal.run", HTTP),
    ({"all_proxy": "socks5h://127.0.0.1:1080"}, "http://fal.run", "socks5h://127.0.0.1:1080"),
    ({"ALL_PROXY": "socks://127.0.0.1:10808/"}, "https://fal.run", "socks5://127.0.0.1:10808/"),
    ({"ALL_PROXY": "SOCKS5://h:1"}, "https://fal.run", "socks5://h:1"),
    ({"ALL_PROXY": "127.0.0.1:3128"}, "https://fal.run", HTTP),
    ({"ALL_PROXY": f" {HTTP}\r"}, "https://fal.run", HTTP),
    ({"HTTPS_PROXY": HTTP, "ALL_PROXY": "socks5://h:1"}, "https://fal.run", HTTP),
    ({"HTTPS_PROXY": "", "ALL_PROXY": HTTP}, "https://fal.run", HTTP),
    ({"https_proxy": "", "HTTPS_PROXY": HTTP}, "https://fal.run", None),
    ({"https_proxy": "http://lower:1", "HTTPS_PROXY": HTTP}, "https://fal.run", "http://lower:1"),
    ({"HTTPS_PROXY": "http://me:p%40ss@h:1"}, "https://fal.run", "http://me:p%40ss@h:1"),
]


@pytest.mark.parametrize(("environ", "url", "proxy"), CHOICES)
def test_the_variables_name_the_proxy(environ: Mapping[str, str], url: str, proxy: str | None) -> None:
    """By scheme before ALL_PROXY, lower before upper case, `socks://` for `socks5://` (C05)."""
    assert proxy_for(url, environ) == proxy


DIRECT = [
    ("*", "https://fal.run"),
    ("localhost, *", "https://fal.run"),
    ("fal.run", "https://fal.run"),
    ("fal.run", "https://queue.fal.run"),
    (".fal.run", "https://queue.fal.run"),
    (".fal.run", "https://fal.run"),
    ("*.fal.run", "https://queue.fal.run"),
    ("FAL.RUN", "https://Queue.Fal.Run"),
    ("a,  fal.run ,b", "https://fal.run"),
    ("a fal.run b", "https://fal.run"),
    ("fal.run:443", "https://fal.run"),
    ("fal.run:8000", "http://fal.run:8000"),
    ("https://fal.run/", "https://fal.run"),
    ("fal.run.", "https://fal.run."),
    ("localhost", "http://localhost:8000"),
    ("127.0.0.1", "http://127.0.0.1:8000"),
    ("127.0.0.1:8000", "http://127.0.0.1:8000"),
    ("10.0.0.0/8", "http://10.200.3.4:8000"),
    ("192.168.1.7/24", "http://192.168.1.9"),
    ("::1", "http://[::1]:8000"),
    ("[::1]", "http://[::1]:8000"),
    ("[::1]:8000", "http://[::1]:8000"),
    ("fd00::/8", "http://[fd12::3]:8000"),
    ("[fd00::]/8", "http://[fd12::3]:8000"),
]


@pytest.mark.parametrize(("exceptions", "url"), DIRECT)
@pytest.mark.parametrize("proxy", [HTTP, "socks4://h:1", "not an address"])
def test_a_host_in_no_proxy_is_asked_directly(exceptions: str, url: str, proxy: str) -> None:
    """Names, suffixes, ports, addresses and networks; a proxy that is broken is not looked at (C05)."""
    assert proxy_for(url, {"ALL_PROXY": proxy, "NO_PROXY": exceptions}) is None
    assert proxy_for(url, {"all_proxy": proxy, "no_proxy": exceptions}) is None


THROUGH = [
    ("", "https://fal.run"),
    ("fal.run", "https://notfal.run"),
    ("fal.run", "https://fal.run.example.com"),
    ("fal.run:8000", "https://fal.run"),
    ("10.0.0.0/8,fd00::/8,[::1]", "http://127.0.0.1:8000"),
    ("10.0.0.0/8", "http://11.0.0.1"),
    ("127.0.0.1:80", "http://127.0.0.1:8000"),
    (".,:,//,[", "https://fal.run"),
]


@pytest.mark.parametrize(("exceptions", "url"), THROUGH)
def test_any_other_host_goes_through_the_proxy(exceptions: str, url: str) -> None:
    """What only looks like an entry is none, and an entry that says nothing is passed over (C05)."""
    assert proxy_for(url, {"ALL_PROXY": HTTP, "NO_PROXY": exceptions}) == HTTP


BROKEN = [
    "socks4://me:a-password@h:1",
    "ftp://me:a-password@h",
    "http://",
    "http://me:a-password@",
    "http://me:a-password@h:port",
    "http://me:a-password@h:99999",
    "http://me:a password@h:1",
    "me:a-password@h:1:2",
    "http://[::1",
]


@pytest.mark.parametrize("value", BROKEN)
@pytest.mark.parametrize("variable", ["ALL_PROXY", "https_proxy"])
def test_what_is_no_proxy_is_named_by_its_variable(variable: str, value: str) -> None:
    """A set-up error that names the variable and the fix, and repeats no part of its value (C05)."""
    with pytest.raises(SetupError) as caught:
        proxy_for("https://fal.run", {variable: value})
    said = f"{caught.value.message} {caught.value.next}"
    assert variable in caught.value.message
    assert "nothing was sent" in caught.value.message
    assert f"write {variable} as" in caught.value.next
    assert "password" not in said
    assert "@" not in said


# --- downloads ---

FILE = b"\x00\x00\x00\x08ftypisom" + bytes(100)


class _Files(BaseHTTPRequestHandler):
    """Sends whoever asks for /moved to the same server by another name, and everybody else a file."""

    def do_GET(self) -> None:
        port = self.headers["Host"].rpartition(":")[2]
        if self.path == "/moved":
            self.send_response(302)
            self.send_header("Location", f"http://localhost:{port}/file")
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        self.send_response(200)
        self.send_header("Content-Length", str(len(FILE)))
        self.end_headers()
        self.wfile.write(FILE)

    def log_message(self, format: str, *args: object) -> None:
        return


@contextmanager
def files() -> Iterator[int]:
    """Serve files on the loopback; give the port."""
    with ThreadingHTTPServer(("127.0.0.1", 0), _Files) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield server.server_address[1]
        finally:
            server.shutdown()
            thread.join()


def set_proxies(monkeypatch: pytest.MonkeyPatch, proxy: str, exceptions: str) -> None:
    for name, value in {"http_proxy": "", "all_proxy": proxy, "no_proxy": exceptions}.items():
        monkeypatch.setenv(name, value)


def test_a_download_asks_for_each_host_anew(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The first address goes through the proxy, where it leads to does not (C05)."""
    with files() as port, socks_proxy() as proxy:
        set_proxies(monkeypatch, f"socks://{proxy.place}", "localhost")
        downloader = Downloader()
        source = Source(url=f"http://127.0.0.1:{port}/moved")
        assert downloader.fetch(source, tmp_path / "clip.mp4").read_bytes() == FILE
        downloader.close()
        assert proxy.heard == [f"127.0.0.1:{port}"]


def test_a_download_names_the_variable_of_a_broken_proxy(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A set-up error, so that the job is blocked and goes on later; a host in NO_PROXY is fetched (C05)."""
    with files() as port:
        set_proxies(monkeypatch, "socks4://127.0.0.1:1", "localhost")
        downloader = Downloader()
        with pytest.raises(SetupError, match="all_proxy"):
            downloader.fetch(Source(url=f"http://127.0.0.1:{port}/file"), tmp_path / "clip.mp4")
        source = Source(url=f"http://localhost:{port}/file")
        assert downloader.fetch(source, tmp_path / "clip.mp4").read_bytes() == FILE
        downloader.close()


def test_a_download_names_the_variable_of_a_proxy_that_cannot_be_reached(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """By its name only: the address may hold a password."""
    set_proxies(monkeypatch, "http://me:a-password@127.0.0.1:9", "")
    downloader = Downloader(tries=1)
    with pytest.raises(Unreachable, match="ConnectError, through the proxy that all_proxy names") as caught:
        downloader.fetch(Source(url="http://cdn.example.com/a.mp4"), tmp_path / "clip.mp4")
    downloader.close()
    assert "password" not in str(caught.value)


def test_a_download_that_cannot_be_asked_for_tells_no_header(tmp_path: Path) -> None:
    """A header that cannot be sent, and a signed address, are not repeated (B1)."""
    with files() as port:
        downloader = Downloader(tries=1)
        headers = {"Authorization": "Bearer a-secret-key\r"}
        source = Source(url=f"http://127.0.0.1:{port}/file?signature=a-signature", headers=headers)
        with pytest.raises(RushesError) as caught:
            downloader.fetch(source, tmp_path / "clip.mp4")
        downloader.close()
    assert "a-secret-key" not in caught.value.message
    assert "a-signature" not in caught.value.message
