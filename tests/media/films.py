"""Films with planted faults, and films that only look as if: frames (height, width, 3), 24 a second."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from rushes.media.encode import VideoWriter
from tests.media.footage import Pixels

FPS = 24
RATE = 48_000
WIDTH, HEIGHT = 480, 270
LONG = WIDTH + 2 * 140  # of the landscape that a walk pans over
Film = list[Pixels]


def write(
    path: Path, film: Sequence[Pixels], sound: NDArray[np.float32] | None = None, crf: int = 20
) -> Path:
    """Write a film as our own writer does; `sound` (n, 2) at 48 kHz."""
    height, width = film[0].shape[:2]
    rate = RATE if sound is not None else None
    with VideoWriter(path, width=width, height=height, fps=FPS, audio_rate=rate, crf=crf) as writer:
        for frame in film:
            writer.write_rgb(frame)
        if sound is not None:
            writer.write_audio(sound)
    return path


def landscape(seed: int, width: int = WIDTH) -> Pixels:
    """Return a picture of soft hills and fine texture; another seed gives another place."""
    chance = np.random.default_rng(seed)
    across, down = np.arange(width), np.arange(HEIGHT)[:, None]
    ridge = 120 + 40 * np.sin(across / chance.uniform(40, 90) + seed) + 15 * np.sin(across / 17 + seed)
    rough = chance.normal(0, 14, (HEIGHT // 3 + 1, width // 3 + 1)).repeat(3, 0).repeat(3, 1)[:HEIGHT, :width]
    light = np.where(down < ridge, 190 - down * 0.3, 70 + chance.uniform(-20, 40) + rough)
    colours = chance.uniform(0.6, 1.0, 3)
    return np.asarray((light[..., None] * colours).clip(0, 255), np.uint8)


def walk(seed: int, frames: int, start: int = 0) -> Film:
    """Return a slow pan over a landscape through which a dark figure walks; `start` is its first frame."""
    wide = landscape(seed, LONG)
    film = []
    for at in range(start, start + frames):
        frame = wide[:, 2 * at : 2 * at + WIDTH].copy()
        left = 60 + at % 300
        frame[120:230, left : left + 40] = 25
        film.append(frame)
    return film


def grainy(film: Sequence[Pixels], strength: float = 5.0) -> Film:
    """Return the film with grain of this standard deviation in grey levels, another in every frame."""
    chance = np.random.default_rng(3)
    return [
        np.asarray(
            (frame + chance.normal(0, strength, frame.shape[:2])[..., None]).round().clip(0, 255), np.uint8
        )
        for frame in film
    ]


def frozen_half() -> Film:
    """Return 5 s of which nothing moves after 2.5 s."""
    moving = walk(1, 60)
    return moving + [moving[-1]] * 60


def black_gap() -> Film:
    """Return 4 s that are black from 2.0 to 2.5 s."""
    film = walk(1, 96)
    return film[:48] + [np.zeros_like(film[0])] * 12 + film[60:]


def jump_cut() -> Film:
    """Return 4 s of one scene, in which a second and a half is missing at 2.0 s."""
    return walk(1, 48) + walk(1, 48, start=84)


def figure_jumps() -> Film:
    """Return 4 s of a locked-off shot, in which the one figure that walks is somewhere else from 2.5 s on."""
    ground = landscape(2)
    film = []
    for at in range(96):
        frame = ground.copy()
        left = 60 + at + (150 if at >= 60 else 0)
        frame[120:230, left : left + 40] = 25
        film.append(frame)
    return film


def hard_cut() -> Film:
    """Return 4 s that cut to another place at 1.5 s."""
    return walk(1, 36) + walk(8, 60)


def dissolve() -> Film:
    """Return 3 s that dissolve to another place within half a second."""
    one, other = walk(1, 72), walk(8, 72)
    shares = np.clip((np.arange(72) - 30) / 12, 0, 1)
    return [mixed(a, b, share) for a, b, share in zip(one, other, shares, strict=True)]


def fade_out() -> Film:
    """Return 3 s that fade to black in the last second."""
    shares = np.clip((np.arange(72) - 48) / 22, 0, 1)
    return [mixed(a, np.zeros_like(a), share) for a, share in zip(walk(1, 72), shares, strict=True)]


def mixed(one: Pixels, other: Pixels, share: float) -> Pixels:
    return np.asarray(one * (1 - share) + other * share, np.uint8)


def flash() -> Film:
    """Return 3 s with lightning: four frames of nearly white."""
    film = walk(1, 72)
    white = np.full_like(film[0], 250)
    return film[:30] + [mixed(frame, white, 0.9) for frame in film[30:34]] + film[34:]


def quick_pan(frames: int) -> Film:
    """Return a pan over coarse texture, in which the picture of an eighth of a second ago is another one."""
    chance = np.random.default_rng(7)
    cells = chance.normal(120, 45, (HEIGHT // 18, LONG // 20)).clip(0, 255).astype(np.uint8)
    wide = np.asarray(Image.fromarray(cells).resize((LONG, HEIGHT), Image.Resampling.BICUBIC))
    return [np.repeat(wide[:, 3 * at : 3 * at + WIDTH, None], 3, axis=2) for at in range(frames)]


def on_twos() -> Film:
    """Return 3 s that show every drawing for two frames."""
    film = walk(1, 72)
    return [film[at // 2 * 2] for at in range(72)]


def fog_pan(speed: float = 8.0) -> Film:
    """Return 4 s of a slow pan, in pixels a second, through fog in which next to nothing is to be seen."""
    chance = np.random.default_rng(5)
    across = np.arange(8 * (WIDTH + 40))  # eight steps to a pixel: the pan goes by fractions
    shapes = sum(
        3 * np.sin(across / (8 * length) + phase)
        for length, phase in zip((70, 31, 19), chance.uniform(0, 6, 3), strict=True)
    )
    film = []
    for at in range(96):
        row = shapes[round(8 * speed * at / FPS) :: 8][:WIDTH]
        light = 180 + row[None, :] * (0.5 + np.arange(HEIGHT) / HEIGHT)[:, None]
        film.append(np.repeat(light[..., None], 3, axis=2).round().astype(np.uint8))
    return film


def falling_snow() -> Film:
    """Return 3 s of small flakes before a scene that does not move."""
    chance = np.random.default_rng(6)
    places = chance.uniform((0, 0), (HEIGHT, WIDTH), (120, 2))
    ground = landscape(4)
    film = []
    for at in range(72):
        frame = ground.copy()
        for down, across in places + at * np.array([3.0, 0.7]):
            y, x = int(down) % (HEIGHT - 3), int(across) % (WIDTH - 3)
            frame[y : y + 3, x : x + 3] = 235
        film.append(frame)
    return film


def title_card() -> Film:
    """Return 2 s of white letters on black that do not move."""
    picture = Image.new("RGB", (WIDTH, HEIGHT))
    ImageDraw.Draw(picture).text((120, 110), "THE END", fill="white", font=ImageFont.load_default(48))
    return [np.asarray(picture, np.uint8)] * 48


def screen_snow() -> Film:
    """Return 2 s of the noise of a screen without a signal."""
    chance = np.random.default_rng(9)
    return [
        np.repeat(chance.integers(0, 256, (HEIGHT, WIDTH, 1)), 3, axis=2).astype(np.uint8) for _ in range(48)
    ]


def blink(level: int, frames: int = 2) -> Film:
    """Return 4 s of one shot with a few frames of one grey level in it at 2.0 s."""
    film = walk(1, 96)
    return film[:48] + [np.full_like(film[0], level)] * frames + film[48 + frames :]


def blinked_cut(frames: int = 2) -> Film:
    """Return 4 s that cut to another place at 2.0 s, with a few black frames between."""
    film = walk(1, 96)
    return film[:48] + [np.zeros_like(film[0])] * frames + walk(8, 48 - frames)


def slow_lightning() -> Film:
    """Return 3 s with lightning that strikes at 1.25 s and dies away within half a second."""
    return _lightning(0.75)


def quick_lightning() -> Film:
    """Return the same with lightning that dies away within a sixth of a second."""
    return _lightning(0.4)


def _lightning(left: float) -> Film:
    film = walk(1, 72)
    white = np.full_like(film[0], 250)
    shares = np.concatenate((np.zeros(30), 0.9 * left ** np.arange(12), np.zeros(30)))
    return [mixed(frame, white, share) for frame, share in zip(film, shares, strict=True)]


def dark(film: Sequence[Pixels], share: float) -> Film:
    """Return the film with this share of its light."""
    return [np.asarray(frame * share, np.uint8) for frame in film]


def candle(side: int, period: int) -> Film:
    """Return 3 s of a locked-off shot in which one small flame flickers and nothing else moves.

    The flame is `side` pixels wide and high, and as light again after `period` frames.
    """
    ground = landscape(2)
    film = []
    for at in range(72):
        frame = ground.copy()
        light = 60 * np.sin(2 * np.pi * at / period)
        part = frame[100 : 100 + side, 200 : 200 + side]
        part[:] = (part + light).clip(0, 255).astype(np.uint8)
        film.append(frame)
    return film


def healthy() -> Film:
    """Return 3 s in which nothing is wrong."""
    return walk(1, 72)
