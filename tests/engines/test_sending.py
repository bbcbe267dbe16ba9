"""What an HTTP client of ours says of a create that failed: what never left this machine was never sent."""

from __future__ import annotations

import re
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx
import pytest

from rushes.domain.errors import NotDelivered, OutcomeUnknown, RushesError, SetupError, Unreachable
from rushes.engines.http import answer_client, asking, create_client, sending
from tests.engines.listeners import silent

KEY = "key-id-0123:key-secret-4567"

NOWHERE = "http://127.0.0.1:9"

ILLEGAL: dict[str, dict[str, Any]] = {
    "line end in a header": {"headers": {"X-Note": f"{KEY}\r"}},
    "beyond ASCII in a header": {"headers": {"X-Note": f"{KEY}é"}},
    "no protocol": {"url": "ftp://127.0.0.1/create"},
    "no address": {"url": "http://[::1"},
    "control character in the address": {"url": f"http://127.0.0.1/{KEY}\x01"},
}


async def post(client: httpx.AsyncClient, **how: Any) -> httpx.Response:
    with sending():
        return await client.post(how.pop("url", "/create"), json={"prompt": "a boat"}, **how)


@pytest.mark.parametrize("ours", [True, False], ids=["our client", "another client"])
@pytest.mark.parametrize("how", ILLEGAL.values(), ids=ILLEGAL.keys())
async def test_what_cannot_be_made_a_request_is_a_setup_error(how: dict[str, Any], ours: bool) -> None:
    """Nothing was sent: never an unknown outcome, and the text repeats nothing of it (B1)."""
    with silent() as server:
        base = f"http://{server.place}"
        client = create_client(base, 5) if ours else httpx.AsyncClient(base_url=base)
        async with client:
            with pytest.raises(SetupError) as caught:
                await post(client, **dict(how))
        assert not any(server.heard)
    said = f"{caught.value.message} {caught.value.next}"
    assert "nothing was sent" in said
    assert caught.value.next
    assert not any(part in said for part in KEY.split(":"))


@pytest.mark.parametrize("make", [create_client, answer_client])
@pytest.mark.parametrize("value", [f"{KEY}\r", f"{KEY}\n", f"Key {KEY}é", "a\x00b", " before", "after "])
def test_a_header_that_cannot_be_sent_is_told_when_the_client_is_made(make: Any, value: str) -> None:
    """Before a create counts as sent, and without the header in the text (B1)."""
    with pytest.raises(SetupError) as caught:
        make(NOWHERE, 5, Authorization=value)
    assert not any(part in f"{caught.value.message} {caught.value.next}" for part in KEY.split(":"))


@pytest.mark.parametrize(
    "address", ["", "localhost:8000", "ftp://h", "http://", "http://[::1", "http://h:99999"]
)
def test_an_address_that_is_none_is_told_when_the_client_is_made(address: str) -> None:
    """Not by the create that counts as sent (C05)."""
    with pytest.raises(SetupError, match="not a web address"):
        create_client(address, 5)


async def test_a_poll_that_cannot_be_made_is_a_setup_error_without_its_words() -> None:
    """It would never get better by asking again; the header is not told (B1)."""
    async with httpx.AsyncClient(base_url=NOWHERE) as client:
        with silent() as server, pytest.raises(SetupError) as caught, asking():
            await client.get(f"http://{server.place}/jobs", headers={"Authorization": f"Key {KEY}\r"})
    assert "key-secret" not in caught.value.message


async def test_what_has_left_and_is_not_answered_is_unknown() -> None:
    """The head of the request is on its way: nobody can say what became of it."""
    with silent() as server:
        async with create_client(f"http://{server.place}", 0.5) as client:
            with pytest.raises(OutcomeUnknown, match="no answer came"):
                await post(client)
        assert server.heard[0].startswith("POST /create")


async def test_what_cannot_be_encoded_after_a_request_has_left_is_unknown() -> None:
    """The same mistake, later: a create that has left may have been accepted."""

    async def post_and_stumble(client: httpx.AsyncClient) -> None:
        with sending():
            with suppress(httpx.ReadTimeout):
                await client.post("/create", json={})
            "é".encode("ascii")

    with silent() as server:
        async with create_client(f"http://{server.place}", 0.3) as client:
            with pytest.raises(OutcomeUnknown, match="cut off"):
                await post_and_stumble(client)


async def test_a_proxy_that_never_answers_has_delivered_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """What was sent is a CONNECT to the proxy; the service itself has heard nothing (C05)."""
    with silent() as server:
        monkeypatch.setenv("HTTPS_PROXY", f"http://{server.place}")
        monkeypatch.delenv("NO_PROXY", raising=False)
        monkeypatch.delenv("no_proxy", raising=False)
        async with create_client("https://fal.example.com", 0.5) as client:
            with pytest.raises(NotDelivered):
                await post(client)
        assert server.heard[0].startswith("CONNECT fal.example.com:443")


PROXIES = ["http://me:a-password@127.0.0.1:9", "socks5://me:a-password@127.0.0.1:9"]


@pytest.mark.parametrize("proxy", PROXIES)
async def test_a_proxy_that_cannot_be_reached_is_named_by_its_variable(
    monkeypatch: pytest.MonkeyPatch, proxy: str
) -> None:
    """Whoever reads that the provider cannot be reached has to know that their own proxy is the cause."""
    for name, value in {"http_proxy": "", "all_proxy": proxy, "no_proxy": ""}.items():
        monkeypatch.setenv(name, value)
    async with create_client("http://fal.example.com", 5.0) as client:
        with pytest.raises(NotDelivered, match="through the proxy that all_proxy names") as caught:
            await post(client)
    async with answer_client("http://fal.example.com", 5.0) as client:
        with (
            pytest.raises(Unreachable, match="through the proxy that all_proxy names") as unanswered,
            asking(),
        ):
            await client.get("/job")
    for error in (caught.value, unanswered.value):
        assert "password" not in str(error)


async def test_without_a_proxy_none_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    """A host in NO_PROXY is asked directly, and its error says nothing of a proxy."""
    for name, value in {"http_proxy": "", "all_proxy": PROXIES[0], "no_proxy": "127.0.0.1"}.items():
        monkeypatch.setenv(name, value)
    async with create_client(NOWHERE, 5.0) as client:
        with pytest.raises(NotDelivered) as caught:
            await post(client)
    assert "proxy" not in str(caught.value)


CERTIFICATES = {
    "SSL_CERT_FILE missing": ("SSL_CERT_FILE", "missing.pem"),
    "SSL_CERT_FILE no certificates": ("SSL_CERT_FILE", "words.pem"),
    "SSL_CERT_FILE a folder": ("SSL_CERT_FILE", "."),
    "SSL_CERT_DIR missing": ("SSL_CERT_DIR", "missing"),
    "SSL_CERT_DIR a file": ("SSL_CERT_DIR", "words.pem"),
    "SSLKEYLOGFILE in no folder": ("SSLKEYLOGFILE", "missing/keys.log"),
}


@pytest.mark.parametrize(("variable", "name"), CERTIFICATES.values(), ids=CERTIFICATES.keys())
def test_certificates_that_cannot_be_read_are_named_by_their_variable(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, variable: str, name: str
) -> None:
    """When the client is made, with the way to correct it; plain HTTP needs none (C05)."""
    (tmp_path / "words.pem").write_text("no certificate")
    for other in ("SSL_CERT_FILE", "SSL_CERT_DIR", "SSLKEYLOGFILE"):
        monkeypatch.delenv(other, raising=False)
    monkeypatch.setenv(variable, str(tmp_path / name))
    with pytest.raises(SetupError, match=re.escape(str(tmp_path / name))) as caught:
        create_client("https://fal.example.com", 5)
    assert variable in caught.value.message
    assert "nothing was sent" in caught.value.message
    assert f"correct {variable}" in caught.value.next
    create_client("http://fal.example.com", 5)


def test_no_error_of_a_create_is_anything_but_ours() -> None:
    """What `sending` lets through unchanged is an error of ours, or of the engine's own making."""
    with pytest.raises(RushesError, match="as it was"), sending():
        raise RushesError("as it was")
    with pytest.raises(KeyError), sending():
        raise KeyError("as it was")
