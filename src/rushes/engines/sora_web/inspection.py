"""Reading tools: what the service lists for the signed-in account, and where a clip can be had from."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from rushes.domain.errors import BadInput, ContentRefused, NotFound, ResultGone, Unreachable
from rushes.engines.contract import RenderState
from rushes.engines.http import moment
from rushes.engines.sora_web.redaction import redact_address
from rushes.engines.sora_web.site import account_name
from rushes.engines.sora_web.tasks import Draft, draft_from, progress_of

if TYPE_CHECKING:
    from rushes.engines.sora_web.engine import SoraWebEngine

FEED = "/backend/project_y/profile_feed/me?limit=8&cut=nf2"
CHECK = "/backend/nf/check"
POST = "/backend/project_y/post"
DOWNLOAD = "/backend/project_y/download"
"""Counts a download, and answers `{}`: the address of the file stands in the post's attachment."""

POST_ID = re.compile(r"(?:.*/p/)?(s_[0-9a-f]{32})(?:[/?#].*)?")
DRAFT_ID = re.compile(r"(?:.*/d/)?((?:gen|task)_[0-9a-z]+)(?:[/?#].*)?")


@dataclass(frozen=True, kw_only=True)
class Listed:
    """One task, draft or post as a person reads it; what is not told is None or empty.

    `size` in pixels, `file` is the best version that can be had, `reason` why there is no clip, `storyboard`
    the id of the storyboard that it was made from.
    """

    id: str
    status: str
    at: datetime | None
    words: str
    size: tuple[int, int] | None = None
    seconds: float | None = None
    file: str = ""
    reason: str = ""
    storyboard: str = ""


@asynccontextmanager
async def reading(engine: SoraWebEngine, doing: str) -> AsyncIterator[None]:
    """Have the signed-in browser for a block, and close it then; a worker that has it gives way.

    Raises SignInNeeded, and Unreachable where another process keeps the browser.
    """
    engine.site.check_signed_in()
    await engine.profile.ask_for(doing)
    try:
        yield
    finally:
        await engine.site.leave()


async def pending(engine: SoraWebEngine) -> list[Mapping[str, Any]]:
    """Return the tasks under way, as the service lists them."""
    return await engine.lists.pending()


async def drafts(engine: SoraWebEngine, limit: int) -> list[Mapping[str, Any]]:
    """Return the newest drafts, as the service lists them."""
    found: list[Mapping[str, Any]] = []
    async for item in engine.lists.drafts():
        found.append(item)
        if len(found) >= limit:
            break
    return found


async def feed(engine: SoraWebEngine) -> Mapping[str, Any]:
    """Return the first page of the account's own posts: `items` and a `cursor`."""
    return _object(await engine.site.get(FEED))


async def check(engine: SoraWebEngine) -> Mapping[str, Any]:
    """Return the balance as the service tells it, and note it."""
    found = _object(await engine.site.get(CHECK))
    engine.site.note_balance(found)
    return found


async def task(engine: SoraWebEngine, id: str) -> Mapping[str, Any]:
    """Return one task. Raises NotFound."""
    found = await engine.lists.task(id)
    if found is None:
        found = next((one for one in await engine.lists.pending() if one.get("id") == id), None)
    if found is None:
        raise NotFound(
            f"the service lists no task {id} for {account_name(engine.profile.account)}",
            next="rushes sora inspect pending and rushes sora inspect drafts list what there is",
        )
    return found


def listed_task(item: Mapping[str, Any]) -> Listed:
    """Return a task in a person's words: its own status, and how far it is."""
    told = progress_of(item)
    status = str(item.get("status") or "no status")
    if told.fraction is not None and told.state is RenderState.RUNNING:
        status += f" {told.fraction:.0%}"
    return Listed(
        id=str(item.get("id") or ""),
        status=status,
        at=moment(item.get("created_at")),
        words=str(item.get("prompt") or ""),
        reason=str(item.get("failure_reason") or ""),
        storyboard=_storyboard(item),
    )


def listed_draft(item: Mapping[str, Any]) -> Listed:
    """Return a draft in a person's words: clip, refused, failed, or not ready."""
    inner = item.get("draft")
    item = inner if isinstance(inner, Mapping) else item
    draft = draft_from(item)
    there = bool(draft.files) and not draft.failed
    unwell = "refused" if draft.refused else "failed" if draft.failed else "not ready"
    kind = f"{draft.kind}: " if draft.kind else ""
    return Listed(
        id=draft.id,
        status="clip" if there else unwell,
        at=moment(item.get("created_at")),
        words=str(item.get("prompt") or ""),
        size=draft.size if there else None,
        seconds=_number(item.get("duration_s")) if there else None,
        file=draft.files[0].label if there else "",
        reason=f"{kind}{draft.reason or 'no reason is given'}" if draft.failed else "",
        storyboard=_storyboard(item),
    )


def listed_post(item: Mapping[str, Any]) -> Listed:
    """Return a post of the feed in a person's words: who may see it, and its first attachment."""
    post = _mapping(item.get("post")) or item
    attachment = _first_attachment(post) or {}
    draft = draft_from(attachment)
    shared = _mapping(post.get("permissions")).get("share_setting")
    return Listed(
        id=str(post.get("id") or ""),
        status=str(shared or ""),
        at=moment(post.get("posted_at")),
        words=str(post.get("text") or post.get("caption") or attachment.get("prompt") or ""),
        size=draft.size,
        seconds=_number(attachment.get("duration_s")),
        file=draft.files[0].label if draft.files else "",
    )


def clip_id(text: str) -> str:
    """Return the id of a post or draft in what a person gives: the id, or its address. Raises BadInput."""
    for form in (POST_ID, DRAFT_ID):
        found = form.fullmatch(text.strip())
        if found is not None:
            return found[1]
    raise BadInput(
        f"{text!r} is neither a post nor a draft",
        next="give an id such as gen_… (rushes sora inspect drafts), or s_… or the address of a post",
    )


def check_site(text: str, base_url: str) -> None:
    """Check that what a person gives, if it is an address, is one of this site. Raises BadInput."""
    if "://" in text and urlsplit(text.strip()).netloc.lower() != urlsplit(base_url).netloc.lower():
        raise BadInput(
            f"{redact_address(text.strip())} is on another site than base_url, {base_url}",
            next=f"set base_url to the site of that clip, or give its id alone: {clip_id(text)}",
        )


async def clip(engine: SoraWebEngine, id: str) -> Draft:
    """Return where the clip of a post or draft can be had from, its addresses read now.

    Nothing is published for it. Raises NotFound, ContentRefused for a clip that is blocked.
    """
    draft = await (_of_post(engine, id) if id.startswith("s_") else _of_draft(engine, id))
    if draft.failed or not draft.files:
        said = draft.reason or "the service gives no file and no reason"
        kind = ContentRefused if draft.refused else NotFound
        raise kind(f"{id} has no clip: {said}", next="rushes sora inspect drafts lists those that have")
    return draft


async def _of_draft(engine: SoraWebEngine, id: str) -> Draft:
    draft = await engine.lists.draft(id)
    if draft is None:
        raise _no_such(engine, "draft", id)
    return draft


async def _of_post(engine: SoraWebEngine, id: str) -> Draft:
    """Read a post; its attachment holds the same addresses as a draft."""
    try:
        answer = _object(await engine.site.get(f"{POST}/{id}"))
    except ResultGone as error:
        raise _no_such(engine, "post", id) from error
    with suppress(ResultGone, Unreachable):
        await engine.site.get(f"{DOWNLOAD}/{id}")
    attachment = _first_attachment(_mapping(answer.get("post")) or answer)
    if attachment is None:
        raise NotFound(f"the post {id} has no clip", next="rushes sora inspect feed lists your posts")
    draft = draft_from(attachment)
    if attachment.get("output_blocked") is True:
        return replace(draft, files=(), reason="the service blocks it (output_blocked)")
    return draft


def _no_such(engine: SoraWebEngine, kind: str, id: str) -> NotFound:
    where = "feed" if kind == "post" else "drafts"
    return NotFound(
        f"the service has no {kind} {id} for {account_name(engine.profile.account)}",
        next=f"rushes sora inspect {where} lists what there is",
    )


def _storyboard(item: Mapping[str, Any]) -> str:
    """Return the id of the storyboard that a task or draft was made from; a draft tells it twice."""
    return str(item.get("storyboard_id") or _mapping(item.get("creation_config")).get("storyboard_id") or "")


def _first_attachment(post: Mapping[str, Any]) -> Mapping[str, Any] | None:
    found = post.get("attachments")
    return next((one for one in found if isinstance(one, Mapping)), None) if isinstance(found, list) else None


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _object(found: Any) -> Mapping[str, Any]:
    if not isinstance(found, Mapping):
        raise Unreachable("the service answered with something that is not a JSON object")
    return found


def _number(value: Any) -> float | None:
    return float(value) if isinstance(value, int | float) else None
