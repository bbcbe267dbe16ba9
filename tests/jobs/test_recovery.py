"""What becomes of a create whose answer was lost, in each way an engine can recover."""

from __future__ import annotations

from pathlib import Path

import pytest

from rushes.domain.errors import WrongState
from rushes.domain.job import Job, JobState
from rushes.testing.process import running
from tests.jobs.shop import HOLD, Shop

LOST = [{"drop": True, "times": 1}]
NEVER_ARRIVED = [{"accept": False, "drop": True, "times": 1}]


@pytest.mark.parametrize("recovery", ["replay_key", "rerun_free"])
@pytest.mark.parametrize("create", [LOST, NEVER_ARRIVED], ids=["accepted", "not accepted"])
async def test_sending_again_under_the_same_key_makes_one_create(
    shop: Shop, recovery: str, create: list[dict[str, object]]
) -> None:
    """REPLAY_KEY and RERUN_FREE settle by themselves, whether the first one was accepted or not."""
    shop.settings["recovery"] = recovery
    shop.script(create=create, keys=True)
    (job,) = await shop.carry(shop.submit())
    assert job.state is JobState.COMPLETED
    assert "outcome_unknown" in shop.kinds(job)
    assert len(shop.creates()) == 1
    assert shop.held() == 0


async def test_a_replay_that_gets_no_answer_is_replayed_again(shop: Shop) -> None:
    """As long as the answers are lost the job stays unknown, holds its money, and tries the same key."""
    shop.settings["recovery"] = "replay_key"
    shop.script(create=[{"drop": True, "times": 4}], keys=True)
    (job,) = await shop.carry(shop.submit())
    assert job.state is JobState.COMPLETED
    assert shop.kinds(job).count("outcome_unknown") == 4
    assert len(shop.creates()) == 1


async def test_a_key_that_the_service_has_forgotten_is_not_replayed(shop: Shop) -> None:
    """After the key's lifetime a replay would be a second create: a person has to settle it."""
    shop.settings |= {"recovery": "replay_key", "key_lifetime": 0.0}
    shop.script(create=LOST)
    (job,) = await shop.carry(shop.submit())
    assert job.state is JobState.OUTCOME_UNKNOWN
    assert job.left_to_a_person
    assert len(shop.creates()) == 1


async def test_lookup_adopts_the_only_one_it_can_be(shop: Shop) -> None:
    """LOOKUP finds the create in the provider's list and goes on with its ticket."""
    shop.settings["recovery"] = "lookup"
    shop.script(create=LOST, list_delay=0.05)
    (job,) = await shop.carry(shop.submit())
    assert job.state is JobState.COMPLETED
    assert job.ticket == {"id": shop.creates()[0]["id"]}
    assert len(shop.creates()) == 1


async def test_lookup_waits_until_the_list_can_show_it(shop: Shop) -> None:
    """The list is not read before posted_at + the POST's timeout + the list's delay."""
    shop.settings |= {"recovery": "lookup", "post_timeout": 0.4, "list_delay": 0.4}
    shop.script(create=LOST, list_delay=0.6)
    job = shop.submit()
    async with shop.working():
        unknown = await shop.until(job, JobState.OUTCOME_UNKNOWN)
        done = await shop.settled(job)
    assert unknown.due_at - shop.creates()[0]["time"] >= 0.79
    assert done.state is JobState.COMPLETED


async def test_lookup_that_finds_nothing_asks_a_person(shop: Shop) -> None:
    """None in the list: it may still come, so a person is asked and the hold stays; looking again is free."""
    shop.settings["recovery"] = "lookup"
    shop.script(create=NEVER_ARRIVED)
    job = shop.submit()

    def told(job: Job) -> int:
        return shop.kinds(job).count("outcome_unknown")

    async with shop.working():
        unknown = await shop.settled(job)
        assert unknown.state is JobState.OUTCOME_UNKNOWN
        assert shop.held() == HOLD
        shop.ledger.look_again(job.id)
        await shop.until(job, JobState.OUTCOME_UNKNOWN, which=lambda one: told(one) == 3)
    assert shop.creates() == []


async def test_lookup_that_finds_several_asks_a_person(shop: Shop) -> None:
    """Two that could be it: adopting either could be wrong, so neither is; a person gives the ticket."""
    shop.settings["recovery"] = "lookup"
    shop.script(create=[{"drop": True, "times": 2}])
    first, second = (one.job for one in shop.admit(shop.draft(), shop.draft(ordinal=1)))
    unknown = await shop.carry(first, second)
    assert {job.state for job in unknown} == {JobState.OUTCOME_UNKNOWN}
    one, other = (create["id"] for create in shop.creates())
    shop.ledger.reconcile(first.id, ticket={"id": one})
    with pytest.raises(WrongState, match="already holds"):
        shop.ledger.reconcile(second.id, ticket={"id": one})
    shop.ledger.reconcile(second.id, ticket={"id": other})
    done = await shop.carry(first, second)
    assert {job.state for job in done} == {JobState.COMPLETED}
    assert len(shop.creates()) == 2


async def test_lookup_drops_what_other_jobs_hold(shop: Shop) -> None:
    """The tickets of finished jobs are no candidates: what is left over is the lost one."""
    shop.settings["recovery"] = "lookup"
    (done,) = await shop.carry(shop.submit())
    shop.script(create=LOST)
    (again,) = await shop.carry(shop.submit(again=True))
    assert again.state is JobState.COMPLETED
    assert again.ticket != done.ticket
    assert len(shop.creates()) == 2


async def test_a_list_without_prompts_settles_only_a_single_loss(tmp_path: Path) -> None:
    """One thing listed and one create in doubt: that is it. Two in doubt: it could be either's."""
    with running(tmp_path / "log", footage="160x96x0.5") as provider:
        shop = Shop(tmp_path / "home", provider, recovery="lookup", list_prompts=False)
        shop.script(create=LOST)
        (alone,) = await shop.carry(shop.submit("alone"))
        assert alone.state is JobState.COMPLETED
        shop.script("here", create=LOST)
        shop.script("not here", create=NEVER_ARRIVED)
        both = await shop.carry(shop.submit("not here"), shop.submit("here"))
        assert {job.state for job in both} == {JobState.OUTCOME_UNKNOWN}
        assert len(shop.creates()) == 2
        shop.close()


async def test_ask_leaves_it_to_a_person(shop: Shop) -> None:
    """ASK never reads a list and never sends again."""
    shop.script(create=LOST)
    (job,) = await shop.carry(shop.submit())
    assert job.left_to_a_person
    assert len(shop.creates()) == 1


async def test_settling_by_hand_ends_the_wait_of_the_worker(shop: Shop) -> None:
    """A person who settles a job while the worker waits to look it up is not overruled by the worker."""
    shop.settings |= {"recovery": "lookup", "list_delay": 600.0}
    shop.script(create=LOST)
    job = shop.submit()
    async with shop.working():
        await shop.until(job, JobState.OUTCOME_UNKNOWN)
        shop.ledger.reconcile(job.id, ticket={"id": shop.creates()[0]["id"]})
        await shop.until(job, JobState.COMPLETED)
    assert len(shop.creates()) == 1
