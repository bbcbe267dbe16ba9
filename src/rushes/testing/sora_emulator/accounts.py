"""Who may sign in, their sessions, and the access tokens that their pages get."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import secrets
from dataclasses import dataclass, field
from typing import Any

from rushes.testing.sora_emulator.clock import Clock
from rushes.testing.sora_emulator.faults import Faults
from rushes.testing.sora_emulator.refusals import Refused, refusal

DIRECTOR = "director@example.com"
PASSWORD = "a-long-password"
DAY = 86_400.0
SESSION_S = 90 * DAY
TOKEN_S = 8 * DAY
REISSUE_S = DAY  # or a tenth of the lifetime, where that is less
VIDEOS = 30


@dataclass(kw_only=True)
class Token:
    """An access token and until when it is good; `refused` says why it is not any more."""

    text: str
    email: str
    expires: float
    lifetime: float
    refused: str | None = None


@dataclass(kw_only=True)
class Account:
    """A person. `used` are the moments at which videos were taken from the quota."""

    email: str
    token: Token | None = None
    used: list[float] = field(default_factory=list)

    @property
    def name(self) -> str:
        return self.email.partition("@")[0]

    @property
    def id(self) -> str:
        return "user-" + hashlib.sha256(self.email.encode()).hexdigest()[:24]

    def left(self, now: float) -> int:
        """Return how many videos may still be made; what was made a day ago counts no more."""
        return VIDEOS - sum(one > now - DAY for one in self.used)

    def resets_in(self, now: float) -> int:
        """Return the seconds until the first video of the last day counts no more."""
        return int(min((one + DAY - now for one in self.used if one > now - DAY), default=0))


class Accounts:
    """The accounts, found by what a call carries."""

    def __init__(self, clock: Clock, faults: Faults) -> None:
        self._clock, self._faults, self._key = clock, faults, secrets.token_bytes(32)
        self.all: dict[str, Account] = {}
        self._sessions: dict[str, tuple[str, float]] = {}
        self._tokens: dict[str, Token] = {}

    def find(self, email: str, password: str) -> Account | None:
        """Return the account of an address, made with its first use; None if the password does not fit."""
        email = email.strip().lower()
        name, _, host = email.partition("@")
        if not name or host != "example.com" or password != PASSWORD:
            return None
        return self.all.setdefault(email, Account(email=email))

    def open_session(self, account: Account) -> str:
        secret = secrets.token_urlsafe(48)
        self._sessions[secret] = (account.email, self._clock.now() + SESSION_S)
        return secret

    def end_session(self, secret: str) -> None:
        self._sessions.pop(secret, None)

    def end_sessions(self, email: str) -> None:
        self._sessions = {secret: one for secret, one in self._sessions.items() if one[0] != email}

    def by_session(self, secret: str) -> tuple[Account, float] | None:
        """Return whose session this is and when it ends, None for one that is over or never was."""
        email, ends = self._sessions.get(secret, ("", 0.0))
        return (self.all[email], ends) if ends > self._clock.now() else None

    def by_token(self, text: str) -> Account:
        """Return whose access token this is. Raises the service's 401."""
        token = self._tokens.get(text)
        if token is None:
            raise unparsable()
        self._spoil(token)
        if token.refused is not None:
            raise _REFUSALS[token.refused]()
        if token.expires <= self._clock.now():
            raise expired()
        return self.all[token.email]

    def token_of(self, account: Account) -> Token:
        """Return the account's access token: the same one until it is near its end, then another."""
        now, old = self._clock.now(), account.token
        if old is None or old.refused or old.expires - now < min(REISSUE_S, old.lifetime / 10):
            account.token = self._issue(account, now)
            self._tokens[account.token.text] = account.token
        assert account.token is not None
        return account.token

    def _issue(self, account: Account, now: float) -> Token:
        given = self._faults.take("token-lifetime")
        lifetime = TOKEN_S if given is None else float(given)
        claims = {
            "iss": "https://auth.openai.com",
            "client_id": "app_example",
            "iat": int(now),
            "exp": int(now + lifetime),
            "jti": secrets.token_hex(8),
            "https://api.openai.com/profile": {"email": account.email, "email_verified": True},
            "https://api.openai.com/auth": {"chatgpt_user_id": account.id, "plan": "chatgpt_pro"},
        }
        return Token(
            text=_jwt(claims, self._key), email=account.email, expires=now + lifetime, lifetime=lifetime
        )

    def _spoil(self, token: Token) -> None:
        if token.refused is not None:
            return
        for name in _REFUSALS:
            value = self._faults.take(name)
            if value is not None:
                token.refused = name
                if value == "session":
                    self.end_sessions(token.email)
                return


def missing_bearer() -> Refused:
    return refusal(401, "Missing bearer authentication in header")


def unparsable() -> Refused:
    return refusal(401, "Could not parse your authentication token. Please try signing in again.")


def expired() -> Refused:
    message = "Provided authentication token is expired. Please try signing in again."
    return refusal(401, message, code="token_expired", type=None)


def invalidated() -> Refused:
    message = "Your authentication token has been invalidated. Please try signing in again."
    return refusal(401, message, code="token_invalidated")


_REFUSALS = {"token-expired": expired, "token-invalidated": invalidated, "token-unparsable": unparsable}


def _jwt(claims: dict[str, Any], key: bytes) -> str:
    parts = [_base64(json.dumps(one).encode()) for one in ({"alg": "HS256", "typ": "JWT"}, claims)]
    return ".".join([*parts, _base64(hmac.digest(key, ".".join(parts).encode(), "sha256"))])


def _base64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
