"""The engine `local` behind the contract that every engine keeps."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from rushes.engines.local.engine import LocalEngine
from rushes.testing.conformance import EngineConformance, Subject
from tests.local.shop import TEXT, asked, picture


class TestConformance(EngineConformance):
    """The suite that every engine has to pass. What fails: a first frame for a pipeline that takes none."""

    def subject(self, tmp_path: Path) -> Subject:
        return Subject(
            make=lambda: LocalEngine("local", {"work": str(tmp_path / "work"), "device": "cpu"}),
            model=TEXT,
            request=asked(),
            failing=replace(asked(), references=(picture(tmp_path / "first.png", "red"),)),
            patience=90.0,
        )
