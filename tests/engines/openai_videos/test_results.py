"""Where the files are: at /content, at an address in the job, at one in a sentence, or nowhere."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from rushes.domain.errors import ResultBroken, ResultGone, SignInNeeded, Unreachable
from rushes.engines.contract import Result, Source
from rushes.jobs.download import Downloader
from rushes.media.probe import probe
from rushes.testing.openai_videos_service import KEY
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
    (source,) = result.candidates
    assert source.label == "url"
    assert fetched(source, tmp_path) == (256, 144)


async def test_a_file_in_object_storage_is_found_by_the_sentence(lab: Labs) -> None:
    """Where only the 400 of /content names it, the address is read from its words."""
    one = lab()
    (result,) = await offered(one, render={"facts": {"cloud": "https://cdn.example.com/a.mp4?sig=1."}})
    assert [source.url for source in result.candidates] == ["https://cdn.example.com/a.mp4?sig=1"]


async def test_several_files_are_several_results(lab: Labs) -> None:
    """SGLang numbers them at /content as variants."""
    one = lab()
    (first, second) = await offered(one, render={"facts": {"succeeded": {"urls": ["{other}", "{file}"]}}})
    assert [source.label for source in first.candidates] == ["url", "content"]
    assert str(second.candidates[1].url).endswith("/content?variant=1")


async def test_json_in_place_of_the_file_tells_the_address(lab: Labs) -> None:
    """A gateway that answers /content with an address is followed there."""
    one = lab()
    body = {"url": "https://cdn.example.com/a.mp4"}
    (result,) = await offered(one, content={"status": 200, "body": body})
    assert [source.url for source in result.candidates] == ["https://cdn.example.com/a.mp4"]


async def test_a_video_that_is_called_text_is_still_the_file(lab: Labs, tmp_path: Path) -> None:
    """Encoders write their own address into a video, and that is not where it is."""
    one = lab()
    (result,) = await offered(one, content={"facts": {"type": "text/plain"}})
    (source,) = result.candidates
    assert source.label == "content"
    assert fetched(source, tmp_path) == (256, 144)


async def test_a_redirect_to_the_file_is_left_to_the_download(lab: Labs) -> None:
    """Where /content sends on, the download follows, and leaves the key behind."""
    one = lab()
    (result,) = await offered(
        one, content={"status": 302, "headers": {"Location": "https://cdn.example.com/a"}}
    )
    assert [source.label for source in result.candidates] == ["content"]


NOTHING: dict[str, tuple[dict[str, Any], type[Exception]]] = {
    "404": ({"status": 404, "body": {"detail": "no file"}}, ResultGone),
    "410": ({"status": 410}, ResultGone),
    "422": ({"status": 422, "body": {"detail": "Video generation failed."}}, ResultBroken),
    "400 without an address": ({"status": 400, "body": {"detail": "no output"}}, ResultBroken),
    "200 and words": ({"status": 200, "body": {"detail": "no output"}}, ResultBroken),
    "401": ({"status": 401, "body": {"error": {"message": f"key {KEY}"}}}, SignInNeeded),
    "500": ({"status": 500}, Unreachable),
    "dropped": ({"drop": True}, Unreachable),
}


@pytest.mark.parametrize("name", NOTHING)
async def test_completed_without_a_video_is_said(lab: Labs, name: str) -> None:
    """What is gone, what was never there and what can be asked again are three things."""
    told, expected = NOTHING[name]
    with pytest.raises(expected) as caught:
        await offered(lab("NewApi"), content=told)
    assert KEY not in str(caught.value)
    if expected in (ResultGone, ResultBroken):
        assert "is done, and the server has no video for it" in str(caught.value)
