"""`rushes sora explore | inspect | download`: looking into the account, and taking a clip from it."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from rushes.cli.output import common, echo, put_fitted, put_json, put_lines, put_pairs, say, size, style
from rushes.cli.paths import PATH, force_option
from rushes.cli.sora.engine import opened, which
from rushes.cli.values import LIMIT, LONGEST_WAIT_S, Number
from rushes.domain.destination import CLIP, Destination
from rushes.domain.errors import BadInput
from rushes.domain.job import age

if TYPE_CHECKING:
    from rushes.engines.sora_web.explore import Explored, Journey
    from rushes.engines.sora_web.inspection import Listed


@click.command(short_help="Record what the site's page asks for, without secrets.")
@click.argument("paths", nargs=-1)
@click.option("--headed", is_flag=True, help="With a window, until you close it.")
@click.option(
    "--for", "seconds", type=Number(1, LONGEST_WAIT_S, "seconds"), metavar="SECONDS", help="End after that."
)
@click.option("--out", type=PATH, metavar="FOLDER", help="The folder for its two files.")
@click.option("--all", "everything", is_flag=True, help="Other hosts too, and what is not a call.")
@which
@common
def explore(
    as_json: bool,
    engine: str | None,
    paths: tuple[str, ...],
    headed: bool,
    seconds: float | None,
    out: Path | None,
    everything: bool,
) -> int:
    """Open the site in the signed-in browser and record what its page asks for, without secrets.

    Goes to PATHS (default /explore) one after the other and logs each call. Without a window it ends when
    the page asks for nothing more. requests.har and requests.txt go to a folder beside the profile, or to
    --out; requests.txt lists the calls and then the bodies that were sent. Tokens, cookies, signatures,
    e-mail addresses and the contents of uploaded files are taken out before anything is written.
    """
    from rushes.engines.sora_web.explore import Journey
    from rushes.engines.sora_web.opening import HOME

    journey = Journey(paths=paths or (HOME,), headed=headed, seconds=seconds, everything=everything)
    explored = asyncio.run(_explore(engine, journey, out))
    if as_json:
        rows = [
            {
                "at": one.at.isoformat(timespec="milliseconds"),
                "method": one.method,
                "status": one.status,
                "ms": one.ms,
                "path": one.address,
                "failure": one.failure or None,
            }
            for one in explored.exchanges
        ]
        put_json({"har": str(explored.har), "table": str(explored.table), "requests": rows})
        return 0
    if not sys.stdout.isatty():
        # A person in a terminal has just watched it.
        put_lines(explored.table.read_text(encoding="utf-8"))
    put_pairs([("har", str(explored.har)), ("table", str(explored.table))])
    return 0


async def _explore(name: str | None, journey: Journey, out: Path | None) -> Explored:
    from rushes.engines.sora_web.explore import HEADS, default_folder, explore, line

    async with opened(name) as engine:
        folder = (out or default_folder(engine)).absolute()
        say(f"recording into {folder}" + ("; close the window to end it" if journey.headed else ""))
        say(HEADS)
        return await explore(engine, journey, folder, lambda one: say(line(one)))


@click.command(short_help="Show the service's own lists of tasks, drafts and posts.")
@click.argument("what", type=click.Choice(["pending", "drafts", "feed", "check", "task"]))
@click.argument("id", required=False)
@click.option("--limit", type=LIMIT, default=15, show_default=True, help="How many drafts.")
@click.option("--headed", is_flag=True, help="Show the browser window.")
@which
@common
def inspect(as_json: bool, engine: str | None, what: str, id: str | None, limit: int, headed: bool) -> int:
    """Show what the service itself lists: tasks under way, drafts, your posts, the balance, one task.

    --json is the service's own answer, addresses of files included: whoever has those can fetch the files.
    """
    if (what == "task") != (id is not None):
        said = "rushes sora inspect task ID" if what == "task" else f"rushes sora inspect {what}"
        raise BadInput("only task takes an ID, and it needs one", next=said)
    found = asyncio.run(_inspect(engine, what, id or "", limit, headed))
    if as_json:
        put_json(found)
    else:
        _put(what, found)
    return 0


async def _inspect(name: str | None, what: str, id: str, limit: int, headed: bool) -> Any:
    from rushes.engines.sora_web import inspection

    async with opened(name) as engine:
        engine.headed = engine.headed or headed
        async with inspection.reading(engine, f"rushes sora inspect {what}"):
            match what:
                case "pending":
                    return await inspection.pending(engine)
                case "drafts":
                    return await inspection.drafts(engine, limit)
                case "feed":
                    return await inspection.feed(engine)
                case "check":
                    return await inspection.check(engine)
                case _:
                    return await inspection.task(engine, id)


def _put(what: str, found: Any) -> None:
    from rushes.engines.sora_web import inspection

    match what:
        case "pending":
            _put_tasks([inspection.listed_task(one) for one in found])
        case "drafts":
            _put_clips([inspection.listed_draft(one) for one in found], "DRAFT", "no drafts yet")
        case "feed":
            _put_clips(
                [inspection.listed_post(one) for one in found.get("items", ())], "POST", "no posts yet"
            )
        case "check":
            _put_balance(found)
        case _:
            _put_task(found)


def _put_tasks(tasks: Sequence[Listed]) -> None:
    if not tasks:
        echo("no tasks under way")
        return
    _put_fitted(
        [(one.id, one.status, _age(one.at), one.words) for one in tasks], ("TASK", "STATUS", "AGE", "PROMPT")
    )
    _put_notes(tasks)


def _put_clips(clips: Sequence[Listed], head: str, none: str) -> None:
    if not clips:
        echo(none)
        return
    status = "SHARED" if head == "POST" else "STATUS"
    rows = [
        (one.id, one.status, _size(one.size), _seconds(one.seconds), one.file, _age(one.at), one.words)
        for one in clips
    ]
    _put_fitted(rows, (head, status, "PIXELS", "LENGTH", "FILE", "AGE", "PROMPT"))
    _put_notes(clips)


def _put_notes(listed: Sequence[Listed]) -> None:
    """Print what has no column of its own: why there is no clip, and which storyboard it was made from."""
    for one in listed:
        if one.reason:
            echo(f"{one.id}: {one.reason}")
        if one.storyboard:
            echo(f"{one.id}: storyboard {one.storyboard}")


def _put_balance(found: Mapping[str, Any]) -> None:
    balance = found.get("rate_limit_and_credit_balance")
    balance = balance if isinstance(balance, Mapping) else {}
    resets = balance.get("access_resets_in_seconds")
    pairs = [
        ("left in the plan", _plain(balance.get("estimated_num_videos_remaining"))),
        ("bought besides", _plain(balance.get("estimated_num_purchased_videos_remaining"))),
        ("credits", _plain(balance.get("credit_remaining"))),
        ("used up", _plain(balance.get("rate_limit_reached"))),
        ("resets in", f"{resets} s" if resets else ""),
        ("type", _plain(found.get("type"))),
    ]
    put_pairs([(name, value) for name, value in pairs if value])


def _put_task(found: Mapping[str, Any]) -> None:
    from rushes.engines.sora_web import inspection

    one = inspection.listed_task(found)
    pairs = [("task", one.id), ("status", one.status), ("made", _age(one.at)), ("prompt", one.words)]
    pairs += [("reason", one.reason), ("storyboard", one.storyboard)]
    config = found.get("creation_config")
    config = config if isinstance(config, Mapping) else {}
    pairs += [(name.replace("_", " "), _plain(config.get(name))) for name in ("orientation", "n_frames")]
    put_pairs([(name, value) for name, value in pairs if value])
    made = found.get("generations")
    if isinstance(made, list) and made:
        echo()
        _put_clips([inspection.listed_draft(draft) for draft in made], "DRAFT", "")


def _put_fitted(rows: Sequence[Sequence[str]], heads: Sequence[str]) -> None:
    """Print a table without its empty columns; the last one is shortened to the room that is left."""
    told = [at for at in range(len(heads) - 1) if any(row[at] for row in rows)]
    kept = [*told, -1]
    put_fitted([[row[at] for at in kept] for row in rows], [heads[at] for at in kept])


def _age(at: datetime | None) -> str:
    return age(at).removesuffix(" ago") if at else ""


def _size(pixels: tuple[int, int] | None) -> str:
    return f"{pixels[0]}×{pixels[1]}" if pixels else ""


def _seconds(seconds: float | None) -> str:
    return "" if seconds is None else f"{seconds:.1f} s"


def _plain(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return "" if value is None else str(value)


@click.command(short_help="Download a post or a draft.")
@click.argument("clip", metavar="POST_OR_DRAFT")
@click.option(
    "--out", metavar="FILE|FOLDER/", help="The file, or a folder for ID.mp4 (default: ID.mp4 here)."
)
@force_option
@which
@common
def download(as_json: bool, engine: str | None, clip: str, out: str | None, force: bool) -> int:
    """Download a post or a draft in the best version there is. Nothing is published for it.

    POST_OR_DRAFT is an id (s_…, gen_…) or a post's address. A version with fewer pixels than the service
    promises is used only if there is no better one.
    """
    from rushes.cli.sora.download import fetch
    from rushes.engines.sora_web.inspection import check_site, clip_id

    id = clip_id(clip)
    goal = Destination.read(out or f"{id}.mp4", CLIP, force=force).in_folder(f"{id}.mp4")
    goal.check()

    async def run() -> Any:
        async with opened(engine) as found:
            check_site(clip, found.base_url)
            return await fetch(found, id, goal)

    taken = asyncio.run(run())
    if as_json:
        put_json(taken.as_json())
        return 0
    about = taken.about
    codecs = about.video_codec + (f" + {about.audio_codec}" if about.audio_codec else ", silent")
    put_pairs(
        [
            ("file", str(taken.file)),
            ("", f"{about.seconds:.1f} s  {about.width}×{about.height}  {codecs}  {size(about.bytes)}"),
            ("version", taken.version),
        ]
    )
    if taken.warning:
        echo(f"{style('   warn', fg='yellow')}: {taken.warning}")
    return 0
