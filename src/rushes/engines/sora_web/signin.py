"""Signing in and out. Only a person signs in: here a browser is opened for him, and watched."""

from __future__ import annotations

import asyncio
import os
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from rushes.domain.errors import RushesError, SignInNeeded, Unreachable
from rushes.engines.http import moment
from rushes.engines.sora_web import chromium
from rushes.engines.sora_web.browser import Browser
from rushes.engines.sora_web.challenge import note_let_in
from rushes.engines.sora_web.cookies import read_cookies
from rushes.engines.sora_web.opening import HOME, visit
from rushes.engines.sora_web.session import Session, session_from

if TYPE_CHECKING:
    from playwright.async_api import Page

    from rushes.engines.sora_web.engine import SoraWebEngine

LOOK_EVERY_S = 0.5

ASK_S = 20.0
"""How long a worker has to give way to a person."""


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
    stays open until he closes it. `patience` in seconds. Raises SetupError without a screen, SignInNeeded
    if nobody signed in, Unreachable if another process keeps the browser.
    """
    chromium.check_display(os.environ)
    await engine.profile.ask_for("rushes sora login", patience=min(patience, ASK_S), window=True)
    try:
        place = engine.base_url
        engine.tell(f"A window opens with {place}. Sign in there as usual; you have {patience:g} s.")
        engine.tell("What you type goes only to the site and is not saved; its cookies are kept.")

        async def arrive(browser: Browser) -> None:
            await visit(browser, engine.base_url + HOME)

        browser = await engine.opener(headed=True).open(arrive)
        try:
            already = await _session_of(browser.page, engine.base_url)
            if already is not None:
                engine.tell(
                    f"You are signed in as {already.email}. Do what the site asks for, then close the window."
                )
                await _closed_by_hand(browser, patience)
            session = already or await _signed_in(browser, engine.base_url, patience)
            if already is None:
                # At once: a kill right after the sign-in must not lose it.
                await browser.export()
            _note(engine, session)
            note_let_in(engine.profile)
        finally:
            await browser.close()
    finally:
        engine.profile.release()
    return standing(engine)


async def import_state(engine: SoraWebEngine, file: Path) -> Standing:
    """Take over the cookies of a browser that is signed in elsewhere, and see that they are good.

    `file` is a state.json of ours, or any other export; see `cookies`. Raises BadInput, SignInNeeded.
    """
    state = {"cookies": read_cookies(file, engine.base_url), "origins": []}
    await engine.site.leave()
    await engine.profile.ask_for("rushes sora import")
    before, account = engine.profile.state, engine.profile.account
    engine.profile.keep_state(state)
    engine.profile.note(dead=False, email=None)
    try:
        session = await engine.site.session()
    except RushesError as error:
        # First: what closes exports the cookies that it has.
        await engine.site.leave()
        engine.profile.restore(before, account)
        if not isinstance(error, SignInNeeded):
            raise
        raise SignInNeeded(
            f"the service does not take the cookies of {file}: {error.message}",
            next="sign in anew where they come from, and export them again",
        ) from error
    await engine.site.leave()
    _note(engine, session)
    return standing(engine)


async def log_out(engine: SoraWebEngine) -> None:
    """Remove the profile, the cookies, the account, the proxy: all that signing in has left here."""
    await engine.profile.ask_for("rushes sora logout")
    try:
        # The proxy that was picked for this account goes with it.
        engine.profile.remove()
    finally:
        engine.profile.release()


async def refresh(engine: SoraWebEngine, doing: str = "rushes sora refresh") -> Standing:
    """Have the service look at the session, which keeps it young, and read the balance.

    Raises SignInNeeded where the session has ended.
    """
    engine.site.check_signed_in()
    await engine.profile.ask_for(doing)
    try:
        await engine.site.renew()
        with suppress(Unreachable):
            await engine.site.balance()
    finally:
        await engine.site.leave()
    return standing(engine)


def standing(engine: SoraWebEngine) -> Standing:
    """Return how the account stands as it was last told. Raises SignInNeeded where nobody is signed in."""
    account = engine.profile.account
    if not account:
        raise SignInNeeded("nobody is signed in to Sora", next="rushes sora login, once")
    left = account.get("quota_left")
    return Standing(
        email=str(account.get("email") or "an account that tells no address"),
        session_expires=moment(account.get("expires")),
        token_expires=moment(account.get("token_expires")),
        quota_left=left if isinstance(left, int) else None,
        quota_resets_at=moment(account.get("quota_resets_at")),
        quota_at=moment(account.get("quota_at")),
        noted_at=moment(account.get("noted_at")),
        alive=not account.get("dead"),
    )


async def _signed_in(browser: Browser, base_url: str, patience: float) -> Session:
    """Wait until one of the browser's pages has a session."""
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
    raise SignInNeeded("the window was closed before anybody had signed in", next="rushes sora login")


async def _closed_by_hand(browser: Browser, patience: float) -> None:
    """Return once the person has closed the window; its cookies are written down all along."""
    with suppress(TimeoutError):
        async with asyncio.timeout(patience):
            while not browser.crashed and browser.visible():
                with suppress(Exception):
                    await browser.export()
                await asyncio.sleep(LOOK_EVERY_S)


async def _session_of(page: Page, base_url: str) -> Session | None:
    """Ask a page of the site itself; on any other page (an identity provider's) there is nothing to ask."""
    here, there = urlsplit(page.url), urlsplit(base_url)
    if (here.scheme, here.netloc) != (there.scheme, there.netloc):
        return None
    with suppress(Exception):
        # It may be on its way to another page at this very moment.
        return session_from(
            await page.evaluate("async () => (await fetch('/api/auth/session', {cache: 'no-store'})).json()")
        )
    return None


def _note(engine: SoraWebEngine, session: Session) -> None:
    at = datetime.now(UTC).isoformat(timespec="seconds")
    engine.profile.note(**session.as_notes(), dead=False, signed_in_at=at, quota_left=None, quota_at=None)
