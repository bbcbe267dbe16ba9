"""How requests reach the network: directly or through a proxy, with which certificates; that they left; and
how much of an answer is read.

The one place that reads the environment for HTTP clients, when a client is made: engines are made from their
own options and have no environment. SSL_CERT_FILE and SSL_CERT_DIR are read by httpx.
"""

from __future__ import annotations

import os
import ssl
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from threading import Lock
from typing import Any, Generic, TypeVar

import httpx

from rushes.domain.address import is_public, leads_to_public
from rushes.domain.errors import SetupError
from rushes.engines.bodies import BodyReader
from rushes.engines.delivery import Delivery, current
from rushes.engines.proxies import proxy_for, proxy_variable, system_environ

Transport = TypeVar("Transport")

CERTIFICATES = ("SSL_CERT_FILE", "SSL_CERT_DIR")

Verify = ssl.SSLContext | bool


CONNECTED = "connection.connect_tcp.complete"
"""What httpcore's extension `trace` is called with before the first byte is sent, TLS or not."""


class PrivateAddress(Exception):
    """A request that may only go to the public network would leave it, or has connected to a private address.

    `place` is where it leads, for people to read. No byte of it was sent.
    """

    def __init__(self, place: str) -> None:
        super().__init__(f"{place} is not on the public network; nothing was sent")
        self.place = place


class _Routes(Generic[Transport]):
    """The transports of one client, each made with the first request that goes its way.

    `make` makes one from certificates and the address of a proxy, None for none. Requests with the extension
    `public_only` have connections of their own: each of those was judged when it was made.
    """

    def __init__(self, make: Callable[[Verify, str | None], Transport]) -> None:
        self._make = make
        self._environ = dict(system_environ(os.environ))
        self._made: dict[tuple[bool, str | None, bool], Transport] = {}
        # A download's client is used by several threads.
        self._lock = Lock()

    def to(self, url: httpx.URL, *, public_only: bool = False) -> Transport:
        """Return the transport for an address. Raises SetupError, which names what has to be corrected."""
        # Reading the list of authorities takes a tenth of a second, and plain HTTP needs none.
        secure = url.scheme == "https"
        key = (secure, proxy_for(str(url), self._environ), public_only)
        with self._lock:
            if key not in self._made:
                self._made[key] = self._make(_certificates() if secure else False, key[1])
            return self._made[key]

    @contextmanager
    def noted(self, request: httpx.Request) -> Iterator[Transport]:
        """Give the transport for a request; an error on a way through a proxy gets a note that says so.

        Raises PrivateAddress where an address says that it is one.
        """
        public_only = bool(request.extensions.get("public_only"))
        host = host_in(request.url)
        if public_only and not is_public(host):
            raise PrivateAddress(host or "an address without a host")
        transport = self.to(request.url, public_only=public_only)
        try:
            yield transport
        except httpx.TransportError as error:
            variable = proxy_variable(str(request.url), self._environ)
            if variable is not None:
                # Not its address: it may hold a password.
                error.add_note(f"through the proxy that {variable} names")
            raise

    def check(self, request: httpx.Request, event: str, details: Mapping[str, Any]) -> None:
        """Raise PrivateAddress where the connection that was just made for a request has led to one.

        A proxy has an address of its own, and alone knows where it connects to.
        """
        if event != CONNECTED or not request.extensions.get("public_only"):
            return
        if proxy_variable(str(request.url), self._environ) is not None:
            return
        host, peer = host_in(request.url), details["return_value"].get_extra_info("server_addr")
        address = str(peer[0]) if peer else ""
        if not leads_to_public(host, address):
            raise PrivateAddress(f"{host} ({address})" if host != address else host)

    def all(self) -> list[Transport]:
        return list(self._made.values())


def _way(verify: Verify, proxy: str | None) -> httpx.HTTPTransport:
    # A connection for each request, so that whoever sends it can hang up on its own; and as many as there are
    # requests, so that stalled ones make nobody wait.
    limits = httpx.Limits(max_connections=None, max_keepalive_connections=0)
    return httpx.HTTPTransport(verify=verify, proxy=proxy, limits=limits)


def host_in(url: httpx.URL) -> str:
    """Return the host that the client connects to for an address, as `is_public` takes it."""
    return url.raw_host.decode("ascii", "replace").lower().rstrip(".")


def notes_of(error: BaseException) -> str:
    """Return what was noted of an error's way, to be put after its name."""
    return "".join(f", {note}" for note in getattr(error, "__notes__", ()))


class RoutedTransport(httpx.BaseTransport):
    """Sends each request the way that the environment says for its host; for threads."""

    def __init__(self) -> None:
        self._routes = _Routes(_way)

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        of_caller = request.extensions.get("trace")

        def trace(event: str, details: dict[str, Any]) -> None:
            try:
                self._routes.check(request, event, details)
            except PrivateAddress:
                details["return_value"].close()
                raise
            if of_caller is not None:
                of_caller(event, details)

        request.extensions = {**request.extensions, "trace": trace}
        with self._routes.noted(request) as transport:
            return transport.handle_request(request)

    def close(self) -> None:
        for transport in self._routes.all():
            transport.close()


class AnswerTransport(httpx.AsyncBaseTransport):
    """The same for the event loop; notes in the current Delivery that a request has left.

    Answers come with their bodies, which are bounded: see `BodyReader`. `limits` hold for each way. The way
    to `base_url` is made at once, so that what keeps it from being made is told before anything counts as
    sent.
    """

    def __init__(self, base_url: httpx.URL, limits: httpx.Limits) -> None:
        self._bodies = BodyReader()

        def way(verify: Verify, proxy: str | None) -> httpx.AsyncHTTPTransport:
            return httpx.AsyncHTTPTransport(verify=verify, proxy=proxy, limits=limits)

        self._routes = _Routes(way)
        self._routes.to(base_url)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        # What is compressed has no size that could be trusted.
        request.headers["Accept-Encoding"] = "identity"
        delivery, before = current(), current().left

        async def trace(event: str, details: dict[str, Any]) -> None:
            try:
                self._routes.check(request, event, details)
            except PrivateAddress:
                await details["return_value"].aclose()
                raise
            _note(delivery, before, event, details)

        request.extensions = {**request.extensions, "trace": trace}
        with self._routes.noted(request) as transport:
            response = await transport.handle_async_request(request)
            try:
                return await self._bodies.read(request, response)
            finally:
                await response.aclose()

    async def aclose(self) -> None:
        for transport in self._routes.all():
            await transport.aclose()


class CreateTransport(AnswerTransport):
    """The same for creates: what it carries is watched, so that it is known what did not leave."""

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        current().watched = True
        return await super().handle_async_request(request)


def _note(delivery: Delivery, before: bool, event: str, details: Mapping[str, Any]) -> None:
    """Note in a Delivery that the head of a request is written; `before`: what had left before it."""
    if event.endswith(".send_request_headers.started"):
        # A CONNECT is for the proxy alone: the service has heard nothing yet.
        delivery.left |= details["request"].method != b"CONNECT"
    elif event.endswith(".send_request_headers.failed") and _is_unmade(details["exception"]):
        delivery.left = before


def _is_unmade(error: Exception) -> bool:
    """Whether it was found that this is no request, before a byte of it was written."""
    return type(error).__name__ == "LocalProtocolError"


def _check_key_log() -> None:
    """Raise SetupError if the file that SSLKEYLOGFILE names cannot be written: Python needs it then."""
    path = os.environ.get("SSLKEYLOGFILE")
    if not path:
        return
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT).keylog_filename = path
    except OSError as error:
        raise SetupError(
            f"the file that SSLKEYLOGFILE names cannot be written: {path}"
            f" ({error.strerror or type(error).__name__}); nothing was sent",
            next="correct SSLKEYLOGFILE, or unset it",
        ) from error


def _certificates() -> ssl.SSLContext:
    """Return what https needs. Raises SetupError for what the environment names and cannot be used."""
    _check_key_log()
    variable = next((name for name in CERTIFICATES if os.environ.get(name)), None)
    try:
        if variable == "SSL_CERT_DIR" and not os.path.isdir(os.environ[variable]):
            raise NotADirectoryError(20, "Not a directory")
        return httpx.create_ssl_context()
    except OSError as error:
        if variable is None:
            raise SetupError(
                f"the certificates of this machine cannot be used ({type(error).__name__}); nothing was sent",
                next="reinstall the package 'certifi', or name a file of certificates in SSL_CERT_FILE",
            ) from error
        raise SetupError(
            f"the certificates that {variable} names cannot be used: {os.environ[variable]}"
            f" ({error.strerror or type(error).__name__}); nothing was sent",
            next=f"correct {variable}, or unset it",
        ) from error
