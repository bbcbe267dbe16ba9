"""What a worker writes. Every write is held against its epoch: one that was superseded writes nothing."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from typing import Any

from rushes.database.database import Row
from rushes.database.sql import load
from rushes.domain.errors import Billed, OverBudget, RushesError, Superseded, WrongState
from rushes.domain.job import Failure, Job, JobState
from rushes.domain.money import Caps
from rushes.engines.contract import Accepted, Attempt, Progress, RenderState
from rushes.jobs.budget import to_amount, to_micros
from rushes.jobs.ledger import Ledger, canonical
from rushes.jobs.rows import moment

LONGEST_PAUSE_S = 600.0
"""No pause between two tries is longer; a due time further off than this means the clock was set back."""


class Tenure:
    """The time in which one worker holds the ledger."""

    def __init__(self, ledger: Ledger) -> None:
        self.ledger = ledger
        self._database = ledger.database
        self._sql = load("rushes.jobs", "tenure.sql")
        with self._database.transaction():
            self._database.run(self._sql["take_over"], {"pid": os.getpid()})
            self.epoch = self._epoch()

    # --- what there is to do ---

    def carried(self) -> list[str]:
        """Return the ids of the jobs a worker carries, oldest first."""
        return [row["id"] for row in self._database.all(self._sql["carried"])]

    def wishes(self) -> list[str]:
        """Return the ids of the jobs that somebody wants canceled."""
        return [row["id"] for row in self._database.all(self._sql["wishes"])]

    def next_due(self) -> float | None:
        """Return in how many seconds a waiting job that was put off may start, None where there is none."""
        now = self.ledger.clock()
        row = self._database.one(self._sql["next_due"], {"now": now})
        return None if row is None or row["at"] is None else min(row["at"] - now, LONGEST_PAUSE_S)

    def engines_waiting(self) -> list[str]:
        return [row["engine"] for row in self._database.all(self._sql["engines_waiting"])]

    def claim(self, engine: str, places: int) -> list[str]:
        """Move an engine's waiting jobs, oldest first, to `submitting`, as far as its `places` go."""
        # Looked at before it is locked: a commit, even of nothing, would have every watcher look again.
        if not self._claimable(engine, places):
            return []
        with self.fenced():
            ids = self._claimable(engine, places)
            for id in ids:
                job = self.ledger.job(id)
                self.ledger.move(id, [JobState.WAITING], JobState.SUBMITTING, tries=job.tries)
                attempt = {"id": id, "key": f"rushes-{id}-{job.attempt + 1}", "now": self.ledger.clock()}
                self._database.run(self._sql["add_submission"], attempt)
        return ids

    def _claimable(self, engine: str, places: int) -> list[str]:
        taken = self._database.one(self._sql["occupied"], {"engine": engine})
        assert taken is not None
        values = {
            "engine": engine,
            "now": self.ledger.clock(),
            "longest_pause": LONGEST_PAUSE_S,
            "limit": max(0, places - taken["jobs"]),
        }
        return [row["id"] for row in self._database.all(self._sql["claimable"], values)]

    # --- submitting ---

    def submission(self, job: Job) -> Row:
        """Return the current attempt: `attempt`, `key`, `posted_at`, `ticket`, `outcome`."""
        row = self._database.one(self._sql["last_submission"], {"id": job.id})
        assert row is not None
        return row

    def posting(self, job: Job, notes: Mapping[str, Any]) -> bool:
        """Record that the create is about to be sent. False: it was canceled, and must not be.

        `notes` are what its engine wants back where nobody hears what became of it.
        """
        with self.fenced():
            if self.ledger.job(job.id).cancel_requested:
                self._end(job, JobState.CANCELED, NOTHING_SENT)
                return False
            now = self.ledger.clock()
            values = {"id": job.id, "attempt": job.attempt, "now": now, "notes": json.dumps(dict(notes))}
            self._database.run(self._sql["posted"], values)
        return True

    def accepted(self, job: Job, accepted: Accepted) -> None:
        """Store the ticket, before anything else is done with it."""
        with self.fenced():
            values = {"id": job.id, "attempt": job.attempt, "ticket": canonical(accepted.ticket)}
            self._database.run(self._sql["accepted"], values)
            facts = {
                "id": job.id,
                "facts": json.dumps(dict(accepted.facts), default=str),
                "warnings": json.dumps([*self.ledger.job(job.id).warnings, *accepted.warnings]),
            }
            self._database.run(self._sql["accepted_facts"], facts)
            if not self.ledger.move(
                job.id, [JobState.SUBMITTING, JobState.OUTCOME_UNKNOWN, JobState.FAILED], JobState.QUEUED
            ):
                raise WrongState(f"job {job.id} was moved while its create was answered")
            # A person may have written it off in the meantime; what was accepted may cost money after all.
            self.ledger.hold_again(job)
            where = {"engine": job.engine, "account": job.account, "now": self.ledger.clock()}
            self._database.run(self._sql["unblock"], where)
            self.ledger.note(job.id, "accepted", ticket=accepted.ticket)

    def put_off(self, job: Job, error: RushesError, seconds: float) -> None:
        """The create was provably not accepted: the job waits, and is sent again later."""
        with self.fenced():
            self._outcome(job, "not_sent")
            due = self.ledger.clock() + seconds
            tries = job.tries + 1
            self.ledger.move(
                job.id,
                [JobState.SUBMITTING],
                JobState.WAITING,
                reason=error.message,
                due_at=due,
                tries=tries,
            )
            self.ledger.note(job.id, "put_off", because=error.message, seconds=round(seconds, 1))

    def unknown(self, job: Job, error: RushesError, seconds: float | None, raw: str | None = None) -> None:
        """The create may have been accepted. It is settled in `seconds`, or by a person (None)."""
        with self.fenced():
            self._outcome(job, "unknown", raw)
            due = 0.0 if seconds is None else self.ledger.clock() + max(seconds, 0.001)
            origin = [JobState.SUBMITTING, JobState.OUTCOME_UNKNOWN]
            tries = job.tries + 1
            failure = failure_of(error)
            self.ledger.move(
                job.id, origin, JobState.OUTCOME_UNKNOWN, due_at=due, tries=tries, failure=failure
            )
            self.ledger.note(
                job.id, "outcome_unknown", because=error.message, settles_itself=seconds is not None
            )

    def block(self, job: Job, error: RushesError, reason: str, seconds: float) -> None:
        """A person must act first. It is tried again in `seconds`."""
        with self.fenced():
            if job.state is JobState.SUBMITTING:
                self._outcome(job, "refused")
            self.ledger.move(
                job.id,
                [job.state, *_FROM_PROVIDER],
                JobState.BLOCKED,
                reason=reason,
                due_at=self.ledger.clock() + seconds,
                tries=job.tries + 1,
                failure=failure_of(error),
            )
            self.ledger.note(job.id, "blocked", reason=reason, because=error.message)

    def unblocked(self, job: Job) -> None:
        """Try a blocked job again: at its provider where it has a ticket, else from the start."""
        with self.fenced():
            to = JobState.QUEUED if job.ticket is not None else JobState.WAITING
            self.ledger.move(job.id, [JobState.BLOCKED], to, tries=job.tries)

    def fallbacks(self, job: Job) -> list[dict[str, Any]]:
        """Return what the job may still be instead, in order, as `admission.fallback_json` wrote it."""
        row = self._database.one(self._sql["fallbacks"], {"id": job.id})
        assert row is not None
        found: list[dict[str, Any]] = json.loads(row["fallbacks"])
        return found

    def hold_elsewhere(self, job: Job, other: Mapping[str, Any], caps: Caps) -> OverBudget | None:
        """Hold for a job what it would cost as `other`, and no longer what it costs now; or say why not."""
        self.ledger.settle(job, Billed.NO, None)
        try:
            self.ledger.allowance(caps).take(other["engine"], to_amount(other["hold"]))
        except OverBudget as error:
            self.ledger.hold_again(job)
            return error
        self._database.run(self._sql["hold_at"], {"id": job.id, **other})
        return None

    def turn_to(
        self, job: Job, other: Mapping[str, Any], rest: Sequence[Mapping[str, Any]], told: str
    ) -> None:
        """Make a job that nobody accepted what `other` says, and have it wait for its turn there."""
        self._outcome(job, "refused")
        values = {**other, "id": job.id, "fallbacks": json.dumps(rest), "now": self.ledger.clock()}
        self._database.run(self._sql["turn_to"], values)
        self.ledger.move(job.id, [JobState.SUBMITTING], JobState.WAITING)
        self._warn(job, told)
        self.ledger.note(job.id, "fell_back", origin=job.model, model=other["model"], because=told)

    # --- at the provider ---

    def progress(self, job: Job, progress: Progress) -> None:
        """Write down how far a render is; a change from queued to running goes into the ledger itself."""
        values = {
            "id": job.id,
            "fraction": progress.fraction,
            "queue_position": progress.queue_position,
            "now": self.ledger.clock(),
        }
        self._database.run(self._sql["progress"], values)

    def running(self, job: Job, progress: Progress) -> None:
        """Record that the provider has gone from queued to running, or back."""
        to = JobState.RUNNING if progress.state is RenderState.RUNNING else JobState.QUEUED
        with self.fenced():
            self.ledger.move(job.id, [JobState.QUEUED, JobState.RUNNING], to)

    def rendered(self, job: Job, cost: Decimal | None) -> None:
        """The provider has finished: the clip can be collected."""
        with self.fenced():
            self._charged(job, cost)
            self.ledger.move(job.id, [JobState.QUEUED, JobState.RUNNING], JobState.COLLECTING)
            self.ledger.note(job.id, "rendered", cost=str(cost) if cost is not None else None)

    # --- ends ---

    def completed(self, job: Job, clips: Sequence[str]) -> None:
        """Its clips are in the library: settle the hold with what the provider charged."""
        with self.fenced():
            if not self.ledger.move(job.id, [JobState.COLLECTING], JobState.COMPLETED):
                return
            self.ledger.settle(job, Billed.NO if job.charged == 0 else Billed.YES, job.charged)
            self._database.run(self._sql["forget_progress"], {"id": job.id})
            self.ledger.note(job.id, "completed", clips=list(clips))

    def fail(self, job: Job, error: RushesError, cost: Decimal | None = None) -> None:
        """End a job without a clip; a ticket it has is kept, so that it can be collected again."""
        failure = failure_of(error)
        cost = job.charged if cost is None else cost
        if cost is not None:
            failure = replace(failure, billed=Billed.YES if cost else Billed.NO)
        with self.fenced():
            if job.state is JobState.SUBMITTING:
                self._outcome(job, "refused")
            self._charged(job, cost)
            self._end(job, JobState.FAILED, failure, cost)

    def canceled(self, job: Job, cost: Decimal | None) -> None:
        """The provider confirmed a cancellation; without a word on money its hold stays."""
        billed = Billed.UNKNOWN if cost is None else Billed.YES if cost else Billed.NO
        if job.quote.free:
            billed = Billed.NO
        with self.fenced():
            self._end(job, JobState.CANCELED, _canceled(billed), cost)

    def held_up(self, job: Job, error: RushesError | None) -> None:
        """Say what keeps a job where it is, until it moves or (None) nothing does any more."""
        with self.fenced():
            reason = error.message if error is not None else None
            values = {"id": job.id, "reason": reason, "now": self.ledger.clock()}
            self._database.run(self._sql["held_up"], values)

    def warn(self, job: Job, text: str) -> None:
        """Tell everybody who looks at the job something that did not go as asked."""
        with self.fenced():
            self._warn(job, text)

    def note(self, job: Job, kind: str, **detail: Any) -> None:
        """Add an event to a job's history."""
        with self.fenced():
            self.ledger.note(job.id, kind, **detail)

    # --- for recovery and limits ---

    def tickets(self, job: Job) -> set[str]:
        """Return every ticket the ledger holds for the job's account, in canonical form."""
        rows = self._database.all(self._sql["tickets"], {"engine": job.engine, "account": job.account})
        return {row["ticket"] for row in rows}

    def rivals(self, job: Job) -> int:
        """Return how many other creates of the job's account may have been accepted and have no ticket."""
        values = {"engine": job.engine, "account": job.account, "id": job.id}
        row = self._database.one(self._sql["rivals"], values)
        assert row is not None
        return int(row["jobs"])

    def post_ages(self, engine: str, account: str, window: float) -> list[float]:
        """Return how many seconds ago creates were sent, within `window`.

        A post that lies in the future is one from before the clock was set back: its age is 0.
        """
        now = self.ledger.clock()
        values = {"engine": engine, "account": account, "since": now - window}
        return [
            max(0.0, now - row["posted_at"]) for row in self._database.all(self._sql["posts_since"], values)
        ]

    def posted_at(self, job: Job) -> datetime:
        """Return when the current attempt was sent."""
        return moment(self.submission(job)["posted_at"])

    def attempt(self, job: Job, model: str) -> Attempt:
        """Return the current attempt as its engine needs it to find out what became of it."""
        row = self.submission(job)
        return Attempt(
            request=job.request,
            model=model,
            posted_at=moment(row["posted_at"]),
            notes=json.loads(row["notes"] or "{}"),
        )

    def _end(self, job: Job, to: JobState, failure: Failure, cost: Decimal | None = None) -> None:
        if job.quote.free:
            failure = replace(failure, billed=Billed.NO)
        # A job that somebody has moved since it was looked at is not ended by what was seen then.
        origin = _FROM_PROVIDER if job.state in _FROM_PROVIDER else (job.state,)
        if not self.ledger.move(job.id, origin, to, failure=failure):
            return
        self.ledger.settle(job, failure.billed, cost)
        self._database.run(self._sql["forget_progress"], {"id": job.id})
        self.ledger.note(job.id, to.value, because=failure.message, billed=failure.billed.value)

    def _warn(self, job: Job, text: str) -> None:
        warnings = json.dumps([*self.ledger.job(job.id).warnings, text])
        self._database.run(self._sql["warn"], {"id": job.id, "warnings": warnings})

    def _outcome(self, job: Job, outcome: str, raw: str | None = None) -> None:
        values = {"id": job.id, "attempt": job.attempt, "outcome": outcome, "raw": raw}
        self._database.run(self._sql["outcome"], values)

    def _charged(self, job: Job, cost: Decimal | None) -> None:
        if cost is not None:
            self._database.run(self._sql["charged"], {"id": job.id, "charged": to_micros(cost)})

    def _epoch(self) -> int:
        row = self._database.one(self._sql["epoch"])
        assert row is not None
        return int(row["epoch"])

    @contextmanager
    def fenced(self) -> Iterator[None]:
        """Write in one transaction. Raises Superseded where another worker has taken the ledger over."""
        with self._database.transaction():
            if self._epoch() != self.epoch:
                raise Superseded()
            yield


_FROM_PROVIDER = (JobState.QUEUED, JobState.RUNNING, JobState.COLLECTING)

NOTHING_SENT = Failure(
    code="canceled",
    message="canceled before anything was sent",
    billed=Billed.NO,
    next="rushes create … makes a new one",
    exit_code=9,
)


def failure_of(error: RushesError) -> Failure:
    """Return what the ledger keeps of an error."""
    return Failure(
        code=error.code,
        message=error.message,
        billed=error.billed,
        next=error.next,
        exit_code=error.exit_code,
    )


def _canceled(billed: Billed) -> Failure:
    said = {Billed.NO: "it was not charged", Billed.YES: "it was charged"}.get(
        billed, "its bill is not known"
    )
    return Failure(
        code="canceled",
        message=f"canceled; the provider confirmed it, {said}",
        billed=billed,
        next="rushes create … --again makes a new one",
        exit_code=9,
    )
