"""How the provider double is told to behave: rules, each for the prompts that hold its words.

All times are seconds. Everything here is what `POST /script` takes as JSON, field by field.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from itertools import count
from typing import Any, TypeVar

EVERY_PROMPT = "*"


@dataclass(frozen=True, kw_only=True)
class Create:
    """What happens to a create: whether it is accepted, and what the caller gets to see of that.

    `drop` closes the connection in place of an answer. `status` and `body` replace the usual answer (202
    with a ticket); a `body` of None is that answer, or a plain refusal. `times` creates go this way, None
    is all of them.
    """

    accept: bool = True
    drop: bool = False
    status: int | None = None
    body: str | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    delay_before: float = 0.0
    delay_after: float = 0.0
    times: int | None = None


@dataclass(frozen=True, kw_only=True)
class Fault:
    """A poll that goes wrong, `times` times for each job (None: always).

    With `status`, that answer; with `garbage`, a body that is no JSON; with `hang`, silence for so long and
    then the true answer.
    """

    status: int | None = None
    garbage: bool = False
    hang: float = 0.0
    headers: Mapping[str, str] = field(default_factory=dict)
    times: int | None = 1


@dataclass(frozen=True, kw_only=True)
class Render:
    """How a render goes: `queue`, then `seconds`, then `outcome`.

    `outcome` is succeeded, failed, failed-content, canceled or expired. `cost` is what a poll of an ended
    render says was charged, in dollars, None for nothing said; `ask_after` what it says when to ask again.
    """

    queue: float = 0.0
    seconds: float = 0.0
    outcome: str = "succeeded"
    ask_after: float | None = 0.05
    cost: str | None = None
    faults: tuple[Fault, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Rule:
    """How everything goes that has `match` in its prompt.

    `candidates` are the kinds of files offered for a result, best first: ok, small, truncated, html, gone,
    expires (its first address is refused, and an older one always), cut (the connection is closed after
    every `cut_every` bytes), moov_last, signed (with content credentials), signed_moov_last, redirect (to
    another origin). `files` is how many results there are. `cancel` is confirmed, requested or unsupported.
    `keys`: a create under a known key gets the first
    one's answer. `list_delay` is how late the list shows a job.
    """

    match: str = EVERY_PROMPT
    create: tuple[Create, ...] = ()
    prepare: tuple[Fault, ...] = ()
    render: Render = field(default_factory=Render)
    candidates: tuple[str, ...] = ("ok",)
    files: int = 1
    file_faults: tuple[Fault, ...] = ()
    cut_every: int = 4_000
    download_seconds: float = 0.0
    cancel: str = "unsupported"
    keys: bool = False
    list_delay: float = 0.0

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


def rule_from(data: Mapping[str, Any]) -> Rule:
    """Return the rule that JSON describes. Raises TypeError for a field that there is not."""
    unknown = set(data) - {one.name for one in fields(Rule)}
    if unknown:
        raise TypeError(f"a rule has no {sorted(unknown)[0]!r}")
    values = dict(data)
    values["create"] = tuple(Create(**one) for one in values.get("create", ()))
    values["prepare"] = tuple(Fault(**one) for one in values.get("prepare", ()))
    values["file_faults"] = tuple(Fault(**one) for one in values.get("file_faults", ()))
    render = dict(values.get("render", {}))
    render["faults"] = tuple(Fault(**one) for one in render.get("faults", ()))
    values["render"] = Render(**render)
    values["candidates"] = tuple(values.get("candidates", ("ok",)))
    return Rule(**values)


Step = TypeVar("Step", Create, Fault)


class Script:
    """The rules in force. The longest match wins; a new rule with the same match replaces the old one."""

    def __init__(self) -> None:
        self._rules: dict[str, tuple[int, Rule]] = {EVERY_PROMPT: (0, Rule())}
        self._serial = count(1)
        self._used: Counter[tuple[object, ...]] = Counter()

    def add(self, rule: Rule) -> None:
        self._rules[rule.match] = (next(self._serial), rule)

    def rule(self, prompt: str) -> Rule:
        return self._find(prompt)[1]

    def next_create(self, prompt: str) -> Create:
        """Return how this create goes, and count it."""
        serial, rule = self._find(prompt)
        return self._next(rule.create, ("create", serial)) or Create()

    def next_poll_fault(self, prompt: str, job: str) -> Fault | None:
        serial, rule = self._find(prompt)
        return self._next(rule.render.faults, ("poll", serial, job))

    def next_file_fault(self, prompt: str, job: str) -> Fault | None:
        serial, rule = self._find(prompt)
        return self._next(rule.file_faults, ("file", serial, job))

    def next_prepare_fault(self, prompt: str) -> Fault | None:
        serial, rule = self._find(prompt)
        return self._next(rule.prepare, ("prepare", serial))

    def _find(self, prompt: str) -> tuple[int, Rule]:
        fitting = [match for match in self._rules if match != EVERY_PROMPT and match in prompt]
        return self._rules[max(fitting, key=len, default=EVERY_PROMPT)]

    def _next(self, steps: Sequence[Step], place: tuple[object, ...]) -> Step | None:
        for number, step in enumerate(steps):
            if step.times is None or self._used[*place, number] < step.times:
                self._used[*place, number] += 1
                return step
        return None
