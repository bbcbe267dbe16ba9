"""The conformance suite's made-up tools in front of ours, so that its scenarios of tasks reach our tasks."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any, ClassVar

import httpx

from rushes.testing.process import ProviderProcess

CANCELED_S = 60
"""How long it says that a computation takes which it is going to cancel."""

OWN = {"host", "connection", "content-length", "transfer-encoding", "accept-encoding", "date", "server"}
"""Headers that each side writes for itself."""


def script(provider: ProviderProcess) -> None:
    """Have the provider do what the suite expects of its tools."""
    provider.script("fixture: fails", render={"outcome": "failed"})
    provider.script("fixture: canceled", render={"seconds": float(CANCELED_S)}, cancel="confirmed")


def ours(name: str, arguments: Mapping[str, Any]) -> tuple[str, dict[str, Any]] | None:
    """Return the call of ours that a made-up tool stands for, None for one that stands for none."""
    if name == "greet":
        return "list_models", {}
    what = {"slow_compute": "computes", "failing_job": "fails"}.get(name)
    if what is None:
        return None
    if arguments.get("seconds") == CANCELED_S:
        what = "canceled"
    return "create_video", {"prompt": f"fixture: {what}", "model": "lab/free", "again": True}


class _Handler(BaseHTTPRequestHandler):
    """Hands every request on, a call of a made-up tool as one of ours, and its answer back."""

    address: ClassVar[str]
    client: ClassVar[httpx.Client]

    def do_POST(self) -> None:
        message = json.loads(self.rfile.read(int(self.headers["content-length"])))
        headers = {
            name.lower(): value.strip() for name, value in self.headers.items() if name.lower() not in OWN
        }
        params = message.get("params") or {}
        call = ours(params["name"], params["arguments"]) if message.get("method") == "tools/call" else None
        if call is not None:
            message["params"] = {**params, "name": call[0], "arguments": call[1]}
            if headers.get("mcp-name") == params["name"]:
                headers["mcp-name"] = call[0]
        answer = self.client.post(self.address, json=message, headers=headers)
        self.send_response(answer.status_code)
        for name, value in answer.headers.items():
            if name not in OWN:
                self.send_header(name, value)
        self.send_header("content-length", str(len(answer.content)))
        self.end_headers()
        self.wfile.write(answer.content)

    def log_message(self, format: str, *args: Any) -> None:
        pass


@contextmanager
def translating(address: str) -> Iterator[str]:
    """Serve what is at `address` once more, with the made-up tools; give that address."""
    with httpx.Client(timeout=60.0) as client:
        handler = type("Handler", (_Handler,), {"address": address, "client": client})
        with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
            thread = Thread(target=server.serve_forever)
            thread.start()
            try:
                yield f"http://127.0.0.1:{server.server_address[1]}/mcp"
            finally:
                server.shutdown()
                thread.join()
