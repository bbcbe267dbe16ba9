"""From an order to a clip on disk, and the small program that a worker runs for it.

`python -m rushes.engines.animatic.render` reads one JSON object from the first line of its input (the fields
of `Order`, paths as strings) and answers in JSON lines: `{"fraction": 0.42}` … `{"done": true}`, or
`{"error": "…"}` with exit status 1. When its input ends, its parent is gone: it removes its unfinished file
and ends at once.
"""

from __future__ import annotations

import json
import os
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from rushes.domain.errors import BadInput, RushesError
from rushes.engines.animatic import pictures
from rushes.engines.animatic.caption import Stamp, Timecode, caption, slate
from rushes.engines.animatic.planes import Frame
from rushes.engines.animatic.reading import read
from rushes.engines.animatic.scene import Scene, drawn, scene, stage_for
from rushes.engines.animatic.shot import Shot
from rushes.engines.animatic.sound import RATE, ambience
from rushes.media.encode import VideoWriter

FPS = 30
PRESET = "ultrafast"  # half the time of superfast; it takes half as much space again
AHEAD = 3  # frames drawn while earlier ones are encoded
LONGEST = 60.0  # seconds
SIDES = (64, 4096)  # pixels


@dataclass(frozen=True, kw_only=True)
class Order:
    """What to render: `seconds` long, `width` × `height` pixels, the take `seed`, into `destination`.

    `first_frame` and `last_frame` are pictures that take the place of the scenery. Without `caption` the
    frames hold no words about the shot. Raises `BadInput` for what cannot be rendered.
    """

    prompt: str
    seconds: float
    width: int
    height: int
    seed: int
    destination: Path
    audio: bool = True
    caption: bool = True
    first_frame: Path | None = None
    last_frame: Path | None = None

    def __post_init__(self) -> None:
        if not 1 / FPS <= self.seconds <= LONGEST:
            raise BadInput(f"seconds is {self.seconds:g}; an animatic is at most {LONGEST:g} s long")
        for side in (self.width, self.height):
            if side % 2 or not SIDES[0] <= side <= SIDES[1]:
                raise BadInput(f"{self.width}x{self.height}: sides are even, {SIDES[0]} to {SIDES[1]} pixels")
        if self.seed < 0:
            raise BadInput(f"seed is {self.seed}; it is 0 or more")
        if not self.destination.parent.is_dir():
            raise BadInput(f"there is no folder {self.destination.parent}")

    @property
    def frames(self) -> int:
        return max(1, round(self.seconds * FPS))

    @property
    def partial(self) -> Path:
        """Where the clip is written until it is whole."""
        return self.destination.with_name(f".{self.destination.name}.{os.getpid()}.part")

    @classmethod
    def from_json(cls, data: Any) -> Order:
        """Read an order from its JSON shape. Raises `BadInput`."""
        if not isinstance(data, dict):
            raise BadInput("the order is not a JSON object")
        unknown = data.keys() - {field.name for field in fields(cls)}
        if unknown:
            raise BadInput(f"the order has unknown fields: {', '.join(sorted(unknown))}")
        for name, kinds in _KINDS.items():
            value = data.get(name, _OPTIONAL.get(name, ...))
            if (
                value is ...
                or not isinstance(value, kinds)
                or (isinstance(value, bool) and bool not in kinds)
            ):
                raise BadInput(f"the order's {name!r} is {'missing' if value is ... else repr(value)}")
        given = dict(data)
        for name in _PATHS:
            given[name] = Path(data[name]) if data.get(name) is not None else None
        return cls(**given)


_PATHS = ("destination", "first_frame", "last_frame")
_OPTIONAL: dict[str, Any] = {"audio": True, "caption": True, "first_frame": None, "last_frame": None}
_KINDS: dict[str, tuple[type, ...]] = {
    "prompt": (str,),
    "seconds": (int, float),
    "width": (int,),
    "height": (int,),
    "seed": (int,),
    "destination": (str,),
    "audio": (bool,),
    "caption": (bool,),
    "first_frame": (str, type(None)),
    "last_frame": (str, type(None)),
}


def render(order: Order, on_progress: Callable[[float], None]) -> Path:
    """Draw and encode an order; return its destination, which appears only when it is whole.

    `on_progress` is called with 0 to 1 as frames are written. Raises `BadInput` for pictures that cannot be
    read and the storage errors of `VideoWriter`.
    """
    shot = read(order.prompt)
    picture = _scene(order, shot)
    sound = ambience(shot, order.frames / FPS, order.seed) if order.audio else None
    try:
        with VideoWriter(
            order.partial,
            width=order.width,
            height=order.height,
            fps=FPS,
            audio_rate=RATE if order.audio else None,
            preset=PRESET,
            threads=1,
        ) as writer:
            for number, frame in enumerate(_frames(picture, order.frames)):
                writer.write_planes(frame.y, frame.u, frame.v)
                if sound is not None:
                    writer.write_audio(sound[number * RATE // FPS : (number + 1) * RATE // FPS])
                on_progress((number + 1) / order.frames)
        os.replace(order.partial, order.destination)
    finally:
        order.partial.unlink(missing_ok=True)
    return order.destination


def _scene(order: Order, shot: Shot) -> Scene:
    stage = stage_for(shot, order.width, order.height, order.seed)
    if order.first_frame or order.last_frame:
        parts = pictures.shown(stage, order.first_frame, order.last_frame, order.seconds)
    else:
        parts = drawn(shot, stage)
    writing: list[Stamp | Timecode] = [*slate(shot, order.width, order.height, words=order.caption)]
    strip = caption(order.prompt, order.width, order.height) if order.caption else None
    if strip is not None:
        writing.append(strip)
    return scene(stage, parts, writing, order.frames / FPS)


def _frames(picture: Scene, count: int) -> Iterator[Frame]:
    """Yield all frames in order, drawing a few ahead in a thread of its own while the caller encodes."""
    with ThreadPoolExecutor(1, thread_name_prefix="draw") as artist:
        drawing: deque[Future[Frame]] = deque()
        for number in range(count):
            drawing.append(artist.submit(picture.frame, number, FPS))
            if len(drawing) > AHEAD:
                yield drawing.popleft().result()
        while drawing:
            yield drawing.popleft().result()


class _Reporter:
    """Prints how far it is, at most ten times a second."""

    def __init__(self) -> None:
        self._next = 0.0

    def __call__(self, fraction: float) -> None:
        now = time.monotonic()
        if now >= self._next or fraction >= 1:
            self._next = now + 0.1
            say({"fraction": round(fraction, 4)})


def say(answer: dict[str, Any]) -> None:
    """Write one JSON line to standard output."""
    sys.stdout.write(json.dumps(answer, ensure_ascii=False) + "\n")
    sys.stdout.flush()


def _end_with_parent(partial: Path) -> None:
    """Wait for the end of standard input, then remove the unfinished file and end the process at once."""
    # The raw descriptor: a thread that sleeps in sys.stdin's lock would abort the interpreter's own exit.
    while os.read(0, 4096):
        pass
    partial.unlink(missing_ok=True)
    os._exit(1)


def main() -> int:
    """Serve one order from standard input; return the exit status."""
    try:
        order = Order.from_json(json.loads(sys.stdin.buffer.readline()))
        threading.Thread(target=_end_with_parent, args=(order.partial,), daemon=True).start()
        render(order, _Reporter())
    except (RushesError, ValueError) as error:
        say({"error": str(error)})
        return 1
    say({"done": True})
    return 0


if __name__ == "__main__":
    sys.exit(main())
