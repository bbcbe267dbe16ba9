"""What may stand in `proxy_url`, what is shown of it, and which errors mean that the proxy failed."""

from __future__ import annotations

import traceback

import pytest

from rushes.domain.errors import BadSettings
from rushes.engines.sora_web.proxy import Proxy, is_proxy_failure

REFUSED = {
    "socks5": ("socks5://ada:hunter-two@proxy.example.com:1080", "SOCKS5 with a password is refused"),
    "https": ("https://ada:hunter-two@proxy.example.com:8443", "only http://"),
    "no scheme": ("ada:hunter-two@proxy.example.com:8080", "http://user:password@host:port"),
    "no host": ("http://ada:hunter-two@:8080", "http://user:password@host:port"),
    "a hash in the password": ("http://ada:hunter-two#x@proxy.example.com:8080", "percent-encoded"),
    "a slash in the password": ("http://ada:hunter-two/x@proxy.example.com:8080", "percent-encoded"),
    "a slash after digits": ("http://ada:80/hunter-two@proxy.example.com:8080", "percent-encoded"),
    "a question mark in the password": ("http://ada:80?hunter-two@proxy.example.com", "percent-encoded"),
    "a space in the password": ("http://ada:hunter-two x@proxy.example.com:8080", "percent-encoded"),
    "not UTF-8": ("http://ada:hunter-two%FF@proxy.example.com:8080", "percent-encoded"),
    "a port that is too high": ("http://ada:hunter-two@proxy.example.com:80800", "host:port"),
    "brackets": ("http://ada:hunter-two@[proxy.example.com:8080", "host:port"),
}


def test_an_address_is_taken_apart() -> None:
    """User and password are decoded, and the server is what the browser is told."""
    proxy = Proxy.from_url(" http://ada%40example.com:p%3Aw%2F%23d@proxy.example.com:8080/ ")
    assert proxy.as_playwright() == {
        "server": "http://proxy.example.com:8080",
        "username": "ada@example.com",
        "password": "p:w/#d",
    }


@pytest.mark.parametrize(
    ("url", "server"),
    [
        ("http://proxy.example.com", "http://proxy.example.com:80"),
        ("HTTP://proxy.example.com:3128", "http://proxy.example.com:3128"),
        ("http://[2001:db8::1]:3128", "http://[2001:db8::1]:3128"),
    ],
)
def test_a_proxy_without_a_password(url: str, server: str) -> None:
    """Where an address names no user, the browser is told of none."""
    assert Proxy.from_url(url).as_playwright() == {"server": server}


def test_nothing_that_is_shown_of_a_proxy_has_its_credentials() -> None:
    """Neither the text nor the representation of a proxy gives its user or its password."""
    proxy = Proxy.from_url("http://ada:hunter-two@proxy.example.com:8080")
    assert str(proxy) == "proxy.example.com:8080"
    assert "proxy.example.com:8080" in repr(proxy)
    assert "ada" not in repr(proxy)
    assert "hunter-two" not in repr(proxy)


@pytest.mark.parametrize(("url", "said"), REFUSED.values(), ids=REFUSED.keys())
def test_an_address_that_cannot_be_used(url: str, said: str) -> None:
    """What is wrong is said without the password, in the message and in the whole chain of causes."""
    with pytest.raises(BadSettings) as caught:
        Proxy.from_url(url)
    assert said in caught.value.message
    assert "hunter-two" not in "".join(traceback.format_exception(caught.value)) + caught.value.next


@pytest.mark.parametrize(
    ("text", "failed"),
    [
        ("Page.goto: net::ERR_PROXY_CONNECTION_FAILED at https://sora.example.com/", True),
        ("Page.goto: net::ERR_TUNNEL_CONNECTION_FAILED at https://sora.example.com/", True),
        ("Page.goto: net::ERR_HTTP_RESPONSE_CODE_FAILURE at https://sora.example.com/", True),
        ("Page.goto: net::ERR_PROXY_AUTH_UNSUPPORTED at https://sora.example.com/", True),
        ("net::ERR_PROXY_AUTH_REQUESTED", True),
        ("net::ERR_UNEXPECTED_PROXY_AUTH", True),
        ("net::ERR_MANDATORY_PROXY_CONFIGURATION_FAILED", True),
        ("net::ERR_NO_SUPPORTED_PROXIES", True),
        ("net::ERR_INVALID_AUTH_CREDENTIALS", True),
        ("Page.goto: net::ERR_NAME_NOT_RESOLVED at https://sora.example.com/", False),
        ("Page.goto: net::ERR_CONNECTION_RESET at https://sora.example.com/", False),
        ("Page.goto: net::ERR_ABORTED at https://sora.example.com/ERR_PROXY_CONNECTION_FAILED", False),
        ("Page.goto: Timeout 30000ms exceeded.", False),
        ("", False),
    ],
)
def test_which_errors_mean_the_proxy(text: str, failed: bool) -> None:
    """Chromium's own names of a proxy's failures are told from those of a site's, wherever they stand."""
    assert is_proxy_failure(text) is failed
