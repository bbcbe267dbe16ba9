"""The engine `animatic`: each render is a child process, which dies with its parent and can be made again."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from rushes.children.child import Child, ChildDied
from rushes.domain.clip import file_tags
from rushes.domain.errors import RenderFailed
from rushes.domain.permissions import make_private
from rushes.domain.request import Role, VideoRequest, frame_size
from rushes.domain.understanding import Understanding
from rushes.engines.animatic.understanding import understand
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
from rushes.engines.recent import Recent

RENDERER = "rushes.engines.animatic.render"

ASK_AFTER_S = 0.25


class Render:
    """A child process that draws one clip, and what it said last."""

    def __init__(self, child: Child) -> None:
        self._child = child
        self._reading = asyncio.create_task(self._listen())
        self.fraction = 0.0
        self.error: str | None = None

    @property
    def alive(self) -> bool:
        return not self._reading.done()

    async def ended(self) -> None:
        """Wait for the child's end and its last word."""
        await asyncio.shield(self._reading)

    async def stop(self) -> None:
        self._child.kill()
        await self.ended()

    async def _listen(self) -> None:
        done = False
        try:
            async for message in self._child.messages():
                self.fraction = message.get("progress", self.fraction)
                done = done or "answer" in message
                if "error" in message:
                    self.error = message["error"]["message"]
            ending = await self._child.ended()
        except ChildDied as error:
            ending = str(error)
        if not done and self.error is None:
            self.error = f"the renderer {ending}"


class AnimaticEngine(BaseEngine):
    """Draws storyboards in motion on this machine. The ticket is the whole order: what is lost is redrawn."""

    recovery = Recovery.RERUN_FREE

    def __init__(self, name: str, settings: Mapping[str, Any]) -> None:
        super().__init__(name, settings)
        self._folder = Path(settings["work"])
        self._renders: dict[str, Render] = {}
        self._canceled: Recent[str, None] = Recent()

    @classmethod
    def understand(cls, request: VideoRequest) -> Understanding:
        return understand(
            request.prompt, picture=bool(request.references), caption=request.caption is not False
        )

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
            "caption": request.caption is not False,
            "comment": file_tags(request.prompt, request.model, key)["comment"],
            "destination": str(self._folder / f"{key}.mp4"),
        }
        return Accepted(ticket=order)

    async def poll(self, ticket: Ticket) -> Progress:
        file = Path(ticket["destination"])
        if file.name in self._canceled:
            return Progress(state=RenderState.CANCELED)
        render = self._renders.get(file.name)
        if render is not None and render.alive:
            return Progress(state=RenderState.RUNNING, fraction=render.fraction, ask_after=ASK_AFTER_S)
        if file.is_file():
            return Progress(state=RenderState.SUCCEEDED)
        if render is not None:
            await render.ended()
            return Progress(state=RenderState.FAILED, error=self._end(file, render))
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
                raise RenderFailed(self._end(file, render))
        self._renders.pop(file.name, None)
        size = (int(ticket["width"]), int(ticket["height"]))
        return [Result(candidates=[Source(file=file, disposable=True)], size=size)]

    async def cancel(self, ticket: Ticket) -> CancelOutcome:
        file = Path(ticket["destination"])
        # First, or a question in between would start it anew.
        self._canceled[file.name] = None
        render = self._renders.pop(file.name, None)
        if render is not None:
            await render.stop()
        file.unlink(missing_ok=True)
        return CancelOutcome.CONFIRMED

    async def aclose(self) -> None:
        for render in self._renders.values():
            await render.stop()
        self._renders.clear()

    def _end(self, file: Path, render: Render) -> str:
        """Forget a render that made no file, and return why: whoever asks again has it made again."""
        self._renders.pop(file.name, None)
        return render.error or "the clip is not there any more"

    async def _start(self, ticket: Ticket, file: Path) -> None:
        make_private(file.parent)
        for left_by_a_killed_render in file.parent.glob(f".{file.name}.*.part"):
            left_by_a_killed_render.unlink(missing_ok=True)
        self._renders[file.name] = Render(await Child.start(RENDERER, ticket))
