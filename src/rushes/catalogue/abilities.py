"""What models are looked for by: the words of `rushes models --can`, and what a second costs at least."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal

from rushes.domain.model import Audio, Model
from rushes.domain.request import Role


def _takes(role: Role) -> Callable[[Model], bool]:
    return lambda model: model.roles.get(role, 0) > 0


ABILITIES: Mapping[str, Callable[[Model], bool]] = {
    "first_frame": _takes(Role.FIRST_FRAME),
    "last_frame": _takes(Role.LAST_FRAME),
    "subject": _takes(Role.SUBJECT),
    "style_reference": _takes(Role.STYLE),
    "input_video": _takes(Role.INPUT_VIDEO),
    "audio_reference": _takes(Role.AUDIO),
    "audio": lambda model: model.audio is not Audio.NO,
    "silent": lambda model: model.audio is not Audio.ALWAYS,
    "style": lambda model: model.styles,
    "remix": lambda model: model.remix,
    "extend": lambda model: model.extend,
    "storyboard_id": lambda model: model.storyboard_ids,
    "shots": lambda model: model.shots > 0,
    "seed": lambda model: model.seed,
    "negative_prompt": lambda model: model.negative_prompt,
}
"""`audio` is sound in the clip, `audio_reference` a sound handed in; `style` one of the provider's styles by
name, `style_reference` a picture whose style is taken; `storyboard_id` one that the provider holds."""


def least_per_second(model: Model) -> Decimal | None:
    """Return the least that a second costs in US dollars, at the cheapest resolution; None: not known.

    What a plan includes costs nothing; a price for each clip is divided by the usual length.
    """
    listed = model.price
    if listed.free or listed.included_in_plan:
        return Decimal(0)
    if listed.per_second is None and listed.per_clip is None:
        return None
    per_clip = (listed.per_clip or Decimal(0)) / Decimal(str(model.seconds))
    return per_clip + min((listed.per_second or {"*": Decimal(0)}).values())


def fits(model: Model, can: Iterable[str], max_per_second: Decimal | None) -> bool:
    """Return whether a model has all of these abilities and costs at most so many dollars a second."""
    if not all(ABILITIES[word](model) for word in can):
        return False
    least = least_per_second(model)
    return max_per_second is None or (least is not None and least <= max_per_second)
