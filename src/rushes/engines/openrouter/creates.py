"""The body of a create. Names and types of its fields are those of the service's OpenAPI document, as its SDK
1.3.84 has it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from rushes.domain.errors import Refused
from rushes.domain.request import VideoRequest
from rushes.engines.contract import Prepared
from rushes.engines.openrouter.references import frame_images, input_references

WORDS = {"1440p": "2K", "2160p": "4K"}
"""The service's words for some resolutions; all others are written alike."""

NUMBERS = {word.lower(): number for number, word in WORDS.items()}

LARGEST_SEED = 2**53 - 1
"""The service reads numbers as JavaScript does."""


def check_sayable(request: VideoRequest) -> None:
    """Raise Refused for wishes that the body has no place for."""
    if request.seconds is not None and not request.seconds.is_integer():
        raise Refused(
            f"OpenRouter takes whole seconds, and {request.seconds:g} were asked for; nothing was sent",
            next="give --seconds a whole number",
        )
    if request.seed is not None and request.seed > LARGEST_SEED:
        raise Refused(
            f"the seed {request.seed} is too large for OpenRouter; nothing was sent",
            next=f"give a smaller --seed, up to {LARGEST_SEED}",
        )
    if request.style or request.shots or request.negative_prompt:
        raise Refused(
            "OpenRouter's create has no place for a style, shots or a negative prompt; nothing was sent",
            next="put them into the prompt",
        )


def check_provider(provider: Any, engine: str) -> None:
    """Raise Refused unless the option `provider` of an `engine` is None or {"options": {COMPANY: {…}}}."""
    if provider is None:
        return
    options = provider.get("options", {}) if isinstance(provider, Mapping) else None
    tables = isinstance(options, Mapping) and all(isinstance(one, Mapping) for one in options.values())
    if not tables or not _fits_json(provider):
        raise Refused(
            f"engines.{engine}.provider in the settings file cannot be sent with a create; nothing was sent",
            next=f"write it as [engines.{engine}.provider.options.COMPANY], with text, finite numbers, true "
            "or false, lists and tables in it (rushes config path)",
        )


def _fits_json(value: Any) -> bool:
    """Whether JSON can hold a value: it has no dates, and no numbers that are infinite."""
    try:
        json.dumps(value, allow_nan=False)
    except (TypeError, ValueError):
        return False
    return True


def create_from(prepared: Prepared, key: str, provider: Mapping[str, Any] | None) -> dict[str, Any]:
    """Return the body of a create; what was not asked for is left out.

    `key` goes along as its session, by which a person finds it in the service's own list. `provider` is
    passed through: options of the companies that render.
    """
    request = prepared.request
    urls = [prepared.uploads[reference.identity] for reference in request.references]
    body = {
        "model": prepared.model,
        "prompt": request.prompt,
        "duration": int(request.seconds) if request.seconds is not None else None,
        "aspect_ratio": request.aspect,
        "resolution": word(request.resolution) if request.resolution else None,
        "generate_audio": request.audio,
        "seed": request.seed,
        "previous_job_id": request.remix or request.extend,
        "frame_images": list(frame_images(request.references, urls)) or None,
        "input_references": list(input_references(request.references, urls)) or None,
        "provider": provider,
        "session_id": key,
    }
    return {name: value for name, value in body.items() if value is not None}


def word(resolution: str) -> str:
    """Return the service's word for a resolution such as "720p"."""
    return WORDS.get(resolution, resolution)


def number(word: str) -> str | None:
    """Return our way to write one of the service's resolutions; None where there is none, as for "1K"."""
    found = NUMBERS.get(word.lower(), word)
    return found if found.endswith("p") and found[:-1].isdigit() else None
