"""Money under pressure: fifty processes and every door against a cap. The provider's log is the witness."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path

import pytest

from rushes import settings
from rushes.domain.errors import OverBudget
from rushes.domain.job import JobState
from rushes.domain.request import VideoRequest
from rushes.studio import Studio
from rushes.testing.process import ProviderProcess
from tests.cli.terminal import Terminal
from tests.jobs.shop import Shop

ROOT = Path(__file__).parents[2]

DOORS = 50
FIT = 7

RUSH = """
import asyncio, os, sys
from decimal import Decimal
from pathlib import Path
from rushes import settings
from rushes.domain.errors import OverBudget
from rushes.domain.request import VideoRequest
from rushes.studio import Studio

home, mark, doors = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])

async def submit(number):
    async with Studio.open(settings.load(os.environ, home)) as studio:
        os.close(gun)
        os.read(gate, 1)
        asked = VideoRequest(prompt=f"{mark} door {number}", model="lab/priced", seconds=1.0)
        await studio.submit(asked, max_usd=Decimal(1))

def door(number):
    try:
        asyncio.run(submit(number))
    except OverBudget:
        return 6
    return 0

gate, gun = os.pipe()
pids = []
for number in range(doors):
    pids.append(os.fork())
    if pids[-1] == 0:
        os._exit(door(number))
os.close(gun)  # now nobody holds the other end, and all go through the gate
print(*(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) for pid in pids))
"""


@pytest.fixture
def house(tmp_path: Path, provider: ProviderProcess) -> Iterator[Shop]:
    """A shop with a home of its own, whose workers are gone at the end."""
    one = Shop(tmp_path / "home", provider)
    yield one
    Terminal(home=one.home).stop_worker()
    one.close()


def capped(house: Shop, caps: str) -> dict[str, str]:
    """Put the engine and `caps`, lines of the settings, in force; return the environment of every door."""
    (house.home / "config.toml").write_text(
        f'[engines.lab]\nengine = "scripted"\nbase_url = "{house.provider.base_url}"\n{caps}'
    )
    return {**os.environ, "RUSHES_HOME": str(house.home), "RUSHES_IDLE_S": "0.5"}


async def test_fifty_processes_at_once_buy_no_more_than_the_cap_fits(house: Shop) -> None:
    """Fifty processes submit at the same moment against a cap that fits seven: the provider sees seven."""
    environ = capped(house, "[budget]\nper_day = 0.75\n")
    rush = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", RUSH, str(house.home), house.mark, str(DOORS)),
        env=environ,
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    out, err = await asyncio.wait_for(rush.communicate(), 120)
    async with Studio.open(settings.load(environ, house.home)) as studio:
        ids = [job.id for job in studio.ledger.jobs(limit=2 * DOORS)]
        async for jobs in studio.watch(ids):
            states = {job.state for job in jobs}

    assert sorted(out.decode().split()) == ["0"] * FIT + ["6"] * (DOORS - FIT), err.decode()
    assert states == {JobState.COMPLETED}
    assert len(house.creates()) == FIT


def submit(house: Shop, environ: dict[str, str]) -> int:
    async def door() -> None:
        async with Studio.open(settings.load(environ, house.home)) as studio:
            asked = VideoRequest(prompt=house.prompt(), model="lab/priced", seconds=1.0)
            await studio.submit(asked, max_usd=Decimal(1))

    return _code(door)


def submit_takes(house: Shop, environ: dict[str, str]) -> int:
    async def door() -> None:
        async with Studio.open(settings.load(environ, house.home)) as studio:
            asked = VideoRequest(prompt=house.prompt(), model="lab/priced", seconds=1.0)
            await studio.submit_takes(asked, 3, max_usd=Decimal(1))

    return _code(door)


def _code(door: Callable[[], object]) -> int:
    try:
        asyncio.run(door())  # type: ignore[arg-type]
    except OverBudget as error:
        return error.exit_code
    return 0


def create(house: Shop, environ: dict[str, str]) -> int:
    words = ("create", house.prompt(), "--model", "lab/priced", "--seconds", "1", "--yes")
    return Terminal(home=house.home).run(*words).code


def batch(house: Shop, environ: dict[str, str]) -> int:
    line = {"prompt": house.prompt(), "model": "lab/priced", "seconds": 1}
    (house.home / "shots.jsonl").write_text(json.dumps(line))
    return Terminal(home=house.home).run("create", "--batch", "shots.jsonl", "--yes").code


@pytest.mark.parametrize("door", [submit, submit_takes, create, batch])
@pytest.mark.parametrize(
    "caps",
    [
        "[budget]\nper_job = 0\n",
        "[budget]\nper_day = 0\n",
        "[budget]\nper_month = 0\n",
        "[budget.engines]\nlab = 0\n",
    ],
    ids=["job", "day", "month", "engine"],
)
def test_with_a_cap_of_nothing_no_door_buys(
    house: Shop, door: Callable[[Shop, dict[str, str]], int], caps: str
) -> None:
    """Whichever door a paid request comes through, a cap of 0 stops it before the provider hears of it."""
    code = door(house, capped(house, caps))

    assert code == 6
    assert house.ledger.jobs() == []
    assert house.creates() == []


@pytest.mark.parametrize("door", [submit, submit_takes, create, batch])
def test_with_room_under_the_cap_every_door_buys(
    house: Shop, door: Callable[[Shop, dict[str, str]], int]
) -> None:
    """The same doors do lead to the provider: what stops them above is the cap alone."""
    assert door(house, capped(house, "[budget]\nper_day = 1\n")) == 0
    assert house.ledger.jobs() != []
