"""collecting → completed: bring the result in, make sure that it is a clip, file it."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from rushes.domain.clip import Clip, file_tags
from rushes.domain.errors import (
    Blocked,
    EngineFault,
    MediaError,
    NotFound,
    ResultBroken,
    ResultGone,
    SetupError,
    StorageError,
    Unreachable,
)
from rushes.domain.job import Job
from rushes.engines.contract import (
    MOST_RESULTS,
    MOST_SOURCES,
    Progress,
    RenderState,
    Result,
    Source,
)
from rushes.jobs.copies import make_copy
from rushes.jobs.download import FileElsewhere
from rushes.jobs.inspection import Arrival, draw_missing, inspect
from rushes.jobs.kit import Kit, classified
from rushes.jobs.lanes import COPIES, FILES, download_lane
from rushes.jobs.restoring import record_json
from rushes.jobs.transfer import Transfer
from rushes.library.library import Library, sha256

TELL_EVERY_S = 1.0
"""How often it is written down how far a download is."""

LARGEST_BASE, LARGEST_SECOND = 2 * 1024**3, 128 * 1024**2
"""Bytes that any clip may have, and for each second ordered: a master in 8K ProRes has 100 MB a second."""

LONGEST_UNSAID_S = 60.0
"""Seconds of a clip whose order does not say how long it is."""

LONGEST_COPY_S = 30 * 60.0
"""Seconds after which a copy to a folder that hangs is given up, so that its job completes."""

FRESH_RESULTS = 3
"""How often a better file than a preview is asked for again before the preview counts."""


async def collect(kit: Kit, job: Job) -> None:
    """Only a clip that decoded whole, and has been filed, completes a job."""
    there = await whole_clips(kit, job) if job.completed_at else []
    lost = not there or len(there) < len(kit.library.of_job(job.id))
    try:
        # A job that was completed once needs nothing more than the files it lost.
        clips = await bring_in(kit, job) if lost else there
        for clip in there:
            await complete_files(kit, job, clip)
    except (Blocked, SetupError) as error:
        return kit.block(job, error)
    except (ResultGone, ResultBroken) as error:
        return kit.tenure.fail(job, error)
    await copy_out(kit, job, clips)
    kit.tenure.completed(job, [clip.id for clip in clips])
    kit.library.clear_staging(job.id)


async def whole_clips(kit: Kit, job: Job) -> list[Clip]:
    """Return the clips of a job whose files are those that were filed."""
    clips = kit.library.of_job(job.id)
    damages = [await kit.lanes.run(FILES, kit.library.find_any_damage, clip) for clip in clips]
    return [clip for clip, damage in zip(clips, damages, strict=True) if damage is None]


async def complete_files(kit: Kit, job: Job, clip: Clip) -> None:
    """Make the pictures and the sidecar of a whole clip again that are missing."""
    missing = kit.library.find_missing_parts(clip)
    if clip.path.with_suffix(".json") in missing:
        kit.library.rewrite_sidecar(clip)
    if clip.sheet in missing or clip.bursts in missing:
        # A picture that cannot be drawn takes nothing from a clip that is whole.
        with suppress(MediaError):
            async with kit.decoders.place(job.engine):
                await asyncio.to_thread(draw_missing, clip)


def sweep(kit: Kit) -> None:
    """Clear away what earlier workers left in staging for jobs that have ended."""
    for folder in (kit.library.root / "staging").glob("*"):
        with suppress(NotFound):
            if kit.tenure.ledger.job(folder.name).state.ended:
                kit.library.clear_staging(folder.name)


async def bring_in(kit: Kit, job: Job) -> list[Clip]:
    """Download, inspect and file every result; ask again, with growing pauses, for what is not there yet.

    What a worker filed before it was stopped is not brought in again. Raises ResultGone, ResultBroken.
    """
    if job.ticket is None:
        raise ResultGone(
            f"the ledger has no ticket of job {job.id}, so its provider cannot be asked for its clip",
            next="rushes create … --again makes another; with the provider's own id of it:"
            f" rushes reconcile {job.id} --accepted TICKET",
        )
    filed = {clip.id: clip for clip in await whole_clips(kit, job)}
    wait = ResultWait(kit, job)
    offered: Sequence[Result] = ()
    while True:
        try:
            offered = await results(kit, job)
            return [
                filed.get(clip_id(job, number)) or await receive(kit, job, number, result, wait)
                for number, result in enumerate(offered)
            ]
        except ResultGone as error:
            if not await wait.outlasts(error, offered):
                if filed:
                    return list(filed.values())
                raise
        except Unreachable as error:
            await wait.outlast_network(error)


class ResultWait:
    """How long a result is asked for: what is missing for minutes, what cannot be reached for hours."""

    def __init__(self, kit: Kit, job: Job) -> None:
        self._kit = kit
        self._job = job
        self._start = asyncio.get_running_loop().time()
        self._failures = 0
        self._missing = 0

    def may_bring_better(self, error: ResultGone | Unreachable) -> bool:
        """Whether a file that is missing is asked for again although a preview of it is here."""
        if isinstance(error, ResultGone):
            return self._missing + 1 < FRESH_RESULTS
        return self._failures + 1 < self._kit.patience.result_tries

    @property
    def left_s(self) -> float:
        """How many seconds of patience are left."""
        return self._start + self._kit.patience.download - asyncio.get_running_loop().time()

    async def outlasts(self, error: ResultGone, offered: Sequence[Result]) -> bool:
        """Wait before a missing file is asked for again; False: it is gone, or its address has expired."""
        self._missing += 1
        expired = [one.expires_at is not None and one.expires_at <= datetime.now(UTC) for one in offered]
        if self._missing >= self._kit.patience.result_tries or (expired and all(expired)):
            return False
        self._kit.tenure.held_up(self._job, error)
        await asyncio.sleep(self._kit.backoff.pause(self._missing - 1))
        return True

    async def outlast_network(self, error: Unreachable) -> None:
        """Wait before a download is tried again. Raises ResultGone after hours of it."""
        self._failures += 1
        if self.left_s <= 0:
            hours = self._kit.patience.download / 3600
            raise ResultGone(f"it could not be downloaded for {hours:.0f} hours: {error.message}")
        if self._failures == 1:
            self._kit.tenure.held_up(self._job, error)
        await asyncio.sleep(self._kit.backoff.pause(self._failures))


async def results(kit: Kit, job: Job) -> Sequence[Result]:
    """Return what the provider offers now."""
    assert job.ticket is not None
    try:
        offered = await kit.engine(job).results(job.ticket)
    except (Blocked, SetupError, ResultGone, ResultBroken, StorageError):
        raise
    except Exception as error:
        failure = classified(error, "reading the results")
        if isinstance(failure, EngineFault):
            raise failure from error
        raise Unreachable(failure.message) from error
    if not offered:
        raise ResultGone("the provider says it is done and offers no file")
    if len(offered) > MOST_RESULTS:
        warn_once(kit, job, f"the provider offers more files than one job can have; {MOST_RESULTS} are saved")
    return offered[:MOST_RESULTS]


async def receive(kit: Kit, job: Job, number: int, result: Result, wait: ResultWait) -> Clip:
    """Take the first candidate that is a healthy clip of the promised size; else the largest healthy one.

    Raises ResultGone or Unreachable if a better one may still come, for as long as `wait` asks for it again.
    """
    small: Arrival | None = None
    problem: MediaError | ResultBroken | None = None
    gone: ResultGone | None = None
    unreachable: Unreachable | None = None
    candidates = list(result.candidates)
    public_only = not kit.engine(job).in_private_network
    for place, source in enumerate(candidates):
        target = kit.library.staging(job.id) / f"{number}-{place}.mp4"
        try:
            arrival = await fetch(kit, job, source, target, public_only, wait)
        except FileElsewhere as error:
            # After the others, whose files in staging are named by their places.
            candidates += error.sources[: MOST_SOURCES - len(candidates)]
            continue
        except ResultGone as error:
            gone = error
            continue
        except Unreachable as error:
            unreachable = error
            continue
        except (MediaError, ResultBroken) as error:
            problem = error
            continue
        if arrival.as_promised(result.size):
            kit.tenure.note(job, "downloaded", version=source.label or None, source=str(source))
            return await keep(kit, job, number, arrival)
        if small is None or arrival.width > small.width:
            small = arrival
    missing = unreachable or gone
    if missing is not None and (small is None or wait.may_bring_better(missing)):
        raise missing
    if small is not None and result.size is not None:
        # A preview: every better version was smaller than promised, broken or gone.
        promised, found = result.size, small
        said = f"{promised[0]}×{promised[1]} was promised and only {found.width}×{found.height} offered"
        kit.tenure.warn(job, said)
        return await keep(kit, job, number, small)
    raise broken(kit.library, job, problem)


async def fetch(
    kit: Kit, job: Job, source: Source, target: Path, public_only: bool, wait: ResultWait
) -> Arrival:
    """Download one candidate and look at all of it, both away from the event loop.

    A file at `target` came in whole before the worker was stopped, and is only looked at again.
    """
    if not target.exists():
        await download(kit, job, source, target, public_only, wait.left_s)
    try:
        # Only decoding takes a place: a download that stalls must not keep other clips from being looked at.
        async with kit.decoders.place(job.engine):
            tags = file_tags(job.request.prompt, job.model, f"job {job.id}")
            return await inspect(target, job.request.clip_seconds, tags)
    except MediaError:
        # Kept, under another name: from a fresh address it may come better.
        target.replace(target.with_suffix(".broken.mp4"))
        raise


async def download(
    kit: Kit, job: Job, source: Source, target: Path, public_only: bool, longest_s: float
) -> None:
    """Download one candidate in its engine's lane, one at a time for each file, and tell how far it is.

    If its job was ended and is collected again, the earlier one ends first, and what it brought in is used.
    """
    while (earlier := kit.downloads.get(target)) is not None:
        await asyncio.wait([earlier])
    if target.exists():
        return
    transfer = Transfer(most_bytes=largest_file(job.request.seconds), longest_s=longest_s)
    fetching = kit.lanes.run(
        download_lane(job.engine),
        kit.downloader.fetch,
        source,
        target,
        public_only=public_only,
        transfer=transfer,
    )
    running = kit.downloads[target] = asyncio.ensure_future(fetching)
    running.add_done_callback(lambda done: _forget_download(kit, target, done))
    try:
        await follow_transfer(kit, job, transfer, running)
    except asyncio.CancelledError:
        transfer.stop()
        raise
    running.result()


def largest_file(seconds: float | None) -> int:
    """Return how many bytes a clip of the length ordered (None: not said) may have."""
    return LARGEST_BASE + round(LARGEST_SECOND * (seconds or LONGEST_UNSAID_S))


async def follow_transfer(kit: Kit, job: Job, transfer: Transfer, running: asyncio.Future[Path]) -> None:
    """Wait until a download has ended; meanwhile write down how far it is."""
    told: float | None = None
    while not running.done():
        await asyncio.wait([running], timeout=TELL_EVERY_S)
        if transfer.fraction is not None and transfer.fraction != told:
            told = transfer.fraction
            kit.tenure.progress(job, Progress(state=RenderState.SUCCEEDED, fraction=told))


def _forget_download(kit: Kit, target: Path, done: asyncio.Future[Path]) -> None:
    kit.downloads.pop(target, None)
    # Looked at, or asyncio complains of a failure that nobody waits for any more.
    if not done.cancelled():
        done.exception()


async def keep(kit: Kit, job: Job, number: int, arrival: Arrival) -> Clip:
    """File one arrival, and say where it is not as long as ordered; once, though it be brought in again."""
    said = arrival.other_length(job.request.clip_seconds)
    if said:
        warn_once(kit, job, said)
    return await file(kit, job, number, arrival)


def warn_once(kit: Kit, job: Job, words: str) -> None:
    """Write a warning on the job; once, though its results be asked for again."""
    if words not in kit.tenure.ledger.job(job.id).warnings:
        kit.tenure.warn(job, words)


async def file(kit: Kit, job: Job, number: int, arrival: Arrival) -> Clip:
    """File one arrival; the clip's id follows from the job's, so that doing it twice makes one clip."""
    found = await kit.lanes.run(FILES, sha256, arrival.path)
    cost = job.charged if job.charged is not None else job.quote.amount
    clip = Clip(
        id=clip_id(job, number),
        job_id=job.id,
        path=arrival.path,
        sheet=arrival.sheet,
        bursts=arrival.bursts,
        original=arrival.original,
        seconds=round(arrival.seconds, 3),
        width=arrival.width,
        height=arrival.height,
        fps=round(arrival.fps, 3),
        video_codec=arrival.video_codec,
        audio_codec=arrival.audio_codec,
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
    return kit.library.add(clip, record_json(job, kit.tenure.ledger.clock()))


def clip_id(job: Job, number: int) -> str:
    """Return the id of the clip that a job's result of this number becomes."""
    return "c" + job.id[1:] + (f"-{number + 1}" if number else "")


def broken(library: Library, job: Job, problem: Exception | None) -> ResultBroken:
    """Keep what arrived as `*.rejected` and return the error that says where."""
    kept = library.reject(job.id)
    where = f"; kept as {kept[0]}" if kept else ""
    said = f"every file the provider offered was broken: {problem or 'no candidates'}{where}"
    return ResultBroken(said, next=problem.next if isinstance(problem, ResultBroken) else None)


async def copy_out(kit: Kit, job: Job, clips: Sequence[Clip]) -> None:
    """Put copies where they were asked for. A folder that cannot be written must not cost the clip."""
    for copy in kit.tenure.ledger.copies(job.id):
        if copy.is_done:
            continue
        try:
            async with asyncio.timeout(LONGEST_COPY_S):
                copy = await kit.lanes.run(COPIES, make_copy, kit.library, clips, copy)
        except TimeoutError:
            copy = replace(
                copy, problem=f"its folder did not take it within {LONGEST_COPY_S / 60:.0f} minutes"
            )
        kit.tenure.record_copy(job, copy)
