"""One emulator for all tests of this room, and a signed-in home for each."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import pytest_asyncio

from rushes.engines.sora_web.engine import SoraWebEngine
from rushes.testing.sora_process import SoraProcess, running_sora
from tests.engines.sora_web.proxies import PASSWORD, USERNAME, AuthenticatingProxy, authenticating
from tests.engines.sora_web.shared import SharedEngine
from tests.engines.sora_web.stage import Stage

SPEED = 100.0
"""Virtual seconds in a real one: a task of 5 s is through in about one."""


@pytest.fixture(scope="session")
def emulator(chromium: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[SoraProcess]:
    log = tmp_path_factory.mktemp("sora") / "creates.jsonl"
    with running_sora(log, speed=SPEED, footage="alike") as one:
        yield one


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[AuthenticatingProxy]:
    """A proxy that wants a password, for the tests of one file."""
    with authenticating(tmp_path_factory.mktemp("proxy"), username=USERNAME, password=PASSWORD) as running:
        yield running


@pytest_asyncio.fixture
async def stage(tmp_path: Path, emulator: SoraProcess) -> AsyncIterator[Stage]:
    """A home whose person has signed in."""
    one = Stage(tmp_path / "home", emulator)
    one.sign_in()
    try:
        yield one
    finally:
        emulator.clear()
        one.close()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shared_engine(
    emulator: SoraProcess, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[SharedEngine]:
    one = SharedEngine(emulator, lambda: tmp_path_factory.mktemp("shared"))
    yield one
    await one.close()


@pytest_asyncio.fixture(loop_scope="module")
async def lent(
    shared_engine: SharedEngine, emulator: SoraProcess
) -> AsyncIterator[tuple[Stage, SoraWebEngine]]:
    """A home and its warm engine, which other tests of the module had before; see `on_one_engine`."""
    yield await shared_engine.lend()
    emulator.clear()


@pytest.fixture
def shared(lent: tuple[Stage, SoraWebEngine]) -> Stage:
    return lent[0]


@pytest.fixture
def engine(lent: tuple[Stage, SoraWebEngine]) -> SoraWebEngine:
    return lent[1]
