"""What tests of several rooms share."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator

import pytest

from rushes.testing.screen import virtual_screen


@pytest.fixture(scope="session")
def screen() -> Iterator[str]:
    """A virtual screen for browsers that a person would see; its name goes into DISPLAY."""
    if shutil.which("Xvfb") is None:
        if os.environ.get("CI") == "true":
            pytest.fail("Xvfb is not installed")
        pytest.skip("Xvfb is not installed")
    with virtual_screen() as name:
        yield name
