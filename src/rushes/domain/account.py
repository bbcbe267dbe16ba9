"""The account that a job is made with, as `Job.account` holds it.

Of a service that a person signs in to, with a fingerprint of who that is: `ACCOUNT@FINGERPRINT`.
"""

from __future__ import annotations

import hashlib
import re

BOUND = re.compile(r"(.*)@([0-9a-f]{12})", re.DOTALL)


def person_fingerprint(user: str) -> str:
    """Return what a service's own id of a person is told by (sha256 in hex, shortened)."""
    return hashlib.sha256(user.encode()).hexdigest()[:12]


def bound_account(account: str, person: str) -> str:
    """Return an account together with the fingerprint of the person who is signed in."""
    return f"{account}@{person}"


def split_account(account: str) -> tuple[str, str | None]:
    """Return an account without the person, and the person's fingerprint; None if nobody's is in it."""
    found = BOUND.fullmatch(account)
    return (account, None) if found is None else (found[1], found[2])
