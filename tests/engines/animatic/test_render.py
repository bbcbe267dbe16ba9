"""Orders to clips, decoded again."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from rushes.domain.errors import BadInput
from rushes.engines.animatic.order import Order
from rushes.engines.animatic.scene import scene_of
from rushes.media.probe import probe
from tests.engines.animatic.clips import Make, Pixels, coloured, decoded, heard

PROMPTS = [line["prompt"] for line in json.loads((Path(__file__).parent / "prompts.json").read_text())]


def _digest(frames: list[Pixels]) -> str:
    return hashlib.sha256(b"".join(frame.tobytes() for frame in frames)).hexdigest()


@pytest.mark.parametrize("size", [(320, 180), (180, 320), (240, 240), (384, 164)])
def test_size_length_and_rate(make: Make, size: tuple[int, int]) -> None:
    """Landscape, portrait, square and wide clips come out as ordered, at 30 frames per second."""
    path = make("harbour at dusk, push in", width=size[0], height=size[1], seconds=1.0)
    facts = probe(path)
    assert (facts.width, facts.height) == size
    assert facts.fps == pytest.approx(30)
    assert len(decoded(path)) == 30


def test_the_same_order_gives_the_same_frames(make: Make) -> None:
    """Two renders agree to the last bit, also where a second process draws half of the frames."""
    prompt = "snow in the forest at night, a person, pan left"
    first, second = (_digest(decoded(make(prompt, seconds=2.2))) for _ in range(2))
    assert first == second


def test_a_frame_depends_on_its_number_alone(tmp_path: Path) -> None:
    """Frames drawn in any order are the same, so that it does not matter who draws them."""
    order = Order(
        prompt="a rainy street, push in",
        seconds=1,
        width=320,
        height=180,
        seed=4,
        destination=tmp_path / "x.mp4",
    )
    forward = [scene_of(order).frame(number, 30).y for number in (0, 11, 29)]
    scene = scene_of(order)
    backward = [scene.frame(number, 30).y for number in (29, 11, 0)]
    assert _digest(forward) == _digest(backward[::-1])


def test_another_seed_is_another_take(make: Make) -> None:
    """Another seed draws another skyline, not the same one with other grain."""
    first, second = (decoded(make("a city street", seed=seed, seconds=0.1))[0] for seed in (1, 2))
    assert np.abs(first.astype(int) - second).mean() > 8


@pytest.mark.parametrize("prompt", PROMPTS)
def test_every_fixed_prompt_draws_a_picture(make: Make, prompt: str) -> None:
    """No prompt gives an empty, black or burnt-out picture, upright or wide."""
    for width, height in ((256, 144), (144, 256)):
        frame = decoded(make(prompt, seconds=0.1, width=width, height=height))[0]
        assert frame.std() > 12
        assert 16 < frame.mean() < 225


def test_sound_lasts_as_long_as_the_picture(make: Make) -> None:
    """The sound is stereo, as long as the clip, neither silent nor clipped, and fades at both ends."""
    sound = heard(make("waves on a beach", seconds=2.0, audio=True))
    assert sound is not None
    assert sound.shape[0] == 2
    assert sound.shape[1] / 48_000 == pytest.approx(2.0, abs=0.05)
    assert 0.01 < np.sqrt(np.mean(sound**2)) < 0.5
    assert np.abs(sound).max() < 1
    assert np.abs(sound[:, 1100:1600]).mean() < np.abs(sound[:, 40_000:60_000]).mean() / 4


def test_no_sound_means_no_track(make: Make) -> None:
    """A silent clip has no audio track at all."""
    assert heard(make(audio=False)) is None


def _plain(path: Path, colour: tuple[int, int, int]) -> Path:
    Image.new("RGB", (400, 300), colour).save(path)
    return path


def test_first_and_last_pictures(make: Make, tmp_path: Path) -> None:
    """The clip begins with the first picture and ends with the last, in their colours."""
    first, last = _plain(tmp_path / "a.png", (200, 40, 40)), _plain(tmp_path / "b.png", (40, 60, 200))
    frames = coloured(make("push in", seconds=1.0, first_frame=first, last_frame=last))
    assert np.abs(frames[0][90:].mean(axis=(0, 1)) - (200, 40, 40)).max() < 12
    assert np.abs(frames[-1][90:].mean(axis=(0, 1)) - (40, 60, 200)).max() < 12
    middle = frames[15][90:].mean(axis=(0, 1))
    assert 70 < middle[0] < 170
    assert 70 < middle[2] < 170


def test_a_picture_is_turned_upright(make: Make, tmp_path: Path) -> None:
    """The EXIF orientation of a photo is applied."""
    photo = Image.new("RGB", (300, 400), (20, 20, 20))
    photo.paste((230, 230, 230), (0, 0, 150, 400))  # light on the left, which is the top once turned
    exif = Image.Exif()
    exif[0x0112] = 6
    photo.save(tmp_path / "turned.jpg", exif=exif)
    frame = decoded(make("static shot", width=200, height=200, first_frame=tmp_path / "turned.jpg"))[0]
    assert frame[70:95, 100:].mean() > 180 or frame[105:195, 100:].mean() > 180
    assert abs(float(frame[70:90].mean()) - float(frame[110:190].mean())) > 100


def test_a_picture_that_cannot_be_read(make: Make, tmp_path: Path) -> None:
    """A file that is no picture is refused by name, and nothing is left behind."""
    wrong = tmp_path / "wrong.png"
    wrong.write_text("not a picture")
    with pytest.raises(BadInput, match=r"wrong\.png"):
        make(first_frame=wrong)
    assert list(tmp_path.iterdir()) == [wrong]


@pytest.mark.parametrize(
    "changes", [{"seconds": 0}, {"seconds": 61}, {"width": 321}, {"height": 20}, {"seed": -1}]
)
def test_an_order_out_of_bounds(make: Make, changes: dict[str, float]) -> None:
    """What cannot be rendered is refused before anything is drawn."""
    with pytest.raises(BadInput):
        make(**changes)
