"""From a request to what one endpoint is sent, or to a refusal before anything is sent."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from rushes.domain.errors import Refused
from rushes.domain.model import Lengths
from rushes.domain.request import Reference, Role, VideoRequest
from rushes.engines.fal.fields import LIST, Field, Fields, lines_of, seconds_of, shape_of


@dataclass(frozen=True, kw_only=True)
class Body:
    """What is sent, and what of the request the endpoint has no property for."""

    sent: Mapping[str, Any]
    left_out: tuple[str, ...] = ()


@dataclass(kw_only=True)
class Composing:
    """A body in the making."""

    request: VideoRequest
    fields: Fields
    sent: dict[str, Any] = field(default_factory=dict)
    left_out: list[str] = field(default_factory=list)


def compose(
    request: VideoRequest,
    fields: Fields,
    uploads: Mapping[str, Any],
    further: Mapping[str, Any],
) -> Body:
    """Return the body of a complete `request`; `further` are properties set by hand in the settings.

    Raises Refused, naming the property, for what this endpoint cannot be told.
    """
    made = Composing(request=request, fields=fields)
    _say_words(made)
    _say_length(made)
    _say_shape(made)
    _say_references(made, uploads)
    for name, value in further.items():
        if name not in fields.all:
            raise Refused(
                f"the endpoint has no property {name!r}, which the settings give it; nothing was sent",
                next=f"take {name} out of [engines.NAME.arguments]; it takes {', '.join(fields.all)}",
            )
        made.sent[name] = value
    _fill_in(made)
    return Body(sent=made.sent, left_out=tuple(made.left_out))


def lengths(fields: Fields) -> Lengths | None:
    """Return the lengths an endpoint makes; None where it decides by itself or does not tell."""
    taken = fields.duration
    if taken is not None:
        only = [seconds for choice in taken.choices if (seconds := seconds_of(choice)) is not None]
        if only:
            return Lengths(only=tuple(sorted(only)))
        if taken.low is not None and taken.high is not None:
            return Lengths(low=float(taken.low), high=float(taken.high))
        return None
    rate, frames = _rate(fields), fields.frames
    if rate is None or frames is None or frames.low is None or frames.high is None:
        return None
    return Lengths(low=round(frames.low / rate, 3), high=round(frames.high / rate, 3))


def role_named(name: str, fields: Fields) -> Role | None:
    """Return which reference a property takes."""
    return next((role for role, taken in fields.roles.items() if taken.name == name), None)


def _say_words(made: Composing) -> None:
    request, fields = made.request, made.fields
    if fields.prompt is not None:
        made.sent[fields.prompt.name] = request.prompt
    else:
        made.left_out.append("the prompt")
    if request.negative_prompt and fields.negative_prompt is not None:
        made.sent[fields.negative_prompt.name] = request.negative_prompt
    elif request.negative_prompt:
        made.left_out.append("the negative prompt")
    if fields.audio is not None and request.audio is not None:
        made.sent[fields.audio.name] = request.audio
    if request.seed is not None and fields.seed is not None:
        made.sent[fields.seed.name] = request.seed
    elif request.seed is not None:
        made.left_out.append("the seed")


def _say_length(made: Composing) -> None:
    seconds, fields = made.request.seconds, made.fields
    if seconds is None:
        return
    rate = _rate(fields)
    if fields.duration is not None:
        made.sent[fields.duration.name] = _duration(fields.duration, seconds)
    elif fields.frames is not None and rate is not None:
        made.sent[fields.frames.name] = _frames(fields.frames, seconds, rate)
    else:
        made.left_out.append(f"the length of {seconds:g} s")


def _duration(taken: Field, seconds: float) -> Any:
    """Return a length as this property writes it."""
    if taken.choices:
        for choice in taken.choices:
            if seconds_of(choice) == seconds:
                return choice
        raise _refused(taken, f"{seconds:g} s", taken.choices)
    if not _within(taken, seconds):
        raise _refused(taken, f"{seconds:g} s", (_bounds(taken),))
    if taken.kind == "integer":
        if seconds != round(seconds):
            raise _refused(taken, f"{seconds:g} s", ("whole seconds",))
        return round(seconds)
    return f"{seconds:g}" if taken.kind == "string" else seconds


def _frames(taken: Field, seconds: float, rate: float) -> int:
    count = round(seconds * rate)
    if not _within(taken, count):
        raise _refused(taken, f"{seconds:g} s, {count} frames", (f"{_bounds(taken)} frames",))
    return count


def _say_shape(made: Composing) -> None:
    request, fields = made.request, made.fields
    framed = any(one.role in (Role.FIRST_FRAME, Role.LAST_FRAME) for one in request.references)
    if request.aspect is not None:
        chosen = _listed(fields.aspect, request.aspect, shape_of)
        if chosen is not None and fields.aspect is not None:
            made.sent[fields.aspect.name] = chosen
        elif not framed:
            # With a frame the picture decides, and nobody is surprised.
            made.left_out.append(f"the aspect {request.aspect}")
    if request.resolution is not None:
        chosen = _listed(fields.resolution, request.resolution, lines_of)
        if chosen is not None and fields.resolution is not None:
            made.sent[fields.resolution.name] = chosen


def _listed(taken: Field | None, wish: str, read: Any) -> Any:
    """Return the listed value that means `wish`; None where the property has no say in it."""
    if taken is None:
        return None
    if not taken.choices:
        return wish
    for choice in taken.choices:
        if read(choice) == wish:
            return choice
    if any(read(choice) is not None for choice in taken.choices):
        raise _refused(taken, wish, taken.choices)
    return None


def _say_references(made: Composing, uploads: Mapping[str, Any]) -> None:
    for reference in made.request.references:
        taken = made.fields.roles.get(reference.role)
        if taken is None:
            raise Refused(
                f"the endpoint takes no {reference.role.value} reference; nothing was sent",
                next=_takes(made.fields, "leave it out, or use an endpoint that takes one"),
            )
        _put(made.sent, taken, reference, uploads[reference.identity])


def _put(sent: dict[str, Any], taken: Field, reference: Reference, address: Any) -> None:
    if taken.kind == LIST:
        together = [*sent.get(taken.name, ()), address]
        if taken.most is not None and len(together) > taken.most:
            raise Refused(
                f"{taken.name} takes {taken.most} references, and more are given; nothing was sent",
                next="leave some out",
            )
        sent[taken.name] = together
        return
    if taken.name in sent:
        raise Refused(
            f"{taken.name} takes one {reference.role.value} reference, and more are given; nothing was sent",
            next="leave some out",
        )
    sent[taken.name] = address


def _fill_in(made: Composing) -> None:
    """Send what the endpoint insists on: its own default, or refuse where nobody can know it."""
    for taken in made.fields.all.values():
        if not taken.required or taken.name in made.sent:
            continue
        if taken.default is not None:
            made.sent[taken.name] = taken.default
            continue
        role = role_named(taken.name, made.fields)
        if role is not None:
            raise Refused(
                f"the endpoint needs a {role.value} reference ({taken.name}); nothing was sent",
                next=f"give one with --reference {role.value}=FILE, or use an endpoint that works from words",
            )
        raise Refused(
            f"the endpoint insists on {taken.name!r}, which a request has no word for; nothing was sent",
            next=f'set {taken.name} under [engines.NAME.arguments."MODEL"] in the settings file',
        )


def _rate(fields: Fields) -> float | None:
    """Return the frames a second that an endpoint makes where nobody asks for others."""
    told = fields.fps.default if fields.fps is not None else None
    return float(told) if isinstance(told, int | float) and not isinstance(told, bool) and told > 0 else None


def _within(taken: Field, value: float) -> bool:
    return (taken.low is None or value >= taken.low) and (taken.high is None or value <= taken.high)


def _bounds(taken: Field) -> str:
    low = "" if taken.low is None else f"from {taken.low:g} "
    return (low + ("" if taken.high is None else f"up to {taken.high:g}")).strip()


def _refused(taken: Field, value: str, allowed: Sequence[Any]) -> Refused:
    listed = ", ".join(str(one) for one in allowed)
    return Refused(
        f"{taken.name} is {value}, which this endpoint does not make; nothing was sent",
        next=f"ask for one it does: {listed}",
    )


def _takes(fields: Fields, otherwise: str) -> str:
    roles = ", ".join(role.value for role in fields.roles)
    return f"{otherwise}; this one takes: {roles or 'words only'}"
