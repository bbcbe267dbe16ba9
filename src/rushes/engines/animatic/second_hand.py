"""A second pair of hands: a child process that makes the sound, then draws two frames of three.

Threads do not help here. Drawing is thousands of short numpy calls, and two threads would spend their time
handing the interpreter's lock to each other. A frame depends on its number alone, so it does not matter to
the picture who draws it. The scenery is drawn once, here, while the child is at the sound, and handed over.
"""

from __future__ import annotations

import io
import json
import os
import pickle
import queue
import subprocess
import threading
from contextlib import suppress
from types import TracebackType
from typing import Self

import numpy as np

from rushes.children import command
from rushes.children.serving import ParentLine, end
from rushes.engines.animatic.order import FPS, Order
from rushes.engines.animatic.planes import Frame
from rushes.engines.animatic.reading import read
from rushes.engines.animatic.scene import Scene
from rushes.engines.animatic.sound import RATE, Sound, ambience

LARGEST = 1_000_000  # pixels; two sets of 1080p layers would take 900 MB
AHEAD = 6
"""How many frames the child may be ahead: enough that neither waits for the other at every frame."""
PIPE_BYTES = 1 << 20


def is_theirs(number: int) -> bool:
    """Whether the child draws this frame: two of three, since the parent has the encoder to feed."""
    return number % 3 != 0


class SecondHand:
    """Makes the sound and most frames of an order in a child process; use it in a with-block.

    The talk is in turns, so that neither waits for the other for ever: the order goes in, the sound comes
    out, the scene goes in, frames come out, both as they lie in memory. The child waits when it is ahead, and
    ends when nobody reads any more. If it is gone, there is just nothing more of it.
    """

    def __init__(self, order: Order) -> None:
        self._order = order
        self._frames: queue.Queue[Frame | None] = queue.Queue(AHEAD)
        self._reader = threading.Thread(target=self._read_ahead, daemon=True)
        self._child = subprocess.Popen(
            command("rushes.engines.animatic.second_hand"),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            pipesize=PIPE_BYTES,
        )

    def __enter__(self) -> Self:
        assert self._child.stdin is not None
        with suppress(BrokenPipeError):
            self._child.stdin.write(json.dumps(self._order.as_json()).encode() + b"\n")
            self._child.stdin.flush()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._child.kill()
        while self._reader.is_alive():
            # It may stand before a full queue; a child that was killed sends nothing more.
            with suppress(queue.Empty):
                self._frames.get(timeout=0.01)
        for pipe in (self._child.stdin, self._child.stdout):
            assert pipe is not None
            with suppress(BrokenPipeError):
                pipe.close()
        self._child.wait()

    def sound(self) -> Sound | None:
        """Return the sound of the order, or None if the child has ended. To be called first, and once."""
        count = round(self._order.frames / FPS * RATE) * 2
        cells = self._read(count * 4)
        return None if cells is None else cells.view(np.float32).reshape(-1, 2)

    def hand_over(self, picture: Scene) -> None:
        """Give the child what it draws from."""
        assert self._child.stdin is not None
        with suppress(BrokenPipeError):
            pickle.dump(picture, self._child.stdin, protocol=5)
            self._child.stdin.flush()
        self._reader.start()

    def next_frame(self) -> Frame | None:
        """Return the next frame that `is_theirs`, or None if the child has ended."""
        frame = self._frames.get()
        if frame is None:
            self._frames.put(None)
        return frame

    def _read_ahead(self) -> None:
        frame = self._read_frame()
        while frame is not None:
            self._frames.put(frame)
            frame = self._read_frame()
        self._frames.put(None)

    def _read_frame(self) -> Frame | None:
        width, height = self._order.width, self._order.height
        size = width * height
        cells = self._read(size * 3 // 2)
        if cells is None:
            return None
        half = (height // 2, width // 2)
        return Frame(
            y=cells[:size].reshape(height, width),
            u=cells[size : size * 5 // 4].reshape(half),
            v=cells[size * 5 // 4 :].reshape(half),
        )

    def _read(self, length: int) -> np.ndarray[tuple[int], np.dtype[np.uint8]] | None:
        assert isinstance(self._child.stdout, io.BufferedReader)
        cells = np.empty(length, np.uint8)
        return cells if self._child.stdout.readinto(cells.data) == length else None


def worth_it(order: Order) -> bool:
    """Whether a second interpreter, with the scenery in its memory too, pays."""
    small = order.width * order.height <= LARGEST
    return small and (os.cpu_count() or 1) > 1 and order.frames >= 2 * FPS


def draw(line: ParentLine) -> None:
    """Make the sound of the order on the line, then the frames that `is_theirs` of the scene that follows."""
    order = Order.from_json(line.receive())
    if order.audio:
        line.send_bytes(ambience(read(order.prompt), order.frames / FPS, order.seed).data.cast("B"))
    picture = line.receive_object()
    line.listen()
    for number in filter(is_theirs, range(order.frames)):
        frame = picture.frame(number, FPS)
        line.send_bytes(*(plane.data.cast("B") for plane in (frame.y, frame.u, frame.v)))


if __name__ == "__main__":
    try:
        draw(ParentLine())
    finally:
        end(0)
