"""Threads for what blocks: a few in each lane, so that a lane that is full holds up no other."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Callable
from contextlib import suppress
from threading import Thread
from typing import Any, ParamSpec, TypeVar

PLACES = 8
"""How many threads a lane has; those of downloads mostly wait for their servers."""

FILES = "files"
"""The lane for hashing, and for whatever else reads the library's own files."""

COPIES = "copies"
"""The lane for copies to folders of the user, which may be on a network."""

P = ParamSpec("P")
T = TypeVar("T")


def download_lane(engine: str) -> str:
    """Return the lane of one engine's downloads: a provider that stalls them holds up its own jobs alone."""
    return f"download {engine}"


class Lanes:
    """Runs functions in threads, `places` at a time in each lane and in the order of asking.

    The threads are daemons, unlike those of an executor: one that hangs keeps no process from ending.
    """

    def __init__(self, places: int = PLACES) -> None:
        self._places: defaultdict[str, asyncio.Semaphore] = defaultdict(lambda: asyncio.Semaphore(places))

    async def run(self, lane: str, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Return what `function` returns, or raise what it raises, once there is a place for it.

        Canceled, the function continues in its thread, and keeps its place until it ends.
        """
        places = self._places[lane]
        await places.acquire()
        done: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        done.add_done_callback(lambda _: places.release())
        thread = Thread(target=_fulfil, args=(done, function, args, kwargs), name=lane, daemon=True)
        try:
            thread.start()
        except RuntimeError:
            # No more threads can be had.
            done.cancel()
            raise
        return await asyncio.shield(done)


def _fulfil(done: asyncio.Future[Any], function: Callable[..., Any], args: Any, kwargs: Any) -> None:
    """Call a function and pass on what comes of it to the event loop, unless that has ended."""
    result: Any = None
    error: BaseException | None = None
    try:
        result = function(*args, **kwargs)
    except BaseException as raised:  # noqa: BLE001 - it is raised where the result is waited for
        error = raised

    def settle() -> None:
        if done.done():
            return
        if error is not None:
            done.set_exception(error)
        else:
            done.set_result(result)

    with suppress(RuntimeError):
        done.get_loop().call_soon_threadsafe(settle)
