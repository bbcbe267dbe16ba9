"""Exploring: what the page asks for is recorded, and no secret of it is written."""

from __future__ import annotations

import asyncio
import json
import os
import signal
from pathlib import Path

import pytest

from rushes.domain.errors import BadInput, SignInNeeded, Unreachable
from rushes.engines.sora_web.engine import SoraWebEngine
from rushes.engines.sora_web.explore import Journey, explore
from rushes.engines.sora_web.inspection import reading
from rushes.engines.sora_web.jar import SESSION_COOKIE
from rushes.engines.sora_web.recording import Exchange
from tests.engines.sora_web.stage import Stage


async def secrets_of(stage: Stage, engine: SoraWebEngine) -> list[str]:
    """Return the token, the cookie and the address of the signed-in account."""
    async with reading(engine, "the test"):
        session = await engine.site.session()
        cookie = await engine.site.tab.cookie(SESSION_COOKIE)
    assert cookie is not None
    return [session.token, cookie, stage.email]


async def test_a_visit_is_told_and_written_without_secrets(stage: Stage, tmp_path: Path) -> None:
    """Each call of the page is told of and stands in both files, which only their owner may read."""
    told: list[Exchange] = []
    async with stage.engine() as engine:
        secrets = await secrets_of(stage, engine)
        explored = await explore(engine, Journey(), tmp_path / "out", told.append)

        assert not engine.profile.held

    paths = [one.address for one in told]
    text = explored.har.read_text()
    assert "/api/auth/session" in paths
    assert any(path.startswith("/backend/project_y/feed?limit=") for path in paths)
    assert {one.status for one in told} == {200}
    assert [one["request"]["url"] for one in json.loads(text)["log"]["entries"]] == [
        stage.emulator.base_url + path for path in paths
    ]
    assert all(path in explored.table.read_text() for path in paths)
    for file in (explored.har, explored.table):
        assert file.stat().st_mode & 0o777 == 0o600
    for secret in secrets:
        assert secret not in text


async def test_the_bodies_of_answers_can_be_read(stage: Stage, tmp_path: Path) -> None:
    """What the session said stands in the file: its fields, and whose it is in a form that tells nobody."""
    async with stage.engine() as engine:
        explored = await explore(engine, Journey(), tmp_path, lambda _: None)

    entries = json.loads(explored.har.read_text())["log"]["entries"]
    (session,) = [one for one in entries if one["request"]["url"].endswith("/api/auth/session")]
    body = json.loads(session["response"]["content"]["text"])
    assert body["accessToken"] == "REDACTED"
    assert body["user"]["email"] == f"{stage.email[0]}***@example.com"
    assert session["response"]["content"]["size"] > len(body["user"])


async def test_everything_is_more_than_calls(stage: Stage, tmp_path: Path) -> None:
    """Asked for everything, the page itself is recorded too."""
    async with stage.engine() as engine:
        explored = await explore(engine, Journey(everything=True), tmp_path, lambda _: None)

    assert explored.exchanges[0].address == "/explore"


async def test_a_site_that_does_not_open_leaves_the_profile_free(stage: Stage, tmp_path: Path) -> None:
    """Where nothing answers it says so, what there was is written, and the browser can be had again."""
    async with stage.engine(base_url="http://127.0.0.1:9") as engine:
        with pytest.raises(Unreachable, match="could not be opened"):
            await explore(engine, Journey(), tmp_path, lambda _: None)

        assert not engine.profile.held
    assert json.loads((tmp_path / "requests.har").read_text())["log"]["entries"] == []


async def test_nobody_signed_in_opens_no_browser(tmp_path: Path, stage: Stage) -> None:
    """Without a sign-in there is nothing to explore, and no browser is started to find that out."""
    engine = SoraWebEngine("sora-web", {**stage.options, "work": str(tmp_path / "other" / "work")})

    with pytest.raises(SignInNeeded):
        await explore(engine, Journey(), tmp_path, lambda _: None)
    assert not engine.profile.browser.exists()


async def test_a_path_of_another_site_is_refused(stage: Stage, tmp_path: Path) -> None:
    """Only paths of the site are visited."""
    async with stage.engine() as engine:
        with pytest.raises(BadInput, match=r"example\.org"):
            await explore(engine, Journey(paths=("https://example.org/",)), tmp_path, lambda _: None)


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL])
async def test_a_browser_that_has_gone_takes_no_recording_with_it(
    stage: Stage, tmp_path: Path, screen: str, monkeypatch: pytest.MonkeyPatch, how: signal.Signals
) -> None:
    """Whether the person closes the browser or it is killed: that ends it, and what was seen is written."""
    monkeypatch.setenv("DISPLAY", screen)
    seen = asyncio.Event()
    async with stage.engine() as engine:

        def tell(one: Exchange) -> None:
            if "/feed" in one.address:
                seen.set()

        task = asyncio.create_task(explore(engine, Journey(headed=True), tmp_path, tell))
        async with asyncio.timeout(30):
            await seen.wait()
            # Chromium's own lock names it; asked to end, it closes its windows.
            lock = os.readlink(engine.profile.browser / "SingletonLock")
            os.kill(int(lock.rpartition("-")[2]), how)
            explored = await task

        assert not engine.profile.held
    entries = json.loads(explored.har.read_text())["log"]["entries"]
    assert any("/feed" in one["request"]["url"] for one in entries)


async def test_what_is_canceled_is_written_all_the_same(
    stage: Stage, tmp_path: Path, screen: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ctrl-C while a person explores keeps the recording, closes the browser and frees the profile."""
    monkeypatch.setenv("DISPLAY", screen)
    seen = asyncio.Event()
    async with stage.engine() as engine:
        task = asyncio.create_task(explore(engine, Journey(headed=True), tmp_path, lambda _: seen.set()))
        async with asyncio.timeout(30):
            await seen.wait()
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task

        assert not engine.profile.held
    assert json.loads((tmp_path / "requests.har").read_text())["log"]["entries"]
