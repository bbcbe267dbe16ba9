"""One home folder, a key at the double of OpenRouter, and a worker in this process: what the tests hold."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

from PIL import Image

from rushes.catalogue.check import complete
from rushes.domain.job import Job, JobState
from rushes.domain.request import Reference, Role, VideoRequest
from rushes.engines.contract import Accepted, Progress, RenderState, Ticket
from rushes.engines.openrouter.engine import OpenRouterEngine
from rushes.settings import EngineSettings, Settings
from rushes.studio import Studio
from rushes.testing.openrouter_service import KEY
from rushes.testing.standin_process import StandInProcess
from tests.engines.working import settled, working

KLING = "kwaivgi/kling-v3.0-std"
SEEDANCE = "bytedance/seedance-2.5"
HAILUO = "minimax/hailuo-3"
FLUX = "black-forest-labs/flux-3-video"

QUICK = {"ask_after": 0.05, "post_timeout": 10.0, "ask_timeout": 5.0}
"""Seconds that fit a service whose renders take a tenth of one."""

LIVE = frozenset({RenderState.QUEUED, RenderState.RUNNING})


class Stage:
    """A home folder of its own; every prompt carries the stage's `mark`."""

    def __init__(self, home: Path, service: StandInProcess, **settings: Any) -> None:
        self.home = home
        self.service = service
        self.mark = secrets.token_hex(4)
        self.options: dict[str, Any] = {"base_url": service.base_url, "key": KEY, **QUICK, **settings}
        self.home.mkdir(parents=True, exist_ok=True)
        self.studio = Studio(self.settings)

    @property
    def settings(self) -> Settings:
        engine = EngineSettings(name="openrouter", kind="openrouter", options=self.options)
        return Settings(
            home=self.home,
            config=self.home / "config.toml",
            log=self.home / "worker.log",
            engines={"openrouter": engine},
        )

    async def close(self) -> None:
        await self.studio.__aexit__()

    # --- the service ---

    def prompt(self, words: str = "") -> str:
        return f"{self.mark} {words}".strip()

    def tell(self, operation: str, words: str = "", **told: Any) -> None:
        """Tell the service how this stage's prompts with `words` go."""
        self.service.tell(operation, self.prompt(words), **told)

    def creates(self, words: str = "") -> list[dict[str, Any]]:
        """Return what the service accepted from this stage, by its own log."""
        return self.service.log(self.prompt(words))

    def sent(self, words: str = "") -> dict[str, Any]:
        """Return the one body that was accepted, without its prompt and its session."""
        (create,) = self.creates(words)
        return {name: told for name, told in create["body"].items() if name not in ("prompt", "session_id")}

    def posts(self) -> list[dict[str, Any]]:
        """Return every POST of a create that reached the service from this stage, accepted or not."""
        return [one for one in self.service.requests("create") if self.mark in one["prompt"]]

    # --- the engine alone ---

    def make(self, **settings: Any) -> OpenRouterEngine:
        return OpenRouterEngine("openrouter", {**self.options, **settings})

    @asynccontextmanager
    async def engine(self, **settings: Any) -> AsyncIterator[OpenRouterEngine]:
        engine = self.make(**settings)
        try:
            yield engine
        finally:
            await engine.aclose()

    def request(self, words: str = "", model: str = KLING, **fields: Any) -> VideoRequest:
        """Return a complete request, as the engine gets it from the catalogue."""
        request = VideoRequest(prompt=self.prompt(words), **fields)
        return complete(request, self.studio.model(f"openrouter/{model}"))

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

    # --- whole jobs ---

    async def submit(self, words: str = "", model: str = KLING, **fields: Any) -> Job:
        """Store a job; a worker has to be at work, or one of its own process is started."""
        request = VideoRequest(prompt=self.prompt(words), model=f"openrouter/{model}", **fields)
        return await self.studio.submit(request, again=True)

    @asynccontextmanager
    async def working(self, **settings: Any) -> AsyncIterator[None]:
        """Have a worker at work in this process during the block."""
        async with self.engine(**settings) as engine, working(self.settings, engine, 8):
            yield

    async def made(self, words: str = "", model: str = KLING, **fields: Any) -> Job:
        """Submit a job and return it once it has ended or needs a person."""
        return await self.settled(await self.submit(words, model, **fields))

    async def settled(self, job: Job, *states: JobState, patience: float = 40.0) -> Job:
        return await settled(self.studio, job, *states, patience=patience)

    def held(self) -> Decimal:
        """Return what is set aside now."""
        return self.studio.budget().standings[0].held
