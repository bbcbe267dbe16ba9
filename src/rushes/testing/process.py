"""The provider double as a process that a test holds: start it, script it, read its log, stop it."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

from rushes.testing.children import end_server, start_server


class ProviderProcess:
    """A running provider at `base_url`."""

    def __init__(self, base_url: str, process: subprocess.Popen[str]) -> None:
        self.base_url = base_url
        self.process = process
        self._client = httpx.Client(base_url=base_url, timeout=30.0)

    def script(self, match: str, **rule: Any) -> None:
        """Have everything with `match` in its prompt go by this rule; see `script.Rule` for the words."""
        answer = self._client.post("/script", json={"match": match, **rule})
        if answer.status_code != 200:
            raise ValueError(answer.text)

    def log(self, match: str = "") -> list[dict[str, Any]]:
        """Return the accepted creates with `match` in their prompt: id, key, prompt, billed, time."""
        return [entry for entry in self._client.get("/log").json() if match in entry["prompt"]]

    def stats(self, match: str = "") -> dict[str, int]:
        """Return counts of calls, and how many renders with `match` in their prompt overlapped at most."""
        counts: dict[str, int] = self._client.get("/stats", params={"match": match}).json()
        return counts

    def stop(self) -> None:
        self._client.close()
        end_server(self.process)


@contextmanager
def running(log: Path, *, port: int = 0, footage: str = "320x180x1.0") -> Iterator[ProviderProcess]:
    """Start a provider in a session of its own, and stop it at the end, or when this process dies.

    `log` is the file its accepted creates are added to, `footage` what it serves: width x height x seconds.
    """
    process = start(log, port=port, footage=footage)
    try:
        yield process
    finally:
        process.stop()


def start(log: Path, *, port: int = 0, footage: str = "320x180x1.0") -> ProviderProcess:
    """Start a provider and return it once it listens; the caller stops it."""
    command = ["rushes.testing.provider"]
    command += ["--port", str(port), "--log", str(log), "--footage", footage]
    process, base_url = start_server(command)
    return ProviderProcess(base_url, process)
