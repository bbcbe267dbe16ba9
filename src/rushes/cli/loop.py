"""A Studio and an event loop that runs only while something is awaited."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

from rushes.studio import Studio


@contextmanager
def opened() -> Iterator[tuple[Studio, asyncio.Runner]]:
    """Open a Studio; what it awaits is run by the runner, on one loop.

    Between two runs Ctrl-C interrupts at once, as outside of asyncio: a question can be left with it.
    """
    with asyncio.Runner() as runner:
        studio = Studio.open()
        try:
            yield studio, runner
        finally:
            runner.run(studio.__aexit__())
