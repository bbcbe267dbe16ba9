"""A terminal with a home of its own: every command is a real process, every worker really outlives it."""

from __future__ import annotations

import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Mapping
from contextlib import closing, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rushes.jobs.starter import is_held

QUICK = ("--seconds", "1", "--resolution", "480p")
"""The smallest clip the embedded engine makes."""


@dataclass(frozen=True, kw_only=True)
class Said:
    """What a command answered."""

    code: int
    out: str
    err: str

    def json(self) -> Any:
        return json.loads(self.out)


@dataclass(frozen=True, kw_only=True)
class Terminal:
    """Runs `rushes` in a fresh home, with `variables` beside those of the environment; its folder is
    `folder`, or the home."""

    home: Path
    variables: Mapping[str, str] = field(default_factory=dict)
    folder: Path | None = None

    @property
    def environ(self) -> dict[str, str]:
        ours = {"RUSHES_HOME": str(self.home), "RUSHES_IDLE_S": "1", "NO_COLOR": "1"}
        return {**os.environ, **ours, **self.variables}

    def command(self, *words: str) -> list[str]:
        return [sys.executable, "-m", "rushes", *words]

    def run(self, *words: str, stdin: str | None = None) -> Said:
        done = subprocess.run(
            self.command(*words),
            env=self.environ,
            cwd=self.folder or self.home,
            input=stdin,
            capture_output=True,
            text=True,
            timeout=120,
        )
        return Said(code=done.returncode, out=done.stdout, err=done.stderr)

    def json(self, *words: str) -> Any:
        """Run a command that has to succeed, with --json, and return what it printed."""
        said = self.run(*words, "--json")
        assert said.code == 0, said
        return said.json()

    def settings(self, text: str) -> None:
        (self.home / "config.toml").write_text(text, encoding="utf-8")

    def worker(self) -> int:
        """Return the worker's process, or 0 where none is alive. Its files are asked: most tests end so."""
        if not is_held(self.home / "worker.lock"):
            return 0
        with closing(sqlite3.connect(self.home / "ledger.db")) as ledger:
            found = ledger.execute("SELECT pid FROM fence").fetchone()
        return int(found[0] or 0) if found else 0

    def stop_worker(self) -> None:
        """Kill the worker, if one is alive, and clear its socket away."""
        if pid := self.worker():
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
            with suppress(FileNotFoundError):
                told = json.loads((self.home / "worker.channel").read_text())
                shutil.rmtree(Path(told["address"]).parent)
