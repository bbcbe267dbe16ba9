"""What a shot is made of: where, when, in what weather, with which camera move, and about whom."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Setting(StrEnum):
    """Where it happens."""

    SEA = "sea"
    MOUNTAINS = "mountains"
    CITY = "city street"
    FOREST = "forest"
    INTERIOR = "interior"
    DESERT = "desert"
    PLAIN = "open land"


class Time(StrEnum):
    """When: the light."""

    DAWN = "dawn"
    DAY = "day"
    DUSK = "dusk"
    NIGHT = "night"


class Weather(StrEnum):
    """What falls or hangs in the air."""

    CLEAR = "clear"
    RAIN = "rain"
    SNOW = "snow"
    FOG = "fog"


class Move(StrEnum):
    """What the camera does."""

    STATIC = "static"
    PUSH_IN = "push in"
    PULL_OUT = "pull out"
    PAN_LEFT = "pan left"
    PAN_RIGHT = "pan right"
    TILT_UP = "tilt up"
    TILT_DOWN = "tilt down"


class Angle(StrEnum):
    """From how high the camera looks."""

    EYE_LEVEL = "eye level"
    LOW = "low angle"
    HIGH = "high angle"
    OVERHEAD = "overhead"


class Framing(StrEnum):
    """How much of the scene the subject fills."""

    MEDIUM = "medium shot"
    CLOSE_UP = "close-up"
    WIDE = "wide shot"


class Subject(StrEnum):
    """Who or what it is about, drawn as a silhouette."""

    PAPER_BOAT = "paper boat"
    BOAT = "boat"
    SHIP = "sailing boat"
    LIGHTHOUSE = "lighthouse"
    PERSON = "person"
    CAR = "car"
    BIRD = "bird"
    DEER = "deer"
    CABIN = "cabin"
    TRAIN = "train"


@dataclass(frozen=True, kw_only=True)
class Shot:
    """What a prompt asks to see. `subject` is None where no word named one that can be drawn.

    `marker` is then the noun, of one to three words, that a plain marker in its place bears, if there is one.
    """

    setting: Setting
    time: Time
    weather: Weather
    move: Move
    subject: Subject | None = None
    marker: str | None = None
    angle: Angle = Angle.EYE_LEVEL
    framing: Framing = Framing.MEDIUM
