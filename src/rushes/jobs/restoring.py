"""What the ledger knew of a clip's job is kept in the clip's sidecar, and restored from there, money first.

A ledger can be lost while its clips are not. What was spent must still count against the caps, and the same
words must still be answered with what they paid for. The ticket is not kept: it is a handle that engines act
on, and a sidecar is a stranger's word. So a job that was restored is never polled or downloaded again.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, fields
from datetime import datetime
from decimal import Decimal
from math import gcd
from pathlib import Path
from typing import Any

from rushes.database.sql import load
from rushes.domain.clip import Clip
from rushes.domain.errors import BadInput, MediaError, StorageError
from rushes.domain.job import Job, JobState
from rushes.domain.money import Basis, Quote
from rushes.domain.request import Reference, Role, VideoRequest
from rushes.jobs import budget
from rushes.jobs.admission import KEY_LIMIT
from rushes.jobs.inspection import draw_missing
from rushes.jobs.ledger import Ledger
from rushes.jobs.rows import job_from, moment
from rushes.library import audit, sidecar
from rushes.library.audit import Flaw
from rushes.library.library import Library

ACCOUNT = "restored"
"""Who paid is not kept: nothing is asked or sent for such a job any more."""

_DIGEST = re.compile(r"[0-9a-f]{64}")
_REFERENCE = re.compile(r"references/[0-9a-f]{64}(\.[a-z0-9]{1,10})?")


@dataclass(frozen=True, kw_only=True)
class Rebuilt:
    """What `rebuild` did: rows and files brought back, jobs restored, and dollars booked for them."""

    restored: int
    jobs: int
    booked: Decimal
    flaws: list[Flaw]


@dataclass(frozen=True, kw_only=True)
class JobRecord:
    """What a sidecar says of its clip's job. `spent` is in dollars; `known`: its provider named it."""

    request: VideoRequest
    quote: Quote
    digest: str
    ordinal: int
    key: str | None
    spent: Decimal
    known: bool
    completed_at: datetime


def record_json(job: Job, at: float) -> dict[str, Any]:
    """Return what a clip's sidecar keeps of its job; `at` (seconds since 1970) is when it was filed."""
    known = job.charged is not None or job.quote.known
    spent = job.charged if job.charged is not None else job.quote.amount
    request = job.request.as_json()
    for one in request["references"]:
        if one["path"] is not None:
            one["path"] = f"references/{Path(one['path']).name}"
    return {
        "request": request,
        "quote": {
            "amount": None if job.quote.amount is None else f"{job.quote.amount:f}",
            "basis": job.quote.basis.value,
        },
        "digest": job.digest,
        "ordinal": job.ordinal,
        "key": job.key,
        "spent": f"{(job.cost.amount if spent is None else spent) or Decimal(0):f}",
        "known": known,
        "completed_at": moment(at).isoformat(),
    }


def read_record(clip: Clip, text: str, root: Path) -> JobRecord:
    """Return what a sidecar says of its clip's job. Raises ValueError if that cannot be."""
    data = sidecar.read_job(text)
    try:
        return _older(clip) if data is None else _record(data, root)
    except (KeyError, TypeError, AttributeError, ArithmeticError) as error:
        raise ValueError(f"what it says of its job is damaged: {error}") from error
    except BadInput as error:
        raise ValueError(f"what it says of its job cannot be: {error.message}") from error


def _record(data: Mapping[str, Any], root: Path) -> JobRecord:
    key, ordinal, digest = data["key"], data["ordinal"], data["digest"]
    if not (isinstance(digest, str) and _DIGEST.fullmatch(digest)):
        raise ValueError("its job has no digest")
    if isinstance(ordinal, bool) or not isinstance(ordinal, int) or not 0 <= ordinal < 2**31:
        raise ValueError("the ordinal of its job is no number")
    if key is not None and not (isinstance(key, str) and len(key) <= KEY_LIMIT and key.isprintable()):
        raise ValueError("the key of its job cannot be one")
    completed_at = sidecar.moment(data["completed_at"], "completed_at")
    sidecar.check_past(completed_at, "completed_at")
    amount = data["quote"]["amount"]
    return JobRecord(
        request=_request(data["request"], root),
        quote=Quote(
            amount=None if amount is None else sidecar.price(amount),
            basis=Basis(data["quote"]["basis"]),
            source="its sidecar",
        ),
        digest=digest,
        ordinal=ordinal,
        key=key,
        spent=sidecar.price(data["spent"]),
        known=data["known"] is True,
        completed_at=completed_at,
    )


def _request(data: Mapping[str, Any], root: Path) -> VideoRequest:
    known = {field.name for field in fields(VideoRequest)}
    plain = {name: value for name, value in data.items() if name in known}
    for name in ("prompt", "model"):
        if not isinstance(plain[name], str):
            raise ValueError(f"the {name} of its job is no text")
    references = [_reference(one, root) for one in plain["references"]]
    return VideoRequest.from_json({**plain, "references": [one.as_json() for one in references]})


def _reference(data: Mapping[str, Any], root: Path) -> Reference:
    path = data["path"]
    if path is not None and not (isinstance(path, str) and _REFERENCE.fullmatch(path)):
        raise ValueError("a reference of its job lies outside of the library")
    return Reference(
        role=Role(data["role"]),
        path=None if path is None else root / path,
        sha256=None if path is None else Path(path).stem,
        remote=data.get("remote"),
    )


def _older(clip: Clip) -> JobRecord:
    """Return what can be told of the job of a clip that was filed before sidecars spoke of jobs."""
    divisor = gcd(clip.width, clip.height) or 1
    wide, high = clip.width // divisor, clip.height // divisor
    short = min(clip.width, clip.height)
    request = VideoRequest(
        prompt=clip.prompt,
        model=clip.model,
        seconds=min(max(clip.seconds, 0.001), 3600.0),
        aspect=f"{wide}:{high}" if 0 < wide < 10_000 and 0 < high < 10_000 else None,
        resolution=f"{short}p" if 100 <= short < 10_000 else None,
        seed=clip.seed,
        audio=clip.audio_codec is not None,
    )
    free = clip.cost is not None and not clip.cost
    return JobRecord(
        request=request,
        quote=Quote(amount=clip.cost, basis=Basis.FREE if free else Basis.PER_USE, source="its sidecar"),
        # What was asked for is not known: the same words are not recognized, only the money counts.
        digest=f"of clip {clip.id}",
        ordinal=0,
        key=None,
        spent=clip.cost or Decimal(0),
        known=clip.cost is not None,
        completed_at=clip.created_at,
    )


class Restorer:
    """Brings the jobs of sidecars back into a ledger, each once, and counts them."""

    def __init__(self, ledger: Ledger, library: Library) -> None:
        self._ledger = ledger
        self._library = library
        self._sql = load("rushes.jobs", "ledger.sql")
        self.jobs = 0
        self.booked = Decimal(0)

    def restore(self, clip: Clip, text: str) -> None:
        """Restore the job of a sidecar unless the ledger has it, and book what it cost. Raises ValueError.

        An old ledger may have it as one that is still to be sent: it was, and is completed.
        """
        record = read_record(clip, text, self._library.root)
        engine, slash, name = (record.request.model or "").partition("/")
        if not (slash and engine and name):
            raise ValueError(f"its model {record.request.model!r} is no ENGINE/MODEL")
        database = self._ledger.database
        with database.transaction():
            row = database.one(self._sql["job"], {"id": clip.job_id})
            if row is not None and not job_from(row).is_unsent:
                return
            values = self._values(clip, record, engine)
            database.run(self._sql["restore_job"], values)
            database.run(self._sql["restore_hold"], values)
            database.run(self._sql["restore_submission"], values)
            if record.spent and record.quote.basis is Basis.PER_USE:
                database.run(self._sql["add_spend"], {**values, "now": values["completed_at"]})
                self.booked += record.spent
            self._ledger.note(clip.job_id, "restored", clip=clip.id, spent=str(record.spent))
            self.jobs += 1

    def _values(self, clip: Clip, record: JobRecord, engine: str) -> dict[str, Any]:
        taken = record.key is not None and self._ledger.database.one(
            self._sql["same_key"], {"key": record.key, "ordinal": record.ordinal}
        )
        amount = budget.to_micros(record.spent)
        return {
            "id": clip.job_id,
            "state": JobState.COMPLETED.value,
            "engine": engine,
            "account": ACCOUNT,
            "model": record.request.model,
            "provider": clip.provider,
            "request": json.dumps(record.request.as_json()),
            "quote": json.dumps(record.quote.as_json()),
            "digest": record.digest,
            "ordinal": record.ordinal,
            "key": None if taken else record.key,
            "charged": amount if record.known else None,
            "created_at": clip.created_at.timestamp(),
            "completed_at": record.completed_at.timestamp(),
            "submission": f"rushes-{clip.job_id}-1",
            "amount": amount,
            "known": int(record.known),
            "currency": clip.currency,
        }


def rebuild(ledger: Ledger, library: Library) -> Rebuilt:
    """Restore jobs, rows and missing files from what lies in the library, and book what it cost.

    Done twice, it books once. References that nothing names any more are removed, unless a flaw may hide
    who names them.
    """
    restorer = Restorer(ledger, library)
    restored, flaws = audit.rebuild(library, restorer.restore)
    for clip in library.all():
        if library.find_missing_parts(clip) and library.find_any_damage(clip) is None:
            try:
                restored += draw_missing(clip)
            except (MediaError, StorageError) as error:
                flaws.append(Flaw(kind="no_sheet", path=clip.path, text=error.message))
    if not flaws:
        library.remove_unused_references(ledger.clock())
    ledger.trust.inspect()
    with ledger.database.transaction():
        ledger.trust.put_duplicates_to_a_person()
    return Rebuilt(restored=restored, jobs=restorer.jobs, booked=restorer.booked, flaws=flaws)
