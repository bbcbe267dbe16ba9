"""Every state that holds money has a way out that a person can take, with the reason on the job."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from rushes.domain.errors import WrongState
from rushes.domain.job import JobState
from rushes.domain.request import Reference, Role
from rushes.engines.contract import Attempt, Candidate, Progress, RenderState, Result, Ticket
from rushes.jobs.pace import Limits, Patience
from rushes.jobs.tenure import Tenure
from rushes.testing.scripted import ScriptedEngine
from tests.jobs.shop import HOLD, NOTHING, Shop
from tests.jobs.virtual import Renderer, Stage

SHORT = Patience(unknown_word_done=60.0, unknown_word=600.0, unreachable=1200.0)
"""Hours are minutes here: a worker looks at its ledger ten times a second, on a virtual clock too."""


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Callable[..., Stage]]:
    made: list[Stage] = []

    def on(tell: Callable[[float], Progress]) -> Stage:
        made.append(Stage(tmp_path, tell))
        made[-1].patience = SHORT
        return made[-1]

    yield on
    for one in made:
        one.close()


def stuck(word: str | None, fraction: float | None) -> Callable[[float], Progress]:
    return lambda _: Progress(state=RenderState.RUNNING, fraction=fraction, unknown_word=word)


# --- abandoning ---

HELD_IN: dict[str, tuple[dict[str, Any], JobState]] = {
    "queued": ({"render": {"queue": 600}}, JobState.QUEUED),
    "running": ({"render": {"seconds": 600}}, JobState.RUNNING),
    "unreachable": ({"render": {"faults": [{"status": 500, "times": None}]}}, JobState.QUEUED),
    "collecting": ({"file_faults": [{"status": 503, "times": None}]}, JobState.COLLECTING),
    "blocked": ({"render": {"faults": [{"status": 401, "times": None}]}}, JobState.BLOCKED),
    "unknown": ({"create": [{"drop": True}]}, JobState.OUTCOME_UNKNOWN),
}


@pytest.mark.parametrize(("rule", "state"), HELD_IN.values(), ids=HELD_IN.keys())
@pytest.mark.parametrize("charged", [None, NOTHING, Decimal("0.04")], ids=["open", "nothing", "charged"])
async def test_a_person_can_end_every_job_that_holds_money(
    shop: Shop, rule: dict[str, Any], state: JobState, charged: Decimal | None
) -> None:
    """(F04, C01, B2, U6.1) Abandoned, a job ends at once with what it cost, and its worker can go."""
    shop.script(**rule)
    job = shop.submit()
    async with shop.working():
        await shop.until(job, state)
        ended = shop.ledger.write_off(job.id, charged)
    assert ended.state is JobState.FAILED
    assert ended.failure is not None
    assert ended.failure.code == "abandoned"
    held, spent = (HOLD, NOTHING) if charged is None else (NOTHING, charged)
    assert (shop.held(), shop.spent()) == (held, spent)
    assert not shop.ledger.needs_worker()


async def test_an_abandoned_job_stays_as_it_is_while_a_worker_runs(shop: Shop) -> None:
    """(F04) The worker that followed it lets go of it, and takes up what comes after."""
    shop.script("long", render={"seconds": 600})
    job = shop.submit("long")
    async with shop.working():
        await shop.until(job, JobState.RUNNING)
        shop.ledger.write_off(job.id, NOTHING)
        await shop.until(shop.submit("next"), JobState.COMPLETED)
    assert shop.now(job).state is JobState.FAILED


@pytest.mark.parametrize("said", [None, NOTHING], ids=["bill open", "nothing"])
async def test_what_was_abandoned_can_be_collected_after_all(shop: Shop, said: Decimal | None) -> None:
    """(F04) The ticket is kept: `collect` brings the clip in, and nothing is bought twice."""
    shop.script(render={"seconds": 600})
    job = shop.submit()
    async with shop.working():
        await shop.until(job, JobState.RUNNING)
        shop.ledger.write_off(job.id, said)
        shop.script()
        shop.ledger.collect(job.id)
        await shop.until(job, JobState.COMPLETED)
    assert (len(shop.creates()), shop.held(), shop.spent()) == (1, NOTHING, HOLD)


async def test_a_ticket_that_arrives_after_a_job_was_abandoned_is_stored(shop: Shop) -> None:
    """(F04) A create on its way is waited for: its ticket is kept and held for, and the job stays ended."""
    shop.settings["post_timeout"] = 5.0
    shop.script(create=[{"delay_after": 0.5}])
    job = shop.submit()
    async with shop.working():
        await shop.until(job, JobState.SUBMITTING, which=lambda one: one.posted_at is not None)
        shop.ledger.write_off(job.id, None)
        done = await shop.until(job, JobState.FAILED, which=lambda one: one.ticket is not None)
    assert done.ticket == {"id": shop.creates()[0]["id"]}
    assert (shop.held(), len(shop.creates())) == (HOLD, 1)


async def test_a_lost_create_that_was_given_up_can_be_found_again(shop: Shop) -> None:
    """(F04) Abandoned while its outcome was unknown, a create that is found is adopted after all."""
    shop.script(create=[{"drop": True}])
    (job,) = await shop.carry(shop.submit())
    shop.ledger.write_off(job.id, NOTHING)
    shop.ledger.reconcile(job.id, ticket={"id": shop.creates()[0]["id"]})
    assert shop.held() == HOLD
    (done,) = await shop.carry(job)
    assert (done.state, shop.spent(), len(shop.creates())) == (JobState.COMPLETED, HOLD, 1)


async def test_cancel_is_granted_at_once_before_the_create_is_sent(shop: Shop) -> None:
    """(F04) While references are uploaded nothing was sent: canceled, free, and no create follows."""
    shop.script(prepare=[{"hang": 30.0, "times": None}])
    picture = shop.home / "picture.png"
    picture.write_bytes(b"any bytes will do for this provider")
    reference = shop.library.keep(Reference(role=Role.FIRST_FRAME, path=picture))
    shop.settings["ask_timeout"] = 60.0
    job = shop.submit(references=(reference,))
    async with shop.working():
        await shop.until(job, JobState.SUBMITTING)
        assert shop.ledger.cancel(job.id).state is JobState.CANCELED
        await shop.until(shop.submit("next"), JobState.COMPLETED)
    assert (shop.held(), shop.creates("")[0]["prompt"]) == (NOTHING, shop.prompt("next"))


async def test_a_create_is_not_sent_for_a_job_that_was_ended(shop: Shop) -> None:
    """Abandoned in the moment before the create: nothing leaves, and nothing stays held."""
    job = shop.submit()
    tenure = Tenure(shop.ledger)
    tenure.claim("scripted", 1)
    shop.ledger.write_off(job.id, None)
    assert not tenure.posting(shop.now(job), {})
    assert (shop.now(job).state, shop.held()) == (JobState.CANCELED, NOTHING)


async def test_a_worker_waits_for_the_answer_to_an_abandoned_create(shop: Shop) -> None:
    """However soon it would end for want of work, the ticket is stored first."""
    shop.settings["post_timeout"] = 5.0
    shop.script(create=[{"delay_after": 1.0}])
    job = shop.submit()
    async with shop.worker(idle_s=0.1) as worker:
        running = asyncio.create_task(worker.run())
        await shop.until(job, JobState.SUBMITTING, which=lambda one: one.posted_at is not None)
        shop.ledger.write_off(job.id, Decimal("0.04"))
        await asyncio.wait_for(running, 20)
    done = shop.now(job)
    assert (done.state, done.ticket) == (JobState.FAILED, {"id": shop.creates()[0]["id"]})
    assert (shop.held(), shop.spent()) == (NOTHING, Decimal("0.04"))


async def test_an_abandoned_job_turns_to_no_fallback(shop: Shop) -> None:
    """Refused after a person ended it with what it cost: that stands, and no fallback is tried."""
    shop.settings["post_timeout"] = 5.0
    shop.script("doomed", create=[{"accept": False, "status": 400, "delay_before": 0.5}])
    other = shop.draft("elsewhere", model="free")
    job = shop.submit("doomed", fallbacks=(other,))
    async with shop.working():
        await shop.until(job, JobState.SUBMITTING, which=lambda one: one.posted_at is not None)
        shop.ledger.write_off(job.id, Decimal("0.04"))
        await shop.until(shop.submit("next"), JobState.COMPLETED)
    now = shop.now(job)
    assert (now.state, now.model, now.cost.amount) == (JobState.FAILED, "scripted/priced", Decimal("0.04"))


async def test_a_wish_to_cancel_outlives_a_refusal(shop: Shop) -> None:
    """Canceled while the create was on its way, and not accepted: the job is canceled, and not blocked."""
    shop.settings["post_timeout"] = 5.0
    shop.script(create=[{"accept": False, "status": 401, "delay_before": 0.5}])
    job = shop.submit()
    async with shop.working():
        await shop.until(job, JobState.SUBMITTING, which=lambda one: one.posted_at is not None)
        shop.ledger.cancel(job.id)
        await shop.until(job, JobState.CANCELED)
    assert shop.held() == NOTHING


async def test_what_a_person_said_it_cost_stays(shop: Shop) -> None:
    """(F06) A corrected bill is not overwritten when the clip is collected again."""
    shop.script(render={"cost": "2.5"})
    (job,) = await shop.carry(shop.submit())
    shop.ledger.reconcile(job.id, charged=Decimal("0.25"))
    shop.ledger.collect(job.id)
    await shop.carry(job)
    assert shop.spent() == Decimal("0.25")


class OddLister(ScriptedEngine):
    """Lists what it accepted under tickets that nobody can store."""

    async def lookup(self, attempt: Attempt) -> Sequence[Candidate]:
        return [Candidate(ticket={"id": {1}}, created_at=attempt.posted_at, prompt=attempt.request.prompt)]


async def test_a_mistake_about_a_lost_create_never_sends_it_again(shop: Shop) -> None:
    """A list that cannot be used leaves the outcome to a person, with the money held."""
    shop.engine_class = OddLister
    shop.settings["recovery"] = "lookup"
    shop.script(create=[{"drop": True}])
    job = shop.submit()
    async with shop.working():
        left = await shop.until(job, JobState.OUTCOME_UNKNOWN, which=lambda one: one.left_to_a_person)
    assert left.failure is not None
    assert "list could not be read" in left.failure.message
    assert (len(shop.creates()), shop.held(), shop.ledger.needs_worker()) == (1, HOLD, False)


async def test_jobs_behind_a_blocked_one_keep_no_worker_alive(shop: Shop) -> None:
    """(F04) Two of three wait behind the one that met a wrong key: all of them wait for a person."""
    shop.limits = Limits(concurrency=1)
    shop.script(create=[{"accept": False, "status": 401}])
    first, *others = (shop.submit(words) for words in ("one", "two", "three"))
    async with shop.worker(idle_s=0.2) as worker:
        await asyncio.wait_for(worker.run(), 20)
    assert shop.now(first).state is JobState.BLOCKED
    assert {shop.now(job).state for job in others} == {JobState.WAITING}
    assert all(shop.ledger.is_behind_blocked(shop.now(job)) for job in others)
    # The list and each job say what they wait for.
    wall = f"behind the blocked {first.id}"
    assert {job.reason for job in shop.ledger.jobs(state=JobState.WAITING)} == {wall}
    assert {shop.now(job).reason for job in others} == {wall}


async def test_a_clip_answers_before_a_later_failure(shop: Shop) -> None:
    """(F15) What was made answers for the same words, though another try of them failed since."""
    (made,) = await shop.carry(shop.submit())
    shop.script(render={"outcome": "failed"})
    await shop.carry(shop.submit(again=True))
    assert shop.admit(shop.draft())[0].job.id == made.id


def test_what_ended_free_has_nothing_to_settle(shop: Shop) -> None:
    """A canceled job has no way out to take: it says so."""
    job = shop.submit(model="free")
    shop.ledger.cancel(job.id)
    with pytest.raises(WrongState, match="nothing left to settle"):
        shop.ledger.write_off(job.id, None)


# --- states that end without a word that is known ---


@pytest.mark.parametrize(
    ("fraction", "limit"),
    [(1.0, SHORT.unknown_word_done), (0.5, SHORT.unknown_word), (None, SHORT.unknown_word)],
)
def test_a_render_under_a_word_that_nobody_knows_ends(
    stage: Callable[..., Stage], fraction: float | None, limit: float
) -> None:
    """(C01) The same unknown word for long, soonest at 100 %, ends the job, its bill open."""
    one = stage(stuck("moderated", fraction))
    (job,) = one.begin(10 * SHORT.unknown_word)
    one.follow()
    done = one.ledger.job(job.id)
    assert done.state is JobState.FAILED
    assert done.failure is not None
    assert '"moderated"' in done.failure.message
    assert limit <= one.asked(job)[-1] <= 1.2 * limit


def test_an_unknown_word_is_told_on_the_job(stage: Callable[..., Stage]) -> None:
    """(C01) Long before it ends the job, everybody who looks at it reads the word."""
    reasons: list[str | None] = []
    one = stage(lambda _: stuck("moderated", 1.0)(_))
    (job,) = one.begin(10 * SHORT.unknown_word)

    def look(fraction: float) -> Progress:
        reasons.append(one.ledger.job(job.id).reason)
        return stuck("moderated", 1.0)(fraction)

    one.engine.tell = look
    one.follow()
    assert '"moderated"' in (reasons[2] or "")


def test_a_running_render_is_left_alone_for_hours(stage: Callable[..., Stage]) -> None:
    """A word that is known never ends a job: some renders take a day."""
    one = stage(stuck(None, 0.99))
    (job,) = one.begin(2 * SHORT.unknown_word)
    one.follow()
    done = one.ledger.job(job.id)
    assert done.failure is not None
    assert done.failure.message == "it made nothing"


# --- errors of our own, and of an engine's code ---


def broken(_: float) -> Progress:
    raise ValueError("'done' is not a valid RenderState")


def test_a_mistake_in_an_engines_poll_blocks_the_job(stage: Callable[..., Stage]) -> None:
    """(F04, U6.1) After a few times the job is blocked with the mistake as its reason."""
    one = stage(broken)
    (job,) = one.begin(SHORT.unknown_word)
    one.follow()
    blocked = one.ledger.job(job.id)
    assert (blocked.state, blocked.reason) == (JobState.BLOCKED, "internal error")
    assert blocked.failure is not None
    assert "ValueError: 'done' is not a valid RenderState" in blocked.failure.message
    assert not one.ledger.needs_worker()


def unreachable(_: float) -> Progress:
    raise ConnectionResetError("gone")


def test_a_provider_that_is_gone_for_a_day_blocks_the_job(stage: Callable[..., Stage]) -> None:
    """(B2) A day without one answer: the job waits for a person, and keeps no worker alive."""
    one = stage(unreachable)
    (job,) = one.begin(10 * SHORT.unreachable)
    one.follow()
    blocked = one.ledger.job(job.id)
    assert blocked.state is JobState.BLOCKED
    assert blocked.failure is not None
    assert blocked.failure.code == "unreachable"
    assert SHORT.unreachable <= one.asked(job)[-1] <= 1.1 * SHORT.unreachable


class Forgetful(Renderer):
    """An engine with a mistake in the code that says where the results are."""

    async def results(self, ticket: Ticket) -> Sequence[Result]:
        raise KeyError("candidates")


def test_a_mistake_while_collecting_is_told_and_blocks(stage: Callable[..., Stage]) -> None:
    """(F04) A rendered job whose results cannot be read says why, is blocked, and keeps no worker alive."""
    one = stage(stuck(None, None))
    one.engine = Forgetful(lambda _: Progress(state=RenderState.SUCCEEDED))
    (job,) = one.begin(SHORT.unknown_word)
    one.follow()
    blocked = one.ledger.job(job.id)
    assert (blocked.state, blocked.reason) == (JobState.BLOCKED, "internal error")
    assert blocked.failure is not None
    assert "KeyError: 'candidates'" in blocked.failure.message
    assert not one.ledger.needs_worker()


# --- not there yet ---


async def test_a_file_that_comes_late_is_waited_for(shop: Shop) -> None:
    """(C02, F16) 404 for the file four times after "completed": asked again, and the clip comes."""
    shop.script(file_faults=[{"status": 404, "times": 4}])
    (job,) = await shop.carry(shop.submit())
    assert job.state is JobState.COMPLETED
    assert (len(shop.creates()), shop.spent()) == (1, HOLD)


# --- what a provider says it charged ---


async def test_a_charge_far_above_its_quote_is_booked_flagged_and_corrected(shop: Shop) -> None:
    """(F06) $25 for a clip quoted at $0.10: booked, told on the job, and a person can correct it."""
    shop.script(render={"cost": "25"})
    (job,) = await shop.carry(shop.submit())
    assert (job.state, shop.spent()) == (JobState.COMPLETED, Decimal(25))
    assert "$25.00" in " ".join(job.warnings)
    shop.ledger.reconcile(job.id, charged=Decimal("0.25"))
    assert (shop.spent(), shop.now(job).cost.amount) == (Decimal("0.25"), Decimal("0.25"))


async def test_an_absurd_charge_hangs_nothing(shop: Shop) -> None:
    """(F06) A cost that no clip can have is not booked, and the clip is collected all the same."""
    shop.script(render={"cost": "9000000000000"})
    (job,) = await shop.carry(shop.submit())
    assert (job.state, shop.spent()) == (JobState.COMPLETED, HOLD)
