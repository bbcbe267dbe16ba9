"""The engine passes what every engine must, with each kind of server."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar

import pytest

from rushes.testing.conformance import EngineConformance, Subject
from tests.engines.openai_videos.lab import Lab


class Conforming(EngineConformance):
    """The engine on one kind of server; the strict one knows only its own frames."""

    kind: ClassVar[str]
    shape: ClassVar[dict[str, Any]] = {}
    settings: ClassVar[dict[str, Any]] = {}
    lab: Callable[..., Lab]

    @pytest.fixture(autouse=True)
    def _with_lab(self, lab: Callable[..., Lab]) -> None:
        self.lab = lab

    def subject(self, tmp_path: Path) -> Subject:
        one = self.lab(self.kind, **self.settings)
        one.tell("render", "sinks", facts={"outcome": "failed", "reason": "it sank"})
        return Subject(
            make=one.make,
            model=one.model,
            request=one.request("floats", **self.shape),
            failing=one.request("sinks", **self.shape),
            creates=lambda: len(one.jobs()),
        )


class TestOpenAI(Conforming):
    kind = "OpenAIVideos"
    shape: ClassVar[dict[str, Any]] = {"resolution": "720p"}


class TestSGLang(Conforming):
    kind = "SGLang"


class TestVllmOmni(Conforming):
    kind = "VllmOmni"
    settings: ClassVar[dict[str, Any]] = {"delete_aborts": True, "key": None}


class TestLiteLLM(Conforming):
    kind = "LiteLLM"
    shape: ClassVar[dict[str, Any]] = {"resolution": "720p"}


class TestNewApi(Conforming):
    kind = "NewApi"
