"""Pictures from outside, the library of references, and characters."""

from __future__ import annotations

import io
from typing import Any

import httpx
import pytest
from PIL import Image

from rushes.testing.sora_emulator.moderation import PHOTO
from tests.testing.sora_emulator.visitor import DRAFTS, Visitor

REFERENCES = "/backend/project_y/references"
FILE_UPLOAD = "/backend/project_y/file/upload"


def png(width: int = 64, height: int = 36) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", (width, height), (30, 60, 90)).save(buffer, "PNG")
    return buffer.getvalue()


def upload(
    visitor: Visitor,
    data: bytes,
    *,
    file: bool = False,
    kind: str = "image/png",
    use: str = "inpaint_safe",
    name: str = "in.png",
) -> httpx.Response:
    """Send a picture by one of the two routes."""
    parts: dict[str, Any] = {"file": (name, data, kind)}
    if file:
        return visitor.call("POST", FILE_UPLOAD, files=parts, data={"use_case": use})
    return visitor.call("POST", "/backend/uploads", files=parts, data={"file_name": "in.png"})


def test_a_picture_becomes_a_first_frame(visitor: Visitor) -> None:
    """Both routes give an id that a create takes, and an address under which the bytes are the same."""
    data = png()
    media, file = upload(visitor, data).json(), upload(visitor, data, file=True).json()
    assert media["id"].startswith("media_01k")
    assert (media["width"], media["height"], media["mime_type"]) == (64, 36, "image/png")
    assert file["asset_pointer"] == f"sediment://{file['file_id']}"
    assert (file["size"], file["contains_realistic_person"]) == (len(data), False)
    assert httpx.get(media["url"]).content == httpx.get(file["url"]).content == data
    items = [
        {"kind": "upload", "upload_id": media["id"]},
        {"kind": "file", "file_id": file["file_id"], "frames": None, "entity": None},
    ]
    assert visitor.create(inpaint_items=items).status_code == 200
    assert visitor.pending()[0]["creation_config"]["inpaint_image"] == items[0]


def test_what_is_no_picture_is_refused(visitor: Visitor) -> None:
    """Bytes that do not decode, another kind of file, an unknown use, and no form at all."""
    assert upload(visitor, b"no picture").status_code == 400
    assert upload(visitor, png()[:60], file=True).status_code == 400
    assert upload(visitor, png(), kind="text/plain").status_code == 400
    assert upload(visitor, png(), file=True, use="other").status_code == 400
    assert visitor.call("POST", "/backend/uploads", json={}).status_code == 400


@pytest.mark.parametrize("file", [True, False])
def test_a_picture_of_a_person_is_refused(visitor: Visitor, file: bool) -> None:
    """Its file's name says that it is one, and both routes answer with the words that were recorded."""
    answer = upload(visitor, png(), file=file, name="a real-person.png")
    assert answer.status_code == 400
    assert answer.json()["error"]["message"] == PHOTO
    visitor.sora.fault("no-moderation")
    assert upload(visitor, png(), file=file, name="a real-person.png").status_code == 200


def test_a_reference_is_made_used_changed_and_deleted(visitor: Visitor) -> None:
    """The whole life of an entry of the library."""
    pointer = upload(visitor, png(), file=True).json()["asset_pointer"]
    told = {"name": "boat", "display_name": "Boat", "description": "paper", "type": "other"}
    made = visitor.call("POST", f"{REFERENCES}/create", json={**told, "asset_pointers": [pointer]}).json()
    id = made["reference_info"]["reference_id"]
    assert visitor.create(inpaint_items=[{"kind": "reference", "reference_id": id}]).status_code == 200
    visitor.call("PUT", f"{REFERENCES}/{id}", json={"display_name": "The boat"})
    page = visitor.get(f"{REFERENCES}/mine", params={"limit": "20"}).json()
    assert [(one["reference_id"], one["display_name"]) for one in page["items"]] == [(id, "The boat")]
    assert page["cursor"] is None
    assert visitor.call("DELETE", f"{REFERENCES}/{id}").status_code == 204
    assert visitor.get(f"{REFERENCES}/mine").json()["items"] == []


@pytest.mark.parametrize("change", [{"type": "person"}, {"asset_pointers": ["sediment://x"]}, {"more": 1}])
def test_a_reference_that_is_none_is_refused(visitor: Visitor, change: dict[str, Any]) -> None:
    """An unknown type, somebody else's file, a field too many."""
    pointer = upload(visitor, png(), file=True).json()["asset_pointer"]
    told = {"name": "boat", "display_name": "Boat", "description": "paper", "type": "other"}
    body = {**told, "asset_pointers": [pointer], **change}
    assert visitor.call("POST", f"{REFERENCES}/create", json=body).status_code == 400


def test_a_character_is_made_step_by_step(visitor: Visitor) -> None:
    """From a clip of one's own: worked on, finalized once it is ready, listed, deleted."""
    visitor.made()
    told = {"generation_id": visitor.draft()["id"], "character_id": None, "timestamps": [0, 3]}
    id = visitor.call("POST", "/backend/characters/from-generation", json=told).json()["id"]
    progress = f"/backend/project_y/cameos/in_progress/{id}"
    body = {
        "cameo_id": id,
        "username": "boat",
        "display_name": "Boat",
        "profile_asset_pointer": "sediment://x",
        "instruction_set": None,
        "safety_instruction_set": None,
    }
    assert visitor.get(progress).json()["status"] == "processing"
    assert visitor.call("POST", "/backend/characters/finalize", json=body).status_code == 400
    visitor.sora.advance(30)
    assert visitor.get(progress).json()["status_message"] == "Completed"
    made = visitor.call("POST", "/backend/characters/finalize", json=body).json()["character"]
    update = f"/backend/project_y/cameos/by_id/{id}/update_v2"
    assert visitor.call("POST", update, json={"visibility": "public"}).status_code == 200
    listed = visitor.get("/backend/project_y/profile/me/characters").json()["items"]
    assert [one["character_id"] for one in listed] == [made["character_id"]]
    assert listed[0]["visibility"] == "public"
    assert visitor.call("DELETE", f"/backend/project_y/characters/{id}").status_code == 204
    assert visitor.get(progress).status_code == 404


def test_a_character_may_come_from_a_video(visitor: Visitor) -> None:
    """A clip and the seconds of it; a picture is not one."""
    path, times = "/backend/characters/upload", {"timestamps": "0,3"}
    good = visitor.call("POST", path, files={"file": ("a.mp4", b"x", "video/mp4")}, data=times)
    bad = visitor.call("POST", path, files={"file": ("a.png", png(), "image/png")}, data=times)
    assert (good.status_code, bad.status_code) == (200, 400)
    assert good.json()["id"]
    assert visitor.get(f"{DRAFTS}/cameos").json() == {"items": [], "cursor": None}
