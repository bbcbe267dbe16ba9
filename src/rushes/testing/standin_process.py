"""The double of a service as a process that a test holds: start it, tell it what goes wrong, read its log."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

from rushes.testing.children import end_server, start_server


class StandInProcess:
    """A running double at `base_url`."""

    def __init__(self, base_url: str, process: subprocess.Popen[str]) -> None:
        self.base_url = base_url
        self._process = process
        self._client = httpx.Client(base_url=base_url, timeout=30.0, trust_env=False)

    def tell(self, operation: str, match: str = "", **words: Any) -> None:
        """Have calls of `operation` for prompts with `match` go as told; see `standin.Told` for the words."""
        body = {"operation": operation, "match": match, **words}
        answer = self._client.post("/standin/script", json=body)
        if answer.status_code != 200:
            raise ValueError(answer.text)

    def clear(self) -> None:
        """Have it forget what it was told."""
        self._client.delete("/standin/script")

    def told(self) -> list[dict[str, Any]]:
        """Return what it was told, oldest first, with the `times` that are left of each."""
        found: list[dict[str, Any]] = self._client.get("/standin/script").json()
        return found

    def log(self, match: str = "") -> list[dict[str, Any]]:
        """Return the accepted creates with `match` in their prompt.

        Each has id, prompt, body, time; `stage`, how it stands; `charged` in dollars, None for no price.
        """
        return [one for one in self._client.get("/standin/log").json() if match in one["prompt"]]

    def requests(self, operation: str = "") -> list[dict[str, Any]]:
        """Return the calls of an operation, or all: operation, path, connection, and what was noted."""
        found = self._client.get("/standin/requests").json()
        return [one for one in found if operation in ("", one["operation"])]

    def stop(self) -> None:
        self._client.close()
        end_server(self._process)


@contextmanager
def running_standin(double: str, log: Path) -> Iterator[StandInProcess]:
    """Start the double "MODULE:CLASS" in a session of its own; it ends with the block, or with this process.

    `log` is the file that its accepted creates are added to.
    """
    command = ["rushes.testing.standin", double, "--log", str(log)]
    process, base_url = start_server(command)
    running = StandInProcess(base_url, process)
    try:
        yield running
    finally:
        running.stop()
