"""`rushes sheet` and `rushes lint`, for any video file."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click

from rushes.cli.decoder import decode
from rushes.cli.output import FILE, common, echo, put_json, style
from rushes.cli.paths import force_option
from rushes.database.database import translated
from rushes.domain.clip import Severity
from rushes.domain.destination import CLIP, PICTURE, REPLACE, Destination, writing
from rushes.domain.errors import BadDestination, BadInput, NotAVideo, StorageError
from rushes.domain.paths import absolute, read_path
from rushes.studio import Studio
from rushes.viewing import Video, named


@click.command()
@click.argument("what", metavar=FILE)
@click.option("--bursts", "as_bursts", is_flag=True, help="Three moments, four frames 100 ms apart.")
@click.option(
    "--out",
    metavar="PICTURE|FOLDER/",
    help="Where to put it: a .jpg, .png or .webp file, or a folder (otherwise beside FILE).",
)
@force_option
@common
def sheet(as_json: bool, what: str, as_bursts: bool, out: str | None, force: bool) -> int:
    """Draw a contact sheet of a video file: twelve exact frames with their times."""
    file = one_video(what)
    name = f"{file.stem}.{'bursts' if as_bursts else 'sheet'}.jpg"
    # The one beside FILE is ours, and is drawn again.
    goal = beside(file, name, force=True) if out is None else Destination.read(out, PICTURE, force=force)
    target = prepare(goal.in_folder(name), file)
    with writing_part(target, force=goal.force) as part:
        decode("sheet", file, file=str(file), target=str(part), bursts=as_bursts)
    if as_json:
        put_json({"sheet": str(target)})
    else:
        echo(target)
    return 0


@click.command()
@click.argument("what", metavar=FILE)
@click.option("--repair", "as_repair", is_flag=True, help="Write a file that plays, beside FILE.")
@click.option(
    "--out",
    metavar="MP4|FOLDER/",
    help="With --repair: where the repaired file goes (otherwise FILE.repaired.mp4).",
)
@click.option("--compatible", is_flag=True, help="With --repair: also repair warnings, as HEVC to H.264.")
@force_option
@common
def lint(as_json: bool, what: str, as_repair: bool, compatible: bool, out: str | None, force: bool) -> int:
    """Say where a video file does not play, and what players show differently.

    Exits with 10 if something keeps it from playing. With --repair a copy that plays is written; FILE itself
    is never changed.
    """
    file = one_video(what)
    if not as_repair:
        if out is not None or force or compatible:
            raise BadInput(
                "--out, --force and --compatible go with --repair", next="add --repair, or leave them out"
            )
        return put_findings(as_json, decode("lint", file, file=str(file), target=None), None)
    name = f"{file.stem}.repaired.mp4"
    goal = beside(file, name, force=force) if out is None else Destination.read(out, CLIP, force=force)
    target = prepare(goal.in_folder(name), file)
    with writing_part(target, force=force) as part:
        answer = decode("lint", file, file=str(file), target=str(part), compatible=compatible)
    return put_findings(as_json, answer, target if answer["repaired"] else None)


def put_findings(as_json: bool, answer: Mapping[str, Any], repaired: Path | None) -> int:
    """Print what was found in a file, and where its repaired copy is; return the exit code."""
    findings = answer["findings"]
    if as_json:
        put_json(
            {
                "findings": findings,
                "repaired": str(repaired) if repaired else None,
                **{name: answer[name] for name in ("notes", "c2pa", "repaired_c2pa")},
            }
        )
    else:
        for one in findings:
            colour = "red" if one["severity"] == Severity.ERROR else "yellow"
            how = one["repair"].replace("_", " ")
            severity = style(one["severity"], fg=colour)
            echo(f"{severity}  {one['text']}  ({one['code']}; repair: {how})")
        for note in answer["notes"]:
            echo(note)
        if repaired is not None:
            echo(f"repaired: {repaired}")
        elif not findings:
            echo("no problems found")
    return NotAVideo.exit_code if answer["bad"] else 0


def videos(what: str) -> list[Video]:
    """Return the video that a path names, or the clips that are meant, see `rushes.naming`.

    Raises NotFound, BadInput and LibraryDamaged.
    """
    path = read_path(what, what="FILE")
    if os.path.exists(path):  # unlike Path.exists, false for what is too long to be a name
        if path.is_dir():
            raise BadInput(f"{path} is a folder", next="name a video file")
        return [Video(path=absolute(path))]
    try:
        os.stat(path)
    except PermissionError as error:
        raise BadInput(
            f"{path} cannot be read ({error.strerror})", next="name a file that you may read"
        ) from error
    except (OSError, ValueError):
        pass
    with Studio.open() as studio:
        return named(studio, what)


def one_video(what: str) -> Path:
    """Return the path of the same, if it is one. Raises BadInput if a job has made several."""
    several = videos(what)
    if len(several) > 1:
        ids = ", ".join(one.clip.id for one in several if one.clip is not None)
        raise BadInput(f"the job has made {len(several)} clips: {ids}", next="name one of them")
    # As it was typed: what is written beside it is named so, too.
    return read_path(what, what="FILE") if several[0].clip is None else several[0].path


def beside(file: Path, name: str, *, force: bool) -> Destination:
    """Return where what is made of a file goes if nothing is said: beside it, under `name`."""
    return Destination(path=absolute(file).with_name(name), force=force)


def prepare(goal: Destination, file: Path) -> Path:
    """Return the file that is to be written, its folder made. Raises BadDestination; `file` is the video."""
    if goal.path.exists() and goal.path.samefile(file):
        raise BadDestination(f"{goal.path} is the video itself", next="name another file with --out")
    goal.check()
    goal.make_folder()
    return goal.path


@contextmanager
def writing_part(target: Path, *, force: bool) -> Iterator[Path]:
    """Yield the name to write to, see `rushes.domain.destination.writing`; its errors are ours."""
    part = target
    try:
        with translated(target), writing(target, force=force) as part:
            yield part
    except StorageError as error:
        if str(part) not in error.message and str(target) not in error.message:
            raise
        error.message = error.message.replace(str(part), str(target))
        if isinstance(error.__cause__, FileExistsError):
            said = f"{target} has appeared in the meantime; it was not replaced"
            raise BadDestination(said, next=f"name another file, {REPLACE}") from error
        error.next = "name a file in another folder with --out"
        raise
