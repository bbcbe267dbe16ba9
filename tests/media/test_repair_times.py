"""Repaired files begin with their pictures and end with them, and sound stays at its pictures."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from rushes.domain.clip import Finding, Repair, Severity
from rushes.media.lint import lint
from rushes.media.repair import Repaired, repair, worth_repairing
from tests.media.footage import Footage, Pixels, Sound, decoded, numbered, read_number, shoot, still, tone
from tests.media.movie import read_movie, set_edit

FPS = Fraction(24)
FRAMES = 24
FLASH = 12  # the frame from which on it is light, and half a second, from which on there is sound
AAC_FRAME_S = 1024 / 48000
REMUX = Finding(code="x", severity=Severity.WARNING, text="x.", repair=Repair.REMUX)
VIDEO = Finding(code="x", severity=Severity.WARNING, text="x.", repair=Repair.REENCODE_VIDEO)
AUDIO = Finding(code="x", severity=Severity.WARNING, text="x.", repair=Repair.REENCODE_AUDIO)


def film() -> list[Pixels]:
    return [still(60) if at < FLASH else still(200) for at in range(FRAMES)]


def beep(seconds: float = 1.0, codec: str = "aac", start: float = 0.0) -> Sound:
    """Return a sound of which the first half second is silent."""
    samples = tone(seconds, level=0.4)
    samples[:, :24000] = 0
    return Sound(samples=samples, codec=codec, starts=[start])


@dataclass(frozen=True, kw_only=True)
class Times:
    """In seconds: the first picture, the flash, the beep, and when the last picture begins."""

    first: float
    flash: float
    beep: float
    last: float

    @classmethod
    def of(cls, path: Path) -> Times:
        frames = [(frame.time or 0.0, frame.to_ndarray(format="gray").mean()) for frame in decoded(path)]
        with av.open(path) as container:
            sounds = [(one.time or 0.0, one) for one in container.decode(audio=0)]
        heard = [
            time + at / one.sample_rate
            for time, one in sounds
            for at in np.flatnonzero(np.abs(one.to_ndarray()[0]) > 0.2)[:1]
        ]
        return cls(
            first=frames[0][0],
            flash=next(time for time, level in frames if level > 120),
            beep=heard[0],
            last=frames[-1][0],
        )


def repaired(path: Path, *findings: Finding) -> Repaired:
    """Repair a file, and check that there is nothing left to do."""
    made = repair(path, findings or lint(path), path.with_name("repaired.mp4"))
    assert worth_repairing(lint(made.path), Repair.REENCODE_VIDEO) == ()
    return made


@pytest.mark.parametrize(
    ("name", "options"),
    [("clip.ts", {}), ("clip.ts", {"output_ts_offset": "3600"}), ("clip.mkv", {}), ("clip.flv", {})],
    ids=["ts", "ts-of-an-hour", "mkv", "flv"],
)
@pytest.mark.parametrize("kinds", [(REMUX,), (VIDEO, AUDIO)], ids=["copied", "encoded"])
def test_starts_that_are_not_zero(
    tmp_path: Path, name: str, options: dict[str, str], kinds: tuple[Finding, ...]
) -> None:
    """Wherever a clock began, the copy is as long as its pictures, starts with them, and the sound fits."""
    path = shoot(tmp_path / name, Footage(frames=film(), container=options, sounds=[beep()]))
    made = repaired(path, *kinds)
    before, after, movie = Times.of(path), Times.of(made.path), read_movie(made.path)
    assert movie.seconds == pytest.approx(FRAMES / FPS, abs=float(1 / FPS))
    assert after.first == 0
    assert all(start >= 0 for _, start in movie.edits["vide"])
    assert after.flash == pytest.approx(FLASH / FPS, abs=0.002)
    slack = 0.001 if kinds == (REMUX,) else AAC_FRAME_S
    assert after.beep - after.flash == pytest.approx(before.beep - before.flash, abs=slack)
    assert made.notes == ()


@pytest.mark.parametrize("kinds", [(REMUX,), (VIDEO, AUDIO)], ids=["copied", "encoded"])
def test_pictures_that_come_late(tmp_path: Path, kinds: tuple[Finding, ...]) -> None:
    """All of the sound stays, and the first picture is there from the start, as in browsers; that is told."""
    late = [700 + round(1000 * at / FPS) for at in range(FRAMES)]
    footage = Footage(frames=film(), times=late, sounds=[beep(2.0)], options={"preset": "veryfast"})
    path = shoot(tmp_path / "clip.mp4", footage)
    assert read_movie(path).edits["vide"][0] == (0.7, -1)
    made = repaired(path, *kinds)
    before, after, movie = Times.of(path), Times.of(made.path), read_movie(made.path)
    assert all(start >= 0 for _, start in movie.edits["vide"])
    assert after.first == 0
    slack = 0.001 if kinds == (REMUX,) else AAC_FRAME_S
    assert after.flash == pytest.approx(before.flash, abs=0.001)
    assert after.beep == pytest.approx(before.beep, abs=slack)
    assert after.last == pytest.approx(before.last, abs=0.001)
    assert ["0.7 s" in note for note in made.notes] == [True]


@pytest.mark.parametrize("kinds", [(REMUX,), (VIDEO, AUDIO)], ids=["copied", "encoded"])
@pytest.mark.parametrize("start", [0.0, 0.4], ids=["long", "late"])
def test_sound_that_goes_on_or_comes_late(tmp_path: Path, start: float, kinds: tuple[Finding, ...]) -> None:
    """Sound that outlasts the pictures, or begins after them, is all there and at its time."""
    path = shoot(tmp_path / "clip.mp4", Footage(frames=film(), sounds=[beep(2.0, start=start)]))
    made = repaired(path, *kinds)
    before, after = Times.of(path), Times.of(made.path)
    assert after.beep - after.flash == pytest.approx(before.beep - before.flash, abs=0.001)
    assert read_movie(made.path).seconds == pytest.approx(2.0 + start, abs=2 * AAC_FRAME_S)


def test_gaps_in_the_sound_stay(tmp_path: Path) -> None:
    """Where a sound pauses, the encoded copy is silent for as long."""
    sound = Sound(samples=tone(0.4, level=0.4), codec="libopus", starts=[0.0, 1.0])
    footage = Footage(frames=[still(60)] * 40, container={}, sounds=[sound])
    made = repaired(shoot(tmp_path / "clip.mkv", footage), AUDIO)
    with av.open(made.path) as container:
        frames = list(container.decode(audio=0))
    loud = np.concatenate([np.abs(frame.to_ndarray()[0]) > 0.1 for frame in frames])
    start = frames[0].time or 0.0
    heard = start + np.flatnonzero(loud) / 48000
    assert heard[heard < 0.7].max() == pytest.approx(0.4, abs=AAC_FRAME_S)
    assert heard[heard > 0.7].min() == pytest.approx(1.0, abs=AAC_FRAME_S)


@pytest.mark.parametrize("kind", [REMUX, VIDEO], ids=["copied", "encoded"])
def test_hidden_pictures_stay_hidden(tmp_path: Path, kind: Finding) -> None:
    """What an edit list cuts off at both ends is not shown by the copy either."""
    frames = [numbered(at) for at in range(FRAMES)]
    options = {"preset": "veryfast", "x264-params": "bframes=0"}
    path = shoot(tmp_path / "clip.mp4", Footage(frames=frames, gop=FRAMES, options=options))
    set_edit(path, seconds=0.416, start=6 * 512)
    shown = [read_number(frame.to_ndarray(format="rgb24")) for frame in decoded(path)]
    assert shown == list(range(6, 16))
    made = repair(path, [kind], tmp_path / "repaired.mp4")
    again = [(read_number(frame.to_ndarray(format="rgb24")), frame.time) for frame in decoded(made.path)]
    assert [number for number, _ in again] == shown
    assert again[0][1] == 0
    assert read_movie(made.path).seconds == pytest.approx(10 / 24, abs=1 / 24)


@pytest.mark.parametrize("kind", [REMUX, VIDEO], ids=["copied", "encoded"])
def test_one_frame_stays_one_frame(tmp_path: Path, kind: Finding) -> None:
    """A clip of a single picture has that picture, for as long as it was."""
    path = shoot(tmp_path / "clip.mp4", Footage(frames=[numbered(5)], fps=Fraction(1, 2)))
    assert read_movie(path).seconds == 2
    made = repair(path, [kind], tmp_path / "repaired.mp4")
    assert [read_number(frame.to_ndarray(format="rgb24")) for frame in decoded(made.path)] == [5]
    assert read_movie(made.path).seconds == pytest.approx(2, abs=0.002)


def test_last_frame_lasts(tmp_path: Path) -> None:
    """The last picture of an encoded clip is held for as long as it was."""
    path = tmp_path / "clip.mp4"
    with (
        av.open(shoot(tmp_path / "plain.mp4", Footage(frames=film()[:6]))) as plain,
        av.open(path, "w") as output,
    ):
        stream = output.add_stream_from_template(plain.streams.video[0])
        packets = [packet for packet in plain.demux() if packet.size]
        packets[-1].duration = 24 * (packets[-1].duration or 0)
        for packet in packets:
            packet.stream = stream
            output.mux(packet)
    assert read_movie(path).seconds == pytest.approx(29 / 24, abs=0.002)
    made = repaired(path, VIDEO)
    assert read_movie(made.path).seconds == pytest.approx(29 / 24, abs=0.002)
