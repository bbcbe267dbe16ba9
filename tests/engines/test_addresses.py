"""Where an address leads: by how it is written, and by the connection (F25, B14, B15)."""

from __future__ import annotations

import shutil
import socket
import ssl
import subprocess
import threading
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from pathlib import Path

import httpx
import pytest

from rushes.domain.address import host_of, is_public, leads_to_public
from rushes.domain.errors import ResultBroken, Unreachable
from rushes.domain.text import TextFilter
from rushes.engines.contract import BaseEngine, Result, Source, Ticket
from rushes.engines.edge import GuardedEngine
from rushes.engines.http import PUBLIC_ONLY, answer_client, asking
from rushes.engines.transports import PrivateAddress, RoutedTransport
from rushes.jobs.download import Downloader
from tests.engines.listeners import pouring

PRIVATE = [
    *("127.0.0.1", "127.1", "0x7f.0.0.1", "2130706433", "0.0.0.0", "10.1.2.3", "172.16.0.1", "192.168.1.1"),
    *("169.254.169.254", "100.64.0.1", "100.100.100.200", "192.0.0.8", "192.0.0.192", "198.18.0.1"),
    *("224.0.0.1", "240.0.0.1", "255.255.255.255", "192.0.2.1", "192.88.99.1", "168.63.129.16"),
    *("::", "::1", "::127.0.0.1", "::ffff:127.0.0.1", "::ffff:0:127.0.0.1", "64:ff9b::7f00:1"),
    *("64:ff9b::a01:203", "64:ff9b:1::1", "2002:7f00:1::", "2002:a01:203::1", "2001:0:4136:e378::1"),
    *("fe80::1", "fe80::1%eth0", "fc00::1", "fd00:ec2::254", "fec0::1", "ff02::1", "100::1", "2001:db8::1"),
    *("3fff::1", "5f00::1", "4000::1", ""),
    *("localhost", "localhost.", "LOCALHOST", "kubernetes", "kubernetes.default.svc", "db.prod.svc.", "svc"),
    *("api.svc.cluster.local", "printer.local", "vault.internal", "metadata.google.internal", "nas.lan"),
    *("box.home.arpa", "x.localhost", "pc.localdomain", "wiki.corp", "wiki.intranet", "Vault.INTERNAL"),
]

PUBLIC = [
    *("8.8.8.8", "1.1.1.1", "2606:4700:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808", "2002:808:808::1"),
    *("api.example.com", "cdn.fal.media.", "127.0.0.1.nip.io", "local.example.com", "svc.example.com"),
]


@pytest.mark.parametrize("host", PRIVATE)
def test_what_is_written_as_private_is(host: str) -> None:
    """F25, B14: every range and every spelling that only this machine or its network can mean."""
    assert not is_public(host)


@pytest.mark.parametrize("host", PUBLIC)
def test_what_may_be_public_is(host: str) -> None:
    """Names that a connection has to judge, and addresses that stand for public ones."""
    assert is_public(host)


@pytest.mark.parametrize(
    ("url", "host"),
    [
        ("http://LocalHost./a", "localhost"),
        ("http://[fe80::1%25eth0]:80/", "fe80::1%25eth0"),
        ("http://me:word@[::1]:8080/", "::1"),
        ("http://[::1", ""),
    ],
)
def test_the_host_of_an_address(url: str, host: str) -> None:
    """Without user, port, and the dot at its end; an address that is none has none."""
    assert host_of(url) == host
    assert not is_public(host)


@pytest.mark.parametrize(
    ("host", "peer", "public"),
    [
        ("files.example.com", "8.8.8.8", True),
        ("files.example.com", "2606:4700:4700::1111", True),
        ("files.example.com", "127.0.0.1", False),
        ("files.example.com", "::ffff:10.0.0.1", False),
        ("files.example.com", "fe80::1%eth0", False),
        ("files.example.com", "64:ff9b::7f00:1", False),
        ("files.example.com", "", False),
        ("files.example.com", "198.18.0.7", True),
        ("198.18.0.7", "198.18.0.7", False),
    ],
)
def test_a_connection_is_judged_by_where_it_is(host: str, peer: str, public: bool) -> None:
    """F25: a proxy for the whole machine gives public names stand-ins, and only to names."""
    assert leads_to_public(host, peer) is public


NAMES = ("files.provider.test", "api.provider.test")


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have the names that look public lead to this machine, as a hosts file or a name server would."""
    real = socket.getaddrinfo

    def look_up(host: str | bytes | None, *rest: object, **more: object) -> object:
        name = host.decode() if isinstance(host, bytes) else host
        return real("127.0.0.1" if name in NAMES else host, *rest, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(socket, "getaddrinfo", look_up)
    for variable in ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.delenv(variable, raising=False)


def film() -> Iterator[bytes]:
    data = b"\x00\x00\x00\x20ftypisom" + b"x" * 100
    yield b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(data) + data


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_name_that_leads_into_our_network_is_not_fetched_from(
    names: None, tmp_path: Path, scheme: str
) -> None:
    """F25: not a byte is sent there, of TLS neither, and the job says where it led."""
    with pouring(film) as server:
        address = f"{scheme}://{server.place.replace('127.0.0.1', NAMES[0])}/a.mp4"
        with (
            closing(Downloader()) as downloader,
            pytest.raises(ResultBroken, match=r"leads to files\.provider\.test \(127\.0\.0\.1\)") as caught,
        ):
            downloader.fetch(Source(url=address), tmp_path / "a.mp4", public_only=True)
    assert not any(server.heard)
    assert "base_url" in (caught.value.next or "")


def test_a_redirect_to_such_a_name_is_not_followed(names: None, tmp_path: Path) -> None:
    """F25: whoever sends there; the host that the settings name is asked, wherever it is."""
    with pouring(film) as inside:
        target = f"http://{inside.place.replace('127.0.0.1', NAMES[0])}/a.mp4".encode()
        move = b"HTTP/1.1 302 Found\r\nContent-Length: 0\r\nLocation: " + target + b"\r\n\r\n"
        with pouring(lambda: iter([move])) as service:
            address = f"http://{service.place.replace('127.0.0.1', NAMES[1])}/a.mp4"
            source = Source(url=address, trusted_hosts=frozenset({NAMES[1]}))
            with (
                closing(Downloader()) as downloader,
                pytest.raises(ResultBroken, match=r"leads to files\.provider\.test"),
            ):
                downloader.fetch(source, tmp_path / "a.mp4", public_only=True)
        assert any(service.heard)
        assert not any(inside.heard)


def test_a_connection_that_was_not_judged_is_not_used_again_for_one_that_is(names: None) -> None:
    """F25: a private service and a public one may name the same host."""
    with pouring(film) as server:
        address = f"http://{server.place.replace('127.0.0.1', NAMES[0])}/a.mp4"
        with httpx.Client(transport=RoutedTransport()) as client:
            assert client.get(address).status_code == 200
            with pytest.raises(PrivateAddress):
                client.get(address, extensions=PUBLIC_ONLY)
            assert client.get(address).status_code == 200
        assert "".join(server.heard).count("GET /a.mp4") == 2


def test_through_a_proxy_its_own_address_is_not_judged(names: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """F25: the proxy alone knows where it connects to; what is written as private is refused all the same."""
    with pouring(film) as proxy:
        monkeypatch.setenv("http_proxy", f"http://{proxy.place}")
        monkeypatch.setenv("no_proxy", "")
        with httpx.Client(transport=RoutedTransport()) as client:
            assert client.get("http://files.example.com/a.mp4", extensions=PUBLIC_ONLY).status_code == 200
            for host in ("169.254.169.254", "me:word@[::1]", "LOCALHOST."):
                with pytest.raises(PrivateAddress):
                    client.get(f"http://{host}/latest/meta-data", extensions=PUBLIC_ONLY)
        assert len(proxy.heard) == 1


@pytest.mark.parametrize("host", [NAMES[0], "127.0.0.1", "169.254.169.254"])
async def test_nothing_is_sent_to_where_a_provider_points_into_our_network(names: None, host: str) -> None:
    """F25: such as a reference, which is put to the address that its storage names."""
    with pouring(film) as server:
        place = f"http://{host}:{server.server_address[1]}/upload"
        async with answer_client(place, 5) as client:
            with pytest.raises(Unreachable, match="not on the public network; nothing was sent"), asking():
                await client.put(place, content=b"a picture", extensions=PUBLIC_ONLY)
        assert not any(server.heard)


class Pointing(BaseEngine):
    """Says that its files are wherever its settings are."""

    async def results(self, ticket: Ticket) -> Sequence[Result]:
        return [Result(candidates=[Source(url=str(self.settings["base_url"]))])]


@pytest.mark.parametrize(
    ("settings", "private", "trusted"),
    [
        ({"base_url": "https://gpu.example.com/v1", "proxy_url": "http://127.0.0.1:8080"}, False, True),
        ({"base_url": "https://gpu.example.com/v1", "queue_url": "http://10.0.0.1"}, True, True),
        ({"base_url": "http://10.0.0.1/v1"}, True, False),
    ],
)
async def test_the_hosts_of_the_settings_are_trusted_and_no_others(
    settings: dict[str, str], private: bool, trusted: bool
) -> None:
    """F25: a public name may lead into a network of one's own; a proxy on this machine is no service."""
    engine = GuardedEngine(Pointing("lab", settings), TextFilter())
    assert engine.in_private_network is private
    (result,) = await engine.results({})
    assert result.candidates[0].trusted_hosts == (frozenset({"gpu.example.com"}) if trusted else frozenset())


@contextmanager
def serving_tls(folder: Path) -> Iterator[tuple[int, list[bytes]]]:
    """Run an HTTPS server with a certificate that nobody has signed; give its port and what it heard."""
    key, certificate = folder / "key.pem", folder / "certificate.pem"
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj"]
    command += ["/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"]
    subprocess.run([*command, "-keyout", key, "-out", certificate], check=True, capture_output=True)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    heard: list[bytes] = []

    def serve() -> None:
        while True:
            try:
                connection, _ = listener.accept()
            except OSError:
                return
            try:
                with context.wrap_socket(connection, server_side=True) as secured:
                    heard.append(secured.recv(65536))
                    secured.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")
            except OSError:
                continue

    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=serve, daemon=True).start()
        yield listener.getsockname()[1], heard
        with suppress(OSError):
            listener.shutdown(socket.SHUT_RDWR)


needs_openssl = pytest.mark.skipif(shutil.which("openssl") is None, reason="makes a certificate with it")


@needs_openssl
async def test_no_client_sends_to_https_without_looking_at_the_certificate(tmp_path: Path) -> None:
    """B15: not the client of a plain base either that is given another address."""
    with serving_tls(tmp_path) as (port, heard), pouring(film) as plain:
        async with answer_client(f"http://{plain.place}", 5) as client:
            assert (await client.get("/job")).status_code == 200
            with pytest.raises(Unreachable, match="CERTIFICATE_VERIFY_FAILED"), asking():
                await client.get(f"https://127.0.0.1:{port}/job")
    assert not heard


@needs_openssl
def test_no_download_comes_from_https_without_looking_at_the_certificate(tmp_path: Path) -> None:
    """B15: though the same client has fetched from a plain address before."""
    client = httpx.Client(transport=RoutedTransport())
    with serving_tls(tmp_path) as (port, heard), pouring(film) as plain, client:
        assert client.get(f"http://{plain.place}/").status_code == 200
        with pytest.raises(httpx.ConnectError, match="CERTIFICATE_VERIFY_FAILED"):
            client.get(f"https://127.0.0.1:{port}/a.mp4")
    assert not heard
