"""One home folder, an account at the double of fal, and a worker in this process: what the tests hold."""

from __future__ import annotations

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
from rushes.engines.contract import Accepted, Prepared
from rushes.engines.fal.engine import FalEngine
from rushes.settings import EngineSettings, Settings
from rushes.studio import Studio
from rushes.testing.fal_service import KEY
from rushes.testing.standin_process import StandInProcess
from tests.engines.working import settled, working

T2V = "bytedance/seedance-2.5/text-to-video"
I2V = "bytedance/seedance-2.5/image-to-video"
HAILUO = "minimax/h3-max/text-to-video"
REFERENCES = "minimax/h3-max/reference-to-video"
KLING = "fal-ai/kling-video/v3/pro/image-to-video"
TURBO = "fal-ai/kling-video/v3/turbo/pro/text-to-video"
VEO = "fal-ai/veo3.1/fast"
WAN = "fal-ai/wan/v2.2-a14b/text-to-video"

QUICK = {"post_timeout": 3.0, "list_delay": 0.1, "ask_after": 0.05, "look_for": 0.0}
"""Seconds that fit a service whose renders take a tenth of one."""


class Stage:
    """A home folder of its own; every prompt carries the stage's `mark`."""

    def __init__(self, home: Path, service: StandInProcess, **settings: Any) -> None:
        self.home = home
        self.service = service
        self.mark = secrets.token_hex(4)
        base = service.base_url
        places = {"queue_url": base, "api_url": f"{base}/v1", "storage_url": base}
        self.options: dict[str, Any] = {**places, "key": KEY, **QUICK, **settings}
        self.home.mkdir(parents=True, exist_ok=True)
        self.studio = Studio(self.settings)

    @property
    def settings(self) -> Settings:
        engine = EngineSettings(name="fal", kind="fal", options=self.options)
        return Settings(
            home=self.home,
            config=self.home / "config.toml",
            log=self.home / "worker.log",
            engines={"fal": engine},
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
        """Return the one body that was accepted, without its prompt."""
        (create,) = self.creates(words)
        body = dict(create["body"])
        assert body.pop("prompt") == create["prompt"]
        return body

    def posts(self) -> list[dict[str, Any]]:
        """Return every POST of a create that reached the service from this stage, accepted or not."""
        return [one for one in self.service.requests("create") if self.mark in one["prompt"]]

    # --- the engine alone ---

    def make(self, **settings: Any) -> FalEngine:
        return FalEngine("fal", {**self.options, "work": str(self.home / "work"), **settings})

    @asynccontextmanager
    async def engine(self, **settings: Any) -> AsyncIterator[FalEngine]:
        engine = self.make(**settings)
        try:
            yield engine
        finally:
            await engine.aclose()

    def request(self, words: str = "", model: str = T2V, **fields: Any) -> VideoRequest:
        """Return a complete request, as the engine gets it from the catalogue."""
        request = VideoRequest(prompt=self.prompt(words), **fields)
        return complete(request, self.studio.model(f"fal/{model}"))

    async def prepared(self, engine: FalEngine, words: str = "", model: str = T2V, **asked: Any) -> Prepared:
        return await engine.prepare(self.request(words, model, **asked), model)

    async def accepted(self, engine: FalEngine, words: str = "", model: str = T2V, **asked: Any) -> Accepted:
        return await engine.submit(await self.prepared(engine, words, model, **asked), key="unused")

    def picture(self, name: str = "frame.png", size: tuple[int, int] = (320, 180)) -> Path:
        """Return a file with a picture whose bytes are its own."""
        path = self.home / name
        Image.effect_noise(size, 60).convert("RGB").save(path)
        return path

    def frame(self, role: Role = Role.FIRST_FRAME, name: str = "frame.png") -> Reference:
        """Return a picture as a reference that the library holds."""
        return self.studio.library.keep(Reference(role=role, path=self.picture(name)))

    # --- whole jobs ---

    async def submit(self, words: str = "", model: str = T2V, **fields: Any) -> Job:
        """Store a job; a worker has to be at work, or one of its own process is started."""
        request = VideoRequest(prompt=self.prompt(words), model=f"fal/{model}", **fields)
        return await self.studio.submit(request, again=True, max_usd=Decimal(5))

    @asynccontextmanager
    async def working(self) -> AsyncIterator[None]:
        """Have a worker at work in this process during the block."""
        async with self.engine() as engine, working(self.settings, engine, 8):
            yield

    async def made(self, words: str = "", model: str = T2V, **fields: Any) -> Job:
        """Submit a job and return it once it has ended or needs a person."""
        return await self.settled(await self.submit(words, model, **fields))

    async def settled(self, job: Job, *states: JobState, patience: float = 40.0) -> Job:
        return await settled(self.studio, job, *states, patience=patience)
