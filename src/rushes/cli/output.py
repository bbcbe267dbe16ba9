"""How results look: JSON alone on stdout, or short lines for a person; diagnostics go to stderr.

All that the commands print goes through here, and so does every word from outside: `shown` writes out what a
terminal would obey or hide, and further lines of a text are indented, so that none can pass for one of ours.
"""

from __future__ import annotations

import os
import re
import shutil
import sys
import unicodedata
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import click

from rushes.domain.answer import Answer
from rushes.domain.clip import Clip
from rushes.domain.errors import Billed, SignInNeeded
from rushes.domain.job import Job, JobState
from rushes.domain.money import Basis
from rushes.domain.request import VideoRequest
from rushes.domain.text import json_text, one_line, visible_lines
from rushes.jobs.heartbeat import SilentWorker

COLOURS = {
    JobState.COMPLETED: "green",
    JobState.FAILED: "red",
    JobState.OUTCOME_UNKNOWN: "yellow",
    JobState.BLOCKED: "yellow",
    JobState.CANCELED: "bright_black",
}

MARK = f"\x1b{os.urandom(8).hex()}"
"""What `style` begins an escape sequence with: nobody outside of this process can write it."""

STYLE = re.compile(re.escape(MARK) + r"(\[[0-9;]*m)")

FURTHER = re.compile(r"[\n\t]+")

INDENT = " " * 4

NARROWEST = 16
"""Characters of a prompt that are shown however little room there is."""

REASON_WIDTH = 36
"""Characters of what holds a job up that fit into a table; `rushes job ID` tells all of it."""


LONGEST_ADVICE = 160
"""Characters of what to do next that stand on one line, two of a terminal, however many ways it names."""


JOB, CLIP, FILE = "JOB|CLIP|FILE", "CLIP|JOB|FILE", "FILE|CLIP|JOB"
JOBS, CLIPS = f"{JOB}...", f"{CLIP}..."
"""What jobs and clips are named by, the usual first; see `rushes.naming`."""


def common(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command the two options that every command has."""
    command = click.option("--debug", is_flag=True, expose_value=False, help="Show tracebacks.")(command)
    return click.option("--json", "as_json", is_flag=True, help="Print the result as JSON on stdout.")(
        command
    )


def style(text: str, **how: Any) -> str:
    """Return text in a colour or weight; `how` are the options of `click.style`."""
    before, _, after = click.style("\0", **how).partition("\0")
    return before.replace("\x1b", MARK) + text + after.replace("\x1b", MARK)


def plain(text: str) -> str:
    """Return text without what `style` put into it."""
    return STYLE.sub("", text)


def shown(text: str) -> str:
    """Return text for a terminal: in our own styles, with everything else that is unsafe written out."""
    words, *styled = STYLE.split(text)
    parts = [
        f"\x1b{code}{visible_lines(after)}" for code, after in zip(styled[::2], styled[1::2], strict=True)
    ]
    return visible_lines(words) + "".join(parts)


def echo(text: object = "", *, err: bool = False, nl: bool = True) -> None:
    """Print one entry of a result; its further lines are indented."""
    click.echo(shown(str(text)).replace("\n", f"\n{INDENT}"), err=err, nl=nl)


def put_lines(text: str, *, err: bool = False) -> None:
    """Print a text that is laid out in lines already: help, a table, CSV."""
    click.echo(shown(text).removesuffix("\n"), err=err)


def agrees(question: str, *, abort: bool = False) -> bool:
    """Ask a person for a yes or no. Raises click.Abort after Ctrl-C, and with `abort` after a no."""
    return click.confirm(shown(question), err=True, abort=abort)


def put_json(data: Any) -> None:
    click.echo(json_text(data, indent=2))


def one_or_list(answers: Sequence[Answer]) -> Any:
    """Return one object for one job, a list for several."""
    shapes = [answer.as_json() for answer in answers]
    return shapes[0] if len(shapes) == 1 else shapes


def say(text: str) -> None:
    """Tell a person something that is not the result."""
    echo(text, err=True)


def say_next(advice: str) -> None:
    """Tell a person what to do next."""
    say(f"{style(' next', fg='cyan')}: {one_to_a_line(advice)}")


def one_to_a_line(advice: str) -> str:
    """Return what to do with each of several ways on a line of its own, if they are long."""
    return advice if len(advice) <= LONGEST_ADVICE else re.sub(r"; or(?=[ ,])", "\nor", advice)


def warn_of(silent: SilentWorker | None) -> None:
    """Tell a person of a worker that does not respond, and what to do about it."""
    if silent is not None:
        say(f"{style('warning', fg='yellow')}: {silent.words}")
        say_next(silent.advice)


def put_table(rows: Sequence[Sequence[str]], heads: Sequence[str]) -> None:
    """Print columns as wide as their contents; the last one is left as it is."""
    cells = [[FURTHER.sub(" ", shown(cell)) for cell in row] for row in (heads, *rows)]
    widths = [max(len(click.unstyle(row[at])) for row in cells) for at in range(len(heads))]
    widths[-1] = 0
    for number, row in enumerate(cells):
        padded = (cell + " " * (widths[at] - len(click.unstyle(cell))) for at, cell in enumerate(row))
        line = "  ".join(padded).rstrip()
        click.echo(click.style(line, dim=True) if number == 0 else line)


def put_fitted(rows: Sequence[Sequence[str]], heads: Sequence[str]) -> None:
    """Print a table whose last column is shortened to the room that the terminal leaves it."""
    widths = [max(len(plain(row[at])) for row in (heads, *rows)) + 2 for at in range(len(heads) - 1)]
    room = max(NARROWEST, shutil.get_terminal_size((100, 24)).columns - sum(widths))
    put_table([(*row[:-1], shortened(row[-1], room)) for row in rows], heads)


def put_pairs(pairs: Sequence[tuple[str, str]]) -> None:
    """Print names and values, one to a line, values aligned.

    No line of a value begins where the names are, whoever wrote it: on a terminal it is wrapped before that.
    """
    width = max(len(name) for name, _ in pairs)
    columns = shutil.get_terminal_size((100, 24)).columns if sys.stdout.isatty() else None
    room = columns and max(NARROWEST, columns - width - 2)
    for name, value in pairs:
        words = shown(value)
        # A path stays whole, so that it can be copied.
        lines = wrapped(words, room) if room and " " in words else words.split("\n")
        label = click.style(one_line(name).rjust(width), dim=True)
        click.echo(f"{label}  " + f"\n{' ' * (width + 2)}".join(lines))


def wrapped(text: str, room: int) -> list[str]:
    """Return the lines of a text, none wider than `room` cells of a terminal, broken at blanks if any."""
    lines = []
    for line in text.expandtabs(4).split("\n"):
        start = taken = blank = 0
        for at, char in enumerate(line):
            taken += cells(char)
            if taken > room:
                end = blank if blank > start else at
                lines.append(line[start:end].rstrip())
                start, taken = end, sum(map(cells, line[end : at + 1]))
            if char == " ":
                blank = at + 1
        lines.append(line[start:])
    return lines


def cells(char: str) -> int:
    """Return how many cells of a terminal a character takes."""
    if unicodedata.category(char) in {"Mn", "Me", "Cf"}:
        return 0
    return 2 if unicodedata.east_asian_width(char) in "WF" else 1


def put_answer(answer: Answer) -> None:
    """Print what came of a job: its clip's paths, or why there is none."""
    job = answer.job
    copies = [path for copy in answer.copies for path in copy.made]
    for number, clip in enumerate(answer.clips):
        put_clip(clip, cost_with_quota(job), copies=() if number else copies)
    for warning in job.warnings:
        echo(f"{style(' warn', fg='yellow')}: {warning}")
    where, failure = f"job {job.id} is {state(job)}", answer.failure
    if failure is None:
        if job.state is not JobState.COMPLETED:
            echo(f"{where}; rushes wait {job.id} watches it")
        return
    bill = bill_words(failure.billed, job.quote.basis) if job.state is JobState.FAILED else ""
    echo(f"{where}: {failure.message}{bill}")
    echo(f"{style(' next', fg='cyan')}: {failure.next}")


def bill_words(billed: Billed, basis: Basis = Basis.PER_USE) -> str:
    """Return what is said after an error that may have cost something, "" if it did not."""
    if billed is Billed.NO:
        return ""
    if basis is Basis.INCLUDED_IN_PLAN:
        return "; whether your plan counts it is not known"
    return "; it was charged" if billed is Billed.YES else "; whether it was charged is not known"


def put_clip(clip: Clip, price: str, copies: Sequence[Path] = ()) -> None:
    codecs = clip.video_codec + (f" + {clip.audio_codec}" if clip.audio_codec else ", silent")
    shape = f"{clip.seconds:g} s  {clip.width}×{clip.height}  {clip.fps:g} fps  {codecs}"
    pairs = [
        *(("copy", str(copy)) for copy in copies),
        ("clip", str(clip.path)),
        ("sheet", str(clip.sheet)),
        ("", f"{shape}  {size(clip.bytes)}  {price}  {clip.model}"),
    ]
    pairs += [("lint", f"{one.severity.value}: {one.text}") for one in clip.lint]
    put_pairs(pairs)


def wishes(request: VideoRequest) -> list[tuple[str, str]]:
    """Return the names and values of what else was asked for: style, remix, storyboard, references."""
    named = (
        ("style", request.style),
        ("remix of", request.remix),
        ("continues", request.extend),
        ("storyboard", request.storyboard_id),
    )
    pairs = [(name, value) for name, value in named if value]
    pairs += [("caption", "none")] if request.caption is False else []
    pairs += [("shot", f"{shot.seconds:g} s: {shot.prompt}") for shot in request.shots]
    for one in request.references:
        pairs.append((one.role.value.replace("_", " "), f"id:{one.remote}" if one.remote else str(one.path)))
    return pairs


def state(job: Job, width: int = REASON_WIDTH) -> str:
    """Return a job's state in its colour, with its progress and `width` characters of its reason."""
    text = job.state.value.replace("_", " ")
    if job.reason and not job.state.ended:
        reason = job.reason
        if job.person is not None and reason == SignInNeeded.reason:
            reason = f"sign in as {job.key_source}"
        text += f" ({shortened(reason, width)})"
    if job.fraction is not None and job.state.has_progress:
        text += f" {job.fraction:.0%}"
    return style(text, fg=COLOURS.get(job.state))


def cost_with_quota(job: Job) -> str:
    """Return what a job cost, and what its plan had left when it was accepted: "in your plan, 28 left"."""
    left = job.quota_left if job.cost.basis == "included_in_plan" else None
    return job.cost.words + (f", {left} left" if left is not None else "")


def size(count: int) -> str:
    """Return a number of bytes as a person reads it."""
    return f"{count / 1e6:.1f} MB" if count >= 1e5 else f"{count / 1e3:.0f} kB"


def shortened(text: str, width: int) -> str:
    """Return text on one line of at most `width` characters."""
    return one_line(text, width)
