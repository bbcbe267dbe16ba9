"""The engine for the provider double: small, and complete; it can be told to recover in every way."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, ClassVar

from rushes.domain.errors import ContentRefused, ResultGone, Unreachable
from rushes.domain.model import Audio, Lengths, Model, Price
from rushes.domain.money import Basis, Quote
from rushes.domain.request import Role, VideoRequest
from rushes.engines.contract import (
    Accepted,
    Attempt,
    BaseEngine,
    CancelOutcome,
    Candidate,
    Prepared,
    Progress,
    Recovery,
    RenderState,
    Result,
    Source,
    Ticket,
)
from rushes.engines.http import answer, answer_client, asking, create_client, created, sending

ASK_TIMEOUT_S = 10.0
CLOCK_MARGIN_S = 2.0
"""How far the provider's clock may lag behind ours before a lookup would miss a job."""


def _model(id: str, price: Price) -> Model:
    return Model(
        engine="scripted",
        id=id,
        provider="the scripted provider",
        lengths=Lengths(low=0.5, high=60),
        seconds=2.0,
        aspects=("16:9", "9:16"),
        resolutions=("180p", "720p"),
        roles={Role.FIRST_FRAME: 1, Role.SUBJECT: 3},
        audio=Audio.ALWAYS,
        seed=True,
        price=price,
        notes="Not a video model: a provider for tests, which does what it is told.",
    )


class ScriptedEngine(BaseEngine):
    """Speaks to `rushes.testing.provider`.

    Settings: `base_url`; `recovery` (replay_key, lookup, rerun_free, ask); `key`, sent as a bearer token;
    `post_timeout`, `list_delay`, `key_lifetime`, `ask_timeout` in seconds; with `missing_after`, too, a job
    that the provider does not know is waited for that long; `list_prompts` False for a list
    that tells no prompts; `price` in dollars a second, told as a live quote.
    """

    models: ClassVar[Sequence[Model]] = (
        _model("priced", Price(per_second={"*": Decimal("0.10")}, source="this module")),
        _model("unpriced", Price()),
        _model("free", Price(free=True, source="this module")),
    )

    def __init__(self, name: str, settings: Mapping[str, Any]) -> None:
        super().__init__(name, settings)
        self.recovery = Recovery(settings.get("recovery", Recovery.ASK))
        self.post_timeout = float(settings.get("post_timeout", 10.0))
        self.list_delay = float(settings.get("list_delay", 0.5))
        self.missing_after = float(settings.get("missing_after", 600.0))
        self.key_lifetime = float(settings.get("key_lifetime", 86_400.0))
        self._base_url = str(settings.get("base_url", "http://127.0.0.1:9"))
        self._headers = {"Authorization": f"Bearer {settings['key']}"} if "key" in settings else {}
        self._creates = create_client(self._base_url, self.post_timeout, **self._headers)
        patience = float(settings.get("ask_timeout", ASK_TIMEOUT_S))
        self._client = answer_client(self._base_url, patience, **self._headers)

    async def prepare(self, request: VideoRequest, model: str) -> Prepared:
        """Upload the references; those that the provider holds already are named as they are."""
        uploads = {}
        for reference in request.references:
            if reference.path is None:
                uploads[reference.identity] = reference.remote
                continue
            with asking():
                response = await self._client.post(
                    "/uploads",
                    content=reference.path.read_bytes(),
                    headers={"X-Prompt": request.prompt.encode("ascii", "replace").decode()},
                )
            uploads[reference.identity] = answer(response)["id"]
        return Prepared(request=request, model=model, uploads=uploads)

    async def submit(self, prepared: Prepared, *, key: str) -> Accepted:
        """Send the create, once."""
        body = _body(prepared, key)
        with sending():
            if self.recovery is Recovery.RERUN_FREE:
                response = await self._creates.put(f"/renders/{_digest(body)}", json=body)
            else:
                response = await self._creates.post("/create", json=body)
        if response.status_code == 400 and "content" in response.text:
            raise ContentRefused("the provider refused the request for its content")
        return Accepted(ticket={"id": created(response)["id"]})

    async def poll(self, ticket: Ticket) -> Progress:
        try:
            body = await self._ask(f"/jobs/{ticket['id']}")
        except ResultGone:
            if "missing_after" not in self.settings:
                raise
            return Progress(state=RenderState.RUNNING, missing="the provider does not list it")
        state = str(body.get("state"))
        try:
            known = RenderState("failed" if state == "failed-content" else state)
        except ValueError as error:
            raise Unreachable(
                f"the provider answered with the state {state!r}, which nobody knows"
            ) from error
        cost = body.get("cost")
        return Progress(
            state=known,
            fraction=body.get("fraction"),
            queue_position=body.get("queue_position"),
            ask_after=body.get("ask_after"),
            error=body.get("error"),
            content_refused=state == "failed-content",
            cost=Decimal(str(cost)) if cost is not None else None,
        )

    async def results(self, ticket: Ticket) -> Sequence[Result]:
        body = await self._ask(f"/jobs/{ticket['id']}/results")
        return [
            Result(
                candidates=[Source(url=url, headers=self._headers) for url in one["candidates"]],
                size=(one["width"], one["height"]),
            )
            for one in body["results"]
        ]

    async def cancel(self, ticket: Ticket) -> CancelOutcome:
        with asking():
            response = await self._client.post(f"/jobs/{ticket['id']}/cancel")
        return CancelOutcome(answer(response)["outcome"])

    async def lookup(self, attempt: Attempt) -> Sequence[Candidate]:
        if self.recovery is not Recovery.LOOKUP:
            return ()
        body = await self._ask(f"/jobs?since={attempt.posted_at.timestamp() - CLOCK_MARGIN_S}")
        return [
            Candidate(
                ticket={"id": one["id"]},
                created_at=datetime.fromtimestamp(one["created_at"], UTC),
                prompt=one["prompt"] if self.settings.get("list_prompts", True) else None,
            )
            for one in body["jobs"]
        ]

    async def quote(self, request: VideoRequest, model: str) -> Quote | None:
        """Return a live price where one is set."""
        price = self.settings.get("price")
        if price is None or request.seconds is None:
            return None
        amount = Decimal(str(price)) * Decimal(str(request.seconds))
        return Quote(amount=amount, basis=Basis.PER_USE, source="the scripted provider")

    async def aclose(self) -> None:
        await self._creates.aclose()
        await self._client.aclose()

    async def _ask(self, path: str) -> dict[str, Any]:
        with asking():
            response = await self._client.get(path)
        return answer(response)


def _body(prepared: Prepared, key: str) -> dict[str, Any]:
    request = prepared.request
    return {
        "prompt": request.prompt,
        "model": prepared.model,
        "seconds": request.seconds,
        "seed": request.seed,
        "uploads": sorted(str(one) for one in prepared.uploads.values()),
        "key": key,
    }


def _digest(body: Mapping[str, Any]) -> str:
    """Return the id of a free render: it follows from all that makes it, so that twice is once."""
    return hashlib.sha256(json.dumps(body, sort_keys=True).encode()).hexdigest()
