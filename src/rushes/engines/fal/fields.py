"""What an endpoint takes, read from its own OpenAPI description.

No two endpoints of fal agree on names and types: a length is `"5"`, `"5s"`, `5` or a number of frames, a
first frame `image_url` or `start_image_url`. Here is which property takes what, as which type and values.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from rushes.domain.request import Role

Node = Mapping[str, Any]
"""A part of an OpenAPI document."""

NAMES = {
    "prompt": ("prompt", "text_prompt"),
    "negative_prompt": ("negative_prompt",),
    "duration": ("duration", "duration_seconds", "video_duration", "video_length", "seconds"),
    "frames": ("num_frames", "number_of_frames", "frame_count"),
    "fps": ("frames_per_second", "fps", "frame_rate"),
    "aspect": ("aspect_ratio", "ratio", "video_aspect_ratio"),
    "resolution": ("resolution", "video_resolution"),
    "audio": ("generate_audio", "enable_audio", "with_audio", "generate_sound"),
    "seed": ("seed",),
}
"""What we call a wish, and the properties that were seen to take it, the surest first."""

ROLES: Mapping[Role, tuple[str, ...]] = {
    Role.FIRST_FRAME: (
        "start_image_url",
        "first_frame_url",
        "first_frame_image_url",
        "first_image_url",
        "start_frame_url",
        "image_url",
        "input_image_url",
    ),
    Role.LAST_FRAME: (
        "end_image_url",
        "tail_image_url",
        "last_frame_url",
        "last_frame_image_url",
        "last_image_url",
        "end_frame_url",
    ),
    Role.SUBJECT: (
        "reference_image_urls",
        "subject_reference_image_urls",
        "image_urls",
        "input_image_urls",
        "reference_image_url",
        "subject_reference_image_url",
    ),
    Role.STYLE: ("style_reference_image_urls", "style_image_urls", "style_image_url"),
    Role.INPUT_VIDEO: ("video_url", "input_video_url", "reference_video_urls", "video_urls"),
    Role.AUDIO: (
        "audio_url",
        "target_audio_url",
        "driving_audio_url",
        "reference_audio_urls",
        "audio_urls",
    ),
}
"""The same for references."""

MOST_NODES = 20_000
"""Parts of one description that are read: real ones have some hundreds."""

MOST_CHOICES = 1_000

SWITCH = "boolean"
LIST = "array"
FILE_SIZE = re.compile(r"max(?:imum)?\.? file size:?\s*([\d.]+)\s*MB", re.IGNORECASE)
LENGTH = re.compile(r"(\d+(?:\.\d+)?)\s*(?:s|sec|seconds)?", re.IGNORECASE)


@dataclass(frozen=True, kw_only=True)
class Field:
    """One property. `kind` is its JSON type; `choices` are the values it lists, `low` and `high` its bounds,
    `most` the items of a list, `longest` the characters of a text, `largest` the megabytes of a file.
    """

    name: str
    kind: str
    choices: tuple[Any, ...] = ()
    low: float | None = None
    high: float | None = None
    default: Any = None
    required: bool = False
    most: int | None = None
    longest: int | None = None
    largest: float | None = None


@dataclass(frozen=True, kw_only=True)
class Fields:
    """Which property takes which wish; None where an endpoint has none for it. `all` are all, by name."""

    prompt: Field | None = None
    negative_prompt: Field | None = None
    duration: Field | None = None
    frames: Field | None = None
    fps: Field | None = None
    aspect: Field | None = None
    resolution: Field | None = None
    audio: Field | None = None
    seed: Field | None = None
    roles: Mapping[Role, Field] = field(default_factory=dict)
    all: Mapping[str, Field] = field(default_factory=dict)


class EndlessError(Exception):
    """A description refers to itself, or to so much that it cannot be read."""


class _Unfolding:
    """The unfolding of one document, of which no more than `MOST_NODES` are read."""

    def __init__(self, document: Node) -> None:
        self._document = document
        self._left = MOST_NODES

    def flat(self, node: Node) -> Node:
        """Return a node with references followed and alternatives folded into one, without `null`.

        Raises EndlessError.
        """
        self._left -= 1
        if self._left < 0:
            raise EndlessError
        found = dict(node)
        pointer = found.pop("$ref", None)
        if pointer is not None:
            found = {**self.flat(_pointed(pointer, self._document)), **found}
        for word in ("allOf", "anyOf", "oneOf"):
            parts = [self.flat(one) for one in found.pop(word, ())]
            parts = [one for one in parts if one.get("type") != "null"]
            if parts:
                found = {**_folded(parts), **found}
        if isinstance(found.get("type"), list):
            found["type"] = next((one for one in found["type"] if one != "null"), "string")
        return found


def read_fields(openapi: Node, endpoint: str) -> Fields | None:
    """Return what `endpoint` takes by its OpenAPI document; None where that describes no input."""
    try:
        return _read_fields(openapi, endpoint)
    except (EndlessError, RecursionError):
        return None


def _read_fields(openapi: Node, endpoint: str) -> Fields | None:
    document, node = _Unfolding(openapi), _input_schema(openapi, endpoint)
    schema = document.flat(node) if node is not None else None
    properties = schema.get("properties") if schema else None
    if not schema or not isinstance(properties, Mapping):
        return None
    required = set(schema.get("required", ()))
    every = {
        name: read_field(name, document.flat(node), required=name in required)
        for name, node in properties.items()
        if isinstance(node, Mapping)
    }
    wishes: dict[str, Any] = {wish: _first(every, names) for wish, names in NAMES.items()}
    if wishes["audio"] is not None and wishes["audio"].kind != SWITCH:
        wishes["audio"] = None
    return Fields(**wishes, roles=_roles(every), all=every)


def _input_schema(openapi: Node, endpoint: str) -> Node | None:
    """Return the schema of what is sent to the endpoint's own path, or to another that takes anything."""
    paths = openapi.get("paths")
    if not isinstance(paths, Mapping):
        return None
    for path in sorted(paths, key=lambda one: one != f"/{endpoint}"):
        try:
            node = paths[path]["post"]["requestBody"]["content"]["application/json"]["schema"]
        except (KeyError, TypeError):
            continue
        return node if isinstance(node, Mapping) else None
    return None


def read_field(name: str, node: Node, *, required: bool) -> Field:
    """Return one property as its flat node describes it."""
    choices = tuple(node.get("enum", ()) or ([node["const"]] if "const" in node else ()))
    largest = FILE_SIZE.search(str(node.get("description", "")))
    return Field(
        name=name,
        kind=str(node.get("type") or _kind_of(choices)),
        choices=choices,
        low=node.get("minimum"),
        high=node.get("maximum"),
        default=node.get("default"),
        required=required,
        most=node.get("maxItems"),
        longest=node.get("maxLength"),
        largest=float(largest.group(1)) if largest else None,
    )


def seconds_of(choice: Any) -> float | None:
    """Return the seconds that a listed length means: 5, "5" and "5s" are 5; "auto" is None."""
    if isinstance(choice, bool):
        return None
    if isinstance(choice, int | float):
        return float(choice)
    found = LENGTH.fullmatch(str(choice).strip())
    return float(found.group(1)) if found else None


def lines_of(choice: Any) -> str | None:
    """Return a listed resolution as we write it: "768P" is "768p", "4K" is "2160p"; others are None."""
    said = str(choice).lower().strip()
    said = {"2k": "1440p", "4k": "2160p"}.get(said, said)
    return said if re.fullmatch(r"[1-9]\d{2,3}p", said) else None


def shape_of(choice: Any) -> str | None:
    """Return a listed aspect ratio where it is one; "auto" and the like are None."""
    return str(choice) if re.fullmatch(r"[1-9]\d{0,3}:[1-9]\d{0,3}", str(choice)) else None


def _first(every: Mapping[str, Field], names: Iterable[str]) -> Field | None:
    return next((every[name] for name in names if name in every), None)


def _roles(every: Mapping[str, Field]) -> dict[Role, Field]:
    found = {role: _first(every, names) for role, names in ROLES.items()}
    if found[Role.STYLE] is None and found[Role.SUBJECT] is not None:
        # A list of references says itself, in words, what each is for.
        found[Role.STYLE] = found[Role.SUBJECT]
    return {role: taken for role, taken in found.items() if taken is not None}


def _pointed(pointer: str, document: Node) -> Node:
    node: Any = document
    for part in pointer.removeprefix("#/").split("/"):
        node = node.get(part.replace("~1", "/").replace("~0", "~"), {}) if isinstance(node, Mapping) else {}
    return node if isinstance(node, Mapping) else {}


def _folded(parts: Sequence[Node]) -> dict[str, Any]:
    """Return several schemas as one: the first that says something says it, and their lists are joined."""
    one: dict[str, Any] = {}
    for part in parts:
        one = {**part, **one}
    choices = [choice for part in parts for choice in part.get("enum", ())][:MOST_CHOICES]
    if choices:
        one["enum"] = choices
    if any("properties" in part for part in parts):
        one["properties"] = {
            name: node for part in reversed(parts) for name, node in part.get("properties", {}).items()
        }
        one["required"] = [name for part in parts for name in part.get("required", ())]
    return one


def _kind_of(choices: Sequence[Any]) -> str:
    if choices and isinstance(choices[0], bool):
        return SWITCH
    if choices and isinstance(choices[0], int | float):
        return "number"
    return "string"
