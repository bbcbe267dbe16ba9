"""What is to be seen on the clips, decoded again: what was asked for, and the mark where there is one."""

from __future__ import annotations

import io
import time
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from PIL import Image

from rushes.media.boxes import read_boxes
from rushes.media.lint import lint
from rushes.media.probe import probe
from rushes.testing.sora_emulator.pictures import covering, open_picture
from rushes.testing.sora_process import running_sora
from tests.testing.sora_emulator.test_uploads import upload
from tests.testing.sora_emulator.viewer import Pictures, difference, photograph
from tests.testing.sora_emulator.visitor import DRAFTS, Visitor

WIDTH, HEIGHT = 640, 352
MARKED, CLEAN = 0.6, 0.3
"""Likenesses of the mark: above the one there is one, below the other there is none."""

SAME, OTHER = 3.0, 12.0
"""Differences in levels of 255: two encodes of one picture stay below the one."""

Make = Callable[..., dict[str, Any]]


@pytest.fixture
def make(visitor: Visitor) -> Make:
    """Make a clip of 5 s, and return its draft."""

    def made(prompt: str = "a boat", **body: Any) -> dict[str, Any]:
        visitor.made(prompt, **{"orientation": "landscape", "n_frames": 150, **body})
        return visitor.draft()

    return made


@pytest.fixture
def watch(tmp_path: Path) -> Callable[[str], Pictures]:
    """Fetch a file and decode it."""
    return lambda url: Pictures(fetch(url, tmp_path), WIDTH, HEIGHT)


def fetch(url: str, folder: Path) -> Path:
    path = folder / f"{len(list(folder.iterdir()))}.mp4"
    path.write_bytes(httpx.get(url).content)
    return path


def clean(draft: dict[str, Any]) -> str:
    return str(draft["download_urls"]["no_watermark"])


def test_the_marked_file_alone_bears_the_mark_and_credentials(make: Make, tmp_path: Path) -> None:
    """The mark is to be seen in each of its places, and a C2PA box is in the file; the other has neither."""
    draft = make()
    urls = {"marked": draft["download_urls"]["watermark"], "clean": clean(draft)}
    files = {name: fetch(url, tmp_path) for name, url in urls.items()}
    marks = {name: Pictures(path, WIDTH, HEIGHT).marks() for name, path in files.items()}
    boxes = {name: read_boxes(path) for name, path in files.items()}
    assert min(marks["marked"]) > MARKED
    assert max(marks["clean"]) < CLEAN
    assert {name: one.c2pa for name, one in boxes.items() if one} == {"marked": True, "clean": False}
    assert lint(files["marked"]) == lint(files["clean"]) == ()
    preview = fetch(draft["url"], tmp_path)
    assert min(Pictures(preview, 448, 246).marks()) > MARKED


def test_credentials_say_what_they_are(make: Make) -> None:
    """The manifest names its maker, and that nobody signed it."""
    data = httpx.get(make()["download_urls"]["watermark"]).content
    assert b"rushes Sora emulator (test, not signed)" in data
    assert b"trainedAlgorithmicMedia" in data


def test_an_account_that_is_given_no_clean_file_finds_none(make: Make, visitor: Visitor) -> None:
    """With `no-watermark-null` whatever has all pixels is one and the same marked file."""
    visitor.sora.fault("no-watermark-null")
    draft = make("one of the marked")
    urls = draft["download_urls"]
    assert urls["no_watermark"] is None
    assert draft["downloadable_url"] == urls["watermark"] == draft["encodings"]["source"]["path"]
    assert draft["encodings"]["source"]["size"] == draft["encodings"]["source_wm"]["size"]


def test_thirty_pictures_a_second_in_every_size(make: Make, tmp_path: Path) -> None:
    """For as long as the draft says, of the pictures and of the sound."""
    draft = make()
    for name in ("source", "source_wm", "md", "ld"):
        facts = probe(fetch(draft["encodings"][name]["path"], tmp_path))
        assert facts.fps == Fraction(30)
        assert facts.seconds == pytest.approx(draft["duration_s"], abs=0.05)


@pytest.mark.parametrize("route", ["file", "upload"])
def test_a_clip_begins_with_the_picture_that_was_given(
    make: Make, visitor: Visitor, watch: Callable[[str], Pictures], route: str
) -> None:
    """It covers the frame, by both routes; then the camera moves in, and the words come."""
    data = photograph()
    answer = upload(visitor, data, file=route == "file").json()
    id = answer["file_id" if route == "file" else "id"]
    shown = watch(clean(make(inpaint_items=[item(route, id)], use_image_as_first_frame=True)))
    wanted = covering(open_picture(data), WIDTH, HEIGHT) * 255
    assert difference(shown.rgb(0), wanted) < SAME
    assert difference(shown.rgb(-1), wanted) > SAME


def test_a_reference_is_a_small_picture_in_the_corner(
    make: Make, visitor: Visitor, watch: Callable[[str], Pictures]
) -> None:
    """It is on every picture, and the clip is of the words all the same."""
    buffer = io.BytesIO()
    Image.new("RGB", (60, 60), (250, 20, 20)).save(buffer, "PNG")
    id = upload(visitor, buffer.getvalue(), file=True).json()["file_id"]
    bare = watch(clean(make("a reference")))
    shown = watch(clean(make("a reference", inpaint_items=[item("file", id)])))
    for number in (0, 80, 149):
        corner = shown.rgb(number)[20:80, 560:620]
        assert difference(corner, np.full_like(corner, (250, 20, 20))) < 2 * OTHER
        assert difference(shown.rgb(number)[150:], bare.rgb(number)[150:]) < SAME


def item(kind: str, id: str) -> dict[str, str]:
    return {"kind": kind, f"{kind}_id": id}


def test_words_decide_the_pictures(make: Make, watch: Callable[[str], Pictures]) -> None:
    """The same words give the same clip, other words, a style and a character's name another."""
    first, again, other = (watch(clean(make(words))) for words in ("a boat", "a boat", "a train"))
    styled = watch(clean(make("a boat", style_id="kpop")))
    named = watch(clean(make("a boat with @director")))
    assert difference(first.rgb(70), again.rgb(70)) == 0
    for one in (other, styled, named):
        assert difference(first.rgb(70), one.rgb(70)) > OTHER
    # The plate of its name, in the top left corner.
    assert named.rgb(70)[14:26, 14:40].mean() < 100 < other.rgb(70)[14:26, 14:40].mean()


def test_a_remix_shows_the_other_clip_in_its_own_light(
    make: Make, visitor: Visitor, watch: Callable[[str], Pictures]
) -> None:
    """The form is the first clip's, picture by picture, the colours are not; by a draft's id and a post's."""
    first = make("a lighthouse by day")
    attached = {"generation_id": first["id"], "kind": "sora"}
    body = {"attachments_to_create": [attached], "post_text": ""}
    post = visitor.call("POST", "/backend/project_y/post", headers=visitor.prove(), json=body).json()["post"]
    source = watch(clean(first))
    for target in (first["id"], post["id"]):
        made = watch(clean(make("at night", remix_target_id=target)))
        for number in (0, 75, 149):
            before, after = source.frames[number].y[50:300], made.frames[number].y[50:300]
            assert np.corrcoef(before.ravel(), after.ravel())[0, 1] > 0.95
            assert difference(source.rgb(number), made.rgb(number)) > OTHER


def test_an_extension_shows_the_clip_and_goes_on(
    make: Make, visitor: Visitor, watch: Callable[[str], Pictures]
) -> None:
    """All of the clip before comes first, unchanged; then ten seconds of the new words."""
    first = make("the boat sets out")
    asked = {"user_prompt": "it comes home", "extension_duration_s": 10}
    path = f"{DRAFTS}/{first['id']}/long_video_extension"
    assert visitor.call("POST", path, headers=visitor.prove(), json=asked).status_code == 200
    visitor.sora.advance(300)
    longer = visitor.draft()
    assert longer["duration_s"] == pytest.approx(first["duration_s"] + 10, abs=0.01)
    before, after = watch(clean(first)), watch(clean(longer))
    assert len(after) == len(before) + 300
    for number in range(0, len(before), 19):
        assert difference(before.rgb(number), after.rgb(number)) < SAME
    assert difference(before.rgb(-1), after.rgb(-1)) > OTHER


STORYBOARD = "/backend/nf/create/storyboard"
STORY = """current timeline:
Shot 1:
duration: 1.5sec
Scene: a boat in the gutter

Shot 2:
duration: 2.0sec
Scene: it falls over the edge

Shot 3:
duration: 1.5sec
Scene: the sea

instructions:
keep the same boat"""


def test_a_storyboard_cuts_where_its_shots_end(make: Make, watch: Callable[[str], Pictures]) -> None:
    """A new picture at 1.5 s and at 3.5 s to the frame, and none between."""
    shown = watch(clean(make(STORY, path=STORYBOARD, title="Draft your video")))
    assert shown.cuts() == [45, 105]
    assert len(shown) == 150


def test_a_drawn_clip_begins_with_the_picture_and_cuts_too(
    tmp_path: Path, watch: Callable[[str], Pictures]
) -> None:
    """What is drawn at length keeps to the same: first the picture that was given, then its shots."""
    with running_sora(tmp_path / "log", speed=180, footage="drawn") as sora, Visitor(sora) as visitor:
        data = photograph()
        id = upload(visitor, data, file=True).json()["file_id"]
        body: dict[str, Any] = {"orientation": "landscape", "n_frames": 150, "use_image_as_first_frame": True}
        visitor.create(STORY, path=STORYBOARD, inpaint_items=[item("file", id)], **body)
        sora.advance(500)
        while not (drafts := visitor.drafts()["items"]):
            time.sleep(0.1)
        (tmp_path / "clips").mkdir()
        shown = Pictures(fetch(clean(drafts[0]), tmp_path / "clips"), WIDTH, HEIGHT)
    assert difference(shown.rgb(0), covering(open_picture(data), WIDTH, HEIGHT) * 255) < OTHER
    assert shown.cuts() == [45, 105]
    assert len(shown) == 150
