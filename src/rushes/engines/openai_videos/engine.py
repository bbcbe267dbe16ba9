"""`openai-videos`: any server that speaks `/v1/videos`: SGLang, vLLM-Omni, LiteLLM proxies, new-api gateways.

The protocol is what OpenAI's Videos API was until 2026-09-24, as its SDK describes it; where the servers
differ, both ways are read. There is no idempotency key: a lost answer is looked up where the server lists.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence, Set
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import httpx

from rushes.domain.errors import BadSettings, Blocked, Busy, ResultGone, Unreachable
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
    Source,
    Ticket,
)
from rushes.engines.http import PERSON, classify_answer, json_of, moment, reason, retry_after
from rushes.engines.openai_videos.answers import accepted
from rushes.engines.openai_videos.creates import (
    Create,
    Upload,
    check_remote,
    check_sayable,
    create_from,
    size_text,
    upload_from,
)
from rushes.engines.openai_videos.server import (
    OFFICIAL,
    PAGE,
    Server,
    addresses_in_answer,
    unreadable,
)
from rushes.engines.openai_videos.videos import (
    FAILED,
    addresses_of,
    frame_in,
    has_failed,
    id_of,
    job_of,
    progress_of,
    seconds_in,
    several,
    word_of,
)
from rushes.engines.recent import Recent

CLOCK_MARGIN = timedelta(minutes=5)
"""How far the server's clock may be off ours, where what it listed before the create is known."""

CLOSE_MARGIN = timedelta(seconds=5)
"""The same where it is not known."""

MOST_PAGES = 20
LARGEST_REFERENCE_MB = 50.0
ROUNDED_PX = 32
"""Servers round a side to what their model can do: multiples of 16 or 32."""


class OpenAIVideosEngine(BaseEngine):
    """Settings: `base_url` (with or without /v1); `key`; `transport` ("multipart" or "json"); `recovery`
    ("lookup" or "ask"; without it the server is asked whether it lists its jobs); `delete_aborts` True where
    its DELETE stops a render (vLLM-Omni); `max_reference_mb`; `post_timeout`, `list_delay`, `missing_after`
    in seconds. `openai_key` is used with OpenAI's own address only.

    A model's table may have `sizes`, frames for an aspect and resolution: `{ "16:9 480p" = "832x480" }`.
    """

    def __init__(self, name: str, settings: Mapping[str, Any]) -> None:
        super().__init__(name, settings)
        self.post_timeout = float(settings.get("post_timeout", 120.0))
        self.list_delay = float(settings.get("list_delay", 5.0))
        self.missing_after = float(settings.get("missing_after", 600.0))
        self._limit = round(float(settings.get("max_reference_mb", LARGEST_REFERENCE_MB)) * 1e6)
        self._json = self._one_of("transport", "multipart", "json") == "json"
        self._asks_whether_it_lists = "recovery" not in settings
        self.recovery = Recovery(self._one_of("recovery", Recovery.LOOKUP.value, Recovery.ASK.value))
        self._delete_aborts = bool(settings.get("delete_aborts", False))
        self.server = Server(
            str(settings.get("base_url", OFFICIAL)),
            settings.get("key"),
            name=name,
            create_s=self.post_timeout,
            official_key=settings.get("openai_key"),
        )
        self._canceled: Recent[str, None] = Recent()

    def _one_of(self, option: str, *known: str) -> str:
        """Return an option's value, the first of `known` where it is not set. Raises BadSettings."""
        value = self.settings.get(option, known[0])
        if value not in known:
            raise BadSettings(
                f"engines.{self.name}.{option} is {value!r}", next=f"set it to {' or '.join(known)}"
            )
        return str(value)

    def _table(self, model: str) -> Mapping[str, Any]:
        """Return a model's own table of the settings file, empty where it has none."""
        tables = self.settings.get("models", ())
        return next((table for table in tables if str(table.get("id")) == model), {})

    # --- creating ---

    async def prepare(self, request: VideoRequest, model: str) -> Prepared:
        """Read the references, and note what the server lists already.

        Raises Refused for what no create can say, BadReference for a file that is too large.
        """
        check_sayable(request)
        uploads: dict[str, Upload] = {}
        for one in request.references:
            check_remote(one)
            if one.path is not None:
                uploads[one.identity] = await asyncio.to_thread(upload_from, one, one.path, self._limit)
        return Prepared(request=request, model=model, uploads=uploads, notes=await self._listed_before())

    async def _listed_before(self) -> dict[str, Any]:
        """Return the ids of the newest jobs as notes, and find out whether the server lists at all."""
        if self.recovery is Recovery.ASK:
            return {}
        try:
            page = await self.server.page()
        except (Blocked, Busy, Unreachable):
            # The create itself will tell what is wrong, if it is.
            return {}
        if page is None:
            self._lists_nothing()
            return {}
        since = datetime.now(UTC) - 2 * CLOCK_MARGIN
        fresh = [id_of(job) for job in page.jobs if (moment(job.get("created_at")) or since) >= since]
        return {"known": [id for id in fresh if id is not None]}

    def _lists_nothing(self) -> None:
        if self._asks_whether_it_lists:
            self.recovery = Recovery.ASK

    async def connect(self) -> None:
        self.server.connect()

    async def submit(self, prepared: Prepared, *, key: str) -> Accepted:
        """Send the create, once; the protocol knows no idempotency key."""
        create = create_from(prepared, self._table(prepared.model))
        as_json = not create.files and (self._json or create.needs_json or create.path != "/videos")
        job = accepted(await self.server.create(create, as_json=as_json), create, prepared.model)
        return Accepted(ticket={"id": id_of(job)}, warnings=tuple(_differences(create, job)))

    async def lookup(self, attempt: Attempt) -> Sequence[Candidate]:
        """Return what is listed now, was not before the create, and could be of it.

        A list without prompts (SGLang's) is compared by length and size as well.
        """
        if self.recovery is Recovery.ASK:
            return ()
        known = attempt.notes.get("known")
        margin = CLOSE_MARGIN if known is None else CLOCK_MARGIN
        since, until = attempt.posted_at - margin, attempt.posted_at + margin
        until += timedelta(seconds=self.post_timeout + self.list_delay)
        found = []
        async for job in self._all_since(since):
            id, at = id_of(job), moment(job.get("created_at")) or attempt.posted_at
            if id is None or id in (known or ()) or not since <= at <= until:
                continue
            if self._could_be(job, attempt):
                prompt = _prompt_in(job, attempt.request)
                found.append(Candidate(ticket={"id": id}, created_at=at, prompt=prompt))
        return found

    def _could_be(self, job: Mapping[str, Any], attempt: Attempt) -> bool:
        model = job.get("model")
        if isinstance(model, str) and model and not _same_model(model, attempt.model):
            return False
        request = attempt.request
        if job.get("prompt") or request.remix is not None or request.extend is not None:
            return True
        asked = frame_in(size_text(request, self._table(attempt.model)))
        seconds = seconds_in(job.get("seconds"))
        return _close(frame_in(job.get("size")), asked) and seconds in (None, request.seconds)

    async def _all_since(self, since: datetime) -> AsyncIterator[Mapping[str, Any]]:
        """Yield the listed jobs, page by page, until the list ends or all further ones are older."""
        after: str | None = None
        seen: set[str] = set()
        for _ in range(MOST_PAGES):
            page = await self.server.page(after)
            if page is None:
                self._lists_nothing()
                raise Unreachable("the server does not list its jobs")
            new = [job for job in page.jobs if (id_of(job) or "") not in seen]
            for job in new:
                yield job
            seen |= {id_of(job) or "" for job in new}
            after = id_of(page.jobs[-1]) if page.jobs else None
            if not page.more or not new or after is None or _reaches(page.jobs, since):
                return
        raise Unreachable(f"the server lists more than {MOST_PAGES * PAGE:,} jobs of that time")

    # --- following ---

    async def poll(self, ticket: Ticket) -> Progress:
        """Ask for the job. vLLM-Omni answers for a failed one with an HTTP error and the job as its body."""
        id = str(ticket["id"])
        if id in self._canceled:
            return Progress(state=RenderState.CANCELED)
        response = await self.server.video(id)
        job = job_of(json_of(response))
        if not response.is_success and not _is_failed(job, id, response.status_code):
            return self._unanswered(response)
        if not response.content.strip():
            # Accepted and not ready, says 202 with nothing in it.
            return Progress(state=RenderState.RUNNING, ask_after=_ask_after(response))
        if not word_of(job):
            raise unreadable(response)
        progress = progress_of(job)
        error = self.server.scrubbed(progress.error) if progress.error else None
        word = self.server.scrubbed(progress.unknown_word) if progress.unknown_word else None
        return replace(progress, error=error, unknown_word=word, ask_after=_ask_after(response))

    def _unanswered(self, response: httpx.Response) -> Progress:
        """Raise what an error answer to a poll means. A 404 counts after a while only.

        Behind a load balancer a new job is not known everywhere at once, and a failed job is final.
        """
        if response.status_code == 404:
            return Progress(state=RenderState.RUNNING, missing="the server does not know it")
        classify_answer(response)
        raise unreadable(response)

    async def results(self, ticket: Ticket) -> Sequence[Result]:
        """Return its files, addresses read now: `/content` first, then those that the job names."""
        id = str(ticket["id"])
        response = await self.server.video(id)
        classify_answer(response)
        job = job_of(json_of(response))
        size, expires = frame_in(job.get("size")), moment(job.get("expires_at"))
        many = several(job)
        if many:
            pairs = enumerate(many)
            candidates = [[self.server.source(url), self.server.content(id, number)] for number, url in pairs]
        else:
            candidates = [self._candidates(id, addresses_of(job))]
        return [Result(candidates=one, size=size, expires_at=expires) for one in candidates]

    def _candidates(self, id: str, addresses: Sequence[str]) -> list[Source]:
        """Return where its file may be: /content, as the one in the job may be a preview, then `addresses`.

        What /content has is found out by the download: some gateways deliver a file only once.
        """
        content = self.server.content(id)
        others = {source.url: source for source in map(self.server.source, addresses)}
        others.pop(content.url, None)
        read = partial(self._read_answer, id, {content.url, *others})
        return [replace(content, read_answer=read), *others.values()]

    def _read_answer(self, id: str, known: Set[str | None], response: httpx.Response) -> list[Source]:
        """Return the places that an answer to /content names, without the `known` ones: it and the job's.

        If /content is the only place, raises ResultGone, which may change: many gateways say that a job is
        completed some time before they have its file. Raises Blocked and Unreachable for what is not about
        the file.
        """
        named = map(self.server.source, addresses_in_answer(response))
        places = [source for source in named if source.url not in known]
        if places or len(known) > 1:
            return places
        if response.status_code in PERSON:
            classify_answer(response)
        if response.status_code in (408, 429) or response.is_server_error:
            raise Unreachable(f"the server answered with {reason(response)}")
        raise ResultGone(f"the job {id} is done, and the server has no video for it: {reason(response)}")

    async def cancel(self, ticket: Ticket) -> CancelOutcome:
        """Delete the job where that stops it. SGLang only forgets it: it goes on, and its clip is lost."""
        id = str(ticket["id"])
        if not self._delete_aborts:
            return CancelOutcome.UNSUPPORTED
        response = await self.server.delete(id)
        if response.status_code in (404, 405, 501):
            return CancelOutcome.UNSUPPORTED
        classify_answer(response)
        self._canceled[id] = None
        return CancelOutcome.CONFIRMED

    # --- the server ---

    async def check(self) -> str:
        """Return whether it lists its jobs, and so how a lost answer is settled; costs nothing."""
        page = await self.server.page(limit=1)
        if page is not None:
            return "ready; lists its jobs, so a lost answer is looked up"
        self._lists_nothing()
        response = await self.server.models()
        if response.status_code in (404, 405, 501):
            return "answers; has no list of jobs or models, so its key is not tried before the first create"
        classify_answer(response)
        return "ready; does not list its jobs, so a lost answer is put to you"

    async def aclose(self) -> None:
        await self.server.close()


def _is_failed(job: Mapping[str, Any], id: str, status: int) -> bool:
    """Whether the body of an HTTP error is this job, and says that it failed.

    With 404 only in so many words: the error may be that the job is not known everywhere yet.
    """
    return id_of(job) == id and (word_of(job) in FAILED if status == 404 else has_failed(job))


def _differences(create: Create, job: Mapping[str, Any]) -> list[str]:
    """Return where the accepted job is not what was asked for: servers round, or take what they can."""
    if not create.keeps_shape:
        return []
    found = []
    asked, told = frame_in(create.fields.get("size")), frame_in(job.get("size"))
    if asked and told and asked != told:
        found.append(f"the server makes {told[0]}×{told[1]} where {asked[0]}×{asked[1]} was asked for")
    wanted, seconds = seconds_in(create.fields.get("seconds")), seconds_in(job.get("seconds"))
    if wanted is not None and seconds is not None and wanted != seconds:
        found.append(f"the server makes {seconds:g} s where {wanted:g} s were asked for")
    return found


def _prompt_in(job: Mapping[str, Any], request: VideoRequest) -> str | None:
    """Return the prompt that a list tells; the request's own where only space around it differs."""
    told = job.get("prompt")
    if not isinstance(told, str) or not told:
        return None
    return request.prompt if told.strip() == request.prompt.strip() else told


def _same_model(told: str, asked: str) -> bool:
    """Whether both name one model; gateways put the provider before its id, or leave it out."""
    return told == asked or told.endswith(f"/{asked}") or asked.endswith(f"/{told}")


def _close(told: tuple[int, int] | None, asked: tuple[int, int] | None) -> bool:
    if told is None or asked is None:
        return True
    return all(abs(one - other) < ROUNDED_PX for one, other in zip(told, asked, strict=True))


def _reaches(page: Sequence[Mapping[str, Any]], since: datetime) -> bool:
    """Whether a page is sorted from new to old and its end lies before `since`."""
    times = [at for job in page if (at := moment(job.get("created_at"))) is not None]
    return len(times) == len(page) and times == sorted(times, reverse=True) and times[-1] < since


def _ask_after(response: httpx.Response) -> float | None:
    """Return in how many seconds the server wants to be asked again; OpenAI's own header is in ms."""
    told = response.headers.get("openai-poll-after-ms", "").strip()
    return int(told) / 1000 if told.isascii() and told.isdigit() else retry_after(response)
