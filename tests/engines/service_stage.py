"""One home folder, an account at the double of a service, and a worker in this process, for one engine."""

from __future__ import annotations

import secrets
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any, ClassVar, Generic, TypeVar

from rushes.catalogue.check import complete
from rushes.domain.job import Job, JobState
from rushes.domain.request import VideoRequest
from rushes.engines.contract import BaseEngine
from rushes.settings import EngineSettings, Settings
from rushes.studio import Studio
from rushes.testing.standin_process import StandInProcess
from tests.engines.working import settled, working

ENOUGH = Decimal(5)
"""What one clip may cost if a test says nothing else, in dollars."""

Kind = TypeVar("Kind", bound=BaseEngine)


class ServiceStage(ABC, Generic[Kind]):
    """A home folder of its own; every prompt carries the stage's `mark`.

    `model` is used if a test names none; `most` is agreed to if the price may not be known.
    """

    kind: ClassVar[str]
    model: ClassVar[str]
    most: ClassVar[Decimal | None] = None

    def __init__(self, home: Path, service: StandInProcess, options: dict[str, Any]) -> None:
        self.home = home
        self.service = service
        self.mark = secrets.token_hex(4)
        self.options = options
        self.home.mkdir(parents=True, exist_ok=True)
        self.studio = Studio(self.settings)

    @property
    def settings(self) -> Settings:
        engine = EngineSettings(name=self.kind, kind=self.kind, options=self.options)
        return Settings(
            home=self.home,
            config=self.home / "config.toml",
            log=self.home / "worker.log",
            engines={self.kind: engine},
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

    def posts(self) -> list[dict[str, Any]]:
        """Return every POST of a create that reached the service from this stage, accepted or not."""
        return [one for one in self.service.requests("create") if self.mark in one["prompt"]]

    # --- the engine alone ---

    @abstractmethod
    def make(self, **settings: Any) -> Kind:
        """Return an engine with the stage's options, and `settings` of its own."""

    @asynccontextmanager
    async def engine(self, **settings: Any) -> AsyncIterator[Kind]:
        engine = self.make(**settings)
        try:
            yield engine
        finally:
            await engine.aclose()

    def request(self, words: str = "", model: str | None = None, **fields: Any) -> VideoRequest:
        """Return a complete request, as the engine gets it from the catalogue."""
        request = VideoRequest(prompt=self.prompt(words), **fields)
        return complete(request, self.studio.model(f"{self.kind}/{model or self.model}"))

    # --- whole jobs ---

    async def submit(self, words: str = "", model: str | None = None, **fields: Any) -> Job:
        """Store a job; a worker has to be at work, or one of its own process is started."""
        address = f"{self.kind}/{model or self.model}"
        request = VideoRequest(prompt=self.prompt(words), model=address, **fields)
        return await self.studio.submit(request, again=True, max_usd=self.most or ENOUGH)

    @asynccontextmanager
    async def working(self, **settings: Any) -> AsyncIterator[None]:
        """Have a worker at work in this process during the block."""
        async with self.engine(**settings) as engine, working(self.settings, engine, 8):
            yield

    async def made(self, words: str = "", model: str | None = None, **fields: Any) -> Job:
        """Submit a job and return it once it has ended or needs a person."""
        return await self.settled(await self.submit(words, model, **fields))

    async def settled(self, job: Job, *states: JobState, patience: float = 40.0) -> Job:
        return await settled(self.studio, job, *states, patience=patience)
