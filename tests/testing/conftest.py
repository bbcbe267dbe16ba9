"""One provider for all tests of this room."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from rushes.testing.process import ProviderProcess, running


@pytest.fixture(scope="session")
def provider(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ProviderProcess]:
    with running(tmp_path_factory.mktemp("provider") / "creates.jsonl") as one:
        yield one
