"""The engine `local`: open weights rendered on this machine, by a child process that keeps them loaded."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any, ClassVar

from rushes.children.child import ChildDied, ask
from rushes.domain.errors import (
    BadSettings,
    EngineMissing,
    ResultGone,
    RushesError,
)
from rushes.domain.extras import install_command
from rushes.domain.permissions import make_private
from rushes.domain.request import Role
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
from rushes.engines.local.order import Machine, Order, frames_of, size_of
from rushes.engines.local.recipes import DTYPES, recipe_of
from rushes.engines.local.renderer import Render, Renderer
from rushes.engines.recent import Recent

ASK_AFTER_S = 0.5

LONGEST_CHECK_S = 120.0
"""Seconds for importing torch, from a slow disk, and asking it for its devices."""
OFFLOADS = ("none", "model", "sequential")
DEVICE = r"auto|cpu|mps|cuda(:\d+)?"


class LocalEngine(BaseEngine):
    """Renders on this machine. The ticket is the whole order with the seed: what is lost is rendered again.

    Settings: `device`, `dtype`, `offload` (see `Machine`), and in its `models` tables the fields of `Recipe`.
    """

    recovery = Recovery.RERUN_FREE
    packages: ClassVar[Sequence[str]] = ("torch", "diffusers", "transformers", "accelerate")

    def __init__(self, name: str, settings: Mapping[str, Any]) -> None:
        super().__init__(name, settings)
        self._folder = Path(settings["work"])
        self._machine = Machine(
            device=self._option("device", DEVICE),
            dtype=self._option("dtype", "|".join(("auto", *DTYPES))),
            offload=self._option("offload", "|".join(OFFLOADS)),
        )
        self._renderer: Renderer | None = None
        self._starting = asyncio.Lock()
        self._canceled: Recent[str, None] = Recent()

    def _option(self, option: str, known: str) -> str:
        """Return an option's value, the first of `known` where it is not set. Raises BadSettings."""
        value = str(self.settings.get(option, known.partition("|")[0]))
        if not re.fullmatch(known, value):
            allowed = known.replace(r"(:\d+)?", " or cuda:0, cuda:1 …").replace("|", ", ")
            raise BadSettings(
                f"engines.{self.name}.{option} is {value!r}", next=f"set it to one of: {allowed}"
            )
        return value

    def _table(self, model: str) -> Mapping[str, Any]:
        """Return a model's own table of the settings file, empty where it has none."""
        tables = self.settings.get("models", ())
        return next((table for table in tables if str(table.get("id")) == model), {})

    async def submit(self, prepared: Prepared, *, key: str) -> Accepted:
        request = prepared.request
        recipe = recipe_of(prepared.model, self._table(prepared.model), self.name)
        pictures = {one.role: one.path for one in request.references}
        width, height = size_of(request.aspect or "16:9", request.resolution or "480p")
        order = Order(
            weights=recipe.weights or prepared.model,
            prompt=request.prompt,
            negative_prompt=request.negative_prompt,
            width=width,
            height=height,
            frames=frames_of(request.seconds or 5.0, recipe.fps),
            fps=recipe.fps,
            seed=request.seed or 0,
            destination=self._folder / f"{key}.mp4",
            first_frame=pictures.get(Role.FIRST_FRAME),
            last_frame=pictures.get(Role.LAST_FRAME),
            steps=recipe.steps,
            guidance=recipe.guidance,
            pipeline=(recipe.image_pipeline if pictures else None) or recipe.pipeline,
            vae_dtype=recipe.vae_dtype,
        )
        return Accepted(ticket=order.as_json())

    async def poll(self, ticket: Ticket) -> Progress:
        file = Path(ticket["destination"])
        if file.name in self._canceled:
            return Progress(state=RenderState.CANCELED, cost=Decimal(0))
        if file.is_file():
            return Progress(state=RenderState.SUCCEEDED)
        render = await self._render(ticket)
        if render.error is not None:
            self._forget(file.name)
            return Progress(state=RenderState.FAILED, error=render.error, cost=Decimal(0))
        state = RenderState.QUEUED if render.fraction is None else RenderState.RUNNING
        return Progress(state=state, fraction=render.fraction, ask_after=ASK_AFTER_S)

    async def results(self, ticket: Ticket) -> Sequence[Result]:
        file = Path(ticket["destination"])
        if not file.is_file():
            # It went with a worker that was killed while filing it; the same seed makes the same file.
            await self._again(ticket, file)
        size = (int(ticket["width"]), int(ticket["height"]))
        return [Result(candidates=[Source(file=file, disposable=True)], size=size)]

    async def cancel(self, ticket: Ticket) -> CancelOutcome:
        file = Path(ticket["destination"])
        if self._renderer is not None:
            await self._renderer.cancel(file.name)
        self._canceled[file.name] = None
        file.unlink(missing_ok=True)
        return CancelOutcome.CONFIRMED

    async def check(self) -> str:
        """Return what there is to render on. Raises EngineMissing where torch cannot be imported."""
        try:
            return str(await ask("rushes.engines.local.machine", None, deadline_s=LONGEST_CHECK_S))
        except (ChildDied, RushesError) as error:
            raise EngineMissing(f"torch cannot be used: {error}", next=install_command("local")) from error

    async def aclose(self) -> None:
        if self._renderer is not None:
            await self._renderer.stop()
            self._renderer = None

    def _forget(self, name: str) -> None:
        """Let the next question about a clip order it anew."""
        if self._renderer is not None:
            self._renderer.renders.pop(name, None)

    async def _again(self, ticket: Ticket, file: Path) -> None:
        """Render a file that is not there. Raises ResultGone."""
        render = await self._render(ticket)
        await render.over.wait()
        if not file.is_file() and render.error is None:
            # That was the first render, whose end had not been read when its file went.
            self._forget(file.name)
            render = await self._render(ticket)
            await render.over.wait()
        if not file.is_file():
            self._forget(file.name)
            raise ResultGone(render.error or "the renderer was stopped")

    async def _render(self, ticket: Ticket) -> Render:
        """Return the render of a ticket; what is not known, or went with another renderer, is ordered."""
        file = Path(ticket["destination"])
        async with self._starting:
            if self._renderer is not None and file.name in self._renderer.renders:
                return self._renderer.renders[file.name]
            make_private(file.parent)
            for left_by_a_killed_renderer in file.parent.glob(f".{file.name}.*.part"):
                left_by_a_killed_renderer.unlink(missing_ok=True)
            if self._renderer is None or not self._renderer.alive:
                self._renderer = await Renderer.start(self._machine)
            return await self._renderer.render(ticket)
