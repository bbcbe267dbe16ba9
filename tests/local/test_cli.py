"""From a terminal: `rushes create … --model local/…` makes a clip, through a worker that has no torch."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from PIL import Image

from tests.cli.terminal import Terminal

MODEL = ("--model", "local/tiny-random-text")


@pytest.fixture
def terminal(tmp_path: Path) -> Iterator[Terminal]:
    one = Terminal(home=tmp_path / "home")
    one.home.mkdir()
    one.settings('[engines.local]\ndevice = "cpu"\n')
    yield one
    one.stop_worker()


def test_clips_are_made_from_words_and_from_pictures(terminal: Terminal) -> None:
    """Free, with the seed of the request and the size of the model; then from a first and a last frame."""
    (clip,) = terminal.json("create", "a boat", *MODEL, "--seed", "4")["clips"]
    for name in ("first", "last"):
        Image.new("RGB", (300, 300), "red").save(terminal.home / f"{name}.png")
    frames = ("--first-frame", "first.png", "--last-frame", "last.png")
    (between,) = terminal.json("create", "a boat", "--model", "local/tiny-random-frames", *frames)["clips"]

    assert (clip["width"], clip["height"], clip["seed"]) == (224, 128, 4)
    assert Path(clip["path"]).is_file()
    assert Path(between["path"]).is_file()
    assert terminal.json("budget")["caps"][0]["spent"] == "0"


def test_a_killed_worker_takes_its_renderer_along_and_the_next_finishes(terminal: Terminal) -> None:
    """No render outlives its worker, and none is lost: the next worker renders it from its ticket."""
    terminal.settings(
        '[engines.local]\ndevice = "cpu"\nmodels = [{ id = "long", weights = "tiny-random-text", fps = 8,'
        ' steps = 60, resolutions = ["128p"], seed = true, price = { free = true } }]\n'
    )
    job = terminal.json("create", "a boat", "--model", "local/long", "--seconds", "1", "--no-wait")
    renderer = _renderer(terminal)
    worker = psutil.Process(terminal.json("worker", "--status")["pid"])
    assert not any("torch" in one.path for one in worker.memory_maps())
    worker.send_signal(signal.SIGKILL)
    renderer.wait(20)
    waited = terminal.json("wait", job["job"]["id"])

    assert waited["job"]["state"] == "completed"
    assert Path(waited["clips"][0]["path"]).is_file()


def test_doctor_tells_what_there_is_to_render_on(terminal: Terminal) -> None:
    """The versions and the GPU, or that there is none."""
    (found,) = [one for one in terminal.json("doctor") if one["name"] == "engine local"]

    assert found["good"]
    assert "torch 2." in found["told"]
    assert "diffusers 0." in found["told"]


def _renderer(terminal: Terminal) -> psutil.Process:
    """Return the process that renders for the terminal's worker, once it has begun to write of progress."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        pid = terminal.json("worker", "--status")["pid"]
        children = psutil.Process(pid).children() if pid else []
        found = [one for one in children if "rushes.engines.local.render" in one.cmdline()]
        if found:
            return found[0]
    raise AssertionError("no renderer was started")
