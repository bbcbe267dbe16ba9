"""`rushes clips | clip | open | remove | library`."""

from __future__ import annotations

import sys
from typing import Any

import click

from rushes.cli.output import (
    CLIP,
    CLIPS,
    agrees,
    common,
    echo,
    put_clip,
    put_fitted,
    put_json,
    put_pairs,
    say,
    style,
)
from rushes.cli.values import LIMIT
from rushes.domain.clip import Clip, Damage
from rushes.domain.errors import BadInput, LibraryDamaged
from rushes.domain.job import age
from rushes.domain.money import usd
from rushes.domain.observation import Observation
from rushes.studio import Studio


@click.command()
@click.argument("text", required=False, default="")
@click.option("--limit", type=LIMIT, default=20, show_default=True)
@common
def clips(as_json: bool, text: str, limit: int) -> int:
    """List clips, the newest first; TEXT searches prompts and models."""
    with Studio.open() as studio:
        found = studio.library.search(text, limit=limit)
        damages = {one.id: studio.library.find_damage(one) for one in found}
    if as_json:
        put_json([_shape(one, damages[one.id]) for one in found])
        return 0
    if not found:
        echo(f"no clip matches {text!r}" if text else "no clips yet")
        return 0
    rows = [
        (one.id, age(one.created_at), f"{one.seconds:g} s", _size(one, damages[one.id]),
         one.model, one.prompt)
        for one in found
    ]  # fmt: skip
    put_fitted(rows, ("CLIP", "MADE", "LENGTH", "SIZE", "MODEL", "PROMPT"))
    if any(damages.values()):
        say("some files are missing or changed: rushes library verify names them")
    return 0


def _shape(clip: Clip, damage: Damage | None) -> dict[str, Any]:
    """Return a clip as JSON; what is wrong with its file only if something is."""
    return clip.as_json() | ({"damage": damage.text} if damage is not None else {})


def _size(clip: Clip, damage: Damage | None) -> str:
    """Return the size of a clip's picture, or in red why there is none to see."""
    if damage is None:
        return f"{clip.width}×{clip.height}"
    return style(f"file {damage.kind.value}", fg="red")


@click.command()
@click.argument("id", metavar=CLIP)
@common
def clip(as_json: bool, id: str) -> int:
    """Show one clip: its files, its facts, where it came from."""
    with Studio.open() as studio:
        found = studio.clips(id)
        damages = {one.id: studio.find_damage(one) for one in found}
    if as_json:
        shapes = [_shape(one, damages[one.id]) for one in found]
        put_json(shapes[0] if len(shapes) == 1 else shapes)
    else:
        for one in found:
            _put_whole(one, damages[one.id])
    return LibraryDamaged.exit_code if any(damages.values()) else 0


def _put_whole(clip: Clip, damage: Damage | None) -> None:
    """Print all that is known of a clip."""
    seen = Observation.of(clip).lines()[1:]
    put_pairs(
        [
            ("prompt", clip.prompt),
            ("made", f"{clip.created_at:%Y-%m-%d %H:%M} UTC, job {clip.job_id}, seed {clip.seed}"),
            *(("" if number else "seen", line) for number, line in enumerate(seen)),
            ("sha256", clip.sha256),
        ]
    )
    put_clip(clip, "free" if not clip.cost else usd(clip.cost))
    if clip.original is not None:
        put_pairs([("original", str(clip.original))])
    if damage is not None:
        echo(f"{damage.text}\n{style(' next', fg='cyan')}: rushes wait {clip.job_id} collects it again")


@click.command("open")
@click.argument("id", metavar=CLIP)
@common
def open_clip(as_json: bool, id: str) -> int:
    """Open a clip in the player of this machine."""
    from rushes.cli.player import play

    with Studio.open() as studio:
        found, *others = studio.clips(id)
        studio.check_clip(found)
    play(found.path)
    if as_json:
        put_json({"path": str(found.path)})
    else:
        echo(found.path)
    if others:
        say(f"the job has {len(others)} more: rushes open {' or '.join(one.id for one in others)}")
    return 0


@click.command()
@click.argument("ids", metavar=CLIPS, nargs=-1, required=True)
@click.option("--yes", is_flag=True, help="Do not ask.")
@common
def remove(as_json: bool, ids: tuple[str, ...], yes: bool) -> int:
    """Delete clips and their files. What the ledger says of their cost stays."""
    with Studio.open() as studio:
        found = list({one.id: one for id in ids for one in studio.clips(id)}.values())
        if not yes:
            if not sys.stdin.isatty():
                raise BadInput("removing a clip cannot be undone", next="run it again with --yes")
            for one in found:
                say(f"{one.id}  {one.path}")
            agrees(f"Delete {len(found)} clip(s)?", abort=True)
        for one in found:
            studio.library.remove(one.id)
    if as_json:
        put_json([one.as_json() for one in found])
    else:
        for one in found:
            echo(f"removed {one.id}  {one.path}")
    return 0


@click.group()
def library() -> None:
    """Verify the library, or rebuild its rows from sidecars."""


@library.command()
@common
def verify(as_json: bool) -> int:
    """Compare files, hashes and rows; every clip is read."""
    from rushes.library.audit import verify as audit

    with Studio.open() as studio:
        flaws = list(audit(studio.library))
        count = sum(1 for _ in studio.library.all())
    if as_json:
        put_json({"clips": count, "flaws": [flaw.as_json() for flaw in flaws]})
    else:
        for flaw in flaws:
            echo(f"{flaw.kind.replace('_', ' ')}  {flaw.path}\n{flaw.text}")
        echo(f"{count} clips, {len(flaws)} flaws" if flaws else f"{count} clips, no problems found")
    return LibraryDamaged.exit_code if flaws else 0


@library.command()
@common
def rebuild(as_json: bool) -> int:
    """Restore clips, jobs and what they cost from sidecars, and missing sidecars and sheets."""
    from rushes.jobs.restoring import rebuild as restore

    with Studio.open() as studio:
        done = restore(studio.ledger, studio.library)
    if as_json:
        put_json(
            {
                "restored": done.restored,
                "jobs": done.jobs,
                "booked": f"{done.booked:f}",
                "flaws": [flaw.as_json() for flaw in done.flaws],
            }
        )
    else:
        for flaw in done.flaws:
            echo(f"{flaw.path}: {flaw.text}")
        echo(f"{done.restored} restored, {done.jobs} jobs with {usd(done.booked)} booked")
    return LibraryDamaged.exit_code if done.flaws else 0
