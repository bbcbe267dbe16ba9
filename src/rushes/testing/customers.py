"""A double of a `/v1/videos` server with two customers, who see their own jobs alone.

    python -m rushes.testing.standin rushes.testing.customers:Customers

What sets it apart: every call is noted with its `payer`, "" for a key that nobody has.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from contextvars import ContextVar
from typing import Any

from starlette.requests import Request

from rushes.testing.openai_videos_servers import SGLang
from rushes.testing.openai_videos_service import Asked, Wrong, error_body
from rushes.testing.standin import Render

KEYS = {"alice": "sk-alice-0123456789abcdef", "bob": "sk-bob-fedcba9876543210"}


class Customers(SGLang):
    """The server; the id of a job begins with who pays for it."""

    def __init__(self, *words: Any) -> None:
        super().__init__(*words)
        self._payer: ContextVar[str] = ContextVar("payer")

    def note(self, request: Request, operation: str, **facts: Any) -> None:
        self._payer.set(payer(request))
        super().note(request, operation, **facts, payer=payer(request))

    def check_key(self, request: Request) -> None:
        """Refuse a key that nobody has, and answer for another's job as for one that is not there."""
        if not payer(request):
            raise Wrong(401, error_body("Incorrect API key provided.", None, "invalid_api_key"))
        id = request.path_params.get("id")
        if id is not None and not id.startswith(payer(request)):
            raise Wrong(404, {"detail": "Video not found"})

    def new_id(self, asked: Asked) -> str | None:
        return f"{self._payer.get()}-{secrets.token_hex(8)}"

    def page(self, request: Request, most: int) -> tuple[Sequence[Render], bool]:
        found, more = super().page(request, most)
        return [one for one in found if one.id.startswith(payer(request))], more


def payer(request: Request) -> str:
    """Return whose key a request carries, "" for nobody's."""
    sent = request.headers.get("authorization", "").removeprefix("Bearer ")
    return next((name for name, key in KEYS.items() if key == sent), "")
