"""The scripted engine passes what every engine must, in each of its ways to recover."""

from __future__ import annotations

import secrets
from pathlib import Path
from typing import ClassVar

import pytest

from rushes.domain.request import VideoRequest
from rushes.engines.contract import Recovery
from rushes.testing.conformance import EngineConformance, Subject
from rushes.testing.process import ProviderProcess
from rushes.testing.scripted import ScriptedEngine


class Scripted(EngineConformance):
    """The scripted engine with one way to recover."""

    recovery: ClassVar[Recovery]
    provider: ProviderProcess

    @pytest.fixture(autouse=True)
    def _with_provider(self, provider: ProviderProcess) -> None:
        self.provider = provider

    def subject(self, tmp_path: Path) -> Subject:
        words = f"a boat {secrets.token_hex(6)}"
        settings = {"base_url": self.provider.base_url, "recovery": self.recovery.value}
        self.provider.script(words, keys=True, cancel="confirmed", list_delay=0.2)
        self.provider.script(f"{words} sinks", keys=True, render={"outcome": "failed"})
        return Subject(
            make=lambda: ScriptedEngine("scripted", settings),
            model="priced",
            request=VideoRequest(prompt=words, seconds=1.0),
            failing=VideoRequest(prompt=f"{words} sinks", seconds=1.0),
            creates=lambda: len(self.provider.log(words)),
        )


class TestReplayKey(Scripted):
    recovery = Recovery.REPLAY_KEY


class TestLookup(Scripted):
    recovery = Recovery.LOOKUP


class TestRerunFree(Scripted):
    recovery = Recovery.RERUN_FREE


class TestAsk(Scripted):
    recovery = Recovery.ASK
