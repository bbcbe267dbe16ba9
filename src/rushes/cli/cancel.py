"""`rushes cancel`: end jobs, those that are named or all of them."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Sequence
from decimal import Decimal

import click

from rushes.cli.amount import Amount
from rushes.cli.output import JOBS, agrees, common, echo, one_or_list, put_json, say, state
from rushes.cli.values import MOST_LISTED
from rushes.domain.errors import ApprovalNeeded, BadInput, WrongState
from rushes.domain.job import Job, JobState
from rushes.studio import Studio

LIVING = [one for one in JobState if not one.ended]


@click.command()
@click.argument("ids", metavar=f"[{JOBS}]", nargs=-1)
@click.option("--all", "everything", is_flag=True, help="All jobs that have not ended; asks first.")
@click.option(
    "--state", "only", type=click.Choice([one.value for one in LIVING]), help="With --all: only these."
)
@click.option("--yes", is_flag=True, help="With --all: do not ask.")
@click.option("--abandon", is_flag=True, help="Stop following the jobs now, whatever their providers say.")
@click.option("--charged", type=Amount(), help="With --abandon: what each job cost; 0 for nothing.")
@common
def cancel(
    as_json: bool,
    ids: tuple[str, ...],
    everything: bool,
    only: str | None,
    yes: bool,
    abandon: bool,
    charged: Decimal | None,
) -> int:
    """Cancel jobs.

    If nothing was sent, a job is canceled at once and costs nothing. Otherwise its provider is asked to stop
    it; if it cannot, the clip is saved when it arrives. With --abandon rushes stops following the job. What
    is held for it stays held until you say what it cost.
    """
    _check_options(ids, everything=everything, only=only, yes=yes, abandon=abandon, charged=charged)
    with Studio.open() as studio:
        named = _all(studio, only) if everything else _named(studio, ids)
        if everything and named and not yes:
            _ask(named)
        said = [_end(studio, job, abandon=abandon, charged=charged) for job in named]
        answers = [studio.answer(job.id) for job in named]
    failed = [one for one in said if isinstance(one, WrongState)]
    if len(named) == 1 and failed:
        raise failed[0]
    if as_json:
        put_json([one.as_json() for one in answers] if everything else one_or_list(answers))
    else:
        if not named:
            echo(f"no {only.replace('_', ' ')} jobs" if only else "no jobs to cancel")
        for words in said:
            echo(words.message if isinstance(words, WrongState) else words)
    # One that has ended since it was listed is as good as canceled; one that was named is not.
    return WrongState.exit_code if failed and not everything else 0


def _check_options(
    ids: Sequence[str],
    *,
    everything: bool,
    only: str | None,
    yes: bool,
    abandon: bool,
    charged: Decimal | None,
) -> None:
    """Raise BadInput if the options contradict each other."""
    if charged is not None and not abandon:
        raise BadInput(
            "--charged needs --abandon", next="add --abandon, or use: rushes reconcile JOB --charged AMOUNT"
        )
    if everything and (ids or abandon):
        raise BadInput("--all goes with no job and not with --abandon", next="give --all, or name the jobs")
    if not everything and not ids:
        raise BadInput("no job is named", next="rushes cancel JOB, or rushes cancel --all")
    if not everything and (only or yes):
        raise BadInput("--state and --yes are for --all", next="add --all, or leave them out")


def _named(studio: Studio, ids: Sequence[str]) -> list[Job]:
    """Return the jobs that are named, each once. Raises NotFound before any of them is canceled."""
    return list({job.id: job for job in map(studio.job, ids)}.values())


def _all(studio: Studio, only: str | None) -> list[Job]:
    """Return the jobs that have not ended, of one state or of every, the newest first."""
    states = LIVING if only is None else [JobState(only)]
    found = [job for one in states for job in studio.ledger.jobs(state=one, limit=MOST_LISTED)]
    return sorted(found, key=lambda job: job.created_at, reverse=True)


def _ask(jobs: Sequence[Job]) -> None:
    """Have a person agree to cancel so many jobs. Raises ApprovalNeeded where nobody can be asked."""
    counts = Counter(job.state.value.replace("_", " ") for job in jobs)
    listed = ", ".join(f"{count} {name}" for name, count in counts.items())
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise ApprovalNeeded(
            f"{len(jobs)} job{'s' * (len(jobs) != 1)} would be canceled ({listed}); nothing was canceled",
            next="run it again with --yes",
        )
    for job in jobs:
        say(f"{job.id}  {state(job)}  {job.cost.words}  {job.model}")
    agrees(f"Cancel {len(jobs)} job{'s' * (len(jobs) != 1)} ({listed})?", abort=True)


def _end(studio: Studio, job: Job, *, abandon: bool, charged: Decimal | None) -> str | WrongState:
    """Cancel or abandon a job; return what became of it in words, or why there was nothing to do."""
    if job.state is JobState.CANCELED and charged is None:
        return f"job {job.id} is already canceled, {job.cost.words}"
    try:
        now = studio.abandon(job.id, charged=charged) if abandon else studio.cancel(job.id)
    except WrongState as error:
        return error
    return _outcome(now)


def _outcome(job: Job) -> str:
    open_bill = (
        "" if job.cost.settled else f"; when you know the bill: rushes reconcile {job.id} --charged AMOUNT"
    )
    match job.state:
        case JobState.CANCELED:
            return f"job {job.id} is canceled, {job.cost.words}{open_bill}"
        case JobState.FAILED:
            return f"job {job.id} is abandoned, {job.cost.words}{open_bill}"
        case JobState.OUTCOME_UNKNOWN:
            return f"job {job.id} is canceled if it turns out to be accepted; rushes reconcile {job.id}"
    return (
        f"job {job.id} is {state(job)}: cancellation requested; if its provider cannot stop it, the clip is"
        f" still saved. To stop following it: rushes cancel --abandon {job.id}"
    )
