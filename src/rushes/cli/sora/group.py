"""`rushes sora`: sign in to Sora's web app and out again, and the state of the account."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from rushes.cli.output import common, echo, put_json, put_pairs, style
from rushes.cli.paths import FILE
from rushes.cli.sora.emulator import emulator
from rushes.cli.sora.engine import open_engine, outside_a_job, sora_engine, which
from rushes.cli.sora.tools import download, explore, inspect
from rushes.cli.values import LONGEST_WAIT_S, Number
from rushes.domain.account import split_account
from rushes.domain.errors import (
    Blocked,
    EngineError,
    RushesError,
    SetupError,
    SignInNeeded,
    WrongState,
)
from rushes.domain.job import JobState, age
from rushes.domain.text import count_of
from rushes.studio import Studio

if TYPE_CHECKING:
    from rushes.engines.sora_web.engine import SoraWebEngine
    from rushes.engines.sora_web.signin import Standing

MANY = 10_000
"""More blocked jobs than one account has."""


class InOrder(click.Group):
    """A group that lists its commands as they were added: first what one does first."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(self.commands)


@click.group(cls=InOrder)
def sora() -> None:
    """Sign in to Sora's web app, look into it, and emulate it.

    A browser of its own, with a profile of its own, stays signed in; jobs of the engine go through it. Every
    command takes --json, --debug and --engine NAME.
    """


@sora.command(short_help="Sign in by hand; jobs that waited for it continue.")
@click.option(
    "--timeout", type=Number(1, LONGEST_WAIT_S, "seconds"), default=600, show_default=True, metavar="SECONDS"
)
@which
@common
def login(as_json: bool, engine: str | None, timeout: float) -> int:
    """Sign in by hand in a browser that is opened for it; jobs that waited for it continue."""
    from rushes.engines.sora_web import signin

    async def sign_in(found: SoraWebEngine) -> Standing:
        return await signin.log_in(found, timeout)

    return _sign_in(as_json, engine, sign_in)


@sora.command("import", short_help="Take over a session from another machine.")
@click.argument("state", type=FILE)
@which
@common
def import_(as_json: bool, engine: str | None, state: Path) -> int:
    """Take over the session of a browser that is signed in elsewhere.

    STATE is the state.json that `rushes sora login` names, or another export of cookies: JSON, a cookies.txt,
    or the value of a Cookie header. Only the site's own cookies are kept. They are tried first: the session
    that is here stays until the service accepts the new one.
    """
    from rushes.engines.sora_web import signin

    async def take_over(found: SoraWebEngine) -> Standing:
        return await signin.import_state(found, state)

    return _sign_in(as_json, engine, take_over)


def _sign_in(as_json: bool, name: str | None, sign_in: Callable[[SoraWebEngine], Awaitable[Standing]]) -> int:
    """Have somebody signed in, let the jobs that waited continue, and say so."""

    async def run() -> tuple[Standing, SoraWebEngine, list[str]]:
        async with Studio.open() as studio:
            engine = open_engine(studio, name)
            standing = await sign_in(engine)
            return standing, engine, _resume_jobs(studio, engine.name)

    with outside_a_job():
        standing, engine, jobs = asyncio.run(run())
    state = engine.profile.folder / "state.json"
    if as_json:
        put_json({**standing.as_json(), "state": str(state), "jobs": jobs})
        return 0
    put_pairs(
        [
            ("signed in", standing.email),
            ("session", _time_left(standing.session_expires)),
            ("state", f"{state} (whoever has this file is signed in as you)"),
            ("jobs", _resumed(jobs) if jobs else "none waited for this"),
        ]
    )
    return 0


def _resumed(jobs: list[str]) -> str:
    continue_ = "continues" if len(jobs) == 1 else "continue"
    return f"{count_of(len(jobs), 'job')} waited for this and now {continue_}"


def _resume_jobs(studio: Studio, engine: str, reason: str | None = None) -> list[str]:
    """Have the engine's blocked jobs, of one reason or of all, tried at once; return their ids.

    Those of other accounts stay as they are.
    """
    blocked = studio.ledger.jobs(state=JobState.BLOCKED, limit=MANY)
    account, _ = studio.roster.payer(engine)
    ours = (account, split_account(account)[0])
    ids = [
        job.id
        for job in blocked
        if job.engine == engine and job.account in ours and reason in (None, job.reason)
    ]
    for id in ids:
        # The first one unblocks those of its account; a worker may have taken one up by now.
        with suppress(WrongState):
            studio.collect(id)
    return ids


@sora.command(short_help="Show who is signed in, until when, and the quota.")
@which
@common
def status(as_json: bool, engine: str | None) -> int:
    """Ask the service who is signed in, until when, and what is left of the quota.

    If it cannot be asked, shows what it said last. Exits with 7 if nobody is signed in, or if the session has
    ended.
    """
    with outside_a_job():
        standing, old, facts, jobs = asyncio.run(_status(engine))
    if as_json:
        put_json({**standing.as_json(), **facts, "not_newer_because": old, "jobs": jobs})
        return 0
    pairs = _standing_pairs(standing) + [(name, str(value)) for name, value in facts.items()]
    put_pairs(pairs + ([("jobs", _resumed(jobs))] if jobs else []))
    if old is not None:
        echo(f"{style(' warn', fg='yellow')}: this is not from now: {old}")
    return 0


async def _status(name: str | None) -> tuple[Standing, str | None, dict[str, Any], list[str]]:
    from rushes.engines.sora_web import chromium, signin
    from rushes.engines.sora_web.site import check_session

    async with Studio.open() as studio:
        engine = open_engine(studio, name)
        old: str | None = None
        jobs: list[str] = []
        try:
            standing = await signin.refresh(engine, "rushes sora status")
            jobs = _resume_jobs(studio, engine.name, SignInNeeded.reason)
        except Blocked:
            raise
        except (EngineError, SetupError) as error:
            check_session(engine.profile.account)
            standing = signin.standing(engine)
            at = f"{standing.noted_at:%Y-%m-%d %H:%M} UTC" if standing.noted_at else "some time"
            old = f"it is what the service said at {at}; {error.message}"
        facts = {
            "proxy": await _proxy(engine),
            "browser": str(chromium.find(engine.program)),
            "profile": str(engine.profile.folder),
        }
        return standing, old, facts, jobs


async def _proxy(engine: SoraWebEngine) -> str:
    try:
        proxy = await engine.proxies.current()
    except RushesError as error:
        return f"none can be had: {error.message}"
    if proxy is None:
        return "none"
    return str(proxy) + (f", {proxy.country}" if proxy.country else "")


@sora.command(short_help="Keep the session young, in one line (for cron).")
@which
@common
def refresh(as_json: bool, engine: str | None) -> int:
    """Keep the session young, in one line. Exits with 7 if it has ended.

    The service is asked each time. If it was wrong when it said that the session had ended, the jobs that
    waited for a sign-in continue.

    \b
    For a crontab, once a day (it prints only if something is wrong):
    17 9 * * *  rushes sora refresh >/dev/null
    """
    from rushes.engines.sora_web import signin

    async def run() -> tuple[Standing, list[str]]:
        async with Studio.open() as studio:
            found = open_engine(studio, engine)
            standing = await signin.refresh(found)
            return standing, _resume_jobs(studio, found.name, SignInNeeded.reason)

    with outside_a_job():
        standing, jobs = asyncio.run(run())
    if as_json:
        put_json({**standing.as_json(), "jobs": jobs})
    else:
        session, token = _time_left(standing.session_expires), _time_left(standing.token_expires)
        rest = f"; jobs: {_resumed(jobs)}" if jobs else ""
        echo(f"{standing.email} is signed in; session: {session}; token: {token}{rest}")
    return 0


@sora.command(short_help="Remove the session from this machine.")
@which
@common
def logout(as_json: bool, engine: str | None) -> int:
    """Remove the session from this machine: browser profile, cookies, what was noted of the account.

    Your clips and the records of your jobs stay, and a record may name the account. On the site itself
    the account stays signed in until you sign out there.
    """
    from rushes.engines.sora_web import signin
    from rushes.engines.sora_web.site import account_name

    async def run() -> tuple[str | None, str, list[str], Path]:
        # Also where the service has closed: what is here can go.
        async with Studio.open() as studio:
            found = sora_engine(studio, engine)
            profile = found.profile
            account, removed = profile.account, _remains(profile.folder)
            await signin.log_out(found)
            return account.get("email"), account_name(account), removed, profile.folder

    email, name, removed, folder = asyncio.run(run())
    if as_json:
        put_json({"email": email, "removed": removed, "profile": str(folder)})
    elif not removed:
        echo(f"nobody was signed in; there is nothing to remove in {folder}")
    else:
        echo(f"signed out {name}; removed from {folder}:")
        for one in removed:
            echo(f"  {one}")
        echo("your clips and the records of your jobs stay; a record may name the account")
    return 0


def _remains(folder: Path) -> list[str]:
    """Return the names of what a sign-in has left in a profile's folder."""
    names = {
        "browser": "the browser's profile",
        "state.json": "its cookies",
        "account.json": "what was known of the account",
        "proxy.json": "the pick of a proxy",
        "explore": "the recordings of rushes sora explore",
        "import": "what an interrupted import has left",
    }
    return [words for name, words in names.items() if (folder / name).exists()]


def _standing_pairs(standing: Standing) -> list[tuple[str, str]]:
    quota = "unknown" if standing.quota_left is None else f"{count_of(standing.quota_left, 'video')} left"
    if standing.quota_resets_at is not None:
        quota += f"; resets {standing.quota_resets_at:%Y-%m-%d %H:%M} UTC"
    asked = [("asked", age(standing.noted_at))] if standing.noted_at else []
    return [
        ("account", standing.email),
        ("session", f"alive, {_time_left(standing.session_expires)}"),
        ("token", _time_left(standing.token_expires)),
        ("quota", quota),
        *asked,
    ]


def _time_left(until: datetime | None) -> str:
    """Return how long something is good for, and until when."""
    if until is None:
        return "end unknown"
    seconds = (until - datetime.now(UTC)).total_seconds()
    if seconds <= 0:
        return f"ended {until:%Y-%m-%d %H:%M} UTC"
    for unit, length in (("day", 86_400), ("hour", 3600)):
        if seconds >= 2 * length:
            return f"{count_of(round(seconds / length), unit)} left"
    return f"{count_of(max(1, int(seconds // 60)), 'minute')} left"


for command in (explore, inspect, download, emulator):
    sora.add_command(command)
