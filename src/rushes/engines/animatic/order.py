"""What is to be rendered, and its JSON shape."""

from __future__ import annotations

import os
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from rushes.domain.errors import BadInput

FPS = 30
LONGEST = 60.0  # seconds
SIDES = (64, 4096)  # pixels


@dataclass(frozen=True, kw_only=True)
class Order:
    """What to render: `seconds` long, `width` × `height` pixels, the take `seed`, into `destination`.

    `first_frame` and `last_frame` are pictures that take the place of the scenery. Without `caption` no frame
    holds any words: neither caption nor slate. `comment` goes into the file,
    beside the prompt. Raises `BadInput` for what cannot be rendered.
    """

    prompt: str
    seconds: float
    width: int
    height: int
    seed: int
    destination: Path
    audio: bool = True
    caption: bool = True
    first_frame: Path | None = None
    last_frame: Path | None = None
    comment: str = ""

    def __post_init__(self) -> None:
        if not 1 / FPS <= self.seconds <= LONGEST:
            raise BadInput(f"seconds is {self.seconds:g}; an animatic is at most {LONGEST:g} s long")
        for side in (self.width, self.height):
            if side % 2 or not SIDES[0] <= side <= SIDES[1]:
                raise BadInput(f"{self.width}x{self.height}: sides are even, {SIDES[0]} to {SIDES[1]} pixels")
        if self.seed < 0:
            raise BadInput(f"seed is {self.seed}; it is 0 or more")
        if not self.destination.parent.is_dir():
            raise BadInput(f"there is no folder {self.destination.parent}")

    @property
    def frames(self) -> int:
        return max(1, round(self.seconds * FPS))

    @property
    def partial(self) -> Path:
        """Where the clip is written until it is whole."""
        return self.destination.with_name(f".{self.destination.name}.{os.getpid()}.part")

    def as_json(self) -> dict[str, Any]:
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        return {name: str(value) if isinstance(value, Path) else value for name, value in values.items()}

    @classmethod
    def from_json(cls, data: Any) -> Order:
        """Read an order from its JSON shape. Raises `BadInput`."""
        if not isinstance(data, dict):
            raise BadInput("the order is not a JSON object")
        unknown = data.keys() - {field.name for field in fields(cls)}
        if unknown:
            raise BadInput(f"the order has unknown fields: {', '.join(sorted(unknown))}")
        for name, kinds in _KINDS.items():
            value = data.get(name, _OPTIONAL.get(name, ...))
            if (
                value is ...
                or not isinstance(value, kinds)
                or (isinstance(value, bool) and bool not in kinds)
            ):
                raise BadInput(f"the order's {name!r} is {'missing' if value is ... else repr(value)}")
        given = dict(data)
        for name in ("destination", "first_frame", "last_frame"):
            given[name] = Path(data[name]) if data.get(name) is not None else None
        return cls(**given)


_OPTIONAL: dict[str, Any] = {
    "audio": True,
    "caption": True,
    "first_frame": None,
    "last_frame": None,
    "comment": "",
}
_KINDS: dict[str, tuple[type, ...]] = {
    "prompt": (str,),
    "seconds": (int, float),
    "width": (int,),
    "height": (int,),
    "seed": (int,),
    "destination": (str,),
    "audio": (bool,),
    "caption": (bool,),
    "first_frame": (str, type(None)),
    "last_frame": (str, type(None)),
    "comment": (str,),
}
