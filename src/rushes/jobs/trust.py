"""Whether paid work may be sent from this ledger: it is the only one of its kind, current, and whole.

A ledger that was copied or restored has jobs that another one may send, or has sent. Nothing paid is sent
from it until a person has said which of them continues. The rules are in docs/decisions/0026.
"""

from __future__ import annotations

import json
import logging
import os
import re
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from rushes.database.database import Database, Row, is_index_short, translated
from rushes.database.sql import load
from rushes.domain.errors import LedgerCorrupt, LedgerInDoubt, StorageError
from rushes.jobs.marks import Mark, Marks, Place, place_of

SIDECAR = re.compile(r"(?:.*-)?(?P<clip>c(?P<job>[0-9a-z]{9})(?:-\d+)?)\.json")
"""A sidecar's name ends with its clip's id, which is made of its job's."""

OF_A_ROW = re.compile(r"(CHECK constraint failed|\S+ value) in (jobs|events|clips|quotes)\b")
"""What concerns one row alone, and is told where that row is read: not in tables that say what is held."""

SHARE = 0.01
"""The part of a core that looking for damage may take."""

log = logging.getLogger("rushes.worker")


class Finding(StrEnum):
    """What may be wrong with a ledger."""

    COPIED = "copied"
    RESTORED = "restored"
    UNKNOWN_CLIPS = "unknown clips"
    DAMAGED = "damaged"


DECIDE = (
    "rushes ledger shows what is known; rushes ledger --continue if this is the one that continues,"
    " rushes ledger --copy if it is a copy: its unsent paid jobs are then canceled, free"
)
SALVAGE = (
    "restore ledger.db from a backup, or move it away and run rushes library rebuild, which brings the clips"
    " and what they cost back; rushes ledger shows what is wrong"
)
TAKE_IN = "rushes library rebuild takes them in, with what they cost; rushes ledger --continue ignores them"

NEXT = {
    Finding.COPIED: DECIDE,
    Finding.RESTORED: DECIDE,
    Finding.UNKNOWN_CLIPS: TAKE_IN,
    Finding.DAMAGED: SALVAGE,
}


@dataclass(frozen=True, kw_only=True)
class Doubt:
    """Why nothing paid may be sent from a ledger: the kind, and the same in words."""

    finding: Finding
    detail: str

    @property
    def error(self) -> LedgerInDoubt:
        words = f"{self.detail}; nothing paid is sent until a person decides"
        return LedgerInDoubt(words, next=NEXT[self.finding])


class Trust:
    """Looks at the ledger's file, at its marks, and at the library's files beside it."""

    def __init__(self, database: Database, folder: Path | None) -> None:
        self._database = database
        self._marks = Marks(database.path, folder)
        self._sql = load("rushes.jobs", "trust.sql")
        self._due_at = 0.0

    # --- asking ---

    def id(self) -> str:
        """Return the ledger's own id."""
        return str(self._identity()["id"])

    def doubt(self) -> Doubt | None:
        """Return why nothing paid may be sent, None: it may. Reads two small files, and writes nothing."""
        row = self._identity()
        written = None
        if row["finding"] is not None:
            written = Doubt(finding=Finding(row["finding"]), detail=row["detail"])
        if written is not None and written.finding is Finding.DAMAGED:
            return written
        return self._of_files(row) or written

    def unsent(self) -> list[str]:
        """Return the ids of the jobs that would still be sent and paid for, oldest first."""
        return [row["id"] for row in self._database.all(self._sql["unsent"])]

    # --- inside a transaction that is about to store or send something paid ---

    def check(self) -> Doubt | None:
        """Return why nothing paid may be sent; else write down where the ledger lies now.

        A copy in which nothing waits to be paid has nothing to buy twice: it goes its own way, unasked.
        """
        found = self.doubt()
        if found is not None and found.finding is Finding.COPIED and not self.unsent():
            self._database.run(self._sql["branch"])
            found = None
        if found is None:
            self._settle_here()
        return found

    def count_create(self) -> None:
        """Count one more paid create, which is not sent before `write_marks`."""
        self._database.run(self._sql["count_create"])

    # --- outside of one ---

    def write_marks(self) -> None:
        """Have the marks say what the ledger says. Raises StorageError."""
        row = self._identity()
        with translated(self._database.path):
            self._marks.write(Mark(id=row["id"], sent=row["sent"], place=place_of(self._database.path)))

    def write_place(self) -> None:
        """Have the marks say where the ledger lies, if they say something else; no matter if that fails."""
        row = self._identity()
        known, outside = _place(row), self._marks.outside(row["id"])
        beside = self._marks.beside(row["id"])
        if beside is None or beside.place != known or (outside is not None and outside.place != known):
            with suppress(StorageError):
                self.write_marks()

    def inspect_if_due(self) -> None:
        """Look for damage and for files of jobs that say that this ledger is an old one.

        Done as often as takes a hundredth of a core: a file may be damaged while a worker is alive.
        """
        if self.is_due():
            self.inspect_timed(*self.find_damage_timed())

    def is_due(self) -> bool:
        return time.monotonic() >= self._due_at

    def find_damage_timed(self) -> tuple[list[str], float]:
        """Return what the database finds wrong, and the seconds of a core that this took."""
        # Not the time that passed: on a busy machine it would be looked for less often for no reason.
        start = time.thread_time()
        return self._database.find_damage(), time.thread_time() - start

    def inspect_timed(self, damage: list[str], seconds: float) -> None:
        """Do what `inspect` does with what `find_damage_timed` returned."""
        start = time.thread_time()
        self.inspect(damage)
        seconds += time.thread_time() - start
        self._due_at = time.monotonic() + seconds / SHARE

    def inspect(self, damage: list[str] | None = None) -> None:
        """Write down what is wrong; indexes that lack rows are rebuilt from their tables.

        `damage` is what the database finds wrong with its file; None: it is asked now.
        """
        found = self._judge(self._database.find_damage() if damage is None else damage)
        found = found or self._find_files()
        row = self._identity()
        values = {
            "finding": None if found is None else found.finding.value,
            "detail": None if found is None else found.detail,
        }
        if (row["finding"], row["detail"]) == (values["finding"], values["detail"]):
            return
        if found is not None:
            log.error("nothing paid is sent: %s", found.detail)
        self._database.run(self._sql["finding"], values)

    def vouch(self) -> None:
        """Take a person's word that this ledger is the one that continues."""
        row = self._identity()
        marks = [self._marks.beside(row["id"]), self._marks.outside(row["id"])]
        with self._database.transaction():
            sent = max((mark.sent for mark in marks if mark is not None), default=0)
            values = {"sent": sent, "acknowledged": len(self._clips_without_job())}
            self._database.run(self._sql["vouch"], values)
            self._lies_at(place_of(self._database.path))
        self.write_marks()

    def put_to_a_person(self) -> None:
        """Keep back what was perhaps bought before, whatever is said of the ledger as a whole."""
        for id in self._unsent_with_files():
            detail = (
                "the library has files of this job: it was sent before. rushes library rebuild completes it"
                " with the clip that is here, free"
            )
            self._put_to_a_person(id, detail)
        self.put_duplicates_to_a_person()

    def put_duplicates_to_a_person(self) -> None:
        """Keep back what was stored while the ledger did not know that the same had been made."""
        for row in self._database.all(self._sql["made_before"]):
            self._put_to_a_person(row["id"], f"job {row['older']} made this very clip before")

    def branch(self) -> None:
        """Make this ledger another one than that which it is a copy of."""
        with self._database.transaction():
            self._database.run(self._sql["branch"])
        self.vouch()

    # --- parts ---

    def _identity(self) -> Row:
        row = self._database.one(self._sql["identity"])
        if row is None:
            raise LedgerCorrupt(f"{self._database.path} is damaged: it does not know itself")
        return row

    def _of_files(self, row: Row) -> Doubt | None:
        here = place_of(self._database.path)
        beside, outside = self._marks.beside(row["id"]), self._marks.outside(row["id"])
        other = _original(_place(row), here, None if outside is None else outside.place)
        if other is not None:
            return Doubt(finding=Finding.COPIED, detail=_copied(other, here))
        lacking = max((mark.sent - row["sent"] for mark in (beside, outside) if mark is not None), default=0)
        return Doubt(finding=Finding.RESTORED, detail=_restored(lacking)) if lacking > 0 else None

    def _settle_here(self) -> None:
        row = self._identity()
        here = place_of(self._database.path)
        if _place(row) != here:
            # The marks follow once this is committed: one that knows more tells a ledger from elsewhere.
            self._lies_at(here)

    def _lies_at(self, here: Place) -> None:
        values = {"path": here.path, "device": here.device, "inode": here.inode}
        self._database.run(self._sql["lies_at"], values)

    def _judge(self, damage: list[str]) -> Doubt | None:
        damage = [one for one in damage if not OF_A_ROW.match(one)]
        if damage and is_index_short(damage):
            log.warning("indexes of the ledger lacked rows and are rebuilt: %s", "; ".join(damage[:5]))
            if self._database.rebuild_indexes(self._make_keys_unique):
                return None
        if not damage:
            return None
        lines = "; ".join(" ".join(line.split()) for line in damage[:3])
        return Doubt(finding=Finding.DAMAGED, detail=f"the ledger {self._database.path} is damaged ({lines})")

    def _find_files(self) -> Doubt | None:
        """Tell an old ledger by the library: it has files of jobs that are not sent yet, or not known."""
        if bought := self._unsent_with_files():
            return Doubt(
                finding=Finding.RESTORED,
                detail=f"the library has files of {_jobs(bought)}, not sent yet by this ledger: it is an"
                " old one, restored from a backup",
            )
        unknown = self._clips_without_job()
        if len(unknown) > self._identity()["acknowledged"]:
            return Doubt(
                finding=Finding.UNKNOWN_CLIPS,
                detail=f"the library holds {len(unknown)} clips that this ledger knows nothing of, nor of"
                " what they cost: it is new, or was restored from a backup",
            )
        return None

    def _unsent_with_files(self) -> list[str]:
        """Return the ids of unsent jobs that have files, but for those that a person knows of."""
        known = {row["job_id"] for row in self._database.all(self._sql["were_put_to_a_person"])}
        named = {job for _, job in self._clips()} | set(self._rejected())
        return sorted((set(self.unsent()) - known) & named)

    def _clips_without_job(self) -> list[str]:
        values = {"clips": json.dumps(list(self._clips()))}
        return [row["clip"] for row in self._database.all(self._sql["clips_without_job"], values)]

    def _clips(self) -> Iterator[tuple[str, str]]:
        """Yield the id of each clip that has a sidecar, and that of its job: both are in the file's name."""
        for _, _, files in os.walk(self._database.path.parent / "clips"):
            for file in files:
                match = SIDECAR.fullmatch(file)
                if match:
                    yield match["clip"], "j" + match["job"]

    def _rejected(self) -> Iterator[str]:
        """Yield the ids of the jobs of which a broken file was kept."""
        with suppress(FileNotFoundError):
            for file in os.listdir(self._database.path.parent / "rejected"):
                yield file.partition("-")[0]

    def _make_keys_unique(self) -> None:
        """Put what a short index may have let in to a person, and leave each key to the oldest job."""
        for row in self._database.all(self._sql["bought_twice_perhaps"]):
            detail = (
                f"an index of the ledger was damaged when this job was stored: job {row['older']} is for the"
                " same clip, and is perhaps what was meant"
            )
            self._put_to_a_person(row["id"], detail)
        self._database.run(self._sql["one_job_a_key"])

    def _put_to_a_person(self, id: str, detail: str) -> None:
        self._database.run(self._sql["put_to_a_person"], {"id": id, "error": _error(detail, id)})
        self._database.run(self._sql["note_put_to_a_person"], {"id": id, "now": time.time()})


def _error(detail: str, id: str) -> str:
    """Return what the ledger keeps of an error, as `rows.failure_from` reads it."""
    next = f"rushes cancel {id} ends it, free; rushes collect {id} sends it all the same"
    return json.dumps({**LedgerInDoubt(detail, next=next).as_json(), "exit_code": LedgerInDoubt.exit_code})


def _place(row: Row) -> Place | None:
    if row["path"] is None:
        return None
    return Place(path=row["path"], device=row["device"], inode=row["inode"])


def _original(known: Place | None, here: Place, outside: Place | None) -> Place | None:
    """Return the file that this ledger may be a copy of, None if it is the one.

    `known` is where the ledger says that it lay, `outside` where the user's folder says so, which is not
    copied along with a home: it knows which of two is the one.
    """
    if known is None or (outside is None and known.is_same_file(here)):
        return None
    if outside is not None and known.is_same_file(here) and not outside.is_taken:
        # Moved, and the mark could not follow yet; what was sent over there would have been counted.
        return None
    if outside is None or not known.is_same_file(outside):
        return known
    gone = outside.path == here.path or not outside.is_taken
    return None if gone or outside.is_same_file(here) else outside


def _copied(other: Place, here: Place) -> str:
    if other.path != here.path and other.is_taken:
        return f"this ledger is a copy of {other.path}, which is still there"
    return (
        f"this ledger was copied or restored, or moved from another disk or machine (it lay at {other.path})"
    )


def _restored(lacking: int) -> str:
    creates = "a paid create" if lacking == 1 else f"{lacking} paid creates"
    return (
        f"this ledger is older than what was sent from it: it lacks {creates}; it was restored from a backup,"
        " or a file of it (ledger.db-wal) was deleted, or a copy of it was used"
    )


def _jobs(ids: list[str]) -> str:
    shown = ", ".join(ids[:3])
    return f"job {shown}" if len(ids) == 1 else f"{len(ids)} jobs ({shown}{' …' if len(ids) > 3 else ''})"
