"""`rushes jobs | job | wait | cancel | collect | reconcile | worker`."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from decimal import Decimal

import click

from rushes.cli.amount import Amount
from rushes.cli.output import (
    age,
    common,
    cost_with_quota,
    one_or_list,
    put_answer,
    put_fitted,
    put_json,
    put_pairs,
    say,
    shortened,
    state,
    wishes,
)
from rushes.domain.answer import Answer
from rushes.domain.errors import BadInput
from rushes.domain.job import Job, JobState
from rushes.studio import Studio


@click.command()
@click.option("--state", "only", type=click.Choice([one.value for one in JobState]), help="Only these.")
@click.option("--limit", type=click.IntRange(1), default=20, show_default=True)
@common
def jobs(as_json: bool, only: str | None, limit: int) -> int:
    """List jobs, the newest first."""
    with Studio.open() as studio:
        studio.ensure_worker()
        found = studio.ledger.jobs(state=JobState(only) if only else None, limit=limit)
        if as_json:
            put_json([studio.answer(job.id).as_json() for job in found])
            return 0
    if not found:
        click.echo('no jobs yet; rushes create "a paper boat at dusk" makes the first')
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
@click.argument("id")
@common
def job(as_json: bool, id: str) -> int:
    """Show one job and everything that happened to it."""
    with Studio.open() as studio:
        studio.ensure_worker()
        answer = studio.answer(id)
        events = studio.ledger.events(id)
    if as_json:
        put_json({**answer.as_json(), "events": events})
        return 0
    put_pairs(_facts(answer.job))
    click.echo()
    for event in events:
        at = datetime.fromtimestamp(event["at"], UTC)
        told = (f"{name} {value}" for name, value in event["detail"].items() if value is not None)
        detail = shortened(", ".join(told), 120)
        click.echo(f"{click.style(f'{at:%H:%M:%S}', dim=True)}  {event['kind'].replace('_', ' ')}  {detail}")
    click.echo()
    put_answer(answer)
    return 0


def _facts(job: Job) -> list[tuple[str, str]]:
    """Return what a person is shown of a job: what was asked for, where it stands, what was said of it."""
    request = job.request
    shape = f"{request.seconds:g} s, {request.aspect}, {request.resolution}"
    made = f"{job.created_at:%Y-%m-%d %H:%M:%S} UTC, {age(job.created_at)}"
    pairs = [
        ("job", job.id),
        ("state", state(job)),
        *([("because", job.reason)] if job.reason and not job.state.ended else []),
        ("prompt", request.prompt),
        *wishes(request),
        ("model", job.model),
        ("clip", shape + ("" if request.seed is None else f", seed {request.seed}")),
        ("cost", cost_with_quota(job)),
        ("made", made),
    ]
    if job.facts:
        said = (f"{name.replace('_', ' ')} {value}" for name, value in job.facts.items() if value is not None)
        pairs.append(("accepted", shortened(", ".join(said), 120)))
    return pairs


@click.command()
@click.argument("ids", nargs=-1, required=True)
@click.option("--timeout", type=float, metavar="SECONDS", help="Stop watching after that; the jobs go on.")
@common
def wait(as_json: bool, ids: tuple[str, ...], timeout: float | None) -> int:
    """Watch jobs until they have ended. Exits with 3 where one is still running."""
    import asyncio

    from rushes.cli.watching import exit_code, watch

    async def watched() -> list[Answer]:
        async with Studio.open() as studio:
            return await watch(studio, [studio.ledger.job(id).id for id in ids], timeout)

    try:
        answers = asyncio.run(watched())
    except KeyboardInterrupt:
        say(f"\nstopped watching; nothing else was stopped. Come back with: rushes wait {' '.join(ids)}")
        sys.exit(130)
    if as_json:
        put_json(one_or_list(answers))
    else:
        for answer in answers:
            put_answer(answer)
    return exit_code(answers)


@click.command()
@click.argument("ids", nargs=-1, required=True)
@common
def cancel(as_json: bool, ids: tuple[str, ...]) -> int:
    """Cancel jobs: at once where nothing was sent, else as far as the provider lets us."""
    with Studio.open() as studio:
        jobs = [studio.cancel(id) for id in ids]
        answers = [studio.answer(job.id) for job in jobs]
    if as_json:
        put_json(one_or_list(answers))
        return 0
    for one in jobs:
        if one.state is JobState.CANCELED:
            click.echo(f"job {one.id} is canceled; nothing was sent, nothing was charged")
        elif one.state is JobState.OUTCOME_UNKNOWN:
            click.echo(f"job {one.id} is canceled if it turns out to be accepted; rushes reconcile {one.id}")
        else:
            click.echo(
                f"job {one.id} is {state(one)}: its provider is being asked to stop it; if it cannot, the"
                f" clip is filed when it comes (rushes wait {one.id})"
            )
    return 0


@click.command()
@click.argument("ids", nargs=-1, required=True)
@common
def collect(as_json: bool, ids: tuple[str, ...]) -> int:
    """Poll and download a job's result again, free; a blocked job is tried at once."""
    with Studio.open() as studio:
        answers = [studio.answer(studio.collect(id).id) for id in ids]
    if as_json:
        put_json(one_or_list(answers))
        return 0
    for answer in answers:
        click.echo(f"job {answer.job.id} is {state(answer.job)}; rushes wait {answer.job.id} watches it")
    return 0


@click.command()
@click.argument("id")
@click.option("--accepted", metavar="TICKET", help="The provider did accept it: the id its own pages show.")
@click.option("--nothing", is_flag=True, help="The provider made nothing and charged nothing.")
@click.option("--charged", type=Amount(), help="Nothing comes of it, and this is what it cost.")
@common
def reconcile(as_json: bool, id: str, accepted: str | None, nothing: bool, charged: Decimal | None) -> int:
    """Settle a job whose outcome or bill is not known.

    Without an option the provider's own list is read once more, where it has one. Look at the provider's
    pages and say what you see there: --accepted TICKET, --nothing, or --charged AMOUNT.
    """
    if sum((accepted is not None, nothing, charged is not None)) > 1:
        raise BadInput("--accepted, --nothing and --charged exclude each other", next="give one of them")
    with Studio.open() as studio:
        settled = studio.reconcile(id, ticket=accepted, charged=Decimal(0) if nothing else charged)
        answer = studio.answer(settled.id)
    if as_json:
        put_json(answer.as_json())
    else:
        click.echo(f"job {settled.id} is {state(settled)}, {settled.cost.words}")
        if not settled.state.ended:
            click.echo(f" next: rushes wait {settled.id}")
    return 0


@click.command()
@click.option("--status", is_flag=True, help="Only say whether one is alive.")
@common
def worker(as_json: bool, status: bool) -> int:
    """Be the process that carries jobs through. It is started by itself, and exits when it is idle."""
    if status:
        return _worker_status(as_json)
    import asyncio
    import logging

    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    logging.getLogger("httpx").setLevel(logging.WARNING)

    async def work() -> None:
        async with Studio.open() as studio:
            await studio.work()

    asyncio.run(work())
    if as_json:
        put_json({"worked": True})
    return 0


def _worker_status(as_json: bool) -> int:
    from rushes.jobs.starter import is_held

    with Studio.open() as studio:
        alive = is_held(studio.settings.lock)
        busy = studio.ledger.needs_worker()
        pid = studio.ledger.worker_pid() if alive else None
    if as_json:
        put_json({"alive": alive, "pid": pid, "work": busy, "log": str(studio.settings.log)})
    else:
        put_pairs(
            [
                (
                    "worker",
                    f"alive, process {pid}" if alive else "none (the next command that has work starts one)",
                ),
                ("work", "there is some" if busy else "none"),
                ("log", str(studio.settings.log)),
            ]
        )
    return 0
