"""The camera: where it looks at each moment, and what that means for a layer at some depth."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from rushes.engines.animatic.shot import Angle, Framing, Move

PUSH = 0.46  # how much larger the middle ground is at the near end of a push or pull
TRAVEL = 0.42  # how far the middle ground slides in a pan, in frame widths
TILT = 0.40  # and in a tilt, in frame heights

ANCHOR = 0.55  # where the subject is, seen from above
LOW_ANCHOR = 0.8  # and seen from below, near its foot
NEAR_ANCHOR = 0.36  # and its face, in a close-up

HORIZONS: Mapping[Angle, float] = {Angle.LOW: 0.84, Angle.HIGH: 0.20, Angle.OVERHEAD: 0.03}
"""Where the horizon lies in the frame, 0 (top) to 1: low for who looks up, high for who looks down."""

SCALES: Mapping[Framing, float] = {Framing.WIDE: 0.58, Framing.MEDIUM: 1.0, Framing.CLOSE_UP: 1.9}
"""How large everything is."""


def horizon_from(angle: Angle, usual: float) -> float:
    """Return where the horizon of a setting lies as seen from an angle; `usual` is its own at eye level."""
    return HORIZONS.get(angle, usual)


@dataclass(frozen=True, kw_only=True)
class View:
    """What the camera sees at one moment.

    `zoom` is 1 at the widest, `x` and `y` how far it has turned right and down, in frame widths and
    heights. All are for depth 1; a layer at depth d follows d times as far. `horizon` and `anchor` are the
    camera's.
    """

    zoom: float
    x: float
    y: float
    horizon: float
    anchor: float

    def zoom_at(self, depth: float) -> float:
        return 1 + (self.zoom - 1) * depth


@dataclass(frozen=True, kw_only=True)
class Camera:
    """One move over a clip. `horizon` is where the horizon lies, 0 (top) to 1; `scale` how large things are.

    A zoom keeps the horizon in place, unless that is near an edge: `anchor` is the height that stays.
    """

    move: Move
    horizon: float
    scale: float = 1.0

    @property
    def anchor(self) -> float:
        if self.scale > 1:
            return NEAR_ANCHOR
        if self.horizon >= 0.7:
            return LOW_ANCHOR
        return self.horizon if self.horizon > 0.3 else ANCHOR

    @property
    def push(self) -> float:
        """How much larger the middle ground gets: less from near, or the subject would leave the frame."""
        return PUSH / max(self.scale, 1.0)

    @property
    def is_still(self) -> bool:
        return self.move is Move.STATIC

    def view(self, progress: float) -> View:
        """Return what is seen at `progress`, 0 to 1 of the clip."""
        k = eased(progress)
        zoom, x, y = 1.0, 0.0, 0.0
        match self.move:
            case Move.PUSH_IN:
                zoom = 1 + self.push * k
            case Move.PULL_OUT:
                zoom = 1 + self.push * (1 - k)
            case Move.PAN_LEFT:
                x = TRAVEL * (0.5 - k)
            case Move.PAN_RIGHT:
                x = TRAVEL * (k - 0.5)
            case Move.TILT_UP:
                y = TILT * (0.5 - k)
            case Move.TILT_DOWN:
                y = TILT * (k - 0.5)
            case Move.STATIC:
                pass
        return View(zoom=zoom, x=x, y=y, horizon=self.horizon, anchor=self.anchor)

    def margins(self, depth: float) -> tuple[float, float]:
        """Return how much further than the frame a layer reaches, each side, in frame widths and heights."""
        across = TRAVEL / 2 * depth if self.move in (Move.PAN_LEFT, Move.PAN_RIGHT) else 0.0
        down = TILT / 2 * depth if self.move in (Move.TILT_UP, Move.TILT_DOWN) else 0.0
        return across, down

    def nearest(self, depth: float) -> float:
        """Return how many times as large as at the widest a layer gets."""
        return 1 + self.push * depth if self.move in (Move.PUSH_IN, Move.PULL_OUT) else 1.0

    def density(self, depth: float) -> float:
        """Return how many pixels a layer is drawn with per frame pixel: between its two ends of a zoom."""
        return float(self.nearest(depth) ** 0.5)


def eased(progress: float) -> float:
    """Start and stop softly, with an even middle: a third of the way is a third of the move, nearly."""
    p = min(max(progress, 0.0), 1.0)
    smooth = p * p * (3 - 2 * p)
    return 0.35 * p + 0.65 * smooth
