"""Arguments of a tool: exactly its own. One that a model made up is refused by its name, not ignored."""

from __future__ import annotations

import types
from collections.abc import Iterable
from typing import Any

from mcp.server.mcpserver.tools import Tool
from pydantic import BaseModel, ValidationError, model_validator

from rushes.domain.errors import BadInput

LONGEST_VALUE = 60
"""Characters of a value that does not fit that are told back."""


def exact(tool: Tool) -> Tool:
    """Return a tool that takes no argument but its own, and says so in its schema."""
    given = tool.fn_metadata.arg_model
    tool.fn_metadata.arg_model = types.new_class(given.__name__, (_Filled, given), {"extra": "forbid"})
    tool.parameters = tool.fn_metadata.arg_model.model_json_schema(by_alias=True)
    return tool


class _Filled(BaseModel):
    """Arguments without those that are "": that is what models fill in for what they leave out."""

    @model_validator(mode="before")
    @classmethod
    def _left_out(cls, given: Any) -> Any:
        if not isinstance(given, dict):
            return given
        return {name: value for name, value in given.items() if value != "" or _needed(cls, name)}


def _needed(model: type[BaseModel], name: str) -> bool:
    field = model.model_fields.get(name)
    return field is None or field.is_required()


def misfit(tool: str, known: Iterable[str], found: ValidationError) -> BadInput:
    """Return what is said of a call whose arguments do not fit; `known` are those that the tool has."""
    wrong = "; ".join(_told(one["type"], one["loc"], one["msg"], one["input"]) for one in found.errors())
    return BadInput(
        f"{tool} was not called: {wrong}",
        next=f"call it with arguments of its own: {', '.join(known) or 'it has none'}",
    )


def _told(kind: str, place: tuple[int | str, ...], reason: str, value: object) -> str:
    name = ".".join(map(str, place))
    if kind == "extra_forbidden":
        return f"it has no argument {name}"
    if kind == "missing":
        return f"{name} is missing"
    return f"{name} is {repr(value)[:LONGEST_VALUE]}: {reason[:1].lower()}{reason[1:]}"
