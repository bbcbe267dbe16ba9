"""When something is told to be: sound that starts late, frames that are held, files without their length."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from av.audio.codeccontext import AudioCodecContext

from rushes.domain.clip import Span
from rushes.domain.observation import Observation
from rushes.media.watch import observe
from tests.media import films
from tests.media.footage import Footage, Sound, numbered, shoot, still, tone

MOVING = [numbered(at) for at in range(96)]


def filmed(path: Path, sound: Sound) -> Observation:
    """Return what is observed of 4 s with a sound track."""
    return observe(shoot(path, Footage(frames=MOVING, sounds=[sound])))


@pytest.mark.parametrize("name", ["clip.mp4", "clip.mkv"])
def test_sound_that_starts_late_is_silence_before_it(tmp_path: Path, name: str) -> None:
    """Two seconds of sound from 2.0 s on leave the first half silent, and not the second."""
    heard = filmed(tmp_path / name, Sound(samples=tone(2.0), starts=(2.0,))).facts

    assert len(heard.silent) == 1
    assert heard.silent[0].start == 0
    assert heard.silent[0].end == pytest.approx(2.0, abs=0.11)


@pytest.mark.parametrize("codec", ["pcm_s16le", "flac"])
def test_a_gap_in_the_sound_is_silence(tmp_path: Path, codec: str) -> None:
    """Where a sound track has nothing for two seconds, they are silent and what follows is not early."""
    sound = Sound(samples=tone(1.0), codec=codec, starts=(0.0, 3.0))
    seen = filmed(tmp_path / "clip.mkv", sound)

    assert len(seen.facts.silent) == 1
    assert seen.facts.silent[0].start == pytest.approx(1.0, abs=0.11)
    assert seen.facts.silent[0].end == pytest.approx(3.0, abs=0.11)
    assert seen.facts.loudness == pytest.approx(-20.0, abs=1.5)


def test_digital_silence_after_sound_is_silence(tmp_path: Path) -> None:
    """Samples of exactly zero are as silent as what a codec leaves of them."""
    samples = np.concatenate((tone(1.0), np.zeros((2, 96_000), np.float32), tone(1.0)), axis=1)
    heard = filmed(tmp_path / "clip.mkv", Sound(samples=samples, codec="pcm_s16le")).facts

    assert [one.start for one in heard.silent] == pytest.approx([1.0], abs=0.11)
    assert [one.end for one in heard.silent] == pytest.approx([3.0], abs=0.11)


def test_a_frame_that_is_held_is_frozen(tmp_path: Path) -> None:
    """One frame shown for three seconds stands still, at any rate of the others."""
    times = [round(at * 1000 / 24) + (3000 if at >= 48 else 0) for at in range(72)]
    seen = observe(shoot(tmp_path / "clip.mp4", Footage(frames=films.walk(1, 72), times=times)))

    (held,) = seen.facts.frozen
    assert (held.start, held.end) == pytest.approx((47 / 24, 5.0), abs=0.01)
    assert (seen.facts.cuts, seen.facts.jumps) == ((), ())


def test_a_slide_show_is_not_frozen(tmp_path: Path) -> None:
    """Where every picture is shown for a second, none of them is held."""
    frames = MOVING[:40:8]
    seen = observe(shoot(tmp_path / "clip.mp4", Footage(frames=frames, fps=Fraction(1))))

    assert (seen.facts.frozen, seen.end) == ((), 5.0)


def test_a_picture_among_others_is_no_flash(tmp_path: Path) -> None:
    """Where every picture is shown for a second, one unlike those around it is shown for long enough."""
    walk = films.walk(1, 9)
    frames = [*walk[:4], np.full_like(walk[0], 255), *walk[5:]]
    seen = observe(shoot(tmp_path / "clip.mp4", Footage(frames=frames, fps=Fraction(1))))

    assert seen.facts.flashes == ()


def test_the_last_frame_is_shown_as_long_as_the_file_says(tmp_path: Path) -> None:
    """A last frame that is held for two seconds is frozen to the end."""
    source = shoot(tmp_path / "source.mp4", Footage(frames=MOVING[:48]))
    with av.open(source) as container, av.open(tmp_path / "clip.mp4", "w") as output:
        stream = container.streams.video[0]
        copy = output.add_stream_from_template(stream)
        packets = [packet for packet in container.demux(stream) if packet.size]
        last = max(packets, key=lambda packet: packet.pts or 0)
        assert stream.time_base is not None
        last.duration = round(2 / stream.time_base)
        for packet in packets:
            packet.stream = copy
            output.mux(packet)
    seen = observe(tmp_path / "clip.mp4")

    assert [(one.start, one.end) for one in seen.facts.frozen] == [
        pytest.approx((47 / 24, 47 / 24 + 2), abs=0.01)
    ]


def test_a_file_that_does_not_say_its_length_is_measured(tmp_path: Path) -> None:
    """A stream that was recorded live has no length in its header: what was decoded is told."""
    path = shoot(
        tmp_path / "clip.webm",
        Footage(frames=MOVING[:72], codec="libvpx", options={}, container={"live": "1"}),
    )
    seen = observe(path)

    assert seen.seconds == pytest.approx(3.0, abs=0.01)
    assert seen.lines()[0].startswith("3.0 s, ")


def test_a_file_that_is_cut_short_says_how_much_is_there(tmp_path: Path) -> None:
    """The first line tells the length that is there beside the one of the header; the fault is named."""
    path = films.write(tmp_path / "film.mp4", films.walk(1, 96))
    data = path.read_bytes()
    path.write_bytes(data[: len(data) * 6 // 10])
    seen = observe(path)

    assert 0 < seen.end < 3.5
    assert seen.lines()[0].startswith(f"4.0 s by its header, {seen.end:.1f} s of it are there, ")
    assert any("cut short" in line for line in seen.lines())
    assert seen.as_json()["end"] == round(seen.end, 1)


def test_full_range_black_is_darker(tmp_path: Path) -> None:
    """In a film whose luma starts at 0 a luma of 10 is dark grey, and 0 is black."""
    frames = [*MOVING[:24], *[still(10)] * 24, *[still(0)] * 24]
    footage = Footage(frames=frames, full_range=True, pix_fmt="yuvj420p")
    seen = observe(shoot(tmp_path / "clip.mp4", footage))

    assert seen.facts.black == (Span(start=2.0, end=3.0),)


def test_sound_that_changes_from_mono_to_stereo_is_heard(tmp_path: Path) -> None:
    """MP3 says in each frame how many channels it has: what comes after a change is no silence."""
    path = tmp_path / "clip.mkv"
    with av.open(path, "w") as container:
        pictures = container.add_stream("libx264", rate=24)
        pictures.width, pictures.height, pictures.pix_fmt = 64, 48, "yuv420p"
        sound = container.add_stream("libmp3lame", rate=48_000, layout="stereo")
        for picture in MOVING:
            frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
            container.mux(pictures.encode(frame.reformat(64, 48, "yuv420p")))
        container.mux(pictures.encode())
        for second, layout in enumerate(("mono", "mono", "stereo", "stereo")):
            for packet in _mp3(layout):
                packet.stream = sound
                packet.pts = packet.dts = (packet.pts or 0) + second * 48_000
                packet.time_base = Fraction(1, 48_000)
                container.mux(packet)

    assert observe(path).facts.silent == ()


def _mp3(layout: str) -> Iterator[av.Packet[Any]]:
    """Yield a second of a tone as MP3, a frame of 24 ms after the other."""
    samples = np.ascontiguousarray(tone(1.0)[: 1 if layout == "mono" else 2])
    encoder = av.CodecContext.create("libmp3lame", "w")
    assert isinstance(encoder, AudioCodecContext)
    encoder.sample_rate, encoder.layout, encoder.format = 48_000, layout, "fltp"
    for start in range(0, 48_000 - 1152, 1152):
        piece = np.ascontiguousarray(samples[:, start : start + 1152])
        frame = av.AudioFrame.from_ndarray(piece, format="fltp", layout=layout)
        frame.sample_rate, frame.pts = 48_000, start
        for packet in encoder.encode(frame):
            packet.pts = packet.dts = start
            yield packet
