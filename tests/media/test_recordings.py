"""Files that were cut out of a stream, or hold several: no index, and they begin anywhere."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import av
import pytest

from rushes.domain.errors import BeyondRepair
from rushes.media.decode import decode_all
from rushes.media.lint import lint
from rushes.media.repair import repair, worth_repairing
from rushes.media.sheet import frame_at
from tests.media.footage import Footage, Sound, decoded, numbered, pixels, read_number, shoot, tone

FRAMES, GROUP = 48, 24
PACKET = 188  # bytes of MPEG-TS
B_FRAMES = {"preset": "veryfast", "bf": "3", "x264-params": "scenecut=0"}


def record(
    path: Path, codec: str = "libx264", start_pid: int = 256, first: int = 0, offset: float = 0.0
) -> Path:
    """Write two groups of numbered frames, with B-frames, and sound."""
    options = B_FRAMES if codec == "libx264" else {"bf": "2", "b": "4000000"}
    tracks = {"mpegts_start_pid": str(start_pid), "mpegts_pmt_start_pid": str(16 * start_pid)}
    footage = Footage(
        frames=[numbered(first + number) for number in range(FRAMES)],
        codec=codec,
        options=options,
        gop=GROUP,
        container={**tracks, "output_ts_offset": f"{offset}"} if path.suffix == ".ts" else {},
        sounds=[Sound(samples=tone(FRAMES / 24), codec="aac" if codec == "libx264" else "mp2")],
    )
    return shoot(path, footage)


def sounds(path: Path) -> list[int]:
    with av.open(path) as container:
        return [packet.size for packet in container.demux(audio=0) if packet.size]


def number_at(path: Path, seconds: float) -> int:
    return read_number(pixels(frame_at(path, seconds, path.with_suffix(".png"))))


def numbers(path: Path) -> list[int]:
    return [read_number(frame.to_ndarray(format="rgb24")) for frame in decoded(path)]


@pytest.mark.parametrize(("name", "codec"), [("clip.ts", "libx264"), ("clip.mpg", "mpeg2video")])
def test_frames_of_a_stream_are_those_at_their_times(tmp_path: Path, name: str, codec: str) -> None:
    """The first group of pictures is not left out: a stream is searched by times of decoding."""
    clip = record(tmp_path / name, codec)
    assert [number_at(clip, number / 24) for number in (0, 1, 10, 30)] == [0, 1, 10, 30]


def test_a_recording_that_begins_within_a_group_begins_at_its_keyframe(tmp_path: Path) -> None:
    """What cannot be decoded before is not damage, and the copy begins with what players show."""
    stream = record(tmp_path / "whole.ts").read_bytes()
    cut = tmp_path / "cut.ts"
    cut.write_bytes(stream[len(stream) // PACKET // 3 * PACKET :])
    with av.open(cut) as container:
        keys = [packet.is_keyframe for packet in container.demux(video=0) if packet.size]
    assert 0 < keys.index(True) < GROUP
    assert decode_all(cut).findings == ()
    assert number_at(cut, 0) == GROUP
    copy = repair(cut, worth_repairing(lint(cut)), tmp_path / "copy.mp4")
    assert numbers(copy.path) == list(range(GROUP, FRAMES))
    # The notes say how long the first picture is shown for want of those before it.
    shown = decoded(copy.path)
    assert shown[0].time == 0
    held = float(shown[1].time - 1 / Fraction(24))
    assert any(f"{held:.2g} s after the sound" in note for note in copy.notes)


@pytest.mark.parametrize("name", ["cut.ts", "cut.mkv"])
def test_pictures_that_lead_to_the_first_keyframe_are_not_damage(tmp_path: Path, name: str) -> None:
    """In an open group they refer to the group before: a file that begins with one never shows them."""
    params = f"log-level=error:open-gop=1:keyint={GROUP}:min-keyint={GROUP}:bframes=4:scenecut=0"
    footage = Footage(
        frames=[numbered(number) for number in range(FRAMES)],
        codec="libx265",
        options={"preset": "fast", "x265-params": params},
        gop=GROUP,
    )
    whole, cut = shoot(tmp_path / "whole.mkv", footage), tmp_path / name
    with av.open(whole) as source, av.open(cut, "w") as output:
        copy = output.add_stream_from_template(source.streams.video[0])
        packets = [packet for packet in source.demux(video=0) if packet.size]
        second = [at for at, packet in enumerate(packets) if packet.is_keyframe][1]
        kept = packets[second:]
        first = kept[0].pts
        assert first is not None
        assert any(packet.pts is not None and packet.pts < first for packet in kept[1:]), "no open group"
        for packet in kept:
            packet.stream = copy
            output.mux(packet)
    assert decode_all(cut).findings == ()
    assert number_at(cut, 0) == GROUP
    repaired = repair(cut, worth_repairing(lint(cut)), tmp_path / "copy.mp4").path
    assert numbers(repaired) == list(range(GROUP, FRAMES))
    assert [finding.code for finding in lint(repaired)] == ["hevc"]


def test_a_programme_that_begins_later_is_passed_over(tmp_path: Path) -> None:
    """Tracks that are not there at first are no internal error: the clip is that of the first ones."""
    first = record(tmp_path / "first.ts").read_bytes()
    second = record(tmp_path / "second.ts", start_pid=300, first=100).read_bytes()
    both = tmp_path / "both.ts"
    both.write_bytes(first + second)
    assert decode_all(both).facts.frames == FRAMES
    copy = repair(both, worth_repairing(lint(both)), tmp_path / "copy.mp4").path
    assert numbers(copy) == list(range(FRAMES))


def test_recordings_that_overlap_a_little_are_copied(tmp_path: Path) -> None:
    """Their sound goes back by less than a clock that starts again: the copy has all of it, in order."""
    first = record(tmp_path / "first.ts").read_bytes()
    second = record(tmp_path / "second.ts", offset=FRAMES / 24 - 0.3).read_bytes()
    both = tmp_path / "both.ts"
    both.write_bytes(first + second)
    copy = repair(both, worth_repairing(lint(both)), tmp_path / "copy.mp4").path
    assert len(sounds(copy)) == len(sounds(both))


def test_a_clock_that_starts_again_is_told(tmp_path: Path) -> None:
    """Two recordings with the same times would be woven into one, half as long."""
    stream = record(tmp_path / "one.ts").read_bytes()
    both = tmp_path / "both.ts"
    both.write_bytes(stream + stream)
    with pytest.raises(BeyondRepair, match="several recordings"):
        repair(both, worth_repairing(lint(both)), tmp_path / "copy.mp4")
    assert not (tmp_path / "copy.mp4").exists()
