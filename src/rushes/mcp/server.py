"""The MCP server: which tools there are, what is said of each, and stdio."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable
from importlib import metadata
from pathlib import Path
from typing import Any

from mcp.server.apps import Apps, ResourceCsp
from mcp.server.caching import CacheHint
from mcp.server.mcpserver import Context, MCPServer
from mcp.server.mcpserver.exceptions import ToolError, UnexpectedToolError
from mcp.server.mcpserver.tools import Tool
from mcp.shared.exceptions import MCPError
from mcp_types import (
    INVALID_PARAMS,
    CallToolResult,
    GetPromptResult,
    InputRequiredResult,
    Resource,
    ToolAnnotations,
)
from pydantic import ValidationError

from rushes.approvals import Approvals
from rushes.mcp.arguments import exact, misfit
from rushes.mcp.door import Door, refusal
from rushes.mcp.folders import Folders, working_folder
from rushes.mcp.following import Following
from rushes.mcp.looking import Looking
from rushes.mcp.resources import add_prompt, add_resources, listed
from rushes.mcp.said import INSTRUCTIONS, SAID
from rushes.mcp.spending import Spending
from rushes.mcp.tasks import Tasks
from rushes.mcp.words import with_safe_words
from rushes.studio import Studio

VIEWER = "ui://rushes/clip"

LOOKS = ToolAnnotations(
    read_only_hint=True, destructive_hint=False, idempotent_hint=True, open_world_hint=False
)
ASKS = ToolAnnotations(
    read_only_hint=True, destructive_hint=False, idempotent_hint=True, open_world_hint=True
)
SPENDS = ToolAnnotations(
    read_only_hint=False, destructive_hint=True, idempotent_hint=True, open_world_hint=True
)
MAKES = ToolAnnotations(
    read_only_hint=False, destructive_hint=False, idempotent_hint=True, open_world_hint=True
)
ENDS = ToolAnnotations(
    read_only_hint=False, destructive_hint=True, idempotent_hint=True, open_world_hint=True
)

ASK_THE_PERSON = {"anthropic/requiresUserInteraction": True}
"""Claude Code asks its person before each call of a tool that is marked so."""

FRESH_MS = 3_600_000


class Server(MCPServer[Any]):
    """An MCPServer whose resources are those of the library, as it is now."""

    def __init__(self, door: Door, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._door = door

    async def call_tool(
        self, name: str, arguments: dict[str, Any], context: Context[Any, Any] | None = None
    ) -> CallToolResult | InputRequiredResult:
        """Call a tool. Arguments that do not fit are refused in our words, and nothing is done."""
        try:
            return await super().call_tool(name, arguments, context)
        except ToolError as error:
            # What fails after the tool ran is no fault of its arguments: jobs may be stored.
            if isinstance(error, UnexpectedToolError) or not isinstance(error.__cause__, ValidationError):
                raise
            (known,) = [tool.input_schema for tool in await self.list_tools() if tool.name == name]
            return refusal(misfit(name, known.get("properties", ()), error.__cause__))

    async def list_resources(self) -> list[Resource]:
        return [*await super().list_resources(), *listed(self._door)]

    async def get_prompt(
        self, name: str, arguments: dict[str, Any] | None = None, context: Context[Any, Any] | None = None
    ) -> GetPromptResult | InputRequiredResult:
        """Return a prompt. What the client got wrong is told as that; the SDK would call it our own fault."""
        try:
            return await super().get_prompt(name, arguments, context)
        except ValueError as error:
            raise MCPError(code=INVALID_PARAMS, message=str(error)) from error


def build(studio: Studio, roots: Iterable[Path]) -> Server:
    """Return a server on `studio` that reads files of its library and below `roots`."""
    door = Door(
        studio=studio,
        approvals=Approvals(studio),
        folders=Folders(studio.settings.home, (*studio.settings.mcp.roots, *roots)),
    )
    spending, following, looking = Spending(door), Following(door), Looking(door)
    apps = Apps()
    apps.add_html_resource(
        VIEWER,
        Path(__file__).with_name("clip.html").read_text(encoding="utf-8"),
        name="clip viewer",
        description="Plays the clip; shows its sheets, its request and what it cost.",
        csp=ResourceCsp(connect_domains=[], resource_domains=[]),
        prefers_border=True,
    )
    viewed = {"ui": {"resourceUri": VIEWER}}
    tools = [
        _tool(spending.quote_video, ASKS),
        _tool(spending.approve_quote, SPENDS, ASK_THE_PERSON),
        _tool(spending.create_video, MAKES),
        _tool(following.wait_for_video, LOOKS, viewed),
        _tool(following.get_job, LOOKS, viewed),
        _tool(following.explain_job, LOOKS),
        _tool(following.list_jobs, LOOKS),
        _tool(following.cancel_job, ENDS),
        _tool(following.reconcile_job, ENDS),
        _tool(looking.look_at_video, LOOKS),
        _tool(looking.list_models, LOOKS),
    ]
    server = Server(
        door,
        "rushes",
        title="rushes",
        instructions=INSTRUCTIONS,
        version=metadata.version("rushes"),
        tools=tools,
        extensions=[apps, Tasks(door)],
        # Clips come out of another process: nobody is here to tell of a change, so none is promised.
        subscriptions=False,
        cache_hints={
            "tools/list": CacheHint(ttl_ms=FRESH_MS, scope="public"),
            "prompts/list": CacheHint(ttl_ms=FRESH_MS, scope="public"),
        },
        log_level="WARNING",
    )
    # First in the chain: whatever a handler or another of the chain answers, it is made safe last.
    server.middleware.insert(0, with_safe_words)
    add_resources(server, door)
    add_prompt(server)
    return server


def _tool(call: Callable[..., Any], hints: ToolAnnotations, meta: dict[str, Any] | None = None) -> Tool:
    title, description = SAID[call.__name__]
    return exact(
        Tool.from_function(
            call, title=title, description=inspect.cleandoc(description), annotations=hints, meta=meta
        )
    )


async def serve_stdio(studio: Studio, roots: Iterable[Path]) -> None:
    """Serve one client on stdin and stdout until it closes them. What was asked for is made all the same.

    It may read the folder it was started in, besides.
    """
    await build(studio, (*roots, *working_folder())).run_stdio_async()
