"""How long renders take, from those that the ledger remembers."""

from __future__ import annotations

from rushes.database.database import Database
from rushes.database.sql import load
from rushes.domain.job import Job
from rushes.jobs.rhythm import Typical

MOST = 20
LOOKED_THROUGH = 200


def typical(database: Database, job: Job) -> Typical | None:
    """Return how long renders of its model, length and resolution took; None where too few are known."""
    values = {
        "engine": job.engine,
        "account": job.account,
        "model": job.model,
        "seconds": job.request.seconds,
        "resolution": job.request.resolution,
        "looked_through": LOOKED_THROUGH,
        "most": MOST,
    }
    rows = database.all(load("rushes.jobs", "typical.sql")["durations"], values)
    return Typical.of([row["seconds"] for row in rows])
