"""Engines as third parties install them: one that counts clips of a plan, one that lacks a package."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import ClassVar

from rushes.domain.errors import SignInNeeded
from rushes.domain.model import Audio, Lengths, Model, Price
from rushes.domain.money import Basis, Quote
from rushes.domain.request import VideoRequest
from rushes.engines.animatic.engine import AnimaticEngine
from rushes.engines.contract import Accepted, Prepared

ROOT = Path(__file__).parents[2]
POINTS = (
    "[rushes.engines]\nplanned = tests.cli.planned:PlannedEngine\nlacking = tests.cli.planned:LackingEngine\n"
)


def _model(engine: str) -> Model:
    return Model(
        engine=engine,
        id="one",
        provider="Plan Inc.",
        lengths=Lengths(low=1, high=10),
        seconds=1.0,
        resolutions=("480p",),
        audio=Audio.OPTIONAL,
        price=Price(included_in_plan=True, source="the plan"),
    )


class PlannedEngine(AnimaticEngine):
    """Draws here, and answers as a service does whose clips are part of a plan."""

    models: ClassVar[Sequence[Model]] = (_model("planned"),)

    async def submit(self, prepared: Prepared, *, key: str) -> Accepted:
        accepted = await super().submit(prepared, key=key)
        silent = "says nothing" in prepared.request.prompt
        return accepted if silent else replace(accepted, facts={"quota_left": 28, "priority": 1})

    async def quote(self, request: VideoRequest, model: str) -> Quote | None:
        if "nobody is signed in" in request.prompt:
            raise SignInNeeded("nobody is signed in")
        if "a mistake" in request.prompt:
            raise KeyError("remaining")
        return Quote(amount=None, basis=Basis.INCLUDED_IN_PLAN, source="the plan", quota_left=29)


class LackingEngine(PlannedEngine):
    """Imports what it needs only when it is used, and says so."""

    models: ClassVar[Sequence[Model]] = (_model("lacking"),)
    packages: ClassVar[Sequence[str]] = ("json", "a_package_that_is_not_there")


def install(site: Path) -> dict[str, str]:
    """Install both into the folder `site`, as pip does, and return the variables that put it on the path."""
    folder = site / "planned-1.dist-info"
    folder.mkdir(parents=True)
    (folder / "METADATA").write_text("Name: planned\nVersion: 1\n")
    (folder / "entry_points.txt").write_text(POINTS)
    return {"PYTHONPATH": f"{site}:{ROOT}"}
