"""Clips whose second can be read off the picture, and files that are not quite clips."""

from __future__ import annotations

from pathlib import Path

import av
import numpy as np

from rushes.media.encode import VideoWriter

SECONDS, FPS, RATE = 4, 25, 48000
WIDTH, HEIGHT = 640, 360
GREYS = (40, 90, 140, 190)  # the picture of each second


RNG=np.random.default_rng(7)
def noisy(grey):
    return RNG.integers(grey-30,grey+31,(HEIGHT,WIDTH,1),dtype=np.int16).clip(0,255).astype(np.uint8).repeat(3,axis=2)
def graded(path: Path, greys: tuple[int, ...] = GREYS) -> Path:
    """Write a clip with a tone, of a flat grey that changes each second as `greys` says."""
    with VideoWriter(path, width=WIDTH, height=HEIGHT, fps=FPS, audio_rate=RATE) as writer:
        for grey in greys:
            for _ in range(FPS):
                writer.write_rgb(noisy(grey))
            tone = np.sin(2 * np.pi * 440 * np.arange(RATE) / RATE) * 0.2
            writer.write_audio(np.stack([tone, tone], axis=1).astype(np.float32))
    return path


def remuxed(source: Path, path: Path, *, kinds: tuple[str, ...] = ("video", "audio"), **options: str) -> Path:
    """Copy the tracks of `kinds` of `source` as they are into `path`, with libav's muxer `options`."""
    with av.open(source) as given, av.open(path, "w", format="mp4", options=options) as made:
        tracks = {
            stream.index: made.add_stream_from_template(stream)
            for stream in given.streams
            if stream.type in kinds
        }
        for packet in given.demux():
            if packet.dts is not None and packet.stream.index in tracks:
                packet.stream = tracks[packet.stream.index]
                made.mux(packet)
    return path
