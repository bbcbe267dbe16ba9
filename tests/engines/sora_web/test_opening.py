"""The one way in which the browser is opened: for a sign-in, a recording, a command and a job alike."""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from rushes.engines.sora_web import signin
from rushes.engines.sora_web.explore import Journey, explore
from rushes.testing import webshare
from rushes.testing.sora_process import SoraProcess
from tests.engines.sora_web.proxies import AuthenticatingProxy, authenticating
from tests.engines.sora_web.stage import Stage

USERNAME = "ada-invented"
PASSWORD = "hunter/two@invented:%#"
KEY = "an-invented-key"


def closed_port() -> int:
    """Return a port on which nobody listens."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[AuthenticatingProxy]:
    with authenticating(tmp_path_factory.mktemp("proxy"), username=USERNAME, password=PASSWORD) as running:
        yield running


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
            standing = await signin.log_in(engine, os.environ, 60)
            kept = await engine.proxies.current()
    emulator.clear()
    stage.close()
    assert standing.alive
    assert kept is not None
    assert kept.server == alive
    assert len(told) == 1
    assert "proxy 1 of 2" in told[0]
    assert "does not answer; trying the next" in told[0]
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
