"""What an eye sees at once, and numbers easily miss: short black, broken frames, cuts in the dark."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from rushes.domain.clip import Facts
from rushes.media.bursts import moments
from rushes.media.watch import observe
from tests.media import films

FLASH = "a moment unlike what is around it; lightning, or broken frames"


def facts_of(film: films.Film, folder: Path) -> Facts:
    return observe(films.write(folder / "film.mp4", film)).facts


@pytest.mark.parametrize("strength", [0.0, 4.0], ids=["clean", "grain"])
@pytest.mark.parametrize("frames", [1, 2])
def test_a_cut_with_a_little_black_in_it_is_told_once(tmp_path: Path, frames: int, strength: float) -> None:
    """Black too short to be told between two places is a cut where it starts, and no flash."""
    facts = facts_of(films.grainy(films.blinked_cut(frames), strength), tmp_path)

    assert (facts.cuts, facts.jumps, facts.flashes, facts.black) == ((2.0,), (), (), ())


def test_a_cut_with_more_black_in_it_is_told_as_black(tmp_path: Path) -> None:
    """From a tenth of a second on the black is what is told, and its edges are not told as well."""
    facts = facts_of(films.blinked_cut(4), tmp_path)

    assert [one.start for one in facts.black] == [2.0]
    assert (facts.cuts, facts.jumps, facts.flashes) == ((), (), ())


@pytest.mark.parametrize("strength", [0.0, 4.0], ids=["clean", "grain"])
@pytest.mark.parametrize(("level", "frames"), [(0, 1), (0, 2), (255, 1), (90, 2)])
def test_broken_frames_are_a_flash(tmp_path: Path, level: int, frames: int, strength: float) -> None:
    """A frame or two of black, white or grey within a shot are told, at the first of them, and as no cut."""
    seen = observe(films.write(tmp_path / "film.mp4", films.grainy(films.blink(level, frames), strength)))

    assert (seen.facts.flashes, seen.facts.cuts, seen.facts.jumps) == ((2.0,), (), ())
    assert seen.lines()[2:] == [f"flash at 2.0 s: {FLASH}"]
    assert seen.as_json()["flashes"] == [2.0]


def test_broken_frames_unlike_each_other_are_one_flash(tmp_path: Path) -> None:
    """A black frame and a white one after it are one flash, and no cut from the one to the other."""
    film = films.walk(1, 96)
    film[48], film[49] = np.zeros_like(film[0]), np.full_like(film[0], 255)
    facts = facts_of(film, tmp_path)

    assert (facts.flashes, facts.cuts, facts.jumps) == ((2.0,), (), ())


def test_a_broken_frame_in_a_quick_pan_is_no_cut(tmp_path: Path) -> None:
    """What has moved on while the picture was broken is still the same place."""
    film = films.quick_pan(80)
    film[40:44] = [np.full_like(film[0], 255)] * 4
    facts = facts_of(film, tmp_path)

    assert (facts.flashes, facts.cuts, facts.jumps) == ((round(40 / 24, 3),), (), ())


def test_lightning_at_full_strength_is_a_flash(tmp_path: Path) -> None:
    """What is white for a moment may be meant so: it is told in neutral words, and as no cut."""
    facts = facts_of(films.flash(), tmp_path)

    assert (facts.flashes, facts.cuts, facts.jumps) == ((1.25,), (), ())


def test_many_flashes_are_told_in_one_line(tmp_path: Path) -> None:
    """Five flashes in a clip leave room for what else is to be told."""
    film = films.walk(1, 130)
    for at in range(12, 130, 24):
        film[at] = np.full_like(film[0], 255)
    seen = observe(films.write(tmp_path / "film.mp4", film))

    assert seen.lines()[2:] == [f"5 flashes from 0.5 to 4.5 s, each {FLASH}"]


def test_a_flash_gets_a_burst_of_its_own(tmp_path: Path) -> None:
    """The frames around a broken one are shown, and before those of a cut."""
    facts = facts_of(films.blink(0) + films.walk(8, 48), tmp_path)

    assert [(one.name, one.seconds, one.change) for one in moments(facts)] == [
        ("flash", 2.0, True),
        ("cut", 4.0, True),
    ]


@pytest.mark.parametrize("share", [1.0, 0.3, 0.12], ids=["day", "dusk", "night"])
def test_another_place_is_a_cut_by_any_light(tmp_path: Path, share: float) -> None:
    """Of a cut in the dark it is not said that most of the picture stays."""
    facts = facts_of(films.dark(films.hard_cut(), share), tmp_path)

    assert (facts.cuts, facts.jumps) == ((1.5,), ())


@pytest.mark.parametrize("share", [1.0, 0.6], ids=["day", "dusk"])
def test_a_skip_in_one_place_is_a_jump_by_any_light(tmp_path: Path, share: float) -> None:
    """Of a figure that is suddenly elsewhere it is said that most of the picture stays."""
    facts = facts_of(films.dark(films.figure_jumps(), share), tmp_path)

    assert (facts.cuts, facts.jumps) == ((), (2.5,))


@pytest.mark.parametrize("frames", [1, 2, 3, 4])
def test_a_few_frames_tell_nothing(tmp_path: Path, frames: int) -> None:
    """Where a clip has too few frames to know how much it usually changes, no jump is told."""
    pan = films.walk(1, 8 * frames)[::8]
    facts = facts_of(pan, tmp_path)

    assert (facts.cuts, facts.jumps, facts.flashes) == ((), (), ())


def test_one_frame_is_told_as_one(tmp_path: Path) -> None:
    """A twenty-fourth of a second is not told as nothing, nor black as a stretch without length."""
    seen = observe(films.write(tmp_path / "film.mp4", [np.zeros_like(films.walk(1, 1)[0])]))

    assert seen.lines()[0].startswith("0.04 s, ")
    assert seen.lines()[2:] == ["black at 0.0 s", "There is one frame only: a still picture."]


@pytest.mark.parametrize("strength", [0.0, 3.0], ids=["clean", "grain"])
@pytest.mark.parametrize(("side", "period"), [(10, 8), (8, 12)])
def test_a_candle_is_no_still_picture(tmp_path: Path, side: int, period: int, strength: float) -> None:
    """Where one small thing moves the frames do not repeat each other, and nothing is frozen."""
    facts = facts_of(films.grainy(films.candle(side, period), strength), tmp_path)

    assert facts.repeated < 0.1
    assert facts.frozen == ()
