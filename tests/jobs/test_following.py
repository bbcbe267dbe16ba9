"""While a render is at the provider: polls that go wrong, ends it can come to, cancelling."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from rushes.domain.errors import Billed
from rushes.domain.job import JobState
from tests.jobs.shop import HOLD, NOTHING, Shop

FAULTS: dict[str, list[dict[str, Any]]] = {
    "500s": [{"status": 500, "times": 3}],
    "429 with a wait": [{"status": 429, "headers": {"Retry-After": "0"}, "times": 2}],
    "silence": [{"hang": 1.0, "times": 2}],
    "garbage": [{"garbage": True, "times": 2}],
    "a dropped connection": [{"times": 2}],
    "a state nobody knows": [],
    "one after the other": [{"status": 503}, {"garbage": True}, {"hang": 1.0}, {"times": 1}],
}


@pytest.mark.parametrize("faults", FAULTS.values(), ids=FAULTS.keys())
async def test_polls_that_go_wrong_only_cost_time(shop: Shop, faults: list[dict[str, Any]]) -> None:
    """No answer to a poll, however odd, fails a job or sends a second create."""
    shop.script(render={"faults": faults})
    if not faults:
        shop.script(render={"outcome": "meditating"})
    job = shop.submit()
    async with shop.working():
        if not faults:
            await shop.until(job, JobState.QUEUED)
            shop.script()
        done = await shop.settled(job)
    assert done.state is JobState.COMPLETED
    assert len(shop.creates()) == 1


async def test_a_provider_that_does_not_answer_is_said(shop: Shop) -> None:
    """Whoever watches reads it while the poll still waits, and no longer once there was an answer."""
    shop.patience = replace(shop.patience, silence=0.2)
    shop.script(render={"faults": [{"hang": 1.0, "times": 1}]})
    job = shop.submit()
    async with shop.working():
        said = await shop.until(job, JobState.QUEUED, which=lambda one: one.reason is not None)
        assert said.reason == "no answer from scripted; it is asked again"
        done = await shop.settled(job)
    assert (done.state, done.reason) == (JobState.COMPLETED, None)


async def test_a_sign_in_that_ran_out_blocks_and_resumes(shop: Shop) -> None:
    """401 to a poll blocks the job with its ticket and hold; mended, `collect` goes on with the same one."""
    shop.script(render={"faults": [{"status": 401, "times": None}]})
    job = shop.submit()
    async with shop.working():
        blocked = await shop.until(job, JobState.BLOCKED)
        assert (blocked.reason, shop.held()) == ("sign-in", HOLD)
        assert blocked.ticket is not None
        shop.script()
        shop.ledger.collect(job.id)
        done = await shop.until(job, JobState.COMPLETED, patience=8)
    assert done.ticket == blocked.ticket
    assert len(shop.creates()) == 1


async def test_one_job_that_gets_through_wakes_the_others_of_its_account(shop: Shop) -> None:
    """Two creates meet a 401; once it is mended, nudging one of them sends both on."""
    shop.script(create=[{"accept": False, "status": 401}])
    first, second = shop.submit("one"), shop.submit("two")
    async with shop.working():
        await shop.until(first, JobState.BLOCKED)
        await shop.until(second, JobState.BLOCKED, JobState.WAITING)
        shop.script()
        shop.ledger.collect(first.id)
        await shop.until(first, JobState.COMPLETED, patience=8)
        await shop.until(second, JobState.COMPLETED, patience=8)
    assert len(shop.creates()) == 2


@pytest.mark.parametrize(
    ("render", "code", "billed", "held", "spent"),
    [
        ({"outcome": "failed"}, "render_failed", Billed.UNKNOWN, HOLD, NOTHING),
        ({"outcome": "failed", "cost": "0"}, "render_failed", Billed.NO, NOTHING, NOTHING),
        ({"outcome": "failed", "cost": "0.06"}, "render_failed", Billed.YES, NOTHING, Decimal("0.06")),
        ({"outcome": "failed-content"}, "content_refused", Billed.UNKNOWN, HOLD, NOTHING),
        ({"outcome": "expired"}, "result_gone", Billed.UNKNOWN, HOLD, NOTHING),
        ({"outcome": "canceled", "cost": "0"}, "canceled", Billed.NO, NOTHING, NOTHING),
        ({"faults": [{"status": 404, "times": None}]}, "result_gone", Billed.UNKNOWN, HOLD, NOTHING),
    ],
    ids=["failed", "failed free", "failed paid", "content", "expired", "canceled there", "no such job"],
)
async def test_a_render_without_a_clip_ends_with_its_bill(
    shop: Shop, render: dict[str, Any], code: str, billed: Billed, held: Decimal, spent: Decimal
) -> None:
    """Failed, expired, canceled by the provider: the job ends, keeps its ticket, and the money is right."""
    shop.script(render=render)
    (job,) = await shop.carry(shop.submit())
    assert job.failure is not None
    assert (job.failure.code, job.failure.billed) == (code, billed)
    assert (shop.held(), shop.spent()) == (held, spent)
    assert job.ticket is not None


async def test_a_failed_job_is_collected_again_for_nothing(shop: Shop) -> None:
    """A failure after a ticket keeps the ticket: where the provider has it after all, it is brought in."""
    shop.script(render={"outcome": "expired"})
    (job,) = await shop.carry(shop.submit())
    shop.script()
    shop.ledger.collect(job.id)
    (job,) = await shop.carry(job)
    assert job.state is JobState.COMPLETED
    assert (len(shop.creates()), shop.held(), shop.spent()) == (1, NOTHING, HOLD)


async def test_progress_is_told(shop: Shop) -> None:
    """Queue position and fraction reach who reads the job."""
    shop.script(render={"queue": 0.4, "seconds": 600})
    job = shop.submit()
    async with shop.working():
        queued = await shop.until(job, JobState.QUEUED, which=lambda one: one.queue_position is not None)
        assert queued.queue_position == 1
        running = await shop.until(job, JobState.RUNNING)
    assert running.fraction is None or 0 <= running.fraction <= 1


# --- cancelling ---


async def test_canceled_before_anything_was_sent(shop: Shop) -> None:
    """A waiting job is canceled at once, and its hold released."""
    job = shop.submit()
    canceled = shop.ledger.cancel(job.id)
    assert canceled.state is JobState.CANCELED
    await shop.carry(job)
    assert (shop.held(), shop.creates()) == (NOTHING, [])
    assert shop.ledger.cancel(job.id).state is JobState.CANCELED


async def test_canceled_while_it_is_prepared(shop: Shop) -> None:
    """A wish that comes before the create is sent keeps it from being sent."""
    shop.limits = type(shop.limits)(concurrency=4, rate=1, window=600)
    shop.script("first")
    first, second = shop.submit("first"), shop.submit("second")
    async with shop.working():
        await shop.until(first, JobState.COMPLETED)
        await shop.until(second, JobState.SUBMITTING)
    shop.ledger.cancel(second.id)
    shop.limits = type(shop.limits)(concurrency=4)
    (canceled,) = await shop.carry(second)
    assert canceled.state is JobState.CANCELED
    assert shop.creates("second") == []
    assert shop.held() == 0


@pytest.mark.parametrize(
    ("cancel", "state"),
    [
        ("confirmed", JobState.CANCELED),
        ("requested", JobState.COMPLETED),
        ("unsupported", JobState.COMPLETED),
    ],
)
async def test_canceled_at_the_provider(shop: Shop, cancel: str, state: JobState) -> None:
    """Canceled only where the provider confirms it; else the job goes on and its clip is filed."""
    shop.script(render={"seconds": 1.0, "cost": "0"}, cancel=cancel)
    job = shop.submit()
    async with shop.working():
        await shop.until(job, JobState.RUNNING)
        assert shop.ledger.cancel(job.id).cancel_requested
        done = await shop.settled(job)
    assert done.state is state
    assert shop.held() == 0
    assert shop.kinds(job).count("cancel_asked") == 1


async def test_a_confirmed_cancel_without_a_word_on_money_keeps_the_hold(shop: Shop) -> None:
    """Nobody says what it cost: the hold stays until a person settles it."""
    shop.script(render={"seconds": 600}, cancel="confirmed")
    job = shop.submit()
    async with shop.working():
        await shop.until(job, JobState.RUNNING)
        shop.ledger.cancel(job.id)
        done = await shop.until(job, JobState.CANCELED)
    assert done.failure is not None
    assert (done.failure.billed, shop.held()) == (Billed.UNKNOWN, HOLD)
    shop.ledger.reconcile(job.id, charged=Decimal(0))
    assert (shop.held(), shop.spent()) == (NOTHING, NOTHING)


async def test_the_wish_to_cancel_survives_the_worker(shop: Shop) -> None:
    """A wish stored while no worker runs is put to the provider by the next one."""
    shop.script(render={"seconds": 600, "cost": "0"}, cancel="confirmed")
    job = shop.submit()
    async with shop.working():
        await shop.until(job, JobState.RUNNING)
    shop.ledger.cancel(job.id)
    (done,) = await shop.carry(job)
    assert done.state is JobState.CANCELED


async def test_canceled_while_its_outcome_is_unknown(shop: Shop) -> None:
    """The wish waits for the outcome: found, the render is canceled at the provider."""
    shop.settings["recovery"] = "lookup"
    shop.script(create=[{"drop": True, "times": 1}], render={"seconds": 600, "cost": "0"}, cancel="confirmed")
    job = shop.submit()
    async with shop.working():
        await shop.until(job, JobState.OUTCOME_UNKNOWN)
        shop.ledger.cancel(job.id)
        done = await shop.settled(job)
    assert done.state is JobState.CANCELED
    assert len(shop.creates()) == 1


async def test_a_blocked_job_without_a_ticket_is_canceled_at_once(shop: Shop) -> None:
    """Nothing was accepted: the cancel is granted, and its worker lets go of it."""
    shop.script(create=[{"accept": False, "status": 402}])
    job = shop.submit()
    async with shop.working():
        await shop.until(job, JobState.BLOCKED)
        assert shop.ledger.cancel(job.id).state is JobState.CANCELED
    assert shop.held() == 0
