"""Our servers as processes of their own: started, until they say where they listen, and ended."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence

START_S = 30.0


def start_server(words: Sequence[str]) -> tuple[subprocess.Popen[str], str]:
    """Start `python -m WORDS` in a session of its own; return it, and the address it prints first.

    It is told to end when its standard input closes, and so with this process. Raises RuntimeError where it
    does not come up.
    """
    process = subprocess.Popen(
        [sys.executable, "-m", *words, "--until-stdin-closes"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    assert process.stdout is not None
    base_url = process.stdout.readline().strip()
    if not base_url:
        raise RuntimeError(f"{words[0]} did not start (exit status {process.wait(timeout=START_S)})")
    return process, base_url


def end_server(process: subprocess.Popen[str]) -> None:
    """End a server and close its pipes; one that does not end by itself is killed."""
    process.terminate()
    try:
        process.wait(timeout=10)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    for pipe in (process.stdin, process.stdout):
        if pipe is not None:
            pipe.close()
