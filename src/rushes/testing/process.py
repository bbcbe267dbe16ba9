"""The provider double as a process that a test holds: start it, script it, read its log, stop it."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

START_S = 30.0


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
        self.process.terminate()
        try:
            self.process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        for pipe in (self.process.stdin, self.process.stdout):
            if pipe is not None:
                pipe.close()


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
    command = [sys.executable, "-m", "rushes.testing.provider", "--until-stdin-closes"]
    command += ["--port", str(port), "--log", str(log), "--footage", footage]
    process = subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, start_new_session=True
    )
    assert process.stdout is not None
    base_url = process.stdout.readline().strip()
    if not base_url:
        raise RuntimeError(f"the provider did not start (exit status {process.wait(timeout=START_S)})")
    return ProviderProcess(base_url, process)
