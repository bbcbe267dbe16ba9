"""What to do if the site checks for a person, whose clearance is good for one browser only.

The user agent of a browser without a window says so, and a clearance holds for one user agent: what a person
passes in a window may be worth nothing to the jobs. That is not hidden from the site; the jobs get a window.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from rushes.domain.errors import Challenged
from rushes.engines.http import moment
from rushes.engines.sora_web.answers import PASS_IT
from rushes.engines.sora_web.profile import Profile

JUST_NOW = timedelta(minutes=10)
"""A challenge so soon after a person was let in is not one that the person could have passed."""


def challenge_error(profile: Profile, reason: str, *, headed: bool) -> Challenged:
    """Return the challenge that a job's browser has met, and what a person can do about it."""
    let_in = moment(profile.account.get("let_in_at"))
    if headed or let_in is None or datetime.now(UTC) - let_in > JUST_NOW:
        return Challenged(reason, next=PASS_IT)
    return Challenged(
        "the site challenges a browser without a window, though it let a person in just now",
        next=f"set headed = true under [engines.{profile.folder.name}]: jobs then use a window, which needs "
        "a screen (on a server a virtual one, such as Xvfb); then rushes collect ID lets the job go on",
    )


def note_let_in(profile: Profile) -> None:
    """Note that the site has let a person in, in a window, just now."""
    profile.note(let_in_at=datetime.now(UTC).isoformat(timespec="seconds"))
