"""The engine passes what every engine must."""

from __future__ import annotations

import secrets
from pathlib import Path

import pytest

from rushes.domain.request import VideoRequest
from rushes.testing.conformance import EngineConformance, Subject
from rushes.testing.standin_process import StandInProcess
from tests.engines.openrouter.stage import KLING, Stage


class TestOpenRouter(EngineConformance):
    service: StandInProcess

    @pytest.fixture(autouse=True)
    def _with_service(self, service: StandInProcess) -> None:
        self.service = service

    def subject(self, tmp_path: Path) -> Subject:
        stage = Stage(tmp_path / secrets.token_hex(3), self.service)
        stage.tell("render", "sinks", facts={"outcome": "failed", "reason": "Provider returned error"})
        request = stage.request("a boat")
        failing = VideoRequest(**{**vars(request), "prompt": stage.prompt("sinks")})
        stage.studio.__exit__()
        return Subject(
            make=stage.make,
            model=KLING,
            request=request,
            failing=failing,
            creates=lambda: len(stage.creates()),
        )
