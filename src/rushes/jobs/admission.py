"""What a door hands to the ledger, and what makes two requests the same."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

from rushes.domain.job import Job
from rushes.domain.money import Quote
from rushes.domain.request import VideoRequest

LATER_FIELDS = ("style", "remix", "extend", "shots")
"""What requests had not at first. Where it is not set it takes no part in a digest: a request made before
it was there, and its key, are the same request today."""


@dataclass(frozen=True, kw_only=True)
class Draft:
    """A job before it is admitted. `hold` is what is set aside for it, in dollars.

    `key` is the caller's own; `again` asks for another clip even where the same one exists.
    """

    request: VideoRequest
    engine: str
    account: str
    provider: str
    quote: Quote
    hold: Decimal
    digest: str
    ordinal: int = 0
    key: str | None = None
    again: bool = False
    out: Path | None = None


@dataclass(frozen=True, kw_only=True)
class Admission:
    """The job that stands for a draft; `fresh` False: it was there already and nothing was spent."""

    job: Job
    fresh: bool


def digest(request: VideoRequest, ordinal: int) -> str:
    """Return what makes two requests the same, as a sha256 in hex.

    Of a complete request: model, options, the references' hashes, and the ordinal of `--count` or a batch
    line. Not a reference's path: the same picture under two names is the same picture.
    """
    canonical = request.as_json()
    canonical["references"] = sorted([one.role.value, one.identity] for one in request.references)
    for name in LATER_FIELDS:
        if not canonical[name]:
            del canonical[name]
    canonical["ordinal"] = ordinal
    return hashlib.sha256(json.dumps(canonical, sort_keys=True).encode()).hexdigest()


def numbered(out: Path | None, number: int) -> Path | None:
    """Return where the copy of take `number` goes: the first under the name itself, then `-2`, `-3` …"""
    if out is None or number == 0:
        return out
    return out.with_stem(f"{out.stem}-{number + 1}")
