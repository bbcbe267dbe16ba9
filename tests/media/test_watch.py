"""What is told of a clip to somebody who cannot watch it: planted faults are named, and nothing else is."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from rushes.domain.clip import Facts, Span
from rushes.domain.observation import Observation
from rushes.engines.animatic.order import Order
from rushes.engines.animatic.render import render
from rushes.media.watch import observe
from tests.media import films
from tests.media.footage import tone

PROMPTS = Path(__file__).parent.parent / "engines" / "animatic" / "prompts.json"
NOTHING = "no cut, nothing black, nothing frozen"


def facts_of(film: films.Film, folder: Path, crf: int = 20) -> Facts:
    return observe(films.write(folder / "film.mp4", film, crf=crf)).facts


@pytest.mark.parametrize("strength", [0.0, 2.0, 5.0], ids=["clean", "fine grain", "coarse grain"])
@pytest.mark.parametrize("crf", [16, 28])
def test_a_frozen_half_is_named(tmp_path: Path, strength: float, crf: int) -> None:
    """The second half that stands still is told to a fifth of a second, under grain and compression too."""
    facts = facts_of(films.grainy(films.frozen_half(), strength), tmp_path, crf)

    assert len(facts.frozen) == 1
    assert facts.frozen[0].start == pytest.approx(2.5, abs=0.2)
    assert facts.frozen[0].end == pytest.approx(5.0, abs=0.01)
    assert (facts.cuts, facts.jumps, facts.black) == ((), (), ())


def test_a_frozen_half_is_not_told_twice(tmp_path: Path) -> None:
    """Frames that repeat because the picture is frozen are not told as repeated as well."""
    seen = observe(films.write(tmp_path / "film.mp4", films.frozen_half()))

    assert seen.facts.repeated > 0.4
    assert seen.lines()[2:] == ["frozen 2.5-5.0 s"]


@pytest.mark.parametrize("strength", [0.0, 3.0])
def test_a_black_gap_is_named(tmp_path: Path, strength: float) -> None:
    """Half a second of black is told to the frame, with grain in it too, and its edges are no cuts."""
    facts = facts_of(films.grainy(films.black_gap(), strength), tmp_path)

    assert facts.black == (Span(start=2.0, end=2.5),)
    assert (facts.cuts, facts.jumps) == ((), ())


@pytest.mark.parametrize("strength", [0.0, 5.0])
@pytest.mark.parametrize(
    ("film", "at"), [(films.jump_cut, 2.0), (films.figure_jumps, 2.5)], ids=["scene", "figure"]
)
def test_a_jump_within_a_scene_is_named(
    tmp_path: Path, film: Callable[[], films.Film], at: float, strength: float
) -> None:
    """Where time is missing in one scene, a cut or a jump is told at that frame, and nowhere else."""
    facts = facts_of(films.grainy(film(), strength), tmp_path)

    assert facts.cuts + facts.jumps == pytest.approx((at,), abs=0.001)
    assert facts.frozen == ()


def test_a_hard_cut_is_named(tmp_path: Path) -> None:
    """Another place is a cut, to the frame, and no jump."""
    facts = facts_of(films.hard_cut(), tmp_path)

    assert (facts.cuts, facts.jumps) == ((1.5,), ())


@pytest.mark.parametrize("strength", [0.0, 4.0], ids=["clean", "grain"])
@pytest.mark.parametrize(
    "film",
    [
        films.dissolve,
        films.slow_lightning,
        films.quick_lightning,
        films.on_twos,
        films.fog_pan,
        films.falling_snow,
    ],
    ids=lambda film: str(film.__name__),
)
def test_what_is_as_it_should_be_is_not_named(
    tmp_path: Path, film: Callable[[], films.Film], strength: float
) -> None:
    """A dissolve, lightning that dies away, doubled drawings, a pan in fog and falling snow are no faults."""
    seen = observe(films.write(tmp_path / "film.mp4", films.grainy(film(), strength)))

    assert (seen.facts.cuts, seen.facts.jumps, seen.facts.black, seen.facts.frozen) == ((), (), (), ())
    assert NOTHING in seen.lines()


@pytest.mark.parametrize(("speed", "crf"), [(8.0, 34), (3.0, 20)])
def test_a_pan_that_an_encoder_skips_is_not_frozen(tmp_path: Path, speed: float, crf: int) -> None:
    """Fog that an encoder repeats, for half a second or all the time, still ends somewhere else."""
    facts = facts_of(films.fog_pan(speed), tmp_path, crf)

    assert facts.frozen == ()


@pytest.mark.parametrize("strength", [0.0, 4.0], ids=["clean", "grain"])
def test_a_pan_in_fog_that_stops_is_frozen_from_there_on(tmp_path: Path, strength: float) -> None:
    """Slow motion before a frozen stretch does not hide it; its start is right to some half a second."""
    pan = films.fog_pan()
    film = pan + [pan[-1]] * 72
    facts = facts_of(films.grainy(film, strength), tmp_path)

    assert len(facts.frozen) == 1
    assert facts.frozen[0].start == pytest.approx(4.0, abs=0.6)
    assert facts.frozen[0].end == pytest.approx(7.0, abs=0.01)


def test_a_fade_to_black_is_black_and_no_cut(tmp_path: Path) -> None:
    """Only the end of the fade is black."""
    facts = facts_of(films.fade_out(), tmp_path)

    assert (facts.cuts, facts.jumps) == ((), ())
    assert [one.end for one in facts.black] == [pytest.approx(3.0, abs=0.01)]
    assert facts.black[0].start > 2.6


def test_a_title_card_is_frozen_and_not_black(tmp_path: Path) -> None:
    """Letters on black that do not move stand still from end to end."""
    facts = facts_of(films.title_card(), tmp_path)

    assert facts.frozen == (Span(start=0.0, end=2.0),)
    assert facts.black == ()


def test_a_screen_without_signal_is_not_frozen(tmp_path: Path) -> None:
    """Noise that is all there is, is a moving picture."""
    facts = facts_of(films.screen_snow(), tmp_path)

    assert (facts.frozen, facts.cuts, facts.jumps) == ((), (), ())


def test_repeated_frames_are_counted(tmp_path: Path) -> None:
    """Of a film on twos half of the frames repeat the one before; of one that moves none does."""
    (tmp_path / "twos").mkdir()

    assert facts_of(films.on_twos(), tmp_path / "twos").repeated == pytest.approx(0.5, abs=0.03)
    assert facts_of(films.walk(1, 72), tmp_path).repeated == 0


def test_repeated_frames_are_counted_under_a_coarse_encoder(tmp_path: Path) -> None:
    """What an encoder adds to a frame that repeats the one before is not taken for something that moves."""
    once = films.grainy(films.walk(1, 72), 6.0)
    facts = facts_of([once[at // 2 * 2] for at in range(72)], tmp_path, crf=30)

    assert facts.repeated == pytest.approx(0.5, abs=0.03)


def test_silence_is_named(tmp_path: Path) -> None:
    """Where a sound track has nothing on it, and where it stops before the pictures, is told."""
    loud, quiet = tone(1.0).T, np.zeros((48_000, 2), np.float32)
    path = films.write(tmp_path / "film.mp4", films.walk(1, 96), np.concatenate((loud, quiet, loud)))
    heard = observe(path).facts

    assert heard.loudness == pytest.approx(-20.0 - 3, abs=4)
    assert [one.start for one in heard.silent] == pytest.approx([1.0, 3.0], abs=0.11)
    assert [one.end for one in heard.silent] == pytest.approx([2.0, 4.0], abs=0.11)


def test_no_sound_and_silent_sound_are_told_apart(tmp_path: Path) -> None:
    """A clip without a track says so, and one whose track is empty says that."""
    mute = observe(films.write(tmp_path / "mute.mp4", films.walk(1, 24)))
    empty = observe(films.write(tmp_path / "empty.mp4", films.walk(1, 24), np.zeros((48_000, 2), np.float32)))

    assert "no sound" in mute.lines()
    assert not mute.as_json()["has_audio"]
    assert "silent: there is a sound track, and nothing to hear on it" in empty.lines()
    assert empty.as_json()["silent"] == [{"start": 0.0, "end": 1.0}]


@pytest.mark.parametrize("prompt", json.loads(PROMPTS.read_text()), ids=lambda one: str(one["setting"]))
def test_animatic_raises_no_alarm(tmp_path: Path, prompt: dict[str, str]) -> None:
    """None of the ten standard scenes is said to cut, freeze, go black or fall silent."""
    order = Order(
        prompt=prompt["prompt"], seconds=2.5, width=480, height=270, seed=7, destination=tmp_path / "clip.mp4"
    )
    seen = observe(render(order, lambda fraction: None))

    assert seen.lines()[2:] == [NOTHING]


def test_lines_are_in_the_order_of_time() -> None:
    """The lines give shape and sound, then each event with its time in seconds to one decimal."""
    facts = Facts(
        frames=120,
        loudness=-18.26,
        silent=(Span(start=0.04, end=1.26),),
        black=(Span(start=1.9, end=2.4),),
        frozen=(Span(start=2.5, end=5.0),),
        cuts=(1.708,),
        jumps=(0.5,),
        repeated=0.72,
    )
    seen = Observation(
        seconds=5.0, width=1280, height=720, fps=24.0, video_codec="h264", audio_codec="aac", facts=facts
    )

    assert seen.lines() == [
        "5.0 s, 1280×720, 24 fps, h264 + aac",
        "loudness -18.3 LUFS",
        "silent 0.0-1.3 s",
        "jump at 0.5 s: something skips, most of the picture stays",
        "cut at 1.7 s: another picture, or a jump in the same scene",
        "black 1.9-2.4 s",
        "frozen 2.5-5.0 s",
        "72% of the frames repeat the one before",
    ]
    assert json.loads(json.dumps(seen.as_json()))["frozen"] == [{"start": 2.5, "end": 5.0}]


@pytest.mark.parametrize(("ordered", "said"), [(8.0, " (8 s were ordered)"), (5.2, ""), (None, "")])
def test_another_length_than_ordered_is_told(ordered: float | None, said: str) -> None:
    """A clip that is a second too short says so; a twentieth more, as services round, is no matter."""
    seen = Observation(
        seconds=5.0,
        width=1280,
        height=720,
        fps=24.0,
        video_codec="h264",
        audio_codec=None,
        facts=Facts(frames=120, loudness=None),
        ordered=ordered,
    )

    assert seen.lines()[0] == f"5.0 s{said}, 1280×720, 24 fps, h264"
