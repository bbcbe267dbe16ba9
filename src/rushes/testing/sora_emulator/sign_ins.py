"""Sign-ins under way at the sign-in's own host, and the codes that they end with."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field

STEPS = ("/log-in", "/log-in/password", "/mfa-challenge", "/consent")
"""The pages of a sign-in, in their order."""

MOST_WRONG = 3
"""One-time codes that may be wrong before another one is sent."""


@dataclass(kw_only=True)
class SignIn:
    """One sign-in: where it returns to, with which `state`, and how far it is.

    `reached` is the furthest of `STEPS` that may be opened.
    """

    redirect: str
    state: str
    email: str = ""
    reached: int = 0
    code: str = ""
    wrong: int = 0
    provider_state: str = field(default_factory=lambda: secrets.token_urlsafe(16))

    def may_open(self, path: str) -> bool:
        return STEPS.index(path) <= self.reached

    def reach(self, path: str) -> None:
        self.reached = max(self.reached, STEPS.index(path))

    def send_code(self) -> None:
        """Make a new one-time code."""
        self.code, self.wrong = f"{secrets.randbelow(1_000_000):06}", 0


@dataclass(kw_only=True)
class SignIns:
    """The sign-ins by the secret in the browser's cookie; codes that stand for an address, good once."""

    under_way: dict[str, SignIn] = field(default_factory=dict)
    _codes: dict[str, str] = field(default_factory=dict)

    def begin(self, secret: str, redirect: str, state: str) -> str:
        """Begin a sign-in, or one that was left half-way anew, with its address; return its secret."""
        before = self.under_way.pop(secret, None)
        secret = secrets.token_urlsafe(24)
        email = before.email if before is not None else ""
        self.under_way[secret] = SignIn(redirect=redirect, state=state, email=email)
        return secret

    def grant(self, email: str) -> str:
        """Return a code that stands for an address."""
        code = secrets.token_urlsafe(24)
        self._codes[code] = email
        return code

    def redeem(self, code: str) -> str | None:
        """Return the address that a code stands for, and take the code, for good."""
        return self._codes.pop(code, None)
