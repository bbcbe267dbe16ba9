"""The fal engine passes what every engine must."""

from __future__ import annotations

from pathlib import Path

import pytest

from rushes.testing.conformance import EngineConformance, Subject
from rushes.testing.standin_process import StandInProcess
from tests.engines.fal.stage import HAILUO, Stage


class TestFal(EngineConformance):
    service: StandInProcess

    @pytest.fixture(autouse=True)
    def _with_service(self, service: StandInProcess) -> None:
        self.service = service

    def subject(self, tmp_path: Path) -> Subject:
        stage = Stage(tmp_path / "home", self.service)
        stage.studio.__exit__()
        stage.tell("render", "sinks", facts={"outcome": "failed"})
        return Subject(
            make=stage.make,
            model=HAILUO,
            request=stage.request("sails", HAILUO, seed=1),
            failing=stage.request("sinks", HAILUO, seed=2),
            creates=lambda: len(stage.creates()),
        )
