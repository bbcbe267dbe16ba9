"""What is done to a file that arrived, before it counts as a clip: lint, whole decode, repair, sheets.

The imports stand inside the functions: PyAV and numpy take a third of a second and sixty megabytes, which
a worker that only waits for a provider need not spend.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from rushes.domain.clip import Facts, Finding, Repair, Severity
from rushes.domain.errors import BeyondRepair
from rushes.domain.observation import is_other_length

if TYPE_CHECKING:
    from rushes.media.probe import Probe


@dataclass(frozen=True, kw_only=True)
class Arrival:
    """A healthy file that is ready to be filed.

    `path` plays everywhere; `original` is the engine's own file where that one did not, else None.
    `lint` is what is left to say of `path`.
    """

    path: Path
    original: Path | None
    probe: Probe
    facts: Facts
    lint: tuple[Finding, ...]
    sheet: Path
    bursts: Path

    @property
    def seconds(self) -> float:
        """The length of the pictures, in seconds; of a file that does not say, what was decoded."""
        return self.probe.seconds or self.facts.end

    def other_length(self, ordered: float | None) -> str | None:
        """Return what to say of a length, in seconds, that is not the one ordered; None where nothing is."""
        if ordered is None or not is_other_length(self.seconds, ordered):
            return None
        return f"{self.seconds:.1f} s came, {ordered:g} s were ordered"

    def as_promised(self, size: tuple[int, int] | None) -> bool:
        """Whether it is at least as large as promised; codecs round a side to a multiple of 16."""
        if size is None:
            return True
        return self.probe.width > size[0] - 16 and self.probe.height > size[1] - 16


def inspect(path: Path) -> Arrival:
    """Decode all of `path`, repair it into a derivative where it needs that, and draw its sheets.

    A file that needs no repair stays byte-identical. Raises NotAVideo or BeyondRepair.
    """
    from rushes.media.bursts import moments
    from rushes.media.decode import decode_all
    from rushes.media.probe import probe
    from rushes.media.sheet import bursts, overview

    decoded = decode_all(path)
    ruined = [one for one in decoded.findings if one.severity is Severity.ERROR and one.repair is Repair.NONE]
    if ruined:
        raise BeyondRepair(f"{path.name}: {ruined[0].text}")
    healthy, remarks = mend(path)
    return Arrival(
        path=healthy,
        original=path if healthy != path else None,
        probe=probe(healthy),
        facts=decoded.facts,
        lint=(*decoded.findings, *remarks),
        sheet=overview(healthy, path.with_suffix(".sheet.jpg")),
        bursts=bursts(healthy, path.with_suffix(".bursts.jpg"), moments(decoded.facts)),
    )


def mend(path: Path) -> tuple[Path, tuple[Finding, ...]]:
    """Return a file that plays everywhere, and what lint still says of it."""
    from rushes.media.lint import lint
    from rushes.media.repair import repair, worth_repairing

    findings = lint(path)
    ruined = [one for one in findings if one.severity is Severity.ERROR and one.repair is Repair.NONE]
    if ruined:
        raise BeyondRepair(f"{path.name}: {ruined[0].text}")
    if not any(one.severity is Severity.ERROR for one in findings):
        return path, findings
    mended = repair(path, worth_repairing(findings), path.with_suffix(".mended.mp4"))
    return mended, lint(mended)
