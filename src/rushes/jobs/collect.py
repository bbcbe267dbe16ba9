"""collecting → completed: bring the result in, make sure that it is a clip, file it."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from rushes.domain.clip import Clip
from rushes.domain.errors import (
    Blocked,
    MediaError,
    NotFound,
    ResultBroken,
    ResultGone,
    SetupError,
    StorageError,
    Unreachable,
)
from rushes.domain.job import Job
from rushes.engines.contract import Result, Source
from rushes.jobs.admission import numbered
from rushes.jobs.inspection import Arrival, inspect
from rushes.jobs.kit import Kit
from rushes.library.library import Library, sha256

LONGEST_RESULTS_S = 900.0
"""Seconds an engine may take to say where its results are; a local one may have to make them again."""

FRESH_RESULTS = 3
"""How often a provider is asked for new addresses before what it offers counts as gone."""


async def collect(kit: Kit, job: Job) -> None:
    """Only a clip that decoded whole, and has been filed, completes a job."""
    try:
        # A job that was completed once needs nothing more than the files it lost.
        there = kit.library.intact(job.id) if job.completed_at else []
        clips = there or await bring_in(kit, job)
    except (Blocked, SetupError) as error:
        return kit.block(job, error)
    except (ResultGone, ResultBroken) as error:
        return kit.tenure.fail(job, error)
    copy_out(kit, job, clips)
    kit.tenure.completed(job, [clip.id for clip in clips])
    kit.library.clear_staging(job.id)


def sweep(kit: Kit) -> None:
    """Clear away what earlier workers left in staging for jobs that have ended."""
    for folder in (kit.library.root / "staging").glob("*"):
        with suppress(NotFound):
            if kit.tenure.ledger.job(folder.name).state.ended:
                kit.library.clear_staging(folder.name)


async def bring_in(kit: Kit, job: Job) -> list[Clip]:
    """Download, inspect and file every result; where its address has run out, ask for a new one.

    What a worker filed before it was stopped is not brought in again.
    """
    filed = {clip.id: clip for clip in kit.library.intact(job.id)}
    refreshed = failures = 0
    while True:
        try:
            offered = await results(kit, job)
            return [
                filed.get(clip_id(job, number)) or await receive(kit, job, number, result, refreshed)
                for number, result in enumerate(offered)
            ]
        except ResultGone:
            refreshed += 1
            if refreshed < FRESH_RESULTS:
                continue
            if filed:
                return list(filed.values())
            raise
        except Unreachable as error:
            failures += 1
            if failures == 1:
                kit.tenure.held_up(job, error)
            await asyncio.sleep(kit.backoff.pause(failures))


async def results(kit: Kit, job: Job) -> Sequence[Result]:
    """Return what the provider offers now."""
    assert job.ticket is not None
    try:
        async with asyncio.timeout(LONGEST_RESULTS_S):
            offered = await kit.engine(job.engine).results(job.ticket)
    except (Blocked, SetupError, ResultGone, ResultBroken, StorageError, Unreachable):
        raise
    except Exception as error:
        raise Unreachable(f"its results could not be read: {error}") from error
    if not offered:
        raise ResultBroken("the provider says it is done and offers no file")
    return offered


async def receive(kit: Kit, job: Job, number: int, result: Result, refreshed: int) -> Clip:
    """Take the first candidate that is a healthy clip of the promised size; else the largest healthy one.

    Where a better one's address has run out, ResultGone asks for a new one first, as often as that is done.
    """
    small: Arrival | None = None
    problem: MediaError | ResultBroken | None = None
    gone: ResultGone | None = None
    public_only = not kit.engine(job.engine).in_private_network
    for place, source in enumerate(result.candidates):
        target = kit.library.staging(job.id) / f"{number}-{place}.mp4"
        try:
            arrival = await fetch(kit, source, target, public_only)
        except ResultGone as error:
            gone = error
            continue
        except (MediaError, ResultBroken) as error:
            problem = error
            continue
        if arrival.as_promised(result.size):
            kit.tenure.note(job, "downloaded", version=source.label or None, source=str(source))
            return await keep(kit, job, number, arrival)
        if small is None or arrival.probe.width > small.probe.width:
            small = arrival
    if gone is not None and (small is None or refreshed + 1 < FRESH_RESULTS):
        raise gone
    if small is not None and result.size is not None:
        # A preview: every better version was smaller than promised, broken or gone.
        promised, found = result.size, small.probe
        said = f"{promised[0]}×{promised[1]} was promised and only {found.width}×{found.height} offered"
        kit.tenure.warn(job, said)
        return await keep(kit, job, number, small)
    raise broken(kit.library, job, problem)


async def fetch(kit: Kit, source: Source, target: Path, public_only: bool) -> Arrival:
    """Download one candidate and look at all of it, both away from the event loop.

    A file at `target` came in whole before the worker was stopped, and is only looked at again.
    """
    if not target.exists():
        await asyncio.to_thread(kit.downloader.fetch, source, target, public_only=public_only)
    try:
        # Only decoding takes room: a download that stalls must not keep other clips from being looked at.
        async with kit.room:
            return await asyncio.to_thread(inspect, target)
    except MediaError:
        # Kept, under another name: from a fresh address it may come better.
        target.replace(target.with_suffix(".broken.mp4"))
        raise


async def keep(kit: Kit, job: Job, number: int, arrival: Arrival) -> Clip:
    """File one arrival, and say where it is not as long as ordered; once, though it be brought in again."""
    said = arrival.other_length(job.request.seconds)
    if said and said not in kit.tenure.ledger.job(job.id).warnings:
        kit.tenure.warn(job, said)
    return await file(kit.library, job, number, arrival)


async def file(library: Library, job: Job, number: int, arrival: Arrival) -> Clip:
    """File one arrival; the clip's id follows from the job's, so that doing it twice makes one clip."""
    found = await asyncio.to_thread(sha256, arrival.path)
    cost = job.charged if job.charged is not None else job.quote.amount
    clip = Clip(
        id=clip_id(job, number),
        job_id=job.id,
        path=arrival.path,
        sheet=arrival.sheet,
        bursts=arrival.bursts,
        original=arrival.original,
        seconds=round(arrival.seconds, 3),
        width=arrival.probe.width,
        height=arrival.probe.height,
        fps=round(arrival.probe.fps, 3),
        video_codec=arrival.probe.video_codec,
        audio_codec=arrival.probe.audio_codec,
        bytes=arrival.path.stat().st_size,
        sha256=found,
        lint=arrival.lint,
        facts=arrival.facts,
        model=job.model,
        provider=job.provider,
        prompt=job.request.prompt,
        seed=job.request.seed,
        references=tuple(one.sha256 for one in job.request.references if one.sha256),
        cost=cost,
        currency=job.quote.currency,
        created_at=job.created_at,
    )
    # On this thread, which alone writes to the ledger: a row added from another one could land in the middle
    # of a transaction, and be lost with it.
    return library.add(clip)


def clip_id(job: Job, number: int) -> str:
    """Return the id of the clip that a job's result of this number becomes."""
    return "c" + job.id[1:] + (f"-{number + 1}" if number else "")


def broken(library: Library, job: Job, problem: Exception | None) -> ResultBroken:
    """Keep what arrived as `*.rejected` and return the error that says where."""
    kept = library.reject(job.id)
    where = f"; kept as {kept[0]}" if kept else ""
    said = f"every file the provider offered was broken: {problem or 'no candidates'}{where}"
    return ResultBroken(said, next=problem.next if isinstance(problem, ResultBroken) else None)


def copy_out(kit: Kit, job: Job, clips: Sequence[Clip]) -> None:
    """Put a copy where the caller wants one. A folder that cannot be written must not cost the clip."""
    # Asked anew: somebody may have said so since.
    out = kit.tenure.ledger.job(job.id).out
    for number, clip in enumerate(clips):
        target = numbered(out, number)
        if target is None:
            return
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(clip.path, target)
        except OSError as error:
            kit.tenure.warn(job, f"no copy could be put at {target}: {error.strerror or error}")
