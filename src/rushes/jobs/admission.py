"""What a door hands to the ledger, and what makes two requests the same."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

from rushes.domain.destination import Destination
from rushes.domain.errors import BadInput
from rushes.domain.job import Job
from rushes.domain.money import Quote
from rushes.domain.request import VideoRequest
from rushes.jobs.budget import to_micros

LATER_FIELDS = ("style", "remix", "extend", "storyboard_id", "shots", "caption")
"""What requests had not at first. Where it is not set it takes no part in a digest: a request made before
it was there, and its key, are the same request today."""


KEY_LIMIT = 400
"""Characters of a caller's own key."""


def check_key(key: str | None) -> None:
    """Raise BadInput if a caller's key is none: an empty one is a variable that was not set."""
    if key is not None and not (key.strip() and len(key) <= KEY_LIMIT and key.isprintable()):
        what = (
            "is empty" if not key.strip() else f"has {len(key):,} characters, or some that cannot be printed"
        )
        raise BadInput(
            f"the key {what}", next=f"give a name of your own of up to {KEY_LIMIT} characters, or none"
        )


@dataclass(frozen=True, kw_only=True)
class Identity:
    """What tells whether a job is there already for what is asked: see `digest`.

    `key` is the caller's own, or with `derived_key` one that a door made from the words; `again` asks for
    another clip even if the same one exists, or, under a key, if nothing came of the job that it stands for.
    """

    digest: str
    ordinal: int = 0
    key: str | None = None
    derived_key: bool = False
    again: bool = False


@dataclass(frozen=True, kw_only=True)
class Draft(Identity):
    """A job before it is admitted. `hold` is what is set aside for it, in dollars.

    `account` says who pays, `key_source` where that key comes from. `fallbacks` are what the same job would
    be instead, in order, if the engine before accepts nothing. `out` is where a copy of its clip goes.
    `warnings` are what its job says from the beginning.
    """

    request: VideoRequest
    engine: str
    account: str
    provider: str
    quote: Quote
    hold: Decimal
    key_source: str | None = None
    out: Destination | None = None
    fallbacks: tuple[Draft, ...] = ()
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Admission:
    """The job that stands for a draft; `fresh` False: it was there already and nothing was spent."""

    job: Job
    fresh: bool


def fallback_json(draft: Draft) -> dict[str, Any]:
    """Return what the ledger keeps of a fallback: what it takes to make a job it, `hold` in millionths."""
    return {
        "engine": draft.engine,
        "account": draft.account,
        "key_source": draft.key_source,
        "model": draft.request.model,
        "provider": draft.provider,
        "request": json.dumps(draft.request.as_json()),
        "quote": json.dumps(draft.quote.as_json()),
        "hold": to_micros(draft.hold),
        "currency": draft.quote.currency,
    }


def digest(request: VideoRequest, ordinal: int) -> str:
    """Return what makes two requests the same, as a sha256 in hex.

    Of a complete request: model, options, the references' hashes, and the ordinal of `--count` or a batch
    line. Not a reference's path: the same picture under two names is the same picture. Not the fallbacks:
    whoever adds some while the job is live does not want to pay for a second one.
    """
    canonical = request.as_json()
    canonical["references"] = sorted([one.role.value, one.identity] for one in request.references)
    del canonical["fallback"]
    for name in LATER_FIELDS:
        if canonical[name] in (None, []):
            del canonical[name]
    canonical["ordinal"] = ordinal
    return hashlib.sha256(json.dumps(canonical, sort_keys=True).encode()).hexdigest()


def numbered(out: Destination | None, number: int) -> Destination | None:
    """Return where the copy of take `number` goes: the first under the name itself, then `-2`, `-3` …

    In a folder every clip has a name of its own.
    """
    if out is None or number == 0 or out.is_folder:
        return out
    return replace(out, path=out.path.with_stem(f"{out.path.stem}-{number + 1}"))
