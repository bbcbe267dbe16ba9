"""`rushes sheet` and `rushes lint`, for any video file."""

from __future__ import annotations

from contextlib import nullcontext
from pathlib import Path

import click

from rushes.cli.decoder import decode
from rushes.cli.output import common, echo, put_json, say, style
from rushes.domain.clip import Severity
from rushes.domain.errors import BadInput, NotAVideo
from rushes.domain.permissions import made_for_user


@click.command()
@click.argument("file", type=Path)
@click.option("--bursts", "as_bursts", is_flag=True, help="Three moments, four frames 100 ms apart.")
@click.option("--out", type=Path, metavar="JPG", help="Where to put it (beside FILE otherwise).")
@common
def sheet(as_json: bool, file: Path, as_bursts: bool, out: Path | None) -> int:
    """Draw a contact sheet of a video file: twelve exact frames with their times."""
    existing(file)
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
@click.argument("file", type=Path)
@click.option("--repair", "as_repair", is_flag=True, help="Write a file that plays, beside FILE.")
@click.option("--out", type=Path, metavar="MP4", help="Where the repaired file goes.")
@common
def lint(as_json: bool, file: Path, as_repair: bool, out: Path | None) -> int:
    """Say where a video file will not play. Exits with 10 where something keeps it from playing."""
    existing(file)
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


def existing(file: Path) -> None:
    """Raise BadInput unless there is a file to look at."""
    if file.is_dir():
        raise BadInput(f"{file} is a folder", next="name a video file")
    if not file.exists():
        raise BadInput(f"{file} does not exist", next="check the path")
