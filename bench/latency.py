"""From the provider's completion to the file on disk, and how many polls it took to notice.

Against a loop that asks once a second, as SDKs' own poll helpers do by default.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from bench.row import Row
from rushes.testing.process import ProviderProcess, running

RENDER_S = 20.0


def run() -> Iterator[Row]:
    with tempfile.TemporaryDirectory() as name:
        home = Path(name)
        with running(home / "creates.log") as provider:
            provider.script("*", render={"seconds": RENDER_S, "ask_after": None})
            (home / "config.toml").write_text(f'[engines.scripted]\nbase_url = "{provider.base_url}"\n')
            ours, polls = with_rushes(home, provider)
            theirs, their_polls = with_a_loop(home, provider)
    yield Row(
        what=f"completion to verified file, a render of {RENDER_S:g} s, against polling once a second",
        told=f"{ours:.1f} s after {polls} polls, against {theirs:.1f} s (not verified) after {their_polls}",
        aim="half the polls",
        reached=polls <= their_polls / 2,
    )


def with_rushes(home: Path, provider: ProviderProcess) -> tuple[float, int]:
    """Return the seconds from completion to the filed clip, and the polls."""
    environ = {**os.environ, "RUSHES_HOME": str(home), "RUSHES_IDLE_S": "1"}
    words = ["create", "a bench", "--model", "scripted/free", "--json"]
    subprocess.run([sys.executable, "-m", "rushes", *words], env=environ, check=True, capture_output=True)
    accepted = provider.log("a bench")[0]["time"]
    return time.time() - accepted - RENDER_S, provider.stats("a bench")["polls"]


def with_a_loop(home: Path, provider: ProviderProcess) -> tuple[float, int]:
    """Return the same for create, poll each second, download."""
    body = json.dumps({"prompt": "a loop", "model": "free", "seconds": 2, "key": "loop"}).encode()
    headers = {"Content-Type": "application/json"}
    id = ask(urllib.request.Request(f"{provider.base_url}/create", body, headers))["id"]
    polls = 0
    while True:
        polls += 1
        if ask(f"{provider.base_url}/jobs/{id}")["state"] == "succeeded":
            break
        time.sleep(1)
    url = ask(f"{provider.base_url}/jobs/{id}/results")["results"][0]["candidates"][0]
    with urllib.request.urlopen(url) as answer:
        (home / "loop.mp4").write_bytes(answer.read())
    return time.time() - provider.log("a loop")[0]["time"] - RENDER_S, polls


def ask(request: str | urllib.request.Request) -> dict[str, Any]:
    with urllib.request.urlopen(request) as answer:
        found: dict[str, Any] = json.load(answer)
        return found
