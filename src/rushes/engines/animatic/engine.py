"""The engine `animatic`: each render is a child process, which dies with its parent and can be made again."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rushes.domain.errors import RenderFailed
from rushes.domain.request import Role, frame_size
from rushes.engines.contract import (
    Accepted,
    BaseEngine,
    CancelOutcome,
    Prepared,
    Progress,
    Recovery,
    RenderState,
    Result,
    Source,
    Ticket,
)

ASK_AFTER_S = 0.25


@dataclass(kw_only=True)
class Render:
    """A child process that draws one clip, and what it said last."""

    process: asyncio.subprocess.Process
    reading: asyncio.Task[None] | None = None
    fraction: float = 0.0
    error: str | None = None

    async def listen(self) -> None:
        """Keep what the child says of its progress. Its standard input stays open: it dies with us."""
        assert self.process.stdout is not None
        async for line in self.process.stdout:
            said = json.loads(line)
            self.fraction = said.get("fraction", self.fraction)
            self.error = said.get("error", self.error)

    async def ended(self) -> None:
        """Wait for the child's end and its last word."""
        await self.process.wait()
        if self.reading is not None:
            await self.reading

    async def stop(self) -> None:
        with suppress(ProcessLookupError):
            self.process.kill()
        await self.ended()


class AnimaticEngine(BaseEngine):
    """Draws storyboards in motion on this machine. The ticket is the whole order: what is lost is redrawn."""

    recovery = Recovery.RERUN_FREE

    def __init__(self, name: str, settings: Mapping[str, Any]) -> None:
        super().__init__(name, settings)
        self._folder = Path(settings["work"])
        self._renders: dict[str, Render] = {}
        self._canceled: set[str] = set()

    async def submit(self, prepared: Prepared, *, key: str) -> Accepted:
        request = prepared.request
        width, height = frame_size(request.aspect or "16:9", request.resolution or "720p")
        frames = {one.role: str(one.path) for one in request.references}
        order = {
            "prompt": request.prompt,
            "seconds": request.seconds,
            "width": width,
            "height": height,
            "seed": request.seed or 0,
            "audio": request.audio is not False,
            "first_frame": frames.get(Role.FIRST_FRAME),
            "last_frame": frames.get(Role.LAST_FRAME),
            "caption": True,
            "destination": str(self._folder / f"{key}.mp4"),
        }
        return Accepted(ticket=order)

    async def poll(self, ticket: Ticket) -> Progress:
        file = Path(ticket["destination"])
        if file.name in self._canceled:
            return Progress(state=RenderState.CANCELED)
        render = self._renders.get(file.name)
        if render is not None and render.process.returncode is None:
            return Progress(state=RenderState.RUNNING, fraction=render.fraction, ask_after=ASK_AFTER_S)
        if file.is_file():
            return Progress(state=RenderState.SUCCEEDED)
        if render is not None:
            await render.ended()
            said = render.error or f"the renderer ended with status {render.process.returncode}"
            return Progress(state=RenderState.FAILED, error=said)
        await self._start(ticket, file)
        return Progress(state=RenderState.RUNNING, fraction=0.0, ask_after=ASK_AFTER_S)

    async def results(self, ticket: Ticket) -> Sequence[Result]:
        file = Path(ticket["destination"])
        if not file.is_file():
            # It went with a worker that was killed while filing it; it is drawn again, the same to the frame.
            await self._start(ticket, file)
            render = self._renders[file.name]
            await render.ended()
            if not file.is_file():
                raise RenderFailed(render.error or "the renderer ended without a file")
        size = (int(ticket["width"]), int(ticket["height"]))
        return [Result(candidates=[Source(file=file, disposable=True)], size=size)]

    async def cancel(self, ticket: Ticket) -> CancelOutcome:
        file = Path(ticket["destination"])
        render = self._renders.get(file.name)
        if render is not None:
            await render.stop()
        self._canceled.add(file.name)
        file.unlink(missing_ok=True)
        return CancelOutcome.CONFIRMED

    async def aclose(self) -> None:
        for render in self._renders.values():
            await render.stop()
        self._renders.clear()

    async def _start(self, ticket: Ticket, file: Path) -> None:
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        for left_by_a_killed_render in file.parent.glob(f".{file.name}.*.part"):
            left_by_a_killed_render.unlink(missing_ok=True)
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            # Without the working folder on the path: a file of the user's must not stand for a module.
            "-P",
            "-m",
            "rushes.engines.animatic.render",
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
        )
        assert process.stdin is not None
        process.stdin.write(json.dumps(ticket).encode() + b"\n")
        await process.stdin.drain()
        render = self._renders[file.name] = Render(process=process)
        render.reading = asyncio.create_task(render.listen())
