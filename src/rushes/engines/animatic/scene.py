"""A whole shot put together: scenery, subject, weather and writing, ready to be painted frame by frame."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from types import ModuleType

import numpy as np

from rushes.engines.animatic import pictures, weather
from rushes.engines.animatic.camera import SCALES, Camera, View, horizon_from
from rushes.engines.animatic.caption import caption, slate
from rushes.engines.animatic.layer import Layer, Paints
from rushes.engines.animatic.order import FPS, Order
from rushes.engines.animatic.palette import palette
from rushes.engines.animatic.planes import Frame, Plane, blank, mix
from rushes.engines.animatic.reading import read
from rushes.engines.animatic.reflection import Reflection
from rushes.engines.animatic.regions import Box, uncovered
from rushes.engines.animatic.scenery import city, desert, forest, interior, mountains, plain, sea
from rushes.engines.animatic.scenery.sky import sky
from rushes.engines.animatic.shot import Setting, Shot, Subject
from rushes.engines.animatic.stage import Stage
from rushes.engines.animatic.subject import Place, framed, marker, subject

_SETTINGS: dict[Setting, ModuleType] = {
    Setting.SEA: sea,
    Setting.MOUNTAINS: mountains,
    Setting.CITY: city,
    Setting.FOREST: forest,
    Setting.INTERIOR: interior,
    Setting.DESERT: desert,
    Setting.PLAIN: plain,
}


WRITING_FADE_S = 0.4


@dataclass(frozen=True, kw_only=True)
class Scene:
    """Everything that is painted. `base` holds what never changes, `moving` the rest from far to near,
    `writing` what lies on top of the grain. `seconds` is the clip's length. `bare` tells whether its
    beginning and its end hold no writing, which then comes and goes softly."""

    camera: Camera
    base: Frame
    moving: Sequence[Paints]
    writing: Sequence[Paints]
    grain: Plane | None
    seconds: float
    bare: tuple[bool, bool] = (False, False)

    def frame(self, number: int, fps: int) -> Frame:
        """Paint frame `number`; equal numbers give equal frames, in any order."""
        now = number / fps
        view = self.camera.view(now / max(self.seconds - 1 / fps, 1e-6))
        picture = self.base.copy()
        self._paint_moving(picture, view, now)
        self._add_grain(picture, number)
        self._write(picture, view, number, fps)
        return picture

    def _write(self, picture: Frame, view: View, number: int, fps: int) -> None:
        """Lay the writing on, all of it or, near an end that is bare, a part."""
        last = round(self.seconds * fps) - 1
        away = min(
            [far for far, bare in zip((number, last - number), self.bare, strict=True) if bare] or [last]
        )
        amount = min(256, round(256 * away / (WRITING_FADE_S * fps))) if any(self.bare) else 256
        if not self.writing or not amount:
            return
        under = picture.copy() if amount < 256 else None
        for part in self.writing:
            part.paint(picture, view, number / fps)
        if under is not None:
            mix(picture, under, amount)

    def _paint_moving(self, picture: Frame, view: View, now: float) -> None:
        """Paint from far to near, leaving out of each layer what a nearer one hides."""
        hidden: list[Box] = []
        plan: list[tuple[Paints, list[Box]]] = []
        for part in reversed(self.moving):
            shown: list[Box] = []
            if isinstance(part, Layer):
                boxes = part.boxes(picture.size, view, now)
                shown = [piece for box in boxes for piece in uncovered(box, hidden)]
                hidden += [box for box in boxes if box.opaque]
            elif isinstance(part, Reflection):
                hidden = []  # it reads what is behind it, hidden or not
            plan.append((part, shown))
        for part, shown in reversed(plan):
            if isinstance(part, Layer):
                part.paint_boxes(picture, view, now, shown)
            else:
                part.paint(picture, view, now)

    def _add_grain(self, picture: Frame, number: int) -> None:
        """Film grain hides the steps of slow gradients. The sum wraps round 256: -1 is stored as 255."""
        if self.grain is None:
            return
        width, height = picture.size
        top = number * 97 % (self.grain.shape[0] - height)
        left = number * 57 % (self.grain.shape[1] - width)
        np.add(picture.y, self.grain[top : top + height, left : left + width], out=picture.y)


def still_base(stage: Stage, parts: Sequence[Paints]) -> tuple[Frame, list[Paints]]:
    """Return a frame with what never changes, and the parts that do. Under a still camera, those behind all
    that moves are painted only once."""
    base, moving = blank(stage.width, stage.height), list(parts)
    while stage.camera.is_still and moving and moving[0].is_still:
        moving.pop(0).paint(base, stage.camera.view(0), 0.0)
    return base, moving


def scene_of(order: Order) -> Scene:
    """Draw all that an order asks for. Raises `BadInput` for pictures that cannot be read."""
    shot = read(order.prompt)
    stage = stage_for(shot, order.width, order.height, order.seed)
    seconds = order.frames / FPS
    bare = (order.first_frame is not None, order.last_frame is not None)
    if any(bare):
        parts = pictures.shown(stage, order.first_frame, order.last_frame, seconds)
    else:
        parts = drawn(shot if order.caption else replace(shot, marker=None), stage)
    base, moving = still_base(stage, parts)
    return Scene(
        camera=stage.camera,
        base=base,
        moving=moving,
        writing=_writing(shot, order) if order.caption else (),
        # A picture brings its own.
        grain=None if any(bare) else _grain(stage),
        seconds=seconds,
        bare=bare,
    )


def _writing(shot: Shot, order: Order) -> list[Paints]:
    panel: list[Paints] = [*slate(shot, order.prompt, order.width, order.height)]
    strip = caption(order.prompt, order.width, order.height)
    return panel if strip is None else [*panel, strip]


def stage_for(shot: Shot, width: int, height: int, seed: int) -> Stage:
    """Return the stage of a shot: its light and its camera."""
    horizon = horizon_from(shot.angle, _SETTINGS[shot.setting].HORIZON)
    return Stage(
        width=width,
        height=height,
        seed=seed,
        camera=Camera(move=shot.move, horizon=horizon, scale=SCALES[shot.framing]),
        palette=palette(shot.time, shot.weather),
    )


def drawn(shot: Shot, stage: Stage) -> list[Paints]:
    """Draw the scenery of a shot, with its subject and its weather, from far to near."""
    setting = _SETTINGS[shot.setting]
    parts: list[Paints] = [*setting.layers(stage, sky(stage, shot.time, shot.weather))]
    if shot.subject is not None or shot.marker:
        place = framed(setting.place(stage, shot.subject or Subject.PERSON), shot, stage)
        figure = (
            subject(stage, shot.subject, place) if shot.subject else marker(stage, shot.marker or "", place)
        )
        parts.insert(len(parts) - _in_front(shot.setting, stage, place), figure)
    middle, front = weather.between(stage, shot.weather), weather.front(stage, shot.weather)
    if shot.setting is Setting.INTERIOR:
        parts[interior.OUTSIDE : interior.OUTSIDE] = [*middle, *front]
    else:
        parts[-2:-2] = middle
        parts += front
    return parts + weather.motes(stage, shot.setting, shot.time)


def _in_front(setting: Setting, stage: Stage, place: Place) -> int:
    """Return how many layers of the scenery are nearer than the subject."""
    if setting is Setting.SEA:
        return sea.in_front_of_subject(stage, place.y)
    return int(_SETTINGS[setting].IN_FRONT_OF_SUBJECT)


def _grain(stage: Stage) -> Plane:
    noise = stage.rng("grain").normal(0, 1.15, (stage.height + 62, stage.width + 62))
    return np.round(np.clip(noise, -3, 3)).astype(np.int8).view(np.uint8)
