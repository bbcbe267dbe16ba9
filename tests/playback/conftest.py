"""The browsers, each started once, and the server; a missing browser skips its tests, or fails them in CI."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack
from pathlib import Path

import pytest

from tests.playback.browsers import Browser, Missing, chromium, webkit
from tests.playback.server import Server, serve

IN_CI = os.environ.get("CI") == "true"


# Not for the session: while Playwright's synchronous API is open, no other test can run an event loop.
@pytest.fixture(scope="module", params=["chromium", "webkit"])
def browser(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """Each browser in turn."""
    starting: AbstractContextManager[Browser] = (
        chromium() if request.param == "chromium" else webkit(tmp_path_factory.mktemp("home"))
    )
    with ExitStack() as running:
        try:
            started = running.enter_context(starting)
        except Missing as missing:
            reason = f"{missing}: run tools/browsers"
            pytest.fail(reason) if IN_CI else pytest.skip(reason)
        yield started


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    """A server of the test's own folder."""
    with serve(tmp_path) as running:
        yield running
