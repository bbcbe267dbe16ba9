"""The tokens that a page must show with what it makes: one is good for one call of its flow."""

from __future__ import annotations

import json
import secrets
from collections.abc import Collection

from rushes.testing.sora_emulator.refusals import LOOKS_WRONG, Refused, refusal

CREATE_FLOWS = ("sora_2_create_task", "sora_2_create_task__auto", "sora_create_task")
LIKE_FLOWS = ("sora_2_like_post",)
FLOWS = (
    *CREATE_FLOWS,
    *LIKE_FLOWS,
    "sora_init",
    "sora_create_account",
    "sora_view_tracking",
    "sora_view_detail",
)

MOST_UNUSED = 1000


class Sentinel:
    """The tokens that are out and not yet used: the newest, for pages ask for more than they use."""

    def __init__(self) -> None:
        self.out: dict[str, str] = {}

    def issue(self, flow: str) -> str:
        """Return a new token for a flow. Raises ValueError for a flow that there is not."""
        if flow not in FLOWS:
            raise ValueError(f"there is no flow {flow!r}")
        token = secrets.token_urlsafe(32)
        self.out[token] = flow
        while len(self.out) > MOST_UNUSED:
            del self.out[next(iter(self.out))]
        return token

    def check(self, header: str | None, flows: Collection[str]) -> str:
        """Return the token of a header. Raises the service's 400 if it is none for these flows."""
        token = _token(header)
        if self.out.get(token) not in flows:
            self.use(token)
            raise blocked()
        return token

    def use(self, token: str) -> None:
        """Take a token, for good."""
        self.out.pop(token, None)


def blocked() -> Refused:
    return refusal(400, LOOKS_WRONG, code="sentinel_block")


def _token(header: str | None) -> str:
    try:
        shown = json.loads(header or "null")
    except ValueError:
        return ""
    token = shown.get("c") if isinstance(shown, dict) else None
    return token if isinstance(token, str) else ""
