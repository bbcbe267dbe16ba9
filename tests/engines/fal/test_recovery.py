"""A lost answer, a restart, a wish to cancel: nothing is bought twice, and nothing bought is lost."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from rushes.domain.errors import AccountBlocked, BadInput, Billed, ResultGone, SignInNeeded, Unreachable
from rushes.domain.job import Job, JobState
from rushes.engines.contract import Attempt, CancelOutcome, RenderState, Ticket
from tests.engines.fal.stage import HAILUO, T2V, TURBO, Stage

PAGE = "<html><body><h1>502 Bad Gateway</h1><hr>nginx</body></html>"


def _billed(job: Job) -> Billed:
    assert job.failure is not None
    return job.failure.billed


LOST: list[dict[str, Any]] = [
    {"drop": True, "accept": True},
    {"status": 500, "body": "boom", "accept": True},
    {"status": 202, "body": "", "accept": True},
    {"status": 200, "body": PAGE, "accept": True},
]


@pytest.mark.parametrize("told", LOST, ids=["dropped", "500", "empty", "html"])
async def test_a_create_whose_answer_was_lost_is_found_and_followed(
    stage: Stage, told: dict[str, Any]
) -> None:
    """The one listed request with all that was sent in it is adopted: not another's, not one that is held."""
    stage.options["look_for"] = 30.0
    async with stage.engine() as engine:
        await stage.accepted(engine, "a boat", HAILUO, seed=3, seconds=6)
    stage.tell("render", "a boat", facts={"listed_s": 2.5})
    async with stage.working():
        held = await stage.made("a boat", HAILUO, seed=3)
        stage.tell("create", times=1, **told)
        job = await stage.made("a boat", HAILUO, seed=3)
    assert job.state is JobState.COMPLETED, job.failure
    assert job.ticket is not None
    assert held.ticket is not None
    assert job.ticket["id"] != held.ticket["id"]
    assert {one["id"]: one["body"]["duration"] for one in stage.creates()}[job.ticket["id"]] == 5
    assert len(stage.creates()) == len(stage.posts()) == 3


async def test_a_lost_create_is_found_on_a_later_page(stage: Stage) -> None:
    """The list comes in pages, and what was lost may stand on the last."""
    posted = datetime.now(UTC)
    async with stage.engine() as engine:
        for seed in range(12):
            last = await stage.accepted(engine, "a boat", HAILUO, seed=seed)
        prepared = await stage.prepared(engine, "a boat", HAILUO, seed=11)
        attempt = Attempt(request=prepared.request, model=HAILUO, posted_at=posted, notes=prepared.notes)
        assert [one.ticket for one in await engine.lookup(attempt)] == [last.ticket]


async def test_a_create_that_never_arrived_is_put_to_a_person(stage: Stage) -> None:
    """Not listed after all that time: it is never sent again by itself."""
    stage.tell("create", drop=True)
    async with stage.working():
        job = await stage.made("a boat", TURBO)
    assert job.state is JobState.OUTCOME_UNKNOWN
    assert job.left_to_a_person
    assert _billed(job) is Billed.UNKNOWN
    assert len(stage.posts()) == 1
    assert stage.creates() == []


async def test_two_requests_that_could_be_it_are_put_to_a_person(stage: Stage) -> None:
    """The person sent the same by hand at the same time: which is ours, only he can tell."""
    async with stage.engine() as engine:
        stage.tell("create", drop=True, accept=True, times=1)
        stage.tell("list", status=500, body="", times=1)
        async with stage.working():
            job = await stage.submit("twins", TURBO)
            await stage.settled(job, JobState.OUTCOME_UNKNOWN)
            await stage.accepted(engine, "twins", TURBO)
            job = await stage.settled(job)
    assert job.left_to_a_person
    assert len(stage.creates("twins")) == 2


async def test_what_is_not_listed_yet_is_looked_for_again(stage: Stage) -> None:
    """Until the time is over, an empty list proves nothing."""
    async with stage.engine(look_for=60) as engine:
        prepared = await stage.prepared(engine)
        attempt = Attempt(
            request=prepared.request, model=T2V, posted_at=datetime.now(UTC), notes=prepared.notes
        )
        with pytest.raises(Unreachable, match="does not list it yet"):
            await engine.lookup(attempt)
        bare = Attempt(request=prepared.request, model=T2V, posted_at=datetime.now(UTC))
        assert await engine.lookup(bare) == ()


async def test_a_person_names_a_request_as_the_dashboard_shows_it(stage: Stage) -> None:
    """By its address or as MODEL/requests/ID; a bare id would not say where to ask."""
    async with stage.engine() as engine:
        ticket = (await stage.accepted(engine, "a boat", HAILUO)).ticket
        address = f"https://queue.fal.run/minimax/h3-max/requests/{ticket['id']}"
        assert engine.ticket(f"{HAILUO}/requests/{ticket['id']}") == ticket
        for text in (address, f"{address}/status"):
            assert (await engine.poll(engine.ticket(text))).error is None
        with pytest.raises(BadInput, match="does not say which model"):
            engine.ticket(ticket["id"])


# --- going on, and stopping ---


async def test_a_restarted_worker_goes_on_by_the_ticket(stage: Stage) -> None:
    """A new engine, a new worker: nothing is sent again."""
    stage.tell("render", facts={"queued_s": 0.5, "seconds": 0.5})
    async with stage.working():
        job = await stage.settled(await stage.submit("a boat", TURBO), JobState.QUEUED)
    async with stage.working():
        job = await stage.settled(job)
    assert job.state is JobState.COMPLETED
    assert len(stage.posts()) == 1


async def accepted(stage: Stage, words: str, **facts: Any) -> Ticket:
    stage.tell("render", words, facts=facts)
    async with stage.engine() as engine:
        return (await stage.accepted(engine, words, TURBO)).ticket


async def test_cancelling_tells_a_queued_from_a_running_render(stage: Stage) -> None:
    """Taken out of the queue it is over, and cost nothing; a running one may finish all the same."""
    async with stage.engine() as engine:
        queued = await accepted(stage, "waits", queued_s=60)
        assert (await engine.poll(queued)).queue_position == 2
        assert await engine.cancel(queued) is CancelOutcome.CONFIRMED
        ended = await engine.poll(queued)
        assert (ended.state, ended.cost) == (RenderState.CANCELED, Decimal(0))
        running = await accepted(stage, "runs", seconds=60)
        assert await engine.cancel(running) is CancelOutcome.REQUESTED
        done = await accepted(stage, "is done", seconds=0)
        assert await engine.cancel(done) is CancelOutcome.REQUESTED
        with pytest.raises(ResultGone):
            await engine.cancel({**done, "id": "00000000-0000-0000-0000-000000000000"})


async def test_a_canceled_job_costs_nothing(stage: Stage) -> None:
    """The hold is released with the confirmation."""
    stage.tell("render", facts={"queued_s": 60})
    async with stage.working():
        job = await stage.settled(await stage.submit("a boat", TURBO), JobState.QUEUED)
        stage.studio.cancel(job.id)
        job = await stage.settled(job)
    assert job.state is JobState.CANCELED
    assert _billed(job) is Billed.NO


async def test_a_lost_key_blocks_a_render_that_is_followed(stage: Stage) -> None:
    """A status that wants a key is the person's to mend, and no failure of the render."""
    ticket = await accepted(stage, "a boat")
    async with stage.engine(key="another-key") as engine:
        with pytest.raises(SignInNeeded):
            await engine.poll(ticket)
        with pytest.raises(SignInNeeded):
            await engine.results(ticket)


async def test_a_locked_account_is_no_failed_render(stage: Stage) -> None:
    """A result that is refused for the balance is asked for again, and not given up."""
    ticket = await accepted(stage, "a boat", seconds=0)
    stage.tell("result", status=403, body={"detail": "User is locked. Reason: Exhausted balance."}, times=1)
    async with stage.engine() as engine:
        with pytest.raises(AccountBlocked, match="Exhausted balance"):
            await engine.poll(ticket)
        assert (await engine.poll(ticket)).state is RenderState.SUCCEEDED
