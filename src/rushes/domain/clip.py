"""A clip: a file that came out, verified, with its facts and where it came from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from pathlib import Path
from typing import Any, Self

from rushes.domain.text import one_line

_SPANS = ("black", "frozen", "silent")
_TIMES = ("cuts", "jumps", "flashes")
_FILES = ("path", "sheet", "bursts", "original")


class Severity(StrEnum):
    """How bad a finding is: an error keeps the clip from playing somewhere, a warning does not."""

    ERROR = "error"
    WARNING = "warning"


class Repair(StrEnum):
    """What mends a finding. `NONE`: nothing does, the file has to be made again."""

    REMUX = "remux"
    REENCODE_VIDEO = "reencode_video"
    REENCODE_AUDIO = "reencode_audio"
    NONE = "none"


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One thing that `lint` found wrong with a file."""

    code: str
    severity: Severity
    text: str
    repair: Repair

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """Return the finding of which `data` holds the fields. Raises KeyError, ValueError."""
        severity, repair = Severity(data["severity"]), Repair(data["repair"])
        return cls(code=data["code"], severity=severity, text=data["text"], repair=repair)


@dataclass(frozen=True, kw_only=True)
class Span:
    """A stretch of a clip, in seconds from its start."""

    start: float
    end: float


@dataclass(frozen=True, kw_only=True)
class Facts:
    """What was measured in a clip while decoding all of it.

    `loudness` is the integrated loudness in LUFS, None without sound or for silence. `black`, `frozen` and
    `silent` are spans; `cuts` are the times of sudden changes that last, `jumps` those at which most of the
    picture stays, `flashes` those at which it is another one for a moment; all in seconds. `repeated` is the
    share of frames, 0 to 1, that show next to nothing but the one before; `end` is when the last frame has
    been shown, in seconds after the first, 0 where that was not measured. The first is shown `start` seconds
    after what players count from, and the sound ends at `sound_end` of the same clock, None without sound or
    where that was not measured. `interlaced` is whether most pictures are halves of the lines shown in turn.

    `c2pa` is whether the file itself carries content credentials (C2PA), unchecked; `original_c2pa` whether
    the original does that is kept beside a repaired clip, None if there is no original.
    """

    frames: int
    loudness: float | None = None
    silent: tuple[Span, ...] = ()
    black: tuple[Span, ...] = ()
    frozen: tuple[Span, ...] = ()
    cuts: tuple[float, ...] = ()
    jumps: tuple[float, ...] = ()
    flashes: tuple[float, ...] = ()
    repeated: float = 0.0
    end: float = 0.0
    start: float = 0.0
    sound_end: float | None = None
    interlaced: bool = False
    c2pa: bool = False
    original_c2pa: bool | None = None

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """Return the facts of which `data` holds the fields. Raises TypeError."""
        spans = {name: tuple(Span(**one) for one in data.get(name, ())) for name in _SPANS}
        times = {name: tuple(data.get(name, ())) for name in _TIMES}
        return cls(**{**data, **spans, **times})


@dataclass(frozen=True, kw_only=True)
class Clip:
    """A verified clip in the library.

    `seconds` is the length, `fps` frames per second, `bytes` and `sha256` those of the file at `path`.
    `original` is the engine's own file where it needed a repair, else None.
    """

    id: str
    job_id: str
    path: Path
    sheet: Path
    seconds: float
    width: int
    height: int
    fps: float
    video_codec: str
    audio_codec: str | None
    bytes: int
    sha256: str
    lint: tuple[Finding, ...]
    facts: Facts
    model: str
    provider: str
    prompt: str
    seed: int | None
    cost: Decimal | None
    currency: str
    created_at: datetime
    bursts: Path | None = None
    original: Path | None = None
    references: tuple[str, ...] = field(default=())

    def as_json(self) -> dict[str, Any]:
        """Return the shape every door shows."""
        return {
            "id": self.id,
            "job_id": self.job_id,
            "path": str(self.path),
            "sheet": str(self.sheet),
            "bursts": str(self.bursts) if self.bursts else None,
            "original": str(self.original) if self.original else None,
            "seconds": self.seconds,
            "width": self.width,
            "height": self.height,
            "fps": self.fps,
            "video_codec": self.video_codec,
            "audio_codec": self.audio_codec,
            "bytes": self.bytes,
            "sha256": self.sha256,
            "lint": [asdict(finding) for finding in self.lint],
            "facts": asdict(self.facts),
            "model": self.model,
            "provider": self.provider,
            "prompt": self.prompt,
            "seed": self.seed,
            "references": list(self.references),
            "cost": str(self.cost) if self.cost is not None else None,
            "currency": self.currency,
            "created_at": self.created_at.isoformat(),
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """Return the clip that `as_json` shows; other fields are passed over.

        Raises KeyError, TypeError, ValueError, ArithmeticError.
        """
        known = {one.name for one in fields(cls)}
        values = {name: value for name, value in data.items() if name in known}
        for name in _FILES:
            values[name] = Path(data[name]) if data[name] is not None else None
        values["lint"] = tuple(Finding.from_json(one) for one in data["lint"])
        values["facts"] = Facts.from_json(data["facts"])
        values["cost"] = Decimal(data["cost"]) if data["cost"] is not None else None
        values["created_at"] = datetime.fromisoformat(data["created_at"])
        values["references"] = tuple(data["references"])
        return cls(**values)


TITLE_LIMIT = 200
"""Characters of a prompt that a file carries as its title."""


def file_tags(prompt: str, model: str | None, made_as: str) -> dict[str, str]:
    """Return the title and the comment that a file written by rushes carries; `made_as` names its job.

    What a provider delivered is filed byte for byte and carries what the provider wrote.
    """
    return {"title": one_line(prompt, TITLE_LIMIT), "comment": f"{model}, {made_as}, generated by rushes"}


class DamageKind(StrEnum):
    """What is wrong with a clip's file: it is gone, is another one than was filed, or leads elsewhere."""

    MISSING = "missing"
    CHANGED = "changed"
    OUTSIDE = "outside"


@dataclass(frozen=True, kw_only=True)
class Damage:
    """Why a clip cannot be used as it was filed, in words."""

    kind: DamageKind
    clip: Clip
    text: str
