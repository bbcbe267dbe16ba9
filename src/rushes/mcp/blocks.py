"""Results of calls, put together from content blocks.

Where a result has structured content, Claude Code shows the model that alone (anthropics/claude-code#54737,
#79944). So what has pictures in it has none; what has it says everything there; and no picture is ever in it.
"""

from __future__ import annotations

import base64
from collections.abc import Iterable, Sequence
from pathlib import Path

from mcp_types import CallToolResult, ContentBlock, ImageContent, ResourceLink, TextContent
from pydantic import BaseModel

from rushes.domain.answer import Answer
from rushes.domain.clip import Clip
from rushes.domain.job import JobState
from rushes.domain.text import one_line
from rushes.mcp.answers import clip_uri, job_lines, job_shape, sheet_uri
from rushes.mcp.words import joined

FOR_VIEWER = "rushes/job"
"""Where the viewer finds a job in a result that has no structured content; `_meta` is not for the model."""

LONGEST_PICTURES = 2**20 - 2**15
"""Characters of all pictures of an answer; the rest is for words.

Claude Desktop refuses an answer of more than 1 MiB (PrefectHQ/fastmcp#1036), and so does the SDK's own client
where it comes over HTTP as an event.
"""

LEFT_OUT = "(a picture is left out here: clients take no answer as large as that; ask for it alone)"

COMPARE = (
    "compare the picture with what was asked for; bursts of look_at_video show its motion; then tell the"
    " person the path"
)


def text(lines: Iterable[str]) -> TextContent:
    return TextContent(text=joined(lines))


def image(path: Path) -> ImageContent:
    """Return a JPEG as a block that a model sees."""
    return ImageContent(data=base64.b64encode(path.read_bytes()).decode("ascii"), mime_type="image/jpeg")


def fitting(blocks: Iterable[ContentBlock]) -> list[ContentBlock]:
    """Return an answer that clients take: a picture that makes it too large gives way to words.

    The first never does: alone it is too large only where it is all noise.
    """
    kept: list[ContentBlock] = []
    taken = 0
    for block in blocks:
        if isinstance(block, ImageContent):
            taken += len(block.data)
            if taken > LONGEST_PICTURES and taken > len(block.data):
                taken -= len(block.data)
                block = text([LEFT_OUT])
        kept.append(block)
    return kept


def links(clip: Clip) -> list[ResourceLink]:
    """Return where a client can have the clip and its sheet."""
    sheet = clip.sheet.stat().st_size if clip.sheet.is_file() else None
    return [
        ResourceLink(
            uri=clip_uri(clip), name=clip.path.name, mime_type="video/mp4", size=clip.bytes,
            description=f"the clip: {one_line(clip.prompt, 80)}",
        ),
        ResourceLink(
            uri=sheet_uri(clip), name=clip.sheet.name, mime_type="image/jpeg", size=sheet,
            description="twelve frames of it with their times",
        ),
    ]  # fmt: skip


def structured(shape: BaseModel, lines: Iterable[str], more: Sequence[ContentBlock] = ()) -> CallToolResult:
    """Return an answer for programs, with its twin in words."""
    return CallToolResult(content=[text(lines), *more], structured_content=shape.model_dump(mode="json"))


def seen(answer: Answer, todo: str | None = None) -> CallToolResult:
    """Return a job with the sheets of its clips as pictures: facts, pictures, links."""
    if answer.clips and todo is None:
        todo = COMPARE
    blocks: list[ContentBlock] = [text(job_lines(answer, todo)), *shown(answer)]
    failed = answer.job.state is JobState.FAILED or bool(answer.damage)
    return CallToolResult(
        content=blocks, is_error=failed, _meta={FOR_VIEWER: job_shape(answer).model_dump(mode="json")}
    )


def shown(answer: Answer) -> list[ContentBlock]:
    """Return the sheets of a job's clips as pictures, and links to both."""
    blocks: list[ContentBlock] = []
    for clip in answer.clips:
        if clip.sheet.is_file():
            blocks.append(image(clip.sheet))
        blocks += links(clip)
    return fitting(blocks)
