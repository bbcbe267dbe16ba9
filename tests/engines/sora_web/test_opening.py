"""The one way in which the browser is opened: for a sign-in, a recording, a command and a job alike."""

from __future__ import annotations

import json
import os
import shutil
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from rushes.domain.errors import BadSettings, SetupError, Unreachable
from rushes.domain.job import JobState
from rushes.engines.sora_web import inspection, signin
from rushes.engines.sora_web.explore import Journey, explore
from rushes.testing import webshare
from rushes.testing.sora_process import SoraProcess
from tests.engines.sora_web.proxies import (
    PASSWORD,
    USERNAME,
    AuthenticatingProxy,
    authenticating,
    closed_port,
)
from tests.engines.sora_web.stage import Stage

KEY = "an-invented-key"
DEAD = 2**22 + 1
"""No process has this number: it is above the largest there can be."""


@contextmanager
def account_with_a_dead_pick(stage: Stage, guarded: AuthenticatingProxy) -> Iterator[str]:
    """Give the stage a Webshare account of two proxies whose pick is dead; yield the server that lives."""
    port, dead = int(guarded.server.rpartition(":")[2]), closed_port()
    listed = [
        webshare.listed(number, address="127.0.0.1", port=place, username=USERNAME, password=PASSWORD)
        for number, place in enumerate([dead, port], 1)
    ]
    with webshare.running(listed, key=KEY) as account:
        stage.options |= {"webshare_key": KEY, "webshare_url": account.url}
        engine = stage.make()
        engine.profile.folder.mkdir(parents=True, exist_ok=True)
        pick = {"server": f"http://127.0.0.1:{dead}", "username": USERNAME, "password": PASSWORD}
        (engine.profile.folder / "proxy.json").write_text(
            json.dumps({"pick": {**pick, "country": "US"}, "failed": {}})
        )
        yield guarded.server


async def test_a_first_sign_in_whose_pick_is_dead_goes_through_the_next(
    tmp_path: Path,
    emulator: SoraProcess,
    guarded: AuthenticatingProxy,
    screen: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Nobody has signed in yet and the kept proxy is dead: the window opens through the other; told."""
    monkeypatch.setenv("DISPLAY", screen)
    emulator.fault("scripted-person", 0.2)
    stage = Stage(tmp_path / "home", emulator)
    told: list[str] = []
    with account_with_a_dead_pick(stage, guarded) as alive:
        async with stage.engine() as engine:
            engine.tell = told.append
            standing = await signin.log_in(engine, 60)
            kept = await engine.proxies.current()
    emulator.clear()
    stage.close()
    assert standing.alive
    assert kept is not None
    assert kept.server == alive
    (replaced,) = [words for words in told if "proxy" in words]
    assert "proxy 1 of 2" in replaced
    assert "does not answer; trying the next" in replaced
    assert guarded.logged("/explore")


async def test_a_recording_whose_pick_is_dead_goes_through_the_next(
    stage: Stage, guarded: AuthenticatingProxy, tmp_path: Path
) -> None:
    """The kept proxy is dead: what the page asked for is recorded through the other one."""
    with account_with_a_dead_pick(stage, guarded) as alive:
        async with stage.engine() as engine:
            explored = await explore(engine, Journey(), tmp_path / "recording", lambda _: None)
            kept = await engine.proxies.current()
    assert kept is not None
    assert kept.server == alive
    assert any("/api/auth/session" in one.address for one in explored.exchanges)


@pytest.mark.parametrize("place", ["otherhost-12345", "HERE-DEAD", "HERE-OWN"])
async def test_a_lock_of_no_living_browser_is_removed(stage: Stage, tmp_path: Path, place: str) -> None:
    """The browser's lock names another host, a process that has gone, or one that is no browser: it starts
    all the same, and the temporary folder of the browser that was killed is gone.
    """
    for word, what in {"HERE": socket.gethostname(), "DEAD": DEAD, "OWN": os.getpid()}.items():
        place = place.replace(word, str(what))
    socket_folder = tmp_path / "org.chromium.Chromium.AbCdEf"
    socket_folder.mkdir()
    browser = stage.home / "profiles" / "sora-web" / "browser"
    browser.mkdir(parents=True)
    (browser / "SingletonLock").symlink_to(place)
    (browser / "SingletonCookie").symlink_to("1234567")
    (browser / "SingletonSocket").symlink_to(socket_folder / "SingletonSocket")
    async with stage.engine() as engine:
        assert await engine.lists.pending() == []
    assert not socket_folder.exists()


async def test_a_window_without_a_screen_is_refused_in_the_same_words(
    stage: Stage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A sign-in, a recording and a list, each with a window, say the same where there is no screen."""
    monkeypatch.delenv("DISPLAY", raising=False)
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    sentences = set()
    async with stage.engine(headed=True) as engine:

        async def inspect() -> None:
            async with inspection.reading(engine, "rushes sora inspect pending"):
                await inspection.pending(engine)

        ways = [
            signin.log_in(engine, 60),
            explore(engine, Journey(headed=True), tmp_path / "recording", lambda _: None),
            inspect(),
        ]
        for way in ways:
            with pytest.raises(SetupError) as caught:
                await way
            sentences.add(f"{caught.value.message}; {caught.value.next}")
    assert len(sentences) == 1
    assert "there is no screen here" in sentences.pop()


async def test_a_worker_without_a_screen_says_so_on_its_job(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The worker was started without a screen, whatever a person's terminal has: the job names the worker."""
    monkeypatch.delenv("DISPLAY", raising=False)
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    stage.options["headed"] = True
    async with stage.working():
        job = await stage.made()
    assert (job.state, job.reason) == (JobState.BLOCKED, "setup")
    assert job.failure is not None
    assert job.failure.message == f"the worker (process {os.getpid()}) has no screen to show the browser on"
    assert "headed = true" in job.failure.next


async def test_a_screen_that_does_not_answer_is_named(
    stage: Stage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """DISPLAY names a screen that is not there: the error names it, and not what Playwright makes of it."""
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    monkeypatch.setenv("DISPLAY", ":987")
    async with stage.engine() as engine:
        with pytest.raises(SetupError, match=r"the screen :987 .* does not answer"):
            await explore(engine, Journey(headed=True), tmp_path / "recording", lambda _: None)


async def test_a_second_sign_in_says_at_once_who_has_the_window(
    stage: Stage, screen: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """While somebody signs in, the next one is told so, and no window is announced to him."""
    monkeypatch.setenv("DISPLAY", screen)
    told: list[str] = []
    async with stage.engine() as engine, stage.engine() as other:
        other.tell = told.append
        await engine.profile.ask_for("rushes sora login", window=True)
        with pytest.raises(
            Unreachable, match=rf"rushes sora login \(process {os.getpid()}\) has its window open"
        ):
            # It would be waited for until the time limit of this test otherwise.
            await signin.log_in(other, 600)
        engine.profile.release()
    assert told == []


async def test_a_password_that_the_proxy_stops_taking_blocks_a_job(
    stage: Stage, tmp_path: Path, guarded: AuthenticatingProxy
) -> None:
    """A job meets a proxy that refuses the password: it waits for a person, who is told where to look."""
    stage.options["proxy_url"] = guarded.url.replace("hunter", "wrong")
    async with stage.working():
        job = await stage.made()
    assert (job.state, job.reason) == (JobState.BLOCKED, "setup")
    assert job.failure is not None
    assert job.failure.message == f"the proxy {guarded.server[7:]} does not take its user or password"
    assert "SORA_PROXY_URL" in job.failure.next


async def test_a_password_that_changes_while_the_page_is_warm(stage: Stage, tmp_path: Path) -> None:
    """The proxy takes another password from one moment to the next: the second call says so."""
    old, new = tmp_path / "old", tmp_path / "new"
    old.mkdir()
    new.mkdir()
    with authenticating(old, username=USERNAME, password=PASSWORD) as first:
        async with stage.engine(proxy_url=first.url) as engine:
            await engine.lists.pending()
            first.kill()
            port = int(first.server.rpartition(":")[2])
            with authenticating(new, username=USERNAME, password="another-invented", port=port):
                with pytest.raises(Unreachable):
                    await engine.lists.pending()
                with pytest.raises(BadSettings, match="does not take its user or password"):
                    await engine.lists.pending()


async def test_a_driver_that_ends_at_its_start_is_asked_again(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Playwright's process is killed while it starts: that is no mistake of ours, and the next call works."""
    async with stage.engine() as engine:
        monkeypatch.setenv("PLAYWRIGHT_NODEJS_PATH", str(shutil.which("false")))
        with pytest.raises(Unreachable, match="drives the browser"):
            await engine.lists.pending()
        monkeypatch.delenv("PLAYWRIGHT_NODEJS_PATH")
        assert await engine.lists.pending() == []
