"""Each rule of the lint, on a real file that breaks it."""

from __future__ import annotations

import struct
from fractions import Fraction
from pathlib import Path

import av
import pytest

from rushes.domain.clip import Repair, Severity
from rushes.domain.errors import BeyondRepair, NotAVideo
from rushes.media.lint import RULES, lint
from tests.media.footage import Footage, Sound, decoded, numbered, relabel, shoot, tone

FRAMES = [numbered(at) for at in range(12)]
FASTSTART = {"movflags": "+faststart", "write_btrt": "0"}
QUIET_265 = {"x265-params": "log-level=none", "preset": "ultrafast"}


def codes(path: Path) -> dict[str, Repair]:
    return {finding.code: finding.repair for finding in lint(path)}


def test_healthy_clip_is_clean(healthy: Path) -> None:
    """A healthy clip has no finding."""
    assert lint(healthy) == ()


def test_rotated_clip_is_clean(tmp_path: Path) -> None:
    """A turn in the header is no fault."""
    assert lint(shoot(tmp_path / "clip.mp4", Footage(frames=FRAMES, rotation=90))) == ()


def test_moov_last(tmp_path: Path) -> None:
    """An index behind the pictures is found; so is the option in the wrong place, which does nothing."""
    options = {"preset": "superfast", "movflags": "+faststart"}
    footage = Footage(frames=FRAMES, container={"write_btrt": "0"}, options=options)
    assert codes(shoot(tmp_path / "clip.mp4", footage)) == {"moov_last": Repair.REMUX}


def test_btrt_of_zero(tmp_path: Path) -> None:
    """What every CRF encode writes by default is found: a bit rate of 0 that stalls WebKit."""
    footage = Footage(frames=FRAMES, container={"movflags": "+faststart"})
    assert codes(shoot(tmp_path / "clip.mp4", footage)) == {"btrt_zero": Repair.REMUX}


def test_hev1(tmp_path: Path) -> None:
    """HEVC under the name that Apple players do not show is found."""
    footage = Footage(frames=FRAMES, codec="libx265", codec_tag="hev1", options=QUIET_265)
    found = {"sample_entry": Repair.REMUX, "hevc": Repair.REENCODE_VIDEO}
    assert codes(shoot(tmp_path / "clip.mp4", footage)) == found


@pytest.mark.parametrize(
    ("pix_fmt", "code"), [("yuv420p10le", "bit_depth"), ("yuv422p", "chroma"), ("yuv444p", "chroma")]
)
def test_pixels(tmp_path: Path, pix_fmt: str, code: str) -> None:
    """More than 8 bits and finer colour than 4:2:0 are found."""
    path = shoot(tmp_path / "clip.mp4", Footage(frames=FRAMES, pix_fmt=pix_fmt))
    assert codes(path) == {code: Repair.REENCODE_VIDEO}


@pytest.mark.parametrize(
    ("level", "found"),
    [("4.2", []), ("5.1", [Severity.WARNING]), ("5.2", [Severity.WARNING]), ("6", [Severity.ERROR])],
)
def test_level(healthy: Path, tmp_path: Path, level: str, found: list[Severity]) -> None:
    """Levels above 4.2 are a warning, above 5.2 an error."""
    path = relabel(healthy, tmp_path / "clip.mp4", f"h264_metadata=level={level}")
    assert [finding.severity for finding in lint(path) if finding.code == "level"] == found


def test_odd_size(tmp_path: Path) -> None:
    """An odd side is found; H.264 4:2:0 cannot have one, VP9 can."""
    options = {"deadline": "realtime", "cpu-used": "8"}
    footage = Footage(frames=[numbered(0, 321, 181)], codec="libvpx-vp9", options=options)
    assert codes(shoot(tmp_path / "clip.mp4", footage))["odd_size"] is Repair.REENCODE_VIDEO


def test_pixel_shape(tmp_path: Path) -> None:
    """Pixels that are not square are a warning."""
    path = shoot(tmp_path / "clip.mp4", Footage(frames=FRAMES, sar=Fraction(4, 3)))
    assert codes(path) == {"pixel_shape": Repair.REENCODE_VIDEO}


def test_untagged_colours(tmp_path: Path) -> None:
    """Missing colour tags are a warning: tagging mends HD, an SD clip has to be converted."""
    small = shoot(tmp_path / "sd.mp4", Footage(frames=FRAMES, colour=None))
    large = shoot(tmp_path / "hd.mp4", Footage(frames=[numbered(0, 1280, 720)] * 2, colour=None))
    assert codes(small) == {"colour_untagged": Repair.REENCODE_VIDEO}
    assert codes(large) == {"colour_untagged": Repair.REMUX}
    assert {finding.severity for finding in lint(small)} == {Severity.WARNING}


def test_other_colours(tmp_path: Path) -> None:
    """Tags other than BT.709, and full range, are warnings."""
    bt601 = shoot(tmp_path / "601.mp4", Footage(frames=FRAMES, colour=(6, 6, 6)))
    full = shoot(tmp_path / "full.mp4", Footage(frames=FRAMES, pix_fmt="yuvj420p", full_range=True))
    assert codes(bt601) == {"colour_tags": Repair.REENCODE_VIDEO}
    assert codes(full) == {"colour_range": Repair.REENCODE_VIDEO}
    assert {finding.severity for finding in lint(bt601) + lint(full)} == {Severity.WARNING}


@pytest.mark.parametrize(("codec", "name"), [("libopus", "opus"), ("libmp3lame", "mp3")])
def test_sound_that_is_not_aac(tmp_path: Path, codec: str, name: str) -> None:
    """Opus and MP3 inside an MP4 are found, and named."""
    sound = Sound(samples=tone(0.5), codec=codec)
    path = shoot(tmp_path / "clip.mp4", Footage(frames=FRAMES, sounds=[sound]))
    assert codes(path) == {"audio_codec": Repair.REENCODE_AUDIO}
    assert name in lint(path)[0].text


def test_surround(tmp_path: Path) -> None:
    """More than two channels are found."""
    sound = Sound(samples=tone(0.5, channels=6), layout="5.1")
    path = shoot(tmp_path / "clip.mp4", Footage(frames=FRAMES, sounds=[sound]))
    assert codes(path) == {"audio_channels": Repair.REENCODE_AUDIO}


def test_two_sound_tracks(tmp_path: Path) -> None:
    """More than one sound track is found."""
    sounds = [Sound(samples=tone(0.5)), Sound(samples=tone(0.5, level=0.01))]
    path = shoot(tmp_path / "clip.mp4", Footage(frames=FRAMES, sounds=sounds))
    assert codes(path) == {"audio_tracks": Repair.REMUX}


def test_odd_sampling_rate(tmp_path: Path) -> None:
    """A sampling rate other than 44.1 or 48 kHz is a warning; mono and 44.1 kHz are fine."""
    slow = Sound(samples=tone(0.5, 22050), rate=22050)
    mono = Sound(samples=tone(0.5, 44100, channels=1), rate=44100, layout="mono")
    assert codes(shoot(tmp_path / "a.mp4", Footage(frames=FRAMES, sounds=[slow]))) == {
        "audio_rate": Repair.REENCODE_AUDIO
    }
    assert lint(shoot(tmp_path / "b.mp4", Footage(frames=FRAMES, sounds=[mono]))) == ()


@pytest.mark.parametrize(
    ("codec", "options"),
    [("libsvtav1", {"preset": "13"}), ("libvpx-vp9", {"deadline": "realtime", "cpu-used": "8"})],
)
def test_other_video_codecs(tmp_path: Path, codec: str, options: dict[str, str]) -> None:
    """AV1 and VP9 inside an MP4 are found."""
    path = shoot(tmp_path / "clip.mp4", Footage(frames=FRAMES, codec=codec, options=options))
    assert codes(path)["video_codec"] is Repair.REENCODE_VIDEO


def test_wrong_container(tmp_path: Path) -> None:
    """Matroska is an error, QuickTime a warning, and both are named whatever the file is called."""
    mkv = shoot(tmp_path / "mkv.mp4", Footage(frames=FRAMES, format="matroska", container={}))
    mov = shoot(tmp_path / "mov.mp4", Footage(frames=FRAMES, format="mov", container=FASTSTART))
    found = lint(mkv)[0]
    assert (found.code, found.severity, found.repair) == ("container", Severity.ERROR, Repair.REMUX)
    assert "matroska" in found.text
    assert [(finding.code, finding.severity) for finding in lint(mov)] == [("container", Severity.WARNING)]


def test_truncated(healthy: Path, tmp_path: Path) -> None:
    """A cut tail is seen without decoding and has no repair."""
    path = tmp_path / "clip.mp4"
    path.write_bytes(healthy.read_bytes()[:-5000])
    found = lint(path)[0]
    assert (found.code, found.severity, found.repair) == ("truncated", Severity.ERROR, Repair.NONE)
    assert "5000 bytes" in found.text


def test_truncated_where_no_box_tells(healthy: Path, tmp_path: Path) -> None:
    """A cut tail is seen from the index where the box of the pictures runs "to the end of the file"."""
    data = bytearray(healthy.read_bytes())
    at = data.index(b"mdat") - 4
    data[at : at + 4] = struct.pack(">I", 0)
    path = tmp_path / "clip.mp4"
    path.write_bytes(data)
    assert lint(path) == ()
    path.write_bytes(data[:-5000])
    assert [finding.code for finding in lint(path)] == ["truncated"]


def test_missing_moov(tmp_path: Path) -> None:
    """A download that lacks the index at its end is beyond repair, and the message names it."""
    whole = shoot(tmp_path / "whole.mp4", Footage(frames=FRAMES, container={}))
    data = whole.read_bytes()
    path = tmp_path / "clip.mp4"
    path.write_bytes(data[: data.index(b"moov") - 4])
    with pytest.raises(BeyondRepair, match=r"clip\.mp4 is cut short or damaged"):
        lint(path)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"<!DOCTYPE html><html><body>Sign in</body></html>", "web page"),
        (b"\n  <html>\n", "web page"),
        (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR", "a still picture .PNG"),
        (b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR" + bytes(17) + b"\0\0\0\x08acTL", "an animated picture .PNG"),
        (b"RIFF\0\1\0\0WEBPVP8X\n\0\0\0\x12" + bytes(9) + b"ANIM", "an animated picture .WebP"),
        (b'{"error": "expired"}', "JSON"),
        (b"", "empty"),
        (bytes(range(256)) * 9, "not a video"),
        (b"#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9,\n/etc/hostname\n", "not a video"),
    ],
)
def test_not_a_video(tmp_path: Path, content: bytes, says: str) -> None:
    """A saved web page, a JSON answer, nothing, noise and a playlist are named as what they are."""
    path = tmp_path / "clip.mp4"
    path.write_bytes(content)
    with pytest.raises(NotAVideo, match=says) as caught:
        lint(path)
    assert "clip.mp4" in str(caught.value)
    assert caught.value.__cause__ is not None


def test_playlists_are_not_followed(healthy: Path, tmp_path: Path) -> None:
    """A "clip" that lists other files is refused, and those are not opened, healthy as they may be."""
    (tmp_path / "other.mp4").write_bytes(healthy.read_bytes())
    path = tmp_path / "clip.mp4"
    path.write_text("ffconcat version 1.0\nfile other.mp4\n")
    with pytest.raises(NotAVideo, match="not a video"):
        lint(path)


def test_no_file(tmp_path: Path) -> None:
    """A missing file and a folder are not videos."""
    with pytest.raises(NotAVideo, match="does not exist"):
        lint(tmp_path / "none.mp4")
    with pytest.raises(NotAVideo, match="folder"):
        lint(tmp_path)


def test_every_finding_is_a_sentence(tmp_path: Path) -> None:
    """Findings read as one plain sentence, worst first; each rule names its source."""
    sounds = [Sound(samples=tone(0.5), codec="libopus"), Sound(samples=tone(0.5))]
    footage = Footage(frames=FRAMES, pix_fmt="yuv444p", colour=None, container={}, sounds=sounds)
    found = lint(shoot(tmp_path / "clip.mp4", footage))
    assert len(found) >= 5
    assert all(finding.text[0].isupper() and finding.text.endswith(".") for finding in found)
    errors = [finding.severity is Severity.ERROR for finding in found]
    assert errors == sorted(errors, reverse=True)
    assert all(rule.__doc__ for rule in RULES)


def test_only_headers_are_read(healthy: Path, tmp_path: Path) -> None:
    """All frames but the first may be zeros: lint goes by the headers, which are those of a healthy clip."""
    hollow, data = tmp_path / "hollow.mp4", bytearray(healthy.read_bytes())
    with av.open(healthy) as container:
        for entry in list(container.streams.video[0].index_entries)[1:]:
            data[entry.pos : entry.pos + entry.size] = bytes(entry.size)
    hollow.write_bytes(data)
    with pytest.raises(av.error.InvalidDataError):
        decoded(hollow)
    assert lint(hollow) == ()
