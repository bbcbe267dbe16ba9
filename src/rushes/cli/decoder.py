"""The program that decodes files for `rushes look`, `lint` and `sheet`: `python -m rushes.cli.decoder`.

The files may be anybody's: they get a bounded memory, and a crash in a decoder is an error like others. The
order is `{TASK: {…}}`, the name of a function in `TASKS` and what it takes.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

from rushes.children.child import ChildDied, ask
from rushes.children.serving import DECODER_MEMORY, ParentLine, serve
from rushes.domain.clip import Repair, Severity
from rushes.domain.errors import BeyondRepair
from rushes.viewing import Pictures, Video, observed

DEADLINE_S = 6 * 3600.0
"""A person waits as long as they like, and Ctrl-C ends it."""


def decode(task: str, path: Path, **order: Any) -> Any:
    """Have a child process do one of the `TASKS` with the file at `path`, and return its answer.

    Raises what the task does, and BeyondRepair where the file takes more memory than there is for it.
    """
    try:
        return asyncio.run(ask("rushes.cli.decoder", {task: order}, deadline_s=DEADLINE_S))
    except ChildDied as error:
        raise BeyondRepair(f"{path} could not be decoded: what decodes it {error}") from error


def look(
    video: dict[str, Any], bursts: bool, at: list[float], span: list[float] | None, out: str | None
) -> dict[str, Any]:
    """Return what is told of a video, its pictures drawn into the folder `out`, else into the usual one."""
    one = Video.from_json(video)
    seen = observed(one)
    pictures = Pictures(one, seen, Path(out) if out is not None else None)
    pictures.check(*at)
    strip = pictures.stretch(*span) if span is not None else None
    return {
        "path": str(one.path),
        "clip": one.clip.id if one.clip else None,
        "seen": seen.as_json(),
        "lines": seen.lines(),
        "sheet": str(pictures.overview().path),
        "bursts": str(pictures.bursts(seen.facts)) if bursts else None,
        "range": str(strip.path) if strip else None,
        "frames": [{"seconds": seconds, "path": str(pictures.frame(seconds))} for seconds in at],
    }


def sheet(file: str, target: str, bursts: bool) -> str:
    """Draw a contact sheet of a file, and return its whole path."""
    from rushes.media import sheet

    draw = sheet.bursts if bursts else sheet.overview
    return str(draw(Path(file), Path(target)).absolute())


def lint(file: str, target: str | None, compatible: bool = False) -> dict[str, Any]:
    """Return the `findings` in a file, where it was `repaired` to, and whether it is `bad`: it does not play.

    It is repaired if `target` names a place for the copy, and if a repair helps; `notes` tell what the copy
    lacks. Warnings are repaired along if nothing has to be encoded again for them, or all of them if it is to
    be `compatible`. For a warning alone a signed file (C2PA) is not touched: it would lose its signature.
    `c2pa` is whether the file carries content credentials, `repaired_c2pa` whether the copy does, None if
    there is no copy.
    """
    from rushes.media.decode import decode_all
    from rushes.media.lint import lint
    from rushes.media.repair import repair, worth_repairing

    header, decoded = lint(file), decode_all(file)
    findings = {(one.code, one.text): one for one in (*header, *decoded.findings)}.values()
    bad = any(one.severity is Severity.ERROR for one in findings)
    cheap = Repair.NONE if decoded.facts.c2pa else Repair.REMUX
    worth = worth_repairing(header, Repair.REENCODE_VIDEO if compatible else cheap)
    copy: str | None = None
    notes: tuple[str, ...] = ()
    if target is not None and worth:
        made = repair(file, worth, target)
        copy, notes = str(made.path.absolute()), made.notes
        bad = any(one.severity is Severity.ERROR for one in lint(copy))
    return {
        "findings": [asdict(one) for one in findings],
        "repaired": copy,
        "notes": notes,
        "bad": bad,
        "c2pa": decoded.facts.c2pa,
        "repaired_c2pa": _is_signed(Path(copy)) if copy is not None else None,
    }


def _is_signed(path: Path) -> bool:
    from rushes.media.boxes import carries_credentials

    with path.open("rb") as opened:
        return carries_credentials(opened)


TASKS: dict[str, Callable[..., Any]] = {"look": look, "sheet": sheet, "lint": lint}


def work(order: dict[str, dict[str, Any]], line: ParentLine) -> Any:
    ((task, words),) = order.items()
    return TASKS[task](**words)


if __name__ == "__main__":
    serve(work, memory=DECODER_MEMORY)
