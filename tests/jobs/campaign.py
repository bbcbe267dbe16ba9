"""A campaign of kills: the worker is frozen, and ended by SIGKILL and SIGTERM, again and again, with jobs in
flight."""

from __future__ import annotations

import os
import random
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

from rushes.domain.job import Job, JobState
from rushes.domain.request import Reference, Role
from rushes.engines.contract import Recovery
from rushes.jobs.starter import is_held
from tests.jobs.shop import Shop

FRESH = 4
"""Jobs that wait to be sent when a worker starts, so that every life has something to submit."""

MOST_IN_FLIGHT = 24

LONG_LIFE_EVERY = 8
POST_TIMEOUT_S = 1.0
LIST_DELAY_S = 0.2
ENDS = ("kill", "kill", "term", "freeze")
"""SIGKILL as when the power goes, SIGTERM as when the machine is shut down; frozen first, as by a suspend."""

FREEZES_S = (0.02, 0.1, 0.1, 1.3 * POST_TIMEOUT_S)
"""How long it is frozen, at times for longer than an answer to a create is waited for."""

AIMS = ("anything", "anything", "prepare", "submit", "poll", "download", "inspect", "file")


@dataclass(kw_only=True)
class Campaign:
    """Kills at seeded moments. `phases` counts what was under way at a kill, by the ledger and the disk."""

    shop: Shop
    recovery: Recovery
    seed: int
    jobs: list[Job] = field(default_factory=list)
    phases: Counter[str] = field(default_factory=Counter)
    ends: Counter[str] = field(default_factory=Counter)
    kills: int = 0
    settled_by_hand: int = 0

    def __post_init__(self) -> None:
        self.chance = random.Random(self.seed)
        options = {
            "recovery": self.recovery.value,
            "post_timeout": POST_TIMEOUT_S,
            "list_delay": LIST_DELAY_S,
        }
        lines = [f'base_url = "{self.shop.provider.base_url}"', "ask_timeout = 2.0", "concurrency = 6"]
        lines += [f"{name} = {value!r}" for name, value in options.items()]
        # No cap: two hundred kills buy more than the usual cap of a day lets through.
        lines += ["[budget]", "per_day = 1000", "per_month = 1000"]
        self.shop.home.joinpath("config.toml").write_text("\n".join(["[engines.scripted]", *lines]) + "\n")
        self.shop.script(
            prepare=[{"hang": 0.03, "times": None}],
            create=[{"delay_before": 0.02, "delay_after": 0.04}],
            render={"queue": 0.05, "seconds": 0.1, "ask_after": 0.05},
            download_seconds=0.06,
            keys=self.recovery is Recovery.REPLAY_KEY,
            list_delay=LIST_DELAY_S / 2,
        )
        picture = self.shop.home / "picture.png"
        picture.write_bytes(b"any bytes will do for this provider")
        self.reference = self.shop.library.keep(Reference(role=Role.FIRST_FRAME, path=picture))

    def kill_often(self, times: int) -> None:
        """Start the worker and kill it, `times` times, then let it carry everything to its end."""
        with zygote(self.shop.home) as ask:
            for _ in range(times):
                self._add_jobs()
                self._start(ask)
                self._wait_for_the_moment()
                end = end_worker(ask, self.chance)
                self.ends[end] += 1
                self.kills += 1
                found = self._look_at_the_scene()
                # F21: whoever is asked to end waits for the answers to its creates.
                assert end != "term" or not found & {"submit", "store"}, found
                if self.kills % 10 == 0:
                    self._settle_by_hand()
            self._drain(ask)

    def creates_of(self, job: Job) -> list[str]:
        return [entry["id"] for entry in self.shop.creates() if entry["prompt"] == job.request.prompt]

    # --- one kill ---

    def _add_jobs(self) -> None:
        recent = [self.shop.now(job).state for job in self.jobs[-2 * MOST_IN_FLIGHT :]]
        fresh = sum(state in (JobState.WAITING, JobState.SUBMITTING) for state in recent)
        room = MOST_IN_FLIGHT - sum(not state.ended for state in recent)
        for number in range(len(self.jobs), len(self.jobs) + min(room, FRESH - fresh)):
            # Each has a prompt of its own: the provider's log can tell them apart without our ledger.
            references = (self.reference,) if number % 2 else ()
            self.jobs.append(self.shop.submit(f"take {number:05d}", references=references))

    def _start(self, ask: Callable[[str], int]) -> None:
        """Start a worker and return once it holds the lock and has taken the ledger over."""
        before = self._epoch()
        ask("run")
        _until(lambda: self._epoch() > before)
        assert is_held(self.shop.home / "worker.lock")

    def _wait_for_the_moment(self) -> None:
        if self.kills % LONG_LIFE_EVERY == 1:
            # Killed five times a second nothing would ever come to its end, nor to the later phases.
            time.sleep(self.chance.uniform(0.3, 0.9))
        aim = self.chance.choice(AIMS)
        if aim == "anything":
            time.sleep(self.chance.uniform(0.0, 0.2))
            return
        # Short moments, and late ones: files are examined one at a time, by a process that has to start.
        short = aim in ("download", "file")
        _until(lambda: self._is_under_way(aim), patience=5.0 if short else 0.2, must=False)
        time.sleep(self.chance.uniform(0.0, 0.012 if short else 0.03))

    def _is_under_way(self, aim: str) -> bool:
        staged = {"download": "*/*.part", "inspect": "*/*.mp4", "file": "*/*.bursts.jpg"}
        if aim in staged:
            with suppress(FileNotFoundError):  # what the worker clears away while we look
                return any(self.shop.home.joinpath("staging").glob(staged[aim]))
            return False
        state = {"prepare": "submitting", "submit": "submitting", "poll": "running"}[aim]
        posted = "IS NOT NULL" if aim == "submit" else "IS NULL" if aim == "prepare" else "IS NOT NULL"
        found = self.shop.database.one(
            "SELECT 1 FROM jobs JOIN submissions ON submissions.job_id = jobs.id"
            f" WHERE jobs.state = :state AND posted_at {posted} LIMIT 1",
            {"state": state},
        )
        return found is not None

    def _look_at_the_scene(self) -> set[str]:
        """Note, and return, what the jobs were in the middle of, now that nobody works on them."""
        accepted = {entry["key"] for entry in self.shop.creates()}
        rows = self.shop.database.all(
            "SELECT jobs.id, jobs.state, key.key, key.posted_at FROM jobs"
            " JOIN submissions key ON key.job_id = jobs.id"
            " WHERE jobs.state IN ('submitting', 'queued', 'running', 'collecting')"
        )
        found = set()
        for row in rows:
            match row["state"]:
                case "submitting" if row["posted_at"] is None:
                    found.add("prepare")
                case "submitting":
                    found.add("store" if row["key"] in accepted else "submit")
                case "queued" | "running":
                    found.add("poll")
                case "collecting":
                    found.add(self._collecting(row["id"]))
        self.phases.update(found)
        return found

    def _collecting(self, id: str) -> str:
        names = [file.name for file in self.shop.home.joinpath("staging", id).glob("*")]
        if self.shop.library.of_job(id) or any(self.shop.home.glob(f"clips/*/*/*-c{id[1:]}.*")):
            return "file"
        if any(name.endswith(".bursts.jpg") for name in names):
            return "file"
        if any(name.endswith(".mp4") for name in names):
            return "inspect"
        return "download" if any(name.endswith(".part") for name in names) else "results"

    def _epoch(self) -> int:
        row = self.shop.database.one("SELECT epoch FROM fence")
        assert row is not None
        return int(row["epoch"])

    # --- afterwards ---

    def _drain(self, ask: Callable[[str], int]) -> None:
        """Let a worker end its work, be the person for what only a person can tell, and let it end again."""
        for _ in range(2):
            self._start(ask)
            assert ask("wait") == 0
            time.sleep(POST_TIMEOUT_S)
            self._settle_by_hand()
        left = [job for job in map(self.shop.now, self.jobs) if not job.state.ended]
        assert not left, left

    def _settle_by_hand(self) -> None:
        """Look at the provider's own pages, as a person would, and say what is there.

        Not before the create could have arrived at the latest: what a killed worker sent may still be read.
        """
        latest = datetime.now(UTC) - timedelta(seconds=POST_TIMEOUT_S)
        for job in self.jobs:
            now = self.shop.now(job)
            if now.left_to_a_person and now.updated_at < latest:
                self.settled_by_hand += 1
                found = self.creates_of(job)
                if found:
                    self.shop.ledger.reconcile(job.id, ticket={"id": found[0]})
                else:
                    self.shop.ledger.reconcile(job.id, charged=Decimal(0))


@contextmanager
def zygote(
    home: Path, module: str = "tests.jobs.zygote", *, idle_s: float = 2.0
) -> Iterator[Callable[[str], int]]:
    """Start a zygote whose workers live in `home`; give what sends it a command and returns its answer."""
    # A process forks safely only while it has one thread.
    alone = {"OPENBLAS_NUM_THREADS": "1"}
    environ = {**os.environ, **alone, "RUSHES_HOME": str(home), "RUSHES_IDLE_S": str(idle_s)}
    with (
        home.joinpath("worker.log").open("a") as log,
        subprocess.Popen(
            [sys.executable, "-m", module],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
            env=environ,
            cwd=Path(__file__).parents[2],
        ) as process,
    ):
        commands, answers = process.stdin, process.stdout
        assert commands is not None
        assert answers is not None

        def ask(command: str) -> int:
            commands.write(command + "\n")
            commands.flush()
            return int(answers.readline())

        yield ask


def end_worker(ask: Callable[[str], int], chance: random.Random, ends: Sequence[str] = ENDS) -> str:
    """End the zygote's worker in one of these ways, and return it."""
    end = chance.choice(ends)
    if end == "freeze":
        ask("stop")
        time.sleep(chance.choice(FREEZES_S))
        ask("cont")
        time.sleep(chance.uniform(0.0, 0.1))
    status = ask("term" if end == "term" else "kill")
    # It may just have ended for want of work; asked to, it always ends in its own way.
    assert status == 0 or (status == -9 and end != "term"), (end, status)
    return end


def _until(true: Callable[[], bool], *, patience: float = 20.0, must: bool = True) -> None:
    end = time.monotonic() + patience
    while not true():
        if time.monotonic() > end:
            assert not must, "it never came to that"
            return
        time.sleep(0.002)
