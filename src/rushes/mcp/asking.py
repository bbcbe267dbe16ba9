"""Asking the person at the client for a yes or no: by elicitation, in the way of each era."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from enum import Enum
from typing import Any

from mcp.server.elicitation import render_elicitation_schema
from mcp.server.mcpserver import Context
from mcp.shared.exceptions import MCPError
from mcp_types import (
    ClientCapabilities,
    ElicitRequest,
    ElicitRequestFormParams,
    ElicitResult,
    InputRequiredResult,
)
from mcp_types.version import is_version_at_least
from pydantic import BaseModel, Field

from rushes.domain.text import visible_lines
from rushes.mcp.door import LONGEST_ANSWER_S

INPUT_REQUIRED = "2026-07-28"
"""The first protocol version in which a server asks by its result, and not by a request of its own."""

QUESTION = "approve"


class Reply(Enum):
    """What came of asking."""

    YES = "yes"
    NO = "no"
    SILENCE = "silence"


@dataclass(frozen=True, kw_only=True)
class Question:
    """`words` for a person to say yes or no to, and what it is about: an id of ours."""

    about: str
    words: str


class Agreement(BaseModel):
    """What the person fills in."""

    approve: bool = Field(title="Yes", description="I agree to this.")


def can_be_asked(capabilities: ClientCapabilities | None) -> bool:
    """Whether the client can put a form before its person."""
    asked = capabilities.elicitation if capabilities is not None else None
    # Before there were modes, a bare `elicitation: {}` meant forms.
    return asked is not None and (asked.form is not None or asked.url is None)


async def ask(question: Question, context: Context[Any, Any]) -> Reply | InputRequiredResult:
    """Ask the person; in the newer era return the result that asks, and read the answer on its retry."""
    if is_version_at_least(context.protocol_version or "", INPUT_REQUIRED):
        # Only what this server sealed for this very question comes back as its state.
        same = context.request_state == question.about
        answered = (context.input_responses or {}).get(QUESTION) if same else None
        if isinstance(answered, ElicitResult):
            return _reply(answered)
        return InputRequiredResult(input_requests={QUESTION: _form(question)}, request_state=question.about)
    try:
        async with asyncio.timeout(LONGEST_ANSWER_S):
            form = _form(question).params
            assert isinstance(form, ElicitRequestFormParams)
            return _reply(
                await context.session.elicit_form(form.message, form.requested_schema, context.request_id)
            )
    except (TimeoutError, MCPError):
        # A client without a face may well say that it can show forms, and then fail to.
        return Reply.SILENCE


def _form(question: Question) -> ElicitRequest:
    schema = render_elicitation_schema(Agreement)
    words = visible_lines(question.words)
    return ElicitRequest(params=ElicitRequestFormParams(message=words, requested_schema=schema))


def _reply(answered: ElicitResult) -> Reply:
    agreed = answered.action == "accept" and (answered.content or {}).get("approve") is True
    return Reply.YES if agreed else Reply.NO
