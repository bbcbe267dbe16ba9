"""From a terminal: `rushes create … --model openrouter/…` makes a clip, and shows no secret on the way."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from rushes.testing.openrouter_service import KEY
from rushes.testing.standin_process import StandInProcess
from tests.cli.terminal import Terminal
from tests.engines.openrouter.stage import KLING, Stage


@pytest.fixture
def terminal(tmp_path: Path, service: StandInProcess) -> Iterator[Terminal]:
    home = tmp_path / "terminal"
    home.mkdir()
    one = Terminal(home=home, variables={"OPENROUTER_API_KEY": KEY})
    one.settings(f'[engines.openrouter]\nbase_url = "{service.base_url}"\nask_after = 0.05\n')
    yield one
    one.stop_worker()


def test_a_clip_is_made_from_words_and_a_first_frame(terminal: Terminal, stage: Stage) -> None:
    """The key is the environment's, the cost what the service says, and no file at home has the key in it."""
    words = ("create", stage.prompt("a boat"), "--model", f"openrouter/{KLING}", "--seconds", "3", "--yes")
    made = terminal.json(*words, "--reference", f"first_frame={stage.picture()}")
    (clip,) = made["clips"]
    assert Path(clip["path"]).is_file()
    assert clip["model"] == f"openrouter/{KLING}"
    assert made["cost"]["amount"] == "0.25"
    assert stage.sent("a boat")["duration"] == 3
    assert stage.sent("a boat")["frame_images"][0]["frame_type"] == "first_frame"
    assert len(stage.posts()) == 1
    written = [file.read_bytes() for file in terminal.home.rglob("*") if file.is_file()]
    assert written
    assert not any(KEY.encode() in data for data in written)


def test_a_clip_is_made_without_any_extra(terminal: Terminal, stage: Stage) -> None:
    """The key is all that is needed: neither the service's SDK nor what it stands on is (U3.1)."""
    site = terminal.home / "site"
    site.mkdir()
    hidden = "import sys\nsys.modules |= dict.fromkeys(('openrouter', 'pydantic'))\n"
    (site / "sitecustomize.py").write_text(hidden, encoding="utf-8")
    path = os.pathsep.join(filter(None, (str(site), os.environ.get("PYTHONPATH"))))
    plain = Terminal(home=terminal.home, variables={**terminal.variables, "PYTHONPATH": path})
    words = ("create", stage.prompt("a raft"), "--model", f"openrouter/{KLING}", "--seconds", "3", "--yes")
    (clip,) = plain.json(*words)["clips"]
    assert Path(clip["path"]).is_file()
    assert len(stage.posts()) == 1


def test_doctor_models_and_a_quote_know_it(terminal: Terminal) -> None:
    """What is shipped is listed with its price; doctor asks what the key may spend."""
    assert f"openrouter/{KLING}" in terminal.run("models").out
    assert "$12.50 of its limit left" in terminal.run("doctor").out
    quote = terminal.json("quote", "a boat", "--model", f"openrouter/{KLING}", "--seconds", "5", "--no-audio")
    assert quote["quote"]["amount"] == "0.4200"


def test_a_retired_model_is_told_before_anything_is_sent(terminal: Terminal) -> None:
    """Veo 3.1 is gone at the official host; a host of one's own may still have it."""
    terminal.settings("")
    said = terminal.run("quote", "a boat", "--model", "openrouter/google/veo-3.1")
    assert said.code == 2
    assert "retired on 2026-11-17" in said.err


def test_without_a_key_the_cure_is_told(terminal: Terminal) -> None:
    """Doctor names the variable to set."""
    bare = Terminal(home=terminal.home, variables={"OPENROUTER_API_KEY": ""})
    said = bare.run("doctor")
    assert "set OPENROUTER_API_KEY" in said.out
