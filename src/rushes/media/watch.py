"""What somebody who cannot watch a clip is told of it."""

from __future__ import annotations

from pathlib import Path

from rushes.domain.observation import Observation
from rushes.media.decode import decode_all
from rushes.media.lint import lint
from rushes.media.probe import probe


def observe(path: str | Path) -> Observation:
    """Decode all of a video file once and return what is to be seen and heard in it.

    A clip of the library was observed when it was filed: `Observation.of` tells that at once. Raises
    `NotAVideo` for a file without pictures and `BeyondRepair` if none of them can be decoded.
    """
    about = probe(path)
    seen = decode_all(path)
    findings = {(one.code, one.text): one for one in (*lint(path), *seen.findings)}
    return Observation(
        seconds=about.picture_seconds(seen.facts),
        width=about.width,
        height=about.height,
        fps=round(about.fps, 3),
        video_codec=about.video_codec,
        audio_codec=about.audio_codec,
        facts=seen.facts,
        findings=tuple(findings.values()),
    )
