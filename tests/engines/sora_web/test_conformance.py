"""The Sora web engine passes what every engine must, in the real browser."""

from __future__ import annotations

from pathlib import Path

import pytest

from rushes.testing.conformance import EngineConformance, Subject
from rushes.testing.sora_process import SoraProcess
from tests.engines.sora_web.stage import Stage


class TestSoraWeb(EngineConformance):
    emulator: SoraProcess

    @pytest.fixture(autouse=True)
    def _with_emulator(self, emulator: SoraProcess) -> None:
        self.emulator = emulator

    def subject(self, tmp_path: Path) -> Subject:
        stage = Stage(tmp_path / "home", self.emulator)
        stage.close()
        stage.sign_in()
        stage.fault("violation", words="sinks")
        return Subject(
            make=stage.make,
            model="sy_8",
            request=stage.request("sails"),
            failing=stage.request("sinks"),
            creates=lambda: len(stage.creates()),
        )
