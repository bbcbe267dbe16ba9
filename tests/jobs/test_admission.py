"""What is admitted: the same request once, a key for one request, and never more than the caps allow."""

from __future__ import annotations

import subprocess
import sys
from decimal import Decimal
from pathlib import Path

import pytest

from rushes.domain.errors import KeyConflict, OverBudget
from rushes.domain.job import JobState
from rushes.domain.money import Caps
from tests.jobs.shop import HOLD, NO_CAPS, NOTHING, Shop

ROOT = Path(__file__).parents[2]


async def test_the_same_request_is_one_job_while_it_lives_and_shortly_after(shop: Shop) -> None:
    """Asked twice, before and after it is done, there is one job, one hold and one create."""
    first = shop.admit(shop.draft())[0]
    second = shop.admit(shop.draft())[0]
    assert (first.fresh, second.fresh, second.job.id) == (True, False, first.job.id)
    await shop.carry(first.job)
    third = shop.admit(shop.draft())[0]
    assert (third.fresh, third.job.state) == (False, JobState.COMPLETED)
    assert len(shop.creates()) == 1
    assert shop.spent() == HOLD


async def test_an_unknown_outcome_answers_for_the_same_request(shop: Shop) -> None:
    """Asking again must not buy what may have been bought already."""
    shop.script(create=[{"drop": True}])
    (job,) = await shop.carry(shop.submit())
    again = shop.admit(shop.draft())[0]
    assert (again.fresh, again.job.id) == (False, job.id)


@pytest.mark.parametrize("how", ["failed", "canceled"])
async def test_what_came_to_nothing_is_made_anew(shop: Shop, how: str) -> None:
    """A failed or canceled job never stands for the same request again."""
    shop.script(create=[{"accept": False, "status": 422}])
    job = shop.submit()
    if how == "failed":
        await shop.carry(job)
    else:
        shop.ledger.cancel(job.id)
    assert shop.admit(shop.draft())[0].fresh


def test_takes_and_again_are_different_jobs(shop: Shop) -> None:
    """The ordinal of --count tells takes apart, and --again asks for another one on purpose."""
    takes = shop.admit(shop.draft(), shop.draft(ordinal=1))
    again = shop.admit(shop.draft(again=True))[0]
    assert len({one.job.id for one in (*takes, again)}) == 3
    assert shop.held() == 3 * HOLD


async def test_a_key_stands_for_its_request_at_any_age(tmp_path: Path, shop: Shop) -> None:
    """The same --key is the same job a day later; with another request it is a conflict."""
    now = [1_800_000_000.0]
    shop.ledger.clock = lambda: now[0]
    first = shop.admit(shop.draft(key="mine"))[0]
    shop.ledger.cancel(first.job.id)
    now[0] += 86_400
    again = shop.admit(shop.draft(key="mine"))[0]
    assert (again.fresh, again.job.id) == (False, first.job.id)
    with pytest.raises(KeyConflict):
        shop.admit(shop.draft("something else", key="mine"))


async def test_a_free_job_answers_for_ten_minutes_even_if_the_clock_is_set_back(shop: Shop) -> None:
    """Ten minutes after its end the same free request makes a new clip; an hour back in time it does not."""
    (job,) = await shop.carry(shop.submit(model="free"))
    real = shop.ledger.clock
    shop.ledger.clock = lambda: real() - 3600
    assert not shop.admit(shop.draft(model="free"))[0].fresh
    shop.ledger.clock = lambda: real() + 601
    assert shop.admit(shop.draft(model="free"))[0].fresh
    assert job.state is JobState.COMPLETED


async def test_a_job_that_was_paid_for_answers_at_any_age(shop: Shop) -> None:
    """(F15, U4.1) The same words a year after a paid clip are that job, and nothing is bought."""
    (job,) = await shop.carry(shop.submit())
    real = shop.ledger.clock
    shop.ledger.clock = lambda: real() + 365 * 86_400
    again = shop.admit(shop.draft())[0]
    assert (again.fresh, again.job.id) == (False, job.id)
    assert shop.admit(shop.draft(again=True))[0].fresh


@pytest.mark.parametrize(
    ("render", "answers"),
    [
        ({"outcome": "failed"}, True),
        ({"outcome": "failed", "cost": "0.06"}, True),
        ({"outcome": "failed", "cost": "0"}, False),
    ],
    ids=["bill unknown", "charged", "not charged"],
)
async def test_a_failure_that_may_be_billed_answers_for_the_same_words(
    shop: Shop, render: dict[str, str], answers: bool
) -> None:
    """(F15) After a failure with an open or paid bill the same words buy nothing."""
    shop.script(render=render)
    (job,) = await shop.carry(shop.submit())
    again = shop.admit(shop.draft())[0]
    assert (again.job.id == job.id, again.fresh) == (answers, not answers)
    assert "rushes collect" in job.answers_again("1 h ago", "--again")


async def test_a_derived_key_is_no_new_clip(shop: Shop) -> None:
    """(F15) A key that a door made from the words does not buy what was paid for; a caller's own key does."""
    (job,) = await shop.carry(shop.submit())
    assert shop.admit(shop.draft(key="line-1", derived_key=True))[0].job.id == job.id
    assert shop.admit(shop.draft(key="mine"))[0].fresh


@pytest.mark.parametrize(
    "caps",
    [
        Caps(per_job=Decimal("0.05")),
        Caps(per_day=Decimal("0.25")),
        Caps(per_month=Decimal("0.25")),
        Caps(engines={"scripted": Decimal("0.25")}),
    ],
    ids=["job", "day", "month", "engine"],
)
def test_over_a_cap_nothing_is_admitted(shop: Shop, caps: Caps) -> None:
    """Three takes that go over a cap together are refused together: no job, no hold."""
    with pytest.raises(OverBudget, match="nothing was sent"):
        shop.admit(*(shop.draft(ordinal=number) for number in range(3)), caps=caps)
    assert shop.ledger.jobs() == []
    assert shop.held() == NOTHING


def test_another_engines_cap_and_a_free_model_are_left_alone(shop: Shop) -> None:
    """A cap binds its own engine, and what costs nothing is never over a cap."""
    shop.admit(shop.draft(), caps=Caps(engines={"other": NOTHING}))
    shop.admit(shop.draft("free", model="free"), caps=Caps(per_job=NOTHING, per_day=NOTHING))
    assert shop.held() == HOLD


async def test_spend_of_the_day_counts_even_if_the_clock_is_set_back(shop: Shop) -> None:
    """What was spent an hour ahead of a clock that was set back still fills the cap."""
    await shop.carry(shop.submit())
    real = shop.ledger.clock
    shop.ledger.clock = lambda: real() - 3600
    with pytest.raises(OverBudget):
        shop.admit(shop.draft("another"), caps=Caps(per_day=Decimal("0.15")))


RUSH = """
import os, sys
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace
from rushes.domain.errors import OverBudget
from rushes.domain.money import Caps
from tests.jobs.shop import Shop

def door(number):
    shop = Shop(Path(sys.argv[1]), SimpleNamespace(base_url="http://127.0.0.1:9"))
    draft = shop.draft(f"door {number}")
    os.close(gun)
    os.read(gate, 1)
    try:
        shop.admit(draft, caps=Caps(per_job=None, per_day=Decimal("0.75"), per_month=None))
    except OverBudget:
        return 6
    return 0

gate, gun = os.pipe()
pids = []
for number in range(20):
    pids.append(os.fork())
    if pids[-1] == 0:
        os._exit(door(number))
os.close(gun)  # now nobody holds the other end, and all go through the gate
print(*(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) for pid in pids))
"""


def test_twenty_doors_at_once_cannot_spend_past_a_cap(shop: Shop) -> None:
    """Twenty processes submit at the same moment against a cap that fits seven: seven are admitted."""
    doors = subprocess.run(
        [sys.executable, "-c", RUSH, str(shop.home)], capture_output=True, text=True, cwd=ROOT, timeout=60
    )
    assert sorted(doors.stdout.split()) == ["0"] * 7 + ["6"] * 13, doors.stderr
    assert len(shop.ledger.jobs()) == 7
    assert shop.ledger.budget(NO_CAPS).standings[0].held == 7 * HOLD
