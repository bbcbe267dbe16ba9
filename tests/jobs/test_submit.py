"""How submits fail: every row of the table ends where the design says, with the money right."""

from __future__ import annotations

import socket
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from rushes.domain.errors import Billed
from rushes.domain.job import JobState
from rushes.domain.request import Reference, Role
from tests.jobs.shop import HOLD, NOTHING, Shop

PAGE = "<html><head><title>x</title></head><body><h1>Welcome</h1></body></html>"


async def test_a_ticket_completes_into_a_clip_that_was_paid_once(shop: Shop) -> None:
    """The main path: one create, one clip on disk, the hold turned into spend."""
    (job,) = await shop.carry(shop.submit())
    assert job.state is JobState.COMPLETED
    assert len(shop.creates()) == 1
    (clip,) = shop.clips(job)
    assert clip.path.is_file()
    assert clip.sheet.is_file()
    assert (clip.width, clip.height) == (160, 96)
    assert job.cost.settled
    assert (job.cost.amount, shop.held(), shop.spent()) == (HOLD, NOTHING, HOLD)


async def test_what_the_provider_charged_is_what_is_booked(shop: Shop) -> None:
    """A real cost above the hold is booked as it is."""
    shop.script(render={"cost": "0.37"})
    (job,) = await shop.carry(shop.submit())
    assert (job.cost.amount, job.cost.settled, shop.held()) == (Decimal("0.37"), True, NOTHING)


async def test_a_price_that_only_the_provider_knows_is_settled_by_its_word(shop: Shop) -> None:
    """With an unknown price the held maximum gives way to what the provider says it charged."""
    shop.script(render={"cost": "0.05"})
    (job,) = await shop.carry(shop.submit(model="unpriced"))
    assert (job.cost.amount, job.cost.settled, shop.held()) == (Decimal("0.05"), True, NOTHING)


async def test_nobody_at_home_is_tried_again_until_somebody_is(shop: Shop) -> None:
    """A refused connection provably delivered nothing: the job waits and is sent when the provider is up."""
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        shop.settings["base_url"] = f"http://127.0.0.1:{nobody.getsockname()[1]}"
        job = shop.submit()
        async with shop.working():
            await shop.until(job, JobState.WAITING, which=lambda one: one.tries >= 2)
    assert shop.held() == HOLD
    shop.settings["base_url"] = shop.provider.base_url
    (job,) = await shop.carry(job)
    assert job.state is JobState.COMPLETED
    assert len(shop.creates()) == 1


async def test_busy_waits_as_long_as_it_is_told_and_is_sent_again(shop: Shop) -> None:
    """429: nothing was accepted; the job goes back to waiting for at least the time asked for."""
    refusal = {"accept": False, "status": 429, "headers": {"Retry-After": "1"}, "times": 1}
    shop.script(create=[refusal])
    job = shop.submit()
    async with shop.working():
        waiting = await shop.until(job, JobState.WAITING, which=lambda one: one.tries == 1)
        assert waiting.due_at >= waiting.updated_at.timestamp() + 0.99
        done = await shop.settled(job)
    assert done.state is JobState.COMPLETED
    (create,) = shop.creates()
    assert create["time"] >= waiting.due_at


@pytest.mark.parametrize("status", [400, 404, 413, 415, 422])
async def test_a_clear_refusal_fails_and_costs_nothing(shop: Shop, status: int) -> None:
    """A clear no ends the job with its reason, and the hold is released."""
    shop.script(create=[{"accept": False, "status": status}])
    (job,) = await shop.carry(shop.submit())
    assert job.state is JobState.FAILED
    assert job.failure is not None
    assert (job.failure.code, job.failure.billed) == ("refused", Billed.NO)
    assert f"scripted {status}" in job.failure.message
    assert "a-secret-key" not in job.failure.message
    assert (shop.held(), shop.spent(), shop.creates()) == (NOTHING, NOTHING, [])


async def test_a_refusal_for_its_content_says_so(shop: Shop) -> None:
    """A refused prompt is told apart, because sending it again is useless."""
    shop.script(create=[{"accept": False, "status": 400, "body": "content policy"}])
    (job,) = await shop.carry(shop.submit())
    assert job.failure is not None
    assert job.failure.code == "content_refused"
    assert shop.held() == 0


@pytest.mark.parametrize(("status", "reason"), [(401, "sign-in"), (402, "quota"), (403, "account")])
async def test_what_a_person_must_mend_blocks_and_goes_on_afterwards(
    shop: Shop, status: int, reason: str
) -> None:
    """401, 402, 403: the job is blocked with its hold; after the cure `collect` sends it on at once."""
    shop.script(create=[{"accept": False, "status": status}])
    job = shop.submit()
    async with shop.working():
        blocked = await shop.until(job, JobState.BLOCKED)
        assert blocked.reason == reason
        assert shop.held() == HOLD
        shop.script()
        shop.ledger.collect(job.id)
        done = await shop.until(job, JobState.COMPLETED, patience=8)
    assert len(shop.creates()) == 1
    assert done.cost.amount == HOLD


UNKNOWN: dict[str, dict[str, Any]] = {
    "the connection drops after it was accepted": {"drop": True},
    "the connection drops before it was accepted": {"accept": False, "drop": True},
    "202 with an empty body": {"status": 202, "body": ""},
    "200 with a web page": {"status": 200, "body": PAGE},
    "408": {"status": 408},
    "409": {"status": 409},
    "425": {"status": 425},
    "500": {"status": 500},
    "502 with a web page, not accepted": {"accept": False, "status": 502, "body": PAGE},
    "silence until the timeout": {"delay_after": 6.0},
    "a redirect": {"status": 302, "headers": {"Location": "/elsewhere"}},
}


@pytest.mark.parametrize("step", UNKNOWN.values(), ids=UNKNOWN.keys())
async def test_what_may_have_been_accepted_is_never_sent_again(shop: Shop, step: dict[str, Any]) -> None:
    """Any answer that leaves it open ends as outcome_unknown, with the hold kept and one create sent."""
    shop.script(create=[step])
    posts = shop.provider.stats().get("posts", 0)
    (job,) = await shop.carry(shop.submit())
    assert job.state is JobState.OUTCOME_UNKNOWN
    assert job.failure is not None
    assert job.failure.billed is Billed.UNKNOWN
    assert "a-secret-key" not in job.failure.message
    assert (shop.held(), shop.spent()) == (HOLD, NOTHING)
    assert shop.provider.stats()["posts"] == posts + 1
    assert len(shop.creates()) == step.get("accept", True)


async def test_the_body_nobody_could_read_is_kept(shop: Shop) -> None:
    """A 2xx without a ticket keeps the raw answer, for the person who has to settle it."""
    shop.script(create=[{"status": 200, "body": PAGE}])
    (job,) = await shop.carry(shop.submit())
    (row,) = shop.database.all("SELECT raw, outcome FROM submissions WHERE job_id = :id", {"id": job.id})
    assert (row["raw"], row["outcome"]) == (PAGE, "unknown")


async def test_a_person_settles_it_with_the_ticket(shop: Shop) -> None:
    """reconcile with the provider's id goes on to the clip, and nothing is bought again."""
    shop.script(create=[{"drop": True, "times": 1}])
    (job,) = await shop.carry(shop.submit())
    (create,) = shop.creates()
    shop.ledger.reconcile(job.id, ticket={"id": create["id"]})
    (done,) = await shop.carry(job)
    assert done.state is JobState.COMPLETED
    assert len(shop.creates()) == 1
    assert shop.held() == 0


@pytest.mark.parametrize("charged", [Decimal(0), Decimal("0.04")])
async def test_a_person_writes_it_off(shop: Shop, charged: Decimal) -> None:
    """reconcile without a ticket ends the job, and books what it cost."""
    shop.script(create=[{"accept": False, "drop": True}])
    (job,) = await shop.carry(shop.submit())
    settled = shop.ledger.reconcile(job.id, charged=charged)
    assert settled.state is JobState.FAILED
    assert (shop.held(), shop.spent()) == (NOTHING, charged)


async def test_preparing_is_tried_again_and_buys_nothing(shop: Shop, tmp_path: Path) -> None:
    """An upload that fails puts the job off; no create is sent before all uploads are there."""
    picture = tmp_path / "first.png"
    picture.write_bytes(b"any bytes will do for this provider")
    kept = shop.library.keep(Reference(role=Role.FIRST_FRAME, path=picture))
    shop.script(prepare=[{"status": 503, "times": 2}])
    job = shop.submit(references=(kept,))
    (done,) = await shop.carry(job)
    assert done.state is JobState.COMPLETED
    # Twice by the provider's answer; a machine that is busy enough may cut an upload short besides.
    assert shop.kinds(job).count("put_off") >= 2
    assert len(shop.creates()) == 1


async def test_a_reference_that_was_changed_fails_before_anything_is_sent(shop: Shop, tmp_path: Path) -> None:
    """The library's copy no longer has its hash: nothing is sent, and the hold is released."""
    picture = tmp_path / "first.png"
    picture.write_bytes(b"one picture")
    kept = shop.library.keep(Reference(role=Role.FIRST_FRAME, path=picture))
    assert kept.path is not None
    kept.path.write_bytes(b"another")
    (job,) = await shop.carry(shop.submit(references=(kept,)))
    assert job.failure is not None
    assert job.failure.code == "bad_reference"
    assert (shop.held(), shop.creates()) == (NOTHING, [])
