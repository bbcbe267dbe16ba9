"""What tests of several rooms share."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from rushes.domain.errors import EngineMissing
from rushes.engines.sora_web.chromium import find
from rushes.testing.screen import virtual_screen
from tests.cli.terminal import Terminal


@pytest.fixture(scope="session", autouse=True)
def user_folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """A state folder for the tests alone: ledgers are remembered there."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("XDG_STATE_HOME", str(tmp_path_factory.mktemp("state")))
        yield


@pytest.fixture(scope="session")
def chromium() -> Path:
    """The browser of this machine; without one its tests are skipped, and fail where CI has to have it."""
    try:
        return find()
    except EngineMissing as error:
        if os.environ.get("CI") == "true":
            pytest.fail(error.message)
        pytest.skip(error.message)


@pytest.fixture(scope="session")
def screen() -> Iterator[str]:
    """A virtual screen for browsers that a person would see; its name goes into DISPLAY."""
    if shutil.which("Xvfb") is None:
        if os.environ.get("CI") == "true":
            pytest.fail("Xvfb is not installed")
        pytest.skip("Xvfb is not installed")
    with virtual_screen() as name:
        yield name


@pytest.fixture
def terminal(tmp_path: Path) -> Iterator[Terminal]:
    """A terminal with an empty home; its worker is gone at the end."""
    one = Terminal(home=tmp_path / "home")
    one.home.mkdir()
    yield one
    one.stop_worker()
