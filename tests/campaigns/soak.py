"""A soak: two healthy engines beside a hostile one, and an agent that looks on, for half an hour.

    python -m tests.campaigns.soak --minutes 30 --alone 5 --report soak.json

First the healthy ones work alone, then all three. Printed, and written as JSON: how long the healthy engines'
clips took with and without the hostile one, and how the memory of the worker, its children and the MCP server
went. It ends with 1 if a healthy job was lost or bought twice, or if the memory grew.
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import json
import os
import random
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field, replace
from decimal import Decimal
from pathlib import Path
from statistics import median, quantiles
from time import monotonic
from typing import Any

from rushes import Job, JobState, Studio, VideoRequest
from rushes.domain.errors import RushesError
from rushes.testing.children import end_server, start_server
from rushes.testing.openai_videos_service import KEY as VIDEOS_KEY
from rushes.testing.openrouter_service import KEY as OPENROUTER_KEY
from rushes.testing.standin_process import StandInProcess, running_standin
from tests.campaigns.hostile import WAYS
from tests.cli.terminal import Terminal
from tests.mcp.agent import agent, call

MODEL = "Wan-AI/Wan2.2-T2V-A14B-Diffusers"
MOST = Decimal("5")
RENDER_S = 2.0
HEALTHY = {
    "good": VideoRequest(prompt="to be named", model=f"good/{MODEL}", seconds=4),
    "openrouter": VideoRequest(prompt="to be named", model="openrouter/kwaivgi/kling-v3.0-std", seconds=5),
}
EVERY_S = 4.0
"""Between two jobs of each healthy engine."""

OUTSTANDING = 16
"""Hostile jobs at any time: more than the eight that its engine may have at once."""

GROWTH = 1.25
"""By how much the memory between loads may grow from the second third of the time to the last."""


def settings(good: str, openrouter: str, hostile: str) -> str:
    """Return the settings file."""
    model = 'seconds = { only = [1, 4], default = 4 }\nresolutions = ["480p"]\n'
    model += 'price = { per_second = { "*" = 0.1 } }'
    return f"""
[budget]
per_job = 5
per_day = 100000
per_month = 100000
[engines.good]
engine = "openai-videos"
base_url = "{good}/v1"
key = "{VIDEOS_KEY}"
[[engines.good.models]]
id = "{MODEL}"
{model}
[engines.openrouter]
base_url = "{openrouter}/api/v1"
key = "{OPENROUTER_KEY}"
[engines.hostile]
engine = "openai-videos"
base_url = "{hostile}/v1"
key = "sk-0123456789abcdef"
concurrency = 8
[[engines.hostile.models]]
id = "m"
{model}
"""


@dataclass(kw_only=True)
class Soak:
    """What is submitted, and what is measured."""

    terminal: Terminal
    studio: Studio
    chance: random.Random
    healthy: dict[str, list[str]] = field(default_factory=lambda: {"alone": [], "beside": []})
    hostile: list[str] = field(default_factory=list)
    memory: list[dict[str, int]] = field(default_factory=list)

    async def work(self, phase: str, seconds: float) -> None:
        """Submit jobs of a phase, sample the memory, and have the agent look, for so many seconds."""
        end, number = monotonic() + seconds, itertools.count(1)
        async with agent(self.terminal) as client:
            while monotonic() < end:
                step = monotonic()
                for name, request in HEALTHY.items():
                    job = await self._submit(request, f"{phase} {name} {next(number)}")
                    self.healthy[phase].append(job.id)
                if phase == "beside":
                    await self._refill(next(number))
                await call(client, "list_jobs")
                await call(client, "get_job", job_id=self.chance.choice(self.healthy[phase]))
                self._measure(phase)
                await asyncio.sleep(max(0.0, EVERY_S - (monotonic() - step)))

    async def settled(self, phase: str, patience_s: float = 600.0) -> list[Job]:
        """Return the jobs of a phase when all have ended."""
        end = monotonic() + patience_s
        while monotonic() < end:
            jobs = [self.studio.answer(id).job for id in self.healthy[phase]]
            if all(job.state.ended for job in jobs):
                return jobs
            self.studio.ensure_worker()
            await asyncio.sleep(1)
        return jobs

    async def _submit(self, request: VideoRequest, prompt: str) -> Job:
        return await self.studio.submit(replace(request, prompt=prompt), again=True, max_usd=MOST)

    async def _refill(self, number: int) -> None:
        """Keep the hostile engine busy; what stands for long is given up, as a person would."""
        open_jobs = [job for job in map(self._job, self.hostile[-3 * OUTSTANDING :]) if not job.state.ended]
        for job in open_jobs[: -2 * OUTSTANDING]:
            with suppress(RushesError):
                self.studio.abandon(job.id, charged=Decimal(0))
        for _ in range(max(0, OUTSTANDING - len(open_jobs)) or 1):
            way = WAYS[len(self.hostile) % len(WAYS)]
            request = VideoRequest(prompt="to be named", model="hostile/m", seconds=4)
            self.hostile.append((await self._submit(request, f"{way} {number}")).id)

    def _job(self, id: str) -> Job:
        return self.studio.answer(id).job

    def _measure(self, phase: str) -> None:
        worker = self.terminal.worker()
        own = [pid for pid in children_of(os.getpid()) if b"mcp" in command_of(pid)]
        self.memory.append(
            {
                "phase": int(phase == "beside"),
                "worker": resident(worker),
                "children": sum(map(resident, children_of(worker))),
                "mcp": sum(map(resident, own)),
            }
        )


def resident(pid: int) -> int:
    """Return the memory that a process holds, in MB; 0 for one that has gone."""
    with suppress(OSError, IndexError, ValueError):
        text = Path(f"/proc/{pid}/status").read_text()
        return int(text.split("VmRSS:")[1].split()[0]) // 1024
    return 0


def children_of(pid: int) -> list[int]:
    with suppress(OSError):
        return [
            int(one)
            for task in Path(f"/proc/{pid}/task").iterdir()
            for one in (task / "children").read_text().split()
        ]
    return []


def command_of(pid: int) -> bytes:
    with suppress(OSError):
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    return b""


def seconds_of(jobs: list[Job]) -> list[float]:
    """Return how long each completed job took."""
    return [
        (job.completed_at - job.created_at).total_seconds() for job in jobs if job.completed_at is not None
    ]


def memory_of(samples: list[dict[str, int]], name: str) -> dict[str, int]:
    """Return what a process holds between its loads (a tenth of the samples is below) and at most, in MB.

    Of the second and of the last third. A median would tell how long the machine took over each load.
    """
    values = [one[name] for one in samples if one["phase"]] or [0]
    third = max(1, len(values) // 3)
    thirds = {"second_third": values[third : 2 * third] or values, "last_third": values[-third:]}
    return {of: sorted(part)[len(part) // 10] for of, part in thirds.items()} | {"largest": max(values)}


def report_of(soak: Soak, ended: dict[str, list[Job]], bought: Counter[str]) -> dict[str, Any]:
    """Return what came of it."""
    report: dict[str, Any] = {"healthy": {}, "memory_mb": {}}
    for name in HEALTHY:
        rows = {}
        for phase, jobs in ended.items():
            own = [job for job in jobs if job.engine == name]
            times = seconds_of(own)
            rows[phase] = {
                "jobs": len(own),
                "completed": sum(job.state is JobState.COMPLETED for job in own),
                "median_s": round(median(times), 2),
                "p95_s": round(quantiles(times, n=20)[-1], 2),
            }
        rows["ratio"] = {of: round(rows["beside"][of] / rows["alone"][of], 2) for of in ("median_s", "p95_s")}
        report["healthy"][name] = rows
    for name in ("worker", "children", "mcp"):
        report["memory_mb"][name] = memory_of(soak.memory, name)
    report["bought_twice"] = sum(count > 1 for count in bought.values())
    report["worker_mb"] = [one["worker"] for one in soak.memory if one["phase"]]
    report["hostile"] = Counter(f"{job.state}" for job in map(soak._job, soak.hostile))
    return report


def is_good(report: dict[str, Any]) -> bool:
    """Whether nothing was lost or bought twice, and the memory stayed flat."""
    whole = all(
        rows[phase]["jobs"] == rows[phase]["completed"]
        for rows in report["healthy"].values()
        for phase in ("alone", "beside")
    )
    flat = all(
        one["last_third"] <= GROWTH * one["second_third"] + 10
        for name, one in report["memory_mb"].items()
        if name != "children"
    )
    return whole and flat and not report["bought_twice"]


@contextmanager
def services(folder: Path) -> Iterator[tuple[StandInProcess, StandInProcess, str]]:
    """Give the two healthy services and the address of the hostile one."""
    with ExitStack() as stack:
        good = stack.enter_context(
            running_standin("rushes.testing.openai_videos_servers:SGLang", folder / "good.log")
        )
        router = stack.enter_context(
            running_standin("rushes.testing.openrouter_service:OpenRouterService", folder / "router.log")
        )
        process, hostile = start_server(["tests.campaigns.hostile", str(folder)])
        stack.callback(end_server, process)
        for service in (good, router):
            service.tell("render", facts={"seconds": RENDER_S})
        yield good, router, hostile


async def main() -> int:
    """Run it all; return the exit status."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=30.0)
    parser.add_argument("--alone", type=float, default=5.0)
    parser.add_argument("--seed", type=int, default=11)
    parser.add_argument("--report", type=Path)
    options = parser.parse_args()
    sys.stderr.write(f"seed {options.seed}\n")
    with tempfile.TemporaryDirectory() as name, services(Path(name)) as (good, router, hostile):
        home = Path(name) / "home"
        home.mkdir()
        os.environ.update(RUSHES_HOME=str(home), RUSHES_IDLE_S="30")
        terminal = Terminal(home=home)
        terminal.settings(settings(good.base_url, router.base_url, hostile))
        async with Studio.open() as studio:
            soak = Soak(terminal=terminal, studio=studio, chance=random.Random(options.seed))
            ended = {}
            for phase, minutes in (("alone", options.alone), ("beside", options.minutes)):
                await soak.work(phase, 60 * minutes)
                ended[phase] = await soak.settled(phase)
            bought = Counter(one["prompt"] for service in (good, router) for one in service.log())
            report = report_of(soak, ended, bought)
        terminal.stop_worker()
    text = json.dumps(report, indent=2)
    sys.stdout.write(text + "\n")
    if options.report:
        options.report.write_text(text + "\n")
    return 0 if is_good(report) else 1


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
