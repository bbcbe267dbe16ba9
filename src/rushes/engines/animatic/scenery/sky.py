"""The sky: light, sun or moon, stars, clouds."""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageFilter

from rushes.engines.animatic.noise import Floats, field, resized, smoothstep
from rushes.engines.animatic.palette import Colour, mixed, scaled, unit
from rushes.engines.animatic.shot import Time, Weather
from rushes.engines.animatic.stage import FAR, Sheet, Stage, sun_glow

COARSE = 3  # clouds and glow are soft: they are painted this many times coarser, then scaled up


def sky(stage: Stage, time: Time, weather: Weather) -> Floats:
    """Return the sky as RGB (rows, columns, 3), 0 to 1, of the size of the stage's backdrop."""
    sheet = stage.backdrop("sky", stage.palette.horizon)
    columns, rows = -(-sheet.columns // COARSE), -(-sheet.rows // COARSE)
    x = np.linspace(sheet.box[0], sheet.box[2], columns, dtype=np.float32)[None]
    y = np.linspace(sheet.box[1], sheet.box[3], rows, dtype=np.float32)[:, None]
    ink = _gradient(stage, y, columns)
    ink += (sun_glow(stage, x, y, 0.9) * (0.35 if time is Time.DAY else 0.6))[..., None] * unit(
        stage.palette.glow
    )
    _clouds(stage, ink, x, y, weather)
    full = np.stack(
        [resized(np.ascontiguousarray(ink[..., band]), sheet.columns, sheet.rows) for band in range(3)], -1
    )
    if stage.palette.sun_seen > 0.1:
        _disc(stage, sheet, full, time)
    if time is Time.NIGHT and weather is Weather.CLEAR:
        _stars(stage, sheet, full)
    return full


def _gradient(stage: Stage, y: Floats, columns: int) -> Floats:
    """Return zenith to horizon as RGB (rows, columns, 3), with a brighter band low down."""
    colours = np.stack(
        [unit(colour) for colour in (stage.palette.zenith, stage.palette.middle, stage.palette.horizon)]
    )
    top = min(float(y.min()), 0.0)
    k = np.clip((y[:, 0] - top) / (stage.horizon - top), 0, 1) ** 0.92
    stops = np.array([0.0, 0.62, 1.0])
    bands = [np.interp(k, stops, colours[:, band]) for band in range(3)]
    column = np.stack(bands, axis=-1).astype(np.float32)
    return np.repeat(column[:, None], columns, axis=1)


def _clouds(stage: Stage, ink: Floats, x: Floats, y: Floats, weather: Weather) -> None:
    """Lay clouds on: long banks that get thinner and closer together towards the horizon."""
    rng = stage.rng("clouds")
    rows, columns = ink.shape[:2]
    scale = stage.unit / COARSE * (stage.camera.density(FAR))
    shapes = field(rng, columns, rows, (scale * 0.95, scale * 0.26), 5, 0.55)
    cover = {Weather.CLEAR: 0.56, Weather.RAIN: 0.16, Weather.SNOW: 0.22, Weather.FOG: 0.4}[weather]
    amount = smoothstep(cover, cover + 0.30, shapes)
    low = np.clip((y - stage.horizon * 0.2) / (stage.horizon * 0.8), 0, 1)
    amount *= (0.95 - 0.55 * low) if weather is Weather.CLEAR else 0.85
    # Light comes from the sun's side and from above: compare with the cloud a little further that way.
    rise = max(1, round(scale * 0.03))
    above = np.concatenate([np.repeat(shapes[:1], rise, axis=0), shapes[:-rise]])
    lit = np.clip(0.5 + 3.2 * (shapes - above), 0, 1)
    glow = sun_glow(stage, x, y, 1.3)
    bright = np.clip(0.25 + lit * 0.75 + glow * 0.5, 0, 1)[..., None]
    light, shadow = _cloud_colours(stage, weather)
    colour = unit(shadow) + (unit(light) - unit(shadow)) * bright
    ink += (colour - ink) * amount[..., None]


def _cloud_colours(stage: Stage, weather: Weather) -> tuple[Colour, Colour]:
    palette = stage.palette
    if weather is Weather.CLEAR:
        light = mixed(palette.glow, (255, 255, 255), 0.45 if palette.lamps < 0.5 else 0.0)
        if palette.lamps == 1.0:  # night: clouds are only a little lighter than the sky
            return mixed(palette.middle, palette.haze, 0.8), mixed(palette.middle, palette.zenith, 0.5)
        return light, mixed(palette.middle, palette.zenith, 0.25)
    return scaled(palette.horizon, 1.02), scaled(palette.zenith, 0.8)


def _disc(stage: Stage, sheet: Sheet, ink: Floats, time: Time) -> None:
    """Put the sun or the moon in, with soft edges and, at night, a few seas."""
    radius = stage.unit * (0.055 if time is Time.NIGHT else 0.05 if time is Time.DAY else 0.075)
    sun_x, sun_y = stage.sun
    away = np.sqrt((sheet.widths() - sun_x) ** 2 + (sheet.heights() - sun_y) ** 2)
    disc = (1 - smoothstep(radius * 0.96, radius * 1.03, away)) * min(1.0, stage.palette.sun_seen * 1.4)
    halo = np.exp(-np.maximum(away - radius, 0) / (radius * 1.5)) * 0.4 * stage.palette.sun_seen
    colour = unit(stage.palette.sun)
    ink += halo[..., None] * unit(stage.palette.glow) * (1 - ink)
    ink += (colour - ink) * disc[..., None]
    if time is Time.NIGHT:
        for dx, dy, size in ((-0.3, -0.2, 0.34), (0.25, 0.3, 0.26), (0.3, -0.35, 0.18)):
            spot = np.sqrt(
                (sheet.widths() - sun_x - dx * radius) ** 2 + (sheet.heights() - sun_y - dy * radius) ** 2
            )
            ink *= 1 - 0.10 * ((1 - smoothstep(radius * size * 0.7, radius * size, spot)) * disc)[..., None]


def _stars(stage: Stage, sheet: Sheet, ink: Floats) -> None:
    """Scatter soft stars, thinner towards the horizon."""
    rng = stage.rng("stars")
    picture = Image.new("L", (sheet.columns, sheet.rows), 0)
    count = round(sheet.columns * sheet.rows / 2600)
    places = rng.random((count, 3))
    pixels = picture.load()
    assert pixels is not None
    for across, down, size in places:
        fade = 1 - down * sheet.rows / max((stage.horizon - sheet.box[1]) * sheet.density, 1)
        if rng.random() < fade:
            pixels[int(across * sheet.columns), int(down * sheet.rows)] = round(90 + 165 * size**3)
    big = picture.point(lambda value: value if value > 190 else 0).filter(ImageFilter.MaxFilter(3))
    soft = np.asarray(picture.filter(ImageFilter.GaussianBlur(0.6)), np.float32) * 2.0
    soft += np.asarray(big.filter(ImageFilter.GaussianBlur(1.1)), np.float32)
    ink += np.clip(soft / np.float32(255), 0, 1)[..., None] * unit((226, 234, 255)) * (1 - ink)
