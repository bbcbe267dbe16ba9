"""Repairs: the least change that makes a clip play everywhere."""

from __future__ import annotations

import hashlib
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from rushes.domain.clip import Finding, Repair, Severity
from rushes.domain.errors import BeyondRepair
from rushes.media.decode import decode_all, decoded_sha256
from rushes.media.lint import lint
from rushes.media.probe import probe
from rushes.media.repair import Repaired, repair, worth_repairing
from tests.media.footage import Footage, Sound, decoded, numbered, read_number, shoot, tone

FRAMES = [numbered(at) for at in range(36)]
QUIET_265 = {"x265-params": "log-level=none", "preset": "ultrafast"}
SLOPPY: dict[str, str] = {}  # moov last, bit rate 0: what a plain libav writes


def repaired(path: Path) -> Path:
    """Repair everything that lint finds, check that the result is clean and the original as it was."""
    before = hashlib.sha256(path.read_bytes()).digest()
    target = path.with_name("repaired.mp4")
    assert repair(path, lint(path), target).path == target
    assert lint(target) == ()
    assert decode_all(target).findings == ()
    assert hashlib.sha256(path.read_bytes()).digest() == before
    assert sorted(item.name for item in path.parent.iterdir()) == sorted([path.name, target.name])
    return target


def numbers(path: Path) -> list[int]:
    return [read_number(frame.to_ndarray(format="rgb24")) for frame in decoded(path)]


def audio_packets(path: Path) -> list[bytes]:
    with av.open(path) as container:
        return [bytes(packet) for packet in container.demux(audio=0) if packet.size]


def test_healthy_clip_is_left_alone(healthy: Path, tmp_path: Path) -> None:
    """A clip with nothing to repair is handed back itself, and nothing is written."""
    target = tmp_path / "repaired.mp4"
    assert repair(healthy, lint(healthy), target) == Repaired(path=healthy)
    assert not target.exists()


def test_remux_keeps_pictures_and_sound(tmp_path: Path) -> None:
    """Moving the index and dropping the bit rate box leaves every picture and sound packet as it was."""
    sounds = [Sound(samples=tone(1.5))]
    path = shoot(tmp_path / "clip.mp4", Footage(frames=FRAMES, container=SLOPPY, sounds=sounds))
    assert {finding.code for finding in lint(path)} == {"moov_last", "btrt_zero"}
    made = repaired(path)
    assert decoded_sha256(made) == decoded_sha256(path)
    assert audio_packets(made) == audio_packets(path)
    assert probe(made).seconds == pytest.approx(probe(path).seconds, abs=0.001)
    assert probe(made).audio_seconds == pytest.approx(probe(path).audio_seconds, abs=0.03)


def test_hev1_by_remux(tmp_path: Path) -> None:
    """HEVC gets the name that Apple wants, its pictures untouched."""
    footage = Footage(frames=FRAMES, codec="libx265", codec_tag="hev1", options=QUIET_265)
    path = shoot(tmp_path / "clip.mp4", footage)
    needed = [one for one in lint(path) if one.code == "sample_entry"]
    made = repair(path, needed, tmp_path / "repaired.mp4").path
    assert probe(made).tag == "hvc1"
    assert decoded_sha256(made) == decoded_sha256(path)


def test_matroska_by_remux(tmp_path: Path) -> None:
    """H.264 in Matroska only changes its wrapping, times and order included."""
    path = shoot(
        tmp_path / "clip.mkv", Footage(frames=FRAMES, container={}, sounds=[Sound(samples=tone(1.5))])
    )
    made = repaired(path)
    assert decoded_sha256(made) == decoded_sha256(path)
    assert numbers(made) == list(range(36))


def test_untagged_hd_by_remux(tmp_path: Path) -> None:
    """An untagged HD clip is tagged in its headers without touching a picture."""
    frames = [numbered(at, 1280, 720) for at in range(3)]
    path = shoot(tmp_path / "clip.mp4", Footage(frames=frames, colour=None))
    made = repaired(path)
    about = probe(made)
    assert (about.primaries, about.transfer, about.matrix, about.full_range) == (1, 1, 1, False)
    assert decoded_sha256(made) == decoded_sha256(path)


def test_second_sound_track_goes(tmp_path: Path) -> None:
    """Of several sound tracks the first stays, as it is."""
    sounds = [Sound(samples=tone(1.5)), Sound(samples=tone(1.5, level=0.01))]
    path = shoot(tmp_path / "clip.mp4", Footage(frames=FRAMES, sounds=sounds))
    made = repaired(path)
    assert audio_packets(made) == audio_packets(path)


@pytest.mark.parametrize(
    "sound",
    [
        Sound(samples=tone(1.5), codec="libopus"),
        Sound(samples=tone(1.5, 44100), codec="libmp3lame", rate=44100),
        Sound(samples=tone(1.5, channels=6), layout="5.1"),
        Sound(samples=tone(1.5, 22050), rate=22050),
    ],
    ids=["opus", "mp3", "surround", "22050"],
)
def test_sound_alone_is_encoded(tmp_path: Path, sound: Sound) -> None:
    """Bad sound becomes AAC-LC stereo of the same length; the pictures are copied."""
    path = shoot(tmp_path / "clip.mp4", Footage(frames=FRAMES, sounds=[sound]))
    made = repaired(path)
    about = probe(made)
    assert (about.audio_codec, about.audio_channels) == ("aac", 2)
    assert about.audio_rate == (44100 if sound.rate == 44100 else 48000)
    assert about.audio_seconds == pytest.approx(1.5, abs=0.06)
    with av.open(made) as container:
        heard = sum(frame.samples for frame in container.decode(audio=0)) / about.audio_rate
    assert heard == pytest.approx(1.5, abs=0.06)
    assert decoded_sha256(made) == decoded_sha256(path)
    assert decode_all(made).facts.loudness == pytest.approx(decode_all(path).facts.loudness, abs=4)


@pytest.mark.parametrize(
    "footage",
    [
        Footage(frames=FRAMES, pix_fmt="yuv444p"),
        Footage(frames=FRAMES, pix_fmt="yuv420p10le"),
        Footage(frames=FRAMES, pix_fmt="yuvj420p", full_range=True),
        Footage(frames=FRAMES, codec="libsvtav1", options={"preset": "10", "crf": "20"}),
        Footage(frames=FRAMES, fps=Fraction(24000, 1001), sar=Fraction(4, 3)),
    ],
    ids=["444", "10bit", "full-range", "av1", "anamorphic"],
)
def test_pictures_are_encoded(tmp_path: Path, footage: Footage) -> None:
    """Pictures that phones refuse become 8-bit 4:2:0 H.264, every frame at its time, close to the old one."""
    path = shoot(tmp_path / "clip.mp4", footage)
    made = repaired(path)
    about, before = probe(made), probe(path)
    assert (about.video_codec, about.pix_fmt, about.sar) == ("h264", "yuv420p", Fraction(1))
    assert about.width == pytest.approx(before.width * before.sar, abs=1)
    assert about.fps == pytest.approx(before.fps, rel=1e-4)
    assert numbers(made) == numbers(path) == list(range(36))
    if before.sar == 1 and not before.full_range:
        old, new = (decoded(each)[20].to_ndarray(format="rgb24").astype(int) for each in (path, made))
        assert np.abs(old - new).mean() < 4


def test_pictures_are_encoded_sound_is_copied(tmp_path: Path) -> None:
    """Only what a finding is about is encoded; and not every new frame is a keyframe."""
    sounds = [Sound(samples=tone(1.5))]
    footage = Footage(frames=FRAMES, pix_fmt="yuv444p", gop=1, sounds=sounds)
    path = shoot(tmp_path / "clip.mp4", footage)
    made = repaired(path)
    assert audio_packets(made) == audio_packets(path)
    with av.open(made) as container:
        assert sum(packet.is_keyframe for packet in container.demux(video=0) if packet.size) <= 3


@pytest.mark.parametrize(("height", "standard"), [(180, "ITU601"), (720, "ITU709")])
def test_colours_keep_their_look(tmp_path: Path, height: int, standard: str) -> None:
    """Untagged colours are converted from what players take them for: BT.601 in SD, BT.709 in HD."""
    red = np.zeros((height, height * 16 // 9, 3), np.uint8)
    red[..., 0] = 255
    footage = Footage(frames=[red] * 3, colour=None, pix_fmt="yuv444p")
    path = shoot(tmp_path / "clip.mp4", footage)
    before = decoded(path)[0].to_ndarray(format="rgb24", src_colorspace=standard)[90, 160].astype(int)
    after = decoded(repaired(path))[0].to_ndarray(format="rgb24")[90, 160].astype(int)
    assert np.abs(before - after).max() <= 4


def test_variable_frame_rate_survives(tmp_path: Path) -> None:
    """Each frame of an encoded clip keeps its own time."""
    times = [0, 40, 80, 500, 540, 1000, 1040, 1080, 1500, 1540, 1580, 1960]
    footage = Footage(frames=FRAMES[:12], times=times, pix_fmt="yuv444p")
    made = repaired(shoot(tmp_path / "clip.mp4", footage))
    assert [round(frame.time * 1000) for frame in decoded(made)] == pytest.approx(times, abs=2)


def test_oversize_is_shrunk(tmp_path: Path) -> None:
    """A picture above what level 5.2 allows is made to fit, its shape kept and its sides even."""
    big = Footage(frames=[numbered(at, 8192, 4608) for at in range(2)], options={"preset": "ultrafast"})
    path = shoot(tmp_path / "clip.mp4", big)
    assert "level" in {finding.code for finding in lint(path) if finding.severity is Severity.ERROR}
    target = tmp_path / "repaired.mp4"
    repair(path, lint(path), target)
    about = probe(target)
    assert about.level is not None
    assert about.level <= 5.2
    assert about.width / about.height == pytest.approx(16 / 9, rel=0.01)


def test_no_repair_for_damage(healthy: Path, tmp_path: Path) -> None:
    """A file with an error that nothing repairs is refused, and nothing is written."""
    path = tmp_path / "clip.mp4"
    path.write_bytes(healthy.read_bytes()[:-5000])
    with pytest.raises(BeyondRepair, match="cut short"):
        repair(path, lint(path), tmp_path / "repaired.mp4")
    assert [item.name for item in tmp_path.iterdir()] == ["clip.mp4"]


def test_repair_that_does_not_help_is_refused(tmp_path: Path) -> None:
    """When the copy would not play either, it is not handed out."""
    path = shoot(tmp_path / "clip.mp4", Footage(frames=FRAMES[:3], pix_fmt="yuv444p"))
    wrong = Finding(code="moov_last", severity=Severity.ERROR, text="x.", repair=Repair.REMUX)
    with pytest.raises(BeyondRepair, match="could not be repaired"):
        repair(path, [wrong], tmp_path / "repaired.mp4")
    assert [item.name for item in tmp_path.iterdir()] == ["clip.mp4"]


def test_original_is_never_the_target(tmp_path: Path) -> None:
    """Naming the original as the destination is refused before anything is opened."""
    path = shoot(tmp_path / "clip.mp4", Footage(frames=FRAMES[:3], container=SLOPPY))
    with pytest.raises(ValueError, match="never overwritten"):
        repair(path, lint(path), path)


def test_worth_repairing() -> None:
    """Warnings alone are not worth a rewrite; beside an error, those that cost no more go along."""

    def finding(code: str, severity: Severity, repaired__by: Repair) -> Finding:
        return Finding(code=code, severity=severity, text="x.", repair=repaired__by)

    error = finding("moov_last", Severity.ERROR, Repair.REMUX)
    cheap = finding("colour_untagged", Severity.WARNING, Repair.REMUX)
    dear = finding("colour_tags", Severity.WARNING, Repair.REENCODE_VIDEO)
    none = finding("level", Severity.WARNING, Repair.NONE)
    assert worth_repairing([cheap, dear, none]) == ()
    assert worth_repairing([error, cheap, dear, none]) == (error, cheap)
