"""A model: a named generator and what it can do."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from enum import StrEnum
from itertools import pairwise
from typing import Any

from rushes.domain.request import Role, VideoRequest


class Audio(StrEnum):
    """Whether a model makes sound: never, if asked, or in every clip."""

    NO = "no"
    OPTIONAL = "optional"
    ALWAYS = "always"


@dataclass(frozen=True, kw_only=True)
class Lengths:
    """The lengths, in seconds, that a model makes: a list of them, or everything from `low` to `high`."""

    only: tuple[float, ...] = ()
    low: float = 0.0
    high: float = 0.0

    def __contains__(self, seconds: float) -> bool:
        return seconds in self.only if self.only else self.low <= seconds <= self.high

    def __str__(self) -> str:
        if len(self.only) > 4 and all(b - a == 1 for a, b in pairwise(self.only)):
            return f"{self.only[0]:g} to {self.only[-1]:g} s, whole ones"
        if self.only:
            return ", ".join(f"{seconds:g}" for seconds in self.only) + " s"
        return f"{self.low:g} to {self.high:g} s"

    def nearest(self, seconds: float) -> float:
        """Return the length this model makes that is closest to `seconds`."""
        if self.only:
            return min(self.only, key=lambda one: abs(one - seconds))
        return min(max(seconds, self.low), self.high)


@dataclass(frozen=True, kw_only=True)
class Price:
    """What a model costs, with the page it was read from and the day.

    `per_second` maps a resolution, or "*" for all, to US dollars; None as a whole: not known.
    """

    per_second: dict[str, Decimal] | None = None
    per_clip: Decimal | None = None
    free: bool = False
    included_in_plan: bool = False
    source: str = ""
    as_of: date | None = None


@dataclass(frozen=True, kw_only=True)
class Model:
    """A generator, addressed `engine/id`, where `engine` is the configured instance's name.

    `roles` maps what it accepts as references to how many, `remote_references` whether as the provider's own
    ids, too; the first of `aspects` and `resolutions` is its default; `unconfirmed` lists values ("1:1",
    "720p", "20 s") that are sent as asked, not confirmed to work. `caption` tells whether it writes
    words on the picture, and can leave them out. `styles`, `remix`, `extend` and `storyboard_ids` say whether
    it takes them, `extend_lengths` how long a continuation may be where that differs from `lengths`, `shots`
    how many a storyboard may have (0: it takes none). With `variants`, ids that begin with this one and go on
    after "_", "-", "." or ":" are dated variants of it. `service` is the address of the host that
    `retires_on` is about; None: it is about the model wherever it is served. With `named_only` it is used
    where it is named, and never chosen: what it makes is no generated video.
    """

    engine: str
    id: str
    provider: str
    lengths: Lengths
    aspects: tuple[str, ...] = ("16:9",)
    resolutions: tuple[str, ...] = ("720p",)
    seconds: float = 5.0
    roles: dict[Role, int] = field(default_factory=dict)
    audio: Audio = Audio.NO
    caption: bool = False
    seed: bool = False
    negative_prompt: bool = False
    styles: bool = False
    remix: bool = False
    extend: bool = False
    storyboard_ids: bool = False
    extend_lengths: Lengths | None = None
    shots: int = 0
    remote_references: bool = False
    variants: bool = False
    prompt_limit: int = 4000
    price: Price = field(default_factory=Price)
    retires_on: date | None = None
    replacement: str | None = None
    service: str | None = None
    unconfirmed: tuple[str, ...] = ()
    named_only: bool = False
    notes: str = ""

    @property
    def address(self) -> str:
        return f"{self.engine}/{self.id}"

    def lengths_of(self, request: VideoRequest) -> Lengths:
        """Return the lengths that what is asked for may have: a clip of its own, or a continuation."""
        return self.extend_lengths or self.lengths if request.extend else self.lengths

    def has_variant(self, id: str) -> bool:
        """Return whether `id` is a dated variant of this model."""
        return self.variants and id.startswith(self.id) and id[len(self.id) :][:1] in {*"_-.:"}

    def as_json(self) -> dict[str, Any]:
        return {
            "model": self.address,
            "provider": self.provider,
            "seconds": str(self.lengths),
            "aspects": list(self.aspects),
            "resolutions": list(self.resolutions),
            "references": {role.value: count for role, count in self.roles.items()},
            "audio": self.audio.value,
            "caption": self.caption,
            "seed": self.seed,
            "negative_prompt": self.negative_prompt,
            "styles": self.styles,
            "remix": self.remix,
            "extend": self.extend,
            "storyboard_ids": self.storyboard_ids,
            "extend_seconds": str(self.extend_lengths) if self.extend_lengths else None,
            "shots": self.shots,
            "remote_references": self.remote_references,
            "variants": self.variants,
            "prompt_limit": self.prompt_limit,
            "free": self.price.free,
            "included_in_plan": self.price.included_in_plan,
            "price_per_clip": str(self.price.per_clip) if self.price.per_clip is not None else None,
            "price_per_second": {key: str(value) for key, value in (self.price.per_second or {}).items()},
            "price_source": self.price.source,
            "price_as_of": self.price.as_of.isoformat() if self.price.as_of else None,
            "retires_on": self.retires_on.isoformat() if self.retires_on else None,
            "replacement": self.replacement,
            "service": self.service,
            "unconfirmed": list(self.unconfirmed),
            "named_only": self.named_only,
            "notes": self.notes,
        }
