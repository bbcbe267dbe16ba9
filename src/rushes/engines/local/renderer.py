"""The renderer as its engine sees it: a child process, its orders, and what it said of each."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Self

from rushes.children.child import Child, ChildDied
from rushes.engines.local.order import Machine, partial_of

CANCEL_S = 5.0
"""Seconds in which a canceled render may end by itself, at its next step. Then the process is ended: it may
be loading tens of gigabytes, or decode for minutes."""


@dataclass(kw_only=True)
class Render:
    """One order: `fraction` None until its first step is done; `over` once nothing more is said of it."""

    destination: Path
    fraction: float | None = None
    error: str | None = None
    over: asyncio.Event = field(default_factory=asyncio.Event)


class Renderer:
    """One life of the child process. `renders` are the orders it has not finished, the first at work."""

    def __init__(self, child: Child) -> None:
        self._child = child
        self._reading = asyncio.create_task(self._listen())
        self._blameless = False
        self.renders: dict[str, Render] = {}

    @classmethod
    async def start(cls, machine: Machine) -> Self:
        return cls(await Child.start("rushes.engines.local.render", asdict(machine)))

    @property
    def alive(self) -> bool:
        return not self._reading.done()

    async def render(self, ticket: Mapping[str, Any]) -> Render:
        """Have an order rendered after those before it."""
        destination = Path(ticket["destination"])
        render = self.renders[destination.name] = Render(destination=destination)
        await self._child.send({"render": ticket})
        return render

    async def cancel(self, name: str) -> None:
        """Return when an order is not being rendered any more, and will not be."""
        render = self.renders.get(name)
        if render is None:
            return
        await self._child.send({"cancel": name})
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
        self._child.kill()
        await self._reading

    async def _listen(self) -> None:
        """Keep what the child says, until it has ended."""
        try:
            async for message in self._child.messages():
                self._take_in(message)
            ending = await self._child.ended()
        except ChildDied as error:
            ending = str(error)
        self._bury(ending)

    def _take_in(self, message: Mapping[str, Any]) -> None:
        render = self.renders[message["clip"]]
        if "progress" in message:
            render.fraction = message["progress"]
            return
        if "error" in message:
            # It ends after this.
            self._blameless = True
            render.error = message["error"]
        else:
            del self.renders[message["clip"]]
        render.over.set()

    def _bury(self, ending: str) -> None:
        """Say of the render that was at work what ended it, and forget those that were only in line."""
        unfinished = {name: render for name, render in self.renders.items() if render.error is None}
        for name, render in unfinished.items():
            partial_of(render.destination, self._child.pid).unlink(missing_ok=True)
            if self._blameless or render is not next(iter(unfinished.values())):
                del self.renders[name]
            else:
                render.error = f"the renderer {ending}; ask for a lower --resolution or fewer --seconds"
            render.over.set()
