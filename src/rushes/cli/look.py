"""`rushes look`: what somebody who cannot watch a clip is told and shown."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from rushes.cli.decoder import decode
from rushes.cli.files import videos
from rushes.cli.output import FILE, common, put_json, put_pairs
from rushes.cli.paths import force_option
from rushes.cli.values import Number
from rushes.domain.clip import Span
from rushes.domain.destination import Destination, publish
from rushes.domain.errors import BadDestination, BadInput, StorageError
from rushes.domain.paths import absolute, read_path
from rushes.domain.permissions import give_to_user
from rushes.viewing import Video


@click.command()
@click.argument("what", metavar=FILE)
@click.option("--bursts", "as_bursts", is_flag=True, help="Also frames 100 ms apart, where it matters.")
@click.option(
    "--at",
    multiple=True,
    type=Number(unit="seconds"),
    metavar="SECONDS",
    help="Also the frame at this time, large.",
)
@click.option("--range", "between", metavar="FROM-TO", help="Also a sheet of the frames between, as 2-4.5.")
@click.option(
    "--out",
    metavar="FOLDER",
    help="Where pictures go (otherwise beside a clip; for another file into a folder of rushes, for a week).",
)
@force_option
@common
def look(
    as_json: bool,
    what: str,
    as_bursts: bool,
    at: tuple[float, ...],
    between: str | None,
    out: str | None,
    force: bool,
) -> int:
    """Tell what is to be seen and heard in a clip or a video file, and show it in stills.

    Length, size and sound; cuts, jumps and flashes, what is black, frozen or silent, each with its time;
    then the pictures: at most twelve frames of the whole, and those that are asked for.
    """
    span = span_of(between)
    wanted = {
        "bursts": as_bursts,
        "at": list(dict.fromkeys(at)),
        "span": [span.start, span.end] if span is not None else None,
    }
    goal = folder_for(out, force=force) if out is not None else None
    shapes = [look_at(video, wanted, goal) for video in videos(what)]
    if as_json:
        put_json(shapes[0] if len(shapes) == 1 else shapes)
        return 0
    for shape in shapes:
        put_pairs(
            [
                ("clip", shape["path"]),
                *(("" if number else "seen", line) for number, line in enumerate(shape["lines"])),
                ("sheet", shape["sheet"]),
                *((name, shape[name]) for name in ("bursts", "range") if shape[name]),
                *((f"{frame['seconds']:g} s", frame["path"]) for frame in shape["frames"]),
            ]
        )
    return 0


def folder_for(out: str, *, force: bool) -> Destination:
    """Return the folder of `--out`. Raises BadDestination, BadInput."""
    goal = Destination(path=absolute(read_path(out, what="--out")), is_folder=True, force=force)
    goal.check()
    return goal


def look_at(video: Video, wanted: Mapping[str, Any], goal: Destination | None) -> dict[str, Any]:
    """Return what is told of a video, its pictures drawn into a folder, or into the usual one."""
    if goal is None:
        return dict(decode("look", video.path, video=video.as_json(), out=None, **wanted))
    goal.make_folder()
    with tempfile.TemporaryDirectory(dir=goal.path, prefix=".rushes-") as drawn:
        try:
            shape = dict(decode("look", video.path, video=video.as_json(), out=drawn, **wanted))
        except StorageError as error:
            error.message = error.message.replace(drawn, str(goal.path))
            error.next = "name another folder with --out"
            raise
        for place in (shape, *shape["frames"]):
            for name in ("sheet", "bursts", "range", "path"):
                if place.get(name) is not None and Path(place[name]).parent == Path(drawn):
                    place[name] = str(put(Path(place[name]), goal))
    return shape


def put(picture: Path, goal: Destination) -> Path:
    """Move a picture into a folder. Raises BadDestination if another one has its name."""
    file = goal.file(picture.name)
    try:
        publish(picture, file, force=goal.force)
    except FileExistsError as error:
        said = f"{file} exists already and shows something else; it was not replaced"
        raise BadDestination(said, next="name another folder with --out, or give --force") from error
    give_to_user(file)
    return file


def span_of(text: str | None) -> Span | None:
    """Return the stretch that FROM-TO names. Raises BadInput."""
    if text is None:
        return None
    start, _, end = text.partition("-")
    try:
        span = Span(start=float(start), end=float(end))
    except ValueError:
        span = Span(start=0.0, end=0.0)
    if not span.start < span.end:
        raise BadInput(
            f"--range {text!r} is not a stretch of time",
            next="write it in seconds, the start first: --range 2-4.5",
        )
    return span
