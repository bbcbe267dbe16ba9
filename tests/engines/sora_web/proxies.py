"""A real HTTP proxy on the loopback that wants a password, in a process of its own."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote

from tests.engines.sora_web.noting import HOSTS, NotingPlugin

USERNAME = "ada-invented"
PASSWORD = "hunter/two@invented:%#"
"""What a test gives a proxy and its person; the password is one that an address has to quote."""

START_S = 30.0
LOG_S = 20.0  # the longest that a line of the log may take to be written; only an upper bound

# The credentials come by standard input, for no command line may hold them; its end ends the proxy.
PROGRAM = """
import sys, proxy
with proxy.Proxy(sys.argv[1:], basic_auth=sys.stdin.readline().rstrip("\\n")) as running:
    print(running.flags.port, flush=True)
    sys.stdin.read()
"""


def closed_port() -> int:
    """Return a port on which nobody listens."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


class AuthenticatingProxy:
    """A proxy at `server` ("http://host:port") that serves nobody but `username` with `password`."""

    def __init__(
        self, server: str, username: str, password: str, log: Path, process: subprocess.Popen[str]
    ) -> None:
        self.server = server
        self.username = username
        self.password = password
        self._log = log
        self._hosts = log.with_name("hosts")
        self._process = process

    def kill(self) -> None:
        """End it and its helpers at once, with every connection they hold."""
        os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()

    @property
    def url(self) -> str:
        """Its address with the credentials, as a person would write it into the settings."""
        credentials = f"{quote(self.username, safe='')}:{quote(self.password, safe='')}"
        return self.server.replace("://", f"://{credentials}@")

    @property
    def hosts(self) -> set[str]:
        """Return every "host:port" that anything has asked it for, with the right password or without."""
        return set(self._hosts.read_text().split()) if self._hosts.exists() else set()

    def log(self) -> str:
        """Return the access log so far; a connection is in it when it has ended."""
        return self._log.read_text()

    def logged(self, text: str) -> bool:
        """Whether `text` gets into the access log."""
        end = time.monotonic() + LOG_S
        while text not in self.log() and time.monotonic() < end:
            time.sleep(0.05)
        return text in self.log()


@contextmanager
def authenticating(
    folder: Path, *, username: str, password: str, port: int = 0
) -> Iterator[AuthenticatingProxy]:
    """Run a proxy for as long as the block runs; `folder` is for its log, `port` 0 any that is free."""
    log = folder / "access.log"
    options = ["--hostname", "127.0.0.1", "--port", str(port), "--num-workers", "1", "--num-acceptors", "1"]
    options += ["--log-file", str(log), "--data-dir", str(folder / "data")]
    options += ["--auth-plugin", f"{NotingPlugin.__module__}.{NotingPlugin.__name__}"]
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, *options],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, HOSTS: str(log.with_name("hosts"))},
        cwd=Path(__file__).parents[3],
        start_new_session=True,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    with process.stdin as given, process.stdout as told:
        print(f"{username}:{password}", file=given, flush=True)
        taken = told.readline().strip()
        assert taken, f"the proxy did not start (exit status {process.wait(timeout=START_S)})"
        try:
            yield AuthenticatingProxy(f"http://127.0.0.1:{taken}", username, password, log, process)
        finally:
            given.close()
            try:
                process.wait(timeout=START_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
