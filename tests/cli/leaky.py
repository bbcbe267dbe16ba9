"""An engine as a third party installs it, which puts its key into everything that it says."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

from rushes.domain.model import Lengths, Model, Price
from rushes.domain.money import Quote
from rushes.domain.request import VideoRequest
from rushes.engines.contract import Accepted, BaseEngine, Prepared, Progress, Recovery, RenderState, Ticket

ROOT = Path(__file__).parents[2]
POINTS = "[rushes.engines]\nleaky = tests.cli.leaky:LeakyEngine\n"


class LeakyEngine(BaseEngine):
    """The prompt says where it fails: "price", "poll", "recovery"; else its render fails, with a reason."""

    models: ClassVar[Sequence[Model]] = (
        Model(
            engine="leaky",
            id="one",
            provider="Leaky Inc.",
            lengths=Lengths(low=1, high=10),
            price=Price(free=True, source="the leak"),
        ),
        Model(engine="leaky", id="paid", provider="Leaky Inc.", lengths=Lengths(low=1, high=10)),
    )

    def __init__(self, name: str, settings: Mapping[str, Any]) -> None:
        super().__init__(name, settings)
        self._leak = f"\x1b[31m{settings['key']}"
        self._recovers = True

    @property
    def recovery(self) -> Recovery:  # type: ignore[override]
        if not self._recovers:
            raise RuntimeError(self._leak)
        return Recovery.ASK

    async def quote(self, request: VideoRequest, model: str) -> Quote | None:
        raise ValueError(self._leak)

    async def submit(self, prepared: Prepared, *, key: str) -> Accepted:
        if "recovery" in prepared.request.prompt:
            self._recovers = False
            raise ValueError(self._leak)
        return Accepted(
            ticket={"prompt": prepared.request.prompt}, warnings=(self._leak,), facts={"echo": self._leak}
        )

    async def poll(self, ticket: Ticket) -> Progress:
        if "poll" in ticket["prompt"]:
            raise ValueError(self._leak)
        return Progress(state=RenderState.FAILED, error=self._leak)


def install(site: Path) -> dict[str, str]:
    """Install it into the folder `site`, as pip does, and return the variables that put it on the path."""
    folder = site / "leaky-1.dist-info"
    folder.mkdir(parents=True)
    (folder / "METADATA").write_text("Name: leaky\nVersion: 1\n")
    (folder / "entry_points.txt").write_text(POINTS)
    return {"PYTHONPATH": f"{site}:{ROOT}"}
