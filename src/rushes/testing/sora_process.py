"""The Sora emulator as a process that a test holds: start it, turn its faults, read its log, stop it."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

from rushes.testing.children import end_server, start_server


class SoraProcess:
    """A running emulator at `base_url`; its page for people is `/emulator`."""

    def __init__(self, base_url: str, process: subprocess.Popen[str]) -> None:
        self.base_url = base_url
        self.process = process
        self._client = httpx.Client(base_url=base_url, timeout=30.0, trust_env=False)

    def fault(
        self, name: str, value: object = None, *, times: int | None = None, match: str | None = None
    ) -> None:
        """Turn on a fault of `sora_emulator.FAULTS`, `times` times, for prompts with the words `match`.

        Raises ValueError for a name or value that there is not.
        """
        body = {"name": name, "value": value, "times": times, "match": match}
        self._told(self._client.post("/emulator/faults", json=body))

    def clear(self) -> None:
        """Turn all faults off; tasks keep those that they were accepted with."""
        self._told(self._client.delete("/emulator/faults"))

    def advance(self, seconds: float) -> None:
        """Let the emulator's clock jump ahead."""
        self._told(self._client.post("/emulator/clock", json={"advance": seconds}))

    def run_at(self, speed: float) -> None:
        """Let the emulator's clock go on at `speed` seconds in each real one."""
        self._told(self._client.post("/emulator/clock", json={"speed": speed}))

    def log(self, match: str = "") -> list[dict[str, Any]]:
        """Return the accepted creates with `match` in their prompt: id, account, prompt, path, time."""
        return [entry for entry in self._client.get("/emulator/log").json() if match in entry["prompt"]]

    def requests(self, path: str = "") -> list[dict[str, Any]]:
        """Return the calls of the API with `path` in their path, in the order in which they came.

        Each has method, path, status (None: no answer), had_bearer, had_sentinel, user_agent, connection (the
        caller's port) and time (the emulator's).
        """
        return [one for one in self._client.get("/emulator/requests").json() if path in one["path"]]

    def stop(self) -> None:
        self._client.close()
        end_server(self.process)

    def _told(self, answer: httpx.Response) -> None:
        if answer.status_code != 200:
            raise ValueError(answer.json()["error"]["message"])


@contextmanager
def running_sora(
    log: Path,
    *,
    speed: float = 20.0,
    footage: str = "plain",
    faults: Sequence[str] = (),
    port: int = 0,
) -> Iterator[SoraProcess]:
    """Start an emulator in a session of its own, and stop it at the end, or when this process dies.

    `log` is the file that its accepted creates are added to, `speed` its seconds in each real one, `footage`
    plain, drawn or alike, `faults` what is on from the start, as NAME or NAME=VALUE.
    """
    process = start_sora(log, speed=speed, footage=footage, faults=faults, port=port)
    try:
        yield process
    finally:
        process.stop()


def start_sora(
    log: Path,
    *,
    speed: float = 20.0,
    footage: str = "plain",
    faults: Sequence[str] = (),
    port: int = 0,
) -> SoraProcess:
    """Start an emulator and return it once it listens; the caller stops it."""
    command = ["rushes.testing.sora_emulator"]
    command += ["--port", str(port), "--log", str(log), "--speed", str(speed), "--footage", footage]
    command += [f"--fault={words}" for words in faults]
    process, base_url = start_server(command)
    return SoraProcess(base_url, process)
