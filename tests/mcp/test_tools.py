"""What clients are told of the tools, and which files they reach."""

from __future__ import annotations

import base64
import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from mcp import Client
from mcp.client.stdio import stdio_client
from PIL import Image

from rushes.domain.extras import install_command
from tests.cli.terminal import Terminal
from tests.mcp.agent import ERAS, SMALL, agent, call, done, job_of, stdio, words_of

ORDER = [
    "quote_video",
    "approve_quote",
    "create_video",
    "wait_for_video",
    "get_job",
    "explain_job",
    "list_jobs",
    "cancel_job",
    "reconcile_job",
    "look_at_video",
    "list_models",
]
WITH_PICTURES = {"wait_for_video", "look_at_video"}


@pytest.mark.parametrize("era", ERAS)
async def test_the_tools_are_told_within_the_limits(terminal: Terminal, era: str) -> None:
    """The tools in one order, each annotated, under 2 KB; what spends says so first and asks the person."""
    async with agent(terminal, era) as client:
        tools = (await client.list_tools()).tools
        again = (await client.list_tools(cache_mode="refresh")).tools
        instructions = client.instructions or ""
    named = {tool.name: tool for tool in tools}

    assert [tool.name for tool in tools] == [tool.name for tool in again] == ORDER
    assert all(len((tool.description or "").encode()) < 2048 for tool in tools)
    assert 200 < len(instructions.encode()) < 2048
    assert all(tool.annotations and tool.annotations.read_only_hint is not None for tool in tools)
    assert {tool.name for tool in tools if tool.output_schema is None} == WITH_PICTURES
    assert (named["approve_quote"].description or "").startswith("THIS SPENDS THE PERSON'S MONEY")
    assert [tool.name for tool in tools if (tool.meta or {}).get("anthropic/requiresUserInteraction")] == [
        "approve_quote"
    ]
    assert (named["wait_for_video"].meta or {})["ui"]["resourceUri"] == "ui://rushes/clip"


async def test_no_picture_is_in_structured_content(terminal: Terminal) -> None:
    """Where a client shows a model the structured content alone, nothing in it is a picture or cut short."""
    async with agent(terminal) as client:
        job = job_of(await call(client, "create_video", prompt="a kite", **SMALL))
        made = await done(client, job)
        found = await call(client, "get_job", job_id=job)
        listed = await call(client, "list_jobs")
    sheet = Path(found.structured_content["clips"][0]["sheet"]).read_bytes()
    shown = [result.structured_content for result in (found, listed)] + [made.meta]

    assert all(base64.b64encode(sheet)[:60].decode() not in json.dumps(one) for one in shown)
    assert made.structured_content is None
    assert max(len(json.dumps(one)) for one in shown) < 10_000


async def test_only_named_folders_are_read(terminal: Terminal, tmp_path: Path) -> None:
    """A file elsewhere, a link to it from a folder that is allowed, and the settings are all refused."""
    secret = tmp_path / "elsewhere" / "secret.mp4"
    secret.parent.mkdir()
    secret.write_bytes(b"not yours")
    (terminal.home / "clips").mkdir()
    link = terminal.home / "clips" / "link.mp4"
    link.symlink_to(secret)
    terminal.settings(f'[mcp]\nroots = ["{terminal.home}"]\n')
    asked = [secret, link, terminal.home / "config.toml", terminal.home / "clips" / ".." / "ledger.db"]
    async with agent(terminal) as client:
        looked = [await client.call_tool("look_at_video", {"video": str(one)}) for one in asked]
        used = await client.call_tool("quote_video", {"prompt": "x", "first_frame": str(secret)})

    assert all("no folder that this server may read" in words_of(one) for one in (*looked, used))


async def test_a_file_in_a_named_folder_is_looked_at(terminal: Terminal, tmp_path: Path) -> None:
    """A folder under [mcp] roots is allowed, by path or file address; bursts and a range are drawn."""
    made = terminal.json("create", "a lighthouse", "--seconds", "1", "--resolution", "480p")
    other = tmp_path / "named" / "other.mp4"
    other.parent.mkdir()
    other.write_bytes(Path(made["clips"][0]["path"]).read_bytes())
    terminal.settings(f'[mcp]\nroots = ["{other.parent}"]\n')
    async with agent(terminal) as client:
        bursts = await call(client, "look_at_video", video=str(other), view="bursts")
        part = await call(client, "look_at_video", video=other.as_uri(), start=0.2, end=0.6)
        beyond = await client.call_tool("look_at_video", {"video": str(other), "view": "frames", "at": [9]})

    assert "bursts" in words_of(bursts)
    assert "picture 1: 12 frames from 0.2 to 0.6 s" in words_of(part)
    assert "there is nothing at 9 s" in words_of(beyond)


async def test_the_folder_that_it_is_started_in_is_read(terminal: Terminal, tmp_path: Path) -> None:
    """A picture of the project at hand can be used, unless that is as wide as a whole home folder."""
    project = tmp_path / "home of a person" / "project"
    project.mkdir(parents=True)
    picture = project / "first.png"
    Image.new("RGB", (64, 64), "red").save(picture)
    said = []
    for folder in (project, project.parent):
        server = stdio(Terminal(home=terminal.home, variables={"HOME": str(project.parent)}))
        server.cwd = folder
        async with Client(stdio_client(server)) as client:
            asked = {"prompt": "x", "model": "animatic/storyboard", "first_frame": str(picture)}
            said.append(words_of(await client.call_tool("quote_video", asked)))

    assert "no folder that this server may read" not in said[0]
    assert "no folder that this server may read" in said[1]


async def test_models_and_the_template_of_a_shot(terminal: Terminal) -> None:
    """Models are listed with what they can do; the prompt shows how a shot is described."""
    async with agent(terminal) as client:
        models = await call(client, "list_models")
        none = await call(client, "list_models", can=["extend"])
        prompt = await client.get_prompt("shot", {"subject": "a paper boat"})

    assert [one["model"] for one in models.structured_content["models"]] == ["animatic/storyboard"]
    assert none.structured_content["models"] == []
    assert "Subject: a paper boat" in prompt.messages[0].content.text  # type: ignore[union-attr]


def test_without_the_extra_the_command_says_what_to_install(terminal: Terminal) -> None:
    """Where the SDK is not installed the command that mends it is named; stdout stays clean."""
    program = "import sys; sys.modules['mcp'] = None; from rushes.cli.main import main; main()"
    said = subprocess.run(
        [sys.executable, "-c", program, "mcp"],
        env=terminal.environ,
        capture_output=True,
        text=True,
        check=False,
    )

    assert said.returncode == 8
    assert install_command("mcp") in said.stderr
    assert said.stdout == ""


@pytest.mark.parametrize(
    ("line", "named"),
    [
        ("unasked_usd = -1", "mcp.unasked_usd"),
        ('roots = "clips"', "mcp.roots"),
        ('roots = ["clips"]', "mcp.roots"),
        ("token = 1", "mcp.token"),
    ],
)
def test_bad_settings_are_named(terminal: Terminal, line: str, named: str) -> None:
    """What stands wrong under [mcp] is named; a token is not known there: the file is no place for it."""
    terminal.settings(f"[mcp]\n{line}\n")
    said = terminal.run("mcp")

    assert said.code == 8
    assert named in said.err


def test_the_page_on_the_server_is_right(terminal: Terminal) -> None:
    """docs/mcp.md names every tool, and its settings are settings."""
    page = (Path(__file__).parents[2] / "docs" / "mcp.md").read_text(encoding="utf-8")
    (settings,) = re.findall(r"```toml\n(.*?)```", page, flags=re.DOTALL)
    terminal.settings(settings)

    assert all(f"`{name}`" in page for name in ORDER)
    assert terminal.run("config").code == 0
