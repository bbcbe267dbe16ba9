"""Fallbacks: the next engine of the list is turned to only where the one before accepted nothing."""

from __future__ import annotations

import asyncio
import random
import secrets
import socket
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from rushes import settings
from rushes.database.database import Database
from rushes.domain.errors import ApprovalNeeded, BadInput, Billed
from rushes.domain.job import Job, JobState
from rushes.domain.request import VideoRequest
from rushes.jobs.ledger import Ledger
from rushes.jobs.pace import Backoff, Limits
from rushes.jobs.worker import Worker
from rushes.library.library import Library
from rushes.studio import Studio
from rushes.testing.process import ProviderProcess, running

ENGINES = """
[engines.first]
engine = "scripted"
base_url = "{first}"
post_timeout = 1.0
{options}
[engines.second]
engine = "scripted"
base_url = "{second}"
[engines.third]
engine = "scripted"
base_url = "{second}"
[[engines.third.models]]
id = "dear"
resolutions = ["180p", "720p"]
price = {{ per_second = {{ "*" = "0.30" }} }}
[budget]
{caps}
"""

NOTHING = Decimal(0)
SPENT = Decimal("0.1")
MOST = Decimal(5)
"""What one clip may cost, whichever step makes it."""

"""What a clip of a second costs at `first` and at `second`."""

NO_WAY = {"accept": False, "status": 422}
NO_CREDIT = {"accept": False, "status": 402}


@pytest.fixture(scope="module")
def second(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ProviderProcess]:
    """Another provider in a process of its own."""
    with running(tmp_path_factory.mktemp("second") / "creates.log", footage="160x96x0.5") as one:
        yield one


class Stage:
    """A Studio with the engines `first`, `second` and `third`, and a worker in this process."""

    def __init__(self, home: Path, first: ProviderProcess, second: ProviderProcess) -> None:
        self.home = home
        self.first = first
        self.second = second
        self.mark = secrets.token_hex(5)

    def open(self, *, base_url: str = "", options: str = "", caps: str = "") -> Studio:
        """Return a Studio; `options` are settings of the engine `first`, at `base_url` if it is given."""
        (self.home / "config.toml").write_text(
            ENGINES.format(
                first=base_url or self.first.base_url,
                second=self.second.base_url,
                options=options,
                caps=caps,
            )
        )
        found = settings.load({"RUSHES_HOME": str(self.home), "RUSHES_IDLE_S": "1"})
        return Studio(found)

    def asked(self, *fallback: str, words: str = "", **fields: Any) -> VideoRequest:
        return VideoRequest(
            prompt=f"{self.mark} {words}".strip(),
            model="first/priced",
            seconds=1,
            resolution="180p",
            fallback=fallback,
            **fields,
        )

    def creates(self) -> tuple[int, int]:
        """Return how many creates each provider accepted from this test, by its own log."""
        return len(self.first.log(self.mark)), len(self.second.log(self.mark))

    async def carry(self, studio: Studio, *requests: VideoRequest) -> list[Job]:
        """Submit each and return the jobs once they have ended or a person has to act."""
        async with self.working(studio):
            ids = [(await studio.submit(request, max_usd=MOST)).id for request in requests]
            async with asyncio.timeout(30):
                async for jobs in studio.watch(ids):
                    found = jobs
        return found

    @asynccontextmanager
    async def working(self, studio: Studio) -> AsyncIterator[None]:
        database = Database(studio.settings.ledger)
        worker = Worker(
            Ledger(database),
            Library(self.home, database),
            lambda job: studio.engine(job.engine),
            lambda name: Limits(concurrency=4),
            caps=lambda: studio.settings.caps,
            lock=studio.settings.lock,
            idle_s=3600.0,
            backoff=Backoff(first=0.02, longest=0.1, chance=random.Random(1)),
        )
        task = asyncio.create_task(worker.run())
        try:
            yield
        finally:
            task.cancel()
            await asyncio.wait([task])
            database.close()


@pytest.fixture
def stage(tmp_path: Path, provider: ProviderProcess, second: ProviderProcess) -> Stage:
    return Stage(tmp_path, provider, second)


def kinds(studio: Studio, job: Job) -> list[str]:
    return [event["kind"] for event in studio.ledger.events(job.id)]


def spent(studio: Studio, name: str) -> Decimal:
    return next(one for one in studio.budget().standings if one.name == name).spent


@pytest.mark.parametrize("refusal", [NO_WAY, NO_CREDIT], ids=["refused", "no credit"])
async def test_the_next_of_the_list_makes_what_the_first_did_not_accept(
    stage: Stage, refusal: dict[str, Any]
) -> None:
    """A clear no, or an account without credit: the second engine makes the clip, is paid, and it is said."""
    stage.first.script(stage.mark, create=[refusal])
    async with stage.open(caps="engines = { first = 5, second = 5 }") as studio:
        (job,) = await stage.carry(studio, stage.asked("second/priced"))

        assert job.state is JobState.COMPLETED
        assert (job.engine, job.model) == ("second", "second/priced")
        assert stage.creates() == (0, 1)
        told, _ = job.warnings  # the other is of the double's clip, which is shorter than ordered
        assert told.startswith("first/priced accepted nothing (")
        assert told.endswith("second/priced was turned to (up to $0.10)")
        assert "fell_back" in kinds(studio, job)
        assert (spent(studio, "day of first"), spent(studio, "day of second")) == (NOTHING, SPENT)
        assert job.cost.amount == SPENT


async def test_who_does_not_answer_is_tried_again_before_the_next_is_turned_to(stage: Stage) -> None:
    """Nobody at home is no refusal: the create is tried three times, and only then sent elsewhere."""
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        async with stage.open(base_url=f"http://127.0.0.1:{nobody.getsockname()[1]}") as studio:
            (job,) = await stage.carry(studio, stage.asked("second/priced"))
            assert job.state is JobState.COMPLETED
            assert kinds(studio, job).count("put_off") == 2
            assert stage.creates() == (0, 1)


@pytest.mark.parametrize("accept", [True, False], ids=["accepted", "not accepted"])
async def test_a_lost_create_is_sent_to_nobody_else(stage: Stage, accept: bool) -> None:
    """Where the first may have accepted it, the second is not asked: a person settles it."""
    stage.first.script(stage.mark, create=[{"accept": accept, "drop": True}])
    async with stage.open() as studio:
        (job,) = await stage.carry(studio, stage.asked("second/priced"))
        assert job.state is JobState.OUTCOME_UNKNOWN
        assert (job.engine, stage.creates()) == ("first", (int(accept), 0))


async def test_what_was_accepted_and_failed_is_sent_to_nobody_else(stage: Stage) -> None:
    """A render that fails was accepted, and may have been paid: the list is for what nobody took on."""
    stage.first.script(stage.mark, render={"outcome": "failed"})
    async with stage.open() as studio:
        (job,) = await stage.carry(studio, stage.asked("second/priced"))
        assert (job.state, job.engine, stage.creates()) == (JobState.FAILED, "first", (1, 0))


async def test_what_is_refused_for_its_content_is_carried_to_nobody(stage: Stage) -> None:
    """Words that one provider's rules forbid are not tried on the next one."""
    stage.first.script(stage.mark, create=[{"accept": False, "status": 400, "body": "content"}])
    async with stage.open() as studio:
        (job,) = await stage.carry(studio, stage.asked("second/priced"))
        assert job.failure is not None
        assert (job.failure.code, job.failure.billed, stage.creates()) == (
            "content_refused",
            Billed.NO,
            (0, 0),
        )


async def test_a_step_that_the_caps_do_not_fit_is_left_out(stage: Stage) -> None:
    """The dear third is over its cap: it is skipped, the second makes the clip, and nothing stays held."""
    stage.first.script(stage.mark, create=[NO_WAY])
    async with stage.open(caps="engines = { third = 0.2 }") as studio:
        (job,) = await stage.carry(studio, stage.asked("third/dear", "second/priced"))
        assert (job.state, job.engine, stage.creates()) == (JobState.COMPLETED, "second", (0, 1))
        assert "fallback_skipped" in kinds(studio, job)
        assert next(one.held for one in studio.budget().standings) == 0


async def test_a_cap_of_nothing_lets_no_fallback_buy(stage: Stage) -> None:
    """A free model that refuses, then a paid one, and a day's cap of 0: no create, and the free one's no."""
    stage.first.script(stage.mark, create=[NO_WAY])
    async with stage.open(caps="per_day = 0") as studio:
        free = replace(stage.asked("second/priced"), model="first/free")
        (job,) = await stage.carry(studio, free)
        assert (job.state, job.engine, stage.creates()) == (JobState.FAILED, "first", (0, 0))
        assert next(one.held for one in studio.budget().standings) == 0


async def test_a_list_that_comes_to_its_end_ends_the_job_with_the_last_no(stage: Stage) -> None:
    """Refused everywhere: it fails as the last engine said, costs nothing, and holds nothing."""
    stage.first.script(stage.mark, create=[NO_WAY])
    stage.second.script(stage.mark, create=[NO_WAY])
    async with stage.open() as studio:
        (job,) = await stage.carry(studio, stage.asked("second/priced"))
        assert (job.state, job.engine, stage.creates()) == (JobState.FAILED, "second", (0, 0))
        assert job.failure is not None
        assert job.failure.billed is Billed.NO
        assert next((one.held, one.spent) for one in studio.budget().standings) == (NOTHING, NOTHING)


async def test_a_wall_holds_nobody_up_who_can_turn_elsewhere(stage: Stage) -> None:
    """One job is blocked for want of credit; another of the same account that has a list goes its way."""
    stage.first.script(stage.mark, create=[NO_CREDIT, NO_CREDIT])
    async with stage.open() as studio:
        blocked, other = await stage.carry(
            studio, stage.asked(words="one"), stage.asked("second/priced", words="two")
        )
        assert (blocked.state, other.state) == (JobState.BLOCKED, JobState.COMPLETED)
        assert (other.engine, stage.creates()) == ("second", (0, 1))
        studio.cancel(blocked.id)  # A worker that the watching started stays for a blocked job.


async def test_adding_a_list_does_not_buy_a_second_clip(stage: Stage) -> None:
    """The same request with a fallback is the job that there is, while it is live."""
    async with stage.open() as studio:
        one = await studio.submit(stage.asked(), max_usd=MOST)
        two = await studio.submit(stage.asked("second/priced"), max_usd=MOST)
        assert one.id == two.id


def lists() -> Sequence[tuple[tuple[str, ...], type[Exception]]]:
    return [
        (("first/priced",), BadInput),
        (("second/priced", "second/priced"), BadInput),
        (("second/nothing",), BadInput),
        (("second/unpriced",), ApprovalNeeded),
    ]


@pytest.mark.parametrize(("fallback", "error"), lists())
async def test_a_list_is_checked_before_anything_is_stored(
    stage: Stage, fallback: tuple[str, ...], error: type[Exception]
) -> None:
    """Twice the same model, one that is not there, one whose price nobody knows: refused, nothing stored."""
    async with stage.open() as studio:
        with pytest.raises(error):
            await studio.submit(stage.asked(*fallback))
        assert studio.ledger.jobs() == []


async def test_a_quote_shows_every_step_and_what_the_dearest_costs(stage: Stage) -> None:
    """Whoever agrees to the list has seen each price; with one that nobody knows there is no dearest."""
    async with stage.open() as studio:
        offer = await studio.quote(stage.asked("second/priced", "third/dear"))
        assert [(one.model.address, one.quote.amount) for one in offer.steps] == [
            ("first/priced", SPENT),
            ("second/priced", SPENT),
            ("third/dear", Decimal("0.3")),
        ]
        assert offer.dearest() == Decimal("0.3")
        assert (await studio.quote(stage.asked("second/unpriced"))).dearest() is None
