"""The official SDK's client of each era, in an environment of its own: what an agent goes through."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from rushes.testing.process import ProviderProcess
from tests.cli.terminal import Terminal
from tests.mcp.agent import serving
from tests.mcp.forwarding import with_token
from tests.mcp.installed import ran, sdk
from tests.mcp.test_tools import ORDER

STORY = Path(__file__).with_name("story.py")
SDKS = {"2025-06-18": "1.22.0", "2025-11-25": "1.30.0"}
"""The SDK whose newest protocol that is; for what is newer there is the one of this environment."""


@contextmanager
def reached(terminal: Terminal, transport: str) -> Iterator[list[str]]:
    """Give what a client needs to reach the server."""
    if transport == "stdio":
        yield terminal.command("mcp")
        return
    with serving(terminal) as door, with_token(door) as address:
        yield [address]


def words(result: Any) -> str:
    return "\n".join(block["text"] for block in result["content"] if block["type"] == "text")


def sizes(result: Any) -> list[list[int]]:
    return [block["size"] for block in result["content"] if block["type"] == "image"]


def refused(result: Any) -> bool:
    return bool(result.get("isError", False))


@pytest.mark.parametrize("transport", ["stdio", "http"])
@pytest.mark.parametrize("era", ["2025-06-18", "2025-11-25", "2026-07-28"])
def test_an_agent_of_each_era(paid: Terminal, provider: ProviderProcess, era: str, transport: str) -> None:
    """It sees its clip, reads it, is told of faults, and buys once what its person allows, else nothing."""
    name = f"{era} over {transport}"
    provider.script("refused", render={"outcome": "failed-content"})
    provider.script("lost", create=[{"drop": True}])
    python = sdk(SDKS[era]) if era in SDKS else Path(sys.executable)
    with reached(paid, transport) as where:
        done = ran(python, STORY, name, transport, *where, env=paid.environ, cwd=paid.home)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)

    assert told["protocol"] == era
    assert told["sdk"] == SDKS.get(era, told["sdk"])
    got_a_clip(told["free"])
    was_told_of_faults(told["faults"])
    bought_once(told["paid"], told["asked"], name)
    bought_nothing(told["nobody"])
    assert len(provider.log(f"bought by {name}")) == 1
    assert provider.log(f"unasked by {name}") == []


def got_a_clip(told: Any) -> None:
    (job,) = told["created"]["structuredContent"]["jobs"]
    (sheet,) = sizes(told["made"])
    clip = told["clip"]

    assert told["tools"] == ORDER
    assert told["quote"]["structuredContent"]["price"] == "free"
    assert f"job {job['job_id']} is completed" in words(told["made"])
    assert max(sheet) <= 1568
    assert sizes(told["frames"]) == [[854, 480]] * 2
    assert (clip["type"], clip["read"]) == ("video/mp4", clip["listed"])
    assert clip["begins"] == "ftyp"
    assert told["resources"][0] == "ui://rushes/clip"
    assert [uri.partition("://")[0] for uri in told["resources"]] == ["ui", "rushes", "rushes"]
    assert [one["job_id"] for one in told["listed"]["structuredContent"]["jobs"]] == [job["job_id"]]
    assert "Subject: a kite" in told["prompt"]


def was_told_of_faults(told: Any) -> None:
    assert refused(told["refused"])
    assert "error (content_refused)" in words(told["refused"])
    assert "billed: no" in words(told["refused"])
    assert "is outcome unknown" in words(told["lost"])
    assert "reconcile_job" in words(told["lost"])
    assert refused(told["no job"])
    assert "list_jobs" in words(told["no job"])
    assert told["no prompt"] == {"code": -32602, "message": "Unknown prompt: nothing"}


def bought_once(told: Any, asked: list[str], name: str) -> None:
    (question,) = asked
    created, again = (told[step]["structuredContent"]["jobs"][0]["job_id"] for step in ("created", "again"))

    assert "$0.20" in question
    assert f"bought by {name}" in question
    assert told["approved"]["structuredContent"]["approved_by"] == "the person at the client"
    assert created == again
    assert f"job {created} is completed, $0.20" in words(told["made"])


def bought_nothing(told: Any) -> None:
    quote = told["quote"]["structuredContent"]["quote_id"]

    assert refused(told["approved"])
    assert f"rushes approve {quote}" in words(told["approved"])
    assert refused(told["created"])
    assert "approval_needed" in words(told["created"])
