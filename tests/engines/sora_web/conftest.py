"""One emulator for all tests of this room, and a signed-in home for each."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import pytest_asyncio

from rushes.testing.sora_process import SoraProcess, running_sora
from tests.engines.sora_web.stage import Stage

SPEED = 100.0
"""Virtual seconds in a real one: a task of 5 s is through in about one."""


@pytest.fixture(scope="session")
def emulator(chromium: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[SoraProcess]:
    with running_sora(tmp_path_factory.mktemp("sora") / "creates.jsonl", speed=SPEED) as one:
        yield one


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
