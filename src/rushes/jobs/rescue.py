"""Tickets that a ledger cannot keep, each in a file of its own until a ledger takes it.

Where the ledger is damaged, full at the worker's end, or removed while jobs were at their providers, what
was paid for would be lost with it. The files lie in `rescued` of the home; the next worker or command there
adopts them, into a new ledger, too.
"""

from __future__ import annotations

import json
import logging
import os
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from rushes.domain.errors import StorageError, WrongState
from rushes.domain.job import Job, JobState
from rushes.domain.permissions import PRIVATE_FILE, make_private
from rushes.engines.contract import Ticket
from rushes.jobs.ledger import Ledger

FOLDER = "rescued"

LIVE = (JobState.QUEUED, JobState.RUNNING, JobState.COLLECTING, JobState.BLOCKED)
MOST = 100_000

log = logging.getLogger("rushes.worker")


def rescue_tickets(ledger: Ledger, home: Path, unstored: Sequence[tuple[Job, Ticket]]) -> None:
    """Write the tickets of `unstored` into files; and if the ledger is gone, those of all paid jobs in it."""
    tickets = {job.id: (job, ticket) for job, ticket in unstored}
    if not ledger.database.is_in_place():
        # The file is still open here, and nobody else will ever read it.
        with suppress(StorageError):
            for job in (one for state in LIVE for one in ledger.jobs(state=state, limit=MOST)):
                if job.ticket is not None and not job.quote.free:
                    tickets[job.id] = job, job.ticket
    for job, ticket in tickets.values():
        _save(ledger, home, job, ticket)


def _save(ledger: Ledger, home: Path, job: Job, ticket: Ticket) -> None:
    rows: dict[str, Any] | None = None
    with suppress(StorageError):
        rows = ledger.rows_of(job.id)
    data = {
        "about": f"{job.engine} accepted job {job.id} and the ledger could not keep that. Leave this file"
        " here: the next rushes command in this home takes it up, and the clip is fetched.",
        "job": job.id,
        "engine": job.engine,
        "prompt": job.request.prompt,
        "ticket": ticket,
        "rows": rows,
    }
    text = json.dumps(data, indent=1, default=str)
    try:
        file = _written(home / FOLDER, f"{job.id}.json", text)
    except OSError:
        try:
            file = _written(Path(tempfile.mkdtemp(prefix="rushes-rescued-")), f"{job.id}.json", text)
        except OSError:
            log.critical("the ticket of job %s could not be saved anywhere: %s", job.id, text)
            return
        log.critical("move %s to %s, then run: rushes jobs", file, home / FOLDER)
    log.warning(
        "the ledger could not keep the ticket of job %s; the next rushes command takes it up from %s",
        job.id,
        file,
    )


def _written(folder: Path, name: str, text: str) -> Path:
    """Write a file for its owner alone, and have it on the disk when this returns."""
    # The home again, if it was removed: what was paid for is worth a folder.
    make_private(folder)
    file = folder / name
    part = file.with_suffix(".part")
    with open(
        os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, PRIVATE_FILE), "w", encoding="utf-8"
    ) as opened:
        opened.write(text)
        opened.flush()
        os.fsync(opened.fileno())
    os.replace(part, file)
    return file


def adopt_rescued(ledger: Ledger, home: Path) -> None:
    """Have the ledger take every rescued ticket that it can; what it cannot take stays in its file."""
    for file in rescued_files(home):
        with suppress(OSError, ValueError, KeyError, TypeError, AttributeError, StorageError, WrongState):
            data = json.loads(file.read_text(encoding="utf-8"))
            if ledger.adopt_rescued(str(data["job"]), dict(data["ticket"]), data["rows"]):
                file.unlink(missing_ok=True)


def rescued_files(home: Path) -> Iterator[Path]:
    """Yield the files with tickets that no ledger has taken yet."""
    yield from sorted((home / FOLDER).glob("*.json"))
