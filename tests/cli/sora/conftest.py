"""An emulator for the tests of one file, and a home that knows of it; a file may have others of its own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from rushes.testing.sora_process import SoraProcess, running_sora
from tests.cli.sora.sora_home import SoraHome
from tests.cli.terminal import Terminal


@pytest.fixture(scope="module")
def emulator(chromium: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[SoraProcess]:
    with running_sora(tmp_path_factory.mktemp("sora") / "creates.jsonl", speed=100.0) as one:
        yield one


@pytest.fixture
def home(terminal: Terminal, emulator: SoraProcess) -> SoraHome:
    one = SoraHome(terminal=terminal, emulator=emulator)
    one.configure()
    return one
