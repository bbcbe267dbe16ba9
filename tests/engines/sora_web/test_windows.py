"""What a person does in a window of the browser holds once the window is closed by hand."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from rushes.domain.errors import SignInNeeded
from rushes.engines.sora_web import signin
from rushes.engines.sora_web.explore import Journey, explore
from tests.engines.sora_web.person import at_window, close_window, open_browser, sign_in, sign_out
from tests.engines.sora_web.stage import Stage

OTHER = "somebody.else@example.com"


@pytest.fixture(autouse=True)
def _display(screen: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DISPLAY", screen)


async def test_a_session_that_rotated_in_a_window_lives_on(stage: Stage, tmp_path: Path) -> None:
    """Each read of the session ends the cookie before: those that the page was given last are kept."""
    stage.emulator.fault("session-rotates", "drop")
    async with stage.engine(browser=open_browser(stage)) as engine:
        exploring = asyncio.create_task(explore(engine, Journey(headed=True), tmp_path, lambda _: None))
        async with at_window(stage) as page:
            await page.evaluate("fetch('/api/auth/session').then(answer => answer.text())")
            await close_window(page)
            await exploring

        assert (await signin.refresh(engine)).email == stage.email
        assert len(stage.emulator.requests("/api/auth/session")) > 2


@pytest.mark.parametrize("command", ["explore", "login"])
async def test_who_signs_in_as_somebody_else_stays_so(stage: Stage, tmp_path: Path, command: str) -> None:
    """Signed out and in again in one window: the account that the window was closed with is what holds."""
    async with stage.engine(browser=open_browser(stage)) as engine:
        if command == "explore":
            work = asyncio.create_task(explore(engine, Journey(headed=True), tmp_path, lambda _: None))
        else:
            work = asyncio.create_task(signin.log_in(engine, 60))  # type: ignore[arg-type]
        async with at_window(stage) as page:
            await sign_out(page)
            await sign_in(page, OTHER)
            await close_window(page)
            done = await work

        if isinstance(done, signin.Standing):
            assert (done.email, done.alive) == (OTHER, True)
        assert (await signin.refresh(engine)).email == OTHER


async def test_who_signs_out_in_the_window_of_login_is_told_so(stage: Stage) -> None:
    """Nobody is signed in when the window is closed, and that is what is said, not who was before."""
    async with stage.engine(browser=open_browser(stage)) as engine:
        logging_in = asyncio.create_task(signin.log_in(engine, 60))
        async with at_window(stage) as page:
            await sign_out(page)
            await close_window(page)
            with pytest.raises(SignInNeeded, match=r"nobody is signed in|has ended"):
                await logging_in

        assert not signin.standing(engine).alive
