"""What the browser says to others than the site, and what it keeps of what a person types: nothing."""

from __future__ import annotations

import json
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from rushes.domain.job import JobState
from rushes.engines.sora_web import signin
from rushes.engines.sora_web.preferences import PREFERENCES, TYPED, write_preferences
from rushes.testing.sora_emulator.accounts import PASSWORD
from rushes.testing.sora_process import SoraProcess
from tests.engines.sora_web.proxies import authenticating
from tests.engines.sora_web.stage import Stage

DIRECTOR = "director@example.com"
"""Who the emulator's scripted person is."""


def origins(emulator: SoraProcess) -> set[str]:
    """Return every "host:port" that belongs to the service."""
    return {urlsplit(emulator.base_url).netloc}


async def test_sign_in_job_and_refresh_speak_to_the_site_alone(
    tmp_path: Path, emulator: SoraProcess, screen: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A person signs in in a window, a job is made without one, the session is refreshed: a proxy that notes
    every host is asked for the site's own only. Afterwards no file has the password or the address.
    """
    monkeypatch.setenv("DISPLAY", screen)
    emulator.fault("scripted-person", 0.2)
    with authenticating(tmp_path, username="ada", password="invented") as proxy:
        stage = Stage(tmp_path / "home", emulator, proxy_url=proxy.url)
        async with stage.engine() as engine:
            assert (await signin.log_in(engine, 60)).email == DIRECTOR
        async with stage.working():
            job = await stage.made()
        async with stage.engine() as engine:
            await signin.refresh(engine)
        hosts = proxy.hosts
    emulator.clear()
    stage.close()
    assert job.state is JobState.COMPLETED, job.failure
    assert hosts == origins(emulator)
    default = stage.home / "profiles" / "sora-web" / "browser" / "Default"
    for file in [default / name for name in TYPED if (default / name).exists()]:
        assert DIRECTOR.encode() not in file.read_bytes(), file
        assert PASSWORD.encode() not in file.read_bytes(), file


async def test_settings_are_added_to_those_of_the_profile(stage: Stage) -> None:
    """A profile keeps its own settings beside ours, and the browser keeps ours; what an earlier version let
    it save of what was typed is gone, once.
    """
    browser = stage.home / "profiles" / "sora-web" / "browser"
    default = browser / "Default"
    default.mkdir(parents=True)
    (default / "Preferences").write_text('{"profile": {"name": "Ada"}, "signin": 7, "zoom": {"x": 1.5}}')
    for name in TYPED:
        (default / name).write_text("hunter2")
    async with stage.engine() as engine:
        await engine.lists.pending()
    found = json.loads((default / "Preferences").read_text())
    assert found["profile"]["name"] == "Ada"
    assert found["zoom"] == {"x": 1.5}
    assert holds(found, PREFERENCES)
    assert not any(b"hunter2" in (default / name).read_bytes() for name in TYPED if (default / name).exists())
    (default / "Login Data").write_text("something new")
    write_preferences(browser)
    assert (default / "Login Data").read_text() == "something new"


def holds(found: object, wanted: object) -> bool:
    """Whether all of `wanted` stands in `found`."""
    if isinstance(wanted, dict) and isinstance(found, dict):
        return all(name in found and holds(found[name], value) for name, value in wanted.items())
    return found == wanted
