"""What a create says, and where it goes, as the server got it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from rushes.domain.errors import BadReference, BadSettings, Refused
from rushes.domain.request import Reference, Role
from rushes.testing.openai_videos_service import KEY
from tests.engines.openai_videos.lab import Lab

Labs = Callable[..., Lab]


@pytest.mark.parametrize(("transport", "as_json"), [("multipart", False), ("json", True)])
async def test_words_go_as_a_form_or_as_json(lab: Labs, transport: str, as_json: bool) -> None:
    """Without a file the settings decide how a create is packed; what it says is the same."""
    one = lab(transport=transport)
    async with one.engine() as engine:
        await one.accepted(engine)
    (post,) = one.posts()
    assert post["json"] is as_json
    assert post["fields"] == {
        "model": one.model,
        "prompt": one.prompt(),
        "seconds": "4",
        "size": "256x144",
    }


async def test_frames_follow_aspect_and_resolution(lab: Labs) -> None:
    """Upright is upright, and a model's own table of sizes goes before the arithmetic."""
    one = lab()
    async with one.engine() as engine:
        await one.accepted(engine, "upright", aspect="9:16")
        await one.accepted(engine, "own", resolution="480p")
    assert [post["fields"]["size"] for post in one.posts()] == ["144x256", "832x480"]


async def test_what_a_model_has_beyond_the_protocol_is_sent_where_it_is_asked_for(lab: Labs) -> None:
    """Seed and negative prompt go along; sound only where the model's table leaves it open."""
    one = lab("VllmOmni")
    silent = lab("VllmOmni", models=[{"id": one.model, "audio": "optional"}])
    async with one.engine() as engine, silent.engine() as choosing:
        await one.accepted(engine, seed=7, negative_prompt="no rain")
        await silent.accepted(choosing)
    fields = one.posts()[0]["fields"]
    assert (fields["seed"], fields["negative_prompt"]) == ("7", "no rain")
    assert "generate_sound" not in fields
    assert silent.posts()[0]["fields"]["generate_sound"] == "false"


async def test_a_first_frame_goes_as_a_file_whatever_the_transport(lab: Labs) -> None:
    """JSON has no place for a file: with one, the create is a form."""
    one = lab("NewApi", transport="json")
    async with one.engine() as engine:
        await one.accepted(engine, references=(one.first_frame(),))
    (post,) = one.posts()
    assert not post["json"]
    assert post["files"] == [{"under": "input_reference", "name": "frame.png", "type": "image/png"}]


async def test_several_pictures_go_in_the_order_that_servers_read_them_in(lab: Labs) -> None:
    """First frame, last frame, then the rest, under vLLM-Omni's name for several."""
    one = lab("VllmOmni")
    references = tuple(
        Reference(role=role, path=one.picture(f"{role.value}.png"))
        for role in (Role.SUBJECT, Role.LAST_FRAME, Role.FIRST_FRAME)
    )
    async with one.engine() as engine:
        await one.accepted(engine, references=references)
    files = one.posts()[0]["files"]
    assert {file["under"] for file in files} == {"input_references"}
    assert [file["name"] for file in files] == ["first_frame.png", "last_frame.png", "subject.png"]


async def test_what_the_server_holds_is_named_by_its_id(lab: Labs) -> None:
    """A reference by id is an object, which only JSON can say."""
    one = lab("OpenAIVideos")
    held = Reference(role=Role.FIRST_FRAME, remote="file-abc")
    async with one.engine() as engine:
        await one.accepted(engine, references=(held,), resolution="720p")
    (post,) = one.posts()
    assert post["json"]
    assert post["fields"]["input_reference"] == {"file_id": "file-abc"}


@pytest.mark.parametrize("kind", ["OpenAIVideos", "LiteLLM"])
async def test_a_finished_video_is_remixed_continued_and_edited(lab: Labs, kind: str) -> None:
    """Each of the three has an address of its own, and the id is sent as it is, base64 and all."""
    one = lab(kind)
    one.tell("render", facts={"seconds": 0.0})
    async with one.engine() as engine:
        ticket = (await one.accepted(engine, "source", resolution="720p")).ticket
        source = str(ticket["id"])
        await one.accepted(engine, "again", remix=source)
        await one.accepted(engine, "on", extend=source, seconds=8.0)
        await one.accepted(engine, "other", references=(Reference(role=Role.INPUT_VIDEO, remote=source),))
    (remix,), (extend,), (edit,) = one.posts("remix"), one.posts("extend"), one.posts("edit")
    assert remix["path"] == f"/v1/videos/{source}/remix"
    assert remix["fields"] == {"prompt": one.prompt("again")}
    assert extend["fields"] == {"prompt": one.prompt("on"), "seconds": "8", "video": {"id": source}}
    assert edit["fields"] == {"prompt": one.prompt("other"), "video": {"id": source}}
    assert len(one.jobs()) == 4


async def test_a_video_file_is_edited(lab: Labs) -> None:
    """An input video from this disk goes to the same address as a form."""
    one = lab("OpenAIVideos")
    clip = one.home / "clip.mp4"
    clip.write_bytes(b"\x00\x00\x00\x18ftypisom")
    async with one.engine() as engine:
        await one.accepted(engine, references=(Reference(role=Role.INPUT_VIDEO, path=clip),))
    (post,) = one.posts("edit")
    assert post["files"] == [{"under": "video", "name": "clip.mp4", "type": "video/mp4"}]


@pytest.mark.parametrize("end", ["", "/", "/v1", "/v1/"])
async def test_an_address_is_taken_with_and_without_its_version(lab: Labs, end: str) -> None:
    """People copy base_url with and without /v1, and both are the same server."""
    one = lab()
    async with one.engine(base_url=one.server.base_url + end) as engine:
        await one.accepted(engine)
    assert len(one.jobs()) == 1


async def test_what_the_server_makes_of_it_is_told(lab: Labs) -> None:
    """A server that rounds the frame and the length says so in its answer, and so do we."""
    one = lab()
    one.tell("render", facts={"queued": {"size": "240x128", "seconds": "3"}, "queued_s": 60.0})
    async with one.engine() as engine:
        accepted = await one.accepted(engine)
    assert accepted.warnings == (
        "the server makes 240×128 where 256×144 was asked for",
        "the server makes 3 s where 4 s were asked for",
    )


@pytest.mark.parametrize(
    "address", ["http://10.0.0.7/a.png", "http://169.254.169.254/latest", "https://example.com/a.png"]
)
async def test_an_address_as_a_reference_is_refused_before_anything_is_sent(lab: Labs, address: str) -> None:
    """The server would fetch it from inside its own network: only files and ids are sent."""
    one = lab()
    async with one.engine() as engine:
        with pytest.raises(BadReference, match="nothing was sent"):
            await one.prepared(engine, references=(Reference(role=Role.FIRST_FRAME, remote=address),))
    assert one.posts() == []


async def test_a_file_that_is_too_large_is_refused_before_anything_is_sent(lab: Labs) -> None:
    """The message names the file, its size and the limit, and the limit can be raised."""
    one = lab(max_reference_mb=0.0001)
    async with one.engine() as engine:
        with pytest.raises(BadReference, match=r"frame\.png has 0\.0 MB; at most 0\.0001 MB") as caught:
            await one.prepared(engine, references=(one.first_frame(),))
    assert "max_reference_mb" in caught.value.next
    assert one.posts() == []


FRAME = Reference(role=Role.FIRST_FRAME, remote="file-a")
VIDEO = Reference(role=Role.INPUT_VIDEO, remote="video_a")


@pytest.mark.parametrize(
    "fields",
    [
        {"remix": "video_a", "references": (FRAME,)},
        {"extend": "video_a", "references": (FRAME,)},
        {"references": (VIDEO, FRAME)},
        {"references": (FRAME, Reference(role=Role.SUBJECT, remote="file-b"))},
    ],
)
async def test_what_no_create_can_say_is_refused(lab: Labs, fields: dict[str, Any]) -> None:
    """Wishes that exclude each other in the protocol are refused with what to leave out."""
    one = lab()
    async with one.engine() as engine:
        with pytest.raises(Refused, match="nothing was sent"):
            await one.prepared(engine, **fields)


@pytest.mark.parametrize(
    "settings",
    [
        {"base_url": "gpu:30000"},
        {"base_url": "https://somebody:hunter22@example.com/v1"},
        {"base_url": "http://example.com:port"},
        {"transport": "xml"},
        {"recovery": "replay_key"},
    ],
)
def test_settings_that_cannot_work_are_told_at_once(lab: Labs, settings: dict[str, Any]) -> None:
    """A bad address or option is named before any job is taken, and no secret is shown."""
    with pytest.raises(BadSettings) as caught:
        lab().make(**settings)
    assert next(iter(settings)) in caught.value.message
    assert "hunter22" not in caught.value.message + caught.value.next


def test_openais_key_goes_to_openai_only(lab: Labs) -> None:
    """The key that stands in everybody's environment is not handed to another server."""
    one = lab()
    asked = {"openai_key": "sk-of-openai", "key": None}
    assert one.make(**asked).server.headers == {}
    assert one.make(**asked, base_url="https://api.openai.com.example.com/v1").server.headers == {}
    assert one.make(**asked, base_url="http://api.openai.com/v1").server.headers == {}
    official = one.make(**asked, base_url="https://api.openai.com").server
    assert official.headers == {"Authorization": "Bearer sk-of-openai"}
    assert one.make(**{**asked, "key": KEY}).server.headers == {"Authorization": f"Bearer {KEY}"}


def test_an_id_with_slashes_stays_one_part_of_the_address(lab: Labs) -> None:
    """Ids in base64 have slashes, and none may lead to another address."""
    one = lab()
    source = one.make().server.content("video_a/../b+c=")
    assert source.url == f"{one.server.base_url}/v1/videos/video_a%2F..%2Fb%2Bc%3D/content"
