"""One home folder, an account at the double of fal, and a worker in this process: what the tests hold."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

from PIL import Image

from rushes.domain.request import Reference, Role
from rushes.engines.contract import Accepted, Prepared
from rushes.engines.fal.engine import FalEngine
from rushes.testing.fal_service import KEY
from rushes.testing.standin_process import StandInProcess
from tests.engines.service_stage import ServiceStage

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


class Stage(ServiceStage[FalEngine]):
    """A home folder of its own; every prompt carries the stage's `mark`."""

    kind = "fal"
    model = T2V
    most = Decimal(5)

    def __init__(self, home: Path, service: StandInProcess, **settings: Any) -> None:
        base = service.base_url
        places = {"queue_url": base, "api_url": f"{base}/v1", "storage_url": base}
        super().__init__(home, service, {**places, "key": KEY, **QUICK, **settings})

    def sent(self, words: str = "") -> dict[str, Any]:
        """Return the one body that was accepted, without its prompt."""
        (create,) = self.creates(words)
        body = dict(create["body"])
        assert body.pop("prompt") == create["prompt"]
        return body

    def make(self, **settings: Any) -> FalEngine:
        return FalEngine("fal", {**self.options, "work": str(self.home / "work"), **settings})

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
