"""`rushes clips | clip | open | remove | library`."""

from __future__ import annotations

import sys

import click

from rushes.cli.output import age, common, put_clip, put_fitted, put_json, put_pairs, say
from rushes.domain.errors import BadInput, LibraryDamaged
from rushes.domain.money import usd
from rushes.domain.observation import Observation
from rushes.studio import Studio


@click.command()
@click.argument("text", required=False, default="")
@click.option("--limit", type=click.IntRange(1), default=20, show_default=True)
@common
def clips(as_json: bool, text: str, limit: int) -> int:
    """List clips, the newest first; TEXT searches prompts and models."""
    with Studio.open() as studio:
        found = studio.library.search(text, limit=limit)
    if as_json:
        put_json([one.as_json() for one in found])
        return 0
    if not found:
        click.echo(f"no clip matches {text!r}" if text else "no clips yet")
        return 0
    rows = [
        (one.id, age(one.created_at), f"{one.seconds:g} s", f"{one.width}×{one.height}",
         one.model, one.prompt)
        for one in found
    ]  # fmt: skip
    put_fitted(rows, ("CLIP", "MADE", "LENGTH", "SIZE", "MODEL", "PROMPT"))
    return 0


@click.command()
@click.argument("id")
@common
def clip(as_json: bool, id: str) -> int:
    """Show one clip: its files, its facts, where it came from."""
    with Studio.open() as studio:
        found = studio.library.get(id)
    if as_json:
        put_json(found.as_json())
        return 0
    seen = Observation.of(found).lines()[1:]
    put_pairs(
        [
            ("prompt", found.prompt),
            ("made", f"{found.created_at:%Y-%m-%d %H:%M} UTC, job {found.job_id}, seed {found.seed}"),
            *(("" if number else "seen", line) for number, line in enumerate(seen)),
            ("sha256", found.sha256),
        ]
    )
    put_clip(found, "free" if not found.cost else usd(found.cost))
    return 0


@click.command("open")
@click.argument("id")
@common
def open_clip(as_json: bool, id: str) -> int:
    """Open a clip in the player of this machine."""
    with Studio.open() as studio:
        found = studio.library.get(id)
    if as_json:
        put_json({"path": str(found.path)})
    else:
        click.echo(found.path)
    if click.launch(str(found.path)) != 0:
        say("no player could be started; open the file by hand")
    return 0


@click.command()
@click.argument("ids", nargs=-1, required=True)
@click.option("--yes", is_flag=True, help="Do not ask.")
@common
def remove(as_json: bool, ids: tuple[str, ...], yes: bool) -> int:
    """Delete clips and their files. What the ledger says of their cost stays."""
    with Studio.open() as studio:
        found = [studio.library.get(id) for id in ids]
        if not yes:
            if not sys.stdin.isatty():
                raise BadInput("removing a clip cannot be undone", next="run it again with --yes")
            for one in found:
                say(f"{one.id}  {one.path}")
            click.confirm(f"Delete {len(found)} clip(s)?", abort=True, err=True)
        for one in found:
            studio.library.remove(one.id)
    if as_json:
        put_json([one.as_json() for one in found])
    else:
        for one in found:
            click.echo(f"removed {one.id}  {one.path}")
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
            click.echo(f"{flaw.kind.replace('_', ' ')}  {flaw.path}\n    {flaw.text}")
        click.echo(
            f"{count} clips, {len(flaws)} flaws" if flaws else f"{count} clips, all as they were filed"
        )
    return LibraryDamaged.exit_code if flaws else 0


@library.command()
@common
def rebuild(as_json: bool) -> int:
    """Bring rows back from sidecars, and sidecars from rows."""
    from rushes.library.audit import rebuild as restore

    with Studio.open() as studio:
        restored, flaws = restore(studio.library)
    if as_json:
        put_json({"restored": restored, "flaws": [flaw.as_json() for flaw in flaws]})
    else:
        for flaw in flaws:
            click.echo(f"{flaw.path}: {flaw.text}")
        click.echo(f"{restored} restored")
    return LibraryDamaged.exit_code if flaws else 0
