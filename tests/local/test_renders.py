"""Clips of the tiny models: progress, the same bytes, pictures, cancelling, one renderer for all of them."""

from __future__ import annotations

import asyncio
from itertools import pairwise
from pathlib import Path

import pytest
from PIL import Image, ImageDraw

from rushes.domain.request import Reference, Role
from rushes.engines.contract import CancelOutcome, RenderState
from rushes.engines.local.engine import LocalEngine
from tests.local.conftest import SLOW
from tests.local.shop import (
    FRAMES,
    IMAGE,
    UNDER_WAY,
    begun,
    decoded,
    followed,
    order,
    picture,
    rendered,
    renderers,
)

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_each_step_is_told_and_a_clip_comes_out(engine: LocalEngine) -> None:
    """From queued over the steps to a file that decodes to the frames that were ordered."""
    ticket = await order(engine)
    seen = await followed(engine, ticket)
    fractions = [one.fraction for one in seen if one.fraction is not None]
    frames, rate = decoded(ticket["destination"])

    assert seen[0].state is RenderState.QUEUED
    assert len(fractions) >= 2
    assert set(fractions) <= {0.2, 0.4, 0.6, 0.8}
    assert all(earlier < later for earlier, later in pairwise(fractions))
    assert seen[-1].state is RenderState.SUCCEEDED
    assert frames.shape == (9, 128, 224, 3)
    assert rate == 8
    assert frames.std() > 5
    assert (await engine.results(ticket))[0].size == (224, 128)


async def test_seed_and_prompt_make_the_clip(engine: LocalEngine) -> None:
    """The same order gives the same bytes; another seed, prompt or negative prompt gives others."""
    first, again = await rendered(engine), await rendered(engine)
    others = {
        await rendered(engine, seed=5),
        await rendered(engine, prompt="a lighthouse in a storm"),
        await rendered(engine, negative_prompt="blurred"),
    }

    assert first == again
    assert first not in others
    assert len(others) == 3


async def test_frames_that_are_given_are_used(engine: LocalEngine, tmp_path: Path) -> None:
    """Another first frame makes another clip, and so does a last frame beside it."""
    red, blue = picture(tmp_path / "red.png", "red"), picture(tmp_path / "blue.png", "blue")
    last = picture(tmp_path / "last.png", "green", Role.LAST_FRAME)
    by_red = await rendered(engine, IMAGE, references=(red,))
    alone = await rendered(engine, FRAMES, references=(red,))

    assert by_red != await rendered(engine, IMAGE, references=(blue,))
    assert alone != await rendered(engine, FRAMES, references=(red, last))


async def test_a_model_that_needs_a_first_frame_says_so(engine: LocalEngine) -> None:
    """Without the picture that its pipeline cannot do without, the render fails and names the option."""
    ended = (await followed(engine, await order(engine, IMAGE)))[-1]

    assert ended.state is RenderState.FAILED
    assert ended.cost == 0
    assert "--first-frame" in str(ended.error)


async def test_cancelling_stops_at_the_next_step(engine: LocalEngine) -> None:
    """A render of hours ends at once, leaves no file, and its renderer goes on with the next order."""
    ticket = await order(engine, SLOW)
    await begun(engine, ticket)
    (working,) = renderers()
    outcome = await engine.cancel(ticket)
    file = Path(ticket["destination"])

    assert outcome is CancelOutcome.CONFIRMED
    assert (await engine.poll(ticket)).state is RenderState.CANCELED
    assert [one.name for one in file.parent.iterdir() if file.name in one.name] == []
    assert await rendered(engine)
    assert renderers() == [working]


async def test_orders_wait_in_line(engine: LocalEngine) -> None:
    """One clip is rendered at a time; one that is canceled while it waits disturbs no other."""
    working, unwanted, waiting = await order(engine, SLOW), await order(engine), await order(engine, seed=9)
    await begun(engine, working)
    before = [await engine.poll(one) for one in (unwanted, waiting)]
    (renderer,) = renderers()
    await engine.cancel(unwanted)
    after = await engine.poll(working)
    await engine.cancel(working)
    ended = (await followed(engine, waiting))[-1]

    assert [one.state for one in before] == [RenderState.QUEUED, RenderState.QUEUED]
    assert after.state is RenderState.RUNNING
    assert ended.state is RenderState.SUCCEEDED
    assert renderers() == [renderer]
    assert not Path(unwanted["destination"]).exists()


async def test_a_clip_that_was_lost_is_rendered_again(engine: LocalEngine) -> None:
    """A worker that was killed may have moved the file away: the same seed makes the same one."""
    ticket = await order(engine)
    # Without a pause, so that the file goes before the renderer's own word that it is done has been read.
    while (await engine.poll(ticket)).state in UNDER_WAY:  # noqa: ASYNC110 - a poll wakes nobody
        await asyncio.sleep(0)
    file = Path(ticket["destination"])
    before = file.read_bytes()
    file.unlink()
    await engine.results(ticket)

    assert file.read_bytes() == before


async def test_the_picture_fills_the_frame_unstretched(engine: LocalEngine, tmp_path: Path) -> None:
    """A first frame of another shape is cut: what lies outside the middle changes nothing."""
    plain = picture(tmp_path / "plain.png", "red")
    above, across = (picture(tmp_path / f"{name}.png", "red") for name in ("above", "across"))
    paint(above, (0, 0, 299, 40))
    paint(across, (0, 130, 299, 170))
    clip = await rendered(engine, IMAGE, references=(plain,))

    assert await rendered(engine, IMAGE, references=(above,)) == clip
    assert await rendered(engine, IMAGE, references=(across,)) != clip


def paint(reference: Reference, box: tuple[int, int, int, int]) -> None:
    """Paint a blue box (left, top, right, bottom) into a picture."""
    assert reference.path is not None
    with Image.open(reference.path) as found:
        painted = found.copy()
    ImageDraw.Draw(painted).rectangle(box, fill="blue")
    painted.save(reference.path)
