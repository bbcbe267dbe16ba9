"""What a frame is painted from: layers, one behind the other, each seen through the camera."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from rushes.engines.animatic.camera import View
from rushes.engines.animatic.planes import Frame, Packed, Plane, Tiles, cover, sample
from rushes.engines.animatic.regions import Region

Motion = Callable[[float], tuple[float, float]]
"""From seconds to how far a layer has moved right and down, in frame pixels."""


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
    """Return what a camera view shows of a layer at `depth`. A zoom keeps the middle of the horizon in place."""
    width, height = size
    step = 1 / view.zoom_at(depth)
    anchor_x, anchor_y = width / 2, height * view.horizon
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
        seen = window(view, frame.size, self.depth)
        move_x, move_y = self.motion(seconds)
        x = (seen.x - move_x - self.left) * self.density
        y = (seen.y - move_y - self.top) * self.density
        step = seen.step * self.density
        # Snapped: at zoom 1 and density 1 the fast path wants exactly 1.
        step = 1.0 if abs(step - 1) < 1e-9 else step
        width, height = frame.size
        for region in self.regions:
            left, right = _span(x, step, region.left, region.right, width)
            top, bottom = _span(y, step, region.top, region.bottom, height)
            if left < right and top < bottom:
                self._paint_part(frame, (left, top, right, bottom), (x, y), step, region.opaque)

    def _paint_part(
        self, frame: Frame, box: tuple[int, int, int, int], start: tuple[float, float], step: float, opaque: bool
    ) -> None:
        left, top, right, bottom = box
        x, y = start
        alpha, half = (None, None) if opaque else (self.tiles.alpha, self.tiles.alpha_half)
        place = (x + step * (left + 0.5) - 0.5, y + step * (top + 0.5) - 0.5)
        _lay(frame.y[top:bottom, left:right], self.tiles.y, alpha, place, step)
        small = (x / 2 + step * (left / 2 + 0.5) - 0.5, y / 2 + step * (top / 2 + 0.5) - 0.5)
        part = (slice(top // 2, bottom // 2), slice(left // 2, right // 2))
        _lay(frame.u[part], self.tiles.u, half, small, step)
        _lay(frame.v[part], self.tiles.v, half, small, step)


def _lay(base: Plane, source: Packed, alpha: Packed | None, place: tuple[float, float], step: float) -> None:
    height, width = base.shape
    over = sample(source, *place, step, width, height)
    if alpha is None:
        base[...] = over
    else:
        cover(base, over, sample(alpha, *place, step, width, height))


def _span(start: float, step: float, first: int, last: int, limit: int) -> tuple[int, int]:
    """Return the even frame pixels, half open, that show source pixels `first` to `last`. Neighbouring
    regions share their bounds, so nothing between them is left out or painted twice."""
    bounds = (2 * round((edge - start) / step / 2) for edge in (first, last))
    low, high = (min(max(bound, 0), limit) for bound in bounds)
    return low, high
