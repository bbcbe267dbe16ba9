"""Clips in a chain: the last frame of one is handed to the next as its first."""

from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from rushes.engines.animatic.render import Order
from rushes.engines.animatic.scene import scene_of
from tests.engines.animatic.clips import Make, exact, light_steps, saved


@pytest.fixture(scope="module")
def drawing(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A scene of the animatic itself, without words, as a picture."""
    folder = tmp_path_factory.mktemp("drawing")
    order = Order(
        prompt="a red boat on the sea at dusk",
        seconds=1,
        width=320,
        height=180,
        seed=3,
        destination=folder / "x.mp4",
        caption=False,
    )
    frame = scene_of(order).frame(0, 30)
    half = [np.repeat(np.repeat(plane, 2, 0), 2, 1).astype(float) - 128 for plane in (frame.u, frame.v)]
    y = (frame.y.astype(float) - 16) * 255 / 219
    u, v = (plane * 255 / 224 for plane in half)
    rgb = np.stack([y + 1.5748 * v, y - 0.1873 * u - 0.4681 * v, y + 1.8556 * u], -1)
    return saved(np.clip(rgb + 0.5, 0, 255).astype(np.uint8), folder / "drawing.png")


@pytest.mark.parametrize(
    "move", ["push in", "pull out", "pan left", "pan right", "tilt up", "tilt down", "static"]
)
@pytest.mark.parametrize("size", [(320, 180), (180, 320), (240, 240)])
def test_the_first_frame_is_the_given_picture(
    tmp_path: Path, texture: Path, move: str, size: tuple[int, int]
) -> None:
    """Whatever the camera does, frame 0 is the picture, filling the frame, to the rounding of its colours."""
    order = Order(
        prompt=move,
        seconds=1,
        width=size[0],
        height=size[1],
        seed=1,
        destination=tmp_path / "x.mp4",
        first_frame=texture,
    )
    scene = scene_of(order)
    with Image.open(texture) as file:
        scale = max(size[0] / file.width, size[1] / file.height)
        wide, tall = size[0] / scale, size[1] / scale
        left, top = (file.width - wide) / 2, (file.height - tall) / 2
        box = (left, top, left + wide, top + tall)
        wanted = np.asarray(file.convert("RGB").resize(size, Image.Resampling.LANCZOS, box), float)
    y = 16 + 219 / 255 * (wanted @ (0.2126, 0.7152, 0.0722))
    drawn = scene.frame(0, 30)
    assert np.abs(drawn.y - y).max() < 1.01
    assert np.abs(drawn.y - y).mean() < 0.3
    again = scene_of(
        Order(
            **{
                **{name: getattr(order, name) for name in ("prompt", "seconds", "width", "height", "seed")},
                "destination": order.destination,
                "last_frame": texture,
            }
        )
    ).frame(29, 30)
    # A sum of three floats may round the other way in an array of another size.
    assert np.abs(again.y.astype(int) - drawn.y).max() <= 1
    assert np.abs(again.u.astype(int) - drawn.u).max() <= 1


@pytest.mark.parametrize("move", ["push in", "pull out", "pan left", "tilt down"])
def test_no_edge_of_the_picture_is_seen(make: Make, texture: Path, move: str) -> None:
    """Where the camera looks past the picture it goes on: no black bar comes in, at the last frame either."""
    frame = exact(make(move, seconds=1.0, first_frame=texture))[-1].astype(float)
    for edge in (frame[:4], frame[-4:], frame[:, :4], frame[:, -4:]):
        assert edge.mean() > 60


def test_writing_leaves_the_given_frames_alone(make: Make, texture: Path) -> None:
    """With caption and slate on, the first and last frames are as bare as without them, the middle is not."""
    with_words, without = (
        exact(make("static", seconds=1.2, first_frame=texture, last_frame=texture, caption=caption))
        for caption in (True, False)
    )
    differ = [np.abs(a.astype(int) - b).mean() for a, b in zip(with_words, without, strict=True)]
    assert differ[0] < 0.6
    assert differ[-1] < 2
    assert differ[18] > 4


def test_three_links_join_without_a_step_and_keep_their_colours(
    make: Make, drawing: Path, tmp_path: Path
) -> None:
    """Over two seams the picture changes no more than within the clips, and the colours after three links are
    those of the beginning, to a level of 255."""
    given, links = drawing, []
    for number in range(3):
        links.append(exact(make("static shot of the sea", seconds=1.0, first_frame=given)))
        given = saved(links[-1][-1], tmp_path / f"last {number}.png")
    start = np.asarray(Image.open(drawing), float)
    assert np.abs(links[0][0].astype(float) - start).mean(axis=(0, 1)).max() < 4
    for link in links:
        drift = (link[0].astype(float) - start).mean(axis=(0, 1)), (link[-1] - start).mean(axis=(0, 1))
        assert np.abs(drift).max() < 1
    for before, after in itertools.pairwise(links):
        assert light_steps([before[-1], after[0]])[0] < 1.5


@pytest.mark.parametrize("move", ["push in", "pan right"])
def test_a_seam_of_moving_shots_is_no_larger_than_their_motion(
    make: Make, drawing: Path, tmp_path: Path, move: str
) -> None:
    """The step from one link to the next is within what the camera does from frame to frame."""
    first = exact(make(move, seconds=1.0, first_frame=drawing))
    given = saved(first[-1], tmp_path / "given.png")
    second = exact(make(move, seconds=1.0, first_frame=given))
    seam = light_steps([first[-1], second[0]])[0]
    assert seam < 1.3 * max(np.median(light_steps(first)), np.median(light_steps(second)))
