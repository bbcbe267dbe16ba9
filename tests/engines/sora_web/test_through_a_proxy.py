"""The whole flow through a real proxy that wants a password: one that is set, or a Webshare account's."""

from __future__ import annotations

from contextlib import ExitStack, suppress
from pathlib import Path

import pytest

from rushes.domain.errors import BadSettings, Unreachable
from rushes.domain.job import JobState
from rushes.engines.sora_web import signin
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


async def test_every_call_goes_through_the_proxy(
    tmp_path: Path, emulator: SoraProcess, guarded: AuthenticatingProxy
) -> None:
    """The proxy's own log shows page and create; no file of the home holds its password."""
    stage = Stage(tmp_path / "home", emulator, proxy_url=guarded.url)
    stage.sign_in()
    async with stage.working():
        job = await stage.made()
    stage.close()
    assert job.state is JobState.COMPLETED, job.failure
    # It logs the first request of each connection; a create has one of its own.
    for path in ("/explore", "/backend/nf/create"):
        assert guarded.logged(path), path
    for file in stage.home.rglob("*"):
        if file.is_file():
            assert PASSWORD.encode() not in file.read_bytes(), file
            assert guarded.url.encode() not in file.read_bytes(), file


async def test_a_wrong_password_is_said_without_it(
    tmp_path: Path, emulator: SoraProcess, guarded: AuthenticatingProxy
) -> None:
    """Nothing is sent past the proxy, and the error names the proxy and where it was set."""
    wrong = guarded.url.replace("hunter", "wrong")
    stage = Stage(tmp_path / "home", emulator, proxy_url=wrong)
    stage.sign_in()
    async with stage.engine() as engine:
        with pytest.raises(BadSettings, match="does not take its user or password") as caught:
            await engine.lists.pending()
        assert "SORA_PROXY_URL" in caught.value.next
        assert "invented" not in f"{caught.value.message} {caught.value.next}"
        with pytest.raises(BadSettings):
            await stage.accepted_unprepared(engine)
    stage.close()
    assert stage.creates() == []


async def test_a_picked_proxy_that_fails_is_replaced_and_the_new_one_kept(
    tmp_path: Path, emulator: SoraProcess, guarded: AuthenticatingProxy
) -> None:
    """One of the account's proxies is dead: the flow goes through the other; signing out forgets it."""
    port = int(guarded.server.rpartition(":")[2])
    listed = [
        webshare.listed(number, address="127.0.0.1", port=place, username=USERNAME, password=PASSWORD)
        for number, place in enumerate([closed_port(), port], 1)
    ]
    with webshare.running(listed, key="an-invented-key") as account:
        settings = {"webshare_key": "an-invented-key", "webshare_url": account.url}
        stage = Stage(tmp_path / "home", emulator, **settings)
        stage.sign_in()
        async with stage.engine() as engine:
            # Whichever of the two comes first for this profile: in the end it is the one that works.
            await engine.lists.pending()
            kept = await engine.proxies.current()
            assert kept is not None
            assert kept.server.endswith(f":{port}")
        async with stage.engine() as engine:
            assert await engine.proxies.current() == kept
            await signin.log_out(engine)
            assert not (engine.profile.folder / "proxy.json").exists()
        stage.close()


async def test_a_picked_proxy_that_dies_while_the_page_is_warm_is_replaced(
    tmp_path: Path, emulator: SoraProcess
) -> None:
    """The next calls fail, and then they go through another one of the account."""
    with ExitStack() as stack:
        running = []
        for name in ("one", "two"):
            (tmp_path / name).mkdir()
            proxy = authenticating(tmp_path / name, username=USERNAME, password=PASSWORD)
            running.append(stack.enter_context(proxy))
        ports = {int(one.server.rpartition(":")[2]): one for one in running}
        listed = [
            webshare.listed(number, address="127.0.0.1", port=port, username=USERNAME, password=PASSWORD)
            for number, port in enumerate(ports, 1)
        ]
        account = stack.enter_context(webshare.running(listed, key="an-invented-key"))
        settings = {"webshare_key": "an-invented-key", "webshare_url": account.url}
        stage = Stage(tmp_path / "home", emulator, **settings)
        stage.sign_in()
        async with stage.engine() as engine:
            await engine.lists.pending()
            first = await engine.proxies.current()
            assert first is not None
            ports[int(first.server.rpartition(":")[2])].kill()
            with pytest.raises(Unreachable):
                await engine.lists.pending()
            # The browser says a moment after the page why a call failed: the next one may fail, too.
            for _ in range(5):
                with suppress(Unreachable):
                    assert await engine.lists.pending() == []
                    break
            assert await engine.proxies.current() != first
        stage.close()
