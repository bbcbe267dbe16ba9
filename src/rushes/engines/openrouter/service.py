"""The service's own addresses, spoken to by its SDK. What came back is read elsewhere, as it came.

The SDK's types refuse a whole answer for one odd field, a ticket with it; so the answer itself is kept, and
only the sending is left to the SDK. Its retries are off: it would repeat a paid create for an hour.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Mapping
from contextvars import ContextVar
from functools import cached_property
from importlib import import_module
from typing import TYPE_CHECKING, Any

import httpx

from rushes.domain.errors import Refused, SignInNeeded
from rushes.engines.http import create_client, without_key

if TYPE_CHECKING:
    from openrouter import OpenRouter

TITLE = "rushes"
"""The name under which the service's own pages list what was made."""

KEY_PAGE = "https://openrouter.ai/settings/keys"

LIST_MS = 10_000
"""The list only sharpens a price that the catalogue has, too: nobody should wait long for it."""

_ANSWER: ContextVar[httpx.Response | None] = ContextVar("answer", default=None)
"""The answer to the call that this task has under way."""


class Service:
    """One key at one address. `create_s` bounds a create, `ask_s` every other call, in seconds."""

    def __init__(self, base_url: str, key: str, *, create_s: float, ask_s: float) -> None:
        self.base_url = base_url
        self._key = key
        self._create_s = create_s
        self._ask_ms = round(ask_s * 1000)
        self._sdk: OpenRouter | None = None

    async def create(self, body: Mapping[str, Any]) -> httpx.Response:
        """Send the paid create, once. Raises what httpx raises, SignInNeeded, and Refused for a bad body."""
        from pydantic import ValidationError

        self.check_key()
        try:
            sdk = await self.sdk()
            return await _answer(sdk.video_generation.generate_async(**body, retries=None))
        except ValidationError as error:
            if _ANSWER.get() is not None:
                raise
            names = ", ".join(sorted({str(one["loc"][0]) for one in error.errors() if one["loc"]}))
            raise Refused(
                f"OpenRouter's body cannot hold {names or 'this'} as it was given; nothing was sent",
                next="correct it; `provider` stands in the engine's table of the settings file",
            ) from None

    async def job(self, id: str) -> httpx.Response:
        self.check_key()
        videos = (await self.sdk()).video_generation
        return await _answer(videos.get_generation_async(job_id=id, retries=None, timeout_ms=self._ask_ms))

    async def models(self) -> httpx.Response:
        """Ask for the list of models, which is public."""
        videos = (await self.sdk()).video_generation
        limit = min(self._ask_ms, LIST_MS)
        return await _answer(videos.list_videos_models_async(retries=None, timeout_ms=limit))

    async def key(self) -> httpx.Response:
        """Ask what the key may still spend."""
        self.check_key()
        keys = (await self.sdk()).api_keys
        return await _answer(keys.get_current_key_metadata_async(retries=None, timeout_ms=self._ask_ms))

    def check_key(self) -> None:
        """Raise SignInNeeded where there is no key."""
        if not self._key:
            raise SignInNeeded(
                "OpenRouter needs a key, and none is set; nothing was sent",
                next=f"make one at {KEY_PAGE} and set OPENROUTER_API_KEY, in the environment or in .env",
            )

    @property
    def headers(self) -> dict[str, str]:
        """The headers that downloads from the service's own address need."""
        return {"Authorization": f"Bearer {self._key}"}

    def scrubbed(self, words: str) -> str:
        """Return what the service says of a job, without our key: upstreams repeat it, too."""
        return without_key(words, self._key)

    async def aclose(self) -> None:
        if "_client" in self.__dict__:
            await self._client.aclose()

    @cached_property
    def _client(self) -> httpx.AsyncClient:
        # For polls too: they come further apart than a connection is kept open.
        client = create_client(self.base_url, self._create_s)
        client.event_hooks = {"response": [_keep]}
        return client

    async def sdk(self) -> OpenRouter:
        """Return the SDK, which is imported with the first call: that takes a second or two."""
        if self._sdk is None:
            await asyncio.to_thread(import_module, "openrouter.video_generation")
            from openrouter import OpenRouter
            from openrouter.utils.logger import NoOpLogger

            self._sdk = OpenRouter(
                # A callable, because without any key the SDK would look for one in the environment itself.
                api_key=lambda: self._key or None,
                server_url=self.base_url,
                async_client=self._client,
                x_open_router_title=TITLE,
                # Its own writes whole requests down, pictures among them, where a variable tells it to.
                debug_logger=NoOpLogger(),
            )
        return self._sdk


async def _keep(response: httpx.Response) -> None:
    _ANSWER.set(response)


async def _answer(call: Awaitable[Any]) -> httpx.Response:
    """Return the answer to a call of the SDK, whatever the SDK thinks of it."""
    from openrouter.errors import OpenRouterError

    _ANSWER.set(None)
    try:
        await call
    except OpenRouterError as error:
        return error.raw_response
    response = _ANSWER.get()
    assert response is not None
    return response
