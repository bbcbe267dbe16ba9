"""The pictures of a clip, one after the other: a landscape of the words' own, or what the order brings."""

from __future__ import annotations

import io
import itertools
from collections.abc import Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from PIL import Image, ImageOps

from rushes.engines.animatic.planes import Floats, Frame, mix
from rushes.media.edge import open_video
from rushes.media.encode import planes_of
from rushes.testing.sora_emulator.landscape import (
    STYLE_SHARE,
    STYLES,
    colour_of,
    frame_of_rgb,
    hue_of,
    landscape,
)
from rushes.testing.sora_emulator.overlays import Overlay, caption, inset, tag
from rushes.testing.sora_emulator.scene import Scene

PUSH = 0.12
"""How much of a given picture has left the frame when its clip ends, as a camera pushes in."""

WORDS_AFTER = 20
"""A given picture, or the end of the clip before, stands alone for so many frames before words come."""

DISSOLVE = 12
"""Frames in which a clip before dissolves into what follows."""


def pictures(scene: Scene, width: int, height: int, takes: Sequence[Path] = ()) -> Iterator[Frame]:
    """Yield the `scene.frames` pictures of a clip in this size. Each may be painted on.

    `takes` are MP4s of its shots, where those were drawn elsewhere.
    """
    overlays = list(_overlays(scene, width, height, drawn=bool(takes)))
    number = 0
    if scene.before is not None:
        for frame in itertools.islice(_replayed(scene.before, width, height), scene.frames):
            last = frame.copy()
            yield frame
            number += 1
        rest = _base(scene, width, height, takes, scene.frames - number)
        for step, frame in enumerate(itertools.islice(rest, DISSOLVE), 1):
            mix(frame, last, 256 * step // (DISSOLVE + 1))
            yield frame
            number += 1
    else:
        rest = _base(scene, width, height, takes, scene.frames)
    for frame in rest:
        for overlay in overlays:
            overlay.paint(frame, number)
        yield frame
        number += 1


def _base(scene: Scene, width: int, height: int, takes: Sequence[Path], count: int) -> Iterator[Frame]:
    """Yield pictures without words on them."""
    if scene.remixed is not None:
        return _remixed(scene, width, height, count)
    if takes:
        return _filled(itertools.chain.from_iterable(replayed(one, width, height) for one in takes), count)
    if scene.first is not None:
        return _pushed_in(scene.first, width, height, count)
    if scene.before is not None:
        return landscape(scene.words, scene.style, width, height, count)
    shots = (landscape(one.words, scene.style, width, height, one.frames) for one in scene.shots)
    return itertools.chain.from_iterable(shots)


def _overlays(scene: Scene, width: int, height: int, *, drawn: bool) -> Iterator[Overlay]:
    """Yield what lies on the pictures: words, what was asked for beside them, and references."""
    start = 0
    if scene.first is not None or scene.before is not None:
        start = WORDS_AFTER
    if not drawn and len(scene.shots) > 1:
        for number, shot in enumerate(scene.shots, 1):
            yield caption(f"{number}  {shot.words}", width, height, start, start := start + shot.frames)
        start = 0
    elif not drawn:
        yield caption(scene.words, width, height, start, scene.frames)
    top = 0
    for words in _tags(scene):
        overlay = tag(words, width, height, top, start, scene.frames)
        yield overlay
        top += overlay.height
    right = 0
    for data in scene.references:
        overlay = inset(open_picture(data), width, height, right, start, scene.frames)
        yield overlay
        right += overlay.width


def _tags(scene: Scene) -> Iterator[str]:
    if scene.before is not None:
        yield "extended"
    if scene.remixed is not None:
        yield "remix"
    if scene.style is not None:
        yield scene.style.replace("_", " ")
    yield from (f"@{name}" for name in scene.names)


# --- what is shown ---


def _pushed_in(data: bytes, width: int, height: int, count: int) -> Iterator[Frame]:
    """Yield a picture that covers the frame, itself at first, then nearer and nearer."""
    still = frame_of_rgb(covering(open_picture(data), width, height))
    yield still.copy()
    planes = [Image.fromarray(plane) for plane in (still.y, still.u, still.v)]
    for number in range(1, count):
        share = PUSH / 2 * number / count
        y, u, v = (np.array(_middle(one, share)) for one in planes)
        yield Frame(y=y, u=u, v=v)


def _middle(plane: Image.Image, share: float) -> Image.Image:
    """Return what is left without this share of each side, in the size that it had."""
    wide, tall = plane.size
    box = (wide * share, tall * share, wide * (1 - share), tall * (1 - share))
    return plane.resize(plane.size, Image.Resampling.BILINEAR, box)


def _remixed(scene: Scene, width: int, height: int, count: int) -> Iterator[Frame]:
    """Yield another clip's pictures in the light of these words, and of the style."""
    assert scene.remixed is not None
    light = STYLES.get(scene.style or "") or colour_of(hue_of(scene.words), 0.75, 0.8)
    flat = frame_of_rgb(np.broadcast_to(np.array(light, np.float32), (height, width, 3)))
    for frame in _filled(_replayed(scene.remixed, width, height), count):
        mix(frame, flat, round(256 * (1 - STYLE_SHARE)))
        yield frame


def replayed(clip: Path, width: int, height: int) -> Iterator[Frame]:
    """Yield the pictures of an MP4 in this size."""
    with open_video(clip) as (container, stream):
        for decoded in container.decode(stream):
            y, u, v = planes_of(decoded.reformat(width=width, height=height, format="yuv420p"))
            yield Frame(y=y.copy(), u=u.copy(), v=v.copy())


def _replayed(clip: bytes, width: int, height: int) -> Iterator[Frame]:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "clip.mp4"
        path.write_bytes(clip)
        yield from replayed(path, width, height)


def _filled(frames: Iterator[Frame], count: int) -> Iterator[Frame]:
    """Yield so many frames: the last one again and again where there are too few."""
    last = None
    for frame in itertools.islice(frames, count):
        count, last = count - 1, frame.copy()
        yield frame
    if last is None:
        raise ValueError("a clip without a picture")
    for _ in range(count):
        yield last.copy()


# --- given pictures ---


def open_picture(data: bytes) -> Image.Image:
    """Return a picture the right way up."""
    with Image.open(io.BytesIO(data)) as picture:
        return ImageOps.exif_transpose(picture).convert("RGB")


def covering(picture: Image.Image, width: int, height: int) -> Floats:
    """Return a picture that fills the frame, cut at two sides if its shape is another: (h, w, 3), 0 to 1."""
    fitted = ImageOps.fit(picture, (width, height), Image.Resampling.LANCZOS)
    return np.asarray(np.asarray(fitted, np.float32) / np.float32(255))
