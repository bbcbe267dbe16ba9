"""Weights from a folder, by `from_pretrained`: the road of every model on the hub, with tiny ones."""

from __future__ import annotations

from pathlib import Path

import pytest

from rushes.engines.contract import RenderState
from rushes.engines.local.engine import LocalEngine
from tests.local.shop import decoded, followed, order, picture, rendered


async def test_weights_in_a_folder_make_clips(weights: Path, tmp_path: Path) -> None:
    """A path as the model's id, and one behind a name with another class for a first frame."""
    path = str(weights / "text")
    both = {
        "id": "both",
        "weights": path,
        "image_pipeline": "WanImageToVideoPipeline",
        "vae_dtype": "float32",
    }
    image = {**both, "id": "image", "weights": str(weights / "image"), "pipeline": "WanImageToVideoPipeline"}
    models = [{**one, "fps": 8, "steps": 2} for one in ({"id": path}, both, image)]
    engine = LocalEngine("local", {"work": str(tmp_path / "work"), "device": "cpu", "models": models})
    first = picture(tmp_path / "first.png", "red")

    ticket = await order(engine, path)
    ended = (await followed(engine, ticket))[-1]
    assert ended.state is RenderState.SUCCEEDED, ended.error
    assert decoded(ticket["destination"])[0].shape == (9, 128, 224, 3)
    assert Path(ticket["destination"]).read_bytes() == await rendered(engine, "both")
    assert await rendered(engine, "image", references=(first,)) != await rendered(engine, path)
    await engine.aclose()


async def test_the_number_type_can_be_set(weights: Path, tmp_path: Path) -> None:
    """The same weights in half the bits still make a clip, with the decoder in float32."""
    models = [{"id": "text", "weights": str(weights / "text"), "fps": 8, "steps": 2, "vae_dtype": "float32"}]
    settings = {"work": str(tmp_path), "device": "cpu", "dtype": "bfloat16", "models": models}
    engine = LocalEngine("local", settings)

    ticket = await order(engine, "text")
    ended = (await followed(engine, ticket))[-1]
    assert ended.state is RenderState.SUCCEEDED, ended.error
    assert decoded(ticket["destination"])[0].std() > 5
    await engine.aclose()


async def test_real_weights_want_a_gpu(weights: Path, tmp_path: Path) -> None:
    """Without one the render fails at once, with what to do, and costs nothing."""
    models = [{"id": "text", "weights": str(weights / "text"), "fps": 8, "steps": 2}]
    engine = LocalEngine("local", {"work": str(tmp_path), "models": models})
    if "no GPU" not in await engine.check():
        pytest.skip("this machine has a GPU")

    ended = (await followed(engine, await order(engine, "text")))[-1]
    assert ended.state is RenderState.FAILED
    assert ended.cost == 0
    assert "needs a GPU" in str(ended.error)
    assert 'device = "cpu"' in str(ended.error)
    await engine.aclose()
