"""Making a copy of a clip that plays everywhere, with the least change.

A remux copies pictures and sound as they are; only what cannot stay is encoded again. Every rewrite drops a
C2PA manifest, so a healthy file is left alone and the original is never touched.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from rushes.domain.clip import Finding, Repair, Severity
from rushes.domain.errors import BeyondRepair
from rushes.media.lint import lint
from rushes.media.rewrite import rewrite

_COST = {Repair.NONE: 0, Repair.REMUX: 1, Repair.REENCODE_AUDIO: 2, Repair.REENCODE_VIDEO: 3}


def worth_repairing(findings: Sequence[Finding], most: Repair = Repair.NONE) -> tuple[Finding, ...]:
    """Return the findings to hand to `repair`: the errors, and the warnings that go away at no more cost.

    Empty for a clip with warnings alone, since a rewrite would cost it its C2PA manifest: whoever asked for
    one all the same says by `most` how much it may cost.
    """
    errors = [finding for finding in findings if finding.severity is Severity.ERROR]
    limit = max([_COST[most], *(_COST[finding.repair] for finding in errors)])
    return tuple(finding for finding in findings if 0 < _COST[finding.repair] <= limit)


@dataclass(frozen=True, kw_only=True)
class Repaired:
    """A file that plays; `notes` tell what it lacks of the original or shows otherwise, a sentence each."""

    path: Path
    notes: tuple[str, ...] = ()

    def as_findings(self) -> tuple[Finding, ...]:
        """Return the notes as remarks on the clip."""
        return tuple(
            Finding(code="repaired", severity=Severity.WARNING, text=note, repair=Repair.NONE)
            for note in self.notes
        )


def repair(
    path: str | Path,
    findings: Sequence[Finding],
    destination: str | Path,
    tags: Mapping[str, str] | None = None,
) -> Repaired:
    """Write a copy of `path` at `destination` without these findings, and return where it is.

    Returns `path` itself, and writes nothing, if no finding can be repaired: a healthy file stays as it is,
    byte for byte. Sound and pictures are kept as they are unless a finding is about them; what else a file
    has is kept if an MP4 can carry it. `tags` are its title and comment, if it has none. Raises
    `BeyondRepair` if an error has no repair, or if the copy would not play either, and `DiskFull` or
    `ReadOnly` if the disk does not take it.
    """
    path, destination = Path(path), Path(destination)
    hopeless = [f for f in findings if f.severity is Severity.ERROR and f.repair is Repair.NONE]
    if hopeless:
        raise BeyondRepair(f"{path}: {hopeless[0].text}")
    repairs = {finding.repair for finding in findings} - {Repair.NONE}
    if not repairs:
        return Repaired(path=path)
    if destination.exists() and destination.samefile(path):
        raise ValueError(f"{destination} is the original, which is never overwritten")
    part = destination.with_name(f".{destination.name}.part")
    try:
        notes = rewrite(path, repairs, part, tags)
        left = [finding for finding in lint(part) if finding.severity is Severity.ERROR]
        if left:
            raise BeyondRepair(f"{path} could not be repaired: {left[0].text}")
        part.replace(destination)
    finally:
        part.unlink(missing_ok=True)
    return Repaired(path=destination, notes=notes)
