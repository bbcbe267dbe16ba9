"""Holds a request against what a model can do, before anything is sent."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, replace

from rushes.domain.model import Audio, Lengths, Model
from rushes.domain.request import FRAMES_PER_SECOND, VideoRequest


@dataclass(frozen=True, kw_only=True)
class Problem:
    """The first thing a model cannot do: the field, its value, what is allowed, the flag that sets it."""

    field: str
    value: str
    allowed: str
    option: str


def complete(request: VideoRequest, model: Model) -> VideoRequest:
    """Return `request` with nothing left to a default of `model`, so that the job says what will be made."""
    return replace(
        request,
        model=model.address,
        seconds=_seconds(request, model),
        aspect=request.aspect or model.aspects[0],
        resolution=request.resolution or model.resolutions[0],
        audio=model.audio is not Audio.NO if request.audio is None else request.audio,
    )


def problem(request: VideoRequest, model: Model) -> Problem | None:
    """Return the first thing in a complete `request` that `model` cannot do, or None."""
    seconds, lengths = _seconds(request, model), model.lengths_of(request)
    if seconds not in lengths:
        option = "--shot" if request.shots else "--seconds"
        return _length_problem(seconds, lengths, option)
    if request.aspect and request.aspect not in model.aspects:
        return Problem(
            field="aspect", value=request.aspect, allowed=", ".join(model.aspects), option="--aspect"
        )
    if request.resolution and request.resolution not in model.resolutions:
        return Problem(
            field="resolution",
            value=request.resolution,
            allowed=", ".join(model.resolutions),
            option="--resolution",
        )
    return (
        _reference_problem(request, model)
        or _prompt_problem(request, model)
        or _sound_problem(request, model)
        or _switch_problem(request, model)
    )


def _length_problem(seconds: float, lengths: Lengths, option: str) -> Problem:
    """Return that a length is not made; one that was given in frames is told in frames, too."""
    value, allowed = f"{seconds:g}", str(lengths)
    frames, choices = _in_frames(seconds), [_in_frames(one) for one in lengths.only]
    if seconds != round(seconds, 1) and frames is not None:
        value = f"{seconds:.3g} ({frames} frames)"
        if choices and None not in choices:
            allowed += f" ({', '.join(map(str, choices))} frames)"
    return Problem(field="seconds", value=value, allowed=allowed, option=option)


def _in_frames(seconds: float) -> int | None:
    """Return a length in frames at 30 a second, as the command line takes it; None if it is none."""
    frames = seconds * FRAMES_PER_SECOND
    return round(frames) if abs(frames - round(frames)) < 1e-6 else None


def unconfirmed(request: VideoRequest, model: Model) -> tuple[str, ...]:
    """Return what a complete `request` asks for not confirmed to work: "1:1", "720p", "20 s"."""
    asked = (request.aspect, request.resolution, f"{_seconds(request, model):g} s")
    return tuple(value for value in asked if value in model.unconfirmed)


def _seconds(request: VideoRequest, model: Model) -> float:
    return model.lengths_of(request).nearest(model.seconds) if request.seconds is None else request.seconds


def _reference_problem(request: VideoRequest, model: Model) -> Problem | None:
    for role, count in Counter(reference.role for reference in request.references).items():
        if count > model.roles.get(role, 0):
            allowed = ", ".join(f"{role.value} (up to {limit})" for role, limit in model.roles.items())
            return Problem(
                field="reference",
                value=f"{count} × {role.value}",
                allowed=allowed or "no references",
                option=f"the {role.value} reference",
            )
    remote = [reference.remote for reference in request.references if reference.remote]
    if remote and not model.remote_references:
        return Problem(
            field="reference", value=f"id:{remote[0]}", allowed="files only", option="the reference by id"
        )
    return None


def _prompt_problem(request: VideoRequest, model: Model) -> Problem | None:
    length = len(request.prompt) + sum(len(shot.prompt) for shot in request.shots)
    if length > model.prompt_limit:
        return Problem(
            field="prompt",
            value=f"{length:,} characters long" + (", with its shots" if request.shots else ""),
            allowed=f"up to {model.prompt_limit:,} characters",
            option="the prompt",
        )
    if len(request.shots) > model.shots:
        allowed = f"up to {model.shots}" if model.shots else "none"
        return Problem(field="shots", value=f"{len(request.shots)}", allowed=allowed, option="--shot")
    return None


def _sound_problem(request: VideoRequest, model: Model) -> Problem | None:
    if request.audio and model.audio is Audio.NO:
        return Problem(
            field="audio", value="on", allowed="off (it makes silent clips)", option="the request for sound"
        )
    if request.audio is False and model.audio is Audio.ALWAYS:
        return Problem(field="audio", value="off", allowed="on (every clip has sound)", option="--no-audio")
    return None


def _switch_problem(request: VideoRequest, model: Model) -> Problem | None:
    if request.caption and not model.caption:
        return Problem(
            field="caption",
            value="on",
            allowed="off (it writes no words)",
            option="the request for a caption",
        )
    if request.seed is not None and not model.seed:
        return Problem(field="seed", value=str(request.seed), allowed="none", option="--seed")
    if request.negative_prompt and not model.negative_prompt:
        return Problem(field="negative prompt", value="given", allowed="none", option="the negative prompt")
    if request.style and not model.styles:
        return Problem(field="style", value=request.style, allowed="none", option="--style")
    if request.remix and not model.remix:
        return Problem(field="remix", value=request.remix, allowed="none", option="--remix")
    if request.extend and not model.extend:
        return Problem(field="extend", value=request.extend, allowed="none", option="--extend")
    if request.storyboard_id and not model.storyboard_ids:
        return Problem(
            field="storyboard id", value=request.storyboard_id, allowed="none", option="--storyboard-id"
        )
    return None
