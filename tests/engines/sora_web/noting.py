"""What the tests' proxy does with each connection: it notes the host, and reaches this machine only."""

from __future__ import annotations

import os
from pathlib import Path

from proxy.http.exception import HttpRequestRejected
from proxy.http.parser import HttpParser
from proxy.http.proxy.auth import AuthPlugin

HOSTS = "RUSHES_TEST_PROXY_HOSTS"
"""The variable that names the file for hosts, one "host:port" a line."""


class NotingPlugin(AuthPlugin):
    """Notes the host before anything else: a request without a password has left the browser as well."""

    def before_upstream_connection(self, request: HttpParser) -> HttpParser | None:
        host = (request.host or b"").decode()
        with Path(os.environ[HOSTS]).open("a") as file:
            file.write(f"{host}:{request.port}\n")
        found: HttpParser | None = super().before_upstream_connection(request)
        if host not in ("127.0.0.1", "localhost"):
            raise HttpRequestRejected(status_code=502, reason=b"Not from a test")
        return found
