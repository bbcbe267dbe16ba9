"""The program that a worker starts to render: it keeps a model loaded and takes one order after the other.

`python -m rushes.engines.local.render` reads JSON lines: first the fields of `Machine`, then
`{"render": {…fields of Order}}` or `{"cancel": NAME}`. It answers in JSON lines, each with the `clip` it is
about: `{"clip": NAME, "fraction": 0.4}` … and at last `"done"`, `"canceled"` or `"error"`. After an error it
ends, so that nothing of a failed run is left in memory. When its input ends, its parent is gone: it removes
its unfinished file and ends at once.
"""

from __future__ import annotations

import json
import os
import queue
import sys
import threading
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rushes.engines.local.order import Machine, Order
from rushes.media.encode import VideoWriter


class Canceled(Exception):
    """Nobody wants this clip any more."""


class Desk:
    """Where orders come in and answers go out. Its reading thread ends the process with its parent."""

    def __init__(self) -> None:
        # Whatever a library prints must not stand between our answers.
        self._answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
        os.dup2(2, 1)
        self._orders: queue.Queue[Order] = queue.Queue()
        self._canceled: set[str] = set()
        self._partial: Path | None = None
        self._input = os.fdopen(os.dup(0), "rb")
        self.machine = Machine(**json.loads(self._input.readline()))
        threading.Thread(target=self._listen, daemon=True).start()

    def take(self) -> Order:
        """Wait for the next order."""
        order = self._orders.get()
        self._partial = order.partial
        return order

    def say(self, order: Order, **said: Any) -> None:
        self._answers.write(json.dumps({"clip": order.name, **said}, ensure_ascii=False) + "\n")
        self._answers.flush()

    def check(self, order: Order) -> None:
        """Raise Canceled where nobody wants it any more."""
        if order.name in self._canceled:
            raise Canceled

    def _listen(self) -> None:
        for line in self._input:
            said = json.loads(line)
            if "render" in said:
                order = Order.from_json(said["render"])
                self._canceled.discard(order.name)
                self._orders.put(order)
            else:
                self._canceled.add(said["cancel"])
        if self._partial is not None:
            self._partial.unlink(missing_ok=True)
        os._exit(1)


def serve(desk: Desk) -> None:
    """Render what comes in, until an order fails."""
    from rushes.engines.local.failures import explained

    shelf: Any = None
    while True:
        order = desk.take()
        try:
            desk.check(order)
            if shelf is None:
                shelf = _shelf(desk.machine)
            _render(desk, shelf, order)
        except Canceled:
            desk.say(order, canceled=True)
        except Exception as error:  # noqa: BLE001 - told to the parent, which is where it is handled
            desk.say(order, error=explained(error, order))
            return
        else:
            desk.say(order, done=True)


def _shelf(machine: Machine) -> Any:
    """Import torch, which takes seconds, and return where pipelines are kept."""
    from rushes.engines.local.pipelines import Shelf

    return Shelf(machine)


def _render(desk: Desk, shelf: Any, order: Order) -> None:
    """Put the clip at its destination, where it appears only when it is whole."""

    def on_step(step: int, steps: int) -> None:
        # Left here rather than by the pipeline's own `_interrupt`, which goes on to decode what there is.
        desk.check(order)
        # Decoding and encoding count as one step more.
        desk.say(order, fraction=round(step / (steps + 1), 4))

    frames = shelf.frames(order, on_step)
    try:
        _write(desk, order, frames)
        os.replace(order.partial, order.destination)
    finally:
        order.partial.unlink(missing_ok=True)


def _write(desk: Desk, order: Order, frames: NDArray[np.uint8]) -> None:
    _, height, width, _ = frames.shape
    with VideoWriter(order.partial, width=width, height=height, fps=order.fps, audio_rate=None) as writer:
        for frame in frames:
            desk.check(order)
            writer.write_rgb(frame)


def main() -> None:
    """Serve orders from standard input; end with status 1 after one that failed."""
    serve(Desk())
    # The reading thread sleeps in its file's lock, which would abort the interpreter's own exit.
    sys.stderr.flush()
    os._exit(1)


if __name__ == "__main__":
    main()
