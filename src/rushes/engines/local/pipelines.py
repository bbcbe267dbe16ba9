"""From an order to frames: the pipeline is loaded once and kept for the orders that follow."""

from __future__ import annotations

import gc
import inspect
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import diffusers
import numpy as np
import torch
import transformers
from diffusers import DiffusionPipeline
from numpy.typing import NDArray
from PIL import Image, ImageOps

from rushes.domain.errors import RenderFailed
from rushes.domain.extras import command_to_install
from rushes.engines.local.machine import device_of
from rushes.engines.local.order import Machine, Order

TINY = "tiny-random-"

OnStep = Callable[[int, int], None]
"""Told after each step its number, from 1, and how many there are; may raise to leave the render."""


class Shelf:
    """Holds the one pipeline that was used last: two of them seldom fit into a GPU."""

    def __init__(self, machine: Machine) -> None:
        # Bars of downloads and of loading would fill the worker's log.
        diffusers.utils.logging.disable_progress_bar()
        transformers.utils.logging.disable_progress_bar()
        self._machine = machine
        self._held: tuple[str | None, ...] | None = None
        self._pipe: Any = None

    def frames(self, order: Order, on_step: OnStep) -> NDArray[np.uint8]:
        """Return the frames of an order, (n, height, width, 3) of sRGB.

        Raises what keeps the model from being loaded or run, in diffusers' own classes too.
        """
        pipe = self._taken(order)
        try:
            made = pipe(**_arguments(pipe, order, _each_step(on_step))).frames[0]
        finally:
            # A run that ended early leaves the part that was at work in the GPU.
            pipe.maybe_free_model_hooks()
        return np.asarray((np.asarray(made) * 255).round().clip(0, 255), np.uint8)

    def _taken(self, order: Order) -> Any:
        wanted = (order.weights, order.pipeline, order.vae_dtype)
        if self._held != wanted:
            self._held = self._pipe = None
            gc.collect()
            if torch.cuda.is_available():
                torch.cuda.empty_cache()
            self._pipe = _loaded(order, self._machine)
            self._held = wanted
        return self._pipe


def _loaded(order: Order, machine: Machine) -> Any:
    """Load an order's model and put it where it runs."""
    tiny = order.weights.startswith(TINY)
    device = device_of(machine.device, needs_gpu=not tiny)
    if tiny:
        from rushes.engines.local.tiny import build

        pipe = build(order.weights)
    else:
        pipe = _class(order).from_pretrained(order.weights, dtype=_dtypes(order, machine, device))
    pipe.set_progress_bar_config(disable=True)
    if machine.offload == "none" or device.type == "cpu":
        return pipe.to(device)
    if machine.offload == "model":
        pipe.enable_model_cpu_offload(device=device)
    else:
        pipe.enable_sequential_cpu_offload(device=device)
    return pipe


def _class(order: Order) -> Any:
    found = getattr(diffusers, order.pipeline, None) if order.pipeline else DiffusionPipeline
    if found is None:
        raise RenderFailed(
            f"diffusers {diffusers.__version__} has no pipeline {order.pipeline!r}; correct the model's entry"
            f" in the settings file, or upgrade: {command_to_install('--upgrade', 'diffusers')}"
        )
    return found


def _dtypes(order: Order, machine: Machine, device: Any) -> Any:
    """Return the number type of each part: the usual ones of the device, unless the settings say."""
    usual = {"cuda": "bfloat16", "mps": "float16"}.get(device.type, "float32")
    name = usual if machine.dtype == "auto" else machine.dtype
    vae = order.vae_dtype or name
    return {"default": getattr(torch, name), "vae": getattr(torch, vae)}


def _arguments(pipe: Any, order: Order, callback: Any) -> dict[str, Any]:
    """Return what to call a pipeline with: of what an order says, that which it takes."""
    takes = inspect.signature(type(pipe).__call__).parameters
    pictures = {"image": order.first_frame, "last_image": order.last_frame}
    _check_pictures(type(pipe).__name__, takes, pictures)
    wanted = {
        "prompt": order.prompt,
        "negative_prompt": order.negative_prompt,
        "width": order.width,
        "height": order.height,
        "num_frames": order.frames,
        "frame_rate": order.fps,
        "num_inference_steps": order.steps,
        "guidance_scale": order.guidance,
        "generator": torch.Generator("cpu").manual_seed(order.seed),
        "callback_on_step_end": callback,
        "output_type": "np",
        **{name: _picture(path, order) for name, path in pictures.items() if path is not None},
    }
    return {name: value for name, value in wanted.items() if value is not None and name in takes}


def _check_pictures(
    pipeline: str, takes: Mapping[str, inspect.Parameter], pictures: Mapping[str, Any]
) -> None:
    """Raise RenderFailed for a picture that a pipeline does not take, and for one that it needs."""
    for name, frame in (("image", "first"), ("last_image", "last")):
        if pictures[name] is not None and name not in takes:
            raise RenderFailed(
                f"{pipeline} takes no {frame} frame; leave it out, or name another class as image_pipeline in"
                " the model's entry of the settings file"
            )
        if pictures[name] is None and name in takes and takes[name].default is inspect.Parameter.empty:
            raise RenderFailed(f"{pipeline} needs a {frame} frame; give one with --{frame}-frame FILE")


def _picture(path: Path, order: Order) -> Any:
    """Return a picture cut to the shape of the clip, never stretched."""
    with Image.open(path) as picture:
        upright = ImageOps.exif_transpose(picture).convert("RGB")
    return ImageOps.fit(upright, (order.width, order.height), Image.Resampling.LANCZOS)


def _each_step(on_step: OnStep) -> Any:
    def called(pipe: Any, step: int, timestep: Any, tensors: dict[str, Any]) -> dict[str, Any]:
        on_step(step + 1, pipe.num_timesteps)
        return tensors

    return called
