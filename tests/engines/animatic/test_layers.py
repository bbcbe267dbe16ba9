"""What is left out of painting does not show."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from rushes.engines.animatic.order import Order
from rushes.engines.animatic.regions import Box, regions, uncovered
from rushes.engines.animatic.scene import scene_of


def test_regions_hold_all_that_shows() -> None:
    """Every pixel with coverage lies in exactly one region, and opaque regions have no hole."""
    rng = np.random.default_rng(3)
    alpha = np.zeros((500, 700), np.uint8)
    for _ in range(9):
        y, x = rng.integers(0, 400, 2)
        alpha[y : y + 170, x : x + 210] = 255
        alpha[y, x : x + 210] = 90
    count = np.zeros(alpha.shape, int)
    for region in regions(alpha):
        part = (slice(region.top, region.bottom), slice(region.left, region.right))
        count[part] += 1
        assert not region.opaque or alpha[part].min() == 255
    assert (count[alpha > 0] == 1).all()
    assert count.max() == 1


def test_uncovered_leaves_out_only_what_is_hidden() -> None:
    """The pieces that are left cover all of a box but, at most, the boxes in front of it."""
    box = Box(left=0, top=0, right=1000, bottom=600, opaque=True)
    hidden = [
        Box(left=0, top=0, right=300, bottom=600, opaque=True),
        Box(left=500, top=200, right=1000, bottom=640, opaque=True),
    ]
    count = np.zeros((600, 1000), int)
    for piece in uncovered(box, hidden):
        count[piece.top : piece.bottom, piece.left : piece.right] += 1
    assert count.max() == 1
    assert count[:, 300:500].all()
    assert count[:200, 500:].all()
    assert not count[:, :300].any()


@pytest.mark.parametrize("prompt", ["city street in rain, push in", "sea, pan right", "room in fog, tilt up"])
def test_a_frame_with_and_without_the_shortcut(tmp_path: Path, prompt: str) -> None:
    """Painting every layer whole gives the same frame as leaving out what is hidden."""
    order = Order(
        prompt=prompt, seconds=1, width=640, height=360, seed=2, destination=tmp_path / "x.mp4", caption=False
    )
    scene = scene_of(order)
    quick = scene.frame(17, 30)
    slow = scene.base.copy()
    now = 17 / 30
    view = scene.camera.view(now / (scene.seconds - 1 / 30))
    for part in scene.moving:
        part.paint(slow, view, now)
    difference = np.abs(quick.y.astype(int) - slow.y)[80:]
    assert difference.max() <= 6  # the grain, and rounding where an opaque region is blended after all
