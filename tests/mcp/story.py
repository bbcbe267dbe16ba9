"""What an agent goes through, with whichever version of the official SDK the Python has that runs this file.

    python story.py NAME stdio COMMAND…      python story.py NAME http URL

NAME is in the prompt of what it buys. It imports nothing of ours. Prints what came of each step as one JSON
object, results as they were on the wire.
"""

from __future__ import annotations

import asyncio
import base64
import importlib
import io
import json
import os
import sys
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from importlib import metadata
from typing import Any

from PIL import Image

SMALL = {"seconds": 1, "resolution": "480p", "model": "animatic/storyboard"}


class Person:
    """Says yes to every form, and remembers what it asked."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    async def __call__(self, context: Any, params: Any) -> Any:
        self.asked.append(params.message)
        types = importlib.import_module("mcp.types")
        return types.ElicitResult(action="accept", content={"approve": True})


@asynccontextmanager
async def connected(transport: str, where: Sequence[str], person: Person | None) -> AsyncIterator[Any]:
    """Give a session that works, and the protocol version that it and the server agreed on."""
    sdk: Any = importlib.import_module("mcp")
    if hasattr(sdk, "Client"):
        async with sdk.Client(streams(transport, where), elicitation_callback=person) as client:
            yield client, client.protocol_version
        return
    async with (
        streams(transport, where) as (read, write, *_),
        sdk.ClientSession(read, write, elicitation_callback=person) as session,
    ):
        yield session, (await session.initialize()).protocolVersion


def streams(transport: str, where: Sequence[str]) -> Any:
    """Return the two ends of a connection, to be entered."""
    if transport == "http":
        http: Any = importlib.import_module("mcp.client.streamable_http")
        # Its name until 1.24.
        connect = getattr(http, "streamable_http_client", None) or http.streamablehttp_client
        return connect(where[0])
    stdio: Any = importlib.import_module("mcp.client.stdio")
    command, *args = where
    return stdio.stdio_client(stdio.StdioServerParameters(command=command, args=args, env=dict(os.environ)))


def wire(model: Any) -> Any:
    return model.model_dump(mode="json", by_alias=True, exclude_none=True)


async def call(session: Any, tool: str, **arguments: Any) -> Any:
    """Call a tool; return its result with its pictures decoded, as their sizes."""
    result = wire(await session.call_tool(tool, arguments))
    for block in result["content"]:
        if block["type"] == "image":
            with Image.open(io.BytesIO(base64.b64decode(block.pop("data")))) as picture:
                picture.load()
                block["size"] = picture.size
    return result


async def done(session: Any, created: Any) -> Any:
    """Wait for the one job of a create as an agent does, call by call."""
    (job,) = created["structuredContent"]["jobs"]
    while True:
        result = await call(session, "wait_for_video", job_id=job["job_id"], seconds=20)
        if "still running" not in result["content"][0]["text"]:
            return result


async def free(session: Any) -> dict[str, Any]:
    """Quote, create, wait, look, read and list, with the model that is always there."""
    told: dict[str, Any] = {"tools": [tool["name"] for tool in wire(await session.list_tools())["tools"]]}
    told["quote"] = await call(session, "quote_video", prompt="a kite over dunes", **SMALL)
    quote = told["quote"]["structuredContent"]["quote_id"]
    told["created"] = await call(session, "create_video", quote_id=quote)
    told["made"] = await done(session, told["created"])
    (job,) = told["created"]["structuredContent"]["jobs"]
    told["frames"] = await call(session, "look_at_video", video=job["job_id"], view="frames", at=[0, 0.5])
    (clip,) = [one for one in told["made"]["content"] if one.get("mimeType") == "video/mp4"]
    (read,) = wire(await session.read_resource(clip["uri"]))["contents"]
    content = base64.b64decode(read["blob"])
    told["clip"] = {"type": read["mimeType"], "listed": clip["size"], "read": len(content)}
    told["clip"]["begins"] = content[4:8].decode()
    told["resources"] = [one["uri"] for one in wire(await session.list_resources())["resources"]]
    told["listed"] = await call(session, "list_jobs")
    shot = wire(await session.get_prompt("shot", {"subject": "a kite"}))
    told["prompt"] = shot["messages"][0]["content"]["text"]
    return told


async def faults(session: Any) -> dict[str, Any]:
    """What goes wrong at the provider, and what nobody has."""
    told: dict[str, Any] = {}
    for prompt in ("refused", "lost"):
        created = await call(session, "create_video", prompt=prompt, model="lab/free", again=True)
        told[prompt] = await done(session, created)
    told["no job"] = await call(session, "get_job", job_id="j000000000")
    errors: Any = importlib.import_module("mcp.shared.exceptions")
    # Its name before version 2.
    refused = getattr(errors, "MCPError", None) or errors.McpError
    try:
        await session.get_prompt("nothing", {})
    except refused as error:
        told["no prompt"] = wire(error.error)
    return told


async def paid(session: Any, prompt: str) -> dict[str, Any]:
    """Quote, approve, and create twice."""
    told = {"quote": await call(session, "quote_video", prompt=prompt, model="lab/priced")}
    quote = told["quote"]["structuredContent"]["quote_id"]
    told["approved"] = await call(session, "approve_quote", quote_id=quote)
    told["created"] = await call(session, "create_video", quote_id=quote)
    told["again"] = await call(session, "create_video", quote_id=quote)
    if not told["created"].get("isError"):
        told["made"] = await done(session, told["created"])
    return told


async def story(name: str, transport: str, where: Sequence[str]) -> dict[str, Any]:
    """Go through all of it with a person at the client, then what costs money without one."""
    person = Person()
    async with connected(transport, where, person) as (session, protocol):
        told: dict[str, Any] = {"sdk": metadata.version("mcp"), "protocol": protocol}
        told["free"] = await free(session)
        told["faults"] = await faults(session)
        told["paid"] = await paid(session, f"bought by {name}")
    async with connected(transport, where, None) as (session, _):
        told["nobody"] = await paid(session, f"unasked by {name}")
    return {**told, "asked": person.asked}


if __name__ == "__main__":
    json.dump(asyncio.run(story(sys.argv[1], sys.argv[2], sys.argv[3:])), sys.stdout)
