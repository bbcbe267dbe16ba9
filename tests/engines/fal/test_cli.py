"""From a terminal: `rushes create … --model fal/…` makes a clip, and shows no secret on the way."""

from __future__ import annotations

from pathlib import Path

import pytest

from rushes.testing.fal_service import KEY
from rushes.testing.standin_process import StandInProcess
from tests.cli.terminal import Terminal
from tests.engines.fal.stage import HAILUO, KLING, Stage


@pytest.fixture
def terminal(tmp_path: Path, service: StandInProcess) -> Terminal:
    home = tmp_path / "terminal"
    home.mkdir()
    one = Terminal(home=home, variables={"FAL_KEY": KEY})
    base = service.base_url
    one.settings(f'[engines.fal]\nqueue_url = "{base}"\napi_url = "{base}/v1"\nstorage_url = "{base}"\n')
    return one


def test_a_clip_is_made_from_words(terminal: Terminal, stage: Stage) -> None:
    """With the key of the environment, a model whose id has slashes, and the price of the catalogue."""
    words = ("create", stage.prompt("a boat"), "--model", f"fal/{HAILUO}", "--seconds", "5", "--max-usd", "1")
    made = terminal.json(*words)
    (clip,) = made["clips"]
    assert Path(clip["path"]).is_file()
    assert clip["model"] == f"fal/{HAILUO}"
    assert stage.sent("a boat")["duration"] == 5
    assert len(stage.posts()) == 1
    everything = "".join(
        file.read_text(errors="ignore") for file in terminal.home.rglob("*") if file.is_file()
    )
    assert not any(part in everything for part in KEY.split(":"))


def test_a_clip_is_made_from_a_first_frame(terminal: Terminal, stage: Stage) -> None:
    """The reference is uploaded; a price that is not known is asked for."""
    picture = stage.picture()
    words = ("create", stage.prompt("it moves"), "--model", f"fal/{KLING}", "--reference")
    refused = terminal.run(*words, f"first_frame={picture}")
    assert refused.code != 0
    assert "--max-usd" in refused.err
    made = terminal.json(*words, f"first_frame={picture}", "--max-usd", "2")
    assert Path(made["clips"][0]["path"]).is_file()
    assert stage.sent("it moves")["start_image_url"].endswith(".png")


def test_doctor_and_models_know_it(terminal: Terminal) -> None:
    """The shipped models are listed with their price; a wrong key is told, and not shown."""
    listed = terminal.run("models", "--json").out
    assert f"fal/{HAILUO}" in listed
    wrong = Terminal(home=terminal.home, variables={"FAL_KEY": "wrong-id:wrong-secret"})
    said = wrong.run("doctor")
    assert "fal" in said.out + said.err
    assert "wrong-secret" not in said.out + said.err
