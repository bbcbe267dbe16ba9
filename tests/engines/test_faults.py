"""The promise to whoever pays, at every engine: whatever goes wrong, no clip is bought twice, none is lost,
and each job that comes to nothing says so, with its bill.

`RUSHES_FAULTS` sets how many faults are drawn (200 unless told otherwise), `RUSHES_SEED` which.
"""

from __future__ import annotations

import os
import time
from collections import Counter as Tally
from collections.abc import Iterator, Sequence
from decimal import Decimal
from pathlib import Path

import pytest

from rushes.domain.errors import Billed, error_classes
from rushes.domain.job import Failure, Job, JobState
from rushes.library.audit import verify
from rushes.media.decode import decode_all
from tests.engines.counters import Booked, Counter, Take
from tests.engines.fault_campaign import Campaign
from tests.engines.faults import End
from tests.engines.living import every_counter

FAULTS = int(os.environ.get("RUSHES_FAULTS", "200"))
SEED = int(os.environ.get("RUSHES_SEED", "20261122"))

NOTHING = Decimal(0)
CODES = {cls.code for cls in error_classes()}


@pytest.fixture(scope="module")
def counters(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Counter]]:
    with every_counter(tmp_path_factory.mktemp("books")) as found:
        yield found


# Who is stopped in the middle of a call leaves its socket to the garbage collector, as a process does.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.timeout(120 + FAULTS)
async def test_no_fault_buys_a_clip_twice_loses_one_or_hides_its_bill(
    tmp_path: Path, counters: list[Counter], capsys: pytest.CaptureFixture[str]
) -> None:
    """By the doubles' own books: at most one create for a job, a clip for each that was made, every cent."""
    started = time.monotonic()
    campaign = Campaign(tmp_path / "home", counters, seed=SEED, count=FAULTS)
    try:
        await campaign.run()
        for take in campaign.takes:
            assert_paid_once(campaign, take)
            assert_told(campaign, take)
            assert_ended_as_foreseen(campaign, take)
        assert_every_cent(campaign)
        assert_no_key_anywhere(campaign)
        assert list(verify(campaign.studio.library)) == []
        # On a machine with far more work than cores a third was; half of them still meet every kind.
        assert 2 * sum(map(campaign.was_disturbed, campaign.takes)) <= FAULTS
        assert_met(campaign)
    finally:
        with capsys.disabled():
            report(campaign, time.monotonic() - started)
        await campaign.studio.__aexit__()


def assert_paid_once(campaign: Campaign, take: Take) -> None:
    """Two creates in the books are money lost, and so is one that has a clip there and none here."""
    job, books = campaign.now(take), campaign.books[take]
    assert len(books) <= 1, (take, job)
    clips = campaign.studio.library.of_job(job.id)
    assert len(clips) == (job.state is JobState.COMPLETED), (take, job)
    for clip in clips:
        assert books, take
        assert decode_all(clip.path).findings == ()
    if job.state is not JobState.COMPLETED and any(one.made for one in books):
        # Made, and with no file that is whole: paid for, and kept as it came.
        assert take.fault.end is End.FAILED, (take, job.failure)


def assert_told(campaign: Campaign, take: Take) -> None:
    """Each failure that a person was shown has a code, a sentence, a bill that is true, and what to do."""
    cost = charged(campaign.books[take])
    failures = list(campaign.seen[take])
    last = campaign.now(take).failure
    if last is not None:
        failures.append(last)
    for one in failures:
        assert one.code in CODES - {"internal", "engine"}, (take, one)
        assert one.message.strip(), (take, one)
        assert one.next.strip(), (take, one)
        assert (one.billed is not Billed.YES) or cost > 0, (take, one, cost)
        assert (one.billed is not Billed.NO) or cost == 0 or is_blocked(one), (take, one, cost)


def is_blocked(failure: Failure) -> bool:
    """Whether it says that nothing was billed so far, and goes on."""
    return failure.exit_code == 7


def assert_ended_as_foreseen(campaign: Campaign, take: Take) -> None:
    """The fault ended the job, or did not, as its table says; a stop of the worker may spare it the fault."""
    job, kinds = campaign.now(take), campaign.kinds(take)
    codes = {one.code for one in campaign.seen[take]}
    spared = take in campaign.cut and (job.state, codes) == (JobState.COMPLETED, set())
    if campaign.was_disturbed(take) or spared:
        return
    said = (take.fault, take.times, job.state, job.failure, codes, kinds)
    match take.fault.end:
        case End.CLIP:
            assert (job.state, codes) == (JobState.COMPLETED, set()), said
        case End.HEARD:
            assert job.state is JobState.COMPLETED, said
            assert "outcome_unknown" in kinds, said
        case End.WRITTEN_OFF:
            replayed = take.counter.options.get("recovery") == "replay_key"
            assert job.state is (JobState.COMPLETED if replayed else JobState.FAILED), said
            assert "outcome_unknown" in kinds, said
        case End.MENDED:
            # One of its account that gets through may wake it before a person has seen it.
            assert job.state is JobState.COMPLETED, said
            assert codes <= {take.fault.code}, said
            assert "blocked" in kinds, said
        case End.COLLECTED:
            assert (job.state, codes) == (JobState.COMPLETED, {take.fault.code}), said
        case End.FAILED:
            assert (job.state, codes) == (JobState.FAILED, {take.fault.code}), said


def assert_met(campaign: Campaign) -> None:
    """By the doubles' own count each fault came about, but where the worker was stopped."""
    unmet = [take for take in campaign.unmet - campaign.cut if not campaign.was_disturbed(take)]
    assert [(take.fault, take.times) for take in unmet] == []


def assert_every_cent(campaign: Campaign) -> None:
    """What the ledger has spent, job by job, is what the doubles charged; nothing is held any more."""
    owed = {campaign.jobs[take].id: charged(books) for take, books in campaign.books.items()}
    paid = {row.id: paid_for(row) for row in map(campaign.now, campaign.takes)}
    assert {id: (owed[id], paid[id]) for id in owed if owed[id] != paid[id]} == {}
    standing = campaign.studio.budget().standings[0]
    assert (standing.held, standing.spent) == (NOTHING, sum(owed.values(), NOTHING))


def charged(books: Sequence[Booked]) -> Decimal:
    return sum((one.charged for one in books), NOTHING)


def paid_for(job: Job) -> Decimal:
    assert job.cost.settled, job
    return job.cost.amount or NOTHING


def assert_no_key_anywhere(campaign: Campaign) -> None:
    """Several answers repeat the key they were sent: it stands in no file, no error and no event of ours."""
    files = {
        path: path.read_bytes()
        for path in campaign.settings.home.rglob("*")
        if path.is_file() and path.suffix not in (".mp4", ".jpg", ".png")
    }
    assert campaign.settings.ledger in files
    for counter in campaign.counters:
        for secret in {counter.key, *counter.key.split(":")}:
            assert [path for path, data in files.items() if secret.encode() in data] == []
            for failures in campaign.seen.values():
                assert not any(secret in f"{one.message} {one.next}" for one in failures)


def report(campaign: Campaign, seconds: float) -> None:
    """Say what was hit and what came of it, and how to do it again."""
    rows: dict[tuple[str, str], Tally[str]] = {}
    for take in campaign.takes:
        row = rows.setdefault((take.counter.name, take.fault.operation), Tally())
        row.update({"faults": 1, came_of(campaign, take): 1})
    columns = ["faults", *(one.value for one in End), "disturbed"]
    head = " " * 21 + "".join(f"{one:>12}" for one in columns)
    lines = [
        f"{name:<11} {operation:<9}" + "".join(f"{row[one] or '':>12}" for one in columns)
        for (name, operation), row in sorted(rows.items())
    ]
    print(  # noqa: T201 - the seed is needed where it failed
        f"\n{len(campaign.takes)} faults, {campaign.stops} stops of the worker, {seconds:.0f} s,"
        f" RUSHES_SEED={SEED}",
        head,
        *lines,
        sep="\n",
    )


def came_of(campaign: Campaign, take: Take) -> str:
    return "disturbed" if campaign.was_disturbed(take) else take.fault.end.value
