"""The service as a signed-in page sees it: calls with a living token, and refusals read."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx

from rushes.domain.errors import (
    AccountBlocked,
    Busy,
    Challenged,
    EngineError,
    QuotaExhausted,
    ResultGone,
    SignInNeeded,
    Unreachable,
)
from rushes.domain.job import age
from rushes.engines.contract import SignedIn
from rushes.engines.http import classify_answer, classify_create, json_of, moment, raw
from rushes.engines.sora_web.answers import (
    MORE_QUOTA,
    SIGN_IN,
    TokenExpired,
    balance_facts,
    picture_refusal,
    refusal,
)
from rushes.engines.sora_web.call import Call
from rushes.engines.sora_web.creates import Create
from rushes.engines.sora_web.profile import Profile
from rushes.engines.sora_web.session import Session, person_from, session_from
from rushes.engines.sora_web.tab import Reopened, Tab, unsent

ASK_S = 20.0
UPLOAD_S = 120.0

READY_SHARE = 0.22
ANSWER_SHARE = 0.5
"""Of the time a create may take: for signing, for getting ready to send, and for its answer."""

MOST_EXPIRED = 2
"""Creates in a row that are refused for their token, before a person is asked."""

RELOAD_EVERY = timedelta(minutes=1)

RECHECK_S = 3600.0
"""How long nobody asks about a session that was found dead: jobs try again more often than that."""

LONGEST_QUIET_S = 3.0
"""How long the session is not read because the page has asked for something and not got it."""


@dataclass(frozen=True, kw_only=True)
class Signed:
    """The headers of a call, its token, and the opening of the page that both are good for."""

    headers: Mapping[str, str] = field(repr=False)
    token: str = field(repr=False)
    opening: int


class Site:
    """The service, through one page. `create_s` is how long a create may take in all, in seconds.

    A session that was found dead is asked about again after `recheck_s`: the service may have erred.
    `bound_to` is the person whose account alone may be used, None: whoever is signed in.
    """

    def __init__(
        self,
        tab: Tab,
        profile: Profile,
        *,
        create_s: float,
        recheck_s: float = RECHECK_S,
        bound_to: SignedIn | None = None,
    ) -> None:
        self.tab = tab
        self._profile = profile
        self._create_s = create_s
        self._recheck_s = recheck_s
        self._bound_to = bound_to
        self._renewing = asyncio.Lock()
        self._session: Session | None = None
        self._device: str | None = None
        self._opening = 0
        self._reloaded_at = datetime.fromtimestamp(0, UTC)
        self._expired_in_a_row = 0

    # --- calls ---

    async def get(self, path: str) -> Any:
        """Return the JSON at `path`. Raises Unreachable, ResultGone (404, 410), Busy, Blocked."""
        return await self._ask("GET", path)

    async def post(self, path: str, body: Mapping[str, Any]) -> Any:
        """Return what a POST that costs nothing is answered with. Raises as `get` does."""
        return await self._ask("POST", path, body)

    async def upload(self, path: str, file: Path, field: str, **fields: str) -> dict[str, Any]:
        """Upload a picture. Raises Refused and ContentRefused too, with the service's words."""
        signed = await self._signed()
        call = Call(
            method="POST", path=path, headers=signed.headers, seconds=UPLOAD_S, opening=signed.opening
        )
        response = await self.tab.upload(call, str(file), field, fields)
        refused = await self._refused(response, signed) or picture_refusal(response, file.name)
        if refused is not None:
            raise refused
        classify_answer(response)
        return _object(response)

    async def create(self, create: Create) -> dict[str, Any]:
        """Send a create, once, and return its answer. Raises what `Engine.submit` may."""
        self._check_quota()
        with unsent():
            async with asyncio.timeout(READY_SHARE * self._create_s):
                signed = await self._signed()
        call = Call(
            method="POST",
            path=create.path,
            headers=signed.headers,
            body=create.body,
            seconds=ANSWER_SHARE * self._create_s,
            opening=signed.opening,
        )
        response = await self.tab.create(call, create.flow, READY_SHARE * self._create_s)
        refused = await self._refused(response, signed)
        if isinstance(refused, TokenExpired):
            # Nothing was accepted, and the token is a new one by now: the job is sent again at once.
            self._expired_in_a_row += 1
            if self._expired_in_a_row > MOST_EXPIRED:
                raise SignInNeeded(refused.message, next=SIGN_IN) from refused
            raise Busy("the sign-in's token had run out and was renewed", ask_after=0.0) from refused
        self._expired_in_a_row = 0
        if refused is not None:
            raise refused
        classify_create(response)
        return {"body": json_of(response), "raw": raw(response)}

    async def session(self) -> Session:
        """Return the living session, renewed where its token is about to run out. Raises SignInNeeded."""
        async with self._renewing:
            # Another call may just have found it dead.
            self.check_signed_in()
            if self._opening != self.tab.page.openings:
                # Somebody else may have signed in since.
                self._session = None
            if self._session is None or not self._session.fresh(datetime.now(UTC)):
                self._session = await self._renew()
            return self._session

    async def renew(self) -> Session:
        """Have the service look at the session again, which keeps it young. Raises SignInNeeded.

        It is asked whatever is noted: a session that was found dead may live.
        """
        async with self._renewing:
            self._session = await self._renew()
            return self._session

    async def balance(self) -> dict[str, Any]:
        """Return `quota_left` and `quota_resets_at` as the service tells them now, and note them."""
        try:
            answer = await self.get("/backend/nf/check")
        except ResultGone as error:
            raise AccountBlocked(
                "this account has no Sora 2", next="sign in with another one: rushes sora login"
            ) from error
        return self.note_balance(answer)

    def note_balance(self, answer: Any) -> dict[str, Any]:
        """Note the balance that an answer tells, and return it."""
        told = answer.get("rate_limit_and_credit_balance") if isinstance(answer, dict) else None
        now = datetime.now(UTC)
        facts = balance_facts(told, now)
        if facts:
            at = now.isoformat(timespec="seconds")
            self._profile.note(**{"quota_resets_at": None, **facts}, quota_at=at)
        return facts

    # --- the session ---

    def check_signed_in(self) -> None:
        """Raise SignInNeeded if nobody is signed in, or another than has to be; no browser is started.

        A session that was found dead long enough ago passes: the service is asked again.
        """
        account = self._profile.account
        if not account:
            raise nobody_signed_in(self._bound_to)
        self._check_person(account)
        dead_at = moment(account.get("dead_at"))
        if dead_at is None or datetime.now(UTC) - dead_at <= timedelta(seconds=self._recheck_s):
            check_session(account)

    def _check_person(self, notes: Mapping[str, Any]) -> None:
        """Raise SignInNeeded if `notes` are about the session of another person than has to be signed in."""
        person = person_from(notes)
        if self._bound_to is None or person is None or person.fingerprint == self._bound_to.fingerprint:
            return
        name = self._bound_to.name
        raise SignInNeeded(
            f"this job is for {name}, and {person.name} is signed in",
            next=f"sign in as {name}: rushes sora login; the job then continues automatically; or make the"
            " clip with another account: rushes create … --again",
        )

    async def _signed(self) -> Signed:
        """Return the headers of a call, and the opening of the page that they are good for."""
        self.check_signed_in()
        session = await self.session()
        self._check_person(session.as_notes())
        headers = {"oai-language": "en-US", "Authorization": f"Bearer {session.token}"}
        return Signed(
            headers=headers | ({"oai-device-id": self._device} if self._device else {}),
            token=session.token,
            opening=self._opening,
        )

    async def _renew(self, refused: str | None = None) -> Session:
        """Read the session anew; `refused` is a token that the service takes no longer.

        The service answers with the same token for long. A new one may take loading the page.
        """
        found = await self._read_session_surely()
        if found is not None and self._worth_reloading(found, refused):
            self._reloaded_at = datetime.now(UTC)
            await self.tab.page.renew()
            found = await self._read_session_surely()
        if found is None:
            await self._died()
            raise SignInNeeded(
                f"the session of {account_name(self._profile.account)} has ended", next=SIGN_IN
            )
        self._opening = self.tab.page.openings
        self._device = await self.tab.cookie("oai-did")
        # The answer may have put another cookie in the place of the one we know.
        await self.tab.export()
        self._note(found)
        return found

    def _note(self, found: Session) -> None:
        facts = found.as_notes()
        if facts["user"] != self._profile.account.get("user"):
            # What was told of the plan was of somebody else's.
            facts |= {"quota_left": None, "quota_at": None, "quota_resets_at": None}
        self._profile.note(**facts, dead=False, dead_at=None)

    def _worth_reloading(self, found: Session, refused: str | None) -> bool:
        if found.token == refused:
            return True
        now = datetime.now(UTC)
        return not found.fresh(now) and now - self._reloaded_at > RELOAD_EVERY

    async def _read_session_surely(self) -> Session | None:
        """Read the session; None only where it is dead beyond doubt.

        An answer without a token is not believed at once. The service may have erred; or the page asked at
        the same moment and was given another cookie, and ours had the one that ended with that.
        """
        found = await self._read_session()
        if found is None:
            found = await self._read_session()
        if found is None:
            await self.tab.page.renew(until_idle=True)
            found = await self._read_session()
        return found

    async def _read_session(self) -> Session | None:
        # Whatever the page asks for by itself may change the session's cookie.
        await self.tab.quiet(LONGEST_QUIET_S)
        response = await self.tab.ask(Call(method="GET", path="/api/auth/session", headers={}, seconds=ASK_S))
        refused = refusal(response)
        if refused is not None:
            raise await self._stand_back(refused)
        classify_answer(response)
        return session_from(json_of(response))

    async def _died(self) -> None:
        """The session is dead: note it, and leave the browser to whoever signs in."""
        self._profile.note_dead()
        await self.leave()

    # --- refusals ---

    async def _ask(self, method: str, path: str, body: Any = None) -> Any:
        try:
            return await self._ask_once(method, path, body)
        except (TokenExpired, Reopened):
            # Renewed by now; a second refusal stands.
            return await self._ask_once(method, path, body)

    async def _ask_once(self, method: str, path: str, body: Any) -> Any:
        signed = await self._signed()
        call = Call(
            method=method,
            path=path,
            headers=signed.headers,
            body=body,
            seconds=ASK_S,
            opening=signed.opening,
        )
        response = await self.tab.ask(call)
        refused = await self._refused(response, signed)
        if refused is not None:
            raise refused
        classify_answer(response)
        return _parsed(response)

    async def _refused(self, response: httpx.Response, signed: Signed) -> EngineError | None:
        """Return what a refusal means, once what follows from it for the session has been done."""
        refused = refusal(response)
        if isinstance(refused, SignInNeeded):
            return await self._token_refused(refused, signed)
        if isinstance(refused, QuotaExhausted):
            self.note_balance(json_of(response))
        elif refused is not None:
            return await self._stand_back(refused)
        return refused

    async def _token_refused(self, refused: SignInNeeded, signed: Signed) -> EngineError:
        """Have another token given for one that is taken no longer; without one the session is dead."""
        async with self._renewing:
            # Another call may just have found it dead, or have got another token.
            self.check_signed_in()
            if signed.opening != self.tab.page.openings:
                return Reopened("the browser was restarted meanwhile")
            if self._session is None or self._session.token == signed.token:
                self._session = await self._renew(signed.token)
            if self._session.token == signed.token and not isinstance(refused, TokenExpired):
                await self._died()
                return refused
            return TokenExpired(refused.message)

    async def leave(self) -> None:
        """Close the browser, forget its session, and let others have the profile."""
        self._session = None
        await self.tab.page.close()
        if self._profile.held:
            self._profile.release()

    async def _stand_back(self, refused: EngineError) -> EngineError:
        """Leave the browser to the person who has to act; return the refusal, and what that person can do."""
        if not isinstance(refused, Challenged):
            return refused
        await self.leave()
        return self.tab.page.challenge_error(refused.message)

    def _check_quota(self) -> None:
        """Raise QuotaExhausted until the moment that the service named, without asking it in vain."""
        account = self._profile.account
        resets = moment(account.get("quota_resets_at"))
        if account.get("quota_left") == 0 and resets is not None and resets > datetime.now(UTC):
            said = f"the plan's quota is used up; it resets at {resets:%Y-%m-%d %H:%M} UTC"
            raise QuotaExhausted(said, next=MORE_QUOTA)


def check_session(account: Mapping[str, Any]) -> None:
    """Raise SignInNeeded if nobody is signed in or the session has ended, by what is noted of the account."""
    if not account:
        raise nobody_signed_in()
    if account.get("dead"):
        asked_at = moment(account.get("dead_at"))
        asked = f" (as the service said {age(asked_at)})" if asked_at else ""
        raise SignInNeeded(f"the session of {account_name(account)} has ended{asked}", next=SIGN_IN)


def nobody_signed_in(expected: SignedIn | None = None) -> SignInNeeded:
    """Return the error for a profile in which nobody has signed in; `expected` is who has to."""
    name = "" if expected is None else f" as {expected.name}"
    return SignInNeeded("nobody is signed in to Sora", next=f"rushes sora login{name}")


def account_name(account: Mapping[str, Any]) -> str:
    """Return what people call an account, by what is noted of it."""
    return str(account.get("email") or "an account without an email address")


def _parsed(response: httpx.Response) -> Any:
    """Return the JSON of an answer; a page in its place is no answer."""
    found = json_of(response)
    if found is None and response.text.strip() != "null":
        raise Unreachable("the service answered with something that is not JSON")
    return found


def _object(response: httpx.Response) -> dict[str, Any]:
    found = _parsed(response)
    if not isinstance(found, dict):
        raise Unreachable("the service answered with something that is not a JSON object")
    return found
