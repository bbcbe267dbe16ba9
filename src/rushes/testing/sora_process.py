"""The Sora emulator as a process that a test holds: start it, turn its faults, read its log, stop it."""

from __future__ import annotations

import ssl
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

from rushes.testing.children import end_server, start_server
from rushes.testing.trust import AUTHORITY


class SoraProcess:
    """A running emulator, its site at `base_url`; its page for people is `/emulator`.

    `authority` is the file of the certificate that has to be trusted, None without TLS; see `testing.trust`.
    """

    def __init__(self, base_url: str, process: subprocess.Popen[str], authority: Path | None = None) -> None:
        self.base_url = base_url
        self.process = process
        self.authority = authority
        verify = True if authority is None else ssl.create_default_context(cafile=str(authority))
        self._client = httpx.Client(base_url=base_url, timeout=30.0, trust_env=False, verify=verify)

    @property
    def origins(self) -> dict[str, str]:
        """The address of each part of the service; "" each where one origin is for all."""
        return dict(self._client.get("/emulator/origins").json())

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
        """Let the emulator's calendar jump ahead, and have as many seconds of work done."""
        self._told(self._client.post("/emulator/clock", json={"advance": seconds}))

    def run_at(self, speed: float) -> None:
        """Let the emulator do `speed` seconds of work in each real one."""
        self._told(self._client.post("/emulator/clock", json={"speed": speed}))

    def log(self, match: str = "") -> list[dict[str, Any]]:
        """Return the accepted creates with `match` in their prompt: id, account, prompt, path, time."""
        return [entry for entry in self._client.get("/emulator/log").json() if match in entry["prompt"]]

    def requests(self, path: str = "") -> list[dict[str, Any]]:
        """Return the calls of the API with `path` in their path, in the order in which they came.

        Each has method, host, path, status (None: no answer), had_bearer, had_sentinel, user_agent,
        connection (the caller's port) and time (the emulator's).
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
    state: Path | None = None,
    origins: str = "one",
    tls: Path | None = None,
) -> Iterator[SoraProcess]:
    """Start an emulator in a session of its own, and stop it at the end, or when this process dies.

    `log` is the file that its accepted creates are added to, `speed` the seconds of its work in each real
    one, `footage` plain, drawn or alike, `faults` what is on from the start, as NAME or NAME=VALUE. `state`
    is the folder in which everything outlives it; without one the next emulator knows nothing. `origins` is
    one, ports or several; with a folder `tls` it is https, by an authority whose certificate comes to be
    there.
    """
    process = start_sora(
        log,
        speed=speed,
        footage=footage,
        faults=faults,
        port=port,
        state=state,
        origins=origins,
        tls=tls,
    )
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
    state: Path | None = None,
    origins: str = "one",
    tls: Path | None = None,
) -> SoraProcess:
    """Start an emulator and return it once it listens; the caller stops it."""
    command = ["rushes.testing.sora_emulator"]
    command += ["--port", str(port), "--log", str(log), "--speed", str(speed), "--footage", footage]
    command += [] if state is None else ["--state", str(state)]
    command += ["--origins", origins, *(["--tls", str(tls)] if tls else [])]
    command += [f"--fault={words}" for words in faults]
    process, base_url = start_server(command)
    return SoraProcess(base_url, process, tls / AUTHORITY if tls else None)
