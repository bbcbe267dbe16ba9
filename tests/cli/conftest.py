"""Terminals for the tests of the command line."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.cli.terminal import QUICK, Terminal


@pytest.fixture(scope="module")
def stocked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Terminal]:
    """A terminal whose library holds one finished clip; do not change it."""
    one = Terminal(home=tmp_path_factory.mktemp("stocked"))
    made = one.run("create", "a lighthouse in a storm at night", *QUICK, "--seed", "7")
    assert made.code == 0, made
    yield one
    one.stop_worker()
