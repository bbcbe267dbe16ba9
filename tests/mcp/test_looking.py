"""What `look_at_video` shows of files that are short, broken or long, and when it gives up."""

from __future__ import annotations

import asyncio
import os
import subprocess
from pathlib import Path

import numpy as np
from mcp import Client
from PIL import Image

from rushes import settings
from rushes.mcp.server import build
from rushes.media.encode import VideoWriter
from rushes.media.grid import best_grid
from rushes.studio import Studio
from tests.cli.terminal import Terminal
from tests.mcp.agent import OLD, agent, call, pictures_of, words_of
from tests.mcp.test_limits import Hasty
from tests.media import films
from tests.media.footage import Pixels


def in_library(terminal: Terminal, name: str) -> Path:
    """Return a place that the server may read."""
    (terminal.home / "clips").mkdir(exist_ok=True)
    return terminal.home / "clips" / name


def quick_film(path: Path, *, frames: int, fps: int) -> Path:
    """Write a film of small grey frames, which takes next to no time for each."""
    greys = [np.full((64, 64, 3), level, np.uint8) for level in (90, 120)]
    with VideoWriter(path, width=64, height=64, fps=fps, audio_rate=None) as writer:
        for at in range(frames):
            writer.write_rgb(greys[at % 2])
    return path


def tiles(sheet: Image.Image) -> list[Pixels]:
    """Return the twelve places for frames on an overview."""
    grid = best_grid(12, films.WIDTH / films.HEIGHT, films.WIDTH)
    corners = [grid.corner(column, row) for row in range(grid.rows) for column in range(grid.columns)]
    picture = np.asarray(sheet, np.uint8)
    return [picture[top : top + grid.height, left : left + grid.width] for left, top in corners]


def children() -> list[str]:
    """Return the commands of processes of ours that draw pictures."""
    listed = subprocess.run(["ps", "-A", "-o", "ppid=,args="], capture_output=True, text=True, check=True)
    ours = [line.split(None, 1) for line in listed.stdout.splitlines()]
    return [args for parent, args in ours if parent == str(os.getpid()) and "rushes.mcp.pictures" in args]


async def test_as_many_frames_as_there_are_are_told(terminal: Terminal) -> None:
    """Of three frames three are told, of one one; an end of 0 is no stretch, and not all of it."""
    film = films.write(in_library(terminal, "short.mp4"), films.healthy()[:3])
    async with agent(terminal) as client:
        whole = await call(client, "look_at_video", video=str(film))
        first = await call(client, "look_at_video", video=str(film), end=0.01)
        nothing = await client.call_tool("look_at_video", {"video": str(film), "start": 0, "end": 0})

    assert "picture 1: 3 frames of all of it" in words_of(whole)
    assert "picture 1: 1 frame from 0 to 0.01 s" in words_of(first)
    assert "nothing lies between 0 and 0 s" in words_of(nothing)


async def test_a_file_that_is_cut_short_is_shown_as_far_as_it_goes(terminal: Terminal) -> None:
    """Twelve whole frames are shown of it and told, and a time that it no longer reaches is refused."""
    film = films.write(in_library(terminal, "film.mp4"), films.healthy())
    film.write_bytes(film.read_bytes()[: film.stat().st_size * 2 // 3])
    async with agent(terminal) as client:
        whole = await call(client, "look_at_video", video=str(film))
        beyond = await client.call_tool("look_at_video", {"video": str(film), "view": "frames", "at": [2.9]})

    assert "The file is cut short" in words_of(whole)
    assert "picture 1: 12 frames of all of it" in words_of(whole)
    assert min(tile.std() for tile in tiles(pictures_of(whole)[0])) > 10
    assert "there is nothing at 2.9 s" in words_of(beyond)


async def test_of_a_long_file_parts_are_shown(terminal: Terminal) -> None:
    """More than three minutes are refused with what helps; of a part of it pictures are drawn."""
    film = quick_film(in_library(terminal, "long.mp4"), frames=200, fps=1)
    async with agent(terminal) as client:
        refused = [
            await client.call_tool("look_at_video", {"video": str(film), "view": view})
            for view in ("overview", "bursts")
        ]
        part = await call(client, "look_at_video", video=str(film), start=100, end=104)
        frames = await call(client, "look_at_video", video=str(film), view="frames", at=[150, 199])

    assert all(one.is_error and "3.3 min, longer than 3 min" in words_of(one) for one in refused)
    assert all("next: give start and end, or view: frames" in words_of(one) for one in refused)
    assert "picture 1: 5 frames from 100 to 104 s" in words_of(part)
    assert "picture 2: the frame at 199 s" in words_of(frames)
    assert all("200.0 s, 64×64" in words_of(one) for one in (part, frames))
    assert all("were not looked for" in words_of(one) for one in (part, frames))


def test_what_takes_too_long_is_given_up(terminal: Terminal) -> None:
    """A call that is not done in time answers what to ask for instead, and nothing goes on decoding."""
    film = quick_film(in_library(terminal, "many.mp4"), frames=10_000, fps=60)

    async def looked() -> tuple[str, list[str]]:
        async with (
            Studio.open(settings.load(terminal.environ)) as studio,
            Client(build(studio, ()), mode=OLD) as client,
        ):
            result = await client.call_tool("look_at_video", {"video": str(film)})
            return words_of(result), children()

    with asyncio.Runner(loop_factory=Hasty) as runner:
        said, left = runner.run(looked())

    assert "takes longer than 45 s; it was given up" in said
    assert "next: give start and end, or view: frames" in said
    assert left == []
