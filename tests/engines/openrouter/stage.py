"""One home folder, a key at the double of OpenRouter, and a worker in this process: what the tests hold."""

from __future__ import annotations

import asyncio
import secrets
from decimal import Decimal
from pathlib import Path
from typing import Any

from PIL import Image

from rushes.domain.request import Reference, Role
from rushes.engines.contract import Accepted, Progress, RenderState, Ticket
from rushes.engines.openrouter.engine import OpenRouterEngine
from rushes.testing.openrouter_service import KEY
from rushes.testing.standin_process import StandInProcess
from tests.engines.service_stage import ServiceStage

KLING = "kwaivgi/kling-v3.0-std"
SEEDANCE = "bytedance/seedance-2.5"
HAILUO = "minimax/hailuo-3"
FLUX = "black-forest-labs/flux-3-video"

QUICK = {"ask_after": 0.05, "post_timeout": 10.0, "ask_timeout": 5.0}
"""Seconds that fit a service whose renders take a tenth of one."""

LIVE = frozenset({RenderState.QUEUED, RenderState.RUNNING})


class Stage(ServiceStage[OpenRouterEngine]):
    """A home folder of its own; every prompt carries the stage's `mark`."""

    kind = "openrouter"
    model = KLING

    def __init__(self, home: Path, service: StandInProcess, **settings: Any) -> None:
        super().__init__(home, service, {"base_url": service.base_url, "key": KEY, **QUICK, **settings})

    def sent(self, words: str = "") -> dict[str, Any]:
        """Return the one body that was accepted, without its prompt and its session."""
        (create,) = self.creates(words)
        return {name: told for name, told in create["body"].items() if name not in ("prompt", "session_id")}

    def make(self, **settings: Any) -> OpenRouterEngine:
        return OpenRouterEngine("openrouter", {**self.options, **settings})

    async def accepted(
        self, engine: OpenRouterEngine, words: str = "", model: str = KLING, **fields: Any
    ) -> Accepted:
        prepared = await engine.prepare(self.request(words, model, **fields), model)
        return await engine.submit(prepared, key=secrets.token_hex(8))

    async def ended(self, engine: OpenRouterEngine, ticket: Ticket) -> Progress:
        """Poll until the render has ended."""
        async with asyncio.timeout(20):
            while True:
                progress = await engine.poll(ticket)
                if progress.state not in LIVE:
                    return progress
                await asyncio.sleep(0.02)

    def picture(self, name: str = "frame.png", size: tuple[int, int] = (320, 180)) -> Path:
        path = self.home / name
        Image.new("RGB", size, (40, 90, 160)).save(path)
        return path

    def reference(self, role: Role = Role.FIRST_FRAME, name: str = "frame.png") -> Reference:
        """Return a picture as a reference that the library holds."""
        return self.studio.library.keep(Reference(role=role, path=self.picture(name)))

    def held(self) -> Decimal:
        """Return what is set aside now."""
        return self.studio.budget().standings[0].held
