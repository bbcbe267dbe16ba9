"""An agent's findings, replayed: it is shown the same today, and what it found is what was planted."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.agents.transcript import levels, read, shown
from tests.cli.terminal import Terminal

PLANTED: dict[str, dict[str, Any] | None] = {
    "frozen_half": {"fault": "frozen", "from": 2.5, "to": 5.0},
    "black_gap": {"fault": "black", "from": 2.0, "to": 2.5},
    "jump_cut": {"fault": "jump", "from": 2.0, "to": 2.0},
    "figure_jumps": {"fault": "jump", "from": 2.5, "to": 2.5},
    "healthy": None,
}


@pytest.mark.parametrize("transcript", read(), ids=lambda one: str(one["film"]))
def test_an_agent_is_shown_what_it_was_shown(transcript: dict[str, Any], tmp_path: Path) -> None:
    """The command of the transcript prints the lines and draws the pictures that it did when recorded."""
    now = shown(transcript, Terminal(home=tmp_path))

    assert now["reads"] == transcript["reads"]
    for name, before in transcript["sees"].items():
        # When they were shown it, pictures were drawn up to two levels too dark, and without frame numbers.
        assert np.abs(levels(now["sees"][name]) - levels(before)).max() <= 8, name


def test_the_agent_found_what_was_planted() -> None:
    """Every planted fault was found, of the right kind and at the right time, and in a healthy clip none."""
    found = {one["film"]: one["finds"] for one in read()}

    assert found.keys() == PLANTED.keys()
    for film, planted in PLANTED.items():
        if planted is None:
            assert found[film] is None
            continue
        assert found[film]["fault"] == planted["fault"]
        assert found[film]["from"] == pytest.approx(planted["from"], abs=0.1)
        assert found[film]["to"] == pytest.approx(planted["to"], abs=0.1)
