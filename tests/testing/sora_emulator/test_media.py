"""The files: what they are, how long their addresses are good, and ranges of them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx
import pytest

from rushes.media.decode import decode_all
from rushes.media.lint import lint
from rushes.media.probe import probe
from tests.testing.sora_emulator.visitor import DRAFTS, Visitor

FIVE_DAYS = 5 * 86_400


@pytest.fixture
def draft(visitor: Visitor) -> dict[str, Any]:
    visitor.made("a boat", orientation="landscape", n_frames=150)
    return visitor.draft()


def source(draft: dict[str, Any]) -> str:
    return str(draft["encodings"]["source"]["path"])


def test_the_files_are_what_the_draft_says(draft: dict[str, Any], tmp_path: Path) -> None:
    """Real MP4s with sound and no fault: the source in full size, the previews smaller."""
    widths = {}
    for name in ("source", "source_wm", "md", "ld"):
        path = tmp_path / f"{name}.mp4"
        path.write_bytes(httpx.get(draft["encodings"][name]["path"]).content)
        facts = probe(path)
        assert lint(path) == ()
        assert decode_all(path).findings == ()
        assert facts.audio_codec == "aac"
        assert facts.seconds == pytest.approx(draft["duration_s"], abs=0.2)
        assert path.stat().st_size == draft["encodings"][name]["size"]
        widths[name] = (facts.width, facts.height)
    assert widths["source"] == widths["source_wm"] == (draft["width"], draft["height"]) == (640, 352)
    assert widths["md"] == (448, 246)
    assert widths["ld"] == (320, 176)


def test_every_address_has_its_place(draft: dict[str, Any]) -> None:
    """The top address is the preview, the download is the file without a mark, a thumbnail is a picture."""
    urls = draft["download_urls"]
    assert draft["url"] == draft["encodings"]["md"]["path"]
    assert draft["downloadable_url"] == urls["no_watermark"] == draft["encodings"]["source"]["path"]
    assert urls["watermark"] == draft["encodings"]["source_wm"]["path"]
    assert "%2Fdrvs%2Fmd%2Fraw?" in draft["url"]
    assert "%2Fraw?se=" in draft["downloadable_url"]
    assert httpx.get(draft["encodings"]["thumbnail"]["path"]).headers["content-type"] == "image/jpeg"


def test_two_clips_are_never_the_same_file(visitor: Visitor, draft: dict[str, Any]) -> None:
    """Though their pictures are the same."""
    visitor.made("a boat", orientation="landscape", n_frames=150)
    other = visitor.draft()
    assert httpx.get(source(draft)).content != httpx.get(source(other)).content


RANGES = {"bytes=100-": (100, None), "bytes=0-": (0, None), "bytes=5-9": (5, 10), "bytes=-7": (-7, None)}


@pytest.mark.parametrize(("asked", "part"), RANGES.items())
def test_a_range_is_206(draft: dict[str, Any], asked: str, part: tuple[int, int | None]) -> None:
    """Each form of a range gives just those bytes, and says where they lie."""
    whole = httpx.get(source(draft))
    some = httpx.get(source(draft), headers={"Range": asked, "If-Range": whole.headers["ETag"]})
    assert (whole.status_code, some.status_code) == (200, 206)
    assert some.content == whole.content[part[0] : part[1]]
    assert some.headers["content-range"].endswith(f"/{len(whole.content)}")


def test_a_range_of_another_file_is_all_of_this_one(draft: dict[str, Any]) -> None:
    """A tag that does not fit, or nonsense, is as no range; one beyond the end is 416."""
    whole = httpx.get(source(draft)).content
    for headers in (
        {"Range": "bytes=9-", "If-Range": '"other"'},
        {"Range": "lines=1-"},
        {"Range": "bytes=-"},
    ):
        assert httpx.get(source(draft), headers=headers).content == whole
    assert httpx.get(source(draft), headers={"Range": f"bytes={len(whole)}-"}).status_code == 416


def test_an_address_runs_out_and_a_fresh_read_gives_another(visitor: Visitor, draft: dict[str, Any]) -> None:
    """On the emulator's clock; the answer is the storage's own XML."""
    visitor.sora.advance(FIVE_DAYS)
    stale = httpx.get(source(draft))
    assert stale.status_code == 403
    assert "<Code>AuthenticationFailed</Code>" in stale.text
    visitor.refresh()
    fresh = visitor.get(f"{DRAFTS}/v2/{draft['id']}").json()
    assert httpx.get(source(fresh)).status_code == 200


@pytest.mark.parametrize("change", [("sig=", "sig=x"), ("se=2", "se=3"), ("%2Fraw", "%2Fother")])
def test_an_address_that_was_tampered_with_is_refused(draft: dict[str, Any], change: tuple[str, str]) -> None:
    """The signature covers the name and the end."""
    assert httpx.get(source(draft).replace(*change)).status_code == 403


def test_addresses_are_those_of_the_host_that_was_asked(visitor: Visitor, draft: dict[str, Any]) -> None:
    """A client that came by another name is led on under that name."""
    host = f"localhost:{httpx.URL(visitor.sora.base_url).port}"
    answer = visitor.get(f"{DRAFTS}/v2/{draft['id']}", headers={"Host": host}).json()
    assert answer["url"].startswith(f"http://{host}/az/files/")
