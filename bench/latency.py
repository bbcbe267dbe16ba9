"""From the server's completion to the file on disk, and how often it was asked, against the openai SDK.

Both make the same videos at one double of the service, whose log says when each was done: the SDK with
`create_and_poll` and `download_content`, its defaults; rushes with its worker and the engine openai-videos.
The SDK asks once a second. Where the first answer has a header `openai-poll-after-ms` it asks in that rhythm
to the end; the double sends none.
"""

from __future__ import annotations

import asyncio
import json
import math
import os
import random
import subprocess
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from statistics import mean

from bench.row import Row
from rushes import settings
from rushes.domain.request import VideoRequest
from rushes.studio import Studio
from rushes.testing.openai_videos_service import KEY
from rushes.testing.standin_process import StandInProcess, running_standin

PYTHON = Path(".venv-bench/bin/python")
USUAL_S = 20.0
EARLIER = 12
RENDERS = 24
EVERY_S = 2.0
"""How far apart the renders of a kind are started."""


@dataclass(frozen=True, kw_only=True)
class Kind:
    """Renders of about 20 s: the `spread` of their lognormal times, whether the server `tells` progress."""

    name: str
    model: str
    seconds: str
    spread: float
    tells: bool


KINDS = (
    Kind(name="progress told, spread 30 %", model="sora-2-pro", seconds="4", spread=0.3, tells=True),
    Kind(name="no progress told, spread 5 %", model="sora-2", seconds="4", spread=0.05, tells=False),
    Kind(name="no progress told, spread 15 %", model="sora-2", seconds="8", spread=0.15, tells=False),
)


@dataclass(frozen=True, kw_only=True)
class Order:
    """One video, begun after `start` seconds; it takes `took` seconds at the server, whoever has it made."""

    kind: Kind
    number: int
    start: float
    took: float

    def prompt(self, who: str) -> str:
        return f"{who}: {self.kind.name}, number {self.number}."


@dataclass(frozen=True, kw_only=True)
class Noticed:
    """How many seconds after the server's completion a file was whole, and then filed; the status reads."""

    late: float
    filed: float
    polls: int


def run() -> Iterator[Row]:
    if not PYTHON.exists():
        yield Row(what="completion to file", told="no openai SDK here", aim="≤ 0.7× the SDK's", reached=False)
        return
    chance = random.Random(20)
    earlier, measured = orders(chance, EARLIER, 0.5), orders(chance, RENDERS, EVERY_S)
    double = "rushes.testing.openai_videos_service:OpenAIVideos"
    with tempfile.TemporaryDirectory() as name, running_standin(double, Path(name, "log")) as service:
        home = Path(name)
        asyncio.run(with_rushes(home, service, "earlier", earlier))
        tell(service, "theirs", measured)
        sdk = start_sdk(home, service, measured)
        clips = asyncio.run(with_rushes(home, service, "ours", measured))
        if sdk.wait():
            raise RuntimeError("the openai SDK did not make its videos; its words stand above")
        files = {order: Made.at(their_file(home, order)) for order in measured}
        ours, theirs = noticed(service, "ours", clips), noticed(service, "theirs", files)
    for kind in KINDS:
        yield compared(
            kind,
            [one for order, one in ours.items() if order.kind is kind],
            [one for order, one in theirs.items() if order.kind is kind],
        )


def orders(chance: random.Random, count: int, every: float) -> list[Order]:
    return [
        Order(
            kind=kind,
            number=number,
            start=every * (number + chance.random()),
            took=USUAL_S * math.exp(chance.gauss(0, kind.spread)),
        )
        for kind in KINDS
        for number in range(count)
    ]


def tell(service: StandInProcess, who: str, wanted: Sequence[Order]) -> None:
    """Tell the double how long each render takes, and what it says meanwhile."""
    for order in wanted:
        running = {} if order.kind.tells else {"progress": None}
        service.tell("render", order.prompt(who), facts={"seconds": order.took, "running": running})


# --- the two sides ---


@dataclass(frozen=True, kw_only=True)
class Made:
    """What came of an order: its file as it was downloaded; when it was filed, in seconds since 1970."""

    file: Path
    filed_at: float

    @classmethod
    def at(cls, file: Path) -> Made:
        return cls(file=file, filed_at=file.stat().st_mtime)


async def with_rushes(
    home: Path, service: StandInProcess, who: str, wanted: Sequence[Order]
) -> dict[Order, Made]:
    """Have a worker make the videos, and return their files once all are in the library."""
    tell(service, who, wanted)
    (home / "config.toml").write_text(
        f'[engines.lab]\nengine = "openai-videos"\nbase_url = "{service.base_url}"\nkey = "{KEY}"\n'
        "concurrency = 100\n[budget]\nper_day = 1000\n"
    )
    async with Studio(settings.load({**os.environ, "RUSHES_HOME": str(home)}, home)) as studio:
        jobs = await asyncio.gather(*(submit(studio, who, order) for order in wanted))
        made = {}
        for order, id in zip(wanted, jobs, strict=True):
            clip = await studio.wait(id)
            ended = studio.ledger.job(id).completed_at
            assert ended is not None
            made[order] = Made(file=clip.original or clip.path, filed_at=ended.timestamp())
        return made


async def submit(studio: Studio, who: str, order: Order) -> str:
    await asyncio.sleep(order.start)
    request = VideoRequest(
        prompt=order.prompt(who), model=f"lab/{order.kind.model}", seconds=float(order.kind.seconds)
    )
    return (await studio.submit(request, max_usd=Decimal("0.01"))).id


def start_sdk(home: Path, service: StandInProcess, wanted: Sequence[Order]) -> subprocess.Popen[str]:
    """Start the SDK on the same videos, in a process of its own."""
    lines = [
        json.dumps(
            {
                "prompt": order.prompt("theirs"),
                "model": order.kind.model,
                "seconds": order.kind.seconds,
                "path": str(their_file(home, order)),
                "start": order.start,
            }
        )
        for order in wanted
    ]
    (home / "orders").write_text("\n".join(lines))
    with (home / "orders").open() as listed:
        # Each call of the SDK's video methods warns that OpenAI's own service has ended.
        words = [str(PYTHON), "-W", "ignore", "bench/with_openai.py", f"{service.base_url}/v1", KEY]
        return subprocess.Popen(words, stdin=listed, text=True)


def their_file(home: Path, order: Order) -> Path:
    return home / f"{KINDS.index(order.kind)}-{order.number}.mp4"


# --- what the double saw ---


def noticed(service: StandInProcess, who: str, made: Mapping[Order, Made]) -> dict[Order, Noticed]:
    """Hold files against the double's log: their last byte was written when they were last changed."""
    asked = Counter(one["path"].rsplit("/", 1)[1] for one in service.requests("poll"))
    found = {}
    for order, one in made.items():
        (entry,) = service.log(order.prompt(who))
        done = float(entry["time"]) + order.took
        found[order] = Noticed(
            late=one.file.stat().st_mtime - done, filed=one.filed_at - done, polls=asked[entry["id"]]
        )
    return found


def compared(kind: Kind, ours: Sequence[Noticed], theirs: Sequence[Noticed]) -> Row:
    late, polls = mean(one.late for one in ours), mean(one.polls for one in ours)
    filed = mean(one.filed for one in ours)
    their_late, their_polls = mean(one.late for one in theirs), mean(one.polls for one in theirs)
    renders = f"{RENDERS} renders of about {USUAL_S:g} s, {kind.name}"
    return Row(
        what=f"completion to file on disk, {renders}, against the openai SDK",
        told=f"{late / their_late:.2f}× ({late:.2f} s against {their_late:.2f} s; verified and filed at "
        f"{filed:.2f} s), {polls / their_polls:.2f}× the polls ({polls:.1f} against {their_polls:.1f})",
        aim="≤ 0.7× at ≤ 0.5× the polls",
        reached=late <= 0.7 * their_late and polls <= 0.5 * their_polls,
    )
