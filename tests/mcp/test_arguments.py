"""What a model gets wrong in a call is refused by its name, in our words, and nothing is done."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from rushes.mcp.door import refusal_words
from tests.cli.terminal import Terminal
from tests.mcp.agent import SMALL, agent, call, done, job_of, words_of

WRONG: list[tuple[str, dict[str, Any], str]] = [
    ("quote_video", {"prompt": "a kite", "duration": 8}, "it has no argument duration"),
    ("create_video", {"prompt": "a kite", "count": 3}, "it has no argument count"),
    ("create_video", {"prompt": "a kite", "seconds": "abc"}, "seconds is 'abc'"),
    ("list_jobs", {"state": "done"}, "state is 'done'"),
    ("look_at_video", {}, "video is missing"),
    ("look_at_video", {"video": "/a\0b"}, "is no path"),
    ("create_video", {"prompt": "a kite", "first_frame": "~nobody-of-that-name/a.png"}, "is no path"),
]


@pytest.mark.parametrize(("tool", "arguments", "said"), WRONG)
async def test_what_does_not_fit_is_refused_by_name(
    terminal: Terminal, tool: str, arguments: dict[str, Any], said: str
) -> None:
    """Nothing is left out unsaid: the answer names what is wrong, that nothing was billed, what to do."""
    async with agent(terminal) as client:
        refused = await client.call_tool(tool, arguments)
        schemas = {one.name: one.input_schema for one in (await client.list_tools()).tools}

    assert refused.is_error
    assert said in words_of(refused)
    assert "billed: no" in words_of(refused)
    assert "next: " in words_of(refused)
    assert "pydantic" not in words_of(refused)
    assert schemas[tool]["additionalProperties"] is False
    assert terminal.json("jobs") == []


async def test_what_is_left_empty_is_left_out(terminal: Terminal) -> None:
    """Models send "" for what they do not mean: two clips without a key are two clips."""
    async with agent(terminal) as client:
        jobs = [
            job_of(await call(client, "create_video", prompt=prompt, key="", quote_id="", **SMALL))
            for prompt in ("one kite", "two kites")
        ]
        for job in jobs:
            await done(client, job)

    assert len(set(jobs)) == 2


async def test_advice_is_given_in_arguments(terminal: Terminal) -> None:
    """What the command line calls --seconds is called seconds here."""
    async with agent(terminal) as client:
        refused = await client.call_tool("quote_video", {"prompt": "a kite", "seconds": -1})

    assert "seconds" in words_of(refused)
    assert "--" not in words_of(refused)


def test_commands_stay_as_they_are() -> None:
    """An option of another program in a piece of advice is no argument of a tool."""
    command = "uv pip install --python /v/bin/python -e '/home/me/clone[sora]'"

    assert command in refusal_words("engine_missing", "it needs playwright", "no", command)


async def test_what_is_hidden_or_no_sound_is_not_sent(terminal: Terminal, tmp_path: Path) -> None:
    """A file that may hold keys is neither read from a named folder nor taken for a soundtrack."""
    folder = tmp_path / "project"
    folder.mkdir()
    for name in (".env", "env.mp3"):
        (folder / name).write_text("KEY=not-a-real-one\n")
    terminal.settings(f'[mcp]\nroots = ["{folder}"]\n')
    fal = "fal/bytedance/seedance-2.5/reference-to-video"
    said = []
    async with agent(terminal) as client:
        for name in (".env", "env.mp3"):
            wish = {"prompt": "a kite", "model": fal, "references": [f"audio={folder / name}"]}
            said.append(words_of(await client.call_tool("quote_video", wish)))

    assert "in no folder that this server may read" in said[0]
    assert "bad_reference" in said[1]
    assert not any(path.is_file() for path in (terminal.home / "references").rglob("*"))
