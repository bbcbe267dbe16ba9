"""The double of a service as a process that a test holds: start it, tell it what goes wrong, read its log."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

START_S = 30.0


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

    def log(self, match: str = "") -> list[dict[str, Any]]:
        """Return the accepted creates with `match` in their prompt: id, prompt, body, time."""
        return [one for one in self._client.get("/standin/log").json() if match in one["prompt"]]

    def requests(self, operation: str = "") -> list[dict[str, Any]]:
        """Return the calls of an operation, or all: operation, path, connection, and what was noted."""
        found = self._client.get("/standin/requests").json()
        return [one for one in found if operation in ("", one["operation"])]

    def stop(self) -> None:
        self._client.close()
        self._process.terminate()
        try:
            self._process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                pipe.close()


@contextmanager
def running_standin(double: str, log: Path) -> Iterator[StandInProcess]:
    """Start the double "MODULE:CLASS" in a session of its own; it ends with the block, or with this process.

    `log` is the file that its accepted creates are added to.
    """
    command = [
        sys.executable,
        "-m",
        "rushes.testing.standin",
        double,
        "--until-stdin-closes",
        "--log",
        str(log),
    ]
    process = subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, start_new_session=True
    )
    assert process.stdout is not None
    base_url = process.stdout.readline().strip()
    if not base_url:
        raise RuntimeError(f"{double} did not start (exit status {process.wait(timeout=START_S)})")
    running = StandInProcess(base_url, process)
    try:
        yield running
    finally:
        running.stop()
