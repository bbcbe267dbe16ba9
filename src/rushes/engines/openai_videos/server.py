"""The calls to one server: its address, its key, its clients; where its files are."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any
from urllib.parse import quote, urlsplit

import httpx

from rushes.domain.errors import BadSettings, Unreachable
from rushes.engines.contract import Source
from rushes.engines.http import (
    LONG_LIST,
    MAY_HOLD_FILE,
    answer_client,
    asking,
    classify_answer,
    create_client,
    json_of,
    sending,
    text_of,
    without_key,
)
from rushes.engines.openai_videos.creates import Create
from rushes.engines.openai_videos.videos import addresses_in, addresses_of, job_of

OFFICIAL = "https://api.openai.com/v1"
"""OpenAI's own service, closed on 2026-09-24."""

PAGE = 100
"""The most that the protocol lists at once."""

ASK_TIMEOUT_S = 30.0

HAS_TO_BE_MENDED = frozenset({401, 402, 408, 425, 429})
"""Refusals of a list that do not say that there is none."""


@dataclass(frozen=True, kw_only=True)
class Page:
    """One page of a server's jobs, and whether there are more."""

    jobs: Sequence[Mapping[str, Any]]
    more: bool


class Server:
    """One server at `base_url`, with or without /v1, and the `key` it is sent; None: it wants none.

    `official_key` is sent to OpenAI's own address and to nobody else.
    """

    def __init__(
        self, base_url: str, key: str | None, *, name: str, create_s: float, official_key: str | None = None
    ) -> None:
        self.base_url = _with_version(base_url, name)
        self._key = key or (official_key if self.base_url == OFFICIAL else None)
        self._name = name
        self._create_s = create_s

    @cached_property
    def _creates(self) -> httpx.AsyncClient:
        return create_client(self.base_url, self._create_s, **self.headers)

    @cached_property
    def _client(self) -> httpx.AsyncClient:
        return answer_client(self.base_url, ASK_TIMEOUT_S, **self.headers)

    def connect(self) -> None:
        """Make the client of creates. Raises SetupError where it cannot be made."""
        _ = self._creates

    @property
    def headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self._key}"} if self._key else {}

    def scrubbed(self, words: str) -> str:
        """Return what a server says of a job, without our key."""
        return without_key(words, self._key)

    async def close(self) -> None:
        for name in ("_creates", "_client"):
            if name in self.__dict__:
                await self.__dict__[name].aclose()

    # --- calls ---

    async def create(self, create: Create, *, as_json: bool) -> httpx.Response:
        """Send a create, once. Raises NotDelivered, and OutcomeUnknown where it may have arrived."""
        with sending():
            if as_json:
                return await self._creates.post(create.path, json=dict(create.fields))
            # Fields without a file go as a form with parts, too: a plain form is refused.
            return await self._creates.post(create.path, files=create.form)

    async def video(self, id: str) -> httpx.Response:
        """Ask for one job."""
        with asking():
            return await self._client.get(_path(id), extensions=MAY_HOLD_FILE)

    async def delete(self, id: str) -> httpx.Response:
        with asking():
            return await self._client.delete(_path(id))

    async def models(self) -> httpx.Response:
        with asking():
            return await self._client.get("/models")

    async def page(self, after: str | None = None, limit: int = PAGE) -> Page | None:
        """Return one page of its jobs, newest first; None where it has no list.

        Raises BadSettings where the address has moved, and what `classify_answer` raises.
        """
        query = {"limit": str(limit), "order": "desc"} | ({"after": after} if after else {})
        with asking():
            response = await self._client.get("/videos", params=query, extensions=LONG_LIST)
        if response.has_redirect_location:
            raise self._moved(response)
        if response.is_client_error and response.status_code not in HAS_TO_BE_MENDED:
            return None
        if response.status_code == 501:
            return None
        classify_answer(response)
        body = json_of(response)
        jobs = body.get("data") if isinstance(body, dict) else body
        if not isinstance(jobs, list):
            # Some gateways answer every address they do not know with their front page.
            return None
        more = body.get("has_more") if isinstance(body, dict) else None
        return Page(
            jobs=[job for job in jobs if isinstance(job, dict)],
            # SGLang does not say; other servers may give less than they were asked for.
            more=more if isinstance(more, bool) else len(jobs) >= limit,
        )

    def _moved(self, response: httpx.Response) -> BadSettings:
        target = response.request.url.join(response.headers["Location"])
        place = f"{target.scheme}://{target.netloc.decode()}"
        # A create would be redirected as well, and nobody could say what became of it.
        return BadSettings(
            f"the server of the engine {self._name} sends its callers on to {place}; nothing was sent",
            next=f"set base_url under [engines.{self._name}] to where it is now (rushes config path)",
        )

    # --- files ---

    def source(self, url: str) -> Source:
        """Return where a file is; the key goes to the server's own origin only."""
        if url[:5].lower() == "data:":
            return Source(url=url, label="inline")
        try:
            whole = httpx.URL(self.base_url).join(url)
        except httpx.InvalidURL:
            # That it is no address, the download will say.
            return Source(url=url, label="url")
        own = _origin(whole) == _origin(httpx.URL(self.base_url))
        return Source(url=str(whole), headers=self.headers if own else {}, label="url")

    def content(self, id: str, number: int = 0) -> Source:
        """Return where the protocol itself has the file of a job; `number` is SGLang's, for several."""
        query = f"?variant={number}" if number else ""
        return Source(url=f"{self.base_url}{_path(id)}/content{query}", headers=self.headers, label="content")


def addresses_in_answer(response: httpx.Response) -> list[str]:
    """Return the addresses that an answer to /content names in place of the file: in JSON, or in words.

    SGLang answers 400 with the address in a sentence if the file went to object storage. Of a success only
    JSON is read: a page or a text has addresses in it, too.
    """
    body = json_of(response)
    addresses = addresses_of(job_of(body)) if isinstance(body, dict) else []
    return addresses or (addresses_in(text_of(response)) if response.is_client_error else [])


def unreadable(response: httpx.Response) -> Unreachable:
    return Unreachable(f"the server answered with {response.status_code} and nothing that tells of the job")


def _path(id: str) -> str:
    # LiteLLM's ids are base64, which has slashes.
    return f"/videos/{quote(id, safe='')}"


def _origin(url: httpx.URL) -> tuple[str, str, int | None]:
    return url.scheme, url.host, url.port


def _with_version(base_url: str, name: str) -> str:
    """Return the address with /v1 at its end. Raises BadSettings for what is none."""
    url = base_url.strip().rstrip("/")
    try:
        parts = urlsplit(url)
        sane = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
        sane = sane and not parts.query and "@" not in parts.netloc
    except ValueError:
        sane = False
    if not sane:
        # Not shown: it may hold a password.
        raise BadSettings(
            f"engines.{name}.base_url is not an address",
            next="write it as https://HOST/v1 or http://HOST:PORT; a key stands under key, or key_env",
        )
    return url if re.search(r"/v\d+$", url) else f"{url}/v1"
