"""1,000 SIGKILLs of the worker, a quarter for each way to recover: nothing lost, nothing bought twice."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator

from bench.row import Row

KILLS = 1_000
WAYS = 4


def run() -> Iterator[Row]:
    environ = {**os.environ, "RUSHES_KILLS": str(KILLS // WAYS)}
    words = [sys.executable, "-m", "pytest", "-q", "--timeout", "3600", "tests/jobs/test_kill.py"]
    done = subprocess.run(words, env=environ, capture_output=True, text=True)
    last = done.stdout.strip().splitlines()[-1] if done.stdout.strip() else done.stderr[-200:]
    yield Row(
        what=f"{KILLS:,} kills of the worker, {KILLS // WAYS} for each recovery: lost, or bought twice",
        told=last.strip("= "),
        aim="0 and 0",
        reached=done.returncode == 0,
    )
