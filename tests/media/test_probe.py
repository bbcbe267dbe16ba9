"""What the headers say."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import pytest

from rushes.domain.errors import NotAVideo
from rushes.media.boxes import C2PA_UUID, carries_credentials, read_boxes
from rushes.media.probe import probe
from tests.media.footage import Footage, Sound, numbered, shoot, sign, tone

FRAMES = [numbered(at) for at in range(12)]


@pytest.mark.parametrize("rotation", [0, 90, 180, 270])
def test_rotation(tmp_path: Path, rotation: int) -> None:
    """The size is the one that is shown, and the turn is clockwise."""
    about = probe(shoot(tmp_path / "clip.mp4", Footage(frames=FRAMES, rotation=rotation)))
    assert about.orientation.rotation == rotation
    assert (about.width, about.height) == ((180, 320) if rotation in (90, 270) else (320, 180))


def test_odd_frame_rate(long: Path) -> None:
    """23.976 frames a second stay 24000/1001, and the length follows."""
    about = probe(long)
    assert about.fps == pytest.approx(24000 / 1001)
    assert about.seconds == pytest.approx(240 * 1001 / 24000, abs=0.001)
    assert about.frames == 240
    assert about.bytes == long.stat().st_size


def test_variable_frame_rate(tmp_path: Path) -> None:
    """The average is given for a clip whose frames last differently long."""
    times = [0, 40, 80, 500, 540, 1000, 1040, 1080, 1500, 1540, 1580, 1960]
    about = probe(shoot(tmp_path / "clip.mp4", Footage(frames=FRAMES, times=times)))
    assert about.seconds == pytest.approx(2.0, abs=0.4)
    assert about.fps == pytest.approx(12 / about.seconds, rel=0.01)


def test_sound_longer_than_pictures(tmp_path: Path) -> None:
    """The length is that of the pictures; the sound's is beside it."""
    path = shoot(tmp_path / "clip.mp4", Footage(frames=FRAMES, sounds=[Sound(samples=tone(2.0))]))
    about = probe(path)
    assert about.seconds == pytest.approx(0.5, abs=0.001)
    assert about.audio_seconds == pytest.approx(2.0, abs=0.05)


def test_no_sound(long: Path) -> None:
    """A clip without sound says so."""
    about = probe(long)
    assert (about.audio_codec, about.audio_channels, about.audio_rate, about.audio_tracks) == (None, 0, 0, 0)


def test_sound_alone_is_no_video(tmp_path: Path) -> None:
    """A file with sound and no pictures is refused, and says why."""
    path = tmp_path / "sound.mp4"
    with av.open(path, "w") as output:
        track = output.add_stream("aac", rate=48000, layout="stereo")
        frame = av.AudioFrame.from_ndarray(tone(0.5), format="fltp", layout="stereo")
        frame.sample_rate, frame.pts = 48000, 0
        output.mux(track.encode(frame))
        output.mux(track.encode(None))
    with pytest.raises(NotAVideo, match="only sound"):
        probe(path)


def test_c2pa_is_seen(healthy: Path, tmp_path: Path) -> None:
    """A content-credentials box is seen; any other uuid box is not taken for one."""
    data = healthy.read_bytes()
    end = int.from_bytes(data[:4], "big")
    for uuid, seen in ((C2PA_UUID, True), (bytes(16), False)):
        box = (24 + 100).to_bytes(4, "big") + b"uuid" + uuid + bytes(100)
        path = tmp_path / f"{seen}.mp4"
        path.write_bytes(data[:end] + box + data[end:])
        boxes = read_boxes(path)
        assert boxes is not None
        assert boxes.c2pa is seen


def test_credentials_of_a_file_behind_the_video_are_not_its_own(healthy: Path, tmp_path: Path) -> None:
    """A signed file that hangs on behind is foreign: who lists the boxes and who only asks agree on that."""
    signed = tmp_path / "signed.mp4"
    signed.write_bytes(healthy.read_bytes())
    both = tmp_path / "both.mp4"
    both.write_bytes(healthy.read_bytes() + sign(signed).read_bytes())
    for path, seen in ((signed, True), (both, False)):
        boxes = read_boxes(path)
        with path.open("rb") as file:
            asked = carries_credentials(file)
        assert boxes is not None
        assert (boxes.c2pa, asked) == (seen, seen)


@pytest.mark.parametrize("tail", [b"", b"\0\0\0\1", b"\0\0\0\1moov", b"\0\0\0\4free", b"\xff" * 40])
def test_broken_boxes_end_the_walk(tmp_path: Path, tail: bytes) -> None:
    """Nonsense in a size field neither raises nor loops."""
    path = tmp_path / "clip.mp4"
    path.write_bytes(b"\0\0\0\x10ftypisom\0\0\0\0" + tail)
    boxes = read_boxes(path)
    assert boxes is not None
    assert not boxes.has_moov


def test_names_with_colons(healthy: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file name with a colon is a file, not a protocol."""
    monkeypatch.chdir(tmp_path)
    Path("http:clip.mp4").write_bytes(healthy.read_bytes())
    assert probe("http:clip.mp4").frames == 72
    assert probe(Path("http:clip.mp4")).sar == Fraction(1)
