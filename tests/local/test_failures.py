"""What can go wrong on this machine and at the hub, each with an error of its own."""

from __future__ import annotations

import json
import resource
import signal
import subprocess
import sys
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from rushes.domain.extras import command_to_install
from rushes.engines.contract import RenderState
from rushes.engines.local.engine import LocalEngine
from tests.local.shop import IMAGE, TEXT, begun, followed, order, picture, rendered, renderers

UNHEARD_OF = "example/no-such-model"
PROGRAM = [sys.executable, "-P", "-m", "rushes.engines.local.render"]


@pytest.fixture
def engine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> LocalEngine:
    """An engine that knows one model of a hub, whose weights are not on this machine."""
    monkeypatch.setenv("HF_HOME", str(tmp_path / "hub"))
    models = [{"id": UNHEARD_OF, "steps": 2}, {"id": "slow", "weights": TEXT, "steps": 100_000}]
    return LocalEngine("local", {"work": str(tmp_path / "work"), "device": "cpu", "models": models})


class Hub(BaseHTTPRequestHandler):
    """A hub that refuses everything with one status and error code, as the real one words it."""

    refusal = (404, "RepoNotFound")

    def do_GET(self) -> None:
        status, code = self.refusal
        self.send_response(status)
        self.send_header("X-Error-Code", code)
        self.send_header("X-Error-Message", f"answered with {code}")
        self.send_header("Content-Length", "0")
        self.end_headers()

    do_HEAD = do_GET

    def log_message(self, *_: Any) -> None:
        """Say nothing: what a test's server was asked is no news."""


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[type[Hub]]:
    """The hub that renderers of this test ask."""

    class Mine(Hub):
        pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Mine)
    Thread(target=server.serve_forever, daemon=True).start()
    monkeypatch.setenv("HF_ENDPOINT", f"http://127.0.0.1:{server.server_port}")
    yield Mine
    server.shutdown()
    server.server_close()


async def failure(engine: LocalEngine) -> str:
    """Return how the render of a model that is not there failed."""
    ended = (await followed(engine, await order(engine, UNHEARD_OF)))[-1]
    await engine.aclose()
    assert ended.state is RenderState.FAILED
    assert ended.cost == 0
    return ended.error or ""


@pytest.mark.parametrize("variable", ["HF_HUB_OFFLINE=1", "HF_ENDPOINT=http://127.0.0.1:9"])
async def test_weights_that_are_not_here_while_offline(
    engine: LocalEngine, monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    """Offline by wish or by fate: the download command is told."""
    monkeypatch.setenv(*variable.split("=", 1))
    error = await failure(engine)

    assert "the hub cannot be reached" in error
    assert f"hf download {UNHEARD_OF}" in error


async def test_weights_with_terms_to_accept(engine: LocalEngine, hub: type[Hub]) -> None:
    """A gated model is a sign-in for a person, and said so."""
    hub.refusal = (403, "GatedRepo")
    error = await failure(engine)

    assert "accepted its terms" in error
    assert "hf auth login" in error


async def test_a_pipeline_that_diffusers_does_not_have(tmp_path: Path) -> None:
    """A class that is newer than the diffusers installed: the command that upgrades it here is told."""
    models = [{"id": UNHEARD_OF, "steps": 2, "pipeline": "PipelineOfTomorrow"}]
    error = await failure(LocalEngine("local", {"work": str(tmp_path), "device": "cpu", "models": models}))

    assert "no pipeline 'PipelineOfTomorrow'" in error
    assert command_to_install("--upgrade", "diffusers") in error


async def test_a_model_that_the_hub_does_not_have(engine: LocalEngine, hub: type[Hub]) -> None:
    """A wrong name is told. The next order gets a new renderer."""
    hub.refusal = (404, "RepoNotFound")
    error = await failure(engine)

    assert f"{UNHEARD_OF} is no folder on this machine and no model on the hub" in error
    assert await rendered(engine)
    await engine.aclose()


async def test_a_renderer_that_is_killed(engine: LocalEngine) -> None:
    """The render at work fails with the likely cause, the one in line is rendered by the next renderer."""
    slow, waiting = await order(engine, "slow"), await order(engine)
    await begun(engine, slow)
    await engine.poll(waiting)
    (working,) = renderers()
    working.send_signal(signal.SIGKILL)
    ended = (await followed(engine, slow))[-1]

    assert ended.state is RenderState.FAILED
    assert "ran out of memory" in str(ended.error)
    assert (await followed(engine, waiting))[-1].state is RenderState.SUCCEEDED
    await engine.aclose()


def talk(folder: Path, **changes: Any) -> list[bytes]:
    """Return the lines that order a clip from the program itself."""
    order = {"weights": TEXT, "prompt": "a boat", "negative_prompt": None, "fps": 8, "seed": 1}
    shape = {"width": 224, "height": 128, "frames": 9, "destination": str(folder / "clip.mp4")}
    said: list[dict[str, Any]] = [{"device": "cpu"}, {"render": {**order, **shape, "steps": 2, **changes}}]
    return [json.dumps(one).encode() + b"\n" for one in said]


def test_out_of_memory(tmp_path: Path) -> None:
    """A clip too large for the memory there is fails with what to ask for instead, and leaves no file."""
    most = 6 * 1024**3
    out = tmp_path / "out"
    out.mkdir()
    first = picture(tmp_path / "first.png", "red")
    large = {"weights": IMAGE, "width": 4096, "height": 4096, "frames": 241}

    def little_memory() -> None:
        resource.setrlimit(resource.RLIMIT_AS, (most, most))

    with subprocess.Popen(
        PROGRAM, stdin=subprocess.PIPE, stdout=subprocess.PIPE, preexec_fn=little_memory
    ) as child:
        assert child.stdin is not None
        assert child.stdout is not None
        child.stdin.writelines(talk(out, **large, first_frame=str(first.path)))
        child.stdin.flush()
        answers = [json.loads(line) for line in child.stdout]

    assert "ran out of memory at 241 frames of 4096x4096" in answers[-1]["error"]
    assert "--resolution" in answers[-1]["error"]
    assert list(out.iterdir()) == []


def test_the_end_of_input_ends_the_program(tmp_path: Path) -> None:
    """When its parent is gone the renderer ends, in the middle of a render, with no file left."""
    with subprocess.Popen(PROGRAM, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        assert child.stdin is not None
        assert child.stdout is not None
        child.stdin.writelines(talk(tmp_path, steps=100_000))
        child.stdin.flush()
        assert b"progress" in child.stdout.readline()
        child.stdin.close()
        assert child.wait(20) == 1
    assert list(tmp_path.iterdir()) == []
