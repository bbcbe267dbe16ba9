"""The program that a worker starts to render: it keeps a model loaded and takes one order after the other.

`python -m rushes.engines.local.render` first reads the fields of `Machine`, then `{"render": {…fields of
Order}}` or `{"cancel": NAME}` any number of times. Each answer names the `clip` it is about: `{"clip": NAME,
"progress": 0.4}` … and at last `"done"`, `"canceled"` or `"error"`. After an error it ends, so that nothing
of a failed run is left in memory. See `rushes.children` for the rest.
"""

from __future__ import annotations

import os
import queue
from typing import Any

import numpy as np
from numpy.typing import NDArray

from rushes.children.serving import ParentLine, end
from rushes.engines.local.order import Machine, Order
from rushes.media.encode import VideoWriter


class Canceled(Exception):
    """Nobody wants this clip any more."""


class Desk:
    """Where orders come in and answers go out."""

    def __init__(self) -> None:
        self._line = ParentLine()
        self._orders: queue.Queue[Order] = queue.Queue()
        self._canceled: set[str] = set()
        self.machine = Machine(**self._line.receive())
        self._line.listen(self._take_in)

    def take(self) -> Order:
        """Wait for the next order."""
        order = self._orders.get()
        self._line.unfinished = order.partial
        return order

    def say(self, order: Order, **said: Any) -> None:
        self._line.send({"clip": order.name, **said})

    def check(self, order: Order) -> None:
        """Raise Canceled where nobody wants it any more."""
        if order.name in self._canceled:
            raise Canceled

    def _take_in(self, message: Any) -> None:
        if "render" in message:
            order = Order.from_json(message["render"])
            self._canceled.discard(order.name)
            self._orders.put(order)
        else:
            self._canceled.add(message["cancel"])


def render_all(desk: Desk) -> None:
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
        desk.say(order, progress=round(step / (steps + 1), 4))

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


if __name__ == "__main__":
    # It returns after an order that failed.
    render_all(Desk())
    end(1)
