"""Watching jobs: a bar for each on a terminal, one line for each change elsewhere. Ctrl-C stops only this."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager

from rushes.cli.output import plain, say, shortened, shown, state, warn_of
from rushes.domain.answer import Answer
from rushes.domain.job import Job, JobState
from rushes.studio import Studio

LOOK_EVERY_S = 1.0
"""How often the worker's heartbeat is read."""

WHOLE_REASON = 400
"""Characters of what holds a job up on a line of its own: all, unless a provider is long-winded."""

STAGES = {
    JobState.WAITING: 0.0,
    JobState.SUBMITTING: 0.02,
    JobState.QUEUED: 0.04,
    JobState.RUNNING: 0.06,
    JobState.COLLECTING: 0.92,
    JobState.COMPLETED: 1.0,
}
"""How full the bar is on entering a state; the fraction of a render or a download fills what lies between."""


async def watch(studio: Studio, ids: Sequence[str], timeout: float | None) -> list[Answer]:
    """Watch until all have ended, need a person, or `timeout` seconds have passed; return the answers."""
    try:
        async with warning_of_silence(studio), asyncio.timeout(timeout):
            if sys.stderr.isatty():
                await _bars(studio, ids)
            else:
                await _lines(studio, ids)
    except TimeoutError:
        say(f"still running after {timeout:g} s; come back with: rushes wait {' '.join(ids)}")
    return [studio.answer(id) for id in ids]


@asynccontextmanager
async def warning_of_silence(studio: Studio) -> AsyncIterator[None]:
    """Say, during the block, when the worker does not respond, and when it does again."""

    async def look() -> None:
        silent = False
        while True:
            now = studio.silent_worker()
            if now is not None and not silent:
                warn_of(now)
            elif silent and now is None:
                say("the worker responds again")
            silent = now is not None
            await asyncio.sleep(LOOK_EVERY_S)

    looking = asyncio.create_task(look())
    try:
        yield
    finally:
        looking.cancel()


async def _bars(studio: Studio, ids: Sequence[str]) -> None:
    # rich takes a twentieth of a second; only a person who watches a bar pays for it.
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

    columns = (
        TextColumn("{task.fields[id]}", style="cyan", markup=False),
        BarColumn(bar_width=32),
        TextColumn("{task.fields[state]:<14}", markup=False),
        TimeElapsedColumn(),
        TextColumn("{task.description}", style="dim", markup=False),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        tasks = [progress.add_task("", total=1.0, id=id, state="") for id in ids]
        models: dict[str, str] = {}
        async for jobs in studio.watch(ids):
            for words in turns(jobs, models):
                progress.console.print(shown(words), markup=False, highlight=False, style="yellow")
            for task, job in zip(tasks, jobs, strict=True):
                progress.update(
                    task,
                    completed=fullness(job),
                    description=shortened(job.request.prompt, 40),
                    state=plain(state(job)),
                )


async def _lines(studio: Studio, ids: Sequence[str]) -> None:
    shown: dict[str, tuple[JobState, str | None]] = {}
    models: dict[str, str] = {}
    async for jobs in studio.watch(ids):
        for words in turns(jobs, models):
            say(words)
        for job in jobs:
            if shown.get(job.id) != (job.state, job.reason):
                shown[job.id] = (job.state, job.reason)
                say(f"{job.id} {plain(state(job, WHOLE_REASON))}")


def turns(jobs: Sequence[Job], models: dict[str, str]) -> Iterator[str]:
    """Yield what is said of jobs that went on to their next fallback; `models` holds the last of each."""
    for job in jobs:
        if models.get(job.id, job.model) != job.model:
            yield f"{job.id} {job.warnings[-1]}"
        models[job.id] = job.model


def fullness(job: Job) -> float:
    """Return how full a job's bar is, 0 to 1."""
    base = STAGES.get(job.state, 0.0)
    if not job.state.has_progress or job.fraction is None:
        return base
    top = JobState.COLLECTING if job.state.at_provider else JobState.COMPLETED
    return base + job.fraction * (STAGES[top] - base)


def exit_code(answers: Sequence[Answer]) -> int:
    """Return 0 where every job has its clip, else the code of the first that has none."""
    return next((answer.exit_code for answer in answers if answer.exit_code), 0)
