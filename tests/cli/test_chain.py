"""Clips in a chain, and clips without words, by every door."""

from __future__ import annotations

import itertools
import json
from pathlib import Path

import numpy as np

import rushes
from rushes.cli.batch_file import read
from tests.cli.terminal import QUICK, Terminal
from tests.engines.animatic.clips import Pixels, exact, light_steps, saved
from tests.mcp.agent import agent, call

WORDS = ("create", "a red boat on the sea at dusk, pan right", *QUICK, "--no-audio", "--no-caption")


def test_three_clips_in_a_chain_are_one(terminal: Terminal, tmp_path: Path) -> None:
    """Each clip begins with the last frame of the one before: the step between them is no larger than what
    moves within them, and the colours stay."""
    links: list[list[Pixels]] = []
    given: tuple[str, ...] = ()
    for number in range(3):
        clip = terminal.json(*WORDS, *given)["clips"][0]
        links.append(exact(Path(clip["path"])))
        given = ("--first-frame", str(saved(links[-1][-1], tmp_path / f"last {number}.png")))
    motion = min(float(np.median(light_steps(link))) for link in links)
    for before, after in itertools.pairwise(links):
        assert light_steps([before[-1], after[0]])[0] < 1.2 * motion
        shift = (after[0].astype(float) - before[-1]).mean(axis=(0, 1))
        assert np.abs(shift).max() < 0.5


async def test_every_door_can_ask_for_no_words(terminal: Terminal, tmp_path: Path) -> None:
    """The command line, a batch, agents and Python keep the same wish, and the quote shows it."""
    quote = terminal.json("quote", "a boat", *QUICK, "--no-caption")["request"]
    line = {"prompt": "a boat", "seconds": 1, "resolution": "480p", "caption": False}
    (tmp_path / "batch.jsonl").write_text(json.dumps(line))
    (batch,), problems = read(tmp_path / "batch.jsonl")
    async with agent(terminal) as client:
        answer = (await call(client, "quote_video", **line)).structured_content or {}

    assert not problems
    assert quote["caption"] is False
    assert batch.request.caption is False
    assert answer["request"]["caption"] is False
    assert rushes.VideoRequest(prompt="a boat", caption=False).as_json()["caption"] is False
    assert "caption  none" in terminal.run("quote", "a boat", *QUICK, "--no-caption").out
