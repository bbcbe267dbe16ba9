"""One double of OpenRouter for all tests of this room, and a home for each."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import pytest_asyncio

from rushes.testing.standin_process import StandInProcess, running_standin
from tests.engines.openrouter.stage import Stage


@pytest.fixture(scope="session")
def service(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StandInProcess]:
    log = tmp_path_factory.mktemp("openrouter") / "creates.jsonl"
    with running_standin("rushes.testing.openrouter_service:OpenRouterService", log) as one:
        yield one


@pytest_asyncio.fixture
async def stage(tmp_path: Path, service: StandInProcess) -> AsyncIterator[Stage]:
    one = Stage(tmp_path / "home", service)
    try:
        yield one
    finally:
        service.clear()
        await one.close()
