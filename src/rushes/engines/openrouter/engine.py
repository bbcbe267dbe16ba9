"""`openrouter`: one key and one body for the models of many companies.

Written from the types of OpenRouter's own SDK (1.3.84) and its public pages of 2026; never run against the
service.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal
from functools import cached_property
from typing import Any
from urllib.parse import urljoin, urlsplit

from rushes.domain.errors import Billed, EngineError, OutcomeUnknown, QuotaExhausted, ResultGone
from rushes.domain.model import Model
from rushes.domain.money import Basis, Quote, usd
from rushes.domain.request import VideoRequest
from rushes.engines.contract import (
    Accepted,
    BaseEngine,
    Prepared,
    Progress,
    Recovery,
    Result,
    Source,
    Ticket,
)
from rushes.engines.http import answer, asking, created, moment, sending
from rushes.engines.openrouter.answers import CREDITS_PAGE, cost_of, job_in, progress_of, refusal
from rushes.engines.openrouter.creates import check_provider, check_sayable, create_from
from rushes.engines.openrouter.listing import Entry, entries, model_of, order_of
from rushes.engines.openrouter.prices import amount
from rushes.engines.openrouter.references import LARGEST_MB, address_of, check_together
from rushes.engines.openrouter.service import KEY_PAGE, Service

BASE_URL = "https://openrouter.ai/api/v1"

ACTIVITY_PAGE = "https://openrouter.ai/activity"

ASK_AFTER_S = 10.0
"""OpenRouter's own pages ask for 10 to 30 s between polls."""

LIST_LASTS_S = 600.0
"""How long the list of models is remembered; a price is quoted before every create."""


class OpenRouterEngine(BaseEngine):
    """Settings: `key`, `base_url`; `provider`, passed through with every create; `reference_mb`, the most
    that all files of one request may have; `ask_after`, `post_timeout`, `ask_timeout` in seconds.

    A lost create is put to a person: the service has no key for creates and no list of jobs.
    """

    recovery = Recovery.ASK

    def __init__(self, name: str, settings: Mapping[str, Any]) -> None:
        super().__init__(name, settings)
        self.post_timeout = float(settings.get("post_timeout", 90.0))
        self.base_url = _with_path(str(settings.get("base_url", BASE_URL)))
        self._ask_after = float(settings.get("ask_after", ASK_AFTER_S))
        self._largest_mb = float(settings.get("reference_mb", LARGEST_MB))
        self._list: tuple[float, list[Entry]] | None = None

    @cached_property
    def service(self) -> Service:
        return Service(
            self.base_url,
            str(self.settings.get("key", "")),
            # The engine gives up before the pipeline does, so that its reason is the one that is told.
            create_s=self.post_timeout * 0.9,
            ask_s=float(self.settings.get("ask_timeout", 15.0)),
        )

    async def prepare(self, request: VideoRequest, model: str) -> Prepared:
        """Read the references, which travel in the create itself: nothing is sent yet.

        Raises BadReference and Refused for what the service cannot be told.
        """
        check_sayable(request)
        check_provider(self.settings.get("provider"), self.name)
        check_together(request.references, self._largest_mb)
        uploads = {
            reference.identity: await asyncio.to_thread(address_of, reference)
            for reference in request.references
        }
        return Prepared(request=request, model=model, uploads=uploads)

    async def submit(self, prepared: Prepared, *, key: str) -> Accepted:
        """Send the create, once."""
        body = create_from(prepared, key, self.settings.get("provider"))
        try:
            with sending():
                response = await self.service.create(body)
            found = refusal(response, prepared.model)
            if found is not None:
                raise found
            return Accepted(ticket={"id": str(created(response)["id"])}, facts={"session": key})
        except OutcomeUnknown as error:
            error.next = (
                f"look at {ACTIVITY_PAGE} for a video of the session {key}; then rushes reconcile ID "
                "--accepted gen-vid-…, or --nothing where there is none"
            )
            raise

    async def poll(self, ticket: Ticket) -> Progress:
        progress = progress_of(await self._job(ticket), self._ask_after)
        scrubbed = self.service.scrubbed
        return replace(progress, error=scrubbed(progress.error), unknown_word=scrubbed(progress.unknown_word))

    async def results(self, ticket: Ticket) -> Sequence[Result]:
        """Return the files, their addresses signed anew. Raises ResultGone if there are none (yet)."""
        body = await self._job(ticket)
        offered = list(self._offered(body))
        if not offered:
            free = cost_of(body) == 0
            raise ResultGone(
                f"OpenRouter completed {ticket['id']} and offers no file for it",
                next="rushes collect ID asks again, free; after that its support may refund it",
                billed=Billed.NO if free else Billed.YES,
            )
        return offered

    def _offered(self, body: Mapping[str, Any]) -> Iterator[Result]:
        """Yield each file: by its signed address, and by the service's own, which needs the key."""
        signed, own = _texts(body.get("urls")), _texts(body.get("unsigned_urls"))
        for place in range(max(len(signed), len(own))):
            candidates = [Source(url=url, label="stored copy") for url in signed[place : place + 1]]
            for url in own[place : place + 1]:
                whole = urljoin(self.base_url, url)
                headers = self.service.headers if _origin(whole) == _origin(self.base_url) else {}
                candidates.append(Source(url=whole, headers=headers, label="content"))
            yield Result(candidates=candidates, expires_at=moment(body.get("expires_at")))

    async def quote(self, request: VideoRequest, model: str) -> Quote | None:
        """Return the price by today's list: its amount is None where the list is not understood.

        None where the list cannot be read or does not have the model; the catalogue's price goes then.
        """
        try:
            listed = await self._entries()
        except EngineError:
            return None
        entry = next((one for one in listed if model in (one.id, one.slug)), None)
        if entry is None:
            return None
        return Quote(
            amount=amount(order_of(request, entry), entry.rates),
            basis=Basis.PER_USE,
            source=self._source,
            as_of=datetime.now(UTC).date(),
        )

    async def list_models(self) -> Sequence[Model]:
        """Return the models that the service lists now. Raises Unreachable and its like."""
        self._list = None
        today = datetime.now(UTC).date()
        return [model_of(entry, self.name, self._source, today) for entry in await self._entries()]

    async def check(self) -> str:
        """Return what the key may still spend. Raises SignInNeeded for a wrong key, QuotaExhausted."""
        with asking():
            response = await self.service.key()
        found = refusal(response, "the key")
        if found is not None and not isinstance(found, OutcomeUnknown):
            raise found
        data = answer(response).get("data")
        left = data.get("limit_remaining") if isinstance(data, Mapping) else None
        if not isinstance(left, int | float):
            return "the key is good and has no limit of its own"
        if left <= 0:
            raise QuotaExhausted(
                "the key's own limit is used up",
                next=f"raise it at {KEY_PAGE}; credits are at {CREDITS_PAGE}",
            )
        return f"the key is good, {usd(Decimal(str(left)))} of its limit left"

    async def aclose(self) -> None:
        if "service" in self.__dict__:
            await self.service.aclose()

    @property
    def _source(self) -> str:
        return f"{self.base_url}/videos/models"

    async def _job(self, ticket: Ticket) -> dict[str, Any]:
        with asking():
            response = await self.service.job(str(ticket["id"]))
        return job_in(response)

    async def _entries(self) -> list[Entry]:
        if self._list is None or time.monotonic() - self._list[0] > LIST_LASTS_S:
            with asking():
                response = await self.service.models()
            self._list = (time.monotonic(), entries(answer(response)))
        return self._list[1]


def _with_path(base_url: str) -> str:
    """Return the address of the API; a host alone means its usual path."""
    base_url = base_url.strip().rstrip("/")
    return base_url if urlsplit(base_url).path else f"{base_url}/api/v1"


def _origin(url: str) -> tuple[str, str]:
    parts = urlsplit(url)
    return parts.scheme, parts.netloc


def _texts(told: Any) -> list[str]:
    return [one for one in told if isinstance(one, str) and one] if isinstance(told, list) else []
