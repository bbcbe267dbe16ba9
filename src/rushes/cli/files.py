"""`rushes sheet` and `rushes lint`, for any video file."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import click

from rushes.cli.output import common, put_json
from rushes.domain.clip import Severity
from rushes.domain.errors import BadInput, NotAVideo


@click.command()
@click.argument("file", type=Path)
@click.option("--bursts", "as_bursts", is_flag=True, help="Three moments, four frames 100 ms apart.")
@click.option("--out", type=Path, metavar="JPG", help="Where to put it (beside FILE otherwise).")
@common
def sheet(as_json: bool, file: Path, as_bursts: bool, out: Path | None) -> int:
    """Draw a contact sheet of a video file: twelve exact frames with their times."""
    from rushes.media.sheet import bursts, overview

    existing(file)
    target = out or file.with_suffix(".bursts.jpg" if as_bursts else ".sheet.jpg")
    if target.exists() and target.resolve() == file.resolve():
        raise BadInput(f"{target} is the video itself", next="name another file with --out")
    made = (bursts if as_bursts else overview)(file, target).absolute()
    if as_json:
        put_json({"sheet": str(made)})
    else:
        click.echo(made)
    return 0


@click.command()
@click.argument("file", type=Path)
@click.option("--repair", "as_repair", is_flag=True, help="Write a file that plays, beside FILE.")
@click.option("--out", type=Path, metavar="MP4", help="Where the repaired file goes.")
@common
def lint(as_json: bool, file: Path, as_repair: bool, out: Path | None) -> int:
    """Say where a video file will not play. Exits with 10 where something keeps it from playing."""
    from rushes.media.decode import decode_all
    from rushes.media.lint import lint as look
    from rushes.media.repair import repair, worth_repairing

    existing(file)
    header = look(file)
    findings = tuple({(one.code, one.text): one for one in (*header, *decode_all(file).findings)}.values())
    bad = any(one.severity is Severity.ERROR for one in findings)
    mended: Path | None = None
    if as_repair and worth_repairing(header):
        mended = repair(file, worth_repairing(header), out or file.with_suffix(".mended.mp4")).absolute()
        bad = any(one.severity is Severity.ERROR for one in look(mended))
    if as_json:
        put_json({"findings": [asdict(one) for one in findings], "repaired": str(mended) if mended else None})
    else:
        for one in findings:
            colour = "red" if one.severity is Severity.ERROR else "yellow"
            how = one.repair.value.replace("_", " ")
            click.echo(
                f"{click.style(one.severity.value, fg=colour)}  {one.text}  ({one.code}; repair: {how})"
            )
        click.echo(
            str(mended) if mended else "" if findings else "nothing to find fault with",
            nl=bool(mended or not findings),
        )
    return NotAVideo.exit_code if bad else 0


def existing(file: Path) -> None:
    """Raise BadInput unless there is a file to look at."""
    if file.is_dir():
        raise BadInput(f"{file} is a folder", next="name a video file")
    if not file.exists():
        raise BadInput(f"{file} does not exist", next="check the path")
