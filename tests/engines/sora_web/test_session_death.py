"""A session is called dead only if it is: one answer without a token is not believed."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import pytest
from playwright.async_api import BrowserContext

from rushes.domain.errors import EngineError, SignInNeeded
from rushes.domain.job import JobState
from rushes.engines.sora_web import signin
from tests.engines.sora_web.person import kill_browser
from tests.engines.sora_web.stage import Stage
from tests.engines.working import until

READS = """() => {
  for (let at = 0; at < 100; at += 5) setTimeout(() => fetch("/api/auth/session", {cache: "no-store"}), at);
}"""
"""The page reads its session again and again for a tenth of a second."""


@pytest.mark.parametrize(("answers", "reads"), [(1, 2), (2, 4)])
async def test_an_answer_without_a_token_is_asked_about_again(stage: Stage, answers: int, reads: int) -> None:
    """It is asked again, then after one page load, with which the page reads it too; the session lives."""
    async with stage.engine() as engine:
        await engine.lists.pending()
        before = session_reads(stage)
        stage.emulator.fault("session-dead", times=answers)
        await engine.site.renew()

        assert signin.standing(engine).alive
        assert session_reads(stage) - before == reads


async def test_the_page_asks_at_the_same_moment(stage: Stage) -> None:
    """Every read ends the cookie that another one under way carries: the session outlives that."""
    stage.emulator.fault("session-rotates", "drop")
    async with stage.engine() as engine:
        await engine.lists.pending()
        for _ in range(2):
            async with engine.site.tab.page.hold() as browser:
                await browser.page.evaluate(READS)
            await engine.site.renew()

        assert signin.standing(engine).alive


async def test_a_dead_session_costs_one_page_load_for_all_jobs(stage: Stage) -> None:
    """Three jobs learn that it has ended at the same time: one of them asks, and no browser is opened."""
    stage.emulator.fault("never-ends", match=stage.prompt())
    async with stage.working():
        jobs = [await stage.submit(str(number)) for number in range(3)]
        for job in jobs:
            await stage.settled(job, JobState.RUNNING)
        before = session_reads(stage)
        stage.emulator.fault("session-dead")
        stage.emulator.fault("token-invalidated", "session", times=1)
        for job in jobs:
            blocked = await stage.settled(job, JobState.BLOCKED)
            assert blocked.reason == "sign-in"

    assert session_reads(stage) - before == 4


async def test_a_session_found_dead_is_asked_about_again_after_a_while(stage: Stage) -> None:
    """Until then nothing is sent; then the service is asked, says that it lives, and everything goes on."""
    async with stage.engine() as engine, stage.engine(recheck_after=0.0) as later:
        stage.emulator.fault("session-dead")
        with pytest.raises(SignInNeeded, match="has ended"):
            await engine.lists.pending()
        stage.emulator.clear()
        asked = len(stage.emulator.requests())
        with pytest.raises(SignInNeeded, match=r"has ended \(as the service said \d+ s ago\)"):
            await engine.lists.pending()
        assert len(stage.emulator.requests()) == asked

        assert await later.lists.pending() == []
        assert signin.standing(later).alive
        await later.site.leave()
        assert await engine.lists.pending() == []


async def test_refresh_asks_about_a_session_that_was_found_dead(stage: Stage) -> None:
    """What was noted keeps nobody from asking: it lives."""
    async with stage.engine() as engine:
        stage.emulator.fault("session-dead")
        with suppress(EngineError):
            await signin.refresh(engine)
        assert not signin.standing(engine).alive
        stage.emulator.clear()

        assert (await signin.refresh(engine)).alive


@pytest.mark.parametrize("orderly", [True, False])
async def test_the_newest_cookies_are_restored(stage: Stage, orderly: bool) -> None:
    """A browser that ended in order has the newest itself; of one that was killed, state.json has them."""
    async with stage.engine() as engine:
        await engine.lists.pending()
        async with engine.site.tab.page.hold() as browser:
            device = await engine_cookie(browser.context, stage)
            # No answer brings this, so nothing exports it: only the browser's own profile can have it.
            await browser.context.add_cookies([{**device, "value": "newer"}])  # type: ignore[typeddict-item]
            if orderly:
                await browser.context.close()
            else:
                await browser.export()
                kill_browser(stage)
        await engine.site.leave()

        assert await engine.site.tab.cookie("oai-did") == "newer"


async def test_cookies_that_end_with_the_browser_outlive_its_orderly_end(stage: Stage) -> None:
    """The profile has the newest cookies, but not those: they come from state.json."""
    stage.emulator.fault("session-cookie-only")
    stage.sign_in()
    for _ in range(2):
        async with stage.engine() as engine:
            assert await engine.lists.pending() == []


async def test_what_the_page_was_given_is_written_at_once(stage: Stage) -> None:
    """The page reads the session by itself, its cookie is replaced, and a kill follows: it is kept."""
    stage.emulator.fault("session-rotates", "drop")
    async with stage.engine() as engine:
        await engine.lists.pending()
        async with engine.site.tab.page.hold() as browser:
            old = engine.profile.state
            await browser.page.evaluate("fetch('/api/auth/session').then(answer => answer.text())")
            await until(lambda: engine.profile.state != old)
            kill_browser(stage)
        with suppress(EngineError):
            await engine.lists.pending()
        assert await engine.lists.pending() == []


async def engine_cookie(context: BrowserContext, stage: Stage) -> dict[str, Any]:
    """Return the cookie by which the site knows the browser."""
    (found,) = [one for one in await context.cookies(stage.emulator.base_url) if one["name"] == "oai-did"]
    return dict(found)


def session_reads(stage: Stage) -> int:
    """Return how often the session was read; tests of one emulator come one after the other."""
    return len(stage.emulator.requests("/api/auth/session"))
