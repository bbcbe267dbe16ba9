"""The sound of a place."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from rushes.engines.animatic.shot import Move, Setting, Shot, Time, Weather
from rushes.engines.animatic.sound import RATE, ambience

SHOTS = [
    Shot(setting=setting, time=time, weather=weather, move=Move.STATIC)
    for setting, time, weather in itertools.product(Setting, (Time.DAY, Time.NIGHT), Weather)
]


@pytest.mark.parametrize("shot", SHOTS, ids=[f"{s.setting}, {s.time}, {s.weather}" for s in SHOTS])
def test_every_place_sounds(shot: Shot) -> None:
    """Each setting and weather has stereo sound at a modest level, without clipping."""
    sound = ambience(shot, 1.5, 3)
    assert sound.shape == (round(1.5 * RATE), 2)
    assert sound.dtype == np.float32
    assert np.abs(sound).max() < 0.9
    level = 20 * np.log10(np.sqrt(np.mean(sound[RATE // 2 : RATE] ** 2)))
    assert -40 < level < -8


def test_the_seed_decides() -> None:
    """The same seed sounds the same, another does not."""
    assert np.array_equal(ambience(SHOTS[0], 1, 1), ambience(SHOTS[0], 1, 1))
    assert not np.array_equal(ambience(SHOTS[0], 1, 1), ambience(SHOTS[0], 1, 2))
