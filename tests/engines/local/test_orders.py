"""What the engine `local` orders, and what it says where torch is not installed: all of it needs no torch."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from rushes.catalogue.loading import shipped_models
from rushes.domain.errors import BadSettings
from rushes.domain.extras import install_command
from rushes.domain.request import Reference, Role, VideoRequest
from rushes.engines.local.engine import LocalEngine
from rushes.engines.local.recipes import RECIPES
from tests.cli.terminal import Terminal

WAN = "Wan-AI/Wan2.1-T2V-1.3B-Diffusers"
WAN_5B = "Wan-AI/Wan2.2-TI2V-5B-Diffusers"


async def ordered(model: str, settings: dict[str, Any] | None = None, **asked: Any) -> dict[str, Any]:
    """Return the ticket of an accepted create."""
    engine = LocalEngine("local", {"work": "/nowhere", **(settings or {})})
    request = VideoRequest(prompt="a boat", **{"seconds": 5, "aspect": "16:9", "seed": 3, **asked})
    return (await engine.submit(await engine.prepare(request, model), key="one")).ticket


@pytest.mark.parametrize(
    ("model", "resolution", "size", "frames"),
    [(WAN, "480p", (832, 480), (81, 16)), (WAN_5B, "720p", (1280, 704), (121, 24))],
)
async def test_a_clip_has_the_shape_its_model_was_made_for(
    model: str, resolution: str, size: tuple[int, int], frames: tuple[int, int]
) -> None:
    """Five seconds of 16:9 are ordered as Wan's own sizes and numbers of frames."""
    ticket = await ordered(model, resolution=resolution)

    assert (ticket["width"], ticket["height"]) == size
    assert (ticket["frames"], ticket["fps"]) == frames
    assert (ticket["weights"], ticket["seed"]) == (model, 3)


async def test_a_first_frame_asks_for_the_class_that_takes_it(tmp_path: Path) -> None:
    """The same weights run by another pipeline where the clip begins with a picture."""
    first = Reference(role=Role.FIRST_FRAME, path=tmp_path / "a.png")
    words = await ordered(WAN_5B, resolution="720p")
    picture = await ordered(WAN_5B, resolution="720p", references=(first,))

    assert (words["pipeline"], words["first_frame"]) == ("WanPipeline", None)
    assert picture["pipeline"] == "WanImageToVideoPipeline"
    assert picture["first_frame"] == str(tmp_path / "a.png")


async def test_the_settings_file_describes_other_weights(tmp_path: Path) -> None:
    """A model of one's own: a folder, its frame rate, steps and classes; or a known one, run otherwise."""
    own = {
        "id": "mine",
        "weights": str(tmp_path),
        "fps": 8,
        "steps": 20,
        "guidance": 1,
        "pipeline": "LTXPipeline",
    }
    settings = {"models": [own, {"id": WAN, "steps": 30}]}
    mine, known = await ordered("mine", settings, seconds=2), await ordered(WAN, settings)

    assert (mine["weights"], mine["pipeline"]) == (str(tmp_path), "LTXPipeline")
    assert (mine["frames"], mine["fps"], mine["steps"], mine["guidance"]) == (17, 8, 20, 1)
    assert (known["steps"], known["guidance"], known["vae_dtype"]) == (30, 5.0, "float32")


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"device": "gpu"}, "device is 'gpu'"),
        ({"dtype": "int8"}, "dtype is 'int8'"),
        ({"offload": "disk"}, "offload is 'disk'"),
        ({"models": [{"id": WAN, "fps": 0}]}, "fps is 0"),
        ({"models": [{"id": WAN, "guidance": "high"}]}, "guidance is 'high'"),
        ({"models": [{"id": WAN, "vae_dtype": "double"}]}, "vae_dtype is 'double'"),
    ],
)
async def test_settings_that_mean_nothing_are_named(settings: dict[str, Any], says: str) -> None:
    """A value that cannot be used is refused by name before anything is rendered."""
    with pytest.raises(BadSettings, match=says):
        await ordered(WAN, settings)


def test_every_shipped_model_has_a_recipe() -> None:
    """What the catalogue lists, the engine knows how to run."""
    assert {model.id for model in shipped_models("local", "local")} == set(RECIPES)


@pytest.mark.skipif(find_spec("torch") is not None, reason="torch is installed here")
def test_without_torch_the_extra_is_named(tmp_path: Path) -> None:
    """A clip from `local` without its packages: nothing is stored, and the install command is told."""
    terminal = Terminal(home=tmp_path)
    said = terminal.run("create", "a boat", "--model", "local/tiny-random-text")

    assert said.code == 8
    assert "'torch'" in said.err
    assert install_command("local") in said.err
    assert terminal.json("jobs") == []


def test_noise_is_never_chosen() -> None:
    """The tiny models make no video that anybody wants: they are used only where they are named."""
    models = shipped_models("local", "local")

    assert {one.id for one in models if one.named_only} == {one for one in RECIPES if one.startswith("tiny-")}
