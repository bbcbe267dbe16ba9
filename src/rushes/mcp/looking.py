"""The tools that look: at clips, as pictures and facts, and at what models there are."""

from __future__ import annotations

import asyncio
from decimal import Decimal
from itertools import chain
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated

from mcp_types import CallToolResult, ContentBlock
from pydantic import Field

from rushes.alternatives import Alternatives, in_words
from rushes.catalogue.abilities import ABILITIES, fits, least_per_second
from rushes.domain.errors import BadInput
from rushes.domain.model import Model
from rushes.domain.money import usd
from rushes.mcp.blocks import fitting, image, links, structured, text
from rushes.mcp.door import LONGEST_ANSWER_S, Themed, answering
from rushes.mcp.pictures import MOST_FRAMES, PARTS, Drawing, View, Wanted, drawn
from rushes.mcp.shapes import ModelShape, ModelsShape
from rushes.mcp.words import in_tool_words
from rushes.roster import ListedModel
from rushes.viewing import Video, named

MOST_MODELS = 40


class Looking(Themed):
    """look_at_video, list_models."""

    @answering
    async def look_at_video(
        self,
        video: Annotated[
            str, Field(description='A job id, a clip id, "last", or the absolute path of a file.')
        ],
        view: Annotated[
            View,
            Field(
                description="overview: up to twelve frames of all of it, or from start to end. bursts: "
                "moments at steps of 0.1 s, where broken motion shows. frames: single ones in full, at the "
                "times of at."
            ),
        ] = View.OVERVIEW,
        at: Annotated[
            list[float] | None, Field(description=f"Seconds, at most {MOST_FRAMES}.", max_length=MOST_FRAMES)
        ] = None,
        start: Annotated[float | None, Field(description="Seconds; for the overview.", ge=0)] = None,
        end: Annotated[float | None, Field(description="Seconds; for the overview.", ge=0)] = None,
    ) -> CallToolResult:
        wanted = Wanted(view=view, at=at or (), start=start, end=end)
        wanted.check()
        try:
            async with asyncio.timeout(LONGEST_ANSWER_S):
                shown = [await _shown(one, wanted) for one in self._videos(video)]
        except TimeoutError as error:
            raise BadInput(
                f"{video} takes longer than {LONGEST_ANSWER_S:g} s; it was given up", next=PARTS
            ) from error
        return CallToolResult(content=fitting(chain.from_iterable(shown)))

    def _videos(self, words: str) -> list[Video]:
        """Return what a path, the id of a clip or that of a job names. Raises NotFound, BadReference."""
        if "/" in words:
            return [Video(path=self.door.folders.file(words))]
        return named(self.door.studio, self.door.name(words))

    @answering
    async def list_models(
        self,
        can: Annotated[
            list[str] | None, Field(description=f"Only models that can do all of: {', '.join(ABILITIES)}.")
        ] = None,
        max_usd_per_second: Annotated[
            float | None, Field(description="Only models at or below this price per second.", ge=0)
        ] = None,
        engine: Annotated[
            str | None,
            Field(description="Only models of this engine, set up or not. Without it: all that are set up."),
        ] = None,
    ) -> Annotated[CallToolResult, ModelsShape]:
        for word in can or ():
            if word not in ABILITIES:
                raise BadInput(f"can has {word!r}", next=f"give words of: {', '.join(ABILITIES)}")
        roster = self.door.studio.roster
        roster.reload()
        most = None if max_usd_per_second is None else Decimal(str(max_usd_per_second))
        names = [engine] if engine else roster.settings.set_up
        models = (one for name in names for one in roster.models_of(name) if fits(one, can or (), most))
        listed = [roster.listed(one) for one in models]
        found = [one for one in listed if not one.retired]
        shapes = [_model_shape(one) for one in found[:MOST_MODELS]]
        left = len(found) - len(shapes)
        todo = "quote_video tells the exact price" + (f"; {left} more: ask for less" if left else "")
        if len(found) < len(listed):
            todo += f"; retired and not listed: {len(listed) - len(found)}"
        if not engine and (ways := Alternatives(roster).to_set_up()):
            todo += f"; for more models {in_tool_words(in_words(ways))}"
        lines = [
            f"{one.model}  {one.seconds}  {' '.join(one.aspects)}  {one.price}  {one.status}"
            for one in shapes
        ]
        return structured(ModelsShape(models=shapes, left_off=left, next=todo), [*lines, f"next: {todo}"])


async def _shown(video: Video, wanted: Wanted) -> list[ContentBlock]:
    """Return the facts of a video, then its pictures, then where it can be had."""
    with TemporaryDirectory(prefix="rushes-look-") as folder:
        drawing = Drawing(video=video, wanted=wanted, folder=Path(folder))
        found = await drawn(drawing, LONGEST_ANSWER_S)
        below = [f"picture {number}: {one.shows}" for number, one in enumerate(found.pictures, start=1)]
        blocks: list[ContentBlock] = [text([f"video: {video.path}", *found.lines, *below])]
        blocks += [image(one.path) for one in found.pictures]
    return [*blocks, *(links(video.clip) if video.clip is not None else ())]


def _model_shape(listed: ListedModel) -> ModelShape:
    model = listed.model
    return ModelShape(
        model=model.address,
        provider=model.provider,
        seconds=str(model.lengths),
        aspects=list(model.aspects),
        resolutions=list(model.resolutions),
        references={role.value: count for role, count in model.roles.items()},
        audio=model.audio.value,
        price=_price(model),
        status=listed.status,
        notes=model.notes,
    )


def _price(model: Model) -> str:
    listed = model.price
    if listed.free:
        return "free"
    if listed.included_in_plan:
        return "in the plan"
    if listed.per_clip is not None:
        return f"{usd(listed.per_clip)} a clip"
    least = least_per_second(model)
    return "not known" if least is None else f"from {usd(least)} a second"
