"""What a clip shows: the order's words, shots, style and names, and the files it brings along."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from rushes.testing.sora_emulator.orders import FPS, Order

_SHOT = re.compile(r"^Shot \d+:\nduration: ([\d.]+)sec\nScene: (.*)$", re.MULTILINE)
_NAME = re.compile(r"(?<!\w)@(\w[\w.-]*\w|\w)")


@dataclass(frozen=True, kw_only=True)
class Shot:
    """A stretch of a clip: its words, and how many pictures it has."""

    words: str
    frames: int


@dataclass(frozen=True, kw_only=True)
class Scene:
    """Everything that decides a clip: two equal scenes give the same pictures.

    `width` and `height` in pixels, `frames` at 30 a second. `first` is the picture it begins with,
    `references` those it shows in a corner, as PNG, JPEG or WebP. `before` is the MP4 that it goes on from,
    `remixed` the one whose pictures it shows anew. `names` are the characters that its words name.
    """

    width: int
    height: int
    frames: int
    words: str
    shots: tuple[Shot, ...]
    style: str | None = None
    names: tuple[str, ...] = ()
    first: bytes | None = None
    references: tuple[bytes, ...] = ()
    before: bytes | None = None
    remixed: bytes | None = None
    has_sound: bool = True

    @property
    def seconds(self) -> float:
        return self.frames / FPS


def scene_of(
    order: Order,
    *,
    first: bytes | None = None,
    references: Sequence[bytes] = (),
    before: bytes | None = None,
    remixed: bytes | None = None,
    has_sound: bool = True,
) -> Scene:
    """Return what the clip of an order shows."""
    width, height = order.pixels
    frames = round(order.seconds * FPS)
    return Scene(
        width=width,
        height=height,
        frames=frames,
        words=order.prompt,
        shots=_shots(order.prompt, frames),
        style=order.style_id,
        names=tuple(dict.fromkeys(_NAME.findall(order.prompt))),
        first=first,
        references=tuple(references),
        before=before,
        remixed=remixed,
        has_sound=has_sound,
    )


def _shots(prompt: str, frames: int) -> tuple[Shot, ...]:
    """Return the shots that a storyboard's text lists, the last to the end; any other text is one shot."""
    listed = [(float(seconds), words) for seconds, words in _SHOT.findall(prompt)]
    shots, left = [], frames
    for number, (seconds, words) in enumerate(listed, 1):
        count = left if number == len(listed) else min(left, round(seconds * FPS))
        shots.append(Shot(words=words, frames=count))
        left -= count
    return tuple(shot for shot in shots if shot.frames) or (Shot(words=prompt, frames=frames),)
