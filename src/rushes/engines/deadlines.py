"""How long each call of the contract may take, and what ends one that takes longer."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

Answer = TypeVar("Answer")

DEADLINES_S = {
    # References may be hundreds of megabytes, on a slow line.
    "prepare": 1800.0,
    "connect": 60.0,
    "poll": 60.0,
    # A local engine may have to make the files again.
    "results": 900.0,
    "cancel": 60.0,
    "lookup": 300.0,
    "quote": 60.0,
    "list_models": 600.0,
    # A local engine imports what it renders with.
    "check": 120.0,
    "aclose": 30.0,
}
"""Seconds from the call to its answer, whatever arrives in between. A create has its `post_timeout`."""

GRACE_S = 2.0
"""Seconds that a call has to end after it was canceled."""

_abandoned: set[asyncio.Task[Any]] = set()


class DeadlinePassed(TimeoutError):
    """A call was canceled at its deadline. `has_ended`: nothing of it runs any more."""

    def __init__(self, *, has_ended: bool) -> None:
        super().__init__()
        self.has_ended = has_ended


async def bounded(call: Coroutine[Any, Any, Answer], seconds: float) -> Answer:
    """Return what a call returns, and raise what it raises. Raises DeadlinePassed after `seconds`.

    A call that ignores that it is canceled is left to itself: whoever waits goes on.
    """
    task = asyncio.ensure_future(call)
    try:
        await asyncio.wait([task], timeout=seconds)
    except asyncio.CancelledError:
        await _cancel(task)
        raise
    if not task.done():
        await _cancel(task)
    if task.done() and not task.cancelled():
        # Late, or instead of its cancellation: a ticket is worth a clip.
        return task.result()
    raise DeadlinePassed(has_ended=task.done())


async def _cancel(task: asyncio.Task[Any]) -> None:
    """Cancel a call, and wait a moment for its end."""
    task.cancel()
    _abandoned.add(task)
    task.add_done_callback(_forget)
    await asyncio.wait([task], timeout=GRACE_S)


def _forget(task: asyncio.Task[Any]) -> None:
    _abandoned.discard(task)
    if not task.cancelled():
        # Looked at, or asyncio complains of an error that nobody waits for.
        task.exception()
