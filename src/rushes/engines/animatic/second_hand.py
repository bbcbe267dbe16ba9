"""A second pair of hands: a child process that draws every other frame.

Threads do not help here. Drawing is thousands of short numpy calls, and two threads would spend their time
handing the interpreter's lock to each other. A frame depends on its number alone, so it does not matter to
the picture who draws it.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from types import TracebackType
from typing import Self

import numpy as np

from rushes.engines.animatic.order import FPS, Order
from rushes.engines.animatic.planes import Frame
from rushes.engines.animatic.scene import Scene, scene_of

LARGEST = 1_000_000  # pixels; two sets of 1080p layers would take 900 MB


class SecondHand:
    """Draws the odd frames of an order in a child process; use it in a with-block.

    The child sends raw planes through its output, so that it waits when it is ahead, and ends by itself when
    nobody reads any more.
    """

    def __init__(self, order: Order) -> None:
        self._order = order
        self._child = subprocess.Popen(
            [sys.executable, "-m", "rushes.engines.animatic.second_hand"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
        )

    def __enter__(self) -> Self:
        assert self._child.stdin is not None
        self._child.stdin.write(json.dumps(self._order.as_json()).encode() + b"\n")
        self._child.stdin.flush()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._child.kill()
        self._child.communicate()

    def next_frame(self) -> Frame | None:
        """Return the next odd frame, or None if the child has ended."""
        assert self._child.stdout is not None
        width, height = self._order.width, self._order.height
        size = width * height
        cells = np.frombuffer(self._child.stdout.read(size * 3 // 2), np.uint8)
        if len(cells) < size * 3 // 2:
            return None
        half = (height // 2, width // 2)
        return Frame(
            y=cells[:size].reshape(height, width),
            u=cells[size : size * 5 // 4].reshape(half),
            v=cells[size * 5 // 4 :].reshape(half),
        )


def worth_it(order: Order) -> bool:
    """Whether a second interpreter, which draws the scenery for itself, pays in time and in memory."""
    small = order.width * order.height <= LARGEST
    return small and (os.cpu_count() or 1) > 1 and order.frames >= 2 * FPS


def _serve(picture: Scene, count: int) -> None:
    for number in range(1, count, 2):
        frame = picture.frame(number, FPS)
        for plane in (frame.y, frame.u, frame.v):
            sys.stdout.buffer.write(plane.tobytes())
        sys.stdout.buffer.flush()


def main() -> int:
    """Draw the odd frames of the order on standard input; end quietly when nobody reads them."""
    order = Order.from_json(json.loads(sys.stdin.buffer.readline()))
    try:
        _serve(scene_of(order), order.frames)
    except BrokenPipeError:
        # The interpreter would try to flush what is left, and complain.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 0


if __name__ == "__main__":
    sys.exit(main())
