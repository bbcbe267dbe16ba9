"""The session: its token is renewed, its cookies survive, and a dead one waits for a person."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import stat
import sys
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest

from rushes.domain.errors import BadInput, SignInNeeded, Unreachable
from rushes.domain.job import JobState
from rushes.engines.sora_web import signin
from rushes.engines.sora_web.call import Call
from rushes.engines.sora_web.jar import SESSION_COOKIE
from rushes.engines.sora_web.profile import read
from rushes.engines.sora_web.session import RENEW_BEFORE
from rushes.testing.sora_process import SoraProcess, running_sora, start_sora
from tests.engines.sora_web.person import kill_browser
from tests.engines.sora_web.stage import Stage
from tests.engines.working import until


@pytest.mark.parametrize("fault", ["token-expired", "token-unparsable"])
async def test_a_token_that_is_taken_no_longer_is_renewed_once(stage: Stage, fault: str) -> None:
    """The session gives another, and the job goes on."""
    async with stage.working():
        job = await stage.submit()
        await stage.settled(job, JobState.QUEUED, JobState.RUNNING)
        stage.emulator.fault(fault, times=1)
        job = await stage.settled(job)
    assert job.state is JobState.COMPLETED
    assert len(stage.creates()) == 1


async def test_a_token_near_its_end_is_renewed_before_it_is_used(tmp_path: Path) -> None:
    """What is left of a token is read from the token itself: nothing is ever refused as expired."""
    with running_sora(tmp_path / "creates.jsonl", speed=1.0, faults=["token-lifetime=120"]) as emulator:
        stage = Stage(tmp_path / "home", emulator)
        stage.sign_in()
        async with stage.engine() as engine:
            for _ in range(3):
                await engine.lists.pending()
        stage.close()
        reads = [one for one in emulator.requests() if one["path"] == "/api/auth/session"]
        assert len(reads) >= 3
        assert {one["status"] for one in emulator.requests("/backend/")} == {200}


async def test_a_token_is_renewed_when_its_own_end_comes_near(tmp_path: Path) -> None:
    """Not sooner, and before the service refuses it; where reading the session brings none, by its page."""
    faults = ["token-needs-page", f"token-lifetime={RENEW_BEFORE.total_seconds() + 3:g}"]
    with running_sora(tmp_path / "creates.jsonl", speed=1000.0, faults=faults) as emulator:
        stage = Stage(tmp_path / "home", emulator)
        stage.sign_in()
        async with stage.engine() as engine:
            first = now = await engine.site.session()
            assert first.token_expires is not None
            while now.token == first.token:
                before = datetime.now(UTC)
                await engine.lists.pending()
                now = await engine.site.session()
                # Two looks at the clock: the call may have renewed it, or the question after that.
                assert now.token != first.token or before < first.token_expires - RENEW_BEFORE
            assert datetime.now(UTC) >= first.token_expires - RENEW_BEFORE
        stage.close()
        assert {one["status"] for one in emulator.requests("/backend/")} == {200}


async def test_a_session_that_is_looked_at_stays_young(tmp_path: Path) -> None:
    """Sixty days and sixty more: one of ninety lives on if it was refreshed in between; else it ends."""
    with running_sora(tmp_path / "creates.jsonl") as emulator:
        stage = Stage(tmp_path / "home", emulator)
        stage.sign_in()
        async with stage.engine() as engine:
            for _ in range(2):
                emulator.advance(timedelta(days=60).total_seconds())
                session = await engine.site.renew()
            assert session.expires is not None
            # A hundred and twenty days ahead of this machine's clock, and ninety more.
            assert (session.expires - datetime.now(UTC)).days in (209, 210)
            emulator.advance(timedelta(days=91).total_seconds())
            with pytest.raises(SignInNeeded):
                await engine.site.renew()
        stage.close()


async def test_a_service_that_restarts_goes_on_where_it_was(tmp_path: Path) -> None:
    """It is killed in a render and comes back: the job ends, by one create, and its person is signed in."""
    log, state = tmp_path / "creates.jsonl", tmp_path / "state"
    emulator = start_sora(log, speed=1.0, state=state)
    stage = Stage(tmp_path / "home", emulator)
    stage.sign_in()
    try:
        async with stage.working():
            job = await stage.submit()
            await stage.settled(job, JobState.QUEUED, JobState.RUNNING)
            emulator.process.kill()
            emulator.stop()
            port = httpx.URL(emulator.base_url).port
            emulator = stage.emulator = start_sora(log, speed=200.0, state=state, port=port or 0)
            job = await stage.settled(job)
        assert job.state is JobState.COMPLETED, job.failure
        assert len(log.read_text().splitlines()) == len(stage.creates()) == 1
        async with stage.engine() as engine:
            assert (await engine.site.renew()).email == stage.email
    finally:
        stage.close()
        emulator.stop()


@pytest.mark.parametrize(
    ("fault", "value"),
    [
        ("token-invalidated", None),
        ("session-dead", "object"),
        ("session-dead", "null"),
        ("session-dead", "empty"),
    ],
)
async def test_a_job_waits_for_the_next_sign_in_and_then_goes_on(
    stage: Stage, fault: str, value: str | None
) -> None:
    """A dead session blocks the job with its task kept; after the sign-in it becomes its clip, once."""
    async with stage.working():
        job = await stage.submit()
        await stage.settled(job, JobState.QUEUED, JobState.RUNNING)
        stage.emulator.fault(fault, value)
        if fault == "session-dead":
            # The session is read again when its token is refused.
            stage.emulator.fault("token-expired", times=1)
        job = await stage.settled(job, JobState.BLOCKED)
        assert job.reason == "sign-in"
        assert job.failure is not None
        assert "rushes sora login" in job.failure.next
        stage.emulator.clear()
        stage.sign_in()
        stage.studio.collect(job.id)
        job = await stage.settled(job, JobState.COMPLETED, JobState.FAILED)
    assert job.state is JobState.COMPLETED
    assert len(stage.creates()) == 1


async def test_nobody_signed_in_starts_no_browser(tmp_path: Path, emulator: SoraProcess) -> None:
    """A job is blocked with what to do, and its profile is not even made."""
    stage = Stage(tmp_path / "home", emulator)
    async with stage.working():
        job = await stage.made()
    stage.close()
    assert (job.state, job.reason) == (JobState.BLOCKED, "sign-in")
    assert not (stage.home / "profiles" / "sora-web" / "browser").exists()


@pytest.mark.parametrize(
    ("fault", "value"),
    [("session-rotates", "drop"), ("session-split", None), ("session-cookie-only", None)],
)
async def test_the_session_outlives_the_browser(
    tmp_path: Path, emulator: SoraProcess, fault: str, value: str | None
) -> None:
    """Rotated, split and session cookies are put back when the browser starts again, after a kill too."""
    emulator.fault(fault, value)
    try:
        stage = Stage(tmp_path / "home", emulator)
        stage.sign_in()
        for _ in range(3):
            async with stage.engine() as engine:
                await engine.lists.pending()
                assert len(await engine.lists.pending()) == 0
                kill_browser(stage)
        names = [one["name"] for one in engine.profile.state["cookies"]]
        assert any(name.startswith(SESSION_COOKIE) for name in names)
        stage.close()
    finally:
        emulator.clear()


async def test_a_crashed_browser_is_replaced(stage: Stage) -> None:
    """The next call starts another; nobody notices but for the second it takes."""
    async with stage.engine() as engine:
        await engine.lists.pending()
        kill_browser(stage)
        # The first call may still meet the one that died.
        with suppress(Unreachable):
            await engine.lists.pending()
        assert await engine.lists.pending() == []


async def test_a_job_survives_the_browsers_death(stage: Stage) -> None:
    """The browser is killed while a job is followed: it is started again, and the clip comes."""
    async with stage.working():
        job = await stage.submit()
        await stage.settled(job, JobState.QUEUED, JobState.RUNNING)
        kill_browser(stage)
        job = await stage.settled(job)
    assert job.state is JobState.COMPLETED
    assert len(stage.creates()) == 1


async def test_an_unused_browser_is_closed(stage: Stage) -> None:
    """After its idle time the profile is free for others."""
    async with stage.engine(idle_s=0.3) as engine:
        await engine.lists.pending()
        await until(lambda: not engine.profile.held)


async def test_a_browser_that_has_grown_is_closed(stage: Stage) -> None:
    """The page's script leaks, as pages do: a new browser is started for the next call."""
    async with stage.engine(largest_heap=1) as engine:
        await engine.lists.pending()
        await until(lambda: not engine.profile.held)
        assert await engine.lists.pending() == []


async def test_a_worker_gives_way_to_a_person_who_asks(stage: Stage) -> None:
    """`rushes sora inspect` gets the browser while a job is followed, and the job goes on after it."""
    stage.emulator.fault("never-ends", match=stage.prompt())
    async with stage.working():
        job = await stage.submit()
        await stage.settled(job, JobState.RUNNING)
        async with stage.engine() as engine:
            await engine.profile.ask_for("rushes sora inspect")
            assert [one["prompt"] for one in await engine.lists.pending()] == [stage.prompt()]
        polled = len(stage.emulator.requests("/nf/tasks/"))
        await until(lambda: len(stage.emulator.requests("/nf/tasks/")) > polled)


async def test_a_persons_browser_does_not_give_way(stage: Stage) -> None:
    """Who meets it is told which process has it, and a job that wants it waits."""
    async with stage.engine() as engine, stage.engine() as other:
        engine.profile.take("rushes sora login")
        with pytest.raises(Unreachable, match=rf"rushes sora login \(process {os.getpid()}\)"):
            await other.profile.ask_for("rushes sora status", patience=0.2)
        with pytest.raises(Unreachable):
            await other.lists.pending()
        engine.profile.release()


async def test_two_persons_do_not_take_the_browser_from_each_other(stage: Stage) -> None:
    """`rushes sora status` while `rushes sora inspect` is between two calls: the second one has to wait."""
    async with stage.engine() as first, stage.engine() as second:
        await first.profile.ask_for("rushes sora inspect")
        await first.lists.pending()
        with pytest.raises(Unreachable, match="rushes sora inspect"):
            await second.profile.ask_for("rushes sora status", patience=1.0)
        assert first.profile.held
        async with first.site.tab.page.hold() as browser:
            await browser.page.close()
            browser.crashed = True
        await first.lists.pending()
        assert read(first.profile.folder / "owner.json")["doing"] == "rushes sora inspect"


async def test_handing_over_takes_turns_under_load(stage: Stage) -> None:
    """Three pollers that never pause do not keep a person from the browser."""
    async with stage.engine() as busy, stage.engine() as person:
        await busy.lists.pending()

        async def poll() -> None:
            while True:
                with suppress(Unreachable):
                    await busy.lists.pending()

        pollers = [asyncio.create_task(poll()) for _ in range(3)]
        await person.profile.ask_for("rushes sora inspect", patience=5.0)
        person.profile.release()
        for poller in pollers:
            poller.cancel()
        await asyncio.wait(pollers)


async def test_a_worker_notices_that_somebody_else_has_signed_in(stage: Stage, tmp_path: Path) -> None:
    """The browser was away for a sign-in: what is created after it belongs to who signed in."""
    other = Stage(tmp_path / "other", stage.emulator)
    async with stage.engine() as worker, stage.engine() as person:
        await stage.accepted(worker, "before")
        await signin.import_state(person, other.exported())
        await stage.accepted(worker, "after")
    other.close()
    accounts = [entry["account"] for entry in stage.creates()]
    assert accounts == [stage.email, other.email]


async def test_a_page_that_hangs_is_replaced(stage: Stage) -> None:
    """Its script has gone into an endless loop: the call ends in time, and the next one has a new page."""
    async with stage.engine() as engine:
        await engine.lists.pending()
        async with engine.site.tab.page.hold() as browser:
            await browser.page.evaluate("setTimeout(() => { for (;;); }, 0)")
        with pytest.raises(Unreachable):
            await engine.site.tab.ask(Call(method="GET", path="/api/auth/session", headers={}, seconds=1.0))
        assert await engine.lists.pending() == []


async def test_a_page_that_has_left_the_site_sends_nothing(stage: Stage, tmp_path: Path) -> None:
    """A script has taken it to another host: no token goes there, and the next call is made from home."""
    with running_sora(tmp_path / "elsewhere.jsonl") as elsewhere:
        async with stage.engine() as engine:
            await engine.lists.pending()
            async with engine.site.tab.page.hold() as browser:
                await browser.page.goto(f"{elsewhere.base_url}/explore")
            with pytest.raises(Unreachable, match="left the site"):
                await engine.lists.pending()
            assert await engine.lists.pending() == []
        assert not any(one["had_bearer"] for one in elsewhere.requests())


async def test_a_launch_that_is_given_up_leaves_nothing_behind(stage: Stage) -> None:
    """No process stays on the profile, and the next launch works."""
    async with stage.engine() as engine:
        for tenths in (1, 4, 8):
            with suppress(TimeoutError):
                async with asyncio.timeout(tenths / 10):
                    await engine.lists.pending()
            await engine.site.leave()
        await until(lambda: processes_on(stage) == 0)
        assert await engine.lists.pending() == []


async def test_an_import_that_cannot_be_tried_changes_nothing(stage: Stage, tmp_path: Path) -> None:
    """The service errs just then: who was signed in still is."""
    other = Stage(tmp_path / "other", stage.emulator)
    async with stage.engine() as engine:
        await engine.lists.pending()
        stage.emulator.fault("session-500")
        with pytest.raises(Unreachable):
            await signin.import_state(engine, other.exported())
        stage.emulator.clear()
        await stage.accepted(engine)
    other.close()
    assert [entry["account"] for entry in stage.creates()] == [stage.email]


async def test_an_import_while_a_job_runs_blocks_nothing(stage: Stage) -> None:
    """The cookies are tried beside it, and change hands between two of its polls: the clip comes."""
    stage.emulator.fault("never-ends", match=stage.prompt())
    async with stage.working(), stage.engine() as person:
        job = await stage.submit()
        await stage.settled(job, JobState.RUNNING)
        await signin.import_state(person, stage.exported())
        polled = len(stage.emulator.requests("/nf/tasks/"))
        await until(lambda: len(stage.emulator.requests("/nf/tasks/")) > polled)
        events = [event["kind"] for event in stage.studio.ledger.events(job.id)]

        assert stage.studio.ledger.job(job.id).state is JobState.RUNNING
    assert "blocked" not in events


async def test_an_import_that_fails_leaves_no_cookie(stage: Stage, tmp_path: Path) -> None:
    """What was tried and not taken is on this machine nowhere, and what was there is as it was."""
    other = Stage(tmp_path / "other", stage.emulator)
    before = stage.home / "profiles" / "sora-web" / "state.json"
    state = before.read_bytes()
    stage.emulator.fault("session-dead")
    async with stage.engine() as engine:
        with pytest.raises(SignInNeeded, match="does not take the session in"):
            await signin.import_state(engine, other.exported())
    other.close()
    assert before.read_bytes() == state
    assert [path.name for path in (before.parent / "import").iterdir()] == ["lock"]


async def test_cookies_of_another_machine_are_taken_over(tmp_path: Path, emulator: SoraProcess) -> None:
    """What an exporter wrote, and our own state.json: both sign in; the files are for nobody else to read."""
    first, second = Stage(tmp_path / "first", emulator), Stage(tmp_path / "second", emulator)
    async with first.engine() as engine:
        standing = await signin.import_state(engine, first.exported())
        assert (standing.email, standing.alive) == (first.email, True)
        assert standing.session_expires is not None
        state = engine.profile.folder / "state.json"
        assert [stat.S_IMODE(path.stat().st_mode) for path in (state, state.parent)] == [0o600, 0o700]
    async with second.engine() as engine:
        assert (await signin.import_state(engine, state)).email == first.email
    first.close()
    second.close()


async def test_cookies_that_are_dead_change_nothing(stage: Stage) -> None:
    """The file is refused, and who was signed in still is."""
    cookies = stage.cookies()
    for cookie in cookies:
        cookie["value"] = "dead"
    file = stage.home / "dead.json"
    file.write_text(json.dumps(cookies))
    async with stage.engine() as engine:
        await engine.lists.pending()
        with pytest.raises(SignInNeeded, match="dead"):
            await signin.import_state(engine, file)
        assert await engine.lists.pending() == []


@pytest.mark.parametrize("text", ["", "[]", '{"cookies": 7}', '[{"name": "a", "domain": "b"}]'])
async def test_a_file_without_a_session_is_refused(stage: Stage, text: str) -> None:
    """Said before any browser is started."""
    file = stage.home / "cookies.json"
    file.write_text(text)
    async with stage.engine() as engine:
        with pytest.raises(BadInput, match=r"cookies\.json"):
            await signin.import_state(engine, file)


async def test_signing_out_leaves_nothing(stage: Stage) -> None:
    """Profile, cookies, account: all gone; signing out twice is no mistake."""
    async with stage.engine() as engine:
        await engine.lists.pending()
        await signin.log_out(engine)
        await signin.log_out(engine)
        left = [path.name for path in engine.profile.folder.iterdir()]
        assert left == ["lock"]
        with pytest.raises(SignInNeeded):
            signin.standing(engine)


LOG_IN = """
import asyncio, os, sys
from rushes.engines.sora_web import signin
from rushes.engines.sora_web.engine import SoraWebEngine

async def main():
    engine = SoraWebEngine("sora-web", {"base_url": sys.argv[1], "work": sys.argv[2]})
    print((await signin.log_in(engine, 60)).email, flush=True)
    await asyncio.sleep(60)

asyncio.run(main())
"""


@pytest.mark.parametrize("moment", ["before it closes", "a second later"])
async def test_a_kill_right_after_the_sign_in_keeps_the_session(
    tmp_path: Path, emulator: SoraProcess, screen: str, moment: str
) -> None:
    """A person signs in through the form in a visible browser; SIGKILL; the session is there."""
    emulator.fault("scripted-person", "0.2")
    stage = Stage(tmp_path / "home", emulator)
    words = [sys.executable, "-c", LOG_IN, emulator.base_url, str(stage.home / "work")]
    account = stage.home / "profiles" / "sora-web" / "account.json"
    process = await asyncio.create_subprocess_exec(
        *words, stdout=asyncio.subprocess.PIPE, env={**os.environ, "DISPLAY": screen}
    )
    await until(account.exists, patience=40)
    if moment == "a second later":
        assert process.stdout is not None
        await process.stdout.readline()
        await asyncio.sleep(1)
    process.kill()
    await process.wait()
    emulator.clear()
    async with stage.engine() as engine:
        assert await engine.lists.pending() == []
        assert signin.standing(engine).email == "director@example.com"
    stage.close()


async def test_a_person_who_is_signed_in_keeps_the_window(
    stage: Stage, screen: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """He has come to pass a check of the site's: the window stays until he closes it."""
    monkeypatch.setenv("DISPLAY", screen)
    told: list[str] = []
    async with stage.engine() as engine:
        engine.tell = told.append
        looking = asyncio.create_task(signin.log_in(engine, 60))
        await until(lambda: bool(told) and stage.email in told[-1])
        await asyncio.sleep(1.5)
        assert not looking.done()
        close_window(stage)
        assert (await looking).email == stage.email
        assert await engine.lists.pending() == []


def close_window(stage: Stage) -> None:
    """Close the stage's browser as a person does: it ends in order."""
    lock = stage.home / "profiles" / "sora-web" / "browser" / "SingletonLock"
    os.kill(int(os.readlink(lock).rpartition("-")[2]), signal.SIGINT)


def processes_on(stage: Stage) -> int:
    """Return how many processes have this stage's profile on their command line."""
    profile = str(stage.home / "profiles").encode()
    found = 0
    for file in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError):
            found += profile in file.read_bytes()
    return found
