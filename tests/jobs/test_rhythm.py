"""When a render is asked about: by what earlier ones took, by what the provider tells. On virtual time."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from pathlib import Path
from statistics import mean

import pytest

from rushes.domain.job import Job, JobState
from rushes.engines.contract import Progress, RenderState
from rushes.jobs.pace import Patience, Turns
from tests.jobs.virtual import Stage, silent

MANY = 40


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Callable[..., Stage]]:
    made: list[Stage] = []

    def on(tell: Callable[[float], Progress] = silent) -> Stage:
        made.append(Stage(tmp_path, tell))
        return made[-1]

    yield on
    for one in made:
        one.close()


def around(seconds: float, spread: float, count: int, seed: int) -> list[float]:
    """Return `count` times that scatter around `seconds`."""
    chance = random.Random(seed)
    return [seconds * chance.lognormvariate(0, spread) for _ in range(count)]


def rate(stage: Stage, jobs: Sequence[Job]) -> tuple[float, float]:
    """Return how late renders were noticed, and how often each was asked about, on average."""
    return mean(map(stage.late, jobs)), mean(len(stage.asked(job)) for job in jobs)


def gaps(stage: Stage, job: Job) -> list[float]:
    return [later - earlier for earlier, later in pairwise(stage.asked(job))]


def test_without_earlier_renders_a_tenth_of_the_age(stage: Callable[..., Stage]) -> None:
    """Asked at once, then after a tenth of the time it has taken so far, at least 1 s and at most 10 s."""
    one = stage()
    (job,) = one.begin(300.0)
    one.follow()
    assert one.asked(job)[0] < 0.2
    for age, gap in zip(one.asked(job), gaps(one, job), strict=False):
        assert gap == pytest.approx(min(10.0, max(1.0, age / 10)), rel=0.11)


@pytest.mark.parametrize("spread", [0.02, 0.05])
def test_what_earlier_renders_took_halves_polls_and_lateness(
    stage: Callable[..., Stage], spread: float
) -> None:
    """Against a loop that asks once a second, which is half a second late after some 21 polls."""
    one = stage()
    one.earlier(around(20.0, spread, 20, seed=1))
    jobs = one.begin(*around(20.0, spread, MANY, seed=2))
    one.follow()
    late, polls = rate(one, jobs)
    assert late <= 0.35
    assert polls <= 10.5


def test_earlier_renders_that_vary_widely_cost_no_more_polls(stage: Callable[..., Stage]) -> None:
    """A wide spread makes it later, and never busier: what is asked is bounded by what is known."""
    one = stage()
    one.earlier(around(60.0, 0.5, 20, seed=1))
    jobs = one.begin(*around(60.0, 0.5, MANY, seed=2))
    one.follow()
    late, polls = rate(one, jobs)
    assert late <= 6
    assert polls <= 14


def test_somebody_who_looks_sees_that_it_lives(stage: Callable[..., Stage]) -> None:
    """A render that is known to take ten minutes is asked about every 15 s all the same."""
    one = stage()
    one.earlier([590.0, 600.0, 610.0])
    (job,) = one.begin(600.0)
    one.follow()
    assert one.asked(job)[0] <= 16.5
    assert max(gaps(one, job)) <= 16.6


def test_what_is_known_not_to_be_done_is_split_evenly(stage: Callable[..., Stage]) -> None:
    """The one poll before a render of 20 s can be done comes in the middle, not just before."""
    one = stage()
    one.earlier([20.0] * 5)
    (job,) = one.begin(20.0)
    one.follow()
    assert 8 <= one.asked(job)[0] <= 11


def test_a_render_that_is_overdue_is_asked_about_ever_less_often(stage: Callable[..., Stage]) -> None:
    """Ten times the usual time costs no storm of polls."""
    one = stage()
    one.earlier(around(20.0, 0.03, 20, seed=1))
    (job,) = one.begin(200.0)
    one.follow()
    assert len(one.asked(job)) <= 60
    assert one.late(job) <= 16.5


@pytest.mark.parametrize("asked", [{"seconds": 8.0}, {"model": "scripted/priced"}])
def test_other_renders_tell_nothing(stage: Callable[..., Stage], asked: dict[str, object]) -> None:
    """Earlier renders of another length or model do not say how long this one takes."""
    one = stage()
    one.earlier([200.0] * 5, **asked)
    (job,) = one.begin(20.0)
    one.follow()
    assert one.asked(job)[0] < 0.2
    assert one.late(job) <= 2.4


def test_two_earlier_renders_are_not_enough(stage: Callable[..., Stage]) -> None:
    """They say nothing of how much it varies."""
    one = stage()
    one.earlier([200.0, 200.0])
    (job,) = one.begin(20.0)
    one.follow()
    assert one.late(job) <= 2.4


def test_a_worker_that_was_away_asks_at_once(stage: Callable[..., Stage]) -> None:
    """The age counts from the create, not from when the worker came: what should be done is asked for."""
    one = stage()
    one.earlier([20.0, 21.0, 22.0])
    (job,) = one.begin(20.0)
    one.wait(25.0)
    one.follow()
    assert one.asked(job)[0] < 25.2


def test_the_providers_word_wins(stage: Callable[..., Stage]) -> None:
    """Whatever earlier renders took and the progress says, it is asked when the provider wants to be."""
    one = stage(lambda fraction: Progress(state=RenderState.RUNNING, fraction=fraction, ask_after=7.0))
    one.earlier([60.0] * 5)
    (job,) = one.begin(60.0)
    one.follow()
    assert gaps(one, job) == pytest.approx([7.0] * len(gaps(one, job)))


def test_progress_is_carried_on_to_the_end(stage: Callable[..., Stage]) -> None:
    """Where the provider tells how far it is, the spread of earlier renders matters no more."""
    one = stage(lambda fraction: Progress(state=RenderState.RUNNING, fraction=int(100 * fraction) / 100))
    one.earlier(around(20.0, 0.3, 20, seed=1))
    jobs = one.begin(*around(20.0, 0.3, MANY, seed=2))
    one.follow()
    late, polls = rate(one, jobs)
    assert late <= 0.35
    assert polls <= 9


@pytest.mark.parametrize("stuck", [0.0, 0.3, 0.99])
def test_progress_that_stands_still_tells_nothing(stage: Callable[..., Stage], stuck: float) -> None:
    """A service that says 99 % for a minute is asked as one that says nothing."""
    one = stage(lambda fraction: Progress(state=RenderState.RUNNING, fraction=min(stuck, 10 * fraction)))
    (job,) = one.begin(100.0)
    one.follow()
    assert one.late(job) <= 11
    assert len(one.asked(job)) <= 40


def test_jobs_that_were_sent_together_are_not_asked_about_together(stage: Callable[..., Stage]) -> None:
    """After some polls their moments are spread over the pause between two."""
    one = stage()
    jobs = one.begin(*[60.0] * MANY)
    one.follow()
    later = [one.asked(job)[20] for job in jobs]
    assert max(later) - min(later) > 1


def test_a_wish_to_cancel_is_heard_before_the_first_poll(stage: Callable[..., Stage]) -> None:
    """Nobody waits for a poll that is minutes away to have a job canceled."""
    one = stage()
    one.earlier([20.0, 21.0, 22.0])
    (job,) = one.begin(20.0)

    async def cancel() -> None:
        await asyncio.sleep(1.0)
        one.ledger.cancel(job.id)

    one.follow(cancel())
    assert one.ledger.job(job.id).state is JobState.CANCELED
    assert one.asked(job)[0] <= 1.5


async def test_turns_spread_what_comes_at_once() -> None:
    """A burst goes through; what comes on top of it is sent at the steady rate, in the order it came."""
    turns = Turns(rate=50.0, burst=100.0)
    waits = [turns.turn() for _ in range(300)]
    assert waits[:100] == [0.0] * 100
    assert waits == sorted(waits)
    assert waits[-1] == pytest.approx(4.0, abs=0.1)


def test_polls_that_are_never_answered_delay_no_other_engines(stage: Callable[..., Stage]) -> None:
    """F01, F02: of one engine a few are on their way at once; another has places of its own."""
    one = stage()
    one.patience = Patience(unreachable=120.0)
    one.begin_stuck(MANY)
    (job,) = one.begin(30.0)
    one.follow()
    assert one.asked(job)[0] < 1.0
    assert one.late(job) < 10.0
