"""What the provider double remembers: accepted creates, their renders, and the log that nobody can edit."""

from __future__ import annotations

import json
import secrets
import time
from collections import Counter
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from rushes.testing.script import Rule, Script

RUNS = ("queued", "running")


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One accepted create, as the log keeps it; `time` in seconds since 1970."""

    id: str
    key: str
    prompt: str
    billed: bool
    time: float


@dataclass(kw_only=True)
class Job:
    """One render, from its acceptance on. `signature` is what the newest file addresses are signed with."""

    id: str
    prompt: str
    model: str
    seconds: float
    created_at: float
    canceled_at: float | None = None
    wishes: int = 0
    signature: int = 0
    promised: tuple[int, int] = (0, 0)


@dataclass(frozen=True, kw_only=True)
class Moment:
    """How a render stands now."""

    state: str
    fraction: float | None = None
    queue_position: int | None = None


@dataclass
class Renders:
    """Every job of the provider. `log` is a file that gets one JSON line for each accepted create."""

    script: Script
    log: Path | None = None
    jobs: dict[str, Job] = field(default_factory=dict)
    entries: list[Entry] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)
    _by_key: dict[str, str] = field(default_factory=dict)

    def known(self, key: str, prompt: str) -> Job | None:
        """Return the job that a key already stands for, where this provider honours keys."""
        if not key or not self.script.rule(prompt).keys or key not in self._by_key:
            return None
        return self.jobs[self._by_key[key]]

    def accept(self, body: dict[str, Any], *, id: str | None = None, billed: bool = True) -> Job:
        """Take on a job for good: it is in the log before anybody hears of it."""
        job = Job(
            id=id or "r" + secrets.token_hex(6),
            prompt=str(body.get("prompt", "")),
            model=str(body.get("model", "")),
            seconds=float(body.get("seconds") or 0.0),
            created_at=time.time(),
        )
        key = str(body.get("key", ""))
        entry = Entry(id=job.id, key=key, prompt=job.prompt, billed=billed, time=job.created_at)
        self.jobs[job.id] = job
        self.entries.append(entry)
        if key:
            self._by_key.setdefault(key, job.id)
        if self.log is not None:
            with self.log.open("a", encoding="utf-8") as file:
                file.write(json.dumps(asdict(entry)) + "\n")
        return job

    def moment(self, job: Job) -> Moment:
        """Return how a render stands, by the clock and its rule."""
        render = self.rule(job).render
        if job.canceled_at is not None:
            return Moment(state="canceled")
        age = time.time() - job.created_at
        if age < render.queue:
            return Moment(state="queued", queue_position=1 + int(render.queue - age))
        if age < render.queue + render.seconds:
            return Moment(state="running", fraction=round((age - render.queue) / render.seconds, 3))
        return Moment(state=render.outcome)

    def cancel(self, job: Job) -> str:
        """Wish a render canceled; return confirmed, requested or unsupported."""
        answer = self.rule(job).cancel
        job.wishes += 1
        if answer == "confirmed" and self.moment(job).state in RUNS:
            job.canceled_at = time.time()
            return answer
        return "requested" if answer == "confirmed" else answer

    def listed(self, since: float) -> list[Job]:
        """Return the jobs created since a moment that the list shows by now."""
        now = time.time()
        return [
            job
            for job in self.jobs.values()
            if job.created_at >= since and job.created_at + self.rule(job).list_delay <= now
        ]

    def peak(self, match: str) -> int:
        """Return how many renders with `match` in their prompt were in flight at once, at most."""
        edges = []
        for job in self.jobs.values():
            if match in job.prompt:
                render = self.rule(job).render
                end = job.created_at + render.queue + render.seconds
                edges += [(job.created_at, 1), (min(end, job.canceled_at or end), -1)]
        highest = now = 0
        for _, step in sorted(edges):
            now += step
            highest = max(highest, now)
        return highest

    def rule(self, job: Job) -> Rule:
        return self.script.rule(job.prompt)
