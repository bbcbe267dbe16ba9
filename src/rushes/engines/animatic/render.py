"""From an order to a clip on disk, and the small program that a worker runs for it.

`python -m rushes.engines.animatic.render` takes the fields of `Order`, paths as strings, and tells its
progress from 0 to 1; see `rushes.children`.
"""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

from rushes.children.serving import ParentLine, serve
from rushes.domain.clip import TITLE_LIMIT
from rushes.domain.text import one_line
from rushes.engines.animatic.order import FPS, Order
from rushes.engines.animatic.planes import Frame
from rushes.engines.animatic.reading import read
from rushes.engines.animatic.scene import Scene, scene_of
from rushes.engines.animatic.second_hand import SecondHand, is_theirs, worth_it
from rushes.engines.animatic.sound import RATE, Sound, ambience
from rushes.media.encode import VideoWriter

__all__ = ["Order", "render"]

PRESET = "ultrafast"
TUNING = "subme=1:deblock=1,0,0"
"""Half the processor time of superfast. As it comes, ultrafast makes slow pans shiver and skies blocky: it
looks for motion in whole pixels and does not smooth blocks. With these two it is as steady as superfast
(decoded against drawn pan: 0.06 px rms each) and half the size."""
QUALITY = 22


def render(order: Order, on_progress: Callable[[float], None]) -> Path:
    """Draw and encode an order; return its destination, which appears only when it is whole.

    `on_progress` is called with 0 to 1 as frames are written. Raises `BadInput` for pictures that cannot be
    read and the storage errors of `VideoWriter`.
    """
    try:
        with VideoWriter(
            order.partial,
            width=order.width,
            height=order.height,
            fps=FPS,
            audio_rate=RATE if order.audio else None,
            crf=QUALITY,
            preset=PRESET,
            tuning=TUNING,
            tags={"title": one_line(order.prompt, TITLE_LIMIT), "comment": order.comment},
        ) as writer:
            _fill(writer, order, on_progress)
        os.replace(order.partial, order.destination)
    finally:
        order.partial.unlink(missing_ok=True)
    return order.destination


def _fill(writer: VideoWriter, order: Order, on_progress: Callable[[float], None]) -> None:
    """Write all frames, and the sound in step with them."""
    with contextlib.ExitStack() as stack:
        second = stack.enter_context(SecondHand(order)) if worth_it(order) else None
        picture = scene_of(order)
        sound = _sound(order, second) if order.audio else None
        if second is not None:
            second.hand_over(picture)
        # While one frame is encoded the next is drawn: libav lets go of the interpreter's lock.
        encoder = stack.enter_context(ThreadPoolExecutor(max_workers=1))
        encoding: Future[None] | None = None
        for number, frame in enumerate(_frames(picture, order.frames, second)):
            if encoding is not None:
                encoding.result()
            encoding = encoder.submit(_encode, writer, frame, number, sound)
            on_progress((number + 1) / order.frames)
        if encoding is not None:
            encoding.result()


def _encode(writer: VideoWriter, frame: Frame, number: int, sound: Sound | None) -> None:
    writer.write_planes(frame.y, frame.u, frame.v)
    if sound is not None:
        writer.write_audio(sound[number * RATE // FPS : (number + 1) * RATE // FPS])


def _sound(order: Order, second: SecondHand | None) -> Sound:
    """Take the sound from the second hand, or make it here if there is none or it is gone."""
    made = second.sound() if second is not None else None
    return ambience(read(order.prompt), order.frames / FPS, order.seed) if made is None else made


def _frames(picture: Scene, count: int, second: SecondHand | None) -> Iterator[Frame]:
    """Draw some frames here, take the others from the second hand, or draw them as well if it is gone.

    While this process draws one, the encoder's own threads are at the last.
    """
    for number in range(count):
        drawn = second.next_frame() if second is not None and is_theirs(number) else None
        yield drawn or picture.frame(number, FPS)


class _Reporter:
    """Tells how far it is, at most ten times a second."""

    def __init__(self, line: ParentLine) -> None:
        self._line = line
        self._next = 0.0

    def __call__(self, fraction: float) -> None:
        now = time.monotonic()
        if now >= self._next or fraction >= 1:
            self._next = now + 0.1
            self._line.send({"progress": round(fraction, 4)})


def work(data: Any, line: ParentLine) -> str:
    """Render the order of which `data` holds the fields, and return the path of the clip."""
    order = Order.from_json(data)
    line.unfinished = order.partial
    return str(render(order, _Reporter(line)))


if __name__ == "__main__":
    serve(work)
