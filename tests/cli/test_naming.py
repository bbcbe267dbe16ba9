"""How a job or a clip is named at every command: by the id of either, by a file of the clip, by "last"."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.cli.terminal import Terminal
from tests.mcp.agent import agent, call, words_of

NAMES = ["job", "clip", "path", "sheet", "sidecar", "beginning", "last"]


def name_of(clip: dict[str, Any], kind: str) -> str:
    """Return one of the names of a clip and of its job."""
    names: dict[str, str] = {
        "job": clip["job_id"],
        "clip": clip["id"],
        "path": clip["path"],
        "sheet": os.path.relpath(clip["sheet"], Path(clip["path"]).parents[3]),
        "sidecar": str(Path(clip["path"]).with_suffix(".json")),
        "beginning": clip["id"][:6],
        "last": "last",
    }
    return names[kind]


@pytest.mark.parametrize("kind", NAMES)
def test_a_clip_and_its_job_are_found_by_any_name(stocked: Terminal, kind: str) -> None:
    """`clip` shows the clip whose job is named, and `job` the job whose clip is."""
    (clip,) = stocked.json("clips")
    name = name_of(clip, kind)

    assert stocked.json("clip", name)["id"] == clip["id"]
    assert stocked.json("job", name)["job"]["id"] == clip["job_id"]


OTHERS = [
    ("why", "clip"),
    ("wait", "path"),
    ("collect", "clip"),
    ("sheet", "job"),
    ("lint", "last"),
    ("look", "last"),
]


@pytest.mark.parametrize(("command", "kind"), OTHERS)
def test_every_command_takes_any_name(stocked: Terminal, command: str, kind: str) -> None:
    """Whatever a command is about, it takes the other's id, and "last"."""
    (clip,) = stocked.json("clips")
    said = stocked.run(command, name_of(clip, kind))

    assert said.code == 0, said


@pytest.mark.parametrize("command", ["clip", "job", "open", "sheet", "lint", "look", "why", "cancel", "wait"])
def test_a_name_that_means_nothing_is_said_alike(stocked: Terminal, command: str) -> None:
    """Every command says in the same words that it is neither."""
    said = stocked.run(command, "nope")

    assert said.code == 2
    assert "'nope' is not a file, clip id or job id" in said.err


def test_a_file_outside_of_the_library_is_no_clip(stocked: Terminal, tmp_path: Path) -> None:
    """It is said to be a file, with the commands that take any."""
    file = tmp_path / "other.mp4"
    file.write_bytes(b"x")
    said = stocked.run("clip", str(file))

    assert said.code == 2
    assert "is a file, but not one of a clip in the library" in said.err


def test_the_newest_of_nothing_is_said(terminal: Terminal) -> None:
    """With an empty library there is no last clip, and no last job."""
    assert "there are no clips yet" in terminal.run("clip", "last").err
    assert "there are no jobs yet" in terminal.run("job", "last").err


async def test_agents_name_them_the_same_way(stocked: Terminal) -> None:
    """A tool takes the id of a clip for its job, the id of a job for its clip, and "last"."""
    (clip,) = stocked.json("clips")
    async with agent(stocked) as client:
        job = await call(client, "get_job", job_id=clip["id"])
        shown = await call(client, "look_at_video", video="last")
        unknown = await client.call_tool("get_job", {"job_id": "nope"})
        elsewhere = await client.call_tool("get_job", {"job_id": "/etc/passwd"})
        here = await client.call_tool("look_at_video", {"video": "ledger.db"})

    assert f"job {clip['job_id']} is completed" in words_of(job)
    assert clip["path"] in words_of(shown)
    assert "'nope' is not a file, clip id or job id" in words_of(unknown)
    assert "in no folder that this server may read" in words_of(elsewhere)
    assert "'ledger.db' is not a file, clip id or job id" in words_of(here)


@pytest.mark.skipif(sys.platform != "linux", reason="programs of freedesktop.org open files on Linux")
@pytest.mark.parametrize("opener", ["none", "fails", "works"])
def test_a_player_is_started_or_missed(stocked: Terminal, tmp_path: Path, opener: str) -> None:
    """Without a player, or with an opener that fails, the exit code says so; what it prints is not shown."""
    programs, opened = tmp_path / "bin", tmp_path / "opened"
    programs.mkdir()
    if opener != "none":
        end = f'printf %s "$1" > {opened}' if opener == "works" else "exit 3"
        script = programs / "xdg-open"
        script.write_text(f"#!/bin/sh\necho noise; echo noise >&2\n{end}\n")
        script.chmod(0o755)
    one = Terminal(home=stocked.home, variables={"PATH": str(programs)})
    said = one.run("open", "last")

    path = stocked.json("clips")[0]["path"]
    assert "noise" not in said.out + said.err
    if opener == "works":
        assert (said.code, said.out.strip()) == (0, path)
        assert opened.read_text() == path
    else:
        assert said.code == 8
        assert "no player was started" in said.err
        assert f"open the file yourself: {path}" in said.err


@pytest.mark.parametrize("command", ["reconcile", "cancel"])
def test_an_error_names_the_job_that_it_is_about(stocked: Terminal, command: str) -> None:
    """What to do next is a command that can be run as it stands."""
    id = stocked.json("jobs")[0]["job"]["id"]
    said = stocked.run(command, "last")

    assert said.code == 2
    assert id in said.err.partition("next:")[2]
    assert " ID" not in said.err
