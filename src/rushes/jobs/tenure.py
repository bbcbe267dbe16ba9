"""What a worker writes. Every write is held against its epoch: one that was superseded writes nothing."""

from __future__ import annotations

import asyncio
import json
import logging
import os
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from decimal import Decimal
from typing import Any

from rushes.database.database import Row
from rushes.database.sql import load
from rushes.domain.destination import Copy
from rushes.domain.errors import (
    Abandoned,
    Billed,
    LedgerInDoubt,
    OverBudget,
    ResultGone,
    RushesError,
    StorageError,
    Superseded,
)
from rushes.domain.job import Failure, Job, JobState
from rushes.domain.money import Basis, Caps, usd
from rushes.engines.contract import Accepted, Attempt, Progress, RenderState
from rushes.jobs.budget import to_amount
from rushes.jobs.ledger import LONGEST_PAUSE_S, NOTHING_SENT, Ledger, canonical, error_json
from rushes.jobs.rows import moment

MARKS_PAUSE_S = 10.0
"""How long a job waits whose create could not be counted outside the ledger: the disk may be full."""

log = logging.getLogger("rushes.worker")


class Tenure:
    """The time in which one worker holds the ledger."""

    def __init__(self, ledger: Ledger) -> None:
        self.ledger = ledger
        self._database = ledger.database
        self._database.pin()
        self._sql = load("rushes.jobs", "tenure.sql")
        with self._database.transaction():
            self._database.run(self._sql["take_over"], {"pid": os.getpid()})
            self.epoch = self._epoch()

    # --- what there is to do ---

    def carried(self) -> list[str]:
        """Return the ids of the jobs a worker carries, oldest first."""
        return [row["id"] for row in self._database.all(self._sql["carried"])]

    def ended(self, ids: Collection[str]) -> list[str]:
        """Return those of the jobs in `ids` that have ended."""
        values = {"ids": json.dumps(sorted(ids))}
        return [row["id"] for row in self._database.all(self._sql["ended"], values)]

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

    async def inspect_ledger(self, engine: str, places: int) -> None:
        """Have the ledger looked at before `claim` takes paid jobs of an engine.

        Read in a thread: a large one takes seconds.
        """
        trust, ids = self.ledger.trust, self._claimable(engine, places)
        if trust.is_due() and any(not self.ledger.job(id).quote.free for id in ids):
            trust.inspect_timed(*await asyncio.to_thread(trust.find_damage_timed))

    def claim(self, engine: str, places: int) -> list[str]:
        """Move an engine's waiting jobs, oldest first, to `submitting`, as far as its `places` go."""
        # Looked at before it is locked: a commit, even of nothing, would have every watcher look again.
        found = [self.ledger.job(id) for id in self._claimable(engine, places)]
        if not found:
            return []
        if any(not job.quote.free for job in found):
            self.ledger.trust.inspect_if_due()
        claimed = []
        with self.fenced():
            for id in self._claimable(engine, places):
                job = self.ledger.job(id)
                if self._is_kept_back(job):
                    continue
                self.ledger.move(id, [JobState.WAITING], JobState.SUBMITTING, tries=job.tries)
                attempt = {"id": id, "key": f"rushes-{id}-{job.attempt + 1}", "now": self.ledger.clock()}
                self._database.run(self._sql["add_submission"], attempt)
                claimed.append(id)
        return claimed

    def _is_kept_back(self, job: Job) -> bool:
        """Leave a job to a person that cannot be read, or paid for by a ledger that is in doubt."""
        if job.unreadable is not None:
            self._set_aside(job)
            return True
        doubt = None if job.quote.free else self.ledger.trust.check()
        if doubt is None:
            return False
        self.ledger.move(
            job.id,
            [JobState.WAITING, JobState.SUBMITTING],
            JobState.BLOCKED,
            reason=LedgerInDoubt.reason,
            failure=failure_of(doubt.error),
        )
        self.ledger.note(job.id, "blocked", reason=LedgerInDoubt.reason, because=doubt.detail)
        return True

    def set_aside(self, job: Job) -> None:
        """Leave a job that cannot be read to a person, and say so once; what it holds stays held."""
        with self.fenced():
            self._set_aside(job)

    def _set_aside(self, job: Job) -> None:
        values = {
            "id": job.id,
            "posted": int(job.posted_at is not None),
            "error": None if job.failure is None else error_json(job.failure),
            "now": self.ledger.clock(),
        }
        if self._database.run(self._sql["set_aside"], values):
            log.error("job %s is left to a person: %s", job.id, job.unreadable)
            self.ledger.note(job.id, "unreadable", because=job.unreadable)

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
            current = self.ledger.job(job.id)
            if current.cancel_requested:
                self._end(job, JobState.CANCELED, NOTHING_SENT)
            if current.cancel_requested or current.state is not JobState.SUBMITTING:
                return False
            if self._is_kept_back(current):
                self._outcome(current, "not_sent")
                return False
            now = self.ledger.clock()
            values = {"id": job.id, "attempt": job.attempt, "now": now, "notes": json.dumps(dict(notes))}
            self._database.run(self._sql["posted"], values)
            if not current.quote.free:
                self.ledger.trust.count_create()
        return current.quote.free or self._count_outside(current)

    def _count_outside(self, job: Job) -> bool:
        """Count a create outside the ledger, too, before it is sent; if that fails it waits."""
        try:
            self.ledger.trust.write_marks()
        except StorageError as error:
            self.put_off(job, error, MARKS_PAUSE_S)
            return False
        return True

    def accepted(self, job: Job, accepted: Accepted) -> None:
        """Store the ticket, before anything else is done with it.

        One that was superseded stores it as well: the newer worker cannot know it.
        """
        with self._database.transaction():
            now = self.ledger.job(job.id)
            if self._epoch() != self.epoch and (now.ticket is not None or now.attempt != job.attempt):
                raise Superseded()
            values = {"id": job.id, "attempt": job.attempt, "ticket": canonical(accepted.ticket)}
            self._database.run(self._sql["accepted"], values)
            facts = {
                "id": job.id,
                "facts": json.dumps(dict(accepted.facts), default=str),
                "warnings": json.dumps([*self.ledger.job(job.id).warnings, *accepted.warnings]),
            }
            self._database.run(self._sql["accepted_facts"], facts)
            now = self.ledger.job(job.id)
            # A person may have ended it in the meantime: that stands, and `collect` can use the ticket.
            abandoned = now.failure is not None and now.failure.code == Abandoned.code
            if not abandoned:
                origin = [JobState.SUBMITTING, JobState.OUTCOME_UNKNOWN, JobState.FAILED]
                self.ledger.move(job.id, origin, JobState.QUEUED)
            if not (abandoned and now.cost.settled and now.cost.amount):
                # What was accepted may cost money after all, unless a person has said how much.
                self.ledger.hold_again(job)
            where = {"engine": job.engine, "account": job.account, "now": self.ledger.clock()}
            self._database.run(self._sql["unblock"], where)
            self.ledger.note(job.id, "accepted", ticket=accepted.ticket)

    def put_off(self, job: Job, error: RushesError, seconds: float) -> None:
        """The create was provably not accepted: the job waits, and is sent again later."""
        with self.fenced():
            self._outcome(job, "not_sent")
            if self._grant_cancel(job):
                return
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

    def unknown(
        self,
        job: Job,
        error: RushesError,
        seconds: float | None,
        raw: str | None = None,
        reason: str | None = None,
    ) -> None:
        """The create may have been accepted. It is settled in `seconds`, or by a person (None).

        What was first said of it stays in front: it is what a person has to decide by. `reason` says what
        settling it waits for, if it waits for something.
        """
        with self.fenced():
            self._outcome(job, "unknown", raw)
            due = 0.0 if seconds is None else self.ledger.clock() + max(seconds, 0.001)
            origin = [JobState.SUBMITTING, JobState.OUTCOME_UNKNOWN]
            tries = job.tries + 1
            failure = failure_of(error)
            first = self.ledger.first_doubt(job.id)
            if first is not None and first not in failure.message:
                failure = replace(failure, message=f"{first}; {failure.message}")
            self.ledger.move(
                job.id,
                origin,
                JobState.OUTCOME_UNKNOWN,
                reason=reason,
                due_at=due,
                tries=tries,
                failure=failure,
            )
            self.ledger.note(
                job.id, "outcome_unknown", because=error.message, settles_itself=seconds is not None
            )

    def block(self, job: Job, error: RushesError, reason: str, seconds: float) -> None:
        """A person must act first. It is tried again in `seconds`, if a worker is alive then."""
        with self.fenced():
            if job.state is JobState.SUBMITTING:
                self._outcome(job, "refused")
                if self._grant_cancel(job):
                    return
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

    def _grant_cancel(self, job: Job) -> bool:
        """End a job that nobody has accepted, if somebody wants it canceled; say whether."""
        wanted = self.ledger.job(job.id).cancel_requested
        if wanted:
            self._end(job, JobState.CANCELED, NOTHING_SENT)
        return wanted

    def unblocked(self, job: Job) -> None:
        """Try a blocked job again: at its provider where it has a ticket, else from the start."""
        with self.fenced():
            self.ledger.move(job.id, [JobState.BLOCKED], job.unblocked_state, tries=job.tries)

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
        values = {
            # What was stored by an earlier rushes says nothing of its key.
            "key_source": None,
            **other,
            "id": job.id,
            "fallbacks": json.dumps(rest),
            "now": self.ledger.clock(),
        }
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
            # From here on it is that of the download.
            self._database.run(self._sql["forget_progress"], {"id": job.id})
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
        elif takes_nothing(job, error):
            failure = replace(failure, billed=Billed.NO)
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

    def missing(self, job: Job, since: datetime | None, reason: str | None) -> None:
        """Say since when the provider shows no such render, or (None) that it shows it again."""
        now = self.ledger.job(job.id)
        if (now.missing_since, now.reason) == (since, reason):
            # A commit, even of nothing, would have every watcher look again.
            return
        with self.fenced():
            values = {
                "id": job.id,
                "since": None if since is None else since.timestamp(),
                "reason": reason,
                "now": self.ledger.clock(),
            }
            self._database.run(self._sql["missing"], values)
            if (now.missing_since is None) != (since is None):
                self.ledger.note(job.id, "found" if since is None else "missing", because=reason)

    def bind(self, job: Job, account: str, name: str) -> None:
        """Write the account of the person who is signed in on a job; `name` is what it is shown by."""
        with self.fenced():
            values = {"id": job.id, "account": account, "key_source": name, "now": self.ledger.clock()}
            self._database.run(self._sql["bind"], values)
            self._database.run(self._sql["bind_submissions"], {"id": job.id, "account": account})
            self.ledger.note(job.id, "bound", account=name)

    def warn(self, job: Job, text: str) -> None:
        """Tell everybody who looks at the job something that did not go as asked."""
        with self.fenced():
            self._warn(job, text)

    def record_copy(self, job: Job, copy: Copy) -> None:
        """Record what came of a copy: one that was made is not made again if the clip is collected again."""
        with self.fenced():
            self.ledger.record_copy(job.id, copy)

    def note(self, job: Job, kind: str, **detail: Any) -> None:
        """Add an event to a job's history."""
        with self.fenced():
            self.ledger.note(job.id, kind, **detail)

    # --- for recovery and limits ---

    def tickets(self, job: Job, *, every_account: bool = False) -> set[str]:
        """Return every ticket the ledger holds for the job's account or engine, in canonical form."""
        account = None if every_account else job.account
        rows = self._database.all(self._sql["tickets"], {"engine": job.engine, "account": account})
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
        """Write down what the provider says it charged, and flag it if that is far above what was held."""
        if cost is None or self.ledger.has_word_on_bill(job.id):
            return
        self.ledger.write_charge(job, cost)
        hold = job.cost.amount or Decimal(0)
        if cost > 2 * hold and job.charged != cost:
            self._warn(
                job,
                f"the provider says it charged {usd(cost)}, and {usd(hold)} was expected; if that is wrong:"
                f" rushes reconcile {job.id} --charged AMOUNT",
            )

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


def failure_of(error: RushesError) -> Failure:
    """Return what the ledger keeps of an error."""
    return Failure(
        code=error.code,
        message=error.message,
        billed=error.billed,
        next=error.next,
        exit_code=error.exit_code,
    )


def takes_nothing(job: Job, error: RushesError) -> bool:
    """Whether a failure takes neither money nor, so far as anybody knows, a clip of a plan.

    Of what a plan made, and nobody can find, it is not known: its quota may have been used.
    """
    if isinstance(error, ResultGone) and job.ticket is not None:
        return job.quote.basis is Basis.FREE
    return job.quote.free


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
