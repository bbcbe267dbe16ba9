"""The service's lists: pending tasks, one task, drafts; newer addresses first, older where those are gone."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from typing import Any
from urllib.parse import urlencode

from rushes.domain.errors import AccountBlocked, EngineError, ResultGone, Unreachable
from rushes.engines.sora_web.site import Site
from rushes.engines.sora_web.tasks import Draft, draft_from

DRAFTS = ("/backend/project_y/profile/drafts/v2", "/backend/project_y/profile/drafts")
PENDING = ("/backend/nf/pending/v2", "/backend/nf/pending")

PAGE = 15
"""Drafts on a page, as the browser asked for them."""

PAGES_LIMIT = 20
"""Pages that are read at most: a draft further back than 300 others is not looked for."""


class Lists:
    """Reads the lists of the signed-in account."""

    def __init__(self, site: Site) -> None:
        self._site = site

    async def pending(self) -> list[Mapping[str, Any]]:
        """Return the live tasks; an item is one as long as nobody knows better."""
        found = await self._first_of(PENDING)
        if not isinstance(found, list):
            raise Unreachable("the service answered with something that is not a list of tasks")
        return [one for one in found if isinstance(one, Mapping)]

    async def task(self, id: str) -> Mapping[str, Any] | None:
        """Return one task, None where the service has no such address or no such task any more.

        No capture of a browser shows this address: whatever it refuses, the other lists are asked too.
        """
        try:
            found = await self._site.get(f"/backend/nf/tasks/{id}/v2")
        except (ResultGone, AccountBlocked, Unreachable):
            return None
        return found if isinstance(found, Mapping) and found.get("id", id) == id else None

    async def newest_drafts(self) -> list[Mapping[str, Any]]:
        """Return the first page of drafts."""
        items, _ = await self._page(None)
        return list(items)

    async def drafts(self) -> AsyncIterator[Mapping[str, Any]]:
        """Yield the drafts, newest first. A page may be empty and yet have another behind it."""
        cursor: str | None = None
        seen: set[str | None] = {None}
        while len(seen) <= PAGES_LIMIT:
            items, cursor = await self._page(cursor)
            for item in items:
                yield item
            if cursor in seen:
                return
            seen.add(cursor)

    async def drafts_of(self, task: str) -> list[Draft]:
        """Return the drafts of one task: by its id, never the latest."""
        found: list[Draft] = []
        async for item in self.drafts():
            draft = draft_from(item)
            if draft.task_id == task:
                found.append(draft)
            elif found:
                # What one task made stands together.
                break
        return found

    async def draft(self, id: str) -> Draft | None:
        """Return one draft read now, None where the service does not have it."""
        for path in DRAFTS:
            try:
                found = await self._site.get(f"{path}/{id}")
            except ResultGone:
                continue
            if isinstance(found, Mapping):
                return draft_from(found)
        return None

    async def _page(self, cursor: str | None) -> tuple[Sequence[Mapping[str, Any]], str | None]:
        words = {"limit": PAGE} | ({"cursor": cursor} if cursor is not None else {})
        found = await self._first_of(tuple(f"{path}?{urlencode(words)}" for path in DRAFTS))
        items = found.get("items") if isinstance(found, Mapping) else None
        if not isinstance(items, list):
            raise Unreachable("the service answered with something that is not a list of drafts")
        assert isinstance(found, Mapping)
        further = found.get("cursor")
        return [one for one in items if isinstance(one, Mapping)], further if isinstance(
            further, str
        ) else None

    async def _first_of(self, paths: Sequence[str]) -> Any:
        """Return what the first address that there is answers."""
        gone: EngineError | None = None
        for path in paths:
            try:
                return await self._site.get(path)
            except ResultGone as error:
                gone = error
        raise Unreachable(f"the service has none of its lists any more ({gone})") from gone
