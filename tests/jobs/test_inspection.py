"""A file that arrived is looked at in a child process: what that takes, and what becomes of it."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from rushes.domain.clip import Severity
from rushes.domain.errors import BeyondRepair, NotAVideo
from rushes.domain.job import JobState
from rushes.engines.contract import Result, Source, Ticket
from rushes.jobs.inspection import INSPECTOR, Decoders, inspect
from rushes.media.encode import VideoWriter
from rushes.testing.process import ProviderProcess
from rushes.testing.scripted import ScriptedEngine
from tests.children.processes import PATIENCE_S, children, first_child, gone
from tests.jobs.shop import Shop
from tests.media.footage import Footage, numbered, shoot, sign

KEPT_KB = 60_000
"""What a worker may grow by while a file is looked at; it was half a gigabyte."""

QUIET_265 = {"x265-params": "log-level=none", "preset": "ultrafast"}
PEAK = Path("/proc/self/status")


def peak_kb() -> int:
    """Return the most memory that this process has had in use since it was last asked to count anew."""
    return int(re.search(r"VmHWM:\s+(\d+)", PEAK.read_text())[1])  # type: ignore[index]


@pytest.fixture
def fifo(tmp_path: Path) -> Path:
    """A file that nobody ever writes to: who opens it waits for ever."""
    path = tmp_path / "fifo.mp4"
    os.mkfifo(path)
    return path


@pytest.mark.skipif(not PEAK.exists(), reason="only Linux tells a process of its largest size")
async def test_a_large_file_takes_no_memory_of_the_worker(tmp_path: Path, provider: ProviderProcess) -> None:
    """F20: pictures of 16 million pixels are decoded elsewhere, and their job ends either way."""
    bomb = tmp_path / "bomb.mp4"
    maker = await asyncio.create_subprocess_exec(sys.executable, "-m", "tests.jobs.bombs", str(bomb))
    assert await maker.wait() == 0

    class Bombing(ScriptedEngine):
        async def results(self, ticket: Ticket) -> Sequence[Result]:
            return [Result(candidates=[Source(file=bomb)])]

    class BombShop(Shop):
        engine_class = Bombing

    shop = BombShop(tmp_path / "home", provider)
    Path("/proc/self/clear_refs").write_text("5")
    before = peak_kb()
    (job,) = await shop.carry(shop.submit(), patience=PATIENCE_S)
    grown = peak_kb() - before
    shop.close()

    assert job.state in (JobState.COMPLETED, JobState.FAILED)
    assert grown < KEPT_KB


async def test_more_frames_than_the_order_explains_are_no_clip(tmp_path: Path) -> None:
    """F20: a file of a minute is refused for an order of a tenth of a second, and not for a minute's."""
    film = tmp_path / "film.mp4"
    with VideoWriter(film, width=64, height=64, fps=24) as writer:
        for _ in range(1_300):
            writer.write_rgb(np.zeros((64, 64, 3), np.uint8))

    with pytest.raises(BeyondRepair, match="pictures"):
        await inspect(film, 0.1)
    assert (await inspect(film, 60.0)).facts.frames == 1_300


async def test_one_frame_meets_no_order_of_seconds(tmp_path: Path) -> None:
    """One frame is refused for an order of four seconds, and taken for one of a frame or of no length."""
    film = shoot(tmp_path / "film.mp4", Footage(frames=[numbered(0)]))

    with pytest.raises(BeyondRepair, match="one frame came, a still picture, and 4 s were ordered"):
        await inspect(film, 4.0)
    for ordered in (1 / 24, None):
        assert "one_frame" in {one.code for one in (await inspect(film, ordered)).lint}


@pytest.mark.parametrize("kind", ["foreign bytes", "hevc"])
async def test_what_is_no_damage_is_filed_as_it_came(tmp_path: Path, kind: str) -> None:
    """Bytes after the last box, and HEVC, are told as warnings, and the file is filed byte for byte."""
    hevc = Footage(
        frames=[numbered(at) for at in range(8)], codec="libx265", codec_tag="hvc1", options=QUIET_265
    )
    film = shoot(tmp_path / "film.mp4", hevc if kind == "hevc" else Footage(frames=hevc.frames))
    if kind == "foreign bytes":
        film.write_bytes(film.read_bytes() + b"\r\n--boundary7f3a--\r\n")
    before = film.read_bytes()

    arrival = await inspect(film, 1 / 3)
    assert [one.code for one in arrival.lint] == [kind.replace(" ", "_")]
    assert (arrival.path, arrival.original) == (film, None)
    assert film.read_bytes() == before


async def test_what_was_repaired_is_told_no_more(tmp_path: Path) -> None:
    """A copy is told by what it is: not by the lines and times of the file that arrived."""
    options = {"preset": "superfast", "x264-params": "tff=1"}
    footage = Footage(
        frames=[numbered(at) for at in range(8)], codec="libx264", pix_fmt="yuv420p10le", options=options
    )
    arrival = await inspect(shoot(tmp_path / "film.mp4", footage), 1 / 3)

    assert arrival.original is not None
    assert arrival.facts.interlaced is False
    # Only that it was deinterlaced.
    assert [one.code for one in arrival.lint] == ["repaired"]


async def test_an_inspection_that_is_killed_is_a_broken_file(shop: Shop) -> None:
    """F20: the job ends with the reason, nothing is bought again, and `collect` brings the clip, free."""
    job = shop.submit()
    # As a worker leaves it that was stopped after the download; nobody comes to the end of this one.
    os.mkfifo(shop.library.staging(job.id) / "0-0.mp4")
    async with shop.working():
        os.kill(await first_child(os.getpid(), INSPECTOR), signal.SIGKILL)
        ended = await shop.settled(job)

    assert ended.state is JobState.FAILED
    assert "could not be examined: what decodes it was killed from outside" in str(ended.failure)
    assert len(shop.creates()) == 1

    shop.ledger.collect(job.id)
    (again,) = await shop.carry(job)
    assert again.state is JobState.COMPLETED


async def test_no_inspection_outlives_its_worker(fifo: Path) -> None:
    """F20: a worker that is killed takes the child along: the next one looks at the file anew."""
    words = "import asyncio, sys, pathlib; from rushes.jobs.inspection import inspect\n"
    words += "asyncio.run(inspect(pathlib.Path(sys.argv[1])))"
    worker = await asyncio.create_subprocess_exec(sys.executable, "-c", words, str(fifo))
    child = await first_child(worker.pid, INSPECTOR)
    worker.kill()
    await worker.wait()
    await gone(child)


async def test_an_inspection_that_is_given_up_is_gone(fifo: Path) -> None:
    """F20: a job that is canceled leaves nothing that decodes, as a thread did."""
    looking = asyncio.create_task(inspect(fifo))
    child = await first_child(os.getpid(), INSPECTOR)
    looking.cancel()
    await asyncio.wait([looking])

    assert looking.cancelled()
    assert child not in children(os.getpid())


async def test_what_is_no_video_is_told_as_before(tmp_path: Path) -> None:
    """The errors of the media room come out of the child as they are."""
    page = tmp_path / "page.mp4"
    page.write_text("<html>")
    with pytest.raises(NotAVideo, match=r"page\.mp4 is a web page"):
        await inspect(page)


async def test_one_engine_never_holds_both_places() -> None:
    """F20: two files that take all their time, from one engine, hold up no file of another."""
    decoders, order = Decoders(), []

    async def hold(engine: str, name: str, until: asyncio.Event) -> None:
        async with decoders.place(engine):
            order.append(name)
            await until.wait()

    release, done = asyncio.Event(), asyncio.Event()
    done.set()
    bombs = [asyncio.create_task(hold("hostile", f"bomb {number}", release)) for number in (1, 2)]
    async with asyncio.timeout(PATIENCE_S):
        await asyncio.create_task(hold("healthy", "clip", done))
        release.set()
        await asyncio.gather(*bombs)

    assert order == ["bomb 1", "clip", "bomb 2"]


@pytest.mark.parametrize("signed", [True, False])
async def test_no_signed_file_is_rewritten_for_one_player(tmp_path: Path, signed: bool) -> None:
    """A bit rate of 0 in the header is repaired, but a file that is signed stays as it is, with a warning."""
    footage = Footage(frames=[numbered(at) for at in range(12)], container={"movflags": "+faststart"})
    path = shoot(tmp_path / "clip.mp4", footage)
    if signed:
        sign(path)
    before = path.read_bytes()
    arrival = await inspect(path)
    assert path.read_bytes() == before
    assert (arrival.path == path, arrival.original is None, arrival.facts.c2pa) == (signed, signed, signed)
    warned = [(one.code, one.severity) for one in arrival.lint]
    assert warned == ([("btrt_zero", Severity.WARNING)] if signed else [])
