"""From the terminal: settings, quote, create, doctor, each a real process."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from rushes.testing.openai_videos_service import KEY
from rushes.testing.standin_process import StandInProcess
from tests.cli.terminal import Terminal

SETTINGS = """
[engines.lab]
engine = "openai-videos"
base_url = "{base_url}"
transport = "json"
key_env = "LAB_KEY"

[[engines.lab.models]]
id = "Wan-AI/Wan2.2-T2V-A14B-Diffusers"
provider = "this lab"
seconds = {{ only = [1, 5] }}
aspects = ["16:9"]
resolutions = ["144p"]
references = {{ first_frame = 1 }}
price = {{ free = true, source = "our own machine" }}

[engines.gateway]
engine = "openai-videos"
base_url = "http://127.0.0.1:9/v1"

[[engines.gateway.models]]
id = "kling-4"
"""


@pytest.fixture
def terminal(tmp_path: Path, server: Callable[[str], StandInProcess]) -> Iterator[Terminal]:
    variables = {"LAB_KEY": KEY, "OPENAI_API_KEY": "sk-of-openai-0123456789"}
    one = Terminal(home=tmp_path / "home", variables=variables)
    one.home.mkdir()
    one.settings(SETTINGS.format(base_url=server("SGLang").base_url))
    yield one
    one.stop_worker()


def test_a_clip_is_made_from_the_terminal(terminal: Terminal) -> None:
    """`rushes create` with a model of the settings file makes a clip, at a price that is known to be none."""
    made = terminal.run(
        "create", "a paper boat", "--model", "lab/Wan-AI/Wan2.2-T2V-A14B-Diffusers", "--seconds", "1"
    )
    assert made.code == 0, made
    (clip,) = terminal.json("clips")
    assert (clip["width"], clip["height"]) == (256, 144)
    assert clip["model"] == "lab/Wan-AI/Wan2.2-T2V-A14B-Diffusers"
    assert KEY not in made.out + made.err


def test_an_unknown_price_is_said_and_wants_a_cap(terminal: Terminal) -> None:
    """A gateway's price that nobody wrote down is not known, never 0, and nothing is sent without a cap."""
    quote = terminal.json("quote", "a boat", "--model", "gateway/kling-4")
    refused = terminal.run("create", "a boat", "--model", "gateway/kling-4")
    assert (quote["quote"]["amount"], quote["quote"]["known"]) == (None, False)
    assert refused.code == 6
    assert "--max-usd" in refused.err


def test_openais_own_models_have_retired_and_another_hosts_have_not(terminal: Terminal) -> None:
    """sora-2 at OpenAI is over; the same id at a gateway is that gateway's."""
    retired = terminal.run("create", "a boat", "--model", "openai-videos/sora-2")
    elsewhere = terminal.run("quote", "a boat", "--model", "gateway/sora-2")
    assert retired.code == 2
    assert "retired on 2026-09-24" in retired.err
    assert elsewhere.code == 0


def test_doctor_says_what_the_server_can_do(terminal: Terminal) -> None:
    """`rushes doctor` asks each configured server, at no cost."""
    doctor = terminal.run("doctor")
    assert "lists its jobs, so a lost answer is looked up" in doctor.out
    assert "sk-of-openai" not in doctor.out + doctor.err
