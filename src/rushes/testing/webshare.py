"""A stand-in for Webshare's list of proxies: a real HTTP server in a thread of the test that holds it.

    GET /api/v2/proxy/list/?mode=direct&page=1&page_size=100    Authorization: Token KEY
    -> 200 {"count", "next", "previous", "results": [proxy, …]}; 401 for another key, 400 for another mode,
       404 for a page that is not there

Source: apidocs.webshare.io/proxy-list; the statuses are those of Webshare's own Python client.
"""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

PATH = "/api/v2/proxy/list/"


def listed(
    number: int,
    *,
    address: str | None = None,
    port: int = 8080,
    username: str = "invented",
    password: str = "invented-password",
    country: str = "US",
    valid: bool = True,
) -> dict[str, Any]:
    """Return one proxy as Webshare lists it; without an `address`, one from the range for examples."""
    return {
        "id": f"d-{number}",
        "username": username,
        "password": password,
        "proxy_address": address or f"198.51.100.{number}",
        "port": port,
        "valid": valid,
        "last_verification": "2025-01-01T00:00:00.000000-08:00",
        "country_code": country,
        "city_name": "Springfield",
        "created_at": "2025-01-01T00:00:00.000000-08:00",
    }


class WebshareDouble:
    """The list at `url`. A test may change `proxies`, and have every call answered by `response` instead.

    `asked` holds the query and the Authorization header of each call. `elsewhere`, where it is set, is the
    origin that `next` names instead of the own one.
    """

    def __init__(self, proxies: Sequence[dict[str, Any]], key: str) -> None:
        self.url = ""
        self.proxies = list(proxies)
        self.key = key
        self.asked: list[tuple[dict[str, str], str]] = []
        self.response: Response | None = None
        self.elsewhere: str | None = None

    def app(self) -> Starlette:
        return Starlette(routes=[Route(PATH, self.list)])

    async def list(self, request: Request) -> Response:
        query = dict(request.query_params)
        self.asked.append((query, request.headers.get("Authorization", "")))
        if self.response is not None:
            return self.response
        if request.headers.get("Authorization") != f"Token {self.key}":
            return JSONResponse({"detail": "Invalid token."}, status_code=401)
        if query.get("mode") not in ("direct", "backbone"):
            return JSONResponse({"mode": [{"message": "This field is required."}]}, status_code=400)
        return self._page(int(query.get("page", 1)), int(query.get("page_size", 25)))

    def _page(self, page: int, size: int) -> Response:
        start, count = (page - 1) * size, len(self.proxies)
        if page < 1 or (start >= count and page > 1):
            return JSONResponse({"detail": "Invalid page."}, status_code=404)
        body = {
            "count": count,
            "next": self._address(page + 1, size) if start + size < count else None,
            "previous": self._address(page - 1, size) if page > 1 else None,
            "results": self.proxies[start : start + size],
        }
        return JSONResponse(body)

    def _address(self, page: int, size: int) -> str:
        return f"{self.elsewhere or self.url}{PATH}?mode=direct&page={page}&page_size={size}"


@contextmanager
def running(proxies: Sequence[dict[str, Any]], *, key: str) -> Iterator[WebshareDouble]:
    """Serve a list on a free port of the loopback for as long as the block runs."""
    double = WebshareDouble(proxies, key)
    config = uvicorn.Config(double.app(), ws="none", lifespan="off", log_level="error", proxy_headers=False)
    server = uvicorn.Server(config)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        double.url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
        thread.start()
        try:
            yield double
        finally:
            server.should_exit = True
            thread.join()
