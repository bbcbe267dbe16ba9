"""The embedded engine behind the contract that every engine keeps."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from rushes.domain.request import VideoRequest
from rushes.engines.animatic.engine import AnimaticEngine
from rushes.engines.contract import CancelOutcome, RenderState
from rushes.testing.conformance import EngineConformance, Subject

REQUEST = VideoRequest(
    prompt="the sea at dawn, pan left",
    model="animatic/storyboard",
    seconds=1.0,
    aspect="16:9",
    resolution="480p",
    seed=5,
    audio=False,
)


class TestConformance(EngineConformance):
    """The suite that every engine has to pass."""

    def subject(self, tmp_path: Path) -> Subject:
        return Subject(
            make=lambda: AnimaticEngine("animatic", {"work": str(tmp_path / "work")}),
            model="storyboard",
            request=REQUEST,
        )


async def test_cancel_ends_the_child_and_leaves_no_file(tmp_path: Path) -> None:
    """A canceled render is confirmed, its process is gone and nothing of it is on disk."""
    engine = AnimaticEngine("animatic", {"work": str(tmp_path)})
    prepared = await engine.prepare(REQUEST, "storyboard")
    accepted = await engine.submit(prepared, key="one")
    first = await engine.poll(accepted.ticket)
    outcome = await engine.cancel(accepted.ticket)
    await engine.aclose()

    assert first.state is RenderState.RUNNING
    assert outcome is CancelOutcome.CONFIRMED
    assert [file for file in tmp_path.iterdir() if not file.name.endswith(".part")] == []


async def test_what_a_killed_render_left_is_swept_away(tmp_path: Path) -> None:
    """A partial file of an earlier life does not stay beside the next render."""
    engine = AnimaticEngine("animatic", {"work": str(tmp_path)})
    left = tmp_path / ".one.mp4.12345.part"
    left.write_bytes(b"half a clip")
    accepted = await engine.submit(await engine.prepare(REQUEST, "storyboard"), key="one")
    await engine.poll(accepted.ticket)
    await engine.aclose()

    assert not left.exists()


@pytest.mark.parametrize(("asked", "written"), [(None, True), (True, True), (False, False)])
async def test_a_wish_for_no_words_reaches_the_renderer(
    tmp_path: Path, asked: bool | None, written: bool
) -> None:
    """The order, which is the ticket, holds whether words are written; nothing said means that they are."""
    engine = AnimaticEngine("animatic", {"work": str(tmp_path)})
    prepared = await engine.prepare(replace(REQUEST, caption=asked), "storyboard")
    accepted = await engine.submit(prepared, key="one")
    await engine.aclose()

    assert accepted.ticket["caption"] is written
