"""Prices by the service's `pricing_skus`: names with a grammar of their own, dollars or cents as text.

The names are those of its list as it was recorded in October 2026. One that is not understood makes the
price unknown: it may be the one that counts.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_UP, Decimal
from enum import StrEnum
from math import log
from typing import Any

from rushes.domain.money import can_be_price, read_price

STEP = Decimal("0.0001")
CENT = Decimal("0.01")

TOKEN_FPS = 24
TOKEN_PIXELS = 1024
"""A video token is 1024 pixels of one frame at 24 a second: the dollars a second that the service's pages
show for its token-priced models come out so to the last digit."""

RATIO_TOLERANCE = 0.03
"""854x480 and 992x432 are listed as 16:9 and 21:9."""


class Per(StrEnum):
    """What a price is for."""

    SECOND = "second"
    TOKEN = "token"
    IMAGE = "image"
    REFERENCE = "reference"
    AT_LEAST = "at least"


class Mode(StrEnum):
    """What a clip is made from, where that has a price of its own."""

    TEXT = "text_to_video"
    IMAGE = "image_to_video"
    REFERENCE = "reference"
    CONTINUATION = "video_continuation"


@dataclass(frozen=True, kw_only=True)
class Rate:
    """One price in dollars; None: it goes for all modes, with and without sound, or all resolutions."""

    per: Per
    dollars: Decimal
    mode: Mode | None = None
    audio: bool | None = None
    resolution: str | None = None
    video_input: bool = False


@dataclass(frozen=True, kw_only=True)
class Order:
    """What a price is asked for: `resolution` in the service's words, `images` all pictures handed in,
    `references` those that are no frames, `size` the pixels that will come.
    """

    seconds: Decimal
    resolution: str
    audio: bool
    mode: Mode = Mode.TEXT
    images: int = 0
    references: int = 0
    video_input: bool = False
    size: tuple[int, int] | None = None


_RESOLUTION = r"(?:_(?P<resolution>\d+[pk]))?"
_SOUND = r"(?:_(?P<audio>with_audio|without_audio))?"
_GRAMMAR: Sequence[tuple[str, Per, Decimal]] = (
    (rf"(?:(?P<mode>text_to_video|image_to_video|reference)_)?duration_seconds{_SOUND}{_RESOLUTION}",
     Per.SECOND, Decimal(1)),
    (rf"per_video_second{_RESOLUTION}", Per.SECOND, Decimal(1)),
    (rf"cents_per_(?:second_output|video_output_second){_RESOLUTION}", Per.SECOND, CENT),
    (rf"cents_per_second_(?P<mode>video_continuation){_RESOLUTION}", Per.SECOND, CENT),
    (rf"video_tokens{_RESOLUTION}{_SOUND}(?P<video>_with_video_input)?", Per.TOKEN, Decimal(1)),
    ("cents_per_image_input", Per.IMAGE, CENT),
    ("reference_images", Per.REFERENCE, Decimal(1)),
    ("minimum_cents_per_generation", Per.AT_LEAST, CENT),
)  # fmt: skip


def rates(skus: Any) -> tuple[Rate, ...] | None:
    """Return the rates that `pricing_skus` tells; None where one of them is not understood."""
    if not isinstance(skus, Mapping) or not skus:
        return None
    found = [_rate(str(name), told) for name, told in skus.items()]
    return None if None in found else tuple(rate for rate in found if rate is not None)


def _rate(name: str, told: Any) -> Rate | None:
    name = name.lower().replace("-", "_")
    for pattern, per, unit in _GRAMMAR:
        match = re.fullmatch(pattern, name)
        if match is None:
            continue
        dollars = read_price(told, unit)
        if dollars is None:
            return None
        parts = match.groupdict()
        audio, mode = parts.get("audio"), parts.get("mode")
        return Rate(
            per=per,
            dollars=dollars,
            mode=Mode(mode) if mode else None,
            audio=None if audio is None else audio == "with_audio",
            resolution=parts.get("resolution"),
            video_input=parts.get("video") is not None,
        )
    return None


def amount(order: Order, known: Iterable[Rate] | None) -> Decimal | None:
    """Return what an order costs, rounded up to a hundredth of a cent; None where that is not known."""
    known = tuple(known or ())
    base = _base(order, known)
    if base is None:
        return None
    for rate in known:
        if rate.per is Per.IMAGE:
            base += rate.dollars * order.images
        elif rate.per is Per.REFERENCE:
            base += rate.dollars * order.references
    least = max((rate.dollars for rate in known if rate.per is Per.AT_LEAST), default=Decimal(0))
    total = max(base, least)
    # A list that says 0, or thousands for a clip, is one that was not understood: nothing here is free.
    return total.quantize(STEP, rounding=ROUND_UP) if total > 0 and can_be_price(total) else None


def _base(order: Order, known: Sequence[Rate]) -> Decimal | None:
    fitting = [rate for rate in known if _fits(rate, order, known)]
    if not fitting:
        return None
    best = max(fitting, key=_closeness)
    if best.per is Per.SECOND:
        return best.dollars * order.seconds
    if order.size is None or order.video_input:
        # What the length of a clip that is handed in adds, the list does not say.
        return None
    width, height = order.size
    return best.dollars * width * height * TOKEN_FPS * order.seconds / TOKEN_PIXELS


def _fits(rate: Rate, order: Order, known: Sequence[Rate]) -> bool:
    if rate.per not in (Per.SECOND, Per.TOKEN) or rate.video_input is not order.video_input:
        return False
    if rate.resolution not in (None, order.resolution.lower()) or rate.audio not in (None, order.audio):
        return False
    # References and continuations have a price of their own with some models; elsewhere references cost as
    # much as words do, and what a continuation costs is not known.
    if order.mode is Mode.CONTINUATION:
        return rate.mode is Mode.CONTINUATION
    if order.mode is Mode.REFERENCE and any(one.mode is Mode.REFERENCE for one in known):
        return rate.mode is Mode.REFERENCE
    return rate.mode in (None, order.mode)


def _closeness(rate: Rate) -> tuple[bool, bool, bool, Decimal]:
    """Order rates that fit by how exactly they do; of two that do alike, the dearer goes."""
    return rate.audio is not None, rate.mode is not None, rate.resolution is not None, rate.dollars


def size_of(aspect: str, resolution: str, sizes: Iterable[Any]) -> tuple[int, int] | None:
    """Return which of `supported_sizes` comes for "W:H" and "720p"; None where none does.

    Some models keep the short side, others the number of pixels.
    """
    across, down = (int(part) for part in aspect.split(":"))
    short = int(resolution.removesuffix("p"))
    fitting = [size for size in map(_size, sizes) if size is not None and _near(size, across / down)]
    exact = [size for size in fitting if min(size) == short]
    if exact:
        return exact[0]
    pixels = short * short * 16 / 9
    return min(fitting, key=lambda size: abs(log(size[0] * size[1] / pixels)), default=None)


def _size(told: Any) -> tuple[int, int] | None:
    match = re.fullmatch(r"([1-9]\d*)x([1-9]\d*)", str(told))
    return (int(match[1]), int(match[2])) if match else None


def _near(size: tuple[int, int], ratio: float) -> bool:
    return abs(size[0] / size[1] / ratio - 1) <= RATIO_TOLERANCE
