"""`rushes create --batch FILE`: many clips, checked and agreed to as one; run again, it goes on."""

from __future__ import annotations

import asyncio
import os
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path
from typing import Any

from rushes.cli.batch_file import Line, Problem, read, refuse
from rushes.cli.batch_offer import Priced, agree, check_caps, put_prices, quoted, whole
from rushes.cli.loop import opened
from rushes.cli.output import echo, put_json, put_pairs, say
from rushes.cli.watching import warning_of_silence
from rushes.database.database import translated
from rushes.domain.answer import Answer
from rushes.domain.destination import Destination
from rushes.domain.errors import BadDestination, BadInput, OverBudget
from rushes.domain.job import JobState
from rushes.domain.money import usd
from rushes.domain.permissions import give_to_user
from rushes.domain.text import json_text
from rushes.jobs.ledger import CAME_TO_NOTHING
from rushes.jobs.tally import Tally, keyed, tally
from rushes.studio import Order, Studio

PART = 100
"""Lines stored in one transaction: few enough that no other door waits long for the ledger."""

LOOK_EVERY_S = 0.5
TELL_EVERY_S = 2.0
"""Seconds between two lines that tell how far it is, where there is no terminal to draw a bar on."""


@dataclass(frozen=True, kw_only=True)
class Batch:
    """How a batch is gone about: `max_usd` bounds each clip, `max_usd_total` all that are new, in dollars.

    `again` makes the lines anew whose jobs failed or were canceled; those that have a clip, or may get one,
    stay as they are.
    """

    file: Path
    max_usd: Decimal | None = None
    max_usd_total: Decimal | None = None
    yes: bool = False
    wait: bool = True
    timeout: float | None = None
    again: bool = False

    @property
    def results(self) -> Path:
        """Where its results are written: `shots.results.jsonl` for `shots.jsonl`."""
        return self.file.with_name(f"{self.file.name.removesuffix('.jsonl')}.results.jsonl")


def whole_file(file: Path | None, given: Sequence[object]) -> Path:
    """Return the file of `--batch`. Raises BadInput where a clip's words are `given` beside it."""
    if file is None:
        raise BadInput("--max-usd-total goes with --batch", next="for clips of one prompt give --max-usd")
    if any(one not in (None, False, ()) for one in given):
        raise BadInput(
            "with --batch, what is asked for stands in the file",
            next="put it into the lines; --again, --yes, --max-usd, --max-usd-total, --no-wait and --timeout"
            " go with it",
        )
    return file


def run(batch: Batch, *, as_json: bool) -> int:
    """Store every line that has no job yet, watch them all, write the results; return the exit code.

    Raises BadInput that names every bad line, ApprovalNeeded, OverBudget; nothing is stored then.
    """
    ids: dict[int, str] = {}
    try:
        outcome = _run(batch, ids)
    except KeyboardInterrupt:
        if ids:
            say("")
            say(f"stopped watching; the jobs go on. Come back with: rushes create --batch {batch.file}")
        else:
            say("")
            say("stopped; nothing was sent")
        sys.exit(130)
    _put(batch, outcome, as_json)
    return outcome.exit_code if batch.wait else 0


def _run(batch: Batch, ids: dict[int, str]) -> Outcome:
    lines, problems = read(batch.file)
    with opened() as (studio, runner):
        known = keyed(studio.ledger.database, {line.key for line in lines})
        retried = {name for name, one in known.items() if batch.again and one.state in CAME_TO_NOTHING}
        known = {name: one for name, one in known.items() if name not in retried}
        priced = runner.run(quoted(studio, lines, problems, known, batch.max_usd))
        there = {line.number: known.get((line.key, line.ordinal)) for line in lines}
        old = {number: one.id for number, one in there.items() if one is not None}
        priced = [replace(one, again=(one.line.key, one.line.ordinal) in retried) for one in priced]
        # A line that was paid for elsewhere is that job: nothing is bought for it.
        same = studio.find_same([_order(one, batch) for one in priced])
        old |= {one.line.number: job.id for one, job in zip(priced, same, strict=True) if job is not None}
        priced = [one for one in priced if one.line.number not in old]
        _check_destinations(studio, lines, old)
        if old:
            say(f"{len(old)} of {len(lines)} lines have their jobs already; nothing more is paid for them")
        if priced:
            put_prices(priced)
            check_caps(studio, priced)
            agree(whole(priced), len(priced), yes=batch.yes, most=batch.max_usd_total)
        ids.update(old)
        return runner.run(_make(studio, batch, lines, priced, ids))


async def _make(
    studio: Studio, batch: Batch, lines: Sequence[Line], priced: Sequence[Priced], ids: dict[int, str]
) -> Outcome:
    """Store the new lines, watch all of them, write the results; `ids` has the jobs there are, by line."""
    old = dict(ids)
    await _store(studio, batch, priced, ids)
    for line in lines:
        if line.number in old:
            _look_after(studio, old[line.number], line.out)
    if batch.wait:
        await _watch(studio, list(ids.values()), batch.timeout)
    await studio.make_copies(list(ids.values()), retry=False)
    return _write(studio, lines, ids, batch.results)


def _check_destinations(studio: Studio, lines: Sequence[Line], old: Mapping[int, str]) -> None:
    """Raise BadInput that names every line whose copy cannot be put where it is wanted."""
    problems: list[Problem] = []
    writable: set[Path] = set()
    for line in lines:
        id = old.get(line.number)
        if line.out is None or (id is not None and studio.has_copy(id, line.out)):
            continue
        try:
            studio.check_destination(line.out, studio.ledger.job(id) if id is not None else None, writable)
        except BadDestination as error:
            next = error.next.replace("--force (force=True in Python)", '"force": true')
            problems.append(Problem(number=line.number, message=error.message, next=next))
    refuse(problems)


def _look_after(studio: Studio, id: str, out: Destination | None) -> None:
    """Have a clip that a line has already brought back if it is lost, and copied where the line wants it."""
    if out is not None and not studio.has_copy(id, out):
        studio.ledger.want_copy(id, out)
        studio.bring_back(id)
    elif studio.list_answer(studio.ledger.job(id)).failure is not None:
        # Of thousands of clips that nobody copies only the sizes are looked at.
        studio.bring_back(id)


# --- storing ---


async def _store(studio: Studio, batch: Batch, priced: Sequence[Priced], ids: dict[int, str]) -> None:
    """Store the lines part by part; `ids` grows with each, by the number of the line."""
    for part in _parts(priced):
        try:
            admissions = studio.store([_order(one, batch) for one in part])
        except OverBudget as error:
            stored = f"{len(ids)} lines have jobs, which go on; then " if ids else ""
            raise OverBudget(
                f"{stored}{error.message}", next=f"{error.next}; then run it again: it continues where it was"
            ) from error
        for one, admission in zip(part, admissions, strict=True):
            ids[one.line.number] = admission.job.id
        # Here Ctrl-C is heard: between two parts, never within one.
        await asyncio.sleep(0)


def _parts(priced: Sequence[Priced]) -> Iterator[Sequence[Priced]]:
    for start in range(0, len(priced), PART):
        yield priced[start : start + PART]


def _order(one: Priced, batch: Batch) -> Order:
    line = one.line
    return Order(
        offer=one.offer,
        max_usd=batch.max_usd,
        ordinal=line.ordinal,
        key=line.key,
        derived_key=not line.own_key,
        again=one.again,
        out=line.out,
    )


# --- watching ---


async def _watch(studio: Studio, ids: Sequence[str], timeout: float | None) -> None:
    """Watch all of them as one, until there is nothing to wait for or `timeout` seconds have passed."""
    try:
        async with warning_of_silence(studio), asyncio.timeout(timeout):
            await (_bar(studio, ids) if sys.stderr.isatty() else _lines(studio, ids))
    except TimeoutError:
        say(f"still running after {timeout:g} s; the jobs go on, and running it again watches them")


async def _bar(studio: Studio, ids: Sequence[str]) -> None:
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (BarColumn(bar_width=32), TextColumn("{task.description}", markup=False), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("", total=len(ids))
        while True:
            found = tally(studio.ledger.database, ids)
            progress.update(task, completed=len(ids) - found.open, description=_words(found, len(ids)))
            if not found.open:
                return
            await _rest(studio)


async def _lines(studio: Studio, ids: Sequence[str]) -> None:
    said, said_at = "", 0.0
    while True:
        found = tally(studio.ledger.database, ids)
        words = _words(found, len(ids))
        if words != said and (time.monotonic() - said_at >= TELL_EVERY_S or not found.open):
            said, said_at = words, time.monotonic()
            say(words)
        if not found.open:
            return
        await _rest(studio)


async def _rest(studio: Studio) -> None:
    """Wait a moment, with a worker alive meanwhile."""
    studio.ensure_worker()
    await asyncio.sleep(LOOK_EVERY_S)


def _words(found: Tally, count: int) -> str:
    states = (f"{found.states[one]} {one.value.replace('_', ' ')}" for one in JobState if one in found.states)
    return f"{count - found.open} of {count} done: {', '.join(states)}"


# --- results ---


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What came of all lines: how many are in each state, their cost, the first exit code that is not 0."""

    states: Mapping[JobState, int]
    spent: Decimal
    held: Decimal
    exit_code: int


def _write(studio: Studio, lines: Sequence[Line], ids: Mapping[int, str], results: Path) -> Outcome:
    """Write a line of JSON for each line of the batch, in its order; all of the file, or none of it."""
    states: dict[JobState, int] = {}
    spent = held = Decimal(0)
    code = 0
    part = results.with_name(f"{results.name}.part")
    with translated(results):
        with part.open("w", encoding="utf-8") as file:
            for line in lines:
                answer = studio.list_answer(studio.ledger.job(ids[line.number]))
                file.write(json_text(_result(line, answer)) + "\n")
                job = answer.job
                states[job.state] = states.get(job.state, 0) + 1
                amount = job.cost.amount or Decimal(0)
                spent, held = (spent + amount, held) if job.cost.settled else (spent, held + amount)
                code = code or answer.exit_code
        give_to_user(part)
        os.replace(part, results)
    return Outcome(states=states, spent=spent, held=held, exit_code=code)


def _result(line: Line, answer: Answer) -> dict[str, Any]:
    shape = answer.as_json()
    return {
        "line": line.number,
        "key": line.key if line.own_key else None,
        "job": answer.job.id,
        "state": answer.job.state.value,
        "clip": str(answer.clips[0].path) if answer.clips else None,
        "copies": shape["copies"],
        "cost": shape["cost"],
        "error": shape["error"],
    }


def _put(batch: Batch, outcome: Outcome, as_json: bool) -> None:
    if as_json:
        put_json(
            {
                "batch": str(batch.file.absolute()),
                "results": str(batch.results.absolute()),
                "states": {state.value: count for state, count in outcome.states.items()},
                "spent": f"{outcome.spent:f}",
                "held": f"{outcome.held:f}",
            }
        )
        return
    states = ", ".join(f"{count} {state.value.replace('_', ' ')}" for state, count in outcome.states.items())
    cost = usd(outcome.spent) + (f", {usd(outcome.held)} held" if outcome.held else "")
    put_pairs([("jobs", states), ("cost", cost), ("results", str(batch.results))])
    bad = sum(count for state, count in outcome.states.items() if state is not JobState.COMPLETED)
    if bad and batch.wait:
        echo("each line's error, and what to do next, stand in the results")
