"""The sound of a place: noise shaped into waves, wind, rain and city hum; birds, crickets, a clock."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from rushes.engines.animatic.noise import stream
from rushes.engines.animatic.shot import Setting, Shot, Time, Weather

RATE = 48_000
LOUDNESS = -20.0  # LUFS, about: in the middle of what sits well under a voice
FADE = 0.4  # seconds, at both ends

Sound = NDArray[np.float32]
Doubles = NDArray[np.float64]


def ambience(shot: Shot, seconds: float, seed: int) -> Sound:
    """Return stereo sound (samples, 2), -1 to 1, `seconds` long, faded in and out."""
    count = round(seconds * RATE)
    rng = stream(seed, "sound")
    mix = _place(rng, shot, count)
    match shot.weather:
        case Weather.RAIN:
            mix += _rain(rng, count, muffled=shot.setting is Setting.INTERIOR)
        case Weather.SNOW:
            mix = mix * 0.5 + 0.6 * _wind(rng, count)
        case Weather.FOG:
            mix = mix * 0.7
        case Weather.CLEAR:
            pass
    mix *= 10 ** ((LOUDNESS - _loudness(mix)) / 20)
    # A lone chirp may stand far above the rest: bend it instead of turning everything down.
    return (np.tanh(mix / 0.8) * 0.8 * _fades(count)).astype(np.float32)


def _place(rng: np.random.Generator, shot: Shot, count: int) -> Doubles:
    dark = shot.time in (Time.DUSK, Time.NIGHT)
    match shot.setting:
        case Setting.SEA:
            return _waves(rng, count)
        case Setting.DESERT:
            return _wind(rng, count)
        case Setting.MOUNTAINS | Setting.PLAIN:
            return _wind(rng, count) + (0 if dark else 0.25 * _birds(rng, count, 0.35))
        case Setting.CITY:
            return _hum(rng, count)
        case Setting.FOREST:
            leaves = 0.35 * _noise(rng, count, 500, 5000) * _swell(rng, count, 4.0)
            return leaves + (0.5 * _crickets(rng, count) if dark else 0.8 * _birds(rng, count, 1.4))
        case Setting.INTERIOR:
            return 0.35 * _noise(rng, count, 60, 400) + 0.5 * _clock(rng, count)


def _noise(rng: np.random.Generator, count: int, low: float, high: float, slope: float = 0.5) -> Doubles:
    """Stereo noise between two frequencies in Hz, falling with it to the power `slope`; rms 1."""
    length = 1 << max(count - 1, 1).bit_length()
    hertz = np.fft.rfftfreq(length, 1 / RATE)
    shape = 1 / np.maximum(hertz, 20) ** slope
    shape *= 1 / (1 + (low / np.maximum(hertz, 1)) ** 4) / (1 + (hertz / high) ** 4)
    channels = []
    for _ in range(2):
        bins = (rng.standard_normal(len(hertz)) + 1j * rng.standard_normal(len(hertz))) * shape
        channels.append(np.fft.irfft(bins, length)[:count])
    sound = np.stack(channels, axis=-1)
    return np.asarray(sound / max(float(np.sqrt(np.mean(sound**2))), 1e-12))


def _swell(rng: np.random.Generator, count: int, period: float) -> Doubles:
    """A slow rise and fall, 0.2 to 1, different left and right; `period` in seconds."""
    time = np.arange(count) / RATE
    sides = []
    for _ in range(2):
        phase = rng.uniform(0, 2 * np.pi, 2)
        sides.append(
            0.6
            + 0.28 * np.sin(2 * np.pi * time / period + phase[0])
            + 0.12 * np.sin(2 * np.pi * time / period * 2.3 + phase[1])
        )
    return np.stack(sides, axis=-1)


def _waves(rng: np.random.Generator, count: int) -> Doubles:
    """Swell that gathers, breaks and runs out."""
    time = np.arange(count) / RATE
    total = 0.35 * _noise(rng, count, 60, 900)
    for period in (6.1, 8.7):
        phase = (time / period + rng.random()) % 1
        breaking = np.where(phase < 0.45, (phase / 0.45) ** 2, np.exp(-(phase - 0.45) * 5.0))
        total += (breaking * 0.9)[:, None] * _noise(rng, count, 180, 5200, 0.6)
    return total


def _wind(rng: np.random.Generator, count: int) -> Doubles:
    low = _noise(rng, count, 80, 500, 0.8) * _swell(rng, count, 5.3)
    whistle = _noise(rng, count, 480, 820, 0.2) * _swell(rng, count, 3.7) ** 3
    return low + 0.30 * whistle


def _rain(rng: np.random.Generator, count: int, *, muffled: bool) -> Doubles:
    """A steady hiss and single drops; behind glass its bright part is gone."""
    hiss = _noise(rng, count, 300, 1400, 0.6) if muffled else _noise(rng, count, 900, 11_000, 0.25)
    drops = np.zeros((count, 2))
    ring = np.arange(round(0.02 * RATE)) / RATE
    for start in rng.integers(0, max(count - len(ring), 1), round(count / RATE * 38)):
        pitch = rng.uniform(500, 1200) if muffled else rng.uniform(1500, 5000)
        pan = rng.uniform(0.15, 0.85)
        drop = np.sin(2 * np.pi * pitch * ring) * np.exp(-ring * 320) * rng.uniform(0.5, 2.2)
        part = drops[start : start + len(ring)]
        part += (drop[:, None] * np.array([pan, 1 - pan]))[: len(part)]
    return 0.9 * hiss + drops


def _hum(rng: np.random.Generator, count: int) -> Doubles:
    """Traffic some streets away, a car now and then."""
    time = np.arange(count) / RATE
    total = 0.8 * _noise(rng, count, 45, 320, 0.9) + 0.16 * _noise(rng, count, 400, 2600)
    for _ in range(max(1, round(count / RATE / 4))):
        middle, side = rng.uniform(0, count / RATE), rng.choice((-1, 1))
        near = np.exp(-(((time - middle) / 1.1) ** 2))
        pan = 0.5 + 0.4 * side * np.tanh((time - middle) / 0.9)
        total += 0.55 * near[:, None] * _noise(rng, count, 120, 1300, 0.7) * np.stack([1 - pan, pan], axis=-1)
    return total


def _birds(rng: np.random.Generator, count: int, rate: float) -> Doubles:
    """Short songs of a few chirps each, `rate` songs per second."""
    total = np.zeros((count, 2))
    for _ in range(max(1, round(count / RATE * rate))):
        start, pitch, pan = rng.uniform(0, count / RATE), rng.uniform(2200, 4600), rng.uniform(0.1, 0.9)
        for note in range(int(rng.integers(2, 6))):
            long = rng.uniform(0.05, 0.13)
            time = np.arange(round(long * RATE)) / RATE
            bend = rng.uniform(-1, 1) * 5200 * time + 220 * np.sin(2 * np.pi * 28 * time)
            chirp = np.sin(2 * np.pi * np.cumsum(pitch + bend) / RATE) * np.sin(np.pi * time / long) ** 2
            first = round((start + note * rng.uniform(0.14, 0.2)) * RATE)
            part = total[first : first + len(chirp)]
            part += (1.6 * chirp[:, None] * np.array([pan, 1 - pan]))[: len(part)]
    return total


def _crickets(rng: np.random.Generator, count: int) -> Doubles:
    time = np.arange(count) / RATE
    total = np.zeros((count, 2))
    for _ in range(4):
        pitch, pulse, pan, phase = (
            rng.uniform(3800, 4700),
            rng.uniform(22, 30),
            rng.uniform(0.1, 0.9),
            rng.uniform(0, 1),
        )
        trill = np.clip(np.sin(2 * np.pi * pulse * time), 0, 1) ** 2
        bursts = np.clip(np.sin(2 * np.pi * (time * rng.uniform(0.7, 1.1) + phase)) * 4, 0, 1)
        total += (np.sin(2 * np.pi * pitch * time) * trill * bursts)[:, None] * np.array([pan, 1 - pan])
    return total


def _clock(rng: np.random.Generator, count: int) -> Doubles:
    """A wall clock, tick and tock."""
    total = np.zeros((count, 2))
    ring = np.arange(round(0.03 * RATE)) / RATE
    first = rng.uniform(0.1, 0.5)
    for beat in range(int(count / RATE) + 1):
        tick = np.sin(2 * np.pi * (2300 if beat % 2 else 1900) * ring) * np.exp(-ring * 260)
        start = round((first + beat) * RATE)
        part = total[start : start + len(ring)]
        part += (tick[:, None] * np.array([0.62, 0.38]))[: len(part)]
    return total


def _loudness(sound: Doubles) -> float:
    """Return about the loudness in LUFS: the power after a curve near the K weighting of ITU-R BS.1770."""
    spectrum = np.abs(np.fft.rfft(sound, axis=0)) ** 2
    hertz = np.fft.rfftfreq(len(sound), 1 / RATE)
    low_cut = 1 / (1 + (60 / np.maximum(hertz, 1)) ** 4)
    shelf = 1 + 1.5 / (1 + (1500 / np.maximum(hertz, 1)) ** 4)
    power = float((spectrum * (low_cut * shelf)[:, None]).sum()) * 2 / len(sound) ** 2
    return -0.691 + 10 * float(np.log10(max(power, 1e-12)))


def _fades(count: int) -> Doubles:
    """Return the gain (samples, 1) that fades both ends."""
    long = max(1, min(round(FADE * RATE), count // 3))
    gain = np.ones(count)
    ramp = 0.5 - 0.5 * np.cos(np.linspace(0, np.pi, long))
    gain[:long] = ramp
    gain[count - long :] = ramp[::-1]
    return gain[:, None]
