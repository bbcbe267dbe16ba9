"""Making a copy of a clip that plays everywhere, with the least change.

A remux copies pictures and sound as they are; only what cannot stay is encoded again. Every rewrite drops a
C2PA manifest, so a healthy file is left alone and the original is never touched.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from rushes.domain.clip import Finding, Repair, Severity
from rushes.domain.errors import BeyondRepair
from rushes.media.lint import lint
from rushes.media.rewrite import rewrite

_COST = {Repair.REMUX: 1, Repair.REENCODE_AUDIO: 2, Repair.REENCODE_VIDEO: 3}


def worth_repairing(findings: Sequence[Finding]) -> tuple[Finding, ...]:
    """Return the findings to hand to `repair`: the errors, and the warnings that they mend at no more cost.

    Empty for a clip with warnings alone: a rewrite would cost it its C2PA manifest.
    """
    errors = [finding for finding in findings if finding.severity is Severity.ERROR]
    most = max((_COST.get(finding.repair, 0) for finding in errors), default=0)
    return tuple(finding for finding in findings if 0 < _COST.get(finding.repair, 0) <= most)


def repair(
    path: str | Path,
    findings: Sequence[Finding],
    destination: str | Path,
    tags: Mapping[str, str] | None = None,
) -> Path:
    """Write a copy of `path` at `destination` that mends `findings`, and return where it is.

    Returns `path` itself, and writes nothing, when no finding can be mended: a healthy file stays as it is,
    byte for byte. Sound and pictures are kept as they are unless a finding is about them; subtitles and
    other tracks are dropped. `tags` are its title and comment, if it has none.
    Raises `BeyondRepair` when an error has no repair, or when the copy would not
    play either, and `DiskFull` or `ReadOnly` when the disk does not take it.
    """
    path, destination = Path(path), Path(destination)
    hopeless = [f for f in findings if f.severity is Severity.ERROR and f.repair is Repair.NONE]
    if hopeless:
        raise BeyondRepair(f"{path}: {hopeless[0].text}")
    repairs = {finding.repair for finding in findings} - {Repair.NONE}
    if not repairs:
        return path
    if destination.exists() and destination.samefile(path):
        raise ValueError(f"{destination} is the original, which is never overwritten")
    part = destination.with_name(f".{destination.name}.part")
    try:
        rewrite(path, repairs, part, tags)
        left = [finding for finding in lint(part) if finding.severity is Severity.ERROR]
        if left:
            raise BeyondRepair(f"{path} could not be repaired: {left[0].text}")
        part.replace(destination)
    finally:
        part.unlink(missing_ok=True)
    return destination
