"""What a file shows, and when: what lint and look say of it, on files as services have sent them."""

from __future__ import annotations

import struct
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from PIL import Image

from rushes.domain.clip import Repair, Severity
from rushes.domain.errors import BeyondRepair, NotAVideo
from rushes.media.decode import decode_all
from rushes.media.lint import lint
from rushes.media.orientation import ONE, Orientation
from rushes.media.probe import probe
from rushes.media.sheet import frame_at
from rushes.media.watch import observe
from tests.media.footage import Footage, Sound, numbered, pixels, shoot, tone
from tests.media.surgery import (
    EIGHT,
    Entry,
    colour_of,
    quarters,
    shown_quarters,
    with_edits,
    with_matrix,
    with_movie_length,
)

FRAMES = [numbered(at) for at in range(24)]
FAST_VP9 = {"deadline": "realtime", "cpu-used": "8"}
FRAGMENTS = {"movflags": "frag_keyframe+empty_moov+default_base_moof", "write_btrt": "0"}
QUIET_265 = {"x265-params": "log-level=none", "preset": "ultrafast"}


def told(path: Path) -> dict[str, tuple[Severity, Repair]]:
    return {one.code: (one.severity, one.repair) for one in lint(path)}


@pytest.mark.parametrize("name", EIGHT)
def test_the_eight_matrices(tmp_path: Path, name: str) -> None:
    """Each way to lay a square on itself is shown so in pictures of the clip, and its sides are as shown."""
    path = with_matrix(quarters(tmp_path / "clip.mp4"), EIGHT[name])

    about = probe(path)
    wanted = shown_quarters(EIGHT[name])
    still = pixels(frame_at(path, 0.0, tmp_path / "still.png"))

    assert (about.width, about.height) == ((180, 320) if EIGHT[name][0] == 0 else (320, 180))
    assert still.shape[:2] == (about.height, about.width)
    assert colour_of(still) == wanted
    mirrored = {"mirrored": (Severity.WARNING, Repair.REENCODE_VIDEO)}
    assert told(path) == ({} if name == "upright" or name.startswith("turned") else mirrored)


@pytest.mark.parametrize("name", EIGHT)
def test_an_orientation_is_applied_alike_everywhere(tmp_path: Path, name: str) -> None:
    """Arrays and pictures are turned as the matrix says, and the matrix written for it leads back to it."""
    orientation = probe(with_matrix(quarters(tmp_path / "clip.mp4"), EIGHT[name])).orientation
    stored = pixels(frame_at(quarters(tmp_path / "stored.mp4"), 0.0, tmp_path / "stored.png"))

    matrix = orientation.matrix(320, 180)
    a, b, _, c, d, _, x, y, _ = (one / ONE for one in matrix)
    corners = [(a * p + c * q + x, b * p + d * q + y) for p in (0, 320) for q in (0, 180)]

    assert colour_of(orientation.show_array(stored)) == shown_quarters(EIGHT[name])
    assert colour_of(np.asarray(orientation.show(Image.fromarray(stored)))) == shown_quarters(EIGHT[name])
    assert Orientation.from_matrix(matrix) == orientation
    assert min(corners) == (0, 0)
    assert max(corners) == orientation.shown_size(320, 180)


@pytest.mark.parametrize(
    ("matrix", "box"),
    [
        ((2, 0, 0, 2), b"tkhd"),
        ((1, 0, 0, 1.5), b"tkhd"),
        ((1, 0, 0.5, 1), b"tkhd"),
        ((0.7071, 0.7071, -0.7071, 0.7071), b"tkhd"),
        ((0, 1, -1, 0), b"mvhd"),
    ],
    ids=["twice as large", "stretched", "sheared", "turned 45", "by the movie"],
)
def test_other_matrices_are_told(tmp_path: Path, matrix: tuple[float, ...], box: bytes) -> None:
    """What players disagree about is a warning, and a remux makes it plain."""
    path = with_matrix(quarters(tmp_path / "clip.mp4"), matrix, box)

    assert told(path) == {"matrix": (Severity.WARNING, Repair.REMUX)}


def test_the_matrix_of_the_movie_counts(tmp_path: Path) -> None:
    """A turn in the head of the movie is added to the track's, as Chromium does."""
    path = with_matrix(quarters(tmp_path / "clip.mp4"), EIGHT["turned 90"])
    with_matrix(path, EIGHT["turned 180"], b"mvhd")

    assert probe(path).orientation.rotation == 270


@pytest.mark.parametrize(
    ("empty", "severity", "says"),
    [
        (0.021, Severity.WARNING, "21 ms"),
        (1.5, Severity.ERROR, "1.5 s"),
        (3600.0, Severity.ERROR, "3600.0 s"),
    ],
)
def test_an_empty_edit_before_all(tmp_path: Path, empty: float, severity: Severity, says: str) -> None:
    """Nothing at the start is told with its length, and look gives the length that players show."""
    path = with_edits(quarters(tmp_path / "clip.mp4", frames=24), [(empty, None), (1.0, 0.0)])

    (found,) = lint(path)
    assert (found.code, found.severity, found.repair) == ("late_start", severity, Repair.REMUX)
    assert says in found.text
    seen = observe(path)
    assert seen.seconds == pytest.approx(1.0, abs=0.001)
    assert seen.shown_seconds == pytest.approx(1.0 + empty, abs=0.001)
    assert found.text in seen.lines()
    assert (f"{1 + empty:.1f} s as players show it" in seen.lines()[0]) == (empty > 1)


def test_pictures_after_the_sound(tmp_path: Path) -> None:
    """An empty edit of the pictures alone is told as pictures that start after the sound."""
    path = shoot(tmp_path / "clip.mp4", Footage(frames=FRAMES, sounds=[Sound(samples=tone(1.0))]))
    with_edits(path, [(1.5, None), (1.0, 0.0)])

    assert told(path) == {"late_pictures": (Severity.WARNING, Repair.REMUX)}
    assert (
        "The pictures start 1.5 s after the sound; until then there is nothing to see."
        in observe(path).lines()
    )


@pytest.mark.parametrize("tags", [True, False], ids=["with lengths", "without"])
@pytest.mark.parametrize("late", [1.5, 0.0])
def test_pictures_shorter_than_the_file_are_not_missing(tmp_path: Path, late: float, tags: bool) -> None:
    """In a WebM, whose head gives the length of the whole alone, none is missing of late or few pictures."""
    footage = Footage(
        frames=FRAMES,
        times=[round(1000 * late) + 40 * at for at in range(len(FRAMES))],
        codec="libvpx-vp9",
        options=FAST_VP9,
        format="webm",
        container={},
        sounds=[Sound(samples=tone(2.5), codec="libopus")],
    )
    path = shoot(tmp_path / "clip.webm", footage)
    if not tags:
        path.write_bytes(path.read_bytes().replace(b"DURATION", b"DIRATION"))
    lines = observe(path).lines()

    assert lines[0].startswith("1.0 s of pictures, 2.5 s as players show it")
    assert any(line.startswith("The pictures start 1.5 s after the sound") for line in lines) == (late > 0)


def test_one_segment_of_a_stream(tmp_path: Path) -> None:
    """A head and the last of three fragments: what is there is as long as it is, and starts late."""
    whole = shoot(tmp_path / "whole.mp4", Footage(frames=FRAMES * 3, container=FRAGMENTS))
    data = whole.read_bytes()
    first, last = data.index(b"moof") - 4, data.rindex(b"moof") - 4
    path = tmp_path / "segment.mp4"
    path.write_bytes(data[:first] + data[last:])

    about = probe(path)
    assert about.start == pytest.approx(2.0, abs=0.1)
    assert about.seconds == pytest.approx(1.0, abs=0.05)
    assert told(path) == {"late_start": (Severity.ERROR, Repair.REMUX)}
    assert observe(path).lines()[0].startswith("1.0 s of pictures, 3.1 s as players show it")


@pytest.mark.parametrize(
    "entries",
    [
        [(0.5, 0.5)],
        [(0.5, 0.0)],
        [(0.5, 0.0), (0.5, 0.0)],
        [(0.3, 0.0), (0.4, 0.6)],
        [(0.3, 0.0), (0.2, None), (0.7, 0.3)],
    ],
    ids=["starts later", "ends earlier", "repeats", "jumps", "pauses"],
)
def test_edit_lists_that_cut_or_repeat(tmp_path: Path, entries: list[Entry]) -> None:
    """Pictures that are hidden, shown twice or put together are told: players do it differently."""
    path = with_edits(quarters(tmp_path / "clip.mp4", frames=24), entries)

    assert told(path) == {"edit_list": (Severity.WARNING, Repair.REENCODE_VIDEO)}


@pytest.mark.parametrize("seconds", [0.2, 30.0, 3604.0])
def test_a_movie_of_another_length_than_its_tracks(tmp_path: Path, seconds: float) -> None:
    """A head that gives the movie another length is an error, and look goes by the pictures."""
    path = with_movie_length(quarters(tmp_path / "clip.mp4", frames=24), seconds)

    assert told(path) == {"movie_length": (Severity.ERROR, Repair.REMUX)}
    assert observe(path).lines()[0].startswith("1.0 s, ")


@pytest.mark.parametrize(("sound", "over"), [(1.2, None), (3.0, "2.0 s")])
def test_sound_that_goes_on(tmp_path: Path, sound: float, over: str | None) -> None:
    """Sound over the last picture is told from half a second on, and so is the length that players show."""
    path = shoot(tmp_path / "clip.mp4", Footage(frames=FRAMES, sounds=[Sound(samples=tone(sound))]))

    said = [one for one in lint(path) if one.code == "sound_outlasts"]
    assert [(one.severity, one.repair) for one in said] == ([(Severity.WARNING, Repair.NONE)] if over else [])
    lines = observe(path).lines()
    assert (f"The sound goes on for {over} over the last picture." in lines) == (over is not None)
    assert lines[0].startswith(f"1.0 s of pictures, {sound:.1f} s as players show it" if over else "1.0 s, ")
    assert probe(path).shown_seconds == pytest.approx(sound, abs=0.03)


NOT_BOXES = {
    "the end of a form": b"\r\n--boundary7f3a--\r\n",
    "a line end": b"\r\n",
    "zeros": bytes(5000),
    "a page": b"<!doctype html><title>Bye</title>",
    "noise": bytes(range(200, 256)) * 9,
    "a name that nobody knows": struct.pack(">I4s", 1 << 30, b"blob") + bytes(99),
}


@pytest.mark.parametrize("name", NOT_BOXES)
def test_bytes_after_the_last_box(healthy: Path, tmp_path: Path, name: str) -> None:
    """What follows a whole file is not the file cut short: it is a warning that a remux ends."""
    path = tmp_path / "clip.mp4"
    path.write_bytes(healthy.read_bytes() + NOT_BOXES[name])

    assert told(path) == {"foreign_bytes": (Severity.WARNING, Repair.REMUX)}
    assert f"last {len(NOT_BOXES[name])} bytes" in lint(path)[0].text
    assert decode_all(path).findings == ()


def test_a_second_file_after_the_first(healthy: Path, tmp_path: Path) -> None:
    """Two files in one are told, and the first is read."""
    path = tmp_path / "clip.mp4"
    path.write_bytes(healthy.read_bytes() + quarters(tmp_path / "other.mp4").read_bytes())

    assert told(path) == {"foreign_bytes": (Severity.WARNING, Repair.REMUX)}
    assert probe(path) == probe(healthy) or probe(path).frames == probe(healthy).frames


@pytest.mark.parametrize("box", [b"free", b"mdat", b"uuid"])
def test_a_last_box_that_promises_too_much(healthy: Path, tmp_path: Path, box: bytes) -> None:
    """A last box that is longer than the file is no loss if every sample is there."""
    path = tmp_path / "clip.mp4"
    path.write_bytes(healthy.read_bytes() + struct.pack(">I4s", 4000, box) + bytes(100))

    assert told(path) == {"box_size": (Severity.WARNING, Repair.REMUX)}
    assert "3892 bytes" in lint(path)[0].text


@pytest.mark.parametrize("tail", [b"", b"\r\n--boundary--\r\n"], ids=["cut", "cut and more"])
@pytest.mark.parametrize("container", [{"movflags": "+faststart", "write_btrt": "0"}, FRAGMENTS])
def test_a_file_that_is_cut_is_still_found(tmp_path: Path, tail: bytes, container: dict[str, str]) -> None:
    """Pictures that are not there are an error without a repair, whatever follows them."""
    whole = shoot(tmp_path / "whole.mp4", Footage(frames=FRAMES * 2, container=container))
    data = whole.read_bytes()
    path = tmp_path / "clip.mp4"
    # Of a file in fragments the end of the last is cut, and not the table behind it.
    path.write_bytes(data[: data.rindex(b"mfra") - 404 if b"mfra" in data else -4000] + tail)

    assert told(path)["truncated"] == (Severity.ERROR, Repair.NONE)


def test_bytes_before_the_first_box(healthy: Path, tmp_path: Path) -> None:
    """What stands before the video is told with its length, and how to be rid of it."""
    path = tmp_path / "clip.mp4"
    path.write_bytes(b"HTTP/1.1 200 OK\r\n\r\n" + healthy.read_bytes())

    with pytest.raises(BeyondRepair, match="19 bytes before the video") as caught:
        lint(path)
    assert "+20" in str(caught.value.next)


def test_hevc_is_a_warning(tmp_path: Path) -> None:
    """HEVC under the right name is told, as no damage; an H.264 copy is what would play everywhere."""
    footage = Footage(frames=FRAMES[:3], codec="libx265", codec_tag="hvc1", options=QUIET_265)

    assert told(shoot(tmp_path / "clip.mp4", footage)) == {"hevc": (Severity.WARNING, Repair.REENCODE_VIDEO)}


def test_a_profile_that_no_hardware_decodes(tmp_path: Path) -> None:
    """H.264's Extended profile is found; its number stands in the configuration and in the stream."""
    path = shoot(tmp_path / "clip.mp4", Footage(frames=FRAMES[:3]))
    data = bytearray(path.read_bytes())
    at = data.index(b"avcC")
    for place in (at + 5, data.index(b"\x67", at + 10) + 1):
        assert data[place] == 100
        data[place] = 88
    path.write_bytes(data)

    assert told(path)["profile"] == (Severity.ERROR, Repair.REENCODE_VIDEO)


@pytest.mark.parametrize(("options", "found"), [({"x264-params": "tff=1"}, True), ({}, False)])
def test_interlaced_pictures(tmp_path: Path, options: dict[str, str], found: bool) -> None:
    """Halves of the lines, shown in turn, are told by lint and look, and whole pictures are not."""
    footage = Footage(frames=FRAMES, options={"preset": "superfast", **options})
    path = shoot(tmp_path / "clip.mp4", footage)

    warning = {"interlaced": (Severity.WARNING, Repair.REENCODE_VIDEO)}
    assert told(path) == (warning if found else {})
    seen = observe(path)
    assert seen.facts.interlaced is found
    assert sum("interlaced" in line for line in seen.lines()) == found


def test_one_frame(tmp_path: Path) -> None:
    """One frame alone is a still picture, and said so once."""
    path = shoot(tmp_path / "clip.mp4", Footage(frames=FRAMES[:1]))

    assert told(path) == {"one_frame": (Severity.WARNING, Repair.NONE)}
    assert observe(path).lines().count("There is one frame only: a still picture.") == 1


def test_an_avi_counts_otherwise(tmp_path: Path) -> None:
    """A whole AVI, whose head counts frames that were left out, is not cut short; one that is cut is."""
    times = [40 * at for at in (0, 1, 2, 3, 10, 11, 12, 13)]
    footage = Footage(
        frames=FRAMES[:8],
        times=times,
        fps=Fraction(25),
        codec="mpeg4",
        format="avi",
        options={},
        container={},
    )
    path = shoot(tmp_path / "clip.avi", footage)

    with av.open(path) as container:
        assert container.streams.video[0].frames > 8
    assert "truncated" not in {one.code for one in (*lint(path), *decode_all(path).findings)}
    path.write_bytes(path.read_bytes()[:-3000])
    assert told(path)["truncated"] == (Severity.ERROR, Repair.NONE)


@pytest.mark.parametrize("task", [lint, observe, probe])
def test_an_encrypted_file_is_said_to_be(tmp_path: Path, task: object) -> None:
    """Common Encryption is named, with what to do, in place of pictures that cannot be decoded."""
    key = {
        "encryption_key": "76a6c65c5ea762046bd749a2e632ccbb",
        "encryption_kid": "a7e61c373e219033c21091fa607bf3b8",
    }
    container = {"movflags": "+faststart", "encryption_scheme": "cenc-aes-ctr", **key}
    path = shoot(tmp_path / "clip.mp4", Footage(frames=FRAMES[:3], container=container))

    with pytest.raises(BeyondRepair, match="is encrypted") as caught:
        task(path)  # type: ignore[operator]
    assert "without encryption" in str(caught.value.next)


@pytest.mark.parametrize("name", ["still.png", "still.jpg", "still.webp", "still.avif"])
def test_a_still_picture_is_no_video(tmp_path: Path, name: str) -> None:
    """Pictures are named as such, whatever the file is called: a service that renders them has sent some."""
    path = tmp_path / name
    Image.fromarray(FRAMES[0]).save(path)

    with pytest.raises(NotAVideo, match="still picture"):
        lint(path.rename(tmp_path / "clip.mp4"))
