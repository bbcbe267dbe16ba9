"""Every error a door can answer with.

    RushesError
    ├── BadInput                    what was asked cannot be done as asked; nothing was sent
    │   ├── UnsupportedOption       the model cannot do this; names the field, what is allowed, who could
    │   ├── UnknownModel
    │   ├── ModelRetired
    │   ├── BadReference            a picture or clip that was handed in
    │   ├── BadDestination          where a file is to go
    │   ├── KeyConflict             the same --key with another request
    │   ├── NotFound                no such job or clip
    │   └── WrongState              the job is not in a state where this makes sense
    ├── MoneyError                  nothing was sent, because of money
    │   ├── OverBudget
    │   ├── PriceUnknown
    │   └── ApprovalNeeded
    ├── SetupError                  something is missing on this machine
    │   ├── EngineMissing           an extra that is not installed
    │   ├── ModelMissing            a job's model is in no list any more
    │   ├── UnknownEngine
    │   ├── BadSettings
    │   ├── KeyMissing              no key is set, or not the one that a job is for
    │   └── WorkerDied
    ├── EngineError                 a provider answered, or did not
    │   ├── NotDelivered            a create that provably never arrived
    │   ├── Busy                    "not now, nothing was accepted"
    │   ├── Unreachable             a poll or download that did not get through; tried again
    │   ├── EngineFault             a mistake in the engine's own code
    │   ├── Refused                 a clear no
    │   │   └── ContentRefused
    │   ├── Blocked                 a person must act first; the job waits for it
    │   │   ├── SignInNeeded
    │   │   ├── AccountBlocked
    │   │   │   └── RegionBlocked   not from where it was asked
    │   │   ├── Challenged          the site wants to see a person
    │   │   ├── QuotaExhausted
    │   │   └── PriceChanged        it costs more now than somebody agreed to
    │   ├── OutcomeUnknown          sent, and no way to tell whether it was accepted
    │   ├── RenderFailed
    │   ├── ResultGone              the provider no longer has it
    │   └── ResultBroken            every file it offered was broken
    ├── JobError                    the state of a job, as the answer of a wait
    │   ├── StillRunning
    │   ├── Canceled
    │   └── Abandoned               a person stopped following it
    ├── MediaError                  a file that is not a healthy clip
    │   ├── NotAVideo
    │   └── BeyondRepair
    └── StorageError                the ledger, the library or the disk
        ├── DiskFull
        ├── ReadOnly
        ├── LedgerBusy              another process keeps it locked
        ├── LedgerCorrupt
        ├── LedgerInDoubt       it was copied, restored or damaged: nothing paid is sent
        ├── RowUnreadable       one job's row; concerns that job alone
        ├── LedgerNewer
        ├── LedgerGone              removed or replaced while it was in use
        ├── LibraryDamaged
        ├── NotCopied               the clip is safe, and a copy that was asked for is not there
        ├── WorkerRunning           another worker holds the lock
        └── Superseded              a newer worker took over; this one must stop

The first line of a class's docstring (or of its parent's) is its default message, `next` what to do about
it. `exit_code` is the terminal's answer, `http_status` the gateway's; `billed` says whether money has gone.
"""

from __future__ import annotations

import re
from enum import StrEnum
from typing import Any, ClassVar


class Billed(StrEnum):
    """Whether the provider charged for it."""

    NO = "no"
    YES = "yes"
    UNKNOWN = "unknown"


PLACEHOLDER = re.compile(r"(\brushes [a-z][a-z -]*) ID\b")
"""Where an advice names no job yet: `rushes collect ID`."""


def name_job(advice: str, id: str) -> str:
    """Return an advice whose commands name the job that they are about."""
    return PLACEHOLDER.sub(rf"\1 {id}", advice)


class RushesError(Exception):
    """Something went wrong inside rushes."""

    code: ClassVar[str] = "internal"
    http_status: ClassVar[int] = 500
    exit_code: ClassVar[int] = 1
    retryable: ClassVar[bool] = False
    next: str = "run it again with --debug and report what it shows"
    billed: Billed = Billed.NO

    def __init__(
        self, message: str | None = None, *, next: str | None = None, billed: Billed | None = None
    ) -> None:
        self.message = message or _default_message(type(self))
        if next is not None:
            self.next = next
        if billed is not None:
            self.billed = billed
        super().__init__(self.message)

    def __str__(self) -> str:
        return self.message

    def as_json(self) -> dict[str, Any]:
        """Return the shape every door shows: code, message, billed (`yes|no|unknown`), next."""
        return {"code": self.code, "message": self.message, "billed": self.billed.value, "next": self.next}


def _default_message(cls: type[RushesError]) -> str:
    """Return the first line of a class's docstring, else its parent's; without any, the words of its code.

    Under `python -OO` there are no docstrings, and a class of another maker may have none.
    """
    for one in cls.__mro__:
        lines = (one.__doc__ or "").strip().splitlines() if issubclass(one, RushesError) else []
        if lines:
            return lines[0]
    return cls.code.replace("_", " ")


# --- what was asked -------------------------------------------------------------------------------


class BadInput(RushesError):
    """This cannot be done as asked; nothing was sent."""

    code = "bad_input"
    http_status = 400
    exit_code = 2
    next = "correct it and run the command again"


class UnsupportedOption(BadInput):
    """The model cannot do what was asked; nothing was sent."""

    code = "unsupported_option"


class UnknownModel(BadInput):
    """There is no such model."""

    code = "unknown_model"
    http_status = 404
    next = "rushes models lists those that can be used"


class ModelRetired(BadInput):
    """The model has been retired by its provider."""

    code = "model_retired"
    http_status = 410
    next = "rushes models lists those that are alive"


class BadReference(BadInput):
    """A reference file cannot be used; nothing was sent."""

    code = "bad_reference"
    next = "give a readable picture (PNG, JPEG, WebP) or clip (MP4) of an ordinary size"


class BadDestination(BadInput):
    """A file cannot be put there; nothing was sent."""

    code = "bad_destination"
    next = "name another file or folder"


class KeyConflict(BadInput):
    """This --key was already used for another request."""

    code = "key_conflict"
    http_status = 409
    next = "rushes wait ID comes back to that job; another key buys another clip, where a person wants one"


class NotFound(BadInput):
    """There is no such job or clip."""

    code = "not_found"
    http_status = 404
    next = "rushes jobs and rushes clips list what there is"


class WrongState(BadInput):
    """The job is not in a state where this makes sense."""

    code = "wrong_state"
    http_status = 409
    next = "rushes jobs shows the states of all jobs; rushes why ID explains one"


# --- money ----------------------------------------------------------------------------------------


class MoneyError(RushesError):
    """Nothing was sent, because of money."""

    code = "money"
    http_status = 402
    exit_code = 6
    next = "rushes budget shows the caps and what is left"


class OverBudget(MoneyError):
    """This would go over a cap; nothing was sent."""

    code = "over_budget"
    reason: ClassVar[str] = "budget"


class PriceUnknown(MoneyError):
    """The price of this is not known; nothing was sent."""

    code = "price_unknown"
    next = "give --max-usd AMOUNT: that much is held and nothing above it is sent"


class ApprovalNeeded(MoneyError):
    """This costs money and nobody has agreed to it yet; nothing was sent."""

    code = "approval_needed"
    next = "when a person has agreed to the price: the same again with --max-usd AMOUNT, or with --yes"


# --- this machine ---------------------------------------------------------------------------------


class SetupError(RushesError):
    """Something is missing on this machine."""

    code = "setup"
    http_status = 503
    exit_code = 8
    next = "rushes doctor says what is missing and the one command that repairs it"


class EngineMissing(SetupError):
    """The engine's own packages are not installed."""

    code = "engine_missing"


class ModelMissing(SetupError):
    """The model of a job is not in the settings or the catalogue any more; nothing was sent."""

    code = "model_missing"
    reason: ClassVar[str] = "model"
    next = "put the model back into the settings (rushes config path), then run: rushes collect ID"


class UnknownEngine(SetupError):
    """No engine of this name is configured."""

    code = "unknown_engine"
    http_status = 404
    next = "rushes engines lists those that are; rushes config path says where to add one"


class BadSettings(SetupError):
    """The settings file cannot be used."""

    code = "bad_settings"
    next = "rushes config path says where it is; correct the line that is named"


class KeyMissing(SetupError):
    """The key that this needs is not set here; nothing was sent."""

    code = "key_missing"
    reason: ClassVar[str] = "key"
    next = "rushes config set ENGINE.key stores one"


class KeyringLocked(KeyMissing):
    """The system's keyring, which has the key that this needs, does not give it; nothing was sent."""

    code = "keyring_locked"
    next = (
        "unlock the keyring and run it again (a job continues automatically); if it cannot be unlocked, put"
        " the key into the environment or a .env file"
    )


class WorkerDied(SetupError):
    """The worker does not start."""

    code = "worker_died"
    next = "rushes worker shows why; the jobs are safe"


# --- providers ------------------------------------------------------------------------------------


class EngineError(RushesError):
    """The provider did not do what was asked."""

    code = "engine"
    http_status = 502
    exit_code = 5
    next = "rushes job ID shows what happened"


class NotDelivered(EngineError):
    """The provider could not be reached; nothing was accepted."""

    code = "not_delivered"
    http_status = 503
    retryable = True
    next = "no action needed; it is retried automatically"


class Busy(EngineError):
    """The provider asked to come back later; nothing was accepted."""

    code = "busy"
    http_status = 429
    retryable = True
    next = "no action needed; it is retried automatically"

    def __init__(self, message: str | None = None, *, ask_after: float | None = None, **rest: Any) -> None:
        super().__init__(message, **rest)
        self.ask_after = ask_after


class Unreachable(EngineError):
    """The provider did not answer a poll or a download."""

    code = "unreachable"
    reason: ClassVar[str] = "unreachable"
    http_status = 503
    retryable = True
    billed = Billed.UNKNOWN
    next = "no action needed; it is retried automatically"


class EngineFault(EngineError):
    """The engine failed through a mistake in its own code."""

    code = "engine_fault"
    http_status = 500
    billed = Billed.UNKNOWN
    reason: ClassVar[str] = "internal error"
    next = "rushes why ID shows what happened; report it, then rushes collect ID tries it again"


class Refused(EngineError):
    """The provider refused the request."""

    code = "refused"
    http_status = 422
    next = "change what its reason names and run the command again"


class ContentRefused(Refused):
    """The provider refused the request for its content."""

    code = "content_refused"
    next = "change the words or pictures that its reason names; the same request will be refused again"


class Blocked(EngineError):
    """The provider wants something from a person first; the job waits."""

    code = "blocked"
    http_status = 403
    exit_code = 7
    reason: ClassVar[str] = "account"
    next = "fix it with the provider, then run: rushes collect ID"


class SignInNeeded(Blocked):
    """The provider wants a sign-in or a valid key; the job waits for it."""

    code = "sign_in_needed"
    http_status = 401
    reason = "sign-in"


class AccountBlocked(Blocked):
    """The provider does not let this account do it; the job waits."""

    code = "account_blocked"
    reason = "account"


class RegionBlocked(AccountBlocked):
    """The provider does not serve the place this came from; the job waits."""

    code = "region_blocked"
    http_status = 451
    reason = "region"
    next = "use a proxy in a country it serves, if its terms let you, or another engine"


class Challenged(Blocked):
    """The site wants to see a person before it continues; the job waits."""

    code = "challenged"
    reason = "challenge"
    next = "open the site in a visible browser and pass its check yourself; then run: rushes collect ID"


class QuotaExhausted(Blocked):
    """The account's balance or quota is used up; the job waits for more."""

    code = "quota_exhausted"
    http_status = 402
    reason = "quota"


class PriceChanged(Blocked):
    """The price is higher now than what was agreed to; nothing was sent."""

    code = "price_changed"
    http_status = 402
    exit_code = 6
    reason = "price"
    next = "rushes approve ID agrees to the new price; rushes cancel ID ends the job, free"


class OutcomeUnknown(EngineError):
    """The request was sent, but it is unknown whether the provider accepted it."""

    code = "outcome_unknown"
    http_status = 504
    exit_code = 4
    billed = Billed.UNKNOWN
    next = "rushes reconcile ID settles it; it is never sent again automatically"

    def __init__(self, message: str | None = None, *, raw: str | None = None, **rest: Any) -> None:
        super().__init__(message, **rest)
        self.raw = raw


class RenderFailed(EngineError):
    """The provider accepted the request and then failed to make the clip."""

    code = "render_failed"
    billed = Billed.UNKNOWN
    next = "rushes collect ID asks for its clip once more, free; rushes create … --again pays for another"


class ResultGone(EngineError):
    """The provider no longer has the result."""

    code = "result_gone"
    http_status = 410
    billed = Billed.UNKNOWN
    next = "rushes collect ID asks once more, free; rushes create … --again pays for another"


class ResultBroken(EngineError):
    """Every file the provider offered was broken."""

    code = "result_broken"
    billed = Billed.YES
    next = "rushes collect ID downloads it again, free; the broken file is kept beside the library"


# --- a job that was waited for --------------------------------------------------------------------


class JobError(RushesError):
    """The job has no clip."""

    code = "job"
    http_status = 409


class StillRunning(JobError):
    """The job is still running; nothing is lost and nothing more is charged for waiting."""

    code = "still_running"
    http_status = 202
    exit_code = 3
    retryable = True
    billed = Billed.UNKNOWN
    next = "rushes wait ID continues watching"


class Canceled(JobError):
    """The job was canceled."""

    code = "canceled"
    exit_code = 9
    next = "rushes create … --again makes a new one"


class Abandoned(JobError):
    """A person stopped following the job."""

    code = "abandoned"
    exit_code = 9
    billed = Billed.UNKNOWN
    next = "rushes collect ID asks for its clip again, free; rushes create … --again pays for another"


# --- files ----------------------------------------------------------------------------------------


class MediaError(RushesError):
    """The file is not a healthy clip."""

    code = "media"
    http_status = 422
    exit_code = 10
    next = "rushes lint FILE says what is wrong with it"


class NotAVideo(MediaError):
    """The file is not a video."""

    code = "not_a_video"
    next = "give an MP4, MOV or WebM file"


class BeyondRepair(MediaError):
    """The file is damaged beyond repair."""

    code = "beyond_repair"
    next = "download or make it again"


# --- storage --------------------------------------------------------------------------------------


class StorageError(RushesError):
    """The ledger or the library cannot be used."""

    code = "storage"
    http_status = 507
    exit_code = 11
    next = "rushes doctor checks the ledger and the library"


class DiskFull(StorageError):
    """The disk is full; nothing already made was lost."""

    code = "disk_full"
    next = "free some space; jobs go on where they were"


class ReadOnly(StorageError):
    """The folder cannot be written; nothing already made was lost."""

    code = "read_only"
    next = "make it writable, or choose another with RUSHES_HOME"


class LedgerBusy(StorageError):
    """Another process keeps the ledger locked; nothing was stored and nothing was sent."""

    code = "ledger_busy"
    http_status = 503
    retryable = True
    next = "run it again; rushes worker --status says whether the worker responds"


class LedgerCorrupt(StorageError):
    """The ledger file is damaged; the clips themselves are untouched."""

    code = "ledger_corrupt"
    next = (
        "restore ledger.db from a backup, or move it away: then rushes library rebuild brings the clips and"
        " what they cost back from their sidecars"
    )


class LedgerInDoubt(StorageError):
    """The ledger was copied, restored or damaged; nothing paid is sent until a person decides."""

    code = "ledger_in_doubt"
    http_status = 409
    reason: ClassVar[str] = "ledger"
    next = "rushes ledger shows what is known, and how to decide"


class RowUnreadable(StorageError):
    """What the ledger says of this job cannot be read; every other job continues."""

    code = "row_unreadable"
    http_status = 409
    billed = Billed.UNKNOWN
    reason: ClassVar[str] = "unreadable"
    next = "rushes cancel --abandon ID ends it; a newer rushes may be able to read it"


class LedgerNewer(StorageError):
    """The ledger was written by a newer rushes."""

    code = "ledger_newer"
    next = "use the newer rushes, or another RUSHES_HOME"


class LedgerGone(StorageError):
    """The ledger file was removed or replaced while it was in use."""

    code = "ledger_gone"
    next = "rushes jobs continues with the ledger that is there now"


class LibraryDamaged(StorageError):
    """Files, hashes and rows of the library disagree."""

    code = "library_damaged"
    next = "rushes library rebuild restores rows from sidecars; restore the files that are named"


class NotCopied(StorageError):
    """The clip is in the library, but the copy that was asked for could not be made."""

    code = "not_copied"
    exit_code = 12
    next = "rushes wait ID copies it once nothing is in the way"


class WorkerRunning(StorageError):
    """Another worker is already carrying the jobs of this ledger."""

    code = "worker_running"
    http_status = 409
    next = "nothing to do: one is enough; rushes jobs shows what it does"


class Superseded(StorageError):
    """A newer worker has taken over the ledger."""

    code = "superseded"
    next = "nothing to do: the newer one carries the jobs"


def error_classes() -> list[type[RushesError]]:
    """Return every class of the tree, root first, for the table in the docs."""

    def walk(cls: type[RushesError]) -> list[type[RushesError]]:
        return [cls] + [found for child in cls.__subclasses__() for found in walk(child)]

    return walk(RushesError)


def error_of(code: str, message: str, next: str, billed: Billed) -> RushesError:
    """Return the error that was kept under a `code`, as it was raised."""
    found = {cls.code: cls for cls in error_classes()}
    return found.get(code, RushesError)(message, next=next, billed=billed)
