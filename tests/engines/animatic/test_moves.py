"""The camera moves the right way, and smoothly."""

from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from rushes.engines.animatic.camera import Camera
from rushes.engines.animatic.order import FPS, Order
from rushes.engines.animatic.pictures import DEPTH
from rushes.engines.animatic.scene import scene_of
from rushes.engines.animatic.scenery.mountains import HORIZON
from rushes.engines.animatic.shot import Move
from tests.engines.animatic.clips import Make, Pixels, decoded


def _motion(before: Pixels, after: Pixels) -> tuple[float, float, float]:
    """Return how far the picture moved right and down in pixels, and by how much it grew round its anchor."""
    first, then = (frame[60:, 120:].astype(float) for frame in (before, after))  # clear of the slate
    down, right = np.gradient((first + then) / 2)
    columns, rows = np.arange(120, 320) - 160, np.arange(60, 180) - 180 * HORIZON
    grow = right * columns[None] + down * rows[:, None]
    basis = np.stack([right.ravel(), down.ravel(), grow.ravel()], axis=1)
    found, *_ = np.linalg.lstsq(basis, (first - then).ravel(), rcond=None)
    return float(found[0]), float(found[1]), float(found[2])


def _slide(before: Pixels, after: Pixels) -> float:
    """Return how far the picture slid to the right, in pixels."""
    first, then = (frame[60:, 120:].astype(float) for frame in (before, after))
    _, right = np.gradient((first + then) / 2)
    return float((right * (first - then)).sum() / (right**2).sum())


def _motions(frames: list[Pixels]) -> NDArray[np.float64]:
    return np.array([_motion(before, after) for before, after in itertools.pairwise(frames)])


def test_a_pan_is_smooth_to_a_twentieth_of_a_pixel(tmp_path: Path, texture: Path) -> None:
    """From frame to frame the drawn picture slides as far as the camera turns, without shaking."""
    order = Order(
        prompt="pan right",
        seconds=4,
        width=320,
        height=180,
        seed=1,
        destination=tmp_path / "x.mp4",
        caption=False,
        first_frame=texture,
    )
    scene = scene_of(order)
    frames = [scene.frame(number, FPS).y for number in range(order.frames)]
    slid = np.array([_slide(before, after) for before, after in itertools.pairwise(frames)])
    camera = Camera(move=Move.PAN_RIGHT, horizon=0.5)
    turned = np.array([camera.view(number / (order.frames - 1)).x for number in range(order.frames)])
    jitter = slid + np.diff(turned) * DEPTH * order.width
    assert np.sqrt(np.mean(jitter**2)) < 0.05


@pytest.mark.parametrize(
    ("words", "axis", "sign"),
    [
        ("pan left", 0, 1),
        ("pan right", 0, -1),
        ("tilt up", 1, 1),
        ("tilt down", 1, -1),
        ("push in", 2, 1),
        ("pull out", 2, -1),
    ],
)
def test_each_move_goes_its_way(make: Make, texture: Path, words: str, axis: int, sign: int) -> None:
    """A pan to the right slides the picture to the left, a push makes it grow, and so on."""
    moves = _motions(decoded(make(words, seconds=2, first_frame=texture))) * (1, 1, 150)
    total = moves.sum(axis=0) * sign
    assert total[axis] > 20
    assert total[axis] > 3 * np.abs(np.delete(total, axis)).max()


def test_a_static_shot_stands_still(make: Make, texture: Path) -> None:
    """Nothing but the clock moves over a picture."""
    frames = decoded(make("static shot", first_frame=texture))
    assert np.abs(frames[0][60:].astype(int) - frames[-1][60:]).mean() < 2


@pytest.mark.parametrize("move", list(Move))
def test_moves_are_large_enough_to_read(move: Move) -> None:
    """A pan or tilt travels, and a push or pull grows, by a quarter at least."""
    camera = Camera(move=move, horizon=0.5)
    first, last = camera.view(0), camera.view(1)
    if move is Move.STATIC:
        assert first == last
        return
    zoomed = max(first.zoom, last.zoom) / min(first.zoom, last.zoom) - 1
    assert max(zoomed, abs(last.x - first.x), abs(last.y - first.y)) >= 0.25
