"""`rushes sheet` and `rushes lint`, for any video file."""

from __future__ import annotations

import os
from contextlib import nullcontext
from pathlib import Path

import click

from rushes.cli.decoder import decode
from rushes.cli.output import FILE, common, echo, put_json, say, style
from rushes.domain.clip import Severity
from rushes.domain.errors import BadInput, NotAVideo
from rushes.domain.permissions import made_for_user
from rushes.studio import Studio
from rushes.viewing import Video, named


@click.command()
@click.argument("what", metavar=FILE)
@click.option("--bursts", "as_bursts", is_flag=True, help="Three moments, four frames 100 ms apart.")
@click.option("--out", type=Path, metavar="JPG", help="Where to put it (beside FILE otherwise).")
@common
def sheet(as_json: bool, what: str, as_bursts: bool, out: Path | None) -> int:
    """Draw a contact sheet of a video file: twelve exact frames with their times."""
    file = one_video(what)
    target = out or file.with_suffix(".bursts.jpg" if as_bursts else ".sheet.jpg")
    if target.exists() and target.resolve() == file.resolve():
        raise BadInput(f"{target} is the video itself", next="name another file with --out")
    with made_for_user(target):
        made = decode("sheet", file, file=str(file), target=str(target), bursts=as_bursts)
    if as_json:
        put_json({"sheet": made})
    else:
        echo(made)
    return 0


@click.command()
@click.argument("what", metavar=FILE)
@click.option("--repair", "as_repair", is_flag=True, help="Write a file that plays, beside FILE.")
@click.option("--out", type=Path, metavar="MP4", help="Where the repaired file goes.")
@common
def lint(as_json: bool, what: str, as_repair: bool, out: Path | None) -> int:
    """Say where a video file will not play. Exits with 10 where something keeps it from playing."""
    file = one_video(what)
    target = (out or file.with_suffix(".mended.mp4")) if as_repair else None
    with made_for_user(target) if target is not None else nullcontext():
        answer = decode("lint", file, file=str(file), target=str(target) if target is not None else None)
    findings, copy = answer["findings"], answer["repaired"]
    if as_json:
        put_json({name: answer[name] for name in ("findings", "repaired", "c2pa", "repaired_c2pa")})
    else:
        for one in findings:
            colour = "red" if one["severity"] == Severity.ERROR else "yellow"
            how = one["repair"].replace("_", " ")
            severity = style(one["severity"], fg=colour)
            echo(f"{severity}  {one['text']}  ({one['code']}; repair: {how})")
        if copy is not None or not findings:
            echo(copy or "no problems found")
    if copy is not None and answer["c2pa"] and not answer["repaired_c2pa"]:
        say(f"the repair lost the content credentials (C2PA); the signed original stays at {file.absolute()}")
    return NotAVideo.exit_code if answer["bad"] else 0


def videos(what: str) -> list[Video]:
    """Return the video that a path names, or the clips that are meant, see `rushes.naming`.

    Raises NotFound, BadInput and LibraryDamaged.
    """
    if os.path.exists(what):  # unlike Path.exists, false for what is too long to be a name
        if os.path.isdir(what):
            raise BadInput(f"{what} is a folder", next="name a video file")
        return [Video(path=Path(what).absolute())]
    with Studio.open() as studio:
        return named(studio, what)


def one_video(what: str) -> Path:
    """Return the path of the same, if it is one. Raises BadInput where a job has made several."""
    found = videos(what)
    if len(found) > 1:
        ids = ", ".join(one.clip.id for one in found if one.clip is not None)
        raise BadInput(f"the job has made {len(found)} clips: {ids}", next="name one of them")
    # As it was typed: what is written beside it is named so, too.
    return Path(what) if found[0].clip is None else found[0].path
