"""A desk for each test, and doubles of two services that its home knows."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from PIL import Image

from rushes.testing import fal_service, openrouter_service
from rushes.testing.standin_process import StandInProcess, running_standin
from tests.docs.test_documents import home
from tests.docs.test_money_document import SETTINGS
from tests.skill.document import Desk

MODEL = "openrouter/kwaivgi/kling-v3.0-std"
"""What is used where none is named: one that the double knows, with both frames."""


@dataclass(frozen=True, kw_only=True)
class Shops:
    """The two doubles, and what they accepted."""

    openrouter: StandInProcess
    fal: StandInProcess

    def bought(self, words: str = "") -> int:
        """Return how many creates with these words in their prompt were accepted."""
        return len(self.openrouter.log(words)) + len(self.fal.log(words))


@pytest.fixture
def shops(tmp_path: Path) -> Iterator[Shops]:
    openrouter = "rushes.testing.openrouter_service:OpenRouterService"
    fal = "rushes.testing.fal_service:FalService"
    with (
        running_standin(openrouter, tmp_path / "openrouter.log") as first,
        running_standin(fal, tmp_path / "fal.log") as second,
    ):
        yield Shops(openrouter=first, fal=second)


@pytest.fixture
def desk(tmp_path: Path, shops: Shops) -> Desk:
    """A fresh home that knows both services, and a working folder with two pictures."""
    folder, work = tmp_path / "home", tmp_path / "work"
    folder.mkdir()
    work.mkdir()
    for name, colour in (("start.png", "steelblue"), ("end.png", "sienna")):
        Image.new("RGB", (1280, 720), colour).save(work / name)
    quick = SETTINGS.replace("[engines.fal]\n", "ask_after = 0.1\n[engines.fal]\nask_after = 0.1\n")
    at = quick.format(openrouter=shops.openrouter.base_url, fal=shops.fal.base_url)
    (folder / "config.toml").write_text(f'model = "{MODEL}"\n{at}')
    keys = {"OPENROUTER_API_KEY": openrouter_service.KEY, "FAL_KEY": fal_service.KEY}
    return Desk(folder=work, environ=home(folder) | keys)
