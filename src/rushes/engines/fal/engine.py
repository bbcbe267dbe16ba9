"""`fal`: its queue, spoken to over plain HTTP.

fal's own client sends a create up to ten times, has its hosts fixed, and hides what an answer's headers tell
(what was billed); what is left of it are five routes.
"""

from __future__ import annotations

import json
import re
from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import cached_property
from pathlib import Path
from typing import Any

import httpx

from rushes.domain.errors import BadInput, EngineError, ResultGone, SignInNeeded, Unreachable
from rushes.domain.model import Model
from rushes.domain.money import Quote, read_price
from rushes.domain.request import VideoRequest
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
    Ticket,
)
from rushes.engines.fal import answers
from rushes.engines.fal.body import compose
from rushes.engines.fal.listing import list_models
from rushes.engines.fal.prices import Prices, quote_of
from rushes.engines.fal.references import check, upload
from rushes.engines.fal.schemas import Schemas
from rushes.engines.http import (
    LONG_LIST,
    MAY_HOLD_FILE,
    answer,
    answer_client,
    asking,
    classify_answer,
    create_client,
    created,
    moment,
    reason,
    sending,
)
from rushes.engines.recent import Recent

QUEUE_URL = "https://queue.fal.run"
API_URL = "https://api.fal.ai/v1"
STORAGE_URL = "https://rest.fal.ai"

KEEP_S = 7 * 86_400
"""How long clips and uploaded references lie at fal: long enough for a machine that was off for some days."""

ASK_TIMEOUT_S = 30.0
ASK_AFTER_S = 3.0

LOOK_FOR_S = 3600.0
"""How long an accepted create may take to be listed: fal sorts its list by when requests ended."""

CLOCK_MARGIN = timedelta(minutes=2)
"""How far fal's clock may be off ours."""

PAGE = 100
MOST_PAGES = 20

NAMESPACES = ("workflows", "comfy")
"""First parts of an endpoint's id that stand before its owner."""

PROBE = "bytedance/seedance-2.5/text-to-video"
"""What the price is asked of to try the key: the cheapest call that wants one."""

TICKET = re.compile(r"(?:https?://[^/]+/)?(?P<model>[\w.-]+/[\w./-]+?)/requests/(?P<id>[\w-]+)(?:/\w+)?/?")


class FalEngine(BaseEngine):
    """Settings: `key`; `queue_url`, `api_url`, `storage_url` for another host; `arguments`, tables of further
    properties by model id; `keep_s`, how long fal keeps clips and references; `post_timeout`, `list_delay`,
    `ask_after`, `look_for` in seconds.
    """

    recovery = Recovery.LOOKUP

    def __init__(self, name: str, settings: Mapping[str, Any]) -> None:
        super().__init__(name, settings)
        self.post_timeout = float(settings.get("post_timeout", 60.0))
        self.list_delay = float(settings.get("list_delay", 10.0))
        self._ask_after = float(settings.get("ask_after", ASK_AFTER_S))
        self._look_for = timedelta(seconds=float(settings.get("look_for", LOOK_FOR_S)))
        self._keep_s = int(settings.get("keep_s", KEEP_S))
        self._key = str(settings.get("key", ""))
        self._schemas = Schemas(Path(settings["work"]).parent / "schemas" / name)
        self._prices = Prices()
        self._held: Recent[str, None] = Recent()

    # --- creating ---

    async def prepare(self, request: VideoRequest, model: str) -> Prepared:
        """Read what the endpoint takes, put the references into fal's storage, and compose the body.

        The body is kept with the attempt: by it a lost create is found again.
        """
        fields = await self._schemas.fields(self._api, model)
        for reference in request.references:
            check(reference, fields.roles.get(reference.role))
        further = self.settings.get("arguments", {}).get(model, {})
        # Composed twice: what cannot be said is refused before a file is sent anywhere.
        compose(request, fields, {one.identity: "" for one in request.references}, further)
        uploads = {
            one.identity: one.remote
            or await upload(self._storage, one, self._keep_s, public_only=not self.in_private_network)
            for one in request.references
        }
        body = compose(request, fields, uploads, further)
        notes = {"body": dict(body.sent), "left_out": list(body.left_out)}
        return Prepared(request=request, model=model, uploads=uploads, notes=notes)

    async def connect(self) -> None:
        _ = self._creates

    async def submit(self, prepared: Prepared, *, key: str) -> Accepted:
        """Send the create, once; fal knows no idempotency key."""
        self._check_key()
        lifecycle = json.dumps({"expiration_duration_seconds": self._keep_s})
        with sending():
            response = await self._creates.post(
                f"/{prepared.model}",
                json=prepared.notes["body"],
                headers={"X-Fal-Object-Lifecycle-Preference": lifecycle},
            )
        if response.status_code in (404, 410, 422):
            self._schemas.forget(prepared.model)
        answers.check_create(response, prepared.model)
        id = str(created(response, "request_id")["request_id"])
        self._held[id] = None
        warnings = tuple(
            f"{one} was not sent: this endpoint has no word for it" for one in prepared.notes["left_out"]
        )
        return Accepted(ticket={"model": prepared.model, "id": id}, warnings=warnings)

    async def lookup(self, attempt: Attempt) -> Sequence[Candidate]:
        """Return what fal lists since the create was sent, with everything that was sent in it.

        What still waits or runs may not be listed yet, so while there is nothing but the equal takes of other
        jobs, Unreachable is raised, and the list read again later, until `look_for` has passed.
        """
        sent = attempt.notes.get("body")
        if not sent:
            return ()
        found = [
            _candidate(one, attempt)
            async for one in self._listed(attempt.model, attempt.posted_at - CLOCK_MARGIN)
            if _holds(one.get("json_input"), sent)
        ]
        new = [one for one in found if one.ticket["id"] not in self._held]
        if not new and datetime.now(UTC) - attempt.posted_at < self._look_for:
            raise Unreachable("fal does not list it yet; it lists requests by when they ended")
        return found

    async def _listed(self, model: str, since: datetime) -> AsyncIterator[Mapping[str, Any]]:
        cursor: str | None = None
        for _ in range(MOST_PAGES):
            asked = {
                "endpoint_id": model,
                "start": since.isoformat(),
                "expand": "payloads",
                "limit": str(PAGE),
                **({"cursor": cursor} if cursor else {}),
            }
            with asking():
                response = await self._api.get(
                    "/models/requests/by-endpoint", params=asked, extensions=LONG_LIST
                )
            body = answer(response)
            for one in body.get("items") or ():
                yield one
            cursor, before = body.get("next_cursor"), cursor
            if not cursor or cursor == before:
                return
        raise Unreachable(f"fal lists more than {MOST_PAGES * PAGE:,} requests of that time")

    # --- following ---

    async def poll(self, ticket: Ticket) -> Progress:
        """Ask for the state, and where it has ended what came of it: fal calls a failure completed, too."""
        self._held[str(ticket["id"])] = None
        with asking():
            response = await self._queue.get(f"{_path(ticket)}/status")
        status = answer(response)
        if status.get("status") in (None, ""):
            raise Unreachable("fal answered without a state")
        state = answers.state_of(status)
        if state is RenderState.CANCELED:
            return Progress(state=state, cost=Decimal(0))
        if state in (RenderState.QUEUED, RenderState.RUNNING):
            told = status.get("queue_position")
            position = told if isinstance(told, int) and state is RenderState.QUEUED else None
            return Progress(
                state=state,
                queue_position=position,
                ask_after=self._ask_after,
                unknown_word=answers.unknown_word(status),
            )
        return await self._ended(ticket, status)

    async def _ended(self, ticket: Ticket, status: Mapping[str, Any]) -> Progress:
        with asking():
            response = await self._queue.get(_path(ticket), extensions=MAY_HOLD_FILE)
        if response.is_success:
            # A page in its place, such as a proxy's, is no result without a video.
            result = answer(response)
            cost = await self._cost(ticket, response)
            if answers.files(result):
                return Progress(state=RenderState.SUCCEEDED, cost=cost)
            return answers.told_failure(status, response, cost)
        return answers.failure(response, status, await self._cost(ticket, response))

    async def _cost(self, ticket: Ticket, response: httpx.Response) -> Decimal | None:
        """Return what was charged: the units that the result tells times the price of one; else None."""
        billed = answers.units(response)
        if not billed:
            return billed
        try:
            prices = await self._prices.read(self._api, [ticket["model"]])
        except EngineError:
            return None
        price = prices.get(ticket["model"])
        return read_price(billed, price.amount) if price is not None else None

    async def results(self, ticket: Ticket) -> Sequence[Result]:
        """Return the clips; their addresses need no key, and are told for as long as fal keeps the answer.

        Raises ResultGone where fal has an answer and no video in it: not yet, or no longer.
        """
        with asking():
            response = await self._queue.get(_path(ticket), extensions=MAY_HOLD_FILE)
        found = answers.problems(response)
        if found and not response.is_success and response.status_code not in answers.ABOUT_US:
            raise ResultGone(f"fal has no video for {ticket['id']}: {reason(response)}")
        files = answers.files(answer(response))
        if not files:
            raise ResultGone(f"fal's result for {ticket['id']} has no video in it")
        return files

    async def cancel(self, ticket: Ticket) -> CancelOutcome:
        """Take it out of the queue; a render that runs is asked to stop, and may finish all the same."""
        with asking():
            response = await self._queue.put(f"{_path(ticket)}/cancel")
        if response.status_code == 400:
            # Already completed: its clip is collected.
            return CancelOutcome.REQUESTED
        classify_answer(response)
        return CancelOutcome.CONFIRMED if response.status_code == 200 else CancelOutcome.REQUESTED

    # --- models and money ---

    async def quote(self, request: VideoRequest, model: str) -> Quote | None:
        """Return the price by fal's own list where that decides it; else None, and the catalogue's holds."""
        if not self._key:
            return None
        try:
            fields = await self._schemas.fields(self._api, model)
            price = (await self._prices.read(self._api, [model])).get(model)
        except EngineError:
            return None
        return quote_of(price, request, fields) if price is not None else None

    async def list_models(self) -> Sequence[Model]:
        """Return every active endpoint that makes videos from words or a picture, as it describes itself."""
        return await list_models(self._api, self.name, self._schemas, self._prices if self._key else None)

    async def check(self) -> str:
        """Try the key on a price, which costs nothing. Raises SignInNeeded."""
        self._check_key()
        try:
            await self._prices.read(self._api, [PROBE])
        except SignInNeeded as error:
            raise SignInNeeded(f"fal does not take the key ({error})", next=answers.NEW_KEY) from error
        return "fal takes the key"

    def _check_key(self) -> None:
        if not self._key:
            raise SignInNeeded("there is no key for fal; nothing was sent", next=answers.NEW_KEY)

    def ticket(self, text: str) -> Ticket:
        """Return the ticket that a person read off fal's pages: an address of it, or MODEL/requests/ID."""
        if text.lstrip().startswith("{"):
            return super().ticket(text)
        found = TICKET.fullmatch(text.strip())
        if found is None:
            raise BadInput(
                f"the ticket {text!r} does not say which model made it",
                next="write it as MODEL/requests/ID, both as fal.ai/dashboard shows them",
            )
        return {"model": found["model"], "id": found["id"]}

    # --- the lines ---

    @cached_property
    def _headers(self) -> dict[str, str]:
        return {"Authorization": f"Key {self._key}"} if self._key else {}

    @cached_property
    def _creates(self) -> httpx.AsyncClient:
        return create_client(self._address("queue_url", QUEUE_URL), self.post_timeout, **self._headers)

    @cached_property
    def _queue(self) -> httpx.AsyncClient:
        return answer_client(self._address("queue_url", QUEUE_URL), ASK_TIMEOUT_S, **self._headers)

    @cached_property
    def _api(self) -> httpx.AsyncClient:
        return answer_client(self._address("api_url", API_URL), ASK_TIMEOUT_S, **self._headers)

    @cached_property
    def _storage(self) -> httpx.AsyncClient:
        return answer_client(self._address("storage_url", STORAGE_URL), ASK_TIMEOUT_S, **self._headers)

    def _address(self, option: str, otherwise: str) -> str:
        return str(self.settings.get(option, otherwise)).rstrip("/")

    async def aclose(self) -> None:
        for line in ("_creates", "_queue", "_api", "_storage"):
            if line in self.__dict__:
                await self.__dict__[line].aclose()


def _path(ticket: Ticket) -> str:
    """Return where a request is asked for: under the owner and the name of its app, without the rest."""
    parts = str(ticket["model"]).split("/")
    count = 3 if parts[0] in NAMESPACES else 2
    return f"/{'/'.join(parts[:count])}/requests/{ticket['id']}"


def _holds(listed: Any, sent: Mapping[str, Any]) -> bool:
    """Whether a listed input is what was sent, with or without the endpoint's defaults filled in."""
    return isinstance(listed, Mapping) and all(
        name in listed and listed[name] == value for name, value in sent.items()
    )


def _candidate(listed: Mapping[str, Any], attempt: Attempt) -> Candidate:
    at = listed.get("sent_at") or listed.get("started_at")
    return Candidate(
        ticket={"model": attempt.model, "id": str(listed.get("request_id"))},
        created_at=moment(at) or attempt.posted_at,
        prompt=attempt.request.prompt,
    )
