"""Ordering tiny clips from an engine, and following them."""

from __future__ import annotations

import asyncio
import secrets
from pathlib import Path
from typing import Any

import av
import numpy as np
import psutil
from numpy.typing import NDArray
from PIL import Image

from rushes.domain.request import Reference, Role, VideoRequest
from rushes.engines.contract import Progress, RenderState, Ticket
from rushes.engines.local.engine import LocalEngine

TEXT = "tiny-random-text"
IMAGE = "tiny-random-image"
FRAMES = "tiny-random-frames"
PATIENCE_S = 90.0
UNDER_WAY = (RenderState.QUEUED, RenderState.RUNNING)


def asked(prompt: str = "a paper boat", **changes: Any) -> VideoRequest:
    """Return a request for the smallest clip: nine frames of 224x128."""
    fields = {"seconds": 1, "aspect": "16:9", "resolution": "128p", "seed": 4}
    return VideoRequest(prompt=prompt, **{**fields, **changes})


async def order(engine: LocalEngine, model: str = TEXT, **changes: Any) -> Ticket:
    """Have a clip accepted and return its ticket; nothing is rendered before the first poll."""
    key = secrets.token_hex(8)
    return (await engine.submit(await engine.prepare(asked(**changes), model), key=key)).ticket


async def followed(engine: LocalEngine, ticket: Ticket) -> list[Progress]:
    """Poll until a render has ended; return the answers that differed from those before."""
    seen = [await engine.poll(ticket)]
    async with asyncio.timeout(PATIENCE_S):
        while seen[-1].state in UNDER_WAY:
            # Sooner than a worker asks: a step takes a hundredth of a second.
            await asyncio.sleep(0.005)
            now = await engine.poll(ticket)
            if now != seen[-1]:
                seen.append(now)
    return seen


async def begun(engine: LocalEngine, ticket: Ticket) -> None:
    """Return once a render has done its first step."""
    async with asyncio.timeout(PATIENCE_S):
        while (await engine.poll(ticket)).state is not RenderState.RUNNING:  # noqa: ASYNC110 - a poll wakes nobody
            await asyncio.sleep(0.02)


async def rendered(engine: LocalEngine, model: str = TEXT, **changes: Any) -> bytes:
    """Return the file of a finished clip."""
    ticket = await order(engine, model, **changes)
    ended = (await followed(engine, ticket))[-1]
    assert ended.state is RenderState.SUCCEEDED, ended.error
    (result,) = await engine.results(ticket)
    file = result.candidates[0].file
    assert file is not None
    return await asyncio.to_thread(file.read_bytes)


def decoded(path: str | Path) -> tuple[NDArray[np.uint8], float]:
    """Return all frames as RGB (n, height, width, 3), and how many there are in a second."""
    with av.open(str(path)) as container:
        frames = [frame.to_ndarray(format="rgb24") for frame in container.decode(video=0)]
        rate = container.streams.video[0].average_rate
    assert rate is not None
    return np.asarray(frames, np.uint8), float(rate)


def picture(path: Path, colour: str, role: Role = Role.FIRST_FRAME) -> Reference:
    """Return a plain picture, of another shape than the clip, in a role."""
    Image.new("RGB", (300, 300), colour).save(path)
    return Reference(role=role, path=path)


def renderers() -> list[psutil.Process]:
    """Return the renderers that this process has started and that are alive."""
    children = psutil.Process().children()
    return [one for one in children if "rushes.engines.local.render" in one.cmdline()]
