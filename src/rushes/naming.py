"""Which job or clip somebody means: one way to name them, at every door.

A job or a clip is named by the id of either, or the beginning of one; by any file of the clip; or by "last",
the newest.
"""

from __future__ import annotations

import os
import re
from pathlib import Path

from rushes.domain.clip import Clip
from rushes.domain.errors import NotFound
from rushes.domain.job import Job
from rushes.jobs.ledger import Ledger
from rushes.library.library import Library

LAST = "last"
_ID = re.compile(r"[cj][0-9a-z]*(-[0-9]*)?")

LONGEST_NAME = 80
"""Characters that are told back of a name that means nothing."""

FIRST = 'rushes create "a paper boat at dusk" makes the first'
LISTED = "rushes clips and rushes jobs list what there is; check the path of a file"


def find_job(ledger: Ledger, library: Library, words: str) -> Job:
    """Return the job that is meant, or that made the clip that is meant. Raises NotFound."""
    if words.strip() == LAST:
        newest = ledger.jobs(limit=1)
        if not newest:
            raise NotFound("there are no jobs yet", next=FIRST)
        return newest[0]
    id = _find_id(ledger, library, words)
    return ledger.job(library.get(id).job_id if id.startswith("c") else id)


def find_clips(ledger: Ledger, library: Library, words: str) -> list[Clip]:
    """Return the clip that is meant, or all that the job that is meant has made; never none.

    Raises NotFound, and LibraryDamaged if the entry of the clip cannot be read.
    """
    if words.strip() == LAST:
        newest = library.search(limit=1)
        if not newest:
            raise NotFound("there are no clips yet", next=FIRST)
        return newest
    id = _find_id(ledger, library, words)
    if id.startswith("c"):
        return [library.get(id)]
    job = ledger.job(id)
    found = library.of_job(job.id)
    if not found:
        told = f"rushes job {job.id} tells why" if job.state.ended else f"rushes wait {job.id}"
        raise NotFound(f"job {job.id} is {job.state.value} and has no clip", next=told)
    return found


def _find_id(ledger: Ledger, library: Library, words: str) -> str:
    """Return the one id that is meant, of a job or of a clip. Raises NotFound."""
    name = words.strip()
    found = [*ledger.find_ids(name), *library.find_ids(name)]
    if len(found) > 1:
        raise NotFound(f"{name!r} begins several ids: {', '.join(found)}", next="give more of it")
    if found:
        return found[0]
    if may_be_id(name) or not _is_file(name):
        raise unknown(name)
    of_file = library.id_of_file(Path(name))
    if of_file is None:
        raise NotFound(
            f"{name!r} is a file, but not one of a clip in the library",
            next="rushes look FILE and rushes lint FILE take any video file",
        )
    return of_file


def may_be_id(words: str) -> bool:
    """Whether words have the form of an id or of its beginning, or are "last": no file is meant then."""
    return words == LAST or _ID.fullmatch(words) is not None


def unknown(words: str) -> NotFound:
    """Return what is said of a name that means nothing here."""
    shown = words if len(words) <= LONGEST_NAME else f"{words[:LONGEST_NAME]}…"
    return NotFound(f"{shown!r} is not a file, clip id or job id", next=LISTED)


def _is_file(words: str) -> bool:
    """Whether words are the path of something that is there."""
    try:
        return os.path.lexists(words)
    except ValueError:
        return False
