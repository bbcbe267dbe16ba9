"""An engine on a double of one server, and whole jobs on it: what the tests of this room hold."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

from PIL import Image

from rushes.domain.job import Job
from rushes.domain.request import Reference, Role, VideoRequest
from rushes.engines.contract import Accepted, Attempt, Prepared, Progress, RenderState, Ticket
from rushes.engines.openai_videos.engine import OpenAIVideosEngine
from rushes.settings import EngineSettings, Settings
from rushes.studio import Studio
from rushes.testing.openai_videos_service import KEY
from rushes.testing.standin_process import StandInProcess
from tests.engines.working import settled, working

MODEL = "Wan-AI/Wan2.2-T2V-A14B-Diffusers"
TABLE = {
    "id": MODEL,
    "provider": "the lab",
    "seconds": {"only": [1, 4]},
    "aspects": ["16:9", "9:16"],
    "resolutions": ["144p", "480p"],
    "references": {"first_frame": 1, "last_frame": 1, "subject": 2, "input_video": 1},
    "sizes": {"16:9 480p": "832x480"},
    "remote_references": True,
    "negative_prompt": True,
    "remix": True,
    "extend": True,
    "seed": True,
    "price": {"per_second": {"*": 0.05}, "source": "the lab's list", "as_of": None},
}
QUICK: dict[str, Any] = {"post_timeout": 20.0, "list_delay": 0.2, "missing_after": 0.3}

PATIENCE_S = 30.0


class Lab:
    """The engine `lab` on `server`; every prompt carries the lab's own `mark`."""

    def __init__(self, home: Path, server: StandInProcess, **settings: Any) -> None:
        self.home = home
        self.server = server
        self.mark = secrets.token_hex(5)
        self.model = str(settings.pop("model", MODEL))
        tables = [{**TABLE, "id": self.model}]
        self.options = {"base_url": server.base_url, "key": KEY, "models": tables, **QUICK, **settings}
        self.home.mkdir(parents=True, exist_ok=True)

    # --- the server ---

    def tell(self, operation: str, words: str = "", **told: Any) -> None:
        """Tell the server how calls for prompts with `words` of this lab go."""
        self.server.tell(operation, self.prompt(words), **told)

    def posts(self, operation: str = "create") -> list[dict[str, Any]]:
        """Return the creates that arrived from this lab, accepted or not."""
        return [one for one in self.server.requests(operation) if self.mark in one["prompt"]]

    def jobs(self) -> list[dict[str, Any]]:
        """Return the creates that the server accepted from this lab."""
        return self.server.log(self.mark)

    # --- the engine alone ---

    def make(self, **settings: Any) -> OpenAIVideosEngine:
        return OpenAIVideosEngine("lab", {**self.options, **settings})

    @asynccontextmanager
    async def engine(self, **settings: Any) -> AsyncIterator[OpenAIVideosEngine]:
        engine = self.make(**settings)
        try:
            yield engine
        finally:
            await engine.aclose()

    def prompt(self, words: str = "") -> str:
        return f"{self.mark} {words}".strip()

    def request(self, words: str = "", **fields: Any) -> VideoRequest:
        asked = {"seconds": 4.0, "aspect": "16:9", "resolution": "144p", "audio": False, **fields}
        return VideoRequest(prompt=self.prompt(words), model=f"lab/{self.model}", **asked)

    async def prepared(self, engine: OpenAIVideosEngine, words: str = "", **fields: Any) -> Prepared:
        return await engine.prepare(self.request(words, **fields), self.model)

    async def accepted(self, engine: OpenAIVideosEngine, words: str = "", **fields: Any) -> Accepted:
        return await engine.submit(await self.prepared(engine, words, **fields), key="unused")

    async def ended(self, engine: OpenAIVideosEngine, ticket: Ticket) -> Progress:
        """Poll until the render has ended."""
        async with asyncio.timeout(20):
            while True:
                progress = await engine.poll(ticket)
                if progress.state not in (RenderState.QUEUED, RenderState.RUNNING):
                    return progress
                await asyncio.sleep(0.05)

    def attempt(self, prepared: Prepared, posted_at: Any) -> Attempt:
        return Attempt(
            request=prepared.request, model=prepared.model, posted_at=posted_at, notes=prepared.notes
        )

    def picture(self, name: str = "frame.png", color: str = "navy") -> Path:
        path = self.home / name
        Image.new("RGB", (256, 144), color).save(path)
        return path

    def first_frame(self) -> Reference:
        return Reference(role=Role.FIRST_FRAME, path=self.picture())

    # --- whole jobs ---

    @property
    def settings(self) -> Settings:
        engine = EngineSettings(name="lab", kind="openai-videos", options=self.options)
        return Settings(
            home=self.home,
            config=self.home / "config.toml",
            log=self.home / "worker.log",
            engines={"lab": engine},
        )

    @asynccontextmanager
    async def working(self) -> AsyncIterator[None]:
        """Have a worker at work in this process during the block, with an engine of its own."""
        async with self.engine() as engine, working(self.settings, engine, 3):
            yield

    async def submit(self, studio: Studio, words: str = "", **fields: Any) -> Job:
        """Store a job; a worker has to be at work."""
        request = replace(self.request(words, **{"seconds": 1.0, **fields}), audio=None)
        return await studio.submit(request, again=True, max_usd=Decimal(5))

    async def made(self, words: str = "", **fields: Any) -> Job:
        """Return a job once it has ended, or needs a person."""
        async with self.working(), Studio(self.settings) as studio:
            job = await self.submit(studio, words, **fields)
            return await self.settled(studio, job)

    async def settled(self, studio: Studio, job: Job) -> Job:
        return await settled(studio, job, patience=PATIENCE_S)
