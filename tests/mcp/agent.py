"""An agent's side: real servers in a home of their own, spoken to by the SDK's own client."""

from __future__ import annotations

import base64
import io
import json
import re
import subprocess
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from typing import Any

import httpx2
from mcp import Client
from mcp.client.stdio import StdioServerParameters, stdio_client
from mcp.client.streamable_http import streamable_http_client
from mcp_types import CallToolResult, ImageContent, ResourceLink, TextContent
from PIL import Image

from tests.cli.terminal import Terminal

OLD = "legacy"
"""The handshake of 2025; the SDK's client then asks for 2025-11-25."""

NEW = "auto"
"""What the SDK's client asks for by itself: 2026-07-28, without a handshake."""

ERAS = {OLD: "2025-11-25", NEW: "2026-07-28"}

SMALL = {"seconds": 1, "resolution": "480p", "model": "animatic/storyboard"}
"""The smallest clip of the embedded engine."""


def stdio(terminal: Terminal, *words: str) -> StdioServerParameters:
    """Return how a client starts the server in a terminal's home."""
    command, *args = terminal.command("mcp", *words)
    return StdioServerParameters(command=command, args=args, env=terminal.environ, cwd=terminal.home)


@asynccontextmanager
async def agent(terminal: Terminal, era: str = NEW, **more: Any) -> AsyncIterator[Client]:
    """Give a client of a server process of its own, over stdio; what that logs goes to `mcp.log`."""
    log = (terminal.home / "mcp.log").open("a")
    with log:
        async with Client(stdio_client(stdio(terminal), errlog=log), mode=era, **more) as client:
            yield client


TOKEN = "a-token-for-tests-only"
BEARER = {"authorization": f"Bearer {TOKEN}"}


@contextmanager
def serving(terminal: Terminal, *words: str, host: str = "127.0.0.1") -> Iterator[str]:
    """Serve over HTTP in a process of its own, with `TOKEN` as its token; give its address."""
    process = subprocess.Popen(
        terminal.command("mcp", "--http", f"{host}:0", *words),
        env={"RUSHES_MCP_TOKEN": TOKEN, **terminal.environ},
        cwd=terminal.home,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    try:
        found = re.search(r"http://\S+", process.stderr.readline())
        assert found is not None
        yield found.group().rstrip(";")
    finally:
        process.terminate()
        process.wait(timeout=20)
        process.stderr.close()


@asynccontextmanager
async def http_agent(address: str, **more: Any) -> AsyncIterator[Client]:
    """Give a client that sends the token to a server at `address`."""
    async with (
        httpx2.AsyncClient(headers=BEARER, timeout=httpx2.Timeout(30, read=300)) as http,
        Client(streamable_http_client(address, http_client=http), **more) as client,
    ):
        yield client


async def call(client: Client, tool: str, **arguments: Any) -> CallToolResult:
    """Call a tool that has to succeed."""
    result = await client.call_tool(tool, arguments)
    assert not result.is_error, words_of(result)
    return result


async def done(client: Client, job_id: str) -> CallToolResult:
    """Wait for a job as an agent does: call by call, until it no longer says that it is running."""
    while True:
        result = await client.call_tool("wait_for_video", {"job_id": job_id, "seconds": 20})
        if "still running" not in words_of(result):
            return result


def job_of(result: CallToolResult) -> str:
    """Return the id of the one job that an answer is about."""
    (job,) = result.structured_content["jobs"]
    return str(job["job_id"])


def words_of(result: CallToolResult) -> str:
    return "\n".join(one.text for one in result.content if isinstance(one, TextContent))


def links_of(result: CallToolResult) -> list[ResourceLink]:
    return [one for one in result.content if isinstance(one, ResourceLink)]


def pictures_of(result: CallToolResult) -> list[Image.Image]:
    """Return the pictures of an answer, decoded."""
    found: Sequence[ImageContent] = [one for one in result.content if isinstance(one, ImageContent)]
    return [Image.open(io.BytesIO(base64.b64decode(one.data))) for one in found]


class RawClient:
    """A client that writes lines of JSON to a server of its own, so that both can be killed in the middle."""

    def __init__(self, terminal: Terminal) -> None:
        self.process = subprocess.Popen(
            terminal.command("mcp"),
            env=terminal.environ,
            cwd=terminal.home,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        self.serial = 0

    def tell(self, method: str, **params: Any) -> None:
        assert self.process.stdin is not None
        message = {"jsonrpc": "2.0", "method": method, "params": params}
        self.process.stdin.write(json.dumps(message) + "\n")
        self.process.stdin.flush()

    def ask(self, method: str, **params: Any) -> Any:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.serial += 1
        message = {"jsonrpc": "2.0", "id": self.serial, "method": method, "params": params}
        self.process.stdin.write(json.dumps(message) + "\n")
        self.process.stdin.flush()
        for line in self.process.stdout:
            answer = json.loads(line)
            if answer.get("id") == self.serial:
                return answer["result"]
        raise AssertionError("the server ended")

    def kill(self) -> None:
        """End the server as a crash of its client's machine would."""
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.kill()
        self.process.wait(timeout=20)
        self.process.stdin.close()
        self.process.stdout.close()
