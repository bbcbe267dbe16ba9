"""How results look: JSON alone on stdout, or short lines for a person; diagnostics go to stderr."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any

import click

from rushes.domain.answer import Answer
from rushes.domain.clip import Clip
from rushes.domain.job import Job, JobState
from rushes.domain.request import VideoRequest

COLOURS = {
    JobState.COMPLETED: "green",
    JobState.FAILED: "red",
    JobState.OUTCOME_UNKNOWN: "yellow",
    JobState.BLOCKED: "yellow",
    JobState.CANCELED: "bright_black",
}

NARROWEST = 16
"""Characters of a prompt that are shown however little room there is."""

REASON_WIDTH = 36
"""Characters of what holds a job up that fit into a table; `rushes job ID` tells all of it."""


def common(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the two options that every command has."""
    command = click.option("--debug", is_flag=True, expose_value=False, help="Show tracebacks.")(command)
    return click.option("--json", "as_json", is_flag=True, help="Print the result as JSON on stdout.")(
        command
    )


def put_json(data: Any) -> None:
    click.echo(json.dumps(data, indent=2, ensure_ascii=False))


def one_or_list(answers: Sequence[Answer]) -> Any:
    """Return one object for one job, a list for several."""
    shapes = [answer.as_json() for answer in answers]
    return shapes[0] if len(shapes) == 1 else shapes


def say(text: str) -> None:
    """Tell a person something that is not the result."""
    click.echo(text, err=True)


def put_table(rows: Sequence[Sequence[str]], heads: Sequence[str]) -> None:
    """Print columns as wide as their contents; the last one is left as it is."""
    plain = [[click.unstyle(cell) for cell in row] for row in (heads, *rows)]
    widths = [max(len(row[at]) for row in plain) for at in range(len(heads))]
    widths[-1] = 0
    for number, row in enumerate((heads, *rows)):
        cells = [cell + " " * (widths[at] - len(plain[number][at])) for at, cell in enumerate(row)]
        line = "  ".join(cells).rstrip()
        click.echo(click.style(line, dim=True) if number == 0 else line)


def put_fitted(rows: Sequence[Sequence[str]], heads: Sequence[str]) -> None:
    """Print a table whose last column is shortened to the room that the terminal leaves it."""
    widths = [max(len(click.unstyle(row[at])) for row in (heads, *rows)) + 2 for at in range(len(heads) - 1)]
    room = max(NARROWEST, shutil.get_terminal_size((100, 24)).columns - sum(widths))
    put_table([(*row[:-1], shortened(row[-1], room)) for row in rows], heads)


def put_pairs(pairs: Sequence[tuple[str, str]]) -> None:
    """Print names and values, one to a line, values aligned."""
    width = max(len(name) for name, _ in pairs)
    for name, value in pairs:
        click.echo(f"{click.style(name.rjust(width), dim=True)}  {value}")


def put_answer(answer: Answer) -> None:
    """Print what came of a job: its clip's paths, or why there is none."""
    job = answer.job
    for clip in answer.clips:
        put_clip(clip, cost_with_quota(job))
    for warning in job.warnings:
        click.echo(f"{click.style(' warn', fg='yellow')}: {warning}")
    if job.state is JobState.COMPLETED:
        if not answer.clips:
            click.echo(f"the clip of job {job.id} was removed; rushes collect {job.id} may bring it back")
        return
    where = f"job {job.id} is {state(job)}"
    if job.failure is None:
        click.echo(f"{where}; rushes wait {job.id} watches it")
        return
    click.echo(f"{where}: {job.failure.message}")
    click.echo(f"{click.style(' next', fg='cyan')}: {job.failure.next.replace(' ID', f' {job.id}')}")


def put_clip(clip: Clip, price: str) -> None:
    codecs = clip.video_codec + (f" + {clip.audio_codec}" if clip.audio_codec else ", silent")
    shape = f"{clip.seconds:g} s  {clip.width}×{clip.height}  {clip.fps:g} fps  {codecs}"
    pairs = [
        ("clip", str(clip.path)),
        ("sheet", str(clip.sheet)),
        ("", f"{shape}  {size(clip.bytes)}  {price}  {clip.model}"),
    ]
    pairs += [("lint", f"{one.severity.value}: {one.text}") for one in clip.lint]
    put_pairs(pairs)


def wishes(request: VideoRequest) -> list[tuple[str, str]]:
    """Return the names and values of what else was asked for: style, remix, shots, references."""
    named = (("style", request.style), ("remix of", request.remix), ("goes on from", request.extend))
    pairs = [(name, value) for name, value in named if value]
    pairs += [("shot", f"{shot.seconds:g} s: {shot.prompt}") for shot in request.shots]
    for one in request.references:
        pairs.append((one.role.value.replace("_", " "), f"id:{one.remote}" if one.remote else str(one.path)))
    return pairs


def state(job: Job) -> str:
    """Return a job's state, with its reason and progress, in its colour."""
    text = job.state.value.replace("_", " ")
    if job.reason and not job.state.ended:
        text += f" ({shortened(job.reason, REASON_WIDTH)})"
    if job.fraction is not None and job.state.at_provider:
        text += f" {job.fraction:.0%}"
    return click.style(text, fg=COLOURS.get(job.state))


def cost_with_quota(job: Job) -> str:
    """Return what a job cost, and what its plan had left when it was accepted: "in your plan, 28 left"."""
    left = job.quota_left if job.cost.basis == "included_in_plan" else None
    return job.cost.words + (f", {left} left" if left is not None else "")


def age(moment: datetime) -> str:
    """Return how long ago a moment was, in one unit."""
    seconds = max(0, int((datetime.now(UTC) - moment).total_seconds()))
    for unit, length in (("d", 86_400), ("h", 3600), ("min", 60)):
        if seconds >= 2 * length:
            return f"{seconds // length} {unit} ago"
    return f"{seconds} s ago"


def size(count: int) -> str:
    """Return a number of bytes as a person reads it."""
    return f"{count / 1e6:.1f} MB" if count >= 1e5 else f"{count / 1e3:.0f} kB"


def shortened(text: str, width: int) -> str:
    text = " ".join(text.split())
    return text if len(text) <= width else text[: width - 1] + "…"
