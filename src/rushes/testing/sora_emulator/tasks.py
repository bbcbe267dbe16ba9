"""The tasks that were accepted: how each stands now, and the log of them that nobody can edit."""

from __future__ import annotations

import json
import os
import secrets
import time
import uuid
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path

from rushes.testing.sora_emulator.accounts import Account
from rushes.testing.sora_emulator.clock import Clock
from rushes.testing.sora_emulator.faults import Faults
from rushes.testing.sora_emulator.footage import Clip
from rushes.testing.sora_emulator.moderation import objection
from rushes.testing.sora_emulator.orders import Order

AT_ONCE = 3
MEASURED_FRAMES = 300
"""The times below were measured for a clip of so many frames; others take their share."""
QUEUED_AT = 6.0
RUNNING_AT = 55.0
HALF_WAY = 105.0
PROCESSING_AT = 160.0
UNLISTED_AT = 165.0
DRAFTED_AT = 169.0
FAILURE_LISTED_FOR = 600.0
DONE_LISTED_FOR = 60.0
FAILURES = ("violation", "render-error", "fails-in-pending")
"""The faults whose task ends with a failure among the drafts."""
_ULID = "0123456789abcdefghjkmnpqrstvwxyz"


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One accepted create, as the log keeps it; `time` in real seconds since 1970."""

    id: str
    account: str
    prompt: str
    path: str
    time: float


@dataclass(kw_only=True)
class Task:
    """One video from its acceptance on, and the faults it carries. `stand_in`: made up to be in the way.

    `clip` is what comes out, None until it is filmed. `created_at` is on the calendar, `began` on the clock
    of the work.
    """

    id: str
    generation_id: str
    account: str
    order: Order
    path: str
    created_at: float
    began: float
    faults: dict[str, str] = field(default_factory=dict)
    stand_in: bool = False
    clip: Clip | None = None
    reads: Counter[str] = field(default_factory=Counter)
    reviewed: bool = False
    deleted: bool = False
    post_id: str | None = None
    post_visibility: str | None = None

    @property
    def scale(self) -> float:
        return self.order.n_frames / MEASURED_FRAMES

    @property
    def ends(self) -> float:
        """How much work was done, on the clock of the work, when its draft is there."""
        return self.began + DRAFTED_AT * self.scale

    @property
    def failure(self) -> str | None:
        """Why there is no video in the end, None where there is one."""
        return next((self.faults[name] for name in FAILURES if name in self.faults), None)

    def number(self, fault: str) -> int:
        """Return the whole number that a fault holds, 0 without it."""
        return int(float(self.faults.get(fault, 0)))

    def first_times(self, fault: str) -> bool:
        """Return True for the first so many calls as the fault says."""
        if self.reads[fault] >= self.number(fault):
            return False
        self.reads[fault] += 1
        return True

    def file(self, variant: str) -> str:
        """Return the name under which a file of the task's is stored."""
        name = uuid.uuid5(uuid.NAMESPACE_URL, f"{self.generation_id}/{variant}")
        if variant in ("md", "ld", "gif", "thumbnail", "unfurl"):
            return f"{name.hex[:16]}_{name}/drvs/{variant}/raw"
        return f"{name}/raw"


@dataclass(frozen=True, kw_only=True)
class Moment:
    """How a task stands: `listed` in pending, `drafted` among the drafts, `live` while it takes a place.

    With `known` False no address knows of it.
    """

    status: str
    progress: float | None
    reason: str | None = None
    listed: bool = True
    drafted: bool = False
    live: bool = True
    known: bool = True


def moment(task: Task, work: float) -> Moment:
    """Return how a task stands, by the clock of the work, its faults, and whether its clip is there."""
    age = (work - task.began) / task.scale
    if (task.clip is None and task.failure is None) or "never-ends" in task.faults:
        age = min(age, PROCESSING_AT - 1)
    ends = _ends_early(task, age)
    if ends is not None:
        return ends
    if "lost" in task.faults or _is_forgotten(task, work):
        return Moment(status="queued", progress=None, listed=False, live=age < UNLISTED_AT, known=False)
    if age >= UNLISTED_AT:
        return Moment(
            status="succeeded" if age >= DRAFTED_AT else "processing",
            progress=1.0,
            listed="stays-when-done" in task.faults and age < DRAFTED_AT + DONE_LISTED_FOR,
            drafted=age >= DRAFTED_AT,
            live=False,
        )
    status, progress = _stage(age)
    if status == "running":
        status = task.faults.get("unknown-status", status)
    return Moment(status=status, progress=progress, listed="vanishes" not in task.faults)


def _is_forgotten(task: Task, work: float) -> bool:
    since = work - task.began - HALF_WAY * task.scale
    return 0 <= since < task.number("forgotten")


def _ends_early(task: Task, age: float) -> Moment | None:
    for fault, status in (("fails-in-pending", "failed"), ("canceled", "cancelled")):
        if fault in task.faults and age >= HALF_WAY:
            return Moment(
                status=status,
                progress=None,
                reason=task.faults[fault],
                listed=age < HALF_WAY + FAILURE_LISTED_FOR,
                drafted=status == "failed" and age >= DRAFTED_AT,
                live=False,
            )
    return None


def _stage(age: float) -> tuple[str, float | None]:
    if age < QUEUED_AT:
        return "preprocessing", None
    if age < RUNNING_AT:
        return "queued", None
    if age < PROCESSING_AT:
        share = (age - RUNNING_AT) / (PROCESSING_AT - RUNNING_AT)
        return "running", min(0.99, round(0.1 + 0.9 * share, 2))
    return "processing", 1.0


class Tasks:
    """Every task, in the order of acceptance. `log` gets one JSON line for each, before anybody hears."""

    def __init__(self, clock: Clock, faults: Faults, log: Path | None) -> None:
        self._clock, self._faults, self._log = clock, faults, log
        self.all: dict[str, Task] = {}
        self.entries: list[Entry] = []

    def accept(self, account: Account, order: Order, path: str) -> Task:
        """Take on a task for good; its clip comes later, by `show`."""
        task = self._new(account, order, path)
        task.faults = self._faults.stick(order.prompt)
        self._moderate(task)
        account.use(task.created_at)
        entry = Entry(id=task.id, account=account.email, prompt=order.prompt, path=path, time=time.time())
        self.entries.append(entry)
        if self._log is not None:
            with self._log.open("a", encoding="utf-8") as file:
                file.write(json.dumps(asdict(entry), ensure_ascii=False) + "\n")
                file.flush()
                os.fsync(file.fileno())
        self._crowd(task, account)
        return task

    def moment(self, task: Task) -> Moment:
        """Return how a task stands now."""
        return moment(task, self._clock.work())

    def drafted_at(self, task: Task) -> float:
        """Return when on the calendar the draft of a task came, or will come."""
        return self._clock.moment(task.ends)

    def _moderate(self, task: Task) -> None:
        """Have a task end as a violation, if its words are objected to."""
        reason = objection("draft", task.order.prompt)
        if reason is not None and self._faults.look("no-moderation", task.order.prompt) is None:
            task.faults.setdefault("violation", reason)

    def of(self, account: Account) -> Iterator[Task]:
        return (task for task in self.all.values() if task.account == account.email)

    def live(self, account: Account) -> int:
        """Return how many tasks of an account take one of its places."""
        return sum(not task.stand_in and self.moment(task).live for task in self.of(account))

    def drafted(self, account: Account) -> list[Task]:
        """Return the tasks whose drafts are there, newest first."""
        found = (task for task in self.of(account) if not task.deleted and self.moment(task).drafted)
        return sorted(found, key=lambda task: (task.ends, task.id), reverse=True)

    def by_generation(self, account: Account, id: str) -> Task | None:
        """Return the task whose draft has this id, if it is there by now."""
        for task in self.drafted(account):
            if id == (task.id if "old-ids" in task.faults else task.generation_id):
                return task
        return None

    def show(self, task: Task, clip: Clip) -> None:
        """Give a task, and what stands in its way, the clip that was filmed for it."""
        for one in self.all.values():
            if one is task or (one.stand_in and one.path == task.id):
                one.clip = clip

    def _crowd(self, task: Task, account: Account) -> None:
        prompt = task.order.prompt
        others = [prompt] * task.number("crowd")
        others += [f"{number} paper boats" for number in range(task.number("beyond-first-page"))]
        self._add(account, others, task)

    def _add(self, account: Account, prompts: Iterable[str], task: Task) -> None:
        for number, prompt in enumerate(prompts, start=1):
            order = Order(prompt=prompt, n_frames=task.order.n_frames)
            other = self._new(account, order, task.id, later=number / 100)
            other.stand_in = True

    def _new(self, account: Account, order: Order, path: str, later: float = 0.0) -> Task:
        task = Task(
            id=new_id("task"),
            generation_id=new_id("gen"),
            account=account.email,
            order=order,
            path=path,
            created_at=self._clock.now(),
            began=self._clock.work() + later,
        )
        self.all[task.id] = task
        return task


def new_id(kind: str) -> str:
    """Return a new id as the service writes them: `task_01k…` and 23 more characters."""
    return f"{kind}_01k" + "".join(secrets.choice(_ULID) for _ in range(23))
