"""`sora-web`: the Sora web app, spoken to by its own page in a signed-in browser.

The service closed on 2026-04-26. What is written here is how it was last observed, and works with any
server that behaves so at `base_url`.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, ClassVar

from rushes.domain.account import split_account
from rushes.domain.errors import OutcomeUnknown, ResultGone, Unreachable
from rushes.domain.money import Basis, Quote
from rushes.domain.request import Reference, VideoRequest
from rushes.engines.contract import (
    MOST_RESULTS,
    Accepted,
    Attempt,
    BaseEngine,
    Candidate,
    Prepared,
    Progress,
    Recovery,
    RenderState,
    Result,
    SignedIn,
    Ticket,
)
from rushes.engines.http import moment
from rushes.engines.sora_web import chromium
from rushes.engines.sora_web.creates import check_sayable, create_from, same_create, unconfirmed
from rushes.engines.sora_web.lists import Lists
from rushes.engines.sora_web.opening import Opener
from rushes.engines.sora_web.profile import Profile
from rushes.engines.sora_web.proxy import Proxies
from rushes.engines.sora_web.session import person_from
from rushes.engines.sora_web.site import RECHECK_S, Site, account_name, check_session
from rushes.engines.sora_web.tab import Tab
from rushes.engines.sora_web.tasks import UNLISTED, UNREADY, Draft, draft_from, progress_of
from rushes.engines.sora_web.warm import LARGEST_HEAP, WarmPage

log = logging.getLogger(__name__)

BASE_URL = "https://sora.chatgpt.com"
"""The official host, closed since 2026-04-26."""

ASK_AFTER_S = 3.0
"""The browser itself asked every two to three seconds."""

LOOKS = 3
"""How often a lookup looks before it says that there is nothing."""

CLOCK_MARGIN = timedelta(minutes=5)
"""How far the service's clock may be off ours."""


class SoraWebEngine(BaseEngine):
    """Settings: `base_url`; `browser` (a program), `headed`; `proxy_url`, or `webshare_key` and
    `proxy_country`; `idle_s` until an unused browser is closed, `largest_heap` bytes until a grown one is;
    `ask_after`, `post_timeout`, `list_delay`, `missing_after` in seconds; `recheck_after` until a session
    that was found to have ended is asked about again.
    """

    recovery = Recovery.LOOKUP
    packages: ClassVar[Sequence[str]] = ("playwright",)

    def __init__(self, name: str, settings: Mapping[str, Any]) -> None:
        super().__init__(name, settings)
        self.base_url = str(settings.get("base_url", BASE_URL)).rstrip("/")
        self.post_timeout = float(settings.get("post_timeout", 90.0))
        self.list_delay = float(settings.get("list_delay", 30.0))
        self._ask_after = float(settings.get("ask_after", ASK_AFTER_S))
        self.missing_after = float(settings.get("missing_after", 600.0))
        self._recheck_after = float(settings.get("recheck_after", RECHECK_S))
        self.profile = Profile(Path(settings["work"]).parent / "profiles" / name)
        self.proxies = Proxies(settings, self.profile.folder)
        self.program = settings.get("browser")
        self.headed = bool(settings.get("headed", False))
        self._idle_s = float(settings.get("idle_s", 120.0))
        self._largest_heap = int(settings.get("largest_heap", LARGEST_HEAP))
        self.tell: Callable[[str], None] = log.warning
        """Hears what a person who waits should know, such as a proxy that is replaced."""
        _, person = split_account(self.account)
        name = str(settings.get("account_name") or "the account it was made for")
        self._bound_to = SignedIn(fingerprint=person, name=name) if person is not None else None
        self._site: Site | None = None

    @property
    def site(self) -> Site:
        """The service, through a page that is opened with the first call."""
        if self._site is None:
            self._site = self.site_on(self.profile, bound_to=self._bound_to)
        return self._site

    def site_on(self, profile: Profile, *, bound_to: SignedIn | None = None) -> Site:
        """Return the service as the browser on `profile` sees it; `bound_to` as in `Site`."""
        opener = self.opener(headed=self.headed, profile=profile)
        page = WarmPage(opener, idle_s=self._idle_s, largest_heap=self._largest_heap)
        return Site(
            Tab(page),
            profile,
            create_s=self.post_timeout,
            recheck_s=self._recheck_after,
            bound_to=bound_to,
        )

    def opener(self, *, headed: bool, profile: Profile | None = None) -> Opener:
        """Return what opens this engine's browser, with a window or without, on its profile or another."""
        return Opener(
            profile=profile or self.profile,
            base_url=self.base_url,
            proxies=self.proxies,
            program=self.program,
            headed=headed,
            tell=self.tell,
        )

    @property
    def signed_in(self) -> SignedIn | None:
        account = self.profile.account
        return None if account.get("dead") else person_from(account)

    @property
    def lists(self) -> Lists:
        return Lists(self.site)

    # --- creating ---

    async def prepare(self, request: VideoRequest, model: str) -> Prepared:
        """Upload the pictures, and note what the account has already: nothing of that is our create.

        Raises Refused for what a create cannot say, ContentRefused for a picture the service does not take.
        """
        check_sayable(request)
        uploads = {
            reference.sha256 or str(reference.path): await self._upload(reference)
            for reference in request.references
            if reference.remote is None
        }
        known = [str(one.get("id")) for one in await self.lists.pending()]
        known += [draft_from(one).task_id for one in await self.lists.newest_drafts()]
        notes = {"known": known, "uploads": uploads}
        return Prepared(request=request, model=model, uploads=uploads, notes=notes)

    async def _upload(self, reference: Reference) -> dict[str, Any]:
        """Upload one picture by the newer route, or by the older one where the service has no newer."""
        assert reference.path is not None
        try:
            found = await self.site.upload(
                "/backend/project_y/file/upload", reference.path, "file", use_case="inpaint_safe"
            )
        except ResultGone:
            found = await self.site.upload(
                "/backend/uploads", reference.path, "file", file_name=reference.path.name
            )
            return {"kind": "upload", "id": uploaded(found, "id")}
        return {
            "kind": "file",
            "id": uploaded(found, "file_id"),
            "person": bool(found.get("contains_realistic_person")),
        }

    async def submit(self, prepared: Prepared, *, key: str) -> Accepted:
        """Send the create, once; the service knows no idempotency key."""
        create = create_from(prepared)
        answer = await self.site.create(create)
        body = answer["body"]
        # A list was seen as the answer to several at once.
        first = body[0] if isinstance(body, list) and body else body
        id = first.get("id") if isinstance(first, dict) else None
        if not isinstance(id, str) or not id:
            raise OutcomeUnknown("the service answered the create without a task", raw=answer["raw"])
        people = any(one.get("person") for one in prepared.uploads.values())
        doubts = (*unconfirmed(create), *(["the service sees a realistic person in it"] if people else []))
        return Accepted(ticket={"id": id}, warnings=doubts, facts=self.site.note_balance(first))

    async def lookup(self, attempt: Attempt) -> Sequence[Candidate]:
        """Return what is listed now, was not before the create, and was made by an equal one.

        A task that has just finished is for some seconds in neither list, so it looks more than once.
        """
        for _ in range(LOOKS - 1):
            found = await self._new_since(attempt)
            if found:
                return found
            await asyncio.sleep(self.list_delay / LOOKS)
        return await self._new_since(attempt)

    async def _new_since(self, attempt: Attempt) -> Sequence[Candidate]:
        uploads = attempt.notes.get("uploads", {})
        prepared = Prepared(request=attempt.request, model=attempt.model, uploads=uploads)
        create = create_from(prepared)
        known = set(attempt.notes.get("known", ()))
        found: dict[str, Candidate] = {}
        async for listed, id in self._listed_since(attempt.posted_at):
            if id not in known and same_create(create, listed):
                at = moment(listed.get("created_at")) or attempt.posted_at
                # Where the service tells a prompt, it is the one that was sent.
                told = attempt.request.prompt if _tells_prompt(listed) else None
                found[id] = Candidate(ticket={"id": id}, created_at=at, prompt=told)
        return list(found.values())

    async def _listed_since(self, since: datetime) -> AsyncIterator[tuple[Mapping[str, Any], str]]:
        for task in await self.lists.pending():
            yield task, str(task.get("id"))
        async for item in self.lists.drafts():
            created = moment(item.get("created_at"))
            if created is not None and created < since - CLOCK_MARGIN:
                return
            yield item, draft_from(item).task_id

    # --- following ---

    async def poll(self, ticket: Ticket) -> Progress:
        """Ask for the task itself; where that address is not there, look in pending, then in the drafts."""
        found = await self._find(str(ticket["id"]))
        return replace(found or UNLISTED, ask_after=self._ask_after)

    async def _find(self, id: str) -> Progress | None:
        """Return what the service tells of a task; None if it is listed nowhere.

        It is listed late, and between pending and the drafts it is nowhere at all, both for some seconds.
        """
        task = await self.lists.task(id)
        if task is None:
            task = next((one for one in await self.lists.pending() if one.get("id") == id), None)
        if task is None:
            drafts = await self.lists.drafts_of(id)
            return _best(drafts) if drafts else None
        made = _made(task)
        told = progress_of(task)
        if not made and told.state is not RenderState.SUCCEEDED:
            return told
        # Finished; its draft was seen to come some seconds later.
        drafts = made or await self.lists.drafts_of(id)
        best = _best(drafts) if drafts else UNREADY
        # A failure without words among its drafts has them in the task.
        return told if best is UNREADY and told.state is not RenderState.SUCCEEDED else best

    async def results(self, ticket: Ticket) -> Sequence[Result]:
        """Return the clips, their addresses read now: those run out after some days."""
        results = []
        id = str(ticket["id"])
        drafts = _made(await self.lists.task(id) or {}) or await self.lists.drafts_of(id)
        # Each is asked for by itself, and some of them may have failed.
        for draft in drafts[: 2 * MOST_RESULTS]:
            fresh = await self.lists.draft(draft.id)
            best = fresh if fresh is not None and fresh.files else draft
            if best.files and not best.failed:
                results.append(best.result())
        if not results:
            raise ResultGone(f"the service lists no clip for the task {id}")
        return results

    # --- the account ---

    async def quote(self, request: VideoRequest, model: str) -> Quote | None:
        """Return how much of the plan is left, as it was last told; no browser is started for that."""
        account = self.profile.account
        left, at = account.get("quota_left"), moment(account.get("quota_at"))
        if not isinstance(left, int) or at is None:
            return None
        return Quote(
            amount=Decimal(0),
            basis=Basis.INCLUDED_IN_PLAN,
            source="the account's balance",
            as_of=at.date(),
            quota_left=left,
        )

    async def check(self) -> str:
        """Return who is signed in. Raises EngineMissing without a browser, SignInNeeded."""
        program = chromium.find(self.program)
        check_session(self.profile.account)
        return f"signed in as {account_name(self.profile.account)}, {program.name}"

    async def aclose(self) -> None:
        if self._site is not None:
            await self._site.leave()


def uploaded(answer: Mapping[str, Any], name: str) -> str:
    """Return the id of what was uploaded. Raises Unreachable where the service tells none."""
    if not isinstance(answer.get(name), str):
        raise Unreachable(f"the service took a picture and told no {name}")
    return str(answer[name])


def _tells_prompt(listed: Mapping[str, Any]) -> bool:
    config = listed.get("creation_config")
    return bool(listed.get("prompt") or (isinstance(config, Mapping) and config.get("prompt")))


def _made(task: Mapping[str, Any]) -> list[Draft]:
    """Return the drafts that a task's own answer tells of."""
    return [draft_from(one) for one in task.get("generations") or () if isinstance(one, Mapping)]


def _best(drafts: Sequence[Draft]) -> Progress:
    """Return the progress of several drafts of one task: a clip counts more than a failure."""
    order = (RenderState.SUCCEEDED, RenderState.RUNNING, RenderState.FAILED)
    return min((draft.progress() for draft in drafts), key=lambda one: order.index(one.state))
