"""`rushes doctor`: what it says of each engine, and that none holds the others up."""

from __future__ import annotations

import os
import shlex
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from rushes.testing.openrouter_service import KEY
from rushes.testing.standin_process import StandInProcess, running_standin
from tests.cli.terminal import Terminal

BEYOND = ("openrouter", "pydantic", "mcp", "playwright", "starlette", "torch", "uvicorn")
"""Packages that come with extras of rushes, and the SDKs of its services."""


@pytest.fixture(scope="module")
def openrouter(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StandInProcess]:
    log = tmp_path_factory.mktemp("openrouter") / "creates.jsonl"
    with running_standin("rushes.testing.openrouter_service:OpenRouterService", log) as service:
        yield service


@contextmanager
def answering_together(count: int) -> Iterator[str]:
    """Serve lists of jobs and models, but to the first caller only when `count` have come."""
    together = threading.Barrier(count)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            together.wait(timeout=60)
            body = b'{"object": "list", "data": [], "has_more": false}'
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:
            return None

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def before_all(folder: Path) -> str:
    """Return a PYTHONPATH with a folder before what is on it already."""
    return os.pathsep.join(filter(None, (str(folder), os.environ.get("PYTHONPATH"))))


def engines(terminal: Terminal) -> dict[str, Any]:
    """Return what doctor says of each engine, by its name."""
    checks = terminal.run("doctor", "--json").json()
    return {one["name"].removeprefix("engine "): one for one in checks if one["name"].startswith("engine ")}


def test_a_key_is_tried_and_its_place_told(terminal: Terminal, openrouter: StandInProcess) -> None:
    """A good key and a wrong one, each with where it comes from; the wrong one with how to give another."""
    terminal.settings(
        f'[engines.good]\nengine = "openrouter"\nbase_url = "{openrouter.base_url}"\nkey_env = "GOOD"\n'
        f'[engines.bad]\nengine = "openrouter"\nbase_url = "{openrouter.base_url}"\n'
    )
    terminal.run("config", "set", "bad.key", stdin="sk-or-wrong-4711")
    asking = Terminal(home=terminal.home, variables={"GOOD": KEY, "OPENROUTER_API_KEY": ""})
    said = asking.run("doctor")
    found = engines(asking)

    assert said.code == 8
    assert (found["good"]["good"], found["bad"]["good"]) == (True, False)
    assert found["good"]["key_from"] == "the environment variable GOOD"
    assert found["bad"]["key_from"] == str(terminal.home / "keys.toml")
    assert "rushes config set bad.key" in found["bad"]["mend"]
    assert found["bad"]["mend"] in said.out
    assert "sk-or-wrong-4711" not in said.out + said.err


def test_a_shipped_engine_with_a_key_is_checked(tmp_path: Path) -> None:
    """An engine that is in no settings file is looked at as soon as its key is there."""
    # Its own address is that of the real service, which nobody answers for here.
    alone = {"https_proxy": "http://127.0.0.1:9", "no_proxy": ""}
    without = Terminal(home=tmp_path, variables={"OPENROUTER_API_KEY": "", "FAL_KEY": "", **alone})
    before = engines(without)
    after = engines(Terminal(home=tmp_path, variables={**without.variables, "OPENROUTER_API_KEY": KEY}))

    assert "openrouter" not in before
    assert after["openrouter"]["key_from"] == "the environment variable OPENROUTER_API_KEY"
    assert "did not answer" in after["openrouter"]["told"]


def test_a_key_needs_no_package_beside_those_of_rushes(tmp_path: Path, openrouter: StandInProcess) -> None:
    """As `uv tool install .` brings it, an engine with a key is ready (U3.1)."""
    (tmp_path / "sitecustomize.py").write_text(f"import sys\nsys.modules |= dict.fromkeys({BEYOND!r})\n")
    variables = {"OPENROUTER_API_KEY": KEY, "FAL_KEY": "", "PYTHONPATH": before_all(tmp_path)}
    plain = Terminal(home=tmp_path, variables=variables)
    plain.settings(f'[engines.openrouter]\nbase_url = "{openrouter.base_url}"\n')

    assert engines(plain)["openrouter"]["good"]


@pytest.mark.skipif(sys.platform == "darwin", reason="browsers are found there without the PATH")
def test_without_a_browser_the_command_that_brings_one_is_told(tmp_path: Path) -> None:
    """The browser is brought by this Python's own Playwright: its program need not be on the PATH."""
    nowhere = str(tmp_path / "nowhere")
    bare = Terminal(home=tmp_path, variables={"PATH": nowhere, "PLAYWRIGHT_BROWSERS_PATH": nowhere})
    bare.settings("[engines.sora-web]\n")
    found = engines(bare)["sora-web"]

    assert "no Chrome or Chromium" in found["told"]
    assert f"{shlex.quote(sys.executable)} -m playwright install chromium" in found["mend"]


def test_engines_are_asked_at_the_same_time(terminal: Terminal) -> None:
    """Two servers that answer only when both have been asked are both told as ready."""
    with answering_together(2) as address:
        for name in ("one", "two"):
            terminal.run("config", "set", f"engines.{name}.engine", "openai-videos")
            terminal.run("config", "set", f"{name}.base_url", address)
        found = engines(terminal)

    assert [found[name]["good"] for name in ("animatic", "one", "two")] == [True, True, True], found


def test_a_failing_engine_hides_no_other(tmp_path: Path) -> None:
    """An engine whose own check has a mistake is told with it; the others are told, too."""
    site = tmp_path / "site"
    (site / "broken-1.dist-info").mkdir(parents=True)
    (site / "broken_engine.py").write_text(
        "from rushes.engines.contract import BaseEngine\n"
        "class Broken(BaseEngine):\n"
        "    async def check(self):\n"
        "        raise KeyError('remaining')\n"
    )
    (site / "broken-1.dist-info" / "METADATA").write_text("Name: broken\nVersion: 1\n")
    (site / "broken-1.dist-info" / "entry_points.txt").write_text(
        "[rushes.engines]\nbroken = broken_engine:Broken\n"
    )
    home = tmp_path / "home"
    home.mkdir()
    terminal = Terminal(home=home, variables={"PYTHONPATH": before_all(site)})
    terminal.settings("[engines.broken]\n")
    found = engines(terminal)

    assert "KeyError: 'remaining'" in found["broken"]["told"]
    assert found["animatic"]["good"]
