"""The calls that make videos: create, storyboard, several at once, and the extension of a draft."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from rushes.domain.errors import RushesError
from rushes.testing.sora_emulator.accounts import Account
from rushes.testing.sora_emulator.media import PAGE
from rushes.testing.sora_emulator.moderation import objection
from rushes.testing.sora_emulator.orders import Order, check_doubtful, read_order
from rushes.testing.sora_emulator.refusals import HungUp, Refused, looks_wrong, not_found, refusal
from rushes.testing.sora_emulator.sentinel import CREATE_FLOWS
from rushes.testing.sora_emulator.shapes import balance
from rushes.testing.sora_emulator.staging import scene_of_task
from rushes.testing.sora_emulator.styles import STYLE_IDS
from rushes.testing.sora_emulator.tasks import AT_ONCE, Task, new_id
from rushes.testing.sora_emulator.world import World, json_body

BULK = 4


class Creates:
    """The routes under which a video can be asked for. Each of them needs a token of both kinds."""

    def __init__(self, world: World) -> None:
        self.world = world

    def routes(self) -> list[Route]:
        drafts = "/backend/project_y/profile/drafts"
        return [
            Route("/backend/nf/create", self.create, methods=["POST"]),
            Route("/backend/nf/create/storyboard", self.create, methods=["POST"]),
            Route("/backend/nf/bulk_create", self.bulk, methods=["POST"]),
            Route(f"{drafts}/{{id}}/long_video_extension", self.extend, methods=["POST"]),
        ]

    async def create(self, request: Request) -> Response:
        """Accept one video, or refuse or lose it as the faults say."""
        body = await json_body(request)
        account = self._enter(request, _prompt(body))
        order = self._read(body, account)
        if request.url.path.endswith("/storyboard"):
            order = replace(order, storyboard_id=new_id("storyboard"))
        (task,) = await self._accept(request, account, order)
        return await self._answer(task, {**_ticket(task), **self._balance(account)})

    async def bulk(self, request: Request) -> Response:
        """Accept several of the same; the answer is a list of tasks."""
        body = await json_body(request)
        account = self._enter(request, _prompt(body))
        count = body.pop("nsamples", 1) if isinstance(body, dict) else 0
        if type(count) is not int or not 1 <= count <= BULK:
            raise looks_wrong("nsamples")
        order = self._read(body, account)
        tasks = await self._accept(request, account, order, count)
        answers = [{**_ticket(task), **self._balance(account)} for task in tasks]
        return await self._answer(tasks[0], answers)

    async def extend(self, request: Request) -> Response:
        """Accept the extension of a draft: its clip, and so many seconds more."""
        body = await json_body(request)
        account = self._enter(request, _prompt(body, "user_prompt"))
        before = self.world.tasks.by_generation(account, request.path_params["id"])
        if before is None:
            raise not_found("draft")
        if before.failure is not None or before.post_id is not None:
            raise looks_wrong()
        order = replace(_extension(body, before.order), extends=before.generation_id)
        (task,) = await self._accept(request, account, order)
        return await self._answer(task, {"id": task.id})

    def _read(self, body: Any, account: Account) -> Order:
        order = read_order(body, knows=lambda kind, id: self._knows(account, kind, id))
        check_doubtful(order, lambda fault: self.world.faults.take(fault, order.prompt) is not None)
        return order

    def _enter(self, request: Request, prompt: str) -> Account:
        faults = self.world.faults
        account = self.world.bearer(request, prompt)
        if faults.take("drop-before", prompt) is not None:
            raise HungUp
        self.world.check_page(request, prompt)
        self.world.prove(request, CREATE_FLOWS, prompt)
        self._scripted(account, prompt)
        reason = objection("create", prompt)
        if reason is not None and faults.look("no-moderation", prompt) is None:
            raise refusal(400, reason)
        return account

    def _scripted(self, account: Account, prompt: str) -> None:
        """Refuse as a fault says. Raises `Refused`."""
        faults = self.world.faults
        for name, (status, message, code) in _REFUSALS.items():
            value = faults.take(name, prompt)
            if value is not None:
                raise refusal(
                    int(value) if value.isdigit() else status, message, code=code, headers=self._wait(prompt)
                )
        if (region := faults.take("region", prompt)) is not None:
            raise unsupported_country(int(region))
        if (count := faults.take("too-many-tasks", prompt)) is not None:
            raise self._too_many(int(float(count)), prompt)
        if (cap := faults.take("daily-cap", prompt)) is not None:
            message = f"You've already generated {cap} videos in the last day"
            raise refusal(429, message, headers=self._wait(prompt))
        if (seconds := faults.take("quota", prompt)) is not None:
            raise self._exhausted(account, int(float(seconds)), prompt)

    async def _accept(self, request: Request, account: Account, order: Order, count: int = 1) -> list[Task]:
        """Check what is left, take the tasks on for good, and have them filmed meanwhile."""
        world = self.world
        if (pixels := world.faults.take("pixels", order.prompt)) is not None:
            width, _, height = pixels.partition("x")
            order = replace(order, made=(int(width), int(height)))
        if (live := world.tasks.live(account)) + count > AT_ONCE:
            raise self._too_many(live, order.prompt)
        if account.left(world.clock.now()) < count:
            raise self._exhausted(account, account.resets_in(world.clock.now()), order.prompt)
        tasks = [world.tasks.accept(account, order, request.url.path) for _ in range(count)]
        world.save()
        self.resume()
        return tasks

    def resume(self) -> None:
        """Begin to film the clips that are neither there nor being filmed, those of an earlier run too."""
        for task in self.world.tasks.all.values():
            begun = task.id in self.world.filming or task.failure is not None
            if task.clip is None and not task.stand_in and not begun:
                self.world.filming[task.id] = asyncio.create_task(self._film(task))

    async def _film(self, task: Task) -> None:
        """Have a task's clip filmed; where that goes wrong, the task fails and says why."""
        world, scene = self.world, scene_of_task(self.world, task)
        try:
            clip = await world.studio.film(scene, drawn=world.drawn)
        except (RuntimeError, ValueError, OSError, RushesError) as error:
            task.faults["render-error"] = str(error)
        else:
            world.tasks.show(task, clip)
        del world.filming[task.id]

    async def _answer(self, task: Task, body: Any) -> Response:
        """Answer for what was accepted, late, wrongly or not at all as the faults say."""
        faults, prompt = self.world.faults, task.order.prompt
        await asyncio.sleep(float(faults.take("slow-create", prompt) or 0))
        if faults.take("drop-create", prompt) is not None:
            raise HungUp
        if (status := faults.take("create-500-accepted", prompt)) is not None:
            raise refusal(int(status), "Internal server error", type="server_error")
        if faults.take("create-html", prompt) is not None:
            return HTMLResponse(PAGE)
        if faults.take("create-see-other", prompt) is not None:
            return RedirectResponse(f"/backend/nf/created/{task.id}", status_code=303)
        if faults.take("no-id", prompt) is not None:
            body = {"task_type": "video_gen", "priority": 1}
        if faults.take("no-balance", prompt) is not None:
            body = {"id": task.id}
        return JSONResponse([body] if faults.take("create-list", prompt) is not None else body)

    def _balance(self, account: Account) -> dict[str, Any]:
        return {"rate_limit_and_credit_balance": balance(account, self.world.clock.now())}

    def _wait(self, prompt: str) -> dict[str, str]:
        seconds = self.world.faults.take("retry-after", prompt)
        return {} if seconds is None else {"Retry-After": seconds}

    def _too_many(self, count: int, prompt: str) -> Refused:
        message = f"You already have {count} generations in progress. Please wait for them to finish."
        return refusal(
            429,
            message,
            code="too_many_concurrent_tasks",
            details={"num_tasks": count},
            headers=self._wait(prompt),
        )

    def _exhausted(self, account: Account, seconds: int, prompt: str) -> Refused:
        left = balance(account, self.world.clock.now(), resets_in=seconds)
        body = {"type": "rate_limit_exhausted", "rate_limit_and_credit_balance": left}
        return Refused(JSONResponse(body, status_code=429, headers=self._wait(prompt)))

    def _knows(self, account: Account, kind: str, id: str) -> bool:
        things = self.world.things
        if kind == "style":
            return id in STYLE_IDS
        if kind == "generation":
            return self.world.tasks.by_generation(account, id) is not None
        if kind == "target":
            return id in things.posts or self.world.tasks.by_generation(account, id) is not None
        if kind == "storyboard":
            return any(task.order.storyboard_id == id for task in self.world.tasks.of(account))
        shelf = {"upload": things.uploads, "file": things.files, "reference": things.references}[kind]
        return things.find(shelf, id, account.email) is not None


_REFUSALS: dict[str, tuple[int, str, str | None]] = {
    "unable-to-process": (400, "Unable to process request", None),
    "something-not-right": (
        400,
        "Hmmm something didn't look right with your request. Please try again later or visit "
        "https://help.openai.com if this issue persists.",
        None,
    ),
    "payment": (402, "You have no credits left.", None),
    "phone-number": (403, "Please verify your phone number.", "phone_number_required"),
    "heavy-load": (429, "We're under heavy load, please try again later", "heavy_load"),
}


def unsupported_country(status: int) -> Refused:
    message = "Sora is not available in your country."
    return refusal(status, message, code="unsupported_country_code", param="ZZ")


def _prompt(body: Any, name: str = "prompt") -> str:
    return str(body.get(name, "")) if isinstance(body, dict) else ""


def _ticket(task: Task) -> dict[str, Any]:
    return {"id": task.id, "task_type": "video_gen", "priority": 1}


def _extension(body: Any, before: Order) -> Order:
    """Read the body of an extension; what comes out holds the clip before as well."""
    if not isinstance(body, dict) or body.keys() - {"user_prompt", "extension_duration_s", "enable_rewrite"}:
        raise looks_wrong()
    prompt, seconds = body.get("user_prompt"), body.get("extension_duration_s")
    if not isinstance(prompt, str) or not prompt.strip():
        raise looks_wrong("user_prompt")
    if type(seconds) is not int or seconds not in (10, 15):
        raise looks_wrong("extension_duration_s")
    if not isinstance(body.get("enable_rewrite", True), bool):
        raise looks_wrong("enable_rewrite")
    return replace(before, prompt=prompt, n_frames=before.n_frames + 30 * seconds)
