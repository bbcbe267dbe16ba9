"""Many jobs at once: which of them are there, and how many stand where; one statement for all."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from rushes.database.database import Database
from rushes.database.sql import load
from rushes.domain.job import JobState
from rushes.jobs.rows import state_from


@dataclass(frozen=True, kw_only=True)
class Known:
    """The job that a key and an ordinal stand for, the digest of its request, and its state."""

    id: str
    digest: str
    state: JobState


@dataclass(frozen=True, kw_only=True)
class Tally:
    """How many jobs are in each state, and how many of all there is still something to wait for."""

    states: Mapping[JobState, int]
    open: int


def keyed(database: Database, keys: Collection[str]) -> dict[tuple[str, int], Known]:
    """Return the jobs that are there under any of `keys`, by key and ordinal."""
    sql = load("rushes.jobs", "ledger.sql")["keyed"]
    rows = database.all(sql, {"keys": json.dumps(sorted(keys))})
    return {
        (row["key"], row["ordinal"]): Known(
            id=row["id"], digest=row["digest"], state=state_from(row["state"])
        )
        for row in rows
    }


def tally(database: Database, ids: Collection[str]) -> Tally:
    """Return how the jobs in `ids` stand."""
    sql = load("rushes.jobs", "ledger.sql")["tally"]
    states: dict[JobState, int] = {}
    open = 0
    for row in database.all(sql, {"ids": json.dumps(list(ids))}):
        state = state_from(row["state"])
        states[state] = states.get(state, 0) + row["jobs"]
        if state is JobState.OUTCOME_UNKNOWN:
            open += row["due"]
        elif not state.ended and state is not JobState.BLOCKED:
            open += row["jobs"]
    return Tally(states=states, open=open)
