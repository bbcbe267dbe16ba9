"""Homes for the tests of the agents' door: one that is free, one with a provider that takes money."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from rushes.testing.process import ProviderProcess, running
from tests.cli.terminal import Terminal

PAID = '[engines.lab]\nengine = "scripted"\nbase_url = "{base_url}"\nlist_delay = 0.1\npost_timeout = 2\n'


@pytest.fixture(scope="package")
def provider(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ProviderProcess]:
    """A provider in a process of its own."""
    with running(tmp_path_factory.mktemp("provider") / "creates.log") as one:
        yield one


@pytest.fixture
def paid(terminal: Terminal, provider: ProviderProcess) -> Terminal:
    """A home with a paid engine, `lab`."""
    terminal.settings(PAID.format(base_url=provider.base_url))
    return terminal
