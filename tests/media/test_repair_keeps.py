"""What a repaired file keeps of the original: its turn, what goes with it; and what is told as lost."""

from __future__ import annotations

import struct
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from av.stream import Disposition
from numpy.typing import NDArray
from PIL import Image

from rushes.domain.clip import Finding, Repair, Severity
from rushes.media.lint import lint
from rushes.media.repair import repair, worth_repairing
from tests.media.footage import Footage, Pixels, Sound, decoded, numbered, shoot, still, tone
from tests.media.movie import read_movie, set_turn

REMUX = Finding(code="x", severity=Severity.WARNING, text="x.", repair=Repair.REMUX)
VIDEO = Finding(code="x", severity=Severity.WARNING, text="x.", repair=Repair.REENCODE_VIDEO)
WIDTH, HEIGHT = 96, 64
# The eight matrices (a, b, c, d) of a track header, and what each does to a picture.
TURNS: dict[str, tuple[tuple[int, ...], Callable[[NDArray[Any]], NDArray[Any]]]] = {
    "upright": ((1, 0, 0, 1), lambda picture: picture),
    "right": ((0, 1, -1, 0), lambda picture: np.rot90(picture, k=-1)),
    "over": ((-1, 0, 0, -1), lambda picture: picture[::-1, ::-1]),
    "left": ((0, -1, 1, 0), lambda picture: np.rot90(picture)),
    "mirrored": ((-1, 0, 0, 1), lambda picture: picture[:, ::-1]),
    "flipped": ((1, 0, 0, -1), lambda picture: picture[::-1]),
    "transposed": ((0, 1, 1, 0), lambda picture: picture.swapaxes(0, 1)),
    "transverse": ((0, -1, -1, 0), lambda picture: picture[::-1, ::-1].swapaxes(0, 1)),
}


def corners() -> Pixels:
    """Return a picture with another colour in each quarter."""
    picture = np.empty((HEIGHT, WIDTH, 3), np.uint8)
    picture[: HEIGHT // 2, : WIDTH // 2] = (200, 40, 40)
    picture[: HEIGHT // 2, WIDTH // 2 :] = (40, 200, 40)
    picture[HEIGHT // 2 :, : WIDTH // 2] = (40, 40, 200)
    picture[HEIGHT // 2 :, WIDTH // 2 :] = (200, 200, 200)
    return picture


@pytest.mark.parametrize("name", TURNS)
@pytest.mark.parametrize("kind", [REMUX, VIDEO], ids=["copied", "encoded"])
def test_pictures_stay_the_right_way_up(tmp_path: Path, name: str, kind: Finding) -> None:
    """Turned and mirrored pictures are shown as before: by the same matrix, or stored as they are shown."""
    turn, show = TURNS[name]
    path = shoot(tmp_path / "clip.mp4", Footage(frames=[corners()] * 2, options={"crf": "8"}))
    set_turn(path, turn, WIDTH, HEIGHT)
    made = repair(path, [kind], tmp_path / "repaired.mp4").path
    before, after = (decoded(one)[0].to_ndarray(format="rgb24").astype(int) for one in (path, made))
    if kind is REMUX:
        assert read_movie(made).turns["vide"] == turn
        assert np.array_equal(before, after)
    else:
        assert read_movie(made).turns["vide"] == (1, 0, 0, 1)
        assert np.abs(show(before) - after).mean() < 6
    assert worth_repairing(lint(made), kind.repair) == ()


def test_matrix_that_scales_is_straightened(tmp_path: Path) -> None:
    """A scale, over which players pass, is not in a copy; the turn is, and it is told."""
    path = shoot(tmp_path / "clip.mp4", Footage(frames=[corners()] * 2))
    set_turn(path, (0, 2, -2, 0), WIDTH, HEIGHT)
    made = repair(path, [REMUX], tmp_path / "repaired.mp4")
    assert read_movie(made.path).turns["vide"] == (0, 1, -1, 0)
    assert ["scaled" in note for note in made.notes] == [True]


@pytest.mark.parametrize("tail", [b"\r\n--boundary7f3a--\r\n", bytes(5000), b"\xff" * 40])
def test_foreign_bytes_at_the_end_go(tmp_path: Path, tail: bytes) -> None:
    """What stands after the last box of a file is not in its copy."""
    path = shoot(tmp_path / "clip.mp4", Footage(frames=[corners()] * 2))
    whole = path.stat().st_size
    path.write_bytes(path.read_bytes() + tail)
    made = repair(path, [REMUX], tmp_path / "repaired.mp4").path
    assert read_movie(made).rest == 0
    assert made.stat().st_size == pytest.approx(whole, abs=100)


def woven(count: int) -> list[Pixels]:
    """Return pictures woven of two moments each: a light bar has moved on in every other line."""
    frames = []
    for at in range(count):
        frame = still(50, WIDTH, HEIGHT)
        for line, moment in ((0, 2 * at), (1, 2 * at + 1)):
            frame[line::2, 4 * moment : 4 * moment + 16] = 210
        frames.append(frame)
    return frames


def combs(path: Path) -> float:
    """Return how much neighbouring lines differ, in grey levels."""
    grey = np.stack([frame.to_ndarray(format="gray") for frame in decoded(path)]).astype(int)
    return float(np.abs(np.diff(grey, axis=1)).mean())


@pytest.mark.parametrize("kind", [REMUX, VIDEO], ids=["copied", "encoded"])
def test_interlaced_pictures(tmp_path: Path, kind: Finding) -> None:
    """A copy leaves interlaced pictures as they are; encoded again they are whole and as many; told."""
    options = {"preset": "superfast", "x264-params": "tff=1", "crf": "10"}
    path = shoot(tmp_path / "clip.mp4", Footage(frames=woven(10), options=options))
    made = repair(path, [kind], tmp_path / "repaired.mp4")
    before, after = decoded(path), decoded(made.path)
    assert [frame.time for frame in after] == pytest.approx([frame.time for frame in before])
    assert {frame.interlaced_frame for frame in before} == {True}
    assert {frame.interlaced_frame for frame in after} == {kind is REMUX}
    assert ["deinterlaced" in note for note in made.notes] == [True] * (kind is VIDEO)
    if kind is VIDEO:
        assert combs(made.path) < combs(path) / 4


def furnished(folder: Path) -> Path:
    """Write an MP4 with a title, a place, chapters, a cover, subtitles, and two languages of sound."""
    sounds = [Sound(samples=tone(1.0)), Sound(samples=tone(1.0, level=0.01))]
    plain = shoot(folder / "plain.mp4", Footage(frames=[corners()] * 24, sounds=sounds))
    path = folder / "clip.mp4"
    options = {"movflags": "+faststart", "write_btrt": "0"}
    with av.open(plain) as source, av.open(path, "w", options=options) as output:
        output.metadata.update(title="Rain", comment="by night", location="+48.8577+002.2950/")
        output.metadata["creation_time"] = "2024-05-06T07:08:09Z"
        copies = {stream.index: output.add_stream_from_template(stream) for stream in source.streams}
        copies[1].metadata["language"], copies[2].metadata["language"] = "deu", "fra"
        text = output.add_mux_stream("mov_text", time_base=Fraction(1, 1000))
        text.metadata["language"] = "eng"
        cover = output.add_stream("png", rate=1)
        cover.width, cover.height, cover.pix_fmt = 16, 16, "rgb24"
        cover.disposition = Disposition.attached_pic
        tick = Fraction(1, 1000)
        output.set_chapters(
            [
                {
                    "id": at,
                    "start": 400 * at,
                    "end": 400 * at + 400,
                    "time_base": tick,
                    "metadata": {"title": name},
                }
                for at, name in enumerate(("First", "Second"))
            ]
        )
        for packet in source.demux():
            if packet.size:
                packet.stream = copies[packet.stream.index]
                output.mux(packet)
        line = av.Packet(b"\0\7" + "Grüße".encode())
        line.pts, line.dts, line.duration, line.time_base, line.stream = 200, 200, 300, tick, text
        output.mux(line)
        output.mux(cover.encode(av.VideoFrame.from_ndarray(still(90, 16, 16), format="rgb24")))
        output.mux(cover.encode(None))
    return path


@pytest.mark.parametrize("kind", [REMUX, VIDEO], ids=["copied", "encoded"])
def test_what_goes_with_a_film_stays(tmp_path: Path, kind: Finding) -> None:
    """Title, date, place, chapters, cover, subtitles and language stay; the second sound is told as lost."""
    path = furnished(tmp_path)
    made = repair(path, [kind], tmp_path / "repaired.mp4")
    assert lint(made.path) == ()
    with av.open(made.path) as container:
        notes = container.metadata
        assert (notes["title"], notes["comment"]) == ("Rain", "by night")
        assert notes["creation_time"].startswith("2024-05-06T07:08:09")
        assert notes["location"].startswith("+48.8577")
        assert [(one["start"], one["metadata"]["title"]) for one in container.chapters()] == [
            (0, "First"),
            (400, "Second"),
        ]
        assert [stream.metadata["language"] for stream in container.streams.audio] == ["deu"]
        (subtitles,) = container.streams.subtitles
        assert subtitles.metadata["language"] == "eng"
        lines = [
            (float((one.pts or 0) * one.time_base), bytes(one)[2:])
            for one in container.demux(subtitles)
            if one.size
        ]
        assert (0.2, "Grüße".encode()) in lines
        (cover,) = [one for one in container.streams.video if one.disposition & Disposition.attached_pic]
        assert cover.codec_context.width == 16
    assert made.notes == ("1 other sound track is left out: phones may refuse a clip with several.",)


def test_plain_subtitles_become_those_of_mp4(tmp_path: Path) -> None:
    """Subtitles of Matroska are kept, without their markup, at their times."""
    plain = shoot(tmp_path / "plain.mp4", Footage(frames=[corners()] * 24))
    path = tmp_path / "clip.mkv"
    with av.open(plain) as source, av.open(path, "w") as output:
        pictures = output.add_stream_from_template(source.streams.video[0])
        text = output.add_mux_stream("subrip", time_base=Fraction(1, 1000))
        for packet in source.demux():
            if packet.size:
                packet.stream = pictures
                output.mux(packet)
        line = av.Packet("<i>Hallo</i> Wörld".encode())
        line.pts, line.dts, line.duration, line.time_base, line.stream = (
            200,
            200,
            300,
            Fraction(1, 1000),
            text,
        )
        output.mux(line)
    made = repair(path, lint(path), tmp_path / "repaired.mp4")
    with av.open(made.path) as container:
        (subtitles,) = container.streams.subtitles
        lines = [
            (float((one.pts or 0) * one.time_base), bytes(one)[2:])
            for one in container.demux(subtitles)
            if one.size
        ]
    assert (0.2, "Hallo Wörld".encode()) in lines
    assert made.notes == ()


def test_lost_credentials_are_told(tmp_path: Path) -> None:
    """A signed file loses its C2PA manifest with any rewrite: that is said."""
    path = shoot(tmp_path / "clip.mp4", Footage(frames=[corners()] * 2))
    manifest = bytes.fromhex("d8fec3d61b0e483c92975828877ec481") + bytes(40)
    path.write_bytes(path.read_bytes() + struct.pack(">I4s", 8 + len(manifest), b"uuid") + manifest)
    made = repair(path, [REMUX], tmp_path / "repaired.mp4")
    assert ["C2PA" in note for note in made.notes] == [True]


def test_lost_transparency_is_told(tmp_path: Path) -> None:
    """H.264 has no transparency: that it is gone is said."""
    path = shoot(
        tmp_path / "clip.webm",
        Footage(frames=[corners()] * 3, codec="libvpx-vp9", pix_fmt="yuva420p", options={}, container={}),
    )
    made = repair(path, lint(path), tmp_path / "repaired.mp4")
    assert ["transparency" in note for note in made.notes] == [True]


@pytest.mark.parametrize("level", [255, 0])
def test_only_what_is_transparent_is_told(tmp_path: Path, level: int) -> None:
    """Every GIF may be transparent, and few are: it is said of those alone."""
    picture = Image.new("RGBA", (64, 48), (200, 30, 30, 255))
    picture.paste((0, 0, 0, level), (0, 0, 32, 48))
    path = tmp_path / "clip.gif"
    other = Image.new("RGBA", (64, 48), (30, 200, 30, 255))
    picture.save(path, save_all=True, append_images=[other], duration=100)
    made = repair(path, lint(path), tmp_path / "repaired.mp4")
    assert ["transparency" in note for note in made.notes] == [True] * (level == 0)


def test_channels_that_are_mixed_down_are_told(tmp_path: Path) -> None:
    """That surround sound has become stereo is said."""
    sound = Sound(samples=tone(0.5, channels=6), layout="5.1")
    path = shoot(tmp_path / "clip.mp4", Footage(frames=[numbered(0)] * 12, sounds=[sound]))
    made = repair(path, lint(path), tmp_path / "repaired.mp4")
    assert made.notes == ("The 6 channels of the sound are mixed down to stereo.",)


def test_untagged_stream_of_hd_is_copied(tmp_path: Path) -> None:
    """MPEG-TS without colour tags is wrapped anew, and tagged if it is HD; SD is not, to keep its look."""
    for height, tags in ((720, 1), (180, 2)):
        footage = Footage(frames=[numbered(0, height * 16 // 9, height)] * 2, colour=None, container={})
        path = shoot(tmp_path / f"{height}.ts", footage)
        made = repair(path, worth_repairing(lint(path)), tmp_path / f"{height}.mp4").path
        with av.open(made) as container:
            assert container.streams.video[0].codec_context.colorspace == tags
