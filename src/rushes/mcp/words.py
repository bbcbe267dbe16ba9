"""The words of the agents' door: nothing in them is invisible, and whose words they are can be seen.

A model reads all of it, and may take any line for ours or for an instruction. So every result goes through
`with_safe_words`, a further line is indented below the one it belongs to, and what a provider said is quoted.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from mcp.server.context import CallNext, HandlerResult, ServerRequestContext
from mcp.shared.exceptions import MCPError
from pydantic import BaseModel

from rushes.domain.errors import EngineError, PriceChanged, error_classes
from rushes.domain.text import LINE_LIMIT, one_line, visible_lines

INDENT = "    "

LONGEST_MESSAGE = 4_000
"""Characters of the message of an error."""

INNER = str.maketrans("“”", '""')
"""What stands for quotes within quotes."""


OPTION = re.compile(
    r"--(seconds|key|model|aspect|resolution|first-frame|last-frame|seed|again|max-usd|count|fallback|style"
    r"|remix|extend|storyboard-id)(?![\w-])"
)
"""Options of the command line that are arguments of tools."""

SETTING_UP = re.compile(r"^((?:or )?(?:with [^:]+: )?)(rushes config set )")
"""A part of an advice that stores a key: keys are the person's own."""


async def with_safe_words(ctx: ServerRequestContext[Any, Any], call_next: CallNext) -> HandlerResult:
    """Answer a request with all that is unsafe in any of its texts written out."""
    try:
        result = await call_next(ctx)
    except MCPError as error:
        message = visible_lines(cut(error.message))
        raise MCPError(code=error.code, message=message, data=_safe(error.data)) from error
    if isinstance(result, BaseModel):
        result = result.model_dump(by_alias=True, mode="json", exclude_none=True)
    safe: HandlerResult = _safe(result)
    return safe


def _safe(value: Any) -> Any:
    if isinstance(value, str):
        return visible_lines(value)
    if isinstance(value, dict):
        return {_safe(name): _safe(one) for name, one in value.items()}
    if isinstance(value, list):
        return [_safe(one) for one in value]
    return value


def joined(lines: Iterable[str]) -> str:
    """Return lines as one text; what of a line is on further lines is indented, as words of somebody else."""
    return "\n".join(line.replace("\n", f"\n{INDENT}") for line in lines)


def cut(message: str) -> str:
    """Return the message of an error, which may repeat an argument of megabytes, as long as one may be."""
    return message if len(message) <= LONGEST_MESSAGE else f"{message[: LONGEST_MESSAGE - 1]}…"


def attributed(code: str, message: str) -> str:
    """Return the message of an error; of one that may repeat a provider's words it says so, and quotes it."""
    quotable = any(cls.code == code for cls in error_classes() if issubclass(cls, EngineError))
    if not quotable or code == PriceChanged.code:
        return message
    return f"the provider or its engine said: {quoted(message)}"


def quoted(text: str, limit: int = LINE_LIMIT) -> str:
    """Return somebody else's words on one line in quotes that they cannot end."""
    return f"“{one_line(text, limit).translate(INNER)}”"


def in_tool_words(advice: str) -> str:
    """Return words for whoever calls tools: options as arguments, and what the person has to set up."""
    return "; ".join(_clause_in_tool_words(clause) for clause in advice.split("; "))


def _clause_in_tool_words(clause: str) -> str:
    """Return a part of an advice; the options of a command stay as they are."""
    if "rushes " in clause:
        return SETTING_UP.sub(r"\1the person runs: \2", clause)
    return OPTION.sub(lambda one: one[1].replace("-", "_"), clause)
