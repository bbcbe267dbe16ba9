"""Clips and sheets as resources, and the prompt that shows how a shot is described."""

from __future__ import annotations

import asyncio
from pathlib import Path

from mcp.server.mcpserver import MCPServer
from mcp.server.mcpserver.exceptions import ResourceError, ResourceNotFoundError
from mcp_types import Resource

from rushes.domain.clip import Clip
from rushes.domain.errors import LibraryDamaged, NotFound
from rushes.domain.text import one_line
from rushes.mcp.answers import clip_uri, sheet_uri
from rushes.mcp.door import Door

LARGEST_BYTES = 24 * 2**20
"""A resource travels as text inside one message; anything larger is had by its path."""

LISTED = 20

SHOT = """\
Describe one shot for a video model, one camera move and one action in it, in this order:

Shot and camera: {camera}
Subject: {subject}
Action, beat by beat: {action}
Scene: {scene}
Light and three to five colours: {light}
Style: {style}
Sound (speech in quotes, noises, music): {sound}

Say what is seen and heard, not what is felt. Name only what is to be there: naming a thing to keep it out \
can bring it in. Length, shape and size go into seconds, aspect and resolution, not into the prompt. Then: \
quote_video, show the price, approve_quote where it costs money, create_video, tell the job id, \
wait_for_video, look at the sheet and compare it with this text before you say that it is done.
"""


def add_resources(server: MCPServer, door: Door) -> None:
    """Serve every clip and sheet of the library by its id."""

    @server.resource("rushes://clip/{id}", name="clip", title="A clip", mime_type="video/mp4")
    async def clip(id: str) -> bytes:
        """The video itself."""
        found = _clip(door, id)
        damage = door.studio.find_damage(found)
        if damage is not None:
            raise ResourceError(damage.text)
        return await asyncio.to_thread(_bytes, door, found.path)

    @server.resource("rushes://sheet/{id}", name="sheet", title="Its contact sheet", mime_type="image/jpeg")
    async def sheet(id: str) -> bytes:
        """Twelve frames of a clip with their times."""
        return await asyncio.to_thread(_bytes, door, _clip(door, id).sheet)

    @server.resource("rushes://bursts/{id}", name="bursts", title="Its bursts", mime_type="image/jpeg")
    async def bursts(id: str) -> bytes:
        """Three moments of a clip at steps of 0.1 s."""
        found = _clip(door, id).bursts
        if found is None:
            raise ResourceNotFoundError(f"clip {id} has no bursts")
        return await asyncio.to_thread(_bytes, door, found)


def listed(door: Door) -> list[Resource]:
    """Return the newest clips and their sheets."""
    resources = []
    for clip in door.studio.library.search(limit=LISTED):
        about = one_line(f"{clip.seconds:g} s, {clip.width}×{clip.height}, {clip.model}: {clip.prompt[:80]}")
        resources += [
            Resource(
                uri=clip_uri(clip),
                name=clip.path.name,
                mime_type="video/mp4",
                size=clip.bytes,
                description=about,
            ),
            Resource(uri=sheet_uri(clip), name=clip.sheet.name, mime_type="image/jpeg", description=about),
        ]
    return resources


def add_prompt(server: MCPServer) -> None:
    """Serve the template by which a shot is described."""

    @server.prompt(name="shot", title="Describe a shot", description="The template for a prompt that works.")
    def shot(
        subject: str,
        action: str = "one thing that it does",
        camera: str = "a size of shot and one move",
        scene: str = "where and when",
        light: str = "where it comes from",
        style: str = "a medium or a look",
        sound: str = "what is heard",
    ) -> str:
        return SHOT.format(
            subject=subject, action=action, camera=camera, scene=scene, light=light, style=style, sound=sound
        )


def _clip(door: Door, id: str) -> Clip:
    try:
        return door.studio.library.get(id)
    except NotFound as error:
        raise ResourceNotFoundError(error.message) from error
    except LibraryDamaged as error:
        raise ResourceError(error.message) from error


def _bytes(door: Door, path: Path) -> bytes:
    try:
        with door.studio.library.open(path) as file:
            data = file.read(LARGEST_BYTES + 1)
    except NotFound as error:
        raise ResourceNotFoundError(error.message) from error
    except LibraryDamaged as error:
        raise ResourceError(error.message) from error
    if len(data) > LARGEST_BYTES:
        raise ResourceError(f"{path} is too large to be sent; open it there")
    return data
