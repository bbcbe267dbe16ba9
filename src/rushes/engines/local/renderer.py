"""The renderer as its engine sees it: a child process, its orders, and what it said of each."""

from __future__ import annotations

import asyncio
import json
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Self

from rushes.engines.local.order import Machine, partial_of

CANCEL_S = 5.0
"""Seconds in which a canceled render may end by itself, at its next step. Then the process is ended: it may
be loading tens of gigabytes, or decode for minutes."""

KILLED = -9


@dataclass(kw_only=True)
class Render:
    """One order: `fraction` None until its first step is done; `over` once nothing more is said of it."""

    destination: Path
    fraction: float | None = None
    error: str | None = None
    over: asyncio.Event = field(default_factory=asyncio.Event)


class Renderer:
    """One life of the child process. `renders` are the orders it has not finished, the first at work."""

    def __init__(self, process: Process) -> None:
        self._process = process
        self._reading = asyncio.create_task(self._listen())
        self._blameless = False
        self.renders: dict[str, Render] = {}

    @classmethod
    async def start(cls, machine: Machine) -> Self:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            # Without the working folder on the path: a file of the user's must not stand for a module.
            "-P",
            "-m",
            "rushes.engines.local.render",
            stdin=PIPE,
            stdout=PIPE,
        )
        renderer = cls(process)
        await renderer._tell(asdict(machine))
        return renderer

    @property
    def alive(self) -> bool:
        return not self._reading.done()

    async def render(self, ticket: Mapping[str, Any]) -> Render:
        """Have an order rendered after those before it."""
        destination = Path(ticket["destination"])
        render = self.renders[destination.name] = Render(destination=destination)
        await self._tell({"render": ticket})
        return render

    async def cancel(self, name: str) -> None:
        """Return when an order is not being rendered any more, and will not be."""
        render = self.renders.get(name)
        if render is None:
            return
        await self._tell({"cancel": name})
        if render is not next(iter(self.renders.values())):
            # It waits behind another, and will be passed over.
            return
        try:
            async with asyncio.timeout(CANCEL_S):
                await render.over.wait()
        except TimeoutError:
            await self.stop()

    async def stop(self) -> None:
        """End the process at once, with nothing left of what it wrote."""
        self._blameless = True
        with suppress(ProcessLookupError):
            self._process.kill()
        await self._reading

    async def _tell(self, said: Mapping[str, Any]) -> None:
        assert self._process.stdin is not None
        # A process that has ended is told of by the end of its output.
        with suppress(BrokenPipeError, ConnectionResetError):
            self._process.stdin.write(json.dumps(said).encode() + b"\n")
            await self._process.stdin.drain()

    async def _listen(self) -> None:
        """Keep what the child says, until it has ended."""
        assert self._process.stdout is not None
        async for line in self._process.stdout:
            said = json.loads(line)
            render = self.renders[said["clip"]]
            if "fraction" in said:
                render.fraction = said["fraction"]
                continue
            if "error" in said:
                # It ends after this, by itself.
                self._blameless = True
                render.error = said["error"]
            else:
                del self.renders[said["clip"]]
            render.over.set()
        self._bury(await self._process.wait())

    def _bury(self, status: int) -> None:
        """Say of the render that was at work what ended it, and forget those that were only in line."""
        unfinished = {name: render for name, render in self.renders.items() if render.error is None}
        for name, render in unfinished.items():
            partial_of(render.destination, self._process.pid).unlink(missing_ok=True)
            if self._blameless or render is not next(iter(unfinished.values())):
                del self.renders[name]
            else:
                render.error = _ended(status)
            render.over.set()


def _ended(status: int) -> str:
    if status == KILLED:
        return (
            "the renderer was killed from outside, most likely because this machine ran out of memory; ask"
            " for a lower --resolution or fewer --seconds"
        )
    return f"the renderer ended with status {status}; the worker's log tells more"
