"""Signing in and out. Only a person signs in: here a browser is opened for him, and watched."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from rushes.domain.errors import SignInNeeded, Unreachable
from rushes.domain.text import count_of
from rushes.engines.http import moment
from rushes.engines.sora_web import chromium
from rushes.engines.sora_web.browser import Browser
from rushes.engines.sora_web.challenge import note_let_in
from rushes.engines.sora_web.cookies import read_cookies
from rushes.engines.sora_web.jar import is_session
from rushes.engines.sora_web.opening import HOME, visit
from rushes.engines.sora_web.profile import Profile
from rushes.engines.sora_web.session import Session, session_from
from rushes.engines.sora_web.site import Site, account_name, nobody_signed_in

if TYPE_CHECKING:
    from playwright.async_api import Page

    from rushes.engines.sora_web.engine import SoraWebEngine

LOOK_EVERY_S = 0.5

ASK_S = 20.0
"""How long a worker has to give way to a person."""

IMPORT = "rushes sora import"


@dataclass(frozen=True, kw_only=True)
class Standing:
    """How an account stands. Moments are None where the service does not tell them."""

    email: str
    session_expires: datetime | None
    token_expires: datetime | None
    quota_left: int | None
    quota_resets_at: datetime | None
    quota_at: datetime | None
    noted_at: datetime | None
    alive: bool

    def as_json(self) -> dict[str, Any]:
        def text(at: datetime | None) -> str | None:
            return at.isoformat() if at else None

        return {
            "email": self.email,
            "alive": self.alive,
            "session_expires": text(self.session_expires),
            "token_expires": text(self.token_expires),
            "quota_left": self.quota_left,
            "quota_resets_at": text(self.quota_resets_at),
            "quota_at": text(self.quota_at),
            "noted_at": text(self.noted_at),
        }


async def log_in(engine: SoraWebEngine, patience: float) -> Standing:
    """Open a browser for a person to sign in with, and close it once he has.

    If he is signed in already he has come for something else, a check of the site's perhaps: then it
    stays open until he closes it, and what holds then is returned. `patience` in seconds. Raises SetupError
    without a screen, SignInNeeded if nobody is signed in at the end, Unreachable if another process keeps the
    browser.
    """
    chromium.check_display(os.environ)
    await engine.profile.ask_for("rushes sora login", patience=min(patience, ASK_S), window=True)
    try:
        wait = f"you have {patience:g} s"
        engine.tell(f"A window opens with {engine.base_url}. Sign in there as usual; {wait}.")
        engine.tell("What you type goes only to the site and is not saved; its cookies are kept.")

        async def arrive(browser: Browser) -> None:
            await visit(browser, engine.base_url + HOME)

        browser = await engine.opener(headed=True).open(arrive)
        try:
            session = await _session_of(browser.page, engine.base_url)
            if session is not None:
                note_let_in(engine.profile)
                engine.tell(
                    f"You are signed in as {session.email}. Do what the site asks for, then close the window."
                )
                await _closed_by_hand(browser, patience)
                session = None
            else:
                session = await _signed_in(browser, engine.base_url, patience)
            if session is not None:
                # At once: a kill right after the sign-in must not lose it.
                await browser.export()
                _note(engine, session)
                note_let_in(engine.profile)
        finally:
            await browser.close()
        if session is None:
            _note(engine, await _session_after(engine))
    finally:
        await engine.site.leave()
    return standing(engine)


async def _session_after(engine: SoraWebEngine) -> Session:
    """Return the session that is left once the window is closed, as the service tells it."""
    if not any(is_session(one) for one in engine.profile.state.get("cookies", ())):
        if engine.profile.account:
            engine.profile.note_dead()
        raise SignInNeeded("the window was closed, and nobody is signed in", next="rushes sora login")
    return await engine.site.renew()


async def import_state(engine: SoraWebEngine, file: Path) -> Standing:
    """Take over the cookies of a browser that is signed in elsewhere, once the service has taken them.

    They are tried in a profile of their own: until then the session that is here stays as it is. `file`
    is a state.json of ours, or any other export; see `cookies`. Raises BadInput, SignInNeeded.
    """
    export = read_cookies(file, engine.base_url)
    if export.others:
        engine.tell(f"{count_of(export.others, 'cookie')} of other sites in {file} left out")
    trial = Profile(engine.profile.folder / "import")
    await trial.ask_for(IMPORT)
    try:
        session = await _tried(engine.site_on(trial), trial, export.cookies, file)
        await engine.site.leave()
        await engine.profile.ask_for(IMPORT)
        try:
            engine.profile.become(trial)
            _note(engine, session)
        finally:
            engine.profile.release()
    finally:
        trial.remove()
        trial.release()
    return standing(engine)


async def _tried(site: Site, trial: Profile, cookies: Sequence[Mapping[str, Any]], file: Path) -> Session:
    """Return the session that the service has for `cookies`; `trial` is held, and has them then."""
    trial.remove()
    trial.keep_state({"cookies": cookies, "origins": []})
    try:
        session = await site.renew()
    except SignInNeeded as error:
        raise SignInNeeded(
            f"the service does not take the session in {file}: it has ended, or was signed out",
            next="sign in again where it comes from, and export it again",
        ) from error
    finally:
        # What closes it exports the cookies.
        await site.leave()
        trial.take(IMPORT)
    return session


async def log_out(engine: SoraWebEngine) -> None:
    """Remove the profile, the cookies, what was known of the account, the proxy; the records of jobs stay."""
    await engine.profile.ask_for("rushes sora logout")
    try:
        # The proxy that was picked for this account goes with it.
        engine.profile.remove()
    finally:
        engine.profile.release()


async def refresh(engine: SoraWebEngine, doing: str = "rushes sora refresh") -> Standing:
    """Have the service look at the session, which keeps it young, and read the balance.

    It is asked even if the session was found to have ended. Raises SignInNeeded if it has.
    """
    if not engine.profile.account:
        raise nobody_signed_in()
    await engine.profile.ask_for(doing)
    try:
        await engine.site.renew()
        with suppress(Unreachable):
            await engine.site.balance()
    finally:
        await engine.site.leave()
    return standing(engine)


def standing(engine: SoraWebEngine) -> Standing:
    """Return the account's state as the service last told it. Raises SignInNeeded if nobody is signed in."""
    account = engine.profile.account
    if not account:
        raise nobody_signed_in()
    left = account.get("quota_left")
    return Standing(
        email=account_name(account),
        session_expires=moment(account.get("expires")),
        token_expires=moment(account.get("token_expires")),
        quota_left=left if isinstance(left, int) else None,
        quota_resets_at=moment(account.get("quota_resets_at")),
        quota_at=moment(account.get("quota_at")),
        noted_at=moment(account.get("noted_at")),
        alive=not account.get("dead"),
    )


async def _signed_in(browser: Browser, base_url: str, patience: float) -> Session | None:
    """Wait until one of the browser's pages has a session; None if the window is closed before that."""
    try:
        async with asyncio.timeout(patience):
            while not browser.crashed and browser.visible():
                for page in browser.context.pages:
                    found = await _session_of(page, base_url)
                    if found is not None:
                        return found
                await asyncio.sleep(LOOK_EVERY_S)
    except TimeoutError as error:
        raise SignInNeeded(f"nobody signed in within {patience:.0f} s", next="rushes sora login") from error
    return None


async def _closed_by_hand(browser: Browser, patience: float) -> None:
    """Return once the person has closed the window; what scripts set is written down, too."""
    with suppress(TimeoutError):
        async with asyncio.timeout(patience):
            while not browser.crashed and browser.visible():
                with suppress(Exception):
                    await browser.export()
                await asyncio.sleep(LOOK_EVERY_S)


SESSION_HERE = """async (origin) => location.origin === origin
  ? (await fetch("/api/auth/session", {cache: "no-store"})).json() : null"""


async def _session_of(page: Page, base_url: str) -> Session | None:
    """Ask a page of the site itself; on any other page (an identity provider's) there is nothing to ask."""
    here, there = urlsplit(page.url), urlsplit(base_url)
    if (here.scheme, here.netloc) != (there.scheme, there.netloc):
        return None
    with suppress(Exception):
        # It may be on its way to another page at this very moment: the script looks again where it is.
        return session_from(await page.evaluate(SESSION_HERE, f"{there.scheme}://{there.netloc}"))
    return None


def _note(engine: SoraWebEngine, session: Session) -> None:
    at = datetime.now(UTC).isoformat(timespec="seconds")
    engine.profile.note(
        **session.as_notes(), dead=False, dead_at=None, signed_in_at=at, quota_left=None, quota_at=None
    )
