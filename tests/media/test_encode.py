"""What our own writer writes."""

from __future__ import annotations

import os
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from rushes.domain.errors import ReadOnly
from rushes.media.boxes import read_boxes
from rushes.media.decode import decode_all, decoded_sha256
from rushes.media.encode import VideoWriter, tag
from rushes.media.lint import lint
from rushes.media.probe import probe
from tests.media.footage import decoded, numbered, read_number, tone


def write(path: Path, frames: int = 30, fps: int | Fraction = 24, audio_rate: int | None = 48000) -> Path:
    with VideoWriter(path, width=320, height=180, fps=fps, audio_rate=audio_rate) as writer:
        for at in range(frames):
            writer.write_rgb(numbered(at))
        if audio_rate:
            writer.write_audio(tone(float(frames / fps), audio_rate).T)
    return path


def test_breaks_no_rule(tmp_path: Path) -> None:
    """A clip of the writer lints clean, decodes whole and says what it was asked to be."""
    path = write(tmp_path / "clip.mp4")
    about = probe(path)
    assert lint(path) == ()
    assert decode_all(path).findings == ()
    assert (about.width, about.height, about.fps, about.frames) == (320, 180, 24.0, 30)
    assert (about.video_codec, about.profile, about.pix_fmt, about.tag) == ("h264", "High", "yuv420p", "avc1")
    assert (about.primaries, about.transfer, about.matrix, about.full_range) == (1, 1, 1, False)
    assert (about.audio_codec, about.audio_profile, about.audio_channels) == ("aac", "LC", 2)
    assert [read_number(frame.to_ndarray(format="rgb24")) for frame in decoded(path)] == list(range(30))


def test_moov_first_and_no_bit_rate_box(tmp_path: Path) -> None:
    """The container options reach the container: the index comes first, and no box claims a bit rate of 0."""
    boxes = read_boxes(write(tmp_path / "clip.mp4"))
    assert boxes is not None
    assert boxes.moov_first
    assert all(track.average_bitrate != 0 for track in boxes.tracks)


def test_keyframe_every_two_seconds(tmp_path: Path) -> None:
    """No two keyframes are more than 2 s apart, at an odd frame rate too."""
    path = write(tmp_path / "clip.mp4", frames=130, fps=Fraction(24000, 1001), audio_rate=None)
    with av.open(path) as container:
        keys = [packet for packet in container.demux(video=0) if packet.is_keyframe and packet.size]
        times = [float((packet.pts or 0) * packet.time_base) for packet in keys]
    assert len(times) >= 3
    assert max(np.diff(times)) <= 2.0


def test_decoded_frames_keep_no_picture_type(tmp_path: Path, healthy: Path) -> None:
    """Frames from a decoder are tagged anew, so that they do not all become keyframes."""
    frames = decoded(healthy)
    for frame in frames:
        frame.pict_type = av.video.frame.PictureType.I
        tag(frame)
    assert {int(frame.pict_type) for frame in frames} == {0}


def test_red_is_bt709(tmp_path: Path) -> None:
    """Pure red becomes luma 63 as BT.709 has it, not 81 as BT.601 has it, and comes back red."""
    red = np.zeros((180, 320, 3), np.uint8)
    red[..., 0] = 255
    with VideoWriter(tmp_path / "red.mp4", width=320, height=180, fps=24, audio_rate=None) as writer:
        writer.write_rgb(red)
    frame = decoded(tmp_path / "red.mp4")[0]
    assert abs(int(frame.to_ndarray()[90, 100]) - 63) <= 1
    assert np.abs(frame.to_ndarray(format="rgb24")[90, 100].astype(int) - (255, 0, 0)).max() <= 4


def test_planes_arrive_where_they_belong(tmp_path: Path) -> None:
    """Luma and both colour planes are written as given, whatever their memory layout."""
    y = np.asfortranarray(np.tile(np.linspace(30, 220, 322).astype(np.uint8), (182, 1)))
    u, v = np.full((91, 161), 90, np.uint8), np.full((91, 161), 170, np.uint8)
    with VideoWriter(tmp_path / "p.mp4", width=322, height=182, fps=24, audio_rate=None, crf=4) as writer:
        writer.write_planes(y, u, v)
    got = decoded(tmp_path / "p.mp4")[0].to_ndarray()
    assert np.abs(got[:182].astype(int) - y).mean() < 2
    assert abs(float(got[182 : 182 + 45].mean()) - 90) < 2
    assert abs(float(got[-45:].mean()) - 170) < 2


def test_same_calls_same_pictures(tmp_path: Path) -> None:
    """Writing the same twice gives the same decoded pictures; another picture gives another sum."""
    first, second = write(tmp_path / "1.mp4"), write(tmp_path / "2.mp4", audio_rate=None)
    assert decoded_sha256(first) == decoded_sha256(second)
    assert decoded_sha256(first) != decoded_sha256(write(tmp_path / "3.mp4", frames=29))


def test_failing_leaves_nothing(tmp_path: Path) -> None:
    """An exception in the with-block comes out as it is, and no half clip stays behind."""
    path = tmp_path / "clip.mp4"

    def draw() -> None:
        with VideoWriter(path, width=320, height=180, fps=24) as writer:
            writer.write_rgb(numbered(0))
            raise RuntimeError("drawing failed")

    with pytest.raises(RuntimeError, match="drawing"):
        draw()
    assert not path.exists()


def test_empty_is_refused(tmp_path: Path) -> None:
    """A clip without a frame is refused and leaves nothing."""
    with (
        pytest.raises(ValueError, match="at least one frame"),
        VideoWriter(tmp_path / "clip.mp4", width=320, height=180, fps=24),
    ):
        pass
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("width", "height"), [(321, 180), (320, 181), (0, 180)])
def test_odd_size_is_refused(tmp_path: Path, width: int, height: int) -> None:
    """H.264 4:2:0 wants even sides."""
    with pytest.raises(ValueError, match="even"):
        VideoWriter(tmp_path / "clip.mp4", width=width, height=height, fps=24)


def test_wrong_shapes_are_refused(tmp_path: Path) -> None:
    """A frame of another size, sound of another shape or samples that are no numbers name themselves."""
    with VideoWriter(tmp_path / "clip.mp4", width=320, height=180, fps=24) as writer:
        writer.write_rgb(numbered(0))
        with pytest.raises(ValueError, match="320x180"):
            writer.write_rgb(numbered(0, 160, 90))
        with pytest.raises(ValueError, match="4:2:0"):
            writer.write_planes(*[np.zeros((180, 320), np.uint8)] * 3)
        with pytest.raises(ValueError, match=r"\(n, 2\)"):
            writer.write_audio(np.zeros(100, np.float32))
        with pytest.raises(ValueError, match="not a number"):
            writer.write_audio(np.full((100, 2), np.nan, np.float32))


def test_silent_track(tmp_path: Path) -> None:
    """A clip that was given no sound although it has a track still plays, its loudness unknown."""
    with VideoWriter(tmp_path / "clip.mp4", width=320, height=180, fps=24) as writer:
        for at in range(24):
            writer.write_rgb(numbered(at))
    assert lint(tmp_path / "clip.mp4") == ()
    assert decode_all(tmp_path / "clip.mp4").facts.loudness is None


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_folder_that_may_not_be_written(tmp_path: Path) -> None:
    """A folder without the right to write is our own error."""
    tmp_path.chmod(0o500)
    with pytest.raises(ReadOnly):
        VideoWriter(tmp_path / "clip.mp4", width=320, height=180, fps=24)


def test_folder_that_is_missing(tmp_path: Path) -> None:
    """A missing folder is an OSError that names the file."""
    with pytest.raises(OSError, match=r"clip\.mp4"):
        VideoWriter(tmp_path / "no" / "clip.mp4", width=320, height=180, fps=24)
