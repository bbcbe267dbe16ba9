"""What every tool holds, and how every tool answers: in time, and with an error that says what to do."""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import wraps
from traceback import format_exc
from typing import Any, Concatenate, ParamSpec, TypeVar

from mcp_types import CallToolResult, TextContent

from rushes.approvals import Approvals
from rushes.domain.errors import ApprovalNeeded, Billed, NotFound, RushesError
from rushes.mcp.folders import Folders
from rushes.mcp.words import attributed, cut, joined
from rushes.naming import may_be_id, unknown
from rushes.studio import Studio

logger = logging.getLogger(__name__)

LONGEST_CALL_S = 50.0
"""Clients cut calls at 60 seconds, some of them without a way to change it."""

LONGEST_ANSWER_S = 45.0
"""How long a call waits for a render or a person, which leaves it time to put its answer together."""

IN_TOOLS = {
    "rushes reconcile": "reconcile_job",
    "rushes wait": "wait_for_video",
    "rushes jobs": "list_jobs",
    "rushes clips": "list_jobs",
    "rushes models": "list_models",
    "rushes job ": "get_job",
}
"""What the command of an error's advice is called among the tools."""

OPTION = re.compile(
    r"--(seconds|key|model|aspect|resolution|first-frame|last-frame|seed|again|max-usd|count|fallback|style"
    r"|remix|extend|storyboard-id)(?![\w-])"
)
"""Options of the command line that are arguments of tools."""


@dataclass(frozen=True, kw_only=True)
class Door:
    """A studio, the quotes that are kept for it, and the folders that may be read."""

    studio: Studio
    approvals: Approvals
    folders: Folders

    def job_id(self, words: str) -> str:
        """Return the whole id of the job that is meant by words. Raises NotFound, BadReference."""
        try:
            return self.studio.job(self.name(words)).id
        except NotFound as error:
            more = "" if "rushes " in error.next else f"{error.next}; "
            raise NotFound(error.message, next=f"{more}list_jobs shows what there is") from error

    def name(self, words: str) -> str:
        """Return words that may be looked up for a client: no other files are looked at than it may read.

        Raises NotFound, BadReference.
        """
        words = words.strip()
        if "/" in words:
            return str(self.folders.file(words))
        if not may_be_id(words):
            raise unknown(words)
        return words


class Themed:
    """Tools on one theme, at one door."""

    def __init__(self, door: Door) -> None:
        self.door = door


Theme = TypeVar("Theme", bound=Themed)
Words = ParamSpec("Words")


def answering(
    tool: Callable[Concatenate[Theme, Words], Awaitable[Any]],
) -> Callable[Concatenate[Theme, Words], Awaitable[Any]]:
    """Have a tool answer within `LONGEST_CALL_S`, and with our errors as a result that a model can read."""

    @wraps(tool)
    async def answered(self: Theme, /, *args: Words.args, **kwargs: Words.kwargs) -> Any:
        try:
            async with asyncio.timeout(LONGEST_CALL_S):
                return await tool(self, *args, **kwargs)
        except TimeoutError:
            return refusal(
                RushesError(
                    f"{tool.__name__} had no answer within {LONGEST_CALL_S:g} s; nothing is lost",
                    next="call it again with the same words; list_jobs shows what was stored",
                )
            )
        except RushesError as error:
            return refusal(error)
        except Exception as error:  # noqa: BLE001 - the boundary: a model reads it, without secrets
            text = self.door.studio.roster.text
            logger.error("%s: %s", tool.__name__, text.block(format_exc()))
            return refusal(
                RushesError(
                    text.line(f"internal error in {tool.__name__}: {type(error).__name__}: {error}"),
                    next="list_jobs shows whether anything was stored; show the person this message",
                    billed=Billed.UNKNOWN,
                )
            )

    return answered


def refusal(error: RushesError) -> CallToolResult:
    """Return an error as the result of a call."""
    message = attributed(error.code, cut(error.message))
    words = refusal_words(error.code, message, error.billed.value, error.next)
    return CallToolResult(content=[TextContent(text=words)], is_error=True)


def refusal_words(code: str, message: str, billed: str, next: str) -> str:
    """Return an error in words: what happened, whether it was charged, what to do next, by tool as well."""
    # What is left to a person is not offered to the model by another name.
    theirs = code == ApprovalNeeded.code
    tools = dict.fromkeys(tool for command, tool in IN_TOOLS.items() if command in next and not theirs)
    also = f" (here: {', '.join(tools)})" if tools else ""
    said = _as_arguments(message), f"{_as_arguments(next)}{also}"
    return joined([f"error ({code}): {said[0]}", f"billed: {billed}", f"next: {said[1]}"])


def _as_arguments(words: str) -> str:
    """Return words with the options of the command line as arguments of tools; those of a command stay."""
    return words if "rushes " in words else OPTION.sub(lambda one: one[1].replace("-", "_"), words)
