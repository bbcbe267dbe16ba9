"""`rushes jobs | job | wait | cancel | collect | reconcile | worker`."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import TYPE_CHECKING

import click

from rushes.cli.amount import Amount
from rushes.cli.output import (
    JOB,
    JOBS,
    common,
    cost_with_quota,
    echo,
    one_or_list,
    put_answer,
    put_fitted,
    put_json,
    put_pairs,
    say,
    shortened,
    state,
    style,
    warn_of,
    wishes,
)
from rushes.cli.values import LIMIT, WAIT, Text
from rushes.domain.answer import Answer
from rushes.domain.clip import Damage
from rushes.domain.errors import BadInput, LibraryDamaged, RushesError, WorkerRunning
from rushes.domain.job import Job, JobState, age
from rushes.studio import Studio

if TYPE_CHECKING:
    from rushes.jobs.ending import Ending

log = logging.getLogger("rushes.worker")

LONGEST_CLOSE_S = 20.0
"""How long a worker that ends waits for its engines to close: browsers, children."""


@click.command()
@click.option("--state", "only", type=click.Choice([one.value for one in JobState]), help="Only these.")
@click.option("--limit", type=LIMIT, default=20, show_default=True)
@common
def jobs(as_json: bool, only: str | None, limit: int) -> int:
    """List jobs, the newest first."""
    with Studio.open() as studio:
        studio.ensure_worker()
        found = studio.ledger.jobs(state=JobState(only) if only else None, limit=limit)
        warn_of(studio.silent_worker())
        if as_json:
            put_json([studio.list_answer(job).as_json() for job in found])
            return 0
    if not found:
        echo(
            f"no {only.replace('_', ' ')} jobs"
            if only
            else 'no jobs yet; rushes create "a paper boat at dusk" makes the first'
        )
        return 0
    put_fitted([_row(job) for job in found], ("JOB", "STATE", "MADE", "COST", "MODEL", "PROMPT"))
    return 0


def _row(job: Job) -> tuple[str, ...]:
    return (
        job.id,
        state(job),
        age(job.created_at),
        job.cost.words,
        job.model,
        job.request.prompt,
    )


@click.command()
@click.argument("id", metavar=JOB)
@common
def job(as_json: bool, id: str) -> int:
    """Show one job and everything that happened to it."""
    with Studio.open() as studio:
        studio.ensure_worker()
        warn_of(studio.silent_worker())
        answer = studio.answer(id)
        events = studio.ledger.events(answer.job.id)
    if as_json:
        put_json({**answer.as_json(), "events": events})
        return exit_code_of(answer.damage)
    put_pairs(_facts(answer))
    echo()
    for event in events:
        at = datetime.fromtimestamp(event["at"], UTC)
        told = (f"{name} {value}" for name, value in event["detail"].items() if value is not None)
        detail = shortened(", ".join(told), 120)
        echo(f"{style(f'{at:%H:%M:%S}', dim=True)}  {event['kind'].replace('_', ' ')}  {detail}")
    echo()
    put_answer(answer)
    return exit_code_of(answer.damage)


def exit_code_of(damage: Sequence[Damage]) -> int:
    """Return 0, or that of a library with a damaged clip: a command that names one is no success."""
    return LibraryDamaged.exit_code if damage else 0


def _facts(answer: Answer) -> list[tuple[str, str]]:
    """Return what a person is shown of a job: what was asked for, where it stands, what was said of it."""
    job, understanding = answer.job, answer.understanding
    request = job.request
    shape = f"{request.seconds:g} s, {request.aspect}, {request.resolution}"
    made = f"{job.created_at:%Y-%m-%d %H:%M:%S} UTC, {age(job.created_at)}"
    pairs = [
        ("job", job.id),
        ("state", state(job)),
        *([("because", job.reason)] if job.reason and not job.state.ended else []),
        ("prompt", request.prompt),
        *(understanding.lines() if understanding else ()),
        *wishes(request),
        ("model", job.model),
        *payer_pairs(job),
        ("clip", shape + ("" if request.seed is None else f", seed {request.seed}")),
        ("cost", cost_with_quota(job)),
        ("made", made),
    ]
    if job.facts:
        said = (f"{name.replace('_', ' ')} {value}" for name, value in job.facts.items() if value is not None)
        pairs.append(("accepted", shortened(", ".join(said), 120)))
    return pairs


def payer_pairs(job: Job) -> list[tuple[str, str]]:
    """Return whose account a job is made with, or where the key comes from that pays for it."""
    if job.key_source is None:
        return []
    return [("key", f"from {job.key_source}") if job.person is None else ("account", job.key_source)]


@click.command()
@click.argument("ids", metavar=JOBS, nargs=-1, required=True)
@click.option("--timeout", type=WAIT, metavar="SECONDS", help="Stop watching after that; the jobs go on.")
@common
def wait(as_json: bool, ids: tuple[str, ...], timeout: float | None) -> int:
    """Watch jobs until they have ended. Exits with 3 where one is still running."""
    import asyncio

    from rushes.cli.watching import exit_code, watch

    async def watched() -> list[Answer]:
        async with Studio.open() as studio:
            named = [studio.job(id).id for id in ids]
            await studio.make_copies(named)
            return await watch(studio, named, timeout)

    try:
        answers = asyncio.run(watched())
    except KeyboardInterrupt:
        say("")
        say(f"stopped watching; nothing else was stopped. Come back with: rushes wait {' '.join(ids)}")
        sys.exit(130)
    if as_json:
        put_json(one_or_list(answers))
    else:
        for answer in answers:
            put_answer(answer)
    return exit_code(answers)


@click.command()
@click.argument("ids", metavar=JOBS, nargs=-1, required=True)
@common
def collect(as_json: bool, ids: tuple[str, ...]) -> int:
    """Poll and download a job's result again, free; a blocked job is tried at once."""
    with Studio.open() as studio:
        answers = [studio.answer(studio.collect(id).id) for id in ids]
    if as_json:
        put_json(one_or_list(answers))
        return 0
    for answer in answers:
        echo(f"job {answer.job.id} is {state(answer.job)}; rushes wait {answer.job.id} watches it")
    return 0


@click.command()
@click.argument("id", metavar=JOB)
@click.option(
    "--accepted", type=Text(), metavar="TICKET", help="The provider did accept it: the id its own pages show."
)
@click.option("--nothing", is_flag=True, help="The provider made nothing and charged nothing.")
@click.option("--charged", type=Amount(), help="Nothing comes of it, and this is what it cost.")
@common
def reconcile(as_json: bool, id: str, accepted: str | None, nothing: bool, charged: Decimal | None) -> int:
    """Settle a job whose outcome or bill is not known, or correct what it cost.

    Without an option the provider's own list is read once more, if it has one. Look at the provider's pages
    and say what you see there: --accepted TICKET, --nothing, or --charged AMOUNT.
    """
    if sum((accepted is not None, nothing, charged is not None)) > 1:
        raise BadInput("--accepted, --nothing and --charged exclude each other", next="give one of them")
    with Studio.open() as studio:
        settled = studio.reconcile(id, ticket=accepted, charged=Decimal(0) if nothing else charged)
        answer = studio.answer(settled.id)
    if as_json:
        put_json(answer.as_json())
    else:
        echo(f"job {settled.id} is {state(settled)}, {settled.cost.words}")
        if not settled.state.ended:
            echo(f" next: rushes {'why' if settled.left_to_a_person else 'wait'} {settled.id}")
    return 0


@click.command()
@click.option("--status", is_flag=True, help="Show whether a worker is running.")
@common
def worker(as_json: bool, status: bool) -> int:
    """Run the background worker. It starts automatically, and exits when it is idle."""
    if status:
        return _worker_status(as_json)
    import asyncio

    with asyncio.Runner() as runner:
        exit_status = runner.run(_work())
        if as_json and not exit_status:
            put_json({"worked": True})
        sys.stdout.flush()
        sys.stderr.flush()
        # A thread that waits for a download or a keyring keeps no worker alive: nothing of it is lost.
        os._exit(exit_status)


async def _work() -> int:
    """Be the worker, and return the exit status: an error is told here, since nothing is done after it."""
    from rushes.jobs.ending import Ending, asked_by_signals
    from rushes.settings import load_for_worker

    studio, ending = Studio.open(load_for_worker()), Ending()
    # Until the last engine is closed: a browser that is cut off keeps its sign-in to itself.
    with asked_by_signals(ending):
        try:
            return await _carry(studio, ending)
        finally:
            await _close(studio)


async def _carry(studio: Studio, ending: Ending) -> int:
    """Carry jobs, and return the exit status."""
    from rushes.cli.main import tell
    from rushes.cli.worker_log import is_logged, log_worker

    try:
        log_worker(studio.roster.text, studio.settings.log)
        await studio.work(ending)
        return ending.exit_status
    except RushesError as error:
        if not is_logged(studio.settings.log):
            tell(error)
        elif not isinstance(error, WorkerRunning):
            # With its time. Of two workers that commands start at once, one has nothing to do.
            log.error("%s\nnext: %s", error.message, error.next)
        return error.exit_code
    except Exception as error:
        log.critical("the worker ends: %s", type(error).__name__, exc_info=error)
        return RushesError.exit_code


async def _close(studio: Studio) -> None:
    import asyncio

    try:
        async with asyncio.timeout(LONGEST_CLOSE_S):
            await studio.__aexit__()
    except Exception as error:  # noqa: BLE001 - an engine that cannot be closed keeps no worker alive
        log.error("an engine could not be closed: %s", error)


def _worker_status(as_json: bool) -> int:
    from rushes.jobs.starter import is_held

    with Studio.open() as studio:
        alive = is_held(studio.settings.lock)
        busy = studio.ledger.needs_worker()
        pid = studio.ledger.worker_pid() if alive else None
        silent = studio.silent_worker()
        log = str(studio.settings.log)
    if as_json:
        told = None if silent is None else silent.as_json()
        put_json({"alive": alive, "pid": pid, "silent": told, "work": busy, "log": log})
        return 0
    if silent is not None:
        standing = f"process {pid}, not responding for {silent.seconds:.0f} s"
    elif alive:
        standing = f"alive, process {pid}"
    else:
        standing = "none (the next command that has work starts one)"
    put_pairs([("worker", standing), ("work", "there is some" if busy else "none"), ("log", log)])
    warn_of(silent)
    return 0
