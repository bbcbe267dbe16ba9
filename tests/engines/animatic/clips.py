"""Decoding small clips again."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from pathlib import Path

import av
import numpy as np
from av.filter import Graph
from numpy.typing import NDArray
from PIL import Image

Pixels = NDArray[np.uint8]
Make = Callable[..., Path]


def decoded(path: Path) -> list[Pixels]:
    """Return the light of all frames, (height, width) each."""
    with av.open(str(path)) as container:
        return [np.asarray(frame.to_ndarray(format="gray"), np.uint8) for frame in container.decode(video=0)]


def coloured(path: Path) -> list[Pixels]:
    """Return all frames as RGB (height, width, 3)."""
    with av.open(str(path)) as container:
        return [np.asarray(frame.to_ndarray(format="rgb24"), np.uint8) for frame in container.decode(video=0)]


def heard(path: Path) -> NDArray[np.float32] | None:
    """Return the sound as float32 (2, samples), or None without a track."""
    with av.open(str(path)) as container:
        if not container.streams.audio:
            return None
        frames = [frame.to_ndarray() for frame in container.decode(audio=0)]
        return np.asarray(np.concatenate(frames, axis=1), np.float32)


EXACT = "flags=bicubic+accurate_rnd+full_chroma_int+full_chroma_inp"


def exact(path: Path) -> list[Pixels]:
    """Return all frames as RGB, by libswscale with nothing left out: its default darkens by a level."""
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        graph = Graph()
        source = graph.add_buffer(template=stream)
        scale = graph.add("scale", f"iw:ih:{EXACT}")
        end = graph.add("buffersink")
        into = graph.add("format", "rgb24")
        source.link_to(scale)
        scale.link_to(into)
        into.link_to(end)
        graph.configure()
        found = []
        for frame in container.decode(stream):
            graph.push(frame)
            found.append(np.asarray(graph.vpull().to_ndarray(), np.uint8))
        return found


def saved(frame: Pixels, path: Path) -> Path:
    Image.fromarray(frame).save(path)
    return path


def light_steps(frames: list[Pixels]) -> NDArray[np.float64]:
    """Return the mean change of light, in levels of 255, from each frame to the next."""
    light = [frame.astype(float) @ (0.2126, 0.7152, 0.0722) for frame in frames]
    return np.array([np.abs(after - before).mean() for before, after in itertools.pairwise(light)])
