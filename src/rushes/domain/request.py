"""What was asked for: a prompt, a shape, pictures with a role."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from rushes.domain.errors import BadInput

PROMPT_LIMIT = 20_000
"""Characters. No catalogued model takes more; anything longer is a file pasted by mistake."""

SECONDS_LIMIT = 3600.0


class Role(StrEnum):
    """What a reference is for."""

    FIRST_FRAME = "first_frame"
    LAST_FRAME = "last_frame"
    SUBJECT = "subject"
    STYLE = "style"
    INPUT_VIDEO = "input_video"
    AUDIO = "audio"


@dataclass(frozen=True, kw_only=True)
class Reference:
    """An input file with a role. `sha256` is known once the library has copied the file."""

    role: Role
    path: Path
    sha256: str | None = None

    def as_json(self) -> dict[str, Any]:
        return {"role": self.role.value, "path": str(self.path), "sha256": self.sha256}


@dataclass(frozen=True, kw_only=True)
class VideoRequest:
    """What was asked for. None means: the model's default.

    `model` is `engine/model` or an alias; `seconds` the length; `aspect` "W:H"; `resolution` the short
    side as "720p"; `audio` False asks for a silent clip.
    """

    prompt: str
    model: str | None = None
    seconds: float | None = None
    aspect: str | None = None
    resolution: str | None = None
    references: tuple[Reference, ...] = ()
    seed: int | None = None
    audio: bool | None = None
    negative_prompt: str | None = None

    def __post_init__(self) -> None:
        _check_prompt(self.prompt)
        if self.seconds is not None:
            # 5 and 5.0 are the same request, whichever door it came through.
            object.__setattr__(self, "seconds", float(self.seconds))
        if self.seconds is not None and not 0 < self.seconds <= SECONDS_LIMIT:
            raise BadInput(
                f"seconds is {self.seconds:g}; a clip is longer than 0 and at most {SECONDS_LIMIT:g} s",
                next="give --seconds a number such as 5",
            )
        if self.aspect is not None and not re.fullmatch(r"[1-9]\d{0,3}:[1-9]\d{0,3}", self.aspect):
            raise BadInput(f"aspect is {self.aspect!r}", next="give it as W:H, such as 16:9, 9:16 or 1:1")
        if self.resolution is not None and not re.fullmatch(r"[1-9]\d{2,3}p", self.resolution):
            raise BadInput(f"resolution is {self.resolution!r}", next="give it as 480p, 720p or 1080p")
        if self.seed is not None and not 0 <= self.seed < 2**63:
            raise BadInput(f"seed is {self.seed}", next="give a whole number from 0 to 2^63-1")

    def as_json(self) -> dict[str, Any]:
        """Return the shape every door shows, and the ledger keeps."""
        return {
            "prompt": self.prompt,
            "model": self.model,
            "seconds": self.seconds,
            "aspect": self.aspect,
            "resolution": self.resolution,
            "references": [reference.as_json() for reference in self.references],
            "seed": self.seed,
            "audio": self.audio,
            "negative_prompt": self.negative_prompt,
        }

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> VideoRequest:
        references = tuple(
            Reference(role=Role(item["role"]), path=Path(item["path"]), sha256=item["sha256"])
            for item in data["references"]
        )
        return cls(**{**data, "references": references})


def frame_size(aspect: str, resolution: str) -> tuple[int, int]:
    """Return (width, height) in pixels, even, for an aspect "W:H" and a short side such as "720p"."""
    across, down = (int(part) for part in aspect.split(":"))
    short = int(resolution.removesuffix("p"))
    long = 2 * round(short * max(across, down) / min(across, down) / 2)
    return (long, short) if across >= down else (short, long)


def _check_prompt(prompt: str) -> None:
    if not prompt.strip():
        raise BadInput("the prompt is empty", next='say what to show: rushes create "a paper boat at dusk"')
    if len(prompt) > PROMPT_LIMIT:
        raise BadInput(
            f"the prompt has {len(prompt):,} characters; at most {PROMPT_LIMIT:,} are sent",
            next="shorten it; was a whole file pasted by mistake?",
        )
    if any("\ud800" <= char <= "\udfff" for char in prompt):
        raise BadInput("the prompt holds bytes that are not UTF-8 text", next="write it in UTF-8")
    control = sorted(
        {char for char in prompt if ord(char) < 32 and char not in "\n\t\r"} | ({"\x7f"} & {*prompt})
    )
    if control:
        shown = ", ".join(f"U+{ord(char):04X}" for char in control)
        raise BadInput(f"the prompt holds control characters ({shown})", next="remove them and run it again")
