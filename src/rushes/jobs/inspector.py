"""The program that a worker starts for each file that arrived: `python -m rushes.jobs.inspector`.

Its order is {"examine": path, "frames": the most that it may have, or null, "ordered": seconds, or null,
"tags": title and comment for a repaired copy, or null}, answered with an `Arrival`; or {"draw": clip},
answered with how many pictures of the clip were missing and are drawn now.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from rushes.children.serving import DECODER_MEMORY, ParentLine, serve
from rushes.domain.clip import Clip, Finding, Repair, Severity
from rushes.domain.errors import BeyondRepair
from rushes.domain.observation import is_other_length
from rushes.jobs.inspection import Arrival


def examine(
    path: Path, frames: int | None, ordered: float | None, tags: Mapping[str, str] | None = None
) -> Arrival:
    """Do what `inspection.inspect` promises, in this process. Raises NotAVideo or BeyondRepair."""
    from rushes.media.boxes import carries_credentials
    from rushes.media.bursts import moments
    from rushes.media.decode import decode_all
    from rushes.media.limits import Budget
    from rushes.media.probe import probe
    from rushes.media.sheet import bursts, overview

    budget = Budget()
    if frames is not None:
        budget = replace(budget, frames=min(frames, budget.frames))
    decoded = decode_all(path, budget)
    ruined = [one for one in decoded.findings if one.severity is Severity.ERROR and one.repair is Repair.NONE]
    if ruined:
        raise BeyondRepair(f"{path.name}: {ruined[0].text}")
    if decoded.facts.frames == 1 and ordered is not None and is_other_length(decoded.facts.end, ordered):
        raise BeyondRepair(f"{path.name}: one frame came, a still picture, and {ordered:g} s were ordered")
    healthy, remarks = repaired(path, tags)
    about = probe(healthy)
    facts, found = decoded.facts, decoded.findings
    if healthy != path:
        # What was decoded is the file that arrived: its times and its lines may be what was repaired.
        sound_end = about.audio_start + about.audio_seconds if about.audio_codec else None
        is_interlaced = any(one.code == "interlaced" for one in remarks)
        with healthy.open("rb") as file:
            signed = carries_credentials(file)
        facts = replace(
            facts,
            start=about.start,
            sound_end=sound_end,
            interlaced=is_interlaced,
            c2pa=signed,
            original_c2pa=facts.c2pa,
        )
        found = tuple(one for one in found if one.repair is Repair.NONE)
    return Arrival(
        path=healthy,
        original=path if healthy != path else None,
        seconds=about.picture_seconds(decoded.facts),
        width=about.width,
        height=about.height,
        fps=about.fps,
        video_codec=about.video_codec,
        audio_codec=about.audio_codec,
        facts=facts,
        lint=(*found, *remarks),
        sheet=overview(healthy, path.with_suffix(".sheet.jpg")),
        bursts=bursts(healthy, path.with_suffix(".bursts.jpg"), moments(facts)),
    )


def repaired(path: Path, tags: Mapping[str, str] | None) -> tuple[Path, tuple[Finding, ...]]:
    """Return a file that plays everywhere, and what lint still says of it."""
    from rushes.media.lint import lint
    from rushes.media.repair import repair, worth_repairing

    findings = lint(path)
    ruined = [one for one in findings if one.severity is Severity.ERROR and one.repair is Repair.NONE]
    if ruined:
        raise BeyondRepair(f"{path.name}: {ruined[0].text}")
    if not any(one.severity is Severity.ERROR for one in findings):
        return path, findings
    made = repair(path, worth_repairing(findings), path.with_suffix(".repaired.mp4"), tags)
    return made.path, (*lint(made.path), *made.as_findings())


def draw(clip: Clip) -> int:
    """Do what `inspection.draw_missing` promises, in this process. Raises NotAVideo or BeyondRepair."""
    from rushes.media.bursts import moments
    from rushes.media.sheet import bursts, overview

    drawn = 0
    if not os.path.lexists(clip.sheet):
        overview(clip.path, clip.sheet)
        drawn += 1
    if clip.bursts is not None and not os.path.lexists(clip.bursts):
        bursts(clip.path, clip.bursts, moments(clip.facts))
        drawn += 1
    return drawn


def work(order: dict[str, Any], line: ParentLine) -> dict[str, Any] | int:
    if "draw" in order:
        return draw(Clip.from_json(order["draw"]))
    return examine(Path(order["examine"]), order["frames"], order["ordered"], order["tags"]).as_json()


if __name__ == "__main__":
    serve(work, memory=DECODER_MEMORY)
