"""The desert: dunes of sand, nothing on them."""

from __future__ import annotations

from rushes.engines.animatic.layer import Layer
from rushes.engines.animatic.noise import Floats
from rushes.engines.animatic.scenery import plain
from rushes.engines.animatic.stage import Stage

HORIZON = 0.54
IN_FRONT_OF_SUBJECT = plain.IN_FRONT_OF_SUBJECT

SAND = plain.Ground(colour=(222, 178, 116), swing=0.17, lean=0.8)

place = plain.place


def layers(stage: Stage, sky: Floats) -> list[Layer]:
    """Draw the dunes, from far to near."""
    return plain.land(stage, sky, SAND)
