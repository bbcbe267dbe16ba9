"""What stands for a subject that cannot be drawn."""

from __future__ import annotations

import numpy as np
import pytest

from rushes.engines.animatic.planes import Frame, blank
from rushes.engines.animatic.scene import drawn, stage_for
from rushes.engines.animatic.shot import Move, Setting, Shot, Subject, Time, Weather
from tests.engines.animatic.clips import Pixels

SIZES = [(320, 180), (180, 320), (240, 240)]


def _frame(shot: Shot, size: tuple[int, int], progress: float = 0.0) -> Frame:
    stage = stage_for(shot, *size, 1)
    frame = blank(*size)
    for part in drawn(shot, stage):
        part.paint(frame, stage.camera.view(progress), progress)
    return frame


def _shot(
    noun: str | None, setting: Setting = Setting.FOREST, move: Move = Move.STATIC, time: Time = Time.DAY
) -> Shot:
    return Shot(setting=setting, time=time, weather=Weather.CLEAR, move=move, marker=noun)


def _sign(noun: str, size: tuple[int, int], progress: float = 0.0, **more: Move | Setting | Time) -> Pixels:
    """Return where the picture with a sign differs from the one without it."""
    with_sign, without = (
        _frame(_shot(one, **more), size, progress).y.astype(int)  # type: ignore[arg-type]
        for one in (noun, None)
    )
    return np.asarray(np.abs(with_sign - without) > 8, np.uint8)


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("setting", list(Setting))
@pytest.mark.parametrize("noun", ["cat", "космический корабль"])
def test_a_sign_stands_whole_in_the_frame(size: tuple[int, int], setting: Setting, noun: str) -> None:
    """In every setting and shape of frame the board with the noun is in view, with both ends of its words,
    from the beginning of a push to its end."""
    for progress in (0.0, 1.0):
        sign = _sign(noun, size, progress, setting=setting, move=Move.PUSH_IN)
        columns = np.flatnonzero(sign.sum(axis=0) > 0.03 * size[1])
        assert len(columns)
        assert columns[0] > 0
        assert columns[-1] < size[0] - 1
        assert sign[: round(size[1] * 0.9)].sum() > 0.01 * size[0] * size[1]


def test_the_noun_is_on_it_in_any_script() -> None:
    """Different nouns are different words on the same kind of sign, and not a drawing of anything."""
    frames = {noun: _frame(_shot(noun), (854, 480)).y.astype(int) for noun in ("cat", "кот", "猫", "قط")}
    for noun, frame in frames.items():
        for other, against in frames.items():
            assert noun == other or (np.abs(frame - against) > 80).sum() > 60
    deer = Shot(
        setting=Setting.FOREST,
        time=Time.DAY,
        weather=Weather.CLEAR,
        move=Move.STATIC,
        subject=Subject.PERSON,
        marker="cat",
    )
    without = Shot(
        setting=Setting.FOREST,
        time=Time.DAY,
        weather=Weather.CLEAR,
        move=Move.STATIC,
        subject=Subject.PERSON,
    )
    assert np.array_equal(_frame(deer, (320, 180)).y, _frame(without, (320, 180)).y)


@pytest.mark.parametrize("time", list(Time))
def test_a_sign_is_read_by_night_too(time: Time) -> None:
    """Its board and its letters are as far apart in light at every time of day."""
    size = (854, 480)
    light = _frame(_shot("rocket", time=time), size).y[_sign("rocket", size, time=time) > 0]
    dark, bright = np.quantile(light, [0.03, 0.8])
    assert bright - dark > 110


def test_a_sign_moves_with_the_scene() -> None:
    """In a pan to the right it slides to the left, as a subject does."""
    places = [
        np.flatnonzero(_sign("cat", (320, 180), k, move=Move.PAN_RIGHT).sum(axis=0) > 8).mean()
        for k in (0.0, 1.0)
    ]
    assert places[0] - places[1] > 60
