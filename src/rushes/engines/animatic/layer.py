"""What a frame is painted from: layers, one behind the other, each seen through the camera."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from rushes.engines.animatic.camera import View
from rushes.engines.animatic.planes import Frame, Grid, Tiles, cover, first, sample, second
from rushes.engines.animatic.regions import Box, Region

Motion = Callable[[float], tuple[float, float]]
"""From seconds to how far a layer has moved right and down, in frame pixels. It can be pickled: a scene is
handed to another process."""


def still(seconds: float) -> tuple[float, float]:
    """The motion of what does not move."""
    return 0.0, 0.0


class Paints(Protocol):
    """Anything that changes a frame: a layer, rain, a reflection."""

    @property
    def is_still(self) -> bool:
        """Whether it paints the same at every moment under a still camera."""
        ...

    def paint(self, frame: Frame, view: View, seconds: float) -> None:
        """Change `frame` in place to what is seen `seconds` into the clip."""
        ...


@dataclass(frozen=True, kw_only=True)
class Window:
    """How a layer lies in the frame: frame place p shows layer place `origin + p × step`, in frame pixels."""

    x: float
    y: float
    step: float


def window(view: View, size: tuple[int, int], depth: float) -> Window:
    """Return what a view shows of a layer at `depth`. A zoom keeps the middle of the anchor's row."""
    width, height = size
    step = 1 / view.zoom_at(depth)
    anchor_x, anchor_y = width / 2, height * view.anchor
    return Window(
        x=anchor_x * (1 - step) + view.x * depth * width,
        y=anchor_y * (1 - step) + view.y * depth * height,
        step=step,
    )


@dataclass(frozen=True, kw_only=True)
class Layer:
    """A drawn sheet with its place. `left` and `top` are frame pixels at zoom 1, `density` its pixels per one
    of the frame, `depth` how far it follows the camera (1 is the middle ground, less is further away)."""

    tiles: Tiles
    left: float
    top: float
    density: float
    depth: float
    motion: Motion = still
    regions: tuple[Region, ...]

    @property
    def is_still(self) -> bool:
        return self.motion is still

    def paint(self, frame: Frame, view: View, seconds: float) -> None:
        self.paint_boxes(frame, view, seconds, self.boxes(frame.size, view, seconds))

    def boxes(self, size: tuple[int, int], view: View, seconds: float) -> list[Box]:
        """Return the parts of the frame that it paints, none overlapping."""
        x, y, step = self._grid(size, view, seconds)
        found = []
        for region in self.regions:
            left, right = _span(x, step, region.left, region.right, size[0])
            top, bottom = _span(y, step, region.top, region.bottom, size[1])
            if left < right and top < bottom:
                found.append(Box(left=left, top=top, right=right, bottom=bottom, opaque=region.opaque))
        return found

    def paint_boxes(self, frame: Frame, view: View, seconds: float, boxes: Sequence[Box]) -> None:
        """Paint only some parts: those that nothing in front hides."""
        x, y, step = self._grid(frame.size, view, seconds)
        for box in boxes:
            self._paint_box(frame, box, (x, y), step)

    def _grid(self, size: tuple[int, int], view: View, seconds: float) -> tuple[float, float, float]:
        """Return which of its own pixels lies at the frame's corner, and how many make one of the frame."""
        seen = window(view, size, self.depth)
        move_x, move_y = self.motion(seconds)
        step = seen.step * self.density
        # Snapped: at zoom 1 and density 1 the fast path wants exactly 1.
        return (
            (seen.x - move_x - self.left) * self.density,
            (seen.y - move_y - self.top) * self.density,
            1.0 if abs(step - 1) < 1e-9 else step,
        )

    def _paint_box(self, frame: Frame, box: Box, start: tuple[float, float], step: float) -> None:
        (x, y), wide, tall = start, box.right - box.left, box.bottom - box.top
        full = Grid(
            x=x + step * (box.left + 0.5) - 0.5,
            y=y + step * (box.top + 0.5) - 0.5,
            step=step,
            width=wide,
            height=tall,
        )
        half = Grid(
            x=x / 2 + step * (box.left / 2 + 0.5) - 0.5,
            y=y / 2 + step * (box.top / 2 + 0.5) - 0.5,
            step=step,
            width=wide // 2,
            height=tall // 2,
        )
        light = frame.y[box.top : box.bottom, box.left : box.right]
        part = (slice(box.top // 2, box.bottom // 2), slice(box.left // 2, box.right // 2))
        colour = sample(self.tiles.chroma, half)
        if box.opaque or self.tiles.luma_alpha is None or self.tiles.alpha_half is None:
            light[...] = sample(self.tiles.luma, full)
            frame.u[part], frame.v[part] = first(colour), second(colour)
            return
        both = sample(self.tiles.luma_alpha, full)
        cover(light, first(both), second(both))
        alpha = first(sample(self.tiles.alpha_half, half))
        cover(frame.u[part], first(colour), alpha)
        cover(frame.v[part], second(colour), alpha)


def _span(start: float, step: float, first: int, last: int, limit: int) -> tuple[int, int]:
    """Return the even frame pixels, half open, that show source pixels `first` to `last`. Neighbouring
    regions share their bounds, so nothing between them is left out or painted twice."""
    bounds = (2 * round((edge - start) / step / 2) for edge in (first, last))
    low, high = (min(max(bound, 0), limit) for bound in bounds)
    return low, high
