"""A call from inside the page, in the words of the scripts that make it, and its answer."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import httpx

from rushes.engines.bodies import LARGEST_ANSWER, AnswerTooLarge


@dataclass(frozen=True, kw_only=True)
class Call:
    """One call; `seconds` bound its answer.

    `opening` is the opening of the page that its headers were made for: on another one somebody else may be
    signed in.
    """

    method: str
    path: str
    headers: Mapping[str, str] = field(repr=False)
    body: Any = None
    seconds: float = 30.0
    opening: int | None = None


def words_of(call: Call, base_url: str) -> dict[str, Any]:
    """Return a call as the scripts take it."""
    headers = dict(call.headers)
    if call.body is not None:
        headers["Content-Type"] = "application/json"
    return {
        "method": call.method,
        "url": base_url + call.path,
        "headers": headers,
        "body": None if call.body is None else json.dumps(call.body, ensure_ascii=False),
        "milliseconds": call.seconds * 1000,
    }


def response_of(words: Mapping[str, Any], reply: Mapping[str, Any]) -> httpx.Response:
    """Return the page's answer in the shape that every engine's answers are read in.

    Raises AnswerTooLarge for one that was not read to its end.
    """
    # What a browser has decoded already must not be decoded again.
    headers = [(name, value) for name, value in reply["headers"] if name != "content-encoding"]
    response = httpx.Response(
        reply["status"],
        headers=headers,
        content=str(reply["text"]).encode(),
        request=httpx.Request(words["method"], words["url"], headers=words["headers"]),
    )
    response.encoding = "utf-8"
    if reply.get("cut"):
        raise AnswerTooLarge(f"more than {LARGEST_ANSWER // 1024**2} MB", response)
    return response
