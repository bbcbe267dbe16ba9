"""The protocol's own inspector, by its command line: its SDK is another than the server's."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from tests.cli.terminal import Terminal
from tests.mcp.agent import SMALL, serving
from tests.mcp.forwarding import with_token
from tests.mcp.installed import node, program, ran
from tests.mcp.test_tools import ORDER

KITE = {"prompt": "a kite over dunes", **SMALL}


class Inspector:
    """Runs one method at a time, each in a connection of its own."""

    def __init__(self, terminal: Terminal, *where: str) -> None:
        self._terminal = terminal
        self._command: list[Path | str] = [
            node(),
            program("mcp-inspector"),
            "--cli",
            *where,
            "--format",
            "json",
        ]

    def ask(self, method: str, *words: str) -> Any:
        """Return the result of a method that has to succeed."""
        home = {"HOME": str(self._terminal.home)}
        env = {**self._terminal.environ, **home}
        done = ran(*self._command, "--method", method, *words, env=env, cwd=self._terminal.home)
        assert done.returncode == 0, done.stdout + done.stderr
        return json.loads(done.stdout)["result"]

    def call(self, tool: str, **arguments: Any) -> Any:
        return self.ask("tools/call", "--tool-name", tool, "--tool-args-json", json.dumps(arguments))


def inspected(inspector: Inspector) -> None:
    """List, quote, create, wait, and read: everything is there, and is as it should be."""
    # With --strict a schema that some client could not read is an error.
    tools = inspector.ask("tools/list", "--strict")["tools"]
    quote = inspector.call("quote_video", **KITE)["structuredContent"]
    created = inspector.call("create_video", quote_id=quote["quote_id"])
    (job,) = created["structuredContent"]["jobs"]
    made = inspector.call("wait_for_video", job_id=job["job_id"])
    listed = inspector.ask("resources/list")["resources"]
    shot = inspector.ask("prompts/get", "--prompt-name", "shot", "--prompt-args", "subject=a kite")

    assert [tool["name"] for tool in tools] == ORDER
    assert quote["price"] == "free"
    assert [block["type"] for block in made["content"]] == ["text", "image", "resource_link", "resource_link"]
    assert "is completed" in made["content"][0]["text"]
    assert [one["uri"] for one in listed][1:] == [block["uri"] for block in made["content"][2:]]
    assert "Subject: a kite" in shot["messages"][0]["content"]["text"]


def test_the_inspector_over_stdio(terminal: Terminal) -> None:
    """It shakes hands as in 2025, starts the server for each method, and finds the clip that another made."""
    ours = ("RUSHES_HOME", "RUSHES_IDLE_S")
    given = [word for name in ours for word in ("-e", f"{name}={terminal.environ[name]}")]
    inspected(Inspector(terminal, *terminal.command("mcp"), *given, "--protocol-era", "legacy"))


def test_the_inspector_over_http(terminal: Terminal) -> None:
    """It speaks the newest protocol."""
    with serving(terminal) as door, with_token(door) as address:
        inspected(
            Inspector(terminal, "--server-url", address, "--transport", "http", "--protocol-era", "modern")
        )
