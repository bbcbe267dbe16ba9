"""One provider for all tests of this room, and a ledger with a worker for each."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from rushes.testing.process import ProviderProcess, running
from tests.jobs.shop import Shop


@pytest.fixture(scope="session")
def provider(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ProviderProcess]:
    log = tmp_path_factory.mktemp("provider") / "creates.jsonl"
    with running(log, footage="160x96x0.5") as one:
        yield one


@pytest.fixture
def shop(tmp_path: Path, provider: ProviderProcess) -> Iterator[Shop]:
    one = Shop(tmp_path / "home", provider)
    yield one
    one.close()
