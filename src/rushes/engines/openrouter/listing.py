"""The service's list of models, read entry by entry: what each can do, and what a clip of it costs."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any

from rushes.domain.model import Audio, Lengths, Model, Price
from rushes.domain.request import PROMPT_LIMIT, Role, VideoRequest
from rushes.engines.openrouter.creates import number, word
from rushes.engines.openrouter.prices import Mode, Order, Per, Rate, amount, rates, size_of
from rushes.engines.openrouter.references import FRAMES

MOST_IMAGES = 9
"""What the model with the highest documented limit (Seedance) takes; the list tells none. One that takes
fewer refuses the create, which costs nothing."""

HOME_ASPECT = "16:9"
HOME_RESOLUTIONS = ("720p", "768p")


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One model of the list, in our words: `resolutions` as "1440p" for "2K"."""

    id: str
    slug: str
    name: str
    durations: tuple[float, ...]
    aspects: tuple[str, ...]
    resolutions: tuple[str, ...]
    sizes: tuple[str, ...]
    frames: tuple[Role, ...]
    audio: bool
    seed: bool
    passthrough: tuple[str, ...]
    rates: tuple[Rate, ...] | None

    @property
    def continues(self) -> bool:
        """Whether it has a price for continuing a clip, which is all that the list says of that."""
        return any(rate.mode is Mode.CONTINUATION for rate in self.rates or ())

    @property
    def sees_clips(self) -> bool:
        """Whether it has a price for clips that are handed in."""
        return any(rate.video_input for rate in self.rates or ())


def entries(body: Mapping[str, Any]) -> list[Entry]:
    """Return the models of a list that make clips from words; upscalers and editors name no lengths."""
    data = body.get("data")
    found = [_entry(one) for one in data if isinstance(one, Mapping)] if isinstance(data, list) else []
    return [entry for entry in found if entry is not None and entry.durations]


def _entry(one: Mapping[str, Any]) -> Entry | None:
    id = one.get("id")
    if not isinstance(id, str) or not id:
        return None
    written = [number(str(told)) for told in _listed(one, "supported_resolutions")]
    frames = {name: role for role, name in FRAMES.items()}
    return Entry(
        id=id,
        slug=str(one.get("canonical_slug") or id),
        name=str(one.get("name") or id),
        durations=tuple(sorted(float(told) for told in _listed(one, "supported_durations") if _whole(told))),
        aspects=_first(
            [told for told in map(str, _listed(one, "supported_aspect_ratios")) if _aspect(told)],
            (HOME_ASPECT,),
        ),
        resolutions=_first([told for told in written if told], HOME_RESOLUTIONS),
        sizes=tuple(str(told) for told in _listed(one, "supported_sizes")),
        frames=tuple(frames[told] for told in _listed(one, "supported_frame_images") if told in frames),
        audio=one.get("generate_audio") is True,
        seed=one.get("seed") is True,
        passthrough=tuple(str(told) for told in _listed(one, "allowed_passthrough_parameters")),
        rates=rates(one.get("pricing_skus")),
    )


def model_of(entry: Entry, engine: str, source: str, today: date) -> Model:
    """Return an entry as a model of the catalogue."""
    aspects, resolutions = entry.aspects or (HOME_ASPECT, "9:16"), entry.resolutions or HOME_RESOLUTIONS[:1]
    lengths = Lengths(only=entry.durations)
    roles = dict.fromkeys(entry.frames, 1) | {Role.SUBJECT: MOST_IMAGES, Role.STYLE: MOST_IMAGES}
    if entry.sees_clips:
        roles |= {Role.INPUT_VIDEO: 1, Role.AUDIO: 1}
    passed = f" Passed through under `provider`: {', '.join(entry.passthrough)}." if entry.passthrough else ""
    return Model(
        engine=engine,
        id=entry.id,
        provider=f"{entry.name.partition(':')[0]} via OpenRouter",
        lengths=lengths,
        seconds=lengths.nearest(5.0),
        aspects=aspects,
        resolutions=resolutions,
        roles=roles,
        audio=Audio.OPTIONAL if entry.audio else Audio.NO,
        seed=entry.seed,
        remix=entry.continues,
        extend=entry.continues,
        remote_references=True,
        prompt_limit=PROMPT_LIMIT,
        price=Price(per_second=_by_resolution(entry, aspects[0]), source=source, as_of=today),
        unconfirmed=(*(() if entry.aspects else aspects), *(() if entry.resolutions else resolutions)),
        notes=f"{entry.name}, by way of OpenRouter.{passed}",
    )


def _by_resolution(entry: Entry, aspect: str) -> dict[str, Decimal] | None:
    """Return the dollars a second of a clip from words, with sound where it makes any; None: not known."""
    found = {}
    for resolution in entry.resolutions:
        order = Order(
            seconds=Decimal(1),
            resolution=word(resolution),
            audio=entry.audio,
            size=size_of(aspect, resolution, entry.sizes),
        )
        per_second = amount(order, [rate for rate in entry.rates or () if rate.per is not Per.AT_LEAST])
        if per_second is not None:
            found[resolution] = per_second
    return found or None


def order_of(request: VideoRequest, entry: Entry) -> Order:
    """Return what a complete request is priced as."""
    roles = [reference.role for reference in request.references]
    frames = sum(role in FRAMES for role in roles)
    pictures = sum(role in (Role.SUBJECT, Role.STYLE) for role in roles)
    if request.remix or request.extend:
        mode = Mode.CONTINUATION
    elif frames:
        mode = Mode.IMAGE
    else:
        mode = Mode.REFERENCE if roles else Mode.TEXT
    aspect, resolution = request.aspect or HOME_ASPECT, request.resolution or HOME_RESOLUTIONS[0]
    return Order(
        seconds=Decimal(str(request.seconds or entry.durations[0])),
        resolution=word(resolution),
        audio=bool(request.audio),
        mode=mode,
        images=frames + pictures,
        references=pictures,
        video_input=Role.INPUT_VIDEO in roles,
        size=size_of(aspect, resolution, entry.sizes),
    )


def _listed(one: Mapping[str, Any], name: str) -> Sequence[Any]:
    found = one.get(name)
    return found if isinstance(found, list) else ()


def _first(told: Iterable[str], preferred: Sequence[str]) -> tuple[str, ...]:
    """Return what was told with the first of the `preferred` that is there put first: our default."""
    told = list(dict.fromkeys(told))
    home = next((one for one in preferred if one in told), None)
    return tuple(told) if home is None else (home, *(one for one in told if one != home))


def _whole(told: Any) -> bool:
    return isinstance(told, int | float) and not isinstance(told, bool) and told > 0


def _aspect(told: str) -> bool:
    return re.fullmatch(r"[1-9]\d{0,3}:[1-9]\d{0,3}", told) is not None
