"""`rushes skill`: put the skill for agents where they look for it, and see whether a copy is current."""

from __future__ import annotations

from pathlib import Path

import click

from rushes.agents import AGENTS, SHIPPED, Copy, Standing, look, places
from rushes.agents import install as put
from rushes.cli.output import common, echo, put_json, put_table, style
from rushes.cli.values import Place
from rushes.domain.errors import BadInput, SetupError

DONE = {
    Standing.MISSING: "installed",
    Standing.CURRENT: "is current",
    Standing.OUTDATED: "brought up to date",
    Standing.EDITED: "replaced, edits and all",
    Standing.FOREIGN: "replaced",
}
SAID = {
    Standing.CURRENT: style("current", fg="green"),
    Standing.OUTDATED: style("outdated", fg="yellow"),
    Standing.EDITED: style("edited", fg="yellow"),
    Standing.FOREIGN: style("not ours", dim=True),
}


@click.group()
def skill() -> None:
    """Give agents the skill `video`: how to make clips with rushes.

    Every command takes --json and --debug.
    """


@skill.command(short_help="Put the skill where an agent looks for it.")
@click.option("--user", is_flag=True, help="For all your work (the default).")
@click.option("--project", is_flag=True, help="For the project in the working folder.")
@click.option(
    "--agent",
    "names",
    type=click.Choice(list(AGENTS)),
    multiple=True,
    help="Whose folder it goes into; without it claude. Give it again for more.",
)
@click.option("--dir", "folder", type=Place(), metavar="PATH", help="Into this folder of skills instead.")
@click.option("--force", is_flag=True, help="Also in place of a copy that was edited, or is not ours.")
@common
def install(
    as_json: bool, user: bool, project: bool, names: tuple[str, ...], folder: Path | None, force: bool
) -> int:
    """Put the skill where an agent looks for it: it is then /video in Claude Code.

    Run it again after an upgrade of rushes. A copy that somebody has edited stays as it is.
    """
    if user + project + (folder is not None) > 1:
        raise BadInput("--user, --project and --dir exclude each other", next="give one of them")
    if folder is not None and names:
        raise BadInput("--dir names the folder, and --agent another one", next="leave one of them out")
    targets = [folder / SHIPPED.name] if folder is not None else _targets(names or ("claude",), project)
    done = [(target.absolute(), put(target.absolute(), replace=force)) for target in targets]
    if as_json:
        put_json([{"path": str(target), "was": before.standing.value} for target, before in done])
        return 0
    for target, before in done:
        echo(f"{target}  {DONE[before.standing]}")
    return 0


def _targets(names: tuple[str, ...], project: bool) -> list[Path]:
    found = [AGENTS[name] for name in dict.fromkeys(names)]
    base = Path.cwd() if project else Path.home()
    return [base / (one.project if project else one.user) / SHIPPED.name for one in found]


@skill.command(short_help="Say where copies are, and whether they are current.")
@common
def check(as_json: bool) -> int:
    """Say where copies of the skill are, here and at home, and whether they are those of this version.

    Exits with 8 where there is none, or one is outdated or edited.
    """
    readers: dict[Path, list[str]] = {}
    for agent, place in places(Path.cwd(), Path.home()):
        readers.setdefault(place, []).append(agent.title)
    found = [copy for copy in map(look, readers) if copy.standing is not Standing.MISSING]
    ours = [copy for copy in found if copy.standing is not Standing.FOREIGN]
    good = bool(ours) and all(copy.standing is Standing.CURRENT for copy in ours)
    if as_json:
        put_json({"current": good, "copies": [_shape(copy, readers[copy.path]) for copy in found]})
    else:
        if found:
            put_table(
                [(SAID[copy.standing], ", ".join(readers[copy.path]), _where(copy)) for copy in found],
                ("COPY", "FOR", "WHERE"),
            )
        if not good:
            echo(f"{style('next', fg='cyan')}: {_next(ours)}")
    return 0 if good else SetupError.exit_code


def _shape(copy: Copy, readers: list[str]) -> dict[str, object]:
    return {
        "path": str(copy.path),
        "agents": readers,
        "standing": copy.standing.value,
        "version": copy.version,
        "changed": list(copy.changed),
    }


def _where(copy: Copy) -> str:
    of = f"  (of rushes {copy.version})" if copy.standing is Standing.OUTDATED else ""
    return str(copy.path) + of + (f"  (changed: {', '.join(copy.changed)})" if copy.changed else "")


def _next(ours: list[Copy]) -> str:
    if not ours:
        return "rushes skill install --user, or --project; --agent NAME for another agent than Claude Code"
    edited = next((copy for copy in ours if copy.standing is Standing.EDITED), None)
    if edited is not None:
        return f"keep your edits elsewhere, then rushes skill install --force --dir {edited.path.parent}"
    stale = next(copy for copy in ours if copy.standing is Standing.OUTDATED)
    return f"rushes skill install --dir {stale.path.parent}"


@skill.command()
@common
def path(as_json: bool) -> int:
    """Show where this version's skill is."""
    put_json({"path": str(SHIPPED)}) if as_json else echo(SHIPPED)
    return 0
