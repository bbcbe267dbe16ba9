"""Where the files are: at /content, at an address in the job or in a sentence, in the job, or nowhere yet."""

from __future__ import annotations

import base64
import gzip
from collections.abc import Callable, Sequence
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from rushes.domain.errors import ResultBroken, ResultGone, SignInNeeded, Unreachable
from rushes.engines.contract import Result, Source
from rushes.jobs.download import Downloader, FileElsewhere
from rushes.media.probe import probe
from rushes.testing.openai_videos_service import KEY, filmed
from tests.engines.openai_videos.lab import Lab

Labs = Callable[..., Lab]


async def offered(one: Lab, **told: dict[str, Any]) -> list[Result]:
    """Return the results of a render that is done; `told` by operation."""
    for operation, words in told.items():
        one.tell(operation, **words)
    async with one.engine() as engine:
        ticket = (await one.accepted(engine)).ticket
        await one.ended(engine, ticket)
        return list(await engine.results(ticket))


def fetched(source: Source, folder: Path) -> tuple[int, int]:
    """Download a source as a worker does, and return its frame."""
    with closing(Downloader(tries=1)) as downloader:
        found = probe(downloader.fetch(source, folder / "clip.mp4"))
    return found.width, found.height


def named(source: Source, folder: Path) -> Sequence[Source]:
    """Download a source without a file, and return the places that its engine finds in the answer."""
    with pytest.raises(FileElsewhere) as caught:
        fetched(source, folder)
    return caught.value.sources


async def test_the_engine_fetches_no_file(lab: Labs) -> None:
    """A file may be delivered only once, and that once is the download."""
    one = lab()
    await offered(one, render={"facts": {"once": True, "succeeded": {"url": "{file}"}}})
    calls = [call for name in ("content", "file") for call in one.posts(name)]
    assert calls == []


@pytest.mark.parametrize("kind", ["SGLang", "VllmOmni", "NewApi"])
async def test_the_protocols_own_address_gives_a_clip(lab: Labs, tmp_path: Path, kind: str) -> None:
    """/content is what every server has; the clip has the size that the job told."""
    one = lab(kind)
    (result,) = await offered(one)
    (source,) = result.candidates
    assert (source.label, result.size) == ("content", (256, 144))
    assert fetched(source, tmp_path) == (256, 144)
    assert result.expires_at is not None
    assert result.expires_at > datetime.now(UTC) + timedelta(hours=23)


PLACES: dict[str, dict[str, Any]] = {
    "url": {"url": "{other}"},
    "urls": {"urls": ["{other}"]},
    "video_url": {"video_url": "{other}"},
    "output.url": {"output": {"url": "{other}"}},
    "metadata.url": {"metadata": {"url": "{other}"}},
    "data[].url": {"data": [{"url": "{other}"}]},
    "both": {"url": "{other}", "urls": ["{other}"]},
}


@pytest.mark.parametrize("place", PLACES)
async def test_a_job_may_tell_the_address(lab: Labs, tmp_path: Path, place: str) -> None:
    """Gateways put the address into one of several places; it comes after /content, once, without the key."""
    one = lab("NewApi")
    (result,) = await offered(one, render={"facts": {"succeeded": PLACES[place]}})
    content, told = result.candidates
    assert content.headers == {"Authorization": f"Bearer {KEY}"}
    assert told.headers == {}
    assert str(told.url).startswith("http://localhost:")
    assert fetched(told, tmp_path) == (256, 144)
    (call,) = [call for call in one.server.requests("file") if one.mark in call["prompt"]]
    assert not call["key"]


@pytest.mark.parametrize("place", [{"url": "/files/{id}"}, {"url": "{file}"}])
async def test_an_address_of_the_servers_own_gets_the_key(lab: Labs, place: dict[str, str]) -> None:
    """Relative addresses are the server's, and its own origin may want the key."""
    one = lab("NewApi")
    (result,) = await offered(one, render={"facts": {"succeeded": place}})
    _, told = result.candidates
    assert str(told.url).startswith(f"{one.server.base_url}/files/")
    assert told.headers == {"Authorization": f"Bearer {KEY}"}


async def test_a_file_in_object_storage_is_found_by_the_job(lab: Labs, tmp_path: Path) -> None:
    """SGLang's /content answers 400 then, and its job has the address."""
    one = lab()
    facts = {"cloud": True, "succeeded": {"url": "{other}"}}
    (result,) = await offered(one, render={"facts": facts})
    content, told = result.candidates
    assert named(content, tmp_path) == []
    assert told.label == "url"
    assert fetched(told, tmp_path) == (256, 144)


async def test_a_file_in_object_storage_is_found_by_the_sentence(lab: Labs, tmp_path: Path) -> None:
    """Where only the 400 of /content names it, the address is read from its words."""
    one = lab()
    (result,) = await offered(one, render={"facts": {"cloud": "https://cdn.example.com/a.mp4?sig=1."}})
    (content,) = result.candidates
    assert [source.url for source in named(content, tmp_path)] == ["https://cdn.example.com/a.mp4?sig=1"]


async def test_several_files_are_several_results(lab: Labs) -> None:
    """SGLang numbers them at /content as variants."""
    one = lab()
    (first, second) = await offered(one, render={"facts": {"succeeded": {"urls": ["{other}", "{file}"]}}})
    assert [source.label for source in first.candidates] == ["url", "content"]
    assert str(second.candidates[1].url).endswith("/content?variant=1")


async def test_json_in_place_of_the_file_tells_the_address(lab: Labs, tmp_path: Path) -> None:
    """A gateway that answers /content with an address is followed there."""
    one = lab()
    body = {"url": "https://cdn.example.com/a.mp4"}
    (result,) = await offered(one, content={"status": 200, "body": body})
    (content,) = result.candidates
    (source,) = named(content, tmp_path)
    assert (source.url, source.headers) == ("https://cdn.example.com/a.mp4", {})


@pytest.mark.parametrize("kind", ["text/plain", "application/json", "text/html"])
async def test_a_video_that_is_called_something_else_is_still_the_file(
    lab: Labs, tmp_path: Path, kind: str
) -> None:
    """The bytes count (C24). Encoders write their own address into a video, and that is not where it is."""
    one = lab()
    (result,) = await offered(one, content={"facts": {"type": kind}})
    (source,) = result.candidates
    assert source.label == "content"
    assert fetched(source, tmp_path) == (256, 144)


def packed(data: bytes) -> dict[str, Any]:
    """Return what a call for a file is told in order to answer with `data`."""
    return {"facts": {"data": base64.b64encode(data).decode()}}


GZIPPED = {"Content-Encoding": "gzip"}
WHOLE = filmed(256, 144).whole


@pytest.mark.parametrize("data", [gzip.compress(WHOLE), WHOLE], ids=["gzip", "plain"])
async def test_a_file_that_is_said_to_be_compressed_is_the_file(
    lab: Labs, tmp_path: Path, data: bytes
) -> None:
    """Whether it is or not, the download gives the video (C31)."""
    (result,) = await offered(lab(), content={**packed(data), "headers": GZIPPED})
    (source,) = result.candidates
    assert fetched(source, tmp_path) == (256, 144)


async def test_bytes_that_are_no_video_leave_the_other_addresses(lab: Labs, tmp_path: Path) -> None:
    """The download tries those that the job tells: one of these may be better (C24)."""
    told: dict[str, Any] = {
        "render": {"facts": {"succeeded": {"url": "{other}"}}},
        "content": packed(b"\x89PNG\r\n\x1a\n\0"),
    }
    (result,) = await offered(lab("NewApi"), **told)
    content, told_source = result.candidates
    with pytest.raises(ResultBroken, match="not a video"):
        fetched(content, tmp_path)
    assert fetched(told_source, tmp_path) == (256, 144)


CARRIED: dict[str, dict[str, Any]] = {
    "video_url": {"video_url": "{inline}"},
    "output.url": {"output": {"url": "{inline}"}},
    "video": {"video": "{inline}"},
    "b64_json": {"b64_json": "{base64}"},
    "data[].b64_json": {"data": [{"b64_json": "{base64}"}]},
    "video.base64": {"video": {"base64": "{base64}"}},
    "video_base64": {"video_base64": "{base64}"},
    "base64 with a data: address": {"result": {"base64": "{inline}"}},
    "response.videos[]": {"response": {"videos": [{"bytesBase64Encoded": "{base64}"}]}},
    "videos[]": {"videos": [{"bytes_base64_encoded": "{base64}", "mimeType": "video/mp4"}]},
}


@pytest.mark.parametrize("place", CARRIED)
async def test_a_job_may_carry_its_file(lab: Labs, tmp_path: Path, place: str) -> None:
    """As a data: address or in base64, where /content has nothing (C16)."""
    one = lab("NewApi")
    told: dict[str, Any] = {
        "render": {"facts": {"succeeded": CARRIED[place]}},
        "content": {"status": 404, "body": {}},
    }
    (result,) = await offered(one, **told)
    content, source = result.candidates
    assert named(content, tmp_path) == []
    assert source.headers == {}
    assert fetched(source, tmp_path) == (256, 144)


async def test_the_file_at_content_goes_before_the_one_in_the_job(lab: Labs) -> None:
    """The one in the job may be a preview (C16)."""
    told = {"facts": {"succeeded": {"video_base64": "{base64}"}}}
    (result,) = await offered(lab("NewApi"), render=told)
    assert [source.label for source in result.candidates] == ["content", "inline"]


async def test_content_may_answer_with_the_file_in_json(lab: Labs, tmp_path: Path) -> None:
    """A gateway that answers /content as if it made pictures (C16)."""
    body = {"data": [{"b64_json": base64.b64encode(WHOLE).decode()}]}
    (result,) = await offered(lab(), content={"status": 200, "body": body})
    (content,) = result.candidates
    (source,) = named(content, tmp_path)
    assert fetched(source, tmp_path) == (256, 144)


async def test_an_address_in_the_job_is_enough(lab: Labs, tmp_path: Path) -> None:
    """A /content that fails does not keep a file back that has an address of its own (C02)."""
    one = lab("NewApi")
    told: dict[str, Any] = {"render": {"facts": {"succeeded": {"url": "{other}"}}}, "content": {"drop": True}}
    (result,) = await offered(one, **told)
    content, source = result.candidates
    with pytest.raises(Unreachable):
        fetched(content, tmp_path)
    assert fetched(source, tmp_path) == (256, 144)


async def test_an_address_that_is_none_is_left_to_the_download(lab: Labs, tmp_path: Path) -> None:
    """It is told as what it is, and the job is not asked for its results for ever."""
    one = lab("NewApi")
    (result,) = await offered(one, render={"facts": {"succeeded": {"url": "http://[::1"}}})
    _, broken = result.candidates
    with pytest.raises(ResultBroken, match="is not an address that can be downloaded from"):
        fetched(broken, tmp_path)


async def test_a_refusal_after_a_redirect_is_not_about_the_account(lab: Labs, tmp_path: Path) -> None:
    """If /content redirects to a file store, its 403 means that the signature has expired."""
    one = lab()
    (result,) = await offered(one, content={"status": 302, "headers": {"Location": "/files/unsigned.mp4"}})
    (content,) = result.candidates
    with pytest.raises(ResultGone, match="answers 403"):
        fetched(content, tmp_path)


PAGE = "<html><body>Sign in</body></html>"
NOTHING: dict[str, tuple[dict[str, Any], type[Exception]]] = {
    "400 not completed": ({"status": 400, "body": {"error": {"message": "not completed yet"}}}, ResultGone),
    "404": ({"status": 404, "body": {"detail": "no file"}}, ResultGone),
    "405": ({"status": 405}, ResultGone),
    "409": ({"status": 409}, ResultGone),
    "410": ({"status": 410}, ResultGone),
    "422": ({"status": 422, "body": {"detail": "Video generation failed."}}, ResultGone),
    "425": ({"status": 425}, ResultGone),
    "200 and JSON": ({"status": 200, "body": {"detail": "no output"}}, ResultGone),
    "200 and a page": ({"status": 200, "body": PAGE}, ResultGone),
    "200 and nothing": ({"status": 200, "body": ""}, ResultGone),
    "202 and nothing": ({"status": 202, "body": ""}, ResultGone),
    "words called a video": (packed(b"the file is being made"), ResultGone),
    "401": ({"status": 401, "body": {"error": {"message": f"key {KEY}"}}}, SignInNeeded),
    "408": ({"status": 408}, Unreachable),
    "500": ({"status": 500}, Unreachable),
    "dropped": ({"drop": True}, Unreachable),
}


@pytest.mark.parametrize("name", NOTHING)
async def test_completed_without_a_video_is_said(lab: Labs, tmp_path: Path, name: str) -> None:
    """Whatever is there in place of a video, it may come yet; what is about us is something else (C02)."""
    told, expected = NOTHING[name]
    (result,) = await offered(lab("NewApi"), content=told)
    (content,) = result.candidates
    with pytest.raises(expected) as caught:
        fetched(content, tmp_path)
    assert KEY not in str(caught.value)
    if expected is ResultGone:
        assert "is done, and the server has no video for it" in str(caught.value)
