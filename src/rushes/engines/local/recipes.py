"""How each model wants to be run: what the catalogue does not say, since it is nobody else's business."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

from rushes.domain.errors import BadSettings

DTYPES = ("float32", "bfloat16", "float16")


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """Frames per second, steps, guidance and classes for one model; None leaves it to the pipeline.

    `weights` is where they are, where the model's id does not say it: a folder or an id on the hub.
    `pipeline` is the class of diffusers that runs them, `image_pipeline` the one that begins with a picture.
    """

    fps: int = 16
    steps: int | None = None
    guidance: float | None = None
    weights: str | None = None
    pipeline: str | None = None
    image_pipeline: str | None = None
    vae_dtype: str | None = None


TINY = Recipe(fps=8, steps=4, guidance=5.0)

RECIPES: Mapping[str, Recipe] = {
    "tiny-random-text": TINY,
    "tiny-random-image": TINY,
    "tiny-random-frames": TINY,
    # As in the makers' own configurations (sample_fps, sample_steps, sample_guide_scale; read 2026-11-23).
    # The Wan page of diffusers' documentation asks for the decoder in float32.
    "Wan-AI/Wan2.1-T2V-1.3B-Diffusers": Recipe(fps=16, steps=50, guidance=5.0, vae_dtype="float32"),
    "Wan-AI/Wan2.2-TI2V-5B-Diffusers": Recipe(
        fps=24,
        steps=50,
        guidance=5.0,
        pipeline="WanPipeline",
        image_pipeline="WanImageToVideoPipeline",
        vae_dtype="float32",
    ),
}


def recipe_of(model: str, table: Mapping[str, Any], engine: str) -> Recipe:
    """Return how to run a model: what is known of it, and over that its own table of the settings file.

    Raises BadSettings, naming the entry.
    """
    names = {field.name for field in fields(Recipe)}
    own = {name: value for name, value in table.items() if name in names}
    for name, value in own.items():
        if not _fits(name, value):
            raise BadSettings(
                f"the model {engine}/{model}: {name} is {value!r}",
                next="correct it in the models table of the settings file (rushes config path)",
            )
    found = replace(RECIPES.get(model, Recipe()), **own)
    weights = found.weights or model
    return replace(found, weights=str(Path(weights).expanduser()) if weights.startswith("~") else weights)


def _fits(name: str, value: Any) -> bool:
    match name:
        case "fps" | "steps":
            return isinstance(value, int) and not isinstance(value, bool) and value >= 1
        case "guidance":
            return isinstance(value, int | float) and not isinstance(value, bool)
        case "vae_dtype":
            return value in DTYPES
        case _:
            return isinstance(value, str) and bool(value)
