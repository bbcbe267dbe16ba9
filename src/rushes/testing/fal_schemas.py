"""The endpoints that the double of fal serves, described as fal describes them.

Names, types and values are those of the published schemas in autumn 2026; chosen so that no two agree.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

Schema = dict[str, Any]


def text(**more: Any) -> Schema:
    return {"type": "string", **more}


def link(words: str = "") -> Schema:
    """An optional address of a file, as fal's generator writes what may be null."""
    return {"anyOf": [{"type": "string"}, {"type": "null"}], "description": words}


def links(most: int) -> Schema:
    return {"anyOf": [{"type": "array", "items": text(), "maxItems": most}, {"type": "null"}]}


def choice(*values: Any, default: Any = None) -> Schema:
    kind = "string" if isinstance(values[0], str) else "integer"
    return {"type": kind, "enum": list(values), **({"default": default} if default is not None else {})}


def switch(default: bool) -> Schema:
    return {"type": "boolean", "default": default}


def whole(low: int, high: int, default: int) -> Schema:
    return {"type": "integer", "minimum": low, "maximum": high, "default": default}


SEED: Schema = {"anyOf": [{"type": "integer"}, {"type": "null"}]}


@dataclass(frozen=True, kw_only=True)
class Endpoint:
    """One endpoint: its input, and its line in the price list (`unit_price` None: it has none)."""

    id: str
    properties: Mapping[str, Schema]
    required: tuple[str, ...] = ("prompt",)
    category: str = "text-to-video"
    description: str = ""
    unit: str = "seconds"
    unit_price: float | None = None
    status: str = "active"

    @property
    def title(self) -> str:
        return "".join(part.title().replace("-", "").replace(".", "") for part in self.id.split("/"))

    def openapi(self) -> Schema:
        """Return its document, with the input under a reference, as fal has it."""
        name = f"{self.title}Input"
        pointer = {"$ref": f"#/components/schemas/{name}"}
        body = {"required": True, "content": {"application/json": {"schema": pointer}}}
        return {
            "openapi": "3.0.4",
            "info": {"title": self.id, "version": "1.0.0"},
            "paths": {
                f"/{self.id}/requests/{{request_id}}/status": {"get": {}},
                f"/{self.id}/requests/{{request_id}}/cancel": {"put": {}},
                f"/{self.id}": {"post": {"requestBody": body}},
                f"/{self.id}/requests/{{request_id}}": {"get": {}},
            },
            "components": {
                "schemas": {
                    "QueueStatus": {"type": "object", "properties": {"status": {"type": "string"}}},
                    name: {
                        "title": name,
                        "type": "object",
                        "properties": dict(self.properties),
                        "required": list(self.required),
                        "x-fal-order-properties": list(self.properties),
                    },
                }
            },
        }

    def listed(self) -> Schema:
        """Return it as the list of models shows it."""
        return {
            "endpoint_id": self.id,
            "metadata": {
                "display_name": self.title,
                "category": self.category,
                "description": self.description,
                "status": self.status,
                "tags": [],
            },
        }


SEEDANCE: Mapping[str, Schema] = {
    "prompt": text(minLength=1, maxLength=5000),
    "resolution": choice("480p", "720p", "1080p", default="720p"),
    "duration": choice("auto", *(str(number) for number in range(4, 31)), default="auto"),
    "aspect_ratio": choice("auto", "21:9", "16:9", "4:3", "1:1", "3:4", "9:16", default="auto"),
    "generate_audio": switch(True),
    "bitrate_mode": choice("standard", "high", default="standard"),
}

HAILUO: Mapping[str, Schema] = {
    "prompt": text(minLength=1, maxLength=50000),
    "duration": whole(5, 15, 5),
    "resolution": choice("480P", "768P", "1080P", default="768P"),
    "seed": SEED,
    "prompt_expansion_mode": text(default="balanced"),
}

KLING: Mapping[str, Schema] = {
    "prompt": {"anyOf": [text(maxLength=2500), {"type": "null"}]},
    "duration": choice(*(str(number) for number in range(3, 16)), default="5"),
}

ENDPOINTS = (
    Endpoint(
        id="bytedance/seedance-2.5/text-to-video",
        properties=SEEDANCE,
        description="Video with native audio from a text prompt",
        unit="units",
        unit_price=0.0214,
    ),
    Endpoint(
        id="bytedance/seedance-2.5/image-to-video",
        properties={
            **SEEDANCE,
            "aspect_ratio": choice("auto", default="auto"),
            "image_url": text(description="The first frame. Max file size: 0.5MB, Min width: 300px"),
            "end_image_url": link(),
        },
        required=("prompt", "image_url"),
        category="image-to-video",
        unit="units",
        unit_price=0.0214,
    ),
    Endpoint(
        id="minimax/h3-max/text-to-video",
        properties={
            **HAILUO,
            "aspect_ratio": choice("21:9", "16:9", "4:3", "1:1", "3:4", "9:16", default="16:9"),
            "target_audio_url": link(),
        },
        required=("prompt", "prompt_expansion_mode"),
        unit_price=0.08,
    ),
    Endpoint(
        id="minimax/h3-max/reference-to-video",
        properties={
            **HAILUO,
            "reference_image_urls": links(3),
            "reference_video_urls": links(1),
            "reference_audio_urls": links(1),
        },
        required=("prompt", "prompt_expansion_mode"),
        category="image-to-video",
        unit_price=0.08,
    ),
    Endpoint(
        id="fal-ai/kling-video/v3/pro/image-to-video",
        properties={
            **KLING,
            "start_image_url": text(),
            "end_image_url": link(),
            "generate_audio": switch(True),
            "negative_prompt": text(default="blur, distort, and low quality", maxLength=2500),
            "cfg_scale": {"type": "number", "minimum": 0, "maximum": 1, "default": 0.5},
        },
        required=("start_image_url",),
        category="image-to-video",
        unit_price=0.112,
    ),
    Endpoint(
        id="fal-ai/kling-video/v3/turbo/pro/text-to-video",
        properties={**KLING, "aspect_ratio": choice("16:9", "9:16", "1:1", default="16:9")},
        required=(),
        unit_price=0.14,
    ),
    Endpoint(
        id="fal-ai/veo3.1/fast",
        properties={
            "prompt": text(),
            "duration": choice("4s", "6s", "8s", default="8s"),
            "aspect_ratio": choice("16:9", "9:16", default="16:9"),
            "resolution": choice("720p", "1080p", "4k", default="720p"),
            "generate_audio": switch(True),
            "negative_prompt": link(),
            "seed": SEED,
        },
        unit_price=0.15,
    ),
    Endpoint(
        id="fal-ai/wan/v2.2-a14b/text-to-video",
        properties={
            "prompt": text(),
            "negative_prompt": text(default=""),
            "num_frames": whole(17, 161, 81),
            "frames_per_second": {"anyOf": [whole(4, 60, 16), {"type": "null"}], "default": 16},
            "seed": SEED,
            "resolution": choice("480p", "580p", "720p", default="720p"),
            "aspect_ratio": choice("16:9", "9:16", "1:1", default="16:9"),
        },
        unit="video second",
        unit_price=0.08,
    ),
    Endpoint(
        id="example/asks-for-more/text-to-video",
        properties={"prompt": text(), "workspace": text()},
        required=("prompt", "workspace"),
    ),
)


def complaints(body: Mapping[str, Any], endpoint: Endpoint) -> list[Schema]:
    """Return what is wrong with an input, as the model itself would say it."""
    found = [
        {"loc": ["body", name], "msg": "Field required", "type": "missing", "input": dict(body)}
        for name in endpoint.required
        if name not in body and "default" not in endpoint.properties[name]
    ]
    for name, value in body.items():
        if name not in endpoint.properties:
            said = "Extra inputs are not permitted"
            found.append({"loc": ["body", name], "msg": said, "type": "extra_forbidden", "input": value})
        elif not _fits(value, endpoint.properties[name]):
            said = f"Input should be {endpoint.properties[name]}"
            found.append({"loc": ["body", name], "msg": said, "type": "type_error", "input": value})
    return found


KINDS: Mapping[str, tuple[type, ...]] = {
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "array": (list,),
    "boolean": (bool,),
}


def _fits(value: Any, schema: Schema) -> bool:
    if "anyOf" in schema:
        return any(_fits(value, one) for one in schema["anyOf"])
    kind = schema["type"]
    if kind == "null":
        return value is None
    if not isinstance(value, KINDS[kind]) or (isinstance(value, bool) and kind != "boolean"):
        return False
    if "enum" in schema and value not in schema["enum"]:
        return False
    if isinstance(value, list):
        enough = int(schema.get("maxItems", len(value)))
        return len(value) <= enough and all(_fits(one, schema["items"]) for one in value)
    if isinstance(value, str):
        return int(schema.get("minLength", 0)) <= len(value) <= int(schema.get("maxLength", len(value)))
    low, high = schema.get("minimum", value), schema.get("maximum", value)
    return bool(low <= value <= high)
