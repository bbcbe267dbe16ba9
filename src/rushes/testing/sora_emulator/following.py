"""The calls that follow a task: pending, the endpoint of single tasks, and the drafts."""

from __future__ import annotations

import asyncio
import base64
import json
from typing import Any

from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route

from rushes.testing.sora_emulator.media import PAGE
from rushes.testing.sora_emulator.refusals import HungUp, looks_wrong, not_found, refusal
from rushes.testing.sora_emulator.shapes import NEWS, task_json
from rushes.testing.sora_emulator.tasks import Task
from rushes.testing.sora_emulator.world import World, base_of, json_body, limit_of

PAGE_OF = 15
LONGEST_PAGE = {1: 500, 2: 100}


class Following:
    """What happens to a task, for its own account only."""

    def __init__(self, world: World) -> None:
        self.world = world

    def routes(self) -> list[Route]:
        drafts = "/backend/project_y/profile/drafts"
        return [
            Route("/backend/nf/pending", self.pending),
            Route("/backend/nf/pending/v2", self.pending_v2),
            Route("/backend/nf/tasks/{id}/v2", self.task),
            Route("/backend/v2/recent_tasks", self.recent),
            Route("/backend/generations/{id}/download", self.download),
            Route(drafts, self.drafts),
            Route(f"{drafts}/v2", self.drafts_v2),
            Route(f"{drafts}/cameos", self.none),
            Route(f"{drafts}/cameos/character/{{id}}", self.none),
            Route(f"{drafts}/v2/{{id}}", self.draft),
            Route(f"{drafts}/{{id}}", self.draft, methods=["GET"]),
            Route(f"{drafts}/{{id}}", self.delete, methods=["DELETE"]),
            Route(f"{drafts}/{{id}}/read", self.read, methods=["POST"]),
        ]

    async def pending(self, request: Request) -> Response:
        """List the tasks that are under way, oldest first."""
        account = self.world.bearer(request)
        spoiled = await self._spoiled("")
        if spoiled is not None:
            return spoiled
        base, items = base_of(request), []
        for task in self.world.tasks.of(account):
            if task.stand_in or not self.world.tasks.moment(task).listed or task.first_times("listed-late"):
                continue
            items.append(self._shape(task, base))
        return JSONResponse(items)

    async def pending_v2(self, request: Request) -> Response:
        self.world.bearer(request)
        status = self.world.faults.take("pending-v1-only")
        if status is not None:
            raise refusal(int(status), "Not found")
        return await self.pending(request)

    async def task(self, request: Request) -> Response:
        """Show one task, whose generations hold its draft once it has ended."""
        account, id = self.world.bearer(request), request.path_params["id"]
        task = self.world.tasks.all.get(id)
        prompt = "" if task is None else task.order.prompt
        spoiled = await self._spoiled(prompt)
        if spoiled is not None:
            return spoiled
        if self.world.faults.take("tasks-403", prompt) is not None:
            raise refusal(403, "Forbidden")
        if task is None or task.account != account.email or self._hides(task):
            raise not_found("task")
        return JSONResponse(self._shape(task, base_of(request)))

    async def recent(self, request: Request) -> Response:
        """List the newest tasks, whatever became of them; `before` is the id of the last one seen."""
        account, before = self.world.bearer(request), request.query_params.get("before")
        limit = limit_of(request, 20, 100)
        tasks = [
            task for task in self.world.tasks.of(account) if not task.stand_in and "lost" not in task.faults
        ]
        tasks.reverse()
        ids = [task.id for task in tasks]
        if before is not None and before not in ids:
            raise looks_wrong("before")
        rest = tasks if before is None else tasks[ids.index(before) + 1 :]
        page = [self._shape(task, base_of(request)) for task in rest[:limit]]
        last = page[-1]["id"] if page else None
        return JSONResponse({"task_responses": page, "last_id": last, "has_more": len(rest) > limit})

    async def download(self, request: Request) -> Response:
        """Lead to a draft's file; that it is the same as `downloadable_url` is a guess."""
        self.world.bearer(request)
        draft = self.world.drafts.write(self._drafted(request), base_of(request))
        if not draft.get("downloadable_url"):
            raise not_found("generation")
        return JSONResponse({"url": draft["downloadable_url"]})

    def _hides(self, task: Task) -> bool:
        known = self.world.tasks.moment(task).known
        return not known or self.world.faults.take("tasks-404", task.order.prompt) is not None

    async def drafts(self, request: Request) -> Response:
        return await self._page(request, version=1)

    async def drafts_v2(self, request: Request) -> Response:
        self.world.bearer_or_cookie(request)
        status = self.world.faults.take("drafts-v1-only")
        if status is not None:
            raise refusal(int(status), "Not found")
        return await self._page(request, version=2)

    async def none(self, request: Request) -> Response:
        self.world.bearer_or_cookie(request)
        return JSONResponse({"items": [], "cursor": None})

    async def draft(self, request: Request) -> Response:
        """Show one draft, with fresh addresses."""
        task = self._drafted(request)
        if self.world.faults.take("draft-404", task.order.prompt) is not None:
            raise not_found("draft")
        draft = self.world.drafts.write(task, base_of(request))
        wrapped = self.world.faults.take("wrapped-draft", task.order.prompt) is not None
        return JSONResponse({"draft": draft, "profile": None} if wrapped else draft)

    async def read(self, request: Request) -> Response:
        task = self._drafted(request)
        if (
            await json_body(request) != {}
            or self.world.faults.take("read-400", task.order.prompt) is not None
        ):
            raise looks_wrong()
        task.reviewed = True
        return JSONResponse({})

    async def delete(self, request: Request) -> Response:
        self._drafted(request).deleted = True
        return JSONResponse({})

    def _drafted(self, request: Request) -> Task:
        account = self.world.bearer_or_cookie(request)
        task = self.world.tasks.by_generation(account, request.path_params["id"])
        if task is None:
            raise not_found("draft")
        return task

    def _shape(self, task: Task, base: str) -> dict[str, Any]:
        stand = self.world.tasks.moment(task)
        generations = [self.world.drafts.write(task, base)] if stand.drafted and not task.deleted else []
        shape = task_json(task, stand, generations)
        if task.failure is not None and stand.drafted:
            shape["status"] = "failed"
        if self.world.faults.take("extra-fields", task.order.prompt) is not None:
            shape |= NEWS
        return shape

    async def _spoiled(self, prompt: str) -> Response | None:
        """Return what a fault shows in place of a poll's answer."""
        faults = self.world.faults
        await asyncio.sleep(float(faults.take("poll-hangs", prompt) or 0))
        if faults.take("poll-500", prompt) is not None:
            raise refusal(500, "Internal server error", type="server_error")
        if faults.take("poll-drop", prompt) is not None:
            raise HungUp
        if faults.take("poll-html", prompt) is not None:
            return HTMLResponse(PAGE)
        if faults.take("poll-garbage", prompt) is not None:
            return Response('[{"id": "task_01k', media_type="application/json")
        return None

    async def _page(self, request: Request, *, version: int) -> Response:
        """Show one page of the drafts, newest first, and where the next one begins."""
        account, faults = self.world.bearer_or_cookie(request), self.world.faults
        if faults.take("drafts-500") is not None:
            raise refusal(500, "Internal server error", type="server_error")
        if faults.take("drafts-html") is not None:
            return HTMLResponse(PAGE)
        limit = limit_of(request, PAGE_OF, LONGEST_PAGE[version])
        after = _after(request.query_params.get("cursor"))
        if after is None and faults.take("empty-page") is not None:
            return JSONResponse({"items": [], "cursor": _cursor(None)})
        fitting = [
            task
            for task in self.world.tasks.drafted(account)
            if after is None or after == [] or [task.ends, task.id] < after
        ]
        if after is None:
            fitting = [task for task in fitting if not task.first_times("drafts-lag")]
        page, rest = fitting[:limit], fitting[limit:]
        cursor = _cursor(page[-1]) if rest else None
        if cursor is None and page and faults.take("cursor-loops") is not None:
            cursor = _cursor(None)
        items = [self.world.drafts.write(task, base_of(request)) for task in page]
        return JSONResponse({"items": items, "cursor": cursor})


def _cursor(last: Task | None) -> str:
    """Return where the page after `last` begins; None: at the beginning."""
    place = None if last is None else [last.ends, last.id]
    shape = {"habidex_cursor": place, "projects_cursor": None}
    return base64.urlsafe_b64encode(json.dumps(shape).encode()).decode()


def _after(cursor: str | None) -> list[Any] | None:
    """Return the place that a cursor names: [] is the beginning, None no cursor at all."""
    if cursor is None:
        return None
    try:
        place = json.loads(base64.urlsafe_b64decode(cursor))["habidex_cursor"]
    except (ValueError, KeyError, TypeError) as error:
        raise looks_wrong("cursor") from error
    return place or []
