"""The ledger as every door sees it: jobs are admitted, read, and wished something of.

What a worker writes is in `tenure.py`. Any number of processes may hold a Ledger on one file.
"""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

from rushes.database.database import Database, Row
from rushes.database.sql import load
from rushes.domain.destination import Copy, Destination
from rushes.domain.errors import (
    Abandoned,
    BadDestination,
    Billed,
    Canceled,
    KeyConflict,
    NotFound,
    OverBudget,
    PriceChanged,
    RowUnreadable,
    RushesError,
    WrongState,
    name_job,
)
from rushes.domain.job import Failure, Job, JobState
from rushes.domain.money import Budget, Caps, Quote
from rushes.jobs import budget
from rushes.jobs.admission import Admission, Draft, Identity, fallback_json
from rushes.jobs.budget import Allowance
from rushes.jobs.rows import detail_of, job_from
from rushes.jobs.trust import Doubt, Trust

RECENT_S = 600.0
"""How long, in seconds, a completed job that took no money answers for the same request again."""

LONGEST_PAUSE_S = 600.0
"""No pause between two tries is longer; a due time further off than this means the clock was set back."""

CAME_TO_NOTHING = (JobState.FAILED, JobState.CANCELED)

NOTHING_SENT = Failure(
    code=Canceled.code,
    message="canceled; no provider had accepted it",
    billed=Billed.NO,
    next="rushes create … makes a new one",
    exit_code=Canceled.exit_code,
)

ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
"""Crockford's base 32: no letter that is read for another."""


class Ledger:
    """Jobs, holds and spend in one SQLite file.

    `clock` gives seconds since 1970; `marks` is the user's folder in which is written how far a ledger is.
    """

    def __init__(
        self, database: Database, *, clock: Callable[[], float] = time.time, marks: Path | None = None
    ) -> None:
        self.database = database
        self.clock = clock
        self.trust = Trust(database, marks)
        self._sql = load("rushes.jobs", "ledger.sql")

    # --- reading ---

    def job(self, id: str) -> Job:
        """Return a job by its id, or by the beginning of one. Raises NotFound."""
        row = self.database.one(self._sql["job"], {"id": id})
        if row is None:
            row = self.database.one(self._sql["job"], {"id": self._resolve(id)})
        assert row is not None
        return job_from(row)

    def find_ids(self, start: str) -> list[str]:
        """Return the job that has this id, or else some of those whose ids begin so."""
        if not start:
            return []
        if self.database.one(self._sql["job"], {"id": start}) is not None:
            return [start]
        return [row["id"] for row in self.database.all(self._sql["ids_like"], {"start": start})]

    def jobs(self, *, state: JobState | None = None, limit: int = 50) -> list[Job]:
        """Return the newest jobs first."""
        values = {"state": state.value if state else None, "limit": limit}
        return [job_from(row) for row in self.database.all(self._sql["jobs"], values)]

    def events(self, id: str) -> list[dict[str, Any]]:
        """Return what happened to a job, oldest first: `at` (seconds since 1970), `kind`, `detail`."""
        rows = self.database.all(self._sql["events"], {"id": self.job(id).id})
        return [{"at": row["at"], "kind": row["kind"], "detail": detail_of(row)} for row in rows]

    def budget(self, caps: Caps) -> Budget:
        """Return the caps in force, and what is held and spent under each."""
        return budget.standing(self.database, caps, self.clock())

    def allowance(self, caps: Caps) -> Allowance:
        """Return what may still be held under the caps, to count on without admitting anything."""
        return Allowance(self.database, caps, self.clock())

    def find_cap_exceeded(self, job: Job, caps: Caps) -> OverBudget | None:
        """Return why a job may not be sent under the caps as they are now; None: it may.

        Counted is what was spent and what is held for jobs that were sent: the others come after this one.
        """
        if job.quote.free or job.cost.amount is None:
            return None
        try:
            Allowance(self.database, caps, self.clock(), only_sent=True).take(job.engine, job.cost.amount)
        except OverBudget as error:
            return error
        return None

    def needs_worker(self) -> bool:
        """Return whether a worker would have something to do.

        A blocked job needs one only when it is due: it waits for a person, and keeps no process alive.
        """
        values = {"now": self.clock(), "longest_pause": LONGEST_PAUSE_S}
        row = self.database.one(self._sql["attention"], values)
        return row is not None and row["jobs"] > 0

    def is_behind_blocked(self, job: Job) -> bool:
        """Whether a blocked job of the same account keeps this one from being sent."""
        values = {"engine": job.engine, "account": job.account}
        row = self.database.one(self._sql["blocked_of_account"], values)
        return row is not None and row["jobs"] > 0

    def first_doubt(self, id: str) -> str | None:
        """Return why it was not known at first whether a job's last create was accepted."""
        row = self.database.one(self._sql["first_doubt"], {"id": id})
        because = None if row is None else detail_of(row).get("because")
        return None if because is None else str(because)

    def submission(self, id: str) -> Mapping[str, Any] | None:
        """Return the last attempt to submit a job: `posted_at`, `ticket`, `outcome`, `raw`; else None."""
        rows = self.database.all(self._sql["submissions"], {"id": self.job(id).id})
        return dict(rows[-1]) if rows else None

    def copies(self, id: str) -> list[Copy]:
        """Return the copies that were asked for of a job's clips, and what came of each."""
        return [_copy_from(row) for row in self.database.all(self._sql["copies"], {"id": id})]

    def owed_copies(self, ids: Sequence[str]) -> dict[str, list[Copy]]:
        """Return the copies that are still to be made of those jobs that are completed."""
        found: dict[str, list[Copy]] = {}
        for row in self.database.all(self._sql["owed_copies"], {"ids": json.dumps(list(ids))}):
            found.setdefault(row["job_id"], []).append(_copy_from(row))
        return found

    def check_unclaimed(self, out: Destination, id: str | None = None) -> None:
        """Raise BadDestination if the clip of a job that is under way goes to the very same file.

        `id` is the job that is asked for; it may be copied there.
        """
        row = self.database.one(self._sql["copied_to"], {"place": json.dumps(out.place)})
        if row is not None and row["job_id"] != id and not out.is_folder:
            raise BadDestination(
                f"the clip of job {row['job_id']} goes to {out.path}", next="name another file"
            )

    def lacking_key(self) -> list[tuple[str, str]]:
        """Return engine and account of the jobs that were put aside for want of their key."""
        return [(row["engine"], row["account"]) for row in self.database.all(self._sql["lacking_key"])]

    def needs_key(self, engine: str, account: str) -> bool:
        """Whether a worker needs the key of an account, now or should a job turn to a fallback."""
        row = self.database.one(self._sql["needs_key"], {"engine": engine, "account": account})
        return row is not None and bool(row["needed"])

    def rows_of(self, id: str) -> dict[str, Any]:
        """Return the rows of one job by their tables: `jobs`, `holds`, and the last of `submissions`."""
        found = {
            table: self.database.one(self._sql[f"rows_of_{table}"], {"id": id})
            for table in ("jobs", "holds", "submissions")
        }
        return {table: dict(row) for table, row in found.items() if row is not None}

    def worker_pid(self) -> int | None:
        """Return the id of the process that took the ledger over last; None where there was none yet."""
        row = self.database.one(self._sql["worker"])
        return None if row is None else row["pid"]

    # --- admitting ---

    def admit(self, drafts: Sequence[Draft], caps: Caps) -> list[Admission]:
        """Store jobs with their holds in one transaction: all are admitted, or none.

        A draft that matches a job which is live, was or may have been paid for, or was completed just now
        is answered with that job. Raises OverBudget, KeyConflict, BadDestination, and LedgerInDoubt if one is
        to be paid for.
        """
        with self.database.transaction():
            allowance, check = self.allowance(caps), cache(self.trust.check)
            admitted = [self._admit(draft, allowance, check) for draft in drafts]
        if any(fresh and not draft.quote.free for (_, fresh), draft in zip(admitted, drafts, strict=True)):
            self.trust.write_place()
        return [Admission(job=self.job(id), fresh=fresh) for id, fresh in admitted]

    def _admit(
        self, draft: Draft, allowance: Allowance, check: Callable[[], Doubt | None]
    ) -> tuple[str, bool]:
        found = self._same(draft)
        if found is not None:
            return found, False
        if draft.out is not None:
            # Once more, in this transaction: two commands may have looked at the same moment.
            self.check_unclaimed(draft.out)
        now = self.clock()
        if draft.key is not None:
            self.database.run(self._sql["free_key"], {"key": draft.key, "ordinal": draft.ordinal, "now": now})
        if not draft.quote.free and (doubt := check()) is not None:
            raise doubt.error
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
        if draft.out is not None:
            self.want_copy(id, draft.out)
        return id, True

    def find_same(self, identity: Identity) -> Job | None:
        """Return the job that answers for what is asked, so that nothing is bought. Raises KeyConflict."""
        id = self._same(identity)
        return None if id is None else self.job(id)

    def _same(self, draft: Identity) -> str | None:
        if draft.key is not None:
            row = self.database.one(self._sql["same_key"], {"key": draft.key, "ordinal": draft.ordinal})
            if row is not None and draft.again and row["state"] in CAME_TO_NOTHING:
                return None
            if row is not None and row["digest"] != draft.digest:
                raise KeyConflict(
                    f"the key {draft.key} stands for another request, that of job {row['id']}; nothing sent",
                    next=KeyConflict.next.replace("ID", row["id"]),
                )
            if row is not None:
                return str(row["id"])
        # Whoever gives a key of his own for a new clip means a new clip.
        if draft.again or (draft.key is not None and not draft.derived_key):
            return None
        values = {"digest": draft.digest, "recent": self.clock() - RECENT_S}
        row = self.database.one(self._sql["same_digest"], values)
        return str(row["id"]) if row is not None else None

    # --- wishes of a person ---

    def cancel(self, id: str) -> Job:
        """Cancel a job if nothing was sent; else record the wish for the worker. Raises WrongState."""
        with self._changing(id) as job:
            if job.state is JobState.CANCELED:
                return job
            if job.state.ended:
                raise WrongState(
                    f"job {job.id} is {job.state.value}: there is nothing to cancel",
                    next=f"rushes job {job.id} shows what came of it",
                )
            self.database.run(self._sql["wish_cancel"], {"id": job.id, "now": self.clock()})
            unsent = job.is_unsent
            if unsent:
                self._cancel_unsent(job)
            self.note(job.id, "cancel_requested", granted=unsent)
        return self.job(job.id)

    def _cancel_unsent(self, job: Job) -> None:
        self.move(job.id, [job.state], JobState.CANCELED, failure=NOTHING_SENT)
        self.database.run(self._sql["settle_hold"], {"id": job.id, "now": self.clock()})

    def write_off(self, id: str, charged: Decimal | None) -> Job:
        """Stop following a job, whatever its provider says; or say what an ended one cost.

        `charged` is what it cost in dollars, 0 for nothing; None leaves its bill open, and what is held for
        it held. What was never sent is canceled, free. Raises WrongState if there is nothing to stop or say.
        """
        with self._changing_any(id) as job:
            if job.unreadable is not None and not job.state.ended:
                self._end_unreadable(job, charged)
            elif job.is_unsent:
                self.database.run(self._sql["wish_cancel"], {"id": job.id, "now": self.clock()})
                self._cancel_unsent(job)
                self.note(job.id, "canceled", because=NOTHING_SENT.message)
            elif not job.state.ended:
                self._abandon(job, job.charged if charged is None else charged)
            elif charged is not None and job.has_bill:
                self._correct(job, charged)
            elif job.bill_open:
                raise WrongState(
                    f"job {job.id} has ended, and its bill is open",
                    next=f"say what it cost: rushes reconcile {job.id} --nothing, or --charged AMOUNT",
                )
            else:
                raise WrongState(f"job {job.id} is {job.state.value}: there is nothing left to settle")
        return self.job(job.id)

    def _abandon(self, job: Job, charged: Decimal | None) -> None:
        billed = Billed.UNKNOWN if charged is None else Billed.YES if charged else Billed.NO
        billed = Billed.NO if job.quote.free else billed
        before = job.failure.message if job.failure is not None else job.reason
        failure = Failure(
            code=Abandoned.code,
            message=f"a person ended it while it was {job.state.value.replace('_', ' ')}"
            + (f" ({before})" if before else ""),
            billed=billed,
            next=Abandoned.next if job.ticket is not None else Canceled.next,
            exit_code=Abandoned.exit_code,
        )
        self.move(job.id, [job.state], JobState.FAILED, failure=failure)
        if charged is not None:
            self.write_charge(job, charged)
        self.settle(job, billed, charged)
        self.note(job.id, "abandoned", charged=None if charged is None else str(charged))

    def _end_unreadable(self, job: Job, charged: Decimal | None) -> None:
        """End a job whose row cannot be read, whatever it says; what was never sent cost nothing."""
        charged = Decimal(0) if job.posted_at is None and job.ticket is None else charged
        billed = Billed.UNKNOWN if charged is None else Billed.YES if charged else Billed.NO
        failure = Failure(
            code=Abandoned.code,
            message=f"a person ended it; {job.unreadable}",
            billed=billed,
            next=Canceled.next,
            exit_code=Abandoned.exit_code,
        )
        values = {"id": job.id, "error": error_json(failure), "now": self.clock()}
        self.database.run(self._sql["end_unreadable"], values)
        if charged is not None:
            self.write_charge(job, charged)
        self.settle(job, billed, charged)
        self.note(job.id, "abandoned", charged=None if charged is None else str(charged))

    def decide_continue(self) -> list[str]:
        """Take a person's word that this ledger continues; return the ids of the jobs that waited for it."""
        self.trust.vouch()
        with self.database.transaction():
            self.trust.put_to_a_person()
            ids = [row["id"] for row in self.database.all(load("rushes.jobs", "trust.sql")["in_doubt"])]
            for id in ids:
                self.move(id, [JobState.BLOCKED], JobState.WAITING)
                self.note(id, "ledger_vouched_for")
        return ids

    def decide_copy(self) -> list[str]:
        """Take a person's word that this ledger is a copy; return the ids of the jobs that it cancels."""
        ids = self.trust.unsent()
        for id in ids:
            self.write_off(id, Decimal(0))
        self.trust.branch()
        return ids

    def has_word_on_bill(self, id: str) -> bool:
        """Whether a person has said what a job cost: that stands, whatever its provider says later."""
        row = self.database.one(self._sql["word_on_bill"], {"id": id})
        return row is not None and row["words"] > 0

    def _reopen_bill(self, job: Job) -> None:
        """Hold a job's money again: it is taken up, whatever a person said of it when it was given up."""
        self.write_charge(job, None)
        self.hold_again(job)
        self.note(job.id, "bill_reopened")

    def write_charge(self, job: Job, charged: Decimal | None) -> None:
        """Write down what a job cost in dollars, as its provider or a person says; None: nobody does."""
        amount = None if charged is None else budget.to_micros(charged)
        self.database.run(self._sql["set_charge"], {"id": job.id, "charged": amount})

    def _correct(self, job: Job, charged: Decimal) -> None:
        before = str(job.cost.amount) if job.cost.settled else None
        self.write_charge(job, charged)
        self.settle(job, Billed.YES if charged else Billed.NO, charged)
        self.note(job.id, "reconciled", charged=str(charged), before=before)

    def check_awaits_price(self, job: Job) -> None:
        """Raise WrongState unless a job waits for a yes to its new price."""
        if job.state is not JobState.BLOCKED or job.reason != PriceChanged.reason:
            raise WrongState(
                f"job {job.id} is {job.state.value}: no new price waits for a yes",
                next=f"rushes why {job.id} shows what it waits for",
            )

    def agree_to_price(self, id: str, quote: Quote, hold: Decimal, caps: Caps) -> Job:
        """Hold `hold` dollars for a job that was blocked by its price, and have it sent.

        Raises WrongState if it is not blocked by its price, OverBudget.
        """
        with self._changing(id) as job:
            self.check_awaits_price(job)
            self.database.run(self._sql["settle_hold"], {"id": job.id, "now": self.clock()})
            self.allowance(caps).take(job.engine, hold)
            values = {"id": job.id, "amount": budget.to_micros(hold), "quote": json.dumps(quote.as_json())}
            self.database.run(self._sql["hold_amount"], {**values, "now": self.clock()})
            self.database.run(self._sql["set_quote"], {**values, "now": self.clock()})
            self.move(job.id, [JobState.BLOCKED], JobState.WAITING)
            self.note(job.id, "price_agreed", hold=str(hold))
        return self.job(job.id)

    def collect(self, id: str) -> Job:
        """Have a job that has a ticket polled and downloaded again, free; or a blocked one tried at once."""
        with self._changing(id) as job:
            if job.state is JobState.BLOCKED:
                target = job.unblocked_state
            elif job.state is JobState.COMPLETED:
                # Not polled: that the provider has forgotten it by now does not undo a clip that is here.
                target = JobState.COLLECTING
            elif job.ticket is not None and job.state in CAME_TO_NOTHING:
                target = JobState.QUEUED
            elif job.state.at_provider or job.state is JobState.COLLECTING:
                target = job.state
            else:
                raise WrongState(
                    f"job {job.id} is {job.state.value} and no provider holds a result for it",
                    next=f"rushes why {job.id} shows its state; rushes create … --again makes a new one",
                )
            self.move(job.id, [job.state], target)
            if job.failure is not None and job.failure.code == Abandoned.code:
                self._reopen_bill(job)
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

        With `ticket`: the provider did accept it, and it continues. Else nothing (more) comes of it, and it
        cost `charged` dollars, 0 for nothing; a figure booked before is corrected. Raises WrongState.
        """
        if ticket is None:
            return self.write_off(id, charged)
        with self._changing(id) as job:
            if not job.can_be_adopted:
                raise WrongState(f"job {job.id} is {job.state.value}: its outcome is known")
            self._adopt(job, ticket)
            self.move(job.id, [job.state], JobState.QUEUED)
            self._reopen_bill(job)
            self.note(job.id, "reconciled", ticket=ticket)
        return self.job(job.id)

    def adopt_rescued(self, id: str, ticket: dict[str, Any], rows: Mapping[str, Any] | None) -> bool:
        """Take a ticket that a ledger could not keep; `rows` are the job's there, if they could be read.

        False: there is no such job here, and no rows to make it from. Raises WrongState if another job has
        the ticket.
        """
        with self.database.transaction():
            if self.database.one(self._sql["job"], {"id": id}) is None:
                if not rows:
                    return False
                self._insert_rescued(rows)
            elif rows:
                self._insert("submissions", {**rows["submissions"], "ticket": None})
            job = self.job(id)
            if job.ticket is None:
                if job.posted_at is None:
                    # An older state of the ledger, from before it was sent.
                    self._write_sent(job)
                    job = self.job(id)
                self._adopt(job, ticket)
                self.move(job.id, [job.state], JobState.QUEUED)
                self.hold_again(job)
                self.note(job.id, "rescued", ticket=ticket)
        return True

    def _write_sent(self, job: Job) -> None:
        """Write down that a job's create was sent, if only its ticket tells so."""
        sql, now = load("rushes.jobs", "tenure.sql"), self.clock()
        key = f"rushes-{job.id}-{job.attempt + 1}"
        self.database.run(sql["add_submission"], {"id": job.id, "key": key, "now": now})
        values = {"id": job.id, "attempt": job.attempt + 1, "now": now, "notes": "{}"}
        self.database.run(sql["posted"], values)

    def _insert_rescued(self, rows: Mapping[str, Any]) -> None:
        job = {**rows["jobs"], "state": JobState.OUTCOME_UNKNOWN.value, "due_at": 0.0}
        if not self._insert("jobs", job):
            # Its key was used again in the meantime.
            self._insert("jobs", {**job, "key": None})
        self._insert("holds", rows["holds"])
        self._insert("submissions", {**rows["submissions"], "ticket": None})

    def _insert(self, table: str, row: Mapping[str, Any]) -> bool:
        """Insert a row of another ledger, as far as this one knows its columns; False if it was there."""
        known = {one["name"] for one in self.database.all(f"PRAGMA main.table_info({table})")}
        columns = sorted(known & row.keys())
        places = ", ".join(f":{one}" for one in columns)
        statement = f"INSERT OR IGNORE INTO {table} ({', '.join(columns)}) VALUES ({places})"
        return self.database.run(statement, {one: row[one] for one in columns}) == 1

    def look_again(self, id: str) -> Job:
        """Have the worker ask the provider once more what became of a create. Raises WrongState."""
        with self._changing(id) as job:
            if job.state is not JobState.OUTCOME_UNKNOWN:
                raise WrongState(f"job {job.id} is {job.state.value}: its outcome is known")
            self.move(job.id, [job.state], JobState.OUTCOME_UNKNOWN, due_at=1.0, failure=job.failure)
            self.note(job.id, "look_again")
        return self.job(job.id)

    def key_is_here(self, engine: str, account: str) -> None:
        """Have the jobs go on that were put aside because the worker did not have the key of an account."""
        where = {"engine": engine, "account": account}
        if not self.database.all(self._sql["lacking_this_key"], where):
            return
        with self.database.transaction():
            for row in self.database.all(self._sql["lacking_this_key"], where):
                self._take_up_again(self.job(row["id"]))

    def pay_with(self, id: str, account: str, key_source: str | None) -> None:
        """Have a blocked job paid from, and asked about with the key of, another account: a person's wish."""
        with self._changing(id) as job:
            if job.state is not JobState.BLOCKED or job.account == account:
                return
            values = {"id": job.id, "account": account, "key_source": key_source, "now": self.clock()}
            self.database.run(self._sql["set_payer"], values)
            self.note(job.id, "another_key", key_source=key_source)

    def want_copy(self, id: str, out: Destination) -> None:
        """Record where a copy of a job's clip is wanted, now or once there is one."""
        values = {"id": id, "place": json.dumps(out.place), "wanted": json.dumps(out.as_json())}
        self.database.run(self._sql["want_copy"], values)

    def forget_failed_copies(self, id: str) -> None:
        """Want no copy of a job's clip any more that could not be made."""
        self.database.run(self._sql["forget_failed_copies"], {"id": id})

    def record_copy(self, id: str, copy: Copy) -> None:
        """Record what came of a copy. What other jobs had put under the same names is replaced by it."""
        made = json.dumps([str(path) for path in copy.made])
        values = {"id": id, "place": json.dumps(copy.wanted.place), "made": made, "problem": copy.problem}
        self.database.run(self._sql["record_copy"], values)
        if copy.wanted.force and copy.is_done:
            self.database.run(self._sql["forget_replaced_copies"], {"id": id, "made": made})
        told = {"to": ", ".join(map(str, copy.made))} if copy.is_done else {"because": copy.problem}
        self.note(id, "copied" if copy.is_done else "not_copied", **told)

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
        values = {
            "id": id,
            "from": json.dumps([state.value for state in origin]),
            "to": to.value,
            "reason": reason,
            "due_at": due_at,
            "tries": tries,
            "error": None if failure is None else error_json(failure),
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
        """Have a job's hold count again, if it was settled too soon; what was booked for it does not."""
        self.database.run(self._sql["reopen_hold"], {"id": job.id})
        self.database.run(self._sql["forget_spend"], {"id": job.id})

    def note(self, id: str, kind: str, **detail: Any) -> None:
        """Add an event to a job's history."""
        values = {"id": id, "now": self.clock(), "kind": kind, "detail": json.dumps(detail, default=str)}
        self.database.run(self._sql["add_event"], values)

    def _take_up_again(self, job: Job) -> None:
        if job.state is JobState.OUTCOME_UNKNOWN:
            # Still said to wait for its key: its engine decides how it is settled, and that was not there.
            self.move(job.id, [job.state], job.state, reason=job.reason, due_at=1.0, failure=job.failure)
        else:
            self.move(job.id, [job.state], job.unblocked_state)
        self.note(job.id, "key_is_here")

    def _adopt(self, job: Job, ticket: dict[str, Any]) -> None:
        sql, text = load("rushes.jobs", "tenure.sql"), canonical(ticket)
        held = self.database.all(sql["tickets"], {"engine": job.engine, "account": job.account})
        if text in {row["ticket"] for row in held}:
            raise WrongState(f"another job already holds the ticket {text}", next="look for another one")
        self.database.run(sql["accepted"], {"id": job.id, "attempt": job.attempt, "ticket": text})

    @contextmanager
    def _changing(self, id: str) -> Iterator[Job]:
        with self._changing_any(id) as job:
            if job.unreadable is not None:
                raise RowUnreadable(job.unreadable, next=RowUnreadable.next.replace("ID", job.id))
            yield job

    @contextmanager
    def _changing_any(self, id: str) -> Iterator[Job]:
        """The same for a job whose row cannot be read, too."""
        full = self.job(id).id
        try:
            with self.database.transaction():
                yield self.job(full)
        except RushesError as error:
            error.next = name_job(error.next, full)
            raise

    def _resolve(self, start: str) -> str:
        ids = self.find_ids(start)
        if len(ids) == 1:
            return str(ids[0])
        if ids:
            raise NotFound(f"{start!r} begins several job ids: {', '.join(ids)}", next="give more of it")
        raise NotFound(f"there is no job {start!r}", next="rushes jobs lists them")


def canonical(ticket: dict[str, Any]) -> str:
    """Return a ticket as the one text that stands for it, so that two equal ones collide."""
    return json.dumps(ticket, sort_keys=True, separators=(",", ":"))


def _copy_from(row: Row) -> Copy:
    return Copy(
        wanted=Destination.from_json(json.loads(row["wanted"])),
        made=tuple(Path(one) for one in json.loads(row["made"])),
        problem=row["problem"],
    )


def error_json(failure: Failure) -> str:
    """Return what the ledger keeps of a failure."""
    return json.dumps({**failure.as_json(), "exit_code": failure.exit_code})


def _job_values(id: str, draft: Draft, now: float) -> dict[str, Any]:
    return {
        "id": id,
        "engine": draft.engine,
        "account": draft.account,
        "key_source": draft.key_source,
        "model": draft.request.model,
        "provider": draft.provider,
        "request": json.dumps(draft.request.as_json()),
        "quote": json.dumps(draft.quote.as_json()),
        "digest": draft.digest,
        "ordinal": draft.ordinal,
        "key": draft.key,
        "fallbacks": json.dumps([fallback_json(other) for other in draft.fallbacks]),
        "warnings": json.dumps(draft.warnings),
        "now": now,
    }
