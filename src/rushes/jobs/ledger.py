"""The ledger as every door sees it: jobs are admitted, read, and wished something of.

What a worker writes is in `tenure.py`. Any number of processes may hold a Ledger on one file.
"""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

from rushes.database.database import Database
from rushes.database.sql import load
from rushes.domain.errors import Billed, KeyConflict, NotFound, WrongState
from rushes.domain.job import Failure, Job, JobState
from rushes.domain.money import Budget, Caps
from rushes.jobs import budget
from rushes.jobs.admission import Admission, Draft, fallback_json
from rushes.jobs.budget import Allowance
from rushes.jobs.rows import job_from

RECENT_S = 600.0
"""How long a completed job answers for the same request again."""

CAME_TO_NOTHING = (JobState.FAILED, JobState.CANCELED)

ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
"""Crockford's base 32: no letter that is read for another."""


class Ledger:
    """Jobs, holds and spend in one SQLite file. `clock` gives seconds since 1970."""

    def __init__(self, database: Database, *, clock: Callable[[], float] = time.time) -> None:
        self.database = database
        self.clock = clock
        self._sql = load("rushes.jobs", "ledger.sql")

    # --- reading ---

    def job(self, id: str) -> Job:
        """Return a job by its id, or by the beginning of one. Raises NotFound."""
        row = self.database.one(self._sql["job"], {"id": id})
        if row is None:
            row = self.database.one(self._sql["job"], {"id": self._resolve(id)})
        assert row is not None
        return job_from(row)

    def jobs(self, *, state: JobState | None = None, limit: int = 50) -> list[Job]:
        """Return the newest jobs first."""
        values = {"state": state.value if state else None, "limit": limit}
        return [job_from(row) for row in self.database.all(self._sql["jobs"], values)]

    def events(self, id: str) -> list[dict[str, Any]]:
        """Return what happened to a job, oldest first: `at` (seconds since 1970), `kind`, `detail`."""
        rows = self.database.all(self._sql["events"], {"id": self.job(id).id})
        return [{"at": row["at"], "kind": row["kind"], "detail": json.loads(row["detail"])} for row in rows]

    def budget(self, caps: Caps) -> Budget:
        """Return the caps in force, and what is held and spent under each."""
        return budget.standing(self.database, caps, self.clock())

    def allowance(self, caps: Caps) -> Allowance:
        """Return what may still be held under the caps, to count on without admitting anything."""
        return Allowance(self.database, caps, self.clock())

    def needs_worker(self) -> bool:
        """Return whether a worker would have something to do, now or later."""
        row = self.database.one(self._sql["attention"])
        return row is not None and row["jobs"] > 0

    def worker_pid(self) -> int | None:
        """Return the id of the process that took the ledger over last; None where there was none yet."""
        row = self.database.one(self._sql["worker"])
        return None if row is None else row["pid"]

    # --- admitting ---

    def admit(self, drafts: Sequence[Draft], caps: Caps) -> list[Admission]:
        """Store jobs with their holds in one transaction: all are admitted, or none.

        A draft that matches a job which is live, of unknown outcome, or just completed is answered with
        that job. Raises OverBudget and KeyConflict.
        """
        with self.database.transaction():
            allowance = self.allowance(caps)
            admitted = [self._admit(draft, allowance) for draft in drafts]
        return [Admission(job=self.job(id), fresh=fresh) for id, fresh in admitted]

    def _admit(self, draft: Draft, allowance: Allowance) -> tuple[str, bool]:
        found = self._same(draft)
        if found is not None:
            return found, False
        now = self.clock()
        allowance.take(draft.engine, draft.hold)
        id = "j" + "".join(secrets.choice(ALPHABET) for _ in range(9))
        self.database.run(self._sql["add_job"], _job_values(id, draft, now))
        hold = {
            "id": id,
            "engine": draft.engine,
            "amount": budget.to_micros(draft.hold),
            "currency": draft.quote.currency,
            "now": now,
        }
        self.database.run(self._sql["add_hold"], hold)
        self.note(id, "admitted", hold=str(draft.hold), model=draft.request.model)
        return id, True

    def _same(self, draft: Draft) -> str | None:
        if draft.key is not None:
            row = self.database.one(self._sql["same_key"], {"key": draft.key, "ordinal": draft.ordinal})
            if row is not None and draft.again and row["state"] in CAME_TO_NOTHING:
                self.database.run(self._sql["free_key"], {"id": row["id"], "now": self.clock()})
                return None
            if row is not None and row["digest"] != draft.digest:
                raise KeyConflict(
                    f"the key {draft.key} stands for another request, that of job {row['id']}; nothing sent",
                    next=KeyConflict.next.replace("ID", row["id"]),
                )
        elif draft.again:
            return None
        else:
            values = {"digest": draft.digest, "recent": self.clock() - RECENT_S}
            row = self.database.one(self._sql["same_digest"], values)
        return str(row["id"]) if row is not None else None

    # --- wishes of a person ---

    def cancel(self, id: str) -> Job:
        """Cancel a job where nothing was sent; else record the wish for the worker. Raises WrongState."""
        with self._changing(id) as job:
            if job.state.ended:
                raise WrongState(f"job {job.id} has already ended: it is {job.state.value}")
            self.database.run(self._sql["wish_cancel"], {"id": job.id, "now": self.clock()})
            nothing_sent = job.state is JobState.WAITING or (
                job.state is JobState.BLOCKED and job.ticket is None
            )
            if nothing_sent:
                failure = Failure(
                    code="canceled",
                    message="canceled before anything was sent",
                    billed=Billed.NO,
                    next="rushes create … makes a new one",
                    exit_code=9,
                )
                self.move(job.id, [job.state], JobState.CANCELED, failure=failure)
                self.database.run(self._sql["settle_hold"], {"id": job.id, "now": self.clock()})
            self.note(job.id, "cancel_requested", granted=nothing_sent)
        return self.job(job.id)

    def collect(self, id: str) -> Job:
        """Have a job that has a ticket polled and downloaded again, free; or a blocked one tried at once."""
        with self._changing(id) as job:
            if job.state is JobState.BLOCKED:
                target = JobState.QUEUED if job.ticket else JobState.WAITING
            elif job.state is JobState.COMPLETED:
                # Not polled: that the provider has forgotten it by now does not undo a clip that is here.
                target = JobState.COLLECTING
            elif job.ticket is not None and job.state is JobState.FAILED:
                target = JobState.QUEUED
            elif job.state.at_provider or job.state is JobState.COLLECTING:
                target = job.state
            else:
                raise WrongState(
                    f"job {job.id} is {job.state.value} and no provider holds a result for it",
                    next="rushes job ID shows where it stands; rushes create … --again makes a new one",
                )
            self.move(job.id, [job.state], target)
            if job.state is JobState.BLOCKED:
                # Whoever says so has put it right for the account: while another job of it stood before the
                # same wall, this one would have to wait for that one.
                where = {"engine": job.engine, "account": job.account, "now": self.clock()}
                self.database.run(load("rushes.jobs", "tenure.sql")["unblock"], where)
            self.note(job.id, "collect_requested")
        return self.job(job.id)

    def reconcile(
        self, id: str, *, ticket: dict[str, Any] | None = None, charged: Decimal | None = None
    ) -> Job:
        """Settle what only a person can tell of a job.

        With `ticket`: the provider did accept it, and it goes on. Else nothing (more) comes of it, and it
        cost `charged` dollars, 0 for nothing. Raises WrongState.
        """
        with self._changing(id) as job:
            if job.state is JobState.OUTCOME_UNKNOWN and ticket is not None:
                self._adopt(job, ticket)
                self.move(job.id, [job.state], JobState.QUEUED)
            elif charged is not None and job.bill_open:
                self._write_off(job, charged)
            else:
                raise WrongState(f"job {job.id} is {job.state.value}: there is nothing left to settle")
            self.note(
                job.id, "reconciled", ticket=ticket, charged=str(charged) if charged is not None else None
            )
        return self.job(job.id)

    def look_again(self, id: str) -> Job:
        """Have the worker ask the provider once more what became of a create. Raises WrongState."""
        with self._changing(id) as job:
            if job.state is not JobState.OUTCOME_UNKNOWN:
                raise WrongState(f"job {job.id} is {job.state.value}: its outcome is known")
            self.move(job.id, [job.state], JobState.OUTCOME_UNKNOWN, due_at=1.0, failure=job.failure)
            self.note(job.id, "look_again")
        return self.job(job.id)

    def wants_copy(self, id: str, out: Path) -> None:
        """Record where else a copy of the clip is wanted."""
        self.database.run(self._sql["set_out"], {"id": id, "out": str(out), "now": self.clock()})

    # --- writing, shared with the worker ---

    def move(
        self,
        id: str,
        origin: Sequence[JobState],
        to: JobState,
        *,
        reason: str | None = None,
        due_at: float = 0.0,
        tries: int = 0,
        failure: Failure | None = None,
    ) -> bool:
        """Move a job from one of the states in `origin`; False where it stands in none of them."""
        error = (
            json.dumps({**failure.as_json(), "exit_code": failure.exit_code}) if failure is not None else None
        )
        values = {
            "id": id,
            "from": json.dumps([state.value for state in origin]),
            "to": to.value,
            "reason": reason,
            "due_at": due_at,
            "tries": tries,
            "error": error,
            "now": self.clock(),
        }
        return self.database.run(self._sql["move"], values) == 1

    def settle(self, job: Job, billed: Billed, amount: Decimal | None) -> None:
        """Settle a hold: `no` releases it, `yes` books `amount` or else the hold, `unknown` keeps it."""
        now = self.clock()
        if billed is Billed.UNKNOWN and not job.quote.free:
            return
        self.database.run(self._sql["settle_hold"], {"id": job.id, "now": now})
        if billed is Billed.NO:
            self.database.run(self._sql["forget_spend"], {"id": job.id})
            return
        known = amount is not None or job.quote.known or job.cost.settled
        if amount is None:
            amount = job.quote.amount if job.quote.known else job.cost.amount
        if amount:
            values = {"id": job.id, "amount": budget.to_micros(amount), "known": int(known), "now": now}
            self.database.run(self._sql["add_spend"], values)

    def hold_again(self, job: Job) -> None:
        """Have a job's hold count again, where it was settled too soon."""
        self.database.run(self._sql["reopen_hold"], {"id": job.id})

    def note(self, id: str, kind: str, **detail: Any) -> None:
        """Add an event to a job's history."""
        values = {"id": id, "now": self.clock(), "kind": kind, "detail": json.dumps(detail, default=str)}
        self.database.run(self._sql["add_event"], values)

    def _adopt(self, job: Job, ticket: dict[str, Any]) -> None:
        sql, text = load("rushes.jobs", "tenure.sql"), canonical(ticket)
        held = self.database.all(sql["tickets"], {"engine": job.engine, "account": job.account})
        if text in {row["ticket"] for row in held}:
            raise WrongState(f"another job already holds the ticket {text}", next="look for another one")
        self.database.run(sql["accepted"], {"id": job.id, "attempt": job.attempt, "ticket": text})

    def _write_off(self, job: Job, charged: Decimal) -> None:
        if job.state is JobState.OUTCOME_UNKNOWN:
            failure = Failure(
                code="outcome_unknown",
                message="a person settled it: nothing came of it",
                billed=Billed.YES if charged else Billed.NO,
                next="rushes create … --again makes a new one",
                exit_code=5,
            )
            self.move(job.id, [job.state], JobState.FAILED, failure=failure)
        self.settle(job, Billed.YES if charged else Billed.NO, charged)

    @contextmanager
    def _changing(self, id: str) -> Iterator[Job]:
        full = self.job(id).id
        with self.database.transaction():
            yield self.job(full)

    def _resolve(self, start: str) -> str:
        ids = (
            [row["id"] for row in self.database.all(self._sql["ids_like"], {"start": start})] if start else []
        )
        if len(ids) == 1:
            return str(ids[0])
        if ids:
            raise NotFound(f"{start!r} begins several job ids: {', '.join(ids)}", next="give more of it")
        raise NotFound(f"there is no job {start!r}", next="rushes jobs lists them")


def canonical(ticket: dict[str, Any]) -> str:
    """Return a ticket as the one text that stands for it, so that two equal ones collide."""
    return json.dumps(ticket, sort_keys=True, separators=(",", ":"))


def _job_values(id: str, draft: Draft, now: float) -> dict[str, Any]:
    return {
        "id": id,
        "engine": draft.engine,
        "account": draft.account,
        "model": draft.request.model,
        "provider": draft.provider,
        "request": json.dumps(draft.request.as_json()),
        "quote": json.dumps(draft.quote.as_json()),
        "digest": draft.digest,
        "ordinal": draft.ordinal,
        "key": draft.key,
        "out": str(draft.out) if draft.out else None,
        "fallbacks": json.dumps([fallback_json(other) for other in draft.fallbacks]),
        "now": now,
    }
