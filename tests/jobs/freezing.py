"""A worker that is frozen, and a heartbeat that is older than it is."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rushes.jobs.heartbeat import SILENT_S
from tests.cli.terminal import Terminal


@contextmanager
def frozen(terminal: Terminal) -> Iterator[int]:
    """Freeze the worker during the block, as if it had been so for a minute."""
    pid = terminal.worker()
    os.kill(pid, signal.SIGSTOP)
    try:
        age_heartbeat(terminal.home / "worker.beat", 2 * SILENT_S)
        yield pid
    finally:
        os.kill(pid, signal.SIGCONT)


def age_heartbeat(file: Path, seconds: float) -> None:
    beat = json.loads(file.read_text())
    file.write_text(json.dumps({**beat, "monotonic": beat["monotonic"] - seconds}))
