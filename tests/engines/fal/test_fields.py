"""Which property takes what, as which type and value, is read from each endpoint's own description."""

from __future__ import annotations

from typing import Any

import pytest

from rushes.domain.request import Reference, Role
from rushes.engines.fal.body import compose
from rushes.engines.fal.fields import Fields, read_fields
from tests.engines.fal.stage import HAILUO, I2V, KLING, REFERENCES, T2V, TURBO, VEO, WAN, Stage

BODIES: list[tuple[str, dict[str, Any], dict[str, Any]]] = [
    (
        T2V,
        {"seconds": 6, "aspect": "9:16", "resolution": "480p", "audio": False},
        {"duration": "6", "aspect_ratio": "9:16", "resolution": "480p", "generate_audio": False},
    ),
    (
        HAILUO,
        {"seconds": 6, "aspect": "1:1", "resolution": "768p", "seed": 9},
        {
            "duration": 6,
            "aspect_ratio": "1:1",
            "resolution": "768P",
            "seed": 9,
            "prompt_expansion_mode": "balanced",
        },
    ),
    (
        VEO,
        {"seconds": 8, "resolution": "2160p", "negative_prompt": "rain"},
        {
            "duration": "8s",
            "aspect_ratio": "16:9",
            "resolution": "4k",
            "generate_audio": True,
            "negative_prompt": "rain",
        },
    ),
    (
        WAN,
        {"seconds": 5, "seed": 3},
        {"num_frames": 80, "aspect_ratio": "16:9", "resolution": "720p", "seed": 3},
    ),
    (TURBO, {"seconds": 15, "aspect": "9:16"}, {"duration": "15", "aspect_ratio": "9:16"}),
]


@pytest.mark.parametrize(("model", "asked", "sent"), BODIES, ids=[one[0] for one in BODIES])
async def test_wishes_are_sent_in_each_endpoints_own_words(
    stage: Stage, model: str, asked: dict[str, Any], sent: dict[str, Any]
) -> None:
    """The same request goes as "6", 6, "8s" or a number of frames, and the service takes each."""
    async with stage.engine() as engine:
        accepted = await stage.accepted(engine, "a boat", model, **asked)
    assert stage.sent("a boat") == sent
    assert accepted.warnings == ()


FRAMES = [
    (I2V, Role.FIRST_FRAME, "image_url"),
    (KLING, Role.FIRST_FRAME, "start_image_url"),
]


@pytest.mark.parametrize(("model", "role", "name"), FRAMES)
async def test_a_first_and_a_last_frame_find_their_properties(
    stage: Stage, model: str, role: Role, name: str
) -> None:
    """`image_url` here, `start_image_url` there; both files arrive in the storage, which takes no key."""
    frames = (stage.frame(role, "one.png"), stage.frame(Role.LAST_FRAME, "two.png"))
    async with stage.engine() as engine:
        await stage.accepted(engine, "a boat", model, references=frames)
    sent = stage.sent("a boat")
    assert sent[name].endswith(frames[0].path.name if frames[0].path else "?")
    assert sent["end_image_url"].endswith(frames[1].path.name if frames[1].path else "?")
    stored = {one["name"]: one["bytes"] for one in stage.service.requests("put")}
    for frame, place in zip(frames, (name, "end_image_url"), strict=True):
        assert frame.path is not None
        assert stored[sent[place].rsplit("/", 1)[1]] == frame.path.stat().st_size


async def test_several_references_go_into_one_list_in_order(stage: Stage) -> None:
    """Subjects and styles share the list, in the order in which they were given."""
    frames = [stage.frame(role, f"{role}.png") for role in (Role.SUBJECT, Role.STYLE, Role.SUBJECT)]
    async with stage.engine() as engine:
        await stage.accepted(engine, "a boat", REFERENCES, references=tuple(frames))
    addresses = stage.sent("a boat")["reference_image_urls"]
    assert [one.rsplit("-", 1)[1] for one in addresses] == [one.path.name for one in frames if one.path]


async def test_what_the_provider_can_fetch_itself_is_not_uploaded(stage: Stage) -> None:
    """A reference by its public address is named as it is."""
    address = "https://images.example.com/a.png"
    uploads = len(stage.service.requests("upload"))
    async with stage.engine() as engine:
        frame = Reference(role=Role.FIRST_FRAME, remote=address)
        await stage.accepted(engine, "a boat", I2V, references=(frame,))
    assert stage.sent("a boat")["image_url"] == address
    assert len(stage.service.requests("upload")) == uploads


async def test_properties_of_the_settings_go_along(stage: Stage) -> None:
    """What a request has no word for can be set by hand for each model."""
    async with stage.engine(arguments={T2V: {"bitrate_mode": "high"}}) as engine:
        await stage.accepted(engine, "a boat")
    assert stage.sent("a boat")["bitrate_mode"] == "high"


async def test_a_wish_without_a_property_is_told(stage: Stage) -> None:
    """What the endpoint has no word for is left out, and the job says so."""
    async with stage.engine() as engine:
        accepted = await stage.accepted(engine, "a boat", T2V, seed=7, negative_prompt="rain")
    assert "seed" not in stage.sent("a boat")
    assert [one.split(" was not sent")[0] for one in accepted.warnings] == ["the negative prompt", "the seed"]


# --- descriptions of other shapes ---


def described(properties: dict[str, Any], **parts: Any) -> Fields:
    """Return what a document in the manner of OpenAPI 3.1 comes to."""
    schema = {"properties": properties, "required": list(properties)}
    body = {"content": {"application/json": {"schema": schema}}}
    document = {"paths": {"/elsewhere": {"post": {"requestBody": body}}}, "components": {"schemas": parts}}
    found = read_fields(document, "owner/app")
    assert found is not None
    return found


def test_types_as_lists_and_values_by_reference_are_understood() -> None:
    """`type: [string, null]`, `allOf`, `const` and `$ref` are only other ways to write the same."""
    fields = described(
        {
            "prompt": {"type": ["string", "null"], "maxLength": 90},
            "duration": {"allOf": [{"$ref": "#/components/schemas/Length"}], "default": 5},
            "aspect_ratio": {"oneOf": [{"const": "auto"}, {"enum": ["16:9"]}, {"enum": ["9:16"]}]},
        },
        Length={"type": "integer", "enum": [5, 10]},
    )
    assert fields.prompt is not None
    assert (fields.prompt.kind, fields.prompt.longest) == ("string", 90)
    assert fields.duration is not None
    assert (fields.duration.kind, fields.duration.choices, fields.duration.default) == ("integer", (5, 10), 5)
    assert fields.aspect is not None
    assert fields.aspect.choices == ("16:9", "9:16")


def test_a_switch_for_sound_is_one_and_a_file_of_sound_is_not() -> None:
    """`generate_audio` as an address would be no switch; `audio_url` is a reference."""
    fields = described({"generate_audio": {"type": "string"}, "audio_url": {"type": "string"}})
    assert fields.audio is None
    assert fields.roles[Role.AUDIO].name == "audio_url"


@pytest.mark.parametrize("document", [{}, {"paths": {}}, {"paths": {"/a": {"post": {}}}}, {"paths": 3}])
def test_a_document_without_an_input_describes_nothing(document: dict[str, Any]) -> None:
    """Nothing is guessed where nothing is told."""
    assert read_fields(document, "owner/app") is None


def test_a_length_as_plain_text_is_written_as_a_number(stage: Stage) -> None:
    """A property without values or bounds takes the seconds as they are."""
    fields = described({"prompt": {"type": "string"}, "duration": {"type": "string"}})
    body = compose(stage.request("a boat", TURBO, seconds=5), fields, {}, {})
    assert body.sent["duration"] == "5"


def document(schemas: dict[str, Any]) -> dict[str, Any]:
    """Return a description whose input is the schema `start`."""
    body = {"content": {"application/json": {"schema": {"$ref": "#/schemas/start"}}}}
    return {"paths": {"/lab/film": {"post": {"requestBody": body}}}, "schemas": schemas}


def twice(name: str) -> dict[str, Any]:
    return {"allOf": [{"$ref": f"#/schemas/{name}"}] * 2}


ENDLESS: dict[str, dict[str, Any]] = {
    "itself": {"start": {"$ref": "#/schemas/start"}},
    "each other": {"start": twice("other"), "other": twice("start")},
    "a million of one": {"start": twice("0"), **{str(n): twice(str(n + 1)) for n in range(60)}},
}


@pytest.mark.parametrize("schemas", ENDLESS.values(), ids=ENDLESS.keys())
def test_a_description_that_unfolds_without_an_end_describes_nothing(schemas: dict[str, Any]) -> None:
    """F02: a few kilobytes that refer to each other must not keep the worker from all others."""
    assert read_fields(document(schemas), "lab/film") is None
