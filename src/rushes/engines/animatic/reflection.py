"""Water and wet ground: what stands above the horizon, turned over and rippling."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from rushes.engines.animatic.camera import View
from rushes.engines.animatic.layer import window
from rushes.engines.animatic.planes import Frame, Plane


@dataclass(frozen=True, kw_only=True)
class Reflection:
    """Mirrors the picture painted so far about the horizon.

    `depth` is that of the ground it lies on. `mask` (rows below the horizon, columns) is how strongly each
    place mirrors, 0 to 255; its middle column lies under the middle of the view at rest. `squash` is how much
    shorter the reflection is, `wave` the widest swing of the ripples in pixels.
    """

    depth: float
    mask: Plane
    squash: float
    wave: float
    speed: float = 2.2

    @property
    def is_still(self) -> bool:
        return False

    def paint(self, frame: Frame, view: View, seconds: float) -> None:
        width, height = frame.size
        seen = window(view, frame.size, self.depth)
        horizon = round((height * view.horizon - seen.y) / seen.step)
        slide = round((self.mask.shape[1] - width) / 2 + (seen.x + width / 2 * (seen.step - 1)) / seen.step)
        horizon -= horizon % 2
        if not 2 <= horizon < height - 4:
            return
        slide = min(max(slide - slide % 2, 0), self.mask.shape[1] - width)
        rows = min(height - horizon, len(self.mask))
        mask = self.mask[:rows, slide : slide + width]
        self._blend(frame.y[horizon : horizon + rows], frame.y[:horizon], mask, seconds, 1)
        half, middle = rows // 2, horizon // 2
        small = mask[: half * 2 : 2, ::2]
        for plane in (frame.u, frame.v):
            self._blend(plane[middle : middle + half], plane[:middle], small, seconds, 2)

    def _blend(self, ground: Plane, above: Plane, mask: Plane, seconds: float, coarse: int) -> None:
        """Blend `above`, turned over, into `ground`, in place; `coarse` is 2 for half-size planes."""
        rows, width = ground.shape
        deep = np.arange(rows) * coarse
        source = np.clip(len(above) - 1 - np.arange(rows) * self.squash, 0, len(above) - 1).astype(np.intp)
        near = deep / max(rows * coarse, 1)
        # Ripples: far ones are thin and close together, near ones long and wide.
        phase = 22 * np.log1p(6 * near) - seconds * self.speed * 2.0
        swing = self.wave * (0.15 + near) * (np.sin(phase) + 0.35 * np.sin(1.9 * phase + 1.3 * seconds))
        shift = np.round(swing / coarse).astype(np.intp)
        reach = int(np.abs(shift).max()) + 1
        # What a ripple shifts in from beyond an edge is the edge's pixel.
        wide = np.empty((rows, width + 2 * reach), np.uint8)
        np.take(above, source, axis=0, mode="clip", out=wide[:, reach : reach + width])
        wide[:, :reach] = wide[:, reach : reach + 1]
        wide[:, reach + width :] = wide[:, reach + width - 1 : reach + width]
        turned = np.empty_like(ground)
        for row, start in enumerate((reach + shift).tolist()):
            turned[row] = wide[row, start : start + width]
        turned16 = turned.astype(np.uint16)
        turned16 *= mask
        kept = np.bitwise_not(mask).astype(np.uint16)
        kept *= ground
        kept += turned16
        kept += np.uint16(255)
        kept >>= np.uint16(8)
        ground[...] = kept
