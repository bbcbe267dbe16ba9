"""What was asked for: a prompt, a shape, a storyboard, pictures with a role."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, fields
from enum import StrEnum
from pathlib import Path
from typing import Any

from rushes.domain.errors import BadInput
from rushes.domain.text import first_unsafe

PROMPT_LIMIT = 20_000
"""Characters. No catalogued model takes more; anything longer is a file pasted by mistake."""

SECONDS_LIMIT = 3600.0

FRAMES_PER_SECOND = 30
"""What a length that is given as a number of frames counts by."""

NAME_LIMIT = 200
"""Characters of a style's name or of a provider's id; those seen have under 50."""


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
    """An input with a role: a file at `path`, or `remote`, the provider's own id of what it holds already.

    Exactly one of the two. `sha256` is known once the library has copied the file.
    """

    role: Role
    path: Path | None = None
    sha256: str | None = None
    remote: str | None = None

    def __post_init__(self) -> None:
        if (self.path is None) == (self.remote is None):
            raise BadInput(
                f"the {self.role.value} reference needs a file or a provider's id, and not both",
                next="write it as --reference ROLE=FILE, or as --reference ROLE=id:ID",
            )
        _check_name("the reference's id", self.remote, "--reference ROLE=id:ID")

    @property
    def identity(self) -> str:
        """Return what it is, wherever it lies: the file's hash, or the provider's id as "id:ID"."""
        return self.sha256 or (f"id:{self.remote}" if self.remote else str(self.path))

    def as_json(self) -> dict[str, Any]:
        return {
            "role": self.role.value,
            "path": str(self.path) if self.path else None,
            "sha256": self.sha256,
            "remote": self.remote,
        }

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Reference:
        path = data["path"]
        return cls(
            role=Role(data["role"]),
            path=Path(path) if path else None,
            sha256=data["sha256"],
            remote=data.get("remote"),
        )


@dataclass(frozen=True, kw_only=True)
class Shot:
    """One shot of a storyboard: how long it lasts, in seconds, and what it shows."""

    seconds: float
    prompt: str

    def __post_init__(self) -> None:
        object.__setattr__(self, "seconds", float(self.seconds))
        _check_seconds("a shot's seconds", self.seconds, "--shot")
        _check_prompt("the shot's prompt", self.prompt)

    def as_json(self) -> dict[str, Any]:
        return {"seconds": self.seconds, "prompt": self.prompt}


@dataclass(frozen=True, kw_only=True)
class VideoRequest:
    """What was asked for. None means: the model's default.

    `model` is `engine/model` or an alias; `seconds` the length; `aspect` "W:H"; `resolution` the short
    side as "720p"; `audio` False asks for a silent clip, `caption` False for one without words on the
    picture. `style` is a style by the provider's own name.
    `remix` is the provider's id of a clip to be remixed with these words, `extend` of one to be continued,
    `storyboard_id` of a storyboard that it holds.
    `shots` is a storyboard, in order: it sets `seconds`, and `prompt` holds what goes for all of them.
    `fallback` names the models to turn to, in order, where one before has accepted nothing.
    """

    prompt: str
    model: str | None = None
    seconds: float | None = None
    aspect: str | None = None
    resolution: str | None = None
    references: tuple[Reference, ...] = ()
    seed: int | None = None
    audio: bool | None = None
    caption: bool | None = None
    negative_prompt: str | None = None
    style: str | None = None
    remix: str | None = None
    extend: str | None = None
    storyboard_id: str | None = None
    shots: tuple[Shot, ...] = ()
    fallback: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        _check_prompt("the prompt", self.prompt)
        if self.seconds is not None:
            # 5 and 5.0 are the same request, whichever door it came through.
            object.__setattr__(self, "seconds", float(self.seconds))
            _check_seconds("seconds", float(self.seconds), "--seconds")
        if self.aspect is not None and not re.fullmatch(r"[1-9]\d{0,3}:[1-9]\d{0,3}", self.aspect):
            raise BadInput(f"aspect is {self.aspect!r}", next="give it as W:H, such as 16:9, 9:16 or 1:1")
        if self.resolution is not None and not re.fullmatch(r"[1-9]\d{2,3}p", self.resolution):
            raise BadInput(f"resolution is {self.resolution!r}", next="give it as 480p, 720p or 1080p")
        if self.seed is not None and not 0 <= self.seed < 2**63:
            raise BadInput(f"seed is {self.seed}", next="give a whole number from 0 to 2^63-1")
        for name in ("style", "remix", "extend", "storyboard_id"):
            _check_name(name.replace("_", " "), getattr(self, name), f"--{name.replace('_', '-')}")
        if self.remix is not None and self.extend is not None:
            raise BadInput(
                f"remix is {self.remix!r} and extend is {self.extend!r}: a clip is remixed or continued",
                next="leave one of them out: --remix or --extend",
            )
        if self.storyboard_id is not None and (self.shots or self.extend is not None):
            other = "there are shots" if self.shots else f"extend is {self.extend!r}"
            raise BadInput(
                f"storyboard id is {self.storyboard_id!r} and {other}: a provider's storyboard goes alone",
                next="leave one of them out: --storyboard-id, or --shot or --extend",
            )
        object.__setattr__(self, "fallback", tuple(self.fallback))
        object.__setattr__(self, "shots", tuple(self.shots))
        if self.shots:
            object.__setattr__(self, "seconds", _storyboard_seconds(self.shots, self.seconds))

    @property
    def clip_seconds(self) -> float | None:
        """How long the clip itself has to be; None if that is not known: a continuation may come with the
        clip that it continues."""
        return None if self.extend is not None else self.seconds

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
            "caption": self.caption,
            "negative_prompt": self.negative_prompt,
            "style": self.style,
            "remix": self.remix,
            "extend": self.extend,
            "storyboard_id": self.storyboard_id,
            "shots": [shot.as_json() for shot in self.shots],
            "fallback": list(self.fallback),
        }

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> VideoRequest:
        """Return the request that `as_json` gave. Raises BadInput.

        What an older one did not know yet is not set; what only a newer one knows is left out.
        """
        return cls(**cls._values(data))

    @classmethod
    def from_admitted(cls, data: dict[str, Any]) -> VideoRequest:
        """Return the same for one that was admitted, whatever the rules of today are."""
        values = cls._values(data)
        try:
            return cls(**values)
        except BadInput:
            request = object.__new__(cls)
            for one in fields(cls):
                object.__setattr__(request, one.name, values.get(one.name, one.default))
            return request

    @classmethod
    def _values(cls, data: dict[str, Any]) -> dict[str, Any]:
        known = {one.name: data[one.name] for one in fields(cls) if one.name in data}
        references = tuple(Reference.from_json(item) for item in data["references"])
        shots = tuple(Shot(seconds=item["seconds"], prompt=item["prompt"]) for item in data.get("shots", ()))
        return {**known, "references": references, "shots": shots}


def check_visible(request: VideoRequest) -> None:
    """Raise BadInput if the words of a new request hold what a person who agrees to it would not see.

    Those that were stored earlier are read as they are, and shown with such characters written out.
    """
    shots = [("the shot's prompt", shot.prompt) for shot in request.shots]
    negative = [("the negative prompt", request.negative_prompt)] if request.negative_prompt else []
    for what, words in [("the prompt", request.prompt), *negative, *shots]:
        unsafe = first_unsafe(words)
        if unsafe is not None:
            place, name = unsafe
            raise BadInput(
                f"{what} holds {name} at character {place:,}: it is invisible, or changes how text is shown",
                next="remove it and run it again",
            )


def frame_size(aspect: str, resolution: str) -> tuple[int, int]:
    """Return (width, height) in pixels, even, for an aspect "W:H" and a short side such as "720p"."""
    across, down = (int(part) for part in aspect.split(":"))
    short = int(resolution.removesuffix("p"))
    long = 2 * round(short * max(across, down) / min(across, down) / 2)
    return (long, short) if across >= down else (short, long)


def _storyboard_seconds(shots: Sequence[Shot], seconds: float | None) -> float:
    """Return how long a storyboard is. Raises BadInput where that is not what was asked for."""
    # Rounded, so that shots of 3.3, 3.3 and 3.4 s are a clip of 10 s.
    total = round(sum(shot.seconds for shot in shots), 3)
    if seconds is not None and total != round(seconds, 3):
        raise BadInput(
            f"the shots last {total:g} s together, and seconds is {seconds:g}",
            next=f"leave --seconds out, or make the shots last {seconds:g} s together",
        )
    _check_seconds("the shots' seconds together", total, "--shot")
    return total


def _check_seconds(what: str, seconds: float, option: str) -> None:
    if not 0 < seconds <= SECONDS_LIMIT:
        raise BadInput(
            f"{what} is {seconds:g}; a clip is longer than 0 and at most {SECONDS_LIMIT:g} s",
            next=f"give {option} a number such as 5",
        )


def _check_name(what: str, name: str | None, option: str) -> None:
    """Refuse what cannot be a provider's name for something: nothing, whole texts, control characters."""
    if name is None:
        return
    if not name.strip():
        raise BadInput(f"{what} is empty", next=f"give {option} a name, or leave it out")
    if len(name) > NAME_LIMIT or not name.isprintable():
        raise BadInput(
            f"{what} has {len(name):,} characters, or some that cannot be printed",
            next=f"give {option} a name of up to {NAME_LIMIT} characters",
        )


def _check_prompt(what: str, prompt: str) -> None:
    if not prompt.strip():
        raise BadInput(f"{what} is empty", next='say what to show: rushes create "a paper boat at dusk"')
    if len(prompt) > PROMPT_LIMIT:
        raise BadInput(
            f"{what} has {len(prompt):,} characters; at most {PROMPT_LIMIT:,} are sent",
            next="shorten it; was a whole file pasted by mistake?",
        )
    if any("\ud800" <= char <= "\udfff" for char in prompt):
        raise BadInput(f"{what} holds bytes that are not UTF-8 text", next="write it in UTF-8")
    control = sorted(
        {char for char in prompt if ord(char) < 32 and char not in "\n\t\r"} | ({"\x7f"} & {*prompt})
    )
    if control:
        shown = ", ".join(f"U+{ord(char):04X}" for char in control)
        raise BadInput(f"{what} holds control characters ({shown})", next="remove them and run it again")
