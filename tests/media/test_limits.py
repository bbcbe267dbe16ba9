"""Files that would take hours or gigabytes to decode are refused, with the limit in words (F20)."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from rushes.domain.errors import BadReference, BeyondRepair
from rushes.domain.request import Role
from rushes.media.decode import decode_all, decoded_sha256
from rushes.media.limits import Budget
from rushes.media.lint import lint
from rushes.media.probe import probe
from rushes.media.reference import check_reference
from rushes.media.sheet import bursts, frame_at, overview
from tests.media.footage import Footage, Sound, shoot, still, tone


def gif(path: Path, width: int, height: int) -> Path:
    """Write an animation of one small picture on a canvas of this size: forty bytes."""
    head = b"GIF89a" + struct.pack("<HHBBB", width, height, 0x80, 0, 0) + b"\0\0\0\xff\xff\xff"
    picture = b"\x2c" + struct.pack("<HHHHB", 0, 0, 1, 1, 0) + b"\x02\x02\x44\x01\x00"
    path.write_bytes(head + picture * 2 + b"\x3b")
    return path


DOORS: dict[str, Callable[[Path], object]] = {
    "decode": decode_all,
    "sum": decoded_sha256,
    "probe": probe,
    "lint": lint,
    "overview": lambda path: overview(path, path.with_suffix(".jpg")),
    "bursts": lambda path: bursts(path, path.with_suffix(".jpg")),
    "frame": lambda path: frame_at(path, 0.0, path.with_suffix(".jpg")),
}


SIDE = 9000


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a film of one picture of 81 million pixels, in a hundred kilobytes."""
    path = tmp_path_factory.mktemp("limits") / "large.mov"
    with av.open(path, "w") as output:
        stream = output.add_stream("png", rate=24)
        stream.width, stream.height, stream.pix_fmt = SIDE, SIDE, "gray"
        frame = av.VideoFrame.from_ndarray(np.zeros((SIDE, SIDE), np.uint8), format="gray")
        output.mux(stream.encode(frame))
        output.mux(stream.encode(None))
    return path


@pytest.mark.parametrize("door", DOORS.values(), ids=DOORS.keys())
def test_a_picture_beyond_any_camera_is_not_decoded(large: Path, door: Callable[[Path], object]) -> None:
    """F20: it is refused by what the headers say, before there is any memory for it."""
    with pytest.raises(BeyondRepair, match="have more than 67,108,864 pixels, the most"):
        door(large)


def test_a_picture_larger_than_its_header_says_is_not_decoded(large: Path, tmp_path: Path) -> None:
    """F20: a decoder may find another size than the headers say, and has the limit, too."""
    film = tmp_path / "film.mov"
    film.write_bytes(large.read_bytes().replace(struct.pack(">HH", SIDE, SIDE), struct.pack(">HH", 64, 64)))
    with pytest.raises(BeyondRepair, match=r"can be decoded|does not say how large"):
        decode_all(film)


def test_a_canvas_beyond_any_camera_is_not_made(tmp_path: Path) -> None:
    """F20: 16,000 by 16,000 pixels of an animation are a gigabyte, in fifty bytes."""
    with pytest.raises(BeyondRepair, match="have more than 67,108,864 pixels"):
        probe(gif(tmp_path / "bomb.gif", 16_000, 16_000))


def test_more_pictures_than_the_budget_are_not_decoded(healthy: Path) -> None:
    """F20: the pictures of a file are counted while they are decoded."""
    with pytest.raises(BeyondRepair, match="has 31 pictures; at most 30 are read"):
        decode_all(healthy, Budget(frames=30))


def test_more_pixels_than_the_budget_are_not_decoded(healthy: Path) -> None:
    """F20: few pictures may be many pixels."""
    with pytest.raises(BeyondRepair, match="has 115,200 pixels in all its pictures; at most 100,000"):
        decode_all(healthy, Budget(pixels=100_000))


def test_more_sound_than_the_budget_is_not_decoded(healthy: Path) -> None:
    """F20: a second of pictures may come with days of silence."""
    with pytest.raises(BeyondRepair, match="hours of sound"):
        decode_all(healthy, Budget(seconds=1.0))


def test_a_thousand_pictures_in_a_moment_are_no_film(tmp_path: Path) -> None:
    """F20: more pictures than any camera makes in that time."""
    film = tmp_path / "dense.mp4"
    with av.open(film, "w") as output:
        stream = output.add_stream("mpeg4", rate=30_000)
        stream.width, stream.height, stream.pix_fmt = 16, 16, "yuv420p"
        for number in range(1200):
            frame = av.VideoFrame(16, 16, "yuv420p")
            frame.pts, frame.time_base = number, Fraction(1, 30_000)
            output.mux(stream.encode(frame))
        output.mux(stream.encode(None))

    with pytest.raises(BeyondRepair, match=r"has 1,01\d pictures in its first 0\.03\d+ s; at most 300"):
        decode_all(film)


def sounding(path: Path, *sounds: Sound) -> Path:
    return shoot(path, Footage(frames=[still(100)] * 4, sounds=sounds))


def test_sound_that_nobody_hears_is_not_measured(tmp_path: Path) -> None:
    """F20: how much of it is kept to measure it grows with its rate."""
    fast = Sound(samples=tone(0.05, rate=1_000_000), codec="pcm_s16le", rate=1_000_000)
    with pytest.raises(BeyondRepair, match="has 1,000,000 samples of sound a second; at most 384,000"):
        decode_all(sounding(tmp_path / "fast.mov", fast))


def test_more_tracks_than_any_film_has_are_not_opened(tmp_path: Path) -> None:
    """F20: each of them takes a decoder."""
    many = [Sound(samples=tone(0.05), codec="pcm_s16le")] * 40
    with pytest.raises(BeyondRepair, match="has 41 tracks; at most 32 are read"):
        probe(sounding(tmp_path / "many.mov", *many))


def test_an_index_of_more_than_the_file_can_hold_is_not_read(healthy: Path, tmp_path: Path) -> None:
    """F20: two billion pictures of one size are a dozen bytes in an index, and 50 GB in memory."""
    data = healthy.read_bytes()
    at = data.index(b"stsz") + 8
    bomb = tmp_path / "index.mp4"
    bomb.write_bytes(data[:at] + struct.pack(">II", 1, 2**31 - 1) + data[at + 8 :])

    with pytest.raises(BeyondRepair, match=r"has 2,147,48\d,\d+ pictures and pieces of sound in its index"):
        probe(bomb)


def box(name: bytes, body: bytes) -> bytes:
    return struct.pack(">I4s", 8 + len(body), name) + body


def test_a_fragment_of_more_than_the_file_can_hold_is_not_read(tmp_path: Path) -> None:
    """F20: the same in a fragment, whose pictures need not be listed."""
    film = shoot(
        tmp_path / "film.mp4",
        Footage(frames=[still(100)] * 8, container={"movflags": "frag_keyframe+empty_moov"}),
    )
    run = box(b"trun", struct.pack(">II", 0, 2**30))
    track = box(b"traf", box(b"tfhd", struct.pack(">II", 0x20000, 1)) + run)
    film.write_bytes(film.read_bytes() + box(b"moof", box(b"mfhd", bytes(8)) + track) + box(b"mdat", b""))

    with pytest.raises(BeyondRepair, match=r"has 1,073,741,\d+ pictures and pieces of sound in its index"):
        probe(film)


def test_a_file_of_empty_boxes_is_not_walked_through(healthy: Path, tmp_path: Path) -> None:
    """F20: eight bytes each, and a step for each of them."""
    padded = tmp_path / "padded.mp4"
    padded.write_bytes(healthy.read_bytes() + box(b"free", b"") * 150_000)
    with pytest.raises(BeyondRepair, match="has 100,001 parts in its layout; at most 100,000 are read"):
        probe(padded)


def test_notes_of_megabytes_are_not_read(tmp_path: Path) -> None:
    """F20: what a file says of itself is kept in memory, and copied with a repair."""
    film = tmp_path / "notes.mkv"
    with av.open(film, "w") as output:
        output.metadata["comment"] = "x" * 5_000_000
        stream = output.add_stream("mpeg4", rate=24)
        stream.width, stream.height, stream.pix_fmt = 16, 16, "yuv420p"
        output.mux(stream.encode(av.VideoFrame(16, 16, "yuv420p")))
        output.mux(stream.encode(None))
    with pytest.raises(BeyondRepair, match="characters in its notes; at most"):
        probe(film)


def test_a_picture_as_a_hair_is_not_drawn(healthy: Path, tmp_path: Path) -> None:
    """F20: a pixel may be a million times as wide as high, and stills are drawn with square ones."""
    film = shoot(tmp_path / "hair.mp4", Footage(frames=[still(100)] * 4, sar=Fraction(2, 3)))
    data = film.read_bytes()
    at = data.index(b"pasp") + 4
    film.write_bytes(data[:at] + struct.pack(">II", 2**31 - 1, 1) + data[at + 8 :])
    with pytest.raises(BeyondRepair, match=r"as it is shown|times as wide as high"):
        frame_at(film, 0.0, tmp_path / "still.png")


# --- references ---


def png(path: Path, side: int) -> Path:
    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    head = struct.pack(">IIBBBBB", side, side, 1, 0, 0, 0, 0)
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", b"") + chunk(b"IEND", b""))
    return path


def webp(path: Path, side: int) -> Path:
    canvas = struct.pack("<I", side - 1)[:3]
    body = b"WEBP" + b"VP8X" + struct.pack("<I", 10) + b"\x02\0\0\0" + canvas * 2
    body += b"ANIM" + struct.pack("<I", 6) + bytes(6)
    path.write_bytes(b"RIFF" + struct.pack("<I", len(body)) + body)
    return path


def test_references_have_the_same_limits(large: Path, tmp_path: Path) -> None:
    """F20: pictures, videos and sounds that a request brings along are decoded here, too."""
    with pytest.raises(BadReference, match="50000x50000 pixels"):
        check_reference(Role.FIRST_FRAME, png(tmp_path / "bomb.png", 50_000))
    with pytest.raises(BadReference, match="has more pixels than a picture may have; at most 8192 a side"):
        check_reference(Role.FIRST_FRAME, webp(tmp_path / "bomb.webp", 16_383))
    with pytest.raises(BadReference, match="have more than 67,108,864 pixels, the most"):
        check_reference(Role.INPUT_VIDEO, large)
    fast = Sound(samples=tone(0.05, rate=1_000_000), codec="pcm_s16le", rate=1_000_000)
    with pytest.raises(BadReference, match=r"the sound .* samples of sound a second"):
        check_reference(Role.AUDIO, sounding(tmp_path / "fast.mov", fast))
