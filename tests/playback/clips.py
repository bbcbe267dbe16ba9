"""Clips whose second can be read off the picture, and files that only look like clips."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

from rushes.engines.animatic.render import PRESET, TUNING
from rushes.media.encode import VideoWriter
from rushes.media.lint import lint
from rushes.media.repair import repair, worth_repairing
from tests.media.footage import Footage, Sound, shoot, still, tone
from tests.media.movie import set_turn

FPS = 25
WIDTH, HEIGHT = 320, 240
GREYS = (40, 90, 140, 190)  # the picture of each second


def ours(folder: Path, greys: tuple[int, ...] = GREYS, preset: str = "superfast", tuning: str = "") -> Path:
    """Write, by our own writer, a clip with a tone whose plain grey changes each second as `greys` says."""
    path = folder / "ours.mp4"
    with VideoWriter(path, width=WIDTH, height=HEIGHT, fps=FPS, preset=preset, tuning=tuning) as writer:
        for grey in greys:
            for _ in range(FPS):
                writer.write_rgb(still(grey, WIDTH, HEIGHT))
        writer.write_audio(np.ascontiguousarray(tone(len(greys)).T))
    return path


def as_animatic(folder: Path) -> Path:
    """Write a clip with the encoder's settings of the embedded engine."""
    return ours(folder, preset=PRESET, tuning=TUNING)


def moov_last_repaired(folder: Path) -> Path:
    """Write a clip whose index stands last, which a remux mends."""
    return _repaired(folder, _plain(container={"write_btrt": "0"}))


def full_colour_repaired(folder: Path) -> Path:
    """Write a clip of 10-bit 4:4:4 pictures, which no iPhone plays and a re-encode mends."""
    return _repaired(folder, _plain(pix_fmt="yuv444p10le"))


def sided_repaired(folder: Path, turn: Sequence[int], start: float = 0.0) -> Path:
    """Write a clip of 2 s, light on the left, with this display matrix, and repair it by encoding it again.

    Its pictures begin at `start`, in seconds, its sound at 0.
    """
    picture = still(40, WIDTH, HEIGHT)
    picture[:, : WIDTH // 2] = 200
    times = [round(1000 * (start + at / FPS)) for at in range(2 * FPS)]
    footage = replace(_plain(pix_fmt="yuv444p"), frames=[picture] * len(times), times=times)
    broken = shoot(folder / "broken.mp4", replace(footage, sounds=[Sound(samples=tone(2 + start))]))
    set_turn(broken, turn, WIDTH, HEIGHT)
    return repair(broken, worth_repairing(lint(broken)), folder / "repaired.mp4").path


def frozen(folder: Path) -> Path:
    """Write a clip that shows its first second all the time."""
    return ours(folder, GREYS[:1] * len(GREYS))


def sound_alone(folder: Path) -> Path:
    """Write a clip without pictures, which is how a browser plays one whose pictures it cannot decode."""
    path = folder / "sound.mp4"
    with av.open(ours(folder)) as whole, av.open(path, "w", options={"movflags": "+faststart"}) as made:
        track = whole.streams.audio[0]
        copy = made.add_stream_from_template(track)
        for packet in whole.demux(track):
            if packet.dts is not None:
                packet.stream = copy
                made.mux(packet)
    return path


def truncated(folder: Path) -> Path:
    """Write a clip that lacks its second half."""
    path = ours(folder)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    return path


def page(folder: Path) -> Path:
    """Write the page that a server sends in place of the clip when one is not signed in."""
    path = folder / "page.mp4"
    path.write_text("<!doctype html><title>Sign in</title><p>Sign in to continue")
    return path


def _plain(*, pix_fmt: str = "yuv420p", container: dict[str, str] | None = None) -> Footage:
    frames = [still(grey, WIDTH, HEIGHT) for grey in GREYS for _ in range(FPS)]
    faststart = {"movflags": "+faststart", "write_btrt": "0"}
    return Footage(
        frames=frames,
        fps=Fraction(FPS),
        pix_fmt=pix_fmt,
        container=container or faststart,
        sounds=[Sound(samples=tone(len(GREYS)))],
    )


def _repaired(folder: Path, footage: Footage) -> Path:
    """Write a clip that needs a repair, and return the copy that `repair` made."""
    broken = shoot(folder / "broken.mp4", footage)
    needed = worth_repairing(lint(broken))
    assert needed, "the lint finds nothing to mend"
    return repair(broken, needed, folder / "repaired.mp4").path
