"""Settings that a person changes while jobs are carried: nothing is made twice, and nobody waits in vain."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import keyring
import pytest

from rushes import settings
from rushes.domain.errors import EngineFault, KeyringLocked
from rushes.domain.job import JobState
from rushes.domain.request import VideoRequest
from rushes.jobs.pace import Limits
from rushes.jobs.starter import is_held
from rushes.studio import Studio
from tests.jobs.shop import Shop
from tests.keyrings import paper
from tests.test_accounts import job_of

LAB = '[engines.lab]\nengine = "scripted"\nbase_url = "http://127.0.0.1:9"\n'


def renderers() -> int:
    """Return how many processes of this one draw a storyboard."""
    children = Path("/proc/self/task").glob("*/children")
    pids = [pid for file in children for pid in file.read_text().split()]
    lines = []
    for pid in pids:
        try:
            lines.append(Path(f"/proc/{pid}/cmdline").read_bytes())
        except OSError:
            continue
    return sum(b"rushes.engines.animatic.render" in line for line in lines)


@pytest.mark.skipif(sys.platform != "linux", reason="processes are counted under /proc")
@pytest.mark.parametrize("change", ["concurrency = 2\n", 'note = "of mine"\n'], ids=["pace", "option"])
async def test_a_changed_setting_does_not_double_a_render(tmp_path: Path, change: str) -> None:
    """B7: one process draws a job at all times, and its progress never falls back."""
    config = tmp_path / "config.toml"
    config.write_text("[engines.animatic]\n")
    studio = Studio(settings.load({"RUSHES_HOME": str(tmp_path), "RUSHES_IDLE_S": "3600"}, tmp_path))
    async with studio:
        # Without a worker of its own: this process is it.
        request = VideoRequest(prompt="a boat", model="animatic", seconds=6, resolution="480p")
        working = asyncio.create_task(studio.work())
        async with asyncio.timeout(30):
            while not is_held(studio.settings.lock):  # noqa: ASYNC110 - a file lock tells nobody
                await asyncio.sleep(0.01)
        job = await studio.submit(request)
        most, seen, changed = 0, [0.0], False
        async with asyncio.timeout(120):
            while not (now := studio.ledger.job(job.id)).settled:
                most = max(most, renderers())
                if now.fraction is not None:
                    seen.append(now.fraction)
                if not changed and seen[-1] > 0:
                    config.write_text(f"[engines.animatic]\n{change}")
                    studio.roster.reload()
                    changed = True
                await asyncio.sleep(0.02)
        working.cancel()
        await asyncio.wait([working])
    assert (now.state, changed) == (JobState.COMPLETED, True)
    assert most == 1
    assert seen == sorted(seen)


async def test_an_engine_is_closed_once_nobody_uses_it(tmp_path: Path) -> None:
    """B7: the one that was made from other settings goes as soon as its calls are done, not at exit."""
    config = tmp_path / "config.toml"
    config.write_text(f'{LAB}key = "abc"\n')
    async with Studio(settings.load({"RUSHES_HOME": str(tmp_path)}, tmp_path)) as studio:
        before = studio.engine("lab")
        config.write_text(f'{LAB}key = "abc"\nconcurrency = 9\nrate = {{ creates = 1 }}\n')
        studio.roster.reload()
        assert studio.engine("lab") is before
        config.write_text(f'{LAB}key = "abc"\nspeed = 3\n')
        studio.roster.reload()
        job = replace(job_of("lab", studio.roster.payer("lab")[0]), state=JobState.SUBMITTING)
        # It is awaited before a job takes its step with the new one.
        await asyncio.sleep(0)
        await studio.roster.open_for(job)
        assert studio.roster.engine_of(job) is not before
        with pytest.raises(EngineFault, match="closed"):
            await before.poll({"id": "any"})


async def test_a_rate_is_read_anew(shop: Shop) -> None:
    """B7: a create that waits for its turn goes as soon as a person allows more of them."""
    shop.limits = Limits(concurrency=20, rate=1, window=3600.0)
    first, second = shop.submit("one"), shop.submit("two")
    async with shop.working():
        await shop.until(first, JobState.QUEUED, JobState.COLLECTING, JobState.COMPLETED)
        assert shop.now(second).state is JobState.SUBMITTING
        shop.limits = Limits(concurrency=20, rate=2, window=3600.0)
        await shop.until(second, JobState.COMPLETED)


@pytest.fixture
def lab(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Studio]:
    """A home whose lab has its key in the keyring, which is not loaded yet."""
    monkeypatch.setenv("PAPER_KEYRING", str(tmp_path / "paper.json"))
    before = keyring.get_keyring()
    (tmp_path / "config.toml").write_text(LAB)
    kept = tmp_path / "keys.toml"
    kept.write_text('[keyring.lab]\nkey = "2026-11-23T08:00:00+00:00"\n')
    kept.chmod(0o600)
    with Studio(settings.load_for_worker({"RUSHES_HOME": str(tmp_path)})) as studio:
        yield studio
    keyring.set_keyring(before)


def reads() -> int:
    return len(Path(os.environ["PAPER_KEYRING"] + ".reads").read_text().splitlines())


async def test_a_locked_keyring_stops_nobody_else(lab: Studio) -> None:
    """B6: while a person is asked to unlock it, jobs of other engines take their steps; it is asked once."""
    paper.Asking.unlocked.clear()
    asking = paper.Asking()  # type: ignore[no-untyped-call]
    keyring.set_keyring(asking)
    asking.set_password("rushes", f"lab.key of {lab.settings.config.parent}", "a-key")
    waiting = [asyncio.create_task(lab.roster.open_for(job_of("lab", "0-1"))) for _ in range(2)]
    await asyncio.sleep(0)
    free = replace(job_of("animatic", "default"), id="j987654321")
    await asyncio.wait_for(lab.roster.open_for(free), 60)
    assert lab.roster.engine_of(free).name == "animatic"
    assert not any(task.done() for task in waiting)
    paper.Asking.unlocked.set()
    await asyncio.wait_for(asyncio.gather(*waiting), 60)
    assert reads() == 1
    account = lab.roster.payer("lab")[0]
    assert lab.roster.engine_of(job_of("lab", account)) is lab.engine("lab")


async def test_a_keyring_that_gave_no_key_is_not_asked_again_at_once(lab: Studio) -> None:
    """B6: the next jobs are told the same, with what to do, and nobody asks the keyring for them."""

    class Locked(paper.Locked):
        asked = 0

        def get_password(self, service: str, username: str) -> str | None:
            Locked.asked += 1
            return super().get_password(service, username)

    keyring.set_keyring(Locked())  # type: ignore[no-untyped-call]
    for _ in range(3):
        job = job_of("lab", "0-1")
        await lab.roster.open_for(job)
        with pytest.raises(KeyringLocked, match="the keyring failed") as caught:
            lab.roster.engine_of(job)
        assert "unlock the keyring" in caught.value.next
    assert Locked.asked == 1
