"""The words that describe a clip, as the arguments of a tool, made into a request."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Annotated

from pydantic import BaseModel, Field

from rushes.domain.errors import BadInput
from rushes.domain.money import LARGEST_LIMIT, can_be_limit
from rushes.domain.request import Reference, Role, Shot
from rushes.mcp.folders import Folders

Prompt = Annotated[
    str, Field(description="What to show: subject, one action, one camera move, light, style.")
]
ModelName = Annotated[
    str | None,
    Field(
        description="engine/model from list_models, or a short name: best, cheap, fast, kling-3, wan-3 … "
        "Without it: the cheapest that can do it and is set up."
    ),
]
Seconds = Annotated[float | None, Field(description="How long it is. Not in the prompt.")]
Aspect = Annotated[str | None, Field(description="16:9, 9:16, 1:1 …")]
Resolution = Annotated[str | None, Field(description="The short side: 480p, 720p, 1080p.")]
Seed = Annotated[int | None, Field(description="The same seed makes the same clip, where the model can.")]
Picture = Annotated[str | None, Field(description="Whole path of the picture that it begins or ends with.")]
References = Annotated[
    list[str] | None,
    Field(
        description="ROLE=/whole/path or ROLE=id:ID of what the provider holds; roles: "
        + ", ".join(one.value for one in Role)
    ),
]


class ShotShape(BaseModel):
    """One shot of a storyboard."""

    seconds: float
    prompt: str


@dataclass(frozen=True, kw_only=True)
class GivenReferences:
    """The references of a wish, as they were given."""

    first_frame: str | None
    last_frame: str | None
    references: Sequence[str]

    def read(self, folders: Folders) -> tuple[Reference, ...]:
        """Return them as references to files that may be read. Raises BadInput, BadReference."""
        named = [
            (Role.FIRST_FRAME, self.first_frame),
            (Role.LAST_FRAME, self.last_frame),
            *map(_named, self.references),
        ]
        return tuple(_reference(role, place, folders) for role, place in named if place)


def _named(words: str) -> tuple[Role, str]:
    role, found, place = words.partition("=")
    if not found or role not in list(Role):
        roles = ", ".join(one.value for one in Role)
        raise BadInput(
            f"the reference {words!r}: allowed roles: {roles}", next="write it as ROLE=/whole/path"
        )
    return Role(role), place


def _reference(role: Role, place: str, folders: Folders) -> Reference:
    if place.startswith("id:"):
        return Reference(role=role, remote=place.removeprefix("id:"))
    return Reference(role=role, path=folders.file(place))


def shots_from(shapes: Sequence[ShotShape]) -> tuple[Shot, ...]:
    return tuple(Shot(seconds=one.seconds, prompt=one.prompt) for one in shapes)


def amount(name: str, value: float | None) -> Decimal | None:
    """Return dollars as they were written under `name`. Raises BadInput."""
    try:
        found = None if value is None else Decimal(str(value))
    except InvalidOperation:
        found = Decimal(-1)
    if found is not None and not can_be_limit(found):
        raise BadInput(
            f"{name} is {value}", next=f"give an amount in dollars from 0 to {LARGEST_LIMIT:,}, such as 0.50"
        )
    return found
