"""The promise itself: however often the worker is killed, no clip is bought twice and none is lost.

`RUSHES_KILLS` sets how often each campaign kills (200 unless told otherwise), `RUSHES_SEED` its moments.
"""

from __future__ import annotations

import os
import time
from collections import Counter
from pathlib import Path

import pytest

from rushes.domain.job import JobState
from rushes.engines.contract import Recovery
from rushes.library.audit import verify
from rushes.testing.process import ProviderProcess
from tests.jobs.campaign import Campaign
from tests.jobs.shop import HOLD, NOTHING, Shop

KILLS = int(os.environ.get("RUSHES_KILLS", "200"))
SEED = int(os.environ.get("RUSHES_SEED", "20260924"))
PHASES = ("prepare", "submit", "store", "poll", "download", "inspect", "file")


@pytest.mark.timeout(600 + KILLS)
@pytest.mark.parametrize("recovery", Recovery, ids=[one.value for one in Recovery])
def test_no_kill_buys_a_clip_twice_or_loses_one(
    tmp_path: Path, provider: ProviderProcess, recovery: Recovery, capsys: pytest.CaptureFixture[str]
) -> None:
    """By the provider's own log: at most one create for each job, and each accepted one became a clip."""
    shop = Shop(tmp_path / "home", provider)
    started = time.monotonic()
    campaign = Campaign(shop=shop, recovery=recovery, seed=SEED)
    try:
        campaign.kill_often(KILLS)
        assert_paid_once(campaign)
        assert_nothing_lost(campaign)
        missed = [phase for phase in PHASES if not campaign.phases[phase]]
        assert not missed or KILLS < 100, f"no kill hit {missed} (seed {SEED})"
    finally:
        with capsys.disabled():
            report(campaign, time.monotonic() - started)
        shop.close()


def assert_paid_once(campaign: Campaign) -> None:
    """Hold the log against itself: two creates for one prompt, or under one key, are money lost."""
    log = campaign.shop.creates()
    prompts = Counter(entry["prompt"] for entry in log)
    keys = Counter(entry["key"] for entry in log)
    assert {prompt: count for prompt, count in prompts.items() if count > 1} == {}
    assert {key: count for key, count in keys.items() if count > 1} == {}


def assert_nothing_lost(campaign: Campaign) -> None:
    """Every accepted create is a clip on disk, every other job ended without one, and the money agrees."""
    shop, accepted = campaign.shop, {entry["prompt"] for entry in campaign.shop.creates()}
    completed = 0
    for job in (shop.now(one) for one in campaign.jobs):
        if job.request.prompt not in accepted:
            assert job.state is JobState.FAILED, (job.id, job.state)
            continue
        assert job.state is JobState.COMPLETED, (job.id, job.state, job.failure)
        assert [clip.path.is_file() for clip in shop.clips(job)] == [True], job.id
        completed += 1
    assert completed
    assert list(verify(shop.library)) == []
    assert list(shop.home.joinpath("staging").iterdir()) == []
    assert (shop.held(), shop.spent()) == (NOTHING, HOLD * completed)
    if campaign.recovery in (Recovery.REPLAY_KEY, Recovery.RERUN_FREE):
        assert (completed, campaign.settled_by_hand) == (len(campaign.jobs), 0)


def report(campaign: Campaign, seconds: float) -> None:
    """Say what was done, and how to do it again."""
    phases = ", ".join(f"{phase} {campaign.phases[phase]}" for phase in PHASES)
    ends = " and ".join(f"{count} by {end}" for end, count in sorted(campaign.ends.items()))
    print(  # noqa: T201 - the seed is needed where it failed
        f"\n{campaign.recovery.value}: {campaign.kills} kills ({ends}), {len(campaign.jobs)} jobs,"
        f" {len(campaign.shop.creates())} creates, {campaign.settled_by_hand} settled by hand,"
        f" {seconds:.0f} s, RUSHES_SEED={campaign.seed}; kills during {phases}"
    )
