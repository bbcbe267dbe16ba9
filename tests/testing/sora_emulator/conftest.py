"""One emulator for all tests of this room, whose clock moves only when a test moves it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from rushes.testing.sora_process import SoraProcess, running_sora
from tests.testing.sora_emulator.visitor import Visitor

ALMOST_STILL = 0.001


@pytest.fixture(scope="session")
def emulator(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SoraProcess]:
    with running_sora(tmp_path_factory.mktemp("sora") / "creates.jsonl", speed=ALMOST_STILL) as one:
        yield one


@pytest.fixture
def sora(emulator: SoraProcess) -> Iterator[SoraProcess]:
    """The emulator, with all its faults off again after the test."""
    yield emulator
    emulator.clear()


@pytest.fixture
def visitor(sora: SoraProcess) -> Iterator[Visitor]:
    """Somebody who has just signed in, with an account of their own."""
    with Visitor(sora) as one:
        yield one
