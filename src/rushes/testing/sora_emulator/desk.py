"""The emulator's own desk under `/emulator`: its faults, its clock, its log, and a page for people."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route

from rushes.testing.sora_emulator.accounts import Account
from rushes.testing.sora_emulator.fault_table import FAULTS
from rushes.testing.sora_emulator.faults import from_json
from rushes.testing.sora_emulator.tasks import AT_ONCE, Task
from rushes.testing.sora_emulator.templates import page
from rushes.testing.sora_emulator.world import World, base_of, json_body

LAST = 30


class Desk:
    """What tests and people turn and read; nothing of it was ever part of the service."""

    def __init__(self, world: World, seen: list[dict[str, Any]]) -> None:
        self.world, self.seen = world, seen

    def routes(self) -> list[Route]:
        return [
            Route("/emulator", self.show),
            Route("/emulator/origins", self.origins),
            Route("/emulator/state", self.state),
            Route("/emulator/faults", self.faults, methods=["GET"]),
            Route("/emulator/faults", self.turn_on, methods=["POST"]),
            Route("/emulator/faults", self.turn_off, methods=["DELETE"]),
            Route("/emulator/log", self.log),
            Route("/emulator/requests", self.requests),
            Route("/emulator/clock", self.clock, methods=["GET"]),
            Route("/emulator/clock", self.set_clock, methods=["POST"]),
        ]

    async def show(self, request: Request) -> Response:
        return HTMLResponse(page("emulator", self.world.origins))

    async def origins(self, request: Request) -> Response:
        return JSONResponse(self.world.origins.as_json())

    async def faults(self, request: Request) -> Response:
        """List what can be turned on, and what is."""
        table = [{"name": name, **asdict(fault)} for name, fault in FAULTS.items()]
        return JSONResponse({"table": table, "on": self.world.faults.as_json()})

    async def turn_on(self, request: Request) -> Response:
        """Turn on one fault, or each of a list: name, value, times, match."""
        body = await json_body(request)
        try:
            for one in body if isinstance(body, list) else [body]:
                from_json(self.world.faults, one if isinstance(one, dict) else {})
        except ValueError as error:
            return _problem(str(error))
        return JSONResponse({"on": self.world.faults.as_json()})

    async def turn_off(self, request: Request) -> Response:
        """Turn off everything, or the fault that `?name=` names."""
        name = request.query_params.get("name")
        if name is None:
            self.world.faults.clear()
        else:
            self.world.faults.remove(name)
        return JSONResponse({"on": self.world.faults.as_json()})

    async def log(self, request: Request) -> Response:
        return JSONResponse([asdict(entry) for entry in self.world.tasks.entries])

    async def requests(self, request: Request) -> Response:
        return JSONResponse(self.seen)

    async def clock(self, request: Request) -> Response:
        return JSONResponse(self.world.clock.as_json())

    async def set_clock(self, request: Request) -> Response:
        """Jump ahead by `advance` seconds, or go on at another `speed`."""
        body = await json_body(request)
        asked = body if isinstance(body, dict) else {}
        try:
            if asked.keys() - {"advance", "speed"} or not asked:
                raise ValueError("the clock takes advance, in seconds, and speed")
            if "advance" in asked:
                await self.world.finish_filming()
                self.world.clock.advance(float(asked["advance"]))
            if "speed" in asked:
                self.world.clock.run_at(float(asked["speed"]))
        except (TypeError, ValueError) as error:
            return _problem(str(error))
        return JSONResponse(self.world.clock.as_json())

    async def state(self, request: Request) -> Response:
        """Show everything that the page shows."""
        accounts = list(self.world.accounts.all.values())
        tasks = [task for task in self.world.tasks.all.values() if not task.stand_in]
        shape = {
            "clock": self.world.clock.as_json(),
            "accounts": [self._account(one) for one in accounts],
            "tasks": [self._task(task, base_of(request)) for task in reversed(tasks)],
            "on": self.world.faults.as_json(),
            "requests": self.seen[-LAST:],
        }
        return JSONResponse(shape)

    def _account(self, account: Account) -> dict[str, Any]:
        now, token = self.world.clock.now(), self.world.accounts.tokens.get(account.token or "")
        return {
            "email": account.email,
            "left": account.left(now),
            "of": account.videos,
            "live": self.world.tasks.live(account),
            "at_once": AT_ONCE,
            "token_seconds": None if token is None else token.expires - now,
        }

    def _task(self, task: Task, base: str) -> dict[str, Any]:
        stand, worked = self.world.tasks.moment(task), self.world.clock.work() - task.began
        ended = task.failure is not None and stand.drafted
        shown = stand.drafted and not task.deleted and not ended
        return {
            "id": task.id,
            "account": task.account,
            "prompt": task.order.prompt,
            "path": task.path,
            "seconds": task.order.n_frames / 30,
            "pixels": task.order.pixels,
            "age": self.world.clock.now() - task.created_at,
            "share": worked / (task.ends - task.began),
            "faults": task.faults,
            "status": "failed" if ended else stand.status,
            "reason": task.failure if ended else stand.reason,
            "progress": stand.progress,
            "drafted": stand.drafted and not task.deleted,
            "url": self._watch(task, base) if shown else None,
        }

    def _watch(self, task: Task, base: str) -> str:
        return self.world.store.address(base, self.world.store.keep(task, "source", "source"))


def _problem(message: str) -> Response:
    return JSONResponse({"error": {"message": message}}, status_code=400)
