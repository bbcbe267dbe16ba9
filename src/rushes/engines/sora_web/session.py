"""What `/api/auth/session` says: who is signed in, the token for calls, and until when both are good.

A dead session answers 200 without a token. The token's life is read from its own `exp`, never assumed:
about 8 days was seen, and other figures reported. The session lasts about three months.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from rushes.domain.account import person_fingerprint
from rushes.engines.contract import SignedIn
from rushes.engines.http import moment

RENEW_BEFORE = timedelta(minutes=5)
"""A token with less than this to live is renewed before it is used."""


@dataclass(frozen=True, kw_only=True)
class Session:
    """A living session. `token_expires` None: the token does not say."""

    token: str = field(repr=False)
    token_expires: datetime | None
    expires: datetime | None
    user: str
    email: str

    def fresh(self, now: datetime) -> bool:
        """Whether the token can be used without renewing it first."""
        return self.token_expires is None or self.token_expires - now > RENEW_BEFORE

    def as_notes(self) -> dict[str, Any]:
        """Return what may be written down: everything but the token."""
        return {
            "user": self.user,
            "email": self.email,
            "token_expires": self.token_expires.isoformat() if self.token_expires else None,
            "expires": self.expires.isoformat() if self.expires else None,
        }


def session_from(body: Any) -> Session | None:
    """Return the session that the answer describes; None for a dead one (`{}`, `null`, no token)."""
    if not isinstance(body, dict):
        return None
    token = body.get("accessToken")
    if not isinstance(token, str) or not token:
        return None
    claims = _claims(token)
    user = body.get("user")
    user = user if isinstance(user, dict) else {}
    profile = claims.get("https://api.openai.com/profile")
    email = user.get("email") or (profile.get("email") if isinstance(profile, dict) else None)
    return Session(
        token=token,
        token_expires=moment(claims.get("exp")),
        expires=moment(body.get("expires")),
        user=str(user.get("id") or ""),
        email=str(email or ""),
    )


def person_from(notes: Mapping[str, Any]) -> SignedIn | None:
    """Return whose session the notes (`Session.as_notes`) are about; None if they do not tell."""
    user, email = notes.get("user"), notes.get("email")
    if user is None or not (user or email):
        return None
    return SignedIn(fingerprint=person_fingerprint(str(user or email)), name=str(email or user))


def _claims(token: str) -> dict[str, Any]:
    """Return what a JWT says of itself, unverified: that is its server's part."""
    try:
        part = token.split(".")[1]
        found = json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))
    except (IndexError, ValueError):
        return {}
    return found if isinstance(found, dict) else {}
