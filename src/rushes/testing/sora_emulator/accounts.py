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
MOST_HELD = 50
"""Sessions, and access tokens, that an account has at most: of more the oldest ends."""

VIDEOS = 100
"""What a Pro plan has in a day: its person was told of 98 left, and its cap named 100."""


@dataclass(kw_only=True)
class Token:
    """An access token and until when it is good; `refused` says why it is not any more."""

    text: str
    email: str
    expires: float
    lifetime: float
    refused: str | None = None


@dataclass(kw_only=True)
class Session:
    """A sign-in: whose, when, and when it ends unless it is read before."""

    email: str
    since: float
    expires: float


@dataclass(kw_only=True)
class Account:
    """A person. `used` are the moments at which videos were taken from the quota.

    `loaded`: a page was loaded since the last access token was issued.
    """

    email: str
    videos: int = VIDEOS
    token: str | None = None
    loaded: bool = False
    used: list[float] = field(default_factory=list)

    @property
    def name(self) -> str:
        return self.email.partition("@")[0]

    @property
    def id(self) -> str:
        return "user-" + hashlib.sha256(self.email.encode()).hexdigest()[:24]

    def use(self, now: float) -> None:
        """Take a video from the quota; what counts no more is forgotten."""
        self.used = [*(one for one in self.used if one > now - DAY), now]

    def left(self, now: float) -> int:
        """Return how many videos may still be made; what was made a day ago counts no more."""
        return max(0, self.videos - sum(one > now - DAY for one in self.used))

    def resets_in(self, now: float) -> int:
        """Return the seconds until the first video of the last day counts no more."""
        return int(min((one + DAY - now for one in self.used if one > now - DAY), default=0))


class Accounts:
    """The accounts, found by what a call carries."""

    def __init__(self, clock: Clock, faults: Faults) -> None:
        self._clock, self._faults, self.key = clock, faults, secrets.token_bytes(32)
        self.all: dict[str, Account] = {}
        self.sessions: dict[str, Session] = {}
        self.tokens: dict[str, Token] = {}

    def find(self, email: str, password: str) -> Account | None:
        """Return the account of an address, made with its first use; None if the password does not fit."""
        email = email.strip().lower()
        name, _, host = email.partition("@")
        if not name or host != "example.com" or password != PASSWORD:
            return None
        return self.all.setdefault(email, Account(email=email))

    def open_session(self, account: Account) -> str:
        secret = secrets.token_urlsafe(48)
        now = self._clock.now()
        self.sessions[secret] = Session(email=account.email, since=now, expires=now + SESSION_S)
        _drop_oldest(self.sessions, account.email)
        return secret

    def end_session(self, secret: str) -> None:
        self.sessions.pop(secret, None)

    def end_sessions(self, email: str) -> None:
        self.sessions = {secret: one for secret, one in self.sessions.items() if one.email != email}

    def session(self, secret: str) -> Session | None:
        """Return a session, None for one that is over or never was."""
        found = self.sessions.get(secret)
        return found if found is not None and found.expires > self._clock.now() else None

    def by_session(self, secret: str) -> Account | None:
        """Return whose session this is, None for one that is over or never was."""
        found = self.session(secret)
        return None if found is None else self._planned(self.all[found.email])

    def read_session(self, secret: str) -> Session | None:
        """Return a session that ends so long after now as a new one would: reading it keeps it young.

        In the one answer that was recorded `expires` is ninety days after it, with the sign-in two days
        before.
        """
        found = self.session(secret)
        if found is not None and self._faults.take("session-fixed") is None:
            found.expires = self._clock.now() + SESSION_S
        return found

    def load_page(self, secret: str) -> None:
        """Have the next read of a session give another access token, as loading a page of the site does."""
        account = self.by_session(secret)
        if account is not None:
            account.loaded = True

    def by_token(self, text: str) -> Account:
        """Return whose access token this is. Raises the service's 401."""
        token = self.tokens.get(text)
        if token is None:
            raise unparsable()
        self._spoil(token)
        if token.refused is not None:
            raise _REFUSALS[token.refused]()
        if token.expires <= self._clock.now():
            raise expired()
        return self._planned(self.all[token.email])

    def _planned(self, account: Account) -> Account:
        """Return an account with the plan that it has now."""
        account.videos = int(self._faults.look("videos-a-day") or VIDEOS)
        return account

    def token_of(self, account: Account) -> Token:
        """Return the account's access token: the same one until a page is loaded, or it is near its end."""
        old = self.tokens.get(account.token or "")
        if old is None or account.loaded or self._outworn(old):
            old = self._issue(account, self._clock.now())
            self.tokens[old.text] = old
            _drop_oldest(self.tokens, account.email)
            account.token, account.loaded = old.text, False
        return old

    def _outworn(self, token: Token) -> bool:
        if self._faults.look("token-needs-page") is not None:
            return False
        left = token.expires - self._clock.now()
        return token.refused is not None or left < min(REISSUE_S, token.lifetime / 10)

    def _issue(self, account: Account, now: float) -> Token:
        given = self._faults.take("token-lifetime")
        lifetime = TOKEN_S if given is None else float(given)
        expires = int(now + lifetime)
        claims = {
            "iss": "https://auth.openai.com",
            "client_id": "app_example",
            "iat": int(now),
            "exp": expires,
            "jti": secrets.token_hex(8),
            "https://api.openai.com/profile": {"email": account.email, "email_verified": True},
            "https://api.openai.com/auth": {"chatgpt_user_id": account.id, "plan": "chatgpt_pro"},
        }
        text = _jwt(claims, self.key)
        return Token(text=text, email=account.email, expires=expires, lifetime=lifetime)

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


def _drop_oldest(held: dict[str, Session] | dict[str, Token], email: str) -> None:
    """Keep what an account holds bounded; both are in the order in which they were given out."""
    own = [key for key, one in held.items() if one.email == email]
    for key in own[:-MOST_HELD]:
        del held[key]


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
