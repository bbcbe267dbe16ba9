"""The calls to the service: its address, its key, its client. What came back is read elsewhere."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import Any
from urllib.parse import quote

import httpx

from rushes.domain.errors import SignInNeeded
from rushes.engines.http import LONG_LIST, create_client, without_key

TITLE = "rushes"
"""The name under which the service's own pages list what was made."""

KEY_PAGE = "https://openrouter.ai/settings/keys"

LIST_S = 10.0
"""The list only sharpens a price that the catalogue has, too: nobody should wait long for it."""


class Service:
    """One key at one address. `create_s` bounds a create, `ask_s` every other call, in seconds."""

    def __init__(self, base_url: str, key: str, *, create_s: float, ask_s: float) -> None:
        self.base_url = base_url
        self._key = key
        self._create_s = create_s
        self._ask_s = ask_s

    async def create(self, body: Mapping[str, Any]) -> httpx.Response:
        """Send the paid create, once. Raises what httpx raises, and SignInNeeded."""
        self.check_key()
        return await self._client.post("/videos", json=dict(body))

    async def job(self, id: str) -> httpx.Response:
        self.check_key()
        return await self._client.get(f"/videos/{quote(id, safe='')}", timeout=self._ask_s)

    async def models(self) -> httpx.Response:
        """Ask for the list of models, which is public."""
        seconds = min(self._ask_s, LIST_S)
        return await self._client.get("/videos/models", timeout=seconds, extensions=LONG_LIST)

    async def key(self) -> httpx.Response:
        """Ask what the key may still spend."""
        self.check_key()
        return await self._client.get("/key", timeout=self._ask_s)

    def check_key(self) -> None:
        """Raise SignInNeeded if there is no key."""
        if not self._key:
            raise SignInNeeded(
                "OpenRouter needs a key, and none is set; nothing was sent",
                next=f"make one at {KEY_PAGE} and set OPENROUTER_API_KEY, in the environment or in .env",
            )

    @property
    def headers(self) -> dict[str, str]:
        """The headers that downloads from the service's own address need."""
        return {"Authorization": f"Bearer {self._key}"} if self._key else {}

    def scrubbed(self, words: str | None) -> str | None:
        """Return what the service says of a job, without our key: upstreams repeat it, too."""
        return without_key(words, self._key) if words else None

    async def aclose(self) -> None:
        if "_client" in self.__dict__:
            await self._client.aclose()

    @cached_property
    def _client(self) -> httpx.AsyncClient:
        # For polls too: they come further apart than a connection is kept open.
        headers = {"Accept": "application/json", "X-OpenRouter-Title": TITLE, **self.headers}
        return create_client(self.base_url, self._create_s, **headers)
