"""An engine for a module's tests, so that torch is imported once for all of them; and weights on disk."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from rushes.engines.local.engine import LocalEngine
from tests.local.shop import IMAGE, TEXT

SLOW = "slow"
"""The tiny model with so many steps that it never ends by itself."""


@pytest.fixture(scope="session")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with `text` and `image`: tiny pipelines as diffusers saves and reads real ones."""
    folder = tmp_path_factory.mktemp("weights")
    save = f"""
from rushes.engines.local.tiny import build
build({TEXT!r}).save_pretrained({str(folder / "text")!r})
build({IMAGE!r}).save_pretrained({str(folder / "image")!r})
"""
    subprocess.run([sys.executable, "-c", save], check=True, timeout=120)
    return folder


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def engine(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[LocalEngine]:
    """An engine whose renderer stays loaded from test to test."""
    models = [{"id": SLOW, "weights": TEXT, "fps": 8, "steps": 100_000}]
    work = tmp_path_factory.mktemp("work")
    one = LocalEngine("local", {"work": str(work), "device": "cpu", "models": models})
    yield one
    await one.aclose()
